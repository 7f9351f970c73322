"""Applying events to the read models, and rebuilding those.

A ``Projector`` works in the append's transaction. ``rebuild`` writes a new generation beside the
live one, catches up under the head's lock, compares the two, and flips the pointer; killed half way
it leaves the old answers. An event that cannot be applied stops either: nothing is ever skipped.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from service.domain.errors import AccesslineError
from service.domain.events import Recorded
from service.domain.resolution import RULE
from service.domain.world import is_registry
from service.projections import entries, mentions
from service.projections.standings import Standings
from service.projections.writing import Writer
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database
from service.store.prepared import Prepared
from service.store.tables import (
    horizon,
    mention,
    projection,
    registry_entry,
    scope,
    segment,
    statement,
    statement_scope,
)

TABLES: Final = (
    registry_entry,
    statement,
    statement_scope,
    scope,
    segment,
    horizon,
    mention,
)
CHUNK: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild did.

    Attributes:
        differing: Per table, how many rows of the generation before were not as they had to be.
    """

    generation: int
    events: int
    differing: dict[str, int]


class RebuildSuperseded(AccesslineError):
    """Another rebuild took over."""

    def __init__(self, *, generation: int) -> None:
        super().__init__(
            f"Another rebuild was started while generation {generation} was being made; that one "
            "goes on, this one has stopped. Readers have noticed nothing."
        )
        self.generation = generation


def live(connection: sa.Connection) -> int:
    """Return the generation that readers see."""
    ((found,),) = _LIVE.rows(connection)
    generation: int = found
    return generation


_MADE_FOR: Final = Prepared(sa.select(projection.c.rule))
_LIVE: Final = Prepared(sa.select(projection.c.generation))
_APPLIED: Final = Prepared(
    sa.update(projection)
    .where(projection.c.generation == sa.bindparam("of_generation"))
    .values(
        applied=sa.bindparam("position"),
        registry_at=sa.case(
            (sa.bindparam("registered") > 0, sa.bindparam("registered")),
            else_=projection.c.registry_at,
        ),
    )
)


class Projector:
    """Takes events into one generation, in position order.

    Attributes:
        registry_at: The last position that was about the registry; 0 where none was.
    """

    def __init__(self, connection: sa.Connection, generation: int, standings: Standings) -> None:
        self.connection = connection
        self.generation = generation
        self._standings = standings
        self._statements = Writer(connection, generation)
        self._mentions: list[mentions.Row] = []
        self._position = 0
        self.registry_at = 0

    def go_on(self, connection: sa.Connection) -> None:
        """Go on in another transaction, where nobody else writes this generation meanwhile."""
        self.connection = self._standings.log = connection
        self._statements.go_on(connection)

    def take_all(self, some: Sequence[Recorded]) -> None:
        """Take in the next events, which the log has, and write what they come to."""
        with _undisturbed():
            self._standings.prepare(some)
            for recorded in some:
                self._take(recorded)
            self._flush()

    def _take(self, recorded: Recorded) -> None:
        self._mentions.extend(mentions.rows(self.generation, recorded))
        standing = self._standings.after(recorded)
        if is_registry(recorded.event.stream):
            subject = standing.subject
            entries.update(self.connection, self.generation, recorded.position, subject)
            self.registry_at = recorded.position
        else:
            self._statements.take(recorded.position, standing)
        self._position = recorded.position

    def _flush(self) -> None:
        """Write what was taken in, and how far that is."""
        self._statements.flush()
        mentions.insert(self.connection, self._mentions)
        self._mentions = []
        applied = {"position": self._position, "registered": self.registry_at}
        _APPLIED.run(self.connection, {"of_generation": self.generation, **applied})


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the collector from looking again and again through all that is only on its way."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def rebuild(
    database: Database, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Rebuilt:
    """Make all read models again from the log, while others read and append.

    Args:
        database: Where the log is.
        progress: Told how many events of how many are done.

    Raises:
        RebuildSuperseded: Another rebuild was started since.
        Exception: Whatever an event that cannot be applied raises; nothing has changed then.
    """
    with _undisturbed():
        return _rebuild(database, progress)


def _rebuild(database: Database, progress: Callable[[int, int], None]) -> Rebuilt:
    with database.write() as connection:
        new = _claim(connection)
        projector = Projector(connection, new, Standings(connection))
    done = 0
    while True:
        with database.read() as connection:
            head = log.read_head(connection).position
        if head - done <= CHUNK:
            break
        with database.write() as connection:
            _still_mine(connection, new)
            done = _catch_up(connection, projector, done, CHUNK)
        progress(done, head)
    with database.write() as connection:
        head = log.take_head(connection).position
        _still_mine(connection, new)
        done = _catch_up(connection, projector, done, head - done)
        old = live(connection)
        differing = {table.name: _differing(connection, table, old, new) for table in TABLES}
        _flip(connection, projector, done)
    progress(done, head)
    with database.write() as connection:
        for table in TABLES:
            connection.execute(sa.delete(table).where(table.c.generation < new))
    return Rebuilt(generation=new, events=done, differing=differing)


def refresh(
    database: Database, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Rebuilt | None:
    """Rebuild where a migration or another rule asks for it; None where the read models are new.

    Raises:
        RebuildSuperseded: As ``rebuild`` does.
    """
    with database.read(newest=True) as connection:
        ((rule,),) = _MADE_FOR.rows(connection)
    return None if rule == RULE else rebuild(database, progress)


def _claim(connection: sa.Connection) -> int:
    """Take the next generation, and remove what rebuilds that died have left."""
    mine = sa.func.coalesce(projection.c.building, projection.c.generation) + 1
    taken = sa.update(projection).values(building=mine)
    row = connection.execute(taken.returning(projection.c.generation, projection.c.building)).one()
    for table in TABLES:
        # Two ranges, which an index finds.
        for dead in (table.c.generation < row.generation, table.c.generation > row.generation):
            connection.execute(sa.delete(table).where(dead))
    new: int = row.building
    return new


def _flip(connection: sa.Connection, projector: Projector, applied: int) -> None:
    """Let readers see a generation that is whole."""
    flipped = {"generation": projector.generation, "applied": applied, "rule": RULE}
    flipped["registry_at"] = projector.registry_at
    connection.execute(sa.update(projection).values(building=None, **flipped))


def _still_mine(connection: sa.Connection, generation: int) -> None:
    """Refuse to go on with a generation that a later rebuild has taken away."""
    mine = sa.update(projection).where(projection.c.building == generation)
    if connection.execute(mine.values(building=generation)).rowcount != 1:
        raise RebuildSuperseded(generation=generation)


def _catch_up(connection: sa.Connection, projector: Projector, done: int, count: int) -> int:
    projector.go_on(connection)
    rows = log.stored(connection, after=done, limit=count) if count else ()
    projector.take_all([decode(row) for row in rows])
    return rows[-1].position if rows else done


def _differing(connection: sa.Connection, table: sa.Table, old: int, new: int) -> int:
    """Count the rows that only one of two generations has."""
    before, after = table.alias(), table.alias()
    same = (
        before.c[column.name] == after.c[column.name]
        for column in table.c
        if column.name != "generation"
    )
    among = (
        sa.select(sa.func.count()).select_from(one).where(one.c.generation == generation)
        for one, generation in ((before, old), (after, new))
    )
    both = sa.select(sa.func.count()).where(
        before.c.generation == old, after.c.generation == new, *same
    )
    counted = sa.select(*(one.scalar_subquery() for one in (*among, both)))
    of_old, of_new, of_both = connection.execute(counted).one()
    return int(of_old + of_new - 2 * of_both)


def rows(
    connection: sa.Connection, table: sa.Table, generation: int
) -> Iterator[tuple[object, ...]]:
    """Return a table's rows of one generation, without that column, in the order of its key."""
    columns = [column for column in table.c if column.name != "generation"]
    ordered = [column for column in table.primary_key.columns if column.name != "generation"]
    found = sa.select(*columns).where(table.c.generation == generation).order_by(*ordered)
    for row in connection.execute(found):
        yield tuple(bytes(one) if isinstance(one, memoryview) else one for one in row)
