"""Asking: the read path. Every function reads one snapshot of the database.

A question names two times: ``as_of``, when it should hold in the world, and ``known_at``, what the
log had learned by then, which is resolved to a position before anything else is read.

Next: service/api/access.py, how it goes out.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from service.application.moments import known_position, seen_position
from service.application.seeing import see
from service.domain import regions
from service.domain.answers import Explained, KnownAt, Question, explain
from service.domain.cells import cell_answer, timeline, top_level
from service.domain.errors import BadPeriodError, BadTimeError, Refused, UnknownIdError
from service.domain.registry import Registry
from service.domain.resolution import RULE, Access, Answer, State, access_of
from service.domain.scope import PUBLIC, Cell
from service.domain.timeline import Interval
from service.domain.times import When
from service.domain.world import World, by_place
from service.projections import known
from service.projections.known import Near
from service.projections.sight import Sight
from service.store import events as log
from service.store.engine import Database
from service.store.watching import Stamp

MAX_CELLS: Final = 50_000
"""The most cells that one list may hold."""


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


def explained(
    database: Database,
    question: Question,
    known_at: str | None,
    now: datetime,
    stamp: Stamp | None = None,
) -> Explained:
    """Answer a question with its reasons.

    Args:
        database: What is asked.
        question: What is asked for.
        known_at: As ``moments.known_position`` takes it.
        now: The present.
        stamp: As ``seeing.see`` takes it.

    Raises:
        UnknownIdError: An id that was not known then; its path is the name of the parameter.
        BadTimeError: A ``known_at`` that is none, or lies beyond the log or the clock.
    """
    near = Near(provider=question.provider, region=question.region)

    def look(sight: Sight) -> Explained:
        at = seen_position(sight, known_at, now)
        world = known.world_on(sight, at.position, near, question.as_of, with_histories=True)
        is_new = question.provider not in world.registry.providers
        registered_later = is_new and _registered_later(sight.connection, question.provider)
        check_question(world.registry, question, registered_later=registered_later)
        return explain(world, question, at)

    return see(database, look, stamp)


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
        sight = Sight.of(connection)
        at = seen_position(sight, known_at, now)
        world = known.world_on(sight, at.position, near, as_of)
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
                yield span_of(cell.service, one)


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


def span_of(service: str, one: Interval) -> Span:
    """Return an interval of a service as a timeline shows it."""
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
        require("provider", provider, registry.providers)
    among = wanted.providers or tuple(registry.providers)
    offered = {service for provider in among for service in registry.services_of(provider)}
    for service in wanted.services:
        require("service", service, offered)
    for region in wanted.regions:
        check_region(registry, region)
    _check_audience(registry, wanted.audience)


def check_question(registry: Registry, question: Question, *, registered_later: bool) -> None:
    """Refuse a question that names what is not known; the path is the parameter.

    Raises:
        UnknownIdError: With the nearest id.
    """
    later = "It was registered later than this known_at." if registered_later else ""
    require("provider", question.provider, registry.providers, later)
    check_region(registry, question.region)
    if question.service is not None:
        require("service", question.service, registry.services_of(question.provider))
    _check_audience(registry, question.audience)


def check_region(registry: Registry, region: str) -> None:
    """Refuse a region that is none; the path is ``region``."""
    if registry.is_region(region):
        return
    own = regions.COUNTRIES_OF_THEIR_OWN.get(region)
    hint = "" if own is None else f"It is a country of its own: ask for {own!r}."
    ids = regions.COUNTRIES | regions.SUBDIVISIONS | registry.groups.keys()
    require("region", region, ids, hint)


def _check_audience(registry: Registry, audience: str) -> None:
    require("audience", audience, {*registry.audiences, PUBLIC})


def require(kind: str, given: str, known_ids: Collection[str], hint: str = "") -> None:
    """Refuse an id that is not known; the parameter has the name of its kind."""
    if given not in known_ids:
        raise UnknownIdError(kind, given, known_ids, path=(kind,), hint=hint)


def _registered_later(connection: sa.Connection, provider: str) -> bool:
    return log.version_of(connection, f"registry:provider/{provider}") > 0
