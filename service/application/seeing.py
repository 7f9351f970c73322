"""Seeing: a question is answered from memory where that has all of it, else by a snapshot."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from service.projections.sight import NotKept, Sight
from service.store import watching
from service.store.engine import Database
from service.store.watching import Stamp

_T = TypeVar("_T")


def see(database: Database, look: Callable[[Sight], _T], stamp: Stamp | None = None) -> _T:
    """Return what ``look`` finds.

    Args:
        database: What is asked.
        look: Sees through memory, and if that does not do, once more through a snapshot.
        stamp: Where the log of this database stood after the question came; None where nobody has
            looked.

    Raises:
        StoreError: The database cannot be reached.
    """
    if stamp is None and database.glances:
        stamp = database.glance(watching.stamp)
    if stamp is not None:
        with suppress(NotKept):
            return look(Sight(database.engine, stamp))
    with database.read() as connection:
        return look(Sight.of(connection))
