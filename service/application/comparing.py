"""Comparing: cells at two dates, on one date as known at two positions, and a cell's revisions.

An answer differs where state, legal state or conditions do. Between two dates the world made it
so; between two positions the world did, or a correction of our record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from service.application.asking import (
    CellFilter,
    check_filter,
    check_question,
    question_cells,
    wanted_cells,
)
from service.application.moments import known_position
from service.application.preview import Cause, Told
from service.domain.answers import KnownAt, Question
from service.domain.cells import cell_answer, timeline
from service.domain.errors import BadPeriodError, BadTimeError
from service.domain.events import RecordCorrected, Recorded
from service.domain.registry import Registry
from service.domain.resolution import RULE, Answer, State
from service.domain.scope import Cell, Scope, may_match, within_path
from service.domain.times import When
from service.domain.world import World, by_place
from service.projections import entries, known, projector, statements
from service.projections.known import Near
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A cell whose answers differ, and the events that made it so."""

    provider: str
    service: str
    region: str
    audience: str
    before: Told
    after: Told
    events: tuple[str, ...]
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The cells that differ between two dates, or on one date between two positions."""

    as_of: tuple[When, When]
    known_at: tuple[KnownAt, KnownAt]
    rule: int
    items: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A position at which the answer of a cell changed, and the event there."""

    service: str
    position: int
    recorded_at: datetime
    before: Told
    after: Told
    event: str
    cause: Cause


def over_dates(
    database: Database,
    wanted: CellFilter,
    dates: tuple[When, When],
    known_at: str | None,
    now: datetime,
) -> Differences:
    """Compare the answers at two dates (or instants), both as known at one position.

    Raises:
        UnknownIdError, BadTimeError, Refused: As ``asking.listing`` does.
        BadPeriodError: The second date does not lie after the first.
    """
    first, second = dates
    if (first.instant is None) != (second.instant is None):
        detail = "'from' and 'until' are both dates or both instants."
        raise BadTimeError(detail, path=("until",))
    if first.order >= second.order:
        raise BadPeriodError(first.text, second.text, path=("until",))
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        world = known.world(connection, at.position, Near())
    check_filter(world.registry, wanted)
    items: list[Difference] = []
    for part, cell in wanted_cells(world, wanted):
        before, after = cell_answer(part, cell, first), cell_answer(part, cell, second)
        if before != after and _shown(wanted, before, after):
            made_by = _between(part, cell, first, second)
            items.append(_difference(cell, (before, after), made_by, Cause.WORLD))
    return Differences(as_of=dates, known_at=(at, at), rule=RULE, items=tuple(items))


def over_positions(
    database: Database,
    wanted: CellFilter,
    as_of: When,
    known_range: tuple[str, str | None],
    now: datetime,
) -> Differences:
    """Compare the answers for one date as known at two positions.

    Raises:
        UnknownIdError, BadTimeError, Refused: As ``asking.listing`` does.
        BadPeriodError: The second position lies before the first.
    """
    with database.read() as connection:
        ends = (
            known_position(connection, known_range[0], now, "known_from"),
            known_position(connection, known_range[1], now, "known_until"),
        )
        if ends[0].position > ends[1].position:
            texts = (f"@{ends[0].position}", f"@{ends[1].position}")
            raise BadPeriodError(*texts, path=("known_until",))
        old = known.world(connection, ends[0].position, Near())
        new = known.world(connection, ends[1].position, Near())
        moved = _Moves.between(connection, (ends[0].position, ends[1].position), Near())
    check_filter(new.registry, wanted)
    items: list[Difference] = []
    for part, cell in wanted_cells(new, wanted):
        made_by = moved.of(cell)
        if not made_by:
            continue
        before, after = _known_answer(old, cell, as_of), cell_answer(part, cell, as_of)
        if before != after and _shown(wanted, before, after):
            ids = tuple(str(one.event.id) for one in made_by)
            items.append(_difference(cell, (before, after), ids, _cause(made_by)))
    return Differences(as_of=(as_of, as_of), known_at=ends, rule=RULE, items=tuple(items))


def revisions(
    database: Database, question: Question, now: datetime
) -> tuple[KnownAt, tuple[Revision, ...]]:
    """Return each position at which the answer to a question changed, oldest first.

    Raises:
        UnknownIdError: As ``asking.explained`` does.
    """
    near = Near(provider=question.provider, region=question.region)
    found: list[Revision] = []
    with database.read() as connection:
        head = known_position(connection, None, now)
        registry = entries.load(connection, projector.live(connection), head.position)
        check_question(registry, question, registered_later=False)
        moved = _Moves.between(connection, (0, head.position), near)
        worlds: dict[int, World] = {}
        for cell in question_cells(registry, question):
            before: Answer = (State.UNKNOWN, State.UNKNOWN, ())
            for recorded in moved.of(cell):
                position = recorded.position
                if position not in worlds:
                    worlds[position] = known.world(connection, position, near)
                after = _known_answer(worlds[position], cell, question.as_of)
                if after != before:
                    found.append(_revision(cell, recorded, before, after))
                before = after
    return head, tuple(sorted(found, key=lambda one: (one.position, one.service)))


@dataclass(frozen=True, slots=True)
class _Moves:
    """The events of a range of positions that moved something, and where they did."""

    events: Mapping[int, Recorded]
    scopes: Mapping[int, list[Scope]]
    registry: Registry

    @classmethod
    def between(cls, connection: sa.Connection, ends: tuple[int, int], near: Near) -> "_Moves":
        """Find what moved after the first position, up to and with the second."""
        after, upto = ends
        generation = projector.live(connection)
        registry = entries.load(connection, generation, upto)
        scopes: dict[int, list[Scope]] = {}
        for position, scope in statements.moves(connection, generation, registry, near):
            if after < position <= upto:
                scopes.setdefault(position, []).append(scope)
        for position in entries.group_moves(connection, generation):
            if after < position <= upto:
                scopes.setdefault(position, []).append(Scope())
        rows = log.at(connection, sorted(scopes))
        return cls({row.position: decode(row) for row in rows}, scopes, registry)

    def of(self, cell: Cell) -> tuple[Recorded, ...]:
        """Return the events that may have moved a cell, or what it rolls up, by position."""
        return tuple(
            self.events[position]
            for position in sorted(self.scopes)
            if any(_touches(scope, cell, self.registry) for scope in self.scopes[position])
        )


def _touches(scope: Scope, cell: Cell, registry: Registry) -> bool:
    """Tell whether a scope may ever reach a cell, or what it rolls up."""
    inside = [cell, *(replace(cell, region=one) for one in registry.ever_in(cell.region))]
    services = {
        one if within_path(cell.service, one) else cell.service
        for one in scope.services
        if within_path(one, cell.service) or within_path(cell.service, one)
    }
    return any(
        may_match(scope, replace(one, service=service), registry)
        for one in inside
        for service in services
    )


def _known_answer(world: World, cell: Cell, as_of: When) -> Answer:
    """Return an answer; unknown where the provider was not known yet."""
    if cell.provider not in world.registry.providers:
        return State.UNKNOWN, State.UNKNOWN, ()
    in_group = cell.region in world.registry.groups
    part = world if in_group else by_place(world, cell.provider)(cell.region)
    return cell_answer(part, cell, as_of)


def _between(world: World, cell: Cell, first: When, second: When) -> tuple[str, ...]:
    """Return the events that changed the answer after one moment, up to another."""
    turns = timeline(world, cell, instants=first.instant is not None)
    made_by = (
        event
        for one in turns
        if one.since is not None and first.order < one.since.order <= second.order
        for event in one.started_by
    )
    return tuple(dict.fromkeys(made_by))


def _shown(wanted: CellFilter, *answers: Answer) -> bool:
    return not wanted.states or any(answer[0] in wanted.states for answer in answers)


def _difference(
    cell: Cell, answers: tuple[Answer, Answer], events: Iterable[str], cause: Cause
) -> Difference:
    return Difference(
        provider=cell.provider,
        service=cell.service,
        region=cell.region,
        audience=cell.audience,
        before=Told.of(answers[0]),
        after=Told.of(answers[1]),
        events=tuple(events),
        cause=cause,
    )


def _revision(cell: Cell, recorded: Recorded, before: Answer, after: Answer) -> Revision:
    return Revision(
        service=cell.service,
        position=recorded.position,
        recorded_at=recorded.recorded_at,
        before=Told.of(before),
        after=Told.of(after),
        event=str(recorded.event.id),
        cause=_cause((recorded,)),
    )


def _cause(made_by: Iterable[Recorded]) -> Cause:
    corrected = any(isinstance(one.event.data, RecordCorrected) for one in made_by)
    return Cause.RECORD if corrected else Cause.WORLD
