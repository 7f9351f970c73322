"""Reading quickly is reading: what it accepts, the schemas accept, as the same event."""

import json
import os
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.codec import event_to
from service.domain.events import Event
from service.schemas import quick, read_events
from service.schemas.faults import InvalidInput
from service.schemas.strict import MalformedJson, parse
from tests.api.house import seed_batches
from tests.builders import directive, plain_event, registry_events
from tests.domain.shapes import SHAPED

MADE = UUID("0192f3c4-0000-7000-8000-000000000001")
law = settings(
    max_examples=300, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)

strange = st.sampled_from(
    [
        *(None, True, 1, 1.5, 2**70, [], ["a"], [None], {}, {"a": 1}),
        *("", " ", "x", "é", "e\u0301", "two\nlines", "x" * 5000),
        *("2024", "2024-02-30", "1899-01-01", "2024-01-01T00:00:00Z"),
    ]
)


def _slowly(line: bytes) -> Event | None:
    try:
        (event,) = read_events([parse(line)], new_id=lambda: MADE, pointer="")
    except (InvalidInput, MalformedJson):
        return None
    return event


def _quickly(line: bytes) -> Event | None:
    return quick.read_event(quick.plain_line(line), lambda _: MADE)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Return the paths to every value within another."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, ...]] = []
    for step, below in inner:
        found.append((*path, step))
        if isinstance(below, dict | list):
            found.extend(_places(below, (*path, step)))
    return found


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an event with something in it replaced, left out or added."""
    plain: dict[str, Any] = json.loads(json.dumps(draw(SHAPED)))
    for _ in range(draw(st.integers(0, 2))):
        *path, last = draw(st.sampled_from(_places(plain)))
        inner: Any = plain
        for step in path:
            inner = inner[step] if isinstance(inner, dict | list) else {}
        if isinstance(inner, dict) and draw(st.booleans()):
            inner.pop(last, None)
            inner[draw(st.sampled_from(["unknown", "version", "id", "title"]))] = draw(strange)
        elif isinstance(inner, dict) or (isinstance(inner, list) and last < len(inner)):
            inner[last] = draw(strange)
    return plain


@law
@given(plain=changed(), wide=st.booleans())
def test_what_is_read_quickly_is_what_the_schemas_read(
    *, plain: dict[str, Any], wide: bool
) -> None:
    """Whatever is in doubt is left to them, so nobody is refused by one and not by the other."""
    given_by_log = {"position", "version", "schema_version", "recorded_at", "recorded_by"}
    line = json.dumps(plain, ensure_ascii=False, indent=1 if wide else None).encode()
    event = _quickly(line)
    if event is None:
        return
    told = {name: value for name, value in parse(line).items() if name not in given_by_log}

    assert _slowly(json.dumps(told).encode()) == event


def test_every_event_of_the_record_is_read_quickly() -> None:
    """Or the quick way would be none."""
    events = [event for batch in seed_batches() for event in batch]
    lines = [json.dumps(event, ensure_ascii=False, default=str).encode() for event in events]
    plain = [line for line in lines if b"\\" not in line and b"record.corrected" not in line]

    assert len(plain) > len(lines) * 0.8
    for line in plain:
        assert _quickly(line) == _slowly(line) is not None
    for event in registry_events():
        assert _quickly(json.dumps(event_to(event)).encode()) == event


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": null, "id": "x"}',
        b'{"a": [{"b": 1, "b": 1}]}',
        b'{"a": "\\u0061"}',
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a": "\xff"}',
        b"",
    ],
)
def test_a_line_that_may_be_read_in_two_ways_is_left_to_the_strict_reader(line: bytes) -> None:
    """RFC 7493: a key that stands twice means something else to every reader."""
    assert quick.plain_line(line) is None


@pytest.mark.parametrize("name", ["version", "position", "recorded_at"])
def test_what_the_log_gives_is_left_out_only_as_the_log_writes_it(name: str) -> None:
    """Anything else there is somebody's mistake, and is looked at closely."""
    plain = plain_event("policy.adopted", data={"directives": [directive()]})

    assert quick.read_event({**plain, name: [1]}, lambda _: MADE) is None


def test_an_event_without_an_id_gets_one() -> None:
    """Made from the rest of it, as the schemas have it made."""
    plain = plain_event("policy.adopted", data={"directives": [directive()]})
    del plain["id"]

    event = quick.read_event(plain, lambda rest: UUID(int=len(rest)))

    assert event is not None
    assert event.id == UUID(int=len(plain))
