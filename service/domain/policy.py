"""The lifecycle of a policy: which step is allowed when.

    new        announced, proposed, adopted, affirmed
    draft      the same, and consulted, scheduled, withdrawn
    adopted    consulted, scheduled, amended, suspended, affirmed, repealed, reinstated
    withdrawn  nothing more

A policy is judged as a whole, in the order in which it folds: an event recorded late must leave
legal what was recorded before it. Each step is judged by what the policy was on its own day.
"""

from collections.abc import Iterable, Iterator

from service.domain.directives import Zones
from service.domain.errors import BadPeriodError, Path, Refused, StepError, nearest
from service.domain.events import (
    AccessAffirmed,
    Directive,
    Event,
    PolicyAdopted,
    PolicyAmended,
    PolicyAnnounced,
    PolicyConsulted,
    PolicyProposed,
    PolicyReinstated,
    PolicyRepealed,
    PolicyScheduled,
    PolicySuspended,
    PolicyWithdrawn,
    Recorded,
    RecordReviewed,
    directives_of,
    named_keys,
)
from service.domain.fold import Fold
from service.domain.times import When, check_period

_BEFORE_ADOPTION = (PolicyAnnounced, PolicyProposed, PolicyAdopted, AccessAffirmed)
_ALLOWED: dict[str, tuple[type, ...]] = {
    "new": _BEFORE_ADOPTION,
    "draft": (*_BEFORE_ADOPTION, PolicyConsulted, PolicyScheduled, PolicyWithdrawn, RecordReviewed),
    "adopted": (
        PolicyConsulted,
        PolicyScheduled,
        PolicyAmended,
        PolicySuspended,
        AccessAffirmed,
        PolicyRepealed,
        PolicyReinstated,
        RecordReviewed,
    ),
    "withdrawn": (RecordReviewed,),
}
_NEXT = {
    "new": "It begins with policy.announced, policy.proposed, policy.adopted or access.affirmed.",
    "draft": (
        "It may be announced, proposed, consulted, scheduled, adopted, affirmed or withdrawn."
    ),
    "adopted": (
        "It may be consulted, scheduled, amended, suspended, reinstated, affirmed or repealed; "
        "to mend what was recorded wrongly, use record.corrected."
    ),
    "withdrawn": "Nothing more can happen to it; a new attempt is a new policy.",
}
_STAGES = {
    "new": "does not exist yet",
    "draft": "is not adopted",
    "adopted": "is adopted",
    "withdrawn": "is withdrawn",
}


def judge(slug: str, facts: Iterable[Recorded], zones: Zones) -> Iterator[tuple[Recorded, Refused]]:
    """Yield the first step that the policy does not allow, with every fault of it.

    Args:
        slug: The policy's, without ``policy:``.
        facts: Its events with corrections applied.
        zones: The calendars of the authorities that set bounds.
    """
    return judge_on(Fold(slug), sorted(facts, key=lambda one: one.order), zones)


def judge_on(
    fold: Fold, facts: Iterable[Recorded], zones: Zones
) -> Iterator[tuple[Recorded, Refused]]:
    """Judge facts in fold order that go on from a fold; it takes in all but the last."""
    before: Recorded | None = None
    for recorded in facts:
        if before is not None:
            fold.apply(before)
        before = recorded
        faults = list(_faults(fold, recorded, zones))
        if faults:
            yield from ((recorded, fault) for fault in faults)
            return


def _faults(fold: Fold, recorded: Recorded, zones: Zones) -> Iterator[Refused]:
    event = recorded.event
    if not isinstance(event.data, _ALLOWED[fold.stage]):
        detail = (
            f"{event.type} cannot be recorded: on {event.occurred_on} policy:{fold.policy} "
            f"{_STAGES[fold.stage]}. {_NEXT[fold.stage]}"
        )
        yield StepError(detail, path=("type",))
        return
    yield from _other_authority(fold, event)
    yield from _named(fold, event)
    yield from _moved(fold, event, zones)


def _other_authority(fold: Fold, event: Event) -> Iterator[Refused]:
    texts_of = fold.authority()
    if directives_of(event) and texts_of is not None and event.authority != texts_of:
        detail = (
            f"The texts of policy:{fold.policy} are {texts_of}'s, not {event.authority}'s: one "
            "authority gives a policy its texts. A step (suspended, repealed, reinstated, "
            "scheduled) may name another; what another authority decides is a policy of its own."
        )
        yield StepError(detail, path=("authority",), suggestion=texts_of)


def _named(fold: Fold, event: Event) -> Iterator[Refused]:
    """Find keys that do not exist, or on which this step cannot act on that day."""
    named = named_keys(event)
    draft_keys = fold.draft_keys() if fold.stage == "draft" else ()
    known = (*fold.keys(), *draft_keys)
    field = "removes" if isinstance(event.data, PolicyAmended) else "directives"
    for index, key in enumerate(named or ()):
        path: Path = ("data", field, index)
        if key not in known:
            near = nearest(key, known)
            detail = (
                f"policy:{fold.policy} has no directive {key!r}; it has {', '.join(known)}."
                if known
                else f"policy:{fold.policy} has no directive yet, so {key!r} names none."
            )
            yield StepError(detail, path=path, suggestion=near)
        elif fault := _cannot(fold, event, key):
            yield StepError(fault, path=path)
    if named is None and fold.stage == "adopted" and _acts_on_all(event):
        reasons = dict.fromkeys(_cannot(fold, event, key) for key in fold.keys())  # noqa: SIM118 a fold is no dict
        if "" not in reasons:
            yield StepError(" ".join(reasons), path=("data",))


def _acts_on_all(event: Event) -> bool:
    return isinstance(
        event.data, PolicyScheduled | PolicySuspended | PolicyRepealed | PolicyReinstated
    )


def _cannot(fold: Fold, event: Event, key: str) -> str:
    """Return why a step cannot act on a key on its day, or an empty text."""
    day = event.occurred_on
    match event.data:
        case PolicyScheduled() if fold.stage == "adopted" and not fold.waits(key, day):
            return (
                f"{key!r} had already begun by {day}: policy.scheduled dates what has not begun; "
                "use policy.amended or policy.suspended."
            )
        case PolicyRepealed() if fold.ended(key, day):
            return f"{key!r} had already ended by {day}."
        case PolicyReinstated() if not fold.suspended_or_repealed(key, day):
            return f"{key!r} is neither suspended nor repealed on {day}."
        case _:
            return ""


def _moved(fold: Fold, event: Event, zones: Zones) -> Iterator[Refused]:
    """Find a text that would end before it begins once it is moved, amended or affirmed."""
    zone = zones.zone(event.authority)
    match event.data:
        case PolicyScheduled(effective_from=When() as start):
            for key, end, authority in fold.waiting_ends(named_keys(event), event.occurred_on):
                path: Path = ("data", "effective_from")
                for fault in _period(start, zone, end, zones.zone(authority), path):
                    fault.detail = f"{key!r}: {fault.detail}"
                    yield fault
        case PolicyAmended(effective_from=start, directives=texts):
            yield from _texts(start, texts, zone)
        case AccessAffirmed(directives=texts):
            undated = tuple(text for text in texts if text.effective_from is None)
            start = event.occurred_on
            start = start if start.instant is not None else When.on(start.day)
            yield from _texts(start, undated, zone, among=texts)
        case _:
            return


def _texts(
    start: When, texts: tuple[Directive, ...], zone: str, among: tuple[Directive, ...] = ()
) -> Iterator[Refused]:
    for text in texts:
        if text.effective_until is not None:
            index = (among or texts).index(text)
            path = ("data", "directives", index, "effective_until")
            yield from _period(start, zone, text.effective_until, zone, path)


def _period(
    start: When, zone: str, end: When, end_zone: str, path: Path
) -> Iterator[BadPeriodError]:
    try:
        check_period(start, end, zone, end_zone, path=path)
    except BadPeriodError as fault:
        yield fault
