"""Appending by a form: what would change, then the append, and what is wrong beside its field."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from service.store.engine import connect
from tests.api.house import House, open_house, sow
from tests.builders import directive, plain_event
from tests.web.signed import ADOPTED, Tab, fault_of, hidden, tab


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """A server over a log that holds the first story."""
    opened = open_house(database_url)
    sow(opened)
    yield opened
    opened.close()


@pytest.fixture
def alice(house: House) -> Tab:
    """Alice's tab: she is a curator, signed in."""
    return tab(house, house.alice)


def test_a_preview_shows_what_would_change_and_records_nothing(house: House, alice: Tab) -> None:
    """Before, after, from when: then the curator may still go back."""
    before = house.position()

    shown = alice.send(ADOPTED)

    assert shown.status_code == 200
    assert "One answer changes" in shown.text
    assert "France" in shown.text
    assert "1 December 2026" in shown.text
    assert '<span class="badge s-blocked">' in shown.text
    assert house.position() == before


def test_what_is_confirmed_is_recorded_and_found(house: House, alice: Tab) -> None:
    """Issue's third acceptance: in the log, in the answer, with whose key it was."""
    done = alice.confirm(alice.send(ADOPTED))

    assert done.status_code == 201
    (item,) = house.json("/v1/events?stream=policy:closing-in-france")["items"]
    assert f'href="/events/{item["id"]}"' in done.text
    assert 'href="/policies/closing-in-france"' in done.text
    assert 'href="/changes"' in done.text
    assert 'href="/audit"' in done.text
    assert item["recorded_by"] == house.alice.split("_")[1]
    assert item["data"]["directives"][0]["scope"]["regions"] == ["FR"]
    answer = house.json("/v1/access/openai/FR?service=api&as_of=2026-12-01")
    assert answer["state"] == "blocked"
    assert house.json("/v1/meta")["head"]["position"] == item["position"]


def test_a_double_click_records_once(house: House, alice: Tab) -> None:
    """The same form twice has the same key, and the same ids."""
    shown = alice.send(ADOPTED)
    before = house.position()

    first, second = alice.confirm(shown), alice.confirm(shown)

    assert (first.status_code, second.status_code) == (201, 200)
    assert "Recorded already" in second.text
    assert house.position() == before + 1


def test_without_the_key_the_ids_alone_keep_it_from_being_doubled(house: House, alice: Tab) -> None:
    """Somebody edits the form: the events still have the ids of the first step."""
    form = hidden(alice.send(ADOPTED))
    before = house.position()

    for key in ("", "another"):
        data = {**form, "idempotency_key": key, "step": "confirm"}
        assert alice.client.post("/append", data=data).status_code in (200, 201)

    assert house.position() == before + 1


def test_every_fault_stands_beside_its_field(house: House, alice: Tab) -> None:
    """In words, with what would be right; what was written stays in the form."""
    before = house.position()
    wrong = {
        **ADOPTED,
        "occurred_on": "last week",
        "effect": "",
        "effective_from": "1 December",
        "source_url": "",
    }

    refused = alice.send(wrong)

    assert refused.status_code == 422
    assert "4 things are to be mended" in refused.text
    assert "2024-07-09" in fault_of(refused, "occurred_on")
    assert "missing" in fault_of(refused, "effect")
    assert "2024-07-09" in fault_of(refused, "effective_from")
    assert "missing" in fault_of(refused, "source_url")
    assert 'value="last week"' in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert house.position() == before


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"authority": "opnai"}, "authority", "Did you mean &#39;openai&#39;?"),
        ({"regions": "FR UK"}, "regions", "GB"),
        ({"services": "ap"}, "services", "api"),
        ({"effective_until": "2026-11-01"}, "effective_until", "runs backward"),
        ({"source_url": "javascript:alert(1)"}, "source_url", "http"),
        ({"source_url": "", "source_publisher": "", "source_kind": ""}, "source_url", "source"),
        ({"key": ""}, "key", "missing"),
        ({"title": "x" * 400}, "title", "300"),
        ({"effect": "conditional"}, "conditions", "condition"),
    ],
)
def test_what_the_domain_refuses_is_told_there_too(
    alice: Tab, changed: dict[str, str], field: str, words: str
) -> None:
    """Schemas and domain are those of the API: no rule stands in the form."""
    refused = alice.send({**ADOPTED, **changed})

    assert refused.status_code == 422
    assert words in fault_of(refused, field), refused.text


def test_markup_and_odd_text_are_text(alice: Tab) -> None:
    """In the form that comes back, and in the preview."""
    title = "<script>alert(1)</script> \"' & \u202eabc"

    shown = alice.send({**ADOPTED, "title": title})
    back = alice.send({**ADOPTED, "title": title, "effect": ""})

    for page in (shown, back):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text


def test_going_back_keeps_what_was_written(alice: Tab) -> None:
    """A preview is a look, not a trap."""
    conditional = {**ADOPTED, "effect": "conditional", "conditions": "one\r\ntwo"}
    form = hidden(alice.send(conditional))

    back = alice.client.post("/append", data={**form, "step": "edit"})

    assert back.status_code == 200
    assert 'value="OpenAI closes its API in France"' in back.text
    assert ">\none\r\ntwo</textarea>" in back.text


def test_a_change_meanwhile_is_shown_before_it_is_confirmed(house: House, alice: Tab) -> None:
    """What was shown is what is recorded: else it is shown anew."""
    shown = alice.send(ADOPTED)
    other = plain_event(
        "policy.adopted",
        stream="policy:closing-in-france",
        data={"directives": [directive("api", regions=["FR"], effective_from="2026-12-24")]},
    )
    assert house.post({"events": [other]}).status_code == 201
    before = house.position()

    again = alice.client.post("/append", data={**hidden(shown), "step": "confirm"})

    assert again.status_code == 422
    assert "policy:closing-in-france was changed meanwhile: it is at version 1" in again.text
    assert house.position() == before


def test_a_review_says_that_no_answer_changes(house: House, alice: Tab) -> None:
    """It moves the coverage alone."""
    slug = "openai-unsupported-regions-2024"
    shown = alice.send(
        {
            "type": "record.reviewed",
            "stream": slug,
            "occurred_on": "2026-11-25",
            "reviewed_on": "2026-11-25",
        }
    )

    assert "No answer changes" in shown.text
    assert alice.confirm(shown).status_code == 201
    assert house.json(f"/v1/policies/{slug}")["last_reviewed_on"] == "2026-11-25"


def test_a_policy_is_repealed_by_its_form(house: House, alice: Tab) -> None:
    """A slug and a reason; the keys may be left out."""
    assert alice.confirm(alice.send(ADOPTED)).status_code == 201
    form = {name: ADOPTED[name] for name in ADOPTED if name.startswith(("source", "auth"))}
    form |= {
        "type": "policy.repealed",
        "stream": "closing-in-france",
        "occurred_on": "2026-11-24",
        "title": "OpenAI opens France again",
        "effective_from": "2027-01-01",
        "reason": "The notice was withdrawn.",
    }

    done = alice.confirm(alice.send(form))

    assert done.status_code == 201, done.text
    found = house.json("/v1/access/openai/FR?service=api&as_of=2027-01-01")
    assert found["state"] != "blocked"


def test_a_correction_begins_with_the_event_as_it_was_recorded(house: House, alice: Tab) -> None:
    """The curator mends the JSON; the stream is that of the target."""
    alice.confirm(alice.send(ADOPTED))
    (item,) = house.json("/v1/events?stream=policy:closing-in-france")["items"]
    form = alice.get(f"/append?type=record.corrected&event={item['id']}")
    assert item["id"] in form.text
    assert "&#34;regions&#34;" in form.text
    mended = {
        name: value
        for name, value in item.items()
        if name not in ("position", "version", "recorded_at", "recorded_by", "schema_version")
    }
    mended["title"] = "OpenAI closes its API in Spain"
    mended["data"]["directives"][0]["scope"]["regions"] = ["ES"]
    correction = {
        "type": "record.corrected",
        "event": item["id"],
        "action": "amend",
        "reason": "We misread the notice.",
        "occurred_on": "2026-11-25",
        "replacement": json.dumps(mended, indent=1),
    }

    shown = alice.send(correction)

    assert "2 answers change" in shown.text
    assert alice.confirm(shown).status_code == 201
    assert house.json("/v1/access/openai/ES?service=api&as_of=2026-12-01")["state"] == "blocked"
    assert house.json("/v1/access/openai/FR?service=api&as_of=2026-12-01")["state"] != "blocked"


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"event": "nothing"}, "event", "has no event"),
        ({"event": ""}, "event", "missing"),
        ({"replacement": "{"}, "replacement", "no JSON"),
        ({"replacement": "[]"}, "replacement", "a whole event"),
        ({"replacement": ""}, "replacement", "replacement"),
    ],
)
def test_a_faulty_correction_is_told(
    house: House, alice: Tab, changed: dict[str, str], field: str, words: str
) -> None:
    """Beside the field, as everywhere."""
    (item,) = house.json("/v1/events?limit=1")["items"]
    correction = {
        "type": "record.corrected",
        "event": item["id"],
        "action": "amend",
        "reason": "We misread it.",
        "occurred_on": "2026-11-25",
        "replacement": "",
        **changed,
    }

    refused = alice.send(correction)

    assert refused.status_code == 422
    assert words in fault_of(refused, field), refused.text


@pytest.mark.parametrize("shape", ["one", "list", "body"])
def test_events_may_be_pasted_as_json(house: House, alice: Tab, shape: str) -> None:
    """One event, a list, or the body of an append: as they are at hand."""
    event = plain_event("context.noted", data={"topic": "patents"})
    batch = {"one": event, "list": [event], "body": {"events": [event]}}[shape]

    done = alice.confirm(alice.send({"type": "json", "batch": json.dumps(batch, indent=2)}))

    assert done.status_code == 201
    assert house.json(f"/v1/events/{event['id']}")["type"] == "context.noted"


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ("", "paste events"),
        ("{", "This is no JSON"),
        ("[" * 100_000, "nested"),
        ('{"events": [], "events": []}', "stands twice"),
        ('"\\ud800"', "surrogate"),
        ("[]", "give 1 to"),
        ('{"events": [{"type": "policy.adoptd"}]}', "policy.adopted"),
        ('{"events": [], "evnts": 1}', "evnts"),
    ],
)
def test_faulty_json_is_told_with_its_place(alice: Tab, batch: str, words: str) -> None:
    """Nothing that can be pasted breaks the page."""
    refused = alice.send({"type": "json", "batch": batch})

    assert refused.status_code == 422
    assert words in refused.text


@pytest.mark.parametrize("body", ["", "{", "[]", '{"events": [{}]}', '{"events": 5}'])
def test_a_body_that_comes_back_damaged_records_nothing(
    house: House, alice: Tab, body: str
) -> None:
    """Hidden fields are what a client sends, too."""
    form = hidden(alice.send(ADOPTED))
    before = house.position()

    refused = alice.client.post("/append", data={**form, "body": body, "step": "confirm"})

    assert refused.status_code == 422
    assert house.position() == before


def test_an_id_that_names_another_event_is_refused(house: House, alice: Tab) -> None:
    """As by the API."""
    (item,) = house.json("/v1/events?limit=1")["items"]
    event = plain_event("context.noted", id=item["id"], data={"topic": "patents"})

    refused = alice.send({"type": "json", "batch": json.dumps(event)})

    assert refused.status_code == 422
    assert "already holds another event" in refused.text


def test_appends_by_the_form_count_against_the_limit_of_the_key(database_url: str) -> None:
    """One limit for a key, however it is used."""
    limited = open_house(database_url, write_rate=2)
    opened = tab(limited, limited.alice)

    statuses = [opened.send(ADOPTED).status_code for _ in range(3)]

    assert statuses == [422, 422, 429]
    limited.close()


def test_an_append_by_the_form_is_counted_in_the_metrics(house: House, alice: Tab) -> None:
    """Whoever watches the log sees it grow, whichever way."""

    def appended() -> float:
        lines = house.get("/metrics").text.splitlines()
        return sum(float(one.split()[-1]) for one in lines if "appended" in one and one[0] != "#")

    before = appended()

    alice.confirm(alice.send(ADOPTED))

    assert appended() == before + 1


def test_a_database_that_fails_does_not_lose_the_form(house: House, alice: Tab) -> None:
    """Whether it was recorded is not known then: the same form again records it once."""
    form = hidden(alice.send(ADOPTED))
    wired = house.app.extensions["accessline.web"]
    standby = connect(house.url, read_only=True)

    house.app.extensions["accessline.web"] = replace(wired, database=standby)
    unsure = alice.client.post("/append", data={**form, "step": "confirm"})
    house.app.extensions["accessline.web"] = wired
    standby.dispose()

    assert unsure.status_code == 503
    assert "Confirm again" in unsure.text
    assert hidden(unsure)["idempotency_key"] == form["idempotency_key"]
    again = alice.client.post("/append", data={**hidden(unsure), "step": "confirm"})
    assert again.status_code == 201
