"""`doctor`: everything around the log, a sentence for each thing."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from service.application import diagnosing
from service.application.diagnosing import diagnose
from service.store import engine
from tests.cli.console import Console

CHECKS = ["program", "settings", "database", "schema", "triggers", "read models", "clock"]


def results(console: Console) -> dict[str, str]:
    """Return how each check ended."""
    return {row["check"]: row["result"] for row in console("doctor").rows}


def detail(console: Console, name: str) -> str:
    """Return what a check says."""
    return next(row["detail"] for row in console("doctor").rows if row["check"] == name)


def change(file: Path, *statements: str) -> None:
    """Change a SQLite file from outside."""
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_good_log_is_found_good(over_both: Console) -> None:
    """Whatever the engine; warnings are no failure."""
    printed = over_both("doctor")

    assert (printed.code, printed.err) == (0, "")
    found = {row["check"]: row["result"] for row in printed.rows}
    assert set(CHECKS) <= set(found)
    assert all(found[name] == "ok" for name in CHECKS)
    assert "They have taken in all" in detail(over_both, "read models")


def test_it_answers_in_json_with_the_settings(over_seeds: Console) -> None:
    """No password among them."""
    found = over_seeds("doctor", "--json").json

    assert [one["name"] for one in found["checks"]][:3] == ["program", "settings", "database"]
    assert found["settings"]["ACCESSLINE_PORT"] == "8000"
    assert {one["level"] for one in found["checks"]} <= {"ok", "warn"}


def test_a_database_without_tables_fails_and_the_way_is_told(
    console: Console, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4, as for whatever needs the tables; no file is made."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", empty_url)

    printed = console("doctor")

    assert printed.code == 4
    assert "accessline db upgrade" in printed.out
    assert not Path("empty.db").exists()


def test_a_database_that_is_not_there_fails(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence is the store's own."""
    url = "postgresql://alice:s3cr3t@127.0.0.1:1/accessline"
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", url)

    printed = console("doctor")

    assert printed.code == 4
    assert results(console)["database"] == "fail"
    assert "s3cr3t" not in printed.out


def test_settings_that_cannot_be_used_are_all_told(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them nothing else can be looked at."""
    monkeypatch.setenv("ACCESSLINE_PORT", "none")
    monkeypatch.setenv("ACCESSLINE_WORKRES", "2")

    printed = console("doctor")

    assert printed.code == 4
    assert [row["result"] for row in printed.rows] == ["ok", "fail", "fail"]


def test_tables_of_a_newer_program_fail(over_seeds: Console, seeded: Path) -> None:
    """Upgrading would not help."""
    change(seeded, "UPDATE alembic_version SET version_num = '9999'")

    assert over_seeds("doctor").code == 4
    assert "install the accessline that made them" in detail(over_seeds, "schema")


def test_a_log_that_lost_its_protection_fails(over_seeds: Console, seeded: Path) -> None:
    """Somebody wanted to change it."""
    change(seeded, "DROP TRIGGER event_update")

    assert over_seeds("doctor").code == 4
    assert "event_update is missing" in detail(over_seeds, "triggers")


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_protection_that_was_switched_off_fails(over_both: Console, database_url: str) -> None:
    """On PostgreSQL a trigger can be there and do nothing."""
    opened = engine.connect(database_url)
    with opened.write() as connection:
        connection.exec_driver_sql("ALTER TABLE event DISABLE TRIGGER event_change")
    opened.dispose()

    assert over_both("doctor").code == 4
    assert "event_change is missing or off" in detail(over_both, "triggers")


def test_read_models_of_an_older_rule_fail(over_seeds: Console, seeded: Path) -> None:
    """They would give the answers of yesterday's program."""
    change(seeded, "UPDATE projection SET rule = 0")

    assert over_seeds("doctor").code == 4
    assert "accessline rebuild" in detail(over_seeds, "read models")
    over_seeds("rebuild")
    assert over_seeds("doctor").code == 0


def test_a_database_that_others_can_open_is_a_warning(over_seeds: Console, seeded: Path) -> None:
    """It holds the hashes of keys."""
    seeded.chmod(0o644)

    printed = over_seeds("doctor")

    assert printed.code == 0
    assert results(over_seeds)["files"] == "warn"
    assert f"chmod 600 {seeded}" in printed.out


def test_a_clock_behind_the_log_is_a_warning(seeded: Path) -> None:
    """Times in the log never run back, so new events would all get that of the last."""
    opened = engine.connect(f"sqlite:///{seeded}")
    found = diagnose(opened, workers=1, now=datetime(2020, 1, 1, tzinfo=UTC))
    opened.dispose()

    (clock,) = [one for one in found if one.name == "clock"]
    assert clock.level == "warn"
    assert "behind the last event" in clock.detail


@pytest.mark.parametrize(
    ("free", "level"), [(2**24, "fail"), (2**29, "warn"), (2**34, "ok")], ids=str
)
def test_a_disk_that_fills_is_told_before_it_is_full(
    free: int, level: str, over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full one refuses every append."""
    usage = SimpleNamespace(total=2**40, used=2**40 - free, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    assert results(over_seeds)["disk"] == level


@pytest.mark.parametrize(
    ("version", "workers", "level", "sentence"),
    [
        ("3.6.23", 4, "ok", "no known bug"),
        ("3.7.0", 4, "warn", "4 workers write: set ACCESSLINE_WORKERS=1"),
        ("3.40.1", 1, "ok", "not beside it"),
        ("3.51.2", 2, "warn", "fixed in 3.51.3"),
        ("3.51.3", 2, "ok", "no known bug"),
    ],
)
def test_the_wal_reset_bug_is_told_where_more_than_one_process_writes(
    version: str, workers: int, level: str, sentence: str, seeded: Path
) -> None:
    """SQLite 3.7.0 to 3.51.2: https://sqlite.org/wal.html#walresetbug."""
    opened = engine.connect(f"sqlite:///{seeded}")

    (found,) = diagnosing.sqlite_build(opened, version, workers)

    assert found.level == level
    assert sentence in found.detail
