"""Replicas: PostgreSQL servers that follow the primary, and answer reads in its place.

    replicas = Replicas(primary, urls, max_lag=10)
    with replicas.reading():
        with replicas.database.read() as connection: …   from one replica, the same for all reads
    with replicas.database.read() as connection: …       from the primary

Reads are spread by turns over the replicas that are *in*. Once a second each replica is looked at,
by a thread of its own, so one that does not answer holds up nobody. It is in while

- it answers, and its tables are those of this program;
- what it holds is a prefix of the primary's log: both have the same tree up to its head;
- it has everything that the primary had ``max_lag`` seconds ago.

One that is out is looked at all the same, and comes back by itself. While the primary cannot be
asked, replicas that are in stay in as long as they answer.

Which replica a request reads from is bound once, before its first read: the positions that one
request sees never go backwards. What must be the newest (keys, sessions, what is signed, readiness)
is read with ``newest=True`` and always comes from the primary.
"""

import dataclasses
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import Final

import sqlalchemy as sa

from service.evidence.merkle import Frontier
from service.store import events, schema, tree
from service.store.engine import Database, connect
from service.store.errors import DatabaseUnavailable, SchemaOutdated, StoreError

EVERY: Final = 1.0
"""Seconds between two looks at a replica."""

PATIENCE: Final = 2
"""Seconds that a look may take; then the replica counts as dead, and its lines are cut."""

_MOST_MARKS: Final = 8192

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a replica was when it was last looked at.

    Attributes:
        within: Whether it answers reads.
        fault: Why it does not, in one or two words. ``told``: in a sentence.
        position: Of its head; None where it is not known.
        lag: Events that it was behind the primary; None where that is not known.
    """

    within: bool = False
    fault: str = "new"
    told: str = "It was not looked at yet."
    position: int | None = None
    lag: int | None = None


class _Marks:
    """Positions of the primary, and when each was first seen: so lag is told without its clock."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque(maxlen=_MOST_MARKS)
        self._gap = True

    def gap(self) -> None:
        """Say that nobody has looked for a while: what is there next may have been long since."""
        self._gap = True

    def lacking(self, head: int, position: int, now: float) -> float:
        """Return for how many seconds something has been there that a position lacks."""
        if self._gap or not self._seen or self._seen[-1][0] < head:
            self._seen.append((head, -inf if self._gap else now))
            self._gap = False
        while self._seen and self._seen[0][0] <= position:
            self._seen.popleft()
        return now - self._seen[0][1] if self._seen else 0.0


class Replica:
    """One replica: where it is asked, and how it stands.

    Attributes:
        reads: How many reads were sent to it. ``passed_on``: how many of them the primary answered.
    """

    def __init__(self, number: int, url: str, wait: float) -> None:
        self.number = number
        # Who is bound to a dead replica must soon learn it, and then asks the primary.
        soon = sa.make_url(url).update_query_dict({"connect_timeout": str(PATIENCE)})
        url = soon.render_as_string(hide_password=False)
        self.database = connect(url, read_only=True, wait=wait)
        self.standing = Standing()
        self.reads = 0
        self.passed_on = 0
        self._looks = connect(url, read_only=True, wait=PATIENCE)
        self._marks = _Marks()
        self._proven = Frontier()

    def looked_at(self, primary: Database, max_lag: float) -> Standing:
        """Return how it stands now."""
        try:
            held = self._held()
        except StoreError as error:
            self._marks.gap()
            fault = "schema" if isinstance(error, SchemaOutdated) else "dead"
            return Standing(fault=fault, told=str(error))
        try:
            with primary.read(newest=True) as connection:
                head = events.read_head(connection)
                ahead = held.size > head.position
                if held != self._proven and not ahead:
                    if tree.frontier(connection, held.size) != held:
                        return _foreign(held.size)
                    self._proven = held
        except StoreError as error:
            self._marks.gap()
            return self._uncompared(held, "primary", str(error))
        if ahead:
            # An append that a synchronous standby has still to confirm is seen here first.
            told = f"It holds {held.size} events, and the primary only {head.position}."
            return self._uncompared(held, "ahead", told)
        seconds = self._marks.lacking(head.position, held.size, time.monotonic())
        late, lag = seconds > max_lag, head.position - held.size
        return Standing(
            within=not late,
            fault="late" if late else "",
            told=f"It is {lag} events behind, for more than {max_lag:g} s." if late else "",
            position=held.size,
            lag=lag,
        )

    def has(self, position: int) -> bool:
        """Tell whether it answers reads, and has come to a position."""
        standing = self.standing
        return standing.within and position <= (standing.position or 0)

    def close(self) -> None:
        """Close its connections."""
        self.database.dispose()
        self._looks.dispose()

    def _held(self) -> Frontier:
        """Read the tree of its log, within bounds that do not depend on the server."""
        hang_up = threading.Timer(PATIENCE, self._looks.cut)
        hang_up.start()
        try:
            schema.require_current(self._looks)
            with self._looks.read() as connection:
                return events.read_head(connection).frontier
        finally:
            hang_up.cancel()
            hang_up.join()

    def _uncompared(self, held: Frontier, fault: str, told: str) -> Standing:
        """Leave in or out what cannot be compared: it is in only if it was, as one of this log."""
        within = self.standing.within
        return Standing(
            within=within,
            fault="" if within else fault,
            told="" if within else told,
            position=held.size,
            lag=0 if fault == "ahead" else None,
        )


def _foreign(size: int) -> Standing:
    told = f"Its {size} events are not the first {size} of the primary: it follows another log."
    return Standing(fault="foreign", told=told, position=size)


_READING: Final[ContextVar[Replica | None]] = ContextVar("reading", default=None)


class Replicas:
    """The replicas of a primary.

    Attributes:
        database: The primary, whose reads go to the replica that is bound, if one is.
        all: Each replica, in the order of their URLs.
    """

    def __init__(self, primary: Database, urls: Sequence[str], *, max_lag: float) -> None:
        self.database = dataclasses.replace(primary, elsewhere=self._bound)
        self._primary = primary
        self.all = tuple(Replica(number, url, primary.wait) for number, url in enumerate(urls, 1))
        self._max_lag = max_lag
        self._turn = count()
        self._counting = threading.Lock()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, args=(one,), daemon=True) for one in self.all
        ]
        for thread in self._threads:
            thread.start()

    @contextmanager
    def reading(self, position: int = 0) -> Iterator[Replica | None]:
        """Bind what is read within to one replica; to the primary where there is none.

        Args:
            position: What the replica must have come to when it was looked at.
        """
        within = [one for one in self.all if one.has(position)]
        bound = within[next(self._turn) % len(within)] if within else None
        if bound is not None:
            with self._counting:
                bound.reads += 1
        token = _READING.set(bound)
        try:
            yield bound
        finally:
            _READING.reset(token)

    def passed_on(self, replica: Replica, error: Exception | None = None) -> None:
        """Count a read that the primary answers in place of a replica.

        A replica that could not be reached is out until it is found to be well again.
        """
        with self._counting:
            replica.passed_on += 1
        if isinstance(error, DatabaseUnavailable):
            self._stand(replica, Standing(fault="dead", told=str(error)))

    def close(self) -> None:
        """Stop looking, and close the connections to all replicas; the primary stays open."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for one in self.all:
            one.close()

    def _bound(self) -> Database | None:
        replica = _READING.get()
        return replica.database if replica in self.all else None

    def _watch(self, replica: Replica) -> None:
        while True:
            try:
                standing = replica.looked_at(self._primary, self._max_lag)
            except Exception as error:  # noqa: BLE001 -- the edge of a thread that goes on
                _LOG.exception("A look at a replica failed.")
                standing = Standing(fault="dead", told=str(error))
            self._stand(replica, standing)
            if standing.fault == "dead":
                replica.database.cut()
            if self._ended.wait(EVERY):
                return

    def _stand(self, replica: Replica, standing: Standing) -> None:
        before, replica.standing = replica.standing, standing
        if (before.within, before.fault) == (standing.within, standing.fault):
            return
        which = {"replica": replica.number, "database": replica.database.name}
        if standing.within:
            _LOG.info("A replica answers reads.", extra=which)
        else:
            level = logging.ERROR if standing.fault == "foreign" else logging.WARNING
            _LOG.log(level, "A replica is kept out: %s", standing.told, extra=which)
