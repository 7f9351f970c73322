"""The fields of untrusted JSON: strict types, no coercion, a sentence for every fault.

Each field says what it expects, and every refusal repeats it: what is missing, null or of another
type is answered with what would be right. Nothing is ever converted: ``"1"`` is no number, ``1`` is
no boolean, ``20240709`` is no date.
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Final, Self, TypeVar
from uuid import UUID

from marshmallow import ValidationError, fields

from service.domain.errors import BadTimeError, nearest
from service.domain.times import When
from service.evidence.canonical import text_fault

MOST_ITEMS: Final = 1_000
"""Items in one list at most."""

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KINDS: Final = {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}


class Sentence(str):
    """A message of marshmallow's that can carry a suggestion.

    Attributes:
        suggestion: A value that would be accepted, where one is near.
    """

    __slots__ = ("suggestion",)

    suggestion: str | None

    def __new__(cls, text: str, suggestion: str | None = None) -> Self:
        """Make a sentence."""
        made = super().__new__(cls, text)
        made.suggestion = suggestion
        return made


def refuse(text: str, suggestion: str | None = None) -> ValidationError:
    """Return the error that says why a value is refused."""
    return ValidationError([Sentence(text, suggestion)])


def kind_of(value: object) -> str:
    """Name the JSON type of a value, as it stands in a sentence."""
    if value is None:
        return "null"
    return _KINDS.get(type(value), "a number")


class Expecting(fields.Field[_T]):
    """A field that can say what it expects; optional unless ``required``, and then null is absence.

    Attributes:
        expected: What it expects, as it stands in a sentence.
        json: The keywords of its JSON Schema.
    """

    expected: str = "a value"
    json: ClassVar[Mapping[str, object]] = {}

    def __init__(self, *, required: bool = False, **more: Any) -> None:  # noqa: ANN401
        metadata = {**self.json, **(more.pop("metadata", None) or {})}
        if not required:
            metadata = _or_null(metadata)
        super().__init__(required=required, allow_none=not required, metadata=metadata, **more)

    def make_error(self, key: str, **details: Any) -> ValidationError:  # noqa: ANN401
        """Write the sentences for what is missing or null."""
        if key == "required":
            return refuse(f"This field is missing: give {self.expected}.")
        if key == "null":
            return refuse(f"This cannot be null: give {self.expected}.")
        return super().make_error(key, **details)

    def wrong(self, value: object) -> ValidationError:
        """Return the error for a value of another type."""
        return refuse(f"This is {kind_of(value)}: give {self.expected}.")


def _or_null(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of a JSON Schema that lets null through too."""
    # apispec adds null to the types, not to a closed list of values.
    return {**keywords, "enum": [*keywords["enum"], None]} if "enum" in keywords else keywords


class TextField(Expecting[str]):
    """Visible text in Unicode NFC, on one line, not empty, of bounded length."""

    json: ClassVar = {"type": "string", "minLength": 1}

    def __init__(self, *, most: int = 200, **more: Any) -> None:  # noqa: ANN401 -- as marshmallow
        self.most = most
        self.expected = f"a text of 1 to {most:,} characters"
        super().__init__(metadata={"maxLength": most, **(more.pop("metadata", None) or {})}, **more)

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,  # noqa: ARG002
        data: Mapping[str, Any] | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> str:
        if type(value) is not str:
            raise self.wrong(value)
        if len(value) > self.most:
            text = f"The text has {len(value):,} characters; at most {self.most:,} are allowed."
            raise refuse(text)
        if not value.strip():
            text = f"The text is empty: give {self.expected}, or leave the field out."
            raise refuse(text)
        fault = text_fault(value)
        if fault is not None:
            raise refuse(fault)
        return value


class Sha256Field(TextField):
    """The SHA-256 of an archived copy, in lower-case hexadecimal."""

    def __init__(self, **more: Any) -> None:  # noqa: ANN401 -- as marshmallow
        super().__init__(most=64, metadata={"pattern": "^[0-9a-f]{64}$"}, **more)
        self.expected = "64 lower-case hexadecimal digits"

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,
        data: Mapping[str, Any] | None,
        **more: Any,  # noqa: ANN401
    ) -> str:
        text = super()._deserialize(value, attr, data, **more)
        if _SHA256.fullmatch(text) is None:
            message = f"This is no SHA-256: give {self.expected}."
            raise refuse(message)
        return text


class IdField(Expecting[UUID]):
    """A UUID, in either case; its normal form is lower case."""

    expected = "a UUID such as 0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6"
    json: ClassVar = {"type": "string", "format": "uuid"}

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,  # noqa: ARG002
        data: Mapping[str, Any] | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> UUID:
        if type(value) is not str:
            raise self.wrong(value)
        found = uuid_of(value)
        if found is None:
            message = f"{value[:40]!a} is no UUID: give {self.expected}."
            raise refuse(message)
        return found


def uuid_of(text: str) -> UUID | None:
    """Read a UUID in its usual form with hyphens, None where it is none."""
    lower = text.lower() if text.isascii() else ""
    return UUID(lower) if _UUID.fullmatch(lower) else None


class BoundField(Expecting[When]):
    """A date or an instant with an offset."""

    expected = "a date such as 2024-07-09 or an instant with an offset such as 2024-07-09T00:00:00Z"
    json: ClassVar = {"type": "string", "examples": ["2024-07-09", "2024-07-09T00:00:00Z"]}

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,  # noqa: ARG002
        data: Mapping[str, Any] | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> When:
        if type(value) is not str:
            raise self.wrong(value)
        try:
            return self._read(value)
        except BadTimeError as error:
            raise refuse(error.detail, error.suggestion) from error

    def _read(self, text: str) -> When:
        return When.bound(text)


class OccurrenceField(BoundField):
    """A date, an instant with an offset, or a year or month where no more is known."""

    expected = "a date such as 2024-07-09, an instant such as 2024-07-09T00:00:00Z, 2024-07 or 2024"
    json: ClassVar = {"type": "string", "examples": ["2024-06-24", "2024-06"]}

    def _read(self, text: str) -> When:
        return When.occurrence(text)


class DayField(Expecting[date]):
    """A calendar day and nothing else."""

    expected = "a date such as 2024-07-09"
    json: ClassVar = {"type": "string", "format": "date"}

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,  # noqa: ARG002
        data: Mapping[str, Any] | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> date:
        if type(value) is not str:
            raise self.wrong(value)
        try:
            when = When.bound(value)
        except BadTimeError as error:
            raise refuse(error.detail, error.suggestion) from error
        if when.instant is not None:
            message = f"This is an instant: give {self.expected}."
            raise refuse(message, when.day.isoformat())
        return when.day


class FlagField(Expecting[bool]):
    """``true`` or ``false``; no other word, and no number."""

    expected = "true or false"
    json: ClassVar = {"type": "boolean"}

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,  # noqa: ARG002
        data: Mapping[str, Any] | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> bool:
        if type(value) is not bool:
            raise self.wrong(value)
        return value


class WordField(Expecting[_E]):
    """One of the words of a closed list."""

    def __init__(self, words: type[_E], **more: Any) -> None:  # noqa: ANN401 -- as marshmallow
        self.words = words
        names = [word.value for word in words]
        self.expected = f"one of {', '.join(names)}"
        super().__init__(metadata={"type": "string", "enum": names}, **more)

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,  # noqa: ARG002
        data: Mapping[str, Any] | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> _E:
        if type(value) is not str:
            raise self.wrong(value)
        try:
            return self.words(value)
        except ValueError as error:
            near = nearest(value[:100], [word.value for word in self.words])
            message = f"{value[:40]!a} is not known here: give {self.expected}."
            raise refuse(message, near) from error


class ListField(fields.List[_T]):
    """A list of bounded length; where it is optional, null is absence."""

    def __init__(self, item: fields.Field[_T], *, required: bool = False) -> None:
        super().__init__(item, required=required, allow_none=not required)
        self.metadata = {"maxItems": MOST_ITEMS}

    def make_error(self, key: str, **details: Any) -> ValidationError:  # noqa: ANN401
        """Write the sentences for what is missing or null."""
        if key in ("required", "null"):
            state = "is missing" if key == "required" else "cannot be null"
            return refuse(f"This field {state}: give a list.")
        return super().make_error(key, **details)

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,
        data: Mapping[str, Any] | None,
        **more: Any,  # noqa: ANN401
    ) -> list[_T | None]:
        if type(value) is not list:
            message = f"This is {kind_of(value)}: give a list."
            raise refuse(message)
        if len(value) > MOST_ITEMS:
            message = f"The list has {len(value):,} items; at most {MOST_ITEMS:,} are allowed."
            raise refuse(message)
        return super()._deserialize(value, attr, data, **more)
