"""A rebuild under readers: ``python -m tests.bench.rebuild [--events N] [--reads N]``.

Makes a log of reference events, saves some answers, then rebuilds the read models in a process of
its own while this one asks again and again. Every answer must be one of those saved: an empty or a
mixed one would show that a reader saw half of a generation. One rebuild is killed half way first;
the old answers must stay, and the next one must complete. Prints one JSON line.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import sqlalchemy as sa

from service.application.asking import explained
from service.application.checking import verify
from service.application.recording import Batch, append
from service.domain import regions
from service.domain.answers import Question
from service.domain.codec import answer_bytes
from service.domain.times import When
from service.projections import projector
from service.store import schema
from service.store.engine import Database, connect
from service.store.tables import projection
from tests.bench.data import NOW, reference_events
from tests.builders import registry_events

BATCH = 500


def main() -> None:
    """Run it, and exit 1 if any answer was wrong."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--events", type=int, default=100_000)
    asked.add_argument("--reads", type=int, default=10_000)
    asked.add_argument("--postgres", help="URL of an empty database")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.postgres or f"sqlite:///{folder}/rebuild.db"
        found = measure(url, given.events, given.reads)
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(1 if found["wrong answers"] or found["findings"] else 0)


def measure(url: str, events: int, reads: int) -> dict[str, object]:
    """Return what was seen."""
    database = connect(url)
    schema.upgrade(database)
    filled = _fill(database, events)
    saved = {question: _ask(database, question) for question in _questions()}
    _start_and_kill(url, database)
    wrong = sum(_ask(database, question) != answer for question, answer in saved.items())
    started = time.perf_counter()
    running = _start(url)
    asked, during, latencies = 0, 0, list[float]()
    while asked < reads or running.poll() is None:
        for question, answer in saved.items():
            begun = time.perf_counter()
            wrong += _ask(database, question) != answer
            latencies.append(time.perf_counter() - begun)
            asked += 1
            during += running.poll() is None
    took = time.perf_counter() - started
    with database.read() as connection:
        generation = projector.live(connection)
    findings = [one.detail for one in verify(database).findings]
    database.dispose()
    return {
        "engine": database.dialect,
        "events": events,
        "appended, events/s": round(events / filled),
        "reads": asked,
        "reads during the rebuild": during,
        "wrong answers": wrong,
        "read, median ms": round(statistics.median(latencies) * 1000, 2),
        "read, slowest ms": round(max(latencies) * 1000, 1),
        "rebuild beside the reads, s": round(took, 1),
        "exit code of the second rebuild": running.returncode,
        "generation": generation,
        "findings": findings,
    }


def _start_and_kill(url: str, database: Database) -> None:
    """Kill a rebuild that has begun to write."""
    killed = _start(url)
    building = None
    while building is None and killed.poll() is None:
        with database.read() as connection:
            building = connection.scalar(sa.select(projection.c.building))
    time.sleep(1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()


def _fill(database: Database, events: int) -> float:
    """Append events, and return the seconds that it took."""
    started = time.perf_counter()
    append(database, Batch(events=registry_events(), principal="bench"), clock=lambda: NOW)
    source = reference_events()
    for _ in range(events // BATCH):
        batch = Batch(events=tuple(next(source) for _ in range(BATCH)), principal="bench")
        append(database, batch, clock=lambda: NOW)
    return time.perf_counter() - started


def _questions() -> list[Question]:
    as_of = When.moment("2024-07-09")
    places = sorted(regions.COUNTRIES)[::25]
    return [Question(provider="openai", region=one, service="api", as_of=as_of) for one in places]


def _ask(database: Database, question: Question) -> bytes:
    return answer_bytes(explained(database, question, None, NOW))


def _start(url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "service", "rebuild"],
        env={**os.environ, "ACCESSLINE_DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
