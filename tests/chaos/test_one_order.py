"""Many write to one store at once: one gapless order, and who follows it misses nothing."""

from pathlib import Path

from tests.chaos.one_order import appended, followed


def test_whoever_follows_the_log_by_position_misses_nothing(
    database_url: str, tmp_path: Path
) -> None:
    """Sequences skip for ever what commits late; the head row does not.

    Two servers, eight writers of whom some hang up, are refused or send twice.
    """
    found = followed(database_url, tmp_path, writers=8, each=10)

    assert found.violations == ()
    assert (found.skipped, found.gaps, found.doubles) == (0, 0, 0)
    assert found.acknowledged > 40


def test_eight_processes_append_to_one_file_and_none_is_turned_away(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """A deferred transaction that turns into a write would fail at once: BEGIN IMMEDIATE."""
    (tmp_path / "shared.db").write_bytes(sqlite_template.read_bytes())

    found = appended(f"sqlite:///{tmp_path / 'shared.db'}", processes=8, each=5)

    assert (found.kept, found.stored) == (40, 40)
