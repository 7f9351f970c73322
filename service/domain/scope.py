"""Where something holds: providers, services, regions and audiences, and what contains what.

A ``Scope`` lists elements per dimension and stands for every combination of them; one combination
is an ``Elementary`` scope. A ``Cell`` is the smallest place a question can be asked of. Containment
is asked **at a moment**, since the members of a group are dated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product, starmap
from typing import Protocol

from msgspec import Struct

from service.domain import regions
from service.domain.times import When

ANY = "*"
PUBLIC = "public"


class Scope(Struct, frozen=True, kw_only=True, gc=False):
    """Lists of elements; a list left out means everything of its dimension."""

    providers: tuple[str, ...] = (ANY,)
    services: tuple[str, ...] = (ANY,)
    regions: tuple[str, ...] = (ANY,)
    audiences: tuple[str, ...] = (ANY,)

    def elements(self) -> Iterator["Elementary"]:
        """Return the elementary scopes that this scope stands for, one after another."""
        return starmap(
            Elementary, product(self.providers, self.services, self.regions, self.audiences)
        )


EVERYWHERE = Scope()
"""What a directive is about that names nothing."""


class Elementary(Struct, frozen=True, gc=False):
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
    holders = None if regions.is_place(outer) else groups.members(outer, moment)
    if holders is None:
        holders = frozenset((outer,))
    inside = None if regions.is_place(inner) else groups.members(inner, moment)
    if inside is None:
        return not around(inner).isdisjoint(holders)
    return bool(inside) and all(not around(place).isdisjoint(holders) for place in inside)


@lru_cache(maxsize=8192)
def _matching_paths(elements: tuple[str, ...], path: str) -> tuple[str, ...]:
    """Return the paths of services or audiences that contain another."""
    return tuple(one for one in elements if within_path(one, path))


@lru_cache(maxsize=8192)
def around(place: str) -> frozenset[str]:
    """Return what contains a country or subdivision whatever the day: it, its parents, ``*``."""
    found = {ANY}
    above: str | None = place
    while above is not None:
        found.add(above)
        above = regions.parent(above)
    return frozenset(found)


@lru_cache(maxsize=8192)
def sorted_out(elements: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Tell apart what contains a region whatever the day, and the groups: lists may be long."""
    groups = tuple(one for one in elements if one != ANY and not regions.is_place(one))
    return frozenset(elements) - frozenset(groups), groups


def may_match(scope: Scope, cell: Cell, groups: Groups) -> bool:
    """Tell whether ``scope`` contains ``cell`` at any moment at all."""
    if cell.provider not in scope.providers and ANY not in scope.providers:
        return False
    place = around(cell.region)
    fixed, dated = sorted_out(scope.regions)
    return bool(
        _matching_paths(scope.services, cell.service)
        and _matching_paths(scope.audiences, cell.audience)
    ) and (
        not place.isdisjoint(fixed)
        or cell.region in dated
        or any(not place.isdisjoint(groups.ever_in(one)) for one in dated)
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
    if not providers:
        return ()
    services = _matching_paths(scope.services, cell.service)
    audiences = _matching_paths(scope.audiences, cell.audience)
    if not (services and audiences):
        return ()
    fixed, dated = sorted_out(scope.regions)
    found = around(cell.region) & fixed
    found |= {one for one in dated if within_region(one, cell.region, groups, moment)}
    if not found:
        return ()
    places = [one for one in scope.regions if one in found] if len(found) > 1 else found
    return tuple(starmap(Elementary, product(providers, services, places, audiences)))
