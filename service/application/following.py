"""Following: what is to come, and what has changed answers, for calendars and feeds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from service.application.asking import CellFilter, check_filter
from service.application.moments import known_head, known_position
from service.application.preview import Cause
from service.domain.answers import KnownAt
from service.domain.events import PolicyRepealed, PolicyWithdrawn, RecordCorrected, Recorded
from service.domain.pending import Pending, changes_on, coming
from service.domain.registry import Registry
from service.domain.scope import ANY, Scope, within_region
from service.domain.times import When, reached
from service.domain.world import POLICY, World
from service.projections import entries, known, projector, statements
from service.projections.known import Near
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database

Stream = Sequence[Recorded]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """One change to come, where it will reach, and what the policy is called.

    Attributes:
        on: When it happens; None where nobody has said.
        last: The last event that it rests on, corrections of our record among them.
        cancelled: Whether it was to come, and was withdrawn or repealed before it did.
    """

    change: Pending
    on: When | None
    scope: Scope
    title: str | None
    last: Recorded
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Changes within a period, dated first; what is not yet dated follows.

    Attributes:
        cancelled: What is off, for calendars that have it: dated, in the same period.
    """

    since: date
    until: date
    known_at: KnownAt
    items: tuple[Upcoming, ...]
    cancelled: tuple[Upcoming, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMade:
    """An event that altered answers."""

    recorded: Recorded
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesMade:
    """A part of the changes, newest first; ``next`` is the position before which the rest lies."""

    known_at: KnownAt
    items: tuple[ChangeMade, ...]
    next: int | None


def upcoming(  # noqa: PLR0913 both times, a period and a place
    database: Database,
    since: date,
    within: int,
    now: datetime,
    *,
    near: Near | None = None,
    known_at: str | None = None,
) -> Agenda:
    """Return what was to come on a day, for some days ahead.

    Args:
        database: Where the log is.
        since: The day; folded only from what had occurred by then.
        within: How many days ahead, at least 1.
        now: An aware instant.
        near: Where the changes must reach; anywhere where it is left out.
        known_at: As of a question.

    Raises:
        UnknownIdError: ``near`` names what is not known.
        BadTimeError: A ``known_at`` that is none, or lies beyond the log or the clock.
    """
    place = near or Near()
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        registry = entries.load(connection, projector.live(connection), at.position)
        _check(registry, place)
        world = known.world_with_histories(connection, at.position, place)
        names = [POLICY + slug for slug in world.histories]
        rows = log.streams(connection, names, at.position)
        streams = {name: [decode(row) for row in found] for name, found in rows.items()}
    period = _Period(world, place, since, since + timedelta(days=within), streams)
    return Agenda(
        since=since,
        until=period.until,
        known_at=at,
        items=tuple(period.items(world)),
        cancelled=tuple(_cancelled(period)),
    )


@dataclass(frozen=True, slots=True)
class _Period:
    """What is asked for: a world as known, a place, some days, and the streams as recorded."""

    world: World
    near: Near
    since: date
    until: date
    streams: Mapping[str, Stream]

    def items(self, world: World) -> Iterator[Upcoming]:
        """Yield what is to come in a world: dated first, in order."""
        moment = When.on(self.since)
        for change, scope in coming(world, moment):
            on = changes_on(change)
            inside = on is None or self.since <= on.day < self.until
            if inside and _reaches(scope, self.near, world.registry, moment):
                facts = self.world.histories.get(change.policy, ())
                yield Upcoming(
                    change=change,
                    on=on,
                    scope=scope,
                    title=next((one.event.title for one in facts if one.event.title), None),
                    last=_last(self.streams[POLICY + change.policy], change.events),
                )


def _cancelled(period: _Period) -> Iterator[Upcoming]:
    """Yield what would be to come, had nobody withdrawn or repealed it."""
    for slug, facts in period.world.histories.items():
        ended = [one for one in facts if _ends(one, period)]
        if not ended:
            continue
        kept = tuple(one for one in facts if one not in ended)
        before = replace(period.world, histories={slug: kept})
        after = replace(period.world, histories={slug: facts})
        standing = {_name(one) for one in period.items(after)}
        for one in period.items(before):
            if one.on is not None and _name(one) not in standing:
                stream = period.streams[POLICY + slug]
                ids = (*one.change.events, *(str(end.event.id) for end in ended))
                yield replace(one, last=_last(stream, ids), cancelled=True)


def _ends(one: Recorded, period: _Period) -> bool:
    zone = period.world.registry.zone(one.event.authority)
    return isinstance(one.event.data, PolicyWithdrawn | PolicyRepealed) and reached(
        one.event.occurred_on, When.on(period.since), zone
    )


def _name(one: Upcoming) -> tuple[str, str, str]:
    return one.change.policy, one.change.key, one.change.kind


def _last(stream: Stream, ids: Iterable[str]) -> Recorded:
    """Return the last of some events of a stream, and of the corrections of them."""
    involved = set(ids)
    last = stream[0]
    for recorded in stream:
        data = recorded.event.data
        if isinstance(data, RecordCorrected) and str(data.event) in involved:
            involved.add(str(recorded.event.id))
        if str(recorded.event.id) in involved:
            last = recorded
    return last


def _check(registry: Registry, near: Near) -> None:
    providers = () if near.provider is None else (near.provider,)
    places = () if near.region is None else (near.region,)
    check_filter(registry, CellFilter(providers=providers, regions=places))


def _reaches(scope: Scope, near: Near, registry: Registry, moment: When) -> bool:
    """Tell whether a scope lies around a place, or reaches into it."""
    if near.provider is not None and not {ANY, near.provider}.intersection(scope.providers):
        return False
    asked = near.region
    return asked is None or any(
        within_region(one, asked, registry, moment) or within_region(asked, one, registry, moment)
        for one in scope.regions
    )


def changes(database: Database, near: Near, *, before: int | None, limit: int) -> ChangesMade:
    """Return the events that altered answers, newest first.

    Args:
        database: Where the log is.
        near: Where they must reach.
        before: A position, exclusive; None begins at the head.
        limit: How many.

    Raises:
        UnknownIdError: ``near`` names what is not known.
    """
    found: list[ChangeMade] = []
    with database.read() as connection:
        generation = projector.live(connection)
        at = known_head(connection)
        registry = entries.load(connection, generation, at.position)
        _check(registry, near)
        last = at.position + 1 if before is None else before
        while len(found) <= limit:
            positions = statements.newest(connection, generation, registry, near, last, limit + 1)
            if not positions:
                break
            last = positions[-1]
            rows = reversed(log.at(connection, positions))
            made = (_made(decode(row)) for row in rows)
            found.extend(one for one in made if one.recorded.event.binding)
    following = found[limit - 1].recorded.position if len(found) > limit else None
    return ChangesMade(known_at=at, items=tuple(found[:limit]), next=following)


def _made(recorded: Recorded) -> ChangeMade:
    corrects = isinstance(recorded.event.data, RecordCorrected)
    return ChangeMade(recorded=recorded, cause=Cause.RECORD if corrects else Cause.WORLD)
