"""Which events name what: the filter of the log's listing, and who may still be retracted."""

import sqlalchemy as sa

from service.domain.events import Recorded
from service.domain.names import mentions
from service.domain.registry import GROUP
from service.domain.world import REGISTRY
from service.store.tables import event, mention


def update(connection: sa.Connection, generation: int, recorded: Recorded) -> None:
    """Note what an event names."""
    rows = [
        {
            "generation": generation,
            "dimension": dimension,
            "value": value,
            "position": recorded.position,
        }
        for dimension, value in sorted(mentions(recorded.event))
    ]
    if rows:
        connection.execute(sa.insert(mention), rows)


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
