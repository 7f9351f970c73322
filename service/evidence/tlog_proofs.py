r"""A proof for one entry in a file, as c2sp.org/tlog-proof has it.

    c2sp.org/tlog-proof@v1
    index 6
    DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=     the leaf's sibling first
    037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=

    example.test/timeline                            the checkpoint, byte for byte
    7
    3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=

    — example.test/timeline Im+peRS3WPko0+…

Behind the first line may stand ``extra`` and some base64, which nothing vouches for. The index is a
claim, too: whoever verifies says which entry he means.
"""

from dataclasses import dataclass
from typing import Final

from service.evidence.errors import MalformedEvidence
from service.evidence.text import base64_bytes, base64_text, decimal, hash_bytes, utf8

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
MOST_HASHES: Final = 63
_KIND: Final = "tlog-proof"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """What the file says; nothing of it is verified.

    Attributes:
        index: Of the entry, from 0.
        proof: The hashes, that of the leaf's sibling first.
        checkpoint: A signed note, byte for byte.
        extra: What the log added, unauthenticated; empty for nothing.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def to_bytes(self) -> bytes:
        """Write the file."""
        extra = (f"extra {base64_text(self.extra)}",) if self.extra else ()
        head = (FIRST_LINE, *extra, f"index {self.index}", *map(base64_text, self.proof), "")
        return "".join(f"{line}\n" for line in head).encode() + self.checkpoint

    @classmethod
    def read(cls, data: bytes) -> "TlogProof":
        """Read the file.

        Raises:
            MalformedEvidence: It is none.
        """
        head, blank, _ = data.partition(b"\n\n")
        lines = utf8(head, _KIND).split("\n")
        if not blank or lines.pop(0) != FIRST_LINE:
            fault = f"its first line is {FIRST_LINE}, and a blank line ends its hashes."
            raise MalformedEvidence(kind=_KIND, fault=fault)
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = base64_bytes(lines.pop(0).removeprefix("extra "), _KIND)
            if not extra:
                raise MalformedEvidence(kind=_KIND, fault="its line 'extra' has nothing in it.")
        if not lines or not lines[0].startswith("index "):
            raise MalformedEvidence(kind=_KIND, fault="no line says 'index' and a number.")
        index = decimal(lines.pop(0).removeprefix("index "), _KIND)
        if len(lines) > MOST_HASHES:
            fault = f"it has {len(lines)} hashes, more than any tree is high."
            raise MalformedEvidence(kind=_KIND, fault=fault)
        return cls(
            index=index,
            proof=tuple(hash_bytes(line, _KIND) for line in lines),
            checkpoint=data[len(head) + len(blank) :],
            extra=extra,
        )
