"""What an event must be by itself: its fields, its ids, its scopes and periods.

``shape`` asks only the event; ``content`` asks the registry as it is with the whole batch. Both
yield every fault they find, with the path from the event down.
"""

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from math import prod
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.domain import regions
from service.domain.errors import (
    BadContentError,
    BadPeriodError,
    BadScopeError,
    OverrideError,
    Path,
    Refused,
    UnknownIdError,
)
from service.domain.events import (
    AccessAffirmed,
    AccessObserved,
    ContextNoted,
    Directive,
    Effect,
    Event,
    GroupChanged,
    PolicyAdopted,
    PolicyAmended,
    PolicyAnnounced,
    PolicyProposed,
    PolicySuspended,
    RecordCorrected,
    Registered,
    RegistryKind,
    Source,
    directives_of,
)
from service.domain.names import (
    CATEGORIES,
    OVERRIDE,
    fits,
    is_group_id,
    is_path,
    is_slug,
    stream_wanted,
)
from service.domain.registry import Registry
from service.domain.scope import ANY, PUBLIC, Scope
from service.domain.times import When, check_period

MAX_CELLS: Final = 10_000
"""The most elementary scopes that one directive may stand for."""

_PLACES: Final = regions.COUNTRIES | regions.SUBDIVISIONS

_NEEDS: Final[dict[RegistryKind, tuple[str, ...]]] = {
    RegistryKind.AUTHORITY: ("authority_kind",),
    RegistryKind.PROVIDER: ("authority",),
    RegistryKind.SERVICE: ("provider",),
    RegistryKind.AUDIENCE: (),
}
_MAY: Final[dict[RegistryKind, tuple[str, ...]]] = {
    RegistryKind.AUTHORITY: ("authority_kind", "region", "timezone"),
    RegistryKind.PROVIDER: ("authority", "homepage"),
    RegistryKind.SERVICE: ("provider", "upstream"),
    RegistryKind.AUDIENCE: (),
}


# Each event by itself.


def shape(event: Event) -> Iterator[Refused]:
    """Find what the type of an event needs, whatever is registered."""
    wanted = stream_wanted(event)
    if not fits(event.stream, wanted):
        detail = (
            f"{event.type} belongs in a stream {wanted!r}, not in {event.stream!r}; the slug is "
            "lower-case letters, digits and single hyphens."
        )
        yield BadContentError(detail, path=("stream",))
    yield from _told(event)
    for index, source in enumerate(event.sources):
        yield from _source(source, ("sources", index))
    for index, relation in enumerate(event.relates_to):
        category, _, slug = relation.stream.partition(":")
        if category not in CATEGORIES or not slug:
            detail = f"{relation.stream[:80]!r} is no stream: write it like 'policy:eu-ai-act'."
            yield BadContentError(detail, path=("relates_to", index, "stream"))
    match event.data:
        case Registered() as data:
            yield from _registered(data)
        case RecordCorrected(replacement=Event() as replacement):
            yield from (fault.under("data", "replacement") for fault in shape(replacement))
        case _:
            pass


def _told(event: Event) -> Iterator[Refused]:
    """Find an authority, a title or sources that this type of event must name."""
    category = event.type.partition(".")[0]
    if category in ("policy", "access") and event.authority is None:
        detail = f"{event.type} needs an authority: who decided or measured it."
        yield BadContentError(detail, path=("authority",))
    if category not in ("policy", "access", "context"):
        return
    if not event.title:
        yield BadContentError(f"{event.type} needs a title.", path=("title",))
    if not event.sources:
        detail = (
            f"{event.type} needs at least one source, such as "
            '{"url": "https://…", "publisher": "…", "kind": "official"}.'
        )
        yield BadContentError(detail, path=("sources",))


def _source(source: Source, path: Path) -> Iterator[Refused]:
    for field, url in (("url", source.url), ("archive_url", source.archive_url)):
        if url is None:
            continue
        if not _is_address(url):
            detail = (
                f"{url[:80]!r} is no source: give an address that starts with https:// or "
                "http://, with a host and without a user name."
            )
            yield BadContentError(detail, path=(*path, field))


@lru_cache(maxsize=4096)
def _is_address(url: str) -> bool:
    """Tell whether a text is an http or https address with a host and no user name."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not any(letter.isspace() or letter in '"<>\\^`{|}' for letter in url)
    web = parts.scheme in ("http", "https") and parts.username is None
    return web and plain and port_is_fine and bool(parts.hostname)


def _registered(data: Registered) -> Iterator[Refused]:
    for field in dict.fromkeys(chain.from_iterable(_MAY.values())):
        given = getattr(data, field) is not None
        if given and field not in _MAY[data.kind]:
            yield BadContentError(f"A {data.kind} has no {field}.", path=("data", field))
        if not given and field in _NEEDS[data.kind]:
            yield BadContentError(f"A {data.kind} needs its {field}.", path=("data", field))
    nested = data.kind in (RegistryKind.SERVICE, RegistryKind.AUDIENCE)
    if not (is_path(data.id) if nested else is_slug(data.id)):
        example = "chatgpt/ios" if nested else "openai"
        detail = f"{data.id[:80]!r} is no id: write it like {example!r}."
        yield BadContentError(detail, path=("data", "id"))
    if data.kind is RegistryKind.AUDIENCE and data.id == PUBLIC:
        detail = f"{PUBLIC!r} is built in and cannot be registered."
        yield BadContentError(detail, path=("data", "id"))
    if data.timezone is not None and not _is_zone(data.timezone):
        detail = f"{data.timezone!r} is no time zone: write an IANA name such as 'Europe/Rome'."
        yield BadContentError(detail, path=("data", "timezone"))
    if data.homepage is not None and not _is_address(data.homepage):
        detail = f"{data.homepage[:80]!r} is no address: it starts with https:// or http://."
        yield BadContentError(detail, path=("data", "homepage"))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# Each event against the registry.


def content(event: Event, registry: Registry) -> Iterator[Refused]:
    """Find unknown ids, and scopes and periods that make no sense."""
    zone = registry.zone(event.authority)
    named = () if event.authority is None else (event.authority,)
    yield from _at(_unknown("authority", named, registry.authorities), "authority")
    match event.data:
        case Registered() as data:
            yield from _registration(data, registry)
        case GroupChanged() as data:
            yield from _group_change(data)
        case AccessObserved() as data:
            yield from _under(_scope(data.scope, registry), "data", "scope")
            yield from _period(event.occurred_on, data.valid_until, zone, "valid_until")
        case ContextNoted() as data:
            providers = _unknown("provider", data.providers, registry.providers)
            yield from _under(providers, "data", "providers")
            places = _unknown_regions(data.regions, registry)
            yield from _under(places, "data", "regions")
        case PolicySuspended() as data:
            yield from _period(data.effective_from, data.effective_until, zone, "effective_until")
        case RecordCorrected(replacement=Event() as replacement):
            yield from _under(content(replacement, registry), "data", "replacement")
        case _:
            yield from _directives(event, registry, zone)


def _under(faults: Iterable[Refused], *path: str | int) -> Iterator[Refused]:
    for fault in faults:
        yield fault.under(*path)


def _at(faults: Iterable[Refused], *path: str | int) -> Iterator[Refused]:
    for fault in faults:
        fault.path = path
        yield fault


def _unknown(
    kind: str, values: Iterable[str], known: Collection[str], *, star: bool = False
) -> Iterator[Refused]:
    """Yield a fault for each value that is not known, its index as the path.

    Only in a scope may a ``star`` stand for everything.
    """
    for index, value in enumerate(values):
        if value not in known and not (star and value == ANY):
            own = regions.COUNTRIES_OF_THEIR_OWN.get(value) if kind == "region" else None
            hint = "" if own is None else f"It is a country of its own: write {own!r}."
            near = _around(value, known) if kind == "region" else known
            yield UnknownIdError(kind, value, near, path=(index,), hint=hint)


def _around(region: str, known: Collection[str]) -> Iterator[str]:
    """Yield the regions that somebody may have meant: few of the 5,000 subdivisions."""
    country = region[:2].upper() + "-"
    return (one for one in known if "-" not in one or one.startswith(country))


def _period(start: When, end: When | None, zone: str, field: str) -> Iterator[Refused]:
    try:
        check_period(start, end, zone, path=("data", field))
    except BadPeriodError as fault:
        yield fault


def _registration(data: Registered, registry: Registry) -> Iterator[Refused]:
    """Find what an entry stands on and nobody registered."""
    above = data.id.rpartition("/")[0]
    parents = (above,) if above else ()
    match data.kind:
        case RegistryKind.AUTHORITY:
            places = () if data.region is None else (data.region,)
            field, faults = "region", _unknown_regions(places, registry)
        case RegistryKind.PROVIDER:
            named = (data.authority or "",)
            field, faults = "authority", _unknown("authority", named, registry.authorities)
        case RegistryKind.SERVICE if data.provider not in registry.providers:
            named = (data.provider or "",)
            field, faults = "provider", _unknown("provider", named, registry.providers)
        case RegistryKind.SERVICE:
            known = registry.services_of(data.provider or "")
            field, faults = "id", _unknown("service", parents, known)
        case RegistryKind.AUDIENCE:
            field, faults = "id", _unknown("audience", parents, registry.audiences)
    yield from _at(faults, "data", field)


def _group_change(data: GroupChanged) -> Iterator[Refused]:
    if not is_group_id(data.id) or regions.is_place(data.id):
        detail = f"{data.id!r} cannot name a group: write capitals, as 'EU', that are no ISO code."
        yield BadContentError(detail, path=("data", "id"))
    if not data.adds and not data.removes:
        yield BadContentError("A change of a group adds or removes somebody.", path=("data",))
    for index, value in enumerate(data.removes):
        if value in data.adds:
            detail = f"{value!r} cannot join and leave in one event."
            yield BadContentError(detail, path=("data", "removes", index))
    for field, values in (("adds", data.adds), ("removes", data.removes)):
        for fault in _unknown("region", values, _PLACES):
            fault.detail += " Members are countries and subdivisions; groups do not nest."
            yield fault.under("data", field)


def _directives(event: Event, registry: Registry, zone: str) -> Iterator[Refused]:
    field = "drafts" if isinstance(event.data, PolicyAnnounced | PolicyProposed) else "directives"
    carried = directives_of(event)
    if isinstance(event.data, PolicyAmended) and not carried and not event.data.removes:
        yield BadContentError("An amendment brings a text or removes a key.", path=("data",))
    if isinstance(event.data, PolicyAdopted | AccessAffirmed) and not carried:
        detail = f"{event.type} needs at least one directive."
        yield BadContentError(detail, path=("data", "directives"))
    keys = [directive.key for directive in carried]
    for index, directive in enumerate(carried):
        yield from _under(_directive(directive, event, registry, zone), "data", field, index)
        if directive.key in keys[:index]:
            detail = f"The key {directive.key!r} stands twice here; a key is one directive."
            yield BadContentError(detail, path=("data", field, index, "key"))


def _directive(
    directive: Directive, event: Event, registry: Registry, zone: str
) -> Iterator[Refused]:
    if not is_slug(directive.key):
        detail = f"{directive.key[:80]!r} is no key: write it like 'api'."
        yield BadContentError(detail, path=("key",))
    yield from _under(_scope(directive.scope, registry), "scope")
    if directive.effective_from is not None:
        period = _period(directive.effective_from, directive.effective_until, zone, "")
        yield from _at(period, "effective_until")
    yield from _conditions(directive)
    by = () if directive.implemented_by is None else (directive.implemented_by,)
    yield from _at(_unknown("authority", by, registry.authorities), "implemented_by")
    for index, name in enumerate(directive.overrides):
        if OVERRIDE.fullmatch(name) is None:
            detail = f"{name[:80]!r} names no directive: write 'policy:<slug>#<key>'."
            yield BadContentError(detail, path=("overrides", index))
        elif name == f"{event.stream}#{directive.key}":
            yield OverrideError("A directive cannot override itself.", path=("overrides", index))


def _conditions(directive: Directive) -> Iterator[Refused]:
    if directive.effect is Effect.CONDITIONAL and not directive.conditions:
        detail = "'conditional' needs a condition: say what a customer must meet, or 'available'."
        yield BadContentError(detail, path=("conditions",))
    if directive.effect.closed and directive.conditions:
        detail = f"{directive.effect.value!r} lets nobody in, so it can have no conditions."
        yield BadContentError(detail, path=("conditions",))


def _scope(scope: Scope, registry: Registry) -> Iterator[Refused]:
    sizes: list[int] = []
    for name in Scope.__struct_fields__:
        elements: tuple[str, ...] = getattr(scope, name)
        sizes.append(len(elements))
        if not elements:
            detail = f"An empty list of {name} reaches nobody; leave it out for everything."
            yield BadScopeError(detail, path=(name,))
        if len(set(elements)) != len(elements) or (ANY in elements and len(elements) > 1):
            detail = f"Each of the {name} stands once, and '*' stands alone."
            yield BadScopeError(detail, path=(name,))
    size = prod(sizes)
    if size > MAX_CELLS:
        detail = (
            f"This scope has {size:,} combinations, more than {MAX_CELLS:,}: name a group of "
            "regions or a service that contains the others, or write several directives."
        )
        yield BadScopeError(detail)
    providers = _unknown("provider", scope.providers, registry.providers, star=True)
    yield from _under(providers, "providers")
    yield from _under(_services(scope, registry), "services")
    yield from _under(_unknown_regions(scope.regions, registry, star=True), "regions")
    yield from _under(_audiences(scope, registry), "audiences")


def _services(scope: Scope, registry: Registry) -> Iterator[Refused]:
    if all(one == ANY for one in scope.services):
        return
    provider = scope.providers[0] if len(scope.providers) == 1 else ANY
    if provider == ANY:
        detail = (
            "A service is named below its provider, so a scope that names services names exactly "
            "one provider; write one directive per provider."
        )
        yield BadScopeError(detail)
    elif provider in registry.providers:
        yield from _unknown("service", scope.services, registry.services_of(provider), star=True)


def _audiences(scope: Scope, registry: Registry) -> Iterator[Refused]:
    if PUBLIC in scope.audiences:
        detail = f"{PUBLIC!r} is a leaf: what binds everyone says '*', or leaves audiences out."
        yield BadScopeError(detail, path=(scope.audiences.index(PUBLIC),), suggestion=ANY)
    yield from _unknown("audience", scope.audiences, {*registry.audiences, PUBLIC}, star=True)


def _unknown_regions(
    values: Collection[str], registry: Registry, *, star: bool = False
) -> Iterator[Refused]:
    if not all(registry.is_region(one) or (star and one == ANY) for one in values):
        known = _PLACES | registry.groups.keys()
        yield from _unknown("region", values, known, star=star)
