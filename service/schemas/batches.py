"""The body of an append: a batch of events, and where its streams are expected to be."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from service.domain.codec import event_to
from service.domain.errors import nearest
from service.domain.events import Event
from service.evidence.canonical import MAX_INTEGER, CanonicalError, canonical_bytes, text_fault
from service.schemas.events import read_events
from service.schemas.faults import MOST_FAULTS, Fault, InvalidInput, pointer_of
from service.schemas.fields import kind_of

MEMBERS: Final = ("events", "expected_versions")
MAX_STREAM: Final = 300
ROOMY: Final = 5_000
"""Bytes of a body in which no event can exceed its canonical size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInput:
    """What a body asks for."""

    events: tuple[Event, ...]
    expected_versions: Mapping[str, int]


def read_batch(body: object, *, new_id: Callable[[], UUID], most: int) -> BatchInput:
    """Read the body of an append.

    Args:
        body: Plain data: ``{"events": [...], "expected_versions": {...}}`` and nothing else.
        new_id: Makes the id of an event that has none.
        most: Events at most.

    Raises:
        InvalidInput: With every fault of the body.
    """
    if not isinstance(body, dict):
        detail = f'The body is {kind_of(body)}: give an object such as {{"events": […]}}.'
        raise InvalidInput([Fault(pointer="", detail=detail)])
    faults = list(_unknown_members(body))
    expected = body.get("expected_versions")
    faults.extend(_version_faults(expected, most))
    events: tuple[Event, ...] = ()
    if "events" not in body:
        faults.append(Fault(pointer="/events", detail="This field is missing: give the events."))
    else:
        try:
            events = read_events(body["events"], new_id=new_id, most=most)
        except InvalidInput as error:
            faults.extend(error.errors)
    if faults:
        raise InvalidInput(faults[:MOST_FAULTS])
    return BatchInput(events=events, expected_versions=expected or {})


def check_sizes(events: tuple[Event, ...]) -> None:
    """Find events that are too large before the log's lock is taken.

    Raises:
        InvalidInput: With every one of them.
    """
    faults = []
    for index, event in enumerate(events):
        try:
            canonical_bytes(event_to(event))
        except CanonicalError as error:
            faults.append(Fault(pointer=f"/events/{index}", detail=str(error)))
    if faults:
        raise InvalidInput(faults)


def _unknown_members(body: Mapping[str, Any]) -> Iterator[Fault]:
    unknown = [name for name in body if name not in MEMBERS]
    for name in unknown[:20]:
        near = nearest(name[:100], MEMBERS)
        detail = f"There is no field {name[:40]!a} here; there are {' and '.join(MEMBERS)}."
        yield Fault(pointer=pointer_of((name,)), detail=detail, suggestion=near)


def _version_faults(expected: object, most: int) -> Iterator[Fault]:
    if expected is None:
        return
    if not isinstance(expected, dict) or len(expected) > most:
        detail = f"Give an object with the versions of at most {most:,} streams, by their names."
        yield Fault(pointer="/expected_versions", detail=detail)
        return
    for stream, version in expected.items():
        pointer = pointer_of(("expected_versions", stream))
        if len(stream) > MAX_STREAM or text_fault(stream) is not None:
            detail = "This is no stream: write it like 'policy:openai-api-block-2024'."
            yield Fault(pointer=pointer, detail=detail)
        if type(version) is not int or not 0 <= version <= MAX_INTEGER:
            detail = "Give the stream's version, a whole number; 0 where it must be new."
            yield Fault(pointer=pointer, detail=detail)
