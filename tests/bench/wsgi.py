"""Requests without a network: one WSGI call each, the same few lines for whatever application.

A test client costs more than what is measured here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_ALWAYS: Final = {
    "SCRIPT_NAME": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "127.0.0.1:8000",
    "HTTP_ACCEPT": "*/*",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; ``body`` makes it a POST of JSON."""

    path: str
    query: str = ""
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(application: Application, request: Request) -> Answer:
    """Send a request and read the answer to its end."""
    told: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _fault: object = None) -> None:
        told[:] = (status, headers)

    chunks = application(_environ(request), start)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return Answer(status=int(told[0][:3]), headers=dict(told[1]), body=body)


def _environ(request: Request) -> dict[str, Any]:
    body = request.body
    environ: dict[str, Any] = {
        **_ALWAYS,
        "REQUEST_METHOD": "GET" if body is None else "POST",
        "PATH_INFO": request.path,
        "RAW_URI": f"{request.path}?{request.query}",
        "QUERY_STRING": request.query,
        "wsgi.input": BytesIO(body or b""),
        "wsgi.errors": BytesIO(),
        **request.headers,
    }
    if body is not None:
        environ["CONTENT_TYPE"] = "application/json"
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ
