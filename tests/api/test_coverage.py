"""`GET /v1/coverage`: how much of the world the record speaks of, and on what it rests."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from service.app import create_app
from service.domain.codec import event_to
from service.domain.regions import COUNTRIES
from service.settings import Settings
from tests.api.house import House, Json
from tests.builders import SOURCE, directive, plain_event, registry_events

CAST = len(registry_events())


@pytest.fixture
def told(house: House) -> House:
    """An official list for the EU of 2023, and what the press told of China in 2024."""
    house.post({"events": [event_to(one) for one in registry_events()]})
    listed = directive("list", "available", regions=["EU"], effective_from="2023-03-01")
    notice = directive("api", "blocked", regions=["CN"], effective_from="2024-07-09")
    read = {**SOURCE, "retrieved_on": "2026-11-02"}
    events = [
        plain_event(
            "policy.adopted",
            stream="policy:list",
            data={"directives": [listed]},
            sources=[read],
        ),
        plain_event(
            "policy.adopted",
            stream="policy:notice",
            data={"directives": [notice]},
            sources=[{**SOURCE, "kind": "press"}],
        ),
    ]
    for one in events:
        assert house.post({"events": [one]}).status_code == 201
    return house


def parts(house: House, path: str) -> Iterator[Json]:
    """Follow a list to its end, as `next` tells."""
    following, part = "", {"next": ""}
    while part["next"] is not None:
        part = house.json(f"{path}{following}")
        following = f"&cursor={part['next']}"
        yield part


def test_a_row_tells_what_is_known_and_on_what_it_rests(told: House) -> None:
    """Of two services the API is known."""
    found = told.json("/v1/coverage?provider=openai&region=CN&year=2024")

    assert found["known_at"]["position"] == CAST + 2
    assert found["next"] is None
    assert found["items"] == [
        {
            "provider": "openai",
            "region": "CN",
            "year": 2024,
            "as_of": "2024-12-31",
            "cells": 2,
            "known": 1,
            "unknown": 1,
            "official": 0,
            "press": 1,
            "last_reviewed_on": None,
        }
    ]


def test_what_is_left_out_is_everything_this_year(told: House) -> None:
    """Each provider has a row, for all countries, as of today."""
    microsoft, openai = told.json("/v1/coverage")["items"]

    assert (microsoft["provider"], microsoft["known"]) == ("microsoft", 0)
    assert (openai["region"], openai["as_of"]) == (None, "2026-11-26")
    assert (openai["cells"], openai["known"], openai["official"]) == (2 * len(COUNTRIES), 3, 2)
    assert openai["last_reviewed_on"] == "2026-11-02"


def test_lists_are_asked_in_one(told: House) -> None:
    """By provider, year and region, as they are given; what is given twice counts once."""
    path = "/v1/coverage?provider=openai&region=EU,CN,EU&year=2024,2023,2024"

    rows = told.json(path)["items"]

    assert [(row["year"], row["region"], row["known"]) for row in rows] == [
        (2024, "EU", 1),
        (2024, "CN", 1),
        (2023, "EU", 1),
        (2023, "CN", 0),
    ]


def test_what_was_known_earlier_is_counted_as_it_was_known(told: House) -> None:
    """Nothing of China, before the notice was recorded."""
    path = "/v1/coverage?provider=openai&region=CN"

    assert told.json(path)["items"][0]["known"] == 1
    earlier = told.json(f"{path}&known_at=@{CAST + 1}")
    assert (earlier["known_at"]["position"], earlier["items"][0]["known"]) == (CAST + 1, 0)


def test_the_parts_of_the_list_tell_of_one_record(told: House) -> None:
    """A notice that comes between them changes none of them."""
    path = "/v1/coverage?region=FR,IT,CN&limit=2"
    first, *_ = parts(told, path)
    whole = told.json("/v1/coverage?region=FR,IT,CN")
    more = directive("more", "blocked", regions=["FR"], effective_from="2024-07-09")
    policy = plain_event("policy.adopted", stream="policy:more", data={"directives": [more]})

    assert told.post({"events": [policy]}).status_code == 201
    rest = told.json(f"{path}&cursor={first['next']}")

    assert [*first["items"], *rest["items"]] == whole["items"][:4]
    assert rest["known_at"] == first["known_at"]


def test_the_parts_of_the_list_tell_of_one_day(told: House) -> None:
    """A list that was begun in the last minute of a year is not ended with the next one's."""
    path = "/v1/coverage?region=FR,IT,CN&limit=4"
    settings = Settings(database_url=told.url)
    midnight = datetime(2027, 1, 1, tzinfo=UTC)
    evening = create_app(settings, clock=lambda: midnight - timedelta(minutes=1))
    morning = create_app(settings, clock=lambda: midnight)

    first = evening.test_client().get(path).get_json()
    rest = morning.test_client().get(f"{path}&cursor={first['next']}").get_json()
    for app in (evening, morning):
        app.extensions["accessline"].database.dispose()

    days = {(row["year"], row["as_of"]) for row in (*first["items"], *rest["items"])}
    assert days == {(2026, "2026-12-31")}


def test_the_parts_of_the_list_are_the_list(told: House) -> None:
    """Nothing twice, nothing left out."""
    whole = told.json("/v1/coverage?region=FR,IT,CN")["items"]

    found = list(parts(told, "/v1/coverage?region=FR,IT,CN&limit=4"))

    assert [len(part["items"]) for part in found] == [4, 2]
    assert [item for part in found for item in part["items"]] == whole


def test_the_rows_are_there_as_csv(told: House) -> None:
    """For whoever makes a chart of them."""
    client = told.app.test_client()
    answer = client.get("/v1/coverage?provider=openai", headers={"Accept": "text/csv"})

    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))

    assert (row["provider"], row["region"], row["known"]) == ("openai", "", "3")


def test_an_answer_that_is_still_good_is_not_sent_again(told: House) -> None:
    """It depends on the log and the day."""
    first = told.get("/v1/coverage")

    again = told.app.test_client().get(
        "/v1/coverage", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize(
    ("query", "parameter", "sentence"),
    [
        ("year=2027", "year", "2027 is no year from 1900 to 2026."),
        ("year=1899", "year", "'1899' is not a whole number from 1900 to 2200."),
        ("year=2023,soon", "year", "'soon' is not a whole number"),
        ("year=2023,", "year", "An item of the list is empty."),
        ("year=%D9%A2%D9%A0%D9%A2%D9%A4", "year", "is not a whole number"),
        ("provider=opnai", "provider", "Did you mean 'openai'?"),
        ("region=UK", "region", "Did you mean 'GB'?"),
        ("known_at=@999", "known_at", "lies beyond the head"),
        ("years=2024", "years", "Did you mean"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    query: str, parameter: str, sentence: str, told: House
) -> None:
    """With the parameter, and what would be right."""
    response = told.get(f"/v1/coverage?{query}")

    assert response.status_code == 422, response.text
    (fault,) = response.get_json()["errors"]
    assert fault["parameter"] == parameter
    assert sentence in fault["detail"]


def test_too_many_cells_are_refused(told: House) -> None:
    """Whoever names regions gets them, and nobody has to guess what to do."""
    years = ",".join(map(str, range(1900, 2027)))
    services = [
        plain_event(
            "registry.registered",
            stream=f"registry:service/openai/{name}",
            data={"kind": "service", "id": name, "name": name, "provider": "openai"},
        )
        for name in ("sora", "operator")
    ]
    assert told.post({"events": services}).status_code == 201

    response = told.get(f"/v1/coverage?year={years}")

    assert response.status_code == 422
    assert "name providers or regions" in response.get_json()["detail"]
    assert told.get(f"/v1/coverage?region=CN&year={years}").status_code == 200
