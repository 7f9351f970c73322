"""What the core costs: ``python -m tests.bench [--events N] [--leaves N] [--postgres URL]``.

Machines differ, so what counts are ratios with both sides in one run, interleaved; the other
figures say how things go here. The reference event has one directive with one element per
dimension, in streams of five: adopted, scheduled, amended, suspended, reinstated. Nothing here is a
test.
"""

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from service.application.asking import CellFilter, explained, listing
from service.application.checking import verify
from service.application.recording import Batch, append
from service.domain import regions
from service.domain.answers import Question
from service.domain.codec import event_from, recorded_to
from service.domain.events import Event, Recorded
from service.domain.times import When
from service.evidence.canonical import canonical_bytes
from service.projections import projector
from service.store import events as log
from service.store import schema
from service.store.engine import Database, connect
from tests.bench import evidence
from tests.builders import registry_events

ROUNDS = 4
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOURCE = {"url": "https://example.org/notice", "publisher": "Example", "kind": "official"}


def main() -> None:
    """Run everything and print a table, then one JSON line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--events", type=int, default=2_000, help="events per measurement")
    asked.add_argument("--leaves", type=int, default=20_000, help="events of the log as evidence")
    asked.add_argument("--postgres", help="URL of an empty database, to measure there too")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = {"sqlite": measure(f"sqlite:///{folder}/bench.db", folder, given.events)}
        measured["evidence"] = evidence.measure(Path(folder), given.leaves, ROUNDS)
    if given.postgres:
        measured["postgresql"] = measure(given.postgres, None, given.events)
    for engine, rows in measured.items():
        for name, value in rows.items():
            sys.stdout.write(f"{engine:<11} {name:<58} {value:>12,.2f}\n")
    sys.stdout.write(json.dumps({**vars(given), **measured}) + "\n")


def measure(url: str, folder: str | None, number: int) -> dict[str, float]:
    """Return the figures of one engine."""
    database = connect(url)
    schema.upgrade(database)
    append(database, Batch(events=registry_events(), principal="bench"), clock=_now)
    source = reference_events()
    figures = _appends(database, source, folder, max(number // ROUNDS // 10, 20))
    started = time.perf_counter()
    count = 0
    while count < number:
        events = tuple(next(source) for _ in range(500))
        append(database, Batch(events=events, principal="bench"), clock=_now)
        count += len(events)
    figures["append, batches of 500: events/s"] = count / (time.perf_counter() - started)
    figures |= _questions(database)
    started = time.perf_counter()
    rebuilt = projector.rebuild(database)
    figures["rebuild: events/s"] = rebuilt.events / (time.perf_counter() - started)
    started = time.perf_counter()
    verified = verify(database)
    figures["verify: events/s"] = verified.events / (time.perf_counter() - started)
    figures["events in the log"] = verified.events
    assert not verified.findings, verified.findings
    database.dispose()
    return figures


def _appends(
    database: Database, source: Iterator[Event], folder: str | None, each: int
) -> dict[str, float]:
    """Compare single appends with the bare insert of the same bytes into SQLite, synced fully."""
    ours: list[float] = []
    bare: list[float] = []
    raw = _raw(folder) if folder else None
    for _ in range(ROUNDS):
        for event in (next(source) for _ in range(each)):
            batch = Batch(events=(event,), principal="bench")
            ours.append(_timed(partial(append, database, batch, clock=_now)))
        if raw is not None:
            for event in (next(reference_events()) for _ in range(each)):
                body = canonical_bytes(recorded_to(_recorded(event)))
                bare.append(_timed(partial(_insert, raw, body)))
    figures = {"append, one event: ms": statistics.median(ours) * 1000}
    if raw is not None:
        figures["bare SQLite insert, FULL: ms"] = statistics.median(bare) * 1000
        figures["append : bare insert, throughput ratio"] = statistics.median(
            bare
        ) / statistics.median(ours)
        raw.close()
    return figures


def _questions(database: Database) -> dict[str, float]:
    question = Question(provider="openai", region="FR", as_of=When.moment("2024-07-09"))
    now = [_timed(lambda: explained(database, question, None, NOW)) for _ in range(50)]
    old = [_timed(lambda: explained(database, question, "@20", NOW)) for _ in range(50)]
    every = [
        _timed(lambda: listing(database, CellFilter(), When.moment("2024-07-09"), None, NOW))
        for _ in range(3)
    ]
    with database.read() as connection:
        head = log.read_head(connection).position
    return {
        f"explained answer at {head} events: ms": statistics.median(now) * 1000,
        "explained answer as known at 20 events: ms": statistics.median(old) * 1000,
        "list of every cell in the world: ms": statistics.median(every) * 1000,
    }


def reference_events() -> Iterator[Event]:
    """Yield the events of one policy after another, each about one country."""
    places = sorted(regions.COUNTRIES)
    number = 0
    while True:
        number += 1
        region = places[number % len(places)]
        start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number % 700)
        yield from (
            event_from(
                {
                    "id": str(UUID(int=(number << 64) + step)),
                    "type": f"policy.{kind}",
                    "stream": f"policy:bench-{number}",
                    "authority": "openai",
                    "occurred_on": (start + timedelta(days=step)).date().isoformat(),
                    "title": "A step of a policy",
                    "sources": [SOURCE],
                    "data": data,
                }
            )
            for step, (kind, data) in enumerate(_steps(region, start))
        )


def _steps(region: str, start: datetime) -> Iterator[tuple[str, dict[str, object]]]:
    def on(days: int) -> str:
        return (start + timedelta(days=days)).date().isoformat()

    def text(effect: str) -> dict[str, object]:
        scope = {"providers": ["openai"], "services": ["api"], "regions": [region]}
        return {"key": "api", "effect": effect, "scope": scope}

    yield "adopted", {"directives": [{**text("blocked"), "effective_from": on(30)}]}
    yield "scheduled", {"effective_from": on(40)}
    yield "amended", {"effective_from": on(50), "directives": [text("suspended")]}
    yield "suspended", {"effective_from": on(60), "kind": "stayed"}
    yield "reinstated", {"effective_from": on(70)}


def _recorded(event: Event) -> Recorded:
    return Recorded(event=event, position=1, version=1, recorded_at=NOW, recorded_by="bench")


def _raw(folder: str) -> sqlite3.Connection:
    raw = sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("CREATE TABLE event (position INTEGER PRIMARY KEY, body BLOB)")
    return raw


def _insert(raw: sqlite3.Connection, body: bytes) -> None:
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("INSERT INTO event (body) VALUES (?)", (body,))
    raw.execute("COMMIT")


def _now() -> datetime:
    return NOW


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
