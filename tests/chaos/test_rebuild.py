"""Readers notice nothing of a rebuild, of two at once, or of one that is killed."""

import subprocess
import sys
import threading
import time
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from service.application.recording import Batch, append
from service.domain.events import Event
from service.store import tables
from service.store.engine import Database
from tests.bench.__main__ import reference_events
from tests.builders import event
from tests.chaos.servers import (
    NOW,
    PRELUDE,
    ROOT,
    SECONDS,
    Answer,
    Server,
    command,
    environment,
    prepared,
    serving,
    until,
)

EVENTS = 600
"""More than a rebuild takes in at once."""

KNOWN = f"as_of=2024-07-09&known_at=@{PRELUDE + EVENTS}"
QUESTIONS = (
    f"/v1/access?provider=openai&{KNOWN}",
    f"/v1/access/openai/FR?{KNOWN}",
    f"/v1/access/openai/FR/timeline?known_at=@{PRELUDE + EVENTS}",
    "/v1/events?region=FR",
)


def test_readers_and_writers_notice_nothing_of_rebuilds(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """One is killed as soon as it has begun, then two run at once: never an empty or mixed answer.

    The questions are about a fixed position, so each has one answer for ever.
    """
    prepared(database_url)
    record(database, *islice(reference_events(), EVENTS))
    server = Server(database_url=database_url, folder=tmp_path)
    with serving([server]):
        right = [server.get(question) for question in QUESTIONS]
        asking = Asking(server, right)

        with asking:
            killed = rebuilding(database_url)
            until(lambda: building(database) is not None)
            killed.kill()
            killed.wait(SECONDS)
            assert building(database) is not None
            record(database, noted("context:while-it-is-rebuilt"))
            codes = sorted(one.wait(SECONDS) for one in two_rebuilds(database_url))
            record(database, noted("context:after-it-was-rebuilt"))

    assert [answer.status for answer in right] == [200] * len(QUESTIONS)
    assert asking.wrong == []
    assert asking.answers > len(QUESTIONS)
    assert codes[0] == 0
    assert codes[1] in {0, 2}  # The earlier one gives way to the later, or had finished.
    assert building(database) is None
    verified = command(database_url, "verify")
    assert verified.returncode == 0, verified.stdout


class Asking:
    """Ask the same questions again and again, in a thread, while something happens."""

    def __init__(self, server: Server, right: list[Answer]) -> None:
        self.answers = 0
        self.wrong: list[Answer] = []
        self._server, self._right = server, right
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(SECONDS)

    def _ask(self) -> None:
        while not self._stop.is_set():
            for question, right in zip(QUESTIONS, self._right, strict=True):
                answer = self._server.get(question)
                self.answers += 1
                if (answer.status, answer.body) != (right.status, right.body):
                    self.wrong.append(answer)
            time.sleep(0.02)


def record(database: Database, *events: Event) -> None:
    """Append a batch."""
    append(database, Batch(events=events, principal="alice"), clock=lambda: NOW)


def noted(stream: str) -> Event:
    """Return an event that changes no answer."""
    return event("context.noted", stream=stream, data={"topic": "law"})


def two_rebuilds(url: str) -> tuple["subprocess.Popen[bytes]", "subprocess.Popen[bytes]"]:
    """Start two of them."""
    return rebuilding(url), rebuilding(url)


def rebuilding(url: str) -> "subprocess.Popen[bytes]":
    """Start a rebuild in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "service", "rebuild"],
        cwd=ROOT,
        env=environment(url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def building(database: Database) -> int | None:
    """Return the generation that a rebuild is making, or was when it died."""
    with database.read() as connection:
        found: int | None = connection.scalar(sa.select(tables.projection.c.building))
        return found
