"""Kill each migration after each of its statements, and before and after its commit.

    python -m tests.chaos.killed_migrations URL

takes a database without tables, and prints {"revisions": 4, "kills": 41, "faults": []}. A fault is
a schema that is neither the one before nor the one after, or rows that are not as they were.

Each killed run is a fork of this process: nothing has to be imported again.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from service.store import schema
from service.store.engine import connect
from service.store.tables import REVISION

MOST: Final = 200
"""Statements in one migration, at most."""

_SQLITE: Final = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master"
_POSTGRESQL: Final = """
SELECT 'column ' || table_name || ' ' || column_name || ' ' || data_type || is_nullable
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function ' || proname || prosrc
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'grant ' || relname || coalesce(relacl::text, '')
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
_EVENT: Final = (
    "INSERT INTO event (position, id, stream, version, type, occurred_day, recorded_at,"
    " recorded_by, body, leaf) VALUES (1, :id, 'context:kept', 1, 'context.noted', '2024-06-24',"
    " 1, 'alice', :body, :leaf)"
)


def main(url: str) -> None:
    """Kill, compare, go on."""
    faults: list[str] = []
    kills = 0
    for number in range(1, int(REVISION) + 1):
        kills += killed(url, f"{number:04}", faults)
        if number == 1:
            add_an_event(url)
    left = look(url)
    if not in_a_fork(lambda: upgrade(url, "head", None)) or look(url) != left:
        faults.append("a rerun changed something")
    if sum(line.startswith("event (1, ") for line in left) != 1:
        faults.append("the event is gone")
    told = {"revisions": int(REVISION), "kills": kills, "schema": len(left), "faults": faults}
    sys.stdout.write(json.dumps(told) + "\n")


def killed(url: str, revision: str, faults: list[str]) -> int:
    """Kill one migration at each of its statements, until it ends; return how often."""
    before = look(url)
    for statement in range(MOST):
        if in_a_fork(partial(upgrade, url, revision, statement)):
            if look(url) == before:
                faults.append(f"{revision} changed nothing")
            return statement
        if look(url) != before:
            faults.append(f"{revision} killed at statement {statement} left something behind")
    faults.append(f"{revision} never ended")
    return MOST


def in_a_fork(act: Callable[[], None]) -> bool:
    """Run something in a fork of this process; tell whether it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 -- the parent is told by the exit code
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in {0, -signal.SIGKILL}:
        message = f"a migration failed with {code}"
        raise RuntimeError(message)
    return code == 0


def upgrade(url: str, revision: str, killed_after: int | None) -> None:
    """Upgrade as the program does; die after a number of statements, the last being the commit."""
    database = connect(url)
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        if seen == killed_after:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    for moment in ("after_cursor_execute", "commit"):
        sa.event.listen(sa.Engine, moment, count)
    config = Config()
    config.set_main_option("script_location", str(schema.migrations()))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def look(url: str) -> list[str]:
    """Describe everything that a database has, and its events."""
    database = connect(url)
    try:
        if database.file is not None and not database.file.exists():
            return []
        with database.read() as connection:
            return described(connection) + rows(connection)
    finally:
        database.dispose()


def described(connection: sa.Connection) -> list[str]:
    """Describe tables, columns, indexes, triggers, functions, constraints and grants."""
    sqlite = connection.dialect.name == "sqlite"
    asked = sa.text(_SQLITE if sqlite else _POSTGRESQL.replace("::", r"\:\:"))
    found = list(connection.scalars(asked))
    if sa.inspect(connection).has_table("alembic_version"):
        found += connection.scalars(sa.text("SELECT version_num FROM alembic_version"))
    return sorted(map(str, found))


def rows(connection: sa.Connection) -> list[str]:
    """Return the events, as text."""
    if not sa.inspect(connection).has_table("event"):
        return []
    return [f"event {tuple(row)}" for row in connection.execute(sa.text("SELECT * FROM event"))]


def add_an_event(url: str) -> None:
    """Put one row into the log, as soon as there is one."""
    database = connect(url)
    identity = "00000000000000000000000000000001"
    try:
        with database.write() as connection:
            connection.execute(
                sa.text(_EVENT), {"id": identity, "body": b"{}", "leaf": b"\x01" * 32}
            )
    finally:
        database.dispose()


if __name__ == "__main__":
    main(sys.argv[1])
