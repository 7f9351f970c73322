"""Events to plain data and back, under stable names and schema versions.

``event_to`` gives what a client sends (DESIGN, section 3); ``recorded_to`` adds what the log gave,
except the position, which is not part of the bytes: the same event has the same bytes wherever
its stream is replayed. What is absent is left out, but both bounds of a directive are always
written, since a null there means something.

What is stored is read straight into the domain's classes, and written without a plain form in
between; ``event_from`` and ``recorded_to`` say what that must come to, and a property test holds
both to it. An old schema version is lifted by ``UPCASTS`` when it is read; stored bytes never
change.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache, partial, reduce
from operator import or_
from typing import Any, Final
from uuid import UUID

import msgspec
import orjson
from msgspec import Struct
from msgspec.structs import asdict, replace

from service.domain.errors import BadTimeError
from service.domain.events import (
    TYPES,
    Confidence,
    CorrectionAction,
    Event,
    EventData,
    Instrument,
    PolicyAnnounced,
    PolicyProposed,
    RecordCorrected,
    Recorded,
    Registered,
    Relation,
    Source,
)
from service.domain.times import When

SCHEMA_VERSION = 1

Plain = dict[str, Any]

UPCASTS: dict[tuple[str, int], Callable[[Plain], Plain]] = {}
"""(type, schema version) to the function that lifts plain data by one version."""

_WRITING: Final = msgspec.json.Encoder(enc_hook=str)


def event_to(event: Event) -> Plain:
    """Return the event as plain data, its type's word included."""
    return _all_plain(_outline(event))


def _all_plain(told: Plain) -> Plain:
    made: Plain = msgspec.json.decode(_WRITING.encode(told))
    return made


def _outline(event: Event) -> Plain:
    """Return what is said, by field; the classes of parts know what they leave out."""
    told = {name: one for name, one in asdict(event).items() if one is not None}
    return {"id": event.id, "type": event.type, **told, "data": _data_outline(event.data)}


def _data_outline(data: EventData) -> EventData | Plain:
    match data:
        case RecordCorrected(replacement=Event() as replacement):
            return {**asdict(data), "replacement": _outline(replacement)}
        case Registered() | RecordCorrected():
            return {name: one for name, one in asdict(data).items() if one is not None}
        case _:
            return data


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
    return _all_plain(outline(recorded))


def outline(recorded: Recorded) -> Plain:
    """Return the same before its parts are plain: msgspec writes them as they have to be."""
    return {
        **_outline(recorded.event),
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


class _Stored(Struct, kw_only=True, gc=False):
    """A recorded event as its bytes have it; there is one class for each type of event."""

    id: UUID
    stream: str
    occurred_on: str
    data: Any
    version: int
    schema_version: int
    recorded_at: datetime
    recorded_by: str
    authority: str | None = None
    title: str | None = None
    summary: str | None = None
    instrument: Instrument | None = None
    binding: bool = True
    confidence: Confidence | None = None
    relates_to: tuple[Relation, ...] = ()
    sources: tuple[Source, ...] = ()


def _stored(name: str, data: type[EventData]) -> Any:  # noqa: ANN401 a type
    return msgspec.defstruct(
        data.__name__, [("data", data)], bases=(_Stored,), kw_only=True, tag_field="type", tag=name
    )


# What a correction puts in place is an event of any type: only the plain form tells of which.
_STORED: Final = msgspec.json.Decoder[_Stored](
    reduce(or_, (_stored(*one) for one in TYPES.items() if one[1] is not RecordCorrected)),
    dec_hook=_hook,
)


def read_recorded(body: bytes, position: int) -> Recorded:
    """Return the recorded event of its bytes.

    Raises:
        orjson.JSONDecodeError: They are no JSON.
        Exception: As ``recorded_from`` does.
    """
    try:
        stored = _STORED.decode(body)
        occurred_on = _occurrence(stored.occurred_on)
    except (msgspec.MsgspecError, BadTimeError):
        # A correction, what is expected in a month that is not dated, or what cannot be read.
        return recorded_from(orjson.loads(body), position)
    event = Event(
        id=stored.id,
        stream=stored.stream,
        occurred_on=occurred_on,
        data=stored.data,
        authority=stored.authority,
        title=stored.title,
        summary=stored.summary,
        instrument=stored.instrument,
        binding=stored.binding,
        confidence=stored.confidence,
        relates_to=stored.relates_to,
        sources=stored.sources,
    )
    if (event.type, stored.schema_version) in UPCASTS:
        return recorded_from(orjson.loads(body), position)
    return Recorded(
        event=event,
        position=position,
        version=stored.version,
        recorded_at=stored.recorded_at,
        recorded_by=stored.recorded_by,
        schema_version=stored.schema_version,
    )


def instant_text(instant: datetime) -> str:
    """Return a recorded instant with microseconds, in UTC.

    >>> instant_text(datetime(2026, 11, 22, 12, tzinfo=UTC))
    '2026-11-22T12:00:00.000000Z'
    """
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant_from(text: str) -> datetime:
    """Read what ``instant_text`` wrote."""
    return datetime.fromisoformat(text)


def answer_bytes(value: object, *, indent: bool = False) -> bytes:
    """Return an answer as JSON: fields in their order, null where something is absent.

    The same answer gives the same bytes for ever, so every text in it has one form: instants of
    the record in UTC with microseconds, bounds as they were set.
    """
    options = orjson.OPT_PASSTHROUGH_DATETIME | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, default=_shown, option=options)


def _shown(value: object) -> Any:  # noqa: ANN401 whatever orjson goes on with
    return asdict(value) if isinstance(value, Struct) else plain(value)


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


def _plain_fields(value: object) -> Plain:
    told = ((name, getattr(value, name)) for name in _names_of(type(value)))
    return {name: plain(one) for name, one in told if one is not None}


def _names_of(kind: type) -> tuple[str, ...]:
    if issubclass(kind, Struct):
        return kind.__struct_fields__
    assert is_dataclass(kind), kind  # noqa: S101 a fault of ours, never of an input
    return tuple(one.name for one in fields(kind))
