"""Where something holds: providers, services, regions and audiences, and what contains what.

A ``Scope`` lists elements per dimension and stands for every combination of them; one combination
is an ``Elementary`` scope. A ``Cell`` is the smallest place a question can be asked of. Containment
is asked **at a moment**, since the members of a group are dated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Protocol

from service.domain import regions
from service.domain.times import When

ANY = "*"
PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Lists of elements; a list left out means everything of its dimension."""

    providers: tuple[str, ...] = (ANY,)
    services: tuple[str, ...] = (ANY,)
    regions: tuple[str, ...] = (ANY,)
    audiences: tuple[str, ...] = (ANY,)

    def elements(self) -> Iterator["Elementary"]:
        """Yield the elementary scopes that this scope stands for."""
        for provider, service, region, audience in product(
            self.providers, self.services, self.regions, self.audiences
        ):
            yield Elementary(provider, service, region, audience)


@dataclass(frozen=True, slots=True)
class Elementary:
    """One element of each dimension, any of them ``*`` or a region that is a group."""

    provider: str
    service: str
    region: str
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cell:
    """One provider, service, region (no group) and audience."""

    provider: str
    service: str
    region: str
    audience: str = PUBLIC


class Groups(Protocol):
    """Whoever knows the dated members of groups."""

    def ever_in(self, group: str) -> frozenset[str]:
        """Return everybody who was or will be a member, nobody where ``group`` is no group."""
        ...

    def members(self, group: str, moment: When) -> frozenset[str] | None:
        """Return the members at ``moment``, or None where ``group`` is no group."""
        ...


def within_path(outer: str, inner: str) -> bool:
    """Tell whether a path of services or audiences contains another.

    >>> within_path("chatgpt", "chatgpt/ios"), within_path("chatgpt", "chatgpt-edu")
    (True, False)
    """
    return outer in (ANY, inner) or inner.startswith(outer + "/")


def within_region(outer: str, inner: str, groups: Groups, moment: When) -> bool:
    """Tell whether every country and subdivision of ``inner`` lies in ``outer`` at ``moment``."""
    if outer in (ANY, inner):
        return True
    if inner == ANY:
        return False
    holders = groups.members(outer, moment)
    if holders is None:
        holders = frozenset((outer,))
    inside = groups.members(inner, moment)
    if inside is None:
        return _within_places(holders, inner)
    return bool(inside) and all(_within_places(holders, place) for place in inside)


@lru_cache(maxsize=8192)
def _around(place: str) -> frozenset[str]:
    """Return what contains a country or subdivision whatever the day: it, its parents, ``*``."""
    found = {ANY}
    above: str | None = place
    while above is not None:
        found.add(above)
        above = regions.parent(above)
    return frozenset(found)


def _within_places(holders: frozenset[str], place: str) -> bool:
    above: str | None = place
    while above is not None:
        if above in holders:
            return True
        above = regions.parent(above)
    return False


def may_match(scope: Scope, cell: Cell, groups: Groups) -> bool:
    """Tell whether ``scope`` contains ``cell`` at any moment at all."""
    around = _around(cell.region)
    return (
        any(one in (ANY, cell.provider) for one in scope.providers)
        and any(within_path(one, cell.service) for one in scope.services)
        and any(within_path(one, cell.audience) for one in scope.audiences)
        and any(
            one in around or not around.isdisjoint(groups.ever_in(one)) for one in scope.regions
        )
    )


def contains(outer: Elementary, inner: Elementary | Cell, groups: Groups, moment: When) -> bool:
    """Tell whether ``outer`` contains ``inner`` in every dimension at ``moment``."""
    return (
        outer.provider in (ANY, inner.provider)
        and within_path(outer.service, inner.service)
        and within_path(outer.audience, inner.audience)
        and within_region(outer.region, inner.region, groups, moment)
    )


def matching(scope: Scope, cell: Cell, groups: Groups, moment: When) -> tuple[Elementary, ...]:
    """Return the elementary scopes of ``scope`` that contain ``cell`` at ``moment``."""
    providers = [one for one in scope.providers if one in (ANY, cell.provider)]
    services = [one for one in scope.services if within_path(one, cell.service)]
    audiences = [one for one in scope.audiences if within_path(one, cell.audience)]
    if not (providers and services and audiences):
        return ()
    around = _around(cell.region)
    places = [
        one
        for one in scope.regions
        if one in around
        or (not regions.is_place(one) and within_region(one, cell.region, groups, moment))
    ]
    return tuple(
        Elementary(*combination) for combination in product(providers, services, places, audiences)
    )
