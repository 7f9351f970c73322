"""Cursors: where the next part of a list begins, opaque to whoever carries them.

A cursor is base64url of a check and a small JSON array: the last item given, the position and the
day that the list was asked for. So every part of a list tells of the same world, whatever is
recorded between two requests. The check covers the path and the query too: a cursor that was
changed, cut, or taken from another question is refused. It keeps honest clients from mistakes; it
is no secret, since nothing in a cursor gives access to anything.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from service.domain.errors import AccesslineError

MAX_LENGTH: Final = 2_000
_CHECK: Final = 12


class ForgedCursor(AccesslineError):
    """A cursor that this question did not get."""

    def __init__(self) -> None:
        super().__init__(
            "This cursor was not given for this question: take 'next' from the answer before, with "
            "the other parameters unchanged, or start again without a cursor."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a list goes on.

    Attributes:
        after: The last item given: an id, a position, or how many were given.
        known_at: The position at which the list was known; None where it does not depend on it.
        as_of: The moment that was asked for; None where there is none.
        known_from: The position that a comparison begins at; None where nothing is compared.
    """

    after: str
    known_at: int | None = None
    as_of: str | None = None
    known_from: int | None = None


def write(cursor: Cursor, question: str) -> str:
    """Write a cursor for a question (its path and the rest of its query)."""
    body = msgspec.json.encode((cursor.after, cursor.known_at, cursor.as_of, cursor.known_from))
    return base64.urlsafe_b64encode(_check(body, question) + body).rstrip(b"=").decode("ascii")


def read(text: str, question: str) -> Cursor:
    """Read a cursor that was given for the same question.

    Raises:
        ForgedCursor: It was not.
    """
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        after, known_at, as_of, known_from = msgspec.json.decode(
            raw[_CHECK:], type=tuple[str, int | None, str | None, int | None]
        )
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise ForgedCursor from error
    cursor = Cursor(after=after, known_at=known_at, as_of=as_of, known_from=known_from)
    # Writing it again also finds what base64 does not mind: other letters that mean the same bytes.
    if write(cursor, question) != text:
        raise ForgedCursor
    return cursor


def _check(body: bytes, question: str) -> bytes:
    return hashlib.sha256(b"cursor\0" + question.encode() + b"\0" + body).digest()[:_CHECK]
