"""Parameters of the query: stated once, for reading and for the documentation.

A view names the parameters that it takes. Any other, and any that stands twice, is refused with
the name that was probably meant: what is not understood must not be ignored, for the answer would
be one to another question.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from flask import request

from service.api import cursors
from service.api.cursors import Cursor
from service.domain.errors import BadTimeError, UnknownIdError, nearest
from service.domain.times import When
from service.evidence.canonical import text_fault
from service.schemas.faults import Fault, InvalidInput

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
MAX_VALUE: Final = 300
MAX_LIST: Final = 4_000
MAX_POSITION: Final = 2**53 - 1
MOST_TOLD: Final = 20

_E = TypeVar("_E", bound=StrEnum)

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": MAX_VALUE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a query.

    Attributes:
        name: As it is sent.
        description: One sentence for the documentation.
        schema: Its JSON Schema; of an item, where it is a list.
        example: A value of the real story.
        many: Whether it is a list, its items separated by commas.
        required: Whether there is no answer without it.
    """

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: dict(_TEXT))
    example: str | int | None = None
    many: bool = False
    required: bool = False

    def documented(self) -> dict[str, Any]:
        """Return the parameter as OpenAPI has it."""
        said: dict[str, Any] = {
            "name": self.name,
            "in": "query",
            "required": self.required,
            "description": self.description,
            "schema": dict(self.schema),
        }
        if self.many:
            said |= {"schema": {"type": "array", "items": dict(self.schema)}}
            said |= {"style": "form", "explode": False}
        if self.example is not None:
            said["example"] = [self.example] if self.many else self.example
        return said


AS_OF: Final = Parameter(
    name="as_of",
    description=(
        "When it should hold in the world: a date (the state at the end of that day) or an instant "
        "with an offset. Today in UTC where it is left out."
    ),
    example="2024-07-09",
)
KNOWN_AT: Final = Parameter(
    name="known_at",
    description=(
        "What the log had learned by then: '@' and a position, an instant, or a date (the end of "
        "that day in UTC). All that is known where it is left out."
    ),
)
LIMIT: Final = Parameter(
    name="limit",
    description="Items at most.",
    schema={
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_LIMIT,
        "default": DEFAULT_LIMIT,
    },
)
CURSOR: Final = Parameter(
    name="cursor",
    description="Where the list goes on: `next` of the answer before.",
    schema={"type": "string", "minLength": 1, "maxLength": cursors.MAX_LENGTH},
)
MIN_POSITION: Final = Parameter(
    name="min_position",
    description=(
        "A position that the log must have come to, such as the one that an append answered: the "
        "read waits for it a little, and is answered 503 where it does not come."
    ),
    schema={"type": "integer", "minimum": 0, "maximum": MAX_POSITION, "default": 0},
)


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one request, by name; each stands once and is one that the view takes."""

    values: Mapping[str, str]

    @classmethod
    def of_request(cls, parameters: Sequence[Parameter]) -> "Query":
        """Read the query of the current request.

        Raises:
            InvalidInput: With every parameter that is unknown, repeated, empty or no text.
        """
        names = [parameter.name for parameter in parameters]
        faults: list[Fault] = []
        values: dict[str, str] = {}
        for name, given in request.args.lists():
            fault = _fault(name, given, names)
            if fault is not None:
                faults.append(fault)
            values[name] = given[0]
            if len(faults) == MOST_TOLD:
                break
        if faults:
            raise InvalidInput(faults)
        return cls(values)

    def text(self, name: str) -> str | None:
        """Return a text, None where it is not given."""
        value = self.values.get(name)
        if value is not None and len(value) > MAX_VALUE:
            detail = f"The value has {len(value):,} characters; at most {MAX_VALUE} are allowed."
            raise wrong(name, detail)
        return value

    def items(self, name: str) -> tuple[str, ...]:
        """Return the items of a list, empty where it is not given."""
        value = self.values.get(name)
        if value is None:
            return ()
        if len(value) > MAX_LIST:
            detail = f"The list has {len(value):,} characters; at most {MAX_LIST:,} are allowed."
            raise wrong(name, detail)
        items = tuple(item.strip() for item in value.split(","))
        if "" in items:
            whole = ",".join(item for item in items if item)
            raise wrong(name, "An item of the list is empty.", whole or None)
        return tuple(dict.fromkeys(items))

    def words(self, name: str, words: type[_E]) -> tuple[_E, ...]:
        """Return the items of a list, each a word of a closed list."""
        return tuple(_word(name, item, words) for item in self.items(name))

    def word(self, name: str, words: Iterable[str]) -> str | None:
        """Return a word of a closed list, None where it is not given."""
        value = self.text(name)
        return None if value is None else _known(name, value, tuple(words))

    def flag(self, name: str) -> bool:
        """Return a boolean, false where it is not given."""
        return self.word(name, ("true", "false")) == "true"

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        value = self.text(name)
        if value is None:
            return default
        plain = value.isascii() and value.isdigit() and len(value) <= len(str(most))
        if not plain or not least <= int(value) <= most:
            raise wrong(name, f"{value[:40]!r} is not a whole number from {least} to {most}.")
        return int(value)

    def numbers(self, name: str, *, least: int, most: int) -> tuple[int, ...]:
        """Return the whole numbers of a list, each within bounds; empty where it is not given."""
        found = self.items(name)
        for one in found:
            plain = one.isascii() and one.isdigit() and len(one) <= len(str(most))
            if not plain or not least <= int(one) <= most:
                raise wrong(name, f"{one[:40]!r} is not a whole number from {least} to {most}.")
        return tuple(map(int, found))

    def needed(self, name: str, *, most: int) -> int:
        """Return a whole number from 0 that must be given."""
        if name not in self.values:
            raise wrong(name, f"Give {name!r}, a whole number from 0.")
        return self.number(name, 0, least=0, most=most)

    def limit(self) -> int:
        """Return how many items are wanted at most."""
        return self.number("limit", DEFAULT_LIMIT, least=1, most=MAX_LIMIT)

    def bound(self, name: str) -> When | None:
        """Return a date or an instant (in UTC), None where it is not given.

        Raises:
            BadTimeError: It is none.
        """
        value = self.text(name)
        return None if value is None else When.moment(value, path=(name,))

    def day(self, name: str) -> date | None:
        """Return a date, None where it is not given.

        Raises:
            BadTimeError: It is none.
        """
        when = self.bound(name)
        if when is not None and when.instant is not None:
            detail = "This is an instant; give a date such as 2024-07-09."
            raise BadTimeError(detail, path=(name,), suggestion=when.day.isoformat())
        return None if when is None else when.day

    def cursor(self) -> Cursor | None:
        """Return where the list goes on, None at its beginning.

        Raises:
            ForgedCursor: It was not given for this question.
        """
        value = self.values.get("cursor")
        if value is None:
            return None
        if len(value) > cursors.MAX_LENGTH:
            raise cursors.ForgedCursor
        return cursors.read(value, self.question())

    def following(self, cursor: Cursor | None) -> str | None:
        """Return the text of a cursor for the next part of this question's list."""
        return None if cursor is None else cursors.write(cursor, self.question())

    def question(self) -> str:
        """Return what a cursor is bound to: the path, and every parameter that makes the list."""
        kept = {name: value for name, value in self.values.items() if name not in _PAGING}
        return f"{request.path}?{urlencode(sorted(kept.items()))}"


_PAGING: Final = ("cursor", "limit", "min_position")


def wrong(name: str, detail: str, suggestion: str | None = None) -> InvalidInput:
    """Return the error for one parameter."""
    return InvalidInput([Fault(parameter=name, detail=detail, suggestion=suggestion)])


def check_path(**given: str) -> None:
    """Refuse a variable of the path that can name nothing.

    Raises:
        UnknownIdError: Its text is too long, or has characters that no id has.
    """
    for name, value in given.items():
        if len(value) > MAX_VALUE or text_fault(value) is not None:
            raise UnknownIdError(name, value[:40], (), path=(name,))


def check_known(kind: str, given: str, known: Collection[str]) -> None:
    """Refuse an id in the parameter of its kind that nobody registered.

    Raises:
        UnknownIdError: With the nearest known id.
    """
    if given not in known:
        raise UnknownIdError(kind, given, known, path=(kind,))


def _fault(name: str, given: Sequence[str], names: Sequence[str]) -> Fault | None:
    if name not in names:
        near = nearest(name[:100], names)
        meant = f" Did you mean {near!r}?" if near else ""
        there = f" There are {', '.join(names)}." if names else " This takes none."
        detail = f"There is no parameter {name[:40]!a} here.{meant or there}"
        return Fault(parameter=name[:100], detail=detail, suggestion=near)
    if len(given) > 1:
        detail = f"The parameter stands {len(given)} times; give it once."
        return Fault(parameter=name, detail=detail)
    if not given[0].strip():
        return Fault(parameter=name, detail="The value is empty; leave the parameter out.")
    fault = text_fault(given[0][: MAX_LIST + 1])
    return None if fault is None else Fault(parameter=name, detail=fault)


def _word(name: str, value: str, words: type[_E]) -> _E:
    return words(_known(name, value, tuple(word.value for word in words)))


def _known(name: str, value: str, words: Sequence[str]) -> str:
    if value in words:
        return value
    near = nearest(value[:100], words)
    detail = f"{value[:40]!a} is not known here: give one of {', '.join(words)}."
    raise wrong(name, detail, near)
