"""The least that Flask can do: a view that returns bytes; `python -m … PORT FILE` serves it.

Raw databases, too: a bare insert of the same bytes, with the same promise of the disk.
"""

import sqlite3
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
from flask import Flask, Response

from service.store.events import NewEvent

JSON: Final = "application/json"
THREADS: Final = 192
"""As ours has."""

_TABLE: Final = (
    "CREATE TABLE event (position {key}, id {id} NOT NULL UNIQUE, stream TEXT NOT NULL,"
    " version INTEGER NOT NULL, type TEXT NOT NULL, authority TEXT, occurred_day TEXT NOT NULL,"
    " recorded_at BIGINT NOT NULL, recorded_by TEXT NOT NULL, body {blob} NOT NULL,"
    " UNIQUE (stream, version))"
)
_COLUMNS: Final = (
    "position, id, stream, version, type, authority, occurred_day, recorded_at, recorded_by, body"
)
_SQLITE: Final = f"INSERT INTO event ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)"  # noqa: S608 -- ours
_POSTGRES: Final = f"INSERT INTO event ({_COLUMNS}) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"  # noqa: S608 -- ours

Values = tuple[object, ...]


def application(body: bytes) -> Flask:
    """Return an application that answers ``/`` with these bytes, to GET and POST."""
    app = Flask("bare")

    def view() -> Response:
        return Response(body, content_type=JSON)

    app.add_url_rule("/", view_func=view, methods=["GET", "POST"])
    return app


def values(rows: Iterable[NewEvent]) -> list[Values]:
    """Return what a table of events holds for some."""
    return [
        (
            position,
            row.id.bytes,
            row.stream,
            row.version,
            row.type,
            row.authority,
            row.occurred_day.isoformat(),
            row.recorded_at,
            row.recorded_by,
            row.body,
        )
        for position, row in enumerate(rows, 1)
    ]


class Sqlite:
    """A file with synchronous=FULL, as ours has."""

    def __init__(self, file: Path) -> None:
        self._raw = sqlite3.connect(file, isolation_level=None)
        self._raw.execute("PRAGMA journal_mode=WAL")
        self._raw.execute("PRAGMA synchronous=FULL")
        self._raw.execute(_TABLE.format(key="INTEGER PRIMARY KEY", id="BLOB", blob="BLOB"))

    def insert(self, row: Values) -> None:
        """Write one row, and have it on the disk."""
        self._raw.execute("BEGIN IMMEDIATE")
        self._raw.execute(_SQLITE, row)
        self._raw.execute("COMMIT")

    def load(self, rows: Sequence[Values]) -> None:
        """Write many rows in one transaction, as fast as the driver can."""
        self._raw.execute("BEGIN IMMEDIATE")
        self._raw.executemany(_SQLITE, rows)
        self._raw.execute("COMMIT")

    def close(self) -> None:
        """Close it."""
        self._raw.close()


class Postgres:
    """One connection of psycopg, which prepares what it says often."""

    def __init__(self, url: str) -> None:
        self._raw = psycopg.connect(url)
        self._raw.execute(
            _TABLE.format(key="BIGINT PRIMARY KEY", id="BYTEA", blob="BYTEA").encode()
        )
        self._raw.commit()

    def insert(self, row: Values) -> None:
        """Write one row, and have it on the disk."""
        self._raw.execute(_POSTGRES, row)
        self._raw.commit()

    def load(self, rows: Sequence[Values]) -> None:
        """Write many rows with COPY."""
        copying = f"COPY event ({_COLUMNS}) FROM STDIN"
        with self._raw.cursor() as cursor, cursor.copy(copying) as copy:
            for row in rows:
                copy.write_row(row)
        self._raw.commit()

    def close(self) -> None:
        """Close it."""
        self._raw.close()


def serve(port: int, file: Path) -> None:
    """Serve a file's bytes by the server that serves ours, one process."""
    from granian import Granian  # noqa: PLC0415 -- only a server needs it
    from granian.constants import Interfaces  # noqa: PLC0415

    server = Granian(
        "bare",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
    )
    loader = partial(application, file.read_bytes())
    server.serve(target_loader=loader, wrap_loader=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
