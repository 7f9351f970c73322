"""Reconciling: what a set of event files says now, against what the log says.

Files are edited; a log is not. So what is new in the files is appended, what reads otherwise is
mended by a ``record.corrected`` that amends it, and what is gone from them by one that retracts
it. A change in the world is never inferred from a changed file: that is an event of its own.

Files are compared with what they said last, so a second run finds nothing to do, and what a curator
has corrected since stays corrected until the file itself changes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from msgspec import structs

from service.domain.codec import event_to
from service.domain.errors import AccesslineError
from service.domain.events import CorrectionAction, Event, RecordCorrected, Recorded
from service.domain.history import settled
from service.domain.times import When
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database
from service.store.events import EventFilter, EventRow

REASON_AMENDED: Final = "The file of this event reads otherwise now."
REASON_RETRACTED: Final = "No file has this event any more."
_REASONS: Final = (REASON_AMENDED, REASON_RETRACTED)


class Act(StrEnum):
    """What has to be done for an event."""

    APPEND = "append"
    AMEND = "amend"
    RETRACT = "retract"


class MovedEvent(AccesslineError):
    """An event whose stream or type a file has changed: it would be another event."""

    def __init__(self, *, event: Event, recorded: Event) -> None:
        super().__init__(
            f"The event {event.id} is recorded as {recorded.type} in {recorded.stream}, and the"
            f" file has it as {event.type} in {event.stream}. An id names one event for ever: give"
            " the new one an id of its own, and leave the old one out, so that it is retracted."
        )
        self.event = event


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that has to be done.

    Attributes:
        subject: The event that it is about: of the file, or, to be retracted, of the log.
        event: What is recorded: that event, or a correction of it.
    """

    act: Act
    subject: Event
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms files are compared with the log.

    Attributes:
        principal: Who recorded earlier versions of the files: only that one's events are retracted.
        whole: Whether the files are all that there are: streams of which none tells are retracted
            too; otherwise only events of the streams that they have.
        today: The day of a correction.
        new_id: Makes the ids of corrections.
    """

    principal: str
    whole: bool
    today: date
    new_id: Callable[[], UUID]


def pending(database: Database, events: Sequence[Event], terms: Terms) -> tuple[Step, ...]:
    """Return what has to be done so that the log says what some events say.

    Args:
        database: Where the log is.
        events: What the files say, in the order in which they are recorded.
        terms: On what terms.

    Raises:
        MovedEvent: A file gives an id to another kind of event than the log has under it.
    """
    names = dict.fromkeys(event.stream for event in events)
    with database.read() as connection:
        if terms.whole:
            recorded = _recorded_by(connection, terms.principal)
            names |= dict.fromkeys(one.event.stream for one in recorded)
        rows = log.streams(connection, names)
        elsewhere = log.existing(connection, [event.id for event in events])
    said: dict[UUID, _Said] = {}
    for some in rows.values():
        stream = list(map(decode, some))
        standing = {one.event.id: one.event for one in settled(stream)}
        for one in stream:
            stands = standing.get(one.event.id)
            said[one.event.id] = _Said(stands or one.event, stands=stands is not None)
            if one.recorded_by == terms.principal:
                _take(said, one.event)
    wanted = {event.id for event in events}
    _check_elsewhere(elsewhere, said, events)
    kept = (_keeping(event, said.get(event.id), terms) for event in events)
    gone = (
        _retracting(one.event, terms)
        for one in said.values()
        if one.event.id not in wanted and one.stands and one.ours and not one.gone
    )
    return (*(step for step in kept if step is not None), *reversed(list(gone)))


def _check_elsewhere(
    rows: Mapping[UUID, EventRow], said: Mapping[UUID, object], events: Sequence[Event]
) -> None:
    """Refuse an id that names an event of a stream of which the files tell nothing."""
    for event in events:
        if event.id in rows and event.id not in said:
            raise MovedEvent(event=event, recorded=decode(rows[event.id]).event)


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said of an event last: by the files, where they did, or by whoever recorded it.

    Attributes:
        stands: Whether the event stands today. ``ours``: whether the files said it.
        gone: Whether the files took it back.
    """

    event: Event
    stands: bool
    ours: bool = False
    gone: bool = False


def _take(said: dict[UUID, _Said], event: Event) -> None:
    """Take in what the files said at some time.

    Somebody may have corrected it since: that is no change of the files, and stays. A correction
    that a file holds is an event of that file; one that was made here tells how a file changed.
    """
    data = event.data
    if not isinstance(data, RecordCorrected) or data.reason not in _REASONS:
        said[event.id] = _Said(event, stands=said[event.id].stands, ours=True)
    elif data.event in said:
        before = said[data.event]
        again = structs.replace(data.replacement or before.event, id=data.event)
        said[data.event] = replace(before, event=again, gone=data.replacement is None)


def _keeping(event: Event, said: _Said | None, terms: Terms) -> Step | None:
    """Return what makes the log say what a file says of an event; None where it was said."""
    if said is None:
        return Step(act=Act.APPEND, subject=event, event=event)
    was = said.event
    if (was.stream, was.type) != (event.stream, event.type):
        raise MovedEvent(event=event, recorded=was)
    if not said.gone and event_to(was) == event_to(event):
        return None
    data = RecordCorrected(
        event=event.id, action=CorrectionAction.AMEND, reason=REASON_AMENDED, replacement=event
    )
    return Step(act=Act.AMEND, subject=event, event=_correction(event, data, terms))


def _retracting(event: Event, terms: Terms) -> Step:
    """Return what takes an event back."""
    data = RecordCorrected(event=event.id, action=CorrectionAction.RETRACT, reason=REASON_RETRACTED)
    return Step(act=Act.RETRACT, subject=event, event=_correction(event, data, terms))


def _correction(event: Event, data: RecordCorrected, terms: Terms) -> Event:
    return Event(
        id=terms.new_id(), stream=event.stream, occurred_on=When.on(terms.today), data=data
    )


def _recorded_by(connection: sa.Connection, principal: str) -> Iterator[Recorded]:
    """Yield everything that somebody recorded."""
    after = 0
    wanted = EventFilter(recorded_by=principal)
    while rows := log.page(connection, wanted, after=after, limit=1000):
        yield from map(decode, rows)
        after = rows[-1].position
