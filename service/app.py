"""The composition root: here the settings, the database and the clock meet the views.

    create_app(settings)          an application over a database whose tables are there
    service.app:from_environment  the same for a server's workers, from ACCESSLINE_*

What happens around every request stands in ``middleware``.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flask import Flask

from service import __version__, logs, middleware, web
from service.api import (
    access,
    auditing,
    comparing,
    coverage,
    docs,
    events,
    evidence,
    exporting,
    following,
    gating,
    health,
    meta,
    openapi,
    policies,
    problems,
    reference,
    spreading,
)
from service.api.components import Limits
from service.api.turns import Turns
from service.api.waiting import Waiting
from service.api.wiring import Wiring, wire
from service.application import signing
from service.application.recording import Clock
from service.application.signing import Signer
from service.auth import addresses, guard
from service.auth.buckets import Buckets
from service.auth.guard import Gate
from service.middleware.edge import Crowd
from service.settings import Settings
from service.store import schema
from service.store.engine import Database, connect
from service.store.replicas import Replicas
from service.web.asking import House

_BLUEPRINTS: Final = (
    access.blueprint,
    comparing.blueprint,
    gating.blueprint,
    following.blueprint,
    events.blueprint,
    policies.blueprint,
    auditing.blueprint,
    exporting.blueprint,
    reference.blueprint,
    coverage.blueprint,
    evidence.files,
    evidence.blueprint,
    meta.blueprint,
    health.blueprint,
)


def utc_now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Flask:
    """Make the application.

    Raises:
        StoreError: The database cannot be used; SchemaOutdated where its tables are not ours.
        BadKeyFile, OSError: The key of the log cannot be read.
    """
    signer = signer_of(settings)
    database = connect(settings.database_url)
    try:
        schema.require_current(database)
        return over(database, settings, clock, signer)
    except BaseException:
        database.dispose()
        raise


def signer_of(settings: Settings) -> Signer | None:
    """Read what checkpoints are signed with; None where the settings name no key.

    Raises:
        BadKeyFile, OSError: The key cannot be read.
    """
    if not settings.log_key:
        return None
    second = Path(settings.log_published) if settings.log_published else None
    return signing.read(Path(settings.log_key), second)


def from_environment() -> Flask:
    """Make the application of a server's worker, its logs too.

    Raises:
        SettingsError: The environment holds settings that cannot be used.
        StoreError: As ``create_app`` does.
    """
    settings = Settings.from_env(os.environ)
    logs.configure(settings)
    return create_app(settings)


def over(
    database: Database, settings: Settings, clock: Clock, signer: Signer | None = None
) -> Flask:
    """Make the application over a database that is open."""
    app = Flask(__name__, static_folder=None)
    # A path with two slashes is another path, not a spelling of one.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    replicas = _replicas(settings, database)
    reads = database if replicas is None else replicas.database
    turns = Turns(settings.threads)
    wiring = Wiring(
        database=reads,
        clock=clock,
        max_batch=settings.max_batch,
        public_url=settings.public_url,
        signer=signer,
        waiting=Waiting(
            settings.read_wait / 1000, most=max(1, settings.threads // 2), aside=turns.aside
        ),
        replicas=replicas,
    )
    wire(app, wiring)
    guard.install(app, _gate(settings, database))
    middleware.install(
        app,
        wiring,
        Crowd(turns=turns, trusted=addresses.networks(settings.trusted_proxies)),
        public_reads=settings.public_reads,
        cache_mb=settings.answer_cache_mb,
    )
    problems.install(app, web.missing)
    limits = Limits(body_bytes=settings.max_body_bytes, batch=settings.max_batch)
    openapi.install(app, _BLUEPRINTS, limits)
    app.register_blueprint(docs.blueprint)
    house = House(
        database=reads,
        clock=clock,
        signer=signer,
        public_url=settings.public_url,
        version=__version__,
        max_batch=settings.max_batch,
        recorded=wiring.metrics.recorded,
    )
    web.install(app, house)
    if replicas is not None:
        spreading.install(app, replicas)
    return app


def _replicas(settings: Settings, database: Database) -> Replicas | None:
    urls = settings.read_database_urls
    return Replicas(database, urls, max_lag=settings.read_max_lag) if urls else None


def _gate(settings: Settings, database: Database) -> Gate:
    return Gate(
        database=database,
        public_reads=settings.public_reads,
        appends=Buckets(settings.write_rate),
        failures=Buckets(settings.failed_key_rate),
        trusted=addresses.networks(settings.trusted_proxies),
    )
