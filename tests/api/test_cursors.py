"""A cursor goes on where the list stopped, for the question that it was given for and no other."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api import cursors
from service.api.cursors import Cursor, ForgedCursor

QUESTION = "/v1/access?provider=openai"
CURSOR = Cursor(after="100", known_at=49, as_of="2024-07-09")


def test_a_cursor_reads_as_it_was_written() -> None:
    """It carries where to go on, and the world that the list tells of."""
    assert cursors.read(cursors.write(CURSOR, QUESTION), QUESTION) == CURSOR


def test_a_cursor_fits_into_a_url_as_it_is() -> None:
    """base64url without padding (RFC 4648, section 5)."""
    assert set(cursors.write(CURSOR, QUESTION)) <= {*string.ascii_letters, *string.digits, *"-_"}


def test_a_cursor_of_another_question_is_refused() -> None:
    """It would go on in the middle of a list that nobody has begun."""
    with pytest.raises(ForgedCursor):
        cursors.read(cursors.write(CURSOR, QUESTION), "/v1/access?provider=microsoft")


def test_every_cut_cursor_is_refused() -> None:
    """Whatever part is left."""
    whole = cursors.write(CURSOR, QUESTION)

    for length in range(len(whole)):
        with pytest.raises(ForgedCursor):
            cursors.read(whole[:length], QUESTION)


def test_every_cursor_with_one_letter_changed_is_refused() -> None:
    """Also where base64 would read the other letter as the same bytes."""
    whole = cursors.write(CURSOR, QUESTION)

    for index, letter in enumerate(whole):
        for other in ("A", "B", "-", "_", "9"):
            if other != letter:
                with pytest.raises(ForgedCursor):
                    cursors.read(whole[:index] + other + whole[index + 1 :], QUESTION)


@given(st.text(max_size=60))
def test_whatever_is_sent_is_refused_and_never_fails(text: str) -> None:
    """No text is a cursor by chance."""
    with pytest.raises(ForgedCursor):
        cursors.read(text, QUESTION)
