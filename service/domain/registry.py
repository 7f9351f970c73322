"""Who and what is known: authorities, providers, services, audiences and dated groups.

Registry facts have no effective time: once known they hold for every ``as_of``. Only the members
of a group are dated. Registering an id again renames it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

from service.domain import regions
from service.domain.events import GroupChanged, Recorded, Registered, RegistryKind
from service.domain.scope import PUBLIC
from service.domain.times import When, reached

UTC_ZONE = "UTC"
GROUP = "group"

_T = TypeVar("_T")
_MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """Members that join or leave on a day of the authority's calendar."""

    effective_from: When
    authority: str | None
    adds: tuple[str, ...]
    removes: tuple[str, ...]
    position: int
    event: str

    def order(self) -> tuple[date, datetime, int]:
        """Sort key: when it takes effect, then its position."""
        return (*self.effective_from.order, self.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A named set of countries and subdivisions, with every change of its members."""

    id: str
    name: str
    changes: tuple[GroupChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything registered, as known at one position.

    Services are keyed by provider and path, as ``openai/chatgpt/ios``. What is asked again and
    again is kept, since a registry never changes.
    """

    authorities: Mapping[str, Registered] = field(default_factory=dict)
    providers: Mapping[str, Registered] = field(default_factory=dict)
    services: Mapping[str, Registered] = field(default_factory=dict)
    audiences: Mapping[str, Registered] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    _kept: dict[tuple[str, ...], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, events: Iterable[Recorded]) -> "Registry":
        """Fold registry events, corrections already applied, in position order."""
        found: dict[str, dict[str, Registered]] = {kind: {} for kind in RegistryKind}
        groups: dict[str, Group] = {}
        for recorded in events:
            match recorded.event.data:
                case Registered(kind=kind) as data:
                    found[kind][entry_id(data)] = data
                case GroupChanged() as data:
                    group = groups.get(data.id) or Group(id=data.id, name=data.name)
                    changes = (*group.changes, group_change(recorded, data))
                    groups[data.id] = replace(group, name=data.name, changes=changes)
                case _:
                    pass
        return cls(
            MappingProxyType(found[RegistryKind.AUTHORITY]),
            MappingProxyType(found[RegistryKind.PROVIDER]),
            MappingProxyType(found[RegistryKind.SERVICE]),
            MappingProxyType(found[RegistryKind.AUDIENCE]),
            MappingProxyType(groups),
        )

    def zone(self, authority: str | None) -> str:
        """Return the IANA time zone of an authority; UTC where none is named."""
        known = self.authorities.get(authority) if authority else None
        return (known.timezone if known else None) or UTC_ZONE

    def authority_of(self, provider: str) -> str | None:
        """Return the provider's own authority."""
        known = self.providers.get(provider)
        return known.authority if known else None

    def members(self, group: str, moment: When) -> frozenset[str] | None:
        """Return a group's members at ``moment``, or None where it is no group."""
        known = self.groups.get(group)
        if known is None:
            return None
        return self._keep(("members", group, moment.text), lambda: self._inside(known, moment))

    def _inside(self, group: Group, moment: When) -> frozenset[str]:
        inside: set[str] = set()
        for change in sorted(group.changes, key=GroupChange.order):
            if reached(change.effective_from, moment, self.zone(change.authority)):
                inside.difference_update(change.removes)
                inside.update(change.adds)
        return frozenset(inside)

    def ever_in(self, group: str) -> frozenset[str]:
        """Return everybody who was or will be a member of a group."""
        known = self.groups.get(group)
        if known is None:
            return frozenset()
        return self._keep(
            ("ever", group), lambda: frozenset(one for each in known.changes for one in each.adds)
        )

    def groups_of(self, country: str) -> tuple[str, ...]:
        """Return the groups in which a country, or a part of it, ever was."""
        return self._keep(
            ("groups", country),
            lambda: tuple(
                group
                for group in self.groups
                if any(member[:2] == country for member in self.ever_in(group))
            ),
        )

    def is_region(self, region: str) -> bool:
        """Tell whether ``region`` is a country, a subdivision or a registered group."""
        return regions.is_place(region) or region in self.groups

    def is_audience(self, audience: str) -> bool:
        """Tell whether an audience may be asked for."""
        return audience == PUBLIC or audience in self.audiences

    def services_of(self, provider: str) -> tuple[str, ...]:
        """Return the paths of a provider's services, sorted."""
        prefix = provider + "/"
        return self._keep(
            ("services", provider),
            lambda: tuple(
                sorted(key[len(prefix) :] for key in self.services if key.startswith(prefix))
            ),
        )

    def services_below(self, provider: str, path: str) -> tuple[str, ...]:
        """Return the paths of a provider's services inside of one, at any depth."""
        prefix = path + "/"
        return self._keep(
            ("below", provider, path),
            lambda: tuple(one for one in self.services_of(provider) if one.startswith(prefix)),
        )

    def _keep(self, name: tuple[str, ...], make: Callable[[], _T]) -> _T:
        found: _T | None = self._kept.get(name)
        if found is None:
            if len(self._kept) > _MOST_KEPT:
                self._kept.clear()
            found = self._kept[name] = make()
        return found


def entry_id(data: Registered) -> str:
    """Return the id under which an entry is filed: a service's is ``<provider>/<path>``."""
    return f"{data.provider}/{data.id}" if data.kind is RegistryKind.SERVICE else data.id


def group_change(recorded: Recorded, data: GroupChanged) -> GroupChange:
    """Return what one event says of a group's members."""
    return GroupChange(
        effective_from=data.effective_from,
        authority=recorded.event.authority,
        adds=data.adds,
        removes=data.removes,
        position=recorded.position,
        event=str(recorded.event.id),
    )
