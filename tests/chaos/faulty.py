"""`accessline`, with one fault put into it: `ACCESSLINE_TEST_FAULT` names which.

The oracle must find each of them. They are the ways in which such programs were wrong before.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from service import cli
from service.application import browsing, recording
from service.application.errors import VersionConflict
from service.application.recording import Batch, Clock, Outcome, Receipt
from service.store import events as log
from service.store import idempotency, sqlite
from service.store.engine import Database
from service.store.errors import ConstraintViolated

FAULT: Final = "ACCESSLINE_TEST_FAULT"

_append = recording.append
_events = browsing.events


def version_outside(database: Database, batch: Batch, *, clock: Clock) -> Outcome:
    """Compare versions on a snapshot of its own, before the transaction that appends."""
    with database.read() as connection:
        for stream, expected in batch.expected_versions.items():
            actual = log.version_of(connection, stream)
            if actual != expected:
                raise VersionConflict(stream=stream, expected=expected, actual=actual)
    _dawdle()
    return _append(database, replace(batch, expected_versions={}), clock=clock)


def key_outside(database: Database, batch: Batch, *, clock: Clock) -> Outcome:
    """Look the key up before the transaction that appends, and keep the answer after it."""
    if batch.key is not None:
        with database.read() as connection:
            answered = idempotency.find(connection, batch.principal, batch.key)
        if answered is not None:
            return recording._replayed(answered, batch)  # noqa: SLF001 -- what it does, elsewhere
    _dawdle()
    outcome = _append(database, replace(batch, key=None), clock=clock)
    _keep(database, batch, outcome.receipt, clock)
    return outcome


def answer_before_commit(database: Database, batch: Batch, *, clock: Clock) -> Outcome:
    """Answer while the transaction is still open."""

    class Late:
        @contextmanager
        def write(self) -> Iterator[sa.Connection]:
            transaction = database.write()
            connection = transaction.__enter__()
            try:
                yield connection
            except BaseException:
                if not transaction.__exit__(*sys.exc_info()):
                    raise
            else:
                threading.Timer(0.03, transaction.__exit__, (None, None, None)).start()

    late: Any = Late()
    return _append(late, batch, clock=clock)


def event_by_event(database: Database, batch: Batch, *, clock: Clock) -> Outcome:
    """Append each event of a batch in a transaction of its own."""
    first, *others = (
        _append(
            database,
            replace(
                batch,
                events=(event,),
                key=None,
                expected_versions={} if index else batch.expected_versions,
            ),
            clock=clock,
        )
        for index, event in enumerate(batch.events)
    )
    items = (first, *others)
    receipt = Receipt(
        position=items[-1].receipt.position,
        items=tuple(one for each in items for one in each.receipt.items),
    )
    return Outcome(receipt=receipt, appended=sum(one.appended for one in items))


def stale_pages(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- whatever it takes and gives
    """Answer with the page that was read two seconds ago, as a cache would."""
    asked = repr((args[1:], kwargs))
    made, page = _pages.get(asked, (0.0, None))
    if time.monotonic() > made + 2:
        page = _events(*args, **kwargs)
        _pages[asked] = (time.monotonic(), page)
    return page


def lazy(opened: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
    """Tell SQLite not to wait for the disk at each commit."""
    connection = opened(*args, **kwargs)
    connection.execute(f"PRAGMA synchronous={SYNCHRONOUS[os.environ[FAULT]]}")
    return connection


_pages: dict[str, tuple[float, Any]] = {}


def _dawdle() -> None:
    time.sleep(random.uniform(0, 0.02))  # noqa: S311


def _keep(database: Database, batch: Batch, receipt: Receipt, clock: Clock) -> None:
    if batch.key is None:
        return
    try:
        with database.write() as connection:
            recording._remember(connection, batch, receipt, clock())  # noqa: SLF001
    except ConstraintViolated:
        pass


APPENDING: Final[dict[str, Callable[..., Outcome]]] = {
    "version_outside": version_outside,
    "key_outside": key_outside,
    "answer_before_commit": answer_before_commit,
    "event_by_event": event_by_event,
}
FAULTS: Final = (*APPENDING, "stale_pages")
SYNCHRONOUS: Final = {"synchronous_off": "OFF", "synchronous_normal": "NORMAL"}
"""Faults that only a power loss shows: `tests.chaos.power` plays them back."""

# At import, so that a worker that is spawned has it too.
if os.environ.get(FAULT) in APPENDING:
    recording.append = APPENDING[os.environ[FAULT]]
if os.environ.get(FAULT) in SYNCHRONOUS:
    sqlite._opened = partial(lazy, sqlite._opened)  # noqa: SLF001
if os.environ.get(FAULT) == "stale_pages":
    browsing.events = stale_pages

if __name__ == "__main__":
    cli.main()
