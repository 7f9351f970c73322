r"""Proofs over the tree: RFC 6962 section 2.1, verified as RFC 9162 section 2.1.3 and 2.1.4 say.

A proof is a list of hashes, each the root over some leaves side by side (a *span*). Which spans
they are depends on sizes alone, so it is worked out first; each span is covered by complete
subtrees, which a log has stored, and nothing else needs to be read::

    inclusion of 5 in 7:   [4,5) [6,7) [0,4)      leaf's sibling first
    consistency of 4 in 7: [4,7)                  because the tree over 4 is complete

Whoever verifies takes index and sizes from what he knows (his own checkpoints), never from what
came with the proof.

Next: service/evidence/checkpoints.py, what is signed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from service.evidence.errors import ProofRefused
from service.evidence.merkle import EMPTY_ROOT, node_hash

_WRONG_LENGTH: Final = (
    "The proof has another number of hashes than one of these sizes has: sizes and proof do not"
    " belong together."
)

NodeAt = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree on a level, by its index there; leaves are level 0."""


@dataclass(frozen=True, slots=True)
class Span:
    """Leaves side by side, from ``start`` up to and without ``end``."""

    start: int
    end: int

    def subtrees(self) -> Iterator[tuple[int, int]]:
        """Yield the complete subtrees that cover it, as (level, index), largest first.

        >>> list(Span(0, 7).subtrees())
        [(2, 0), (1, 2), (0, 6)]
        """
        start, size = self.start, self.end - self.start
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                yield level, start >> level
                start += 1 << level

    def root(self, at: NodeAt) -> bytes:
        """Hash it, smallest subtree first."""
        found = [at(level, index) for level, index in self.subtrees()]
        if not found:
            return EMPTY_ROOT
        *larger, folded = found
        for subtree in reversed(larger):
            folded = node_hash(subtree, folded)
        return folded


def nodes_of(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Return every node that some spans need, as (level, index)."""
    return [node for span in spans for node in span.subtrees()]


def inclusion(index: int, size: int) -> tuple[Span, ...]:
    """Return the spans of the proof that a tree of ``size`` leaves holds the one at ``index``.

    >>> inclusion(5, 7)
    (Span(start=4, end=5), Span(start=6, end=7), Span(start=0, end=4))

    Raises:
        ValueError: Not 0 <= index < size.
    """
    if not 0 <= index < size:
        message = f"A tree of {size} leaves has no leaf {index}."
        raise ValueError(message)
    found: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append(Span(middle, end))
            end = middle
        else:
            found.append(Span(start, middle))
            start = middle
    return tuple(reversed(found))


def consistency(old: int, new: int) -> tuple[Span, ...]:
    """Return the spans of the proof that a tree of ``new`` leaves continues one of ``old``.

    >>> consistency(4, 7)
    (Span(start=4, end=7),)

    Raises:
        ValueError: Not 0 <= old <= new.
    """
    if not 0 <= old <= new:
        message = f"A tree of {new} leaves cannot continue one of {old}."
        raise ValueError(message)
    found: list[Span] = []
    start, end, wanted = 0, new, old
    # As long as the old tree is the left edge of what is left, its root is known to the verifier.
    known = True
    while 0 < wanted < end - start:
        half = _split(end - start)
        if wanted <= half:
            found.append(Span(start + half, end))
            end = start + half
        else:
            found.append(Span(start, start + half))
            start, wanted, known = start + half, wanted - half, False
    if old and not known:
        found.append(Span(start, end))
    return tuple(reversed(found))


def verify_inclusion(
    leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a tree holds a leaf (RFC 9162, section 2.1.3.2).

    Args:
        leaf: The hash of the leaf.
        index: Where it should be, from 0.
        size: Of the tree, from a checkpoint that the caller trusts, as ``root`` is.
        root: Of the tree.
        proof: The hashes, that of the leaf's sibling first.

    Raises:
        ProofRefused: The proof does not lead from the leaf to the root.
    """
    if not 0 <= index < size:
        last_one = f": its last one is {size - 1}" if size > 0 else ""
        sentence = f"A log of {size} entries has no entry {index}{last_one}."
        raise ProofRefused(sentence)
    folded = leaf
    for sibling, on_the_left in _turns(index, size - 1, proof):
        folded = node_hash(sibling, folded) if on_the_left else node_hash(folded, sibling)
    if folded != root:
        sentence = (
            f"The proof does not lead from entry {index} to the root of the log at {size} entries:"
            " entry, index, proof and checkpoint do not belong together."
        )
        raise ProofRefused(sentence)


def verify_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a tree continues another (RFC 9162, section 2.1.4.2).

    Args:
        old: Size of the earlier tree, from a checkpoint that the caller trusts.
        old_root: Its root.
        new: Size of the later one, from a checkpoint that the caller trusts.
        new_root: Its root.
        proof: The hashes.

    Raises:
        ProofRefused: They are two histories, or the proof is not of these sizes.
    """
    if not 0 <= old <= new:
        sentence = f"A log of {new} entries cannot continue one of {old}: entries are missing."
        raise ProofRefused(sentence)
    if old in (0, new):
        if proof:
            raise ProofRefused(_WRONG_LENGTH)
        if old_root != (new_root if old == new else EMPTY_ROOT):
            raise ProofRefused(_forked(old, new))
        return
    # The root over a power of two is a node of the later tree: the proof leaves it out.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise ProofRefused(_WRONG_LENGTH)
    # Where the last entry of the old tree ends a complete subtree, the proof begins above it.
    level = (old & -old).bit_length() - 1
    before = after = path[0]
    for one, on_the_left in _turns((old - 1) >> level, (new - 1) >> level, path[1:]):
        after = node_hash(one, after) if on_the_left else node_hash(after, one)
        before = node_hash(one, before) if on_the_left else before
    if before != old_root or after != new_root:
        raise ProofRefused(_forked(old, new))


def _turns(position: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Climb from a node to the root: yield each hash, and whether it stands on the left.

    Args:
        position: The node's index on its level.
        last: The index of the last node there.
        proof: As many hashes as the way has.
    """
    for one in proof:
        if last == 0:
            raise ProofRefused(_WRONG_LENGTH)
        on_the_left = bool(position & 1) or position == last
        yield one, on_the_left
        while on_the_left and position and not position & 1:
            position, last = position >> 1, last >> 1
        position, last = position >> 1, last >> 1
    if last:
        raise ProofRefused(_WRONG_LENGTH)


def _split(size: int) -> int:
    """Return the largest power of two that is smaller than a size."""
    return 1 << (size - 1).bit_length() - 1


def _forked(old: int, new: int) -> str:
    return (
        f"The log at {new} entries does not continue the log at {old}: an entry up to position"
        f" {old} is another one than it was, or the proof is not of these two."
    )
