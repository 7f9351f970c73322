"""Reading one's own writes: a read that names a position waits until the log has come to it.

A replica may be a moment behind: then nobody waits for it, the primary is asked. There the head is
looked at again and again, each time in a transaction of its own, so nobody who waits holds a
connection. Who waits holds a thread, though: only half of them may, or a few clients could keep
everybody out.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Final

from service.application import moments
from service.domain.errors import AccesslineError
from service.store.engine import Database

_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.1


class NotThereYet(AccesslineError):
    """The log has not come to the position that a read named."""

    def __init__(self, *, wanted: int, position: int) -> None:
        super().__init__(
            f"The log is at position {position} here, and not yet at {wanted}. Ask again in a "
            "second, or without 'min_position'."
        )


class Waiting:
    """How long a read may wait, and how many may at once.

    Attributes:
        free: How many more may wait now. ``aside``: makes room for others meanwhile.
    """

    def __init__(
        self,
        seconds: float,
        *,
        most: int,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.seconds = seconds
        self.free = most
        self._aside = aside
        self._lock = Lock()

    def until(self, database: Database, wanted: int) -> None:
        """Return when the log has come to a position.

        Raises:
            NotThereYet: It has not in time, or too many are waiting already.
        """
        position = moments.head_position(database)
        if position >= wanted:
            return
        if database.elsewhere() is not None:
            # ``spreading`` runs the view once more, against the primary.
            raise NotThereYet(wanted=wanted, position=position)
        with self._lock:
            if not self.free:
                raise NotThereYet(wanted=wanted, position=position)
            self.free -= 1
        try:
            with self._aside():
                self._wait(database, wanted)
        finally:
            with self._lock:
                self.free += 1

    def _wait(self, database: Database, wanted: int) -> None:
        deadline = time.monotonic() + self.seconds
        pause = _FIRST_PAUSE
        while (position := moments.head_position(database)) < wanted:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotThereYet(wanted=wanted, position=position)
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
