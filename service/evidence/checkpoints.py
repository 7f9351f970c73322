r"""Checkpoints, as c2sp.org/tlog-checkpoint has them: how large a log was, and what root it had.

    example.test/timeline                          the origin: which log
    7                                              how many entries
    3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=   the root of the tree over them

    — example.test/timeline Im+peRS3WPko0+…        signed by a key with the origin's name

A checkpoint commits to every byte of the entries that it covers. It has no time: when it was seen
is for whoever keeps it to know.

Next: service/application/publishing.py, who signs, and when never.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from service.evidence.errors import MalformedEvidence, SignatureRefused
from service.evidence.merkle import EMPTY_ROOT
from service.evidence.notes import ED25519, Note, SignerKey, VerifierKey, name_fault, signed
from service.evidence.text import base64_text, decimal, hash_bytes

_KIND: Final = "checkpoint"
_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A log of some size.

    Attributes:
        origin: Which log.
        size: Its entries.
        root: Of the RFC 6962 tree over them, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Write what is signed."""
        return f"{self.origin}\n{self.size}\n{base64_text(self.root)}\n"

    def signed(self, keys: Sequence[SignerKey]) -> bytes:
        """Write it as a signed note."""
        return signed(self.text(), keys)

    @classmethod
    def read(cls, text: str) -> "Checkpoint":
        """Read the text of a note; lines that extend it are passed over.

        Raises:
            MalformedEvidence: It is no checkpoint.
        """
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(lines) < _LINES or not all(lines):
            fault = "it has three lines (origin, size, root in base64), and no empty ones."
            raise MalformedEvidence(kind=_KIND, fault=fault)
        if fault_of_name := name_fault(lines[0]):
            raise MalformedEvidence(kind=_KIND, fault=f"its origin {fault_of_name}")
        found = cls(
            origin=lines[0], size=decimal(lines[1], _KIND), root=hash_bytes(lines[2], _KIND)
        )
        if found.size == 0 and found.root != EMPTY_ROOT:
            fault = "it has no entries, and another root than that of an empty log."
            raise MalformedEvidence(kind=_KIND, fault=fault)
        return found


def unsigned(data: bytes) -> Checkpoint:
    """Read a checkpoint without asking who signed it.

    Raises:
        MalformedEvidence: It is none.
    """
    return Checkpoint.read(Note.read(data).text)


def opened(data: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Read a checkpoint that one of the keys of its log signed.

    Raises:
        MalformedEvidence: It is none.
        SignatureRefused: No key with the name of its origin did, or one did wrongly.
    """
    note = Note.read(data)
    signers = note.verified_by(keys)
    found = Checkpoint.read(note.text)
    if not any(key.name == found.origin and key.kind == ED25519 for key in signers):
        names = ", ".join(key.name for key in signers)
        sentence = f"It is of the log {found.origin}, and signed by {names}: not by the log itself."
        raise SignatureRefused(sentence)
    return found
