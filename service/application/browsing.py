"""Browsing: the log itself, the policies in it, and the reference data, in parts."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from service.application.asking import check_region, require
from service.application.moments import known_position
from service.domain import regions
from service.domain.answers import KnownAt
from service.domain.dossier import Dossier, dossier
from service.domain.errors import UnknownIdError
from service.domain.events import Recorded
from service.domain.history import as_known
from service.domain.registry import Registry
from service.domain.resolution import RULE
from service.domain.times import When
from service.domain.world import POLICY
from service.projections import entries, projector
from service.store import events as log
from service.store.codec import decode, instant
from service.store.engine import Database
from service.store.events import EventFilter


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
        require("authority", named.authority, known_ids.authorities)
    if named.provider is not None:
        require("provider", named.provider, known_ids.providers)
    if named.region is not None:
        check_region(known_ids, named.region)
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
    require("service", full, known_ids.services)
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


def require_policy(connection: sa.Connection, slug: str, name: str = "slug") -> None:
    """Refuse a slug that no policy has, at any time; ``name`` is that of its parameter.

    Raises:
        UnknownIdError: With the nearest slug.
    """
    if not log.version_of(connection, POLICY + slug):
        every = log.policy_streams(connection, None, 100_000)
        slugs = (name.removeprefix(POLICY) for name in every)
        kind = "policy"
        raise UnknownIdError(kind, slug, slugs, path=(name,))


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
