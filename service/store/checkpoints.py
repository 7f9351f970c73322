"""The checkpoints that were published: signed notes, one for each size of the log.

They are kept to be served and looked back at. What keeps the log from forking is not this table,
which a restored backup brings back too, but the second place of `service.application.publishing`.
"""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from service.store.tables import checkpoint

_NEWEST: Final = sa.select(checkpoint).order_by(checkpoint.c.size.desc())


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A checkpoint as it was published.

    Attributes:
        size: Events that it covers.
        note: The signed note, byte for byte.
        published_at: microseconds since the Unix epoch, UTC.
    """

    size: int
    note: bytes
    published_at: int


def keep(connection: sa.Connection, published: Published) -> None:
    """Keep a checkpoint; of two of one size the newer, which may have other signatures."""
    connection.execute(sa.delete(checkpoint).where(checkpoint.c.size == published.size))
    connection.execute(
        sa.insert(checkpoint).values(
            size=published.size, note=published.note, published_at=published.published_at
        )
    )


def newest(connection: sa.Connection, before: int | None = None, limit: int = 1) -> list[Published]:
    """Return the newest checkpoints, newest first, of sizes below ``before``."""
    wanted = _NEWEST if before is None else _NEWEST.where(checkpoint.c.size < before)
    rows = connection.execute(wanted.limit(limit))
    return [
        Published(size=row.size, note=bytes(row.note), published_at=row.published_at)
        for row in rows
    ]
