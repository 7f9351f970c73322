"""Connections, and what differs between SQLite and PostgreSQL.

A `Database` has two sides. `write()` is one transaction that may append: on SQLite `BEGIN
IMMEDIATE`, one at a time in this process (SQLite's own lock is unfair, and a deferred transaction
that turns into a write fails at once); on PostgreSQL READ COMMITTED, where the head row of
`events.take_head` puts appends in line. `read()` is one snapshot that can write nothing: on SQLite
a deferred transaction on a connection that is `query_only`, on PostgreSQL REPEATABLE READ READ
ONLY. Where a database has replicas (`service.store.replicas`), a read may go to one of them.

What a driver raises leaves here as one of `service.store.errors`.
"""

import os
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc, pool
from sqlalchemy.engine import URL

from service.store.errors import (
    ConstraintViolated,
    DatabaseBusy,
    DatabaseUnavailable,
    DriverMissing,
    ReadOnlyDatabase,
    SchemaOutdated,
    StoreDamaged,
    StoreError,
    UnsupportedUrl,
    WriteRefused,
)
from service.store.lines import Lines
from service.store.tables import REVISION

STATEMENT_SECONDS: Final = 30
"""How long one statement may run on PostgreSQL."""

_ALIVE: Final = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
"""A machine that is gone without a word is noticed after some 11 s, not after two hours."""

_THRESHOLD: Final = "prepare_threshold"

_LOOK_SECONDS: Final = (0.008, 0.0008)
"""How often a writer looks whether SQLite's lock is free: one that has just come, and one that has
waited for half a second."""

_OLDEST_SQLITE: Final = (3, 35)  # UPDATE … RETURNING

_Kind = Callable[..., StoreError]

_SQLITE: Final[Mapping[int, _Kind]] = {
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_FULL: WriteRefused,
    sqlite3.SQLITE_IOERR: WriteRefused,
    sqlite3.SQLITE_READONLY: WriteRefused,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_CANTOPEN: DatabaseUnavailable,
    sqlite3.SQLITE_NOTADB: DatabaseUnavailable,
    sqlite3.SQLITE_PERM: DatabaseUnavailable,
}

# A whole code, or the class of codes that it begins with:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL: Final[Mapping[str, _Kind]] = {
    "55P03": DatabaseBusy,  # lock_timeout
    "57014": DatabaseBusy,  # statement_timeout
    "40001": DatabaseBusy,  # serialization failure, also a conflict on a replica
    "40P01": DatabaseBusy,  # deadlock
    "53100": WriteRefused,  # disk full
    "58030": WriteRefused,  # I/O error
    "25006": WriteRefused,  # a standby
    "42501": WriteRefused,  # no privilege
    "42P01": SchemaOutdated,  # no such table
    "42703": SchemaOutdated,  # no such column
    "XX001": StoreDamaged,  # data corrupted
    "XX002": StoreDamaged,  # index corrupted
    "08": DatabaseUnavailable,  # connection
    "28": DatabaseUnavailable,  # authorization
    "3D": DatabaseUnavailable,  # no such database
    "53": DatabaseUnavailable,  # out of resources, too many connections
    "57": DatabaseUnavailable,  # shutting down, starting up
}


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
    _writer: sa.Engine
    _reader: sa.Engine
    _write_turn: "threading.Lock | None"
    _read_turn: "threading.Lock | None"
    _lines: Lines | None = None
    elsewhere: Callable[[], "Database | None"] = _nowhere

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; commit at the end, roll back on any exception.

        Raises:
            StoreError: the subclass that says what the driver met.
        """
        if self.read_only:
            raise ReadOnlyDatabase(database=self.name)
        with (
            self._turn(self._write_turn),
            _translated(self.name, writing=True),
            self._writer.connect() as connection,
            connection.begin() as transaction,
        ):
            yield connection
            with _confirmed_within(self.wait, connection):
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
            self._turn(self._read_turn),
            _translated(self.name, writing=False),
            self._reader.begin() as connection,
        ):
            yield connection

    def cut(self) -> None:
        """Hang up on the server, so that whoever is reading gets an error at once."""
        if self._lines is not None:
            self._lines.cut()

    def dispose(self) -> None:
        """Close all connections."""
        self._writer.dispose()
        self._reader.dispose()

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
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        # The text of the URL may hold a password: it is not repeated.
        raise UnsupportedUrl(found="no form that can be read") from error
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return _sqlite(parsed, read_only=read_only, wait=wait)
        case "postgresql" | "postgres" | "postgresql+psycopg":
            parsed = parsed.set(drivername="postgresql+psycopg")
            return _postgresql(parsed, read_only=read_only, wait=wait)
        case scheme:
            raise UnsupportedUrl(found=f"the scheme {scheme!r}")


def _sqlite(url: URL, *, read_only: bool, wait: float) -> Database:
    if url.host or url.query:
        raise UnsupportedUrl(found="a host or options, which SQLite does not take")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        reason = f"SQLite 3.35 or newer is needed, this Python has {sqlite3.sqlite_version}."
        raise DatabaseUnavailable(database=str(url), reason=reason)
    if url.database in {None, "", ":memory:"}:
        return _sqlite_in_memory(read_only=read_only, wait=wait)
    file = Path(str(url.database)).absolute()
    name = f"sqlite:///{file}"

    def for_writing() -> sqlite3.Connection:
        _create_private(file, name)
        durable = ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON")
        # Pages that many appends change go to the file once, not after every fifty of them.
        rare = ("wal_autocheckpoint=8000", "cache_size=-65536")
        # The last one: it is `_begin_in_turn` that waits.
        return _open_sqlite(_uri(file), *durable, *rare, "busy_timeout=0", wait=wait)

    def for_reading() -> sqlite3.Connection:
        if not file.exists():
            reason = "the file does not exist. Make it: accessline db upgrade"
            raise DatabaseUnavailable(database=name, reason=reason)
        return _open_sqlite(_uri(file), "query_only=ON", wait=wait)

    return Database(
        name=name,
        dialect="sqlite",
        file=file,
        read_only=read_only,
        wait=wait,
        _writer=_sqlite_engine(for_writing, _pool(1, 0, wait), partial(_begin_in_turn, wait)),
        _reader=_sqlite_engine(for_reading, _pool(8, 56, wait), _begin_with("BEGIN")),
        _write_turn=threading.Lock(),
        _read_turn=None,
    )


def _sqlite_in_memory(*, read_only: bool, wait: float) -> Database:
    shared = _open_sqlite("file::memory:", "recursive_triggers=ON", wait=wait)
    turn = threading.Lock()  # One connection carries one transaction, a reading one too.
    one = {"poolclass": pool.StaticPool}
    return Database(
        name="sqlite://",
        dialect="sqlite",
        file=None,
        read_only=read_only,
        wait=wait,
        _writer=_sqlite_engine(
            lambda: shared, one, _begin_with("PRAGMA query_only=OFF", "BEGIN IMMEDIATE")
        ),
        _reader=_sqlite_engine(lambda: shared, one, _begin_with("PRAGMA query_only=ON", "BEGIN")),
        _write_turn=turn,
        _read_turn=turn,
    )


def _sqlite_engine(
    creator: Callable[[], sqlite3.Connection],
    options: dict[str, Any],
    begin: Callable[[sa.Connection], None],
) -> sa.Engine:
    engine = sa.create_engine("sqlite+pysqlite://", creator=creator, **options)
    sa.event.listen(engine, "begin", begin)
    return engine


def _begin_with(*statements: str) -> Callable[[sa.Connection], None]:
    def begin(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        for statement in statements:
            try:
                driver.execute(statement).close()
            except sqlite3.Error:
                connection.exec_driver_sql(statement)  # Whatever it meets now is told.

    return begin


def _begin_in_turn(wait: float, connection: sa.Connection) -> None:
    """Begin a transaction that may write, as soon as no other process has one.

    SQLite's own waiting is unfair: the longer a process has waited, the more rarely it looks, up to
    every 100 ms, while one that has just come looks every millisecond. Here it is the other way.
    """
    began = time.monotonic()
    driver: Any = connection.connection.driver_connection
    first, least = _LOOK_SECONDS
    while (waited := time.monotonic() - began) < wait:
        try:
            driver.execute("BEGIN IMMEDIATE").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
        else:
            return
        time.sleep(max(first / (1 + 20 * waited), least))
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # Whatever it meets now is told.


def _open_sqlite(uri: str, *pragmas: str, wait: float) -> sqlite3.Connection:
    # isolation_level=None: the driver opens no transaction of its own, so BEGIN is ours and
    # CREATE TABLE belongs to the transaction like anything else.
    # The timeout is the pragma busy_timeout.
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=wait, check_same_thread=False
    )
    try:
        for pragma in ("foreign_keys=ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}").close()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _uri(file: Path) -> str:
    return f"file:{quote(str(file))}?mode=rw"


def _create_private(file: Path, name: str) -> None:
    """Make the file readable to its owner alone; SQLite gives -wal and -shm the same mode."""
    if not file.parent.is_dir():
        reason = f"the folder {file.parent} does not exist. Make it, or name another path."
        raise DatabaseUnavailable(database=name, reason=reason)
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise DatabaseUnavailable(database=name, reason=f"{error.strerror}.") from error
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _postgresql(url: URL, *, read_only: bool, wait: float) -> Database:
    threshold, url = _prepare_threshold(url)
    options = {
        **_pool(5, 27, wait),
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": ceil(wait), "application_name": "accessline"}
        | _ALIVE
        | threshold
        | dict(url.query),
    }
    try:
        writer = sa.create_engine(url, isolation_level="READ COMMITTED", **options)
        reader = sa.create_engine(
            url,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
            **options,
        )
    except ImportError as error:
        raise DriverMissing(reason=str(error)) from error
    for engine in (writer, reader):
        sa.event.listen(engine, "connect", partial(_prepare_session, wait))
    lines = Lines()
    lines.follow(reader)
    return Database(
        # Options are left out: a password may stand among them.
        name=url.set(drivername="postgresql", query={}).render_as_string(hide_password=True),
        dialect="postgresql",
        file=None,
        read_only=read_only,
        wait=wait,
        _writer=writer,
        _reader=reader,
        _write_turn=None,
        _read_turn=None,
        _lines=lines,
    )


def _prepare_threshold(url: URL) -> tuple[dict[str, int | None], URL]:
    """Take psycopg's own option out of a URL, where it would stay a text."""
    text = url.query.get(_THRESHOLD)
    if text is None:
        return {}, url
    url = url.difference_update_query([_THRESHOLD])
    if text == "none":
        return {_THRESHOLD: None}, url
    if not isinstance(text, str) or re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) is None:
        raise UnsupportedUrl(found=f"a {_THRESHOLD} that is neither 'none' nor a whole number")
    return {_THRESHOLD: int(text)}, url


def _prepare_session(wait: float, connection: Any, _: object) -> None:  # noqa: ANN401 -- psycopg's
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('TimeZone', 'UTC', false),"
            " set_config('lock_timeout', %s, false),"
            " set_config('statement_timeout', %s, false)",
            (f"{ceil(wait * 1000)}ms", f"{STATEMENT_SECONDS}s"),
        )
        # An acknowledged append must be on disk, whatever the server's default is.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


@contextmanager
def _confirmed_within(seconds: float, connection: sa.Connection) -> Iterator[None]:
    """Hang up on PostgreSQL where it does not confirm a commit in time.

    With a synchronous standby that is gone, COMMIT waits for ever, and `statement_timeout` does not
    end it. It is not cancelled: that would make it a commit that no standby has, seen by all. So it
    goes on waiting, and keeps the head: nothing is acknowledged until the standby is back.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    number = connection.connection.driver_connection.fileno()  # type: ignore[union-attr]
    with socket.socket(fileno=os.dup(number)) as line:
        hang_up = threading.Timer(seconds, line.shutdown, (socket.SHUT_RDWR,))
        hang_up.start()
        try:
            yield
        finally:
            hang_up.cancel()
            hang_up.join()


def _pool(size: int, overflow: int, wait: float) -> dict[str, Any]:
    return {
        "poolclass": pool.QueuePool,
        "pool_size": size,
        "max_overflow": overflow,
        "pool_timeout": wait,
    }


@contextmanager
def _translated(name: str, *, writing: bool) -> Iterator[None]:
    try:
        yield
    except exc.TimeoutError as error:
        raise DatabaseBusy(database=name, reason="all its connections are in use.") from error
    except exc.DBAPIError as error:
        known = _translation(error, name, writing=writing)
        if known is None:
            raise
        raise known from error


def _translation(error: exc.DBAPIError, name: str, *, writing: bool) -> StoreError | None:
    """Name what the driver met; None where it is a fault of our own code."""
    reason = next(iter(str(error.orig).strip().splitlines()), "no reason given.")
    if isinstance(error, exc.IntegrityError):
        return ConstraintViolated(database=name, reason=reason)
    met = _met_on_sqlite if isinstance(error.orig, sqlite3.Error) else _met_on_postgresql
    kind = met(error)
    if kind is SchemaOutdated:
        return SchemaOutdated(current=None, expected=REVISION)
    if kind is StoreDamaged:
        return StoreDamaged(found=f"{name}: {reason}.")
    if kind is WriteRefused and not writing:
        kind = DatabaseUnavailable
    return kind(database=name, reason=reason) if kind is not None else None


def _met_on_sqlite(error: exc.DBAPIError) -> _Kind | None:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_ERROR and str(error.orig).startswith(
        ("no such table", "no such col")
    ):
        return SchemaOutdated
    return _SQLITE.get(code)


def _met_on_postgresql(error: exc.DBAPIError) -> _Kind | None:
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _POSTGRESQL.get(state, _POSTGRESQL.get(state[:2]))
    # Without a code the server was never reached, or the connection was cut.
    lost = isinstance(error, exc.OperationalError | exc.InterfaceError)
    return DatabaseUnavailable if lost else None
