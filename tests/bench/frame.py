"""What a row of the benchmark is: two sides, a budget, a verdict.

Machines differ, so most budgets are ratios, and both sides of a ratio run in one process and one
run, by turns (`sides`). A budget has two marks: what must hold, and where we are going.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.bench.ground import ENGINES, Ground

Figures = dict[str, float]


class NotHere(Exception):
    """What a row needs is not on this machine; its sentence says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        events: Of a log, in streams of five.
        changes: Of one cell, in one stream.
        leaves: Of the log that proofs are made for.
        kept: Events of the log whose server or import has its memory looked at.
        calls: Of each side in a round, where a call takes well under a millisecond.
        rounds: Of each comparison; the median counts.
    """

    events: int
    changes: int
    leaves: int
    kept: int
    calls: int
    rounds: int


SIZES: Final = {
    "small": Size(events=5_000, changes=200, leaves=20_000, kept=5_000, calls=200, rounds=5),
    "medium": Size(events=50_000, changes=2_000, leaves=200_000, kept=50_000, calls=500, rounds=7),
    "large": Size(
        events=1_000_000,
        changes=100_000,
        leaves=1_000_000,
        kept=1_000_000,
        calls=1_000,
        rounds=9,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What was promised: at least so much, or at most."""

    must: float
    goal: float
    at_most: bool = False

    def verdict(self, value: float) -> str:
        """Say how a value stands: ``goal``, ``must``, or how far it falls short.

        >>> Budget(must=0.4, goal=0.5).verdict(0.45)
        'must'
        >>> Budget(must=2, goal=1.6, at_most=True).verdict(3)
        'short by 1.5 x'
        """
        if self._holds(value, self.goal):
            return "goal"
        if self._holds(value, self.must):
            return "must"
        short = value / self.must if self.at_most else self.must / max(value, 1e-9)
        return f"short by {short:.3g} x"

    def _holds(self, value: float, mark: float) -> bool:
        return value <= mark if self.at_most else value >= mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a row found.

    Attributes:
        value: What its budget is about: a ratio, or ours where there is no other side.
        ours: Our side, in ``unit``.
        other: The other side, in the same unit; None where there is none.
        also: What else was seen.
        note: How it was measured, where that differs from what the row says.
    """

    value: float
    ours: float
    unit: str
    other: float | None = None
    also: Figures = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        name: What ``--only`` knows it by.
        what: What is compared with what.
        budgets: By engine; none where only a peer is shown.
    """

    name: str
    what: str
    measure: Callable[[Ground, Size], Finding]
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    engines: Sequence[str] = ENGINES


def everywhere(must: float, goal: float, *, at_most: bool = False) -> dict[str, Budget]:
    """Return one budget for every engine."""
    return dict.fromkeys(ENGINES, Budget(must=must, goal=goal, at_most=at_most))
