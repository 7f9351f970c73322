"""A backup is of one moment, whole, and nobody else's to read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.application.backup import back_up
from service.application.checking import verify
from service.application.recording import Batch, append
from service.store import engine, schema
from service.store import events as log
from service.store.engine import Database
from service.store.errors import WriteRefused
from tests.builders import NOON, registered, registry_events


@pytest.fixture
def source(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A SQLite log of the cast."""
    file = tmp_path / "source.db"
    file.write_bytes(sqlite_template.read_bytes())
    opened = engine.connect(f"sqlite:///{file}")
    append(opened, Batch(events=registry_events(), principal="alice"), clock=lambda: NOON)
    yield opened
    opened.dispose()


def stored(database: Database) -> list[bytes]:
    """Return the bytes of every event."""
    with database.read() as connection:
        return [row.body for row in log.iterate(connection)]


def test_a_backup_is_a_log_of_its_own(source: Database, tmp_path: Path) -> None:
    """It verifies, goes on, and is readable to its owner alone."""
    made = back_up(source, tmp_path / "backup.db")
    copy = engine.connect(f"sqlite:///{made.file}")
    schema.require_current(copy)

    assert stored(copy) == stored(source)
    assert (made.position, made.root) == (len(registry_events()), verify(source).root)
    assert Path(made.file).stat().st_mode & 0o777 == 0o600
    assert verify(copy).findings == ()
    student = Batch(events=(registered("audience", "students"),), principal="alice")
    assert append(copy, student, clock=lambda: NOON).appended == 1
    copy.dispose()


def test_a_backup_overwrites_nothing(source: Database, tmp_path: Path) -> None:
    """A name that is taken is refused before anything is read."""
    (tmp_path / "backup.db").write_bytes(b"precious")

    with pytest.raises(FileExistsError):
        back_up(source, tmp_path / "backup.db")

    assert (tmp_path / "backup.db").read_bytes() == b"precious"


def test_a_backup_that_fails_leaves_nothing(source: Database, tmp_path: Path) -> None:
    """Half a file under that name would look like a backup."""
    assert source.file is not None
    source.dispose()
    source.file.write_bytes(b"This is no database. " * 1_000)
    folder = tmp_path / "backups"
    folder.mkdir()

    with pytest.raises(WriteRefused, match="refused the write"):
        back_up(source, folder / "backup.db")

    assert list(folder.iterdir()) == []
