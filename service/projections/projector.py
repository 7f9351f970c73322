"""Applying events to the read models, and rebuilding those.

``apply`` runs in the append's transaction. ``rebuild`` writes a new generation beside the live
one, catches up under the head's lock, compares the two, and flips the pointer; killed half way it
leaves the old answers. An event that cannot be applied stops either: nothing is ever skipped.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from service.domain.events import Recorded
from service.domain.resolution import RULE
from service.domain.world import is_registry
from service.projections import entries, mentions, statements
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database
from service.store.tables import mention, projection, registry_entry, statement, statement_scope

TABLES: Final = (registry_entry, statement, statement_scope, mention)
CHUNK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild did.

    Attributes:
        differing: Per table, how many rows of the generation before were not as they had to be.
    """

    generation: int
    events: int
    differing: dict[str, int]


def live(connection: sa.Connection) -> int:
    """Return the generation that readers see."""
    found: int = connection.execute(sa.select(projection.c.generation)).scalar_one()
    return found


def apply(
    connection: sa.Connection, generation: int, recorded: Recorded, stream: Sequence[Recorded]
) -> None:
    """Take one event into a generation.

    Args:
        connection: The append's transaction.
        generation: Usually the live one.
        recorded: The event.
        stream: Its stream up to and with it, as recorded.
    """
    mentions.update(connection, generation, recorded)
    if is_registry(recorded.event.stream):
        entries.update(connection, generation, recorded.position, stream)
    else:
        statements.update(connection, generation, recorded.position, stream)


def rebuild(
    database: Database, progress: Callable[[int, int], None] = lambda _d, _n: None
) -> Rebuilt:
    """Make all read models again from the log, while others read and append.

    Args:
        database: Where the log is.
        progress: Told how many events of how many are done.

    Raises:
        Exception: Whatever an event that cannot be applied raises; nothing has changed then.
    """
    with database.write() as connection:
        old = live(connection)
        _drop_all_but(connection, old)
    new = old + 1
    streams: dict[str, list[Recorded]] = {}
    done = 0
    while True:
        with database.read() as connection:
            head = log.read_head(connection).position
        if head - done <= CHUNK:
            break
        with database.write() as connection:
            done = _catch_up(connection, new, streams, done, CHUNK)
        progress(done, head)
    with database.write() as connection:
        head = log.take_head(connection).position
        done = _catch_up(connection, new, streams, done, head - done)
        differing = {table.name: _differing(connection, table, old, new) for table in TABLES}
        connection.execute(sa.update(projection).values(generation=new, rule=RULE))
    progress(done, head)
    with database.write() as connection:
        _drop_all_but(connection, new)
    return Rebuilt(generation=new, events=done, differing=differing)


def _catch_up(
    connection: sa.Connection,
    generation: int,
    streams: dict[str, list[Recorded]],
    done: int,
    count: int,
) -> int:
    for row in log.page(connection, after=done, limit=count) if count else ():
        recorded = decode(row)
        stream = streams.setdefault(recorded.event.stream, [])
        stream.append(recorded)
        apply(connection, generation, recorded, stream)
        done = recorded.position
    return done


def _drop_all_but(connection: sa.Connection, generation: int) -> None:
    for table in TABLES:
        connection.execute(sa.delete(table).where(table.c.generation != generation))


def _differing(connection: sa.Connection, table: sa.Table, old: int, new: int) -> int:
    """Count the rows that only one of two generations has."""
    columns = [column for column in table.c if column.name != "generation"]
    before = sa.select(*columns).where(table.c.generation == old)
    after = sa.select(*columns).where(table.c.generation == new)
    only = (sa.except_(before, after), sa.except_(after, before))
    return sum(
        connection.scalar(sa.select(sa.func.count()).select_from(one.subquery())) or 0
        for one in only
    )


def rows(
    connection: sa.Connection, table: sa.Table, generation: int
) -> Iterator[tuple[object, ...]]:
    """Return a table's rows of one generation, without that column, in the order of its key."""
    columns = [column for column in table.c if column.name != "generation"]
    ordered = [column for column in table.primary_key.columns if column.name != "generation"]
    found = sa.select(*columns).where(table.c.generation == generation).order_by(*ordered)
    for row in connection.execute(found):
        yield tuple(bytes(one) if isinstance(one, memoryview) else one for one in row)
