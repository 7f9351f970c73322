"""All that is known of a provider, or of it in a country, in memory: found by country and by day.

Where little is said of a country, all of it is one world, which knows every day. Where much is,
the days are cut into pieces, each with what can matter on it: the index by day once more, without
the database.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from service.domain.directives import Text
from service.domain.events import Recorded
from service.domain.registry import Registry
from service.domain.scope import ANY
from service.domain.times import When
from service.domain.world import Memory, World, is_registry
from service.projections import histories, statements
from service.projections.around import Near, calendar
from service.projections.segments import ALWAYS
from service.projections.sight import Sight
from service.projections.statements import Said
from service.store import events as log

FEW: Final = 256
"""Statements about a country that are looked through together."""
FEW_ANYWHERE: Final = 2_000
"""The same where a question is about a group of countries."""
MOST_KEPT: Final = 8_000
"""Timelines, and what else is made of what is known, that are kept in all."""
MOST_AT_ONCE: Final = 500
"""Events since, beyond which what is known is read anew."""
MOST_OVERLAPPING: Final = 30
"""Statements of a piece, on average, beyond which pieces would take too much memory."""


SHARED: Final = Memory(MOST_KEPT, lambda made: 1 + len(made) // 8 if type(made) is tuple else 1)
"""Where all of that is kept."""


@dataclass(slots=True)
class Whole:
    """What is known of a provider.

    Attributes:
        country: Of which alone it is known; None for all.
        position: As of which, and ``upto``: up to which nothing of it has changed.
        said: All statements that may touch it, in the order of their numbers.
        kept: What was made of it.
    """

    registry: Registry
    provider: str
    country: str | None
    position: int
    said: tuple[Said, ...]
    upto: int
    kept: Memory = field(default_factory=lambda: Memory(within=SHARED))
    _everywhere: tuple[int, ...] = ()
    _by_country: Mapping[str, Sequence[int]] = field(default_factory=dict)
    _lines: dict[str | None, "Line"] = field(default_factory=dict)
    _facts: dict[str, tuple[Recorded, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, registry: Registry, place: Near, position: int, said: Sequence[Said]) -> "Whole":
        """Sort the statements about a provider, or about it in a country, by their countries."""
        assert place.provider is not None  # noqa: S101 -- a fault of ours
        whole = cls(registry, place.provider, place.country, position, tuple(said), position)
        everywhere: list[int] = []
        by_country: dict[str, list[int]] = {}
        for number, one in enumerate(said):
            countries = _countries(one, registry)
            if countries is None:
                everywhere.append(number)
                continue
            for country in countries:
                by_country.setdefault(country, []).append(number)
        whole._everywhere, whole._by_country = tuple(everywhere), by_country
        return whole

    def holds(self, registry: Registry, position: int) -> bool:
        """Tell whether it is what is known at a position."""
        return registry is self.registry and self.position <= position <= self.upto

    def gone_on(self, sight: Sight, registry: Registry, position: int) -> "Whole | None":
        """Return what is known at a later position: itself where nothing of it has changed.

        None where it is read anew: so much was recorded since, or a country may be in a group now.
        """
        if self.country is not None and registry is not self.registry:
            return None
        connection, generation = sight.connection, sight.stamp.generation
        streams = log.streams_between(connection, self.upto, position, MOST_AT_ONCE)
        if streams is None:
            return None
        spoken = [one for one in streams if not is_registry(one)]
        told = statements.of_subjects(connection, generation, position, spoken) if spoken else []
        new = [one for one in told if self._touches(one, registry)]
        stay = [one for one in self.said if one.subject not in streams]
        if registry is self.registry and not new and len(stay) == len(self.said):
            self.upto = position
            return self
        said = sorted((*stay, *new), key=lambda one: one.number)
        return Whole.of(registry, Near(provider=self.provider, region=self.country), position, said)

    def _touches(self, one: Said, registry: Registry) -> bool:
        providers = one.what.scope.providers
        if self.provider not in providers and ANY not in providers:
            return False
        countries = None if self.country is None else _countries(one, registry)
        return countries is None or self.country in countries

    def near(self, near: Near) -> World | None:
        """Return what questions about a place need; None where that is too much."""
        return self._line(near.country).world()

    def near_on(self, sight: Sight, near: Near, moment: When) -> World | None:
        """Return the same as far as one moment needs it, with the histories that matter then.

        Raises:
            NotKept: It is seen through memory alone, and histories are missing there.
        """
        line = self._line(near.country)
        world = line.world()
        if world is None:
            return None
        found = world.at(moment)
        day = moment.day.toordinal()
        slugs = dict.fromkeys(
            one.what.policy
            for one in line.on(moment)
            if isinstance(one.what, Text) and one.days[0] <= day < one.days[1]
        )
        missing = [slug for slug in slugs if slug not in self._facts]
        if missing:
            self._facts.update(histories.known(sight.connection, missing, self.position))
        return replace(found, histories={slug: self._facts[slug] for slug in slugs})

    def _line(self, country: str | None) -> "Line":
        found = self._lines.get(country)
        if found is None:
            said: Iterable[Said] = self.said
            few = FEW_ANYWHERE
            if country is not None:
                numbers = sorted((*self._everywhere, *self._by_country.get(country, ())))
                said, few = [self.said[number] for number in numbers], FEW
            found = Line(self.registry, tuple(said), few, self.kept)
            self._lines[country] = found
        return found


@dataclass(slots=True)
class Line:
    """What may touch a country, or any, by day.

    Attributes:
        few: How many statements are still one world.
    """

    registry: Registry
    said: tuple[Said, ...]
    few: int
    kept: Memory
    _all: World | None = None
    _edges: Sequence[int] = ()
    _pieces: Sequence[tuple[Said, ...]] = ()
    _is_cut: bool = False
    _worlds: dict[int, World] = field(default_factory=dict)

    def world(self) -> World | None:
        """Return what is said; where that is much, a world that reads day by day."""
        if self._all is None:
            if len(self.said) > self.few:
                if not self._can_be_cut():
                    return None
                self._all = World.unread(self.registry, self._piece, self.kept)
            else:
                texts, seen = statements.sorted_out(self.said)
                self._all = World(
                    self.registry,
                    texts,
                    seen,
                    around=self._piece if self._can_be_cut() else None,
                    kept=self.kept,
                    told=self.kept,
                )
        return self._all

    def on(self, moment: When) -> Sequence[Said]:
        """Return the statements of the world around a moment."""
        if len(self.said) <= self.few:
            return self.said
        return self._pieces[self._number(moment)]

    def _piece(self, moment: When) -> World:
        number = self._number(moment)
        found = self._worlds.get(number)
        if found is None:
            texts, seen = statements.sorted_out(self._pieces[number])
            edges = (*self._edges, ALWAYS[1])
            covers = calendar((edges[number], edges[number + 1]))
            found = World(
                self.registry, texts, seen, covers=covers, around=self._piece, told=self.kept
            )
            self._worlds[number] = found
        return found

    def _number(self, moment: When) -> int:
        return bisect_right(self._edges, moment.day.toordinal()) - 1

    def _can_be_cut(self) -> bool:
        """Cut the days where anything begins or ends to matter; not where too much overlaps."""
        if not self._is_cut:
            edges, pieces = self._cut()
            self._edges, self._pieces, self._is_cut = edges, pieces, True
        return bool(self._pieces)

    def _cut(self) -> tuple[Sequence[int], Sequence[tuple[Said, ...]]]:
        begins: dict[int, list[int]] = {}
        ends: dict[int, list[int]] = {}
        for number, one in enumerate(self.said):
            begins.setdefault(one.days[0], []).append(number)
            ends.setdefault(one.days[1], []).append(number)
        edges = sorted({ALWAYS[0], *begins, *(end for end in ends if end < ALWAYS[1])})
        pieces: list[tuple[Said, ...]] = []
        holding: set[int] = set()
        room = MOST_OVERLAPPING * (len(edges) + FEW)
        for edge in edges:
            holding.difference_update(ends.get(edge, ()))
            holding.update(begins.get(edge, ()))
            room -= len(holding)
            if room < 0:
                return (), ()
            pieces.append(tuple(self.said[number] for number in sorted(holding)))
        return edges, pieces


def _countries(one: Said, registry: Registry) -> frozenset[str] | None:
    """Return the countries that a statement may touch; None where it may touch all."""
    elements = one.what.scope.regions
    if ANY in elements:
        return None
    return frozenset(
        place[:2] for element in elements for place in registry.ever_in(element) or (element,)
    )
