"""A real Chromium visits a real server process, without a network.

Where no browser is found these tests are skipped; where `CI` is set, they fail.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from service.cli import seeding
from service.store.engine import connect
from tests.builders import STORY
from tests.web.visits import Site, Visit, arguments, chromium, running, visiting


@pytest.fixture(scope="session")
def story_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the first story, to be copied."""
    file = tmp_path_factory.mktemp("story") / "story.db"
    shutil.copyfile(sqlite_template, file)
    database = connect(f"sqlite:///{file}")
    seeding.record(database, seeding.read(STORY))
    database.dispose()
    return file


@pytest.fixture(scope="session")
def site(story_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server over the first story, to be visited and left as it is."""
    with running(story_file, tmp_path_factory.mktemp("site")) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; one for each module, since its loop would be in the way of other rooms' tests."""
    binary = chromium()
    if binary is None:
        reason = "No browser for the tests: install chromium."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=binary, args=list(arguments()))
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """A tab on a desktop in daylight; whatever a test does there, nothing may break."""
    with visiting(browser, site) as opened:
        yield opened
        assert opened.faults == []
