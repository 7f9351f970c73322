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
from itertools import pairwise
from typing import Final

import sqlalchemy as sa

from service.domain.directives import Text
from service.domain.scope import Elementary, Scope
from service.domain.world import Observation
from service.store.prepared import Prepared
from service.store.tables import FOREVER, horizon, scope, segment

ALWAYS: Final = (0, 4_000_000)
"""All days: from before the first of the calendar until after the last."""

MOST_KEPT: Final = 20_000
"""Scopes that a writer keeps in memory before it forgets them all."""


@dataclass(frozen=True, slots=True)
class Spell:
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
    first = min((text.decided.day, *(bound.when.day for bound in text.begins or ())))
    ends = [*text.ends, *(one.begins for one in text.repeals if one.begins and not one.ends)]
    last = min((max(end.when.day, occurred[end.event]) for end in ends), default=None)
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
    """The segments of a scope that are known, as far as they were loaded, in order."""

    scope: int
    loaded: tuple[int, int]
    last: int
    segments: list[_Segment]


@dataclass(slots=True)
class _Change:
    """What comes and goes in one scope, and the days that it reaches."""

    gone: set[int] = field(default_factory=set)
    come: list[Spell] = field(default_factory=list)
    first: int = ALWAYS[1]
    last: int = ALWAYS[0]

    def reach(self, days: tuple[int, int]) -> None:
        self.first, self.last = min(self.first, days[0]), max(self.last, days[1])

    def pieces(self, old: Sequence[_Segment]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Yield what some segments become: cut where anything begins or ends."""
        edges = {edge for one in self.come for edge in one.days}
        for one in old:
            inside = sorted(edge for edge in edges if one.day < edge < one.day_until)
            stays = [each for each in one.statements if each not in self.gone]
            for day, day_until in pairwise((one.day, *inside, one.day_until)):
                new = [each.statement for each in self.come if each.days[0] <= day < each.days[1]]
                yield day, day_until, tuple(sorted((*stays, *new)))


@dataclass(slots=True)
class Writer:
    """Takes what comes and goes into one generation: kept in memory until ``flush``."""

    connection: sa.Connection
    generation: int
    _count: int | None = None
    _all_here: bool = False
    _lines: dict[Elementary, _Line] = field(default_factory=dict)
    _scopes: list[dict[str, object]] = field(default_factory=list)
    _new: list[_Segment] = field(default_factory=list)
    _closed: list[_Segment] = field(default_factory=list)
    _horizons: list[dict[str, int]] = field(default_factory=list)

    def take(self, position: int, gone: Iterable[Spell], come: Iterable[Spell]) -> None:
        """Let statements come and go at a position."""
        changes: dict[Elementary, _Change] = {}
        for spell in gone:
            for element in spell.scope.elements():
                change = changes.setdefault(element, _Change())
                change.gone.add(spell.statement)
                change.reach(spell.days)
        for spell in come:
            for element in spell.scope.elements():
                change = changes.setdefault(element, _Change())
                change.come.append(spell)
                change.reach(spell.days)
        for element, change in changes.items():
            self._change(element, change, position)

    def flush(self) -> None:
        """Write what was taken in."""
        _INSERT_SCOPE.run(self.connection, *self._scopes)
        _CLOSE.run(self.connection, *map(self._closing, self._closed))
        _INSERT.run(self.connection, *map(self._row, self._new))
        _INSERT_HORIZON.run(self.connection, *self._horizons)
        for one in self._new:
            one.is_stored = True
        self._scopes, self._closed, self._new, self._horizons = [], [], [], []
        if len(self._lines) > MOST_KEPT:
            self._lines.clear()
            self._all_here = False

    def _change(self, element: Elementary, change: _Change, position: int) -> None:
        # With the neighbours, for what has become the same as one of them is one with it.
        first, last = max(change.first - 1, ALWAYS[0]), min(change.last + 1, ALWAYS[1])
        line = self._line(element, position, first, last)
        start = bisect_right(line.segments, first, key=_begins) - 1
        stop = bisect_left(line.segments, last, key=_begins)
        old = line.segments[start:stop]
        same = {(one.day, one.day_until, one.statements): one for one in old}
        fresh: list[_Segment] = []
        for piece in _merged(change.pieces(old)):
            kept = same.pop(piece, None)
            if kept is None:
                day, day_until, statements = piece
                kept = _Segment(line.scope, day, day_until, position, statements)
                self._new.append(kept)
            fresh.append(kept)
        for one in same.values():
            one.known_until = position
            if one.is_stored:
                self._closed.append(one)
        line.segments[start:stop] = fresh
        furthest = max(one.day for one in fresh)
        if furthest > line.last:
            line.last = furthest
            self._horizons.append(
                {
                    "generation": self.generation,
                    "scope": line.scope,
                    "position": position,
                    "day": furthest,
                }
            )

    def _line(self, element: Elementary, position: int, first: int, last: int) -> _Line:
        """Return the line of a scope, loaded from one day until another at least."""
        line = self._lines.get(element)
        if line is not None and line.loaded[0] <= first and last <= line.loaded[1]:
            return line
        if line is not None:
            self.flush()
            first, last = min(first, line.loaded[0]), max(last, line.loaded[1])
        line = self._stored(element, first, last) or self._begun(element, position)
        self._lines[element] = line
        return line

    def _stored(self, element: Elementary, first: int, last: int) -> _Line | None:
        if self._count is None:
            ((count,),) = _COUNT.rows(self.connection, generation=self.generation)
            self._count = count or 0
            self._all_here = self._count == 0
        if self._all_here and element not in self._lines:
            return None
        found = _FIND_SCOPE.first(self.connection, of_generation=self.generation, **_named(element))
        if found is None:
            return None
        number, furthest = found
        known = _KNOWN.rows(
            self.connection,
            of_generation=self.generation,
            number=number,
            first=first,
            last=last,
        )
        segments = [
            _Segment(number, day, day_until, known_from, _numbers(statements), is_stored=True)
            for day, day_until, known_from, statements in known
        ]
        return _Line(number, (first, last), furthest, segments)

    def _begun(self, element: Elementary, position: int) -> _Line:
        """Begin the line of a scope of which nothing was ever said."""
        assert self._count is not None  # noqa: S101 a fault of ours: whoever looked has counted
        self._count += 1
        row = {"generation": self.generation, "scope": self._count, **_named(element)}
        self._scopes.append(row)
        return _Line(self._count, ALWAYS, -1, [_Segment(self._count, *ALWAYS, position, ())])

    def _row(self, one: _Segment) -> dict[str, object]:
        return {
            "generation": self.generation,
            "scope": one.scope,
            "day": one.day,
            "known_from": one.known_from,
            "known_until": one.known_until,
            "day_until": one.day_until,
            "statements": " ".join(map(str, one.statements)),
        }

    def _closing(self, one: _Segment) -> dict[str, int]:
        return {
            "of_generation": self.generation,
            "of_scope": one.scope,
            "of_day": one.day,
            "since": one.known_from,
            "position": one.known_until,
        }


def _merged(
    pieces: Iterable[tuple[int, int, tuple[int, ...]]],
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield pieces, those that say the same and meet as one."""
    last: tuple[int, int, tuple[int, ...]] | None = None
    for piece in pieces:
        if last is not None and last[2] == piece[2]:
            last = last[0], piece[1], last[2]
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last


def _begins(one: _Segment) -> int:
    return one.day


def _named(element: Elementary) -> dict[str, str]:
    return {name: getattr(element, name) for name in ("provider", "region", "service", "audience")}


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


_COUNT: Final = Prepared(
    sa.select(sa.func.max(scope.c.scope)).where(scope.c.generation == sa.bindparam("generation"))
)
_FIND_SCOPE: Final = Prepared(
    sa.select(
        scope.c.scope,
        sa.select(horizon.c.day)
        .where(horizon.c.generation == scope.c.generation, horizon.c.scope == scope.c.scope)
        .order_by(horizon.c.position.desc())
        .limit(1)
        .scalar_subquery(),
    ).where(
        scope.c.generation == sa.bindparam("of_generation"),
        *(
            scope.c[name] == sa.bindparam(name)
            for name in ("provider", "region", "service", "audience")
        ),
    )
)
_OF_SCOPE: Final = (
    segment.c.generation == sa.bindparam("of_generation"),
    segment.c.scope == sa.bindparam("number"),
    segment.c.known_until == FOREVER,
)
_KNOWN: Final = Prepared(
    sa.select(segment.c.day, segment.c.day_until, segment.c.known_from, segment.c.statements)
    .where(
        *_OF_SCOPE,
        segment.c.day < sa.bindparam("last"),
        segment.c.day
        >= sa.select(segment.c.day)
        .where(*_OF_SCOPE, segment.c.day <= sa.bindparam("first"))
        .order_by(segment.c.day.desc())
        .limit(1)
        .correlate(None)
        .scalar_subquery(),
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
_INSERT: Final = Prepared(sa.insert(segment))
_INSERT_HORIZON: Final = Prepared(sa.insert(horizon))
