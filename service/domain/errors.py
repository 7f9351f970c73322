"""Everything that the domain refuses, each fault a class that writes its own sentence.

AccesslineError
├── Rejected                 a batch, with every fault found in it
└── Refused                  path inside the event, detail, suggestion
    ├── BadTimeError         no date or instant that we accept
    ├── BadPeriodError       empty or backward
    ├── BadScopeError        lists that cannot stand together
    ├── UnknownIdError       with the nearest known id
    ├── BadContentError      a field that its event type needs or cannot have
    ├── StepError            a lifecycle step that the policy does not allow
    ├── OverrideError        a circle of overrides
    └── CorrectionError      a correction that corrects nothing
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]


class AccesslineError(Exception):
    """The root of what accessline raises on purpose."""


class Refused(AccesslineError):
    """Something that may not be recorded or asked.

    Attributes:
        detail: One sentence: what is wrong and what would be right.
        path: Where, as keys and indexes from the event (or question) down.
        suggestion: A value that would be accepted, where one is near.
    """

    def __init__(self, detail: str, *, path: Path = (), suggestion: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = path
        self.suggestion = suggestion

    def under(self, *prefix: str | int) -> "Refused":
        """Return this fault with its path put below ``prefix``."""
        self.path = (*prefix, *self.path)
        return self


class Rejected(AccesslineError):
    """A batch that may not be recorded.

    Attributes:
        faults: Every fault with the index of its event in the batch.
    """

    def __init__(self, faults: Iterable[tuple[int, Refused]]) -> None:
        self.faults = tuple(faults)
        index, first = self.faults[0]
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        super().__init__(f"Event {index}: {first.detail}{more}")

    def placed(self, places: Sequence[int]) -> "Rejected":
        """Return the same faults in a batch of which only the events at ``places`` were judged."""
        return Rejected((places[index], fault) for index, fault in self.faults)


class BadTimeError(Refused):
    """A text that is no date or instant of the kind asked for."""


class BadPeriodError(Refused):
    """A period that ends before it starts, or at once."""

    def __init__(self, start: str, end: str, *, path: Path = ()) -> None:
        super().__init__(
            f"The period from {start} until {end} is empty or runs backward: effective_until is "
            "the first day (or instant) at which it no longer holds, so it lies after "
            "effective_from.",
            path=path,
        )


class BadScopeError(Refused):
    """A scope whose lists cannot stand together."""


class UnknownIdError(Refused):
    """An id that nobody registered."""

    def __init__(
        self, kind: str, given: str, known: Iterable[str], *, path: Path = (), hint: str = ""
    ) -> None:
        near = nearest(given, known)
        known_text = f" Did you mean {near!r}?" if near else ""
        super().__init__(
            f"There is no {kind} {given!r}.{known_text}{' ' + hint if hint else ''}",
            path=path,
            suggestion=near,
        )
        self.kind = kind
        self.given = given


class BadContentError(Refused):
    """A field that this type of event needs, or cannot have."""


class StepError(Refused):
    """A lifecycle step that the policy, as it stands on that day, does not allow."""


class OverrideError(Refused):
    """Directives that override each other in a circle."""


class CorrectionError(Refused):
    """A correction whose target or replacement does not fit."""


_USUAL_MISTAKES = {"UK": "GB", "EL": "GR", "EN": "GB", "SU": "RU", "ROC": "TW", "PRC": "CN"}


def nearest(given: str, known: Iterable[str]) -> str | None:
    """Return the known id that ``given`` most likely meant, or None.

    >>> nearest("opnai", ["openai", "microsoft"])
    'openai'
    """
    candidates = sorted(known)
    usual = _USUAL_MISTAKES.get(given.upper())
    if usual in candidates:
        return usual
    folded = {candidate.casefold(): candidate for candidate in candidates}
    if given.casefold() in folded:
        return folded[given.casefold()]
    found = get_close_matches(given.casefold()[:80], folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None
