"""What a driver raises, told as one of ``service.store.errors``."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc

from service.store.errors import (
    ConstraintViolated,
    DatabaseBusy,
    DatabaseUnavailable,
    SchemaOutdated,
    StoreDamaged,
    StoreError,
    WriteRefused,
)
from service.store.tables import REVISION

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


@contextmanager
def translated(name: str, *, writing: bool) -> Iterator[None]:
    """Tell what a driver raises within, of the database of a name.

    Raises:
        StoreError: The subclass that says what the driver met.
    """
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
