"""Events that are right, read quickly: for files of very many.

What the schemas say of each field is compiled once into plain functions. They answer nothing but
yes, with the very event that the schemas would make, or None; then the schemas are asked, which
find the words for what is wrong. A property test holds both to the same events.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, lru_cache
from typing import Any, Final
from uuid import UUID

import orjson
from marshmallow import ValidationError, fields

from service.domain.errors import BadTimeError
from service.domain.events import Event, RecordCorrected
from service.domain.times import When
from service.evidence.canonical import text_fault
from service.schemas.data import ObjectField, StreamField, Strict, TypeField
from service.schemas.events import SCHEMAS, DataField, EventSchema
from service.schemas.fields import (
    MOST_ITEMS,
    BoundField,
    DayField,
    FlagField,
    IdField,
    ListField,
    OccurrenceField,
    Sha256Field,
    TextField,
    WordField,
    uuid_of,
)

_GIVEN_BY_THE_LOG: Final[Mapping[str, type]] = {
    "schema_version": int,
    "position": int,
    "version": int,
    "recorded_at": str,
    "recorded_by": str,
}

# A file names few days, each of them very often.
_BOUND: Final = lru_cache(maxsize=8192)(When.bound)
_OCCURRENCE: Final = lru_cache(maxsize=8192)(When.occurrence)

_Reader = Callable[[Any], Any]


class _DoubtError(Exception):
    """The schemas have to be asked."""


def plain_line(line: bytes) -> Any:  # noqa: ANN401 -- whatever the JSON holds
    """Parse a line of JSON without escapes; None where it may be read in two ways.

    A key that stands twice is found by the quotes that are missing when it is written again.
    """
    if b"\\" in line:
        return None
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return told if orjson.dumps(told).count(b'"') == line.count(b'"') else None


def read_event(told: object, new_id: Callable[[Mapping[str, Any]], UUID]) -> Event | None:
    """Return the event of a plain object, without what the log gives; None where in doubt.

    Args:
        told: With or without an id.
        new_id: Makes the id of an event that has none, from the rest of it.
    """
    if type(told) is not dict:
        return None
    item: dict[str, Any] = {}
    for name, value in told.items():
        given = _GIVEN_BY_THE_LOG.get(name)
        if given is None:
            item[name] = value
        elif type(value) is not given:
            return None
    try:
        if item.get("id") is None:
            item["id"] = str(new_id(item))
        schema = SCHEMAS[item.pop("type")]
        if schema.makes is RecordCorrected:
            return None
        made = _object_reader(schema)(item.pop("data"))
        event: Event = _object_reader(EventSchema)({**item, "data": made})
    except (_DoubtError, BadTimeError, KeyError, TypeError, ValueError):
        return None
    return event


@cache
def _object_reader(schema: type[Strict]) -> _Reader:
    """Compile a schema: known fields only, each as its field says, nothing required left out."""
    declared = {
        name: one for name, one in schema().fields.items() if not isinstance(one, TypeField)
    }
    readers = {name: (_reader(one), one.allow_none) for name, one in declared.items()}
    required = frozenset(name for name, one in declared.items() if one.required)
    makes = schema.makes

    def read(told: Any) -> Any:  # noqa: ANN401 -- whatever the JSON holds
        if type(told) is not dict or not required <= told.keys():
            raise _DoubtError
        found: dict[str, Any] = {}
        for name, value in told.items():
            reader, may_be_null = readers[name]
            if value is not None:
                found[name] = reader(value)
            elif not may_be_null:
                raise _DoubtError
        return makes(**found)

    return read


def _reader(field: fields.Field[Any]) -> _Reader:  # noqa: C901, PLR0911 -- one case for each field
    match field:
        case DataField():
            return lambda made: made
        case ObjectField():
            return _object_reader(type(field.schema))
        case ListField():
            return _list_reader(_reader(field.inner))
        case Sha256Field() | StreamField():
            schema_field: fields.Field[Any] = field
            return lambda told: _asked(schema_field, told)
        case TextField():
            return _text_reader(field.most)
        case WordField():
            words = {word.value: word for word in field.words}
            return lambda told: words[told]
        case OccurrenceField():
            return _when_reader(_OCCURRENCE)
        case BoundField():
            return _when_reader(_BOUND)
        case DayField():
            return _day
        case FlagField():
            return _flag
        case IdField():
            return _id
        case _:
            raise TypeError(field)


def _asked(field: fields.Field[Any], told: object) -> object:
    """Ask the field itself, whatever it finds wrong."""
    try:
        return field.deserialize(told)
    except ValidationError as error:
        raise _DoubtError from error


def _list_reader(item: _Reader) -> _Reader:
    def read(told: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- whatever the JSON holds
        if type(told) is not list or len(told) > MOST_ITEMS:
            raise _DoubtError
        return tuple(map(item, told))

    return read


def _text_reader(most: int) -> _Reader:
    def read(told: Any) -> str:  # noqa: ANN401 -- whatever the JSON holds
        if type(told) is not str or len(told) > most or not told or told.isspace():
            raise _DoubtError
        if not (told.isascii() and told.isprintable()) and text_fault(told) is not None:
            raise _DoubtError
        return told

    return read


def _when_reader(read: Callable[[str], When]) -> _Reader:
    def checked(told: Any) -> When:  # noqa: ANN401 -- whatever the JSON holds
        if type(told) is not str:
            raise _DoubtError
        return read(told)

    return checked


def _day(told: Any) -> date:  # noqa: ANN401 -- whatever the JSON holds
    when = _when_reader(_BOUND)(told)
    if when.instant is not None:
        raise _DoubtError
    day: date = when.day
    return day


def _flag(told: Any) -> bool:  # noqa: ANN401 -- whatever the JSON holds
    if type(told) is not bool:
        raise _DoubtError
    return told


def _id(told: Any) -> UUID:  # noqa: ANN401 -- whatever the JSON holds
    found = uuid_of(told) if type(told) is str else None
    if found is None:
        raise _DoubtError
    return found
