"""Who recorded: the events of each principal, counted along the index of principals."""

from dataclasses import dataclass

import sqlalchemy as sa

from service.store.tables import event


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """What one principal recorded.

    Attributes:
        id: a key's id, or the name of who records without a key.
        first_recorded_at: microseconds since the Unix epoch, UTC.
        last_recorded_at: as `first_recorded_at`.
    """

    id: str
    events: int
    first_recorded_at: int
    last_recorded_at: int
    last_position: int


def tally(connection: sa.Connection, upto: int) -> list[Recorder]:
    """Count what everybody recorded up to and with a position, by id."""
    counted = (
        sa.select(
            event.c.recorded_by.label("id"),
            sa.func.count().label("events"),
            sa.func.min(event.c.position).label("first_position"),
            sa.func.max(event.c.position).label("last_position"),
        )
        .where(event.c.position <= upto)
        .group_by(event.c.recorded_by)
        .subquery()
    )
    first, last = event.alias(), event.alias()
    found = (
        sa.select(
            counted.c.id,
            counted.c.events,
            first.c.recorded_at.label("first_recorded_at"),
            last.c.recorded_at.label("last_recorded_at"),
            counted.c.last_position,
        )
        .join(first, first.c.position == counted.c.first_position)
        .join(last, last.c.position == counted.c.last_position)
        .order_by(counted.c.id)
    )
    rows = connection.execute(found)
    return [Recorder(**row._mapping) for row in rows]  # noqa: SLF001 -- a public name


def has_recorded(connection: sa.Connection, principal: str) -> bool:
    """Tell whether somebody recorded anything."""
    found = sa.select(event.c.position).where(event.c.recorded_by == principal).limit(1)
    return connection.execute(found).first() is not None


def names(connection: sa.Connection) -> list[str]:
    """List everybody who recorded anything."""
    return list(connection.scalars(sa.select(event.c.recorded_by).distinct()))
