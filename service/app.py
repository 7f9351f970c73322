"""The composition root: here the settings, the database and the clock meet the views.

    create_app(settings)          an application over a database whose tables are there
    service.app:from_environment  the same for a server's workers, from ACCESSLINE_*

Every request gets an id (its own ``X-Request-ID``, where that is fit for a log), one line in the
log, and headers that keep a browser from guessing, framing or running what it gets.
"""

import logging
import os
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Final

from flask import Flask, Response, g, request

from service import logs
from service.api import access, docs, events, meta, openapi, policies, problems, reference
from service.api.wiring import Wiring, wire
from service.application.recording import Clock
from service.auth import guard
from service.auth.guard import Gate
from service.settings import Settings
from service.store import schema
from service.store.engine import Database, connect

_BLUEPRINTS: Final = (
    access.blueprint,
    events.blueprint,
    policies.blueprint,
    reference.blueprint,
    meta.blueprint,
)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

_LOG: Final = logging.getLogger(__name__)


def utc_now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Flask:
    """Make the application.

    Raises:
        StoreError: The database cannot be used; SchemaOutdated where its tables are not ours.
    """
    database = connect(settings.database_url)
    try:
        schema.require_current(database)
        return _composed(settings, database, clock)
    except BaseException:
        database.dispose()
        raise


def from_environment() -> Flask:
    """Make the application of a server's worker, its logs too.

    Raises:
        SettingsError: The environment holds settings that cannot be used.
        StoreError: As ``create_app`` does.
    """
    settings = Settings.from_env(os.environ)
    logs.configure(settings)
    return create_app(settings)


def _composed(settings: Settings, database: Database, clock: Clock) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    wire(app, Wiring(database=database, clock=clock, max_batch=settings.max_batch))
    guard.install(app, Gate(database=database, public_reads=settings.public_reads))
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)
    problems.install(app)
    openapi.install(app, _BLUEPRINTS)
    app.register_blueprint(docs.blueprint)
    return app


# Around every request.


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    made = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    logs.request_id.set(made)


def _finish(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if "Authorization" in request.headers:
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Authorization")
    else:
        response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["X-Request-ID"] = logs.request_id.get() or ""
    _LOG.info(
        "request",
        extra={
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.began) * 1000, 1),
        },
    )
    return response


def _end(_: BaseException | None) -> None:
    logs.request_id.set(None)
