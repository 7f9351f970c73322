"""Verification: whatever is done to a mirror is found, named by its position and its kind.

A mirror is a dictionary of files here. An auditor holds the signed checkpoint (``signed``), and
perhaps earlier ones; whoever has the files can do with them what he likes.
"""

from collections.abc import Sequence
from functools import cache

import pytest

from service.evidence.checkpoints import Checkpoint
from service.evidence.merkle import EMPTY_ROOT, leaf_hash, node_hash
from service.evidence.tiles import Tile, bundle, tiles_of
from service.evidence.verification import (
    Finding,
    FindingKind,
    MissingFile,
    check_growth,
    check_mirror,
    entries,
    first_difference,
)

Files = dict[str, bytes]
Kinds = list[tuple[FindingKind, int | None]]

ORIGIN = "example.test/timeline"
NEVER_LOGGED = b'{"never":"logged"}'
EDGES = (0, 1, 2, 255, 256, 257, 511, 512, 513, 600)


@cache
def logged(size: int) -> tuple[bytes, ...]:
    """Return the entries of a log; the one at position p says p."""
    return tuple(b'{"position":%d}' % position for position in range(1, size + 1))


def mth(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, row by row: an odd node waits for the row in which it has a sibling."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        pairs = [node_hash(*row[at : at + 2]) for at in range(0, len(row) - 1, 2)]
        row = pairs + row[len(pairs) * 2 :]
    return row[0]


def hash_files(leaves: Sequence[bytes]) -> Files:
    """Write the tiles of a tree, from the leaves up, as c2sp.org/tlog-tiles says."""
    files: Files = {}
    row, level = list(leaves), 0
    while row:
        for tile in tiles_of(0, len(row)):
            hashes = row[tile.first : tile.first + tile.width]
            files[f"tile/{Tile(level, tile.index, tile.width)}"] = b"".join(hashes)
        whole = len(row) // 256 * 256
        row = [mth(row[at : at + 256]) for at in range(0, whole, 256)]
        level += 1
    return files


def entry_files(held: Sequence[bytes], size: int | None = None) -> Files:
    """Write bundles; with ``size`` under the names that a log of that size has."""
    size = len(held) if size is None else size
    return {
        f"tile/{tile}": bundle(held[tile.first : tile.first + tile.width])
        for tile in tiles_of(None, size)
    }


@cache
def _mirrored(size: int) -> Files:
    return hash_files([leaf_hash(one) for one in logged(size)]) | entry_files(logged(size))


def mirror(size: int) -> Files:
    """Return an honest mirror, to be spoilt."""
    return dict(_mirrored(size))


def holding(held: Sequence[bytes], size: int) -> Files:
    """Return a mirror with the original tree of a log, and these entries in their places."""
    return mirror(size) | entry_files(held, size)


def rewritten(held: Sequence[bytes]) -> Files:
    """Return a mirror of other entries with a tree that was made again to match."""
    return hash_files([leaf_hash(one) for one in held]) | entry_files(held)


def checkpoint(held: Sequence[bytes]) -> Checkpoint:
    """Return what a log commits to."""
    return Checkpoint(origin=ORIGIN, size=len(held), root=mth([leaf_hash(one) for one in held]))


@cache
def signed(size: int) -> Checkpoint:
    """Return the checkpoint of the honest log."""
    return checkpoint(logged(size))


def found(files: Files, size: int, *against: Checkpoint) -> tuple[Finding, ...]:
    """Check a mirror against the signed checkpoint of the honest log."""
    return check_mirror(reading(files), signed(size), against)


def reading(files: Files) -> "Reading":
    """Return what gives the files."""
    return Reading(files)


class Reading:
    """Gives the files of a mirror, and remembers which."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.read: list[str] = []

    def __call__(self, path: str) -> bytes:
        """Give one."""
        self.read.append(path)
        try:
            return self.files[path]
        except KeyError as error:
            message = "there is no such file"
            raise MissingFile(message) from error


def kinds(findings: Sequence[Finding]) -> Kinds:
    """Return what is found, by kind and position."""
    return [(one.kind, one.position) for one in findings]


# Where entries first differ.


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("abcd", None),
        ("Xbcd", (0, FindingKind.EDITED)),
        ("abcX", (3, FindingKind.EDITED)),
        ("aXYd", (1, FindingKind.EDITED)),
        ("bcd", (0, FindingKind.DELETED)),
        ("acd", (1, FindingKind.DELETED)),
        ("acde", (1, FindingKind.DELETED)),
        ("Xabcd", (0, FindingKind.INSERTED)),
        ("aXbcd", (1, FindingKind.INSERTED)),
        ("aXbc", (1, FindingKind.INSERTED)),
        ("abcdX", (4, FindingKind.INSERTED)),
        ("bacd", (0, FindingKind.REORDERED)),
        ("abdc", (2, FindingKind.REORDERED)),
        ("dbca", (0, FindingKind.REORDERED)),
        ("abbd", (2, FindingKind.REORDERED)),
        ("abc", (3, FindingKind.CUT)),
        ("", (0, FindingKind.CUT)),
    ],
)
def test_the_first_entry_that_differs_is_found_and_what_happened_to_it(
    now: str, expected: tuple[int, FindingKind] | None
) -> None:
    """One letter for each entry of a log that ends with `abcd`; X and Y were never logged."""
    assert first_difference(
        list(map(str.encode, "abcd")), list(map(str.encode, now)), last=True
    ) == (expected)


def test_entries_that_end_within_a_log_were_deleted() -> None:
    """There is a bundle behind this one, so that it was not the log that was cut."""
    assert first_difference([b"a", b"b"], [b"a"], last=False) == (1, FindingKind.DELETED)
    assert first_difference([b"a", b"b"], [], last=False) == (0, FindingKind.DELETED)


@pytest.mark.parametrize(
    ("now", "expected"),
    [("ad", (1, FindingKind.DELETED)), ("aXYbcd", (1, FindingKind.INSERTED))],
)
def test_several_entries_that_go_or_come_together_are_told_as_one_would_be(
    now: str, expected: tuple[int, FindingKind]
) -> None:
    """Whoever hides two events side by side has deleted them, not edited or moved others."""
    assert first_difference(
        list(map(str.encode, "abcd")), list(map(str.encode, now)), last=True
    ) == (expected)


# A mirror that is as it must be.


@pytest.mark.parametrize("size", EDGES)
def test_an_honest_mirror_is_verified_at_every_edge(size: int) -> None:
    """Nothing is found, with every earlier checkpoint that an auditor may hold."""
    earlier = [signed(one) for one in EDGES if one <= size]

    assert found(mirror(size), size, *earlier, *earlier) == ()


def test_a_mirror_of_an_empty_log_needs_no_file() -> None:
    """There is nothing to read."""
    read = reading({})

    assert check_mirror(read, signed(0)) == ()
    assert read.read == []


def test_every_file_of_a_mirror_is_read() -> None:
    """What is not read is not verified."""
    read = reading(mirror(600))

    check_mirror(read, signed(600))

    assert set(read.read) == {
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
    }


def test_progress_is_told_bundle_by_bundle() -> None:
    """In entries, so that a person sees how long it will take."""
    told: list[tuple[int, int]] = []

    check_mirror(reading(mirror(600)), signed(600), (), lambda *done: told.append(done))

    assert told == [(256, 600), (512, 600), (600, 600)]


# Entries that were changed, under hashes that were not.


@pytest.mark.parametrize("size", [size for size in EDGES if size])
def test_an_edited_entry_is_named_by_its_position(size: int) -> None:
    """The first, the last, and those on both sides of an edge of tiles."""
    for position in {1, 2, 255, 256, 257, size} & set(range(1, size + 1)):
        held = list(logged(size))
        held[position - 1] = NEVER_LOGGED

        assert kinds(found(holding(held, size), size)) == [(FindingKind.EDITED, position)]


def test_of_several_edited_entries_the_first_is_named() -> None:
    """One finding: what follows may follow from it."""
    held = list(logged(600))
    held[4] = held[300] = held[599] = NEVER_LOGGED

    (finding,) = found(holding(held, 600), 600)

    assert (finding.kind, finding.position) == (FindingKind.EDITED, 5)
    assert finding.detail == (
        "position 5: the entry is another one than the one that was logged there"
    )


@pytest.mark.parametrize(("size", "position"), [(7, 3), (300, 5), (600, 1), (600, 300), (600, 599)])
def test_a_deleted_entry_is_named_by_its_position(size: int, position: int) -> None:
    """Those behind it have moved up, over all bundles."""
    held = list(logged(size))
    del held[position - 1]

    assert kinds(found(holding(held, size), size)) == [(FindingKind.DELETED, position)]


@pytest.mark.parametrize("position", [255, 256, 257])
def test_an_entry_deleted_at_the_edge_of_tiles_is_deleted(position: int) -> None:
    """Where the tiles lie changes nothing about what happened."""
    held = list(logged(600))
    del held[position - 1]

    assert kinds(found(holding(held, 600), 600)) == [(FindingKind.DELETED, position)]


def test_an_entry_deleted_from_its_bundle_alone_is_deleted() -> None:
    """The other bundles are as they were; this one is shorter."""
    files = mirror(600)
    files["tile/entries/000"] = bundle(logged(255))

    assert kinds(found(files, 600)) == [(FindingKind.DELETED, 256)]


@pytest.mark.parametrize(("size", "position"), [(7, 3), (300, 5), (600, 1), (600, 300), (600, 599)])
def test_an_inserted_entry_is_named_by_its_position(size: int, position: int) -> None:
    """Those behind it have moved down; the last one has no place any more."""
    held = list(logged(size))
    held.insert(position - 1, NEVER_LOGGED)

    assert kinds(found(holding(held, size), size)) == [(FindingKind.INSERTED, position)]


@pytest.mark.parametrize("position", [255, 256, 257])
def test_an_entry_inserted_at_the_edge_of_tiles_is_inserted(position: int) -> None:
    """Where the tiles lie changes nothing about what happened."""
    held = list(logged(600))
    held.insert(position - 1, NEVER_LOGGED)

    assert kinds(found(holding(held, 600), 600)) == [(FindingKind.INSERTED, position)]


@pytest.mark.parametrize(("path", "position"), [("000", 257), ("002.p/88", 601)])
def test_an_entry_too_many_in_a_bundle_is_inserted(path: str, position: int) -> None:
    """It has as many entries as its name says, or it is another bundle."""
    files = mirror(600)
    files[f"tile/entries/{path}"] += bundle([NEVER_LOGGED])

    assert kinds(found(files, 600)) == [(FindingKind.INSERTED, position)]


@pytest.mark.parametrize(
    ("one", "other"), [(1, 2), (3, 200), (255, 256), (256, 257), (5, 300), (1, 600), (300, 513)]
)
def test_swapped_entries_are_reordered(one: int, other: int) -> None:
    """Side by side or far apart, within a tile or across: both were logged, elsewhere."""
    held = list(logged(600))
    held[one - 1], held[other - 1] = held[other - 1], held[one - 1]

    (finding,) = found(holding(held, 600), 600)

    assert (finding.kind, finding.position) == (FindingKind.REORDERED, one)
    assert finding.detail.endswith("the entry was logged, but at another position")


@pytest.mark.parametrize(("start", "end"), [(5, 200), (200, 5), (5, 300), (300, 5)])
def test_an_entry_that_moved_is_reordered(start: int, end: int) -> None:
    """Nothing is gone and nothing new: within a tile or across, it is the order that is wrong."""
    held = list(logged(600))
    held.insert(end - 1, held.pop(start - 1))

    assert kinds(found(holding(held, 600), 600)) == [(FindingKind.REORDERED, min(start, end))]


def test_an_entry_is_looked_for_in_tiles_that_can_be_read() -> None:
    """A tile that is missing must not hide that an entry stands elsewhere."""
    held = list(logged(600))
    held[4], held[599] = held[599], held[4]
    files = holding(held, 600)
    del files["tile/0/001"]

    assert kinds(found(files, 600)) == [(FindingKind.TREE, None), (FindingKind.REORDERED, 5)]


@pytest.mark.parametrize(("size", "left"), [(7, 6), (7, 0), (256, 255), (600, 599), (600, 513)])
def test_a_tail_that_was_cut_is_named_by_the_first_position_that_is_gone(
    size: int, left: int
) -> None:
    """The checkpoint says how long the log was."""
    (finding,) = found(holding(logged(left), size), size)

    assert (finding.kind, finding.position) == (FindingKind.CUT, left + 1)
    assert finding.detail == f"position {left + 1}: the entries end before it"


def test_a_log_shorter_than_an_earlier_checkpoint_was_cut() -> None:
    """Signed or not: it does not continue what an auditor holds."""
    (finding,) = found(mirror(300), 300, signed(600))

    assert (finding.kind, finding.position) == (FindingKind.CUT, 301)
    assert finding.detail == "the log had 600 entries, as a checkpoint says, and has 300 now"


# Files that are missing or malformed.


@pytest.mark.parametrize(("path", "position"), [("000", 1), ("001", 257), ("002.p/88", 513)])
def test_a_missing_bundle_is_named_with_the_first_position_in_it(path: str, position: int) -> None:
    """That it cannot be read is all that is known: nothing is said to be deleted."""
    files = mirror(600)
    del files[f"tile/entries/{path}"]

    (finding,) = found(files, 600)

    assert (finding.kind, finding.position) == (FindingKind.UNREADABLE, position)
    assert finding.detail == f"tile/entries/{path} cannot be read: there is no such file"


@pytest.mark.parametrize("spoilt", [b"\x00", b"\x00\x05four", bundle(logged(256))[:-1]])
def test_a_bundle_that_ends_within_an_entry_cannot_be_read(spoilt: bytes) -> None:
    """It is refused as a whole: where entries begin is not known any more."""
    files = mirror(600)
    files["tile/entries/000"] = spoilt

    (finding,) = found(files, 600)

    assert (finding.kind, finding.position) == (FindingKind.UNREADABLE, 1)
    assert "it ends within its entry" in finding.detail


def test_of_several_missing_files_the_first_is_named() -> None:
    """An empty folder has one finding, not thousands."""
    assert kinds(found({}, 600))[0] == (FindingKind.UNREADABLE, 1)
    assert sum("cannot be read" in one.detail for one in found({}, 600)) == 1


@pytest.mark.parametrize("spoilt", [None, b"", b"\x00" * 31, b"\x00" * 257 * 32])
def test_a_missing_or_malformed_tile_is_found_though_the_entries_are_right(
    spoilt: bytes | None,
) -> None:
    """The entries lead to the signed root, so none of them is at fault."""
    for path in ("tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"):
        files = mirror(600)
        if spoilt is None:
            del files[path]
        else:
            files[path] = spoilt

        (finding,) = found(files, 600)

        assert (finding.kind, finding.position) == (FindingKind.TREE, None)
        assert finding.detail.startswith(f"{path} cannot be read: ")


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001", "tile/0/002.p/88"])
def test_wrong_hashes_of_leaves_are_found_though_the_entries_are_right(path: str) -> None:
    """It is the tree that is wrong: no entry is blamed."""
    files = mirror(600)
    files[path] = bytes([files[path][0] ^ 1]) + files[path][1:]

    (finding,) = found(files, 600)

    assert (finding.kind, finding.position) == (FindingKind.TREE, None)
    assert finding.detail == (
        "hashes of level 0 are not those of the entries, which are as they were logged"
    )


@pytest.mark.parametrize("at", [0, 31, 32, 63])
def test_a_wrong_hash_above_the_leaves_is_found(at: int) -> None:
    """Whoever makes a proof from these tiles would get one that does not hold."""
    files = mirror(600)
    tile = bytearray(files["tile/1/000.p/2"])
    tile[at] ^= 1
    files["tile/1/000.p/2"] = bytes(tile)

    (finding,) = found(files, 600)

    assert (finding.kind, finding.position) == (FindingKind.TREE, None)
    assert finding.detail == "tile/1/000.p/2 is not the hashes of what it covers"


@pytest.mark.parametrize("size", [1, 7, 257])
def test_every_single_bit_of_every_file_counts(size: int) -> None:
    """One bit in each byte, of entries, lengths and hashes: something is found."""
    files = mirror(size)
    for path, data in files.items():
        for at in range(0, len(data), max(1, len(data) // 64)):
            spoilt = bytearray(data)
            spoilt[at] ^= 1 << at % 8

            assert found({**files, path: bytes(spoilt)}, size), (path, at)


# A tree that was made again to match.


def test_a_rewritten_tile_is_named_by_the_size_before_which_history_differs() -> None:
    """The tiles above it still lead to the signed root: they tell which one is to blame."""
    held = list(logged(600))
    held[299] = NEVER_LOGGED
    files = {**rewritten(held), "tile/1/000.p/2": mirror(600)["tile/1/000.p/2"]}

    (finding,) = found(files, 600)

    assert (finding.kind, finding.position) == (FindingKind.REWRITTEN, None)
    assert finding.detail == (
        "history before size 512 differs from the checkpoint: an event at or before position 512"
        " was changed, and the tree was made again to match"
    )


@pytest.mark.parametrize("position", [1, 300, 600])
def test_of_a_tree_rewritten_up_to_its_root_only_the_whole_size_is_known(position: int) -> None:
    """Nothing original is left but the checkpoint."""
    held = list(logged(600))
    held[position - 1] = NEVER_LOGGED

    (finding,) = found(rewritten(held), 600)

    assert (finding.kind, finding.position) == (FindingKind.REWRITTEN, None)
    assert finding.detail.startswith("history before size 600 differs from the checkpoint:")


@pytest.mark.parametrize("path", ["tile/1/000.p/2", "tile/0/002.p/88"])
def test_a_rewritten_tree_with_files_missing_is_still_found(path: str) -> None:
    """Less can be told: the size is that of the checkpoint."""
    held = list(logged(600))
    held[0] = NEVER_LOGGED
    files = {**rewritten(held), "tile/1/000.p/2": mirror(600)["tile/1/000.p/2"]}
    del files[path]

    findings = found(files, 600)

    assert findings[-1].kind is FindingKind.REWRITTEN
    assert "before size 600" in findings[-1].detail


def test_a_rewritten_right_edge_is_named_by_the_whole_size() -> None:
    """Its hashes are in no full tile, so no earlier size can be told."""
    held = [*logged(599), NEVER_LOGGED]

    (finding,) = found(rewritten(held), 600)

    assert "before size 600" in finding.detail


@pytest.mark.parametrize(
    ("position", "differs"), [(1, [100, 256, 500]), (100, [100, 256, 500]), (101, [256, 500])]
)
def test_an_earlier_checkpoint_finds_what_the_signer_himself_rewrote(
    position: int, differs: list[int]
) -> None:
    """Tree and checkpoint were made again, and signed: without the earlier ones nothing is found.

    History differs before the smallest size that is named; up to the size before, it is the same.
    """
    held = list(logged(600))
    held[position - 1] = NEVER_LOGGED
    read, now = reading(rewritten(held)), checkpoint(held)

    assert check_mirror(read, now) == ()
    findings = check_mirror(read, now, [signed(500), signed(0), signed(100), signed(256)])

    assert kinds(findings) == [(FindingKind.REWRITTEN, None)] * len(differs)
    assert [one.detail.partition(":")[0] for one in findings] == [
        f"history before size {size} differs from the earlier checkpoint" for size in differs
    ]


def test_what_was_changed_behind_an_earlier_checkpoint_does_not_contradict_it() -> None:
    """A checkpoint says nothing of what came after it."""
    held = list(logged(600))
    held[300] = NEVER_LOGGED

    assert check_mirror(reading(rewritten(held)), checkpoint(held), [signed(300)]) == ()


def test_another_checkpoint_of_the_same_size_is_a_fork() -> None:
    """Two roots for one size: proof of two histories."""
    held = [*logged(599), NEVER_LOGGED]

    (finding,) = check_mirror(reading(rewritten(held)), checkpoint(held), [signed(600)])

    assert finding.detail.startswith("history before size 600 differs from the earlier checkpoint:")


@pytest.mark.parametrize("earlier", [400, 600])
def test_an_edited_entry_does_not_make_the_tree_rewritten(earlier: int) -> None:
    """The stored hashes lead to the signed root and to the earlier one: one entry is at fault."""
    held = list(logged(600))
    held[4] = NEVER_LOGGED

    assert kinds(found(holding(held, 600), 600, signed(earlier))) == [(FindingKind.EDITED, 5)]


def test_a_missing_bundle_does_not_make_the_tree_rewritten() -> None:
    """It is a file that is missing, and the hashes of what it held are there."""
    files = mirror(600)
    del files["tile/entries/001"]

    findings = found(files, 600, signed(100), signed(600))

    assert FindingKind.REWRITTEN not in {one.kind for one in findings}


# Large logs.


def test_a_log_with_three_levels_of_tiles_is_verified_and_its_faults_found() -> None:
    """65,536 entries fill a tile of tiles; the levels above are read as the lower ones are."""
    size = 65_537 + 256
    read = reading(mirror(size))

    assert check_mirror(read, signed(size), [signed(65_536), signed(600)]) == ()
    assert {"tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1", "tile/0/257.p/1"} <= set(read.read)

    spoilt = mirror(size)
    spoilt["tile/2/000.p/1"] = EMPTY_ROOT
    (finding,) = found(spoilt, size)
    assert finding.detail == "tile/2/000.p/1 is not the hashes of what it covers"

    edited = mirror(size)
    edited["tile/entries/255"] = edited["tile/entries/255"].replace(b"65536}", b"65537}")
    assert kinds(found(edited, size)) == [(FindingKind.REORDERED, 65_536)]


# Entries.


@pytest.mark.parametrize(
    ("after", "upto", "expected"),
    [
        (0, None, range(1, 601)),
        (0, 600, range(1, 601)),
        (0, 1, range(1, 2)),
        (255, 257, range(256, 258)),
        (256, 512, range(257, 513)),
        (599, None, range(600, 601)),
        (600, None, ()),
        (0, 0, ()),
        (300, 200, ()),
        (590, 1_000, range(591, 601)),
    ],
)
def test_entries_are_given_with_their_positions(
    after: int, upto: int | None, expected: Sequence[int]
) -> None:
    """Behind the one, up to and with the other."""
    given = list(entries(reading(mirror(600)), 600, after, upto))

    assert given == [(position, logged(600)[position - 1]) for position in expected]


def test_only_the_bundles_that_are_needed_are_read() -> None:
    """Whoever keeps watch fetches what is new, not the whole log each time."""
    read = reading(mirror(600))

    assert len(list(entries(read, 600, 512))) == 88
    assert len(list(entries(read, 600, 0, 256))) == 256
    assert read.read == ["tile/entries/002.p/88", "tile/entries/000"]


def test_entries_that_cannot_be_read_are_an_error() -> None:
    """Nothing is passed over in silence."""
    with pytest.raises(MissingFile):
        list(entries(reading({}), 1))


# Growth.


@pytest.mark.parametrize("old", EDGES)
def test_a_log_that_grew_continues_what_was_verified_before(old: int) -> None:
    """From every edge to every later one."""
    for new in (one for one in EDGES if one >= old):
        assert check_growth(reading(mirror(new)), signed(old), signed(new)) == ()


def test_growth_is_checked_without_reading_what_was_verified() -> None:
    """New entries, and the hashes at the edge of the old tree."""
    size = 65_537 + 256
    read = reading(mirror(size))

    assert check_growth(read, signed(65_792), signed(size)) == ()
    assert read.read == ["tile/2/000.p/1", "tile/1/001.p/1", "tile/entries/257.p/1"]


def test_a_log_that_shrank_was_cut() -> None:
    """Whatever its checkpoint is signed with."""
    (finding,) = check_growth(reading(mirror(300)), signed(600), signed(300))

    assert (finding.kind, finding.position) == (FindingKind.CUT, 301)


@pytest.mark.parametrize(("old", "position"), [(600, 1), (600, 600), (257, 257), (256, 3)])
def test_growth_of_another_history_is_found(old: int, position: int) -> None:
    """The old tree is made again from the new mirror, and has another root."""
    held = list(logged(600))
    held[position - 1] = NEVER_LOGGED

    (finding,) = check_growth(reading(rewritten(held)), signed(old), checkpoint(held))

    assert (finding.kind, finding.position) == (FindingKind.REWRITTEN, None)
    assert finding.detail.startswith(
        f"history before size {old} differs from the checkpoint before:"
    )


@pytest.mark.parametrize("old", [0, 100, 300, 599])
def test_a_new_entry_that_the_checkpoint_does_not_cover_is_found(old: int) -> None:
    """Edited or one too few: the new entries must lead to the new root."""
    for held in ([*logged(599), NEVER_LOGGED], logged(599)):
        (finding,) = check_growth(reading(holding(held, 600)), signed(old), signed(600))

        assert (finding.kind, finding.position) == (FindingKind.REWRITTEN, None)
        assert "before size 600 differs from the newest checkpoint" in finding.detail


def test_a_bundle_with_an_entry_too_many_is_no_growth() -> None:
    """Two entries at one position: neither is to be believed."""
    files = mirror(600)
    files["tile/entries/001"] += bundle([NEVER_LOGGED])

    assert kinds(check_growth(reading(files), signed(300), signed(600))) == [
        (FindingKind.REWRITTEN, None)
    ]


def test_another_root_of_the_size_that_was_verified_is_found() -> None:
    """A log that did not grow has one checkpoint, or it forked."""
    other = checkpoint([*logged(599), NEVER_LOGGED])

    (finding,) = check_growth(reading(mirror(600)), signed(600), other)

    assert finding.kind is FindingKind.REWRITTEN


@pytest.mark.parametrize(
    ("path", "spoilt"),
    [
        ("tile/0/001", None),
        ("tile/1/000.p/2", b"short"),
        ("tile/entries/001", None),
        ("tile/entries/002.p/88", b"\x00"),
    ],
)
def test_growth_that_cannot_be_read_is_a_finding(path: str, spoilt: bytes | None) -> None:
    """Never a crash, and never a pass."""
    files = mirror(600)
    if spoilt is None:
        del files[path]
    else:
        files[path] = spoilt

    (finding,) = check_growth(reading(files), signed(300), signed(600))

    assert (finding.kind, finding.position) == (FindingKind.UNREADABLE, None)
