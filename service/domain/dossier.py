"""A policy as a reader sees it: where it stands on a day, its directives, its last review."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from service.domain.directives import Text
from service.domain.events import (
    Effect,
    Instrument,
    PolicyAnnounced,
    PolicyConsulted,
    PolicyProposed,
    Recorded,
    RecordReviewed,
)
from service.domain.fold import Fold
from service.domain.registry import Registry
from service.domain.scope import Scope
from service.domain.times import When, reached


class Lifecycle(StrEnum):
    """Where a policy stands."""

    ANNOUNCED = "announced"
    PROPOSED = "proposed"
    ADOPTED = "adopted"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectiveView:
    """One directive of a policy: its text, and where that text stands on the day."""

    key: str
    status: Lifecycle
    binding: bool
    effect: Effect
    enforced: bool
    scope: Scope
    conditions: tuple[str, ...]
    effective_from: When | None
    effective_until: When | None
    implemented_by: str | None
    overrides: tuple[str, ...]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A policy on a day, folded from what had occurred by then."""

    slug: str
    stream: str
    authority: str | None
    title: str | None
    summary: str | None
    instrument: Instrument | None
    status: Lifecycle
    consultation: str | None
    first_occurred_on: When
    last_occurred_on: When
    last_reviewed_on: date | None
    version: int
    directives: tuple[DirectiveView, ...]


def dossier(
    slug: str, facts: Iterable[Recorded], registry: Registry, moment: When
) -> Dossier | None:
    """Return a policy as it stood at ``moment``, None where it had not begun."""
    known = sorted(facts, key=lambda one: one.order)
    occurred = [
        one
        for one in known
        if reached(one.event.occurred_on, moment, registry.zone(one.event.authority))
    ]
    if not occurred:
        return None
    fold = Fold.of(slug, occurred)
    texts = fold.texts()
    latest = _latest(texts)
    views = tuple(_view(text, registry, moment) for text in latest)
    first = occurred[0].event
    reviews = [
        one.event.data.reviewed_on for one in occurred if isinstance(one.event.data, RecordReviewed)
    ]
    phases = [
        str(one.event.data.phase) for one in occurred if isinstance(one.event.data, PolicyConsulted)
    ]
    titled = [one.event for one in occurred if one.event.title]
    return Dossier(
        slug=slug,
        stream=f"policy:{slug}",
        authority=fold.authority() or first.authority,
        title=titled[0].title if titled else None,
        summary=titled[0].summary if titled else None,
        instrument=first.instrument,
        status=_status(fold.stage, occurred, views),
        consultation=phases[-1] if phases else None,
        first_occurred_on=first.occurred_on,
        last_occurred_on=occurred[-1].event.occurred_on,
        last_reviewed_on=max(reviews, default=None),
        version=max(one.version for one in occurred),
        directives=views,
    )


def _latest(texts: tuple[Text, ...]) -> tuple[Text, ...]:
    """Return the texts enacted, or the drafts where nothing is."""
    enacted = tuple(text for text in texts if text.draft is None)
    return enacted or texts


def _view(text: Text, registry: Registry, moment: When) -> DirectiveView:
    return DirectiveView(
        key=text.key,
        status=_text_status(text, registry, moment),
        binding=text.binding,
        effect=text.effect,
        enforced=text.is_enforced(moment, registry),
        scope=text.scope,
        conditions=text.conditions,
        effective_from=text.effective_from,
        effective_until=text.effective_until,
        implemented_by=text.implemented_by,
        overrides=text.overrides,
        events=text.events,
    )


def _text_status(text: Text, registry: Registry, moment: When) -> Lifecycle:
    over = any(end.reached(moment, registry) for end in text.ends) or any(
        period.holds(moment, registry) for period in text.repeals
    )
    if text.draft is not None:
        return Lifecycle.ENDED if over else Lifecycle(text.draft)
    if over:
        return Lifecycle.ENDED
    if not text.stands(moment, registry):
        return Lifecycle.ADOPTED
    return Lifecycle.IN_FORCE if text.in_force(moment, registry) else Lifecycle.SUSPENDED


def _status(stage: str, occurred: list[Recorded], views: tuple[DirectiveView, ...]) -> Lifecycle:
    if stage == "withdrawn":
        return Lifecycle.WITHDRAWN
    if stage != "adopted":
        proposed = any(isinstance(one.event.data, PolicyProposed) for one in occurred)
        announced = any(isinstance(one.event.data, PolicyAnnounced) for one in occurred)
        return Lifecycle.PROPOSED if proposed or not announced else Lifecycle.ANNOUNCED
    found = {view.status for view in views}
    for status in (Lifecycle.IN_FORCE, Lifecycle.SUSPENDED, Lifecycle.ADOPTED):
        if status in found:
            return status
    return Lifecycle.ENDED
