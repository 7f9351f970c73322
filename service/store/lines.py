"""Open connections of an engine, which can all be cut at once.

A server that was stopped, or waits for a dead disk, keeps its connections and answers nothing; no
timeout of its own ends that. Whoever waits for it gets an error once its line is cut.
"""

import os
import socket
import threading
from contextlib import suppress
from typing import Any

import sqlalchemy as sa


class Lines:
    """The connections of one engine.

    Each has a second descriptor here: the driver's own may already be somebody else's when it is
    cut.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, socket.socket] = {}

    def follow(self, engine: sa.Engine) -> None:
        """Know the connections that an engine opens from now on."""
        # First of all, since what is done to a new connection may already wait for ever.
        sa.event.listen(engine, "connect", self._opened, insert=True)
        sa.event.listen(engine, "close", self._closed)

    def cut(self) -> None:
        """End every connection, also in the middle of a statement."""
        with self._lock:
            for line in self._open.values():
                with suppress(OSError):  # The other end was faster.
                    line.shutdown(socket.SHUT_RDWR)

    def _opened(self, connection: Any, _: object) -> None:  # noqa: ANN401 -- psycopg's
        line = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._open[id(connection)] = line

    def _closed(self, connection: Any, _: object) -> None:  # noqa: ANN401 -- psycopg's
        with self._lock:
            line = self._open.pop(id(connection), None)
        if line is not None:
            line.close()
