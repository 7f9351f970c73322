"""The record as a data set: tables that anybody can open, and what describes them.

    events.jsonl      every event as it was recorded, in position order, one object a line
    intervals.csv     every cell of which anything is known: from when until when it had a state;
                      subdivisions and audiences, where they differ from country and public
    policies.csv      every policy as it stands today
    datapackage.json  a Data Package (version 2) with a schema for each table
    dataset.jsonld    the same for search engines (schema.org Dataset)

All of it is as known at one position, which the descriptions name.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from service.application import browsing
from service.application.asking import Span, span_of
from service.application.exports import Progress
from service.application.moments import known_position
from service.domain import regions
from service.domain.answers import KnownAt
from service.domain.cells import timeline
from service.domain.codec import instant_text
from service.domain.dossier import Dossier
from service.domain.events import Recorded
from service.domain.resolution import RULE, Answer, State
from service.domain.scope import ANY, Cell, within_path
from service.domain.timeline import Interval
from service.domain.times import When
from service.domain.world import World, by_place
from service.projections import known
from service.projections.known import Near
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database

LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
NAME: Final = "accessline"
TITLE: Final = "Who may use which AI service, where and since when"
DESCRIPTION: Final = (
    "A record of policy changes that touch access to AI services: what a provider, regulator, court"
    " or government decided, for which services and regions, from when until when, and which"
    " sources say so. What nobody recorded is unknown, which is never to be read as available."
)
CSV: Final = "text/csv"
JSON_LINES: Final = "application/x-ndjson"
FILES: Final = {"events.jsonl": JSON_LINES, "intervals.csv": CSV, "policies.csv": CSV}
KEYWORDS: Final = ("artificial intelligence", "access", "policy", "regulation", "timeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSpan:
    """One interval of one cell."""

    provider: str
    region: str
    audience: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The record as known at a position.

    Attributes:
        events: Yields every event, in position order, from short snapshots of the database.
        spans: Yields the intervals of every cell that is not unknown for ever.
    """

    known_at: KnownAt
    events: Iterable[Recorded]
    spans: Iterable[CellSpan]
    policies: tuple[Dossier, ...]


def snapshot(
    database: Database, now: datetime, progress: Progress = lambda _done, _all: None
) -> Snapshot:
    """Return the record as it is now.

    Args:
        database: Where the log is.
        now: An aware instant.
        progress: Told how many providers of how many are done, as the intervals are taken.
    """
    with database.read() as connection:
        at = known_position(connection, None, now)
        world = known.world(connection, at.position, Near())
    return Snapshot(
        known_at=at,
        events=_events(database, at.position),
        spans=_spans(world, progress),
        policies=tuple(_policies(database, f"@{at.position}", now)),
    )


def _events(database: Database, upto: int) -> Iterator[Recorded]:
    after = 0
    while after < upto:
        with database.read() as connection:
            rows = log.page(connection, after=after, upto=upto, limit=1000)
        yield from map(decode, rows)
        after = rows[-1].position


def _spans(world: World, progress: Progress) -> Iterator[CellSpan]:
    """Yield the intervals of every service in every country, for the public.

    Of a subdivision, and of an audience, that a directive names, those that differ follow.
    """
    named = {region for text in world.texts for region in text.scope.regions}
    subdivisions = sorted(named & regions.SUBDIVISIONS)
    providers = sorted(world.registry.providers)
    for done, provider in enumerate(providers, 1):
        part = by_place(world, provider)
        for region in sorted(regions.COUNTRIES):
            below = tuple(one for one in subdivisions if regions.parent(one) == region)
            for service in world.registry.services_of(provider):
                cell = Cell(provider=provider, service=service, region=region)
                yield from _cell_spans(part, cell, below)
        progress(done, len(providers))


def _cell_spans(
    part: Callable[[str], World], cell: Cell, subdivisions: tuple[str, ...]
) -> Iterator[CellSpan]:
    inside = part(cell.region)
    usual = timeline(inside, cell)
    yield from _told(cell, usual)
    within = (replace(cell, region=one) for one in subdivisions)
    others = (replace(cell, audience=one) for one in _audiences(inside, cell))
    for one in (*within, *others):
        found = timeline(part(one.region), one)
        if _answers(found) != _answers(usual):
            yield from _told(one, found)


def _told(cell: Cell, found: Iterable[Interval]) -> Iterator[CellSpan]:
    """Yield the intervals of a cell, unless it is unknown for ever."""
    told = list(found)
    if all(one.answer[:2] == (State.UNKNOWN, State.UNKNOWN) for one in told):
        return
    for one in told:
        yield CellSpan(
            provider=cell.provider,
            region=cell.region,
            audience=cell.audience,
            span=span_of(cell.service, one),
        )


def _audiences(inside: World, cell: Cell) -> list[str]:
    """Return the audiences that directives about a service, or around or below it, name."""
    return sorted(
        {
            audience
            for text in inside.texts
            if any(
                within_path(cell.service, one) or within_path(one, cell.service)
                for one in text.scope.services
            )
            for audience in text.scope.audiences
            if audience != ANY
        }
    )


def _answers(found: Iterable[Interval]) -> list[tuple[When | None, Answer]]:
    return [(one.since, one.answer) for one in found]


def _policies(database: Database, known_at: str, now: datetime) -> Iterator[Dossier]:
    day, after = When.on(now.astimezone(UTC).date()), None
    while True:
        found = browsing.policies(
            database, as_of=day, known_at=known_at, now=now, after=after, limit=1000
        )
        yield from found.items
        after = found.next
        if after is None:
            return


# Descriptions.

Field = tuple[str, str, str]
"""Name, type (of the Table Schema) and description of a column."""

EVENTS: Final[tuple[Field, ...]] = (
    ("id", "string", "UUID of the event"),
    ("type", "string", "What happened, a stable word"),
    ("stream", "string", "The subject: a policy, a measurement, an entry of the registry"),
    ("authority", "string", "Who decided"),
    ("occurred_on", "string", "When it was decided or announced: a date, an instant, or EDTF"),
    ("title", "string", "In our own words"),
    ("summary", "string", "In our own words"),
    ("instrument", "string", "The legal nature of the act"),
    ("binding", "boolean", "Whether it binds"),
    ("confidence", "string", "How sure the record is"),
    ("relates_to", "array", "Other policies"),
    ("data", "object", "What was decided; its fields depend on the type"),
    ("sources", "array", "Where it says so"),
    ("schema_version", "integer", "Of the form of the event"),
    ("position", "integer", "Place in the log"),
    ("version", "integer", "Place in the stream"),
    ("recorded_at", "datetime", "When the log learned of it (UTC)"),
    ("recorded_by", "string", "The id of a key"),
)
INTERVALS: Final[tuple[Field, ...]] = (
    ("provider", "string", "The operator who serves the user"),
    ("service", "string", "Path below the provider"),
    ("region", "string", "Where the customer is (ISO 3166-1)"),
    ("audience", "string", "Whom it is about"),
    ("from", "string", "First day, or instant; empty: without bound"),
    ("until", "string", "First day after; empty: without bound"),
    ("state", "string", "What holds"),
    ("access", "string", "What that means at the door"),
    ("legal_state", "string", "What is decided, whether or not anybody is held to it"),
    ("conditions", "array", "What a customer must meet"),
    ("started_by", "array", "Events that began it"),
    ("ended_by", "array", "Events that end it"),
)
POLICIES: Final[tuple[Field, ...]] = (
    ("slug", "string", "Its name: `policy:<slug>` is its stream"),
    ("stream", "string", "Its stream"),
    ("authority", "string", "Who decided"),
    ("title", "string", "In our own words"),
    ("summary", "string", "In our own words"),
    ("instrument", "string", "Its legal nature"),
    ("status", "string", "Where it stands today"),
    ("consultation", "string", "Whether one is open or closed"),
    ("first_occurred_on", "string", "Its first event"),
    ("last_occurred_on", "string", "Its last event"),
    ("last_reviewed_on", "date", "When somebody last checked it"),
    ("version", "integer", "How many events it has"),
    ("directives", "array", "Its effects, each with its scope and period"),
)


def data_package(known_at: KnownAt, public_url: str) -> dict[str, Any]:
    """Describe the tables as a Data Package (https://datapackage.org, version 2)."""
    recorded = known_at.recorded_at
    package: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": NAME,
        "title": TITLE,
        "description": DESCRIPTION,
        "version": f"position-{known_at.position}.rule-{RULE}",
        "licenses": [{"name": "CC-BY-4.0", "path": LICENCE, "title": "CC BY 4.0"}],
        "keywords": list(KEYWORDS),
        "resources": [
            _lines("events", "events.jsonl", EVENTS),
            _table("intervals", "intervals.csv", INTERVALS, None),
            _table("policies", "policies.csv", POLICIES, "slug"),
        ],
    }
    if recorded is not None:
        package["created"] = instant_text(recorded)
    if public_url:
        package["homepage"] = public_url
    return package


def _table(name: str, path: str, columns: tuple[Field, ...], key: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "path": path,
        "format": "csv",
        "mediatype": CSV,
        "encoding": "utf-8",
        "type": "table",
        "schema": {"fields": _fields(columns)} | ({"primaryKey": [key]} if key else {}),
    }


def _lines(name: str, path: str, columns: tuple[Field, ...]) -> dict[str, Any]:
    """Describe lines of JSON: no table to every reader, since values lie within values."""
    return {
        "name": name,
        "path": path,
        "format": "json-lines",
        "mediatype": JSON_LINES,
        "encoding": "utf-8",
        "columns": _fields(columns),
    }


def _fields(columns: tuple[Field, ...]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind, "description": told} for name, kind, told in columns]


def json_ld(known_at: KnownAt, public_url: str) -> dict[str, Any]:
    """Describe the data set for search engines (https://schema.org/Dataset)."""
    recorded = known_at.recorded_at
    described: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": TITLE,
        "description": DESCRIPTION,
        "license": LICENCE,
        "isAccessibleForFree": True,
        "keywords": list(KEYWORDS),
        "creator": {"@type": "Organization", "name": NAME},
        "version": str(known_at.position),
        "temporalCoverage": "2021-01-19/..",
        "distribution": [
            {
                "@type": "DataDownload",
                "name": name,
                "encodingFormat": media_type,
                "contentUrl": name,
            }
            for name, media_type in FILES.items()
        ],
    }
    if recorded is not None:
        described["dateModified"] = instant_text(recorded)
    if public_url:
        described["url"] = public_url
    return described
