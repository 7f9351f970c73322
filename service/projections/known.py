"""The world as known at a position, as far as a question needs it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import sqlalchemy as sa

from service.domain.registry import Registry
from service.domain.resolution import RULE
from service.domain.times import When
from service.domain.world import Memory, World
from service.projections import around, entries, histories, statements
from service.projections.around import Near
from service.projections.kept import Kept
from service.projections.sight import Sight
from service.projections.whole import SHARED, Whole

__all__ = ["Near", "world", "world_near", "world_on", "world_with_histories"]


_Name: TypeAlias = tuple[sa.Engine, int, Near]
_Asked: TypeAlias = tuple[sa.Engine, int, Near, int | None]


def world(connection: sa.Connection, position: int, near: Near) -> World:
    """Return the registry, texts and measurements known at ``position`` near a place."""
    return _all(Sight.of(connection), position, near)


def world_with_histories(connection: sa.Connection, position: int, near: Near) -> World:
    """Return the same with the facts of every policy that has a text or draft in it."""
    return _with_histories(connection, world(connection, position, near), position)


def world_near(sight: Sight, position: int, near: Near) -> World:
    """Return what a question about a place needs; ``World.at`` may have to read its day.

    Args:
        sight: ``World.at`` sees through it again.
        position: Of what is known.
        near: The place.

    Raises:
        NotKept: It is seen through memory alone, and that has not all; ``World.at`` may, too.
    """
    registry = entries.at(sight, position)
    whole = _whole(sight, position, registry, near)
    found = None if whole is None else whole.near(near)
    if found is not None:
        return found
    # Not rebuilt since a migration, the index by day would tell what is not so.
    if sight.stamp.rule != RULE:
        return _all(sight, position, near)
    return World.unread(
        registry, _ByDay(sight, registry, position, near), _told(sight, position, near)
    )


def world_on(
    sight: Sight, position: int, near: Near, moment: When, *, with_histories: bool = False
) -> World:
    """Return what a question about one moment needs; it may know the days around that one alone.

    Args:
        sight: ``World.at`` sees through it again.
        position: Of what is known.
        near: The place.
        moment: Whose day in UTC matters.
        with_histories: With the facts of the policies that can matter on that day.

    Raises:
        NotKept: It is seen through memory alone, and that has not all.
    """
    if not with_histories:
        return world_near(sight, position, near).at(moment)
    registry = entries.at(sight, position)
    whole = _whole(sight, position, registry, near)
    found = None if whole is None else whole.near_on(sight, near, moment)
    if found is not None:
        return found
    if sight.stamp.rule != RULE:
        return _with_histories(sight.connection, _all(sight, position, near), position)
    found = _ByDay(sight, registry, position, near)(moment)
    return _with_histories(sight.connection, found, position)


def _all(sight: Sight, position: int, near: Near) -> World:
    registry = entries.at(sight, position)
    generation = sight.stamp.generation
    texts, seen = statements.load(sight.connection, generation, position, registry, near)
    return World(registry, texts, seen)


def _with_histories(connection: sa.Connection, found: World, position: int) -> World:
    slugs = dict.fromkeys(text.policy for text in found.texts)
    return replace(found, histories=histories.known(connection, slugs, position))


@dataclass(frozen=True, slots=True)
class _ByDay:
    """Reads what can matter near a place on a day, however much was said there."""

    sight: Sight
    registry: Registry
    position: int
    near: Near

    def __call__(self, moment: When) -> World:
        """Return the world of the days around a moment."""
        connection, generation = self.sight.connection, self.sight.stamp.generation
        told = around.asked(generation, self.registry, self.near)
        found = around.on_day(connection, self.near, told, self.position, moment.day)
        said = statements.said(connection, generation, found.statements)
        texts, seen = statements.sorted_out(said)
        return World(self.registry, texts, seen, covers=found.covers, around=self)


def _told(sight: Sight, position: int, near: Near) -> Memory:
    """Return what was told of a place of which too much is known to be kept."""
    name = sight.engine, sight.stamp.generation, position, near
    found = _TOLD.get(name)
    if found is None:
        found = Memory(within=SHARED)
        _TOLD.put(name, found)
    return found


def _whole(sight: Sight, position: int, registry: Registry, near: Near) -> Whole | None:
    """Return what is known of a provider, or of it in the country; None where that is much.

    None, too, where it is not asked for often enough: one question alone is answered by day.
    """
    for place in _places(near):
        name = sight.engine, sight.stamp.generation, place
        if _MUCH.get(name):
            continue
        wholes = _WHOLE.get(name) or ()
        found = next((one for one in wholes if one.holds(registry, position)), None)
        if found is not None:
            return found
        is_new = not wholes or position < wholes[-1].position
        if is_new and not _is_worth_it((*name, position if wholes else None), sight):
            return None
        found = _read(sight, position, registry, name)
        if found is not None:
            return found
    return None


def _is_worth_it(asked: _Asked, sight: Sight) -> bool:
    """Tell whether something is asked for so often that it should be in memory."""
    if sight.snapshot is None:  # It is asked for through one next.
        return False
    times = (_ASKED.get(asked) or 0) + 1
    _ASKED.put(asked, times)
    return times >= (OFTEN if _WHOLE.is_full else TWICE)


def _places(near: Near) -> Iterator[Near]:
    """Yield the places that a whole may be of: the wider first."""
    if near.provider is not None:
        yield Near(provider=near.provider)
        if near.country is not None:
            yield Near(provider=near.provider, region=near.country)


def _read(sight: Sight, position: int, registry: Registry, name: _Name) -> Whole | None:
    _, generation, place = name
    wholes = _WHOLE.get(name) or ()
    found = None
    if wholes and wholes[-1].upto < position:
        found = wholes[-1].gone_on(sight, registry, position)
    if found is None:
        said = statements.of_place(sight.connection, generation, position, registry, place)
        if said is None:
            _MUCH.put(name, True)  # noqa: FBT003 -- and it will not become less
            return None
        found = Whole.of(registry, place, position, said)
        _ASKED.put((*name, None), 0)  # Whoever has to go begins anew.
    others = [one for one in wholes if one is not found]
    ordered = sorted((*others[-MOST_POSITIONS + 1 :], found), key=lambda one: one.position)
    _WHOLE.put(name, tuple(ordered))
    return found


def _weight(wholes: tuple[Whole, ...]) -> int:
    return sum(1 + len(one.said) for one in wholes)


TWICE: Final = 2
OFTEN: Final = 16
"""How often something is asked for before it is kept: where there is room, and where not."""
MOST_POSITIONS: Final = 4
"""Positions as of which the same is kept."""
MOST_SAID: Final = 12_000
"""Statements that are kept in all."""

_MUCH: Final = Kept[_Name, bool](most=4096)
_ASKED: Final = Kept[_Asked, int](most=4096)
_WHOLE: Final = Kept[_Name, tuple[Whole, ...]](most=MOST_SAID, weigh=_weight)
_TOLD: Final = Kept[tuple[sa.Engine, int, int, Near], Memory](most=1024)
