"""Auditing: everything that was ever recorded, with what became of it.

Nothing in the log is edited, so a mistake and its correction both stand in the stream. The trail of
a policy, and the audit of the whole log, put them beside each other: by what an event was
corrected, whether it still stands, and what it says now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from service.application.asking import check_region, require
from service.application.browsing import require_policy
from service.application.moments import known_position
from service.domain.answers import KnownAt
from service.domain.errors import BadContentError, UnknownIdError
from service.domain.events import NAMES, Event, RecordCorrected, Recorded
from service.domain.history import settled
from service.domain.registry import Registry
from service.domain.world import POLICY
from service.projections import entries as registered
from service.projections import projector, reach
from service.projections.reach import Place
from service.store import events as log
from service.store import recorders
from service.store.codec import decode
from service.store.engine import Database
from service.store.events import EventFilter

_CORRECTED: Final = NAMES[RecordCorrected]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A correction beside what it corrects.

    Attributes:
        recorded: As it was recorded.
        data: What it says.
        standing: Whether it counts: it was not taken back, and no later one stands in its place.
    """

    recorded: Recorded
    data: RecordCorrected
    standing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event of a trail.

    Attributes:
        recorded: As it was recorded.
        corrections: Those that name it, oldest first.
        stands: The event as it now stands; None where it was retracted, or is a correction in whose
            place a later one counts.
    """

    recorded: Recorded
    corrections: tuple[Correction, ...]
    stands: Event | None

    @property
    def corrects(self) -> UUID | None:
        """The event that it corrects, None where it is no correction."""
        data = self.recorded.event.data
        return data.event if isinstance(data, RecordCorrected) else None

    @property
    def corrected_by(self) -> tuple[UUID, ...]:
        """The ids of the corrections that name it, oldest first."""
        return tuple(one.recorded.event.id for one in self.corrections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The events of a policy in position order, as known at a position."""

    slug: str
    known_at: KnownAt
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Whose recordings, of what and when; what is left out does not restrict.

    Attributes:
        policy: A slug.
        cell: ``<provider>/<region>``, or ``<provider>/<region>/<service>``.
        recorded_from: Microseconds since the Unix epoch, inclusive.
        recorded_until: Microseconds since the Unix epoch, exclusive.
    """

    policy: str | None = None
    cell: str | None = None
    recorded_by: str | None = None
    recorded_from: int | None = None
    recorded_until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A part of the log as known at a position; the rest lies behind ``next``, None at the end."""

    known_at: KnownAt
    items: tuple[Entry, ...]
    next: int | None


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


def entry_of(database: Database, recorded: Recorded) -> Entry:
    """Return an event with what became of it until now."""
    with database.read() as connection:
        rows = log.stream(connection, recorded.event.stream)
    every = entries(list(map(decode, rows)))
    return next(one for one in every if one.recorded.event.id == recorded.event.id)


def audit(  # noqa: PLR0913 what is asked for, and a part of the list
    database: Database,
    wanted: AuditFilter,
    known_at: str | None,
    now: datetime,
    *,
    after: int,
    limit: int,
) -> Audit:
    """Return the next events that a filter lets through, in position order.

    Of their streams no more is read than the corrections.

    Raises:
        UnknownIdError: A policy, a part of a cell, or somebody recording, that is not known.
        BadContentError: A cell that is not written as one.
        BadTimeError: As ``trail`` does.
    """
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        found = _filter(connection, wanted, at.position)
        first, last = _positions(connection, wanted, after, at.position)
        rows = log.page(connection, found, after=first, upto=last, limit=limit + 1)
        page = list(map(decode, rows[:limit]))
        streams = {one.event.stream for one in page}
        corrected = log.streams(connection, streams, at.position, kind=_CORRECTED)
    corrections = (decode(row) for some in corrected.values() for row in some)
    return Audit(
        known_at=at,
        items=_shown(page, corrections),
        next=page[-1].position if len(rows) > limit else None,
    )


def entries(stream: Sequence[Recorded]) -> tuple[Entry, ...]:
    """Put events in position order beside their corrections, which are among them."""
    standing = {one.event.id: one.event for one in settled(stream)}
    corrections: dict[UUID, list[Correction]] = {}
    for one in stream:
        if isinstance(data := one.event.data, RecordCorrected):
            found = Correction(recorded=one, data=data, standing=one.event.id in standing)
            corrections.setdefault(data.event, []).append(found)
    return tuple(
        Entry(
            recorded=one,
            corrections=tuple(corrections.get(one.event.id, ())),
            stands=standing.get(one.event.id),
        )
        for one in stream
    )


def _shown(page: Sequence[Recorded], corrections: Iterable[Recorded]) -> tuple[Entry, ...]:
    """Put a page beside the corrections of its streams, wherever in the log these stand."""
    every = {one.position: one for one in (*page, *corrections)}
    shown = {one.position for one in page}
    found = entries([every[position] for position in sorted(every)])
    return tuple(one for one in found if one.recorded.position in shown)


def _filter(connection: sa.Connection, wanted: AuditFilter, position: int) -> EventFilter:
    """Return the filter of the log, once everything that it names is known."""
    streams: sa.Select[tuple[str]] | None = None
    if wanted.policy is not None:
        require_policy(connection, wanted.policy, "policy")
    if wanted.recorded_by is not None:
        _require_recorder(connection, wanted.recorded_by)
    if wanted.cell is not None:
        generation = projector.live(connection)
        known = registered.load(connection, generation, position)
        streams = reach.streams(connection, generation, position, place(known, wanted.cell))
    return EventFilter(
        stream=None if wanted.policy is None else POLICY + wanted.policy,
        streams=streams,
        recorded_by=wanted.recorded_by,
    )


def _positions(
    connection: sa.Connection, wanted: AuditFilter, after: int, upto: int
) -> tuple[int, int]:
    """Return the positions behind which, and up to which, a part lies: their times never fall."""
    if wanted.recorded_from is not None:
        after = max(after, log.position_at(connection, wanted.recorded_from - 1))
    if wanted.recorded_until is not None:
        upto = min(upto, log.position_at(connection, wanted.recorded_until - 1))
    return after, upto


def _require_recorder(connection: sa.Connection, principal: str) -> None:
    if not recorders.has_recorded(connection, principal):
        hint = "Who has recorded nothing is not known here."
        every = recorders.names(connection)
        kind = "recorder"
        raise UnknownIdError(kind, principal, every, path=("recorded_by",), hint=hint)


def place(known: Registry, cell: str) -> Place:
    """Read a cell.

    Raises:
        BadContentError: It is not written as one.
        UnknownIdError: A part of it is not known; the nearest cell is suggested.
    """
    provider, region, service = (*cell.split("/", 2), None, None)[:3]
    if not provider or not region or service == "":
        detail = (
            f"{cell[:40]!r} is no cell: write provider/region, such as openai/CN or openai/CN/api."
        )
        raise BadContentError(detail, path=("cell",))
    try:
        require("provider", provider, known.providers)
        check_region(known, region)
        if service is not None:
            require("service", service, known.services_of(provider))
    except UnknownIdError as fault:
        parts = {"provider": provider, "region": region, "service": service}
        parts[fault.kind] = fault.suggestion
        near = [] if fault.suggestion is None else ["/".join(filter(None, parts.values()))]
        kind = "cell"
        raise UnknownIdError(kind, cell, near, path=(kind,), hint=fault.detail) from fault
    return Place(provider=provider, region=region, service=service)
