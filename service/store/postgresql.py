"""PostgreSQL: connections that notice a server which is gone, and wait for nothing for ever."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from math import ceil
from os import dup, getpid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import pool
from sqlalchemy.engine import URL

from service.store.errors import DriverMissing, UnsupportedUrl
from service.store.lines import Lines
from service.store.parts import Parts, pooled

STATEMENT_SECONDS: Final = 30
"""How long one statement may run."""

_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_ALIVE: Final = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
"""A machine that is gone without a word is noticed after some 11 s, not after two hours."""

_THRESHOLD: Final = "prepare_threshold"
_INTEGERS: Final = b"accessline_integers"
_DONE: Final = 1
"""libpq's PGRES_COMMAND_OK."""


def parts(url: URL, *, wait: float) -> Parts:
    """Return what a database at ``url`` is made of; nothing is opened yet.

    Raises:
        UnsupportedUrl: A ``prepare_threshold`` that is none.
        DriverMissing: There is no psycopg.
    """
    threshold, url = _prepare_threshold(url)
    arguments = {
        "connect_args": {"connect_timeout": ceil(wait), "application_name": "accessline"}
        | _ALIVE
        | threshold
        | dict(url.query),
    }
    options = pooled(5, 27, wait) | arguments
    try:
        writer = sa.create_engine(
            url, isolation_level="READ COMMITTED", pool_pre_ping=True, **options
        )
        # Its transactions begin by our own words.
        reader = sa.create_engine(url, isolation_level="AUTOCOMMIT", **options)
        # Whoever glances keeps the connection, so nobody else does.
        glancer = sa.create_engine(
            url, isolation_level="AUTOCOMMIT", poolclass=pool.NullPool, **arguments
        )
    except ImportError as error:
        raise DriverMissing(reason=str(error)) from error
    for engine in (writer, reader, glancer):
        sa.event.listen(engine, "connect", partial(_prepare_session, wait))
    sa.event.listen(reader, "begin", _begin)
    lines = Lines()
    for engine in (reader, glancer):
        lines.follow(engine)
    return Parts(
        # Options are left out: a password may stand among them.
        name=url.set(drivername="postgresql", query={}).render_as_string(hide_password=True),
        writer=writer,
        reader=reader,
        glancer=glancer,
        lines=lines,
    )


def row_of_integers(connection: sa.Connection, text: str) -> tuple[int | None, ...] | None:
    """Run a statement without values by libpq itself, which costs a third of what psycopg does.

    Args:
        connection: One that is held and opens no transaction.
        text: Gives one row of integers; the only such statement of this connection.

    Returns:
        The row; None where there is none, or something went wrong: psycopg will tell.
    """
    driver: Any = connection.connection.driver_connection
    server = driver.pgconn
    try:
        if driver.prepare_threshold is None:  # A pooler: the next one may come to another server.
            found = server.exec_(text.encode())
        else:
            if not connection.info.get(_INTEGERS):
                made = server.prepare(_INTEGERS, text.encode())
                connection.info[_INTEGERS] = made.status == _DONE
            found = server.exec_prepared(_INTEGERS, None)
    except connection.dialect.dbapi.Error:  # type: ignore[union-attr] # a dialect with a driver
        return None
    if found.ntuples != 1:
        return None
    values = [found.get_value(0, column) for column in range(found.nfields)]
    return tuple(None if value is None else int(value) for value in values)


def _begin(connection: sa.Connection) -> None:
    """Begin a snapshot at once, so that a connection which is lost shows before it is used."""
    connection.exec_driver_sql(_SNAPSHOT)


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


class _HangingUp:
    """Ends lines whose time is over: one thread of a process, which looks once a second."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._lines: dict[socket.socket, float] = {}
        self._process: int | None = None

    @contextmanager
    def after(self, seconds: float, line: socket.socket) -> Iterator[None]:
        """Hang up where what is done within takes longer, by a second at most."""
        with self._turn:
            self._lines[line] = time.monotonic() + seconds
            if self._process != getpid():  # Threads do not come along into a fork.
                self._process = getpid()
                threading.Thread(target=self._look, daemon=True).start()
        try:
            yield
        finally:
            with self._turn:
                del self._lines[line]

    def _look(self) -> None:
        while True:
            time.sleep(1)
            now = time.monotonic()
            with self._turn:
                for line, until in self._lines.items():
                    if until < now:
                        with suppress(OSError):  # The other end was faster.
                            line.shutdown(socket.SHUT_RDWR)


_HANGING_UP: Final = _HangingUp()


@contextmanager
def confirmed_within(seconds: float, connection: sa.Connection) -> Iterator[None]:
    """Hang up on PostgreSQL where it does not confirm a commit in time.

    With a synchronous standby that is gone, COMMIT waits for ever, and `statement_timeout` does not
    end it. It is not cancelled: that would make it a commit that no standby has, seen by all. So it
    goes on waiting, and keeps the head: nothing is acknowledged until the standby is back.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    number = connection.connection.driver_connection.fileno()  # type: ignore[union-attr]
    with socket.socket(fileno=dup(number)) as line, _HANGING_UP.after(seconds, line):
        yield
