"""The world as known at a position, as far as a question needs it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import sqlalchemy as sa

from service.domain.directives import Text
from service.domain.events import Recorded
from service.domain.history import as_known
from service.domain.registry import Registry
from service.domain.resolution import RULE
from service.domain.scope import ANY
from service.domain.times import When
from service.domain.world import POLICY, Memory, World
from service.projections import around, entries, progress, statements
from service.projections.around import Near
from service.projections.kept import Kept
from service.projections.progress import Progress
from service.projections.statements import Said
from service.store import events as log
from service.store.codec import decode
from service.store.tables import event

__all__ = ["Near", "world", "world_on", "world_with_histories"]

FEW: Final = 256
"""Statements that may touch a country: more are read by day."""
FEW_ANYWHERE: Final = 2_000
"""Statements of a provider, where a question is about a group of countries."""
MOST_KEPT: Final = 2_000
"""Timelines of a provider that are kept with what is known of it."""


def world(connection: sa.Connection, position: int, near: Near) -> World:
    """Return the registry, texts and measurements known at ``position`` near a place."""
    live = progress.progress(connection)
    registry = entries.at(connection, live, position)
    texts, seen = statements.load(connection, live.generation, position, registry, near)
    return World(registry, texts, seen)


def world_with_histories(connection: sa.Connection, position: int, near: Near) -> World:
    """Return the same with the facts of every policy that has a text or draft in it."""
    found = world(connection, position, near)
    slugs = dict.fromkeys(text.policy for text in found.texts)
    return replace(found, histories=_histories(connection, slugs, position))


def world_on(
    connection: sa.Connection,
    position: int,
    near: Near,
    moment: When,
    *,
    with_histories: bool = False,
) -> World:
    """Return what a question about one moment needs; it may know the days around that one alone.

    Args:
        connection: A snapshot; ``World.at`` asks it again.
        position: Of what is known.
        near: The place.
        moment: Whose day in UTC matters.
        with_histories: With the facts of the policies that can matter on that day.
    """
    live = progress.progress(connection)
    registry = entries.at(connection, live, position)
    # Not rebuilt since a migration, the index by day would tell what is not so.
    by_day = None if live.rule != RULE else _ByDay(connection, live, registry, position, near)
    if near.provider is not None:
        whole = _whole(connection, live.generation, position, registry, near.provider)
        if whole is not None and whole.has_few(near):
            found = whole.near(connection, near, moment, with_histories=with_histories)
            return replace(found, around=by_day)
    if by_day is None:
        return (world_with_histories if with_histories else world)(connection, position, near)
    return by_day(moment, with_histories=with_histories)


@dataclass(frozen=True, slots=True)
class _ByDay:
    """Reads what can matter near a place on a day, however much was said there."""

    connection: sa.Connection
    live: Progress
    registry: Registry
    position: int
    near: Near

    def __call__(self, moment: When, *, with_histories: bool = False) -> World:
        """Return the world of the days around a moment."""
        connection, generation = self.connection, self.live.generation
        told = around.asked(generation, self.registry, self.near)
        found = around.on_day(connection, self.near, told, self.position, moment.day)
        said = statements.said(connection, generation, found.statements)
        texts, seen = statements.sorted_out(said)
        slugs = dict.fromkeys(text.policy for text in texts) if with_histories else ()
        histories = _histories(connection, slugs, self.position)
        return World(self.registry, texts, seen, histories, found.covers, self)


@dataclass(frozen=True, slots=True)
class _Whole:
    """All that is known of a provider at a position, found by country."""

    registry: Registry
    position: int
    said: tuple[Said, ...]
    everywhere: tuple[int, ...]
    by_country: Mapping[str, Sequence[int]]
    histories: dict[str, tuple[Recorded, ...]] = field(default_factory=dict)
    kept: Memory = field(default_factory=lambda: Memory(MOST_KEPT))

    @classmethod
    def of(cls, registry: Registry, position: int, said: Sequence[Said]) -> "_Whole":
        """Sort statements by the countries that they may touch."""
        everywhere: list[int] = []
        by_country: dict[str, list[int]] = {}
        for number, one in enumerate(said):
            countries: set[str] = set()
            for element in one.what.scope.regions:
                places = registry.ever_in(element) or (element,)
                countries.update(place[:2] for place in places)
            if ANY in one.what.scope.regions:
                everywhere.append(number)
                continue
            for country in countries:
                by_country.setdefault(country, []).append(number)
        return cls(registry, position, tuple(said), tuple(everywhere), by_country)

    def has_few(self, near: Near) -> bool:
        """Tell whether so little is said of a place that all of it may be looked through."""
        if near.country is None:
            return len(self.said) <= FEW_ANYWHERE
        return len(self.everywhere) + len(self.by_country.get(near.country, ())) <= FEW

    def near(
        self, connection: sa.Connection, near: Near, moment: When, *, with_histories: bool
    ) -> World:
        """Return the part that may touch a place."""
        said: Iterable[Said] = self.said
        if near.country is not None:
            numbers = sorted((*self.everywhere, *self.by_country.get(near.country, ())))
            said = [self.said[number] for number in numbers]
        texts, seen = statements.sorted_out(said)
        if not with_histories:
            return World(self.registry, texts, seen, kept=self.kept)
        day = moment.day.toordinal()
        slugs = dict.fromkeys(
            one.what.policy
            for one in said
            if isinstance(one.what, Text) and one.days[0] <= day < one.days[1]
        )
        missing = [slug for slug in slugs if slug not in self.histories]
        if missing:
            self.histories.update(_histories(connection, missing, self.position))
        histories = {slug: self.histories[slug] for slug in slugs}
        return World(self.registry, texts, seen, histories, kept=self.kept)


def _whole(
    connection: sa.Connection, generation: int, position: int, registry: Registry, provider: str
) -> _Whole | None:
    """Return all that is known of a provider; None where that is too much to be kept."""
    name = connection.engine, generation, provider
    if _MUCH.get(name):
        return None
    found = _WHOLE.get((*name, position))
    if found is None:
        said = statements.of_provider(connection, generation, position, provider)
        if said is None:
            _MUCH.put(name, True)  # noqa: FBT003 -- and it will not become less
            return None
        found = _Whole.of(registry, position, said)
        _WHOLE.put((*name, position), found)
    return found


_MUCH: Final = Kept[tuple[sa.Engine, int, str], bool](most=1024)
_WHOLE: Final = Kept[tuple[sa.Engine, int, str, int], _Whole](most=64)


def _histories(
    connection: sa.Connection, slugs: Iterable[str], position: int
) -> dict[str, tuple[Recorded, ...]]:
    names = [POLICY + slug for slug in slugs]
    streams: dict[str, list[Recorded]] = {name: [] for name in names}
    asked = {"names": names, "position": position}
    places = connection.execute(_PLACES, asked).all() if names else ()
    engine = connection.engine
    kept = {place: _READ.get((engine, place)) for _, place in places}
    found = {place: one for place, one in kept.items() if one is not None}
    for row in log.at(connection, [place for place in kept if place not in found]):
        found[row.position] = decode(row)
        _READ.put((engine, row.position), found[row.position])
    for name, place in places:
        streams[name].append(found[place])
    return {name.removeprefix(POLICY): as_known(some) for name, some in streams.items()}


_READ: Final = Kept[tuple[sa.Engine, int], Recorded](most=2048)
_PLACES: Final = (
    sa.select(event.c.stream, event.c.position)
    .where(
        event.c.stream.in_(sa.bindparam("names", expanding=True)),
        event.c.position <= sa.bindparam("position"),
    )
    .order_by(event.c.position)
)
