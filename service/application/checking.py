"""Checking: is what is stored what it must be?

``verify`` walks the log from its first event: positions, versions and times run on without gaps,
each row says what its bytes say, each leaf is the hash of its bytes, each node of the tree the hash
of its children, and the head fits. Then it makes all read models again in a scratch database in
memory and compares them row by row. It writes nothing and stops nobody.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest

import sqlalchemy as sa

from service.domain.events import Recorded
from service.evidence.merkle import Frontier, Node, extend, leaf_hash, root
from service.projections import projector
from service.projections.projector import Projector
from service.store import events as log
from service.store import schema, tree
from service.store.codec import decode, encode
from service.store.engine import Database, connect
from service.store.events import EventRow, Head

CHUNK = 1000
MAX_FINDINGS = 100


class FindingKind(StrEnum):
    """What is wrong."""

    GAP = "gap"
    EDITED = "edited"
    COLUMNS = "columns"
    VERSION = "version"
    TIME = "time"
    TREE = "tree"
    HEAD = "head"
    UNREADABLE = "unreadable"
    PROJECTION = "projection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it must be; ``position`` is None where it is not about an event."""

    kind: FindingKind
    position: int | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a check covered and found; ``root`` is that of the tree over all events, in hex."""

    events: int
    root: str
    findings: tuple[Finding, ...]
    complete: bool = True


@dataclass(slots=True)
class _Walk:
    """What has been walked over so far."""

    frontier: Frontier = field(default_factory=Frontier)
    position: int = 0
    recorded_at: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    streams: dict[str, list[Recorded]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    readable: bool = True

    def find(self, kind: FindingKind, position: int | None, detail: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(kind=kind, position=position, detail=detail))


def verify(
    database: Database, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Verified:
    """Check the log, its tree and the read models.

    Args:
        database: What is checked, in one snapshot.
        progress: Told how many events of how many are done.
    """
    scratch = connect("sqlite://")
    try:
        schema.upgrade(scratch)
        with database.read() as connection, scratch.write() as made:
            head = log.read_head(connection)
            walk = _Walk()
            again = Projector(made, 1)
            for rows in _chunks(connection):
                _walk_over(connection, again, walk, rows)
                progress(walk.position, head.position)
            _check_head(connection, walk, head)
            if walk.readable:
                _compare(connection, made, walk)
    finally:
        scratch.dispose()
    return Verified(
        events=walk.position,
        root=root(walk.frontier).hex(),
        findings=tuple(walk.findings),
        complete=len(walk.findings) < MAX_FINDINGS,
    )


def _chunks(connection: sa.Connection) -> Iterator[list[EventRow]]:
    after = 0
    while rows := log.page(connection, after=after, limit=CHUNK):
        yield rows
        after = rows[-1].position


def _walk_over(
    connection: sa.Connection, again: Projector, walk: _Walk, rows: list[EventRow]
) -> None:
    for row in rows:
        _check_row(walk, row)
        recorded = _read(walk, row)
        if recorded is not None and walk.readable:
            stream = walk.streams.setdefault(row.stream, [])
            stream.append(recorded)
            again.take(recorded, stream)
    again.flush()
    walk.frontier, nodes = extend(walk.frontier, [row.leaf for row in rows])
    _check_nodes(connection, walk, nodes)


def _check_row(walk: _Walk, row: EventRow) -> None:
    if row.position != walk.position + 1:
        detail = f"position {walk.position + 1} is missing: the next one is {row.position}"
        walk.find(FindingKind.GAP, walk.position + 1, detail)
    if leaf_hash(row.body) != row.leaf:
        detail = f"the bytes of event {row.id} at position {row.position} do not hash to its leaf"
        walk.find(FindingKind.EDITED, row.position, detail)
    version = walk.versions.get(row.stream, 0) + 1
    if row.version != version:
        detail = f"{row.stream} goes on with version {row.version} instead of {version}"
        walk.find(FindingKind.VERSION, row.position, detail)
    if row.recorded_at < walk.recorded_at:
        detail = f"position {row.position} was recorded before the position that it follows"
        walk.find(FindingKind.TIME, row.position, detail)
    walk.position = row.position
    walk.versions[row.stream] = row.version
    walk.recorded_at = row.recorded_at


def _read(walk: _Walk, row: EventRow) -> Recorded | None:
    """Return the event of a row, having compared the row's columns with its bytes."""
    try:
        recorded = decode(row)
        again = encode(recorded)
    except Exception as fault:  # noqa: BLE001 whatever the bytes hold is a finding, not a crash
        walk.readable = False
        detail = f"the bytes at position {row.position} hold no event that can be read: {fault}"
        walk.find(FindingKind.UNREADABLE, row.position, detail)
        return None
    named = ("id", "stream", "version", "type", "authority", "occurred_day", "recorded_at")
    wrong = [name for name in (*named, "recorded_by") if getattr(row, name) != getattr(again, name)]
    if wrong:
        detail = f"position {row.position} says otherwise than its bytes in: {', '.join(wrong)}"
        walk.find(FindingKind.COLUMNS, row.position, detail)
    return recorded


def _check_nodes(connection: sa.Connection, walk: _Walk, nodes: tuple[Node, ...]) -> None:
    stored = tree.among(connection, nodes)
    for node in nodes:
        if stored.get((node.level, node.index)) != node.hash:
            last = (node.index + 1) << node.level
            detail = (
                f"the tree's node {node.index} on level {node.level}, over the positions "
                f"{(node.index << node.level) + 1} to {last}, is not the hash of what it covers"
            )
            walk.find(FindingKind.TREE, last, detail)


def _check_head(connection: sa.Connection, walk: _Walk, head: Head) -> None:
    wanted = walk.frontier.size - walk.frontier.size.bit_count()
    if tree.count(connection) > wanted:
        walk.find(FindingKind.TREE, None, "the tree has nodes that belong to no event")
    if head.position != walk.position:
        detail = f"the head is at {head.position}, the last event at {walk.position}"
        walk.find(FindingKind.HEAD, walk.position, detail)
    elif head.frontier != walk.frontier:
        walk.find(FindingKind.HEAD, walk.position, "the head's frontier is not that of the events")


def _compare(connection: sa.Connection, made: sa.Connection, walk: _Walk) -> None:
    generation = projector.live(connection)
    for table in projector.TABLES:
        stored = projector.rows(connection, table, generation)
        fresh = projector.rows(made, table, 1)
        differing = sum(1 for one, other in zip_longest(stored, fresh) if one != other)
        if differing:
            detail = (
                f"{differing} rows of {table.name} are not what the log makes of them; "
                "`accessline rebuild` makes them again"
            )
            walk.find(FindingKind.PROJECTION, None, detail)
