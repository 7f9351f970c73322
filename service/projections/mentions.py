"""Which events name what: the filter of the log's listing, and who may still be retracted."""

from typing import Final, TypeAlias

import sqlalchemy as sa

from service.domain.events import Recorded
from service.domain.names import mentions
from service.domain.registry import GROUP
from service.domain.world import REGISTRY
from service.store.prepared import Prepared
from service.store.tables import event, mention

_INSERT: Final = Prepared(sa.insert(mention))


Row: TypeAlias = tuple[int, str, str, int]
"""A generation, a dimension, a value of it, a position."""


def rows(generation: int, recorded: Recorded) -> list[Row]:
    """Return what an event names, as rows."""
    position = recorded.position
    return [
        (generation, dimension, value, position) for dimension, value in mentions(recorded.event)
    ]


def insert(connection: sa.Connection, found: list[Row]) -> None:
    """Write rows."""
    _INSERT.put(connection, sorted(found))


def any_of(connection: sa.Connection, generation: int, dimension: str, value: str) -> bool:
    """Tell whether any event names something; that its own registration does is no use of it."""
    columns = mention.c
    own = f"{REGISTRY}{GROUP if dimension == 'region' else dimension}/{value}"
    found = (
        sa.select(columns.position)
        .join(event, event.c.position == columns.position)
        .where(
            columns.generation == generation,
            columns.dimension == dimension,
            columns.value == value,
            event.c.stream != own,
        )
    )
    return connection.execute(found.limit(1)).first() is not None
