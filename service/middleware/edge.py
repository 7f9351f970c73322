"""In front of Flask: who is let in, and what needs no view to be answered.

A request without a ``Host``, or with two, is refused (RFC 9112, section 3.2); one that comes while
too much is done already, too (``api.turns``). A kept answer is given at once, with a tag that
matches as 304. A usual one of the two questions that are asked most is answered by ``api.hot``.
All others go to Flask, which would answer the same.
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import BadRequest

from service import logs
from service.api import hot, problems
from service.api.hot import Answered
from service.api.turns import Body, TooMuch, Turns, read_body
from service.api.wiring import Wiring
from service.auth import addresses
from service.auth.addresses import Network
from service.middleware import notes
from service.middleware.kept import Answers, Header, Kept, Miss
from service.middleware.notes import HEADERS, REQUEST, Notes, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ASKING: Final = ("GET", "HEAD")
_PROBES: Final = ("/healthz", "/readyz", "/metrics")
_ONE_TAG: Final = re.compile(r'(?:W/)?"[^",]*"')
_ALL: Final[tuple[Header, ...]] = tuple(HEADERS.items())
_ASKED_AGAIN: Final[tuple[Header, ...]] = (*_ALL, ("Cache-Control", "no-cache"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How much is done at once, and whose word about who asks is taken."""

    turns: Turns
    trusted: tuple[Network, ...] = ()


class Edge:
    """A WSGI application around another."""

    def __init__(
        self, inner: "WSGIApplication", house: Wiring, noting: Notes, crowd: "Crowd"
    ) -> None:
        self._inner = inner
        self._house = house
        self._notes = noting
        self._turns = crowd.turns
        self._trusted = crowd.trusted
        self._answers: Answers | None = None
        self._open = False
        self._most_bytes = 0

    def open(self, answers: Answers | None, most_bytes: int) -> None:
        """Answer here, too: from ``answers`` where they are kept, and short ones.

        Only where reading needs no key: so who asks does not make the answer.
        """
        self._answers, self._open = answers, True
        self._most_bytes = min(most_bytes, hot.MOST_BYTES)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request."""
        one = environ[REQUEST] = notes.begun(environ)
        if not _has_one_host(environ):
            return self._refused(BadRequest(), one, environ, start_response)
        if self._open and "HTTP_AUTHORIZATION" not in environ and "HTTP_COOKIE" not in environ:
            if environ["REQUEST_METHOD"] in _ASKING:
                return self._asked(one, environ, start_response)
            if environ["PATH_INFO"] == hot.CHECK_PATH and self._is_short(environ):
                return self._checked(one, environ, start_response)
        return self._handed_on(one, environ, start_response)

    # What is asked by its URL.

    def _asked(
        self, one: Request, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        if path.startswith("/v1/") and "min_position" not in query:
            form, coding = environ.get("HTTP_ACCEPT"), environ.get("HTTP_ACCEPT_ENCODING")
            given = self._kept(one, (path, query, form, coding), environ, start_response)
            if given is not None:
                return given
            if path.startswith("/v1/access/") and environ["REQUEST_METHOD"] == "GET":
                return self._handed_on(one, environ, start_response, short=True)
        return self._handed_on(one, environ, start_response)

    def _kept(
        self,
        one: Request,
        key: Hashable,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes] | None:
        """Give a kept answer; None where there is none, or what is asked for is unusual."""
        if self._answers is None:
            return None
        method = environ["REQUEST_METHOD"]
        found = self._answers.find(key)
        if isinstance(found, Miss):
            one.miss = None if method == "HEAD" else found
            return None
        has = environ.get("HTTP_IF_NONE_MATCH")
        if has is not None and method in _ASKING:
            if _ONE_TAG.fullmatch(has) is None:
                return None
            if found.tag is not None and has.removeprefix("W/") == found.tag:
                return self._given(304, found, found.bare, one, environ, start_response)
        return self._given(200, found, found.headers, one, environ, start_response)

    def _given(  # noqa: PLR0913, PLR0917 -- all of an answer
        self,
        status: int,
        found: Kept,
        headers: Sequence[Header],
        one: Request,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        self._notes.answered(one, method, found.path, found.route, status)
        line = "200 OK" if status == 200 else "304 NOT MODIFIED"  # noqa: PLR2004 -- OK
        start_response(line, [*headers, ("X-Request-ID", one.id)])
        return [] if method == "HEAD" or status != 200 else [found.body]  # noqa: PLR2004 -- OK

    # Checks.

    def _is_short(self, environ: "WSGIEnvironment") -> bool:
        """Tell whether a check is one of the usual, as far as its head tells."""
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["REQUEST_METHOD"] == "POST"
            and not environ["QUERY_STRING"]
            and environ.get("CONTENT_TYPE") == "application/json"
            and length.isdigit()
            and length.isascii()
            and len(length) < 9  # noqa: PLR2004 -- digits that int() need not fear
            and 0 < int(length) <= self._most_bytes
            and hot.usual(environ)
            and "HTTP_TRANSFER_ENCODING" not in environ
            and "HTTP_CONTENT_ENCODING" not in environ
        )

    def _checked(
        self, one: Request, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        length = int(environ["CONTENT_LENGTH"])
        try:
            raw = read_body(environ["wsgi.input"], length, self._turns, self._client(environ))
        except TooMuch as error:
            return self._refused(error, one, environ, start_response)
        environ["wsgi.input"] = BytesIO(raw)
        if len(raw) != length:
            return self._handed_on(one, environ, start_response)
        given = self._kept(one, raw, environ, start_response)
        if given is not None:
            return given
        return self._handed_on(one, environ, start_response, raw=raw)

    # What is worked for.

    def _handed_on(
        self,
        one: Request,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        *,
        short: bool = False,
        raw: bytes | None = None,
    ) -> Iterable[bytes]:
        if environ["PATH_INFO"] in _PROBES:
            return self._inner(environ, start_response)
        try:
            self._turns.take()
        except TooMuch as error:
            return self._refused(error, one, environ, start_response)
        try:
            if raw is not None or (short and hot.usual(environ)):
                answered = self._short(one, environ, raw)
                if answered is not None:
                    return self._told(answered, one, environ, start_response)
            elif environ["REQUEST_METHOD"] not in _ASKING:
                client = self._client(environ)
                environ["wsgi.input"] = Body(environ["wsgi.input"], self._turns, client)
            return self._inner(environ, start_response)
        finally:
            self._turns.give()

    def _short(
        self, one: Request, environ: "WSGIEnvironment", raw: bytes | None
    ) -> Answered | None:
        logs.request_id.set(one.id)
        try:
            stamp = None
            if one.miss is not None and self._house.replicas is None:  # It is the primary's.
                stamp = one.miss.stamp
            if raw is not None:
                return hot.check(self._house, raw, stamp)
            return hot.explained(self._house, environ, stamp)
        finally:
            logs.request_id.set(None)

    def _told(
        self,
        answered: Answered,
        one: Request,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        checked = answered.route == hot.CHECK_PATH
        headers = [*answered.headers, *(_ASKED_AGAIN if checked else _ALL)]
        if self._answers is not None and one.miss is not None and answered.good is not None:
            self._answers.keep(
                one.miss, answered.good, headers, answered.body, route=answered.route, path=path
            )
        self._notes.answered(one, environ["REQUEST_METHOD"], path, answered.route, 200)
        start_response("200 OK", [*headers, ("X-Request-ID", one.id)])
        return [answered.body]

    def _client(self, environ: "WSGIEnvironment") -> str:
        peer = environ.get("REMOTE_ADDR") or ""
        if not self._trusted and ":" not in peer:
            return str(peer)
        return addresses.client(peer, environ.get("HTTP_X_FORWARDED_FOR"), self._trusted)

    def _refused(
        self,
        error: Exception,
        one: Request,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        token = logs.request_id.set(one.id)
        try:
            response = problems.answer(problems.problem_of(error))
        finally:
            logs.request_id.reset(token)
        notes.complete(response, environ, one)
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        self._notes.answered(one, environ["REQUEST_METHOD"], path, None, response.status_code)
        return response(environ, start_response)


def _has_one_host(environ: "WSGIEnvironment") -> bool:
    """Tell whether a request names one host; the server below joins several by commas."""
    host = environ.get("HTTP_HOST")
    if not host:
        return environ.get("SERVER_PROTOCOL") != "HTTP/1.1"
    return "," not in host
