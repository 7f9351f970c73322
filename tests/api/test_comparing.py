"""What differs: between dates, between states of the record, and in the past of one cell."""

import pytest

from tests.api.house import House, Json
from tests.api.test_lists import items

NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
STREAM = "policy:openai-unsupported-regions-2024"


@pytest.fixture
def corrected(seeded: House) -> tuple[House, int]:
    """The seeds, and a correction: OpenAI's notice was for the 10th. With the position before."""
    before = seeded.position()
    notice = seeded.json(f"/v1/events/{NOTICE}")
    given = ("schema_version", "position", "version", "recorded_at", "recorded_by")
    replacement = {name: value for name, value in notice.items() if name not in given}
    replacement["data"]["directives"][0]["effective_from"] = "2024-07-10"
    correction = {
        "type": "record.corrected",
        "stream": STREAM,
        "occurred_on": "2026-11-26",
        "data": {
            "event": NOTICE,
            "action": "amend",
            "reason": "We misread the day.",
            "replacement": replacement,
        },
    }
    response = seeded.post({"events": [correction]})
    assert response.status_code == 201, response.text
    return seeded, before


def cells(found: list[Json]) -> set[tuple[str, str]]:
    """Return the cells of a diff, by service and region."""
    return {(one["service"], one["region"]) for one in found}


def test_a_diff_of_two_dates_names_the_cells_and_the_event_that_changed_them(story: House) -> None:
    """From 8 to 9 July 2024 OpenAI's API became blocked, nothing else changed anywhere."""
    found = story.json("/v1/access/diff?from=2024-07-08&until=2024-07-09")

    assert {one["provider"] for one in found["items"]} == {"openai"}
    assert ("api", "CN") in cells(found["items"])
    for one in found["items"]:
        assert (one["service"], one["audience"], one["cause"]) == ("api", "public", "world")
        assert one["before"]["legal_state"] == "not_offered"
        assert one["after"]["state"] == "blocked"
        assert one["events"] == [NOTICE]
    assert found["as_of"] == {"from": "2024-07-08", "until": "2024-07-09"}
    assert found["known_at"]["from"] == found["known_at"]["until"]


def test_a_diff_of_two_positions_tells_what_the_record_made(corrected: tuple[House, int]) -> None:
    """A correction within the range is the cause; with the position before, nothing differs."""
    house, before = corrected
    path = f"/v1/access/diff?known_from=@{before}&as_of=2024-07-09"

    found = house.json(path)

    assert ("api", "CN") in cells(found["items"])
    for one in found["items"]:
        assert one["cause"] == "record"
        assert (one["before"]["state"], one["after"]["state"]) == ("blocked", "unknown")
        assert len(one["events"]) == 1
    assert found["known_at"]["from"]["position"] == before
    assert found["known_at"]["until"]["position"] == before + 1
    assert house.json(f"{path}&known_until=@{before}")["items"] == []
    assert house.json(path.replace("07-09", "07-11"))["items"] == []


def test_what_was_learned_is_told_with_its_cause(story: House) -> None:
    """Since before the notice was recorded: the world made it so, the record only learned it."""
    position = story.json(f"/v1/events/{NOTICE}")["position"]
    path = f"/v1/access/diff?known_from=@{position - 1}&known_until=@{position}&as_of=2024-07-09"

    found = story.json(path)["items"]

    assert ("api", "CN") in cells(found)
    assert {one["cause"] for one in found} == {"world"}


def test_a_diff_is_filtered_and_comes_in_parts(story: House) -> None:
    """The parts are the whole; a state counts before or after."""
    path = "/v1/access/diff?from=2024-07-08&until=2024-07-09"
    learned = "/v1/access/diff?known_from=@0&as_of=2024-07-09&provider=openai&region=CN,HK,IT"
    whole = items(story, path)

    assert len(whole) > 3
    assert items(story, path, limit=3) == whole
    assert items(story, learned, limit=1) == items(story, learned)
    assert cells(items(story, f"{path}&region=CN,HK,IT")) == {("api", "CN"), ("api", "HK")}
    assert items(story, f"{path}&state=blocked") == whole
    assert items(story, f"{path}&state=conditional") == []
    assert items(story, f"{path}&provider=microsoft") == []
    assert items(story, f"{path}&service=chatgpt&provider=openai") == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "from"),
        ("as_of=2024-07-09", "from"),
        ("from=2024-07-08", "until"),
        ("until=2024-07-08", "from"),
        ("known_until=@5", "known_from"),
        ("from=2024-07-08&until=2024-07-09&known_from=@1", "known_from"),
        ("from=2024-07-08&until=2024-07-09&as_of=2024-07-09", "as_of"),
        ("known_from=@1&known_at=@2", "known_at"),
        ("from=2024-07-09&until=2024-07-09", "until"),
        ("from=2024-07-09&until=2024-07-08", "until"),
        ("from=2024-07-09&until=2024-07-10T00:00:00Z", "until"),
        ("known_from=@9&known_until=@5", "known_until"),
        ("known_from=@999", "known_from"),
        ("known_from=@1&known_until=2999-01-01", "known_until"),
        ("known_from=@1&provider=opnai", "provider"),
        ("from=2024-07-08&until=2024-07-09&region=UK", "region"),
    ],
)
def test_exactly_one_comparison_is_asked_for(query: str, parameter: str, story: House) -> None:
    """422 that says which parameter is at fault, and what the two forms are."""
    response = story.get(f"/v1/access/diff?{query}")

    assert response.status_code == 422, response.text
    assert parameter in [one["parameter"] for one in response.get_json()["errors"]]


def test_a_diff_that_is_none_says_what_the_two_are(story: House) -> None:
    """Whoever mixes them learns both."""
    for query in ("", "from=2024-07-08&known_from=@1"):
        detail = story.get(f"/v1/access/diff?{query}").get_json()["detail"]

        for word in ("from", "until", "known_from", "known_until", "as_of"):
            assert word in detail


def test_revisions_show_both_answers_with_the_event_between_them(
    corrected: tuple[House, int],
) -> None:
    """Who was told "blocked" for 9 July, was told so until the correction."""
    house, before = corrected

    found = house.json("/v1/access/openai/CN/revisions?service=api&as_of=2024-07-09")

    last = found["items"][-1]
    assert (last["before"]["state"], last["after"]["state"]) == ("blocked", "unknown")
    assert (last["position"], last["cause"]) == (before + 1, "record")
    assert house.json(f"/v1/events/{last['event']}")["type"] == "record.corrected"
    for one in found["items"]:
        asked = "/v1/access/openai/CN?service=api&as_of=2024-07-09&known_at=@"
        told = house.json(f"{asked}{one['position']}")
        assert told["state"] == one["after"]["state"]
    assert found["known_at"]["position"] == before + 1


def test_revisions_of_what_is_not_known_are_not_found(story: House) -> None:
    """With the nearest id, as everywhere."""
    response = story.get("/v1/access/opnai/CN/revisions")

    assert response.status_code == 404
    assert response.get_json()["errors"][0]["suggestion"] == "openai"
    assert story.get("/v1/access/openai/CN/revisions?service=aip").status_code == 422
