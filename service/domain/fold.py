"""The fold of a policy: from its events to dated texts.

A policy's events fold by ``occurred_on``, then position. Texts are enacted, replaced, dated,
suspended, repealed and reinstated here; what comes out are ``Text``s with every bound that can
matter to them. ``keys`` says what comes of one key.

Next: service/domain/resolution.py, the rule.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from service.domain.directives import Bound, Text
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
from service.domain.keys import (
    Act,
    Kept,
    Key,
    Order,
    Removal,
    Step,
    begun,
    day_of,
    ended,
    first_of,
    in_force_by,
    reached_by,
)
from service.domain.times import When

Slot: TypeAlias = tuple[bool, int]
"""The place of a draft (False) or a text (True), which stays its own while a policy folds on."""


class Fold(Struct):
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
    occurred: dict[str, date] = {}
    _last: Order | None = None
    _drafts: list[Text] = []
    _kept: list[Kept] = []
    _made: list[Text | None] = []
    _keys: dict[str, Key] = {}
    _news: dict[Slot, Text | None] = {}

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
        act = self._note(recorded)
        event = act.event
        match event.data:
            case PolicyAnnounced() | PolicyProposed() as data:
                self._draft(act, data)
            case PolicyAdopted() as data:
                self._end_drafts(act)
                for directive in data.directives:
                    self._enact(act, directive, directive.effective_from)
            case PolicyAmended() as data:
                self._end_drafts(act)
                self._amend(act, data)
            case AccessAffirmed() as data:
                for directive in data.directives:
                    self._affirm(act, directive)
            case PolicyWithdrawn():
                self._end_drafts(act, every=True)
            case PolicyScheduled() as data if event.binding:
                self._schedule(act, data)
            case PolicySuspended() | PolicyRepealed() as data if event.binding:
                self._step(act, data)
            case PolicyReinstated() as data if event.binding:
                self._reinstate(act, data)
            case _:
                pass

    def _note(self, recorded: Recorded) -> Act:
        event = recorded.event
        act = Act(event, str(event.id), recorded.order)
        self._last = act.order
        self.occurred[act.id] = event.occurred_on.day
        self.stage = _next_stage(self.stage, event.data)
        return act

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
            if not begun(kept.text, occurred)
        )

    def authority(self) -> str | None:
        """Return the authority whose texts these are, None where there is no text yet."""
        if self._drafts:
            return self._drafts[0].authority
        return self._kept[0].text.authority if self._kept else None

    def waits(self, key: str, occurred: When) -> bool:
        """Tell whether a text of ``key`` had not begun when something occurred."""
        return any(not begun(self._kept[index].text, occurred) for index in self._texts_of(key))

    def ended(self, key: str, occurred: When) -> bool:
        """Tell whether every text of ``key`` was over when something occurred."""
        return all(ended(text, occurred) for text in self._finished(key))

    def suspended_or_repealed(self, key: str, occurred: When) -> bool:
        """Tell whether there is a suspension or repeal of ``key`` left to end."""
        known = self._keys.get(key)
        return known is not None and any(not step.over(occurred) for step in known.steps)

    def _key(self, name: str) -> Key:
        """Return a key that something acts on."""
        known = self._keys.get(name)
        if known is None:
            known = self._keys[name] = Key()
        return known

    def _texts_of(self, key: str) -> Sequence[int]:
        known = self._keys.get(key)
        return () if known is None else known.texts

    # What carries texts.

    def _draft(self, act: Act, data: PolicyAnnounced | PolicyProposed) -> None:
        kind = "announced" if isinstance(data, PolicyAnnounced) else "proposed"
        for directive in data.drafts:
            expected = directive.effective_from or data.expected_on
            self._news[False, len(self._drafts)] = None
            self._drafts.append(act.text(self.policy, directive, expected, draft=kind))

    def _end_drafts(self, act: Act, *, every: bool = False) -> None:
        """End the drafts of what binds as the event does; guidance is not yet the law."""
        if not self._drafts:
            return
        end = act.bound(act.event.occurred_on)
        for index, one in enumerate(self._drafts):
            ends = first_of((*one.ends, end))
            if (every or one.binding == act.event.binding) and ends != one.ends:
                self._redraft(index, replace(one, ends=ends))

    def _redraft(self, index: int, draft: Text) -> None:
        self._news.setdefault((False, index), self._drafts[index])
        self._drafts[index] = draft

    def _enact(self, act: Act, directive: Directive, *froms: When | None) -> None:
        text = act.text(self.policy, directive, *froms)
        entry = text.begins[0] if text.begins else None
        self._key(text.key).enact(len(self._kept), entry)
        self._kept.append(Kept(text, act.order, entry))
        self._made.append(None)

    def _amend(self, act: Act, data: PolicyAmended) -> None:
        for directive in data.directives:
            own = directive.effective_from
            froms = (data.effective_from,) if own is None else (data.effective_from, own)
            self._enact(act, directive, *froms)
        if data.removes and act.event.binding:
            cut = act.bound(data.effective_from)
            for name in data.removes:
                key = self._key(name)
                key.removals.append(Removal(act.order, cut, len(self._kept)))
                key.outdate()

    def _affirm(self, act: Act, directive: Directive) -> None:
        for index, made in zip(
            self._texts_of(directive.key), self._finished(directive.key), strict=True
        ):
            if self._renews(index, made, act, directive):
                kept = self._kept[index]
                self._change(index, act.renewed(kept.text), kept.entry)
                return
        start = directive.effective_from or day_of(act.event.occurred_on)
        self._enact(act, directive, start)

    def _change(self, index: int, text: Text, entry: Bound | None) -> None:
        self._kept[index] = Kept(text, self._kept[index].order, entry)
        self._keys[text.key].outdate()

    def _renews(self, index: int, made: Text, act: Act, directive: Directive) -> bool:
        """Tell whether a directive says what the text in force says."""
        text = self._kept[index].text
        start = directive.effective_from or text.effective_from
        return (
            text.binding == act.event.binding
            and start == text.effective_from
            and _meaning(_directive_of(text)) == _meaning(directive)
            and in_force_by(made, act.event.occurred_on)
        )

    # Steps on what was enacted.

    def _named(self, directives: tuple[str, ...] | None) -> tuple[str, ...]:
        return self.keys() if directives is None else directives

    def _step(self, act: Act, data: PolicySuspended | PolicyRepealed) -> None:
        begins: Bound | None = act.bound(data.effective_from)
        kind: SuspensionKind | None = None
        ends: tuple[Bound, ...] = ()
        if isinstance(data, PolicySuspended):
            kind = data.kind
            if data.effective_until is not None:
                ends = (act.bound(data.effective_until),)
        elif data.ab_initio:
            begins = None
        for name in self._named(data.directives):
            key = self._key(name)
            key.steps.append(Step(act.order, kind, begins, ends))
            key.outdate()

    def _reinstate(self, act: Act, data: PolicyReinstated) -> None:
        end = act.bound(data.effective_from)
        for name in self._named(data.directives):
            key = self._key(name)
            key.steps = [replace(step, ends=first_of((*step.ends, end))) for step in key.steps]
            key.outdate()

    def _schedule(self, act: Act, data: PolicyScheduled) -> None:
        """Move the beginning of what has not begun; what waits for it lasts until then."""
        moved = None if data.effective_from is None else act.bound(data.effective_from)
        begins = None if moved is None else (moved,)
        occurred = act.event.occurred_on
        for name in self._named(data.directives):
            for index in self._texts_of(name):
                kept = self._kept[index]
                if begun(kept.text, occurred):
                    continue
                text = act.renewed(replace(kept.text, begins=begins))
                # What has taken the old text's place already does not give it back.
                entered = kept.entry is not None and reached_by(kept.entry.when, occurred)
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

    def _put_together(self, key: Key) -> None:
        for index, text in key.put_together(self._kept):
            before = self._made[index]
            if text is not before:
                self._news.setdefault((True, index), before)
                self._made[index] = text


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
