"""The Merkle tree: the vectors of other implementations, and RFC 6962 spelt out, up to 256."""

from base64 import b64decode
from itertools import pairwise

import pytest

from service.evidence.merkle import (
    EMPTY_ROOT,
    Frontier,
    FrontierError,
    Node,
    extend,
    leaf_hash,
    node_hash,
    root,
)

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The usual eight leaves of Certificate Transparency's tests."""


def tree_hash(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word, over leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def test_hashes_are_those_of_the_go_checksum_database() -> None:
    """Computed by golang.org/x/mod/sumdb/tlog."""
    empty, zero = leaf_hash(b""), leaf_hash(b"\x00")

    assert empty == b64decode("bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=")
    assert zero == b64decode("lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=")
    assert node_hash(empty, zero) == b64decode("+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=")
    assert b64decode("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") == EMPTY_ROOT


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        (3, "rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc="),
        (7, "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw="),
        (8, "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="),
    ],
)
def test_roots_are_those_of_the_go_checksum_database(size: int, expected: str) -> None:
    """Computed by golang.org/x/mod/sumdb/tlog."""
    frontier, _ = extend(Frontier(), map(leaf_hash, LEAVES[:size]))

    assert root(frontier) == b64decode(expected)


def test_seventy_thousand_leaves_have_the_root_of_the_go_checksum_database() -> None:
    """Computed by golang.org/x/mod/sumdb/tlog; leaf i is the decimal i."""
    frontier, nodes = extend(Frontier(), (leaf_hash(b"%d" % i) for i in range(70_000)))

    assert root(frontier) == b64decode("Gkzfy2Y3SgwNy+9JrL1JdtE+6GT7PLJB/JQ8rQTwL34=")
    assert len(nodes) == 70_000 - (70_000).bit_count()


def test_growing_by_one_gives_the_root_of_the_rfc_at_every_size() -> None:
    """RFC 6962 section 2.1; exhaustive below 256."""
    leaves = [leaf_hash(b"%d" % i) for i in range(256)]
    frontier = Frontier()

    for size, leaf in enumerate(leaves, 1):
        frontier, _ = extend(frontier, [leaf])
        assert frontier.size == size
        assert root(frontier) == tree_hash(leaves[:size])


def test_growing_at_once_is_growing_in_two_steps() -> None:
    """A batch must leave the tree that single appends leave."""
    leaves = [leaf_hash(b"%d" % i) for i in range(70)]

    for size in range(71):
        whole, all_nodes = extend(Frontier(), leaves[:size])
        for cut in range(size + 1):
            part, first = extend(Frontier(), leaves[:cut])
            again, second = extend(part, leaves[cut:size])
            assert again == whole
            assert first + second == all_nodes


def test_each_complete_node_is_given_once_and_covers_its_leaves() -> None:
    """Stored nodes must be exactly the complete subtrees: 2^level leaves from index on."""
    leaves = [leaf_hash(b"%d" % i) for i in range(255)]
    expected = [
        Node(level, index, tree_hash(leaves[index << level : (index + 1) << level]))
        for level in range(1, 8)
        for index in range(255 >> level)
    ]

    _, nodes = extend(Frontier(), leaves)

    assert sorted(nodes, key=lambda node: (node.level, node.index)) == expected


def test_children_come_before_their_parents() -> None:
    """So that whoever stores them in order never has a parent without its children."""
    _, nodes = extend(Frontier(), [leaf_hash(b"%d" % i) for i in range(64)])

    for before, after in pairwise(nodes):
        assert after.level == 1 or after.level == before.level + 1


def test_a_frontier_survives_being_written() -> None:
    """The head row keeps it as bytes."""
    for size in range(130):
        frontier, _ = extend(Frontier(), [leaf_hash(b"%d" % i) for i in range(size)])

        assert Frontier.from_bytes(size, frontier.to_bytes()) == frontier


@pytest.mark.parametrize(
    ("size", "blob", "words"),
    [
        (7, b"x" * 64, "size 7 has a frontier of 3 hashes of 32 bytes.*found 2 hashes"),
        (0, b"x" * 32, "found 1 hashes"),
        (1, b"x" * 33, "found 33 bytes in all"),
        (-1, b"x" * 32, "0 or more, not -1"),
    ],
)
def test_hashes_that_do_not_fit_the_size_are_refused(size: int, blob: bytes, words: str) -> None:
    """A head row that was tampered with must not grow into a tree."""
    with pytest.raises(FrontierError, match=words):
        Frontier.from_bytes(size, blob)


def test_a_hash_of_another_length_is_refused() -> None:
    """Hashes are concatenated when written: a short one would shift all behind it."""
    with pytest.raises(FrontierError, match="found 31 bytes as number 2"):
        Frontier(3, (b"x" * 32, b"x" * 31))
