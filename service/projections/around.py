"""Looking into the index by day: what can matter on a day, in every scope around a place.

It costs the same however much was ever said there: one look into the index for each scope.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from service.domain import regions
from service.domain.registry import Registry
from service.domain.scope import ANY
from service.projections.segments import ALWAYS
from service.store.prepared import Prepared
from service.store.tables import horizon, scope, segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Which statements are wanted; None wants all of that dimension."""

    provider: str | None = None
    region: str | None = None

    @property
    def country(self) -> str | None:
        """The country to which the wanted region belongs, None where it is a group or all."""
        if self.region is None or not regions.is_place(self.region):
            return None
        return self.region[:2]


@dataclass(frozen=True, slots=True)
class Found:
    """What can matter on a day: statements, and the days around it of which the same is true."""

    statements: tuple[int, ...]
    days: tuple[int, int]

    @property
    def covers(self) -> tuple[date, date]:
        """The days as the calendar has them."""
        return calendar(self.days)


def calendar(days: tuple[int, int]) -> tuple[date, date]:
    """Return days, half-open, as the calendar has them."""
    first, last = days
    return (
        date.fromordinal(first) if first else date.min,
        date.fromordinal(last) if last < ALWAYS[1] else date.max,
    )


def touching(near: Near) -> sa.Select[Any]:
    """Select the numbers of the scopes that may touch a place.

    What it has to be told is what ``asked`` gives.
    """
    return _touching(near.provider is not None, near.country is not None)


def asked(generation: int, registry: Registry, near: Near) -> dict[str, object]:
    """Return what ``touching`` has to be told."""
    told: dict[str, object] = {"generation": generation}
    if near.provider is not None:
        told["providers"] = (near.provider, ANY)
        told["provider"] = near.provider
    country = near.country
    if country is not None:
        # Everything in the same country: what lies around the place, and what reaches into it.
        told["places"] = _padded((ANY, country, *registry.groups_of(country)))
        told["within"], told["beyond"] = f"{country}-", f"{country}."
    return told


def _padded(places: tuple[str, ...]) -> tuple[str, ...]:
    """Return places, the last repeated: so that few statements differ in how many they name."""
    size = 4
    while size < len(places):
        size *= 2
    return places + places[-1:] * (size - len(places))


@lru_cache
def _touching(
    provided: bool,  # noqa: FBT001
    placed: bool,  # noqa: FBT001
    spread: int | None = None,
) -> sa.Select[Any]:
    """Select by lists of any length, or by a bind for each of ``spread`` places."""
    columns = scope.c
    of_one = sa.select(columns.scope).where(columns.generation == sa.bindparam("generation"))
    found = of_one
    if provided:
        found = found.where(columns.provider.in_(_binds("providers", spread and 2)))
    if not placed:
        return found
    beside = found.where(columns.region.in_(_binds("places", spread)))
    within = columns.region > sa.bindparam("within"), columns.region < sa.bindparam("beyond")
    # A range is found by what stands before it in the index: that must be one provider, not two.
    each = [columns.provider == sa.bindparam("provider"), columns.provider == ANY]
    inside = [of_one.where(one, *within) for one in (each if provided else [sa.true()])]
    every = sa.union_all(beside, *inside).subquery()
    return sa.select(every.c[0])


def _binds(name: str, count: int | None) -> Any:  # noqa: ANN401 -- as SQLAlchemy takes them
    if not count:
        return sa.bindparam(name, expanding=True)
    return [sa.bindparam(f"{name}_{number}") for number in range(count)]


def on_day(
    connection: sa.Connection, near: Near, told: Mapping[str, Any], position: int, day: date
) -> Found:
    """Return what can matter on a day near a place, as known at a position.

    Args:
        connection: A snapshot.
        near: The place.
        told: What ``asked`` gives for it.
        position: Of what is known.
        day: In UTC; what holds on the days beside it, in another zone, is found too.
    """
    places = told.get("places", ())
    looking = _looking(
        connection.dialect.name, near.provider is not None, near.country is not None, len(places)
    )
    values = {
        **told,
        **{f"places_{number}": place for number, place in enumerate(places)},
        **{f"providers_{at}": one for at, one in enumerate(told.get("providers", ()))},
        "at_day": day.toordinal(),
        "at_position": position,
    }
    statements: set[int] = set()
    first, last = ALWAYS
    for (text,) in looking.rows(connection, **values):
        if text is not None:
            since, until, *numbers = map(int, text.split())
            first, last = max(first, since), min(last, until)
            statements.update(numbers)
    return Found(tuple(sorted(statements)), (first, last))


@lru_cache
def _looking(
    dialect: str,
    provided: bool,  # noqa: FBT001
    placed: bool,  # noqa: FBT001
    spread: int,
) -> Prepared:
    """Select the segment of the day in each scope: one text, for one look into the index each."""
    each = _touching(provided, placed, spread or 1).subquery("each")
    number = each.c[0]
    day = sa.bindparam("at_day", type_=sa.Integer)
    position = sa.bindparam("at_position", type_=sa.BigInteger)
    mine = segment.c.generation == sa.bindparam("generation")
    far = (
        sa.select(horizon.c.day)
        .where(
            horizon.c.generation == sa.bindparam("generation"),
            horizon.c.scope == number,
            horizon.c.position <= position,
        )
        .order_by(horizon.c.position.desc())
        .limit(1)
        .correlate(each)
        .scalar_subquery()
    )
    least = sa.func.least if dialect == "postgresql" else sa.func.min
    since, until = (sa.cast(one, sa.Text) for one in (segment.c.day, segment.c.day_until))
    looked = (
        sa.select(since + " " + until + " " + segment.c.statements)
        .where(
            mine,
            segment.c.scope == number,
            # Past what was restated on that very day since, as well.
            sa.tuple_(segment.c.day, segment.c.known_from)
            <= sa.tuple_(least(day, sa.func.coalesce(far, -1)), position),
            segment.c.known_from <= position,
            segment.c.known_until > position,
        )
        .order_by(segment.c.day.desc(), segment.c.known_from.desc())
        .limit(1)
        .correlate(each)
        .scalar_subquery()
    )
    return Prepared(sa.select(looked).select_from(each))
