"""What is recorded to be measured: reference events, a stream that grows, and questions to them.

A reference event has one directive with one element per dimension, in streams of five: adopted,
scheduled, amended, suspended, reinstated. Policy after policy fills every cell of the providers
here once; then the next round of policies follows the first, so that a cell's history grows with
the log and never holds more than one policy at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count, islice
from math import gcd
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from service.application import transfer
from service.domain import regions
from service.domain.codec import event_from
from service.domain.events import Event
from service.store.engine import Database
from tests.bench.ground import Ground
from tests.builders import SOURCE, Table, registered

NOW: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLACES: Final = tuple(sorted(regions.COUNTRIES))
SOLO: Final = "solo"
"""A provider with one service, ``api``."""
OCTET: Final = tuple(f"octet-{number}" for number in range(1, 6))
"""Providers with eight services each."""
EIGHT: Final = tuple(f"service-{number}" for number in range(1, 9))
SERVICES: Final = ((SOLO, "api"), *((one, name) for one in OCTET for name in EIGHT))
Place = tuple[str, str, str]
"""A provider, a service, a region."""
CELLS: Final = tuple((one, name, place) for place in PLACES for one, name in SERVICES)
"""Every cell of these, one country after another."""
OPENAI: Final = tuple(("openai", "api", place) for place in PLACES)
"""The cells that the cast of the tests can tell of."""
STEPS: Final = 5
FIRST_DAY: Final = date(1950, 1, 1)
SPAN: Final = 80
"""Days between two policies about one cell."""

_CHUNK: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A cell on a day."""

    provider: str
    service: str
    region: str
    day: str


def clock() -> datetime:
    """Return the present, which stands still."""
    return NOW


def registry() -> tuple[Event, ...]:
    """Return who is named: 41 services of six providers, so 10,209 cells with the countries."""
    found: list[Event] = []
    for one in (SOLO, *OCTET):
        found.append(registered("authority", one, authority_kind="provider", region="US"))
        found.append(registered("provider", one, authority=one))
    found.extend(registered("service", name, provider=one) for one, name in SERVICES)
    return tuple(found)


def reference_events(
    around: Sequence[Place] = OPENAI, first: date = date(2024, 6, 1)
) -> Iterator[Event]:
    """Yield the events of one policy after another, about some cells by turns."""
    number = 0
    while True:
        turn, at = divmod(number, len(around))
        start = first + timedelta(days=turn * SPAN)
        number += 1
        yield from _policy(number, around[at], start)


def fill(database: Database, events: int) -> None:
    """Record the registry, and then so many reference events."""
    record(database, registry())
    record(database, islice(reference_events(CELLS, FIRST_DAY), events))


def record(database: Database, events: Iterable[Event]) -> None:
    """Record events, some thousands at a time."""
    coming = iter(events)
    while some := tuple(islice(coming, _CHUNK)):
        transfer.import_events(database, some, "bench", clock=clock)


def log_of(place: Ground, events: int) -> tuple[str, Database]:
    """Return a log of so many reference events, and its URL; rows share it and only ask."""

    def made() -> tuple[str, Database]:
        url, database = place.database("log")
        fill(database, events)
        return url, database

    return place.once(("log", events), made)


def questions(events: int, provider: str) -> Iterator[Asked]:
    """Yield one question after another about cells of a provider that such a log tells of.

    No place is asked about on the same day twice before every one was on every day: what keeps
    answers must not be asked for one that it has.
    """
    places, days = _told_of(events)
    names = [name for one, name in SERVICES if one == provider]
    number = len(places) * days
    stride = next(one for one in count(7_919) if gcd(one, number) == 1)
    for turn in count():
        day, place = divmod(turn * stride % number, len(places))
        yield Asked(
            provider=provider,
            service=names[turn % len(names)],
            region=places[place],
            day=(FIRST_DAY + timedelta(days=day)).isoformat(),
        )


def distinct(events: int) -> int:
    """Return how many questions there are before one comes again."""
    places, days = _told_of(events)
    return len(places) * days


def _told_of(events: int) -> tuple[tuple[str, ...], int]:
    """Return the places of which a log tells everything, and of how many days."""
    policies = max(events // STEPS, 1)
    places = PLACES[: max(min(policies // len(SERVICES), len(PLACES)), 1)]
    return places, max(policies // len(CELLS), 1) * SPAN


# A cell that changes and changes.


GROWING: Final = Asked(provider=SOLO, service="api", region="FR", day="")
CORRECTED: Final = Asked(provider=SOLO, service="api", region="IT", day="")
STILL: Final = Asked(provider=SOLO, service="api", region="DE", day="")


def changing(changes: int) -> Iterator[Event]:
    """Yield a policy that is amended day after day; one that never is; one that is corrected."""
    yield _event("growing", 0, "policy.adopted", FIRST_DAY, _adopted(GROWING, FIRST_DAY))
    yield _event("still", 0, "policy.adopted", FIRST_DAY, _adopted(STILL, FIRST_DAY))
    mended = _event("mended", 0, "policy.adopted", FIRST_DAY, _adopted(CORRECTED, FIRST_DAY))
    yield mended
    for number in range(1, changes):
        day = FIRST_DAY + timedelta(days=number)
        text = _text(GROWING, "suspended" if number % 2 else "blocked")
        data = {"effective_from": day.isoformat(), "directives": [text]}
        yield _event("growing", number, "policy.amended", day, data)
    for number in range(1, changes):
        day = FIRST_DAY + timedelta(days=number)
        yield _correction(mended, number, _adopted(CORRECTED, day))


def changing_log(place: Ground, changes: int) -> tuple[str, Database]:
    """Return a log in which two cells change so often, and its URL."""

    def made() -> tuple[str, Database]:
        url, database = place.database("changing")
        record(database, registry())
        record(database, changing(changes))
        return url, database

    return place.once(("changing", changes), made)


def _correction(mended: Event, number: int, data: Table) -> Event:
    replacement = {
        **_envelope("mended", 0, "policy.adopted", FIRST_DAY, data),
        "id": str(mended.id),
    }
    return event_from(
        {
            "id": str(UUID(int=(1 << 127) + number)),
            "type": "record.corrected",
            "stream": mended.stream,
            "occurred_on": "2026-01-01",
            "data": {
                "event": str(mended.id),
                "action": "amend",
                "reason": "we misread it",
                "replacement": replacement,
            },
        }
    )


# Events.


def _policy(number: int, cell: Place, start: date) -> Iterator[Event]:
    provider, service, region = cell
    about = Asked(provider=provider, service=service, region=region, day="")

    def on(days: int) -> str:
        return (start + timedelta(days=days)).isoformat()

    ends = {"effective_until": on(SPAN)}
    steps: tuple[tuple[str, Table], ...] = (
        ("adopted", {"directives": [_text(about, "blocked") | {"effective_from": on(10)} | ends]}),
        ("scheduled", {"effective_from": on(20)}),
        ("amended", {"effective_from": on(30), "directives": [_text(about, "suspended") | ends]}),
        ("suspended", {"effective_from": on(40), "kind": "stayed"}),
        ("reinstated", {"effective_from": on(50)}),
    )
    event = partial(_event, f"bench-{number}", authority=provider)
    for step, (kind, data) in enumerate(steps):
        yield event(step, f"policy.{kind}", start + timedelta(days=step), data)


def _text(about: Asked, effect: str) -> Table:
    scope = {
        "providers": [about.provider],
        "services": [about.service],
        "regions": [about.region],
    }
    return {"key": "text", "effect": effect, "scope": scope}


def _adopted(about: Asked, day: date) -> Table:
    return {"directives": [_text(about, "blocked") | {"effective_from": day.isoformat()}]}


def _event(  # noqa: PLR0913, PLR0917 -- the fields of an event
    slug: str, step: int, kind: str, day: date, data: Table, authority: str = SOLO
) -> Event:
    return event_from(_envelope(slug, step, kind, day, data, authority))


def _envelope(  # noqa: PLR0913, PLR0917 -- the fields of an event
    slug: str, step: int, kind: str, day: date, data: Table, authority: str = SOLO
) -> Table:
    stream = f"policy:{slug}"
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{stream} {step}")),
        "type": kind,
        "stream": stream,
        "authority": authority,
        "occurred_on": day.isoformat(),
        "title": "A step of a policy",
        "sources": [SOURCE],
        "data": data,
    }
