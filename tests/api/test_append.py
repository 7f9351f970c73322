"""Appending over HTTP: what is recorded, what is answered, what is repeated, what is refused."""

from typing import Any
from uuid import UUID

from service.domain.codec import event_to
from tests.api.house import House, Json
from tests.builders import directive, plain_event, registry_events

STREAM = "policy:rules"
ID = "0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6"


def adopted(**fields: Any) -> Json:  # noqa: ANN401 -- any field of the envelope
    """Return the adoption of a policy about OpenAI's API as JSON."""
    plain = plain_event(
        "policy.adopted", data={"directives": [directive(effective_from="2024-07-09")]}
    )
    return plain | {"id": ID} | fields


def register(house: House) -> int:
    """Record who and what there is; return the position of the head."""
    response = house.post({"events": [event_to(one) for one in registry_events()]})
    assert response.status_code == 201, response.text
    position: int = response.get_json()["position"]
    return position


def test_an_append_answers_where_its_events_stand(house: House) -> None:
    """201, with the head's position and a place for each event."""
    head = register(house)

    response = house.post({"events": [adopted()], "expected_versions": {STREAM: 0}})

    assert response.status_code == 201
    assert response.get_json() == {
        "position": head + 1,
        "items": [
            {
                "id": ID,
                "stream": STREAM,
                "version": 1,
                "position": head + 1,
                "recorded_at": "2026-11-26T12:00:00.000000Z",
            }
        ],
    }
    assert response.headers["Location"] == f"/v1/events/{ID}"


def test_what_was_appended_is_read_back_with_what_the_log_gave_it(house: House) -> None:
    """The author is the key's id, and no more."""
    head = register(house)
    house.post({"events": [adopted()]})

    event = house.json(f"/v1/events/{ID}")

    assert (event["position"], event["version"], event["schema_version"]) == (head + 1, 1, 1)
    assert event["recorded_by"] == house.alice.split("_")[1]
    assert event["data"]["directives"][0]["effective_from"] == "2024-07-09"
    assert event["data"]["directives"][0]["effective_until"] is None


def test_an_event_without_an_id_gets_one_that_sorts_by_time(house: House) -> None:
    """RFC 9562, section 5.7: version 7, its first 48 bits the milliseconds of the clock."""
    register(house)
    plain = adopted()
    del plain["id"]

    made = UUID(house.post({"events": [plain]}).get_json()["items"][0]["id"])

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == 1_795_694_400_000


def test_the_same_events_again_are_not_recorded_again(house: House) -> None:
    """200 and the same places: a client that lost the answer may simply ask again."""
    register(house)
    first = house.post({"events": [adopted()]})

    again = house.post({"events": [adopted()]})

    assert again.status_code == 200
    assert again.get_json()["items"] == first.get_json()["items"]


def test_another_event_under_a_known_id_is_a_conflict(house: House) -> None:
    """An id names one event for ever."""
    register(house)
    house.post({"events": [adopted()]})
    head = house.position()

    response = house.post({"events": [adopted(title="Another title")]})

    assert response.status_code == 409
    problem = response.get_json()
    assert problem["type"] == "/problems/event-id-conflict"
    assert problem["errors"][0]["pointer"] == "/events/0/id"
    assert problem["position"] == head
    assert house.position() == head


def test_a_stream_that_is_elsewhere_is_a_conflict(house: House) -> None:
    """Somebody else wrote meanwhile: the answer says where the stream is."""
    register(house)
    house.post({"events": [adopted()]})
    reviewed = plain_event("record.reviewed", stream=STREAM, data={"reviewed_on": "2026-11-26"})

    response = house.post({"events": [reviewed], "expected_versions": {STREAM: 3}})

    assert response.status_code == 409
    problem = response.get_json()
    assert problem["type"] == "/problems/version-conflict"
    assert (problem["stream"], problem["expected"], problem["actual"]) == (STREAM, 3, 1)


def test_the_same_key_gets_the_same_answer(house: House) -> None:
    """Also where the client made no ids, so that its events are new each time."""
    register(house)
    plain = adopted()
    del plain["id"]
    body = {"events": [plain]}
    first = house.post(body, Idempotency_Key="one")

    again = house.post(dict(reversed(body.items())), Idempotency_Key="one")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers


def test_the_same_key_for_another_request_is_refused(house: House) -> None:
    """A key repeats one request; it is no name for several."""
    register(house)
    house.post({"events": [adopted()]}, Idempotency_Key="one")
    head = house.position()
    reviewed = plain_event("record.reviewed", stream=STREAM, data={"reviewed_on": "2026-11-26"})

    response = house.post({"events": [reviewed]}, Idempotency_Key="one")

    assert response.status_code == 422
    assert response.get_json()["errors"][0]["parameter"] == "Idempotency-Key"
    assert house.position() == head


def test_a_dry_run_tells_what_would_change_and_records_nothing(house: House) -> None:
    """The same judgement, without a trace."""
    head = register(house)

    response = house.post({"events": [adopted()]}, query="?dry_run=true", Idempotency_Key="one")

    assert response.status_code == 200
    [change, *_] = response.get_json()["changes"]
    assert (change["provider"], change["service"]) == ("openai", "api")
    assert (change["before"]["state"], change["after"]["state"]) == ("unknown", "blocked")
    assert change["effective_from"] == "2024-07-09"
    assert change["cause"] == "world"
    assert house.position() == head


def test_a_dry_run_refuses_what_an_append_refuses(house: House) -> None:
    """Else it would be no rehearsal."""
    register(house)

    response = house.post({"events": [adopted(authority="opnai")]}, query="?dry_run=true")

    assert response.status_code == 422
    assert response.get_json()["errors"][0]["suggestion"] == "openai"


def test_a_batch_is_recorded_as_a_whole_or_not_at_all(house: House) -> None:
    """One bad event keeps the good ones out too."""
    head = register(house)
    bad = adopted(id="0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f7", authority="nobody-we-know")

    response = house.post({"events": [adopted(), bad]})

    assert response.status_code == 422
    assert [one["pointer"] for one in response.get_json()["errors"]] == ["/events/1/authority"]
    assert house.position() == head
    assert house.get(f"/v1/events/{ID}").status_code == 404


def test_an_event_that_is_too_large_is_named(house: House) -> None:
    """60,000 canonical bytes, so that it fits into a tile of the log."""
    register(house)
    conditions = ["é" * 240 + str(number) for number in range(200)]
    large = adopted()
    large["data"]["directives"][0] |= {"effect": "conditional", "conditions": conditions}
    head = house.position()

    response = house.post({"events": [plain_event("context.noted", data={"topic": "x"}), large]})

    assert response.status_code == 422
    [told] = response.get_json()["errors"]
    assert told["pointer"] == "/events/1"
    assert "at most 60,000" in told["detail"]
    assert house.position() == head


def test_a_reader_and_a_stranger_record_nothing(house: House) -> None:
    """Bob is known and may not; Charlie is not known. Both learn it before their body is read."""
    for key, status, kind in (
        (house.bob, 403, "/problems/forbidden"),
        (house.charlie, 401, "/problems/unauthenticated"),
    ):
        response = house.post("no batch at all", key=key)

        assert response.status_code == status
        assert response.get_json()["type"] == kind
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert house.position() == 0
