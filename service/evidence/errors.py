"""What can be wrong with evidence: one class for each thing that is refused, each a sentence.

EvidenceError
  MalformedEvidence    a key, note, checkpoint, tile, proof or policy that is none
  SignatureRefused     a note that no trusted key signed, or that one signed wrongly
  ProofRefused         a proof that does not prove what it should
"""


class EvidenceError(ValueError):
    """Something that was given as evidence is none; the sentence says why."""


class MalformedEvidence(EvidenceError):
    """A text or some bytes that do not have the form of what they should be.

    Attributes:
        kind: What it should be, such as ``checkpoint``.
        fault: What is wrong with it, and what would be right.
    """

    def __init__(self, *, kind: str, fault: str) -> None:
        super().__init__(f"This is no {kind}: {fault}")
        self.kind = kind
        self.fault = fault


class SignatureRefused(EvidenceError):
    """A note that must not be trusted."""


class ProofRefused(EvidenceError):
    """Hashes that do not lead where they should."""
