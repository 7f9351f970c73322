"""The database itself refuses to change the log, to whoever holds a connection of his own."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from service.store import engine, schema
from service.store.engine import Database
from tests.store.examples import append, new_event


@pytest.fixture
def tampered(database: Database, database_url: str) -> Iterator[Any]:
    """A raw connection, as any tool opens it, to a log of three events; all of it is kept."""
    append(database, new_event(), new_event(), new_event())
    before = snapshot(database)
    if database.dialect == "sqlite":
        with closing(sqlite3.connect(str(database.file), isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(database_url, autocommit=True) as connection:
            yield connection
    assert snapshot(database) == before


def snapshot(database: Database) -> list[tuple[Any, ...]]:
    """All rows of the log."""
    with database.read() as connection:
        return [
            tuple(row)
            for statement in (
                "SELECT * FROM event ORDER BY position",
                'SELECT * FROM node ORDER BY level, "index"',
            )
            for row in connection.execute(sa.text(statement))
        ]


EVERYWHERE = (
    "UPDATE event SET body = '' WHERE position = 2",
    "UPDATE event SET position = 9 WHERE position = 3",
    "UPDATE event SET recorded_by = recorded_by",
    "DELETE FROM event WHERE position = 3",
    "DELETE FROM event",
    "UPDATE node SET hash = hash",
    "DELETE FROM node",
)
COPY = (
    "SELECT {position}, {id}, {stream}, {version}, type, authority, occurred_day, recorded_at,"
    " recorded_by, body, leaf FROM event WHERE position = 3"
)
ROW = {"position": "position", "id": "id", "stream": "stream", "version": "version"}
FRESH_ID = "'00000000000040008000000000000000'"


def copied(**changes: str) -> str:
    """Select the third event with some columns changed."""
    return COPY.format(**{**ROW, **changes})


@pytest.mark.parametrize("statement", EVERYWHERE)
def test_the_log_is_neither_changed_nor_deleted(tampered: Any, statement: str) -> None:  # noqa: ANN401
    """A wrong fact is corrected by a new event."""
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RestrictViolation)) as caught:
        tampered.execute(statement)

    assert "The log is append-only" in str(caught.value)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"position": "1"},
        {"position": "4"},
        {"position": "4", "id": FRESH_ID},
        {"position": "5", "id": FRESH_ID, "version": "2"},
        {"position": "0", "id": FRESH_ID, "version": "2"},
        {"position": "NULL", "id": FRESH_ID, "version": "2"},
    ],
)
def test_no_form_of_insert_replaces_or_skips_on_sqlite(
    tampered: sqlite3.Connection, verb: str, changes: dict[str, str]
) -> None:
    """`INSERT OR REPLACE` fires no DELETE trigger where `recursive_triggers` is off, as here."""
    assert tampered.execute("PRAGMA recursive_triggers").fetchone() == (0,)

    with pytest.raises(sqlite3.IntegrityError, match="The log is append-only"):
        tampered.execute(f"{verb} INTO event {copied(**changes)}")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO event {copied()} ON CONFLICT DO UPDATE SET body = ''",
        "UPDATE OR REPLACE event SET position = 1 WHERE position = 3",
        "INSERT OR REPLACE INTO node VALUES (1, 0, zeroblob(32))",
        "INSERT INTO node SELECT * FROM node WHERE true ON CONFLICT DO UPDATE SET level = 2",
    ],
)
def test_no_upsert_gets_through_on_sqlite(tampered: sqlite3.Connection, statement: str) -> None:
    """Each of these would be a quiet UPDATE."""
    with pytest.raises(sqlite3.IntegrityError, match="The log is append-only"):
        tampered.execute(statement)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE event",
        "TRUNCATE node",
        "TRUNCATE event, node CASCADE",
        f"INSERT INTO event {copied()} ON CONFLICT (position) DO UPDATE SET body = ''",
        f"INSERT INTO event {copied(position='4')} ON CONFLICT (id) DO UPDATE SET body = ''",
        "INSERT INTO node SELECT * FROM node ON CONFLICT (level, index) DO UPDATE SET hash = ''",
        "MERGE INTO event USING (SELECT 3 AS p) AS s ON position = p WHEN MATCHED THEN DELETE",
    ],
)
def test_no_other_way_round_gets_through_on_postgresql(
    tampered: psycopg.Connection, statement: str
) -> None:
    """The tests' user is a superuser, whom no privilege stops: the triggers do."""
    with pytest.raises(psycopg.errors.RestrictViolation, match="The log is append-only"):
        tampered.execute(statement.encode())


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("position", ["0", "-1", "5"])
def test_a_gap_is_refused_on_postgresql(tampered: psycopg.Connection, position: str) -> None:
    """Positions are 1, 2, 3, … for everybody who reads them."""
    fresh = copied(position=position, id=f"{FRESH_ID}::uuid", version="2")

    with pytest.raises(psycopg.errors.IntegrityError):
        tampered.execute(f"INSERT INTO event {fresh}".encode())


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_nothing_is_added_by_a_conflict_that_does_nothing(tampered: psycopg.Connection) -> None:
    """`ON CONFLICT DO NOTHING` writes no row, so there is nothing to refuse."""
    done = tampered.execute(f"INSERT INTO event {copied()} ON CONFLICT DO NOTHING".encode())

    assert done.rowcount == 0


def test_the_owner_of_the_tables_has_no_privilege_to_change_them(postgres_url: str) -> None:
    """Who migrates and serves with one role, which is no superuser, is stopped before a trigger."""
    name, password = f"owner_{secrets.token_hex(4)}", secrets.token_hex(8)
    admin = psycopg.connect(postgres_url, autocommit=True)
    with closing(admin):
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'".encode())
        admin.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
        url = sa.make_url(postgres_url).set(username=name, password=password, database=name)
        owned = engine.connect(url.render_as_string(hide_password=False))
        try:
            schema.upgrade(owned)
            append(owned, new_event(), new_event())
            with owned.read() as connection:
                held = connection.execute(
                    sa.text(
                        "SELECT tables.name, privileges.name,"
                        " has_table_privilege(tables.name, privileges.name)"
                        " FROM unnest(ARRAY['event', 'node']) AS tables(name),"
                        " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'])"
                        " AS privileges(name)"
                    )
                )
                allowed = {(table, privilege) for table, privilege, has in held if has}
        finally:
            owned.dispose()
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            admin.execute(f"DROP ROLE {name}".encode())

    assert allowed == {
        ("event", "SELECT"),
        ("event", "INSERT"),
        ("node", "SELECT"),
        ("node", "INSERT"),
    }
