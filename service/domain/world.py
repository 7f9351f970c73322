"""What is known at one position: the registry, every policy's texts, every measurement.

``World.of`` folds a log, or any part of one: a question about a cell needs only the policies and
observations that may touch it.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec import Struct

from service.domain import regions
from service.domain.directives import Bound, Cited, Text
from service.domain.events import AccessObserved, Effect, Recorded
from service.domain.fold import Fold
from service.domain.history import as_known
from service.domain.registry import Registry
from service.domain.scope import ANY, Cell, Scope, may_match
from service.domain.times import When

POLICY = "policy:"
REGISTRY = "registry:"
OBSERVATION = "observation:"

_T = TypeVar("_T")
_MOST_OF_A_PART = 64


class Observation(Struct, frozen=True, kw_only=True, gc=False):
    """One measurement: what was seen, where, and how long it speaks for."""

    state: Effect
    scope: Scope
    method: str
    occurred: Bound
    valid_until: Bound | None
    position: int
    sources: tuple[Cited, ...] = ()


@dataclass(slots=True, eq=False)
class Memory:
    """What was made of a record that never changes, by name.

    Whenever half of what may be kept is new, what nobody asked for since the time before goes.

    Attributes:
        most: How much is kept at most, and ``weigh`` gives how much of that a thing is: 1 where it
            is left out. What alone is more than half is not kept.
        within: Where things are kept in its place, with those of others.
        number: No other memory of the process has it.
    """

    most: int = 0
    weigh: Callable[[Any], int] | None = None
    within: "Memory | None" = None
    number: int = field(default_factory=partial(next, count()), init=False)
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False)
    _older: dict[Hashable, Any] = field(default_factory=dict, init=False)
    _weight: int = field(default=0, init=False)

    def keep(self, name: Hashable, make: Callable[[], _T]) -> _T:
        """Return what was made under a name, or make it."""
        if self.within is not None:
            return self.within.keep((self.number, name), make)
        found: _T | None = self._made.get(name)
        if found is None:
            found = self._older.get(name)
            if found is None:
                found = make()
            self._put(name, found)
        return found

    def _put(self, name: Hashable, made: object) -> None:
        weight = 1 if self.weigh is None else self.weigh(made)
        if weight > self.most // 2:
            return
        if self._weight + weight > self.most // 2:
            self._made, self._older, self._weight = {}, self._made, 0
        self._made[name] = made
        self._weight += weight


@dataclass(frozen=True, slots=True)
class World:
    """Everything that an answer may rest on.

    A place of which very much was said is known around one day only; ``at`` gives the world around
    another.

    Attributes:
        registry: Who and what is known.
        texts: Drafts and texts of policies, whether they bind or not.
        observations: Measurements, in position order.
        histories: The facts of each policy by slug, corrections applied, for what was pending.
        covers: The days of which everything is known, half-open; None for all days.
        around: Gives the world of the days around a moment, of whatever much was said.
        kept: What was made of the record; worlds of one record that know every day may share it.
        told: What was told of the record: shared by those, too, that know some days.
    """

    registry: Registry
    texts: tuple[Text, ...] = ()
    observations: tuple[Observation, ...] = ()
    histories: Mapping[str, tuple[Recorded, ...]] = field(default_factory=dict)
    covers: tuple[date, date] | None = None
    around: Callable[[When], "World"] | None = None
    kept: Memory | None = None
    told: Memory | None = None

    def keep(self, name: Hashable, make: Callable[[], _T]) -> _T:
        """Return what was made of this record before, under the same name, or make it."""
        return make() if self.kept is None else self.kept.keep(name, make)

    def at(self, moment: When) -> "World":
        """Return the world in which everything is known of a moment's day in UTC."""
        day = moment.day
        if self.covers is None or self.around is None or self.covers[0] <= day < self.covers[1]:
            return self
        return self.around(moment)

    @classmethod
    def unread(cls, registry: Registry, around: "Callable[[When], World]", told: Memory) -> "World":
        """Return a world that knows no day yet."""
        return cls(registry, covers=(date.min, date.min), around=around, told=told)

    @classmethod
    def of(cls, recorded: Iterable[Recorded]) -> "World":
        """Fold events, corrections among them, in position order."""
        streams: dict[str, list[Recorded]] = {}
        for one in recorded:
            streams.setdefault(one.event.stream, []).append(one)
        known = {name: as_known(events) for name, events in streams.items()}
        registered = (one for name, facts in known.items() if is_registry(name) for one in facts)
        registry = Registry.of(sorted(registered, key=lambda one: one.position))
        histories = {
            name.removeprefix(POLICY): facts
            for name, facts in known.items()
            if name.startswith(POLICY)
        }
        folds = (Fold.of(slug, facts) for slug, facts in histories.items())
        return cls(
            registry,
            tuple(text for fold in folds for text in fold.texts()),
            tuple(seen for facts in known.values() for seen in observations(facts)),
            MappingProxyType(histories),
        )


def reaching(world: World, cells: Sequence[Cell]) -> World:
    """Return the part of a world that may decide some cells: a timeline asks it again and again."""
    registry = world.registry
    return replace(
        world,
        kept=Memory(_MOST_OF_A_PART),
        # A part may be kept for longer than there is anybody to ask for more.
        around=None if world.covers is None else world.around,
        texts=tuple(
            text
            for text in world.texts
            if text.binding and text.draft is None
            if any(may_match(text.scope, cell, registry) for cell in cells)
        ),
    )


def by_place(world: World, provider: str) -> Callable[[str], World]:
    """Return a function from a country or subdivision to the part of a world that may touch it.

    A list asks hundreds of cells of one provider; few texts reach any one of them.
    """
    everywhere: list[int] = []
    somewhere: dict[str, list[int]] = {}
    for number, text in enumerate(world.texts):
        if provider not in text.scope.providers and ANY not in text.scope.providers:
            continue
        for element in text.scope.regions:
            if element == ANY:
                everywhere.append(number)
            for place in world.registry.ever_in(element) or (element,):
                somewhere.setdefault(place, []).append(number)

    def part(place: str) -> World:
        touching = set(everywhere)
        above: str | None = place
        while above is not None:
            touching.update(somewhere.get(above, ()))
            above = regions.parent(above)
        texts = tuple(world.texts[number] for number in sorted(touching))
        return replace(world, kept=None, texts=texts)

    return part


def is_registry(stream: str) -> bool:
    """Tell whether a stream is about reference data."""
    return stream.startswith(REGISTRY)


def observations(facts: Iterable[Recorded]) -> tuple[Observation, ...]:
    """Return the measurements among some facts."""
    return tuple(
        _observation(recorded, recorded.event.data)
        for recorded in facts
        if isinstance(recorded.event.data, AccessObserved)
    )


def _observation(recorded: Recorded, data: AccessObserved) -> Observation:
    event = recorded.event

    def bound(when: When) -> Bound:
        return Bound(when=when, authority=event.authority, event=str(event.id))

    return Observation(
        state=data.state,
        scope=data.scope,
        method=data.method,
        occurred=bound(event.occurred_on),
        valid_until=None if data.valid_until is None else bound(data.valid_until),
        position=recorded.position,
        sources=tuple(Cited(url=one.url, publisher=one.publisher) for one in event.sources),
    )
