"""Diagnosing: is what the log stands on as it must be?

Each check is told by a sentence, whatever it found. None reads the events: whether those are what
they must be is for ``checking`` to say.
"""

import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from service.application import publishing
from service.application.publishing import PublishingRefused
from service.application.readiness import readiness
from service.application.signing import Signer
from service.store import events as log
from service.store import schema
from service.store.codec import instant
from service.store.engine import Database
from service.store.errors import StoreError
from service.store.replicas import Replica

LEAST_FREE: Final = 64 * 1024 * 1024
FEW_FREE: Final = 1024 * 1024 * 1024
OLDEST_POSTGRESQL: Final = 150_000

WAL_RESET_BUG: Final = ((3, 7, 0), (3, 51, 2))
"""The first and the last SQLite with a bug by which two processes that write and checkpoint at once
can corrupt the database: https://sqlite.org/wal.html#walresetbug"""

_TRIGGERS: Final = {
    "sqlite": (
        *("event_append", "event_update", "event_delete"),
        *("node_append", "node_update", "node_delete"),
    ),
    "postgresql": (
        *("event_append", "event_change", "event_truncate"),
        *("node_change", "node_truncate"),
    ),
}


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a check found."""

    name: str
    level: Level
    detail: str


def diagnose(
    database: Database,
    *,
    workers: int,
    now: datetime,
    signer: Signer | None = None,
    replicas: Sequence[str] = (),
) -> tuple[Check, ...]:
    """Check everything that can be checked; what cannot be reached ends it.

    Args:
        database: The primary.
        workers: How many processes serve it.
        now: The present.
        signer: Who signs the log.
        replicas: The URLs of those that reads are spread over.
    """
    found: list[Check] = []
    steps: tuple[Callable[[], Iterator[Check]], ...] = (
        lambda: _engine(database),
        lambda: sqlite_build(database, sqlite3.sqlite_version, workers),
        lambda: _schema(database),
        lambda: _triggers(database),
        lambda: _read_models(database),
        lambda: _clock(database, now),
        lambda: _disk(database),
        lambda: _modes(database),
        lambda: _signing(database, signer),
        lambda: _replicas(database, replicas),
    )
    for step in steps:
        try:
            found.extend(step())
        except StoreError as error:
            found.append(Check(name="database", level=Level.FAIL, detail=str(error)))
            break
        if found[-1].name == "schema" and found[-1].level is Level.FAIL:
            found.extend((*_disk(database), *_modes(database)))
            break
    return tuple(found)


def _engine(database: Database) -> Iterator[Check]:
    """Reach the database, and tell what it is."""
    if database.dialect == "sqlite":
        with database.read() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        detail = f"{database.name} answers: SQLite {sqlite3.sqlite_version}, journal mode {mode}."
        yield Check(name="database", level=Level.OK, detail=detail)
        return
    with database.read() as connection:
        version = connection.exec_driver_sql("SHOW server_version").scalar_one()
        number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
        standby = connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one()
        unsafe = [
            name
            for name in ("fsync", "full_page_writes")
            if connection.exec_driver_sql(f"SHOW {name}").scalar_one() != "on"
        ]
        superuser = connection.exec_driver_sql("SHOW is_superuser").scalar_one() == "on"
    kind = "a standby, which can only be read" if standby else "a primary"
    detail = f"{database.name} answers: PostgreSQL {version}, {kind}."
    if number < OLDEST_POSTGRESQL:
        detail += " 15 or newer is needed."
    level = Level.OK if number >= OLDEST_POSTGRESQL else Level.FAIL
    yield Check(name="database", level=level, detail=detail)
    if unsafe:
        detail = f"{' and '.join(unsafe)} is off: what was acknowledged can be lost with the power."
        yield Check(name="durability", level=Level.WARN, detail=detail)
    if superuser:
        detail = (
            "The role is a superuser, whom the log's protection does not bind: give the service a"
            " role of its own."
        )
        yield Check(name="role", level=Level.WARN, detail=detail)


def sqlite_build(database: Database, version: str, workers: int) -> Iterator[Check]:
    """Tell whether the SQLite of this Python has a bug that can cost the log."""
    if database.dialect != "sqlite":
        return
    first, last = WAL_RESET_BUG
    if not first <= tuple(map(int, version.split("."))) <= last:
        detail = f"SQLite {version} has no known bug that concerns us."
        yield Check(name="sqlite", level=Level.OK, detail=detail)
        return
    bug = (
        f"SQLite {version} has the WAL-reset bug (fixed in 3.51.3): very rarely, two processes that"
        " write at once can corrupt the database."
    )
    if workers > 1:
        detail = f"{bug} {workers} workers write: set ACCESSLINE_WORKERS=1, or use PostgreSQL."
        yield Check(name="sqlite", level=Level.WARN, detail=detail)
    else:
        detail = f"{bug} One worker does; record over HTTP while it runs, not beside it."
        yield Check(name="sqlite", level=Level.OK, detail=detail)


def _schema(database: Database) -> Iterator[Check]:
    found, wanted = schema.current(database), schema.expected()
    if found == wanted:
        yield Check(name="schema", level=Level.OK, detail=f"The tables are those of {wanted}.")
        return
    has = "The database has no tables yet" if found is None else f"The tables are those of {found}"
    way = (
        "accessline db upgrade"
        if found is None or found < wanted
        else "install the accessline that made them"
    )
    detail = f"{has}, this program needs {wanted}: {way}"
    yield Check(name="schema", level=Level.FAIL, detail=detail)


def _triggers(database: Database) -> Iterator[Check]:
    """Look whether the database still refuses to change the log."""
    if database.dialect == "sqlite":
        wanted = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        wanted = (
            "SELECT tgname FROM pg_trigger WHERE tgrelid IN ('event'::regclass, 'node'::regclass)"
            " AND NOT tgisinternal AND tgenabled <> 'D'"
        )
    with database.read() as connection:
        there = set(connection.scalars(sa.text(wanted)))
    gone = [name for name in _TRIGGERS[database.dialect] if name not in there]
    if gone:
        detail = (
            f"The database no longer protects the log: {', '.join(gone)} is missing or off."
            " Somebody took it away: run accessline verify, then restore a backup or an export."
        )
        yield Check(name="triggers", level=Level.FAIL, detail=detail)
    else:
        detail = "The database itself refuses to change or delete events."
        yield Check(name="triggers", level=Level.OK, detail=detail)


def _read_models(database: Database) -> Iterator[Check]:
    found = readiness(database)
    building = f" A rebuild makes generation {found.building}." if found.building else ""
    if found.ready:
        detail = (
            f"They have taken in all {found.position} events (generation {found.generation}, rule"
            f" {found.rule}).{building}"
        )
        yield Check(name="read models", level=Level.OK, detail=detail)
        return
    detail = (
        f"They are {found.lag} events behind the log, for rule {found.rule} (this program has"
        f" {found.rule_wanted}): accessline rebuild.{building}"
    )
    yield Check(name="read models", level=Level.FAIL, detail=detail)


def _clock(database: Database, now: datetime) -> Iterator[Check]:
    with database.read() as connection:
        head = log.read_head(connection)
    if head.recorded_at is None:
        detail = f"It says {now:%Y-%m-%d %H:%M:%S} UTC, and there is no event to compare it with."
        yield Check(name="clock", level=Level.OK, detail=detail)
        return
    last = instant(head.recorded_at)
    if now >= last:
        detail = f"It says {now:%Y-%m-%d %H:%M:%S} UTC, after the last event ({last:%Y-%m-%d})."
        yield Check(name="clock", level=Level.OK, detail=detail)
        return
    behind = timedelta(seconds=round((last - now).total_seconds()))
    detail = (
        f"It is {behind} behind the last event, recorded at {last:%Y-%m-%d %H:%M:%S} UTC: new"
        " events get that time until the clock is past it. Is it right?"
    )
    yield Check(name="clock", level=Level.WARN, detail=detail)


def _disk(database: Database) -> Iterator[Check]:
    if database.file is None:
        return
    folder = database.file.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Check(name="disk", level=Level.FAIL, detail=f"{folder}: {error.strerror}.")
        return
    level = Level.FAIL if free < LEAST_FREE else Level.WARN if free < FEW_FREE else Level.OK
    advice = "" if level is Level.OK else " Make room: a full disk refuses every append."
    detail = f"{free / 2**30:,.1f} GiB are free in {folder}.{advice}"
    yield Check(name="disk", level=level, detail=detail)


def _signing(database: Database, signer: Signer | None) -> Iterator[Check]:
    """Look whether the log may be signed, and who else could sign it."""
    if signer is None:
        detail = (
            "No key signs the log: nobody else can tell whether it was touched up. Make one:"
            " accessline log init"
        )
        yield Check(name="signing", level=Level.WARN, detail=detail)
        return
    try:
        last, now = publishing.check(database, signer)
    except PublishingRefused as error:
        yield Check(name="signing", level=Level.FAIL, detail=str(error))
        return
    detail = f"The log {signer.origin} at {now.size} continues what was published at {last.size}."
    yield Check(name="signing", level=Level.OK, detail=detail)


def _replicas(database: Database, urls: Sequence[str]) -> Iterator[Check]:
    """Look at each replica once: whether it answers, and follows this log."""
    for number, url in enumerate(urls, 1):
        replica = Replica(number, url, database.wait)
        try:
            standing = replica.looked_at(database, inf)
        finally:
            replica.close()
        name = f"replica {number}"
        if not standing.within:
            detail = f"It answers no reads, the primary does. {standing.told}"
            yield Check(name=name, level=Level.FAIL, detail=detail)
        elif standing.lag:
            detail = f"It follows this log, behind by {standing.lag} at this moment."
            yield Check(name=name, level=Level.WARN, detail=detail)
        else:
            detail = f"It follows this log, and has all {standing.position} events."
            yield Check(name=name, level=Level.OK, detail=detail)


def _modes(database: Database) -> Iterator[Check]:
    """Look whether others on the machine may read or change the database."""
    if database.file is None:
        return
    files = [Path(f"{database.file}{ending}") for ending in ("", "-wal", "-shm")]
    there = [file for file in files if file.exists()]
    open_to_others = [file for file in there if stat.S_IMODE(file.stat().st_mode) & 0o077]
    if not there:
        return
    if open_to_others:
        names = " ".join(map(str, open_to_others))
        detail = f"Others on this machine can open the database: chmod 600 {names}"
        yield Check(name="files", level=Level.WARN, detail=detail)
    else:
        detail = "Only their owner can open the files of the database."
        yield Check(name="files", level=Level.OK, detail=detail)
