"""Events as plain data and back; ``test_laws`` adds that every type makes the round trip."""

import json
import os
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from service.domain import codec
from service.domain.codec import (
    answer_bytes,
    event_from,
    event_to,
    plain,
    read_recorded,
    recorded_from,
    recorded_to,
)
from service.domain.errors import BadTimeError
from service.domain.events import NAMES, TYPES, PolicyProposed, Recorded
from service.domain.times import When
from service.evidence.canonical import canonical_bytes
from service.store.codec import encode
from tests.builders import corrected, directive, event, log, plain_event
from tests.domain.shapes import SHAPED

law = settings(
    max_examples=300, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)
strange: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 1, 1.5, [], ["a"], {}, "", "x", "2024", "2024-02-30", "é"]
)


def test_an_event_is_written_as_a_client_sends_it() -> None:
    """The type is its stable word, and what is absent is left out."""
    given = plain_event("policy.withdrawn", data={"reason": "a new draft"})

    assert event_to(event_from(given)) == {
        **given,
        "binding": True,
        "relates_to": [],
    }


def test_both_bounds_of_a_directive_are_always_written() -> None:
    """A null there means something: not yet dated, and without end."""
    written = event_to(event("policy.adopted", data={"directives": [directive()]}))

    (only,) = written["data"]["directives"]
    assert only["effective_from"] is None
    assert only["effective_until"] is None
    assert "implemented_by" not in only


def test_the_date_that_a_postponement_takes_away_is_written() -> None:
    """Null says that nobody knows any more when it begins."""
    assert event_to(event("policy.scheduled"))["data"] == {"effective_from": None}


def test_what_was_expected_may_be_a_month_or_a_year() -> None:
    """An intention is seldom more exact; a bound always is."""
    proposed = event("policy.proposed", data={"expected_on": "2027"})

    assert isinstance(proposed.data, PolicyProposed)
    assert proposed.data.expected_on is not None
    assert proposed.data.expected_on.day == date(2027, 12, 31)
    assert event_to(proposed)["data"]["expected_on"] == "2027"
    assert event("policy.announced").data != proposed.data


def test_a_bound_is_never_a_month() -> None:
    """It would be a different day for every reader."""
    dated = {"directives": [directive(effective_from="2024-07")]}

    with pytest.raises(BadTimeError, match="a day is needed"):
        event("policy.adopted", data=dated)


def test_what_has_not_the_shape_of_its_type_is_refused() -> None:
    """A number is no date, and a word that nobody defined is no effect."""
    for data in ({"effective_from": 20240709}, {"directives": "api"}):
        with pytest.raises(msgspec.ValidationError):
            event("policy.scheduled", data=data)
    with pytest.raises(msgspec.ValidationError):
        event("policy.adopted", data={"directives": [directive("api", "closed")]})


def test_an_answer_has_one_form_in_bytes() -> None:
    """The same answer gives the same bytes for ever: fields in their order, null where absent."""
    bound, recorded_at = When.bound("2024-07-09"), datetime(2026, 11, 22, 12, tzinfo=UTC)
    answer = {"until": bound, "since": None, "at": recorded_at, "é": ("a",)}

    assert answer_bytes(answer).decode() == (
        '{"until":"2024-07-09","since":null,"at":"2026-11-22T12:00:00.000000Z","é":["a"]}'
    )
    assert answer_bytes({"a": 1}, indent=True) == b'{\n  "a": 1\n}'


def test_a_replacement_is_written_whole_inside_of_its_correction() -> None:
    """So the correction alone tells what stands."""
    wrong = event("context.noted", data={"topic": "wrong"})
    right = event("context.noted", data={"topic": "right"})

    written = event_to(corrected(wrong, right))

    assert written["data"]["replacement"]["data"]["topic"] == "right"
    assert written["data"]["replacement"]["id"] == str(wrong.id)
    assert event_from(written) == event_from(event_to(event_from(written)))


def test_the_bytes_hold_everything_but_the_position() -> None:
    """The same event has the same bytes wherever its stream is replayed."""
    (recorded,) = log(event("context.noted", data={"topic": "patents"}))

    written = recorded_to(recorded)

    assert {name: written[name] for name in ("version", "recorded_at", "recorded_by")} == {
        "version": 1,
        "recorded_at": "2026-11-22T12:01:00.000000Z",
        "recorded_by": "alice",
    }
    assert written["schema_version"] == 1
    assert "position" not in written
    assert recorded_from(written, recorded.position) == recorded


def test_an_old_schema_version_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored bytes never change; they are understood when they are read."""
    (recorded,) = log(event("context.noted", data={"topic": "patents"}))
    old = {**recorded_to(recorded), "schema_version": -1}
    old["data"] = {"about": "patents"}
    lifts = {
        ("context.noted", -1): lambda it: {
            **it,
            "data": {"subject": it["data"]["about"]},
            "schema_version": 0,
        },
        ("context.noted", 0): lambda it: {
            **it,
            "data": {"topic": it["data"]["subject"]},
            "schema_version": 1,
        },
    }
    monkeypatch.setattr(codec, "UPCASTS", lifts)

    assert recorded_from(old, 1) == recorded
    assert read_recorded(json.dumps(old).encode(), 1) == recorded


@st.composite
def stored(draw: st.DrawFn) -> bytes:
    """Draw the bytes of an event, now and then with something in them that should not be."""
    (recorded,) = log(event_from(draw(SHAPED)))
    told = recorded_to(recorded)
    for inner in (told, told["data"], *told["sources"]):
        if inner and draw(st.integers(0, 4)) == 0:
            name = draw(st.sampled_from([*sorted(inner), "unknown"]))
            if draw(st.booleans()):
                inner.pop(name, None)
            else:
                inner[name] = draw(strange)
    return json.dumps(told).encode()


def _read(read: Any, *given_: Any) -> Recorded | str:  # noqa: ANN401 -- either reader
    try:
        recorded: Recorded = read(*given_)
    except Exception as error:  # noqa: BLE001 -- whatever the other raises as well
        return repr(error)
    return recorded


@law
@given(stored())
def test_bytes_are_read_as_their_plain_form_is(body: bytes) -> None:
    """Quickly, and neither more nor less of them; what is refused has the same words."""
    assert _read(read_recorded, body, 7) == _read(recorded_from, json.loads(body), 7)


@law
@given(SHAPED)
def test_the_bytes_that_are_stored_are_those_of_the_plain_form(shaped: dict[str, Any]) -> None:
    """Made in one go, and the same as if each value had been looked at."""
    (recorded,) = log(event_from(shaped))

    assert encode(recorded).body == canonical_bytes(recorded_to(recorded))


def _whole(part: object, told: Any) -> bool:  # noqa: ANN401 -- any JSON
    """Tell whether all but nulls is written, and of those only what says something."""
    if isinstance(part, tuple):
        return all(_whole(*pair) for pair in zip(part, told, strict=True))
    if not isinstance(part, Struct):
        return told is not None
    said = {name for name in part.__struct_fields__ if getattr(part, name) is not None}
    nulls = {name for name, value in told.items() if value is None}
    return nulls <= {"effective_from", "effective_until"} and all(
        _whole(getattr(part, name), told[name]) for name in said
    )


@law
@given(SHAPED)
def test_what_is_there_is_written(shaped: dict[str, Any]) -> None:
    """Defaults too: whoever reads the bytes need not know what was left out."""
    given_event = event_from(shaped)

    assert _whole(given_event, event_to(given_event))


def test_every_type_has_one_word_of_its_own() -> None:
    """A class may be renamed; its word is stored for ever."""
    assert len(NAMES) == len(TYPES) == 17
    assert all(TYPES[word] is kind for kind, word in NAMES.items())


def test_a_type_that_is_none_of_ours_is_refused() -> None:
    """It is not guessed."""
    with pytest.raises(KeyError):
        event("policy.changed")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("text", "text"),
        (date(2024, 7, 9), "2024-07-09"),
        (datetime(2024, 7, 9, 8, tzinfo=UTC), "2024-07-09T08:00:00.000000Z"),
        (When.bound("2024-07-09"), "2024-07-09"),
        ((1, [2]), [1, [2]]),
        ({"a": When.bound("2024-07-09")}, {"a": "2024-07-09"}),
    ],
)
def test_any_value_of_the_domain_has_a_plain_form(value: object, expected: object) -> None:
    """Answers are written by the same function as events."""
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_an_event_and_its_recording_have_a_plain_form_too() -> None:
    """The plain form of an event has its type's word."""
    (recorded,) = log(event("context.noted", data={"topic": "patents"}))

    assert plain(recorded.event)["type"] == "context.noted"
    assert isinstance(recorded, Recorded)
    assert plain(recorded)["event"] == event_to(recorded.event)
