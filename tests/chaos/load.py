"""Clients that append, ask again and read, each in a thread, and keep a record of it.

One operation in three is a batch for streams that many write to, at an expected version; some are
sent to two servers at once under one key; some bring the ids of their events instead of a key. A
client that gets no answer tries again, here or there, and sometimes gives up.
"""

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from uuid import uuid4

from tests.builders import SOURCE
from tests.chaos.linearizability import Entry, History, Operation, Page, Seen, Try
from tests.chaos.servers import SECONDS, Answer, Server, serving

PATIENCE: Final = 10.0
"""Seconds that a client goes on trying."""

MOST_SECONDS: Final = 300
"""How long the clients of one run may take for the operations that they have to do."""

LIMIT: Final = 50
REGIONS: Final = ("FR", "IT", "GB", "US", "CN", "DE", "JP", "BR")

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Load:
    """What the clients of one run share.

    Attributes:
        appends: How many operations there are to be done; None until `stop` is set.
    """

    servers: Sequence[Server]
    key: str
    appends: int | None = None
    history: History = field(default_factory=History)
    stop: threading.Event = field(default_factory=threading.Event)
    versions: dict[str, int] = field(default_factory=dict)
    slowest: float = 0
    _numbers: Iterator[int] = field(default_factory=count)

    def write(self, seed: int) -> None:
        """Append until it is enough."""
        chance = random.Random(seed)  # noqa: S311 -- a repeatable load, no secret
        while not self.stop.is_set():
            number = next(self._numbers)
            if self.appends is not None and number >= self.appends:
                return
            operation = self.operation(chance, number)
            self.history.operations.append(operation)
            if operation.key is not None and chance.random() < 0.25:
                twin = threading.Thread(target=self._pursue, args=(operation, seed + number))
                twin.start()
                self._pursue(operation, chance.randrange(2**32))
                twin.join(SECONDS + PATIENCE)
            else:
                self._pursue(operation, chance.randrange(2**32))

    def send(self, server: Server, operation: Operation, patience: float = SECONDS) -> Answer:
        """Send an operation, once, and note it."""
        began = time.monotonic()
        answer = server.post(operation.body, self.key, once=operation.key, patience=patience)
        ended = time.monotonic()
        operation.tries.append(Try(began=began, ended=ended, answer=answer))
        if answer.good:
            self.slowest = max(self.slowest, ended - began)
            for item in answer.json()["items"]:
                self.versions[item["stream"]] = max(
                    item["version"], self.versions.get(item["stream"], 0)
                )
        return answer

    def read(self, seed: int) -> None:
        """Follow the log by position, and look at heads; start again from the front sometimes."""
        chance = random.Random(seed)  # noqa: S311
        after = 0
        while not self.stop.is_set():
            server = chance.choice(self.servers)
            if chance.random() < 0.3:
                self._look(server, chance)
                continue
            began = time.monotonic()
            answer = server.get(f"/v1/events?after={after}&limit={LIMIT}")
            ended = time.monotonic()
            if answer.status != 200:
                time.sleep(0.2)
                continue
            page = Page(
                began=began,
                ended=ended,
                after=after,
                limit=LIMIT,
                entries=tuple(map(_entry, answer.json()["items"])),
            )
            self.history.pages.append(page)
            after = 0 if chance.random() < 0.02 else after + len(page.entries)
            time.sleep(0 if page.head is None else 0.01)

    def follow(self, server: Server) -> list[int]:
        """Read the log from its front by `after` alone, to its end; return all positions."""
        found: list[int] = []
        while True:
            stopping = self.stop.is_set()
            answer = server.get(f"/v1/events?after={found[-1] if found else 0}&limit={LIMIT}")
            items = answer.json()["items"] if answer.status == 200 else ()
            found += [item["position"] for item in items]
            if stopping and not items:
                return found

    def repeat(self, most: int = 100) -> int:
        """Ask again for answers that were given, each with its key; return how many."""
        again = [one for one in self.history.operations if one.key and one.good][-most:]
        for index, one in enumerate(again):
            self._pursue(one, index, patient=True)
        return len(again)

    def _pursue(self, operation: Operation, seed: int, *, patient: bool = False) -> None:
        chance = random.Random(seed)  # noqa: S311
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            hangs_up = not patient and chance.random() < 0.05
            patience = chance.uniform(0.001, 0.02) if hangs_up else SECONDS
            answer = self.send(chance.choice(self.servers), operation, patience)
            if answer.status is not None and answer.status < 500:
                self._learn(answer)
                return
            if not patient and chance.random() < 0.1:
                return  # This client is not interested any more.
            time.sleep(0.2)

    def _learn(self, answer: Answer) -> None:
        """Take the version from a conflict, as a client would."""
        if answer.status == 409 and "actual" in (told := answer.json()):
            self.versions[told["stream"]] = told["actual"]

    def _look(self, server: Server, chance: random.Random) -> None:
        region = chance.choice(REGIONS)
        began = time.monotonic()
        answer = server.get(f"/v1/access/openai/{region}")
        ended = time.monotonic()
        if answer.status == 200:
            position = answer.json()["known_at"]["position"]
            self.history.heads.append(Seen(began=began, ended=ended, position=position))

    def operation(self, chance: random.Random, number: int) -> Operation:
        """Make a batch that nobody has sent yet."""
        # A stream is read whole when it is appended to: these do not grow for ever.
        crowded = f"context:crowded-{number // 100}-{chance.randrange(3)}"
        events = [_note(crowded)]
        match chance.randrange(3):
            case 0:
                events += _policy(f"policy:run-{number}", chance.choice(REGIONS))
            case 1:
                events += [_note(f"context:run-{number}"), _note(crowded)]
            case _:
                pass
        expected: dict[str, int] = {}
        if chance.random() < 0.5:
            stale = chance.random() < 0.1
            expected[crowded] = max(self.versions.get(crowded, 0) - stale, 0)
        for index, event in enumerate(events, 1):
            event["title"] = f"operation {number}, event {index}"
        key = str(uuid4()) if chance.random() < 0.75 else None
        if key is None:
            for event in events:
                event["id"] = str(uuid4())
        body = {"events": events, "expected_versions": expected}
        return Operation(
            body=json.dumps(body).encode(),
            titles=tuple(event["title"] for event in events),
            key=key,
            expected=expected,
        )


@contextmanager
def under_load(load: Load, *, writers: int, readers: int, seed: int) -> Iterator[None]:
    """Run servers and clients."""
    with serving(load.servers), clients(load, writers=writers, readers=readers, seed=seed):
        yield


@contextmanager
def clients(load: Load, *, writers: int, readers: int, seed: int) -> Iterator[None]:
    """Run clients; in the end they have come home, and answers given have been asked for again."""
    writing = [threading.Thread(target=load.write, args=(seed + one,)) for one in range(writers)]
    reading = [
        threading.Thread(target=load.read, args=(seed + 1000 + one,)) for one in range(readers)
    ]
    for thread in (*writing, *reading):
        thread.start()
    try:
        yield
        if load.appends is not None:
            for thread in writing:
                thread.join(MOST_SECONDS)
    finally:
        load.stop.set()
        for thread in (*writing, *reading):
            thread.join(SECONDS + 2 * PATIENCE)
    assert not any(thread.is_alive() for thread in (*writing, *reading)), "a client hangs"
    load.repeat()


def kill_and_restart(servers: Sequence[Server], chance: random.Random) -> None:
    """Kill a worker, a server, or all of them; what is killed is started again."""
    time.sleep(chance.uniform(0.05, 0.4))
    server = chance.choice(servers)
    match chance.randrange(4):
        case 0 | 1:
            server.kill_worker()
        case 2:
            server.kill()
            server.start()
        case _:
            for one in servers:
                one.kill()
            with ThreadPoolExecutor() as together:
                list(together.map(Server.start, servers))


def _note(stream: str) -> Json:
    return {
        "type": "context.noted",
        "stream": stream,
        "authority": "openai",
        "occurred_on": "2024-06-24",
        "data": {"topic": "law"},
        "sources": [SOURCE],
    }


def _policy(stream: str, region: str) -> list[Json]:
    scope = {"providers": ["openai"], "services": ["api"], "regions": [region]}
    directive = {"key": "api", "effect": "blocked", "scope": scope, "effective_from": "2024-07-09"}
    adopted = {**_note(stream), "type": "policy.adopted", "data": {"directives": [directive]}}
    affirmed = {
        **_note(stream),
        "type": "policy.suspended",
        "occurred_on": "2024-06-25",
        "data": {"effective_from": "2024-08-01", "kind": "stayed"},
    }
    return [adopted, affirmed]


def _entry(item: Json) -> Entry:
    return Entry(
        position=item["position"],
        stream=item["stream"],
        version=item["version"],
        title=item.get("title"),
    )
