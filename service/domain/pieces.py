"""The days on which anything that is told of a cell can change: between two, nothing does.

An answer for a date compares days and nothing else, so the days are those that what is known names.
They are found widely: a day too many costs a little, a day too few would be a lie.

    bounds of texts         whatever state, reason, end or exception they make, here or inside
    the day after           of an instant: what changes within a day is told on that day only
    changes of groups       whose members the texts, or the cell itself, may be about
    measurements            from when and until when they count
    events of policies      from when they are known to have occurred, and every bound that stood
                            after each of them: what was to come is told as it stood on the day
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from service.domain import regions
from service.domain.registry import Registry
from service.domain.scope import ANY, PUBLIC, Cell, Scope, within_path
from service.domain.story import story_of
from service.domain.times import When
from service.domain.world import World

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Near:
    """What may touch a cell or whatever lies inside of it.

    Attributes:
        world: Without histories or a memory.
        policies: Those that say so.
        days: When anything but what is to come may change, in order.
    """

    world: World
    policies: frozenset[str]
    days: tuple[date, ...]

    @classmethod
    def of(cls, world: World, cell: Cell) -> "Near":
        """Leave out of a world what has nothing to do with a cell."""
        registry = world.registry
        texts = tuple(one for one in world.texts if touches(one.scope, cell, registry))
        seen = tuple(one for one in world.observations if touches(one.scope, cell, registry))
        part = World(registry, texts, seen)
        return cls(part, frozenset(one.policy for one in texts), _days(part, cell))

    def within(self, world: World, policies: Iterable[str] = ()) -> World:
        """Return what is near, with the histories of some policies and the memory of a world."""
        histories = {one: world.histories[one] for one in policies}
        return replace(self.world, histories=histories, kept=world.kept)

    def days_with(self, world: World, policies: Iterable[str]) -> tuple[date, ...]:
        """Return when anything may change if that of some policies is told which is to come."""
        return tuple(sorted({*self.days}.union(*(story_of(world, one).days() for one in policies))))


def touches(scope: Scope, cell: Cell, registry: Registry) -> bool:
    """Tell whether a scope may share anything with a cell, at any moment; widely."""
    return (
        (cell.provider in scope.providers or ANY in scope.providers)
        and _on_one_line(scope.services, cell.service)
        and (cell.audience == PUBLIC or _on_one_line(scope.audiences, cell.audience))
        and _meets(scope.regions, cell.region, registry)
    )


@lru_cache(maxsize=8192)
def _on_one_line(elements: tuple[str, ...], path: str) -> bool:
    """Tell whether one of some services or audiences contains another, or lies in it."""
    return any(within_path(one, path) or within_path(path, one) for one in elements)


def _meets(elements: tuple[str, ...], region: str, registry: Registry) -> bool:
    if not regions.is_place(region):
        return True
    country = region[:2]
    groups = registry.groups_of(country)
    return any(one == ANY or one[:2] == country or one in groups for one in elements)


def _days(world: World, cell: Cell) -> tuple[date, ...]:
    found: set[date] = set()
    for when in (*_of_texts(world), *_of_groups(world.registry, cell)):
        found.add(when.day)
        if when.instant is not None:
            found.add(when.day + _DAY)
    for one in world.observations:
        found.add(one.occurred.when.day)
        if one.valid_until is not None:
            found.add(one.valid_until.when.day)
    return tuple(sorted(found))


def _of_texts(world: World) -> Iterator[When]:
    for text in world.texts:
        if text.binding and text.draft is None:
            yield from (bound.when for bound in text.bounds())


def _of_groups(registry: Registry, cell: Cell) -> Iterator[When]:
    is_place = regions.is_place(cell.region)
    for group in registry.groups_of(cell.region[:2]) if is_place else registry.groups:
        yield from (change.effective_from for change in registry.groups[group].changes)
