"""A cell before and after a moment: its change points, its intervals, and two answers compared.

A timeline is the rule asked at every point where anything about the cell can change. In days a
point is a calendar day, in instants an instant; intervals are half-open, and neighbours with the
same answer are one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Final, TypeAlias

from service.domain.directives import Bound
from service.domain.resolution import Access, AccessState, Answer, State, resolve
from service.domain.scope import Cell, may_match
from service.domain.times import When
from service.domain.world import World

_Order: TypeAlias = tuple[date, datetime]

_FAR: Final = (date.max, datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One answer from a point until another, either None without bound."""

    since: When | None
    until: When | None
    answer: Answer
    started_by: tuple[str, ...]
    ended_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A change within a day: the instant at which it happens and what holds from then on."""

    at: When
    state: State
    access: Access
    legal_state: State


@dataclass(frozen=True, slots=True)
class Points:
    """When the answer for some cells can change, in order, and which events make it so."""

    moments: tuple[When, ...]
    events: dict[When, tuple[str, ...]]

    def number(self, moment: When) -> int:
        """Return how many points lie at or before a moment of their kind."""
        return bisect_right(self.moments, _key(moment), key=_key)

    def before(self) -> When:
        """Return a moment before the first point, where nothing had begun."""
        if not self.moments:
            return When.on(date(1900, 1, 1))
        return _just_before(self.moments[0])


def points(world: World, cells: Iterable[Cell], *, instants: bool) -> Points:
    """Return every day (or instant) at which anything that may reach one of ``cells`` changes."""
    inside = tuple(cells)
    name = ("points", inside, instants)
    return world.keep(name, lambda: _points(world, inside, instants=instants))


def _points(world: World, cells: tuple[Cell, ...], *, instants: bool) -> Points:
    registry = world.registry
    found: dict[date | datetime, set[str]] = {}
    for bound in _bounds(world, cells):
        at = bound.when.in_zone(registry.zone(bound.authority)) if instants else bound.when.day
        found.setdefault(at, set()).add(bound.event)
    moments = {at: When.at(at) if isinstance(at, datetime) else When.on(at) for at in found}
    return Points(
        tuple(moments[at] for at in sorted(found)),
        {moments[at]: tuple(sorted(events)) for at, events in found.items()},
    )


def _bounds(world: World, cells: tuple[Cell, ...]) -> Iterator[Bound]:
    """Yield what may change the answer for some cells: bounds of texts, and of memberships."""
    registry = world.registry
    groups = {cell.region for cell in cells if cell.region in registry.groups}
    for text in world.texts:
        decides = text.binding and text.draft is None
        if decides and any(may_match(text.scope, cell, registry) for cell in cells):
            yield from text.bounds()
            groups.update(one for one in text.scope.regions if one in registry.groups)
    for group in sorted(groups):
        for change in registry.groups[group].changes:
            yield Bound(when=change.effective_from, authority=change.authority, event=change.event)


def intervals(when: Points, answer_at: Callable[[When], Answer]) -> tuple[Interval, ...]:
    """Return a whole timeline; the first interval has no beginning, the last no end."""
    answers = [answer_at(when.before())]
    starts: list[When | None] = [None]
    for moment in when.moments:
        answer = answer_at(moment)
        if answer != answers[-1]:
            answers.append(answer)
            starts.append(moment)
    return tuple(
        Interval(
            since=start,
            until=end,
            answer=answer,
            started_by=() if start is None else when.events[start],
            ended_by=() if end is None else when.events[end],
        )
        for start, end, answer in zip(starts, [*starts[1:], None], answers, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A period in which two timelines of a cell do not say the same."""

    since: When | None
    until: When | None
    before: Answer
    after: Answer


def differences(
    before: tuple[Interval, ...], after: tuple[Interval, ...]
) -> tuple[Difference, ...]:
    """Return where two timelines in days differ; neighbours that differ alike are one period."""
    starts = {one.since for one in (*before, *after)} - {None}
    days = sorted((one for one in starts if one is not None), key=lambda one: one.order)
    found: list[Difference] = []
    for since, until in pairwise((None, *days, None)):
        old, new = _at(before, since), _at(after, since)
        last = found[-1] if found else None
        if old == new:
            continue
        if last and last.until == since and (last.before, last.after) == (old, new):
            found[-1] = replace(last, until=until)
        else:
            found.append(Difference(since=since, until=until, before=old, after=new))
    return tuple(found)


def _at(timeline: tuple[Interval, ...], start: When | None) -> Answer:
    """Return the answer that holds from ``start`` on."""
    holding = timeline[0]
    for one in timeline[1:]:
        if start is None or one.since is None or one.since.order > start.order:
            break
        holding = one
    return holding.answer


def run(world: World, answer: AccessState, moment: When) -> tuple[When | None, When | None]:
    """Return the ends of the run of same answers that holds ``moment``, None without bound."""
    cell = answer.cell
    cells, instants = (cell,), moment.instant is not None

    def answer_at(there: World, then: When) -> Answer:
        if there.kept is None:
            return resolve(there, cell, then).answer
        number = points(there, cells, instants=instants).number(then)
        return there.keep(
            ("answer", cell, instants, number), lambda: resolve(there, cell, then).answer
        )

    walk = _Walk(cells, answer.answer, answer_at, instants)
    return walk.since(world, moment), walk.until(world, moment)


def until(
    world: World,
    cells: Sequence[Cell],
    moment: When,
    answer: Answer,
    answer_at: Callable[[World, When], Answer],
) -> When | None:
    """Return the next moment with another answer, None where there is none.

    Args:
        world: As known around ``moment`` at least.
        cells: Whatever may change the answer.
        moment: A day or an instant.
        answer: What holds then.
        answer_at: Gives the answer at a moment, in a world that knows the day.
    """
    walk = _Walk(tuple(cells), answer, answer_at, moment.instant is not None)
    return walk.until(world, moment)


@dataclass(slots=True)
class Runs:
    """Answers of a cell that were found, each from a moment until the next change.

    Moments are all days, or all instants. Whatever the order in which threads put them, what is
    given holds: a run is looked at before it is believed.
    """

    _found: list[tuple[_Order, _Order, Answer, When | None]] = field(default_factory=list)

    def at(self, moment: When) -> tuple[Answer, When | None] | None:
        """Return an answer that was found before, and until when it holds."""
        at = moment.order
        number = bisect_right(self._found, at, key=itemgetter(0))
        if number == len(self._found):
            return None
        _, begin, answer, until = self._found[number]
        return (answer, until) if begin <= at else None

    def put(self, moment: When, answer: Answer, until: When | None) -> None:
        """Keep an answer that holds from a moment until another."""
        end = _FAR if until is None else until.order
        number = bisect_left(self._found, end, key=itemgetter(0))
        if number < len(self._found) and self._found[number][0] == end:
            self._found[number] = (end, moment.order, answer, until)
        else:
            self._found.insert(number, (end, moment.order, answer, until))


@dataclass(frozen=True, slots=True)
class _Walk:
    """From point to point, until the answer is another; a world's edges are points as well."""

    cells: tuple[Cell, ...]
    answer: Answer
    answer_at: Callable[[World, When], Answer]
    instants: bool

    def until(self, world: World, moment: When) -> When | None:
        """Return the next moment with another answer."""
        return self._end(world, moment, self._ahead, lambda point: point)

    def since(self, world: World, moment: When) -> When | None:
        """Return the moment from which on the answer has been the same."""
        return self._end(world, moment, self._behind, _just_before)

    def _end(
        self,
        world: World,
        here: When,
        points_from: Callable[[World, When], list[When]],
        beyond: Callable[[When], When],
    ) -> When | None:
        """Go from point to point, and from world to world, until the answer beyond one differs."""
        steps = points_from(world, here)
        while True:
            for point in steps:
                here = beyond(point)
                around = world.at(here)
                if self.answer_at(around, here) != self.answer:
                    return point
                if around is not world:
                    world = around
                    steps = points_from(world, here)
                    break
            else:
                return None

    def _ahead(self, world: World, here: When) -> list[When]:
        """Return the points after a moment, in order; the last is where the world ends."""
        moments = points(world, self.cells, instants=self.instants).moments
        ahead = list(moments[bisect_right(moments, _key(here), key=_key) :])
        if world.covers is None or world.covers[1] == date.max:
            return ahead
        edge = self._edge(world.covers[1])
        return [*(one for one in ahead if _key(one) < _key(edge)), edge]

    def _behind(self, world: World, here: When) -> list[When]:
        """Return the points up to a moment, nearest first; the last is where the world begins."""
        moments = points(world, self.cells, instants=self.instants).moments
        behind = list(reversed(moments[: bisect_right(moments, _key(here), key=_key)]))
        if world.covers is None or world.covers[0] == date.min:
            return behind
        edge = self._edge(world.covers[0])
        return [*(one for one in behind if _key(one) > _key(edge)), edge]

    def _edge(self, day: date) -> When:
        """Return the beginning of a day, in the kind of the moments."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return When.at(start) if self.instants else When.on(day)


def _just_before(point: When) -> When:
    if point.instant is not None:
        return When.at(point.instant - timedelta(microseconds=1))
    return When.on(point.day - timedelta(days=1))


def transitions(world: World, cell: Cell, day: When) -> tuple[Transition, ...]:
    """Return the changes at instants that were set within ``day``, in order.

    A date takes effect as the day begins and is no change within it.
    """
    inside = {
        bound.when.instant: bound.when
        for bound in _bounds(world, (cell,))
        if bound.when.instant is not None and bound.when.day == day.day
    }
    found: list[Transition] = []
    for instant in sorted(inside):
        before = resolve(world, cell, When.at(instant - timedelta(microseconds=1)))
        after = resolve(world, cell, When.at(instant))
        if before.answer != after.answer:
            found.append(
                Transition(
                    at=inside[instant],
                    state=after.state,
                    access=after.access,
                    legal_state=after.legal_state,
                )
            )
    return tuple(found)


def _key(moment: When) -> date | datetime:
    return moment.day if moment.instant is None else moment.instant
