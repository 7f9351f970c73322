"""The short ways of HTTP against bare Flask: ``python -m tests.bench.http_cache [--rounds N]``.

In one process, without a server: ours and a Flask view that returns the same bytes, by turns; the
processor time of a call. *Edge* is what HTTP adds to the question itself: the answer of the
application is there already, for the first two rows. Logs are off, headers and metrics on.
"""

import argparse
import io
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from flask import Flask, Response

from service.api import hot
from service.app import create_app
from service.application import asking, gating
from service.cli import seeding
from service.settings import Settings
from service.store import schema
from service.store.engine import connect
from tests.bench import sides

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Environ = dict[str, Any]
Make = Callable[[], Environ]

CALLS: Final = 400
PATH: Final = "/v1/access/openai/CN"
CELL: Final = {"provider": "openai", "service": "api", "region": "CN"}
CHECK: Final = json.dumps({"cells": [CELL]}).encode()


def main() -> None:
    """Print a line for each row, then one of JSON."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rounds", type=int, default=15)
    rounds = asked.parse_args().rounds
    logging.getLogger().setLevel(logging.WARNING)
    figures: dict[str, float] = {}
    with applications() as (keeping, making):
        head = json.loads(body_of(making, got("/v1/meta")))["head"]["position"]
        one = "service=api&as_of=2024-07-09"
        kept = got(PATH, f"{one}&known_at=@{head}")
        tag = {"HTTP_IF_NONE_MATCH": headers_of(keeping, kept)["ETag"]}
        rows: dict[str, tuple[Flask, Make]] = {
            "edge: explained, one service": (making, got(PATH, one)),
            "edge: check, one cell": (making, posted(CHECK)),
            "explained, one service": (making, got(PATH, one)),
            "explained, eight services": (making, got(PATH, "as_of=2024-07-09")),
            "check, one cell": (making, posted(CHECK)),
            "again, immutable": (keeping, kept),
            "again, floating": (keeping, got(PATH, one)),
            "again, 304": (keeping, got(PATH, f"{one}&known_at=@{head}", **tag)),
            "again, check": (keeping, posted(CHECK)),
        }
        for name, (app, make) in rows.items():
            with answered() if name.startswith("edge") else plain():
                pair = compared(app, make, rounds)
            figures[name] = pair.ratio
            micro = f"{pair.ours * 1e6:8.1f} µs of {pair.other * 1e6:6.1f} µs"
            sys.stdout.write(f"{name:<32} {pair.ratio:6.2f} of bare Flask {micro}\n")
        for app in (keeping, making):
            app.extensions["accessline"].database.dispose()
    sys.stdout.write(json.dumps(figures) + "\n")


def compared(app: Flask, make: Make, rounds: int) -> sides.Pair:
    """Compare an application with bare Flask, over one request."""
    bare = bare_flask(body_of(app, make))
    environ = make()
    other = got("/x") if environ["REQUEST_METHOD"] == "GET" else posted(CHECK, "/x")
    return sides.compare(
        repeat(lambda: call(app, make())),
        repeat(lambda: call(bare, other())),
        calls=CALLS,
        rounds=rounds,
        clock=sides.clock_of("sqlite"),
    )


@contextmanager
def applications() -> Iterator[tuple[Flask, Flask]]:
    """Give two applications over the seeds: one that keeps answers, one that does not."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/seeds.db"
        database = connect(url)
        schema.upgrade(database)
        seeding.record(database, seeding.read(seeding.shipped()), whole=True)
        database.dispose()
        yield (
            create_app(Settings(database_url=url)),
            create_app(Settings(database_url=url, answer_cache_mb=0)),
        )


@contextmanager
def plain() -> Iterator[None]:
    """Measure all of a request."""
    yield


@contextmanager
def answered() -> Iterator[None]:
    """Let the application's functions give what they gave the first time."""

    def once(function: Callable[..., Any]) -> Callable[..., Any]:
        told: list[Any] = []

        def again(*given: Any) -> Any:  # noqa: ANN401 -- as they are called
            if not told:
                told.append(function(*given))
            return told[0]

        return again

    with (
        patch.object(asking, "explained", once(asking.explained)),
        patch.object(gating, "check", once(gating.check)),
    ):
        yield


def bare_flask(body: bytes) -> Flask:
    """Return an application with one view that returns these bytes."""
    app = Flask("bare")

    def view() -> Response:
        return Response(body, content_type="application/json")

    app.add_url_rule("/x", view_func=view, methods=["GET", "POST"])
    return app


def got(path: str, query: str = "", **more: str) -> Make:
    """Return what makes the environment of a GET."""
    return lambda: {**_environ("GET", path), "QUERY_STRING": query, **more}


def posted(body: bytes, path: str = hot.CHECK_PATH) -> Make:
    """Return what makes the environment of a POST."""
    return lambda: {
        **_environ("POST", path),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def _environ(method: str, path: str) -> Environ:
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "*/*",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def call(app: "WSGIApplication", environ: Environ) -> tuple[dict[str, str], bytes]:
    """Answer a request."""
    told: list[tuple[str, str]] = []

    def start(_: str, headers: list[tuple[str, str]], *__: object) -> Callable[[bytes], object]:
        told.extend(headers)
        return lambda _: None

    found = app(environ, start)
    body = b"".join(found)
    close = getattr(found, "close", None)
    if close is not None:
        close()
    return dict(told), body


def body_of(app: Flask, make: Make) -> bytes:
    """Return the body of an answer."""
    return call(app, make())[1]


def headers_of(app: Flask, make: Make) -> dict[str, str]:
    """Return the headers of an answer."""
    return call(app, make())[0]


if __name__ == "__main__":
    main()
