"""Proofs: the vectors of Go's checksum database, RFC 6962 spelt out, and every bit changed."""

import os
from base64 import b64decode
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.evidence.errors import ProofRefused
from service.evidence.merkle import EMPTY_ROOT, Frontier, extend, leaf_hash, node_hash
from service.evidence.proofs import (
    NodeAt,
    Span,
    consistency,
    inclusion,
    nodes_of,
    verify_consistency,
    verify_inclusion,
)

law = settings(
    max_examples=60, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)

SIZES = 256
HASHES = [leaf_hash(b"%d" % i) for i in range(SIZES)]

CHANGED = (*range(1, 10), 13, 16, 17)
"""Sizes of the trees whose proofs are changed bit by bit: full ones, and ragged ones."""


def log_of(leaves: list[bytes]) -> NodeAt:
    """Store a log's complete subtrees, and nothing else."""
    _, made = extend(Frontier(), leaves)
    nodes = {(0, index): leaf for index, leaf in enumerate(leaves)}
    nodes |= {(node.level, node.index): node.hash for node in made}
    return lambda level, index: nodes[level, index]


stored = log_of(HASHES)


def split(size: int) -> int:
    """RFC 6962 section 2.1: the largest power of two smaller than a size."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k


@cache
def mth(start: int, end: int) -> bytes:
    """RFC 6962 section 2.1: MTH(D[start:end])."""
    if start == end:
        return sha256(b"").digest()
    if end - start == 1:
        return HASHES[start]
    middle = start + split(end - start)
    return sha256(b"\x01" + mth(start, middle) + mth(middle, end)).digest()


def path(m: int, start: int, end: int) -> list[bytes]:
    """RFC 6962 section 2.1.1: PATH(m, D[start:end])."""
    if end - start == 1:
        return []
    k = split(end - start)
    middle = start + k
    if m < k:
        return [*path(m, start, middle), mth(middle, end)]
    return [*path(m - k, middle, end), mth(start, middle)]


def sub(m: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2: SUBPROOF(m, D[start:end], whole)."""
    if m == end - start:
        return [] if whole else [mth(start, end)]
    k = split(end - start)
    middle = start + k
    if m <= k:
        return [*sub(m, start, middle, whole=whole), mth(middle, end)]
    return [*sub(m - k, middle, end, whole=False), mth(start, middle)]


def sides(m: int, size: int) -> list[str]:
    """Where the hashes of PATH stand, which is all that a size says to a verifier."""
    if size == 1:
        return []
    k = split(size)
    return [*sides(m, k), "right"] if m < k else [*sides(m - k, size - k), "left"]


def turns(m: int, size: int, *, whole: bool = True) -> list[str]:
    """Where the hashes of SUBPROOF stand, which is all that the later size says to a verifier."""
    if m in (0, size):
        return [] if whole else ["itself"]
    k = split(size)
    if m <= k:
        return [*turns(m, k, whole=whole), "right"]
    return [*turns(m - k, size - k, whole=False), "left"]


def roots(spans: Sequence[Span]) -> list[bytes]:
    """Make the hashes of a proof from stored nodes."""
    return [span.root(stored) for span in spans]


def included(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof of inclusion holds."""
    try:
        verify_inclusion(leaf, index, size, root, proof)
    except ProofRefused:
        return False
    return True


def continued(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof of consistency holds."""
    try:
        verify_consistency(old, old_root, new, new_root, proof)
    except ProofRefused:
        return False
    return True


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield some bytes with each single bit changed."""
    number = int.from_bytes(data, "big")
    for bit in range(8 * len(data)):
        yield (number ^ 1 << bit).to_bytes(len(data), "big")


def spoilt(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield a proof with each bit changed."""
    for at, one in enumerate(proof):
        for other in flipped(one):
            yield [*proof[:at], other, *proof[at + 1 :]]


def longer_and_shorter(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield a proof with a hash taken out, put in, or doubled, at each place."""
    for at in range(len(proof) + 1):
        yield [*proof[:at], HASHES[0], *proof[at:]]
        yield [*proof[:at], EMPTY_ROOT, *proof[at:]]
    for at in range(len(proof)):
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[: at + 1], *proof[at:]]


# --- vectors


def test_proofs_are_those_of_the_go_checksum_database() -> None:
    """Computed by golang.org/x/mod/sumdb/tlog, over the eight leaves of its and CT's tests."""
    entries = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in entries]
    at = log_of(leaves)
    root = b64decode("3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=")

    six = [span.root(at) for span in inclusion(6, 7)]
    on = [span.root(at) for span in consistency(4, 7)]

    assert six == [
        b64decode("DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o="),
        b64decode("037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc="),
    ]
    assert on == [b64decode("g327FS6bB5AQcX6E6GXaTrwPoZioBtWdMb8VrM7yLQ4=")]
    verify_inclusion(leaves[6], 6, 7, root, six)
    verify_consistency(4, at(2, 0), 7, root, on)


def test_proofs_are_those_of_the_example_in_the_rfc() -> None:
    """RFC 6962 section 2.1.3, a tree of seven leaves, with the letters of its picture."""
    b, c, d, f, j = (Span(at, at + 1) for at in (1, 2, 3, 5, 6))
    g, h, i, k, l_ = Span(0, 2), Span(2, 4), Span(4, 6), Span(0, 4), Span(4, 7)

    assert inclusion(0, 7) == (b, h, l_)
    assert inclusion(3, 7) == (c, g, l_)
    assert inclusion(4, 7) == (f, j, k)
    assert inclusion(6, 7) == (i, k)
    assert consistency(3, 7) == (c, d, g, l_)
    assert consistency(4, 7) == (l_,)
    assert consistency(6, 7) == (i, j, k)


# --- agreement with the definitions


def test_inclusion_is_path_of_the_rfc_at_every_size() -> None:
    """RFC 6962 section 2.1.1; exhaustive up to 256, from stored nodes of that size alone."""
    for size in range(SIZES + 1):
        root = mth(0, size)
        for index in range(size):
            spans = inclusion(index, size)
            proof = roots(spans)

            assert proof == path(index, 0, size)
            assert all((at + 1) << level <= size for level, at in nodes_of(spans))
            verify_inclusion(HASHES[index], index, size, root, proof)


def test_consistency_is_proof_of_the_rfc_at_every_size() -> None:
    """RFC 6962 section 2.1.2; exhaustive up to 256. From size 0 there is nothing to prove."""
    for new in range(SIZES + 1):
        for old in range(new + 1):
            spans = consistency(old, new)
            proof = roots(spans)

            assert proof == (sub(old, 0, new, whole=True) if old else [])
            assert all((at + 1) << level <= new for level, at in nodes_of(spans))
            verify_consistency(old, mth(0, old), new, mth(0, new), proof)


def test_every_root_is_folded_from_stored_nodes() -> None:
    """RFC 6962 section 2.1: any past size can be proven from what is stored today."""
    for size in range(SIZES + 1):
        assert Span(0, size).root(stored) == mth(0, size)


def test_nodes_are_listed_in_the_order_in_which_roots_take_them() -> None:
    """So that a log can read all of a proof's nodes at once."""
    assert nodes_of(inclusion(2, 7)) == [(0, 3), (1, 0), (1, 2), (0, 6)]
    assert nodes_of(()) == []


@law
@given(st.data())
def test_proofs_hold_in_trees_of_any_size(data: st.DataObject) -> None:
    """A log may grow to 2^62 entries; all are alike here, so that nodes need no tree."""
    zeroes = [leaf_hash(b"")]
    for level in range(62):
        zeroes.append(node_hash(zeroes[level], zeroes[level]))
    new = data.draw(st.integers(1, 2**62), "new")
    old = data.draw(st.integers(0, new), "old")
    index = data.draw(st.integers(0, new - 1), "index")

    def at(level: int, _: int) -> bytes:
        return zeroes[level]

    root, old_root = Span(0, new).root(at), Span(0, old).root(at)
    way, on = inclusion(index, new), consistency(old, new)

    assert len(way) <= 62
    verify_inclusion(zeroes[0], index, new, root, [span.root(at) for span in way])
    verify_consistency(old, old_root, new, root, [span.root(at) for span in on])


# --- inclusion: what is refused


def test_every_changed_bit_of_a_proof_of_inclusion_is_refused() -> None:
    """One bit of the leaf, of the root or of any hash."""
    for size in CHANGED:
        root = mth(0, size)
        for index in range(size):
            leaf, proof = HASHES[index], path(index, 0, size)

            assert included(leaf, index, size, root, proof)
            assert not any(included(one, index, size, root, proof) for one in flipped(leaf))
            assert not any(included(leaf, index, size, one, proof) for one in flipped(root))
            assert not any(included(leaf, index, size, root, one) for one in spoilt(proof))


def test_every_changed_bit_of_an_index_is_refused() -> None:
    """The way from the root down tells leaves apart, so each proof is of one index alone."""
    for size in range(1, 34):
        for index in range(size):
            proof, root = path(index, 0, size), mth(0, size)

            for bit in range(64):
                assert not included(HASHES[index], index ^ 1 << bit, size, root, proof)


def test_every_other_index_is_refused() -> None:
    """A proof that answers for two positions would prove neither."""
    for size in range(1, 34):
        root = mth(0, size)
        for index in range(size):
            proof = path(index, 0, size)
            leaf, places = HASHES[index], range(-1, size + 1)
            holding = [at for at in places if included(leaf, at, size, root, proof)]

            assert holding == [index]


def test_a_changed_size_is_refused_unless_the_way_up_is_the_same() -> None:
    """RFC 9162 section 2.1.3.2 reads from the size which way the proof goes, and no more.

    Entry 0 of 5 is entry 0 of a tree of 7 with the same root, too, if its other half were one leaf.
    What binds a size to its root is the checkpoint that signs both, never the proof.
    """
    for size in range(1, 26):
        root = mth(0, size)
        for index in range(size):
            proof = path(index, 0, size)
            for other in (size ^ 1 << bit for bit in range(64)):
                same_way = index < other and sides(index, other) == sides(index, size)

                assert included(HASHES[index], index, other, root, proof) == same_way


def test_the_last_entry_of_a_log_is_bound_to_its_size() -> None:
    """The way up from the right edge is another one in every size."""
    for size in range(1, 66):
        for other in range(1, 66):
            proof, root = path(size - 1, 0, size), mth(0, size)
            holds = included(HASHES[size - 1], size - 1, other, root, proof)

            assert holds == (other == size)


def test_hashes_added_to_a_proof_of_inclusion_or_taken_out_are_refused() -> None:
    """Each index and size has a proof of one length."""
    for size in range(1, 34):
        for index in range(size):
            for proof in longer_and_shorter(path(index, 0, size)):
                assert not included(HASHES[index], index, size, mth(0, size), proof)


@pytest.mark.parametrize(
    ("index", "size", "words"),
    [
        (7, 7, "log of 7 entries has no entry 7: its last one is 6"),
        (-1, 7, "has no entry -1"),
        (2**64, 7, "has no entry 18446744073709551616"),
        (0, -1, "no entry 0"),
    ],
)
def test_an_index_outside_of_the_tree_is_refused(index: int, size: int, words: str) -> None:
    """Whether asked for or to be verified."""
    with pytest.raises(ProofRefused, match=words):
        verify_inclusion(HASHES[0], index, size, mth(0, 7), path(6, 0, 7))
    with pytest.raises(ValueError, match=f"tree of {size} leaves has no leaf {index}"):
        inclusion(index, size)


def test_an_empty_log_is_said_to_be_empty() -> None:
    """It has no last entry whose number could be named."""
    with pytest.raises(ProofRefused, match="no entry 0") as refusal:
        verify_inclusion(HASHES[0], 0, 0, EMPTY_ROOT, [])

    assert "-1" not in str(refusal.value)


def test_a_proof_of_inclusion_that_leads_elsewhere_says_so() -> None:
    """Length and root are two faults: the first is of sizes, the second of contents."""
    with pytest.raises(ProofRefused, match=r"does not lead from entry 3 to the root.* 7 entries"):
        verify_inclusion(HASHES[3], 3, 7, mth(0, 8), path(3, 0, 7))
    with pytest.raises(ProofRefused, match="another number of hashes"):
        verify_inclusion(HASHES[3], 3, 7, mth(0, 7), path(3, 0, 7)[:-1])
    with pytest.raises(ProofRefused, match="another number of hashes"):
        verify_inclusion(HASHES[0], 0, 1, HASHES[0], [HASHES[0]])


# --- consistency: what is refused


def test_every_changed_bit_of_a_proof_of_consistency_is_refused() -> None:
    """One bit of either root or of any hash."""
    for new in CHANGED:
        new_root = mth(0, new)
        for old in range(1, new + 1):
            old_root, proof = mth(0, old), sub(old, 0, new, whole=True)

            assert continued(old, old_root, new, new_root, proof)
            assert not any(continued(old, one, new, new_root, proof) for one in flipped(old_root))
            assert not any(continued(old, old_root, new, one, proof) for one in flipped(new_root))
            assert not any(continued(old, old_root, new, new_root, one) for one in spoilt(proof))


def test_every_changed_bit_of_the_old_root_of_an_empty_log_is_refused() -> None:
    """RFC 9162 section 2.1.4.2 has no proof from size 0; its root is known all the same."""
    for new in (0, 1, 7):
        for one in flipped(EMPTY_ROOT):
            assert not continued(0, one, new, mth(0, new), [])


def test_every_log_continues_an_empty_one() -> None:
    """Whatever its root: a log without entries promised nothing."""
    for new in (1, 2, 2**40):
        assert continued(0, EMPTY_ROOT, new, sha256(b"any").digest(), [])


def test_every_changed_bit_of_the_old_size_is_refused() -> None:
    """A checkpoint of another size is no earlier state of this log with that root."""
    for new in range(1, 34):
        for old in range(new + 1):
            proof = roots(consistency(old, new))

            for other in (old ^ 1 << bit for bit in range(64)):
                assert not continued(other, mth(0, old), new, mth(0, new), proof)


def test_a_changed_new_size_is_refused_unless_the_way_up_is_the_same() -> None:
    """RFC 9162 section 2.1.4.2 reads from the sizes which way the proof goes, and no more.

    As with inclusion: the checkpoint binds the later root to the later size.
    """
    for new in range(1, 26):
        for old in range(1, new + 1):
            proof = roots(consistency(old, new))
            for other in (new ^ 1 << bit for bit in range(64)):
                same_way = old <= other and turns(old, other) == turns(old, new)

                assert continued(old, mth(0, old), other, mth(0, new), proof) == same_way


def test_hashes_added_to_a_proof_of_consistency_or_taken_out_are_refused() -> None:
    """Each pair of sizes has a proof of one length."""
    for new in range(34):
        for old in range(new + 1):
            for proof in longer_and_shorter(roots(consistency(old, new))):
                assert not continued(old, mth(0, old), new, mth(0, new), proof)


def test_a_log_that_keeps_the_old_one_elsewhere_does_not_continue_it() -> None:
    """A known forgery: c, d, a, b shown as a continuation of a, b (pymerkle up to 6.1.0)."""
    a, b, c, d = HASHES[:4]
    old_root = node_hash(a, b)
    new_root = node_hash(node_hash(c, d), old_root)

    for proof in ([], [node_hash(c, d)], [old_root, node_hash(c, d)], [c, d, old_root]):
        assert not continued(2, old_root, 4, new_root, proof)


def test_a_rewritten_entry_breaks_every_proof() -> None:
    """An auditor who holds an old checkpoint finds any rewrite of what it covers."""
    for changed in range(8):
        leaves = [*HASHES[:changed], leaf_hash(b"rewritten"), *HASHES[changed + 1 : 13]]
        at = log_of(leaves)
        proof = [span.root(at) for span in consistency(8, 13)]
        new_root = Span(0, 13).root(at)

        assert not continued(8, mth(0, 8), 13, new_root, proof)


@pytest.mark.parametrize(("old", "new"), [(8, 7), (-1, 7), (0, -1), (2**63, 7)])
def test_a_log_that_shrank_is_refused(old: int, new: int) -> None:
    """Whether asked for or to be verified."""
    with pytest.raises(ProofRefused, match=f"log of {new} entries cannot continue one of {old}"):
        verify_consistency(old, mth(0, 7), new, mth(0, 7), [])
    with pytest.raises(ValueError, match=f"tree of {new} leaves cannot continue one of {old}"):
        consistency(old, new)


def test_a_fork_says_which_sizes_differ() -> None:
    """Whoever reads it has to know which two checkpoints to keep."""
    proof = sub(3, 0, 7, whole=True)

    with pytest.raises(ProofRefused, match="log at 7 entries does not continue the log at 3"):
        verify_consistency(3, mth(0, 4), 7, mth(0, 7), proof)
    with pytest.raises(ProofRefused, match="log at 7 entries does not continue the log at 7"):
        verify_consistency(7, mth(0, 6), 7, mth(0, 7), [])
    with pytest.raises(ProofRefused, match="does not continue the log at 0"):
        verify_consistency(0, mth(0, 1), 7, mth(0, 7), [])
    for old, wrong in ((0, proof), (7, proof), (3, []), (4, []), (4, proof), (3, proof[:-1])):
        with pytest.raises(ProofRefused, match="another number of hashes"):
            verify_consistency(old, mth(0, old), 7, mth(0, 7), wrong)
