"""Following: what is to come, and what has changed answers, for calendars and feeds."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from service.application.asking import known_position
from service.application.preview import Cause
from service.domain.answers import KnownAt
from service.domain.events import RecordCorrected, Recorded
from service.domain.pending import Pending, changes_on, coming
from service.domain.scope import Scope
from service.domain.times import When
from service.projections import entries, known, projector, statements
from service.projections.known import Near
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """One change to come, where it will reach, and what the policy is called."""

    change: Pending
    on: When | None
    scope: Scope
    title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Changes within a period, dated first; what is not yet dated follows."""

    since: date
    until: date
    known_at: KnownAt
    items: tuple[Upcoming, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMade:
    """An event that altered answers."""

    recorded: Recorded
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesMade:
    """A part of the changes, newest first; ``next`` is the position before which the rest lies."""

    items: tuple[ChangeMade, ...]
    next: int | None


def upcoming(database: Database, since: date, within: int, now: datetime) -> Agenda:
    """Return what was to come on a day, for some days ahead.

    Args:
        database: Where the log is.
        since: The day; folded only from what had occurred by then.
        within: How many days ahead, at least 1.
        now: An aware instant.
    """
    until = since + timedelta(days=within)
    with database.read() as connection:
        at = known_position(connection, None, now)
        world = known.world_with_histories(connection, at.position, Near())
    items = []
    for change, scope in coming(world, When.on(since)):
        on = changes_on(change)
        if on is None or since <= on.day < until:
            facts = world.histories.get(change.policy, ())
            title = next((one.event.title for one in facts if one.event.title), None)
            items.append(Upcoming(change=change, on=on, scope=scope, title=title))
    return Agenda(since=since, until=until, known_at=at, items=tuple(items))


def changes(database: Database, near: Near, *, before: int | None, limit: int) -> ChangesMade:
    """Return the events that altered answers, newest first.

    Args:
        database: Where the log is.
        near: Where they must reach.
        before: A position, exclusive; None begins at the head.
        limit: How many.
    """
    found: list[ChangeMade] = []
    with database.read() as connection:
        generation = projector.live(connection)
        head = log.read_head(connection).position
        registry = entries.load(connection, generation, head)
        last = head + 1 if before is None else before
        while len(found) <= limit:
            positions = statements.newest(connection, generation, registry, near, last, limit + 1)
            if not positions:
                break
            last = positions[-1]
            rows = reversed(log.at(connection, positions))
            made = (_made(decode(row)) for row in rows)
            found.extend(one for one in made if one.recorded.event.binding)
    following = found[limit - 1].recorded.position if len(found) > limit else None
    return ChangesMade(items=tuple(found[:limit]), next=following)


def _made(recorded: Recorded) -> ChangeMade:
    corrects = isinstance(recorded.event.data, RecordCorrected)
    return ChangeMade(recorded=recorded, cause=Cause.RECORD if corrects else Cause.WORLD)
