"""Checkpoints: the vector, what the specification refuses, and who may sign one."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.evidence.checkpoints import Checkpoint, opened, unsigned
from service.evidence.errors import EvidenceError, MalformedEvidence, SignatureRefused
from service.evidence.merkle import EMPTY_ROOT
from service.evidence.notes import COSIGNATURE, SignerKey, VerifierKey, name_fault, signed

law = settings(
    max_examples=150, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)

LOG = SignerKey("example.test/timeline", bytes(range(0x20)))
STRANGER = SignerKey("stranger.test/log", bytes(range(0x20, 0x40)))
ROOT = "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw="
TEXT = f"example.test/timeline\n7\n{ROOT}\n"
SEVEN = Checkpoint(origin="example.test/timeline", size=7, root=b64decode(ROOT))
WITNESS = VerifierKey.read("witness.test/w1+ad1959f2+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X")
LOG_LINE = (
    "\u2014 example.test/timeline Im+peRS3WPko0+VsQqcG5rcKic/PscxjKccMYni/NFfD8njVtwuBYojJFUXznwOq"
    "RtJARU6AjesT6IgbGA1Ro/u1tA0=\n"
)
WITNESS_LINE = (
    "\u2014 witness.test/w1 rRlZ8gAAAABlU/EA4Q/PUQQzskpi3TIuOLR4x9CQMKjQUIARNBl280SI35iGx4aipMWLmG"
    "0KZGyAbZuVYl12Dc75YGeFJAowUn8QDA==\n"
)
"""Computed by golang.org/x/mod/sumdb/note, the witness's by aics-tlog, at 1700000000."""

PUBLISHED = f"{TEXT}\n{LOG_LINE}{WITNESS_LINE}".encode()

names = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="+"), min_size=1, max_size=20
).filter(lambda name: name_fault(name) is None)


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield some bytes with each single bit changed."""
    number = int.from_bytes(data, "big")
    for bit in range(8 * len(data)):
        yield (number ^ 1 << bit).to_bytes(len(data), "big")


# --- the vector


def test_a_checkpoint_is_written_and_signed_byte_for_byte() -> None:
    """Computed by golang.org/x/mod/sumdb/note, over the tree of the eight usual leaves."""
    assert SEVEN.text() == TEXT
    assert SEVEN.signed([LOG]) == f"{TEXT}\n{LOG_LINE}".encode()


def test_a_published_checkpoint_is_opened_with_the_log_s_key() -> None:
    """Its witness is unknown to this reader, and does no harm."""
    assert opened(PUBLISHED, [LOG.verifier]) == SEVEN
    assert opened(PUBLISHED, [LOG.verifier, WITNESS]) == SEVEN
    assert unsigned(PUBLISHED) == SEVEN


def test_an_empty_log_has_a_checkpoint() -> None:
    """RFC 6962 section 2.1: its root is the hash of nothing."""
    empty = Checkpoint(origin=LOG.name, size=0, root=EMPTY_ROOT)

    assert empty.text() == f"{LOG.name}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert opened(empty.signed([LOG]), [LOG.verifier]) == empty


# --- who may sign


def test_a_checkpoint_that_another_key_signed_is_refused() -> None:
    """The root may be right: nobody vouched for it."""
    with pytest.raises(SignatureRefused, match="No key that is trusted signed it"):
        opened(SEVEN.signed([STRANGER]), [LOG.verifier])
    with pytest.raises(SignatureRefused, match="none at all"):
        opened(PUBLISHED, [])


def test_a_trusted_log_cannot_sign_for_another_log() -> None:
    """Whoever trusts two logs trusts each for its own origin."""
    both = [LOG.verifier, STRANGER.verifier]

    with pytest.raises(SignatureRefused, match=r"of the log example.* signed by stranger\.test"):
        opened(SEVEN.signed([STRANGER]), both)
    assert opened(SEVEN.signed([STRANGER, LOG]), both) == SEVEN


def test_witnesses_alone_make_no_checkpoint() -> None:
    """A cosignature is no signature of the log, though the witness had the log's name."""
    only_witness = f"{TEXT}\n{WITNESS_LINE}".encode()
    namesake = VerifierKey(LOG.name, COSIGNATURE, WITNESS.public)
    cosignature = b64decode(WITNESS_LINE.rsplit(maxsplit=1)[-1])[4:]
    line = f"\u2014 {LOG.name} {b64encode(namesake.id + cosignature).decode()}\n"

    with pytest.raises(SignatureRefused, match="not by the log itself"):
        opened(only_witness, [LOG.verifier, WITNESS])
    assert namesake.signed(TEXT, cosignature)
    with pytest.raises(SignatureRefused, match="not by the log itself"):
        opened(f"{TEXT}\n{line}".encode(), [LOG.verifier, namesake])


def test_a_wrong_signature_of_a_known_witness_is_refused() -> None:
    """c2sp.org/signed-note: a known key that fails rejects the note."""
    moved = f"{TEXT}\n{LOG_LINE}{WITNESS_LINE.replace('rRlZ8gAAAABl', 'rRlZ8gAAAABm')}".encode()

    assert opened(moved, [LOG.verifier]) == SEVEN
    with pytest.raises(SignatureRefused, match=r"signature of witness\.test/w1 is wrong"):
        opened(moved, [LOG.verifier, WITNESS])


def test_every_changed_bit_of_a_checkpoint_is_refused() -> None:
    """Of origin, size, root, key id and signature: a size cannot be had without its root."""
    for data in flipped(f"{TEXT}\n{LOG_LINE}".encode()):
        with pytest.raises(EvidenceError):
            opened(data, [LOG.verifier])


def test_every_changed_bit_of_size_and_root_is_refused() -> None:
    """Of the values, too, whatever their spelling."""
    _, _, below = PUBLISHED.rpartition(b"\n\n")
    sizes = [7 ^ 1 << bit for bit in range(63)]
    changed = [Checkpoint(origin=SEVEN.origin, size=size, root=SEVEN.root) for size in sizes]
    changed += [Checkpoint(origin=SEVEN.origin, size=7, root=root) for root in flipped(SEVEN.root)]

    for one in changed:
        with pytest.raises(SignatureRefused, match="is wrong"):
            opened(one.text().encode() + b"\n" + below, [LOG.verifier])


# --- the form


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n", "three lines"),
        ("example.test/timeline\n", "three lines"),
        ("example.test/timeline\n7\n", "three lines"),
        (f"7\n{ROOT}\n", "three lines"),
        (f"\n{TEXT}", "no empty ones"),
        (f"{TEXT}\n", "no empty ones"),
        (f"{TEXT}\nextension\n", "no empty ones"),
        (f"{TEXT}extension\n\n", "no empty ones"),
        (f"\n7\n{ROOT}\n", "no empty ones"),
        (f"example.test/timeline\n\n{ROOT}\n", "no empty ones"),
        (f"example test\n7\n{ROOT}\n", "its origin 'example test' has a space"),
        (f"example+test\n7\n{ROOT}\n", "its origin .* plus"),
        (f"example\u00a0test\n7\n{ROOT}\n", "its origin"),
        *((f"a\n{size}\n{ROOT}\n", "not a decimal number") for size in (
            "07", "00", "+7", "-7", "-0", " 7", "7 ", "7_0", "7.0", "7e1", "0x7", "\u0663",
            "1\u0663", "\u00b2", "\uff17", "seven", "9223372036854775808", "18446744073709551616",
            "9" * 5_000,
        )),
        ("a\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTI\n", "not base64"),
        ("a\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw\n", "not base64"),
        ("a\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIx=\n", "another spelling"),
        ("a\n7\n 3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n", "not base64"),
        (f"a\n7\n{ROOT} \n", "not base64"),
        ("a\n7\nddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c\n", "48 bytes"),
        ("a\n7\nAAAA\n", "has 3 bytes, and a SHA-256 has 32"),
        (f"a\n0\n{ROOT}\n", "no entries, and another root"),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str, words: str) -> None:
    """c2sp.org/tlog-checkpoint, whoever signed it; Python's own readers take some of these."""
    with pytest.raises(MalformedEvidence, match=f"no checkpoint: .*{words}"):
        Checkpoint.read(text)
    with pytest.raises(MalformedEvidence, match=words):
        opened(signed(text, [LOG]), [LOG.verifier])


def test_a_text_without_its_last_line_feed_is_no_checkpoint() -> None:
    """It would be a second spelling of the same one, which nobody signed."""
    with pytest.raises(MalformedEvidence, match="no checkpoint"):
        Checkpoint.read(TEXT.removesuffix("\n"))


def test_lines_that_extend_a_checkpoint_are_passed_over_but_signed() -> None:
    """c2sp.org/tlog-checkpoint: opaque, optional, and part of the note's text."""
    longer = f"{TEXT}any text\u2028, in one line\n"

    assert opened(signed(longer, [LOG]), [LOG.verifier]) == SEVEN
    with pytest.raises(SignatureRefused, match="is wrong"):
        opened(signed(longer, [LOG]).replace(b"any", b"one"), [LOG.verifier])
    with pytest.raises(SignatureRefused, match="is wrong"):
        opened(f"{longer}\n{LOG_LINE}".encode(), [LOG.verifier])


def test_what_is_no_note_is_no_checkpoint() -> None:
    """Read with or without keys."""
    for data in (b"", TEXT.encode(), f"{TEXT}\n".encode()):
        with pytest.raises(MalformedEvidence, match="no signed note"):
            unsigned(data)
        with pytest.raises(MalformedEvidence, match="no signed note"):
            opened(data, [LOG.verifier])


def test_the_greatest_size_is_read() -> None:
    """2^63-1, as in Go."""
    text = f"a\n{2**63 - 1}\n{ROOT}\n"

    assert Checkpoint.read(text).size == 2**63 - 1


# --- laws


@law
@given(names, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_survives_being_written(origin: str, size: int, root: bytes) -> None:
    """As a text, and as a note."""
    checkpoint = Checkpoint(origin=origin, size=size, root=root)
    key = SignerKey(origin, bytes(32))

    assert Checkpoint.read(checkpoint.text()) == checkpoint
    assert opened(checkpoint.signed([key]), [key.verifier]) == checkpoint


@law
@given(st.data())
def test_a_text_that_is_read_is_the_only_one_of_that_checkpoint(data: st.DataObject) -> None:
    """Two spellings of one checkpoint would be two things signed once."""
    at = data.draw(st.integers(0, len(TEXT) - 1))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text(max_size=3) | st.text("0129=+/\nAw_ ", max_size=3))
    changed = f"{TEXT[:at]}{put}{TEXT[at + cut : -1]}\n"

    with suppress(MalformedEvidence):
        assert changed.startswith(Checkpoint.read(changed).text())


@law
@given(st.binary() | st.text(st.characters()).map(lambda text: text.encode("utf-8", "replace")))
def test_arbitrary_bytes_are_no_checkpoint(data: bytes) -> None:
    """Whatever comes from outside is refused in a sentence, and nothing else happens."""
    with pytest.raises(EvidenceError):
        opened(data, [LOG.verifier])
    with pytest.raises(EvidenceError):
        opened(data + PUBLISHED[len(TEXT) :], [LOG.verifier])
    with suppress(MalformedEvidence):
        Checkpoint.read(data.decode("latin-1"))
