r"""Signed notes, as c2sp.org/signed-note has them, with Ed25519 keys.

    note    = text LF 1*signature            text: lines, each ended by a line feed
    signature = "— " name " " base64(key id[4] || signature) LF

What is signed is the text with its last line feed, without the blank line that follows. A key is
named, and its id is the beginning of a hash over name, kind and public key; so a *verifier key* can
be written in one line, and so can a *signer key* (as Go's sumdb/note writes them)::

    example.test/timeline+226fa979+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
    PRIVATE+KEY+example.test/timeline+226fa979+AQ…

Kind 1 is Ed25519 over the text; kind 4 a witness's cosignature, which has a time in it
(c2sp.org/tlog-cosignature).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.evidence.errors import MalformedEvidence, SignatureRefused
from service.evidence.text import MOST, base64_bytes, base64_text, utf8

ED25519: Final = 1
COSIGNATURE: Final = 4
KEY_BYTES: Final = 32

MAX_NOTE: Final = 1_000_000
"""Bytes of a note at most."""

MAX_SIGNATURES: Final = 100

_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64
_DASH: Final = "\u2014 "
_PRIVATE: Final = "PRIVATE+KEY+"
_VERIFIER: Final = "verifier key"
_NOTE: Final = "signed note"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key, with its name.

    Attributes:
        name: Of the log (its origin) or of the witness.
        kind: ``ED25519`` or ``COSIGNATURE``.
        public: 32 bytes (RFC 8032).
    """

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of the hash of what the key is."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """Write it in one line."""
        return f"{self.name}+{self.id.hex()}+{base64_text(bytes([self.kind]) + self.public)}"

    @classmethod
    def read(cls, text: str) -> "VerifierKey":
        """Read what ``str`` writes.

        Raises:
            MalformedEvidence: It is none, or of a kind that is not known here.
        """
        if text.startswith(_PRIVATE):
            # Nothing of it may stand in a message.
            fault = "it is the key that signs, a secret: give the line that `log init` printed."
            raise MalformedEvidence(kind=_VERIFIER, fault=fault)
        name, id_, kind, public = _key_parts(text, _VERIFIER)
        key = cls(name, kind, public)
        _check_id(key, id_, _VERIFIER)
        return key

    def signed(self, text: str, signature: bytes) -> bool:
        """Tell whether a signature, without the key's id, is this key's over a text."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
                return False
            moment = int.from_bytes(signature[:_TIME_BYTES], "big")
            if moment > MOST:
                return False
            message = f"cosignature/v1\ntime {moment}\n".encode() + message
            signature = signature[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A key that signs: the seed of RFC 8032 is its secret, and never printed by accident."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return VerifierKey(self.name, ED25519, public.public_bytes_raw())

    def line(self) -> str:
        """Write the secret in one line, for a file that nobody else may read."""
        secret = base64_text(bytes([ED25519]) + self.seed)
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{secret}"

    @classmethod
    def read(cls, line: str) -> "SignerKey":
        """Read what ``line`` writes.

        Raises:
            MalformedEvidence: It is none; the secret is not in the sentence.
        """
        kind_name = "signer key"
        if not line.startswith(_PRIVATE):
            raise MalformedEvidence(kind=kind_name, fault=f"it does not begin with {_PRIVATE}")
        try:
            name, id_, kind, seed = _key_parts(line.removeprefix(_PRIVATE), kind_name)
        except MalformedEvidence:
            fault = "after PRIVATE+KEY+ it has name, id and key with a + between them."
            raise MalformedEvidence(kind=kind_name, fault=fault) from None
        if kind != ED25519:
            raise MalformedEvidence(kind=kind_name, fault="a log signs with Ed25519, kind 1.")
        key = cls(name, seed)
        _check_id(key.verifier, id_, kind_name)
        return key

    def sign(self, text: str) -> str:
        """Return the line of a signature over a text."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{_DASH}{self.name} {base64_text(self.verifier.id + signature)}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of a note: who says to have signed, and with what."""

    name: str
    id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text and what stands below it; not to be trusted before ``verified_by``."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, data: bytes) -> "Note":
        """Read a note.

        Raises:
            MalformedEvidence: It is none.
        """
        if len(data) > MAX_NOTE:
            fault = f"it has {len(data):,} bytes, more than {MAX_NOTE:,}."
            raise MalformedEvidence(kind=_NOTE, fault=fault)
        text, blank, below = utf8(data, _NOTE).rpartition("\n\n")
        if not blank or not below.endswith("\n"):
            fault = "it has no blank line with signatures below it, each ended by a line feed."
            raise MalformedEvidence(kind=_NOTE, fault=fault)
        lines = below[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            fault = f"it has {len(lines)} signatures, more than {MAX_SIGNATURES}."
            raise MalformedEvidence(kind=_NOTE, fault=fault)
        return cls(f"{text}\n", tuple(map(_signature, lines)))

    def verified_by(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return the keys that signed it.

        Raises:
            SignatureRefused: None of them did, or the signature of one is not right.
        """
        known = {(key.name, key.id): key for key in keys}
        signed: list[VerifierKey] = []
        for one in self.signatures:
            key = known.get((one.name, one.id))
            if key is None:
                continue
            if not key.signed(self.text, one.signature):
                sentence = (
                    f"The signature of {one.name} is wrong: what it signed is not this text, or"
                    " the key is not its own."
                )
                raise SignatureRefused(sentence)
            signed.append(key)
        if not signed:
            names = ", ".join(f"{one.name}+{one.id.hex()}" for one in self.signatures)
            wanted = ", ".join(f"{name}+{id_.hex()}" for name, id_ in known) or "none at all"
            sentence = f"No key that is trusted signed it. Signed by {names}; trusted: {wanted}."
            raise SignatureRefused(sentence)
        return tuple(signed)


def signed(text: str, keys: Sequence[SignerKey]) -> bytes:
    """Return a note: a text that ends in a line feed, and below it a line of each key."""
    return f"{text}\n{''.join(key.sign(text) for key in keys)}".encode()


def name_fault(name: str) -> str | None:
    """Say why a text cannot be the name of a key; None if it can.

    >>> name_fault("log.example/timeline")
    >>> name_fault("my log")
    "'my log' has a space or a plus sign in it. A valid name: log.example/timeline"
    """
    if not name or any(one < " " or "\ud800" <= one <= "\udfff" for one in name):
        fault = "is no name"
    elif any(one.isspace() or one == "+" for one in name):
        fault = "has a space or a plus sign in it"
    else:
        return None
    return f"{name[:80]!a} {fault}. A valid name: log.example/timeline"


def _signature(line: str) -> Signature:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2 or name_fault(parts[0]):  # noqa: PLR2004
        fault = f"{line[:80]!a} is no signature: an em dash, a name and base64, a space between."
        raise MalformedEvidence(kind=_NOTE, fault=fault)
    blob = base64_bytes(parts[1], _NOTE)
    if len(blob) <= _ID_BYTES:
        raise MalformedEvidence(kind=_NOTE, fault="a signature is shorter than the id of a key.")
    return Signature(parts[0], blob[:_ID_BYTES], blob[_ID_BYTES:])


def _key_parts(text: str, kind_name: str) -> tuple[str, str, int, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3 or name_fault(parts[0]):  # noqa: PLR2004 -- name, id and key
        fault = f"{text[:100]!a} is not a name, an id and a key with a + between them."
        raise MalformedEvidence(kind=kind_name, fault=fault)
    name, id_, encoded = parts
    data = base64_bytes(encoded, kind_name)
    if len(data) != 1 + KEY_BYTES or data[0] not in (ED25519, COSIGNATURE):
        fault = "a key is 33 bytes: 1 (Ed25519) or 4 (its cosignatures), and 32 bytes (RFC 8032)."
        raise MalformedEvidence(kind=kind_name, fault=fault)
    return name, id_, data[0], data[1:]


def _check_id(key: VerifierKey, id_: str, kind_name: str) -> None:
    if id_ != key.id.hex():
        fault = f"its id is {id_[:40]!a}, and that of such a key is {key.id.hex()}."
        raise MalformedEvidence(kind=kind_name, fault=fault)
