"""What a reader is told: the explained answer, put together from the rule.

A provider and a region have a cell per top-level service. Field names and their order are those of
the JSON, which the HTTP API and the command line share. What is told of a cell on a day is kept for
every day of the same piece (``service.domain.pieces``).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from service.domain.cells import all_inside, answer_of, parts_of, roll_up, top_level
from service.domain.inside import Exceptional, distinct, exceptions, exceptions_of_parts
from service.domain.pending import Pending, pending
from service.domain.pieces import Near
from service.domain.resolution import (
    RULE,
    Access,
    AccessState,
    Answer,
    Overridden,
    Reason,
    State,
    access_of,
)
from service.domain.scope import (
    PUBLIC,
    Cell,
)
from service.domain.timeline import (
    Transition,
    run,
    transitions,
)
from service.domain.times import When
from service.domain.world import Memory, World, reaching

MOST_TOLD: Final = 16_000
"""How much is kept of answers of cells, in all: some thousands, about 12 MB with their JSON."""


class Basis(StrEnum):
    """Whether an answer speaks of what had been recorded by then, or of what is scheduled."""

    RECORDED = "recorded"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAt:
    """A position, and when the event there was recorded (None before the first)."""

    position: int
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True)
class CellAnswer:
    """One service: its states, since and until when, why, what is to come, what differs inside."""

    service: str
    state: State
    access: Access
    legal_state: State
    observed_state: State | None
    divergence: bool
    basis: Basis
    since: When | None
    until: When | None
    conditions: tuple[str, ...]
    changed_during_day: bool
    transitions: tuple[Transition, ...]
    decided_by: tuple[Reason, ...]
    legal_decided_by: tuple[Reason, ...]
    also_restricting: tuple[Reason, ...]
    overridden: tuple[Overridden, ...]
    pending: tuple[Pending, ...]
    exceptions: tuple[Exceptional, ...]

    @property
    def answer(self) -> Answer:
        """What two answers must share to be the same."""
        return self.state, self.legal_state, self.conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The explained answer for a provider and a region."""

    provider: str
    region: str
    audience: str
    as_of: When
    known_at: KnownAt
    rule: int
    state: State
    access: Access
    legal_state: State
    cells: tuple[CellAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: everything but the world as known.

    Attributes:
        service: None asks for every top-level service.
        region: A country, a subdivision or a group.
    """

    provider: str
    region: str
    as_of: When
    service: str | None = None
    audience: str = PUBLIC


def explain(world: World, question: Question, known_at: KnownAt) -> Explained:
    """Answer a question with its reasons, as the world is known at ``known_at``."""
    services = (
        top_level(world.registry.services_of(question.provider))
        if question.service is None
        else (question.service,)
    )
    basis = _basis(question.as_of, known_at)
    place = partial(
        Cell, provider=question.provider, region=question.region, audience=question.audience
    )
    cells = tuple(_cell(world, place(service=one), question.as_of, basis) for one in services)
    state = roll_up(cell.state for cell in cells)
    return Explained(
        provider=question.provider,
        region=question.region,
        audience=question.audience,
        as_of=question.as_of,
        known_at=known_at,
        rule=RULE,
        state=state,
        access=access_of(state),
        legal_state=roll_up(cell.legal_state for cell in cells),
        cells=cells,
    )


def _basis(as_of: When, known_at: KnownAt) -> Basis:
    recorded = known_at.recorded_at
    if recorded is None:
        return Basis.RECORDED
    if as_of.instant is not None:
        return Basis.SCHEDULED if as_of.instant > recorded else Basis.RECORDED
    return Basis.SCHEDULED if as_of.day > recorded.date() else Basis.RECORDED


def _cell(world: World, cell: Cell, as_of: When, basis: Basis) -> CellAnswer:
    """Return the answer of a cell; for a date it is that of every day of the same piece."""
    if world.kept is None or world.covers is not None or as_of.instant is not None:
        return _with_pending(world, _decided(world, cell, as_of, basis), as_of)
    number, day = world.kept.number, as_of.day
    near = world.keep(("near", cell), partial(Near.of, world, cell))
    # What is not told of on this day may be on another, and has days of its own.
    policies = near.policies.intersection(world.histories)
    days = world.keep(("days", cell, policies), lambda: near.days_with(world, policies))

    def made() -> CellAnswer:
        decided = _DECIDED.keep(
            (number, cell, basis, bisect_right(near.days, day)),
            partial(_decided, near.within(world), cell, as_of, basis),
        )
        return _with_pending(near.within(world, policies), decided, as_of)

    return _TOLD.keep((number, cell, basis, policies, bisect_right(days, day)), made)


@dataclass(frozen=True, slots=True)
class _Decided:
    """The answer of a cell, but for what is pending for the cells of which it is made."""

    answer: CellAnswer
    cells: tuple[Cell, ...]


def _with_pending(world: World, decided: _Decided, as_of: When) -> CellAnswer:
    found = [pending(world, cell, as_of) for cell in decided.cells]
    told = found[0] if len(found) == 1 else distinct(one for some in found for one in some)
    return replace(decided.answer, pending=told) if told else decided.answer


def _decided(world: World, cell: Cell, as_of: When, basis: Basis) -> _Decided:
    part = world.keep(("part", cell), lambda: reaching(world, all_inside(world, cell)))
    parts = parts_of(part, cell, as_of)
    if len(parts) == 1 and parts[0].cell == cell:
        answer = _resolved(world, part, parts[0], as_of, basis)
    else:
        answer = _rolled(world, cell, parts, as_of, basis)
    return _Decided(answer, tuple(one.cell for one in parts))


def _weight(told: CellAnswer) -> int:
    """Return how many times 750 bytes an answer takes, roughly, its JSON included."""
    reasons = len(told.decided_by) + len(told.legal_decided_by) + len(told.also_restricting)
    return 2 + reasons + len(told.overridden) + 2 * len(told.pending) + 2 * len(told.exceptions)


_DECIDED: Final = Memory(MOST_TOLD // 4, lambda one: _weight(one.answer))
_TOLD: Final = Memory(MOST_TOLD, _weight)
"""Answers of cells, of every record, by piece."""


def _resolved(
    world: World, part: World, told: AccessState, as_of: When, basis: Basis
) -> CellAnswer:
    """Put together what is told of a cell; ``part`` is what may decide it."""
    since, ends = run(part, told, as_of)
    within = transitions(part, told.cell, as_of) if as_of.instant is None else ()
    return CellAnswer(
        service=told.cell.service,
        state=told.state,
        access=told.access,
        legal_state=told.legal_state,
        observed_state=told.observed_state,
        divergence=told.divergence,
        basis=basis,
        since=since,
        until=ends,
        conditions=told.conditions,
        changed_during_day=bool(within),
        transitions=within,
        decided_by=told.decided_by,
        legal_decided_by=told.legal_decided_by,
        also_restricting=told.also_restricting,
        overridden=told.overridden,
        pending=(),
        exceptions=exceptions(world, told.cell, told.answer, as_of),
    )


def _rolled(
    world: World, cell: Cell, parts: Sequence[AccessState], as_of: When, basis: Basis
) -> CellAnswer:
    state, legal_state, conditions = answer = answer_of(parts)
    return CellAnswer(
        service=cell.service,
        state=state,
        access=access_of(state),
        legal_state=legal_state,
        observed_state=None,
        divergence=any(one.divergence for one in parts),
        basis=basis,
        since=None,
        until=None,
        conditions=conditions,
        changed_during_day=False,
        transitions=(),
        decided_by=distinct(
            reason for one in parts if one.state is state for reason in one.decided_by
        ),
        legal_decided_by=distinct(
            reason
            for one in parts
            if one.legal_state is legal_state
            for reason in one.legal_decided_by
        ),
        also_restricting=distinct(reason for one in parts for reason in one.also_restricting),
        overridden=distinct(lost for one in parts for lost in one.overridden),
        pending=(),
        exceptions=exceptions_of_parts(world, parts, answer, as_of),
    )
