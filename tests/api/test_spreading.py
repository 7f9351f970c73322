"""Reads that are spread over replicas: what a client sees of it is nothing.

The replica here is a copy of the story's database that stopped before the last append.
"""

import secrets
from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa

from service.store.engine import connect
from tests.api.house import House, authorization, open_house, sow
from tests.builders import plain_event
from tests.chaos.servers import until
from tests.conftest import _administer, _postgres_database

CHECK = {"cells": [{"provider": "openai", "service": "api", "region": "CN"}]}
LAST = UUID(int=1 << 100)


@pytest.fixture(scope="module")
def spread(postgres_url: str, postgres_template: str) -> Iterator[House]:
    """A server over a primary with one more event than its replica has."""
    with _postgres_database(postgres_url, template=postgres_template) as url:
        first = open_house(url)
        sow(first)
        first.close()
        name, copied = sa.make_url(url).database, f"accessline_{secrets.token_hex(6)}"
        _administer(postgres_url, f"CREATE DATABASE {copied} TEMPLATE {name}")
        replica = sa.make_url(url).set(database=copied).render_as_string(hide_password=False)
        house = open_house(url, read_database_urls=(replica,), read_max_lag=3600, answer_cache_mb=0)
        replicas = house.app.extensions["accessline"].replicas
        try:
            until(lambda: replicas.all[0].standing.within)
            noted = plain_event(
                "context.noted", id=str(LAST), stream="context:last", data={"topic": "law"}
            )
            assert house.post({"events": [noted]}).status_code == 201
            yield house
        finally:
            replicas.close()
            house.close()
            _administer(postgres_url, f"DROP DATABASE {copied} WITH (FORCE)")


def head(house: House) -> int:
    """Return where the log stands, for whoever records."""
    database = connect(house.url)
    try:
        with database.read() as connection:
            return int(connection.scalar(sa.text("SELECT position FROM head")) or 0)
    finally:
        database.dispose()


def counts(house: House) -> tuple[int, int]:
    """Return how many reads the replica was sent, and how many of them the primary answered."""
    replica = house.app.extensions["accessline"].replicas.all[0]
    return replica.reads, replica.passed_on


def test_a_read_that_names_no_position_may_be_a_moment_old(spread: House) -> None:
    """It is the replica's, all of it: the position it names and what it holds."""
    before = counts(spread)

    found = spread.json("/v1/access/openai/CN")
    listed = spread.json("/v1/events?stream=context:last")["items"]

    assert (found["known_at"]["position"], listed) == (head(spread) - 1, [])
    assert counts(spread) == (before[0] + 2, before[1])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/access/openai/CN?min_position={head}",
        f"/v1/events/{LAST}",
        f"/events/{LAST}",
        "/v1/log/proof/inclusion?index={last}&size={head}",
    ],
)
def test_what_a_replica_does_not_have_yet_comes_from_the_primary(spread: House, path: str) -> None:
    """A position that somebody was given, and an event that somebody recorded, are there."""
    before = counts(spread)

    response = spread.get(path.format(head=head(spread), last=head(spread) - 1))

    assert response.status_code == 200, response.text
    assert counts(spread) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/access/openai/CN?known_at=@{head}",
        "/v1/access?provider=openai&region=CN&known_at=%40{head}&as_of=2024-07-09",
        "/v1/access/diff?known_from=@1&known_until=@{head}&provider=openai",
        "/?provider=openai&known_at=@{head}",
    ],
)
def test_a_position_that_is_named_is_asked_where_it_is(spread: House, path: str) -> None:
    """Whoever was sent a link may be faster than the replica."""
    before = counts(spread)

    response = spread.get(path.format(head=head(spread)))

    assert response.status_code == 200, response.text
    assert "beyond the head" not in response.text
    assert counts(spread)[1] == before[1]  # No view was run twice.


def test_a_check_is_spread_too_and_waits_for_its_position(spread: House) -> None:
    """It only asks, though by POST."""
    client, before = spread.app.test_client(), counts(spread)

    now = client.post("/v1/access/check", json=CHECK)
    newest = client.post(f"/v1/access/check?min_position={head(spread)}", json=CHECK)

    assert (now.status_code, newest.status_code) == (200, 200)
    assert counts(spread) == (before[0] + 2, before[1] + 1)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/access/nobody/CN", 404),
        ("/v1/access/openai/CN?known_at=@999999", 422),
        ("/v1/access/openai/CN?min_position=999999", 503),
        ("/events/nothing", 404),
        ("/v1/access/openai/CN?what=else", 422),
    ],
)
def test_what_the_primary_refuses_is_refused(spread: House, path: str, status: int) -> None:
    """With the primary's own words: it names the newest position."""
    assert spread.get(path).status_code == status


def test_a_tag_of_the_replica_is_answered_by_it(spread: House) -> None:
    """304 is an answer, and no reason to ask again."""
    tag = spread.get("/v1/providers").headers["ETag"]
    before = counts(spread)

    response = spread.app.test_client().get("/v1/providers", headers={"If-None-Match": tag})

    assert response.status_code == 304
    assert counts(spread) == (before[0] + 1, before[1])


def test_a_key_is_looked_up_where_it_is_revoked(spread: House) -> None:
    """The cast's keys were issued twice: the replica knows the first ones alone."""
    assert spread.get("/v1/meta", spread.bob).status_code == 200
    assert spread.get("/v1/audit/keys", spread.alice).status_code == 200


def test_whoever_is_signed_in_reads_what_they_recorded(spread: House) -> None:
    """A browser goes to the event's page at once, and names no position."""
    client = spread.app.test_client()
    client.set_cookie("accessline_session", "whatever")
    before = counts(spread)

    found = client.get("/v1/access/openai/CN", headers=authorization(None)).get_json()

    assert found["known_at"]["position"] == head(spread)
    assert counts(spread) == before


def test_a_server_tells_how_many_replicas_answer(spread: House) -> None:
    """By their numbers: the hosts are nobody's business."""
    assert spread.json("/healthz") == {"status": "ok", "replicas": {"in": 1, "of": 1}}
    ready = spread.json("/readyz")
    assert (ready["position"], ready["replicas"]) == (head(spread), {"in": 1, "of": 1})
    metrics = spread.get("/metrics").text
    assert 'accessline_replica_up{replica="1"} 1' in metrics
    assert "accessline_replica_lag_events" in metrics
    assert 'accessline_replica_passed_on_total{replica="1"}' in metrics
