"""SQLite: a file with one writer and many readers, or a database in memory.

The writer is one connection in WAL mode with ``synchronous=FULL``, readers are ``query_only``. No
transaction waits by SQLite's own way, which is unfair: ``_begin_in_turn`` does.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import pool
from sqlalchemy.engine import URL

from service.store.errors import DatabaseUnavailable, UnsupportedUrl
from service.store.parts import Parts, pooled

_LOOK_SECONDS: Final = (0.008, 0.0008)
"""How often a writer looks whether SQLite's lock is free: one that has just come, and one that has
waited for half a second."""

_OLDEST: Final = (3, 35)  # UPDATE … RETURNING


def parts(url: URL, *, wait: float) -> Parts:
    """Return what a database at ``url`` is made of; nothing is opened yet.

    Raises:
        UnsupportedUrl: A host or options.
        DatabaseUnavailable: A Python with an older SQLite than we need.
    """
    if url.host or url.query:
        raise UnsupportedUrl(found="a host or options, which SQLite does not take")
    if sqlite3.sqlite_version_info < _OLDEST:
        reason = f"SQLite 3.35 or newer is needed, this Python has {sqlite3.sqlite_version}."
        raise DatabaseUnavailable(database=str(url), reason=reason)
    if url.database in {None, "", ":memory:"}:
        return _in_memory(wait)
    file = Path(str(url.database)).absolute()
    name = f"sqlite:///{file}"

    def for_writing() -> sqlite3.Connection:
        _create_private(file, name)
        durable = ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON")
        # Pages that many appends change go to the file once, not after every fifty of them.
        rare = ("wal_autocheckpoint=8000", "cache_size=-65536")
        # The last one: it is `_begin_in_turn` that waits.
        return _opened(_uri(file), *durable, *rare, "busy_timeout=0", wait=wait)

    def for_reading() -> sqlite3.Connection:
        if not file.exists():
            reason = "the file does not exist. Make it: accessline db upgrade"
            raise DatabaseUnavailable(database=name, reason=reason)
        return _opened(_uri(file), "query_only=ON", wait=wait)

    return Parts(
        name=name,
        writer=_engine(for_writing, pooled(1, 0, wait), partial(_begin_in_turn, wait)),
        reader=_engine(for_reading, pooled(8, 56, wait), _begin_with("BEGIN")),
        glancer=sa.create_engine(
            "sqlite+pysqlite://", creator=for_reading, poolclass=pool.NullPool
        ),
        file=file,
        write_turn=threading.Lock(),
    )


def _in_memory(wait: float) -> Parts:
    shared = _opened("file::memory:", "recursive_triggers=ON", wait=wait)
    turn = threading.Lock()  # One connection carries one transaction, a reading one too.
    one = {"poolclass": pool.StaticPool}
    return Parts(
        name="sqlite://",
        writer=_engine(
            lambda: shared, one, _begin_with("PRAGMA query_only=OFF", "BEGIN IMMEDIATE")
        ),
        reader=_engine(lambda: shared, one, _begin_with("PRAGMA query_only=ON", "BEGIN")),
        write_turn=turn,
        read_turn=turn,
    )


def _engine(
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


def _opened(uri: str, *pragmas: str, wait: float) -> sqlite3.Connection:
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
