"""The world as known at a position, as far as a question needs it."""

from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa

from service.domain.registry import Registry
from service.domain.resolution import RULE
from service.domain.times import When
from service.domain.world import World
from service.projections import around, entries, histories, statements
from service.projections.around import Near
from service.projections.kept import Kept
from service.projections.sight import Sight
from service.projections.whole import Whole

__all__ = ["Near", "world", "world_on", "world_with_histories"]


def world(connection: sa.Connection, position: int, near: Near) -> World:
    """Return the registry, texts and measurements known at ``position`` near a place."""
    return _all(Sight.of(connection), position, near)


def world_with_histories(connection: sa.Connection, position: int, near: Near) -> World:
    """Return the same with the facts of every policy that has a text or draft in it."""
    return _with_histories(connection, world(connection, position, near), position)


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
    registry = entries.at(sight, position)
    if near.provider is not None:
        whole = _whole(sight, position, registry, near.provider)
        if whole is not None:
            found = whole.near(sight, near, moment, with_histories=with_histories)
            if found is not None:
                return found
    # Not rebuilt since a migration, the index by day would tell what is not so.
    if sight.stamp.rule != RULE:
        found = _all(sight, position, near)
        return _with_histories(sight.connection, found, position) if with_histories else found
    return _ByDay(sight, registry, position, near)(moment, with_histories=with_histories)


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

    def __call__(self, moment: When, *, with_histories: bool = False) -> World:
        """Return the world of the days around a moment."""
        connection, generation = self.sight.connection, self.sight.stamp.generation
        told = around.asked(generation, self.registry, self.near)
        found = around.on_day(connection, self.near, told, self.position, moment.day)
        said = statements.said(connection, generation, found.statements)
        texts, seen = statements.sorted_out(said)
        slugs = dict.fromkeys(text.policy for text in texts) if with_histories else ()
        facts = histories.known(connection, slugs, self.position)
        return World(self.registry, texts, seen, facts, found.covers, self)


def _whole(sight: Sight, position: int, registry: Registry, provider: str) -> Whole | None:
    """Return all that is known of a provider; None where that is too much to be kept."""
    generation = sight.stamp.generation
    name = sight.engine, generation, provider
    if _MUCH.get(name):
        return None
    found = _WHOLE.get((*name, position))
    if found is None:
        said = statements.of_provider(sight.connection, generation, position, provider)
        if said is None:
            _MUCH.put(name, True)  # noqa: FBT003 -- and it will not become less
            return None
        found = Whole.of(registry, position, said)
        _WHOLE.put((*name, position), found)
    return found


_MUCH: Final = Kept[tuple[sa.Engine, int, str], bool](most=1024)
_WHOLE: Final = Kept[tuple[sa.Engine, int, str, int], Whole](most=64)
