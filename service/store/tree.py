"""The stored nodes of the Merkle tree: complete inner nodes, level 1 and up.

Leaves are `event.leaf`; nodes are written by `service.store.events.append`.
"""

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from service.evidence.merkle import Node
from service.store.tables import node


def node_at(connection: sa.Connection, level: int, index: int) -> bytes | None:
    """Find the hash of a complete inner node; None while it is not complete."""
    return connection.scalar(
        sa.select(node.c.hash).where(node.c.level == level, node.c.index == index)
    )


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
