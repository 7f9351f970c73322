"""Where the log stands, cheaply enough to be asked before every answer that was kept.

A ``Stamp`` changes with everything that may change an answer: an append, and another generation of
the read models. On SQLite one held connection asks ``PRAGMA data_version``, which costs some
microseconds and tells of every commit of every process. On PostgreSQL the head is read for each
stamp. What is not known in time is None, and then nothing that was kept is given.
"""

import sqlite3
import threading
import time
import weakref
from contextlib import suppress
from typing import Final, NamedTuple, Protocol
from urllib.parse import quote

import sqlalchemy as sa

from service.store import postgresql
from service.store.engine import Database
from service.store.errors import StoreDamaged, StoreError
from service.store.prepared import Prepared
from service.store.tables import head, projection

_PATIENCE_SECONDS: Final = 0.02
_PAUSE_SECONDS: Final = 1.0

_FIELDS: Final = (
    head.c.position,
    head.c.recorded_at,
    projection.c.generation,
    projection.c.rule,
    projection.c.registry_at,
)
_STAMP: Final = Prepared(sa.select(*_FIELDS).select_from(head.join(projection, sa.true())))
_STAMP_TEXT: Final = f"SELECT {', '.join(map(str, _FIELDS))} FROM head, projection"  # noqa: S608 -- our own names


class Stamp(NamedTuple):
    """Where the log and its read models stand: what answers depend on, besides the question.

    Attributes:
        position: Of the head. ``recorded_at``: of the event there, None before the first.
        generation: Of the read models. ``rule``: that they were made for.
        registry_at: The last position that was about the registry.
    """

    position: int
    recorded_at: int | None
    generation: int
    rule: int
    registry_at: int


def stamp(connection: sa.Connection) -> Stamp:
    """Read where the log and its read models stand.

    Raises:
        StoreDamaged: There is no head.
    """
    found = _found(connection)
    if found is None:
        raise StoreDamaged(found="the log has no head row.")
    return found


def _found(connection: sa.Connection) -> Stamp | None:
    if connection.dialect.name == "postgresql" and not connection.in_transaction():
        found = postgresql.row_of_integers(connection, _STAMP_TEXT)
        if found is not None:
            return Stamp(*found)  # type: ignore[arg-type] # the columns are never null
    rows = _STAMP.rows(connection)
    return Stamp(*rows[0]) if rows else None


class Watch(Protocol):
    """Knows where the log stands."""

    def stamp(self) -> Stamp | None:
        """Return where the log stands; None where that is not known."""


def watch(database: Database, *, replicated: bool = False) -> Watch:
    """Watch a database: its primary, where it is ``replicated``.

    Then no request waits long for the primary, since replicas answer when that is gone.
    """
    if database.file is not None:
        return _File(database)
    return _Server(database, apart=replicated)


class _File:
    """A SQLite file."""

    def __init__(self, database: Database) -> None:
        self._uri = f"file:{quote(str(database.file))}?mode=rw"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._version = -1
        self._stamp: Stamp | None = None

    def stamp(self) -> Stamp | None:
        with self._lock:
            try:
                connection = self._connection or self._opened()
                (version,) = connection.execute("PRAGMA data_version").fetchone()
                if version != self._version:
                    # What is committed between the two is seen twice, never missed.
                    row = connection.execute(_STAMP_TEXT).fetchone()
                    self._stamp = None if row is None else Stamp(*row)
                    self._version = version
            except sqlite3.Error:
                self._version = -1
                return None
            return self._stamp

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri, uri=True, isolation_level=None, timeout=1, check_same_thread=False
        )
        weakref.finalize(self, connection.close)
        connection.execute("PRAGMA query_only=ON").close()
        self._connection = connection
        return connection


class _Server:
    """A server, or a database in memory: asked anew for each stamp.

    Nobody is told what was read before he asked: another process may have appended since, and
    whoever saw that must not be shown less.
    """

    def __init__(self, database: Database, *, apart: bool) -> None:
        self._database = database
        self._apart = apart
        self._rest_until = 0.0

    def stamp(self) -> Stamp | None:
        if time.monotonic() < self._rest_until:
            return None
        if not self._apart:
            return self._look()
        found: list[Stamp | None] = []
        looking = threading.Thread(target=lambda: found.append(self._look()), daemon=True)
        looking.start()
        looking.join(_PATIENCE_SECONDS)
        if not found:
            self._rest_until = time.monotonic() + _PAUSE_SECONDS
            return None
        return found[0]

    def _look(self) -> Stamp | None:
        with suppress(StoreError):
            return self._database.glance(_found, newest=True)
        self._rest_until = time.monotonic() + _PAUSE_SECONDS
        return None
