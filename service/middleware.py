"""Around every request: its id, its line in the log, its headers, its place in the metrics.

Every request gets an id (its own ``X-Request-ID``, where that is fit for a log), one line in the
log, and headers that keep a browser from guessing, framing, embedding or running what it gets. An
answer to a key is kept by nobody; any other is asked for again, where the view does not say more.
There is no ``X-Frame-Options``, which ``frame-ancestors`` replaces, and no ``Strict-Transport-
Security``: whoever ends TLS in front of this server sets it.
"""

import logging
import re
import secrets
import time
from typing import Final

from flask import Flask, Response, g, request

from service import logs
from service.api.metrics import Metrics

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_LOG: Final = logging.getLogger(__name__)


def install(app: Flask, metrics: Metrics) -> None:
    """Put it around every request of an application."""

    def finish(response: Response) -> Response:
        _add_headers(response)
        seconds = time.perf_counter() - g.began
        route = None if request.url_rule is None else request.url_rule.rule
        metrics.answered(request.method, route, response.status_code, seconds)
        _note(response, seconds)
        return response

    app.before_request(_begin)
    app.after_request(finish)
    app.teardown_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    made = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    logs.request_id.set(made)


def _add_headers(response: Response) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if "Authorization" in request.headers:
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Authorization")
    else:
        response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["X-Request-ID"] = logs.request_id.get() or ""


def _note(response: Response, seconds: float) -> None:
    _LOG.info(
        "request",
        extra={
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
        },
    )


def _end(_: BaseException | None) -> None:
    logs.request_id.set(None)
