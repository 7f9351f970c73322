"""Proving: whoever holds a checkpoint gets from the log what convinces him, at any past size."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa

from service.application import proving
from service.domain.errors import Refused
from service.evidence.checkpoints import Checkpoint
from service.evidence.merkle import EMPTY_ROOT, leaf_hash, node_hash
from service.evidence.proofs import verify_consistency, verify_inclusion
from service.evidence.tiles import Tile, all_tiles, unbundled
from service.evidence.verification import MissingFile, check_growth, check_mirror
from service.store import tables
from service.store.engine import Database
from service.store.errors import StoreDamaged
from service.store.events import NewEvent
from tests.store.examples import append, new_event

SMALL = 21
LARGE = 300


def fill(database: Database, size: int) -> list[NewEvent]:
    """Append events, all at once."""
    rows = [new_event() for _ in range(size)]
    append(database, *rows)
    return rows


def leaves_of(rows: Sequence[NewEvent]) -> list[bytes]:
    """Return the hashes of some events."""
    return [leaf_hash(row.body) for row in rows]


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def nothing(_path: str) -> bool:
    """Tell that a mirror has no file yet."""
    return False


# Proofs.


def test_every_entry_is_proven_at_every_size(database: Database) -> None:
    """All pairs up to 21: each proof leads from the entry's own hash to the root of that size."""
    leaves = leaves_of(fill(database, SMALL))

    for size in range(1, SMALL + 1):
        root = mth(leaves[:size])
        for index in range(size):
            found = proving.inclusion(database, index, size)

            assert (found.index, found.size) == (index, size)
            assert (found.leaf_hash, found.root) == (leaves[index], root)
            verify_inclusion(leaves[index], index, size, root, found.proof)


def test_every_size_is_proven_to_continue_every_earlier_one(database: Database) -> None:
    """All pairs up to 21, the empty log and the same size among them."""
    leaves = leaves_of(fill(database, SMALL))
    roots = [mth(leaves[:size]) for size in range(SMALL + 1)]

    for new in range(SMALL + 1):
        for old in range(new + 1):
            found = proving.consistency(database, old, new)

            assert (found.old_size, found.new_size) == (old, new)
            assert (found.old_root, found.new_root) == (roots[old], roots[new])
            verify_consistency(old, roots[old], new, roots[new], found.proof)


def test_nothing_is_continued_by_nothing(database: Database) -> None:
    """An empty log has a root, too: the hash of nothing."""
    found = proving.consistency(database, 0, 0)

    assert (found.old_root, found.new_root, found.proof) == (EMPTY_ROOT, EMPTY_ROOT, ())


def refused(call: Callable[[], object]) -> tuple[object, str | None, str]:
    """Return which parameter is refused, what is suggested, and why."""
    with pytest.raises(Refused) as found:
        call()
    (parameter,) = found.value.path
    return parameter, found.value.suggestion, found.value.detail


def test_what_cannot_be_included_is_refused_with_its_parameter(database: Database) -> None:
    """And what would be right, where anything would."""
    fill(database, 5)
    cases = (
        (0, 6, "size", "5", "The log has 5 events, fewer than 6."),
        (9, 6, "size", "5", "The log has 5 events, fewer than 6."),
        (0, 2**53 - 1, "size", "5", "The log has 5 events, fewer than 9007199254740991."),
        (5, 5, "index", "4", "A log of 5 events has no index 5: indexes count from 0."),
        (2**53 - 1, 3, "index", "2", "has no index 9007199254740991"),
        (0, 0, "index", None, "A log of 0 events has no index 0"),
    )

    for index, size, parameter, suggestion, words in cases:
        found = refused(partial(proving.inclusion, database, index, size))
        assert found[:2] == (parameter, suggestion)
        assert words in found[2]


def test_what_cannot_be_continued_is_refused_with_its_parameter(database: Database) -> None:
    """A later size first, or a size that the log does not have yet."""
    fill(database, 5)
    cases = (
        (0, 6, "new", "5", "The log has 5 events, fewer than 6."),
        (7, 6, "new", "5", "The log has 5 events, fewer than 6."),
        (4, 3, "old", "3", "cannot continue the log at 4"),
        (2**53 - 1, 5, "old", "5", "cannot continue the log at 9007199254740991"),
    )

    for old, new, parameter, suggestion, words in cases:
        found = refused(partial(proving.consistency, database, old, new))
        assert found[:2] == (parameter, suggestion)
        assert words in found[2]


def test_a_log_that_goes_on_changes_no_proof(database: Database) -> None:
    """The answer may be kept for ever."""
    fill(database, 13)
    inclusion = proving.inclusion(database, 4, 11)
    consistency = proving.consistency(database, 4, 11)

    fill(database, 20)

    assert proving.inclusion(database, 4, 11) == inclusion
    assert proving.consistency(database, 4, 11) == consistency


def test_an_event_is_found_with_its_position_and_its_bytes(database: Database) -> None:
    """The bytes that were hashed, whatever they hold."""
    rows = fill(database, 3)

    assert proving.body_of(database, rows[1].id) == (2, rows[1].body)
    assert proving.body_of(database, UUID(int=2**127)) is None


# Tiles.


def test_tiles_of_a_log_of_300_events_are_the_hashes_that_they_name(database: Database) -> None:
    """Full and partial ones, as c2sp.org/tlog-tiles has them."""
    rows = fill(database, LARGE)
    leaves = leaves_of(rows)

    assert proving.tile(database, Tile(0, 0)) == b"".join(leaves[:256])
    assert proving.tile(database, Tile(0, 1, 44)) == b"".join(leaves[256:])
    assert proving.tile(database, Tile(1, 0, 1)) == mth(leaves[:256])
    bundles = [proving.tile(database, one) for one in (Tile(None, 0), Tile(None, 1, 44))]
    assert [one for found in bundles if found for one in unbundled(found)] == [
        row.body for row in rows
    ]


def test_partial_tiles_of_every_earlier_size_are_there(database: Database) -> None:
    """A client whose checkpoint is older needs the edge of the tree as it was then."""
    rows = fill(database, LARGE)
    leaves = leaves_of(rows)

    for width in (1, 2, 43, 255):
        found = proving.tile(database, Tile(None, 0, width))
        assert found is not None
        assert unbundled(found) == [row.body for row in rows[:width]]
        assert proving.tile(database, Tile(0, 0, width)) == b"".join(leaves[:width])


def test_a_tile_that_is_not_full_yet_is_not_there(database: Database) -> None:
    """It would have to change: only complete hashes are in tiles."""
    fill(database, LARGE)
    entries = (Tile(None, 1), Tile(None, 1, 45), Tile(None, 2, 1))
    leaves = (Tile(0, 1), Tile(0, 1, 45), Tile(0, 2, 1))
    above = (Tile(1, 0), Tile(1, 0, 2), Tile(1, 1, 1), Tile(2, 0, 1), Tile(7, 0, 1))

    for wanted in (*entries, *leaves, *above):
        assert proving.tile(database, wanted) is None, wanted


@pytest.mark.parametrize("level", [None, 0, 1, 63])
def test_a_tile_beyond_all_logs_is_not_there(database: Database, level: int | None) -> None:
    """Whatever a path may name: a database counts up to 2^63 - 1, and must not be asked more."""
    for index in (2**53, 2**55 - 1, 2**55, 2**63 - 1):
        for width in (1, 255, 256):
            assert proving.tile(database, Tile(level, index, width)) is None


def test_an_empty_log_has_no_tile(database: Database) -> None:
    """Width 0 is not served."""
    assert proving.tile(database, Tile(0, 0, 1)) is None
    assert proving.tile(database, Tile(None, 0, 1)) is None


# Mirrors.


def test_a_mirror_of_any_size_is_verified(database: Database) -> None:
    """What is written is all that a verifier needs, and nothing else."""
    leaves = leaves_of(fill(database, LARGE))

    for size in (0, 1, 255, 256, 257, LARGE):
        files = dict(proving.mirror(database, size, nothing))
        root = mth(leaves[:size])
        checkpoint = Checkpoint(origin="example.test/timeline", size=size, root=root)

        assert set(files) == {f"tile/{tile}" for tile in all_tiles(size)}
        assert check_mirror(files.__getitem__, checkpoint) == ()


def test_a_mirror_gets_what_is_new(database: Database) -> None:
    """Full tiles never change; a log that has grown adds files."""
    leaves = leaves_of(fill(database, LARGE))
    files = dict(proving.mirror(database, 257, nothing))

    new = dict(proving.mirror(database, LARGE, files.__contains__))

    assert set(new) == {"tile/entries/001.p/44", "tile/0/001.p/44"}
    files |= new

    def read(path: str) -> bytes:
        if path not in files:
            raise MissingFile(path)
        return files[path]

    then = Checkpoint(origin="example.test/timeline", size=257, root=mth(leaves[:257]))
    now = Checkpoint(origin="example.test/timeline", size=LARGE, root=mth(leaves))
    assert check_mirror(read, now, [then]) == check_growth(read, then, now) == ()


def test_a_mirror_beyond_the_log_is_damage(database: Database) -> None:
    """It is asked for the size of a checkpoint: what that covers must be there."""
    fill(database, 3)

    with pytest.raises(StoreDamaged, match="node 0 on level 0 is missing"):
        list(proving.mirror(database, 4, nothing))


def test_a_proof_without_one_of_its_nodes_is_damage(database: Database) -> None:
    """Never a proof that does not hold."""
    fill(database, SMALL)
    statements = {
        "sqlite": ("DROP TRIGGER node_delete",),
        "postgresql": (
            "ALTER TABLE node DISABLE TRIGGER USER",
            "GRANT DELETE ON node TO CURRENT_USER",
        ),
    }
    with database.write() as connection:
        for statement in statements[database.dialect]:
            connection.exec_driver_sql(statement)
        connection.execute(sa.delete(tables.node).where(tables.node.c.level == 3))

    with pytest.raises(StoreDamaged, match="node 1 on level 3 is missing"):
        proving.inclusion(database, 0, 16)
    with pytest.raises(StoreDamaged, match="is missing"):
        proving.consistency(database, 8, 16)
    assert proving.inclusion(database, 0, 7).size == 7
