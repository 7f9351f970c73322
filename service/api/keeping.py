"""How long an answer is good: said by the view that gives it, for whoever keeps answers.

A view that says nothing is asked each time.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, cast

from flask import g


@dataclass(frozen=True, slots=True)
class Good:
    """What an answer depends on, besides the request.

    Attributes:
        position: The head of the log for which it is good; None where an append changes nothing.
        day: The day in UTC for which it is good; None where it is good on any.
    """

    position: int | None
    day: date | None


FOR_EVER: Final = Good(None, None)


def say(good: Good) -> None:
    """Say of the answer to the current request how long it is good."""
    g.good = good


def said() -> Good | None:
    """Return what was said of the answer to the current request."""
    return cast("Good | None", g.get("good"))
