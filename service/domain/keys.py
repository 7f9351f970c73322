"""One key of a policy: what was enacted under it, and the texts that this comes to.

What a step decides is kept as it was decided. A text is put together of it when somebody asks: its
own beginning and ends, the first newer text that takes its place, and the suspensions, repeals and
removals that reach it. What lies well behind a text's end is no concern of it, so a text does not
name all those that came after it.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from service.domain.directives import Bound, Cited, Period, Text
from service.domain.events import Directive, Event, SuspensionKind
from service.domain.times import When

APART: Final = 3
"""Days after which a bound is reached later than another, whatever their kinds and zones."""

_DAY: Final = len("2024-07-09")

Order: TypeAlias = tuple[date, datetime, int]
"""The place of an event in the order in which a policy folds: ``Recorded.order``."""


class Act(Struct, frozen=True, gc=False):
    """An event that is taken in; whatever it sets names it by its id."""

    event: Event
    id: str
    order: Order

    def bound(self, when: When) -> Bound:
        """Return a bound that the event sets; a month or year means its last day."""
        return Bound(when=day_of(when), authority=self.event.authority, event=self.id)

    def text(
        self, policy: str, directive: Directive, *froms: When | None, draft: str | None = None
    ) -> Text:
        """Return what a directive of the event says, from all of some bounds on."""
        event = self.event
        until = directive.effective_until
        return Text(
            policy=policy,
            key=directive.key,
            authority=event.authority,
            binding=event.binding,
            effect=directive.effect,
            scope=directive.scope,
            conditions=directive.conditions,
            enforced=directive.enforced,
            implemented_by=directive.implemented_by,
            overrides=directive.overrides,
            decided=event.occurred_on,
            position=self.order[2],
            begins=tuple([self.bound(one) for one in froms if one is not None]) or None,
            ends=() if until is None else (self.bound(until),),
            events=(self.id,),
            sources=self._cited(),
            draft=draft,
        )

    def renewed(self, text: Text) -> Text:
        """Return a text as one that the event gave, too."""
        new = [one for one in self._cited() if one not in text.sources]
        return replace(text, events=(*text.events, self.id), sources=(*text.sources, *new))

    def _cited(self) -> tuple[Cited, ...]:
        return tuple([Cited(url=one.url, publisher=one.publisher) for one in self.event.sources])


class Kept(Struct, frozen=True, gc=False):
    """A text as enacted; what does not bind replaces nothing that does.

    Attributes:
        entry: From here on it is the key's text, and no older one is; None while it is not dated.
    """

    text: Text
    order: Order
    entry: Bound | None


class Removal(Struct, frozen=True, gc=False):
    """The removal of a key by an amendment: no text among the first ``count`` outlasts it."""

    order: Order
    begins: Bound
    count: int


class Step(Struct, frozen=True, gc=False):
    """A suspension (with its kind) or a repeal (without) of one key, as decided."""

    order: Order
    kind: SuspensionKind | None
    begins: Bound | None
    ends: tuple[Bound, ...]

    def over(self, occurred: When) -> bool:
        """Tell whether it was ended, or undone before it began, when something occurred."""
        return _any_reached(self.ends, occurred)


_Suspensions: TypeAlias = Sequence[tuple[SuspensionKind, Period]]


class Key(Struct):
    """All that is known of one key.

    Attributes:
        texts: The places of its texts.
        over: The first end (a day's number) of each text that is put together, and its place, in
            order.
        outdated: The places of the texts that are not, or have to be again.
    """

    texts: list[int] = []
    steps: list[Step] = []
    removals: list[Removal] = []
    over: list[tuple[int, int]] = []
    outdated: set[int] = set()

    def copy(self) -> "Key":
        """Return a key that goes on by itself."""
        return Key(self.texts[:], self.steps[:], self.removals[:], self.over[:], set(self.outdated))

    def enact(self, place: int, entry: Bound | None) -> None:
        """Take in a text that takes the place of others from its entry on."""
        if self.suspended():  # It may end with the new text.
            self.outdate()
        elif entry is not None:
            self.outdate(entry.when.day.toordinal() - APART + 1)
        self.texts.append(place)
        self.outdated.add(place)

    def suspended(self) -> bool:
        """Tell whether it ever was."""
        return bool(self.steps) and any(step.kind is not None for step in self.steps)

    def outdate(self, since: int = -1) -> None:
        """Let its texts be put together again, but those that end before a day."""
        begin = bisect_left(self.over, (since, -1))
        self.outdated.update(index for _, index in self.over[begin:])
        del self.over[begin:]

    def put_together(self, kept: Sequence[Kept]) -> list[tuple[int, Text]]:
        """Return the outdated texts as they now are, the last one first, each with its place.

        Args:
            kept: The texts of the policy, by place.
        """
        found: list[tuple[int, Text]] = []
        if not self.outdated:
            return found
        suspensions = self._suspensions(kept) if self.suspended() else ()
        newer: dict[bool, tuple[Bound, ...]] = {True: (), False: ()}
        for index in reversed(self.texts):
            one = kept[index]
            binding = one.text.binding
            if index in self.outdated:
                self.outdated.remove(index)
                text = self._text(one, index, newer[binding], suspensions)
                over = min([end.when.day for end in text.ends], default=date.max).toordinal()
                insort(self.over, (over, index))
                found.append((index, text))
                if not self.outdated:
                    break
            if one.entry is not None:
                newer[binding] = first_of((one.entry, *newer[binding]))
        return found

    def _text(
        self, kept: Kept, index: int, newer: tuple[Bound, ...], suspensions: _Suspensions
    ) -> Text:
        """Return a text with the ends, stays, repeals and pauses that reach it."""
        text = kept.text
        if not text.binding:
            return replace(text, ends=first_of((*text.ends, *newer))) if newer else text
        removed = [one.begins for one in self.removals if index < one.count]
        ends = first_of((*text.ends, *newer, *removed)) if newer or removed else text.ends
        if not self.steps:
            return text if ends is text.ends else replace(text, ends=ends)
        repeals = [
            Period(begins=step.begins, ends=step.ends)
            for step in self.steps
            if step.kind is None and decided_before(kept.order, step)
        ]
        stays, pauses = (
            tuple([period for kind, period in suspensions if kind is wanted])
            for wanted in (SuspensionKind.STAYED, SuspensionKind.ENFORCEMENT_PAUSED)
        )
        return replace(text, ends=ends, stays=stays, pauses=pauses, repeals=tuple(repeals))

    def _suspensions(self, kept: Sequence[Kept]) -> _Suspensions:
        """Return what it is suspended for, until what is suspended is repealed or lapses."""
        repeals = [step for step in self.steps if step.kind is None]
        lapses = self._lapses(kept)
        found: list[tuple[SuspensionKind, Period]] = []
        for step in self.steps:
            ending = [one for one in repeals if decided_before(step.order, one)]
            # A later annulment makes it as if it never was.
            if step.kind is None or any(one.begins is None for one in ending):
                continue
            repealed = [
                one.begins
                for one in ending
                if one.begins is not None
                if not any(end.when.order <= one.begins.when.order for end in one.ends)
            ]
            removed = [one.begins for one in self.removals if decided_before(step.order, one)]
            day = step.order[:2]
            lapsed = [end for end in lapses if day < end.when.order]
            ends = first_of((*step.ends, *repealed, *removed, *lapsed))
            found.append((step.kind, Period(begins=step.begins, ends=ends)))
        return found

    def _lapses(self, kept: Sequence[Kept]) -> list[Bound]:
        """Return the own ends of its binding texts that nothing replaced before."""
        first: tuple[date, datetime] | None = None
        ends: list[Bound] = []
        for index in reversed(self.texts):
            one = kept[index]
            own = one.text.ends
            if not one.text.binding:
                continue
            if own and (first is None or own[0].when.order < first):
                ends.append(own[0])
            if one.entry is not None and (first is None or one.entry.when.order < first):
                first = one.entry.when.order
        ends.reverse()
        return ends


def first_of(ends: tuple[Bound, ...]) -> tuple[Bound, ...]:
    """Leave out ends that are reached only when an earlier one is, whoever asks."""
    if len(ends) < 2:  # noqa: PLR2004 one end is the first
        return ends
    days = [end.when.day.toordinal() for end in ends]
    last = min(days) + APART
    if max(days) < last:
        return ends
    return tuple([end for end, day in zip(ends, days, strict=True) if day < last])


def day_of(when: When) -> When:
    """Return a bound for a month or year: its last day."""
    return when if when.instant is not None or len(when.text) == _DAY else When.on(when.day)


def decided_before(decided: Order, ending: Step | Removal) -> bool:
    """Tell whether an end ends what was decided: before the end was, or before it is reached."""
    if decided < ending.order:
        return True
    end = ending.begins
    return end is not None and decided[:2] < end.when.order


# Within a fold a bound is compared with the day, or if both are instants with the instant, on
# which something occurred; no time zone is needed for that.


def reached_by(when: When, occurred: When) -> bool:
    """Tell whether a bound was reached when something occurred."""
    if when.instant is not None and occurred.instant is not None:
        return when.instant <= occurred.instant
    return when.day <= occurred.day


def _any_reached(ends: Sequence[Bound], occurred: When) -> bool:
    return any(reached_by(end.when, occurred) for end in ends)


def begun(text: Text, occurred: When) -> bool:
    """Tell whether a text had begun when something occurred."""
    return text.begins is not None and all(
        reached_by(bound.when, occurred) for bound in text.begins
    )


def ended(text: Text, occurred: When) -> bool:
    """Tell whether a text was over when something occurred."""
    return _any_reached(text.ends, occurred) or any(
        _holds_by(period, occurred) for period in text.repeals
    )


def in_force_by(text: Text, occurred: When) -> bool:
    """Tell whether a text had legal effect when something occurred."""
    return (
        begun(text, occurred)
        and not ended(text, occurred)
        and not any(_holds_by(period, occurred) for period in text.stays)
    )


def _holds_by(period: Period, occurred: When) -> bool:
    started = period.begins is None or reached_by(period.begins.when, occurred)
    return started and not _any_reached(period.ends, occurred)
