"""The migrations build the schema that the program states, whole or not at all."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from service.store import engine, events, schema, tables
from service.store.engine import Database
from service.store.errors import DatabaseUnavailable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Alembic as its command line runs it, over a database without any table."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", empty_url)
    return Config(toml_file=str(ROOT / "pyproject.toml"))


def names(database: Database) -> set[str]:
    """Tables of a database."""
    with database.read() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_the_revision_that_the_program_expects_is_the_last_migration() -> None:
    """`tables.REVISION` stands for it, so that a start need not read the scripts."""
    script = ScriptDirectory(str(schema.migrations()))

    assert script.get_heads() == [tables.REVISION] == [schema.expected()]
    assert sorted(revision.revision for revision in script.walk_revisions()) == [
        f"{number:04}" for number in range(1, len(list(script.walk_revisions())) + 1)
    ]


def test_an_upgrade_from_nothing_makes_every_table_and_a_second_one_changes_nothing(
    empty_url: str,
) -> None:
    """Whoever starts the program twice gets one database."""
    database = engine.connect(empty_url)
    assert schema.current(database) is None

    for _ in range(2):
        schema.upgrade(database)
        assert schema.current(database) == tables.REVISION
        assert names(database) == {*tables.metadata.tables, "alembic_version"}
        with database.read() as connection:
            assert events.read_head(connection).position == 0
            live = connection.execute(sa.select(tables.projection)).one()
            assert tuple(live) == (1, 1, 1, None, 0, 0)
    database.dispose()


def test_the_bare_alembic_command_works_and_finds_no_difference(bare: Config) -> None:
    """`alembic upgrade head`, `alembic check`: tables and migrations say the same."""
    command.upgrade(bare, "head")

    command.check(bare)


def test_each_migration_runs_by_itself(bare: Config, empty_url: str) -> None:
    """A database may stand at any revision when the next one comes."""
    database = engine.connect(empty_url)
    for number in range(1, int(tables.REVISION) + 1):
        command.upgrade(bare, f"{number:04}")
        assert schema.current(database) == f"{number:04}"
    database.dispose()


def test_scopes_become_numbers_and_what_is_said_of_them_is_kept(
    bare: Config, empty_url: str
) -> None:
    """Answers are as before until a rebuild, whether the last one was before 0007 or after."""
    command.upgrade(bare, "0007")
    database = engine.connect(empty_url)
    names = ("generation", "provider", "region", "service", "audience", "statement")
    old = sa.table("statement_scope", *map(sa.column, names))
    said = [("openai", "FR", "api", "*", 1), ("openai", "IT", "api", "*", 1)]
    said.append(("openai", "FR", "api", "*", 2))
    with database.write() as connection:
        connection.execute(
            sa.insert(old), [dict(zip(names, (1, *one), strict=True)) for one in said]
        )
        connection.execute(sa.insert(tables.scope).values((1, *said[0][:-1], 7)))
        connection.execute(sa.update(tables.projection).values(applied=2))

    command.upgrade(bare, "0008")

    numbers, scopes = tables.statement_scope.c, tables.scope.c
    with database.read() as connection:
        found = connection.execute(
            sa.select(scopes.region, numbers.scope, numbers.statement)
            .join(tables.scope, scopes.scope == numbers.scope)
            .order_by(numbers.scope, numbers.statement)
        ).all()
        assert [tuple(one) for one in found] == [("FR", 7, 1), ("FR", 7, 2), ("IT", 8, 1)]
        assert connection.scalar(sa.select(tables.projection.c.rule)) == 0
    database.dispose()


def test_there_is_no_way_back(bare: Config) -> None:
    """A downgrade would drop events."""
    command.upgrade(bare, "head")

    with pytest.raises(NotImplementedError, match="Restore a backup"):
        command.downgrade(bare, "-1")


KILLED_AT = """
import os, signal, sys
import sqlalchemy as sa
from service.store import engine, schema

database = engine.connect(sys.argv[1])

@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *rest):
    if sys.argv[2] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

schema.upgrade(database)
"""


@pytest.mark.parametrize(
    "moment",
    [
        "INSERT INTO alembic_version",
        "CREATE TRIGGER event_delete",
        "INSERT INTO head",
        "CREATE TABLE mention",
        "CREATE TABLE credential",
        "'0004'",
        "CREATE TABLE session",
    ],
)
def test_a_migration_that_is_killed_half_way_leaves_nothing(tmp_path: Path, moment: str) -> None:
    """On SQLite the driver would commit each CREATE TABLE by itself; ours does not."""
    url = f"sqlite:///{tmp_path / 'killed.db'}"
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT, url, moment],
        cwd=ROOT,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == -signal.SIGKILL, done.stderr
    with closing(sqlite3.connect(tmp_path / "killed.db")) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == []
    database = engine.connect(url)
    schema.upgrade(database)
    schema.require_current(database)
    database.dispose()


def test_two_programs_that_upgrade_at_once_leave_one_schema(empty_url: str) -> None:
    """Two containers start together."""
    code = (
        "import sys; from service.store import engine, schema;"
        " schema.upgrade(engine.connect(sys.argv[1]))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_url],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(2)
    ]
    for process in started:
        _, faults = process.communicate(timeout=60)
        assert process.returncode == 0, faults
    database = engine.connect(empty_url)
    schema.require_current(database)
    database.dispose()


def test_an_upgrade_that_cannot_happen_says_so(tmp_path: Path) -> None:
    """No folder, no database: nothing else is tried."""
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        schema.upgrade(engine.connect(f"sqlite:///{tmp_path}/none/x.db"))
