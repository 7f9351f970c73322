"""Auditing: everything that was ever recorded of a policy, with what became of it.

Nothing in the log is edited, so a mistake and its correction both stand in the stream. The trail
puts them beside each other: by what an event was corrected, whether it still stands, and what it
says now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.application.browsing import require_policy
from service.application.moments import known_position
from service.domain.answers import KnownAt
from service.domain.events import Event, RecordCorrected, Recorded
from service.domain.history import settled
from service.domain.world import POLICY
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event of a trail.

    Attributes:
        recorded: As it was recorded.
        corrects: The event that it corrects, None where it is no correction.
        corrected_by: The corrections that name it, oldest first.
        stands: The event as it now stands; None where it was retracted, or is a correction in whose
            place a later one counts.
    """

    recorded: Recorded
    corrects: UUID | None
    corrected_by: tuple[UUID, ...]
    stands: Event | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The events of a policy in position order, as known at a position."""

    slug: str
    known_at: KnownAt
    entries: tuple[Entry, ...]


def trail(database: Database, slug: str, known_at: str | None, now: datetime) -> Trail:
    """Return every event of a policy, corrections beside what they correct.

    Raises:
        UnknownIdError: No policy has this slug, at any time.
        BadTimeError: A ``known_at`` that is none, or lies beyond the log or the clock.
    """
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        rows = log.stream(connection, POLICY + slug, at.position)
        if not rows:
            require_policy(connection, slug)
    return Trail(slug=slug, known_at=at, entries=entries(list(map(decode, rows))))


def entries(stream: Sequence[Recorded]) -> tuple[Entry, ...]:
    """Put the events of a stream beside their corrections."""
    standing = {one.event.id: one.event for one in settled(stream)}
    corrected_by: dict[UUID, list[UUID]] = {}
    for recorded in stream:
        if isinstance(recorded.event.data, RecordCorrected):
            corrected_by.setdefault(recorded.event.data.event, []).append(recorded.event.id)
    return tuple(
        Entry(
            recorded=recorded,
            corrects=_target(recorded.event),
            corrected_by=tuple(corrected_by.get(recorded.event.id, ())),
            stands=standing.get(recorded.event.id),
        )
        for recorded in stream
    )


def _target(event: Event) -> UUID | None:
    return event.data.event if isinstance(event.data, RecordCorrected) else None
