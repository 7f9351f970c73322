"""A cell before and after a moment: its change points, its intervals, and two answers compared.

A timeline is the rule asked at every point where anything about the cell can change. In days a
point is a calendar day, in instants an instant; intervals are half-open, and neighbours with the
same answer are one.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from service.domain.directives import Bound
from service.domain.resolution import AccessState, State, resolve
from service.domain.scope import Cell, may_match
from service.domain.times import When
from service.domain.world import World


@dataclass(frozen=True, slots=True)
class Interval:
    """One answer from a point until another, either None without bound."""

    since: When | None
    until: When | None
    answer: AccessState
    started_by: tuple[str, ...]
    ended_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A change within a day: the instant at which it happens and what holds from then on."""

    at: When
    state: State
    access: str
    legal_state: State


@dataclass(frozen=True, slots=True)
class Points:
    """When the answer for a cell can change, in order, and which events make it so."""

    moments: tuple[When, ...]
    events: dict[str, tuple[str, ...]]


def points(world: World, cell: Cell, *, instants: bool) -> Points:
    """Return every day (or instant) at which anything that may reach ``cell`` changes."""
    registry = world.registry
    bounds: list[Bound] = []
    groups: set[str] = set()
    for text in world.texts:
        if text.binding and text.draft is None and may_match(text.scope, cell, registry):
            bounds.extend(text.bounds())
            groups.update(one for one in text.scope.regions if one in registry.groups)
    for group in groups:
        bounds.extend(
            Bound(when=change.effective_from, authority=change.authority, event=change.event)
            for change in registry.groups[group].changes
        )
    found: dict[date | datetime, list[str]] = {}
    for bound in bounds:
        at = bound.when.in_zone(registry.zone(bound.authority)) if instants else bound.when.day
        found.setdefault(at, []).append(bound.event)
    moments = {at: When.at(at) if isinstance(at, datetime) else When.on(at) for at in found}
    return Points(
        tuple(moments[at] for at in sorted(found)),
        {moments[at].text: tuple(sorted(set(events))) for at, events in found.items()},
    )


def intervals(world: World, cell: Cell, *, instants: bool = False) -> tuple[Interval, ...]:
    """Return the whole timeline of a cell; the first has no beginning, the last no end."""
    when = points(world, cell, instants=instants)
    answers = [resolve(world, cell, _before(when.moments))]
    starts: list[When | None] = [None]
    for moment in when.moments:
        answer = resolve(world, cell, moment)
        if answer.answer != answers[-1].answer:
            answers.append(answer)
            starts.append(moment)
    ends = [*starts[1:], None]
    return tuple(
        Interval(start, end, answer, _made_by(when, start), _made_by(when, end))
        for start, end, answer in zip(starts, ends, answers, strict=True)
    )


def run(world: World, answer: AccessState, moment: When) -> tuple[When | None, When | None]:
    """Return the ends of the run of same answers that holds ``moment``, None without bound."""
    moments = points(world, answer.cell, instants=moment.instant is not None).moments
    keys = [_key(one) for one in moments]
    here = bisect_right(keys, _key(moment))

    def same(index: int) -> bool:
        at = moments[index - 1] if index else _before(moments)
        return resolve(world, answer.cell, at).answer == answer.answer

    first = here
    while first > 0 and same(first - 1):
        first -= 1
    last = here
    while last < len(moments) and same(last + 1):
        last += 1
    since = moments[first - 1] if first else None
    until = moments[last] if last < len(moments) else None
    return since, until


def transitions(world: World, cell: Cell, day: When) -> tuple[Transition, ...]:
    """Return the changes at instants that were set within ``day``, in order.

    A date takes effect as the day begins and is no change within it.
    """
    registry = world.registry
    inside: dict[datetime, When] = {}
    for text in world.texts:
        if text.binding and text.draft is None and may_match(text.scope, cell, registry):
            for bound in text.bounds():
                if bound.when.instant is not None and bound.when.day == day.day:
                    inside[bound.when.instant] = bound.when
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


def differing(
    cells: Iterable[Cell],
    before: Callable[[Cell], AccessState],
    after: Callable[[Cell], AccessState],
) -> tuple[tuple[AccessState, AccessState], ...]:
    """Return the two answers of each cell, in order, where they are not the same."""
    pairs = ((before(cell), after(cell)) for cell in cells)
    return tuple((old, new) for old, new in pairs if old.answer != new.answer)


def _made_by(when: Points, at: When | None) -> tuple[str, ...]:
    return () if at is None else when.events[at.text]


def _before(moments: tuple[When, ...]) -> When:
    """Return a moment before the first point, where nothing had begun."""
    if not moments:
        return When.on(date(1900, 1, 1))
    first = moments[0]
    if first.instant is not None:
        return When.at(first.instant - timedelta(microseconds=1))
    return When.on(first.day - timedelta(days=1))


def _key(moment: When) -> date | datetime:
    return moment.day if moment.instant is None else moment.instant
