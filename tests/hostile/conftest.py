"""Real servers (`accessline serve`) over the seeds, and keys of every sort for them.

``live`` is one server for all tests, which must leave its log as it is or grow it only. On SQLite
its logs go to a file that tests may read.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli import seeding
from service.store.engine import connect
from tests.api.house import House, open_house
from tests.builders import STORY
from tests.conftest import _postgres_database
from tests.hostile.live import Live, served


@pytest.fixture(scope="session")
def sown_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the seeds, to be copied."""
    file = tmp_path_factory.mktemp("sown") / "sown.db"
    shutil.copyfile(sqlite_template, file)
    sow(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def live(sown_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server over SQLite, without limits of rate."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copyfile(sown_template, folder / "accessline.db")
    with served(f"sqlite:///{folder / 'accessline.db'}", folder) as running:
        yield running


@pytest.fixture(scope="session")
def live_on_postgresql(
    postgres_template: str, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A server over PostgreSQL, without limits of rate."""
    with _postgres_database(postgres_url, template=postgres_template) as url:
        sow(url)
        with served(url, tmp_path_factory.mktemp("live")) as running:
            yield running


@pytest.fixture(scope="session")
def quiet(sown_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server over the seeds, for tests that record nothing."""
    file = tmp_path_factory.mktemp("quiet") / "accessline.db"
    shutil.copyfile(sown_template, file)
    opened = open_house(f"sqlite:///{file}", write_rate=0, failed_key_rate=0)
    yield opened
    opened.close()


def sow(url: str) -> None:
    """Record the seeds."""
    database = connect(url)
    try:
        seeding.record(database, seeding.read(STORY))
    finally:
        database.dispose()
