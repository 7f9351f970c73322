"""Recording: the write path, on one screen.

``append`` is one transaction. Under the lock of the head it asks whether the request was answered
before, which of its events the log has already, whether the streams are where the caller thinks;
it has the domain judge the batch; then it makes the bytes, writes events, tree and head, and lets
the read models take the events in. Whatever fails, nothing of it has happened.

``preview`` judges the same way on a snapshot and tells what would change, without writing.

Next: service/store/events.py, how the log is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
import sqlalchemy as sa

from service.application.errors import EventIdConflict, IdempotencyConflict, VersionConflict
from service.domain.admission import Ledger, admit
from service.domain.codec import event_to, instant_text
from service.domain.errors import Rejected
from service.domain.events import Event, Recorded
from service.domain.fold import Fold
from service.domain.registry import Registry
from service.domain.world import REGISTRY
from service.evidence.merkle import leaf_hash
from service.projections import entries, mentions
from service.projections.projector import Projector
from service.projections.sight import Sight
from service.projections.standings import Standings
from service.store import events as log
from service.store import idempotency
from service.store.codec import decode, encode, instant, microseconds
from service.store.engine import Database
from service.store.events import EventFilter, Head, NewEvent, Tip

Clock = Callable[[], datetime]
"""Gives the present as an aware instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a client wants to record, all or nothing.

    Attributes:
        expected_versions: Version at which a stream must be; 0 means that it must be new.
        principal: Who records it: a key's id.
        key: An Idempotency-Key, with ``request_hash`` telling its request from others.
    """

    events: tuple[Event, ...]
    principal: str
    expected_versions: Mapping[str, int] = field(default_factory=dict)
    key: str | None = None
    request_hash: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where an event stands in the log."""

    id: UUID
    stream: str
    version: int
    position: int
    recorded_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an append answers: the head's position behind it, and where each event stands."""

    position: int
    items: tuple[Placed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A receipt and how it came about.

    Attributes:
        appended: How many events are new.
        replayed: Whether it is the answer that the same key got before.
    """

    receipt: Receipt
    appended: int
    replayed: bool = False


def append(database: Database, batch: Batch, *, clock: Clock) -> Outcome:
    """Record a batch.

    Events that the log holds already, with the same content, keep their place.

    Raises:
        Rejected: The domain refuses the batch.
        VersionConflict, EventIdConflict, IdempotencyConflict: As their sentences say.
        CanonicalError: An event's text, number or size lies outside of the profile.
        StoreError: The database refuses or cannot be reached; nothing is written then.
    """
    written: _Written | None = None
    with database.write() as connection:
        head = log.take_head(connection)
        if batch.key is not None:
            answered = idempotency.find(connection, batch.principal, batch.key)
            if answered is not None:
                return _replayed(answered, batch)
        known = held(connection, batch.events)
        events = [event for event in batch.events if event.id not in known]
        new: tuple[Recorded, ...] = ()
        if events:
            tips = log.tips(connection, streams_of(batch, events))
            new = numbered(head, tips, events, batch, clock())
            written = _write(connection, head, batch, new, tips)
        receipt = _receipt(head.position + len(new), batch, known, new)
        if batch.key is not None:
            _remember(connection, batch, receipt, clock())
    if written is not None:
        written.remember()
    return Outcome(receipt=receipt, appended=len(new))


def ledger(
    connection: sa.Connection, head: Head, sight: Sight, standings: Standings | None = None
) -> Ledger:
    """Return what the domain needs to know of the log before a batch."""
    generation = sight.stamp.generation
    streams: dict[str, tuple[Recorded, ...]] = {}

    def stream(name: str) -> tuple[Recorded, ...]:
        if name not in streams:
            streams[name] = tuple(map(decode, log.stream(connection, name, head.position)))
        return streams[name]

    def registered() -> tuple[Recorded, ...]:
        wanted = EventFilter(stream_prefix=REGISTRY)
        rows = log.page(connection, wanted, upto=head.position, limit=head.position + 1)
        return tuple(map(decode, rows))

    def fold(name: str) -> Fold | None:
        if standings is None:
            return None
        known = standings.of(name, head.position).subject.fold
        return None if known is None else known.copy()

    return Ledger(
        registry=entries.at(sight, head.position),
        stream=stream,
        registered=registered,
        mentioned=lambda kind, value: mentions.any_of(connection, generation, kind, value),
        fold=fold,
    )


def streams_of(batch: Batch, events: Sequence[Event]) -> list[str]:
    """Return the streams whose versions matter to a batch, of which some events are new."""
    return sorted({*batch.expected_versions, *(event.stream for event in events)})


def numbered(
    head: Head, tips: Mapping[str, Tip], events: Sequence[Event], batch: Batch, now: datetime
) -> tuple[Recorded, ...]:
    """Give events the next positions and versions, and a time not before the head's.

    Raises:
        VersionConflict: A stream is not where the batch expects it.
    """
    versions = {name: tip.version for name, tip in tips.items()}
    for name, expected in batch.expected_versions.items():
        if versions[name] != expected:
            raise VersionConflict(stream=name, expected=expected, actual=versions[name])
    recorded_at = max(now, instant(head.recorded_at)) if head.recorded_at is not None else now
    recorded: list[Recorded] = []
    for position, event in enumerate(events, head.position + 1):
        versions[event.stream] += 1
        recorded.append(
            Recorded(
                event=event,
                position=position,
                version=versions[event.stream],
                recorded_at=recorded_at,
                recorded_by=batch.principal,
            )
        )
    return tuple(recorded)


def admitted(batch: Batch, new: Sequence[Recorded], book: Ledger) -> Registry:
    """Have the domain judge what is new in a batch, and return the registry with it.

    Raises:
        Rejected: With the place of each fault in the whole batch.
    """
    try:
        return admit(new, book)
    except Rejected as error:
        ids = {recorded.event.id for recorded in new}
        places = [place for place, event in enumerate(batch.events) if event.id in ids]
        raise error.placed(places) from error


@dataclass(frozen=True, slots=True)
class _Written:
    """What an append has come to, to be remembered once it is committed."""

    standings: Standings
    generation: int
    rows: Sequence[NewEvent]

    def remember(self) -> None:
        tips = {row.stream: Tip(row.version, leaf_hash(row.body)) for row in self.rows}
        self.standings.remember(self.generation, tips)


def _write(
    connection: sa.Connection,
    head: Head,
    batch: Batch,
    new: Sequence[Recorded],
    tips: Mapping[str, Tip],
) -> _Written:
    sight = Sight.of(connection)
    generation = sight.stamp.generation
    standings = Standings.remembered(connection, generation, tips)
    admitted(batch, new, ledger(connection, head, sight, standings))
    rows = [encode(recorded) for recorded in new]
    log.append(connection, head, rows)
    Projector(connection, generation, standings).take_all(new)
    return _Written(standings, generation, rows)


def held(connection: sa.Connection, events: Sequence[Event]) -> dict[UUID, Recorded]:
    """Return the events of a batch that the log holds already, with the same content.

    Raises:
        EventIdConflict: It holds another event under the id of one.
    """
    rows = log.existing(connection, [event.id for event in events])
    known = {id_: decode(row) for id_, row in rows.items()}
    for index, event in enumerate(events):
        before = known.get(event.id)
        if before is not None and event_to(before.event) != event_to(event):
            raise EventIdConflict(event=event.id, index=index, position=before.position)
    return known


def _receipt(
    position: int, batch: Batch, known: Mapping[UUID, Recorded], new: Sequence[Recorded]
) -> Receipt:
    places = {**known, **{recorded.event.id: recorded for recorded in new}}
    return Receipt(
        position=position,
        items=tuple(
            Placed(
                id=event.id,
                stream=event.stream,
                version=places[event.id].version,
                position=places[event.id].position,
                recorded_at=instant_text(places[event.id].recorded_at),
            )
            for event in batch.events
        ),
    )


def _replayed(answered: idempotency.Remembered, batch: Batch) -> Outcome:
    if answered.request_hash != batch.request_hash:
        raise IdempotencyConflict(key=answered.key, position=answered.position)
    receipt = msgspec.json.decode(answered.answer, type=Receipt)
    return Outcome(receipt=receipt, appended=0, replayed=True)


def _remember(connection: sa.Connection, batch: Batch, receipt: Receipt, now: datetime) -> None:
    idempotency.remember(
        connection,
        idempotency.Remembered(
            principal=batch.principal,
            key=batch.key or "",
            request_hash=batch.request_hash,
            answer=msgspec.json.encode(receipt),
            position=receipt.position,
            created_at=microseconds(now),
        ),
    )
