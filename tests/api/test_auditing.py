"""The audit trail of a policy: what was recorded, and what became of it."""

from tests.api.house import House, Json
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
