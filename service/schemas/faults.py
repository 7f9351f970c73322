"""What is wrong with an input, and where: the items of ``errors[]`` in every problem.

A fault of a body has a ``pointer`` (RFC 6901: ``/events/0/data/scope/regions/1``), a fault of the
query a ``parameter``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.domain.errors import AccesslineError, Path, Rejected

MOST_FAULTS: Final = 1_000
"""Faults that are looked for at most: an answer about nonsense must not be larger than it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        detail: A sentence that says what is wrong and what would be right.
        suggestion: A value that would be accepted, where one is near.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    suggestion: str | None = None


class InvalidInput(AccesslineError):
    """An input with faults, all of them told."""

    def __init__(self, errors: Iterable[Fault]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        where = first.parameter or first.pointer or ""
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        super().__init__(f"{where}: {first.detail}{more}" if where else f"{first.detail}{more}")


def faults_of(rejected: Rejected) -> tuple[Fault, ...]:
    """Return what the domain found in a batch, with pointers into its body."""
    return tuple(
        Fault(
            pointer=pointer_of(("events", index, *fault.path)),
            detail=fault.detail,
            suggestion=fault.suggestion,
        )
        for index, fault in rejected.faults
    )


def pointer_of(path: Path, *, under: str = "") -> str:
    """Write a path as a JSON Pointer (RFC 6901).

    >>> pointer_of(("data", "a/b", 1), under="/events/0")
    '/events/0/data/a~1b/1'
    """
    steps = (str(step)[:100].replace("~", "~0").replace("/", "~1") for step in path)
    return under + "".join(f"/{step}" for step in steps)
