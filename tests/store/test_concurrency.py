"""Many writers, some of whom give up; readers meanwhile never see half of anything."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from service.evidence.merkle import EMPTY_ROOT, Frontier, extend, leaf_hash, node_hash, root
from service.store import engine, events, tree
from service.store.engine import Database
from tests.store.examples import new_event

WRITERS = 4
BATCHES = 25


class GivingUp(Exception):
    """A use case that refuses after it has written."""


def writing(database: Database, seed: int) -> Callable[[], int]:
    """Append batches of one to three events; roll back one of five. Give the number kept."""
    chance = random.Random(seed)  # noqa: S311 -- a repeatable load, no secret

    def append_some() -> int:
        kept = 0
        for _ in range(BATCHES):
            rows = [new_event() for _ in range(chance.randint(1, 3))]
            gives_up = chance.random() < 0.2
            with suppress(GivingUp), database.write() as connection:
                events.read_head(connection)  # To read before is what deferred writers die of.
                events.append(connection, events.take_head(connection), rows)
                if gives_up:
                    raise GivingUp
                kept += len(rows)
        return kept

    return append_some


def reading(database: Database, done: threading.Event) -> int:
    """Read again and again; each snapshot is a prefix of the log, none shorter than before."""
    seen, rounds = 0, 0
    while not done.is_set() or rounds == 0:
        with database.read() as connection:
            head = events.read_head(connection)
            new = list(events.iterate(connection, after=seen))
        assert [row.position for row in new] == list(range(seen + 1, head.position + 1))
        assert root(head.frontier) != EMPTY_ROOT or head.position == 0
        seen, rounds = head.position, rounds + 1
    return seen


def tree_hash(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def test_positions_have_no_gap_and_the_tree_is_theirs_whoever_writes(
    database: Database, database_url: str
) -> None:
    """Sequences leave gaps and let readers skip; the head row does neither.

    Half of the writers share no lock with the others, like another process.
    """
    done = threading.Event()
    other = engine.connect(database_url)
    with ThreadPoolExecutor(WRITERS + 1) as threads:
        reader = threads.submit(reading, database, done)
        writers = [
            threads.submit(writing((database, other)[seed % 2], seed)) for seed in range(WRITERS)
        ]
        try:
            kept = sum(writer.result() for writer in writers)
        finally:
            done.set()
        reader.result()
    other.dispose()

    with database.read() as connection:
        head = events.read_head(connection)
        rows = list(events.iterate(connection))
        nodes = list(tree.nodes(connection))
    leaves = [leaf_hash(row.body) for row in rows]
    assert head.position == kept > WRITERS * BATCHES
    assert [row.position for row in rows] == list(range(1, kept + 1))
    assert [row.leaf for row in rows] == leaves
    assert root(head.frontier) == tree_hash(leaves)
    _, expected = extend(Frontier(), leaves)
    assert nodes == sorted(expected, key=lambda node: (node.level, node.index))
