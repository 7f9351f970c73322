"""What a server answers when its database or its standby dies, or its key is revoked elsewhere."""

import json
import time
from pathlib import Path
from uuid import uuid4

import pytest

from service.application.recording import Batch, append
from service.domain.events import Event
from service.store import engine, events
from service.store.errors import DatabaseBusy, DatabaseUnavailable
from tests.builders import event, plain_event
from tests.chaos.clusters import cluster
from tests.chaos.linearizability import stored
from tests.chaos.servers import NOW, PRELUDE, Server, command, prepared, serving, until

LIMIT = 1.0
"""Seconds after which a revoked key opens nothing any more, in any process."""


def note() -> bytes:
    """Return a batch of one event, a new one each time."""
    noted = plain_event(
        "context.noted", id=str(uuid4()), stream=f"context:{uuid4()}", data={"topic": "law"}
    )
    return json.dumps({"events": [noted]}).encode()


def test_a_revoked_key_is_refused_by_every_process_at_once(
    database_url: str, tmp_path: Path
) -> None:
    """Nothing about keys is kept in memory."""
    key = prepared(database_url)
    servers = [Server(database_url=database_url, folder=tmp_path) for _ in range(2)]
    with serving(servers):
        assert [server.post(note(), key).status for server in servers] == [201, 201]

        revoked = command(database_url, "keys", "revoke", key.split("_")[1])
        done = time.monotonic()

        assert revoked.returncode == 0, revoked.stderr
        assert [server.post(note(), key).status for server in servers] == [401, 401]
        assert [server.get("/v1/meta", key).status for server in servers] == [401, 401]
        assert time.monotonic() - done < LIMIT


def test_a_dead_database_is_told_and_back_again_it_is_used(
    postgres_url: str, tmp_path: Path
) -> None:
    """503 with Retry-After for who reads and who writes, whatever the key: none can be looked up.

    Nobody has to start the server anew.
    """
    assert postgres_url  # There are programs of PostgreSQL, or the test is skipped.
    with cluster() as postgres:
        url = postgres.database("dies")
        key = prepared(url)
        server, batch, once = Server(database_url=url, folder=tmp_path), note(), str(uuid4())
        with serving([server]):
            first = server.post(note(), key)
            read = server.get("/v1/access/openai/FR")

            postgres.kill()
            refused = [server.post(batch, key, once=once) for _ in range(3)]
            refused.append(server.post(batch, key[:-4] + "0000"))
            unread = [server.get("/v1/access/openai/FR") for _ in range(3)]
            alive = server.get("/healthz")

            postgres.restart()
            again = [server.post(batch, key, once=once) for _ in range(2)]
            items = server.get("/v1/events?limit=1000").json()["items"]
        verified = command(url, "verify")

    assert (first.status, read.status, alive.status) == (201, 200, 200)
    assert {answer.status for answer in (*refused, *unread)} == {503}
    assert all(answer.retry_after for answer in (*refused, *unread))
    assert [answer.status for answer in again] == [201, 200]
    assert again[0].body == again[1].body
    assert [item["position"] for item in items] == list(range(1, len(items) + 1))
    assert verified.returncode == 0, verified.stdout


def test_a_standby_that_is_gone_is_told_and_nothing_is_acknowledged_without_it(
    postgres_url: str,
) -> None:
    """COMMIT would wait for ever, and no timeout of PostgreSQL ends it.

    What waits goes on waiting, in front of all others, and is there when the standby is back: the
    same key gets its answer then.
    """
    assert postgres_url
    with cluster() as postgres:
        url = postgres.database("alone")
        prepared(url)
        database = engine.connect(url, wait=1)
        first = Batch(events=(noted(),), principal="alice", key="once", request_hash=b"first")
        postgres.wait_for_standby("gone")
        time.sleep(0.2)  # Until every process has read its settings again.
        began = time.monotonic()

        with pytest.raises(DatabaseUnavailable):
            append(database, first, clock=lambda: NOW)
        with pytest.raises(DatabaseBusy):
            append(database, Batch(events=(noted(),), principal="alice"), clock=lambda: NOW)
        waited = time.monotonic() - began

        with database.read() as connection:
            assert events.read_head(connection).position == PRELUDE
        postgres.wait_for_standby("")
        until(lambda: len(stored(url)) == PRELUDE + 1)
        again = append(database, first, clock=lambda: NOW)
        database.dispose()

    assert waited < 5
    assert (again.replayed, again.receipt.position) == (True, PRELUDE + 1)


def noted() -> Event:
    """Return an event that nobody has recorded yet."""
    return event("context.noted", id=str(uuid4()), data={"topic": "law"})
