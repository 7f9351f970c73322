"""Untrusted JSON to the domain's events: strict, complete, and every fault is told at once."""

from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from service.domain.codec import event_from
from service.domain.events import (
    TYPES,
    AccessObserved,
    Directive,
    Event,
    PolicyAdopted,
    RecordCorrected,
    Relation,
    Source,
)
from service.domain.scope import Scope
from service.schemas import EventSchema, data, read_batch, read_events
from service.schemas.events import MOST_NESTED, SCHEMAS
from service.schemas.faults import Fault, InvalidInput
from tests.api.house import seed_batches
from tests.builders import directive, plain_event

Json = dict[str, Any]

ID = "0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6"
MADE = UUID("0192f3c4-0000-7000-8000-000000000001")


def made() -> UUID:
    """Give every event without an id the same one."""
    return MADE


def adopted(**fields: Any) -> Json:  # noqa: ANN401 -- any field of the envelope
    """Return a good event as JSON, some of its fields replaced."""
    return plain_event("policy.adopted", data={"directives": [directive()]}) | fields


def with_directive(**fields: Any) -> Json:  # noqa: ANN401 -- any field of a directive
    """Return an event whose directive has these fields."""
    return adopted(data={"directives": [directive() | fields]})


def faults(*items: object) -> tuple[Fault, ...]:
    """Return what is wrong with a batch."""
    with pytest.raises(InvalidInput) as refused:
        read_events(list(items), new_id=made)
    return refused.value.errors


def fault(item: object) -> Fault:
    """Return the one thing that is wrong with an event."""
    [found] = faults(item)
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_a_schema_has_the_fields_of_what_it_makes(kind: str) -> None:
    """A field that only one of them had would be lost, or could never be sent."""
    fields = set(TYPES[kind].__struct_fields__)

    assert set(SCHEMAS[kind]().fields) == fields
    assert SCHEMAS[kind].makes is TYPES[kind]


@pytest.mark.parametrize(
    ("schema", "made_class"),
    [
        (data.DirectiveSchema, Directive),
        (data.ScopeSchema, Scope),
        (data.SourceSchema, Source),
        (data.RelationSchema, Relation),
    ],
)
def test_the_parts_have_the_fields_of_what_they_make(
    schema: type[data.Strict], made_class: type[Struct]
) -> None:
    """As for whole types."""
    fields = set(made_class.__struct_fields__)

    assert set(schema().fields) == fields


def test_the_envelope_has_the_fields_of_an_event_and_the_type() -> None:
    """The type is told by the class of the data, so an event has no field for it."""
    fields = set(Event.__struct_fields__)

    assert set(EventSchema().fields) == fields | {"type"}


def test_the_seeds_read_as_the_codec_reads_what_is_stored() -> None:
    """Two readers of one form: of what strangers send, and of what we stored."""
    for batch in seed_batches():
        assert read_events(batch, new_id=made) == tuple(map(event_from, batch))


def test_an_event_without_an_id_gets_one() -> None:
    """A client may make ids, to send the same event twice without recording it twice."""
    plain = adopted()
    del plain["id"]

    [event] = read_events([plain], new_id=made)

    assert event.id == MADE


def test_an_id_is_read_in_either_case() -> None:
    """RFC 9562, section 4: case does not matter, lower case is written."""
    [event] = read_events([adopted(id=ID.upper())], new_id=made)

    assert str(event.id) == ID


def test_null_means_what_leaving_out_means() -> None:
    """Most languages write what is absent as null."""
    absent = dict.fromkeys(("summary", "confidence", "relates_to", "binding", "instrument"))

    [with_nulls] = read_events([adopted(id=ID) | absent], new_id=made)
    [without] = read_events([adopted(id=ID)], new_id=made)

    assert with_nulls == without
    assert without.binding is True


def test_every_fault_of_a_batch_is_told_at_once() -> None:
    """Nobody should have to send a batch ten times to learn of ten faults."""
    told = faults(
        adopted(type="policy.adoptd", title=3),
        with_directive(effect="blockd", scope={"region": ["CN"]}, effective_from="2024-02-30"),
        "no event",
    )

    assert [one.pointer for one in told] == [
        "/events/0/type",
        "/events/0/title",
        "/events/1/data/directives/0/effect",
        "/events/1/data/directives/0/scope/region",
        "/events/1/data/directives/0/effective_from",
        "/events/2",
    ]
    assert [one.suggestion for one in told] == [
        "policy.adopted",
        None,
        "blocked",
        "regions",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("position", 1),
        ("version", 1),
        ("recorded_at", "2026-11-26T12:00:00Z"),
        ("recorded_by", "alice"),
        ("schema_version", 1),
        ("hash", "00"),
        ("__class__", "x"),
    ],
)
def test_what_the_log_gives_cannot_be_sent(name: str, value: object) -> None:
    """Nobody sets the place, the time or the author of an event (ASVS 15.3.3)."""
    told = fault(adopted() | {name: value})

    assert told.pointer == f"/events/0/{name}"
    assert "There is no field" in told.detail


@pytest.mark.parametrize(
    ("event", "pointer", "words"),
    [
        (adopted(binding=1), "/binding", "a number: give true or false"),
        (adopted(binding="true"), "/binding", "a text: give true or false"),
        (adopted(title=7), "/title", "a number: give a text"),
        (adopted(title=["x"]), "/title", "a list"),
        (adopted(title="   "), "/title", "empty"),
        (adopted(title="x" * 301), "/title", "301 characters; at most 300"),
        (adopted(title="NUL \x00"), "/title", "U+0000"),
        (adopted(title="right\u202eleft"), "/title", "U+202E, a bidirectional control"),
        (adopted(title="zero\u200bwidth"), "/title", "zero-width"),
        (adopted(title="two\nlines"), "/title", "U+000A"),
        (adopted(title="e\u0301"), "/title", "NFC"),
        (adopted(title="\ud800"), "/title", "surrogate"),
        (adopted(summary="x" * 4001), "/summary", "at most 4,000"),
        (adopted(id="1"), "/id", "no UUID"),
        (adopted(id=1), "/id", "a number: give a UUID"),
        (adopted(id="{" + ID + "}"), "/id", "no UUID"),
        (adopted(id=ID.replace("-", "")), "/id", "no UUID"),
        (adopted(instrument="laws"), "/instrument", "one of provider_policy, law"),
        (adopted(confidence="HIGH"), "/confidence", "one of high, medium, low"),
        (adopted(occurred_on="2024-06-24T12:00:00"), "/occurred_on", "no offset"),
        (adopted(occurred_on="20240624"), "/occurred_on", "no date"),
        (adopted(occurred_on="2023-02-29"), "/occurred_on", "not a day of the calendar"),
        (adopted(occurred_on="0001-01-01T00:00:00+14:00"), "/occurred_on", "1900 to 2200"),
        (adopted(occurred_on="9999-12-31T23:59:59-14:00"), "/occurred_on", "1900 to 2200"),
        (adopted(occurred_on=1719187200), "/occurred_on", "a number"),
        (adopted(occurred_on=None), "/occurred_on", "cannot be null"),
        (adopted(sources={}), "/sources", "an object: give a list"),
        (adopted(sources="x"), "/sources", "a text: give a list"),
        (adopted(sources=[None]), "/sources/0", "cannot be null"),
        (adopted(sources=[{"url": "x", "kind": "press"}]), "/sources/0/publisher", "missing"),
        (
            adopted(sources=[{"url": "x", "publisher": "x", "kind": "press", "sha256": "A" * 64}]),
            "/sources/0/sha256",
            "64 lower-case",
        ),
        (
            adopted(
                sources=[
                    {
                        "url": "x",
                        "publisher": "x",
                        "kind": "press",
                        "published_on": "2024-06-24T00:00:00Z",
                    }
                ]
            ),
            "/sources/0/published_on",
            "an instant: give a date",
        ),
        (adopted(relates_to=[{"rel": "x", "stream": "nothing"}]), "/relates_to/0/stream", "stream"),
        (adopted(data=[]), "/data", "no object"),
        (adopted(data=None), "/data", "cannot be null"),
        (adopted(data={}), "/data/directives", "missing"),
        (adopted(data={"directives": {}}), "/data/directives", "an object: give a list"),
        (adopted(data={"directives": [directive()] * 1001}), "/data/directives", "at most 1,000"),
        (with_directive(enforced="no"), "/data/directives/0/enforced", "true or false"),
        (with_directive(key=5), "/data/directives/0/key", "a number"),
        (with_directive(conditions="x"), "/data/directives/0/conditions", "give a list"),
        (with_directive(conditions=["x" * 501]), "/data/directives/0/conditions/0", "at most 500"),
        (with_directive(effective_from="2024-07"), "/data/directives/0/effective_from", "a month"),
        (with_directive(effective_from=2024.5), "/data/directives/0/effective_from", "a number"),
        (with_directive(scope=[]), "/data/directives/0/scope", "no object"),
        (
            with_directive(scope={"regions": "CN"}),
            "/data/directives/0/scope/regions",
            "a text: give a list",
        ),
        (
            with_directive(scope={"regions": [156]}),
            "/data/directives/0/scope/regions/0",
            "a number",
        ),
        (adopted(type=["policy.adopted"]), "/type", "a list"),
        (adopted(type=None), "/type", "cannot be null"),
        (dict.fromkeys(map(str, range(100))), "", "it can have 13"),
    ],
)
def test_nothing_is_guessed_or_converted(event: Json, pointer: str, words: str) -> None:
    """Every value has one type and one form; a refusal shows it."""
    told = fault(event)

    assert told.pointer == f"/events/0{pointer}"
    assert words in told.detail


@pytest.mark.parametrize("items", [None, {}, "x", 5, True])
def test_a_batch_is_a_list(items: object) -> None:
    """Even of one event."""
    with pytest.raises(InvalidInput, match="give a list of events"):
        read_events(items, new_id=made)


@pytest.mark.parametrize("number", [0, 4])
def test_a_batch_has_bounds(number: int) -> None:
    """None is a mistake, and too many hold the log's lock for too long."""
    with pytest.raises(InvalidInput, match="give 1 to 3 in one batch"):
        read_events([adopted()] * number, new_id=made, most=3)


def test_an_id_names_one_event_of_a_batch() -> None:
    """In either case of its letters."""
    [told] = faults(adopted(id=ID), adopted(id=ID.upper()))

    assert told.pointer == "/events/1/id"
    assert "event 0" in told.detail


def correction(**fields: Any) -> Json:  # noqa: ANN401 -- any field of the data
    """Return a correction as JSON."""
    given = {"event": ID, "action": "amend", "reason": "we misread it"} | fields
    return plain_event("record.corrected", stream="policy:rules", data=given)


def test_a_replacement_takes_the_id_of_its_target() -> None:
    """It stands in its place, so it need not repeat the id."""
    whole = adopted()
    del whole["id"]

    [event] = read_events([correction(replacement=whole)], new_id=made)

    assert isinstance(event.data, RecordCorrected)
    assert event.data.replacement is not None
    assert str(event.data.replacement.id) == ID


def test_a_fault_in_a_replacement_is_told_where_it_stands() -> None:
    """With the whole way down to it."""
    told = fault(correction(replacement=with_directive(effect="closed")))

    assert told.pointer == "/events/0/data/replacement/data/directives/0/effect"


def test_replacements_do_not_nest_for_ever() -> None:
    """A correction of a correction is real; ninety of them are an attack."""
    item = adopted()
    for _ in range(MOST_NESTED):
        item = correction(replacement=item)
    read_events([item], new_id=made)

    told = fault(correction(replacement=item))

    assert "within replacements" in told.detail


def test_a_scope_left_out_means_everything() -> None:
    """A list left out is everything of its dimension."""
    plain = adopted(data={"directives": [{"key": "all", "effect": "available"}]})

    [event] = read_events([plain], new_id=made)

    assert isinstance(event.data, PolicyAdopted)
    assert event.data.directives[0].scope == Scope()


def test_an_observation_needs_what_was_seen_and_how() -> None:
    """A measurement that does not say how it was made cannot be weighed."""
    told = faults(plain_event("access.observed", data={"scope": {"regions": ["CN"]}}))

    assert [one.pointer for one in told] == ["/events/0/data/state", "/events/0/data/method"]
    assert AccessObserved in TYPES.values()


def test_nonsense_is_answered_briefly() -> None:
    """An answer about nonsense must not be larger than the nonsense, nor take for ever."""
    junk = {"type": "context.noted", "data": dict.fromkeys(map(str, range(90)))}

    told = faults(*([junk] * 1000))

    assert len(told) == 1000


def batch_faults(body: object) -> list[str | None]:
    """Return where a whole body is wrong."""
    with pytest.raises(InvalidInput) as refused:
        read_batch(body, new_id=made, most=10)
    return [one.pointer for one in refused.value.errors]


def test_a_body_holds_events_and_expected_versions_and_nothing_else() -> None:
    """A misspelt member must not be ignored: it would switch a check off."""
    assert batch_faults({"events": [adopted()], "expected_version": {}}) == ["/expected_version"]
    assert batch_faults({}) == ["/events"]
    assert batch_faults([]) == [""]
    assert batch_faults("x") == [""]


@pytest.mark.parametrize(
    ("versions", "pointer"),
    [
        ({"policy:x": "1"}, "/expected_versions/policy:x"),
        ({"policy:x": True}, "/expected_versions/policy:x"),
        ({"policy:x": 1.0}, "/expected_versions/policy:x"),
        ({"policy:x": -1}, "/expected_versions/policy:x"),
        ({"policy:x": 2**63}, "/expected_versions/policy:x"),
        ({"registry:service/a/b": None}, "/expected_versions/registry:service~1a~1b"),
        ({"policy:\x00": 1}, "/expected_versions/policy:\x00"),
        ([], "/expected_versions"),
        ({str(number): 1 for number in range(11)}, "/expected_versions"),
    ],
)
def test_an_expected_version_is_a_whole_number(versions: object, pointer: str) -> None:
    """Nothing is converted here either."""
    body = {"events": [adopted()], "expected_versions": versions}

    assert batch_faults(body) == [pointer]


def test_a_good_body_is_read() -> None:
    """Zero means that the stream must be new."""
    found = read_batch(
        {"events": [adopted()], "expected_versions": {"policy:rules": 0}}, new_id=made, most=10
    )

    assert len(found.events) == 1
    assert found.expected_versions == {"policy:rules": 0}
