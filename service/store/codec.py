"""Recorded events to rows of the log and back.

A row's `body` holds the canonical bytes of everything but the position. They are made once, when
the event is appended, and never made again: whoever checks them hashes what is stored.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from service.domain.codec import outline, read_recorded, recorded_to
from service.domain.events import RecordCorrected, Recorded
from service.evidence.canonical import canonical_bytes, canonical_bytes_of_built
from service.store.events import EventRow, NewEvent, Stored

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def encode(recorded: Recorded) -> NewEvent:
    """Return the row of an event.

    Raises:
        CanonicalError: a text, a number or the size lies outside of the profile.
    """
    event = recorded.event
    if isinstance(event.data, RecordCorrected):  # Corrections of corrections may be too deep.
        body = canonical_bytes(recorded_to(recorded))
    else:
        body = canonical_bytes_of_built(outline(recorded))
    return NewEvent(
        id=event.id,
        stream=event.stream,
        version=recorded.version,
        type=event.type,
        authority=event.authority,
        occurred_day=event.occurred_on.day,
        recorded_at=microseconds(recorded.recorded_at),
        recorded_by=recorded.recorded_by,
        body=body,
    )


def decode(row: EventRow | Stored) -> Recorded:
    """Return the event of a row."""
    return read_recorded(row.body, row.position)


def microseconds(instant: datetime) -> int:
    """Return an aware instant as microseconds since the Unix epoch."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(since_epoch: int) -> datetime:
    """Return microseconds since the Unix epoch as an instant in UTC."""
    return _EPOCH + timedelta(microseconds=since_epoch)
