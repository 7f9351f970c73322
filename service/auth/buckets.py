"""Token buckets: how often somebody may do something, in the memory of one process.

A bucket holds ``per_minute`` tokens at most and is filled at that rate; whoever takes one more than
there are is told how long to wait. A bucket that nobody has touched for a minute is full, so it is
forgotten: memory is bounded, and what is bounded is told apart again when it comes back.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final

MINUTE: Final = 60.0
MOST: Final = 10_000
"""Buckets at most; the one that was untouched longest makes room."""


class Buckets:
    """Buckets of one size, by the name of whom they are for.

    Attributes:
        per_minute: Tokens that a bucket holds and gets in a minute; 0 sets no limit.
        refused: How often there was none left.
    """

    def __init__(
        self, per_minute: int, *, most: int = MOST, clock: Callable[[], float] = monotonic
    ) -> None:
        self.per_minute = per_minute
        self.refused = 0
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets are remembered."""
        return len(self._left)

    def take(self, name: str, tokens: int = 1) -> float:
        """Take tokens out of a bucket.

        Args:
            name: Whose.
            tokens: How many; 0 only asks whether there is one.

        Returns:
            Seconds after which there is one again; 0 where the tokens were taken.
        """
        if not self.per_minute:
            return 0.0
        with self._lock:
            now = self._clock()
            left = self._filled(name, now)
            wait = 0.0
            if left < max(tokens, 1):
                self.refused += 1
                wait = (max(tokens, 1) - left) * MINUTE / self.per_minute
            else:
                left -= tokens
            self._keep(name, left, now)
            return wait

    def _filled(self, name: str, now: float) -> float:
        left, then = self._left.get(name, (float(self.per_minute), now))
        return min(float(self.per_minute), left + (now - then) * self.per_minute / MINUTE)

    def _keep(self, name: str, left: float, now: float) -> None:
        self._left[name] = (left, now)
        self._left.move_to_end(name)
        while self._left:
            oldest, (_, touched) = next(iter(self._left.items()))
            if len(self._left) <= self._most and now - touched < MINUTE:
                break
            del self._left[oldest]
