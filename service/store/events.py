"""The log: one gapless order of positions, and the ways to read it.

An append takes the head row first, so that appends stand in one line: position order is commit
order, and no reader ever sees position n without all before it. In that transaction it writes the
events, the tree nodes that they complete, and the head.

    with database.write() as connection:
        head = take_head(connection)
        …                                   # decide, under the lock
        head = append(connection, head, rows)

Next: service/evidence/merkle.py, how a lie would show.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from service.evidence.merkle import Frontier, FrontierError, extend, leaf_hash
from service.store import tables
from service.store.errors import HeadMoved, StoreDamaged
from service.store.prepared import Prepared
from service.store.tables import FOREVER, event, mention

_Item = TypeVar("_Item")
_Bound = TypeVar("_Bound", int, date)

_NAMES_PER_STATEMENT: Final = 1000  # Drivers bind a limited number of parameters.

# Every append runs these: building them costs as much as running them.
_HEAD = (tables.head.c.position, tables.head.c.recorded_at, tables.head.c.frontier)
_READ_HEAD = Prepared(sa.select(*_HEAD))
_READ_END = Prepared(sa.select(*_HEAD[:2]))
_UPDATE_HEAD = sa.update(tables.head).where(tables.head.c.id == 1)
_TAKE_HEAD = Prepared(_UPDATE_HEAD.values(id=1).returning(*_HEAD))
_MOVE_HEAD = Prepared(
    _UPDATE_HEAD.where(tables.head.c.position == sa.bindparam("before"))
    .values(
        position=sa.bindparam("after"),
        recorded_at=sa.bindparam("at"),
        frontier=sa.bindparam("tree"),
    )
    .returning(tables.head.c.position)
)
_INSERT_EVENT = Prepared(sa.insert(event))
_INSERT_NODE = Prepared(sa.insert(tables.node))
_BY_ID = Prepared(sa.select(event).where(event.c.id == sa.bindparam("wanted")))
_NEXT_STORED = Prepared(
    sa.select(event.c.position, event.c.body)
    .where(event.c.position > sa.bindparam("after"))
    .order_by(event.c.position)
    .limit(sa.bindparam("most"))
)
_NEXT = Prepared(
    sa.select(event)
    .where(
        event.c.position > sa.bindparam("after"),
        event.c.position <= sa.bindparam("upto"),
    )
    .order_by(event.c.position)
    .limit(sa.bindparam("most"))
)
_TIP = Prepared(
    sa.select(event.c.version, event.c.leaf)
    .where(event.c.stream == sa.bindparam("name"))
    .order_by(event.c.version.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the log.

    Attributes:
        position: of the last event; 0 for a log without events.
        recorded_at: of the last event, in microseconds since the Unix epoch; None without events.
        frontier: the tree over all events up to `position`.
    """

    position: int
    recorded_at: int | None
    frontier: Frontier


class NewEvent(NamedTuple):
    """An event as the caller gives it; `body` are its canonical bytes.

    Attributes:
        occurred_day: the day it counts for, where only a day matters.
        recorded_at: microseconds since the Unix epoch, UTC.
        recorded_by: a key's id.
    """

    id: UUID
    stream: str
    version: int
    type: str
    authority: str | None
    occurred_day: date
    recorded_at: int
    recorded_by: str
    body: bytes


class EventRow(NamedTuple):
    """An event as the log keeps it: a `NewEvent` with its position and its leaf in the tree."""

    position: int
    id: UUID
    stream: str
    version: int
    type: str
    authority: str | None
    occurred_day: date
    recorded_at: int
    recorded_by: str
    body: bytes
    leaf: bytes


class Stored(NamedTuple):
    """Where an event stands, and its canonical bytes: all that is needed to read it."""

    position: int
    body: bytes


class Tip(NamedTuple):
    """The last event of a stream; its leaf tells two histories of one length apart."""

    version: int
    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events `page` gives; what is left out does not restrict.

    Attributes:
        streams: names, or what selects them.
        stream_prefix: the beginning of the stream's name, such as `policy:`.
        recorded_from: microseconds since the Unix epoch, inclusive.
        recorded_until: microseconds since the Unix epoch, exclusive.
        occurred_from: day, inclusive.
        occurred_until: day, exclusive.
        mentions: a generation of the projections, and one value for each dimension that is wanted.
    """

    stream: str | None = None
    streams: Collection[str] | sa.Select[tuple[str]] | None = None
    stream_prefix: str | None = None
    type: str | None = None
    authority: str | None = None
    recorded_by: str | None = None
    recorded_from: int | None = None
    recorded_until: int | None = None
    occurred_from: date | None = None
    occurred_until: date | None = None
    mentions: tuple[int, Mapping[str, str]] | None = None


# Writing.


def take_head(connection: sa.Connection) -> Head:
    """Lock the head until the transaction ends, and read it. Only then decide what to append.

    Raises:
        StoreDamaged: there is no head, or its frontier does not fit.
    """
    return _head(_TAKE_HEAD.first(connection))


def read_head(connection: sa.Connection) -> Head:
    """Read the head as of this snapshot.

    Raises:
        StoreDamaged: there is no head, or its frontier does not fit.
    """
    return _head(_READ_HEAD.first(connection))


def read_end(connection: sa.Connection) -> tuple[int, int | None]:
    """Read the head's position and time as of this snapshot, without its tree.

    Raises:
        StoreDamaged: there is no head.
    """
    row = _READ_END.first(connection)
    if row is None:
        raise StoreDamaged(found="the log has no head row.")
    position, recorded = row
    return position, recorded


def append(connection: sa.Connection, head: Head, rows: Sequence[NewEvent]) -> Head:
    """Write events behind the head, with the tree nodes that they complete.

    Args:
        connection: the transaction that took the head.
        head: what `take_head` or the last `append` gave.
        rows: in the order of their positions.

    Returns:
        The new head.

    Raises:
        HeadMoved: the head is not the one in the database.
    """
    if not rows:
        return head
    leaves = [leaf_hash(row.body) for row in rows]
    frontier, nodes = extend(head.frontier, leaves)
    placed = enumerate(zip(rows, leaves, strict=True), head.position + 1)
    after = Head(position=frontier.size, recorded_at=rows[-1].recorded_at, frontier=frontier)
    _INSERT_EVENT.put(connection, [(at, *row, leaf) for at, (row, leaf) in placed])
    _INSERT_NODE.put(connection, [(one.level, one.index, one.hash) for one in nodes])
    moved = _MOVE_HEAD.first(
        connection,
        before=head.position,
        after=after.position,
        at=after.recorded_at,
        tree=frontier.to_bytes(),
    )
    if moved is None:
        raise HeadMoved(expected=head.position)
    return after


# Reading.


def stream(connection: sa.Connection, name: str, upto: int | None = None) -> list[EventRow]:
    """Read a stream in order, up to and with position `upto`."""
    return streams(connection, (name,), upto)[name]


def streams(
    connection: sa.Connection,
    names: Collection[str],
    upto: int | None = None,
    *,
    kind: str | None = None,
) -> dict[str, list[EventRow]]:
    """Read several streams, each in order, up to and with position `upto`.

    A stream without events is an empty list. With `kind` only events of one type are read.
    """
    of_kind = () if kind is None else (event.c.type == kind,)
    found: dict[str, list[EventRow]] = {name: [] for name in names}
    for some in _chunks(list(found)):
        wanted = (
            sa.select(event)
            .where(event.c.stream.in_(some), *of_kind, *_upto(upto))
            .order_by(event.c.position)
        )
        for row in _rows(connection, wanted):
            found[row.stream].append(row)
    return found


def by_id(connection: sa.Connection, event_id: UUID) -> EventRow | None:
    """Find an event by its id."""
    return existing(connection, (event_id,)).get(event_id)


def at(connection: sa.Connection, positions: Collection[int]) -> list[EventRow]:
    """Read the events at some positions, in position order."""
    found: list[EventRow] = []
    for some in _chunks(sorted(positions)):
        wanted = sa.select(event).where(event.c.position.in_(some)).order_by(event.c.position)
        found.extend(_rows(connection, wanted))
    return found


def existing(connection: sa.Connection, ids: Collection[UUID]) -> dict[UUID, EventRow]:
    """Find those of the ids that the log holds."""
    found: dict[UUID, EventRow] = {}
    if len(ids) == 1:
        for columns in _BY_ID.rows(connection, wanted=next(iter(ids))):
            row = _row(columns)
            found[row.id] = row
        return found
    for some in _chunks(list(ids)):
        for row in _rows(connection, sa.select(event).where(event.c.id.in_(some))):
            found[row.id] = row
    return found


def holds_leaf(connection: sa.Connection, leaf: bytes) -> bool:
    """Tell whether any event has a leaf; it reads the whole log, for whoever looks for a fault."""
    found = connection.execute(sa.select(event.c.position).where(event.c.leaf == leaf).limit(1))
    return found.first() is not None


def version_of(connection: sa.Connection, name: str) -> int:
    """Give the version of a stream's last event; 0 for a stream without events."""
    return tips(connection, (name,))[name].version


def tips(connection: sa.Connection, names: Collection[str]) -> dict[str, Tip]:
    """Give the last event of each of some streams; of one without events the version is 0."""
    found = dict.fromkeys(names, Tip(0, b""))
    for name in found:
        last = _TIP.first(connection, name=name)
        if last is not None:
            found[name] = Tip(last[0], bytes(last[1]))
    return found


def page(
    connection: sa.Connection,
    wanted: EventFilter | None = None,
    *,
    after: int = 0,
    upto: int | None = None,
    limit: int,
) -> list[EventRow]:
    """Read the next events that a filter lets through, in position order.

    Args:
        connection: a snapshot.
        wanted: the filter; None for every event.
        after: a position, exclusive: the last one of the page before.
        upto: a position, inclusive.
        limit: rows at most.
    """
    if wanted is None:
        asked = {"after": after, "upto": FOREVER if upto is None else upto, "most": limit}
        return list(map(_row, _NEXT.rows(connection, **asked)))
    position: sa.ColumnElement[int] = event.c.position
    found = sa.select(event).where(*_conditions(wanted))
    if wanted.mentions is not None:
        generation, values = wanted.mentions
        for dimension, value in values.items():
            mentioned = mention.alias()
            found = found.join(
                mentioned,
                sa.and_(
                    mentioned.c.position == position,
                    mentioned.c.generation == generation,
                    mentioned.c.dimension == dimension,
                    mentioned.c.value == value,
                ),
            )
            # The index of the mentions is in position order: let it lead.
            position = mentioned.c.position
    found = found.where(position > after)
    if upto is not None:
        found = found.where(position <= upto)
    return list(_rows(connection, found.order_by(position).limit(limit)))


def stored(connection: sa.Connection, *, after: int, limit: int) -> list[Stored]:
    """Read the next events behind a position, in order, without what is beside their bytes."""
    return list(map(Stored._make, _NEXT_STORED.rows(connection, after=after, most=limit)))


def iterate(
    connection: sa.Connection, after: int = 0, upto: int | None = None, chunk: int = 1000
) -> Iterator[EventRow]:
    """Read the whole log, or what lies after a position, in order and in bounded memory."""
    while rows := page(connection, after=after, upto=upto, limit=chunk):
        yield from rows
        after = rows[-1].position


def streams_between(
    connection: sa.Connection, after: int, upto: int, limit: int
) -> list[str] | None:
    """List the streams that have events behind a position, up to and with another.

    Returns:
        None where there are more than ``limit`` events.
    """
    if upto - after > limit:
        return None
    found = sa.select(event.c.stream).where(event.c.position > after, event.c.position <= upto)
    return list(connection.scalars(found.distinct()))


def position_at(connection: sa.Connection, recorded_at: int) -> int:
    """Give the greatest position recorded at or before a moment; 0 where there is none.

    Args:
        connection: a snapshot.
        recorded_at: microseconds since the Unix epoch.
    """
    found = connection.scalar(
        sa.select(event.c.position)
        .where(event.c.recorded_at <= recorded_at)
        .order_by(event.c.recorded_at.desc(), event.c.position.desc())
        .limit(1)
    )
    return found or 0


def recorded_at(connection: sa.Connection, position: int) -> int | None:
    """Give the moment at which a position was recorded; None where there is no such position."""
    return connection.scalar(sa.select(event.c.recorded_at).where(event.c.position == position))


def policy_streams(
    connection: sa.Connection, after_slug: str | None, limit: int, upto: int | None = None
) -> list[str]:
    """List streams of policies that began at or before a position, by name.

    Args:
        connection: a snapshot.
        after_slug: the last slug of the page before; None for the first page.
        limit: names at most.
        upto: a position, inclusive.
    """
    found = (
        sa.select(event.c.stream)
        .where(event.c.version == 1, *_with_prefix("policy:"), *_upto(upto))
        .order_by(event.c.stream)
        .limit(limit)
    )
    if after_slug is not None:
        found = found.where(event.c.stream > f"policy:{after_slug}")
    return list(connection.scalars(found))


# Rows.


def _head(row: tuple[Any, ...] | None) -> Head:
    if row is None:
        raise StoreDamaged(found="the log has no head row.")
    position, recorded, frontier = row
    try:
        tree = Frontier.from_bytes(position, frontier)
    except FrontierError as error:
        raise StoreDamaged(found=f"the head row is not of one tree. {error}") from error
    return Head(position=position, recorded_at=recorded, frontier=tree)


def _rows(connection: sa.Connection, wanted: sa.Select[Any]) -> Iterator[EventRow]:
    return map(_row, connection.execute(wanted))


def _row(columns: Iterable[Any]) -> EventRow:
    *others, body, leaf = columns
    # Whoever edits a SQLite file by hand may leave a text where bytes were.
    if isinstance(body, str):
        body = body.encode()
    if isinstance(leaf, str):
        leaf = leaf.encode()
    return EventRow._make((*others, body, leaf))


def _chunks(items: list[_Item]) -> Iterator[list[_Item]]:
    for start in range(0, len(items), _NAMES_PER_STATEMENT):
        yield items[start : start + _NAMES_PER_STATEMENT]


def _conditions(wanted: EventFilter) -> Iterator[sa.ColumnElement[bool]]:
    for name in ("stream", "type", "authority", "recorded_by"):
        value = getattr(wanted, name)
        if value is not None:
            yield event.c[name] == value
    if wanted.streams is not None:
        yield event.c.stream.in_(wanted.streams)
    if wanted.stream_prefix is not None:
        yield from _with_prefix(wanted.stream_prefix)
    yield from _within(event.c.recorded_at, wanted.recorded_from, wanted.recorded_until)
    yield from _within(event.c.occurred_day, wanted.occurred_from, wanted.occurred_until)


def _within(
    column: sa.ColumnElement[_Bound], start: _Bound | None, end: _Bound | None
) -> Iterator[sa.ColumnElement[bool]]:
    if start is not None:
        yield column >= start
    if end is not None:
        yield column < end


def _upto(position: int | None) -> Iterator[sa.ColumnElement[bool]]:
    if position is not None:
        yield event.c.position <= position


def _with_prefix(prefix: str) -> Iterator[sa.ColumnElement[bool]]:
    """Compare as a range, which an index answers; LIKE has wildcards and cases of its own."""
    yield event.c.stream >= prefix
    # Names of streams are ASCII, so this is after all of them that begin so.
    yield event.c.stream < prefix + "\x7f"
