r"""The Merkle tree over the log: RFC 6962 section 2.1, kept by RFC 9162.

    leaf  = SHA-256(0x00 || entry)            entry: an event's canonical bytes
    node  = SHA-256(0x01 || left || right)
    empty = SHA-256("")

The tree over n leaves splits at the largest power of two smaller than n; an odd node is never
doubled. A node is *complete* when all 2^level leaves below it exist: it never changes again, so it
is stored once, under (level, index), where it covers the leaves index·2^level up to and without
(index + 1)·2^level. Leaves are level 0. A growing log needs only its *frontier*: the roots of the
complete subtrees that cover it, largest first, one per bit that is set in its size.

    size 7 = 0b111        root = node(A, node(B, C))

            A             A = (2, 0)   leaves 0 to 3
         /     \
        *       *     B   B = (1, 2)   leaves 4 and 5
       / \     / \   / \
      0   1   2   3 4   5 C = (0, 6)   leaf 6

Next: service/evidence/proofs.py, how a part of the tree proves the whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

HASH_BYTES: Final = 32

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a log without events."""


class FrontierError(ValueError):
    """Hashes cannot be the frontier of a tree of that size."""

    def __init__(self, *, size: int, found: str) -> None:
        self.size = size
        sentence = (
            f"A tree of size {size} has a frontier of {size.bit_count()} hashes of {HASH_BYTES}"
            f" bytes, one per set bit of the size; found {found}."
            if size >= 0
            else f"A tree's size is 0 or more, not {size}."
        )
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Node:
    """A complete inner node, level 1 and up."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """The complete subtrees that cover a tree, largest first: all that an append needs."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse hashes that cannot belong to the size."""
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise FrontierError(size=self.size, found=f"{len(self.hashes)} hashes")
        for index, subtree in enumerate(self.hashes):
            if len(subtree) != HASH_BYTES:
                found = f"{len(subtree)} bytes as number {index + 1}"
                raise FrontierError(size=self.size, found=found)

    @classmethod
    def from_bytes(cls, size: int, blob: bytes) -> Self:
        """Read what `to_bytes` wrote for a tree of `size` leaves.

        Raises:
            FrontierError: the length does not fit the size.
        """
        if len(blob) % HASH_BYTES:
            raise FrontierError(size=size, found=f"{len(blob)} bytes in all")
        starts = range(0, len(blob), HASH_BYTES)
        return cls(size, tuple(blob[start : start + HASH_BYTES] for start in starts))

    def to_bytes(self) -> bytes:
        """Write the hashes one after another, largest subtree first."""
        return b"".join(self.hashes)


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry of the log.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees that stand side by side."""
    return sha256(b"\x01" + left + right).digest()


def extend(frontier: Frontier, leaves: Iterable[bytes]) -> tuple[Frontier, tuple[Node, ...]]:
    """Append leaf hashes to a tree.

    Returns:
        The new frontier, and the inner nodes that became complete, each exactly once in the life
        of a log, children before parents.
    """
    size = frontier.size
    stack = list(frontier.hashes)
    nodes: list[Node] = []
    for leaf in leaves:
        merged, level = leaf, 0
        # Each trailing one bit of the size is a complete subtree as large as the one just made.
        while size >> level & 1:
            merged = node_hash(stack.pop(), merged)
            level += 1
            nodes.append(Node(level, size >> level, merged))
        stack.append(merged)
        size += 1
    return Frontier(size, tuple(stack)), tuple(nodes)


def extend_past(
    frontier: Frontier, leaves: Sequence[bytes], sizes: Iterable[int]
) -> tuple[Frontier, tuple[Node, ...], dict[int, bytes]]:
    """Append leaf hashes as ``extend`` does, and take the root at some sizes on the way.

    Args:
        frontier: The tree so far.
        leaves: What is appended.
        sizes: In ascending order; those that are not passed are left out.

    Returns:
        What ``extend`` returns, and the roots by size.
    """
    nodes: list[Node] = []
    roots: dict[int, bytes] = {}
    begin, end = frontier.size, frontier.size + len(leaves)
    for size in (*(one for one in sizes if begin < one <= end), end):
        frontier, new = extend(frontier, leaves[frontier.size - begin : size - begin])
        nodes += new
        roots[size] = root(frontier)
    return frontier, tuple(nodes), roots


def root(frontier: Frontier) -> bytes:
    """Fold a frontier into the tree's root, smallest subtree first.

    >>> root(Frontier()) == EMPTY_ROOT
    True
    """
    if not frontier.hashes:
        return EMPTY_ROOT
    *larger, folded = frontier.hashes
    for subtree in reversed(larger):
        folded = node_hash(subtree, folded)
    return folded
