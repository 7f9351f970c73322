"""The envelope of an event, and how a batch of them is read.

``read_events`` is the one way from untrusted JSON (or TOML) to the domain's events. It collects
every fault of the whole batch; nothing of a faulty batch is returned.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final
from uuid import UUID

from marshmallow import ValidationError, post_load
from marshmallow.exceptions import SCHEMA

from service.domain.errors import Path
from service.domain.events import (
    Confidence,
    CorrectionAction,
    Event,
    EventData,
    Instrument,
    RecordCorrected,
)
from service.schemas import data as of_type
from service.schemas.data import (
    NAME,
    REASON,
    RelationSchema,
    SourceSchema,
    Strict,
    TypeField,
    objects,
)
from service.schemas.faults import MOST_FAULTS, Fault, InvalidInput, pointer_of
from service.schemas.fields import (
    Expecting,
    FlagField,
    IdField,
    OccurrenceField,
    TextField,
    WordField,
    kind_of,
    refuse,
    uuid_of,
)

MOST_EVENTS: Final = 1_000
"""Events in one batch at most, where nothing else is configured."""

MOST_NESTED: Final = 8
"""Replacements within replacements at most: corrections of corrections of corrections."""

_NOBODY: Final = UUID(int=0)


class DataField(Expecting[EventData]):
    """The ``data`` of an event, read by the schema of its type."""

    expected = "an object with the fields of this type of event"

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,  # noqa: ARG002
        data: Mapping[str, Any] | None,
        **_: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 -- one of the union
        kind = (data or {}).get("type")
        schema = SCHEMAS.get(kind) if isinstance(kind, str) else None
        # An unknown type is reported where it stands.
        return None if schema is None else _instance(schema).load(value)


class ReplacementField(Expecting[Event]):
    """A whole event that stands in place of a correction's target, under the target's id."""

    expected = "a whole event, with or without the id of the event that it replaces"

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,  # noqa: ARG002
        data: Mapping[str, Any] | None,
        **_: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 -- an Event
        if not isinstance(value, Mapping):
            raise self.wrong(value)
        target = (data or {}).get("event")
        known = uuid_of(target) if isinstance(target, str) else None
        return _instance(EventSchema).load(_with_id(value, lambda: known or _NOBODY))


class RecordCorrectedSchema(Strict):
    """record.corrected."""

    makes = RecordCorrected

    event = IdField(required=True)
    action = WordField(CorrectionAction, required=True)
    reason = TextField(most=REASON, required=True)
    replacement = ReplacementField(
        metadata={"anyOf": [{"$ref": "#/components/schemas/Event"}, {"type": "null"}]}
    )


SCHEMAS: Final[Mapping[str, type[Strict]]] = {
    "registry.registered": of_type.RegisteredSchema,
    "registry.group_changed": of_type.GroupChangedSchema,
    "policy.announced": of_type.PolicyAnnouncedSchema,
    "policy.proposed": of_type.PolicyProposedSchema,
    "policy.consulted": of_type.PolicyConsultedSchema,
    "policy.adopted": of_type.PolicyAdoptedSchema,
    "policy.scheduled": of_type.PolicyScheduledSchema,
    "policy.amended": of_type.PolicyAmendedSchema,
    "policy.suspended": of_type.PolicySuspendedSchema,
    "policy.reinstated": of_type.PolicyReinstatedSchema,
    "policy.withdrawn": of_type.PolicyWithdrawnSchema,
    "policy.repealed": of_type.PolicyRepealedSchema,
    "access.affirmed": of_type.AccessAffirmedSchema,
    "access.observed": of_type.AccessObservedSchema,
    "context.noted": of_type.ContextNotedSchema,
    "record.corrected": RecordCorrectedSchema,
    "record.reviewed": of_type.RecordReviewedSchema,
}
"""The schema of the ``data`` of every type of event."""


_MADE: Final = tuple(SCHEMAS.values())


class EventSchema(Strict):
    """What everybody who records something says."""

    makes = Event

    id = IdField()
    type = TypeField()
    stream = TextField(most=300, required=True)
    authority = TextField(most=NAME)
    occurred_on = OccurrenceField(required=True)
    title = TextField(most=300)
    summary = TextField(most=4000)
    instrument = WordField(Instrument)
    binding = FlagField()
    confidence = WordField(Confidence)
    relates_to = objects(RelationSchema)
    data = DataField(
        required=True,
        metadata={
            "description": "The fields of its type: of policy.adopted those of PolicyAdopted.",
            "anyOf": [{"$ref": f"#/components/schemas/{made.makes.__name__}"} for made in _MADE],
        },
    )
    sources = objects(SourceSchema)

    @post_load
    def _make(self, values: Mapping[str, Any], **more: Any) -> object:  # noqa: ANN401
        # The type is told by the class of the data.
        rest = {name: value for name, value in values.items() if name != "type"}
        return super()._make(rest, **more)


def read_events(
    items: object,
    *,
    new_id: Callable[[], UUID],
    pointer: str = "/events",
    most: int = MOST_EVENTS,
) -> tuple[Event, ...]:
    """Read a batch of events.

    Args:
        items: Plain data: a list of events as `GET /openapi.json` describes them.
        new_id: Makes the id of an event that has none.
        pointer: Where the list stands in its document.
        most: Events at most.

    Raises:
        InvalidInput: With every fault of the batch.
    """
    if not isinstance(items, list):
        detail = f"This is {kind_of(items)}: give a list of events."
        raise InvalidInput([Fault(pointer=pointer, detail=detail)])
    if not 1 <= len(items) <= most:
        detail = f"The list holds {len(items):,} events; give 1 to {most:,} in one batch."
        raise InvalidInput([Fault(pointer=pointer, detail=detail)])
    faults: list[Fault] = []
    events: list[Event] = []
    for index, item in enumerate(items):
        if len(faults) >= MOST_FAULTS:
            break
        try:
            events.append(_read(item, new_id))
        except ValidationError as error:
            faults.extend(_faults(error.messages, f"{pointer}/{index}"))
    faults.extend(_repeated(items, pointer))
    if faults:
        raise InvalidInput(faults[:MOST_FAULTS])
    return tuple(events)


def _read(item: object, new_id: Callable[[], UUID]) -> Event:
    if not isinstance(item, Mapping):
        message = f"This is {kind_of(item)}: give an event, an object with its fields by name."
        raise refuse(message)
    if _nested(item) > MOST_NESTED:
        message = f"Replacements stand within replacements more than {MOST_NESTED} deep."
        raise refuse(message)
    event: Event = _instance(EventSchema).load(_with_id(item, new_id))
    return event


def _with_id(item: Mapping[str, Any], new_id: Callable[[], UUID]) -> Mapping[str, Any]:
    return item if item.get("id") is not None else {**item, "id": str(new_id())}


def _nested(item: object) -> int:
    """Count how deep replacements stand within replacements."""
    depth = 0
    while isinstance(item, Mapping) and isinstance(item.get("data"), Mapping):
        item = item["data"].get("replacement")
        depth += 1
    return depth - 1


def _repeated(items: list[Any], pointer: str) -> Iterator[Fault]:
    """Find ids that stand twice in the batch: an id names one event."""
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        given = item.get("id") if isinstance(item, Mapping) else None
        if not isinstance(given, str):
            continue
        before = first.setdefault(given.lower(), index)
        if before != index:
            detail = f"This id names event {before} of the batch already; leave it out for a new."
            yield Fault(pointer=f"{pointer}/{index}/id", detail=detail)


def _faults(messages: object, under: str, path: Path = ()) -> Iterator[Fault]:
    """Flatten what marshmallow collected: objects and lists by name and index, then sentences."""
    if isinstance(messages, Mapping):
        for step, below in messages.items():
            yield from _faults(below, under, path if step == SCHEMA else (*path, step))
        return
    for sentence in messages if isinstance(messages, list) else [messages]:
        yield Fault(
            pointer=pointer_of(path, under=under),
            detail=str(sentence),
            suggestion=getattr(sentence, "suggestion", None),
        )


@cache
def _instance(schema: type[Strict]) -> Strict:
    """Return the one instance of a schema; making one costs more than using it."""
    return schema()
