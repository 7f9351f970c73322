"""Servers for the tests of the API, on SQLite and on PostgreSQL.

``house`` has a log of its own, empty, ``seeded`` one of its own with the seeds. ``story`` has the
seeds too, but is shared by all tests that write nothing: that is most of them.
"""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.api.house import House, open_house, sow


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """A server over an empty log."""
    opened = open_house(database_url)
    yield opened
    opened.close()


@pytest.fixture
def seeded(house: House) -> House:
    """A server over a log that holds the seeds."""
    sow(house)
    return house


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A server over a log that holds the seeds, to be asked and left as it is."""
    template = request.getfixturevalue(f"{request.param}_template")
    if request.param == "sqlite":
        database = _copied_file(template, tmp_path_factory.mktemp("story"))
    else:
        database = _copied_database(template, request.getfixturevalue("postgres_url"))
    with database as url:
        opened = open_house(url)
        sow(opened)
        yield opened
        opened.close()


@contextmanager
def _copied_file(template: Path, folder: Path) -> Iterator[str]:
    file = folder / "story.db"
    shutil.copyfile(template, file)
    yield f"sqlite:///{file}"


@contextmanager
def _copied_database(template: str, server: str) -> Iterator[str]:
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    name = f"accessline_story_{secrets.token_hex(6)}"
    administration = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with administration.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield url.set(database=name).render_as_string(hide_password=False)
    with administration.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
