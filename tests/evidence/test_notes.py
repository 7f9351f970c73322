"""Signed notes and keys: the vectors, what the specification refuses, and every bit changed."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from service.evidence.errors import EvidenceError, MalformedEvidence, SignatureRefused
from service.evidence.notes import (
    COSIGNATURE,
    ED25519,
    MAX_NOTE,
    MAX_SIGNATURES,
    Note,
    SignerKey,
    VerifierKey,
    name_fault,
    signed,
)

law = settings(
    max_examples=150, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)

SEED = bytes(range(0x20))
WITNESS_SEED = bytes(range(0x20, 0x40))
LOG = SignerKey("example.test/timeline", SEED)
OTHER = SignerKey("other.test/log", WITNESS_SEED)
LOG_KEY = "example.test/timeline+226fa979+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
WITNESS_KEY = "witness.test/w1+ad1959f2+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
TEXT = "example.test/timeline\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n"
LOG_LINE = (
    "\u2014 example.test/timeline Im+peRS3WPko0+VsQqcG5rcKic/PscxjKccMYni/NFfD8njVtwuBYojJFUXznwOq"
    "RtJARU6AjesT6IgbGA1Ro/u1tA0=\n"
)
WITNESS_LINE = (
    "\u2014 witness.test/w1 rRlZ8gAAAABlU/EA4Q/PUQQzskpi3TIuOLR4x9CQMKjQUIARNBl280SI35iGx4aipMWLmG"
    "0KZGyAbZuVYl12Dc75YGeFJAowUn8QDA==\n"
)
"""Computed by golang.org/x/mod/sumdb/note, the witness's by aics-tlog, at 1700000000."""

UNKNOWN_LINE = "\u2014 stranger.test/log AAAAAAAAAAA=\n"

names = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="+"), min_size=1, max_size=20
).filter(lambda name: name_fault(name) is None)
seeds = st.binary(min_size=32, max_size=32)


def note(text: str, *lines: str) -> bytes:
    """Write a note of some lines."""
    return f"{text}\n{''.join(lines)}".encode()


def line(name: str, blob: bytes) -> str:
    """Write a signature, whoever made it."""
    return f"\u2014 {name} {b64encode(blob).decode()}\n"


def blob_of(signature: str) -> bytes:
    """Return key id and signature of a line."""
    return b64decode(signature.rsplit(maxsplit=1)[-1])


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield some bytes with each single bit changed."""
    number = int.from_bytes(data, "big")
    for bit in range(8 * len(data)):
        yield (number ^ 1 << bit).to_bytes(len(data), "big")


def cosigned(text: str, moment: int) -> str:
    """Return the line of the witness at some moment (c2sp.org/tlog-cosignature)."""
    message = f"cosignature/v1\ntime {moment}\n{text}".encode()
    signature = Ed25519PrivateKey.from_private_bytes(WITNESS_SEED).sign(message)
    key = VerifierKey.read(WITNESS_KEY)
    return line(key.name, key.id + moment.to_bytes(8, "big") + signature)


# --- vectors


def test_a_verifier_key_is_written_as_go_writes_it() -> None:
    """Computed by golang.org/x/mod/sumdb/note from the seed 00 to 1f."""
    key = LOG.verifier

    assert str(key) == LOG_KEY
    assert VerifierKey.read(LOG_KEY) == key
    assert (key.name, key.kind, key.id.hex()) == ("example.test/timeline", ED25519, "226fa979")


def test_a_witness_s_key_is_of_its_own_kind() -> None:
    """Computed by aics-tlog from the seed 20 to 3f."""
    key = VerifierKey("witness.test/w1", COSIGNATURE, OTHER.verifier.public)

    assert str(key) == WITNESS_KEY
    assert VerifierKey.read(WITNESS_KEY) == key


def test_a_note_is_signed_as_go_signs_it() -> None:
    """Ed25519 makes the same signature each time (RFC 8032), so bytes can be compared."""
    assert signed(TEXT, [LOG]) == note(TEXT, LOG_LINE)
    assert LOG.sign(TEXT) == LOG_LINE


def test_the_log_s_and_the_witness_s_signatures_are_verified() -> None:
    """Both stand below one text, and either may be the one that a reader knows."""
    log, witness = VerifierKey.read(LOG_KEY), VerifierKey.read(WITNESS_KEY)
    found = Note.read(note(TEXT, LOG_LINE, WITNESS_LINE))

    assert found.text == TEXT
    assert found.verified_by([log, witness]) == (log, witness)
    assert found.verified_by([log]) == (log,)
    assert found.verified_by([witness]) == (witness,)
    assert cosigned(TEXT, 1_700_000_000) == WITNESS_LINE


def test_the_example_of_the_specification_is_verified() -> None:
    """c2sp.org/signed-note, section "Verifier keys"."""
    key = VerifierKey.read("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    example = note(
        "This is an example message.\n",
        "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH"
        "3mFXmRKuwHjG1Yu72IneyaQM=\n",
    )

    assert Note.read(example).verified_by([key]) == (key,)


def test_a_signer_key_is_written_as_go_writes_it() -> None:
    """The form of golang.org/x/mod/sumdb/note: kind and seed, as the verifier key has kind and key.

    So that a key can move to another implementation, and back.
    """
    secret = b64encode(b"\x01" + SEED).decode()

    assert LOG.line() == f"PRIVATE+KEY+example.test/timeline+226fa979+{secret}"
    assert SignerKey.read(LOG.line()) == LOG


# --- the form of a note


def test_the_last_blank_line_ends_the_text() -> None:
    """c2sp.org/signed-note: the text may have empty lines itself, even as its last."""
    poem = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è sera.\n"

    for text in (poem, "\n", "\n\n", "a\n\n", "\n\na\n"):
        found = Note.read(signed(text, [LOG]))
        assert found.text == text
        assert found.verified_by([LOG.verifier]) == (LOG.verifier,)


def test_only_line_feeds_end_lines() -> None:
    """U+2028, U+2029 and U+0085 are letters here, though not to Python's ``splitlines``."""
    text = "a\u2028b\u2029c\u0085d\n"

    assert Note.read(signed(text, [LOG])).text == text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no blank line"),
        (b"\n", "no blank line"),
        (b"\n\n", "no blank line"),
        (TEXT.encode(), "no blank line"),
        (note(TEXT), "no blank line"),
        (note(TEXT, "\n"), "no blank line"),
        (note(TEXT, LOG_LINE, "\n"), "no blank line"),
        (note(TEXT, LOG_LINE.rstrip("\n")), "ended by a line feed"),
        (note(TEXT, LOG_LINE)[: len(TEXT)] + LOG_LINE.encode(), "no blank line"),
        (b"\xff" + note(TEXT, LOG_LINE), "not UTF-8 from byte 1 on"),
        (b"ab\xc3" + note(TEXT, LOG_LINE), "not UTF-8 from byte 3 on"),
        (b"\xed\xa0\x80" + note(TEXT, LOG_LINE), "not UTF-8"),
        (b"a\xc0\x80" + note(TEXT, LOG_LINE), "not UTF-8"),
        (b"a\tb" + note(TEXT, LOG_LINE), r"control character U\+0009"),
        (note(TEXT, LOG_LINE).replace(b"\n", b"\r\n"), r"control character U\+000D"),
        (b"a\0b" + note(TEXT, LOG_LINE), r"control character U\+0000"),
        (b"a\x1fb" + note(TEXT, LOG_LINE), r"control character U\+001F"),
    ],
)
def test_what_is_no_note_is_refused(data: bytes, words: str) -> None:
    """c2sp.org/signed-note, section "Format"."""
    with pytest.raises(MalformedEvidence, match=f"no signed note: .*{words}"):
        Note.read(data)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (LOG_LINE.replace("\u2014", "-"), "em dash"),
        (LOG_LINE.replace("\u2014", "\u2013"), "em dash"),
        (LOG_LINE.replace("\u2014 ", "\u2014"), "em dash"),
        (LOG_LINE.replace("\u2014 ", "\u2014\u00a0"), "em dash"),
        (LOG_LINE.replace("\u2014 ", " \u2014 "), "em dash"),
        (LOG_LINE.replace("\u2014 ", "\u2014  "), "a space between"),
        (LOG_LINE.replace("timeline ", "timeline  "), "a space between"),
        (LOG_LINE.replace("\n", " \n"), "a space between"),
        (LOG_LINE.replace("\n", " x\n"), "a space between"),
        (LOG_LINE.replace("\n", f"\u2028{LOG_LINE}"), "a space between"),
        (LOG_LINE.replace("\n", f"\u0085{LOG_LINE}"), "a space between"),
        ("\u2014 example.test/timeline\n", "a space between"),
        ("\u2014  AAAAAAAAAAA=\n", "a name"),
        ("\u2014 a+b AAAAAAAAAAA=\n", "a name"),
        ("\u2014 a\u00a0b AAAAAAAAAAA=\n", "a name"),
        ("\u2014 a\u2003b AAAAAAAAAAA=\n", "a name"),
        ("\u2014 a\u3000b AAAAAAAAAAA=\n", "a name"),
        ("\u2014 a\u2028b AAAAAAAAAAA=\n", "a name"),
        ("\u2014 a\u0085b AAAAAAAAAAA=\n", "a name"),
        ("\u2014 a AAAAAAAAAAA\n", "not base64"),
        ("\u2014 a AAAAAAAAAAA==\n", "not base64|another spelling"),
        ("\u2014 a AAAAAAAAAA=A\n", "not base64"),
        ("\u2014 a AAAAAAAAAAB=\n", "another spelling than 'AAAAAAAAAAA='"),
        ("\u2014 a AAAAAAAA*AAA=\n", "not base64"),
        ("\u2014 a AAAAAAAA-_A=\n", "not base64"),
        ("\u2014 a \u0661AAAAAAAAAA=\n", "not base64"),
        ("\u2014 a \n", "shorter than the id"),
        ("\u2014 a AAAAAA==\n", "shorter than the id"),
    ],
)
def test_what_is_no_signature_line_is_refused(line: str, words: str) -> None:
    """c2sp.org/signed-note; even where another line is right: a note has one reading."""
    for lines in ((line,), (line, LOG_LINE), (LOG_LINE, line)):
        with pytest.raises(MalformedEvidence, match=words):
            Note.read(note(TEXT, *lines))


def test_sixteen_signatures_and_more_are_accepted() -> None:
    """c2sp.org/signed-note: verifiers MUST accept at least 16."""
    for count in (16, 17, MAX_SIGNATURES):
        found = Note.read(note(TEXT, *[UNKNOWN_LINE] * (count - 1), LOG_LINE))

        assert len(found.signatures) == count
        assert found.verified_by([LOG.verifier]) == (LOG.verifier,)


def test_a_note_of_sixteen_large_signatures_is_accepted() -> None:
    """c2sp.org/signed-note: post-quantum signatures have up to nearly 5 kB."""
    large = line("witness.test/pq", bytes(5_000))

    assert Note.read(note(TEXT, *[large] * 15, LOG_LINE)).verified_by([LOG.verifier])


def test_more_signatures_or_bytes_than_anybody_needs_are_refused() -> None:
    """c2sp.org/signed-note: verifiers SHOULD have a limit; nobody can make them work for hours."""
    with pytest.raises(MalformedEvidence, match="101 signatures, more than 100"):
        Note.read(note(TEXT, *[UNKNOWN_LINE] * MAX_SIGNATURES, LOG_LINE))
    with pytest.raises(MalformedEvidence, match="1,000,001 bytes, more than 1,000,000"):
        Note.read(bytes(MAX_NOTE + 1))
    with pytest.raises(MalformedEvidence, match="control character"):
        Note.read(bytes(MAX_NOTE))


# --- whose signatures count


def test_signatures_of_unknown_keys_are_ignored() -> None:
    """c2sp.org/signed-note: MUST, even if they share a name or an id with a known key."""
    key = LOG.verifier
    same_name = line(key.name, b"\0\0\0\0" + bytes(64))
    same_id = line("stranger.test/log", key.id + bytes(64))

    found = Note.read(note(TEXT, UNKNOWN_LINE, same_name, LOG_LINE, same_id))

    assert found.verified_by([key]) == (key,)


@pytest.mark.parametrize(
    "name",
    [
        "witness.test/soft\u00adhyphen",
        "witness.test/\U0001f469\u200d\U0001f52c",
        "witness.test/\U0001fae9",
        "witness.test/\x7f",
    ],
)
def test_an_unknown_key_may_have_any_name_without_spaces_and_plus(name: str) -> None:
    """c2sp.org/signed-note: names MUST NOT contain Unicode spaces or plus, and nothing else.

    Whoever adds a line must not make a good note unreadable; nor may the reader's age of Unicode.
    """
    found = Note.read(note(TEXT, line(name, bytes(68)), LOG_LINE))

    assert found.verified_by([LOG.verifier]) == (LOG.verifier,)


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    """c2sp.org/signed-note: MUST. The sentence names who signed, and who was wanted."""
    with pytest.raises(SignatureRefused, match=r"other\.test/log\+[0-9a-f]{8}; trusted: example"):
        Note.read(signed(TEXT, [OTHER])).verified_by([LOG.verifier])
    with pytest.raises(SignatureRefused, match="trusted: none at all"):
        Note.read(signed(TEXT, [OTHER])).verified_by([])


def test_a_wrong_signature_of_a_known_key_rejects_the_whole_note() -> None:
    """c2sp.org/signed-note: SHOULD, and here it is so, though another known key signed rightly."""
    known = [LOG.verifier, OTHER.verifier]
    elsewhere = OTHER.sign("another text\n")

    for lines in ((LOG_LINE, elsewhere), (elsewhere, LOG_LINE), (LOG_LINE, LOG_LINE, elsewhere)):
        found = Note.read(note(TEXT, *lines))
        assert found.verified_by([LOG.verifier])
        with pytest.raises(SignatureRefused, match=r"signature of other\.test/log is wrong"):
            found.verified_by(known)


def test_a_second_line_of_a_key_has_to_be_right_too() -> None:
    """Otherwise the order of lines would decide."""
    wrong = LOG.sign("another text\n")

    for lines in ((LOG_LINE, wrong), (wrong, LOG_LINE)):
        with pytest.raises(SignatureRefused, match="is wrong"):
            Note.read(note(TEXT, *lines)).verified_by([LOG.verifier])


def test_a_rotated_log_signs_with_both_keys() -> None:
    """During a rotation readers know one of two keys of one name."""
    new = SignerKey(LOG.name, bytes(range(0x40, 0x60)))

    found = Note.read(signed(TEXT, [LOG, new]))

    assert found.verified_by([LOG.verifier]) == (LOG.verifier,)
    assert found.verified_by([new.verifier]) == (new.verifier,)
    assert found.verified_by([LOG.verifier, new.verifier]) == (LOG.verifier, new.verifier)


@pytest.mark.parametrize("cut", [slice(-1), slice(5), slice(4, 68), slice(1, None)])
def test_a_signature_of_another_length_is_wrong(cut: slice) -> None:
    """An Ed25519 signature has 64 bytes, a cosignature 72."""
    for key in map(VerifierKey.read, (LOG_KEY, WITNESS_KEY)):
        right = blob_of(LOG_LINE if key.kind == ED25519 else WITNESS_LINE)[4:]
        for wrong in (right[cut], right + b"\0"):
            found = Note.read(note(TEXT, line(key.name, key.id + (wrong or b"\0"))))
            if wrong != right:
                with pytest.raises(SignatureRefused, match="is wrong"):
                    found.verified_by([key])


def test_a_cosignature_is_no_signature_of_the_same_key() -> None:
    """c2sp.org/tlog-cosignature: kind and first line keep the two apart."""
    public = OTHER.verifier.public
    as_witness = VerifierKey(OTHER.name, COSIGNATURE, public)
    plain = blob_of(OTHER.sign(TEXT))[4:]

    assert as_witness.id != OTHER.verifier.id
    assert not as_witness.signed(TEXT, plain)
    assert not as_witness.signed(TEXT, bytes(8) + plain)
    assert not OTHER.verifier.signed(TEXT, blob_of(WITNESS_LINE)[12:])


def test_the_time_of_a_cosignature_is_signed() -> None:
    """c2sp.org/tlog-cosignature: another time is another statement."""
    witness = VerifierKey.read(WITNESS_KEY)
    blob = blob_of(WITNESS_LINE)

    for time in flipped(blob[4:12]):
        assert not witness.signed(TEXT, time + blob[12:])
    for moment in (0, 1, 2**63 - 1):
        assert witness.signed(TEXT, blob_of(cosigned(TEXT, moment))[4:])


def test_a_cosignature_after_the_end_of_time_is_refused() -> None:
    """c2sp.org/tlog-cosignature: the timestamp MUST NOT exceed 2^63-1."""
    witness = VerifierKey.read(WITNESS_KEY)

    for moment in (2**63, 2**64 - 1):
        assert not witness.signed(TEXT, blob_of(cosigned(TEXT, moment))[4:])


# --- every bit


def test_every_changed_bit_of_a_note_is_refused() -> None:
    """Of text, blank line, dash, name, key id and signature."""
    key = LOG.verifier
    for data in flipped(note(TEXT, LOG_LINE)):
        with pytest.raises(EvidenceError):
            Note.read(data).verified_by([key])


def test_every_changed_bit_of_a_key_id_makes_the_key_unknown() -> None:
    """The id says which key is meant, no more."""
    blob = blob_of(LOG_LINE)
    for id_ in flipped(blob[:4]):
        with pytest.raises(SignatureRefused, match="No key that is trusted"):
            Note.read(note(TEXT, line(LOG.name, id_ + blob[4:]))).verified_by([LOG.verifier])


@pytest.mark.parametrize(("key", "signature"), [(LOG_KEY, LOG_LINE), (WITNESS_KEY, WITNESS_LINE)])
def test_every_changed_bit_of_a_signature_is_wrong(key: str, signature: str) -> None:
    """Of the log's and of the witness's, with its time."""
    known = VerifierKey.read(key)
    blob = blob_of(signature)
    for changed in flipped(blob[4:]):
        with pytest.raises(SignatureRefused, match="is wrong"):
            Note.read(note(TEXT, line(known.name, blob[:4] + changed))).verified_by([known])


def test_every_changed_bit_of_a_text_is_wrong() -> None:
    """As far as it is a text at all."""
    for text in flipped(TEXT.encode()):
        assert not LOG.verifier.signed(text.decode("latin-1"), blob_of(LOG_LINE)[4:])


def test_every_changed_bit_of_a_public_key_verifies_nothing() -> None:
    """It has another id, and were it the same, the signature would be wrong."""
    for public in flipped(LOG.verifier.public):
        key = VerifierKey(LOG.name, ED25519, public)

        assert key.id != LOG.verifier.id
        assert not key.signed(TEXT, blob_of(LOG_LINE)[4:])


def test_every_changed_bit_of_a_verifier_key_is_refused() -> None:
    """Its id is a checksum: a typing error must not become another log's key."""
    for data in flipped(LOG_KEY.encode()):
        with pytest.raises(MalformedEvidence):
            VerifierKey.read(data.decode("latin-1"))


# --- the form of keys


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a name, an id and a key"),
        ("example.test/timeline", "not a name, an id and a key"),
        ("example.test/timeline+226fa979", "not a name, an id and a key"),
        (LOG_KEY.removeprefix("example.test/timeline"), "not a name, an id and a key"),
        (LOG_KEY.replace("example.test/", "my log/"), "not a name, an id and a key"),
        (LOG_KEY.replace("example.test/", "my\u00a0log/"), "not a name, an id and a key"),
        (LOG_KEY.replace("example.test/", "example\n"), "not a name, an id and a key"),
        (LOG_KEY.replace("example.test/", "example\x01"), "not a name, an id and a key"),
        (LOG_KEY.replace("example.test/", "\ud800"), "not a name, an id and a key"),
        (LOG_KEY.replace("226fa979", "226FA979"), "its id is '226FA979', and that .* 226fa979"),
        (LOG_KEY.replace("226fa979", "226fa97"), "its id is"),
        (LOG_KEY.replace("226fa979", "0226fa979"), "its id is"),
        (LOG_KEY.replace("226fa979", "0x226fa979"), "its id is"),
        (LOG_KEY.replace("226fa979", ""), "its id is"),
        (LOG_KEY.replace("timeline", "another"), "its id is"),
        (f"{LOG_KEY}\n", "not base64"),
        (f"{LOG_KEY} ", "not base64"),
        (f"{LOG_KEY}+", "not base64"),
        (LOG_KEY.replace("AQOh", "BAOh"), "its id is"),
        (LOG_KEY.replace("AQOh", "AgOh"), "a key is 33 bytes: 1 .* or 4"),
        (LOG_KEY.replace("AQOh", "BgOh"), "a key is 33 bytes"),
        (LOG_KEY.replace("AQOh", ""), "a key is 33 bytes"),
        (LOG_KEY.replace("AQOh", "AQOhAAAA"), "a key is 33 bytes"),
        ("example.test/timeline+226fa979+", "a key is 33 bytes"),
        ("example.test/timeline+226fa979+AQ==", "a key is 33 bytes"),
        ("example.test/timeline+226fa979+AR==", "another spelling"),
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str, words: str) -> None:
    """c2sp.org/signed-note, section "Verifier keys"; the id is checked."""
    with pytest.raises(MalformedEvidence, match=f"no verifier key: .*{words}"):
        VerifierKey.read(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not begin with PRIVATE"),
        (LOG_KEY, "does not begin with PRIVATE"),
        (f" {LOG.line()}", "does not begin with PRIVATE"),
        (f"{LOG.line()}\n", "name, id and key"),
        (LOG.line()[:-1], "name, id and key"),
        (LOG.line().replace("+AQ", "+"), "name, id and key"),
        (LOG.line().replace("+AQ", "+BA"), "a log signs with Ed25519, kind 1"),
        (LOG.line().replace("226fa979", "226fa978"), "its id is '226fa978', and that .* 226fa979"),
        (LOG.line().replace("timeline", "another"), "its id is"),
        (LOG.line().replace("example.test/timeline", "my log"), "name, id and key"),
        (f"PRIVATE+KEY+{LOG.line()}", "name, id and key"),
    ],
)
def test_what_is_no_signer_key_is_refused_without_telling_it(text: str, words: str) -> None:
    """A secret that is nearly right is still a secret: errors end in logs."""
    with pytest.raises(MalformedEvidence, match=f"no signer key: .*{words}") as refusal:
        SignerKey.read(text)

    assert b64encode(SEED).decode()[8:24] not in str(refusal.value)
    assert b64encode(b"\x01" + SEED).decode()[8:24] not in str(refusal.value)


def test_a_signer_key_in_the_place_of_a_verifier_key_is_not_told() -> None:
    """Whoever hands over the wrong one of two files must not find his secret in a log."""
    with pytest.raises(MalformedEvidence, match="no verifier key") as refusal:
        VerifierKey.read(LOG.line())

    assert b64encode(b"\x01" + SEED).decode()[8:24] not in str(refusal.value)


def test_a_signer_key_is_not_printed_by_accident() -> None:
    """Its secret stands in ``line()`` alone."""
    shown = f"{LOG!r} {LOG!s}"

    assert "example.test/timeline" in shown
    assert repr(SEED) not in shown
    assert SEED.hex() not in shown
    assert b64encode(SEED).decode()[:8] not in shown


@pytest.mark.parametrize(
    "name", ["log.example/timeline", "a", "log.example/\u00e9", "\u65e5\u672c"]
)
def test_a_name_is_any_text_without_spaces_and_plus(name: str) -> None:
    """c2sp.org/signed-note."""
    key = SignerKey(name, SEED)

    assert name_fault(name) is None
    assert Note.read(signed("text\n", [key])).verified_by([key.verifier]) == (key.verifier,)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "is no name"),
        ("a b", "has a space or a plus sign"),
        ("a+b", "has a space or a plus sign"),
        ("a\u00a0b", "'a\\xa0b'"),
        ("a\nb", "'a\\nb'"),
        ("a\x01b", "'a\\x01b'"),
        ("a\ud800b", "'a\\ud800b'"),
    ],
)
def test_a_name_that_cannot_be_one_is_answered_with_one_that_can(name: str, words: str) -> None:
    """An operator who sets an origin reads what would do."""
    fault = name_fault(name)

    assert fault is not None
    assert words in fault
    assert fault.endswith("A valid name: log.example/timeline")


# --- laws


@law
@given(names, st.sampled_from([ED25519, COSIGNATURE]), seeds)
def test_a_verifier_key_survives_being_written(name: str, kind: int, public: bytes) -> None:
    """Whatever its name."""
    key = VerifierKey(name, kind, public)

    assert VerifierKey.read(str(key)) == key


@law
@given(names, seeds)
def test_a_signer_key_survives_being_written(name: str, seed: bytes) -> None:
    """Whatever its name."""
    key = SignerKey(name, seed)

    assert SignerKey.read(key.line()) == key


@law
@given(
    st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs")))),
    st.lists(st.tuples(names, seeds), min_size=1, max_size=3),
)
def test_what_was_signed_is_verified(lines: list[str], secrets: list[tuple[str, bytes]]) -> None:
    """Whatever the text, and whoever signs."""
    text = "".join(f"{one}\n" for one in (*lines, "end"))
    keys = [SignerKey(name, seed) for name, seed in secrets]

    found = Note.read(signed(text, keys))

    assert found.text == text
    assert found.verified_by([key.verifier for key in keys]) == tuple(k.verifier for k in keys)


@law
@given(st.data())
def test_bytes_that_are_read_are_the_only_ones_of_that_note(data: st.DataObject) -> None:
    """Two spellings of one note would be two things signed once."""
    valid = note(TEXT, LOG_LINE, WITNESS_LINE, UNKNOWN_LINE)
    at = data.draw(st.integers(0, len(valid)))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.binary(max_size=4) | st.sampled_from([b"\n", b"\n\n", b" ", b"=", b"+"]))
    changed = valid[:at] + put + valid[at + cut :]

    with suppress(EvidenceError):
        found = Note.read(changed)
        lines = [line(one.name, one.id + one.signature) for one in found.signatures]
        assert note(found.text, *lines) == changed
        if found.text != TEXT:
            with pytest.raises(SignatureRefused):
                found.verified_by([LOG.verifier, VerifierKey.read(WITNESS_KEY)])


@law
@given(st.binary() | st.text().map(str.encode))
def test_arbitrary_bytes_are_no_note(data: bytes) -> None:
    """Whatever comes from outside is refused in a sentence, and nothing else happens."""
    with suppress(EvidenceError):
        Note.read(data).verified_by([LOG.verifier])


@law
@given(st.text(st.characters()) | st.text("+AQ=/ \n\u00e9").map(lambda text: f"PRIVATE+KEY+{text}"))
def test_arbitrary_text_is_no_key(text: str) -> None:
    """Whatever comes from outside is refused in a sentence, and nothing else happens."""
    with pytest.raises(MalformedEvidence):
        VerifierKey.read(text)
    with pytest.raises(MalformedEvidence):
        SignerKey.read(text)


@law
@given(seeds, st.binary(max_size=80))
def test_any_bytes_may_be_tried_as_key_and_signature(public: bytes, signature: bytes) -> None:
    """32 bytes need not be a point of the curve, nor 64 a signature: that is no, not a crash."""
    for kind in (ED25519, COSIGNATURE):
        assert VerifierKey("a", kind, public).signed("text\n", signature) in (False, True)
