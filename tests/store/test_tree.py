"""The stored tree: whatever size the log had, its hashes are still there to be looked up."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
import sqlalchemy as sa

from service.evidence.merkle import EMPTY_ROOT, Frontier, Node, extend, leaf_hash, node_hash
from service.evidence.proofs import Span, inclusion
from service.store import tables, tree
from service.store.engine import Database
from service.store.errors import StoreDamaged
from tests.store.examples import append, new_event

SIZE = 64
LOST = {
    "sqlite": ("DROP TRIGGER event_delete", "DROP TRIGGER node_delete"),
    "postgresql": (
        "ALTER TABLE event DISABLE TRIGGER USER",
        "ALTER TABLE node DISABLE TRIGGER USER",
        "GRANT DELETE ON event, node TO CURRENT_USER",
    ),
}


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def fill(database: Database, *sizes: int) -> list[bytes]:
    """Append events in batches that end at these sizes; return their leaf hashes."""
    rows = [new_event() for _ in range(sizes[-1])]
    for start, end in pairwise((0, *sizes)):
        append(database, *rows[start:end])
    return [leaf_hash(row.body) for row in rows]


def lose(database: Database, *statements: sa.Executable) -> None:
    """Lose rows, as a disk could, or somebody who owns the database."""
    with database.write() as connection:
        for trigger in LOST[database.dialect]:
            connection.exec_driver_sql(trigger)
        for statement in statements:
            connection.execute(statement)


def test_the_root_of_every_earlier_size_is_there(database: Database) -> None:
    """No size is special, and an append changes none of them (RFC 6962 section 2.1)."""
    leaves = fill(database, 1, 6, 20, 21, SIZE)

    with database.read() as connection:
        found = tree.roots(connection, [Span(0, size) for size in range(SIZE + 1)])

    assert found == [mth(leaves[:size]) for size in range(SIZE + 1)]


def test_the_root_over_any_complete_subtrees_is_there(database: Database) -> None:
    """A proof is made of such: where it begins, a subtree of that size may begin."""
    leaves = fill(database, SIZE)
    spans = [
        Span(start, end)
        for start in range(SIZE)
        for end in range(start + 1, SIZE + 1)
        if start % (1 << (end - start - 1).bit_length()) == 0
    ]

    with database.read() as connection:
        found = tree.roots(connection, spans)

    assert len(spans) > 200
    assert found == [mth(leaves[one.start : one.end]) for one in spans]


def test_nothing_is_asked_where_nothing_is_needed(database: Database) -> None:
    """The root over no leaves is known."""
    with database.read() as connection:
        assert tree.roots(connection, []) == []
        assert tree.roots(connection, [Span(0, 0), Span(5, 5)]) == [EMPTY_ROOT, EMPTY_ROOT]


def test_the_frontier_of_every_earlier_size_is_there(database: Database) -> None:
    """So the log can be continued, or compared, from where it once was."""
    leaves = fill(database, 13, SIZE)

    with database.read() as connection:
        for size in range(SIZE + 1):
            expected, _ = extend(Frontier(), leaves[:size])
            assert tree.frontier(connection, size) == expected


def test_hashes_are_read_side_by_side_as_far_as_they_are_complete(database: Database) -> None:
    """Level l has the roots over 2^l leaves each; what is not full yet is not there."""
    leaves = fill(database, 40, 61)

    with database.read() as connection:
        for level in range(7):
            width = 1 << level
            complete = [
                mth(leaves[start : start + width]) for start in range(0, 61 - width + 1, width)
            ]
            for first, count in ((0, 256), (0, 3), (2, 5), (3, 0), (61, 4), (1_000, 256)):
                found = tree.hashes(connection, level, first, count)
                assert found == complete[first : first + count]


def test_all_nodes_are_read_in_parts(database: Database) -> None:
    """By level and index, each once, however many fit into a part."""
    leaves = fill(database, 61)
    _, made = extend(Frontier(), leaves)

    with database.read() as connection:
        assert tree.count(connection) == len(made) == 61 - 5
        for chunk in (1, 7, 56, 57, 1_000):
            found = list(tree.nodes(connection, chunk))
            assert found == sorted(made, key=lambda node: (node.level, node.index))


def test_what_is_stored_where_nodes_belong_is_read(database: Database) -> None:
    """Whoever checks the tree compares; where nothing is stored there is nothing."""
    leaves = fill(database, 8)
    wanted = [Node(1, 1, b""), Node(1, 3, b""), Node(3, 0, b""), Node(4, 0, b"")]

    with database.read() as connection:
        found = tree.among(connection, wanted)
        assert tree.among(connection, []) == {}

    assert (found[1, 1], found[3, 0]) == (mth(leaves[2:4]), mth(leaves))
    assert set(found) == {(1, 1), (1, 2), (1, 3), (3, 0)}


def test_an_empty_log_has_no_hash(database: Database) -> None:
    """And the frontier of nothing."""
    with database.read() as connection:
        assert tree.frontier(connection, 0) == Frontier()
        assert tree.hashes(connection, 0, 0, 256) == tree.hashes(connection, 8, 0, 256) == []
        assert list(tree.nodes(connection)) == []
        assert tree.count(connection) == 0


def test_a_missing_node_is_damage(database: Database) -> None:
    """A proof without one of its hashes would be none; its name tells where to look."""
    fill(database, SIZE)
    lose(database, sa.delete(tables.node).where(tables.node.c.level == 5, tables.node.c.index == 1))

    with database.read() as connection:
        assert tree.roots(connection, inclusion(40, SIZE))[0] != EMPTY_ROOT
        with pytest.raises(StoreDamaged, match="node 1 on level 5 is missing"):
            tree.roots(connection, inclusion(3, SIZE))
        with pytest.raises(StoreDamaged, match="node 0 on level 7 is missing"):
            tree.frontier(connection, 128)


def test_a_missing_leaf_is_damage(database: Database) -> None:
    """Leaves are level 0 of the tree, wherever they are stored."""
    fill(database, SIZE)
    lose(
        database,
        sa.delete(tables.mention),
        sa.delete(tables.event).where(tables.event.c.position == 42),
    )

    with database.read() as connection:
        with pytest.raises(StoreDamaged, match="node 41 on level 0 is missing"):
            tree.roots(connection, [Span(41, 42)])
        assert len(tree.hashes(connection, 0, 0, 256)) == SIZE - 1


def test_a_size_that_the_log_never_had_is_damage(database: Database) -> None:
    """Callers know the head: who asks for more than that was told something wrong."""
    fill(database, 5)

    with database.read() as connection, pytest.raises(StoreDamaged, match="is missing"):
        tree.frontier(connection, 6)
