"""Tiles: the vector of 70,000 leaves, every path that is none, and bundles of entries."""

import os
from base64 import b64decode
from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.evidence.errors import EvidenceError, MalformedEvidence
from service.evidence.merkle import Frontier, extend, leaf_hash
from service.evidence.proofs import Span
from service.evidence.tiles import (
    HEIGHT,
    MAX_ENTRY,
    MAX_LEVEL,
    WIDTH,
    Tile,
    all_tiles,
    bundle,
    hashes,
    tiles_of,
    unbundled,
)

law = settings(
    max_examples=150, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)

Nodes = dict[tuple[int, int], bytes]

tiles = st.builds(
    Tile, st.none() | st.integers(0, MAX_LEVEL), st.integers(0, 2**63 - 1), st.integers(1, WIDTH)
)


@pytest.fixture(scope="module")
def nodes() -> Nodes:
    """Store the complete subtrees of the vector: 70,000 leaves, leaf i the decimal i in ASCII."""
    leaves = [leaf_hash(b"%d" % i) for i in range(70_000)]
    _, made = extend(Frontier(), leaves)
    return {(0, index): leaf for index, leaf in enumerate(leaves)} | {
        (node.level, node.index): node.hash for node in made
    }


def content(tile: Tile, nodes: Nodes) -> bytes:
    """Make a tile of hashes from stored nodes."""
    places = range(tile.first, tile.first + tile.width)
    return b"".join(nodes[tile.tree_level, place] for place in places)


# --- the vector


def test_seventy_thousand_leaves_have_the_root_and_the_tile_of_go(nodes: Nodes) -> None:
    """Computed by golang.org/x/mod/sumdb/tlog."""
    root = Span(0, 70_000).root(lambda level, index: nodes[level, index])
    last = content(Tile.read("0/273.p/112"), nodes)

    assert root == b64decode("Gkzfy2Y3SgwNy+9JrL1JdtE+6GT7PLJB/JQ8rQTwL34=")
    assert sha256(last).hexdigest().startswith("4d21244557c97699")
    assert len(last) == 112 * 32


def test_seventy_thousand_leaves_have_the_tiles_of_the_specification() -> None:
    """c2sp.org/tlog-tiles, section "Partial Tiles"."""
    zero, one, two = (tuple(map(str, tiles_of(level, 70_000))) for level in range(3))

    assert zero == (*(f"0/{index:03}" for index in range(273)), "0/273.p/112")
    assert one == ("1/000", "1/001.p/17")
    assert two == ("2/000.p/1",)
    assert list(tiles_of(3, 70_000)) == []
    entries = tuple(map(str, tiles_of(None, 70_000)))
    assert entries == tuple(path.replace("0/", "entries/", 1) for path in zero)
    assert tuple(map(str, all_tiles(70_000))) == (*entries, *zero, *one, *two)


def test_a_tile_holds_the_roots_of_full_tiles_below(nodes: Nodes) -> None:
    """c2sp.org/tlog-tiles: each hash from level 1 up is the tree hash of a full tile below."""
    for above in (*tiles_of(1, 70_000), *tiles_of(2, 70_000)):
        level = (above.level or 0) - 1
        for place, one in enumerate(hashes(content(above, nodes), above.width), above.first):
            below = content(Tile(level, place), nodes)
            frontier, made = extend(Frontier(), hashes(below, WIDTH))
            assert frontier.size == WIDTH
            assert made[-1].hash == one


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["entries/000.p/1", "0/000.p/1"]),
        (255, ["entries/000.p/255", "0/000.p/255"]),
        (256, ["entries/000", "0/000", "1/000.p/1"]),
        (257, ["entries/000", "entries/001.p/1", "0/000", "0/001.p/1", "1/000.p/1"]),
        (511, ["entries/000", "entries/001.p/255", "0/000", "0/001.p/255", "1/000.p/1"]),
    ],
)
def test_a_log_has_these_tiles(size: int, paths: list[str]) -> None:
    """c2sp.org/tlog-tiles: 256 leaves are one full tile, and one hash above; none is empty."""
    assert [str(tile) for tile in all_tiles(size)] == paths


def test_the_last_tile_is_as_wide_as_the_specification_says() -> None:
    """c2sp.org/tlog-tiles: floor(s / 256^l) mod 256, and no tile where that is 0."""
    for size in (0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000, 16_777_216, 16_777_217):
        for level in range(4):
            width = size // 256**level % 256
            found = [tile for tile in tiles_of(level, size) if tile.width < WIDTH]

            assert [tile.width for tile in found] == ([width] if width else [])
            assert len(list(tiles_of(level, size))) == size // 256 ** (level + 1) + (width > 0)


# --- paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "0/000"),
        (Tile(0, 999), "0/999"),
        (Tile(0, 1_000), "0/x001/000"),
        (Tile(0, 1_234_067), "0/x001/x234/067"),
        (Tile(63, 1, 1), "63/001.p/1"),
        (Tile(None, 1_234_067, 255), "entries/x001/x234/067.p/255"),
        (Tile(0, 2**63 - 1), "0/x009/x223/x372/x036/x854/x775/807"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    """c2sp.org/tlog-tiles; 1,234,067 is its own example."""
    assert str(tile) == path
    assert Tile.read(path) == tile


def test_a_tile_knows_which_hashes_it_holds() -> None:
    """Level l of tiles is level 8·l of the tree; a bundle lies over the leaves."""
    assert (Tile(0, 3).tree_level, Tile(0, 3).first) == (0, 768)
    assert (Tile(2, 1).tree_level, Tile(2, 1).first) == (2 * HEIGHT, 256)
    assert (Tile(None, 3, 5).tree_level, Tile(None, 3, 5).first) == (0, 768)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "/0/000",
        "0//000",
        "0/000/",
        "0/000 ",
        "0/000\n",
        " 0/000",
        "0/0",
        "0/00",
        "0/0000",
        "0/1234067",
        "0/001/234/067",
        "0/x001/234/067",
        "0/x001/x234/x067",
        "0/x234",
        "0/X001/000",
        "0/x000/001",
        "0/x000/x000/001",
        "0/x01/000",
        "0/x0001/000",
        "0/-01",
        "0/+01",
        "0/0_1",
        "0/00a",
        "0/\u0660\u0660\u0660",
        "\u0660/000",
        "0/000.p/\u0661",
        "00/000",
        "01/000",
        "64/000",
        "99/000",
        "100/000",
        "-1/000",
        "+1/000",
        "a/000",
        "Entries/000",
        "entries",
        "entries/",
        "entries/000/",
        "entries/0/000",
        "data/000",
        "0/000.p",
        "0/000.p/",
        "0/000.p/0",
        "0/000.p/00",
        "0/000.p/01",
        "0/000.p/001",
        "0/000.p/256",
        "0/000.p/257",
        "0/000.p/999",
        "0/000.p/1000",
        "0/000.p/-1",
        "0/000.p/+1",
        "0/000.p/1/",
        "0/000.p/1.p/1",
        "0/000p/1",
        "0/000,p/1",
        "0/000.P/1",
        "0/x001.p/1/000",
        "0/../000",
        "0/x001/../000",
        "../0/000",
        "0\\000",
        "0/%30%30%30",
        "0/000?x=1",
        "0/000#",
        "0/000\0",
        "tile/0/000",
        "0/x009/x223/x372/x036/x854/x775/808",
        "0/x999/x999/x999/x999/x999/x999/999",
        "0/x001/x000/x000/x000/x000/x000/x000/000",
        "0/" + "x001/" * 1_000 + "000",
    ],
)
def test_what_is_no_path_of_a_tile_is_refused(path: str) -> None:
    """c2sp.org/tlog-tiles: one spelling, levels 0 to 63, widths 1 to 255, no way out."""
    words = r"no path of a tile: .* 0 to 63 .* x001/x234/067, .* 1 to 255"
    with pytest.raises(MalformedEvidence, match=words):
        Tile.read(path)


# --- contents


def test_a_bundle_is_entries_behind_their_lengths() -> None:
    """c2sp.org/tlog-tiles, section "Log entries": uint16, big-endian; an entry may be empty."""
    entries = [b"", b"a", b"x" * 0x0102, b"y" * MAX_ENTRY]
    written = bundle(entries)

    assert written[:7] == b"\x00\x00\x00\x01a\x01\x02"
    assert unbundled(written) == entries
    assert bundle([]) == b""
    assert unbundled(b"") == []


@pytest.mark.parametrize(
    ("data", "entry"),
    [
        (b"\x00", 1),
        (b"\x01", 1),
        (b"\x00\x01", 1),
        (b"\x01\x00" + b"x" * 255, 1),
        (b"\xff\xff" + b"x" * 65_534, 1),
        (b"\x00\x00\x00", 2),
        (b"\x00\x01a\x00", 2),
        (b"\x00\x01a\x00\x02b", 2),
        (b"\x00\x01a\x00\x01b\x00\x03cd", 3),
    ],
)
def test_a_bundle_that_ends_within_an_entry_is_refused(data: bytes, entry: int) -> None:
    """What was cut must not be read as a shorter entry."""
    words = f"no bundle of entries: it ends within its entry {entry}"
    with pytest.raises(MalformedEvidence, match=words):
        unbundled(data)


def test_an_entry_that_is_too_long_makes_no_bundle() -> None:
    """Its length has two bytes, and no other entry may be made of the rest."""
    with pytest.raises((EvidenceError, OverflowError)):
        bundle([b"y" * (MAX_ENTRY + 1)])


def test_a_tile_is_as_long_as_it_is_wide() -> None:
    """c2sp.org/tlog-tiles: a full tile has 8,192 bytes."""
    data = bytes(range(256)) * 32

    assert hashes(data, 256) == [data[start : start + 32] for start in range(0, 8_192, 32)]
    assert hashes(data[:32], 1) == [data[:32]]


@pytest.mark.parametrize(("length", "width"), [(0, 1), (31, 1), (33, 1), (64, 1), (8_160, 256)])
def test_a_tile_of_another_length_is_refused(length: int, width: int) -> None:
    """A tile that is cut, too wide, or too narrow is none of that path."""
    words = f"no tile: it has {length} bytes, and one of width {width} has {32 * width}"
    with pytest.raises(MalformedEvidence, match=words):
        hashes(bytes(length), width)


# --- laws


@law
@given(tiles)
def test_a_path_survives_being_read(tile: Tile) -> None:
    """Whichever tile."""
    assert Tile.read(str(tile)) == tile


@law
@given(tiles.map(str), st.data())
def test_a_path_that_is_read_is_the_only_one_of_that_tile(path: str, data: st.DataObject) -> None:
    """Two paths to one file would be cached twice, and one of them may leave its folder."""
    at = data.draw(st.integers(0, len(path)))
    cut = data.draw(st.integers(0, 4))
    put = data.draw(st.text("0123456789x/.p-+entris\n\u0663", max_size=4))
    changed = path[:at] + put + path[at + cut :]

    with suppress(MalformedEvidence):
        assert str(Tile.read(changed)) == changed


@law
@given(st.text(st.characters()))
def test_arbitrary_text_is_no_path_of_a_tile(text: str) -> None:
    """Whatever comes from outside is refused in a sentence, and nothing else happens."""
    with pytest.raises(MalformedEvidence):
        Tile.read(text)


@law
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_survives_being_written(entries: list[bytes]) -> None:
    """Whatever the entries."""
    assert unbundled(bundle(entries)) == entries


@law
@given(st.binary(max_size=600) | st.lists(st.sampled_from([b"\0", b"\1", b"\2"])).map(b"".join))
def test_arbitrary_bytes_are_a_bundle_or_refused(data: bytes) -> None:
    """And a bundle is written in one way."""
    with suppress(EvidenceError):
        assert bundle(unbundled(data)) == data


@law
@given(st.binary(max_size=600), st.integers(1, 256))
def test_arbitrary_bytes_are_a_tile_or_refused(data: bytes, width: int) -> None:
    """And a tile is its hashes, one after another."""
    with suppress(EvidenceError):
        assert b"".join(hashes(data, width)) == data


@law
@given(st.integers(0, 2**20))
def test_tiles_of_a_level_cover_it_without_a_gap(size: int) -> None:
    """Each hash of a level stands in one tile; only the last tile is partial."""
    for level in (None, 0, 1, 2):
        at = 0
        for tile in tiles_of(level, size):
            assert tile.first == at
            at += tile.width
        assert at == size >> HEIGHT * (level or 0)
