"""The index by day: per elementary scope one line of disjoint segments, at any position.

A segment lists the statements that can matter on one of its days, so a question is one look into
each scope around its place, however much was said there: the last segment that begins at or before
the day. *Can matter* is meant widely, since the rule decides: from when a text was decided until it
is over, and a day more on both sides, for there are time zones.

Segments are never changed but closed: known from a position until another. What was known long ago
is found without passing over all that was learned since, for ``horizon`` tells how far the segments
went then.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Final, NamedTuple, TypeAlias

import sqlalchemy as sa

from service.domain.directives import Text
from service.domain.scope import Scope
from service.domain.world import Observation
from service.store.prepared import Prepared
from service.store.tables import FOREVER, horizon, scope, segment, statement_scope

ALWAYS: Final = (0, 4_000_000)
"""All days: from before the first of the calendar until after the last."""

MOST_KEPT: Final = 20_000
"""Scopes that a writer keeps in memory before it forgets them all."""

_Place: TypeAlias = tuple[str, str, str, str]
"""An elementary scope: a provider, a service, a region, an audience."""
_Piece: TypeAlias = tuple[int, int, tuple[int, ...]]


class Spell(NamedTuple):
    """One statement, the scope it is about, and the days on which it can matter, half-open."""

    statement: int
    scope: Scope
    days: tuple[int, int]


def days_of_text(text: Text, occurred: Mapping[str, date]) -> tuple[int, int]:
    """Return the days on which a text can matter: in force, about to be, or about to end.

    Args:
        text: A directive or a draft, whether it binds or not.
        occurred: When each event of its policy did, by id: what was decided late ends it late.
    """
    first = text.decided.day
    for bound in text.begins or ():
        first = min(first, bound.when.day)
    ends = text.ends
    if text.repeals:
        ends += tuple(one.begins for one in text.repeals if one.begins and not one.ends)
    last: date | None = None
    for end in ends:
        day = max(end.when.day, occurred[end.event])
        last = day if last is None else min(last, day)
    return _widened(first, last)


def days_of_observation(seen: Observation) -> tuple[int, int]:
    """Return the days on which a measurement can matter."""
    last = None if seen.valid_until is None else seen.valid_until.when.day
    return _widened(seen.occurred.when.day, last)


def _widened(first: date, last: date | None) -> tuple[int, int]:
    start = first.toordinal() - 1
    return start, ALWAYS[1] if last is None else max(last.toordinal() + 2, start + 1)


@dataclass(slots=True)
class _Segment:
    """One segment of a scope; ``is_stored`` tells whether it stands in the database."""

    scope: int
    day: int
    day_until: int
    known_from: int
    statements: tuple[int, ...]
    known_until: int = FOREVER
    is_stored: bool = False


@dataclass(slots=True)
class _Line:
    """The segments of a scope that are known, as far as they were loaded, in order.

    Attributes:
        last: The furthest day on which segments ever met; -1 where nothing was ever said.
        days: On which the segments begin.
    """

    scope: int
    loaded: tuple[int, int]
    last: int
    segments: list[_Segment]
    days: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.days = [one.day for one in self.segments]


class _Change:
    """What comes and goes in a scope, and the days that it reaches."""

    __slots__ = ("come", "days", "edges", "gone")

    def __init__(self, gone: Sequence[Spell], come: Sequence[Spell]) -> None:
        days = [one.days for one in (*gone, *come)]
        self.days: Final = min(first for first, _ in days), max(last for _, last in days)
        self.gone: Final = {one.statement for one in gone}
        self.come: Final = come
        self.edges: Final = sorted({edge for one in come for edge in one.days})

    def pieces(self, old: Sequence[_Segment]) -> list[_Piece]:
        """Return what some segments become: cut where anything begins or ends.

        Those that say the same and meet are one.
        """
        found: list[_Piece] = []
        before: tuple[int, ...] | None = None
        for one in old:
            stays = one.statements
            if not self.gone.isdisjoint(stays):
                stays = tuple([each for each in stays if each not in self.gone])
            day, end = one.day, one.day_until
            inside = [edge for edge in self.edges if day < edge < end]
            for until in (*inside, end):
                said = stays
                for number, _, (first, last) in self.come:
                    if first <= day < last:
                        said += (number,)  # Later ones have greater numbers: they are in order.
                if said == before:
                    found[-1] = (found[-1][0], until, said)
                else:
                    found.append((day, until, said))
                day, before = until, said
        return found


def _changes(
    gone: Sequence[Spell], come: Sequence[Spell]
) -> Iterable[tuple[Iterable[_Place], _Change]]:
    """Return what changes where, each place once."""
    scopes = [one.scope for one in (*gone, *come)]
    if scopes.count(scopes[0]) == len(scopes):  # As a rule.
        return ((_places(scopes[0]), _Change(gone, come)),)
    found: dict[_Place, tuple[list[Spell], list[Spell]]] = {}
    for side, spells in enumerate((gone, come)):
        for spell in spells:
            for place in _places(spell.scope):
                found.setdefault(place, ([], []))[side].append(spell)
    return [((place,), _Change(*both)) for place, both in found.items()]


@dataclass(slots=True)
class Writer:
    """Takes what comes and goes into one generation: kept in memory until ``flush``.

    Attributes:
        count: How many scopes there are; ``begin`` tells it.
    """

    connection: sa.Connection
    generation: int
    _count: int = 0
    _all_here: bool = False
    _lines: dict[_Place, _Line] = field(default_factory=dict)
    _scopes: list[tuple[object, ...]] = field(default_factory=list)
    _named: list[tuple[int, int, int]] = field(default_factory=list)
    _new: list[_Segment] = field(default_factory=list)
    _closed: list[_Segment] = field(default_factory=list)
    _horizons: list[tuple[int, int, int, int]] = field(default_factory=list)

    def begin(self, count: int) -> None:
        """Tell how many scopes are numbered, before anything comes or goes."""
        self._count = count
        self._all_here = not count

    def take(self, position: int, gone: Sequence[Spell], come: Sequence[Spell]) -> None:
        """Let statements come and go at a position; those that come are in order."""
        if gone or come:
            for places, change in _changes(gone, come):
                for place in places:
                    self._change(place, change, position)

    def flush(self) -> None:
        """Write what was taken in."""
        closed = [
            {
                "of_generation": self.generation,
                "of_scope": one.scope,
                "of_day": one.day,
                "since": one.known_from,
                "position": one.known_until,
            }
            for one in self._closed
        ]
        # In the order of the keys, for the sake of whoever has to sort them in.
        _INSERT_SCOPE.put(self.connection, sorted(self._scopes))
        _INSERT_NAMED.put(self.connection, sorted(self._named))
        _CLOSE.run(self.connection, *closed)
        _INSERT.put(self.connection, sorted(map(self._row, self._new)))
        _INSERT_HORIZON.put(self.connection, sorted(self._horizons))
        for one in self._new:
            one.is_stored = True
        self._scopes, self._named, self._closed, self._new, self._horizons = [], [], [], [], []
        if len(self._lines) > MOST_KEPT:
            self._lines.clear()
            self._all_here = False

    def _change(self, place: _Place, change: _Change, position: int) -> None:
        # With the neighbours, for what has become the same as one of them is one with it.
        first, last = max(change.days[0] - 1, ALWAYS[0]), min(change.days[1] + 1, ALWAYS[1])
        line = self._line(place, position, first, last)
        start, stop = bisect_right(line.days, first) - 1, bisect_left(line.days, last)
        old = line.segments[start:stop]
        before = {one.day: one for one in old}
        fresh: list[_Segment] = []
        for day, day_until, said in change.pieces(old):
            one = before.get(day)
            if one is not None and one.day_until == day_until and one.statements == said:
                del before[day]
            else:
                one = _Segment(line.scope, day, day_until, position, said)
                self._new.append(one)
            fresh.append(one)
        for one in before.values():
            one.known_until = position
            if one.is_stored:
                self._closed.append(one)
        line.segments[start:stop] = fresh
        line.days[start:stop] = [one.day for one in fresh]
        for spell in change.come:
            self._named.append((self.generation, line.scope, spell.statement))
        if fresh[-1].day > line.last:
            line.last = fresh[-1].day
            self._horizons.append((self.generation, line.scope, position, line.last))

    def _line(self, place: _Place, position: int, first: int, last: int) -> _Line:
        """Return the line of a scope, loaded from one day until another at least."""
        line = self._lines.get(place)
        if line is not None and line.loaded[0] <= first and last <= line.loaded[1]:
            return line
        if line is not None:
            self.flush()
            first, last = min(first, line.loaded[0]), max(last, line.loaded[1])
        line = self._stored(place, position, first, last) or self._begun(place, position)
        self._lines[place] = line
        return line

    def _stored(self, place: _Place, position: int, first: int, last: int) -> _Line | None:
        if self._all_here and place not in self._lines:
            return None
        provider, service, region, audience = place
        known = _KNOWN.rows(
            self.connection,
            of_generation=self.generation,
            provider=provider,
            service=service,
            region=region,
            audience=audience,
            first=first,
            last=last,
        )
        if not known:
            return None
        number, furthest = known[0][:2]
        if furthest is None:  # A migration has numbered it, and no rebuild was since.
            return _empty(number, position)
        segments = [
            _Segment(number, day, day_until, known_from, _numbers(said), is_stored=True)
            for _, _, day, day_until, known_from, said in known
        ]
        return _Line(number, (first, last), furthest, segments)

    def _begun(self, place: _Place, position: int) -> _Line:
        """Begin the line of a scope of which nothing was ever said."""
        self._count += 1
        provider, service, region, audience = place
        row = self.generation, provider, region, service, audience, self._count
        self._scopes.append(row)
        return _empty(self._count, position)

    def _row(self, one: _Segment) -> tuple[object, ...]:
        said = " ".join(map(str, one.statements))
        days = one.day, one.known_from, one.known_until, one.day_until
        return self.generation, one.scope, *days, said


def _places(of: Scope) -> Iterator[_Place]:
    return product(of.providers, of.services, of.regions, of.audiences)


def _empty(number: int, position: int) -> _Line:
    return _Line(number, ALWAYS, -1, [_Segment(number, *ALWAYS, position, ())])


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


_OF_SCOPE: Final = (
    segment.c.generation == scope.c.generation,
    segment.c.scope == scope.c.scope,
    segment.c.known_until == FOREVER,
)
_FURTHEST: Final = (
    sa.select(horizon.c.day)
    .where(horizon.c.generation == scope.c.generation, horizon.c.scope == scope.c.scope)
    .order_by(horizon.c.position.desc())
    .limit(1)
    .correlate(scope)
    .scalar_subquery()
)
_BEGINS: Final = (
    sa.select(segment.c.day)
    .where(*_OF_SCOPE, segment.c.day <= sa.bindparam("first"))
    .order_by(segment.c.day.desc())
    .limit(1)
    .correlate(scope)
    .scalar_subquery()
)
_KNOWN: Final = Prepared(
    sa.select(
        scope.c.scope,
        _FURTHEST,
        segment.c.day,
        segment.c.day_until,
        segment.c.known_from,
        segment.c.statements,
    )
    .select_from(
        scope.outerjoin(
            segment,
            sa.and_(*_OF_SCOPE, segment.c.day < sa.bindparam("last"), segment.c.day >= _BEGINS),
        )
    )
    .where(
        scope.c.generation == sa.bindparam("of_generation"),
        *(
            scope.c[name] == sa.bindparam(name)
            for name in ("provider", "region", "service", "audience")
        ),
    )
    .order_by(segment.c.day)
)
_CLOSE: Final = Prepared(
    sa.update(segment)
    .where(
        segment.c.generation == sa.bindparam("of_generation"),
        segment.c.scope == sa.bindparam("of_scope"),
        segment.c.day == sa.bindparam("of_day"),
        segment.c.known_from == sa.bindparam("since"),
    )
    .values(known_until=sa.bindparam("position"))
)
_INSERT_SCOPE: Final = Prepared(sa.insert(scope))
_INSERT_NAMED: Final = Prepared(sa.insert(statement_scope))
_INSERT: Final = Prepared(sa.insert(segment))
_INSERT_HORIZON: Final = Prepared(sa.insert(horizon))
