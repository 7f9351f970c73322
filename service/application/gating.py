"""Gating: many cells at once, for whoever lets requests through or not.

An item that names something unknown is answered as ``unknown`` with a problem, and the others as
they are: one bad cell must not close a gateway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.application.asking import check_question
from service.application.moments import seen_position
from service.application.seeing import see
from service.domain.answers import KnownAt, Question
from service.domain.cells import told_at
from service.domain.errors import UnknownIdError
from service.domain.resolution import RULE, Access, State, access_of
from service.domain.scope import PUBLIC, Cell
from service.domain.times import When
from service.domain.world import World
from service.projections import known
from service.projections.known import Near
from service.projections.sight import Sight
from service.store.engine import Database
from service.store.watching import Stamp

MAX_CELLS: Final = 1_000
"""The most cells that one check takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One cell that is asked for, as named by the caller."""

    provider: str
    service: str
    region: str
    audience: str = PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why an item is unknown: which of its fields names nobody, and who was meant."""

    field: str
    detail: str
    suggestion: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One answer; ``valid_until`` is when the next change is scheduled, None where none is."""

    provider: str
    service: str
    region: str
    audience: str
    access: Access
    state: State
    legal_state: State
    conditions: tuple[str, ...]
    valid_until: When | None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Answers in the order of the cells asked for."""

    as_of: When
    known_at: KnownAt
    rule: int
    items: tuple[Checked, ...]


def check(  # noqa: PLR0913, PLR0917 -- a question, and where it is asked
    database: Database,
    cells: Sequence[Wanted],
    as_of: When,
    known_at: str | None,
    now: datetime,
    stamp: Stamp | None = None,
) -> Checks:
    """Answer many cells.

    Args:
        database: What is asked.
        cells: What is asked for.
        as_of: When.
        known_at: As ``moments.known_position`` takes it.
        now: The present.
        stamp: As ``seeing.see`` takes it.

    Raises:
        BadTimeError: A ``known_at`` that is none, or lies beyond the log or the clock.
    """

    def look(sight: Sight) -> Checks:
        told: dict[Wanted, Checked] = {}
        worlds: dict[tuple[str, str], World] = {}
        at = seen_position(sight, known_at, now)
        for cell in dict.fromkeys(cells):
            place = cell.provider, cell.region
            if place not in worlds:
                near = Near(provider=cell.provider, region=cell.region)
                worlds[place] = known.world_near(sight, at.position, near)
            told[cell] = _checked(worlds[place], cell, as_of)
        items = tuple(told[cell] for cell in cells)
        return Checks(as_of=as_of, known_at=at, rule=RULE, items=items)

    return see(database, look, stamp)


def _checked(world: World, wanted: Wanted, as_of: When) -> Checked:
    question = Question(
        provider=wanted.provider,
        region=wanted.region,
        service=wanted.service,
        audience=wanted.audience,
        as_of=as_of,
    )
    try:
        check_question(world.registry, question, registered_later=False)
    except UnknownIdError as fault:
        return _unknown(wanted, fault)
    cell = Cell(
        provider=wanted.provider,
        service=wanted.service,
        region=wanted.region,
        audience=wanted.audience,
    )
    (state, legal_state, conditions), until = told_at(world, cell, as_of)
    return Checked(
        provider=wanted.provider,
        service=wanted.service,
        region=wanted.region,
        audience=wanted.audience,
        access=access_of(state),
        state=state,
        legal_state=legal_state,
        conditions=conditions,
        valid_until=until,
    )


def _unknown(wanted: Wanted, fault: UnknownIdError) -> Checked:
    return Checked(
        provider=wanted.provider,
        service=wanted.service,
        region=wanted.region,
        audience=wanted.audience,
        access=Access.UNKNOWN,
        state=State.UNKNOWN,
        legal_state=State.UNKNOWN,
        conditions=(),
        valid_until=None,
        problem=Problem(field=str(fault.path[0]), detail=fault.detail, suggestion=fault.suggestion),
    )
