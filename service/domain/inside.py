"""What differs inside of a cell: where a narrower directive reaches into it.

A country has subdivisions, a service services of its own, the public audiences: an answer for the
whole tells of each part whose answer is another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from service.domain import regions
from service.domain.directives import Text
from service.domain.resolution import Access, AccessState, Answer, Reason, State, resolve
from service.domain.scope import (
    ANY,
    PUBLIC,
    Cell,
    Scope,
    around,
    sorted_out,
    within_path,
    within_region,
)
from service.domain.times import When
from service.domain.world import World

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptional:
    """A cell inside of another cell, whose answer differs."""

    service: str
    region: str
    audience: str
    state: State
    access: Access
    legal_state: State
    conditions: tuple[str, ...]
    decided_by: tuple[Reason, ...]


def _exceptional(told: AccessState) -> Exceptional:
    return Exceptional(
        service=told.cell.service,
        region=told.cell.region,
        audience=told.cell.audience,
        state=told.state,
        access=told.access,
        legal_state=told.legal_state,
        conditions=told.conditions,
        decided_by=told.decided_by,
    )


def exceptions_of_parts(
    world: World, parts: Sequence[AccessState], answer: Answer, moment: When
) -> tuple[Exceptional, ...]:
    """Return the parts of a roll-up, and the cells inside of them, whose answer differs from it."""
    told = [_exceptional(one) for one in parts if one.answer != answer]
    for part in parts:
        told.extend(exceptions(world, part.cell, answer, moment))
    return distinct(told)


def exceptions(world: World, cell: Cell, answer: Answer, moment: When) -> tuple[Exceptional, ...]:
    """Return the cells where a directive reaches into this one, and the answer differs there."""
    inner: set[Cell] = set()
    for text in world.keep(("inside", cell), lambda: _reaching_in(world, cell)):
        if text.in_force(moment, world.registry):
            inner.update(_meetings(world, text.scope, cell, moment))
    inner.discard(cell)
    told = (resolve(world, one, moment) for one in sorted(inner))
    return tuple(_exceptional(one) for one in told if one.answer != answer)


def _reaching_in(world: World, cell: Cell) -> tuple[Text, ...]:
    """Return the binding texts that may reach into a cell without covering it: few of many do."""
    registry, asked = world.registry, cell.region

    def narrower(scope: Scope) -> bool:
        services = any(one.startswith(f"{cell.service}/") for one in scope.services)
        if services or any(one not in (ANY, cell.audience) for one in scope.audiences):
            return True
        if not regions.is_place(asked):
            return True
        fixed, dated = sorted_out(scope.regions)
        places = (fixed, *map(registry.ever_in, dated))
        return any(one != asked for some in places for one in _of_country(some, asked[:2]))

    return tuple(
        text for text in world.texts if text.binding and text.draft is None if narrower(text.scope)
    )


def _meetings(world: World, scope: Scope, cell: Cell, moment: When) -> Iterable[Cell]:
    """Yield the cells where a scope and a cell meet, element by element."""
    if not any(one in (ANY, cell.provider) for one in scope.providers):
        return
    services = {_met_path(one, cell.service) for one in scope.services} - {None}
    audiences = {_met_audience(one, cell.audience) for one in scope.audiences} - {None}
    places = _met_regions(world, scope.regions, cell.region, moment)
    for service in services:
        for audience in audiences:
            for region in places:
                yield Cell(
                    provider=cell.provider,
                    service=service or cell.service,
                    region=region,
                    audience=audience or cell.audience,
                )


def _met_path(element: str, asked: str) -> str | None:
    if within_path(element, asked):
        return asked
    return element if within_path(asked, element) else None


def _met_audience(element: str, asked: str) -> str | None:
    """Return where an audience meets the one asked for; the public is asked as everybody."""
    if asked == PUBLIC and element != ANY:
        return element
    return _met_path(element, asked)


def _met_regions(
    world: World, elements: tuple[str, ...], asked: str, moment: When
) -> frozenset[str]:
    """Return where regions meet the one asked for: there, and in what lies inside of it."""
    registry = world.registry
    found: set[str] = set()
    if regions.is_place(asked):
        fixed, dated = sorted_out(elements)
        if not around(asked).isdisjoint(fixed):
            found.add(asked)
        # Of hundreds of elements only those of the same country can lie in it.
        found.update(one for one in _of_country(fixed, asked[:2]) if asked in around(one))
        elements = dated
    for element in elements:
        if within_region(element, asked, registry, moment):
            found.add(asked)
            continue
        members = registry.members(element, moment)
        places: Iterable[str] = (element,) if members is None else members
        if regions.is_place(asked):
            places = (one for one in places if one[:2] == asked[:2])
        found.update(one for one in places if within_region(asked, one, registry, moment))
    return frozenset(found)


@lru_cache(maxsize=8192)
def _of_country(elements: frozenset[str], country: str) -> tuple[str, ...]:
    return tuple(one for one in elements if one[:2] == country)


def distinct(items: Iterable[_T]) -> tuple[_T, ...]:
    """Return items without those that came before, in order."""
    return tuple(dict.fromkeys(items))
