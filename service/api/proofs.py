"""Proofs as the plain data of the contract: hashes in base64, padded (RFC 4648, section 4).

As ``rendering`` does, and for its readers: every function takes what a use case returned.
"""

from uuid import UUID

from service.api.rendering import Json
from service.application.proving import Consistency, Inclusion
from service.evidence.text import base64_text


def inclusion(found: Inclusion) -> Json:
    """Return the proof that the log at a size holds an entry."""
    return {
        "index": found.index,
        "size": found.size,
        "leaf_hash": base64_text(found.leaf_hash),
        "root": base64_text(found.root),
        "proof": tuple(map(base64_text, found.proof)),
    }


def consistency(found: Consistency) -> Json:
    """Return the proof that the log at a size continues the log at an earlier one."""
    return {
        "old_size": found.old_size,
        "new_size": found.new_size,
        "old_root": base64_text(found.old_root),
        "new_root": base64_text(found.new_root),
        "proof": tuple(map(base64_text, found.proof)),
    }


def event(event_id: UUID, found: Inclusion, entry: bytes, checkpoint: bytes | None) -> Json:
    """Return the proof that the log holds an event, with all that a verifier needs but a key."""
    return {
        "id": event_id,
        "position": found.index + 1,
        **inclusion(found),
        "entry": entry.decode(),
        "checkpoint": None if checkpoint is None else checkpoint.decode(),
    }
