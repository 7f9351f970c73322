"""Lists: filters that mean what they say, and parts that belong together whatever happens."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.api.house import House, Json, seed_batches
from tests.builders import plain_event


def parts(house: House, path: str, limit: int) -> Iterator[Json]:
    """Follow a list to its end by its Link headers, as a client does."""
    following: str | None = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    while following is not None:
        response = house.get(following)
        assert response.status_code == 200, response.text
        yield response.get_json()
        links = (one.split(">; rel=") for one in response.headers["Link"].split(", "))
        targets = {rel: target.removeprefix("<") for target, rel in links}
        following = targets.get('"next"')


def items(house: House, path: str, limit: int = 1000) -> list[Json]:
    """Return the items of all parts of a list."""
    return [item for part in parts(house, path, limit) for item in part["items"]]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/access?provider=openai&region=CN,HK,IT,FR",
        "/v1/events",
        "/v1/events?provider=openai",
        "/v1/policies",
        "/v1/policies?as_of=2024-01-01",
        "/v1/authorities",
        "/v1/providers",
        "/v1/services",
        "/v1/regions?kind=group&as_of=2020-01-01",
        "/v1/audiences",
    ],
)
def test_the_parts_of_a_list_are_the_list(path: str, story: House) -> None:
    """Nothing twice, nothing left out, in the same order."""
    whole = items(story, path)

    assert whole
    assert items(story, path, limit=1) == whole
    assert items(story, path, limit=3) == whole


def test_a_list_tells_of_one_world_while_the_log_grows(seeded: House) -> None:
    """A cursor keeps the position and the day that the first part was answered for."""
    path = "/v1/access?provider=openai&region=CN,HK,RU"
    before = items(seeded, path)
    first, *_ = parts(seeded, path, limit=1)
    repealed = plain_event(
        "policy.repealed",
        stream="policy:openai-unsupported-regions-2024",
        occurred_on="2024-08-01",
        data={"effective_from": "2024-08-01", "reason": "A test ends it."},
    )

    response = seeded.post({"events": [repealed]})

    assert response.status_code == 201, response.text
    rest = seeded.json(f"{path}&cursor={first['next']}")
    assert rest["known_at"] == first["known_at"]
    assert [*first["items"], *rest["items"]] == before
    assert items(seeded, path) != before


def test_a_cursor_is_good_for_its_own_question_alone(story: House) -> None:
    """Flipped, cut, or taken elsewhere: 400, and never another list."""
    cursor = story.json("/v1/events?provider=openai&limit=1")["next"]

    for path in (
        f"/v1/events?provider=openai&cursor={cursor[:-1]}",
        f"/v1/events?provider=openai&cursor={cursor.swapcase()}",
        f"/v1/events?provider=microsoft&cursor={cursor}",
        f"/v1/events?cursor={cursor}",
        f"/v1/policies?cursor={cursor}",
        f"/v1/events?provider=openai&cursor={'A' * 3000}",
        f"/v1/events?provider=openai&cursor={quote('ä€')}",
        "/v1/access?cursor=bm90aGluZw",
    ):
        response = story.get(path)

        assert response.status_code == 400, path
        problem = response.get_json()
        assert problem["type"] == "/problems/forged-cursor"
        assert problem["errors"][0]["parameter"] == "cursor"


def test_a_limit_may_change_from_part_to_part(story: House) -> None:
    """It is how much a client wants to carry, not what it asks."""
    whole = items(story, "/v1/events")
    first = story.json("/v1/events?limit=2")

    rest = story.json(f"/v1/events?limit=1000&cursor={first['next']}")

    assert [*first["items"], *rest["items"]] == whole
    assert rest["next"] is None


def test_links_name_no_host(story: House) -> None:
    """A forged Host header must not lead a client elsewhere."""
    response = story.app.test_client().get(
        "/v1/events?limit=1", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )

    assert "evil" not in str(response.headers) + response.text


def test_every_question_links_to_its_immutable_form(story: House) -> None:
    """As of a day, as known at a position: the answer that never changes."""
    response = story.get("/v1/access/openai/CN?service=api&as_of=2024-07-09")

    head = story.position()
    link = f"/v1/access/openai/CN?service=api&as_of=2024-07-09&known_at=@{head}"
    assert response.headers["Link"] == f'<{link}>; rel="canonical"'
    assert story.get(link).data == response.data


def states(house: House, query: str) -> set[tuple[str, str, str]]:
    """Return provider, region and state of some cells."""
    found = house.json(f"/v1/access?as_of=2024-07-10&{query}")["items"]
    return {(one["provider"], one["region"], one["state"]) for one in found}


def test_cells_are_chosen_by_what_they_are_and_how_they_stand(story: House) -> None:
    """Comma lists; a state narrows what the others chose."""
    everything = story.json("/v1/access?provider=openai&service=api&limit=1000")["items"]

    assert len(everything) == 249
    assert states(story, "region=CN&service=azure-openai") == {
        ("microsoft", "CN", "conditional"),
        ("21vianet", "CN", "not_offered"),
    }
    assert states(story, "region=CN,HK&provider=openai&service=api&state=blocked") == {
        ("openai", "CN", "blocked"),
        ("openai", "HK", "blocked"),
    }


def found(house: House, query: str) -> list[str]:
    """Return type and stream of the events that a filter lets through."""
    return [f"{one['type']} {one['stream']}" for one in items(house, f"/v1/events?{query}")]


def test_events_are_found_by_what_they_name(story: House) -> None:
    """A service is named with its provider, in either way."""
    by_path = found(story, "service=openai/api")

    assert by_path == found(story, "service=api&provider=openai")
    assert by_path == found(story, "service=openai/api&provider=openai")
    assert "policy.adopted policy:openai-unsupported-regions-2024" in by_path
    assert found(story, "type=context.noted&region=CN") == [
        "context.noted context:wipo-genai-patents-2024"
    ]
    assert found(story, "stream=policy:us-iaas-kyc-2024&type=policy.proposed") == [
        "policy.proposed policy:us-iaas-kyc-2024"
    ]
    assert all("garante" in one for one in found(story, "authority=garante"))
    assert found(story, "recorded_by=nobody") == []


def test_events_are_found_by_when(story: House) -> None:
    """Ranges begin at their start and end before their end; a date of the record is a UTC day."""
    day = found(story, "occurred_from=2024-06-24&occurred_until=2024-06-25")
    recorded = len(items(story, "/v1/events?recorded_from=2026-11-26"))

    assert "policy.adopted policy:openai-unsupported-regions-2024" in day
    assert "policy.proposed policy:us-iaas-kyc-2024" not in day
    assert recorded == story.position()
    assert found(story, "recorded_until=2026-11-26") == []
    assert found(story, "recorded_from=2026-11-26T12:00:00.000001Z") == []
    assert len(found(story, "recorded_until=2026-11-26T12:00:00.000001Z")) == recorded


def test_the_log_is_followed_from_a_position(story: House) -> None:
    """A follower remembers the last position and needs no cursor."""
    head = story.position()

    assert [one["position"] for one in items(story, f"/v1/events?after={head - 2}")] == [
        head - 1,
        head,
    ]
    assert story.json(f"/v1/events?after={head}") == {"items": [], "next": None}


def test_reference_data_is_told_with_names(story: House) -> None:
    """Ids for programs, names for people."""
    [openai] = [one for one in items(story, "/v1/providers") if one["id"] == "openai"]
    services = items(story, "/v1/services?provider=openai")
    regions = {one["id"]: one for one in items(story, "/v1/regions")}

    assert openai["authority"] == "openai"
    assert [one["service"] for one in services] == ["api", "chatgpt"]
    assert regions["TW"]["name"] == "Taiwan"
    assert (regions["TW"]["kind"], regions["TW"]["parent"]) == ("country", None)
    assert (regions["US-TX"]["name"], regions["US-TX"]["parent"]) == ("Texas", "US")
    assert "CN-HK" not in regions
    assert items(story, "/v1/audiences")[0]["id"] == "public"


def test_a_group_has_the_members_of_the_day(story: House) -> None:
    """The United Kingdom left the European Union on 2020-02-01."""

    def members(day: str) -> list[str]:
        groups = items(story, f"/v1/regions?kind=group&as_of={day}")
        told: list[str] = next(one["members"] for one in groups if one["id"] == "EU")
        return told

    assert "GB" in members("2020-01-31")
    assert "GB" not in members("2020-02-01")


def test_reference_data_is_told_as_it_was_known(story: House) -> None:
    """Before the first event nobody was registered, and every country was there."""
    assert items(story, "/v1/providers?known_at=@0") == []
    assert len(items(story, "/v1/regions?kind=country&known_at=@0")) == 249


def test_a_policy_is_told_as_it_stood_and_was_known(story: House) -> None:
    """Before it began it is not there, although its slug is known."""
    path = "/v1/policies/us-iaas-kyc-2024"

    assert story.json(f"{path}?as_of=2024-03-01")["consultation"] == "opened"
    assert story.json(f"{path}?as_of=2024-06-01")["status"] == "proposed"
    early = story.get(f"{path}?as_of=2024-01-01")
    assert early.status_code == 404
    assert "had not begun" in early.get_json()["detail"]
    assert story.get(f"{path}?known_at=@1").status_code == 404


def test_a_timeline_is_told_in_half_open_intervals(story: House) -> None:
    """Each ends where the next begins; the ends of the whole are open."""
    path = "/v1/access/openai/IT/timeline?service=chatgpt"
    told = story.json(path)["items"]

    assert [one["until"] for one in told[:-1]] == [one["from"] for one in told[1:]]
    assert (told[0]["from"], told[-1]["until"]) == (None, None)
    some = story.json(f"{path}&from=2023-03-31&until=2023-04-28")["items"]
    assert [one["state"] for one in some] == ["suspended"]


def test_meta_tells_where_the_log_stands(story: House) -> None:
    """Under which rule and list of regions answers are given, and what may be done with them."""
    told = story.json("/v1/meta")

    events = sum(map(len, seed_batches()))
    assert told["head"] == {"position": events, "recorded_at": "2026-11-26T12:00:00.000000Z"}
    assert (told["rule"], told["counts"]["events"]) == (1, events)
    assert told["licences"]["data"] == "CC-BY-4.0"


def test_the_vocabulary_lists_every_closed_list_of_words(house: House) -> None:
    """Also on an empty log: it belongs to the program."""
    told = house.json("/v1/vocabulary")

    assert told["effects"] == ["available", "conditional", "not_offered", "suspended", "blocked"]
    assert "unknown" in told["states"]
    assert len(told["event_types"]) == 17
