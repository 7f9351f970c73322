"""How far the read models have come: what an operator asks before letting requests through."""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from service.store.prepared import Prepared
from service.store.tables import projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The generation that readers see.

    Attributes:
        rule: The version of the rule that it was made for.
        building: The generation that a rebuild is making, None where none is.
        applied: The position up to which events were taken in.
        registry_at: The last of them that was about the registry.
    """

    generation: int
    rule: int
    building: int | None
    applied: int
    registry_at: int


_LIVE: Final = Prepared(
    sa.select(
        projection.c.generation,
        projection.c.rule,
        projection.c.building,
        projection.c.applied,
        projection.c.registry_at,
    )
)


def progress(connection: sa.Connection) -> Progress:
    """Return how far the live generation has come."""
    ((generation, rule, building, applied, registry_at),) = _LIVE.rows(connection)
    return Progress(
        generation=generation,
        rule=rule,
        building=building,
        applied=applied,
        registry_at=registry_at,
    )
