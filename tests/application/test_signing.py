"""The key of a log: a file for its owner's eyes alone, replaced in two steps, never lost."""

import os
import stat
from pathlib import Path

import pytest

from service.application import signing
from service.application.signing import BadKeyFile, KeyRefused, Signer, begin, finish, read, rotate
from service.evidence.checkpoints import opened
from service.evidence.errors import SignatureRefused
from service.evidence.merkle import EMPTY_ROOT
from service.evidence.notes import COSIGNATURE, SignerKey
from service.evidence.text import base64_text

ORIGIN = "example.test/timeline"
FIRST = SignerKey(ORIGIN, bytes(range(32)))
SECOND = SignerKey(ORIGIN, bytes(range(32, 64)))
THIRD = SignerKey(ORIGIN, bytes(range(64, 96)))
OTHER = SignerKey("other.test/timeline", bytes(range(32)))
STRANGE = SignerKey(ORIGIN, bytes(range(1, 33)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the key is to be."""
    return tmp_path / "log.key"


def mode(file: Path) -> int:
    """Return who may do what with a file."""
    return stat.S_IMODE(file.stat().st_mode)


def publish(signer: Signer) -> None:
    """Sign the empty log with every key that there is, as publishing does."""
    checkpoint = opened(signer.second.read_bytes(), signer.verifiers)
    signing.replace_file(signer.second, checkpoint.signed(signer.keys))


# A new key.


def test_a_key_is_kept_in_a_file_that_only_its_owner_may_read(file: Path) -> None:
    """As Go's sumdb/note writes it, one line; research vector: seed 00..1f."""
    signer = begin(file, FIRST)

    assert file.read_text() == (
        "PRIVATE+KEY+example.test/timeline+226fa979+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
    )
    assert mode(file) == mode(signer.second) == 0o600
    assert [str(key) for key in signer.verifiers] == [
        "example.test/timeline+226fa979+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    ]
    assert signer.origin == ORIGIN


def test_nobody_else_may_read_it_whatever_the_umask(file: Path) -> None:
    """A folder for everybody and a generous umask must not give the secret away."""
    before = os.umask(0)
    try:
        begin(file, FIRST)
        rotate(file, SECOND)
    finally:
        os.umask(before)

    assert mode(file) == 0o600


def test_a_log_begins_with_a_checkpoint_of_nothing(file: Path) -> None:
    """So that there is something to continue: a log that was never published is no exception."""
    signer = begin(file, FIRST)

    first = opened(signer.second.read_bytes(), signer.verifiers)

    assert signer.second == file.with_name("log.key.published")
    assert (first.origin, first.size, first.root) == (ORIGIN, 0, EMPTY_ROOT)


def test_what_was_kept_is_read_again(file: Path, tmp_path: Path) -> None:
    """With the second place where it was said to be."""
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    signer = begin(file, FIRST, elsewhere / "last")

    assert read(file, elsewhere / "last") == signer
    assert read(file).second == file.with_name("log.key.published")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["disk", "log.key"]


@pytest.mark.parametrize("there", ["log.key", "log.key.published"])
def test_nothing_is_overwritten(file: Path, there: str) -> None:
    """Neither a key nor what it published last; a second key for a log would be a second log."""
    kept = file.with_name(there)
    kept.write_bytes(b"precious")

    with pytest.raises(KeyRefused, match=f"{there} exists already, and nothing is overwritten"):
        begin(file, FIRST)

    assert kept.read_bytes() == b"precious"
    assert list(file.parent.iterdir()) == [kept]


@pytest.mark.parametrize("origin", ["", "my log", "a+b", "log\u00a0x", "log\n"])
def test_an_origin_that_no_note_can_name_is_refused(file: Path, origin: str) -> None:
    """c2sp.org/signed-note: not empty, no space, no plus sign."""
    with pytest.raises(KeyRefused, match=r"^The origin .* A valid name: log\.example/timeline"):
        begin(file, SignerKey(origin, bytes(32)))

    assert list(file.parent.iterdir()) == []


def test_a_key_that_cannot_be_kept_leaves_nothing_behind(tmp_path: Path) -> None:
    """Or the next try, with the folder made, would be told that the log has begun already."""
    elsewhere = tmp_path / "last"

    with pytest.raises(OSError, match="No such file"):
        begin(tmp_path / "missing" / "log.key", FIRST, elsewhere)

    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """What was there stays where the new one cannot be put, and no part is left."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "inside").touch()

    with pytest.raises(OSError, match="directory"):
        signing.replace_file(kept, b"new")

    assert list(tmp_path.iterdir()) == [kept]
    assert list(kept.iterdir()) == [kept / "inside"]


# Files that hold no key.


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "it has 0 keys"),
        (b"\n\n", "it has 0 keys"),
        (b"hello\n", "does not begin with PRIVATE+KEY+"),
        (str(FIRST.verifier).encode(), "does not begin with PRIVATE+KEY+"),
        (b" " + FIRST.line().encode(), "does not begin with PRIVATE+KEY+"),
        (FIRST.line()[:-4].encode(), "name, id and key with a + between them"),
        (b"PRIVATE+KEY+log+00000000+AQ==", "name, id and key with a + between them"),
        (FIRST.line().replace("226fa979", "226fa978").encode(), "that of such a key is 226fa979"),
        (b"\xff\xfe" + FIRST.line().encode("utf-16-le"), "can't decode byte"),
        (f"{FIRST.line()}\n{OTHER.line()}\n".encode(), "two of one origin"),
        (f"{FIRST.line()}\n{SECOND.line()}\n{THIRD.line()}\n".encode(), "it has 3 keys"),
    ],
)
def test_a_file_that_holds_no_key_is_refused(file: Path, content: bytes, fault: str) -> None:
    """The sentence says what is wrong with it, and does not give a secret away."""
    file.write_bytes(content)

    with pytest.raises(BadKeyFile) as refused:
        read(file)

    sentence = str(refused.value)
    assert sentence.startswith(f"{file} holds no key of a log: ")
    assert fault in sentence
    assert refused.value.file == file
    assert base64_text(FIRST.seed)[4:20] not in sentence
    assert FIRST.line()[-30:-10] not in sentence


def test_a_key_for_cosignatures_signs_no_log(file: Path) -> None:
    """Kind 4 is a witness's (c2sp.org/tlog-cosignature); a log signs with kind 1."""
    secret = base64_text(bytes([COSIGNATURE]) + FIRST.seed)
    file.write_text(f"PRIVATE+KEY+{ORIGIN}+226fa979+{secret}\n")

    with pytest.raises(BadKeyFile, match="a log signs with Ed25519, kind 1"):
        read(file)


def test_a_missing_file_is_an_error_of_the_system(file: Path) -> None:
    """It is not that the key is bad: it is not there."""
    with pytest.raises(FileNotFoundError):
        read(file)


def test_a_key_is_never_printed_by_accident() -> None:
    """Not in a trace, not in a log line."""
    assert "seed" not in repr(FIRST)
    assert repr(FIRST.seed) not in repr(Signer(keys=(FIRST,), second=Path("x")))


# Replacing a key.


def test_while_a_key_is_replaced_both_sign(file: Path) -> None:
    """Who trusts the old one can verify, and meanwhile learns the new one."""
    begin(file, FIRST)

    rotate(file, SECOND)
    signer = read(file)
    publish(signer)

    assert signer.keys == (FIRST, SECOND)
    assert mode(file) == 0o600
    note = signer.second.read_bytes()
    assert note.decode().count("\u2014 example.test/timeline ") == 2
    for key in (FIRST, SECOND):
        assert opened(note, [key.verifier]).size == 0
    with pytest.raises(SignatureRefused):
        opened(note, [STRANGE.verifier])


def test_a_third_key_waits_until_the_first_is_gone(file: Path) -> None:
    """Verifiers learn one new key at a time."""
    begin(file, FIRST)
    rotate(file, SECOND)

    with pytest.raises(KeyRefused, match=r"two keys already.*accessline log rotate --finish"):
        rotate(file, THIRD)

    assert read(file).keys == (FIRST, SECOND)


def test_the_older_key_goes_once_something_was_published_with_both(file: Path) -> None:
    """From then on the newer one signs alone; what was published last verifies with it."""
    begin(file, FIRST)
    rotate(file, SECOND)
    publish(read(file))

    finish(file)

    signer = read(file)
    assert signer.keys == (SECOND,)
    assert mode(file) == 0o600
    assert opened(signer.second.read_bytes(), signer.verifiers).origin == ORIGIN
    rotate(file, THIRD)
    assert read(file).keys == (SECOND, THIRD)


def test_the_older_key_stays_until_something_was_published_with_both(file: Path) -> None:
    """Nobody could have learned the newer one, and nothing would continue what was published."""
    begin(file, FIRST)
    rotate(file, SECOND)

    with pytest.raises(KeyRefused, match=r"Nothing was published with the newer key yet"):
        finish(file)

    assert read(file).keys == (FIRST, SECOND)


def test_a_second_place_that_holds_nothing_of_the_kind_proves_nothing(file: Path) -> None:
    """Garbage, or what a stranger signed: the older key stays."""
    signer = begin(file, FIRST)
    rotate(file, SECOND)

    for note in (b"", b"garbage\n", opened_by_a_stranger(signer)):
        signer.second.write_bytes(note)
        with pytest.raises(KeyRefused, match="Nothing was published"):
            finish(file)

    signer.second.unlink()
    with pytest.raises(FileNotFoundError):
        finish(file)
    assert read(file).keys == (FIRST, SECOND)


def opened_by_a_stranger(signer: Signer) -> bytes:
    """Return what was published last, signed by somebody else."""
    return opened(signer.second.read_bytes(), signer.verifiers).signed((STRANGE,))


def test_the_second_place_is_looked_at_where_it_is(file: Path, tmp_path: Path) -> None:
    """It may be on another disk."""
    begin(file, FIRST, tmp_path / "last")
    rotate(file, SECOND)
    publish(read(file, tmp_path / "last"))

    finish(file, tmp_path / "last")

    assert read(file).keys == (SECOND,)


def test_one_key_alone_is_not_let_go_of(file: Path) -> None:
    """A log without a key has ended."""
    begin(file, FIRST)

    with pytest.raises(KeyRefused, match=r"has one key.*first: accessline log rotate"):
        finish(file)

    assert read(file).keys == (FIRST,)
