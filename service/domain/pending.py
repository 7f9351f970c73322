"""What was to come, as it stood on a day: scheduled, ending, announced, proposed.

``since`` and ``until`` use all that is known. What is *pending* on ``as_of`` is folded only from
events that had occurred by then, so what was proposed in 2027 never shows on an answer for 2024.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from itertools import pairwise

from service.domain.directives import Cited, Text
from service.domain.events import Effect, Recorded
from service.domain.fold import Fold
from service.domain.registry import Registry
from service.domain.scope import Cell, Scope, matching, may_match, sorted_out
from service.domain.story import story_of
from service.domain.times import When, reached
from service.domain.world import World

_NEVER = datetime.max.replace(tzinfo=UTC)


class PendingKind(StrEnum):
    """How certain a change to come is."""

    SCHEDULED = "scheduled"
    ENDING = "ending"
    ANNOUNCED = "announced"
    PROPOSED = "proposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One change to come.

    Attributes:
        effective_from: When it begins; None where nobody has said. Of ``ending``: since when it
            holds.
        effective_until: When it will end, be stayed or paused; None without end.
        announced_on: When the event that brings it about occurred.
    """

    kind: PendingKind
    effect: Effect
    effective_from: When | None
    effective_until: When | None
    announced_on: When
    authority: str | None
    policy: str
    key: str
    conditions: tuple[str, ...]
    enforced: bool
    events: tuple[str, ...]
    sources: tuple[Cited, ...]


@dataclass(frozen=True, slots=True)
class _Segment:
    """What one key does to the cell from ``start`` on (None: since before the moment)."""

    start: When | None
    made_by: tuple[str, ...]
    text: Text | None
    enforced: bool

    def same(self, other: "_Segment", *, anywhere: bool) -> bool:
        """Tell whether effect, conditions and enforcement are; asked anywhere, the scope too."""
        if self.text is None or other.text is None:
            return self.text is other.text
        return (
            (self.text.effect, self.text.conditions, self.enforced)
            == (other.text.effect, other.text.conditions, other.enforced)
        ) and not (anywhere and self.text.scope != other.text.scope)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One policy as it stood, and what is asked of it."""

    registry: Registry
    cell: Cell | None
    moment: When
    texts: tuple[Text, ...]
    facts: Mapping[str, Recorded]

    def reaches(self, text: Text, moment: When) -> bool:
        """Tell whether a text is about the cell, or any cell where none is asked for."""
        dated = sorted_out(text.scope.regions)[1]
        if self.cell is None or not dated:  # Then it ever is, or it would not be here.
            return True
        return bool(matching(text.scope, self.cell, self.registry, moment))


def pending(world: World, cell: Cell, moment: When) -> tuple[Pending, ...]:
    """Return what was to come for ``cell`` as it stood at ``moment``, dated first."""
    return tuple(one for one, _ in _found(world, cell, moment))


def coming(world: World, moment: When) -> tuple[tuple[Pending, Scope], ...]:
    """Return what was to come anywhere as it stood at ``moment``, each with its scope."""
    return tuple((one, text.scope) for one, text in _found(world, None, moment))


def _found(world: World, cell: Cell | None, moment: When) -> list[tuple[Pending, Text]]:
    found: list[tuple[Pending, Text]] = []
    about = None if cell is None else world.keep(("about", cell), partial(_about, world, cell))
    for slug, facts in world.histories.items():
        if about is not None and slug not in about:
            continue
        texts, by_id = _stood(world, slug, facts, moment)
        if cell is not None:
            texts = tuple(one for one in texts if may_match(one.scope, cell, world.registry))
        if texts:
            asked = _Asked(world.registry, cell, moment, texts, by_id)
            found.extend((*_undated_and_drafts(asked), *_changes(asked)))
    return sorted(found, key=lambda one: _order(one[0]))


def _stood(
    world: World, slug: str, facts: tuple[Recorded, ...], moment: When
) -> tuple[tuple[Text, ...], Mapping[str, Recorded]]:
    """Return what a policy said in binding texts, of what had occurred, and its facts by id."""
    if moment.instant is None and world.kept is not None:
        story = story_of(world, slug)
        return tuple(one for one in story.on(moment.day) if one.binding), story.facts
    occurred = tuple(one for one in facts if _occurred(one, moment, world.registry))
    texts = world.keep(
        (slug, *(one.position for one in occurred)), partial(_binding, slug, occurred)
    )
    return texts, {str(one.event.id): one for one in occurred}


def _about(world: World, cell: Cell) -> frozenset[str]:
    """Return the policies that ever say something of a cell."""
    return frozenset(
        text.policy for text in world.texts if may_match(text.scope, cell, world.registry)
    )


def _binding(slug: str, facts: tuple[Recorded, ...]) -> tuple[Text, ...]:
    return tuple(text for text in Fold.of(slug, facts).texts() if text.binding)


def _occurred(recorded: Recorded, moment: When, registry: Registry) -> bool:
    event = recorded.event
    return reached(event.occurred_on, moment, registry.zone(event.authority))


def _undated_and_drafts(asked: _Asked) -> Iterable[tuple[Pending, Text]]:
    for text in asked.texts:
        if text.draft is None and text.begins is not None:
            continue
        over = any(end.reached(asked.moment, asked.registry) for end in text.ends) or any(
            period.holds(asked.moment, asked.registry) for period in text.repeals
        )
        if not over and asked.reaches(text, asked.moment):
            kind = PendingKind(text.draft or PendingKind.SCHEDULED)
            segment = _Segment(text.effective_from, (), text, text.enforced)
            yield _pending(kind, asked, segment, text.effective_from, text.effective_until)


def _changes(asked: _Asked) -> Iterable[tuple[Pending, Text]]:
    for key in dict.fromkeys(text.key for text in asked.texts if text.draft is None):
        texts = tuple(text for text in asked.texts if text.key == key and text.draft is None)
        segments = _segments(asked, texts)
        ends = [*(one.start for one in segments[1:]), None]
        for index, (before, after) in enumerate(pairwise(segments)):
            paused = (
                before.text is not None
                and before.text is after.text
                and before.enforced
                and not after.enforced
            )
            if index == 0 and before.text is not None and (after.text is None or paused):
                since = before.text.effective_from
                ending = replace(before, made_by=after.made_by)
                yield _pending(PendingKind.ENDING, asked, ending, since, after.start)
            elif after.text is not None:
                until = ends[index + 1]
                yield _pending(PendingKind.SCHEDULED, asked, after, after.start, until)


def _segments(asked: _Asked, texts: tuple[Text, ...]) -> list[_Segment]:
    """Return what one key does to the cell from the moment on, change after change.

    Nothing where nothing is ahead.
    """
    ahead: dict[When, set[str]] = {}
    for bound in (bound for text in texts for bound in text.bounds()):
        if not bound.reached(asked.moment, asked.registry):
            zone = asked.registry.zone(bound.authority)
            at = _point(bound.when, asked.moment, zone)
            ahead.setdefault(at, set()).add(bound.event)
    if not ahead:
        return []
    segments = [_segment(asked, texts, None, asked.moment, ())]
    for at in sorted(ahead, key=lambda one: one.order):
        then = _segment(asked, texts, at, at, tuple(sorted(ahead[at])))
        if not then.same(segments[-1], anywhere=asked.cell is None):
            segments.append(then)
    return segments


def _segment(
    asked: _Asked,
    texts: tuple[Text, ...],
    start: When | None,
    moment: When,
    made_by: tuple[str, ...],
) -> _Segment:
    holding = [
        text
        for text in texts
        if text.in_force(moment, asked.registry) and asked.reaches(text, moment)
    ]
    text = holding[-1] if holding else None
    enforced = text is not None and text.is_enforced(moment, asked.registry)
    return _Segment(start, made_by, text, enforced)


def _point(when: When, moment: When, zone: str) -> When:
    """Return a bound in the kind of the moment: a day, or an instant."""
    if moment.instant is not None:
        return When.at(when.in_zone(zone))
    return when if when.instant is None else When.on(when.day)


def _pending(
    kind: PendingKind, asked: _Asked, segment: _Segment, start: When | None, end: When | None
) -> tuple[Pending, Text]:
    text = segment.text
    assert text is not None  # noqa: S101 a fault of ours: only segments with a text are told
    told = {one: asked.facts[one] for one in (*text.events, *segment.made_by) if one in asked.facts}
    made_by = [told[one] for one in segment.made_by if one in told]
    deciding = max(made_by or [next(iter(told.values()))], key=lambda one: one.order)
    cited = (
        Cited(url=source.url, publisher=source.publisher)
        for one in told.values()
        for source in one.event.sources
    )
    told_of = Pending(
        kind=kind,
        effect=text.effect,
        effective_from=start,
        effective_until=end,
        announced_on=deciding.event.occurred_on,
        authority=text.authority,
        policy=text.policy,
        key=text.key,
        conditions=text.conditions,
        enforced=segment.enforced,
        events=tuple(told),
        sources=tuple(dict.fromkeys(cited)),
    )
    return told_of, text


def changes_on(one: Pending) -> When | None:
    """Return when the change happens: of ``ending`` its end, of all others their beginning."""
    return one.effective_until if one.kind is PendingKind.ENDING else one.effective_from


def _order(one: Pending) -> tuple[bool, date, datetime, str, str, str]:
    """Dated first, in order of the change, then by name."""
    change = changes_on(one)
    order = (date.max, _NEVER) if change is None else change.order
    return (change is None, *order, one.policy, one.key, one.kind)
