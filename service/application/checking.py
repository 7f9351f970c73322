"""Checking: is what is stored what it must be?

``verify`` walks the log from its first event: positions, versions and times run on without gaps,
each row says what its bytes say, each leaf is the hash of its bytes, each node of the tree the hash
of its children, and the head fits. Then it makes all read models again in a scratch database and
compares them row by row. It changes nothing and stops nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from service.domain.events import Recorded
from service.evidence.checkpoints import Checkpoint
from service.evidence.merkle import Frontier, Node, extend_past, leaf_hash, root
from service.evidence.verification import Finding, FindingKind, difference, rewritten
from service.projections import projector
from service.projections.projector import Projector
from service.projections.standings import Standings
from service.store import events as log
from service.store import schema, tree
from service.store.codec import decode, encode
from service.store.engine import Database, connect
from service.store.events import EventRow, Head

CHUNK = 1000
IN_MEMORY = 100_000
"""Events whose read models are made in memory, about 250 MB."""
MAX_FINDINGS = 100


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
    findings: list[Finding] = field(default_factory=list)
    readable: bool = True
    sizes: Sequence[int] = ()
    roots: dict[int, bytes] = field(default_factory=dict)

    def find(self, kind: FindingKind, position: int | None, detail: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(kind=kind, position=position, detail=detail))


def verify(
    database: Database,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    against: Sequence[Checkpoint] = (),
) -> Verified:
    """Check the log, its tree and the read models.

    Args:
        database: What is checked, in one snapshot.
        against: Checkpoints that somebody kept elsewhere: whoever can change the database can make
            the tree again to match, but not these.
        progress: Told how many events of how many are done.
    """
    with database.read() as connection:
        head = log.read_head(connection)
        with _scratch(head) as made:
            walk = _Walk(sizes=sorted(one.size for one in against))
            again = Projector(made, 1, Standings(connection))
            for rows in _chunks(connection):
                _walk_over(connection, again, walk, rows)
                progress(walk.position, head.position)
            _check_head(connection, walk, head)
            _check_kept(walk, against)
            if walk.readable:
                _compare(connection, made, walk)
    return Verified(
        events=walk.position,
        root=root(walk.frontier).hex(),
        findings=tuple(walk.findings),
        complete=len(walk.findings) < MAX_FINDINGS,
    )


@contextmanager
def _scratch(head: Head) -> Iterator[sa.Connection]:
    """Give a place to make read models in: in memory, or if they are many in a file for a while.

    Raises:
        OSError: There is no room for it.
    """
    with TemporaryDirectory(prefix="accessline-verify-") as folder:
        url = "sqlite://" if head.position <= IN_MEMORY else f"sqlite:///{folder}/again.db"
        scratch = connect(url)
        try:
            schema.upgrade(scratch)
            with scratch.write() as made:
                yield made
        finally:
            scratch.dispose()


def _chunks(connection: sa.Connection) -> Iterator[list[EventRow]]:
    after = 0
    while rows := log.page(connection, after=after, limit=CHUNK):
        yield rows
        after = rows[-1].position


def _walk_over(
    connection: sa.Connection, again: Projector, walk: _Walk, rows: list[EventRow]
) -> None:
    read: list[Recorded] = []
    for row in rows:
        _check_row(connection, walk, row)
        recorded = _read(walk, row)
        if recorded is not None and walk.readable:
            read.append(recorded)
    again.take_all(read)
    leaves = [row.leaf for row in rows]
    walk.frontier, nodes, roots = extend_past(walk.frontier, leaves, walk.sizes)
    walk.roots |= roots
    _check_nodes(connection, walk, nodes)


def _check_row(connection: sa.Connection, walk: _Walk, row: EventRow) -> None:
    if row.position != walk.position + 1:
        detail = f"position {walk.position + 1} is missing: the next one is {row.position}"
        walk.find(FindingKind.DELETED, walk.position + 1, detail)
    found = leaf_hash(row.body)
    if found != row.leaf and len(walk.findings) < MAX_FINDINGS:
        moved = log.holds_leaf(connection, found)
        kind = FindingKind.REORDERED if moved else FindingKind.EDITED
        walk.findings.append(difference(kind, row.position))
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
        kind = FindingKind.CUT if head.position > walk.position else FindingKind.INSERTED
        walk.find(kind, min(head.position, walk.position) + 1, detail)
    elif head.frontier != walk.frontier:
        walk.find(FindingKind.HEAD, walk.position, "the head's frontier is not that of the events")


def _check_kept(walk: _Walk, against: Sequence[Checkpoint]) -> None:
    """Compare the log with what it was when somebody kept a checkpoint of it."""
    for one in sorted(against, key=lambda kept: kept.size):
        if one.size > walk.frontier.size:
            detail = f"the checkpoint has {one.size} events, the log {walk.frontier.size}"
            walk.find(FindingKind.CUT, walk.frontier.size + 1, detail)
        elif one.size and walk.roots[one.size] != one.root:
            walk.findings.append(rewritten(one.size, "the checkpoint"))


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
