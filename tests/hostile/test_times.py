"""Times at their worst: what is refused is refused, what is accepted reads back everywhere."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest

from service.application.checking import verify
from service.application.recording import Batch, append
from service.projections import projector
from service.store.engine import connect
from tests.api.house import House, open_house
from tests.builders import SOURCE, directive, plain_event, registry_events
from tests.hostile.live import Json


@pytest.fixture
def cast(database_url: str) -> Iterator[House]:
    """A server over the cast alone, on both engines."""
    database = connect(database_url)
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    append(database, Batch(events=registry_events(), principal="alice"), clock=lambda: now)
    database.dispose()
    opened = open_house(database_url, write_rate=0)
    yield opened
    opened.close()


TIMES: Final = (
    *("1900-01-01", "1899-12-31", "2200-12-31", "2201-01-01", "2024-02-29", "2023-02-29"),
    *("0001-01-01", "9999-12-31", "2024", "2024-06", "2024-W26-1", "20240624", "", "now"),
    *("1900-01-01T00:00:00+14:00", "2200-12-31T23:59:59.999999-14:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2016-12-31T23:59:60Z"),
    *("2024-06-24T24:00:00Z", "2024-06-24T12:00:00", "2024-06-24T12:00:00-00:00"),
    *("2024-06-24T12:00:00+23:59", "2024-06-24T12:00:00+24:00", "2024-06-24T12:00:00.1234567Z"),
    *("2024-06-24T12:00:00.000001Z", "2024-06-24t12:00:00z", "2024-06-24 12:00Z"),
    *("٢٠٢٤-٠٦-٢٤", "2024-06-24T12:00:00Z[Europe/Rome]"),
)


def dated(when: str, number: int) -> list[list[Json]]:
    """Return batches that each have a time in one place."""
    stream = f"policy:dated-{number}"
    start = "2024-08-01"
    adopted = plain_event("policy.adopted", stream=stream, data={"directives": [directive()]})
    group = {"id": "G7", "name": "G7", "adds": ["US"], "effective_from": when}

    def step(kind: str, /, **data: str) -> list[Json]:
        return [adopted, plain_event(kind, stream=stream, occurred_on="2024-07-01", data=data)]

    return [
        [{**adopted, "occurred_on": when}],
        [{**adopted, "data": {"directives": [directive(effective_from=when)]}}],
        [{**adopted, "data": {"directives": [directive(effective_until=when)]}}],
        [{**adopted, "data": {"directives": [directive()], "published_on": when}}],
        [{**adopted, "sources": [{**SOURCE, "published_on": when, "retrieved_on": when}]}],
        [plain_event("policy.announced", stream=stream, data={"expected_on": when})],
        step("policy.scheduled", effective_from=when),
        step("policy.suspended", effective_from=when, kind="stayed"),
        step("policy.suspended", effective_from=start, effective_until=when, kind="stayed"),
        step("policy.repealed", effective_from=when, reason="over"),
        step("record.reviewed", reviewed_on=when),
        [
            plain_event(
                "access.observed",
                data={"state": "blocked", "method": "probe", "valid_until": when},
            )
        ],
        [
            plain_event(
                "registry.group_changed",
                stream="registry:group/G7",
                occurred_on="2024-01-01",
                data=group,
            )
        ],
    ]


def test_whatever_time_is_accepted_reads_back(cast: House) -> None:
    """One that can be written and not be read would spoil every answer after it."""
    accepted: list[str] = []
    for number, when in enumerate(TIMES):
        for part, batch in enumerate(dated(when, number)):
            response = cast.post({"events": list(renewed(batch, number, part))})
            assert response.status_code in {201, 422}, (when, part, response.text)
            if response.status_code == 201:
                accepted += [item["id"] for item in response.get_json()["items"]]
        assert cast.get("/v1/access/openai/FR").status_code == 200, when

    assert len(accepted) > 50
    for one in accepted:
        assert cast.json(f"/v1/events/{one}")["id"] == one
    for path in EVERYTHING:
        assert cast.get(path).status_code == 200, path
    database = connect(cast.url)
    assert set(projector.rebuild(database).differing.values()) == {0}
    assert verify(database).findings == ()
    database.dispose()


EVERYTHING: Final = (
    "/v1/events?limit=1000",
    "/v1/policies?limit=1000",
    "/v1/policies?limit=1000&as_of=2200-12-31",
    "/v1/access?region=FR,US,G7",
    "/v1/access/openai/G7?as_of=2200-12-31",
    "/v1/access/openai/FR?as_of=1900-01-01T00:00:00Z",
    "/v1/access/openai/FR/timeline",
    "/v1/access/openai/G7/timeline?from=1900-01-01T00:00:00Z",
    "/v1/access/openai/FR/revisions",
    "/v1/access/diff?from=1900-01-01&until=2200-12-31",
    "/v1/access/diff?known_from=@20",
    "/v1/upcoming?from=2024-01-01&within=3650",
    "/v1/upcoming.ics?from=2024-01-01&within=3650",
    "/v1/changes?limit=1000",
    "/v1/changes.atom?limit=1000",
    "/v1/regions?kind=group",
    "/v1/meta",
)


def renewed(batch: list[Json], number: int, part: int) -> Iterator[Json]:
    """Yield events with ids and a policy of their own."""
    for place, one in enumerate(batch):
        of_policy = one["stream"].startswith("policy:")
        yield {
            **one,
            "id": str(UUID(int=(number << 40) + (part << 20) + place + 1)),
            "stream": f"{one['stream']}-{part}" if of_policy else one["stream"],
        }
