"""A dry run: what a batch would change, cell by cell, without writing anything."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.application.recording import Batch, Clock, admitted, held, ledger, numbered, streams_of
from service.domain import regions
from service.domain.cells import timeline, top_level
from service.domain.events import Event, RecordCorrected, Recorded, scopes_of
from service.domain.fold import Fold
from service.domain.history import as_known
from service.domain.registry import Registry
from service.domain.resolution import Access, Answer, State, access_of
from service.domain.scope import ANY, PUBLIC, Cell, Scope
from service.domain.timeline import differences
from service.domain.times import When
from service.domain.world import POLICY, World, observations
from service.projections import known
from service.projections.known import Near
from service.projections.sight import Sight
from service.store import events as log
from service.store.codec import encode
from service.store.engine import Database

MAX_CELLS = 5_000
"""The most cells that one dry run compares."""


class Cause(StrEnum):
    """Whether the world changed, or only our record of it."""

    WORLD = "world"
    RECORD = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One side of a difference."""

    state: State
    access: Access
    legal_state: State
    conditions: tuple[str, ...]

    @classmethod
    def of(cls, answer: Answer) -> "Told":
        """Return an answer as one side of a difference."""
        state, legal_state, conditions = answer
        access = access_of(state)
        return cls(state=state, access=access, legal_state=legal_state, conditions=conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A cell whose answer would differ, and from when until when."""

    provider: str
    service: str
    region: str
    audience: str
    effective_from: When | None
    effective_until: When | None
    before: Told
    after: Told
    events: tuple[str, ...]
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Every change that a batch would make; ``complete`` is false where there are too many."""

    changes: tuple[Change, ...]
    complete: bool = True


def preview(database: Database, batch: Batch, *, clock: Clock) -> Preview:
    """Tell what recording a batch would change.

    Raises:
        What ``recording.append`` raises, idempotency aside.
    """
    with database.read() as connection:
        head = log.read_head(connection)
        there = held(connection, batch.events)
        events = [event for event in batch.events if event.id not in there]
        if not events:
            return Preview(changes=())
        tips = log.tips(connection, streams_of(batch, events))
        new = numbered(head, tips, events, batch, clock())
        book = ledger(connection, head, Sight.of(connection))
        registry = admitted(batch, new, book)
        for recorded in new:
            encode(recorded)
        before = known.world(connection, head.position, Near())
        streams = {
            name: as_known((*book.stream(name), *(one for one in new if one.event.stream == name)))
            for name in dict.fromkeys(one.event.stream for one in new)
        }
    after = _with(before, registry, streams)
    cells = dict.fromkeys(_cells(before, after, new))
    compared = list(cells)[:MAX_CELLS]
    changes = tuple(change for cell in compared for change in _changes(before, after, cell, new))
    return Preview(changes=changes, complete=len(compared) == len(cells))


def versions(database: Database, batch: Batch) -> dict[str, int]:
    """Return the version of every stream that a batch appends to; 0 where it is new.

    Read before a preview and expected by the append after it, they hold what is recorded to what
    was shown.
    """
    with database.read() as connection:
        tips = log.tips(connection, [event.stream for event in batch.events])
        return {name: tip.version for name, tip in tips.items()}


def _with(before: World, registry: Registry, streams: dict[str, tuple[Recorded, ...]]) -> World:
    slugs = {name.removeprefix(POLICY) for name in streams if name.startswith(POLICY)}
    texts = [text for text in before.texts if text.policy not in slugs]
    for slug in sorted(slugs):
        texts.extend(Fold.of(slug, streams[POLICY + slug]).texts())
    seen = (
        *before.observations,
        *(one for facts in streams.values() for one in observations(facts)),
    )
    return World(registry, tuple(texts), seen)


def _cells(before: World, after: World, new: Sequence[Recorded]) -> Iterator[Cell]:
    """Yield the cells that the batch may move, the audience ``public`` standing for everyone."""
    touched = {one.event.stream.removeprefix(POLICY) for one in new}
    groups = {
        change.id
        for change in after.registry.groups.values()
        if change != before.registry.groups.get(change.id)
    }
    for world in (before, after):
        for text in world.texts:
            if text.policy in touched or groups.intersection(text.scope.regions):
                yield from _cells_of(text.scope, after.registry)
    for one in new:
        for scope in scopes_of(one.event):
            yield from _cells_of(scope, after.registry)


def _cells_of(scope: Scope, registry: Registry) -> Iterator[Cell]:
    for provider in _every(scope.providers, sorted(registry.providers)):
        for service in _every(scope.services, top_level(registry.services_of(provider))):
            for region in _every(scope.regions, sorted(regions.COUNTRIES)):
                places = sorted(registry.ever_in(region)) or [region]
                for place in places:
                    for audience in _every(scope.audiences, (PUBLIC,)):
                        yield Cell(
                            provider=provider, service=service, region=place, audience=audience
                        )


def _every(elements: Sequence[str], everything: Iterable[str]) -> Iterable[str]:
    return everything if ANY in elements else elements


def _changes(before: World, after: World, cell: Cell, new: Sequence[Recorded]) -> Iterator[Change]:
    cause = Cause.RECORD if any(_corrects(one.event) for one in new) else Cause.WORLD
    for one in differences(timeline(before, cell), timeline(after, cell)):
        yield Change(
            provider=cell.provider,
            service=cell.service,
            region=cell.region,
            audience=cell.audience,
            effective_from=one.since,
            effective_until=one.until,
            before=Told.of(one.before),
            after=Told.of(one.after),
            events=tuple(str(recorded.event.id) for recorded in new),
            cause=cause,
        )


def _corrects(event: Event) -> bool:
    return isinstance(event.data, RecordCorrected)
