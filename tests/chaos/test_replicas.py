"""A primary and two streaming replicas behind one server: reads are never stale where a client
names a position, and never fail when a replica dies, stands still or falls behind.
"""  # noqa: D205 -- one sentence

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from uuid import uuid4

import pytest

from tests.builders import plain_event
from tests.chaos.clusters import Cluster
from tests.chaos.servers import Server, prepared, serving, until
from tests.chaos.standbys import Standby, fleet

APPENDS = 1000
CLIENTS = 4
LATE = 1
"""Seconds that a replica may be behind in these tests."""

SLOWEST = 8.0
"""Seconds that a read may take whose replica stands still: 3 until it is found out, 2 for a line
that was being opened, and some for a machine that is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A server that reads from replicas, and its databases."""

    server: Server
    primary: Cluster
    standbys: tuple[Standby, ...]
    key: str

    def within(self) -> int:
        """Return how many replicas answer reads."""
        found: int = self.server.get("/healthz").json()["replicas"]["in"]
        return found

    def counted(self, name: str) -> list[float]:
        """Return a metric of each replica."""
        lines = self.server.get("/metrics").body.decode().splitlines()
        return [float(one.split()[1]) for one in lines if one.startswith(name + "{")]

    def append(self) -> int:
        """Record an event, and return its position."""
        noted = plain_event(
            "context.noted", id=str(uuid4()), stream=f"context:{uuid4()}", data={"topic": "law"}
        )
        answer = self.server.post(json.dumps({"events": [noted]}).encode(), self.key)
        assert answer.status == 201, answer.body
        position: int = answer.json()["position"]
        return position

    def position(self, wanted: int = 0) -> int:
        """Return where the log stands, for whoever names a position or names none."""
        query = f"?min_position={wanted}" if wanted else ""
        answer = self.server.get(f"/v1/access/openai/FR{query}")
        assert answer.status == 200, answer.body
        found: int = answer.json()["known_at"]["position"]
        return found


@dataclass(slots=True)
class Seen:
    """What clients saw: statuses, and the slowest read."""

    statuses: Counter[int | None] = field(default_factory=Counter)
    slowest: float = 0.0


@pytest.fixture(scope="module")
def house(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything, on this machine; the tests leave both replicas in."""
    assert postgres_url  # There are programs of PostgreSQL, or the test is skipped.
    with fleet(2) as (primary, standbys):
        url = primary.database("accessline")
        key = prepared(url)
        for one in standbys:
            until(lambda one=one: one.has("accessline"))  # type: ignore[misc]
        server = Server(
            database_url=url,
            folder=tmp_path_factory.mktemp("server"),
            environment={
                "ACCESSLINE_READ_DATABASE_URLS": " ".join(one.of("accessline") for one in standbys),
                "ACCESSLINE_READ_MAX_LAG": str(LATE),
                "ACCESSLINE_ANSWER_CACHE_MB": "0",  # Every read is one of a database.
            },
        )
        with serving([server]):
            made = House(server=server, primary=primary, standbys=standbys, key=key)
            until(lambda: made.within() == 2)
            yield made


@contextmanager
def readers(house: House, number: int = 6) -> Iterator[Seen]:
    """Read without end, as several clients would."""
    seen, stop, lock = Seen(), threading.Event(), threading.Lock()
    paths = ("/v1/meta", "/v1/access/openai/FR", "/v1/events?limit=20", "/v1/providers")

    def read() -> None:
        for path in cycle(paths):
            began = time.monotonic()
            status = house.server.get(path).status
            took = time.monotonic() - began
            with lock:
                seen.statuses[status] += 1
                seen.slowest = max(seen.slowest, took)
            if stop.is_set():
                return

    with ThreadPoolExecutor(number) as pool:
        asking = [pool.submit(read) for _ in range(number)]
        try:
            yield seen
        finally:
            stop.set()
        for one in asking:
            one.result()


def more(seen: Seen, number: int = 100) -> None:
    """Wait until clients have read more."""
    wanted = seen.statuses.total() + number
    until(lambda: seen.statuses.total() >= wanted)


def test_no_read_that_names_its_append_is_stale(house: House) -> None:
    """Both replicas are 30 ms behind: a read that names no position mostly misses the append."""
    for one in house.standbys:
        one.delay(30)
    before = sum(house.counted("accessline_replica_reads_total"))

    def client(_: int) -> tuple[int, int]:
        stale = missed = 0
        for number in range(APPENDS // CLIENTS):
            position = house.append()
            if number % 4 == 0:
                missed += house.position() < position
            stale += house.position(position) < position
        return stale, missed

    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            found = list(pool.map(client, range(CLIENTS)))
    finally:
        for one in house.standbys:
            one.delay(0)

    assert sum(stale for stale, _ in found) == 0
    assert sum(missed for _, missed in found) > APPENDS / 4 / 2
    assert sum(house.counted("accessline_replica_reads_total")) - before > APPENDS
    assert house.within() == 2


def test_a_replica_that_is_killed_and_brought_back_costs_no_read(house: House) -> None:
    """SIGKILL for all its processes in the middle of reads."""
    first, _ = house.standbys
    with readers(house) as seen:
        more(seen)
        first.kill()
        until(lambda: house.within() == 1)
        more(seen)
        reads = house.counted("accessline_replica_reads_total")
        first.restart()
        until(lambda: house.within() == 2)
        more(seen)

    after = house.counted("accessline_replica_reads_total")
    assert set(seen.statuses) == {200}
    assert after[0] > reads[0]
    assert seen.slowest < SLOWEST


def test_a_replica_that_stands_still_costs_no_read(house: House) -> None:
    """Its lines stay open, so nothing but our own patience ends a read of it."""
    first, _ = house.standbys
    with readers(house) as seen:
        more(seen)
        first.freeze()
        try:
            until(lambda: house.within() == 1)
            more(seen)
        finally:
            first.thaw()
        until(lambda: house.within() == 2)
        more(seen)

    assert set(seen.statuses) == {200}
    assert seen.slowest < SLOWEST


def test_a_replica_that_falls_behind_is_out_until_it_has_caught_up(house: House) -> None:
    """It answers well all the while, and what it answers gets older."""
    _, second = house.standbys
    second.pause()
    try:
        position = house.append()
        until(lambda: house.within() == 1)
        assert house.counted("accessline_replica_up") == [1, 0]
        assert house.counted("accessline_replica_lag_events") == [0, 1]
        assert {house.position() for _ in range(10)} == {position}
    finally:
        second.resume()

    until(lambda: house.within() == 2)
    assert house.counted("accessline_replica_lag_events") == [0, 0]


def test_reads_outlive_the_primary(house: House) -> None:
    """Whoever appends is told to come back."""
    position = house.position()
    house.primary.kill()
    try:
        found = [house.position() for _ in range(20)]
        ready = house.server.get("/readyz")
        lost = house.server.get(f"/v1/meta?min_position={position + 1}")
    finally:
        house.primary.restart()

    assert found == [position] * 20
    assert (ready.status, ready.json()["status"]) == (200, "ready to read")
    assert (lost.status, lost.retry_after is not None) == (503, True)
    assert house.append() == position + 1
    until(lambda: house.within() == 2)
