"""The stored nodes of the Merkle tree: complete inner nodes, level 1 and up.

Leaves are `event.leaf`; nodes are written by `service.store.events.append`. None of them ever
changes, so the tree of any earlier size is still here: what a proof or a tile needs is looked up,
and nothing is hashed again but the few nodes at the edge.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Final

import sqlalchemy as sa

from service.evidence.merkle import Frontier, Node
from service.evidence.proofs import Span, nodes_of
from service.store.errors import StoreDamaged
from service.store.tables import event, node

_LEAF_RANGE: Final = (
    sa.select(event.c.leaf)
    .where(event.c.position > sa.bindparam("start"), event.c.position <= sa.bindparam("end"))
    .order_by(event.c.position)
)
_NODE_RANGE: Final = (
    sa.select(node.c.hash)
    .where(
        node.c.level == sa.bindparam("level"),
        node.c.index >= sa.bindparam("start"),
        node.c.index < sa.bindparam("end"),
    )
    .order_by(node.c.index)
)


@cache
def _leaves(count: int) -> sa.TextClause:
    """Return the statement that finds leaves by their positions."""
    wanted = " OR ".join(f"position = :k{number}" for number in range(count))
    return sa.text(f"SELECT 0, position - 1, leaf FROM event WHERE {wanted}")  # noqa: S608 -- no input


@cache
def _nodes(count: int) -> sa.TextClause:
    """Return the statement that finds nodes by level and index.

    Written so, since SQLite reads the whole table for a list of pairs.
    """
    wanted = " OR ".join(
        f'(level = :k{number} AND "index" = :k{number + 1})' for number in range(0, 2 * count, 2)
    )
    return sa.text(f'SELECT level, "index", hash FROM node WHERE {wanted}')  # noqa: S608 -- no input


def roots(connection: sa.Connection, spans: Sequence[Span]) -> list[bytes]:
    """Return the root over each of some spans of the log, in two statements for all of them.

    Raises:
        StoreDamaged: A node that must be there is not.
    """
    wanted = set(nodes_of(spans))
    leaves = [(index + 1,) for level, index in wanted if level == 0]
    inner = [one for one in wanted if one[0]]
    found: dict[tuple[int, int], bytes] = {}
    for statement, keys in ((_leaves, leaves), (_nodes, inner)):
        if keys:
            bound = {f"k{number}": key for number, key in enumerate(chain(*keys))}
            for level, index, found_hash in connection.execute(statement(len(keys)), bound):
                found[level, index] = bytes(found_hash)

    def at(level: int, index: int) -> bytes:
        try:
            return found[level, index]
        except KeyError:
            raise missing(level, index) from None

    return [span.root(at) for span in spans]


def missing(level: int, index: int) -> StoreDamaged:
    """Return the error for a node that must be there."""
    return StoreDamaged(found=f"the tree's node {index} on level {level} is missing.")


def frontier(connection: sa.Connection, size: int) -> Frontier:
    """Return the tree over the first events of the log, from the nodes that are stored.

    Raises:
        StoreDamaged: A node that must be there is not.
    """
    subtrees = Span(0, size).subtrees()
    spans = [Span(index << level, index + 1 << level) for level, index in subtrees]
    return Frontier(size, tuple(roots(connection, spans)))


def hashes(connection: sa.Connection, level: int, first: int, count: int) -> list[bytes]:
    """Read hashes side by side on one level, as many of them as are complete."""
    if level == 0:
        asked = {"start": first, "end": first + count}
        return [bytes(one) for one in connection.scalars(_LEAF_RANGE, asked)]
    asked = {"level": level, "start": first, "end": first + count}
    return [bytes(one) for one in connection.scalars(_NODE_RANGE, asked)]


def nodes(connection: sa.Connection, chunk: int = 1000) -> Iterator[Node]:
    """Read all stored nodes by level and index, in bounded memory."""
    key = sa.tuple_(node.c.level, node.c.index)
    ordered = sa.select(node.c.level, node.c.index, node.c.hash).order_by(*key.clauses).limit(chunk)
    rows = connection.execute(ordered).all()
    while rows:
        yield from (Node(*row) for row in rows)
        last = rows[-1]
        rows = connection.execute(ordered.where(key > sa.tuple_(last[0], last[1]))).all()


def among(connection: sa.Connection, wanted: Iterable[Node]) -> dict[tuple[int, int], bytes]:
    """Read what is stored where some nodes belong, by level and index; nothing where none is."""
    levels: dict[int, list[int]] = {}
    for one in wanted:
        levels.setdefault(one.level, []).append(one.index)
    found: dict[tuple[int, int], bytes] = {}
    for level, indexes in levels.items():
        stored = sa.select(node.c.index, node.c.hash).where(
            node.c.level == level, node.c.index.between(min(indexes), max(indexes))
        )
        for index, found_hash in connection.execute(stored):
            found[level, index] = bytes(found_hash)
    return found


def count(connection: sa.Connection) -> int:
    """Count the stored nodes."""
    return connection.scalar(sa.select(sa.func.count()).select_from(node)) or 0
