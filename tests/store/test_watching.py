"""Where the log stands, as those know it who give kept answers."""

import time
from datetime import UTC, datetime

import pytest

from service.application.recording import Batch, append
from service.store.engine import Database, connect
from service.store.watching import Stamp, Watch, watch
from tests.builders import registry_events

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def known(here: Watch) -> Stamp:
    """Return where the log stands; a first connection takes its time."""
    deadline = time.monotonic() + 10
    while (found := here.stamp()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("replicated", [False, True])
def test_a_stamp_changes_with_the_log(database: Database, replicated: bool) -> None:  # noqa: FBT001
    """At once, whoever appended: nobody is shown less than another was."""
    here = watch(database, replicated=replicated)
    empty = known(here)
    events = registry_events()

    append(database, Batch(events=events[:1], principal="alice"), clock=lambda: NOW)
    first = known(here)
    append(database, Batch(events=events[1:2], principal="alice"), clock=lambda: NOW)
    second = known(here)

    assert [one.position for one in (empty, first, second)] == [0, 1, 2]
    assert known(here) == second
    time.sleep(0.1)  # Whoever still looks has its connection back.


@pytest.mark.parametrize("replicated", [False, True])
def test_where_nobody_knows_nothing_is_claimed(replicated: bool) -> None:  # noqa: FBT001
    """A server that is gone: None, soon, and again without asking each time."""
    gone = connect("postgresql://nobody@127.0.0.1:1/none", wait=1)
    here = watch(gone, replicated=replicated)

    began = time.monotonic()
    stamps = [here.stamp() for _ in range(50)]

    assert set(stamps) == {None}
    assert time.monotonic() - began < 5
    gone.dispose()


def test_a_file_that_is_gone_claims_nothing(tmp_path: object) -> None:
    """Until it is there."""
    missing = connect(f"sqlite:///{tmp_path}/missing.db")

    assert watch(missing).stamp() is None
    missing.dispose()
