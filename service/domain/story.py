"""What a policy said after each of its events: how it stood on any day, folded once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from service.domain.directives import Text
from service.domain.events import Recorded
from service.domain.fold import Fold, Slot
from service.domain.world import World


@dataclass(frozen=True, slots=True)
class Story:
    """A policy, event after event.

    Attributes:
        facts: Its events by id.
        steps: When each of them occurred, and what of its texts was another from then on.
    """

    facts: Mapping[str, Recorded]
    steps: tuple[tuple[date, tuple[tuple[Slot, Text], ...]], ...]

    @classmethod
    def of(cls, slug: str, facts: Iterable[Recorded]) -> "Story":
        """Fold a policy's events, corrections already applied."""
        fold, by_id = Fold(slug), dict[str, Recorded]()
        steps: list[tuple[date, tuple[tuple[Slot, Text], ...]]] = []
        for recorded in sorted(facts, key=lambda one: one.order):
            fold.apply(recorded)
            by_id[str(recorded.event.id)] = recorded
            news = tuple((slot, text) for slot, _, text in fold.news())
            steps.append((recorded.event.occurred_on.day, news))
        return cls(by_id, tuple(steps))

    def on(self, day: date) -> tuple[Text, ...]:
        """Return the drafts and texts of what had occurred by the end of a day."""
        found: dict[Slot, Text] = {}
        for occurred, news in self.steps:
            if occurred > day:
                break
            found.update(news)
        return tuple(found[slot] for slot in sorted(found))

    def days(self) -> frozenset[date]:
        """Return when its events occurred, and the days of every bound that there was after one."""
        texts = (text for _, news in self.steps for _, text in news)
        bounds = (bound.when.day for text in texts for bound in text.bounds())
        return frozenset((*bounds, *(occurred for occurred, _ in self.steps)))


def story_of(world: World, slug: str) -> Story:
    """Return the story of a policy of which a world has the history."""
    return world.keep(("story", slug), partial(Story.of, slug, world.histories[slug]))
