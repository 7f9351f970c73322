"""Around every request: its id, its line in the log, its headers, its place in the metrics.

Every request gets an id (its own ``X-Request-ID``, where that is fit for a log), one line in the
log, and headers that keep a browser from guessing, framing, embedding or running what it gets. An
answer to a key is kept by nobody; any other is asked for again, where the view does not say more.
There is no ``X-Frame-Options``, which ``frame-ancestors`` replaces, and no ``Strict-Transport-
Security``: whoever ends TLS in front of this server sets it.

``edge`` stands in front of Flask: it lets in what can be done, gives answers that were ``kept``,
and the short ones of ``api.hot``. What it hands on comes by here, before and after its view.
"""

from typing import Final, cast

from flask import Flask, Response, request

from service import logs
from service.api import keeping
from service.api.wiring import Wiring
from service.middleware import notes
from service.middleware.edge import Crowd, Edge
from service.middleware.kept import Answers
from service.middleware.notes import REQUEST, Notes, Request
from service.store.watching import watch

_MIB: Final = 1024 * 1024


def install(app: Flask, house: Wiring, crowd: Crowd, *, public_reads: bool, cache_mb: int) -> None:
    """Put it around every request of an application.

    Args:
        app: The application.
        house: What its views are wired to.
        crowd: How much is done at once.
        public_reads: Whether a request without a key is answered at all.
        cache_mb: MiB of answers that are kept; 0 for none.
    """
    answers = None
    if cache_mb:
        watching = watch(house.database, replicated=house.replicas is not None)
        answers = Answers(watching, house.clock, cache_mb * _MIB)
        house.metrics.more.append(answers.told)
    noting = Notes(house.metrics)

    def finish(response: Response) -> Response:
        one = _asked()
        notes.complete(response, request.environ, one)
        route = None if request.url_rule is None else request.url_rule.rule
        if answers is not None and one.miss is not None:
            _keep(answers, one, response, route)
        noting.answered(one, request.method, request.path, route, response.status_code)
        return response

    app.before_request(_begin)
    app.after_request(finish)
    app.teardown_request(_end)
    edge = Edge(app.wsgi_app, house, noting, crowd)
    if public_reads:
        edge.open(answers, app.config["MAX_CONTENT_LENGTH"])
    app.wsgi_app = edge  # type: ignore[method-assign]


def _begin() -> None:
    logs.request_id.set(_asked().id)


def _asked() -> Request:
    """Return the current request, as the edge saw it."""
    found = request.environ.get(REQUEST)
    if found is None:
        found = request.environ[REQUEST] = notes.begun(request.environ)
    return cast("Request", found)


def _keep(answers: Answers, one: Request, response: Response, route: str | None) -> None:
    good = keeping.said()
    if one.miss is None or good is None or response.status_code != 200:  # noqa: PLR2004 -- OK
        return
    if not response.is_sequence or response.direct_passthrough:
        return
    told = response.get_wsgi_headers(request.environ)
    headers = [(name, value) for name, value in told if name != "X-Request-ID"]
    answers.keep(one.miss, good, headers, response.get_data(), route=route, path=request.path)


def _end(_: BaseException | None) -> None:
    logs.request_id.set(None)
