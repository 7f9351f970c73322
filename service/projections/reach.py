"""Which streams ever said something of a cell: for audits, which leave out no attempt.

A scope reaches a cell where both have anything in common: it lies around the cell, or within it
(a subdivision, a sub-service). Every audience counts, every day, and everything that was known at
any position so far, also what our record has since taken back.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from service.domain import regions
from service.domain.scope import ANY
from service.projections import entries
from service.store.tables import scope, statement, statement_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A cell, whatever the audience; without a service all services of the provider."""

    provider: str
    region: str
    service: str | None = None


def streams(
    connection: sa.Connection, generation: int, position: int, place: Place
) -> sa.Select[tuple[str]]:
    """Select the streams that said something of a place up to and with a position."""
    grouped = entries.ever_grouped(connection, generation, position)
    touching = {ANY, place.region, *_places(grouped.get(place.region, {place.region}))}
    touching |= {group for group, members in grouped.items() if not touching.isdisjoint(members)}
    reached = sa.select(scope.c.scope).where(
        scope.c.generation == generation,
        scope.c.provider.in_((place.provider, ANY)),
        scope.c.region.in_(sorted(touching)),
        *([] if place.service is None else [_service(place.service)]),
    )
    said = sa.select(statement_scope.c.statement).where(
        statement_scope.c.generation == generation, statement_scope.c.scope.in_(reached)
    )
    return sa.select(statement.c.subject).where(
        statement.c.generation == generation,
        statement.c.known_from <= position,
        statement.c.statement.in_(said),
    )


def _places(asked: frozenset[str] | set[str]) -> Iterator[str]:
    """Yield what lies around or within some countries and subdivisions, and these."""
    for one in asked:
        yield from _upwards(one)
    yield from (one for one in regions.SUBDIVISIONS if not asked.isdisjoint(_upwards(one)))


def _upwards(place: str) -> Iterator[str]:
    above: str | None = place
    while above is not None:
        yield above
        above = regions.parent(above)


def _service(path: str) -> sa.ColumnElement[bool]:
    steps = path.split("/")
    around = [ANY, *("/".join(steps[:end]) for end in range(1, len(steps) + 1))]
    column = scope.c.service
    # "0" is the character behind "/": between them lies everything below the path.
    return sa.or_(column.in_(around), sa.and_(column > f"{path}/", column < f"{path}0"))
