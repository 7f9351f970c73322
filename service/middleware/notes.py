"""What is noted of each request, and what each answer bears, however it was made."""

import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from flask import Response

from service import logs
from service.api.metrics import Metrics
from service.middleware.kept import Miss

REQUEST: Final = "accessline.request"
"""Where the environment of WSGI has the ``Request``."""

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# An id need not be secret, only another one each time, in each process.
_HERE: Final = secrets.token_hex(8)
_NUMBERS: Final = count()

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_LOG: Final = logging.getLogger("service.middleware")


@dataclass(slots=True)
class Request:
    """A request, as the edge saw it.

    Attributes:
        miss: Under which key its answer may be kept; None where it may not be.
    """

    id: str
    began: float
    miss: Miss | None = field(default=None)


def begun(environ: Mapping[str, Any]) -> Request:
    """Return a request that begins now."""
    given = environ.get("HTTP_X_REQUEST_ID")
    if given is None or _REQUEST_ID.fullmatch(given) is None:
        given = f"{_HERE}{next(_NUMBERS):016x}"
    return Request(given, time.perf_counter())


class Notes:
    """Where requests are noted."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def answered(
        self, one: Request, method: str, path: str, route: str | None, status: int
    ) -> None:
        """Note a request."""
        seconds = time.perf_counter() - one.began
        self._metrics.answered(method, route, status, seconds)
        if not _LOG.isEnabledFor(logging.INFO):
            return
        token = logs.request_id.set(one.id)
        ms = round(seconds * 1000, 1)
        extra = {"method": method, "path": path, "status": status, "ms": ms}
        _LOG.info("request", extra=extra)
        logs.request_id.reset(token)


def complete(response: Response, environ: Mapping[str, Any], one: Request) -> None:
    """Give an answer the headers that its view did not."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if "HTTP_AUTHORIZATION" in environ:
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Authorization")
    else:
        response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["X-Request-ID"] = one.id
