"""Where the log stands, cheaply enough to be asked before every answer that was kept.

A ``Stamp`` changes with everything that may change an answer: an append, and another generation of
the read models. On SQLite one held connection asks ``PRAGMA data_version``, which costs some
microseconds and tells of every commit of every process. On PostgreSQL the head is read again at
most ``FRESH_SECONDS`` after the last time: so an append of another process may go unseen for that
long, one of this process (``moved``) never does. What is not known in time is None, and
then nothing that was kept is given.
"""

import sqlite3
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote

import sqlalchemy as sa

from service.store.engine import Database
from service.store.errors import StoreError
from service.store.tables import head, projection

FRESH_SECONDS: Final = 0.1
"""How old what is known of another process's appends may be, on PostgreSQL."""

_AGAIN_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 0.02
_PAUSE_SECONDS: Final = 1.0

_STANDING: Final = sa.select(
    head.c.position, head.c.recorded_at, projection.c.generation
).select_from(head.join(projection, sa.true()))
_STANDING_SQLITE: Final = (
    "SELECT head.position, head.recorded_at, projection.generation FROM head, projection"
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What answers depend on, besides the question and the day."""

    position: int
    recorded_at: int | None
    generation: int


class Watch(Protocol):
    """Knows where the log stands."""

    def stamp(self) -> Stamp | None:
        """Return where the log stands; None where that is not known."""

    def moved(self) -> None:
        """Hear that this process may have appended."""


def watch(database: Database, *, replicated: bool = False) -> Watch:
    """Watch a database: its primary, where it is ``replicated``.

    Then no request waits long for the primary, since replicas answer when that is gone.
    """
    if database.file is not None:
        return _File(database)
    return _Polled(database, apart=replicated)


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
                    row = connection.execute(_STANDING_SQLITE).fetchone()
                    self._stamp = None if row is None else Stamp(*row)
                    self._version = version
            except sqlite3.Error:
                self._version = -1
                return None
            return self._stamp

    def moved(self) -> None:
        """Do nothing: the next look sees it."""

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri, uri=True, isolation_level=None, timeout=1, check_same_thread=False
        )
        weakref.finalize(self, connection.close)
        connection.execute("PRAGMA query_only=ON").close()
        self._connection = connection
        return connection


class _Polled:
    """A server, or a database in memory."""

    def __init__(self, database: Database, *, apart: bool) -> None:
        self._database = database
        self._apart = apart
        self._lock = threading.Lock()
        self._known: tuple[Stamp, float] | None = None
        self._moves = 0
        self._reading: threading.Event | None = None
        self._began = 0.0
        self._rest_until = 0.0

    def stamp(self) -> Stamp | None:
        known, now = self._known, time.monotonic()
        if known is not None and now - known[1] < _AGAIN_SECONDS:
            return known[0]
        read = self._read_again(now)
        if known is not None and now - known[1] < FRESH_SECONDS:
            return known[0]
        if read is None or not read.wait(_PATIENCE_SECONDS):
            return None
        known = self._known
        fresh = known is not None and time.monotonic() - known[1] < FRESH_SECONDS
        return known[0] if fresh and known is not None else None

    def moved(self) -> None:
        with self._lock:
            self._moves += 1
            self._known = None

    def _read_again(self, now: float) -> threading.Event | None:
        """Look, where nobody does; None where nobody should wait for who does."""
        with self._lock:
            if now < self._rest_until:
                return None
            if self._reading is not None:
                # Who looks for long waits for a server that does not answer: nobody joins in.
                return self._reading if now - self._began < _PATIENCE_SECONDS else None
            self._reading, self._began = threading.Event(), now
            read = self._reading
        if self._apart:
            threading.Thread(target=self._look, args=(read,), daemon=True).start()
        else:
            self._look(read)
        return read

    def _look(self, read: threading.Event) -> None:
        moves, began = self._moves, time.monotonic()
        found: Stamp | None = None
        try:
            with suppress(StoreError), self._database.read(newest=True) as connection:
                row = connection.execute(_STANDING).one_or_none()
                found = None if row is None else Stamp(*row)
        finally:
            self._seen(found, began, moves)
            read.set()

    def _seen(self, found: Stamp | None, began: float, moves: int) -> None:
        with self._lock:
            self._reading = None
            if found is None:
                self._known, self._rest_until = None, time.monotonic() + _PAUSE_SECONDS
            elif moves == self._moves:
                self._known = (found, began)
