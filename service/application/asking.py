"""Asking: the read path. Every function reads one snapshot of the database.

A question names two times: ``as_of``, when it should hold in the world, and ``known_at``, what the
log had learned by then, which is resolved to a position before anything else is read.

Next: service/api/access.py, how it goes out.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from service.domain import regions
from service.domain.answers import (
    Explained,
    KnownAt,
    Question,
    cell_answer,
    explain,
    timeline,
    top_level,
)
from service.domain.dossier import Dossier, dossier
from service.domain.errors import BadPeriodError, BadTimeError, Refused, UnknownIdError
from service.domain.events import Recorded
from service.domain.history import as_known
from service.domain.registry import Registry
from service.domain.resolution import RULE, Access, Answer, State, access_of
from service.domain.scope import PUBLIC, Cell
from service.domain.timeline import Interval
from service.domain.times import When
from service.domain.world import POLICY, World, by_place
from service.projections import entries, known, projector
from service.projections.known import Near
from service.store import events as log
from service.store.codec import decode, instant, microseconds
from service.store.engine import Database
from service.store.events import EventFilter

MAX_CELLS: Final = 50_000
"""The most cells that one list may hold."""

_POSITION = re.compile(r"@(0|[1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cell of a list."""

    provider: str
    service: str
    region: str
    audience: str
    state: State
    access: Access
    legal_state: State
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Cells on a day, as known at a position, in a fixed order."""

    as_of: When
    known_at: KnownAt
    rule: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFilter:
    """Which cells a list holds; an empty tuple does not restrict."""

    providers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    audience: str = PUBLIC
    states: tuple[State, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One interval of one service, half-open."""

    service: str
    since: When | None
    until: When | None
    state: State
    access: Access
    legal_state: State
    conditions: tuple[str, ...]
    started_by: tuple[str, ...]
    ended_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The intervals of a provider's services in a region."""

    provider: str
    region: str
    audience: str
    known_at: KnownAt
    rule: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of a timeline that is wanted; both None for all of it."""

    since: When | None = None
    until: When | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of the log; ``next`` is where the following one begins, None at the end.

    Attributes:
        head: The position at which the log stood.
    """

    items: tuple[Recorded, ...]
    next: int | None
    head: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """A part of the list of policies, as they stood on a day and were known."""

    as_of: When
    known_at: KnownAt
    items: tuple[Dossier, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Where the log stands."""

    position: int
    recorded_at: datetime | None
    rule: int
    regions_frozen_on: str
    generation: int


# Access.


def explained(
    database: Database, question: Question, known_at: str | None, now: datetime
) -> Explained:
    """Answer a question with its reasons.

    Raises:
        UnknownIdError: An id that was not known then; its path is the name of the parameter.
        BadTimeError: A ``known_at`` that is none, or lies beyond the log or the clock.
    """
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        near = Near(provider=question.provider, region=question.region)
        world = known.world_with_histories(connection, at.position, near)
        registered_later = _registered_later(connection, question.provider)
    check_question(world.registry, question, registered_later=registered_later)
    return explain(world, question, at)


def listing(
    database: Database, wanted: CellFilter, as_of: When, known_at: str | None, now: datetime
) -> Listing:
    """List cells with their states.

    Raises:
        UnknownIdError, BadTimeError: As ``explained`` does.
        Refused: More than ``MAX_CELLS`` cells.
    """
    near = Near(provider=wanted.providers[0] if len(wanted.providers) == 1 else None)
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        world = known.world(connection, at.position, near)
    check_filter(world.registry, wanted)
    rows = (
        _row(cell, cell_answer(part, cell, as_of)) for part, cell in wanted_cells(world, wanted)
    )
    kept = tuple(row for row in rows if not wanted.states or row.state in wanted.states)
    return Listing(as_of=as_of, known_at=at, rule=RULE, rows=kept)


def intervals(
    database: Database, question: Question, window: Window, known_at: str | None, now: datetime
) -> Timeline:
    """Return the timeline of a provider's services in a region; ``question.as_of`` is not used.

    Raises:
        UnknownIdError, BadTimeError: As ``explained`` does.
        BadPeriodError: A window that is empty or backward.
    """
    _check_window(window)
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        near = Near(provider=question.provider, region=question.region)
        world = known.world(connection, at.position, near)
        registered_later = _registered_later(connection, question.provider)
    check_question(world.registry, question, registered_later=registered_later)
    return Timeline(
        provider=question.provider,
        region=question.region,
        audience=question.audience,
        known_at=at,
        rule=RULE,
        spans=tuple(_spans(world, question, window)),
    )


def _spans(world: World, question: Question, window: Window) -> Iterator[Span]:
    ends = (window.since, window.until)
    instants = any(end is not None and end.instant is not None for end in ends)
    for cell in question_cells(world.registry, question):
        for one in timeline(world, cell, instants=instants):
            if _overlaps(one, window):
                yield _span(cell.service, one)


def question_cells(registry: Registry, question: Question) -> tuple[Cell, ...]:
    """Return the cells that a question is about: of one service, or of every top-level one."""
    services = registry.services_of(question.provider)
    wanted = top_level(services) if question.service is None else (question.service,)
    return tuple(
        Cell(
            provider=question.provider,
            service=service,
            region=question.region,
            audience=question.audience,
        )
        for service in wanted
    )


def _span(service: str, one: Interval) -> Span:
    state, legal_state, conditions = one.answer
    return Span(
        service=service,
        since=one.since,
        until=one.until,
        state=state,
        access=access_of(state),
        legal_state=legal_state,
        conditions=conditions,
        started_by=one.started_by,
        ended_by=one.ended_by,
    )


def _check_window(window: Window) -> None:
    since, until = window.since, window.until
    if since is None or until is None:
        return
    if (since.instant is None) != (until.instant is None):
        detail = "'from' and 'until' are both dates or both instants."
        raise BadTimeError(detail, path=("until",))
    if since.order >= until.order:
        raise BadPeriodError(since.text, until.text, path=("until",))


def _overlaps(one: Interval, window: Window) -> bool:
    begins_after = (
        window.until is not None and one.since is not None and one.since.order >= window.until.order
    )
    ended_before = (
        window.since is not None and one.until is not None and one.until.order <= window.since.order
    )
    return not begins_after and not ended_before


def _row(cell: Cell, answer: Answer) -> Row:
    state, legal_state, conditions = answer
    return Row(
        provider=cell.provider,
        service=cell.service,
        region=cell.region,
        audience=cell.audience,
        state=state,
        access=access_of(state),
        legal_state=legal_state,
        conditions=conditions,
    )


def wanted_cells(world: World, wanted: CellFilter) -> Iterator[tuple[World, Cell]]:
    """Yield the cells of a list by provider, service and region, each with what may touch it."""
    registry = world.registry
    places = wanted.regions or tuple(sorted(regions.COUNTRIES))
    providers = wanted.providers or tuple(sorted(registry.providers))
    services = {one: _services(registry, one, wanted) for one in providers}
    size = len(places) * sum(map(len, services.values()))
    if size > MAX_CELLS:
        detail = (
            f"This list has {size:,} cells, more than {MAX_CELLS:,}: name providers, services or "
            "regions."
        )
        raise Refused(detail, path=("provider",))
    for provider in providers:
        part = by_place(world, provider)
        parts = {one: world if one in registry.groups else part(one) for one in places}
        for service in services[provider]:
            for region in places:
                cell = Cell(
                    provider=provider, service=service, region=region, audience=wanted.audience
                )
                yield parts[region], cell


def _services(registry: Registry, provider: str, wanted: CellFilter) -> tuple[str, ...]:
    services = registry.services_of(provider)
    if not wanted.services:
        return top_level(services)
    return tuple(one for one in services if one in wanted.services)


def check_filter(registry: Registry, wanted: CellFilter) -> None:
    """Refuse a filter that names what is not known; the path is the parameter.

    Raises:
        UnknownIdError: With the nearest id.
    """
    for provider in wanted.providers:
        _require("provider", provider, registry.providers)
    among = wanted.providers or tuple(registry.providers)
    offered = {service for provider in among for service in registry.services_of(provider)}
    for service in wanted.services:
        _require("service", service, offered)
    for region in wanted.regions:
        _check_region(registry, region)
    _check_audience(registry, wanted.audience)


def check_question(registry: Registry, question: Question, *, registered_later: bool) -> None:
    """Refuse a question that names what is not known; the path is the parameter.

    Raises:
        UnknownIdError: With the nearest id.
    """
    later = "It was registered later than this known_at." if registered_later else ""
    _require("provider", question.provider, registry.providers, later)
    _check_region(registry, question.region)
    if question.service is not None:
        _require("service", question.service, registry.services_of(question.provider))
    _check_audience(registry, question.audience)


def _check_region(registry: Registry, region: str) -> None:
    if registry.is_region(region):
        return
    own = regions.COUNTRIES_OF_THEIR_OWN.get(region)
    hint = "" if own is None else f"It is a country of its own: ask for {own!r}."
    ids = regions.COUNTRIES | regions.SUBDIVISIONS | registry.groups.keys()
    _require("region", region, ids, hint)


def _check_audience(registry: Registry, audience: str) -> None:
    _require("audience", audience, {*registry.audiences, PUBLIC})


def _require(kind: str, given: str, known_ids: Collection[str], hint: str = "") -> None:
    """Refuse an id that is not known; the parameter has the name of its kind."""
    if given not in known_ids:
        raise UnknownIdError(kind, given, known_ids, path=(kind,), hint=hint)


def _registered_later(connection: sa.Connection, provider: str) -> bool:
    return log.version_of(connection, f"registry:provider/{provider}") > 0


# Times.


def moment(as_of: str | None, now: datetime) -> When:
    """Return the moment asked for; today in UTC where none is named.

    Raises:
        BadTimeError: Its path is ``as_of``.
    """
    if as_of is None:
        return When.on(now.astimezone(UTC).date())
    return When.moment(as_of, path=("as_of",))


def known_position(
    connection: sa.Connection, known_at: str | None, now: datetime, name: str = "known_at"
) -> KnownAt:
    """Resolve a ``known_at`` to a position.

    Args:
        connection: The snapshot that is asked.
        known_at: ``@<position>``, an instant, a date (the end of that day in UTC; today means
            now), or None for all that is known.
        now: An aware instant.
        name: The parameter's, where it has another.

    Raises:
        BadTimeError: None of these, or beyond the clock or the head; its path is ``name``.
    """
    if known_at is None:
        return known_head(connection)
    head = log.read_head(connection).position
    if (found := _POSITION.fullmatch(known_at)) is not None:
        position = int(found.group(1))
        if position > head:
            detail = f"Position {position} lies beyond the head of the log, which is at {head}."
            raise BadTimeError(detail, path=(name,), suggestion=f"@{head}")
        return _known_at(connection, position)
    if known_at.startswith("@"):
        detail = f"{known_at[:40]!r} is no position: write '@' and a whole number, such as '@412'."
        raise BadTimeError(detail, path=(name,))
    when = When.moment(known_at, path=(name,))
    until = _end(when, now, name)
    return _known_at(connection, log.position_at(connection, microseconds(until)))


def head_position(database: Database) -> int:
    """Return the position of the head, and nothing else."""
    with database.read() as connection:
        return log.read_head(connection).position


def position(
    database: Database, known_at: str | None, now: datetime, name: str = "known_at"
) -> int:
    """Return the position that a ``known_at`` means: the head's where it is None.

    Raises:
        BadTimeError: As ``known_position`` does.
    """
    with database.read() as connection:
        return known_position(connection, known_at, now, name).position


def _end(when: When, now: datetime, name: str) -> datetime:
    """Return the last instant that a ``known_at`` includes."""
    today = now.astimezone(UTC).date()
    if when.instant is not None:
        if when.instant > now:
            detail = f"{when} lies in the future: nobody can know yet what will be recorded."
            raise BadTimeError(detail, path=(name,))
        return when.instant
    if when.day > today:
        detail = f"{when} lies in the future: nobody can know yet what will be recorded."
        raise BadTimeError(detail, path=(name,), suggestion=today.isoformat())
    midnight = datetime(when.day.year, when.day.month, when.day.day, tzinfo=UTC)
    return midnight + timedelta(days=1) - timedelta(microseconds=1)


def known_head(connection: sa.Connection) -> KnownAt:
    """Return the head of the log: all that is known."""
    head = log.read_head(connection)
    at = None if head.recorded_at is None else instant(head.recorded_at)
    return KnownAt(position=head.position, recorded_at=at)


def _known_at(connection: sa.Connection, position: int) -> KnownAt:
    recorded_at = log.recorded_at(connection, position) if position else None
    at = None if recorded_at is None else instant(recorded_at)
    return KnownAt(position=position, recorded_at=at)


# The log.


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioning:
    """What the events of a list must name."""

    provider: str | None = None
    service: str | None = None
    region: str | None = None

    def dimensions(self) -> dict[str, str]:
        """Return it by dimension."""
        given = {"provider": self.provider, "service": self.service, "region": self.region}
        return {dimension: value for dimension, value in given.items() if value is not None}


def events(
    database: Database, wanted: EventFilter, naming: Mentioning, *, after: int, limit: int
) -> Page:
    """Return the next events of the log that a filter lets through, in position order."""
    with database.read() as connection:
        values = naming.dimensions()
        generation = projector.live(connection)
        narrowed = replace(wanted, mentions=(generation, values) if values else None)
        rows = log.page(connection, narrowed, after=after, limit=limit + 1)
        head = log.read_head(connection).position
    items = tuple(map(decode, rows[:limit]))
    return Page(items=items, next=items[-1].position if len(rows) > limit else None, head=head)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a filter names, as its user wrote it."""

    authority: str | None = None
    provider: str | None = None
    service: str | None = None
    region: str | None = None


def naming(database: Database, named: Named, now: datetime) -> Mentioning:
    """Return what events must name, checked against all that is registered.

    Raises:
        UnknownIdError: With the nearest id; its path is the name of the filter.
    """
    if named == Named():
        return Mentioning()
    _, known_ids = registry(database, None, now)
    if named.authority is not None:
        _require("authority", named.authority, known_ids.authorities)
    if named.provider is not None:
        _require("provider", named.provider, known_ids.providers)
    if named.region is not None:
        _check_region(known_ids, named.region)
    service = None if named.service is None else _full_service(known_ids, named)
    return Mentioning(provider=named.provider, service=service, region=named.region)


def _full_service(known_ids: Registry, named: Named) -> str:
    """Return a service with its provider, as the log names it."""
    service, provider = named.service or "", named.provider
    own = provider is None or service.startswith(f"{provider}/")
    if service in known_ids.services and own:
        return service
    full = service if provider is None else f"{provider}/{service}"
    same = sorted(one for one in known_ids.services if one.endswith(f"/{full}"))
    if provider is None and same:
        hint = f"Name a service with its provider: {', '.join(same)}."
        kind = "service"
        fault = UnknownIdError(kind, service, (), path=(kind,), hint=hint)
        fault.suggestion = same[0]
        raise fault
    _require("service", full, known_ids.services)
    return full


def event(database: Database, event_id: UUID) -> Recorded | None:
    """Return one event, None where the log has none under this id."""
    with database.read() as connection:
        row = log.by_id(connection, event_id)
    return None if row is None else decode(row)


# Policies and reference data.


def policies(  # noqa: PLR0913 both times and a part of the list
    database: Database,
    *,
    as_of: When,
    known_at: str | None,
    now: datetime,
    after: str | None,
    limit: int,
) -> Policies:
    """Return the next policies by slug, as they stood on a day and were known."""
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        registry = entries.load(connection, projector.live(connection), at.position)
        names = log.policy_streams(connection, after, limit + 1, at.position)
        streams = log.streams(connection, names[:limit], at.position)
    slugs = [name.removeprefix(POLICY) for name in names[:limit]]
    found = (
        dossier(slug, as_known(list(map(decode, streams[POLICY + slug]))), registry, as_of)
        for slug in slugs
    )
    return Policies(
        as_of=as_of,
        known_at=at,
        items=tuple(one for one in found if one is not None),
        next=slugs[-1] if len(names) > limit else None,
    )


def policy(
    database: Database, slug: str, *, as_of: When, known_at: str | None, now: datetime
) -> tuple[KnownAt, Dossier | None]:
    """Return one policy; None where it had not begun by then.

    Raises:
        UnknownIdError: No policy has this slug, at any time.
    """
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        registry = entries.load(connection, projector.live(connection), at.position)
        rows = log.stream(connection, POLICY + slug, at.position)
        if not rows:
            require_policy(connection, slug)
    return at, dossier(slug, as_known(list(map(decode, rows))), registry, as_of)


def require_policy(connection: sa.Connection, slug: str) -> None:
    """Refuse a slug that no policy has, at any time.

    Raises:
        UnknownIdError: With the nearest slug.
    """
    if not log.version_of(connection, POLICY + slug):
        every = log.policy_streams(connection, None, 100_000)
        slugs = (name.removeprefix(POLICY) for name in every)
        kind = "policy"
        raise UnknownIdError(kind, slug, slugs, path=("slug",))


def registry(database: Database, known_at: str | None, now: datetime) -> tuple[KnownAt, Registry]:
    """Return the reference data as known."""
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        return at, entries.load(connection, projector.live(connection), at.position)


def meta(database: Database) -> Meta:
    """Return where the log stands."""
    with database.read() as connection:
        head = log.read_head(connection)
        generation = projector.live(connection)
    return Meta(
        position=head.position,
        recorded_at=None if head.recorded_at is None else instant(head.recorded_at),
        rule=RULE,
        regions_frozen_on=regions.FROZEN,
        generation=generation,
    )
