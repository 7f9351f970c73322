"""Events for the tests of the store, which does not read what is in them."""

from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from service.store import events
from service.store.engine import Database
from service.store.events import Head, NewEvent

_numbers = count(1)


def new_event(**changes: Any) -> NewEvent:  # noqa: ANN401 -- any field of an event
    """Give an event that nobody has appended yet; by default the first one of its stream."""
    number = next(_numbers)
    event = NewEvent(
        id=UUID(int=number),
        stream=f"policy:example-{number}",
        version=1,
        type="policy.adopted",
        authority="openai",
        occurred_day=date(2024, 6, 24),
        recorded_at=1_700_000_000_000_000,
        recorded_by="alice",
        body=b'{"number":%d}' % number,
    )
    return event._replace(**changes)


def append(database: Database, *rows: NewEvent) -> Head:
    """Append events in a transaction of their own."""
    with database.write() as connection:
        return events.append(connection, events.take_head(connection), rows)
