"""Taking a log in: as anybody's events, or as it was.

``import_events`` records events as anybody does: judged, numbered and dated anew. ``restore``
continues a log that is the beginning of an export: what the file says stands, to the byte.

What an export is stands in ``exports``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeVar
from uuid import UUID

import orjson
import sqlalchemy as sa

from service.application.errors import EventIdConflict
from service.application.exports import (
    BadExport,
    Part,
    Progress,
    bodies,
    read_part,
    untold,
)
from service.application.recording import Batch, Clock, ledger, numbered, streams_of
from service.domain.admission import admit
from service.domain.codec import SCHEMA_VERSION, event_to, recorded_from
from service.domain.errors import AccesslineError, Rejected
from service.domain.events import Event, Recorded
from service.evidence.canonical import MAX_BYTES, canonical_bytes
from service.evidence.merkle import leaf_hash
from service.projections import projector
from service.projections.projector import Projector
from service.projections.sight import Sight
from service.projections.standings import Standings
from service.store import events as log
from service.store import tree
from service.store.codec import decode, encode
from service.store.engine import Database
from service.store.events import Head, NewEvent

CHUNK: Final = 2_000
"""Events that are written at once."""

MOST_KEPT: Final = 20_000
"""Events of which what they came to is held in memory while a log is taken in."""

_Item = TypeVar("_Item")

_New = tuple[NewEvent, Recorded]
"""An event to be written: its row, and what the row says."""


class ForkedLog(AccesslineError):
    """A file and a log that went different ways."""

    def __init__(self, *, position: int, within: bool = False) -> None:
        where = f"at or before position {position}" if within else f"from position {position} on"
        super().__init__(
            f"The log and the file differ {where}: they are two histories, and the one does not"
            " continue the other. Restore into an empty database, or record the file's events"
            " anew: accessline import FILE"
        )
        self.position = position


class GapBefore(AccesslineError):
    """A file that begins later than the log ends."""

    def __init__(self, *, head: int, after: int) -> None:
        super().__init__(
            f"The file begins behind position {after}, and the log ends at {head}. Restore what"
            f" lies between first: accessline export --after {head} FILE"
        )


# Import.


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to.

    Attributes:
        position: Of the log's head afterwards.
        appended: Events that are new.
        held: Events that the log had already, with the same content.
    """

    position: int
    appended: int
    held: int


def import_events(
    database: Database,
    events: Sequence[Event],
    principal: str,
    *,
    clock: Clock,
    progress: Progress = untold,
) -> Imported:
    """Record events as ``recording.append`` does, all or nothing, however many they are.

    Args:
        database: Where the log is.
        events: With ids that differ.
        principal: Who records them.
        clock: Gives the present.
        progress: Told how many of the new events are written.

    Raises:
        Rejected: The domain refuses some; the indexes are those of ``events``.
        EventIdConflict: The log holds another event under an id.
        CanonicalError: An event's text, number or size lies outside of the profile.
        StoreError: The database refuses or cannot be reached; nothing is written then.
    """
    with database.write() as connection:
        head = log.take_head(connection)
        known = _known(connection, events)
        places = [index for index, event in enumerate(events) if event.id not in known]
        new = [events[index] for index in places]
        if new:
            batch = Batch(events=tuple(new), principal=principal)
            tips = log.tips(connection, streams_of(batch, new))
            recorded = numbered(head, tips, new, batch, clock())
            taking = _TakingIn.begin(connection, head)
            taking.standings.prepare(recorded)
            _admit(taking, recorded, places)
            for some in _chunked(recorded):
                taking.take([(encode(one), one) for one in some])
                progress(taking.head.position - head.position, len(new))
            head = taking.head
    return Imported(position=head.position, appended=len(new), held=len(known))


def _known(connection: sa.Connection, events: Sequence[Event]) -> frozenset[UUID]:
    """Return the ids that the log holds, each with the same content."""
    known: set[UUID] = set()
    for start in range(0, len(events), CHUNK):
        some = events[start : start + CHUNK]
        rows = log.existing(connection, [event.id for event in some])
        for index, event in enumerate(some, start):
            row = rows.get(event.id)
            if row is None:
                continue
            if event_to(decode(row).event) != event_to(event):
                raise EventIdConflict(event=event.id, index=index, position=row.position)
            known.add(event.id)
    return frozenset(known)


def _admit(taking: "_TakingIn", recorded: Sequence[Recorded], places: Sequence[int]) -> None:
    connection = taking.connection
    try:
        admit(recorded, ledger(connection, taking.head, Sight.of(connection), taking.standings))
    except Rejected as error:
        raise error.placed(places) from error


# Restore.


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore came to.

    Attributes:
        position: Of the log's head afterwards.
        restored: Events that are new.
        held: Events of the file that the log had already.
        root: Of the file's tree, in hex: the log's own at the file's last position.
    """

    position: int
    restored: int
    held: int
    root: str


def restore(database: Database, source: BinaryIO, *, progress: Progress = untold) -> Restored:
    """Continue a log that is the beginning of an export; an empty one is of each.

    One transaction, under the head's lock. What the log has is compared leaf by leaf; what it
    lacks must be events as the log writes them, with versions that run on and times that do not
    run back. The root is checked before anything is kept.

    Raises:
        BadExport, CutExport, AlteredExport: The file is no whole export.
        ForkedLog, GapBefore: It does not continue this log.
        StoreError: The database refuses or cannot be reached; nothing is written then.
    """
    part = read_part(source.readline(MAX_BYTES))
    if part is None:
        fault = "this file is no export of a log. Its events may be recorded: accessline import"
        raise BadExport(line=1, fault=fault)
    with database.write() as connection:
        head = log.take_head(connection)
        if part.after > head.position:
            raise GapBefore(head=head.position, after=part.after)
        if tree.frontier(connection, part.after) != part.before:
            raise ForkedLog(position=part.after, within=True)
        taking = _TakingIn.begin(connection, head)
        position = part.after
        for some in bodies(source, part):
            held = max(0, min(len(some), head.position - position))
            _compare(connection, position, some[:held])
            read = _Reading(part, taking, position + held)
            taking.take(read.events(some[held:]))
            position += len(some)
            progress(position - part.after, part.until - part.after)
    return Restored(
        position=taking.head.position,
        restored=taking.head.position - head.position,
        held=min(head.position, part.until) - part.after,
        root=part.root.hex(),
    )


def _compare(connection: sa.Connection, after: int, held: Sequence[bytes]) -> None:
    if not held:
        return
    rows = log.page(connection, after=after, upto=after + len(held), limit=len(held))
    for position, body in enumerate(held, after + 1):
        row = rows[position - after - 1] if position - after <= len(rows) else None
        if row is None or row.position != position or row.leaf != leaf_hash(body):
            raise ForkedLog(position=position)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads new events from the lines of a file."""

    part: Part
    taking: "_TakingIn"
    after: int

    def events(self, lines: Sequence[bytes]) -> list[_New]:
        """Return the events of some lines, each with its row."""
        found = [self._event(body, at) for at, body in enumerate(lines, self.after + 1)]
        ids = [row.id for row, _ in found]
        taken = log.existing(self.taking.connection, ids)
        for at, one in enumerate(ids):
            if one in taken or one in ids[:at]:
                raise self._fault(self.after + at + 1, f"the id {one} names an earlier event.")
        wrong = self.taking.check(found)
        if wrong is not None:
            at, fault = wrong
            raise self._fault(self.after + at + 1, fault)
        return found

    def _event(self, body: bytes, position: int) -> _New:
        try:
            told = orjson.loads(body)
            canonical = canonical_bytes(told) == body
            recorded = recorded_from(told, position)
            row = encode(recorded)
            schema = told["schema_version"]
        except Exception as error:
            fault = f"it holds no event that can be read ({type(error).__name__}: {error})."
            raise self._fault(position, fault) from error
        if schema > SCHEMA_VERSION:
            raise self._fault(position, f"a newer program wrote it, in schema version {schema}.")
        if not canonical or (schema == SCHEMA_VERSION and row.body != body):
            raise self._fault(position, "it is not in the form in which a log keeps events.")
        return row._replace(body=body), recorded

    def _fault(self, position: int, fault: str) -> BadExport:
        line = position - self.part.after + 1
        return BadExport(line=line, fault=f"the event at position {position}: {fault}")


# Taking in.


@dataclass(slots=True)
class _TakingIn:
    """Writes events behind the head, with all that follows from them.

    Attributes:
        head: Of the log as it now is, within the transaction.
        standings: The streams used last.
    """

    connection: sa.Connection
    head: Head
    standings: Standings
    models: Projector

    @classmethod
    def begin(cls, connection: sa.Connection, head: Head) -> "_TakingIn":
        """Begin in a transaction that has taken the head."""
        standings = Standings(connection, MOST_KEPT)
        models = Projector(connection, projector.live(connection), standings)
        return cls(connection, head, standings, models)

    def check(self, events: Sequence[_New]) -> tuple[int, str] | None:
        """Find the first event that cannot follow those before it, and why."""
        tips = log.tips(self.connection, {row.stream for row, _ in events})
        versions = {name: tip.version for name, tip in tips.items()}
        last = self.head.recorded_at or 0
        for at, (row, _) in enumerate(events):
            version = versions[row.stream] + 1
            if row.version != version:
                return at, f"{row.stream} goes on with version {row.version} instead of {version}."
            if row.recorded_at < last:
                return at, "it was recorded before the event that it follows."
            versions[row.stream], last = version, row.recorded_at
        return None

    def take(self, events: Sequence[_New]) -> None:
        """Write some events, and let the read models take them in."""
        if not events:
            return
        self.head = log.append(self.connection, self.head, [row for row, _ in events])
        self.models.take_all([recorded for _, recorded in events])


def _chunked(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
