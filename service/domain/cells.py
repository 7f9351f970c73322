"""The answer of a cell as a list shows it: rolled up, over time, until it changes.

A cell whose service has no directive of its own reads as the roll-up of its children, and a cell of
a group of regions as the roll-up of its members.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from service.domain.events import Effect
from service.domain.resolution import (
    Access,
    AccessState,
    Answer,
    State,
    access_of,
    claims_on,
    resolve,
)
from service.domain.scope import Cell
from service.domain.timeline import Interval, Runs, intervals, points, until
from service.domain.times import When
from service.domain.world import World, reaching

FEW: Final = 128
"""Texts of a cell whose whole timeline is made where one answer was asked for, and kept."""

_FEW_AT_ONCE: Final = 16
"""Texts that cost less to look through than it takes to find those of a day; a short timeline."""


def top_level(services: Iterable[str]) -> tuple[str, ...]:
    """Return the services that stand directly below their provider."""
    return tuple(one for one in services if "/" not in one)


def roll_up(states: Iterable[State]) -> State:
    """Return what several states come to.

    >>> str(roll_up([State.AVAILABLE, State.UNKNOWN])), str(roll_up([State.BLOCKED, State.UNKNOWN]))
    ('mixed', 'blocked')
    """
    found = list(states)
    known = set(found) - {State.UNKNOWN}
    if not known:
        return State.UNKNOWN
    if all(access_of(state) is Access.CLOSED for state in known):
        return State(max((Effect(state) for state in known), key=lambda effect: effect.rank))
    if len(known) == 1 and State.UNKNOWN not in found:
        return known.pop()
    return State.MIXED


def cell_answer(world: World, cell: Cell, moment: When) -> Answer:
    """Return the answer of a cell as a list shows it, rolled up where it must be."""
    return answer_of(parts_of(world, cell, moment))


def answer_of(told: Sequence[AccessState]) -> Answer:
    """Return what the answers of parts come to."""
    if len(told) == 1:
        return told[0].answer
    conditions = {one.conditions for one in told}
    return (
        roll_up(one.state for one in told),
        roll_up(one.legal_state for one in told),
        conditions.pop() if len(conditions) == 1 else (),
    )


def timeline(world: World, cell: Cell, *, instants: bool = False) -> tuple[Interval, ...]:
    """Return the intervals of a cell, in days or in instants; of a group, those of its members."""
    return world.keep((cell, instants), lambda: _timeline(world, cell, instants=instants))


def _timeline(world: World, cell: Cell, *, instants: bool) -> tuple[Interval, ...]:
    inside = all_inside(world, cell)
    part = reaching(world, inside)
    when = points(part, inside, instants=instants)
    crowded = len(part.texts) > _FEW_AT_ONCE
    near = world.around if world.around is not None and crowded else lambda _: part
    told = intervals(when, lambda moment: cell_answer(near(moment), cell, moment))
    # Hundreds of cells of a provider have the same, where it is short: that is kept once.
    return told if len(told) > _FEW_AT_ONCE else world.keep(told, lambda: told)


def told_at(world: World, cell: Cell, moment: When) -> tuple[Answer, When | None]:
    """Return the answer of a cell as a list shows it, and the next moment with another one."""
    instants = moment.instant is not None
    if world.covers is None:
        part = world.keep(("part", cell), lambda: reaching(world, all_inside(world, cell)))
        if len(part.texts) <= FEW:
            told = timeline(world, cell, instants=instants)
            found = told[bisect_right(told, moment.order, lo=1, key=_beginning) - 1]
            return found.answer, found.until
        world = part if world.around is None else world
    if world.told is None:
        return _told_at(world, cell, moment)
    runs = world.told.keep(("runs", cell, instants), Runs)
    known = runs.at(moment)
    if known is None:
        known = _told_at(world, cell, moment)
        runs.put(moment, *known)
    return known


def _told_at(world: World, cell: Cell, moment: When) -> tuple[Answer, When | None]:
    crowded = world.covers is None and world.around is not None
    near = world.around(moment) if crowded and world.around else world.at(moment)
    return _until(near, cell, moment)


def _beginning(one: Interval) -> tuple[date, datetime]:
    assert one.since is not None  # noqa: S101 -- of all but the first
    return one.since.order


def valid_until(world: World, cell: Cell, moment: When) -> When | None:
    """Return the next moment at which the answer of a cell, as a list shows it, is another."""
    return _until(world, cell, moment)[1]


def _until(world: World, cell: Cell, moment: When) -> tuple[Answer, When | None]:
    inside = all_inside(world, cell)
    part = reaching(world, inside)
    answer = cell_answer(part, cell, moment)
    ends = until(part, inside, moment, answer, lambda there, then: cell_answer(there, cell, then))
    return answer, ends


def all_inside(world: World, cell: Cell) -> tuple[Cell, ...]:
    """Return a cell, the services below its own, and of a group whoever is ever a member."""
    services = (cell.service, *_below(world, cell))
    places = world.registry.ever_in(cell.region) | {cell.region}
    return tuple(
        replace(cell, service=service, region=place) for service in services for place in places
    )


def parts_of(world: World, cell: Cell, moment: When) -> tuple[AccessState, ...]:
    """Return the answers of which a cell's is made: its own, or those of what it rolls up."""
    members = world.registry.members(cell.region, moment)
    if members is None:
        return tuple(_service_parts(world, cell, moment))
    found: list[AccessState] = []
    for region in sorted(members):
        found.extend(_service_parts(world, replace(cell, region=region), moment))
    return tuple(found)


def _service_parts(world: World, cell: Cell, moment: When) -> tuple[AccessState, ...]:
    """Descend from a service that has no directive of its own to its children."""
    children = _children(world, cell)
    if not children or claims_on(world, cell, moment):
        return (resolve(world, cell, moment),)
    found: list[AccessState] = []
    for child in children:
        found.extend(_service_parts(world, replace(cell, service=child), moment))
    return tuple(found)


def _below(world: World, cell: Cell) -> tuple[str, ...]:
    """Return the services inside of a cell's, at any depth."""
    return world.registry.services_below(cell.provider, cell.service)


def _children(world: World, cell: Cell) -> tuple[str, ...]:
    below = _below(world, cell)
    depth = cell.service.count("/") + 1
    return tuple(one for one in below if one.count("/") == depth) if below else ()
