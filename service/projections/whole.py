"""All that is known of a provider at a position, in memory: found by country, and by day.

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
from service.domain.world import Memory, World
from service.projections import histories, statements
from service.projections.around import Near, calendar
from service.projections.segments import ALWAYS
from service.projections.sight import Sight
from service.projections.statements import Said

FEW: Final = 256
"""Statements about a country that are looked through together."""
FEW_ANYWHERE: Final = 2_000
"""The same where a question is about a group of countries."""
MOST_KEPT: Final = 2_000
"""Timelines of a provider that are kept with what is known of it."""
MOST_OVERLAPPING: Final = 30
"""Statements of a piece, on average, beyond which pieces would take too much memory."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What is known of a provider.

    Attributes:
        said: All statements that may touch it, in the order of their numbers.
    """

    registry: Registry
    position: int
    said: tuple[Said, ...]
    _everywhere: tuple[int, ...]
    _by_country: Mapping[str, Sequence[int]]
    _lines: dict[str | None, "Line"] = field(default_factory=dict)
    _facts: dict[str, tuple[Recorded, ...]] = field(default_factory=dict)
    _kept: Memory = field(default_factory=lambda: Memory(MOST_KEPT))

    @classmethod
    def of(cls, registry: Registry, position: int, said: Sequence[Said]) -> "Whole":
        """Sort statements by the countries that they may touch."""
        everywhere: list[int] = []
        by_country: dict[str, list[int]] = {}
        for number, one in enumerate(said):
            if ANY in one.what.scope.regions:
                everywhere.append(number)
                continue
            countries: set[str] = set()
            for element in one.what.scope.regions:
                places = registry.ever_in(element) or (element,)
                countries.update(place[:2] for place in places)
            for country in countries:
                by_country.setdefault(country, []).append(number)
        return cls(registry, position, tuple(said), tuple(everywhere), by_country)

    def near(self, sight: Sight, near: Near, moment: When, *, with_histories: bool) -> World | None:
        """Return what a question about one moment needs; None where that is too much.

        Raises:
            NotKept: It is seen through memory alone, and histories are missing there.
        """
        line = self._line(near.country)
        found = line.around(moment)
        if found is None or not with_histories:
            return found
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
            found = Line(self.registry, tuple(said), few, self._kept)
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

    def around(self, moment: When) -> World | None:
        """Return the world of the days around a moment, of all days where little is said."""
        if len(self.said) > self.few:
            return self._piece(moment) if self._can_be_cut() else None
        if self._all is None:
            texts, seen = statements.sorted_out(self.said)
            around = self._piece if self._can_be_cut() else None
            self._all = World(self.registry, texts, seen, around=around, kept=self.kept)
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
            found = World(self.registry, texts, seen, covers=covers, around=self._piece)
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
