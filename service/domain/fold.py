"""The fold of a policy: from its events to dated texts.

A policy's events fold by ``occurred_on``, then position. Texts are enacted, replaced, dated,
suspended, repealed and reinstated here; what comes out are ``Text``s with every bound that was set.

Next: service/domain/resolution.py, the rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

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


@dataclass(slots=True)
class _Kept:
    """A text as enacted.

    Attributes:
        entry: From here on it is the key's text, and no older one is; None while it is not dated.
    """

    text: Text
    recorded: Recorded
    entry: Bound | None

    @property
    def track(self) -> tuple[str, bool]:
        """Only texts of one track replace each other: what does not bind replaces nothing."""
        return self.text.key, self.text.binding


@dataclass(frozen=True, slots=True)
class _Removal:
    """A key that an amendment removed: no text among the first ``count`` outlasts ``cut``."""

    key: str
    recorded: Recorded
    cut: Bound
    count: int


@dataclass(slots=True)
class _Step:
    """A suspension (with its kind) or a repeal (without) of one key, as decided."""

    key: str
    recorded: Recorded
    kind: SuspensionKind | None
    begins: Bound | None
    ends: list[Bound]

    @property
    def period(self) -> Period:
        return Period(begins=self.begins, ends=tuple(self.ends))

    def over(self, occurred: When) -> bool:
        """Tell whether it was ended, or undone before it began, when something occurred."""
        return any(_reached_by(end.when, occurred) for end in self.ends)


@dataclass(slots=True)
class Fold:
    """One policy, event after event.

    Apply events in fold order (``Recorded.order``), then take ``texts``. What does not bind is
    kept apart and can neither replace nor end what does.

    Attributes:
        policy: Its slug.
        stage: ``new``, ``draft``, ``adopted`` or ``withdrawn``.
    """

    policy: str
    stage: str = "new"
    _drafts: list[Text] = field(default_factory=list)
    _kept: list[_Kept] = field(default_factory=list)
    _removals: list[_Removal] = field(default_factory=list)
    _steps: list[_Step] = field(default_factory=list)

    @classmethod
    def of(cls, policy: str, events: Iterable[Recorded]) -> "Fold":
        """Fold a policy's events, corrections already applied."""
        fold = cls(policy)
        for recorded in sorted(events, key=lambda one: one.order):
            fold.apply(recorded)
        return fold

    def apply(self, recorded: Recorded) -> None:  # noqa: C901 one case for each event
        """Take in the next event."""
        data = recorded.event.data
        self.stage = _next_stage(self.stage, data)
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

    def texts(self) -> tuple[Text, ...]:
        """Return drafts and texts with the ends, stays, repeals and pauses that reach them."""
        return (*self._drafts, *(self._finished(index) for index in range(len(self._kept))))

    # What a next step may act on.

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all texts so far, in order of appearance."""
        return tuple(dict.fromkeys(kept.text.key for kept in self._kept))

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
        texts = [*self._drafts, *(kept.text for kept in self._kept)]
        return texts[0].authority if texts else None

    def waits(self, key: str, occurred: When) -> bool:
        """Tell whether a text of ``key`` had not begun when something occurred."""
        return any(kept.text.key == key and not _begun(kept.text, occurred) for kept in self._kept)

    def ended(self, key: str, occurred: When) -> bool:
        """Tell whether every text of ``key`` was over when something occurred."""
        return all(
            any(_reached_by(end.when, occurred) for end in text.ends)
            or any(_holds_by(period, occurred) for period in text.repeals)
            for text in (self._finished(index) for index in range(len(self._kept)))
            if text.key == key
        )

    def suspended_or_repealed(self, key: str, occurred: When) -> bool:
        """Tell whether there is a suspension or repeal of ``key`` left to end."""
        return any(step.key == key and not step.over(occurred) for step in self._steps)

    # What carries texts.

    def _draft(self, recorded: Recorded, data: PolicyAnnounced | PolicyProposed) -> None:
        kind = "announced" if isinstance(data, PolicyAnnounced) else "proposed"
        for directive in data.drafts:
            expected = directive.effective_from or data.expected_on
            text = _text(self.policy, recorded, directive, expected)
            self._drafts.append(replace(text, draft=kind))

    def _end_drafts(self, recorded: Recorded, *, every: bool = False) -> None:
        """End the drafts of what binds as the event does; guidance is not yet the law."""
        end = _bound(recorded, recorded.event.occurred_on)
        self._drafts = [
            replace(one, ends=(*one.ends, end))
            if every or one.binding == recorded.event.binding
            else one
            for one in self._drafts
        ]

    def _enact(self, recorded: Recorded, directive: Directive, *froms: When | None) -> None:
        text = _text(self.policy, recorded, directive, *froms)
        self._kept.append(_Kept(text, recorded, text.begins[0] if text.begins else None))

    def _amend(self, recorded: Recorded, data: PolicyAmended) -> None:
        for directive in data.directives:
            own = directive.effective_from
            froms = (data.effective_from,) if own is None else (data.effective_from, own)
            self._enact(recorded, directive, *froms)
        if recorded.event.binding:
            cut = _bound(recorded, data.effective_from)
            self._removals.extend(
                _Removal(key, recorded, cut, len(self._kept)) for key in data.removes
            )

    def _affirm(self, recorded: Recorded, directive: Directive) -> None:
        for index, kept in enumerate(self._kept):
            if self._renews(index, recorded, directive):
                kept.text = _with_event(kept.text, recorded)
                return
        start = directive.effective_from or _day_of(recorded.event.occurred_on)
        self._enact(recorded, directive, start)

    def _renews(self, index: int, recorded: Recorded, directive: Directive) -> bool:
        """Tell whether a directive says what the text in force says."""
        text = self._kept[index].text
        start = directive.effective_from or text.effective_from
        return (
            text.binding == recorded.event.binding
            and start == text.effective_from
            and _meaning(_directive_of(text)) == _meaning(directive)
            and _in_force_by(self._finished(index), recorded.event.occurred_on)
        )

    # Steps on what was enacted.

    def _named(self, directives: tuple[str, ...] | None) -> tuple[str, ...]:
        return self.keys() if directives is None else directives

    def _act(self, recorded: Recorded, data: PolicySuspended | PolicyRepealed) -> None:
        begins: Bound | None = _bound(recorded, data.effective_from)
        kind: SuspensionKind | None = None
        ends: list[Bound] = []
        if isinstance(data, PolicySuspended):
            kind = data.kind
            ends = [] if data.effective_until is None else [_bound(recorded, data.effective_until)]
        elif data.ab_initio:
            begins = None
        self._steps.extend(
            _Step(key, recorded, kind, begins, list(ends)) for key in self._named(data.directives)
        )

    def _reinstate(self, recorded: Recorded, data: PolicyReinstated) -> None:
        keys = self._named(data.directives)
        for step in self._steps:
            if step.key in keys:
                step.ends.append(_bound(recorded, data.effective_from))

    def _schedule(self, recorded: Recorded, data: PolicyScheduled) -> None:
        """Move the beginning of what has not begun; what waits for it lasts until then."""
        moved = None if data.effective_from is None else _bound(recorded, data.effective_from)
        begins = None if moved is None else (moved,)
        keys = self._named(data.directives)
        for kept in self._kept:
            if kept.text.key in keys and not _begun(kept.text, recorded.event.occurred_on):
                kept.text = _with_event(replace(kept.text, begins=begins), recorded)
                # What has taken the old text's place already does not give it back.
                if kept.entry is None or not _reached_by(
                    kept.entry.when, recorded.event.occurred_on
                ):
                    kept.entry = moved
        self._drafts = [
            replace(draft, begins=begins)
            if data.directives is None or draft.key in data.directives
            else draft
            for draft in self._drafts
        ]

    # Putting a text together.

    def _finished(self, index: int) -> Text:
        kept = self._kept[index]
        text = kept.text
        newer = [one for one in self._kept[index + 1 :] if one.track == kept.track]
        removed = [one.cut for one in self._removals if one.key == text.key and index < one.count]
        ends = (*text.ends, *(one.entry for one in newer if one.entry))
        ends += tuple(removed) if text.binding else ()
        if not text.binding:
            return replace(text, ends=ends)
        mine = [step for step in self._steps if step.key == text.key]
        suspensions = [step for step in mine if step.kind is not None and not self._void(step)]
        return replace(
            text,
            ends=ends,
            stays=tuple(
                self._suspension(step) for step in suspensions if step.kind is SuspensionKind.STAYED
            ),
            pauses=tuple(
                self._suspension(step)
                for step in suspensions
                if step.kind is SuspensionKind.ENFORCEMENT_PAUSED
            ),
            repeals=tuple(
                step.period
                for step in mine
                if step.kind is None and _decided_before(kept.recorded, step.recorded, step.begins)
            ),
        )

    def _void(self, suspension: _Step) -> bool:
        """Tell whether a later annulment makes it as if it never was."""
        return any(
            repeal.begins is None and self._ends(repeal, suspension) for repeal in self._steps
        )

    def _suspension(self, step: _Step) -> Period:
        """Let a suspension end with the repeal, removal or lapse of what it suspends."""
        repealed = [
            repeal.begins
            for repeal in self._steps
            if self._ends(repeal, step) and repeal.begins is not None
            if not any(end.when.order <= repeal.begins.when.order for end in repeal.ends)
        ]
        lapsed = [
            kept.text.ends[0]
            for index, kept in enumerate(self._kept)
            if kept.text.key == step.key and kept.text.ends and kept.text.binding
            if step.recorded.event.occurred_on.order < kept.text.ends[0].when.order
            if not self._replaced_before(index, kept.text.ends[0].when)
        ]
        removed = [
            one.cut
            for one in self._removals
            if one.key == step.key and _decided_before(step.recorded, one.recorded, one.cut)
        ]
        return replace(step.period, ends=(*step.ends, *repealed, *removed, *lapsed))

    def _replaced_before(self, index: int, end: When) -> bool:
        newer = self._kept[index + 1 :]
        track = self._kept[index].track
        return any(
            one.track == track and one.entry is not None and one.entry.when.order <= end.order
            for one in newer
        )

    def _ends(self, repeal: _Step, suspension: _Step) -> bool:
        return (
            repeal.kind is None
            and repeal.key == suspension.key
            and _decided_before(suspension.recorded, repeal.recorded, repeal.begins)
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
    return when if when.instant is not None else When.on(when.day)


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


def _decided_before(decided: Recorded, ending: Recorded, end: Bound | None) -> bool:
    """Tell whether an end ends what was decided: before the end was, or before it is reached."""
    if decided.order < ending.order:
        return True
    return end is not None and decided.event.occurred_on.order < end.when.order
