"""`db`, `rebuild`, `verify`, `keys`, `config`: what an operator does."""

import sqlite3
from pathlib import Path

import pytest

from service.auth.credentials import authenticate
from service.store.engine import Database
from tests.cli.console import Console

UNREACHABLE = "postgresql://alice:s3cr3t@127.0.0.1:1/accessline"


def change_behind_the_triggers(file: Path, position: int) -> None:
    """Do what the database refuses, as somebody with its file can."""
    with sqlite3.connect(file) as connection:
        triggers = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event'"
        ).fetchall()
        for (name,) in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        changed = """
            UPDATE event SET body = CAST(replace(body, 'blocked', 'suspended') AS BLOB)
            WHERE position = ?
        """
        connection.execute(changed, (position,))
    connection.close()


def test_tables_are_made_and_then_current(
    console: Console, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script asks before a deployment and upgrades after it."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", empty_url)

    before = console("db", "current", "--json")
    made = console("db", "upgrade")
    again = console("db", "upgrade")
    after = console("db", "current", "--json")

    assert (before.code, before.json["current"]) == (1, None)
    assert "(before: none)" in made.out
    assert "is up to date" in again.out
    assert (after.code, after.json["current"]) == (0, after.json["expected"])
    assert made.err == again.err == ""


@pytest.mark.parametrize(
    "command",
    [
        ("state", "openai", "CN"),
        ("events", "list"),
        ("events", "append", "-", "--dry-run"),
        ("seed",),
        ("diff", "openai", "--from", "2024-07-08", "--until", "2024-07-09"),
        ("upcoming",),
        ("policies", "list"),
        ("import", "-"),
        ("restore", "-"),
        ("export", "log.jsonl"),
        ("backup", "backup.db"),
        ("rebuild",),
        ("verify",),
        ("keys", "list"),
        ("serve", "--port", "65535"),
    ],
)
def test_without_tables_the_way_to_make_them_is_told(
    command: tuple[str, ...], console: Console, tmp_path: Path
) -> None:
    """Exit 4, and no empty file is left behind that would look like a log."""
    printed = console(*command, stdin=b"[]")

    assert (printed.code, printed.out) == (4, "")
    assert printed.err == (
        "accessline: The database has no tables yet. Make them: accessline db upgrade\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_rebuilt_and_verified_log_is_as_it_must_be(over_both: Console) -> None:
    """The read models come from the log alone."""
    rebuilt = over_both("rebuild", "--json")
    verified = over_both("verify", "--json")

    assert (rebuilt.code, verified.code) == (0, 0)
    assert rebuilt.json["generation"] == 2
    assert rebuilt.json["events"] == verified.json["events"]
    assert verified.json["findings"] == []
    assert len(verified.json["root"]) == 64


def test_a_change_behind_the_triggers_is_found_with_its_position(
    over_seeds: Console, seeded: Path
) -> None:
    """Exit 5: what is stored is not what was recorded."""
    notice = "policy:openai-unsupported-regions-2024"
    (row,) = over_seeds("events", "list", "--stream", notice).rows

    change_behind_the_triggers(seeded, int(row["position"]))
    printed = over_seeds("verify")

    assert printed.code == 5
    edited = [one for one in printed.rows if one["kind"] == "edited"]
    assert [one["position"] for one in edited] == [row["position"]]
    assert "finding" in printed.err
    assert over_seeds("verify", "--json").json["findings"][0]["position"] == int(row["position"])


def test_a_rebuild_mends_read_models_that_were_changed(over_seeds: Console, seeded: Path) -> None:
    """They are disposable; the log is not touched."""
    with sqlite3.connect(seeded) as connection:
        connection.execute("DELETE FROM mention WHERE value = 'CN'")
    connection.close()

    found = over_seeds("verify")
    rebuilt = over_seeds("rebuild")

    assert found.code == 5
    assert [row["kind"] for row in found.rows] == ["projection"]
    assert "of mention were not as they had to be" in rebuilt.out
    assert over_seeds("verify").code == 0


def test_a_key_is_shown_once_and_opens_the_api(over_both: Console, database: Database) -> None:
    """Only its hash is kept."""
    made = over_both("keys", "create", "--role", "curator", "--label", "import job")

    key = made.out.strip()
    principal = authenticate(database, f"Bearer {key}")
    assert principal is not None
    assert principal.role == "curator"
    listed = over_both("keys", "list")
    assert key not in listed.out
    assert (listed.rows[0]["id"], listed.rows[0]["label"]) == (principal.id, "import job")


def test_a_revoked_key_opens_nothing(over_both: Console, database: Database) -> None:
    """From its next use on, and for ever; revoking it again is no error."""
    made = over_both("keys", "create", "--role", "reader", "--json").json

    revoked = over_both("keys", "revoke", made["id"])
    again = over_both("keys", "revoke", made["id"])

    assert (revoked.code, again.code) == (0, 0)
    assert "already" in again.out
    assert authenticate(database, f"Bearer {made['key']}") is None
    (item,) = over_both("keys", "list", "--json").json["items"]
    assert item["revoked_at"] >= item["created_at"]


def test_a_key_that_is_not_there_exits_3(over_seeds: Console) -> None:
    """With the id that was probably meant."""
    made = over_seeds("keys", "create", "--role", "reader", "--json").json

    printed = over_seeds("keys", "revoke", made["id"][:-1])

    assert printed.code == 3
    assert made["id"] in printed.err


@pytest.mark.parametrize("options", [(), ("--role", "admin"), ("--role", "reader", "--label", "")])
def test_a_key_needs_a_role_and_no_empty_label(
    options: tuple[str, ...], over_seeds: Console
) -> None:
    """Nothing is guessed about what somebody may do."""
    assert over_seeds("keys", "create", *options).code == 2


def test_settings_are_shown_without_their_secrets(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is printed ends up in tickets."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", UNREACHABLE)

    lines, parsed = console("config", "show"), console("config", "show", "--json").json

    assert "s3cr3t" not in lines.out
    assert {row["setting"]: row["value"] for row in lines.rows} == parsed
    assert parsed["ACCESSLINE_PORT"] == "8000"


def test_every_bad_setting_is_told_at_once(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4: the environment is at fault, not the command."""
    monkeypatch.setenv("ACCESSLINE_PORT", "http")
    monkeypatch.setenv("ACCESSLINE_WORKER", "2")

    printed = console("config", "show")

    assert (printed.code, printed.out) == (4, "")
    port, worker = printed.err.splitlines()
    assert "ACCESSLINE_PORT: 'http' is not" in port
    assert "the nearest is ACCESSLINE_WORKERS" in worker


def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4, one sentence."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", UNREACHABLE)

    printed = console("state", "openai", "CN")

    assert printed.code == 4
    assert len(printed.err.splitlines()) == 1
    assert "s3cr3t" not in printed.err


def test_a_file_that_is_no_database_is_told(console: Console, tmp_path: Path) -> None:
    """Somebody's spreadsheet under the name of the log."""
    (tmp_path / "accessline.db").write_bytes(b"not a database, " * 100)

    printed = console("state", "openai", "CN")

    assert (printed.code, printed.out) == (4, "")
    assert "accessline.db is not available" in printed.err
