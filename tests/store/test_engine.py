"""Connections: what they promise, and what they say when they cannot keep it."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from service.store import engine, events, schema
from service.store.engine import Database
from service.store.errors import (
    DatabaseBusy,
    DatabaseUnavailable,
    ReadOnlyDatabase,
    SchemaOutdated,
    StoreError,
    UnsupportedUrl,
    WriteRefused,
)
from tests.store.examples import append, new_event

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def impatient(database_url: str) -> Iterator[Database]:
    """The test's database, by a program that waits a fifth of a second only."""
    opened = engine.connect(database_url, wait=0.2)
    yield opened
    opened.dispose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://alice:secret@host/x", "the scheme 'mysql'"),
        ("postgresql+psycopg2://alice:secret@host/x", "the scheme 'postgresql.psycopg2'"),
        ("accessline.db", "no form that can be read"),
        ("", "no form that can be read"),
        ("postgresql://alice:secret@host:port/x", "no form that can be read"),
        ("sqlite://accessline.db", "a host or options"),
        ("sqlite:///accessline.db?mode=ro", "a host or options"),
        ("postgresql://alice:secret@h/x?prepare_threshold=many", "a prepare_threshold that is"),
    ],
)
def test_a_url_that_names_nothing_usable_is_refused_with_valid_ones(url: str, words: str) -> None:
    """The sentence shows what is valid, and no password."""
    with pytest.raises(UnsupportedUrl, match=words) as caught:
        engine.connect(url)

    assert "sqlite:///accessline.db" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_has_one_driver_and_a_name_without_secrets(scheme: str) -> None:
    """Hosting services still write `postgres://`; passwords stand in two places of a URL."""
    database = engine.connect(f"{scheme}://alice:secret@host/log?password=secret")

    assert database.dialect == "postgresql"
    assert database.name == "postgresql://alice:***@host/log"


def test_without_psycopg_the_error_says_how_to_get_it() -> None:
    """The driver is an extra: whoever uses SQLite alone does not need it."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from service.store import engine, errors\n"
        "try: engine.connect('postgresql://localhost/x')\n"
        "except errors.DriverMissing as error: print(error)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- ours

    assert 'pip install "accessline[postgres]"' in done.stdout


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_the_database_file_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    """Also the files beside it, at whatever umask the program was started."""
    database = engine.connect(f"sqlite:///{tmp_path / 'private.db'}")
    before = os.umask(umask)
    try:
        schema.upgrade(database)
        with database.write() as connection:
            events.append(connection, events.take_head(connection), [new_event()])
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
        database.dispose()

    assert modes == {"private.db": 0o600, "private.db-wal": 0o600, "private.db-shm": 0o600}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """SQLite itself would only say: unable to open database file."""
    database = engine.connect(f"sqlite:///{tmp_path}/none/accessline.db")

    with pytest.raises(DatabaseUnavailable, match=f"the folder {tmp_path}/none does not exist"):
        schema.upgrade(database)


def test_reading_makes_no_file(tmp_path: Path) -> None:
    """A mistyped path must not leave an empty database behind."""
    database = engine.connect(f"sqlite:///{tmp_path / 'typo.db'}")

    with (
        pytest.raises(DatabaseUnavailable, match="Make it: accessline db upgrade"),
        database.read(),
    ):
        pass
    assert schema.current(database) is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """The path was probably another one."""
    (tmp_path / "notes.txt").write_text("Buy milk. " * 100, encoding="utf-8")
    database = engine.connect(f"sqlite:///{tmp_path / 'notes.txt'}")

    for call in (schema.current, schema.upgrade):
        with pytest.raises(DatabaseUnavailable, match="file is not a database"):
            call(database)
    database.dispose()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """Whatever the system says about it, it comes as our own error."""
    database = engine.connect(f"sqlite:///{tmp_path}")

    with pytest.raises(DatabaseUnavailable):
        schema.upgrade(database)


def test_an_unreachable_server_is_told_without_the_password() -> None:
    """Port 1 of the own machine: nobody listens there."""
    database = engine.connect("postgresql://alice:secret@127.0.0.1:1/accessline")

    with pytest.raises(DatabaseUnavailable, match=r"alice:\*\*\*@127\.0\.0\.1:1") as caught:
        schema.current(database)
    assert "secret" not in str(caught.value)


def test_a_database_that_the_server_does_not_have_is_told(postgres_url: str) -> None:
    """`createdb` was forgotten."""
    url = sa.make_url(postgres_url).set(database="no_such_database")
    database = engine.connect(url.render_as_string(hide_password=False))

    with pytest.raises(DatabaseUnavailable, match='"no_such_database" does not exist'):
        schema.current(database)


def test_a_database_without_tables_says_what_to_do(empty_url: str) -> None:
    """Both on purpose, at the start, and when the first statement fails."""
    database = engine.connect(empty_url)
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE something_else (id INTEGER)"))

    for call in (schema.require_current, lambda unready: append(unready, new_event())):
        with pytest.raises(SchemaOutdated, match="Make them: accessline db upgrade") as caught:
            call(database)
        assert (caught.value.current, caught.value.expected) == (None, schema.expected())
    database.dispose()


@pytest.mark.parametrize(
    ("revision", "words"),
    [("0001", "has schema 0001, this program needs"), ("9999", "newer than the")],
)
def test_tables_of_another_version_are_refused(
    database: Database, revision: str, words: str
) -> None:
    """Older tables want an upgrade, newer ones a newer program."""
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :r"), {"r": revision})

    with pytest.raises(SchemaOutdated, match=words):
        schema.require_current(database)


def test_an_upgrade_does_not_touch_a_newer_schema(database: Database) -> None:
    """An older program must not guess."""
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaOutdated, match="newer than the"):
        schema.upgrade(database)


def test_a_reader_sees_one_moment(database: Database) -> None:
    """Two statements of one answer must not see two logs."""
    append(database, new_event())

    with database.read() as connection:
        before = events.read_head(connection).position
        append(database, new_event())
        after = len(list(events.iterate(connection)))

    assert (before, after) == (1, 1)


def test_a_reader_cannot_write(database: Database) -> None:
    """Not even by mistake."""
    with pytest.raises(StoreError), database.read() as connection:
        events.take_head(connection)


def test_a_database_opened_for_reading_refuses_to_write(database_url: str) -> None:
    """A replica answers questions; appends belong to the primary."""
    database = engine.connect(database_url, read_only=True)

    with database.read() as connection:
        assert events.read_head(connection).position == 0
    with pytest.raises(ReadOnlyDatabase, match="Write to the primary"):
        append(database, new_event())
    database.dispose()


def test_a_database_in_memory_is_scratch_paper() -> None:
    """`verify` folds into it."""
    database = engine.connect("sqlite://")
    schema.upgrade(database)
    append(database, new_event(), new_event())

    with database.read() as connection:
        assert events.read_head(connection).position == 2
    with pytest.raises(StoreError), database.read() as connection:
        events.take_head(connection)
    assert append(database, new_event()).position == 3
    database.dispose()


def test_a_second_writer_waits_and_then_says_that_the_database_is_busy(
    database: Database, impatient: Database
) -> None:
    """A lock held by another process, or by somebody's shell."""
    with database.write() as connection:
        events.take_head(connection)
        with pytest.raises(DatabaseBusy, match="try again"):
            append(impatient, new_event())
        with impatient.read() as reading:
            assert events.read_head(reading).position == 0

    assert append(impatient, new_event()).position == 1


@only_sqlite
def test_a_second_writer_of_one_process_waits_in_line(impatient: Database) -> None:
    """SQLite's own lock is unfair: within a process we queue."""
    refused = []

    def second() -> None:
        with pytest.raises(DatabaseBusy, match="another transaction of this process") as caught:
            append(impatient, new_event())
        refused.append(caught.value)

    with impatient.write():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(refused) == 1


@only_sqlite
def test_the_sqlite_connections_are_durable_and_strict(database: Database) -> None:
    """WAL with `synchronous=NORMAL` loses acknowledged appends when the power fails."""
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "query_only")

    def settings(connection: sa.Connection) -> list[object]:
        return [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in pragmas]

    with database.write() as connection:
        assert settings(connection) == ["wal", 2, 1, 1, 0]
    with database.read() as connection:
        assert settings(connection) == ["wal", 2, 1, 0, 1]


@only_sqlite
def test_a_full_disk_refuses_the_write_and_keeps_the_log(database: Database) -> None:
    """SQLITE_FULL, as a file system without space gives it."""
    append(database, new_event())

    def too_much() -> None:
        with database.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 40")
            head = events.take_head(connection)
            events.append(connection, head, [new_event(body=b"x" * 60_000) for _ in range(20)])

    with pytest.raises(WriteRefused, match="full"):
        too_much()
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert append(database, new_event()).position == 2


@only_postgres
def test_the_postgresql_sessions_are_bounded_and_speak_utc(database: Database) -> None:
    """A statement that waits for ever holds a worker for ever."""
    names = ("TimeZone", "lock_timeout", "statement_timeout", "transaction_isolation")

    def settings(connection: sa.Connection) -> list[object]:
        return [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]

    with database.write() as connection:
        assert settings(connection) == ["UTC", "10s", "30s", "read committed"]
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "off"
    with database.read() as connection:
        assert settings(connection) == ["UTC", "10s", "30s", "repeatable read"]
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"


@only_postgres
@pytest.mark.parametrize(("text", "wanted"), [("none", None), ("0", 0), ("7", 7)])
def test_statements_are_prepared_as_the_url_says(
    database_url: str, text: str, wanted: int | None
) -> None:
    """Behind a pooler, a statement that was prepared may be somebody else's."""
    url = sa.make_url(database_url).update_query_dict({"prepare_threshold": text})
    database = engine.connect(url.render_as_string(hide_password=False))

    with database.read() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        assert driver.prepare_threshold == wanted
    assert "prepare_threshold" not in database.name
    database.dispose()


@only_postgres
def test_an_append_is_durable_where_the_server_is_set_to_be_fast(
    database: Database, database_url: str
) -> None:
    """`synchronous_commit = off` acknowledges what a crash loses."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        name = sa.make_url(database_url).database
        admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())

    with database.write() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


@only_postgres
def test_a_standby_refuses_the_write(database: Database, database_url: str) -> None:
    """What a standby says: cannot execute UPDATE in a read-only transaction."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        name = sa.make_url(database_url).database
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())

    with pytest.raises(WriteRefused, match="read-only transaction"):
        append(database, new_event())


@only_postgres
def test_a_connection_that_was_cut_is_told_and_the_next_call_works(
    database: Database, database_url: str
) -> None:
    """The server restarts, or a firewall forgets."""

    def cut() -> None:
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def while_writing() -> None:
        with database.write() as connection:
            head = events.take_head(connection)
            cut()
            events.append(connection, head, [new_event()])

    with pytest.raises(DatabaseUnavailable):
        while_writing()
    assert append(database, new_event()).position == 1
    cut()  # Between two calls nobody notices.
    assert append(database, new_event()).position == 2


@only_sqlite
def test_a_relative_path_stays_what_it_was_when_the_program_started(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A daemon changes its folder."""
    assert database.file is not None
    monkeypatch.chdir(database.file.parent)
    relative = engine.connect(f"sqlite:///{database.file.name}")
    monkeypatch.chdir("/")

    append(relative, new_event())

    relative.dispose()
    with closing(sqlite3.connect(tmp_path / database.file.name)) as raw:
        assert raw.execute("SELECT count(*) FROM event").fetchone() == (1,)


@only_sqlite
def test_a_path_may_hold_what_a_url_means_otherwise(database_url: str, tmp_path: Path) -> None:
    """Spaces, question marks and percent signs are letters of a path."""
    file = tmp_path / "what? 50% #1.db"
    Path(sa.make_url(database_url).database or "").rename(file)
    database = engine.connect(
        sa.URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)
    )

    assert append(database, new_event()).position == 1
    assert database.file == file
    database.dispose()
