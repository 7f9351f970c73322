"""The audit: what was recorded, by whom, from which sources, and what became of it."""

import csv
import io

import pytest
from openapi_schema_validator import OAS31Validator

from service.auth import credentials
from tests.api.house import NOW, House, Json, authorization, open_house
from tests.api.test_lists import items
from tests.builders import directive, plain_event

STREAM = "policy:ban"
PATH = "/v1/policies/ban/events"


def adopted(start: str) -> Json:
    """Return a ban of OpenAI's API in Italy."""
    text = directive("api", effective_from=start, regions=["IT"])
    return plain_event("policy.adopted", stream=STREAM, data={"directives": [text]})


def correction(target: Json, replacement: Json | None = None) -> Json:
    """Return a correction of an event, without a replacement a retraction."""
    data: Json = {"event": target["id"], "action": "retract", "reason": "We misread it."}
    if replacement is not None:
        data |= {"action": "amend", "replacement": replacement}
    return plain_event("record.corrected", stream=STREAM, occurred_on="2026-11-26", data=data)


def record(house: House, *events: Json) -> None:
    """Record events, one after the other."""
    for event in events:
        response = house.post({"events": [event]})
        assert response.status_code == 201, response.text


def test_a_correction_stands_beside_what_it_corrected(seeded: House) -> None:
    """Both as they were recorded; the event says by what it was corrected, and what it says now."""
    wrong = adopted("2024-07-09")
    mended = correction(wrong, adopted("2024-07-10") | {"id": wrong["id"]})
    record(seeded, wrong, mended)

    first, second = seeded.json(PATH)["items"]

    assert (first["id"], first["standing"], first["corrects"]) == (wrong["id"], True, None)
    assert first["corrected_by"] == [mended["id"]]
    assert first["data"]["directives"][0]["effective_from"] == "2024-07-09"
    assert first["stands"]["data"]["directives"][0]["effective_from"] == "2024-07-10"
    assert first["stands"]["id"] == wrong["id"]
    assert (second["corrects"], second["standing"]) == (wrong["id"], True)
    assert second["corrected_by"] == []


def test_what_was_taken_back_does_not_stand_until_that_is_taken_back(seeded: House) -> None:
    """A retraction of a retraction restores; each step is there to be read."""
    notice, reviewed = (
        adopted("2024-07-09"),
        plain_event(
            "record.reviewed",
            stream=STREAM,
            occurred_on="2026-11-01",
            data={"reviewed_on": "2026-11-01"},
        ),
    )
    taken = correction(reviewed)
    record(seeded, notice, reviewed, taken)
    standing = [one["standing"] for one in seeded.json(PATH)["items"]]
    assert standing == [True, False, True]
    assert seeded.json(PATH)["items"][1]["stands"] is None

    record(seeded, correction(taken))

    found = seeded.json(PATH)["items"]
    assert [one["standing"] for one in found] == [True, True, False, True]
    assert found[1]["corrected_by"] == [taken["id"]]
    assert found[2]["corrected_by"] == [found[3]["id"]]


def test_of_two_corrections_the_last_one_counts(seeded: House) -> None:
    """The earlier one is still told, and does not stand."""
    wrong = adopted("2024-07-09")
    first, second = (
        correction(wrong, adopted(start) | {"id": wrong["id"]})
        for start in ("2024-07-10", "2024-07-11")
    )
    record(seeded, wrong, first, second)

    found = seeded.json(PATH)["items"]

    assert found[0]["stands"]["data"]["directives"][0]["effective_from"] == "2024-07-11"
    assert found[0]["corrected_by"] == [first["id"], second["id"]]
    assert [one["standing"] for one in found] == [True, False, True]


def test_the_trail_is_told_as_it_was_known(seeded: House) -> None:
    """Before the correction nobody knew of one."""
    wrong = adopted("2024-07-09")
    record(seeded, wrong)
    before = seeded.position()
    record(seeded, correction(wrong, adopted("2024-07-10") | {"id": wrong["id"]}))

    [only] = seeded.json(f"{PATH}?known_at=@{before}")["items"]

    assert only["corrected_by"] == []
    assert only["stands"]["data"]["directives"][0]["effective_from"] == "2024-07-09"
    assert seeded.json(f"{PATH}?known_at=@1")["items"] == []
    assert items(seeded, PATH, limit=1) == items(seeded, PATH)


def test_a_trail_of_no_policy_is_not_found(story: House) -> None:
    """With the nearest one that there is."""
    response = story.get("/v1/policies/us-iaas-kyc/events")

    assert response.status_code == 404
    assert response.get_json()["errors"][0]["suggestion"] == "us-iaas-kyc-2024"


# The audit of the log.

NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
SLUG = "openai-unsupported-regions-2024"
KEYS = "/v1/audit/keys"


def test_an_item_tells_who_recorded_what_when_and_from_which_sources(story: House) -> None:
    """Everything that an auditor asks of an event, and where its proof is."""
    [item] = story.json(f"/v1/audit?policy={SLUG}")["items"]
    event = story.json(f"/v1/events/{NOTICE}")

    for name in ("id", "position", "recorded_at", "recorded_by", "type", "stream", "version"):
        assert item[name] == event[name]
    assert (item["authority"], item["occurred_on"]) == ("openai", "2024-06-24")
    assert item["title"] == event["title"]
    assert [one["url"] for one in item["sources"]] == [one["url"] for one in event["sources"]]
    assert set(item["sources"][0]) == {
        *("url", "publisher", "published_on"),
        *("kind", "archive_url", "sha256"),
    }
    assert item["proof"] == f"/v1/events/{NOTICE}/proof"
    assert (item["standing"], item["corrects"], item["corrected_by"]) == (True, None, [])
    assert (item["reviewed_on"], item["reason"], item["corrections"]) == (None, None, [])


def test_the_audit_shows_a_correction_beside_what_it_corrected(seeded: House) -> None:
    """A reader sees both at once, whoever recorded the one and whoever the other."""
    reviewed = plain_event(
        "record.reviewed",
        stream=STREAM,
        occurred_on="2026-11-01",
        data={"reviewed_on": "2026-11-01"},
    )
    taken = correction(reviewed)
    record(seeded, adopted("2024-07-09"), reviewed, taken)

    ban, review, correcting = seeded.json("/v1/audit?policy=ban")["items"]

    assert ban["corrections"] == []
    assert (review["reviewed_on"], review["standing"]) == ("2026-11-01", False)
    assert review["corrected_by"] == [taken["id"]]
    assert review["corrections"] == [
        {
            "id": taken["id"],
            "position": correcting["position"],
            "recorded_at": correcting["recorded_at"],
            "recorded_by": correcting["recorded_by"],
            "action": "retract",
            "reason": "We misread it.",
            "standing": True,
        }
    ]
    assert (correcting["corrects"], correcting["reason"]) == (reviewed["id"], "We misread it.")


def test_every_event_is_in_the_audit_once_whatever_its_parts(story: House) -> None:
    """In position order; the rows of the CSV are those of the JSON."""
    whole = items(story, "/v1/audit", limit=1000)

    assert [one["position"] for one in whole] == list(range(1, story.position() + 1))
    assert items(story, "/v1/audit", limit=7) == whole
    sheet = story.app.test_client().get("/v1/audit?limit=1000", headers={"Accept": "text/csv"})
    read = list(csv.DictReader(io.StringIO(sheet.text, newline="")))
    assert [row["proof"] for row in read] == [one["proof"] for one in whole]
    assert set(read[0]) == set(whole[0])


def test_the_parts_of_an_audit_tell_of_one_position(seeded: House) -> None:
    """What is recorded between two requests is in neither; pinned, the answer never changes."""
    wrong = adopted("2024-07-09")
    record(seeded, wrong)
    position = seeded.position()
    first = seeded.json(f"/v1/audit?limit={position - 1}")
    pinned = seeded.get(f"/v1/audit?policy=ban&known_at=@{position}")
    record(seeded, correction(wrong, adopted("2024-07-10") | {"id": wrong["id"]}))

    rest = seeded.json(f"/v1/audit?limit={position - 1}&cursor={first['next']}")
    again = seeded.get(f"/v1/audit?policy=ban&known_at=@{position}")

    assert [one["corrected_by"] for one in rest["items"]] == [[]]
    assert rest["known_at"] == first["known_at"]
    assert rest["next"] is None
    assert again.data == pinned.data
    assert "immutable" in again.headers["Cache-Control"]
    assert len(seeded.json("/v1/audit?policy=ban")["items"]) == 2


def test_filters_narrow_each_other(story: House) -> None:
    """Who, what and when; the cell whatever its audience."""
    by = story.json("/v1/events?limit=1")["items"][0]["recorded_by"]
    cell = items(story, "/v1/audit?cell=openai/CN/api")

    assert NOTICE in {one["id"] for one in cell}
    assert {one["stream"].partition(":")[0] for one in cell} <= {"policy", "observation"}
    assert items(story, f"/v1/audit?cell=openai/CN/api&recorded_by={by}") == cell
    assert items(story, "/v1/audit?cell=openai/CN/api&recorded_from=2026-11-26") == cell
    assert items(story, "/v1/audit?cell=openai/CN/api&recorded_until=2026-11-26") == []
    assert items(story, f"/v1/audit?cell=openai/IT/chatgpt&policy={SLUG}") == []


@pytest.mark.parametrize(
    ("query", "parameter", "suggestion"),
    [
        ("policy=openai-unsupported-regions", "policy", SLUG),
        ("policy=policy:x", "policy", None),
        ("cell=opnai/CN", "cell", "openai/CN"),
        ("cell=openai/UK/api", "cell", "openai/GB/api"),
        ("cell=openai", "cell", None),
        ("cell=openai/CN/", "cell", None),
        ("cell=openai//api", "cell", None),
        ("cell=openai/CN/../..", "cell", None),
        ("cell=%2a/%2a", "cell", None),
        ("cell=openai/CN,openai/RU", "cell", None),
        ("cell=" + "a/" * 149, "cell", None),
        ("cell=" + "a" * 301, "cell", None),
        ("cell=openai/CN%00", "cell", None),
        ("recorded_by='%20OR%20'1'='1", "recorded_by", None),
        ("recorded_from=yesterday", "recorded_from", None),
        ("recorded_from=2026-11-27&recorded_until=2026-11-27", "recorded_until", None),
        ("known_at=@999999", "known_at", None),
        ("after=5", "after", None),
        ("polcy=x", "polcy", "policy"),
        ("cell=openai/CN&cell=openai/RU", "cell", None),
    ],
)
def test_a_bad_question_of_the_audit_is_refused(
    query: str, parameter: str, suggestion: str | None, story: House
) -> None:
    """Which parameter, and the nearest known where there is one."""
    response = story.get(f"/v1/audit?{query}")

    assert response.status_code == 422
    [fault] = response.get_json()["errors"]
    assert fault["parameter"] == parameter
    if suggestion is not None:
        assert fault["suggestion"] == suggestion


def test_a_cursor_of_another_audit_is_refused(story: House) -> None:
    """Forged, cut, or given for another cell."""
    given = story.json("/v1/audit?limit=1&recorded_from=2026-01-01")["next"]

    for query in (f"cursor={given}", "cursor=x", f"recorded_from=2026-01-01&cursor={given[:-1]}"):
        assert story.get(f"/v1/audit?limit=1&{query}").status_code == 400


# The audit of keys.


def test_only_curators_audit_the_keys(seeded: House) -> None:
    """Labels and idle keys are nobody else's business, even where reads are public."""
    assert seeded.get(KEYS).status_code == 401
    assert seeded.get(KEYS, "alk_aaaaaaaaaaaa_" + "b" * 32).status_code == 401
    assert seeded.get(KEYS, seeded.bob).status_code == 403
    assert seeded.get(f"{KEYS}?cursor=x", seeded.bob).status_code == 403

    found = seeded.get(KEYS, seeded.alice)

    assert found.status_code == 200
    alice, bob = sorted(found.get_json()["items"], key=lambda one: str(one["label"]))
    assert (alice["label"], alice["role"], alice["events"]) == (
        "Alice",
        "curator",
        alice["last_position"],
    )
    assert (bob["label"], bob["role"], bob["events"]) == ("Bob", "reader", 0)
    assert (bob["revoked_at"], bob["first_recorded_at"], bob["last_position"]) == (None, None, None)
    for secret in (seeded.alice, seeded.bob):
        assert secret.rpartition("_")[2] not in found.text


def test_an_audit_of_keys_is_kept_by_nobody(house: House) -> None:
    """A key is revoked without any event: a tag of the log's position would not tell."""
    before = house.get(KEYS, house.alice)
    database = house.app.extensions["accessline"].database
    credentials.revoke(database, house.bob.split("_")[1], lambda: NOW)

    headers = authorization(house.alice) | {"If-None-Match": "*"}
    after = house.app.test_client().get(KEYS, headers=headers)

    assert "ETag" not in before.headers
    assert before.headers["Cache-Control"] == "private, no-store"
    assert after.status_code == 200
    revoked = [one["revoked_at"] for one in after.get_json()["items"]]
    assert sorted(map(str, revoked)) == ["2026-11-26T12:00:00.000000Z", "None"]


def test_the_audit_of_keys_has_parts_and_rows_like_every_list(seeded: House) -> None:
    """One key a part; as CSV, too."""
    whole = seeded.get(KEYS, seeded.alice).get_json()
    first = seeded.get(f"{KEYS}?limit=1", seeded.alice).get_json()
    rest = seeded.get(f"{KEYS}?limit=1&cursor={first['next']}", seeded.alice).get_json()

    assert first["items"] + rest["items"] == whole["items"]
    assert (rest["next"], whole["next"]) == (None, None)
    assert (
        seeded.get(f"{KEYS}?limit=1&cursor={first['next'][:-1]}", seeded.alice).status_code == 400
    )
    headers = authorization(seeded.alice) | {"Accept": "text/csv"}
    sheet = seeded.app.test_client().get(KEYS, headers=headers)
    read = list(csv.DictReader(io.StringIO(sheet.text, newline="")))
    assert [row["id"] for row in read] == [one["id"] for one in whole["items"]]


def test_an_audit_of_keys_is_as_documented(seeded: House) -> None:
    """Its fields, and that it needs a key."""
    spec = seeded.json("/openapi.json")
    described = spec["paths"][KEYS]["get"]
    schema = described["responses"]["200"]["content"]["application/json"]["schema"]

    found = seeded.get(KEYS, seeded.alice).get_json()

    assert [one.message for one in OAS31Validator({**spec, **schema}).iter_errors(found)] == []
    assert described["security"] == [{"key": []}]
    assert "403" in described["responses"]
    assert "304" not in described["responses"]


def test_reading_does_not_use_up_the_appends_of_a_key(database_url: str) -> None:
    """A curator who audits may still record."""
    house = open_house(database_url, write_rate=1)

    statuses = [house.get(KEYS, house.alice).status_code for _ in range(5)]
    appended = house.post({"events": []})

    house.close()
    assert statuses == [200] * 5
    assert appended.status_code == 422
