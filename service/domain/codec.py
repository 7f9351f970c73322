"""Events to plain data and back, under stable names and schema versions.

``event_to`` gives what a client sends (DESIGN, section 3); ``recorded_to`` adds what the log gave,
except the position, which is not part of the bytes: the same event has the same bytes wherever
its stream is replayed. What is absent is left out, but both bounds of a directive are always
written, since a null there means something.

An old schema version is lifted by ``UPCASTS`` when it is read; stored bytes never change.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache, lru_cache, partial
from typing import Any
from uuid import UUID

import msgspec
import orjson

from service.domain.events import (
    TYPES,
    Confidence,
    CorrectionAction,
    Directive,
    Event,
    EventData,
    Instrument,
    PolicyAnnounced,
    PolicyProposed,
    PolicyScheduled,
    RecordCorrected,
    Recorded,
    Relation,
    Source,
)
from service.domain.times import When

SCHEMA_VERSION = 1

Plain = dict[str, Any]

UPCASTS: dict[tuple[str, int], Callable[[Plain], Plain]] = {}
"""(type, schema version) to the function that lifts plain data by one version."""

_NULL_MEANS: dict[type, frozenset[str]] = {
    Directive: frozenset({"effective_from", "effective_until"}),
    PolicyScheduled: frozenset({"effective_from"}),
}


def event_to(event: Event) -> Plain:
    """Return the event as plain data, its type's word included."""
    plain: Plain = {"id": str(event.id), "type": event.type}
    plain.update(_plain_fields(event, skip="id"))
    return plain


def event_from(plain: Mapping[str, Any]) -> Event:
    """Return the event of plain data whose shape was checked before.

    Raises:
        KeyError: The type is none of ours.
        msgspec.ValidationError: The shape is wrong.
        BadTimeError: A time is none.
    """
    return Event(
        id=UUID(plain["id"]),
        stream=plain["stream"],
        occurred_on=_occurrence(plain["occurred_on"]),
        data=_data_from(TYPES[plain["type"]], plain["data"]),
        authority=plain.get("authority"),
        title=plain.get("title"),
        summary=plain.get("summary"),
        instrument=_convert(plain.get("instrument"), Instrument | None),
        binding=plain.get("binding", True),
        confidence=_convert(plain.get("confidence"), Confidence | None),
        relates_to=_convert(plain.get("relates_to", ()), tuple[Relation, ...]),
        sources=_convert(plain.get("sources", ()), tuple[Source, ...]),
    )


# A log names few days, each of them very often.
_bound = lru_cache(maxsize=8192)(When.bound)
_occurrence = lru_cache(maxsize=8192)(partial(When.occurrence, path=("occurred_on",)))


def _data_from(kind: type[EventData], plain: Mapping[str, Any]) -> EventData:
    if kind is RecordCorrected:
        replacement = plain.get("replacement")
        return RecordCorrected(
            event=UUID(plain["event"]),
            action=CorrectionAction(plain["action"]),
            reason=plain["reason"],
            replacement=None if replacement is None else event_from(replacement),
        )
    data = dict(plain)
    expected_on = data.pop("expected_on", None)
    read: EventData = _convert(data, kind)
    if expected_on is not None and isinstance(read, PolicyAnnounced | PolicyProposed):
        expected = When.occurrence(expected_on, path=("data", "expected_on"))
        return replace(read, expected_on=expected)
    return read


def _convert(value: object, kind: Any) -> Any:  # noqa: ANN401 a type or a union of types
    return msgspec.convert(value, kind, dec_hook=_hook)


def _hook(kind: type, value: object) -> object:
    if kind is When and isinstance(value, str):
        return _bound(value)
    message = f"{value!r} is not a {kind.__name__}"
    raise TypeError(message)


def recorded_to(recorded: Recorded) -> Plain:
    """Return the plain data of which the canonical bytes are made."""
    return {
        **event_to(recorded.event),
        "schema_version": recorded.schema_version,
        "version": recorded.version,
        "recorded_at": instant_text(recorded.recorded_at),
        "recorded_by": recorded.recorded_by,
    }


def recorded_from(plain: Mapping[str, Any], position: int) -> Recorded:
    """Return the recorded event of stored plain data, lifted to the current schema version."""
    lifted = dict(plain)
    while (lift := UPCASTS.get((lifted["type"], lifted["schema_version"]))) is not None:
        lifted = lift(lifted)
    return Recorded(
        event=event_from(lifted),
        position=position,
        version=lifted["version"],
        recorded_at=instant_from(lifted["recorded_at"]),
        recorded_by=lifted["recorded_by"],
        schema_version=lifted["schema_version"],
    )


def instant_text(instant: datetime) -> str:
    """Return a recorded instant with microseconds, in UTC.

    >>> instant_text(datetime(2026, 11, 22, 12, tzinfo=UTC))
    '2026-11-22T12:00:00.000000Z'
    """
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant_from(text: str) -> datetime:
    """Read what ``instant_text`` wrote."""
    return datetime.fromisoformat(text)


def answer_bytes(value: object, *, indent: bool = False) -> bytes:
    """Return an answer as JSON: fields in their order, null where something is absent.

    The same answer gives the same bytes for ever, so every text in it has one form: instants of
    the record in UTC with microseconds, bounds as they were set.
    """
    options = orjson.OPT_PASSTHROUGH_DATETIME | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, default=plain, option=options)


def plain(value: object) -> Any:  # noqa: ANN401, C901, PLR0911 one case for each kind of value
    """Return any domain value as plain data: dicts, lists, texts, numbers, booleans, None."""
    kind = type(value)
    if kind is str or kind is bool:
        return value
    if kind is When:
        return value.text  # type: ignore[attr-defined]
    if kind is tuple:
        return [plain(one) for one in value]  # type: ignore[attr-defined]
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, Event):
        return event_to(value)
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    return _plain_fields(value)


def _plain_fields(value: object, skip: str = "") -> Plain:
    found: Plain = {}
    kind: Any = type(value)
    for name, null_means in _fields_of(kind):
        content = getattr(value, name)
        if type(content) is str:
            found[name] = content
        elif name != skip and (content is not None or null_means):
            found[name] = plain(content)
    return found


@cache
def _fields_of(kind: type) -> tuple[tuple[str, bool], ...]:
    """Return the names of a class's fields, each with whether a null there means something."""
    assert is_dataclass(kind), kind  # noqa: S101 a fault of ours, never of an input
    null_means = _NULL_MEANS.get(kind, frozenset())
    return tuple((one.name, one.name in null_means) for one in fields(kind))
