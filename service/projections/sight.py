"""Through what a question sees the read models: a snapshot, or memory alone.

Much of what questions need is kept in memory, under the position and the generation it is of. Who
knows where the log stands may see through that alone; what is not kept raises ``NotKept``, and the
question is asked again through a snapshot.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from service.store import watching
from service.store.watching import Stamp


class NotKept(Exception):
    """Something is not in memory."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Where the log stands, and a snapshot of it or none.

    Attributes:
        engine: The name under which things are kept.
    """

    engine: sa.Engine
    stamp: Stamp
    snapshot: sa.Connection | None = None

    @classmethod
    def of(cls, snapshot: sa.Connection) -> "Sight":
        """See through a snapshot."""
        return cls(snapshot.engine, watching.stamp(snapshot), snapshot)

    @property
    def connection(self) -> sa.Connection:
        """The snapshot.

        Raises:
            NotKept: There is none.
        """
        if self.snapshot is None:
            raise NotKept
        return self.snapshot
