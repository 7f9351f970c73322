"""May it be recorded? A batch is judged as a whole, against what is known without it.

Each event is judged by itself (ids that exist, scopes and periods that make sense), each correction
by its target, each policy by its lifecycle with the batch folded in, and overrides by the circle
that they must not make. Every fault found is told at once, in a sentence that shows what would be
right.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Final
from uuid import UUID

from service.domain.contents import content, shape
from service.domain.errors import (
    CorrectionError,
    OverrideError,
    Path,
    Refused,
    Rejected,
    StepError,
    UnknownIdError,
)
from service.domain.events import (
    CorrectionAction,
    Event,
    PolicyAnnounced,
    PolicyProposed,
    RecordCorrected,
    Recorded,
    directives_of,
)
from service.domain.fold import Fold
from service.domain.history import as_known
from service.domain.names import (
    OVERRIDE,
)
from service.domain.policy import judge, judge_on
from service.domain.registry import GROUP, Registry
from service.domain.world import POLICY, is_registry

MAX_FAULTS: Final = 1_000
"""The most faults that one batch is told: finding more would only cost time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the log holds before the batch.

    Attributes:
        registry: Everything registered.
        stream: Gives the events of a stream, corrections among them, in position order.
        fold: Gives a policy's stream as it folds, to go on with; None where it has to be folded.
        registered: Gives the events of every registry stream, in position order.
        mentioned: Tells whether any event outside of its own stream names an id, by dimension.
    """

    registry: Registry
    stream: Callable[[str], Sequence[Recorded]]
    registered: Callable[[], Sequence[Recorded]]
    mentioned: Callable[[str, str], bool]
    fold: Callable[[str], Fold | None] = lambda _stream: None


def admit(batch: Sequence[Recorded], ledger: Ledger) -> Registry:
    """Return the registry with the batch, which may be recorded.

    Raises:
        Rejected: With every fault found.
    """
    _refuse((index, fault) for index, one in enumerate(batch) for fault in shape(one.event))
    registry = _registry_with(batch, ledger)
    _refuse(
        (index, fault)
        for index, one in enumerate(batch)
        for fault in chain(content(one.event, registry), _correction(index, batch, ledger))
    )
    _refuse(chain(_still_registered(batch, ledger, registry), _lifecycles(batch, ledger, registry)))
    _refuse(_overrides(batch, ledger))
    return registry


def _refuse(faults: Iterable[tuple[int, Refused]]) -> None:
    """Raise the faults that there are, up to a number that anybody would still read."""
    found = list(islice(faults, MAX_FAULTS))
    if found:
        raise Rejected(found)


# Corrections.


def _correction(index: int, batch: Sequence[Recorded], ledger: Ledger) -> Iterator[Refused]:
    event = batch[index].event
    if isinstance(event.data, RecordCorrected):
        earlier = (*ledger.stream(event.stream), *batch[:index])
        known = {one.event.id: one.event for one in earlier if one.event.stream == event.stream}
        yield from _corrects(event.data, event.stream, known)


def _corrects(data: RecordCorrected, stream: str, known: Mapping[UUID, Event]) -> Iterator[Refused]:
    """Find a target that is not there, and a replacement that is not of its kind."""
    target = known.get(data.event)
    if target is None:
        detail = (
            f"No event {data.event} stands in {stream!r}: a correction is recorded after its "
            "target, in the same stream."
        )
        yield CorrectionError(detail, path=("data", "event"))
        return
    replacement = data.replacement
    if (data.action is CorrectionAction.AMEND) != (replacement is not None):
        detail = "'amend' needs a whole event as its replacement, 'retract' has none."
        yield CorrectionError(detail, path=("data", "replacement"))
    elif replacement is not None:
        faults = list(_replacement(target, replacement))
        yield from faults
        if not faults and isinstance(replacement.data, RecordCorrected):
            inner = _corrects(replacement.data, stream, known)
            yield from (fault.under("data", "replacement") for fault in inner)


def _replacement(target: Event, replacement: Event) -> Iterator[Refused]:
    path: Path = ("data", "replacement")
    if replacement.type != target.type or replacement.stream != target.stream:
        detail = (
            f"The replacement of a {target.type} in {target.stream!r} is a {target.type} in "
            f"{target.stream!r}; for another kind of event retract this one and record that one."
        )
        yield CorrectionError(detail, path=path)
    elif replacement.id != target.id:
        detail = f"The replacement keeps the id of its target, {target.id}; leave it out."
        yield CorrectionError(detail, path=(*path, "id"))
    elif _corrected_by(target) != _corrected_by(replacement):
        detail = f"A corrected correction still corrects {_corrected_by(target)}."
        yield CorrectionError(detail, path=(*path, "data", "event"))


def _corrected_by(event: Event) -> UUID | None:
    """Return the event that a correction names, None where it is no correction."""
    return event.data.event if isinstance(event.data, RecordCorrected) else None


def _registry_with(batch: Sequence[Recorded], ledger: Ledger) -> Registry:
    if not any(is_registry(one.event.stream) for one in batch):
        return ledger.registry
    streams: dict[str, list[Recorded]] = {}
    for one in (*ledger.registered(), *batch):
        if is_registry(one.event.stream):
            streams.setdefault(one.event.stream, []).append(one)
    facts = (fact for events in streams.values() for fact in as_known(events))
    return Registry.of(sorted(facts, key=lambda one: one.position))


def _still_registered(
    batch: Sequence[Recorded], ledger: Ledger, registry: Registry
) -> Iterator[tuple[int, Refused]]:
    """Find a correction that would take away an id which the log names."""
    before = ledger.registry
    gone = {
        "authority": set(before.authorities) - set(registry.authorities),
        "provider": set(before.providers) - set(registry.providers),
        "service": set(before.services) - set(registry.services),
        "audience": set(before.audiences) - set(registry.audiences),
        "region": set(before.groups) - set(registry.groups),
    }
    for dimension, ids in gone.items():
        for one in sorted(ids):
            if ledger.mentioned(dimension, one):
                stream = f"registry:{GROUP if dimension == 'region' else dimension}/{one}"
                index = next(i for i, each in enumerate(batch) if each.event.stream == stream)
                detail = (
                    f"{one!r} cannot be retracted: other events name it. To rename it, register "
                    "it again."
                )
                yield index, CorrectionError(detail, path=("data", "event"))


# Policies.


def _lifecycles(
    batch: Sequence[Recorded], ledger: Ledger, registry: Registry
) -> Iterator[tuple[int, Refused]]:
    policies: dict[str, list[int]] = {}
    for place, one in enumerate(batch):
        if one.event.stream.startswith(POLICY):
            policies.setdefault(one.event.stream, []).append(place)
    for stream, places in policies.items():
        mine = {batch[place].event.id: place for place in places}
        new = [batch[place] for place in places]
        fold = ledger.fold(stream)
        if fold is not None and _go_on(fold, new):
            faults = judge_on(fold, new, registry)
        else:
            facts = as_known((*ledger.stream(stream), *new))
            faults = judge(stream.removeprefix(POLICY), facts, registry)
        for recorded, fault in faults:
            index = mine.get(recorded.event.id)
            if index is None:
                index = min(mine.values())
                detail = (
                    f"With this, the {recorded.event.type} of {recorded.event.occurred_on} "
                    f"(position {recorded.position}) would no longer be allowed: {fault.detail}"
                )
                fault = StepError(detail)  # noqa: PLW2901 the fault as seen from this event
            yield index, fault


def _go_on(fold: Fold, new: Sequence[Recorded]) -> bool:
    """Tell whether events follow each other and all before, and leave those as they are."""
    return (
        fold.follows(new[0])
        and not any(isinstance(one.event.data, RecordCorrected) for one in new)
        and all(before.order < after.order for before, after in pairwise(new))
    )


def _facts(stream: str, batch: Sequence[Recorded], ledger: Ledger) -> tuple[Recorded, ...]:
    new = (one for one in batch if one.event.stream == stream)
    return as_known((*ledger.stream(stream), *new))


def _overrides(batch: Sequence[Recorded], ledger: Ledger) -> Iterator[tuple[int, Refused]]:
    """Find overrides of what does not exist, and circles of them."""
    folds: dict[str, Fold] = {}

    def fold(slug: str) -> Fold:
        if slug not in folds:
            folds[slug] = Fold.of(slug, _facts(POLICY + slug, batch, ledger))
        return folds[slug]

    for index, one in enumerate(batch):
        event = one.event
        data = event.data
        replaced = data.replacement if isinstance(data, RecordCorrected) else None
        for number, directive in enumerate(directives_of(replaced or event)):
            for at, name in enumerate(directive.overrides):
                field = "drafts" if _drafts(replaced or event) else "directives"
                path: Path = ("data", field, number, "overrides", at)
                path = path if replaced is None else ("data", "replacement", *path)
                found = OVERRIDE.fullmatch(name)
                slug, key = found.groups() if found else ("", "")
                known = {*fold(slug).keys(), *fold(slug).draft_keys()}
                if key not in known:
                    names = [f"policy:{slug}#{each}" for each in known]
                    yield index, UnknownIdError("directive", name, names, path=path)
                elif _reaches(name, f"{event.stream}#{directive.key}", fold):
                    detail = (
                        f"{name} overrides {event.stream}#{directive.key}, directly or through "
                        "others, so this would be a circle in which nothing stands."
                    )
                    yield index, OverrideError(detail, path=path)


def _drafts(event: Event) -> bool:
    return isinstance(event.data, PolicyAnnounced | PolicyProposed)


def _reaches(start: str, goal: str, fold: Callable[[str], Fold]) -> bool:
    """Tell whether following overrides from ``start`` leads to ``goal``."""
    waiting, seen = [start], {start}
    while waiting and goal not in seen:
        found = OVERRIDE.fullmatch(waiting.pop())
        slug, key = found.groups() if found else ("", "")
        texts = (text for text in fold(slug).texts() if text.key == key)
        ahead = {name for text in texts for name in text.overrides}
        waiting.extend(ahead - seen)
        seen |= ahead
    return goal in seen
