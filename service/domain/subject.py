"""What a stream says, event after event: whoever takes in the next one need not read the others.

A policy says texts, an observation's stream measurements, each under a slot that stays its own. An
event that comes before others in fold order, and a correction, changes what was said before: the
subject is made anew then, from the whole stream.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from service.domain.directives import Text
from service.domain.events import RecordCorrected, Recorded
from service.domain.fold import Fold, Slot
from service.domain.history import as_known
from service.domain.world import POLICY, Observation, is_registry, observations

Said: TypeAlias = Text | Observation

_NOWHERE: Final[dict[str, date]] = {}


class Subject(Struct):
    """A stream as known after some of its events.

    Attributes:
        name: The stream's.
        version: Of its last event, 0 without any.
        fold: Of a policy.
        facts: Of the registry, corrections applied.
    """

    name: str
    version: int = 0
    fold: Fold | None = None
    facts: tuple[Recorded, ...] = ()
    _seen: list[Observation] = []
    _told: int = 0

    @classmethod
    def of(cls, name: str, stream: Sequence[Recorded] = ()) -> "Subject":
        """Return what is known after a stream's events, in position order."""
        subject = cls(name)
        if name.startswith(POLICY):
            subject.fold = Fold(name.removeprefix(POLICY))
        facts = as_known(stream)
        if subject.fold is not None:
            facts = tuple(sorted(facts, key=lambda one: one.order))
        for recorded in facts:
            subject.take(recorded)
        subject.version = len(stream)
        return subject

    def copy(self) -> "Subject":
        """Return a subject that goes on by itself."""
        fold = None if self.fold is None else self.fold.copy()
        return replace(self, fold=fold, _seen=self._seen[:])

    def follows(self, recorded: Recorded) -> bool:
        """Tell whether an event leaves what the others said as it is."""
        if isinstance(recorded.event.data, RecordCorrected):
            return False
        return self.fold is None or self.fold.follows(recorded)

    def take(self, recorded: Recorded) -> None:
        """Take in the next event, which follows."""
        self.version += 1
        if self.fold is not None:
            self.fold.apply(recorded)
        elif is_registry(self.name):
            self.facts = (*self.facts, recorded)
        else:
            self._seen.extend(observations((recorded,)))

    @property
    def occurred(self) -> dict[str, date]:
        """When each event of a policy did, by its id."""
        return _NOWHERE if self.fold is None else self.fold.occurred

    def said(self) -> list[tuple[Slot, Said]]:
        """Return all that is said, in the order of the slots."""
        if self.fold is None:
            return [((True, at), seen) for at, seen in enumerate(self._seen)]
        texts = self.fold.texts()
        drafts = sum(text.draft is not None for text in texts)
        places = [*((False, at) for at in range(drafts)), *((True, at) for at in range(len(texts)))]
        return [*zip(places, texts, strict=False)]

    def news(self) -> list[tuple[Slot, Said | None, Said]]:
        """Return what was said, and what is said now, wherever that changed since the last time."""
        if self.fold is not None:
            return [*self.fold.news()]
        begin, self._told = self._told, len(self._seen)
        return [((True, at), None, self._seen[at]) for at in range(begin, self._told)]
