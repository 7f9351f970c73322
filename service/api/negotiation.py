"""Which form of an answer a client wants: JSON, or the rows of a list as CSV.

RFC 9110, section 12.5.1: the most specific range that matches a form gives its weight; parameters
other than ``q`` are not looked at. Who accepts nothing that there is, is told what there is.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from flask import request

from service.domain.errors import AccesslineError

JSON: Final = "application/json"
CSV: Final = "text/csv"


class NotAcceptable(AccesslineError):
    """A client that wants another form than there is."""

    def __init__(self, offered: Sequence[str]) -> None:
        super().__init__(
            f"This is answered as {' or '.join(offered)}: name one in 'Accept', or leave it out."
        )


def wanted(offered: Sequence[str]) -> str:
    """Return the form of the current request's answer, the first offered where all are equal.

    Raises:
        NotAcceptable: None of them is accepted.
    """
    if "Accept" not in request.headers:
        return offered[0]
    ranges = [
        (media.partition(";")[0].strip().lower(), weight)
        for media, weight in request.accept_mimetypes
    ]
    best = max(offered, key=lambda form: _weight(form, ranges))
    if not _weight(best, ranges):
        raise NotAcceptable(offered)
    return best


def _weight(form: str, ranges: Iterable[tuple[str, float]]) -> float:
    """Return the weight of the most specific range that matches a form, 0 where none does."""
    given = dict(reversed(list(ranges)))
    for media in (form, f"{form.partition('/')[0]}/*", "*/*"):
        if media in given:
            return given[media]
    return 0.0
