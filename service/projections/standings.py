"""Streams as they stand, kept so that the next event of one need not read all before it.

What is kept is bounded: what was used longest ago is forgotten, and read from the log again when it
is wanted.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from service.domain.events import Recorded
from service.domain.fold import Slot
from service.domain.subject import Subject
from service.projections.segments import Spell
from service.store import events as log
from service.store.codec import decode
from service.store.events import Tip

MOST_KEPT: Final = 20_000
"""Events of which a walk through the log keeps what they came to."""

MOST_REMEMBERED: Final = 2_000
"""The same for a process, between its appends."""


@dataclass(slots=True)
class Standing:
    """One stream: what it says, and the statements that say it.

    Attributes:
        spells: By slot, in one generation; None where they were not read yet.
    """

    subject: Subject
    spells: dict[Slot, Spell] | None = None

    def copy(self) -> "Standing":
        """Return one that goes on by itself."""
        spells = None if self.spells is None else self.spells.copy()
        return Standing(self.subject.copy(), spells)


@dataclass(slots=True)
class Standings:
    """The streams that were used last.

    Attributes:
        log: A transaction that sees the log.
    """

    log: sa.Connection
    most: int = MOST_KEPT
    _kept: OrderedDict[str, Standing] = field(default_factory=OrderedDict)
    _events: int = 0

    def prepare(self, some: Sequence[Recorded]) -> None:
        """Read the streams of some next events, all at once."""
        first: dict[str, Recorded] = {}
        for recorded in some:
            first.setdefault(recorded.event.stream, recorded)
        for name, recorded in first.items():
            if recorded.version == 1 and name not in self._kept:
                self._keep(Standing(Subject.of(name), {}))
        if some:
            self.read(first, some[0].position - 1)

    def read(self, names: Iterable[str], upto: int) -> None:
        """Read the streams that are not kept, up to and with a position."""
        missing = [name for name in dict.fromkeys(names) if name not in self._kept]
        for name, rows in log.streams(self.log, missing, upto).items():
            spells: dict[Slot, Spell] | None = None if rows else {}
            self._keep(Standing(Subject.of(name, [decode(row) for row in rows]), spells))

    def of(self, name: str, upto: int) -> Standing:
        """Return a stream as it stands up to and with a position."""
        if name not in self._kept:
            self.read((name,), upto)
        self._kept.move_to_end(name)
        return self._kept[name]

    def after(self, recorded: Recorded) -> Standing:
        """Let a stream go on with its next event, which the log has, and return it."""
        name = recorded.event.stream
        standing = self.of(name, recorded.position - 1)
        if standing.subject.follows(recorded):
            standing.subject.take(recorded)
        else:
            rows = log.stream(self.log, name, recorded.position)
            standing.subject = Subject.of(name, [decode(row) for row in rows])
            standing.spells = None
        self._events += 1
        self._forget()
        return standing

    def _keep(self, standing: Standing) -> None:
        self._kept[standing.subject.name] = standing
        self._events += standing.subject.version
        self._forget()

    def _forget(self) -> None:
        while self._events > self.most and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._events -= oldest.subject.version

    # Between the appends of a process.

    @classmethod
    def remembered(
        cls, connection: sa.Connection, generation: int, tips: Mapping[str, Tip]
    ) -> "Standings":
        """Return what this process knows of some streams, as far as it is still so.

        What is remembered never changes: who uses it goes on with a copy.
        """
        found = cls(connection)
        with _TURN:
            known = _MEMORIES.setdefault(connection.engine, _Memory()).known
            for name, tip in tips.items():
                as_of, standing = known.get(name, (None, None))
                if not tip.version:
                    found._keep(Standing(Subject.of(name), {}))
                elif standing is not None and as_of == (generation, tip):
                    found._keep(standing.copy())
        return found

    def remember(self, generation: int, tips: Mapping[str, Tip]) -> None:
        """Keep what some streams have come to, once that is committed."""
        with _TURN:
            memory = _MEMORIES.setdefault(self.log.engine, _Memory())
            for name, tip in tips.items():
                if name in self._kept:
                    memory.keep(name, (generation, tip), self._kept[name])


@dataclass(slots=True)
class _Memory:
    """The standings that a process keeps, each with the generation and the tip that it is of."""

    known: OrderedDict[str, tuple[tuple[int, Tip], Standing]] = field(default_factory=OrderedDict)
    events: int = 0

    def keep(self, name: str, as_of: tuple[int, Tip], standing: Standing) -> None:
        _, before = self.known.pop(name, (None, None))
        self.known[name] = as_of, standing
        self.events += as_of[1].version - (before.subject.version if before else 0)
        while self.events > MOST_REMEMBERED and len(self.known) > 1:
            _, ((_, tip), _) = self.known.popitem(last=False)
            self.events -= tip.version


_MEMORIES: Final[WeakKeyDictionary[sa.Engine, _Memory]] = WeakKeyDictionary()
_TURN: Final = Lock()
