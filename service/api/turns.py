"""How much is done at once: the rest waits a little, or is refused at once.

Of the threads of a process a third works, half may wait for its turn, and what is left says 503
without delay: so whoever asks for the server's health is answered, however much is asked besides.
Who waits for a body, or for a position of the log, does not work, and gives its turn away.

A body that does not come holds a thread until its client hangs up, since the server below has no
limit of time for it, and none can be laid on it from here (granian stands still where an answer is
given while another thread still reads). So a quarter of the threads never reads a body, and one
client may keep half of the others at most: who reads is answered, and who posts from elsewhere.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from service.domain.errors import AccesslineError

TURN_SECONDS: Final = 1.0
"""How long a request waits for its turn."""


class TooMuch(AccesslineError):
    """More is asked for than can be done now."""

    def __init__(self) -> None:
        super().__init__("More is asked of this server than it can do. Ask again in a second.")


class Turns:
    """Who works, who waits, who reads; for one process with some threads."""

    def __init__(self, threads: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(max(1, threads // 3)):
            self._free.put(None)
        self._lock = threading.Lock()
        self._may_wait = threads // 2
        self._may_read = max(1, threads * 3 // 4)
        self._one_may_read = max(1, self._may_read // 2)
        self._reading = 0
        self._readers: dict[str, int] = {}

    def take(self) -> None:
        """Take a turn; ``give`` it back.

        Raises:
            TooMuch: None is free in time, or too many wait for one.
        """
        try:
            self._free.get_nowait()
        except Empty:
            self._wait()

    def give(self) -> None:
        """Give the turn back."""
        self._free.put(None)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others work while this thread waits for something."""
        self.give()
        try:
            yield
        finally:
            self._free.get()

    def begin_reading(self, client: str) -> None:
        """Begin to read a body; ``end_reading`` it.

        Raises:
            TooMuch: Too many bodies are read already, or too many of this client.
        """
        with self._lock:
            mine = self._readers.get(client, 0)
            if self._reading >= self._may_read or mine >= self._one_may_read:
                raise TooMuch
            self._reading += 1
            self._readers[client] = mine + 1

    def end_reading(self, client: str) -> None:
        """Make room for others' bodies."""
        with self._lock:
            self._reading -= 1
            left = self._readers.pop(client) - 1
            if left:
                self._readers[client] = left

    def _wait(self) -> None:
        with self._lock:
            if not self._may_wait:
                raise TooMuch
            self._may_wait -= 1
        try:
            self._free.get(timeout=TURN_SECONDS)
        except Empty:
            raise TooMuch from None
        finally:
            with self._lock:
                self._may_wait += 1


class Readable(Protocol):
    """What a server gives as the body of a request."""

    def read(self, size: int = -1, /) -> bytes:
        """Read."""

    def readline(self, size: int = -1, /) -> bytes:
        """Read a line."""


def read_body(stream: Readable, size: int, turns: Turns, client: str) -> bytes:
    """Read a body before a turn is taken.

    Raises:
        TooMuch: As ``Turns.begin_reading`` does.
    """
    turns.begin_reading(client)
    try:
        return stream.read(size)
    finally:
        turns.end_reading(client)


class Body:
    """The body of a request, read by who has a turn, and gives it away meanwhile."""

    def __init__(self, stream: Readable, turns: Turns, client: str) -> None:
        self._stream = stream
        self._turns = turns
        self._client = client

    def read(self, size: int = -1) -> bytes:
        """Read bytes: as many, or up to the end.

        Raises:
            TooMuch: As ``Turns.begin_reading`` does.
        """
        with self._reading():
            return self._stream.read() if size < 0 else self._stream.read(size)

    def readline(self, size: int = -1) -> bytes:
        """Read a line, as ``read`` does."""
        with self._reading():
            return self._stream.readline(size)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._turns.begin_reading(self._client)
        try:
            with self._turns.aside():
                yield
        finally:
            self._turns.end_reading(self._client)
