"""The rows of a list as CSV (RFC 4180): UTF-8, a header line, CRLF, quotes where they are needed.

The rows are those of the JSON, a column for each field. What is absent is an empty cell, a list or
an object stands as JSON. A cell that a spreadsheet would run (it begins with ``=``, ``+``, ``-``,
``@``, a tab or a carriage return) gets an apostrophe in front, and so does one that begins with an
apostrophe: whoever reads the file takes one leading apostrophe away and has the value again.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from enum import Enum
from typing import Any, Final
from uuid import UUID

from service.domain.codec import answer_bytes, plain
from service.domain.times import When

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"

_RUN: Final = ("=", "+", "-", "@", "\t", "\r", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell must not begin with; the last four are = + - @ in full width."""


def columns_of(row: type) -> tuple[str, ...]:
    """Return the columns of rows that are dataclasses."""
    return tuple(one.name for one in fields(row))


def csv_bytes(columns: Sequence[str], rows: Iterable[object], *, header: bool = True) -> bytes:
    """Return rows, each a dataclass or a dict, as CSV; more of the same have no header."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    if header:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(_value(row, name)) for name in columns])
    return written.getvalue().encode("utf-8")


def _value(row: object, name: str) -> object:
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name)


def _cell(value: Any) -> str:  # noqa: ANN401 -- any value of an answer
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | Enum() | When() | UUID() | date():
            text = str(plain(value))
        case _:
            text = answer_bytes(value).decode("utf-8")
    return f"'{text}" if text.startswith(_RUN) else text
