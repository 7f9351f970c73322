"""Canonical bytes: RFC 8785 inside the profile, a clear refusal outside of it."""

import unicodedata
from datetime import date
from enum import StrEnum

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from service.evidence.canonical import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_INTEGER,
    CanonicalError,
    canonical_bytes,
    text_fault,
)

texts = (
    st.text(max_size=40)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: text_fault(text) is None)
)
keys = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5)
)


@given(values)
def test_inside_the_profile_the_bytes_are_those_of_rfc_8785(value: object) -> None:
    """RFC 8785, by an independent implementation."""
    assert canonical_bytes(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_keys_are_sorted_and_nothing_is_padded() -> None:
    """RFC 8785 sections 3.2.1 and 3.2.3."""
    written = canonical_bytes({"b": (1, True), "a": "é", "": [], "B": {}})

    assert written == '{"":[],"B":{},"a":"é","b":[1,true]}'.encode()


class Colour(StrEnum):
    """An enumeration whose members are text, too."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ({"data": {"share": 2.5}}, ("data", "share"), "float"),
        ([float("nan")], (0,), "float"),
        ({"n": MAX_INTEGER + 1}, ("n",), "2^53-1"),
        ({"n": -MAX_INTEGER - 1}, ("n",), "2^53-1"),
        ({"day": date(2024, 7, 9)}, ("day",), '"2024-07-09"'),
        ({"kind": Colour.RED}, ("kind",), "Colour"),
        ({"raw": b"x"}, ("raw",), "bytes"),
        ({"clé": 1}, (), "printable ASCII"),
        ({1: 1}, (), "printable ASCII"),
        ({"a\n": 1}, (), "printable ASCII"),
        ({"events": [{"title": "two\nlines"}]}, ("events", 0, "title"), "U+000A"),
        ({"title": "\ud800"}, ("title",), "U+D800"),
    ],
)
def test_what_lies_outside_of_the_profile_is_refused_with_its_path(
    value: object, path: tuple[str | int, ...], words: str
) -> None:
    """Each of these has more than one spelling in JSON, or none."""
    with pytest.raises(CanonicalError) as caught:
        canonical_bytes(value)

    assert caught.value.path == path
    assert words in caught.value.sentence


def test_the_message_names_the_place_as_it_is_written() -> None:
    """A curator looks for the field, not for a tuple."""
    with pytest.raises(CanonicalError, match=r"^data\.directives\[1\]\.key: The number 1\.5"):
        canonical_bytes({"data": {"directives": [{}, {"key": 1.5}]}})


def test_sixty_thousand_bytes_fit_and_one_more_does_not() -> None:
    """The quotes count: it is the bytes that are stored."""
    assert len(canonical_bytes("x" * (MAX_BYTES - 2))) == MAX_BYTES

    with pytest.raises(CanonicalError, match=r"60,001 bytes.*at most 60,000"):
        canonical_bytes("x" * (MAX_BYTES - 1))


def test_depth_has_a_limit_and_a_circle_ends_there() -> None:
    """Otherwise the stack of some reader ends first."""
    deep: object = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    circle: list[object] = []
    circle.append(circle)

    assert canonical_bytes(deep) == b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH
    for too_deep in ([deep], circle):
        with pytest.raises(CanonicalError, match="nested more than 32 deep"):
            canonical_bytes(too_deep)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Garante per la protezione dei dati personali",
        "国家互联网信息办公室　令",
        "À partir du 30 avril\u202f2024, 25 %",
        "الهيئة السعودية للبيانات",
        "हिन्दी",
    ],
)
def test_text_of_any_language_is_fine(text: str) -> None:
    """Authorities publish in their own words, and with their own spaces."""
    assert text_fault(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\x00b", "U+0000, a control character, as character 2"),
        ("tab\t", "U+0009, a control character"),
        ("\x7f", "U+007F, a control character"),
        ("\x85", "U+0085, a control character"),
        ("\u202emoc", "U+202E, a bidirectional control, as character 1"),
        ("a\u2066b", "U+2066, a bidirectional control"),
        ("open\u200bai", "U+200B, a zero-width character, as character 5"),
        ("\ufeff", "U+FEFF, a zero-width character"),
        ("a\U000e0041", "U+E0041, a tag character"),
        ("a\ufe0f", "U+FE0F, an invisible character"),
        ("\u3164", "U+3164, an invisible character"),
        ("\u2028", "U+2028, a line separator"),
        ("\udfff", "U+DFFF, half of a surrogate pair"),
        ("\ue000", "U+E000, a private-use character"),
        ("\U0010ffff", "U+10FFFF, a code point that is not assigned"),
        ("\u206a", "U+206A, an invisible formatting character"),
        ("cafe\u0301", "not in Unicode NFC from character 4 on"),
        ("\u212b", "not in Unicode NFC from character 1 on"),
    ],
)
def test_text_that_is_not_what_it_looks_like_is_refused(text: str, words: str) -> None:
    """Unicode TR 36 and TR 39; the message shows the code point, never the character."""
    fault = text_fault(text)

    assert fault is not None
    assert words in fault
    assert fault.isascii() or "é" in fault
