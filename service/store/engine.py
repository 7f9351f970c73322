"""Connections, on SQLite and PostgreSQL.

A `Database` has two sides. `write()` is one transaction that may append: on SQLite `BEGIN
IMMEDIATE`, one at a time in this process (SQLite's own lock is unfair, and a deferred transaction
that turns into a write fails at once); on PostgreSQL READ COMMITTED, where the head row of
`events.take_head` puts appends in line. `read()` is one snapshot that can write nothing: on SQLite
a deferred transaction on a connection that is `query_only`, on PostgreSQL REPEATABLE READ READ
ONLY. `glance()` is for one statement that needs no snapshot. Where a database has replicas
(`service.store.replicas`), a read may go to one of them.

What a driver raises leaves here as one of `service.store.errors`.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL

from service.store import postgresql, sqlite
from service.store.errors import (
    DatabaseBusy,
    ReadOnlyDatabase,
    UnsupportedUrl,
)
from service.store.parts import Parts
from service.store.translating import translated

if TYPE_CHECKING:
    import threading

_T = TypeVar("_T")


def _nowhere() -> "Database | None":
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database that is open: `connect` makes it, `dispose` closes it.

    Attributes:
        name: the URL without its password, for messages.
        dialect: `sqlite` or `postgresql`.
        file: the database file, None on PostgreSQL and in memory.
        read_only: whether `write` is refused.
        wait: seconds that a call waits for a lock or a connection.
        elsewhere: gives the replica that reads go to now, None where they stay here.
    """

    name: str
    dialect: str
    file: Path | None
    read_only: bool
    wait: float
    _parts: Parts
    _held: deque[sa.Connection] = field(default_factory=deque, compare=False)
    elsewhere: Callable[[], "Database | None"] = _nowhere

    @property
    def engine(self) -> sa.Engine:
        """Whose connections `read` gives now: the name of what is remembered of a database."""
        replica = self.elsewhere()
        return self._parts.reader if replica is None else replica.engine

    @property
    def glances(self) -> bool:
        """Whether a glance costs less than a snapshot: not in memory."""
        return self._parts.glancer is not None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; commit at the end, roll back on any exception.

        Raises:
            StoreError: the subclass that says what the driver met.
        """
        if self.read_only:
            raise ReadOnlyDatabase(database=self.name)
        with (
            self._turn(self._parts.write_turn),
            translated(self.name, writing=True),
            self._parts.writer.connect() as connection,
            connection.begin() as transaction,
        ):
            yield connection
            with postgresql.confirmed_within(self.wait, connection):
                transaction.commit()

    @contextmanager
    def read(self, *, newest: bool = False) -> Iterator[sa.Connection]:
        """Open a snapshot: whatever is read within it is of one moment, and nothing is written.

        Args:
            newest: read what was committed last, which a replica may not have yet.

        Raises:
            StoreError: the subclass that says what the driver met.
        """
        replica = None if newest else self.elsewhere()
        if replica is not None:
            with replica.read() as connection:
                yield connection
            return
        with (
            self._turn(self._parts.read_turn),
            translated(self.name, writing=False),
            self._snapshot() as connection,
        ):
            yield connection
            # Not rolled back: psycopg forgets the statements that it has prepared then.
            connection.commit()

    def glance(self, look: Callable[[sa.Connection], _T], *, newest: bool = False) -> _T:
        """Return what one statement finds, which sees all that was committed before it began.

        A connection is held for it, and no transaction begun: on PostgreSQL it is one trip to the
        server, where a snapshot takes three. Where the connection was lost, another one is asked.

        Args:
            look: runs one statement, and may be called twice.
            newest: as in `read`.

        Raises:
            StoreError: the subclass that says what the driver met.
        """
        replica = None if newest else self.elsewhere()
        if replica is not None:
            return replica.glance(look)
        glancer = self._parts.glancer
        if glancer is None:
            with self.read(newest=True) as connection:
                return look(connection)
        with translated(self.name, writing=False):
            held = self._taken()
            if held is not None:
                try:
                    return self._looked(look, held)
                except exc.DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    self._let_go()
            return self._looked(look, glancer.connect())

    def cut(self) -> None:
        """Hang up on the server, so that whoever is reading gets an error at once."""
        if self._parts.lines is not None:
            self._parts.lines.cut()

    def dispose(self) -> None:
        """Close all connections."""
        self._let_go()
        self._parts.writer.dispose()
        self._parts.reader.dispose()

    def _snapshot(self) -> sa.Connection:
        """Begin a snapshot; where a connection that was kept is lost, by another one."""
        try:
            return self._begun()
        except exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return self._begun()

    def _begun(self) -> sa.Connection:
        connection = self._parts.reader.connect()
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    def _taken(self) -> sa.Connection | None:
        try:
            return self._held.pop()
        except IndexError:
            return None

    def _looked(self, look: Callable[[sa.Connection], _T], connection: sa.Connection) -> _T:
        try:
            found = look(connection)
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        self._held.append(connection)
        return found

    def _let_go(self) -> None:
        while (connection := self._taken()) is not None:
            connection.close()

    @contextmanager
    def _turn(self, lock: "threading.Lock | None") -> Iterator[None]:
        if lock is None:
            yield
            return
        if not lock.acquire(timeout=self.wait):
            reason = f"another transaction of this process has lasted more than {self.wait} s."
            raise DatabaseBusy(database=self.name, reason=reason)
        try:
            yield
        finally:
            lock.release()


def connect(url: str, *, read_only: bool = False, wait: float = 10) -> Database:
    """Make a database from its URL; nothing is opened before the first transaction.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` (in memory, for
            scratch work) or `postgresql://user:password@host/name`; with `?prepare_threshold=none`
            for a pooler that gives each transaction another connection.
        read_only: refuse `write`, for a replica or a caller that must not write.
        wait: seconds that a call waits for a lock or a connection before it says that the database
            is busy.

    Raises:
        UnsupportedUrl: any other URL.
        DriverMissing: PostgreSQL without psycopg.
    """
    dialect, parts = _parts_of(url, wait)
    return Database(
        name=parts.name,
        dialect=dialect,
        file=parts.file,
        read_only=read_only,
        wait=wait,
        _parts=parts,
    )


def _parts_of(url: str, wait: float) -> tuple[str, Parts]:
    parsed = _parsed(url)
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return "sqlite", sqlite.parts(parsed, wait=wait)
        case "postgresql" | "postgres" | "postgresql+psycopg":
            parsed = parsed.set(drivername="postgresql+psycopg")
            return "postgresql", postgresql.parts(parsed, wait=wait)
        case scheme:
            raise UnsupportedUrl(found=f"the scheme {scheme!r}")


def _parsed(url: str) -> URL:
    try:
        return sa.make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        # The text of the URL may hold a password: it is not repeated.
        raise UnsupportedUrl(found="no form that can be read") from error
