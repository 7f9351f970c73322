r"""The key that a log is signed with: a file, outside of the database, that nobody else may read.

It has one line for each key, the oldest first, as Go's sumdb/note writes them; all have the origin
of the log as their name. While a key is being replaced there are two, and every checkpoint has two
signatures: whoever trusts the old key can still verify, and learns the new one meanwhile::

    PRIVATE+KEY+log.example/timeline+226fa979+AQ…
    PRIVATE+KEY+log.example/timeline+7c1d09e2+AQ…

Beside it stands the last checkpoint that was published; ``publishing`` says what for.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.domain.errors import AccesslineError
from service.evidence.checkpoints import Checkpoint
from service.evidence.errors import EvidenceError, MalformedEvidence
from service.evidence.merkle import EMPTY_ROOT
from service.evidence.notes import Note, SignerKey, VerifierKey, name_fault

SUFFIX: Final = ".published"
"""What follows the name of the key's file in that of the last published checkpoint."""

MOST_KEYS: Final = 2
_PRIVATE: Final = 0o600


class BadKeyFile(AccesslineError):
    """A file that holds no key of a log."""

    def __init__(self, *, file: Path, fault: str) -> None:
        super().__init__(f"{file} holds no key of a log: {fault}")
        self.file = file


class KeyRefused(AccesslineError):
    """A step with a key that would lose something, or leads nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """What checkpoints are signed with.

    Attributes:
        keys: One, or two while a key is being replaced, the oldest first; all have one name.
        second: The file that holds the last published checkpoint.
    """

    keys: tuple[SignerKey, ...]
    second: Path

    @property
    def origin(self) -> str:
        """Which log they sign."""
        return self.keys[0].name

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """Their public halves, the oldest first."""
        return tuple(key.verifier for key in self.keys)


def second_of(file: Path, second: Path | None = None) -> Path:
    """Return where the last published checkpoint is: beside the key, where nothing else is said."""
    return second or file.with_name(file.name + SUFFIX)


def read(file: Path, second: Path | None = None) -> Signer:
    """Read the keys of a log.

    Raises:
        BadKeyFile: The file holds none, or those of different logs.
        OSError: It cannot be read.
    """
    try:
        lines = file.read_text("utf-8").split("\n")
        keys = tuple(SignerKey.read(line) for line in lines if line)
    except (MalformedEvidence, UnicodeDecodeError) as error:
        raise BadKeyFile(file=file, fault=str(error)) from error
    if not 1 <= len(keys) <= MOST_KEYS or len({key.name for key in keys}) != 1:
        fault = f"it has {len(keys)} keys; there is one, or two of one origin."
        raise BadKeyFile(file=file, fault=fault)
    return Signer(keys=keys, second=second_of(file, second))


def begin(file: Path, key: SignerKey, second: Path | None = None) -> Signer:
    """Begin to sign a log: keep its key, and a checkpoint of the empty log as the last published.

    Raises:
        KeyRefused: One of the files is there, or the origin is none.
        OSError: A file cannot be written.
    """
    fault = name_fault(key.name)
    if fault is not None:
        sentence = f"The origin {fault}"
        raise KeyRefused(sentence)
    signer = Signer(keys=(key,), second=second_of(file, second))
    for one in (file, signer.second):
        if one.exists():
            sentence = (
                f"{one} exists already, and nothing is overwritten: a log keeps its key, and what"
                " it has published. To replace a key: accessline log rotate"
            )
            raise KeyRefused(sentence)
    empty = Checkpoint(origin=key.name, size=0, root=EMPTY_ROOT)
    replace_file(signer.second, empty.signed(signer.keys))
    try:
        _write(file, signer.keys)
    except BaseException:
        signer.second.unlink(missing_ok=True)
        raise
    return signer


def rotate(file: Path, new: SignerKey) -> None:
    """Add a key: from now on checkpoints have two signatures.

    Raises:
        KeyRefused: A key is being replaced already.
    """
    keys = read(file).keys
    if len(keys) == MOST_KEYS:
        sentence = (
            f"{file} has two keys already: let go of the older one first, when nobody needs it any"
            " more: accessline log rotate --finish"
        )
        raise KeyRefused(sentence)
    if new.name != keys[0].name:
        sentence = f"The new key is of {new.name}, and {file} signs {keys[0].name}."
        raise KeyRefused(sentence)
    _write(file, (*keys, new))


def finish(file: Path, second: Path | None = None) -> None:
    """Let go of the older of two keys: what was published last must have both signatures.

    Raises:
        KeyRefused: There is one key only, or nothing was published with both.
    """
    signer = read(file, second)
    if len(signer.keys) < MOST_KEYS:
        sentence = f"{file} has one key. To replace it, first: accessline log rotate"
        raise KeyRefused(sentence)
    try:
        Note.read(signer.second.read_bytes()).verified_by(signer.verifiers[1:])
    except EvidenceError as error:
        sentence = (
            "Nothing was published with the newer key yet, so nobody could learn it. Publish, wait"
            " until verifiers have it, and finish then: accessline log checkpoint"
        )
        raise KeyRefused(sentence) from error
    _write(file, signer.keys[1:])


def _write(file: Path, keys: Sequence[SignerKey]) -> None:
    lines = "".join(f"{key.line()}\n" for key in keys)
    replace_file(file, lines.encode())


def replace_file(file: Path, data: bytes) -> None:
    """Write a file that only its owner may read, as a whole or not at all, and onto the disk."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder onto the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
