"""The command line run within the test, over a log that holds the seeds."""

import io
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli import run, seeding
from service.store.engine import connect
from tests.builders import STORY
from tests.cli.console import Console, Printed


@pytest.fixture(scope="session")
def seeded_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the seeds, to be copied."""
    file = tmp_path_factory.mktemp("seeded") / "seeded.db"
    shutil.copyfile(sqlite_template, file)
    database = connect(f"sqlite:///{file}")
    seeding.record(database, seeding.read(STORY))
    database.dispose()
    return file


@pytest.fixture
def seeded(seeded_template: Path, tmp_path: Path) -> Path:
    """A SQLite file of the test's own with the seeds."""
    file = tmp_path / "accessline.db"
    shutil.copyfile(seeded_template, file)
    return file


@pytest.fixture
def console(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Console]:
    """Runs commands in this process and an empty folder; logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str, stdin: bytes = b"") -> Printed:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(arguments)
        captured = capsys.readouterr()
        return Printed(code=code, out=captured.out, err=captured.err)

    yield called
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def over_seeds(console: Console, seeded: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Runs commands over a log with the seeds."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", f"sqlite:///{seeded}")
    return console


@pytest.fixture
def over_both(console: Console, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Runs commands over a log with the seeds, on SQLite and on PostgreSQL."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", database_url)
    assert console("seed", str(STORY)).code == 0
    return console
