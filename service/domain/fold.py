"""The fold of a policy: from its events to dated texts.

A policy's events fold by ``occurred_on``, then position. Texts are enacted, replaced, dated,
suspended, repealed and reinstated here; what comes out are ``Text``s with every bound that can
matter to them. What lies well behind a text's end is no concern of it, so a text does not name all
those that came after it.

Next: service/domain/resolution.py, the rule.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, TypeAlias

from service.domain.directives import Bound, Cited, Period, Text
from service.domain.events import (
    AccessAffirmed,
    Directive,
    EventData,
    PolicyAdopted,
    PolicyAmended,
    PolicyAnnounced,
    PolicyProposed,
    PolicyReinstated,
    PolicyRepealed,
    PolicyScheduled,
    PolicySuspended,
    PolicyWithdrawn,
    Recorded,
    SuspensionKind,
)
from service.domain.times import When

Slot: TypeAlias = tuple[bool, int]
"""The place of a draft (False) or a text (True), which stays its own while a policy folds on."""

APART: Final = 3
"""Days after which a bound is reached later than another, whatever their kinds and zones."""

_DAY: Final = len("2024-07-09")
_NEVER: Final = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A text as enacted; what does not bind replaces nothing that does.

    Attributes:
        entry: From here on it is the key's text, and no older one is; None while it is not dated.
    """

    text: Text
    recorded: Recorded
    entry: Bound | None


@dataclass(frozen=True, slots=True)
class _Removal:
    """The removal of a key by an amendment: no text among the first ``count`` outlasts it."""

    recorded: Recorded
    begins: Bound
    count: int


@dataclass(frozen=True, slots=True)
class _Step:
    """A suspension (with its kind) or a repeal (without) of one key, as decided."""

    recorded: Recorded
    kind: SuspensionKind | None
    begins: Bound | None
    ends: tuple[Bound, ...]

    def over(self, occurred: When) -> bool:
        """Tell whether it was ended, or undone before it began, when something occurred."""
        return any(_reached_by(end.when, occurred) for end in self.ends)


@dataclass(slots=True)
class _Key:
    """All that is known of one key.

    Attributes:
        texts: The places of its texts.
        over: The first end (a day's number) of each text that is put together, and its place, in
            order.
        outdated: The places of the texts that are not, or have to be again.
    """

    texts: list[int] = field(default_factory=list)
    steps: list[_Step] = field(default_factory=list)
    removals: list[_Removal] = field(default_factory=list)
    over: list[tuple[int, int]] = field(default_factory=list)
    outdated: set[int] = field(default_factory=set)

    def copy(self) -> "_Key":
        return _Key(
            self.texts[:], self.steps[:], self.removals[:], self.over[:], set(self.outdated)
        )

    def suspended(self) -> bool:
        return any(step.kind is not None for step in self.steps)

    def outdate(self, since: int = -1) -> None:
        """Let its texts be put together again, but those that end before a day."""
        begin = bisect_left(self.over, (since, -1))
        self.outdated.update(index for _, index in self.over[begin:])
        del self.over[begin:]


@dataclass(slots=True)
class Fold:
    """One policy, event after event.

    Apply events in fold order (``Recorded.order``), then take ``texts``. What does not bind is
    kept apart and can neither replace nor end what does.

    Attributes:
        policy: Its slug.
        stage: ``new``, ``draft``, ``adopted`` or ``withdrawn``.
        occurred: The day of each event that was applied, by its id.
    """

    policy: str
    stage: str = "new"
    occurred: dict[str, date] = field(default_factory=dict)
    _last: tuple[date, datetime, int] | None = None
    _drafts: list[Text] = field(default_factory=list)
    _kept: list[_Kept] = field(default_factory=list)
    _made: list[Text | None] = field(default_factory=list)
    _keys: dict[str, _Key] = field(default_factory=dict)
    _news: dict[Slot, Text | None] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: str, events: Iterable[Recorded]) -> "Fold":
        """Fold a policy's events, corrections already applied."""
        fold = cls(policy)
        for recorded in sorted(events, key=lambda one: one.order):
            fold.apply(recorded)
        return fold

    def copy(self) -> "Fold":
        """Return a fold that goes on by itself."""
        return replace(
            self,
            # Shared: when an event occurred that only one of them takes in, the other never asks.
            occurred=self.occurred,
            _drafts=self._drafts[:],
            _kept=self._kept[:],
            _made=self._made[:],
            _keys={name: key.copy() for name, key in self._keys.items()},
            _news=self._news.copy(),
        )

    def follows(self, recorded: Recorded) -> bool:
        """Tell whether an event comes after all that were applied."""
        return self._last is None or self._last < recorded.order

    def apply(self, recorded: Recorded) -> None:  # noqa: C901 one case for each event
        """Take in the next event."""
        data = recorded.event.data
        self._note(recorded)
        match data:
            case PolicyAnnounced() | PolicyProposed():
                self._draft(recorded, data)
            case PolicyAdopted():
                self._end_drafts(recorded)
                for directive in data.directives:
                    self._enact(recorded, directive, directive.effective_from)
            case PolicyAmended():
                self._end_drafts(recorded)
                self._amend(recorded, data)
            case AccessAffirmed():
                for directive in data.directives:
                    self._affirm(recorded, directive)
            case PolicyWithdrawn():
                self._end_drafts(recorded, every=True)
            case PolicyScheduled() if recorded.event.binding:
                self._schedule(recorded, data)
            case PolicySuspended() | PolicyRepealed() if recorded.event.binding:
                self._act(recorded, data)
            case PolicyReinstated() if recorded.event.binding:
                self._reinstate(recorded, data)
            case _:
                pass

    def _note(self, recorded: Recorded) -> None:
        self.stage = _next_stage(self.stage, recorded.event.data)
        self._last = recorded.order
        self.occurred[str(recorded.event.id)] = recorded.event.occurred_on.day

    def texts(self) -> tuple[Text, ...]:
        """Return drafts and texts with the ends, stays, repeals and pauses that reach them."""
        self._finish()
        return (*self._drafts, *(text for text in self._made if text is not None))

    def news(self) -> list[tuple[Slot, Text | None, Text]]:
        """Return what was said, and what is said now, wherever that changed since the last time."""
        self._finish()
        found: list[tuple[Slot, Text | None, Text]] = []
        for (enacted, index), before in sorted(self._news.items(), key=lambda one: one[0]):
            after = self._made[index] if enacted else self._drafts[index]
            if after is not None and after != before:
                found.append(((enacted, index), before, after))
        self._news.clear()
        return found

    # What a next step may act on.

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all texts so far, in order of appearance."""
        return tuple(name for name, key in self._keys.items() if key.texts)

    def draft_keys(self) -> tuple[str, ...]:
        """Return the keys of all drafts so far."""
        return tuple(dict.fromkeys(draft.key for draft in self._drafts))

    def waiting_ends(
        self, named: tuple[str, ...] | None, occurred: When
    ) -> tuple[tuple[str, When, str | None], ...]:
        """Return key, own end and authority of each text that had not begun and has an end."""
        return tuple(
            (kept.text.key, kept.text.ends[0].when, kept.text.authority)
            for kept in self._kept
            if kept.text.ends and (named is None or kept.text.key in named)
            if not _begun(kept.text, occurred)
        )

    def authority(self) -> str | None:
        """Return the authority whose texts these are, None where there is no text yet."""
        for text in self._drafts[:1] or [kept.text for kept in self._kept[:1]]:
            return text.authority
        return None

    def waits(self, key: str, occurred: When) -> bool:
        """Tell whether a text of ``key`` had not begun when something occurred."""
        return any(not _begun(self._kept[index].text, occurred) for index in self._texts_of(key))

    def ended(self, key: str, occurred: When) -> bool:
        """Tell whether every text of ``key`` was over when something occurred."""
        return all(
            any(_reached_by(end.when, occurred) for end in text.ends)
            or any(_holds_by(period, occurred) for period in text.repeals)
            for text in self._finished(key)
        )

    def suspended_or_repealed(self, key: str, occurred: When) -> bool:
        """Tell whether there is a suspension or repeal of ``key`` left to end."""
        known = self._keys.get(key)
        return known is not None and any(not step.over(occurred) for step in known.steps)

    def _texts_of(self, key: str) -> Sequence[int]:
        known = self._keys.get(key)
        return () if known is None else known.texts

    # What carries texts.

    def _draft(self, recorded: Recorded, data: PolicyAnnounced | PolicyProposed) -> None:
        kind = "announced" if isinstance(data, PolicyAnnounced) else "proposed"
        for directive in data.drafts:
            expected = directive.effective_from or data.expected_on
            text = _text(self.policy, recorded, directive, expected)
            self._news[False, len(self._drafts)] = None
            self._drafts.append(replace(text, draft=kind))

    def _end_drafts(self, recorded: Recorded, *, every: bool = False) -> None:
        """End the drafts of what binds as the event does; guidance is not yet the law."""
        end = _bound(recorded, recorded.event.occurred_on)
        for index, one in enumerate(self._drafts):
            ends = _first_of((*one.ends, end))
            if (every or one.binding == recorded.event.binding) and ends != one.ends:
                self._redraft(index, replace(one, ends=ends))

    def _redraft(self, index: int, draft: Text) -> None:
        self._news.setdefault((False, index), self._drafts[index])
        self._drafts[index] = draft

    def _enact(self, recorded: Recorded, directive: Directive, *froms: When | None) -> None:
        text = _text(self.policy, recorded, directive, *froms)
        entry = text.begins[0] if text.begins else None
        key = self._keys.setdefault(text.key, _Key())
        if key.suspended():  # It may end with the new text.
            key.outdate()
        elif entry is not None:
            key.outdate(entry.when.day.toordinal() - APART + 1)
        key.texts.append(len(self._kept))
        key.outdated.add(len(self._kept))
        self._kept.append(_Kept(text, recorded, entry))
        self._made.append(None)

    def _amend(self, recorded: Recorded, data: PolicyAmended) -> None:
        for directive in data.directives:
            own = directive.effective_from
            froms = (data.effective_from,) if own is None else (data.effective_from, own)
            self._enact(recorded, directive, *froms)
        if recorded.event.binding:
            cut = _bound(recorded, data.effective_from)
            for name in data.removes:
                key = self._keys.setdefault(name, _Key())
                key.removals.append(_Removal(recorded, cut, len(self._kept)))
                key.outdate()

    def _affirm(self, recorded: Recorded, directive: Directive) -> None:
        for index, made in zip(
            self._texts_of(directive.key), self._finished(directive.key), strict=True
        ):
            if self._renews(index, made, recorded, directive):
                kept = self._kept[index]
                self._change(index, _with_event(kept.text, recorded), kept.entry)
                return
        start = directive.effective_from or _day_of(recorded.event.occurred_on)
        self._enact(recorded, directive, start)

    def _change(self, index: int, text: Text, entry: Bound | None) -> None:
        self._kept[index] = replace(self._kept[index], text=text, entry=entry)
        self._keys[text.key].outdate()

    def _renews(self, index: int, made: Text, recorded: Recorded, directive: Directive) -> bool:
        """Tell whether a directive says what the text in force says."""
        text = self._kept[index].text
        start = directive.effective_from or text.effective_from
        return (
            text.binding == recorded.event.binding
            and start == text.effective_from
            and _meaning(_directive_of(text)) == _meaning(directive)
            and _in_force_by(made, recorded.event.occurred_on)
        )

    # Steps on what was enacted.

    def _named(self, directives: tuple[str, ...] | None) -> tuple[str, ...]:
        return self.keys() if directives is None else directives

    def _act(self, recorded: Recorded, data: PolicySuspended | PolicyRepealed) -> None:
        begins: Bound | None = _bound(recorded, data.effective_from)
        kind: SuspensionKind | None = None
        ends: tuple[Bound, ...] = ()
        if isinstance(data, PolicySuspended):
            kind = data.kind
            if data.effective_until is not None:
                ends = (_bound(recorded, data.effective_until),)
        elif data.ab_initio:
            begins = None
        for name in self._named(data.directives):
            key = self._keys.setdefault(name, _Key())
            key.steps.append(_Step(recorded, kind, begins, ends))
            key.outdate()

    def _reinstate(self, recorded: Recorded, data: PolicyReinstated) -> None:
        end = _bound(recorded, data.effective_from)
        for name in self._named(data.directives):
            key = self._keys.setdefault(name, _Key())
            key.steps = [replace(step, ends=_first_of((*step.ends, end))) for step in key.steps]
            key.outdate()

    def _schedule(self, recorded: Recorded, data: PolicyScheduled) -> None:
        """Move the beginning of what has not begun; what waits for it lasts until then."""
        moved = None if data.effective_from is None else _bound(recorded, data.effective_from)
        begins = None if moved is None else (moved,)
        occurred = recorded.event.occurred_on
        for name in self._named(data.directives):
            for index in self._texts_of(name):
                kept = self._kept[index]
                if _begun(kept.text, occurred):
                    continue
                text = _with_event(replace(kept.text, begins=begins), recorded)
                # What has taken the old text's place already does not give it back.
                entered = kept.entry is not None and _reached_by(kept.entry.when, occurred)
                self._change(index, text, kept.entry if entered else moved)
        for index, draft in enumerate(self._drafts):
            if data.directives is None or draft.key in data.directives:
                self._redraft(index, replace(draft, begins=begins))

    # Putting texts together.

    def _finished(self, name: str) -> tuple[Text, ...]:
        """Return the texts of a key, put together."""
        key = self._keys.get(name)
        if key is None:
            return ()
        self._put_together(key)
        return tuple(text for text in map(self._made.__getitem__, key.texts) if text is not None)

    def _finish(self) -> None:
        for key in self._keys.values():
            self._put_together(key)

    def _put_together(self, key: _Key) -> None:
        """Put the outdated texts of a key together, the last one first."""
        if not key.outdated:
            return
        suspensions = self._suspensions(key)
        newer: dict[bool, tuple[Bound, ...]] = {True: (), False: ()}
        for index in reversed(key.texts):
            if not key.outdated:
                break
            kept = self._kept[index]
            binding = kept.text.binding
            if index in key.outdated:
                key.outdated.remove(index)
                made = _made(kept, index, newer[binding], key, suspensions)
                self._news.setdefault((True, index), self._made[index])
                self._made[index] = made
                over = min((end.when.day.toordinal() for end in made.ends), default=_NEVER)
                insort(key.over, (over, index))
            if kept.entry is not None:
                newer[binding] = _first_of((kept.entry, *newer[binding]))

    def _suspensions(self, key: _Key) -> tuple[tuple[SuspensionKind, Period], ...]:
        """Return what a key is suspended for, until what is suspended is repealed or lapses."""
        if not key.suspended():
            return ()
        repeals = [step for step in key.steps if step.kind is None]
        lapses = tuple(self._lapses(key))
        found: list[tuple[SuspensionKind, Period]] = []
        for step in key.steps:
            ending = [one for one in repeals if _decided_before(step.recorded, one)]
            # A later annulment makes it as if it never was.
            if step.kind is None or any(one.begins is None for one in ending):
                continue
            repealed = (
                one.begins
                for one in ending
                if one.begins is not None
                if not any(end.when.order <= one.begins.when.order for end in one.ends)
            )
            removed = (one.begins for one in key.removals if _decided_before(step.recorded, one))
            day = step.recorded.event.occurred_on.order
            lapsed = (end for end in lapses if day < end.when.order)
            ends = _first_of((*step.ends, *repealed, *removed, *lapsed))
            found.append((step.kind, Period(begins=step.begins, ends=ends)))
        return tuple(found)

    def _lapses(self, key: _Key) -> Iterator[Bound]:
        """Yield the own ends of the binding texts of a key that nothing replaced before."""
        kept = [self._kept[index] for index in key.texts if self._kept[index].text.binding]
        first: When | None = None
        ends: list[Bound] = []
        for one in reversed(kept):
            if one.text.ends and (first is None or one.text.ends[0].when.order < first.order):
                ends.append(one.text.ends[0])
            if one.entry is not None and (first is None or one.entry.when.order < first.order):
                first = one.entry.when
        yield from reversed(ends)


def _made(
    kept: _Kept,
    index: int,
    newer: tuple[Bound, ...],
    key: _Key,
    suspensions: tuple[tuple[SuspensionKind, Period], ...],
) -> Text:
    """Return a text with the ends, stays, repeals and pauses that reach it."""
    text = kept.text
    if not text.binding:
        return replace(text, ends=_first_of((*text.ends, *newer)))
    removed = (one.begins for one in key.removals if index < one.count)
    ends = _first_of((*text.ends, *newer, *removed))
    if not key.steps:
        return text if ends == text.ends else replace(text, ends=ends)
    repeals = (
        Period(begins=step.begins, ends=step.ends)
        for step in key.steps
        if step.kind is None and _decided_before(kept.recorded, step)
    )
    stays, pauses = (
        tuple(period for kind, period in suspensions if kind is wanted)
        for wanted in (SuspensionKind.STAYED, SuspensionKind.ENFORCEMENT_PAUSED)
    )
    return replace(text, ends=ends, stays=stays, pauses=pauses, repeals=tuple(repeals))


def _first_of(ends: tuple[Bound, ...]) -> tuple[Bound, ...]:
    """Leave out ends that are reached only when an earlier one is, whoever asks."""
    if len(ends) < 2:  # noqa: PLR2004 one end is the first
        return ends
    days = [end.when.day.toordinal() for end in ends]
    last = min(days) + APART
    return (
        ends
        if max(days) < last
        else tuple(end for end, day in zip(ends, days, strict=True) if day < last)
    )


def _next_stage(stage: str, data: EventData) -> str:
    match data:
        case PolicyAnnounced() | PolicyProposed():
            return "draft" if stage == "new" else stage
        case PolicyAdopted() | AccessAffirmed():
            return "adopted"
        case PolicyWithdrawn():
            return "withdrawn"
        case _:
            return stage


def _text(policy: str, recorded: Recorded, directive: Directive, *froms: When | None) -> Text:
    event = recorded.event
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
        position=recorded.position,
        begins=tuple(_bound(recorded, one) for one in froms if one is not None) or None,
        ends=() if until is None else (_bound(recorded, until),),
        events=(str(event.id),),
        sources=_cited(recorded),
    )


def _meaning(directive: Directive) -> tuple[object, ...]:
    """Return what a directive says besides when it begins; the order of its lists says nothing."""
    scope = directive.scope
    return (
        directive.key,
        directive.effect,
        directive.effective_until,
        directive.enforced,
        directive.implemented_by,
        frozenset(directive.conditions),
        frozenset(directive.overrides),
        frozenset(scope.providers),
        frozenset(scope.services),
        frozenset(scope.regions),
        frozenset(scope.audiences),
    )


def _directive_of(text: Text) -> Directive:
    return Directive(
        key=text.key,
        effect=text.effect,
        scope=text.scope,
        effective_until=text.ends[0].when if text.ends else None,
        enforced=text.enforced,
        conditions=text.conditions,
        implemented_by=text.implemented_by,
        overrides=text.overrides,
    )


def _bound(recorded: Recorded, when: When) -> Bound:
    event = recorded.event
    return Bound(when=_day_of(when), authority=event.authority, event=str(event.id))


def _day_of(when: When) -> When:
    """Return a bound for a month or year: its last day."""
    return when if when.instant is not None or len(when.text) == _DAY else When.on(when.day)


def _cited(recorded: Recorded) -> tuple[Cited, ...]:
    return tuple(Cited(url=one.url, publisher=one.publisher) for one in recorded.event.sources)


def _with_event(text: Text, recorded: Recorded) -> Text:
    new = tuple(one for one in _cited(recorded) if one not in text.sources)
    return replace(
        text, events=(*text.events, str(recorded.event.id)), sources=(*text.sources, *new)
    )


# Within a fold a bound is compared with the day, or if both are instants with the instant, on
# which something occurred; no time zone is needed for that.


def _reached_by(when: When, occurred: When) -> bool:
    if when.instant is not None and occurred.instant is not None:
        return when.instant <= occurred.instant
    return when.day <= occurred.day


def _begun(text: Text, occurred: When) -> bool:
    return text.begins is not None and all(
        _reached_by(bound.when, occurred) for bound in text.begins
    )


def _holds_by(period: Period, occurred: When) -> bool:
    begun = period.begins is None or _reached_by(period.begins.when, occurred)
    return begun and not any(_reached_by(end.when, occurred) for end in period.ends)


def _in_force_by(text: Text, occurred: When) -> bool:
    return (
        _begun(text, occurred)
        and not any(_reached_by(end.when, occurred) for end in text.ends)
        and not any(_holds_by(period, occurred) for period in (*text.stays, *text.repeals))
    )


def _decided_before(decided: Recorded, ending: _Step | _Removal) -> bool:
    """Tell whether an end ends what was decided: before the end was, or before it is reached."""
    if decided.order < ending.recorded.order:
        return True
    end = ending.begins
    return end is not None and decided.event.occurred_on.order < end.when.order
