"""The one place where bytes that get hashed are made.

The form is RFC 8785 (JSON Canonicalization Scheme) inside a profile: objects, arrays, text,
integers, true, false and null; no floats; integers within ±(2^53-1); keys of printable ASCII; text
in Unicode NFC without any invisible character; at most 60,000 bytes. Inside the profile keys sorted
by code point are keys sorted by UTF-16 unit and no number needs ECMAScript's rules, so a plain
serializer with sorted keys writes the very bytes of RFC 8785 (a property test holds it to that):

    {"b": [1, True], "a": "é"}  ->  {"a":"é","b":[1,true]}

Bytes are made once, stored as bytes and hashed as stored. Nobody canonicalises again to verify.
"""

import re
import unicodedata
from typing import Final

import msgspec
import orjson

MAX_BYTES: Final = 60_000
"""Bytes of one event at most: a tile's entry holds 65,535, the rest is room to grow."""

MAX_INTEGER: Final = 2**53 - 1
"""The greatest integer that every JSON reader keeps exactly."""

MAX_DEPTH: Final = 32
"""Containers in containers at most, so that no reader runs out of stack."""

_SORTING: Final = msgspec.json.Encoder(enc_hook=str, order="sorted")

_KEY = re.compile(r"[\x20-\x7e]*")

# Invisible although Unicode counts them as letters or marks: fillers, joiners, variation selectors.
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ZERO_WIDTH = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
_KINDS = {
    "Cc": "a control character",
    "Cf": "an invisible formatting character",
    "Cs": "half of a surrogate pair",
    "Co": "a private-use character",
    "Cn": "a code point that is not assigned",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


class CanonicalError(ValueError):
    """A value has no canonical bytes, because it lies outside of the profile.

    Attributes:
        path: keys and indexes that lead to the value, outermost first; empty for the whole.
        sentence: what is wrong and what would be right.
    """

    def __init__(self, path: tuple[str | int, ...], sentence: str) -> None:
        self.path = path
        self.sentence = sentence
        super().__init__(f"{_written(path)}: {sentence}" if path else sentence)


def canonical_bytes(value: object) -> bytes:
    """Write a plain value as the bytes that are stored and hashed.

    >>> canonical_bytes({"b": [1, True], "a": None})
    b'{"a":null,"b":[1,true]}'

    Raises:
        CanonicalError: the value lies outside of the profile, at its `path`.
    """
    _check(value, ())
    return _bounded(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def canonical_bytes_of_built(value: object) -> bytes:
    """Do the same for a value that our own code built, of the types of JSON and not deep.

    Only its texts may lie outside of the profile, and in nearly all the bytes show that they do
    not: printable, with nothing to be escaped. What stands around a text in JSON is ASCII and
    joins with no letter, so that all together are in NFC where each of them is.

    Args:
        value: of dicts with keys of ASCII, lists, tuples, texts, small integers, booleans, None;
            dates, UUIDs, words of an enumeration and anything else are written as their texts.

    Raises:
        CanonicalError: the value lies outside of the profile, at its `path`.
    """
    written = _SORTING.encode(value)
    if b"\\" in written or not _plainly_fine(written.decode()):
        return canonical_bytes(orjson.loads(written))
    return _bounded(written)


def _bounded(written: bytes) -> bytes:
    if len(written) > MAX_BYTES:
        sentence = (
            f"The value takes {len(written):,} bytes in canonical form; at most {MAX_BYTES:,} are"
            " allowed. Shorten its texts, or record it as several events."
        )
        raise CanonicalError((), sentence)
    return written


def text_fault(text: str) -> str | None:
    r"""Say why a text lies outside of the profile; None if it is fine.

    Refused: text that is not NFC, control characters (line breaks too), bidirectional controls,
    zero-width and other invisible characters, tags, lone surrogates, private-use and unassigned
    code points. What is left looks like what it is, and stays NFC in every later Unicode version.

    >>> text_fault("Agence nationale de la sécurité")
    >>> text_fault("two\nlines")
    'The text has U+000A, a control character, as character 4. Leave it out.'
    """
    if _plainly_fine(text):
        return None
    for index, character in enumerate(text):
        kind = _refused(character)
        if kind is not None:
            return (
                f"The text has U+{ord(character):04X}, {kind}, as character {index + 1}."
                " Leave it out."
            )
    if not unicodedata.is_normalized("NFC", text):
        composed = unicodedata.normalize("NFC", text)
        pairs = zip(text, composed, strict=False)
        index = next((i for i, (a, b) in enumerate(pairs) if a != b), len(composed))
        return (
            f"The text is not in Unicode NFC from character {index + 1} on. Send it composed:"
            " é as one code point (U+00E9), not as e and an accent (U+0065 U+0301)."
        )
    return None


def _plainly_fine(text: str) -> bool:
    """Tell of nearly every text that is fine that it is; of the others nothing is known."""
    return text.isprintable() and (
        text.isascii() or (_HIDDEN.search(text) is None and unicodedata.is_normalized("NFC", text))
    )


def _refused(character: str) -> str | None:
    if character.isprintable():
        return "an invisible character" if _HIDDEN.match(character) else None
    if character in _BIDI:
        return "a bidirectional control"
    if character in _ZERO_WIDTH:
        return "a zero-width character"
    if "\U000e0000" <= character <= "\U000e007f":
        return "a tag character"
    return _KINDS.get(unicodedata.category(character))


def _check(value: object, path: tuple[str | int, ...]) -> None:
    # Exact types: a serializer writes enums, dates and dataclasses too, each in its own way.
    if type(value) is str:
        fault = text_fault(value)
        if fault is not None:
            raise CanonicalError(path, fault)
    elif type(value) is dict:
        _check_object(value, path)
    elif type(value) is list or type(value) is tuple:
        _check_depth(path)
        for index, item in enumerate(value):
            _check(item, (*path, index))
    elif type(value) is int:
        _check_integer(value, path)
    elif value is not None and type(value) is not bool:
        raise CanonicalError(path, _wrong_type(value))


def _check_object(value: dict[object, object], path: tuple[str | int, ...]) -> None:
    _check_depth(path)
    for key, item in value.items():
        if type(key) is not str or _KEY.fullmatch(key) is None:
            sentence = (
                f'The key {key!a} is not printable ASCII text. A valid key: "effective_from".'
            )
            raise CanonicalError(path, sentence)
        _check(item, (*path, key))


def _check_integer(value: int, path: tuple[str | int, ...]) -> None:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        sentence = (
            f"The integer lies outside of ±{MAX_INTEGER} (2^53-1). Write it as text:"
            ' "9007199254740993".'
        )
        raise CanonicalError(path, sentence)


def _check_depth(path: tuple[str | int, ...]) -> None:
    if len(path) >= MAX_DEPTH:
        sentence = f"The value is nested more than {MAX_DEPTH} deep. Write it flatter."
        raise CanonicalError(path, sentence)


def _wrong_type(value: object) -> str:
    if isinstance(value, float):
        return f'The number {value!r} is a float. Write an integer (25), or text ("2.5").'
    return (
        f"A {type(value).__name__} has no canonical form. Allowed are dict, list, tuple, str, int,"
        ' bool and None; write a date as text: "2024-07-09".'
    )


def _written(path: tuple[str | int, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
