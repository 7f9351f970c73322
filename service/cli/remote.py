"""Asking another accessline server instead of a database: `--server URL`.

What it answers is what the HTTP API answers, and what it refuses gets the exit code and, as far as
they mean the same, the sentence that the command itself would have for it. Redirects are not
followed: they would take the key elsewhere.
"""

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import click
import msgspec

from service import __version__
from service.cli import exits, output
from service.cli.exits import Code, Failed
from service.domain.times import When

KEY: Final = "ACCESSLINE_KEY"
"""The variable with the key for a server: on a command line everybody on the machine could see it.

It belongs to the client and is no setting of the service.
"""

SECONDS: Final = 60
MOST_BYTES: Final = 256 * 1024 * 1024
_PAGE: Final = 1000
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

_CODES: Final[Mapping[int, Code]] = {
    400: Code.USAGE,
    404: Code.UNKNOWN,
    409: Code.NO,
    413: Code.USAGE,
    414: Code.USAGE,
    422: Code.USAGE,
}

Json = dict[str, Any]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to ask.

    Attributes:
        url: Of its root, without a slash at the end.
    """

    url: str
    key: str | None = field(default=None, repr=False)

    def get(self, *path: str, **query: object) -> Json:
        """Return what the server answers; a parameter that is None is left out.

        Args:
            path: Its steps below `/v1`.
            query: Parameters; `since` is sent as `from`, a list with commas.

        Raises:
            Failed: It refuses, or there is none.
        """
        url = f"{self.url}/v1/{'/'.join(quote(step, safe='') for step in path)}"
        sent = {_NAMES.get(name, name): _text(value) for name, value in query.items() if value}
        if sent:
            url += f"?{urlencode(sent)}"
        answer = self._read(self._request(url))
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise self.stranger() from error
        if not isinstance(found, dict):
            raise self.stranger()
        return found

    def file(self, *path: str) -> bytes | None:
        """Return a file of the server, None where it has none of that path.

        Raises:
            Failed: It refuses, or there is none.
        """
        url = f"{self.url}/{'/'.join(quote(step, safe='') for step in path)}"
        try:
            return self._read(self._request(url, "*/*"))
        except Failed as error:
            if error.code is Code.UNKNOWN:
                return None
            raise

    def all_of(self, *path: str, **query: object) -> Json:
        """Return a list with the items of all its parts."""
        first, *parts = self.parts_of(*path, **query)
        items = [item for part in (first, *parts) for item in part["items"]]
        return {**first, "items": items, "next": None}

    def parts_of(self, *path: str, **query: object) -> Iterator[Json]:
        """Yield the parts of a list, each when the one before was read."""
        following, seen = None, set()
        while True:
            part = self.get(*path, limit=_PAGE, cursor=following, **query)
            some, following = part.get("items"), part.get("next")
            if not isinstance(some, list) or following in seen:
                raise self.stranger()
            yield part
            if following is None:
                return
            seen.add(following)

    def read_as(self, kind: type[_T], value: object) -> _T:
        """Return a part of an answer as what it means here.

        Raises:
            Failed: It is something else.
        """
        try:
            return msgspec.convert(value, kind, dec_hook=_when)
        except (msgspec.ValidationError, ValueError) as error:
            raise self.stranger() from error

    def stranger(self) -> Failed:
        """Return the failure for an answer that is none of ours."""
        sentence = f"{self.url} answers, but not as an accessline server of this version does."
        return Failed(Code.ENVIRONMENT, sentence)

    def _request(self, url: str, accept: str = "application/json") -> urllib.request.Request:
        headers = {"Accept": accept, "User-Agent": f"accessline/{__version__}"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        return urllib.request.Request(url, headers=headers)  # noqa: S310 -- http or https, by ServerUrl

    def _read(self, request: urllib.request.Request) -> bytes:
        try:
            with _OPENER.open(request, timeout=SECONDS) as response:
                body: bytes = response.read(MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from error
        except (OSError, HTTPException) as error:
            met = getattr(error, "reason", None) or error
            reason = getattr(met, "strerror", None) or met
            sentence = f"{self.url} does not answer: {reason}. Is a server there? accessline serve"
            raise Failed(Code.ENVIRONMENT, sentence) from error
        if len(body) > MOST_BYTES:
            sentence = f"{self.url} answered more than {MOST_BYTES:,} bytes: ask for less."
            raise Failed(Code.ENVIRONMENT, sentence)
        return body

    def _refusal(self, error: urllib.error.HTTPError) -> Failed:
        """Return a refusal of the server as the command's own."""
        if 300 <= error.code < 400:  # noqa: PLR2004 -- redirects
            sentence = (
                f"{self.url} sends us to {error.headers.get('Location', 'another place')}, and no"
                " redirect is followed: give the URL of the server itself."
            )
            return Failed(Code.ENVIRONMENT, sentence)
        try:
            problem = json.loads(error.read(MOST_BYTES))
            detail, faults = str(problem["detail"]), tuple(_faults(problem))
        except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError):
            return self.stranger()
        if error.code in (401, 403):
            return Failed(Code.ENVIRONMENT, f"{self.url}: {detail} The key is read from {KEY}.")
        code = _CODES.get(error.code, Code.ENVIRONMENT)
        if code is Code.ENVIRONMENT:
            return Failed(code, f"{self.url}: {detail}")
        unknown = faults and all(_UNKNOWN.match(text) for _, text in faults)
        sentences = tuple(exits.placed(name, text) for name, text in faults) or (detail,)
        return Failed(Code.UNKNOWN if unknown else code, *sentences)


@contextmanager
def reading(server: Server | None) -> Iterator[None]:
    """Read an answer: one of a server that lacks what it must have is none of ours.

    Raises:
        Failed: It lacks something.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if server is None:
            raise
        raise server.stranger() from error


class ServerUrl(click.ParamType[Server]):
    """The URL of a server, with the key from the environment."""

    name = "url"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Server:
        """Return the server, or say what is wrong with its URL."""
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        plain = value.isascii() and value.isprintable() and " " not in value
        extra = parts.query or parts.fragment or "@" in parts.netloc
        if parts.scheme not in ("http", "https") or not host or not plain or extra:
            message = "Give the URL of a server, such as https://access.example.org, and no more."
            self.fail(message, param, ctx)
        key = os.environ.get(KEY, "").strip() or None
        if key is not None and not (key.isascii() and key.isprintable()):
            self.fail(f"{KEY} holds no key: one looks like alk_<id>_<secret>.", param, ctx)
        if key is not None and parts.scheme == "http" and host not in _LOOPBACK:
            output.note(f"The key of {KEY} goes to {host} unencrypted: https:// would protect it.")
        return Server(url=value.rstrip("/"), key=key)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect to be an error."""

    def redirect_request(  # noqa: PLR0913, PLR0917 -- as urllib has it
        self,
        req: urllib.request.Request,  # noqa: ARG002
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        """Follow none."""
        return


_OPENER: Final = urllib.request.build_opener(_NoRedirects)
_NAMES: Final = {"since": "from"}
_UNKNOWN: Final = re.compile(r"There is no (?!parameter )\w+ ['\"]")
"""How the sentence of an id that is not known begins, whatever its parameter is called."""


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _when(kind: type, value: object) -> object:
    return When.occurrence(value) if kind is When and isinstance(value, str) else value


def _faults(problem: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for fault in problem.get("errors", ()):
        yield str(fault.get("parameter") or ""), str(fault["detail"])
