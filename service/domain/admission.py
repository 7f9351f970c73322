"""May it be recorded? A batch is judged as a whole, against what is known without it.

Each event is judged by itself (ids that exist, scopes and periods that make sense), each correction
by its target, each policy by its lifecycle with the batch folded in, and overrides by the circle
that they must not make. Every fault found is told at once, in a sentence that shows what would be
right.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.domain import regions
from service.domain.directives import Fold
from service.domain.errors import (
    BadContentError,
    BadPeriodError,
    BadScopeError,
    CorrectionError,
    OverrideError,
    Path,
    Refused,
    Rejected,
    StepError,
    UnknownIdError,
)
from service.domain.events import (
    AccessObserved,
    ContextNoted,
    CorrectionAction,
    Directive,
    Effect,
    Event,
    GroupChanged,
    PolicyAmended,
    PolicyAnnounced,
    PolicyProposed,
    PolicySuspended,
    RecordCorrected,
    Recorded,
    Registered,
    RegistryKind,
    Source,
    directives_of,
)
from service.domain.history import as_known
from service.domain.names import (
    OVERRIDE,
    fits,
    is_group_id,
    is_path,
    is_slug,
    stream_wanted,
)
from service.domain.policy import judge
from service.domain.registry import GROUP, Registry
from service.domain.scope import ANY, PUBLIC, Scope
from service.domain.times import When, check_period
from service.domain.world import POLICY, is_registry

MAX_CELLS = 10_000
"""The most elementary scopes that one directive may stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the log holds before the batch.

    Attributes:
        registry: Everything registered.
        stream: Gives the events of a stream, corrections among them, in position order.
        registered: Gives the events of every registry stream, in position order.
        mentioned: Tells whether any event names an id, by dimension.
    """

    registry: Registry
    stream: Callable[[str], Sequence[Recorded]]
    registered: Callable[[], Sequence[Recorded]]
    mentioned: Callable[[str, str], bool]


def admit(batch: Sequence[Recorded], ledger: Ledger) -> Registry:
    """Return the registry with the batch, which may be recorded.

    Raises:
        Rejected: With every fault found.
    """
    faults = [(index, fault) for index, one in enumerate(batch) for fault in _shape(one.event)]
    if faults:
        raise Rejected(faults)
    registry = _registry_with(batch, ledger)
    for index, one in enumerate(batch):
        faults.extend((index, fault) for fault in _content(one.event, registry))
        faults.extend((index, fault) for fault in _correction(index, batch, ledger))
    if faults:
        raise Rejected(faults)
    faults.extend(_still_registered(batch, ledger, registry))
    faults.extend(_lifecycles(batch, ledger))
    if not faults:
        faults.extend(_overrides(batch, ledger))
    if faults:
        raise Rejected(faults)
    return registry


# Each event by itself.


def _shape(event: Event) -> Iterator[Refused]:
    """Find what the type of an event needs, whatever is registered."""
    wanted = stream_wanted(event)
    if not fits(event.stream, wanted):
        detail = (
            f"{event.type} belongs in a stream {wanted!r}, not in {event.stream!r}; the slug is "
            "lower-case letters, digits and single hyphens."
        )
        yield BadContentError(detail, path=("stream",))
    category = event.type.partition(".")[0]
    if category in ("policy", "access") and event.authority is None:
        yield BadContentError(
            f"{event.type} needs an authority: who decided or measured it.", path=("authority",)
        )
    if category in ("policy", "access", "context"):
        if not event.sources:
            detail = (
                f"{event.type} needs at least one source, such as "
                '{"url": "https://…", "publisher": "…", "kind": "official"}.'
            )
            yield BadContentError(detail, path=("sources",))
        if not event.title:
            yield BadContentError(f"{event.type} needs a title.", path=("title",))
    for index, source in enumerate(event.sources):
        yield from _source(source, ("sources", index))
    if isinstance(event.data, Registered):
        yield from _registered(event.data)
    replacement = event.data.replacement if isinstance(event.data, RecordCorrected) else None
    if replacement is not None:
        for fault in _shape(replacement):
            yield fault.under("data", "replacement")


def _source(source: Source, path: Path) -> Iterator[Refused]:
    for field, url in (("url", source.url), ("archive_url", source.archive_url)):
        if url is None:
            continue
        parts = _split(url)
        if parts is None:
            detail = (
                f"{url[:80]!r} is no source: give an address that starts with https:// or "
                "http://, with a host and without a user name."
            )
            yield BadContentError(detail, path=(*path, field))


def _split(url: str) -> str | None:
    """Return the host of an http or https address, None where it is none."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return None
    plain = not any(letter.isspace() or letter in '"<>\\^`{|}' for letter in url)
    web = parts.scheme in ("http", "https") and parts.username is None
    return parts.hostname if web and plain and port_is_fine else None


def _registered(data: Registered) -> Iterator[Refused]:
    needs: dict[RegistryKind, tuple[str, ...]] = {
        RegistryKind.AUTHORITY: ("authority_kind",),
        RegistryKind.PROVIDER: ("authority",),
        RegistryKind.SERVICE: ("provider",),
        RegistryKind.AUDIENCE: (),
    }
    may: dict[RegistryKind, tuple[str, ...]] = {
        RegistryKind.AUTHORITY: ("authority_kind", "region", "timezone"),
        RegistryKind.PROVIDER: ("authority", "homepage"),
        RegistryKind.SERVICE: ("provider", "upstream"),
        RegistryKind.AUDIENCE: (),
    }
    every = dict.fromkeys(field for fields in may.values() for field in fields)
    for field in every:
        given = getattr(data, field) is not None
        if given and field not in may[data.kind]:
            yield BadContentError(f"A {data.kind} has no {field}.", path=("data", field))
        if not given and field in needs[data.kind]:
            yield BadContentError(f"A {data.kind} needs its {field}.", path=("data", field))
    path = data.kind in (RegistryKind.SERVICE, RegistryKind.AUDIENCE)
    if not (is_path(data.id) if path else is_slug(data.id)):
        example = "chatgpt/ios" if path else "openai"
        yield BadContentError(
            f"{data.id!r} is no id: write it like {example!r}.", path=("data", "id")
        )
    if data.id in (ANY, PUBLIC):
        yield BadContentError(
            f"{data.id!r} is built in and cannot be registered.", path=("data", "id")
        )
    if data.timezone is not None and not _is_zone(data.timezone):
        detail = f"{data.timezone!r} is no time zone: write an IANA name such as 'Europe/Rome'."
        yield BadContentError(detail, path=("data", "timezone"))
    if data.homepage is not None and _split(data.homepage) is None:
        detail = f"{data.homepage[:80]!r} is no address: it starts with https:// or http://."
        yield BadContentError(detail, path=("data", "homepage"))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# Each event against the registry.


def _content(event: Event, registry: Registry) -> Iterator[Refused]:
    """Find unknown ids, scopes and periods that make no sense."""
    zone = registry.zone(event.authority)
    if event.authority is not None and event.authority not in registry.authorities:
        yield UnknownIdError(
            "authority", event.authority, registry.authorities, path=("authority",)
        )
    match event.data:
        case Registered() as data:
            yield from _registration(data, registry)
        case GroupChanged() as data:
            yield from _group_change(data)
        case AccessObserved() as data:
            yield from _scope(data.scope, registry, ("data", "scope"))
            if data.valid_until is not None:
                yield from _period(event.occurred_on, data.valid_until, zone, ("valid_until",))
        case ContextNoted() as data:
            for field, kind, values, ids in (
                ("providers", "provider", data.providers, frozenset(registry.providers)),
                ("regions", "region", data.regions, _regions(registry)),
            ):
                for index, value in enumerate(values):
                    if value not in ids:
                        path: Path = ("data", field, index)
                        yield UnknownIdError(kind, value, ids, path=path, hint=_hint(value))
        case PolicySuspended(effective_from=start, effective_until=When() as end):
            yield from _period(start, end, zone, ("effective_until",))
        case RecordCorrected(replacement=Event() as replacement):
            for fault in _content(replacement, registry):
                yield fault.under("data", "replacement")
        case _:
            yield from _directives(event, registry, zone)


def _period(start: When, end: When, zone: str, path: Path) -> Iterator[Refused]:
    try:
        check_period(start, end, zone, path=("data", *path))
    except BadPeriodError as fault:
        yield fault


def _registration(data: Registered, registry: Registry) -> Iterator[Refused]:
    above = data.id.rpartition("/")[0]
    match data.kind:
        case RegistryKind.AUTHORITY:
            if data.region is not None and not registry.is_region(data.region):
                ids = _regions(registry)
                path: Path = ("data", "region")
                yield UnknownIdError("region", data.region, ids, path=path, hint=_hint(data.region))
        case RegistryKind.PROVIDER:
            authority = data.authority or ""
            if authority not in registry.authorities:
                path = ("data", "authority")
                yield UnknownIdError("authority", authority, registry.authorities, path=path)
        case RegistryKind.SERVICE:
            provider = data.provider or ""
            if provider not in registry.providers:
                path = ("data", "provider")
                yield UnknownIdError("provider", provider, registry.providers, path=path)
            elif above and above not in registry.services_of(provider):
                known = registry.services_of(provider)
                yield UnknownIdError("service", above, known, path=("data", "id"))
        case RegistryKind.AUDIENCE:
            if above and above not in registry.audiences:
                yield UnknownIdError("audience", above, registry.audiences, path=("data", "id"))


def _group_change(data: GroupChanged) -> Iterator[Refused]:
    if not is_group_id(data.id) or regions.is_place(data.id):
        detail = f"{data.id!r} cannot name a group: write capitals, as 'EU', that are no ISO code."
        yield BadContentError(detail, path=("data", "id"))
    if not data.adds and not data.removes:
        yield BadContentError("A change of a group adds or removes somebody.", path=("data",))
    for field, values in (("adds", data.adds), ("removes", data.removes)):
        for index, value in enumerate(values):
            if not regions.is_place(value):
                known = regions.COUNTRIES | regions.SUBDIVISIONS
                path: Path = ("data", field, index)
                hint = _hint(value) or "Members are countries and subdivisions; groups do not nest."
                yield UnknownIdError("region", value, known, path=path, hint=hint)


def _directives(event: Event, registry: Registry, zone: str) -> Iterator[Refused]:
    drafts = isinstance(event.data, PolicyAnnounced | PolicyProposed)
    carried = directives_of(event)
    field = "drafts" if drafts else "directives"
    if isinstance(event.data, PolicyAmended):
        if not carried and not event.data.removes:
            yield BadContentError("An amendment brings a text or removes a key.", path=("data",))
    elif not carried and not drafts and event.type in ("policy.adopted", "access.affirmed"):
        detail = f"{event.type} needs at least one directive."
        yield BadContentError(detail, path=("data", "directives"))
    seen: set[str] = set()
    for index, directive in enumerate(carried):
        for fault in _directive(directive, event, registry, zone):
            yield fault.under("data", field, index)
        if directive.key in seen:
            detail = (
                f"The key {directive.key!r} stands twice in this event; a key is one directive."
            )
            yield BadContentError(detail, path=("data", field, index, "key"))
        seen.add(directive.key)


def _directive(
    directive: Directive, event: Event, registry: Registry, zone: str
) -> Iterator[Refused]:
    if not is_slug(directive.key):
        yield BadContentError(f"{directive.key!r} is no key: write it like 'api'.", path=("key",))
    yield from _scope(directive.scope, registry, ("scope",))
    if directive.effective_from is not None:
        try:
            check_period(
                directive.effective_from,
                directive.effective_until,
                zone,
                path=("effective_until",),
            )
        except BadPeriodError as fault:
            yield fault
    if directive.effect is Effect.CONDITIONAL and not directive.conditions:
        detail = "'conditional' needs a condition: say what a customer must meet, or 'available'."
        yield BadContentError(detail, path=("conditions",))
    if directive.effect.closed and directive.conditions:
        detail = f"{str(directive.effect)!r} lets nobody in, so it can have no conditions."
        yield BadContentError(detail, path=("conditions",))
    by = directive.implemented_by
    if by is not None and by not in registry.authorities:
        yield UnknownIdError("authority", by, registry.authorities, path=("implemented_by",))
    own = f"{event.stream}#{directive.key}"
    for index, name in enumerate(directive.overrides):
        if OVERRIDE.fullmatch(name) is None:
            detail = f"{name[:80]!r} names no directive: write 'policy:<slug>#<key>'."
            yield BadContentError(detail, path=("overrides", index))
        elif name == own:
            yield OverrideError("A directive cannot override itself.", path=("overrides", index))


def _scope(scope: Scope, registry: Registry, path: Path) -> Iterator[Refused]:
    dimensions = (
        ("providers", scope.providers),
        ("services", scope.services),
        ("regions", scope.regions),
        ("audiences", scope.audiences),
    )
    for field, elements in dimensions:
        if not elements:
            detail = f"An empty list of {field} reaches nobody; leave it out to mean everything."
            yield BadScopeError(detail, path=(*path, field))
        if len(set(elements)) != len(elements) or (ANY in elements and len(elements) > 1):
            detail = f"Each of the {field} stands once, and '*' stands alone."
            yield BadScopeError(detail, path=(*path, field))
    size = 1
    for _, elements in dimensions:
        size *= len(elements)
    if size > MAX_CELLS:
        detail = (
            f"This scope has {size:,} combinations, more than {MAX_CELLS:,}: name a group of "
            "regions or a service that contains the others, or write several directives."
        )
        yield BadScopeError(detail, path=path)
    yield from _elements(scope, registry, path)


def _elements(scope: Scope, registry: Registry, path: Path) -> Iterator[Refused]:
    for index, one in enumerate(scope.providers):
        if one != ANY and one not in registry.providers:
            where: Path = (*path, "providers", index)
            yield UnknownIdError("provider", one, registry.providers, path=where)
    named = [one for one in scope.services if one != ANY]
    if named and (len(scope.providers) != 1 or ANY in scope.providers):
        detail = (
            "A service is named below its provider, so a scope that names services names exactly "
            "one provider; write one directive per provider."
        )
        yield BadScopeError(detail, path=(*path, "services"))
    elif named and scope.providers[0] in registry.providers:
        known = registry.services_of(scope.providers[0])
        for index, one in enumerate(scope.services):
            if one != ANY and one not in known:
                yield UnknownIdError("service", one, known, path=(*path, "services", index))
    for index, one in enumerate(scope.regions):
        if one != ANY and not registry.is_region(one):
            where = (*path, "regions", index)
            yield UnknownIdError("region", one, _regions(registry), path=where, hint=_hint(one))
    for index, one in enumerate(scope.audiences):
        where = (*path, "audiences", index)
        if one == PUBLIC:
            detail = "'public' is a leaf: what binds everyone says '*' (or leaves audiences out)."
            yield BadScopeError(detail, path=where, suggestion=ANY)
        elif one != ANY and one not in registry.audiences:
            yield UnknownIdError("audience", one, registry.audiences, path=where)


def _regions(registry: Registry) -> frozenset[str]:
    return regions.COUNTRIES | regions.SUBDIVISIONS | registry.groups.keys()


def _hint(region: str) -> str:
    own = regions.COUNTRIES_OF_THEIR_OWN.get(region)
    return "" if own is None else f"It is a country of its own: write {own!r}."


# Corrections.


def _correction(index: int, batch: Sequence[Recorded], ledger: Ledger) -> Iterator[Refused]:
    event = batch[index].event
    if not isinstance(event.data, RecordCorrected):
        return
    data = event.data
    stream = (*ledger.stream(event.stream), *batch[:index])
    target = next(
        (
            one.event
            for one in stream
            if one.event.id == data.event and one.event.stream == event.stream
        ),
        None,
    )
    if target is None:
        detail = (
            f"No event {data.event} stands in {event.stream!r}: a correction is recorded after its "
            "target, in the same stream."
        )
        yield CorrectionError(detail, path=("data", "event"))
        return
    replacement = data.replacement
    if (data.action is CorrectionAction.AMEND) != (replacement is not None):
        detail = "'amend' needs a whole event as its replacement, 'retract' has none."
        yield CorrectionError(detail, path=("data", "replacement"))
    elif replacement is not None:
        yield from _replacement(target, replacement)


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
    elif isinstance(target.data, RecordCorrected) and isinstance(replacement.data, RecordCorrected):
        if target.data.event != replacement.data.event:
            detail = f"A corrected correction still corrects {target.data.event}."
            yield CorrectionError(detail, path=(*path, "data", "event"))


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


def _lifecycles(batch: Sequence[Recorded], ledger: Ledger) -> Iterator[tuple[int, Refused]]:
    for stream in dict.fromkeys(one.event.stream for one in batch):
        if not stream.startswith(POLICY):
            continue
        mine = {
            one.event.id: index for index, one in enumerate(batch) if one.event.stream == stream
        }
        for recorded, fault in judge(stream.removeprefix(POLICY), _facts(stream, batch, ledger)):
            index = mine.get(recorded.event.id)
            if index is None:
                index = min(mine.values())
                detail = (
                    f"With this, the {recorded.event.type} of {recorded.event.occurred_on} "
                    f"(position {recorded.position}) would no longer be allowed: {fault.detail}"
                )
                fault = StepError(detail)  # noqa: PLW2901 the fault as seen from this event
            yield index, fault


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
                path: Path = ("data", "directives", number, "overrides", at)
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
