"""Proofs in files: the vector as one, verified from end to end, and what is no such file."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.evidence.checkpoints import opened
from service.evidence.errors import EvidenceError, MalformedEvidence
from service.evidence.merkle import leaf_hash
from service.evidence.notes import VerifierKey
from service.evidence.proofs import verify_inclusion
from service.evidence.tlog_proofs import FIRST_LINE, MOST_HASHES, TlogProof

law = settings(
    max_examples=150, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)

KEY = VerifierKey.read(
    "example.test/timeline+226fa979+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
)
ONE = "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o="
TWO = "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc="
HEAD = f"c2sp.org/tlog-proof@v1\nindex 6\n{ONE}\n{TWO}\n\n"
CHECKPOINT = (
    "example.test/timeline\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n\n"
    "\u2014 example.test/timeline Im+peRS3WPko0+VsQqcG5rcKic/PscxjKccMYni/NFfD8njVtwuBYojJFUXznwOq"
    "RtJARU6AjesT6IgbGA1Ro/u1tA0=\n"
).encode()
FILE = HEAD.encode() + CHECKPOINT
"""Computed by golang.org/x/mod/sumdb."""

SIX = TlogProof(index=6, proof=(b64decode(ONE), b64decode(TWO)), checkpoint=CHECKPOINT)
ENTRY = bytes.fromhex("5051525354555657")

shas = st.binary(min_size=32, max_size=32)


def verify(data: bytes, index: int) -> None:
    """Verify a file as a reader does who means the entry at an index."""
    proof = TlogProof.read(data)
    checkpoint = opened(proof.checkpoint, [KEY])
    verify_inclusion(leaf_hash(ENTRY), index, checkpoint.size, checkpoint.root, proof.proof)


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield some bytes with each single bit changed."""
    number = int.from_bytes(data, "big")
    for bit in range(8 * len(data)):
        yield (number ^ 1 << bit).to_bytes(len(data), "big")


# --- the vector


def test_a_file_holds_index_hashes_and_checkpoint() -> None:
    """c2sp.org/tlog-proof, with the vector of Go's checksum database: 6 in 7."""
    assert SIX.to_bytes() == FILE
    assert TlogProof.read(FILE) == SIX
    verify(FILE, 6)


def test_extra_data_stand_behind_the_first_line() -> None:
    """c2sp.org/tlog-proof: what the log adds, and nothing vouches for."""
    file = TlogProof(index=6, proof=SIX.proof, checkpoint=CHECKPOINT, extra=b"an opening")

    written = file.to_bytes()

    line = f"extra {b64encode(b'an opening').decode()}\n"
    assert written == FILE.replace(b"index", line.encode() + b"index", 1)
    assert TlogProof.read(written) == file
    verify(written, 6)


def test_a_log_of_one_entry_needs_no_hashes() -> None:
    """Its leaf is its root."""
    data = b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + CHECKPOINT

    assert TlogProof.read(data) == TlogProof(index=0, proof=(), checkpoint=CHECKPOINT)


def test_a_checkpoint_is_kept_byte_for_byte() -> None:
    """Even with blank lines in it, or broken: who signed what is the note's to say."""
    for checkpoint in (b"", b"\n\n", b"a\n\n\n\xe2\x80\x94 b\n\n", b"\xff\t\r\n"):
        assert TlogProof.read(HEAD.encode() + checkpoint).checkpoint == checkpoint


def test_every_changed_bit_of_a_file_is_refused_but_for_the_claimed_index() -> None:
    """The reader says which entry he means, so that line alone is not part of the proof."""
    start = FILE.index(b"index 6") + len(b"index ")
    accepted: set[int] = set()
    for bit, data in enumerate(flipped(FILE)):
        with suppress(EvidenceError):
            verify(data, 6)
            accepted.add(len(FILE) - 1 - bit // 8)

    assert accepted == {start}
    for index in (0, 5, 7, 6 ^ 2**62):
        with pytest.raises(EvidenceError):
            verify(FILE, index)


# --- the form


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("", "first line is c2sp.org/tlog-proof@v1"),
        ("\n\n", "first line is"),
        (HEAD.removesuffix("\n"), "a blank line ends its hashes"),
        (HEAD.replace("@v1", "@v2"), "first line is"),
        (HEAD.replace("@v1", "@v1 "), "first line is"),
        (HEAD.replace("c2sp", "C2SP"), "first line is"),
        (f"\n{HEAD}", "first line is"),
        (f" {HEAD}", "first line is"),
        (f"\ufeff{HEAD}", "first line is"),
        (HEAD.replace("\n", "\r\n"), "control character U\\+000D"),
        (HEAD.replace("\n", "\u2028"), "first line is"),
        (HEAD.replace("index 6", "index\t6"), "control character U\\+0009"),
        ("c2sp.org/tlog-proof@v1\n\n", "no line says 'index'"),
        (HEAD.replace("index 6\n", ""), "no line says 'index'"),
        (HEAD.replace("index 6", "Index 6"), "no line says 'index'"),
        (HEAD.replace("index 6", " index 6"), "no line says 'index'"),
        (HEAD.replace("index 6", "index"), "no line says 'index'"),
        (HEAD.replace("index 6", "index6"), "no line says 'index'"),
        (HEAD.replace("index 6", "extraAAAA\nindex 6"), "no line says 'index'"),
        (HEAD.replace("index 6", "Extra AAAA\nindex 6"), "no line says 'index'"),
        (HEAD.replace("index 6", "extra AAAA\nextra AAAA\nindex 6"), "no line says 'index'"),
        (HEAD.replace("index 6", "extra AAAA"), "no line says 'index'"),
        ("c2sp.org/tlog-proof@v1\nextra AAAA\n\n", "no line says 'index'"),
        (HEAD.replace("index 6", "index 6\nextra AAAA"), "not base64"),
        (HEAD.replace("index 6", "index 6\nindex 6"), "not base64"),
        (HEAD.replace("index 6", "extra QR==\nindex 6"), "another spelling"),
        (HEAD.replace("index 6", "extra QQ\nindex 6"), "not base64"),
        (HEAD.replace("index 6", "extra  QQ==\nindex 6"), "not base64"),
        (HEAD.replace("index 6", "extra QQ== \nindex 6"), "not base64"),
        (HEAD.replace("index 6", "extra -_-_\nindex 6"), "not base64"),
        *((HEAD.replace("index 6", f"index {index}"), "not a decimal number") for index in (
            "", "06", "+6", "-6", "-0", " 6", "6 ", "0x6", "6_0", "6.0", "\u0666", "1\u0666", "six",
            "9223372036854775808", "9" * 5_000,
        )),
        (HEAD.replace(ONE, f" {ONE}"), "not base64"),
        (HEAD.replace(ONE, f"{ONE} "), "not base64"),
        (HEAD.replace(ONE, ONE[:-1]), "not base64"),
        (HEAD.replace(ONE, ONE.replace("72o=", "72p=")), "another spelling"),
        (HEAD.replace(ONE, "AAAA"), "has 3 bytes, and a SHA-256 has 32"),
        (HEAD.replace(f"{ONE}\n", ONE), "not base64|bytes, and a SHA-256"),
        (HEAD.replace(ONE, "\n".join([ONE] * MOST_HASHES)), "64 hashes, more than any tree"),
    ],
)  # fmt: skip
def test_what_is_no_proof_in_a_file_is_refused(head: str, words: str) -> None:
    """c2sp.org/tlog-proof, section "Format"; Python's own readers take some of these."""
    if head.endswith("\n\n"):
        with pytest.raises(MalformedEvidence, match=f"no tlog-proof: .*{words}"):
            TlogProof.read(head.encode() + CHECKPOINT)
    with pytest.raises(MalformedEvidence, match="no tlog-proof"):
        TlogProof.read(head.encode())


def test_an_extra_line_without_data_is_refused() -> None:
    """c2sp.org/tlog-proof: if no extra data is present, this line is omitted."""
    with pytest.raises(MalformedEvidence, match=r"no tlog-proof: .*extra"):
        TlogProof.read(FILE.replace(b"index 6", b"extra \nindex 6"))


def test_bytes_that_are_no_text_are_refused() -> None:
    """Above the blank line; what is below is the note's to judge."""
    with pytest.raises(MalformedEvidence, match="no tlog-proof: it is not UTF-8 from byte 1 on"):
        TlogProof.read(b"\xff" + FILE)


def test_as_many_hashes_as_a_tree_is_high_are_read() -> None:
    """A tree of 2^63 leaves has ways of 63 hashes."""
    file = TlogProof(index=2**63 - 1, proof=SIX.proof[:1] * MOST_HASHES, checkpoint=CHECKPOINT)

    assert TlogProof.read(file.to_bytes()) == file


# --- laws


@law
@given(st.integers(0, 2**63 - 1), st.lists(shas, max_size=MOST_HASHES), st.binary(), st.binary())
def test_a_file_survives_being_written(
    index: int, proof: list[bytes], checkpoint: bytes, extra: bytes
) -> None:
    """Whatever stands in it."""
    file = TlogProof(index=index, proof=tuple(proof), checkpoint=checkpoint, extra=extra)

    assert TlogProof.read(file.to_bytes()) == file


@law
@given(st.data())
def test_a_file_that_is_read_is_the_only_one_of_that_proof(data: st.DataObject) -> None:
    """Two spellings of one proof would be two files to compare."""
    valid = FILE.replace(b"index", b"extra AAAA\nindex", 1)
    at = data.draw(st.integers(0, len(valid)))
    cut = data.draw(st.integers(0, 4))
    put = data.draw(st.binary(max_size=4) | st.text("0169=+/\nAw_ ", max_size=4).map(str.encode))
    changed = valid[:at] + put + valid[at + cut :]

    with suppress(MalformedEvidence):
        assert TlogProof.read(changed).to_bytes() == changed


@law
@given(st.binary() | st.text().map(str.encode))
def test_arbitrary_bytes_are_no_proof(data: bytes) -> None:
    """Whatever comes from outside is refused in a sentence, and nothing else happens."""
    with pytest.raises(MalformedEvidence):
        TlogProof.read(data)
    with suppress(EvidenceError):
        verify(f"{FIRST_LINE}\n".encode() + data, 6)
    with suppress(EvidenceError):
        verify(HEAD.encode() + data, 6)
