"""Both sides of a comparison, by turns: A B A B ..., and the median of what each round says.

What another program on the machine takes away hits both sides of a round alike, so ratios are
taken round by round. The clock is the processor time of this process where all the work is done in
it, else the time on the wall.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

Act = Callable[[], object]
Clock = Callable[[], float]

ROUND: Final = 0.2
"""Seconds that a side may take in a round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What two sides take, in seconds a call, and how their speeds compare.

    Attributes:
        ratio: Our speed as a share of the other's: 0.5 is half as fast.
    """

    ours: float
    other: float
    ratio: float


def clock_of(engine: str) -> Clock:
    """Return the clock for questions to an engine: PostgreSQL answers in processes of its own."""
    return time.process_time if engine == "sqlite" else time.perf_counter


def compare(
    ours: Iterable[Act], other: Iterable[Act], *, calls: int, rounds: int, clock: Clock
) -> Pair:
    """Time two sides by turns.

    Args:
        ours: Yields one call after another, without end or as many as may be wanted.
        other: The same of the other side.
        calls: Of each side in each round, at most: fewer where they would take longer than
            ``ROUND`` seconds.
        rounds: How often; some calls go first, uncounted.
        clock: Gives seconds.
    """
    mine, its = iter(ours), iter(other)
    many, theirs = _fitting(mine, calls), _fitting(its, calls)
    taken = [(_round(mine, many, clock), _round(its, theirs, clock)) for _ in range(rounds)]
    return pair([one for one, _ in taken], [one for _, one in taken])


def fitting(seconds: float, calls: int) -> int:
    """Return how many calls make a round, where one takes so long."""
    return max(1, min(calls, int(ROUND / max(seconds, 1e-9))))


def pair(ours: list[float], other: list[float], *, each: int = 1) -> Pair:
    """Return what rounds say that were timed elsewhere; ``each`` is the calls of a round."""
    ratios = [theirs / mine for mine, theirs in zip(ours, other, strict=True)]
    return Pair(
        ours=statistics.median(ours) / each,
        other=statistics.median(other) / each,
        ratio=statistics.median(ratios),
    )


def timed(act: Act, clock: Clock = time.perf_counter) -> float:
    """Return the seconds that a call takes."""
    began = clock()
    act()
    return clock() - began


def _fitting(side: Iterator[Act], calls: int) -> int:
    first = [timed(act) for act in islice(side, max(1, min(calls // 10, 5)))]
    return fitting(min(first), calls)


def _round(side: Iterator[Act], calls: int, clock: Clock) -> float:
    """Return the seconds that a call took; the calls were made before the clock starts."""
    acts = list(islice(side, calls))
    gc.collect()
    began = clock()
    for act in acts:
        act()
    return max(clock() - began, 1e-9) / len(acts)
