"""JSON that everybody reads alike, within bounds; the rest is refused before it is looked at."""

import json
import sys
import time

import pytest

from service.schemas.strict import MAX_DEPTH, MalformedJson, parse


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b"nothing", "line 1, column 1"),
        (b'{"a": 1,}', "column"),
        (b'{"a": 1} {"b": 2}', "extra data"),
        (b"\xef\xbb\xbf{}", "line 1"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "Infinity is no number"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
        (b'{"a": {"b": 1, "b": 1}}', "'b' stands twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "5,000 digits"),
        (b'{"a": "\xff"}', "byte 8 is not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "is not UTF-8"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": "\x00"}', "control character"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "more than 64 deep"),
        (b"[" * 100_000, "more than 64 deep"),
        (b'{"a":' * 100_000, "more than 64 deep"),
        (b'"' + b'\\"' * 100_000, "unterminated"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(raw: bytes, words: str) -> None:
    """RFC 7493 (I-JSON), and the bounds of this reader."""
    with pytest.raises(MalformedJson, match="The body is not valid JSON") as refused:
        parse(raw)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, True, None, "é", "\U0001f600", -5]},
        [[[[]]]],
        "[[[[" * 50,
        '"\\"[{',
        "\\" * 99,
    ],
)
def test_the_rest_reads_as_usual(value: object) -> None:
    """Brackets and quotes in texts are texts."""
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


def test_nesting_up_to_the_bound_is_read() -> None:
    """The bound is inclusive."""
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_depth_is_found_without_recursion() -> None:
    """A reader that recurses falls over before it can refuse."""
    with pytest.raises(MalformedJson):
        parse(b"[" * (sys.getrecursionlimit() * 10))


def test_hostile_texts_take_no_longer_than_others() -> None:
    """The look at brackets is linear: a mebibyte of escapes must not take its square."""
    began = time.perf_counter()

    for raw in (b'"' + b'\\"' * 500_000, b'"\\' * 500_000, b'"' * 999_999):
        with pytest.raises(MalformedJson):
            parse(raw)

    assert time.perf_counter() - began < 5
