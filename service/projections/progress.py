"""How far the read models have come: what an operator asks before letting requests through."""

from dataclasses import dataclass

import sqlalchemy as sa

from service.store.tables import projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The generation that readers see.

    Attributes:
        rule: The version of the rule that it was made for.
        building: The generation that a rebuild is making, None where none is.
        applied: The position up to which events were taken in.
    """

    generation: int
    rule: int
    building: int | None
    applied: int


def progress(connection: sa.Connection) -> Progress:
    """Return how far the live generation has come."""
    columns = projection.c
    live = connection.execute(
        sa.select(columns.generation, columns.rule, columns.building, columns.applied)
    ).one()
    return Progress(
        generation=live.generation, rule=live.rule, building=live.building, applied=live.applied
    )
