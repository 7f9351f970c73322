"""More than a server can do: it refuses early, goes on answering, and gives nothing stale away."""

import json
import re
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.builders import plain_event
from tests.chaos.servers import prepared
from tests.hostile.live import Live, served

CROWD: Final = 150
SECOND: Final = 1.0

CHECK: Final = b'{"cells":[{"provider":"openai","service":"api","region":"CN"}]}'
JSON: Final = {"Content-Type": "application/json"}
POST: Final = (
    b"POST /v1/access/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n"
)


@contextmanager
def slow(live: Live, sent: bytes, *, number: int = CROWD, trickle: bytes = b"") -> Iterator[None]:
    """Let many clients send something, and then little or nothing."""
    ended = threading.Event()
    with ExitStack() as lines:
        crowd = []
        for _ in range(number):
            line = socket.create_connection(
                ("127.0.0.1", live.server.port), timeout=10, source_address=("127.0.0.2", 0)
            )
            crowd.append(lines.enter_context(line))
            line.sendall(sent)

        def drip() -> None:
            while trickle and not ended.wait(0.5):
                for line in crowd:
                    with suppress(OSError):
                        line.sendall(trickle)

        dripping = threading.Thread(target=drip)
        dripping.start()
        time.sleep(0.5)
        try:
            yield
        finally:
            ended.set()
            dripping.join()


def until_checked(live: Live) -> None:
    """Wait until a check is answered again."""
    deadline = time.monotonic() + 30
    while live.ask("/v1/access/check", method="POST", body=CHECK, headers=JSON).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextmanager
def with_threads(number: int, template: Path, folder: Path) -> Iterator[Live]:
    """Run a server that has few threads."""
    url = f"sqlite:///{folder / 'crowd.db'}"
    (folder / "crowd.db").write_bytes(template.read_bytes())
    prepared(url)
    with served(url, folder) as live:
        live.server.kill()
        live.server.threads = number
        live.server.start()
        yield live


def median(live: Live, path: str, body: bytes | None = None) -> float:
    """Return how long a question takes, which must be answered."""
    taken = []
    for _ in range(5):
        began = time.monotonic()
        method = "GET" if body is None else "POST"
        answer = live.ask(path, method=method, body=body, headers=JSON if body else None)
        taken.append(time.monotonic() - began)
        assert answer.status == 200, answer.body
    return statistics.median(taken)


@pytest.mark.parametrize(
    ("sent", "trickle"),
    [
        (POST, b""),
        (POST + b"{", b" "),
        (POST[:60], b"X"),
    ],
    ids=["bodies that do not come", "bodies that trickle", "heads that trickle"],
)
def test_slow_clients_leave_others_under_a_second(sent: bytes, trickle: bytes, live: Live) -> None:
    """150 of them, without a key: reads, health and short bodies are answered meanwhile."""
    with slow(live, sent, trickle=trickle):
        assert median(live, "/healthz") < SECOND
        assert median(live, "/v1/access/openai/CN") < SECOND
        assert median(live, "/v1/events?limit=7") < SECOND
        assert median(live, "/v1/access/check", CHECK) < SECOND


def test_more_slow_bodies_than_threads_shut_no_reader_out(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """40 from one address for 16 threads: who comes from elsewhere is answered."""
    with with_threads(16, sqlite_template, tmp_path) as live:
        with slow(live, POST, number=40):
            assert median(live, "/healthz") < SECOND
            assert median(live, "/v1/meta") < SECOND
            assert median(live, "/v1/access/check", CHECK) < SECOND
        until_checked(live)


def test_load_beyond_capacity_is_refused_early(sqlite_template: Path, tmp_path: Path) -> None:
    """60 clients for six threads, each asking for something else: 200, or 503 with Retry-After."""
    ended = threading.Event()

    def ask(number: int) -> list[tuple[int, str | None]]:
        told = []
        while not ended.is_set():
            answer = live.ask(f"/v1/access?as_of=20{10 + number}-01-01&limit=1000")
            told.append((answer.status, answer.headers.get("retry-after")))
        return told

    with with_threads(6, sqlite_template, tmp_path) as live, ThreadPoolExecutor(60) as pool:
        asking = [pool.submit(ask, number) for number in range(60)]
        try:
            seconds = [median(live, "/healthz") for _ in range(4)]
        finally:
            ended.set()
        answers = {one for each in asking for one in each.result(30)}
        assert live.ask("/v1/meta").status == 200

    assert statistics.median(seconds) < SECOND
    assert (200, None) in answers
    assert answers <= {(200, None), (503, "1")}


@pytest.mark.parametrize(
    ("hosts", "status"),
    [(b"", b"400"), (b"Host: a\r\nHost: b\r\n", b"400"), (b"Host: a\r\n", b"200")],
    ids=["none", "two", "one"],
)
def test_a_request_names_one_host(hosts: bytes, status: bytes, live: Live) -> None:
    """RFC 9112, section 3.2."""
    answer = live.raw(b"GET /v1/meta HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")

    assert re.findall(rb"^HTTP/1\.1 (\d\d\d)", answer) == [status]


def test_what_one_server_records_another_gives(database_url: str, tmp_path: Path) -> None:
    """Both keep answers. At once where there is one file, and with `min_position` on any engine."""
    prepared(database_url)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    path = "/v1/events?limit=1000"
    with served(database_url, tmp_path / "a") as one, served(database_url, tmp_path / "b") as two:
        for number in range(30):
            asked = [two.ask(path) for _ in range(2)]
            assert asked[0].body == asked[1].body
            made = plain_event(
                "context.noted", stream=f"context:note-{number}", data={"topic": "patents"}
            )

            position = one.append({"events": [made]}).json()["position"]

            waited = two.ask(f"/v1/meta?min_position={position}").json()
            assert waited["head"]["position"] == position
            if database_url.startswith("postgresql"):
                time.sleep(0.15)
            seen = json.loads(two.ask(path).body)["items"]
            assert made["id"] in {item["id"] for item in seen}
        told = two.ask("/metrics").body.decode()
        given = re.search(r"^accessline_answers_given_again_total (\d+)", told, re.MULTILINE)
        assert given is not None
        assert int(given[1]) >= 20
