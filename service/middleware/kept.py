"""Answers that are kept, and given again as long as they are good.

An answer is kept by what was asked: the path and the query as they came, the form that is wanted,
or the body of a check. It is given again while the log and the day are those that it is good for
(``api.keeping``); one that can never change is given without a look at the log. Only whole answers
with status 200 are kept, none that sets a cookie, and none to a key or a session: those requests
do not come here. What was not asked for longest goes first, once the bytes are used up.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from service.api.keeping import Good
from service.api.metrics import family
from service.store.watching import Stamp, Watch

Header = tuple[str, str]
Headers = list[Header]

_OWN: Final = frozenset({"content-type", "content-length", "link"})
"""Headers of an answer that 304 goes without."""

_OVERHEAD: Final = 1_000
"""Bytes of a kept answer besides its text, about."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that may be given again.

    Attributes:
        route: The template of its path, for the metrics. ``path``: as the log shows it.
        headers: Without the id of the request. ``bare``: those of 304.
        tag: As ``ETag`` has it; None where it has none.
        stamp: Where the log must stand; None where that does not matter. ``day``: likewise.
    """

    route: str | None
    path: str
    headers: Headers
    bare: Headers
    body: bytes
    tag: str | None
    stamp: Stamp | None
    day: date | None


@dataclass(frozen=True, slots=True)
class Miss:
    """An answer that is still to be made: under which key to keep it, and since which stamp."""

    key: Hashable
    stamp: Stamp | None


class Answers:
    """Kept answers of one process; safe to be used by several threads."""

    def __init__(self, watch: Watch, clock: Callable[[], datetime], most_bytes: int) -> None:
        self._watch = watch
        self._clock = clock
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self.bytes = 0
        self.given = 0

    def told(self) -> Iterator[str]:
        """Yield the lines of the metrics."""
        name = "accessline_answers_given_again_total"
        yield from family(name, "counter", "Requests answered by a kept answer.", {(): self.given})
        name = "accessline_answers_kept_bytes"
        yield from family(name, "gauge", "Bytes of the answers that are kept.", {(): self.bytes})

    def find(self, key: Hashable) -> Kept | Miss:
        """Return the answer that is kept under a key and is good now."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        if found is None:
            return Miss(key, self._watch.stamp())
        kept = found[0]
        stamp = None if kept.stamp is None and kept.day is None else self._watch.stamp()
        if kept.stamp not in (None, stamp):
            return Miss(key, stamp)
        if kept.day is not None and kept.day != self._clock().astimezone(UTC).date():
            return Miss(key, stamp)
        self.given += 1
        return kept

    def keep(  # noqa: PLR0913 -- all of an answer
        self,
        miss: Miss,
        good: Good,
        headers: Sequence[Header],
        body: bytes,
        *,
        route: str | None,
        path: str,
    ) -> None:
        """Keep an answer that was made after a miss."""
        stamp = None if good.position is None else miss.stamp
        if good.position is not None and (stamp is None or stamp.position != good.position):
            # Made while the log moved, or by a replica that is behind: it may not be the newest.
            return
        names = {name.lower(): value for name, value in headers}
        size = len(body) + sum(len(name) + len(value) for name, value in headers) + _OVERHEAD
        size += len(path) + sum(len(str(part)) for part in _parts(miss.key))
        if "set-cookie" in names or size > self._most // 8:
            return
        kept = Kept(
            route=route,
            path=path,
            headers=list(headers),
            bare=[(name, value) for name, value in headers if name.lower() not in _OWN],
            # A copy, since what orjson returns lies in a buffer that is several times as long.
            body=bytes(memoryview(body)),
            tag=names.get("etag"),
            stamp=stamp,
            day=good.day,
        )
        with self._lock:
            former = self._kept.pop(miss.key, None)
            self.bytes += size - (0 if former is None else former[1])
            self._kept[miss.key] = (kept, size)
            while self.bytes > self._most:
                _, (_, gone) = self._kept.popitem(last=False)
                self.bytes -= gone


def _parts(key: Hashable) -> Sequence[object]:
    return key if isinstance(key, tuple) else (key,)
