"""What a form is made of, how a filled one is read, and beside which field a fault is told.

A field knows where its value stands in the event: by that path the JSON of an event is made, and by
the same path the pointer of a fault finds back to its field. ``forms`` says which forms there are.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from service.domain.errors import Path
from service.schemas.faults import Fault, InvalidInput, pointer_of
from service.schemas.strict import MalformedJson, parse

JSON: Final = "json"
"""The form for events as JSON, beside those for one type."""

_WHOLE: Final = "/events/0".count("/")


class Kind(StrEnum):
    """How a field is written, and what is made of it."""

    LINE = "line"
    TEXT = "text"
    WORDS = "words"
    LINES = "lines"
    CHOICE = "choice"
    FLAG = "flag"
    POLICY = "policy"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form.

    Attributes:
        path: Where its value stands in the event.
        listed: The list of known ids that the browser may offer.
        usual: What stands in it at first.
    """

    name: str
    label: str
    path: Path
    kind: Kind = Kind.LINE
    hint: str = ""
    choices: tuple[str, ...] = ()
    listed: str = ""
    usual: str = ""
    required: bool = False

    @property
    def pointer(self) -> str:
        """Return where a fault of it points."""
        return pointer_of(self.path, under="/events/0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Fields that belong together."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form for one type of event, or for events as JSON."""

    type: str
    title: str
    about: str
    groups: tuple[Group, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return all of its fields."""
        return tuple(field for group in self.groups for field in group.fields)


def initial(form: Form) -> dict[str, str]:
    """Return what stands in the fields of an empty form."""
    return {field.name: field.usual for field in form.fields}


def body_of(form: Form, values: Mapping[str, str]) -> object:
    """Return the body of an append that a filled form means.

    Raises:
        InvalidInput: What should be JSON is none; all else is for ``read_batch`` to judge.
    """
    if form.type == JSON:
        return _batch(_json(form.fields[0], values.get("batch", "")))
    event: dict[str, Any] = {"type": form.type, "data": {}}
    for field in form.fields:
        value = _value(field, values.get(field.name, ""))
        if value is not None:
            _put(event, field.path, value)
    if form.type == "record.corrected" and "stream" not in event:
        event["stream"] = values.get("stream", "")
    return {"events": [event]}


def _batch(given: object) -> object:
    if isinstance(given, list):
        return {"events": given}
    if isinstance(given, dict) and "events" not in given and "type" in given:
        return {"events": [given]}
    return given


def _value(field: Field, raw: str) -> object:
    """Return what a field says, None where it was left empty."""
    if field.kind is Kind.FLAG:
        return bool(raw)
    if not raw.strip():
        return None
    if field.kind is Kind.JSON:
        return _json(field, raw)
    # A form is written by a person: how letters are composed is none of their business.
    text = unicodedata.normalize("NFC", raw)
    if field.kind is Kind.LINES:
        return [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if field.kind is Kind.WORDS:
        return text.replace(",", " ").split()
    line = " ".join(text.split())
    return f"policy:{line}" if field.kind is Kind.POLICY and ":" not in line else line


def _json(field: Field, raw: str) -> object:
    if not raw.strip():
        detail = "This field is missing: paste events as JSON."
        raise InvalidInput([Fault(pointer="", detail=detail)])
    try:
        return parse(raw.encode("utf-8", "surrogatepass"))
    except MalformedJson as error:
        detail = f"This is no JSON: {error.fault}"
        pointer = field.pointer if field.path else ""
        raise InvalidInput([Fault(pointer=pointer, detail=detail)]) from error


def _put(event: dict[str, Any], path: Sequence[str | int], value: object) -> None:
    """Put a value where its path leads, making what lies on the way; lists have one item."""
    found: Any = event
    for step, then in zip(path, (*path[1:], None), strict=True):
        made: Any = value if then is None else [] if isinstance(then, int) else {}
        if isinstance(step, int):
            if not found:
                found.append(made)
            found = found[0]
        elif then is None:
            found[step] = made
        else:
            found = found.setdefault(step, made)


def beside(form: Form, faults: Iterable[Fault]) -> tuple[dict[str, list[Fault]], list[Fault]]:
    """Sort faults: those that a field can show, by its name, and the rest."""
    known: dict[str, list[Fault]] = {}
    rest: list[Fault] = []
    for fault in faults:
        field = _field_of(form, fault.pointer or "")
        if field is None:
            rest.append(fault)
        else:
            known.setdefault(field.name, []).append(fault)
    return known, rest


def _field_of(form: Form, pointer: str) -> Field | None:
    """Return the field that a pointer leads into, or the first within what it names."""
    if form.type == JSON:
        return None if pointer else form.fields[0]
    inside = [one for one in form.fields if f"{pointer}/".startswith(f"{one.pointer}/")]
    if inside:
        return max(inside, key=lambda one: len(one.pointer))
    around = [one for one in form.fields if one.pointer.startswith(f"{pointer}/")]
    # What is wrong with the whole event stands above the form.
    return around[0] if around and pointer.count("/") > _WHOLE else None
