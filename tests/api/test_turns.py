"""How much is done at once, and what becomes of the rest."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from shutil import copyfile

import pytest

from service.api import turns
from service.api.turns import Body, TooMuch, Turns
from tests.api.house import House, open_house

THREADS = 6
"""Of these two work, three may wait, four may read a body, two of them for one client."""


@pytest.fixture
def house(sqlite_template: Path, tmp_path: Path) -> Iterator[House]:
    """A server with few threads."""
    copyfile(sqlite_template, tmp_path / "turns.db")
    opened = open_house(f"sqlite:///{tmp_path / 'turns.db'}", threads=THREADS)
    yield opened
    opened.close()


def test_more_than_can_be_done_is_refused_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two work, three wait; the sixth and all behind it are told when to come again."""
    going, let = threading.Semaphore(0), threading.Event()

    def slow() -> str:
        going.release()
        let.wait(20)
        return "done"

    house.app.view_functions["meta.meta"] = slow
    monkeypatch.setattr(turns, "TURN_SECONDS", 20)
    with ThreadPoolExecutor(THREADS) as pool:
        working = [pool.submit(house.get, "/v1/meta") for _ in range(5)]
        assert all(going.acquire(timeout=10) for _ in range(2))
        deadline = time.monotonic() + 10
        refused = house.get("/v1/meta") if _waits(house, deadline) else None
        alive, ready = house.get("/healthz"), house.get("/readyz")
        let.set()
        statuses = [one.result(20).status_code for one in working]

    assert refused is not None
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.get_json()["type"] == "/problems/too-busy"
    assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert refused.get_json()["instance"] == refused.headers["X-Request-ID"]
    assert (alive.status_code, ready.status_code) == (200, 200)
    assert statuses == [200] * 5
    assert house.get("/v1/meta").status_code == 200, "all turns were given back"


def _waits(house: House, deadline: float) -> bool:
    """Wait until three wait for their turn."""
    while house.app.wsgi_app._turns._may_wait and time.monotonic() < deadline:  # type: ignore[attr-defined]  # noqa: SLF001
        time.sleep(0.01)
    return time.monotonic() < deadline


def test_who_waits_too_long_for_a_turn_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves its place to others."""
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.05)
    two = Turns(THREADS)
    two.take()
    two.take()

    for _ in range(10):
        with pytest.raises(TooMuch):
            two.take()

    two.give()
    two.take()


class Elsewhere(BytesIO):
    """A body that comes when somebody else has a turn."""

    def __init__(self, turns_: Turns) -> None:
        super().__init__(b"1")
        self._turns = turns_

    def read(self, size: int | None = -1, /) -> bytes:
        """Read."""
        self._turns.take()
        self._turns.give()
        return super().read(size)


def test_who_reads_or_waits_lets_others_work() -> None:
    """A body that does not come keeps no turn."""
    one = Turns(3)
    one.take()

    with one.aside():
        one.take()
        one.give()
    assert Body(Elsewhere(one), one, "alice").read(1) == b"1"

    one.give()


def test_some_threads_never_read_bodies() -> None:
    """Four of six may, two of them for one client; they give their places back."""
    few = Turns(THREADS)
    reading = ("alice", "alice", "bob", "charlie")
    for client in reading:
        few.begin_reading(client)
    for client in ("alice", "dora"):
        with pytest.raises(TooMuch):
            few.begin_reading(client)
    for client in reading:
        few.end_reading(client)

    few.begin_reading("alice")
    few.begin_reading("alice")
    with pytest.raises(TooMuch):
        few.begin_reading("alice")
    few.begin_reading("bob")


def test_a_body_is_read_as_it_comes() -> None:
    """Whole, in parts, by lines."""
    few = Turns(3 * THREADS)

    def body() -> Body:
        few.take()
        return Body(BytesIO(b"one\ntwo"), few, "alice")

    assert body().read() == b"one\ntwo"
    assert body().read(3) == b"one"
    assert list(body()) == [b"one\n", b"two"]


def test_too_many_bodies_are_refused(house: House) -> None:
    """By the short way and by a view."""
    turns_ = house.app.wsgi_app._turns  # type: ignore[attr-defined]  # noqa: SLF001
    client = house.app.test_client()
    turns_.begin_reading("127.0.0.1")
    turns_.begin_reading("127.0.0.1")
    answers = [
        client.post("/v1/access/check", json={"cells": []}),
        house.post({"events": []}),
    ]
    turns_.end_reading("127.0.0.1")

    assert [one.status_code for one in answers] == [503, 503]
    assert {one.headers["Retry-After"] for one in answers} == {"1"}
    assert {one.get_json()["type"] for one in answers} == {"/problems/too-busy"}
    assert client.post("/v1/access/check", json={"cells": []}).status_code == 422
