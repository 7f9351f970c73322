"""Publishing: signing the state of the log, and never two that contradict each other.

Whoever holds two signed checkpoints of which neither continues the other has proof that history was
rewritten. A backup that was restored and appended to would make just such a pair. So the last
published checkpoint is kept in a second place, outside of the database, and before a new one is
signed it is proven that the log continues it::

    lock the second place ── read the last checkpoint there ── prove that the log continues it
                                                            └─ no: refuse, and say what to do
    sign ── compare and swap in the second place ── keep it in the database ── serve it

A checkpoint is made when one is asked for and the log has grown since the last.

Next: service/projections/statements.py, how what touches a cell is found.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from service.application.recording import Clock
from service.application.signing import Signer, replace_file
from service.domain.errors import AccesslineError
from service.evidence.checkpoints import Checkpoint, opened, unsigned
from service.evidence.errors import EvidenceError, ProofRefused
from service.evidence.merkle import root
from service.evidence.notes import Note
from service.evidence.proofs import consistency, verify_consistency
from service.store import checkpoints, tree
from service.store import events as log
from service.store.checkpoints import Published
from service.store.codec import microseconds
from service.store.engine import Database

LOCK_SECONDS: Final = 10
"""How long one signer waits for another."""


class PublishingRefused(AccesslineError):
    """A checkpoint that is not signed, since it would contradict one that was."""


class SecondPlaceUnfit(PublishingRefused):
    """The last published checkpoint cannot be read, so nothing can be compared with it."""

    def __init__(self, *, file: Path, fault: str) -> None:
        super().__init__(
            f"{file} must hold the last checkpoint that was published, and {fault} Without it"
            " nobody can tell whether this log continues what others hold, so nothing is signed."
            " Put the file back: from a backup, or from whoever keeps the newest checkpoint."
        )


class LogWentBack(PublishingRefused):
    """The log ends before what was published of it."""

    def __init__(self, *, head: int, published: int, file: Path) -> None:
        lost = published - head
        missing = "1 event is missing" if lost == 1 else f"{lost} events are missing"
        super().__init__(
            f"The log ends at position {head}, and a checkpoint was published for {published}"
            f" ({file}): {missing}, as after restoring an older backup."
            f" Nothing is signed, and nothing should be appended. Bring the events back from an"
            " export, a mirror or a replica (accessline restore FILE). If they are lost for good,"
            " go on as another log, with another origin, and say so to whoever holds checkpoints:"
            " accessline log init"
        )
        self.head = head
        self.published = published


class LogForked(PublishingRefused):
    """The log is another one than the one that was published."""

    def __init__(self, *, head: int, published: int, file: Path) -> None:
        super().__init__(
            f"The log at position {head} does not continue the checkpoint that was published for"
            f" {published} ({file}): an event at or before that position is another one than it"
            " was, as after restoring an older backup and appending to it. Nothing is signed:"
            " whoever holds that checkpoint would have proof of two histories. Find what differs"
            " (accessline verify --against FILE), restore the log that was published, and record"
            " what was appended since anew: accessline import FILE"
        )
        self.head = head
        self.published = published


class SignerBusy(PublishingRefused):
    """Another process holds the second place."""

    def __init__(self, *, file: Path) -> None:
        super().__init__(
            f"Another process has been publishing for {LOCK_SECONDS} seconds and holds {file}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A checkpoint, and the note that it was read from, byte for byte."""

    note: bytes
    checkpoint: Checkpoint


def current(database: Database, signer: Signer | None, clock: Clock) -> Signed | None:
    """Return the newest checkpoint: of the log as it is, where this process signs.

    Returns:
        None where none was ever published.

    Raises:
        PublishingRefused: The log does not continue what was published.
        StoreError: The database refuses or cannot be reached.
    """
    if signer is not None:
        return publish(database, signer, clock)
    with database.read(newest=True) as connection:
        found = checkpoints.newest(connection)
    return None if not found else Signed(note=found[0].note, checkpoint=unsigned(found[0].note))


def check(database: Database, signer: Signer) -> tuple[Checkpoint, Checkpoint]:
    """Return what was published last, and the log as it is, which continues it; sign nothing.

    Raises:
        PublishingRefused: It does not.
    """
    last = _read_last(signer)
    return last.checkpoint, _state(database, signer, last)


def publish(database: Database, signer: Signer, clock: Clock) -> Signed:
    """Sign the state of the log, if it has grown; return the newest checkpoint.

    Raises:
        PublishingRefused: The log does not continue what was published.
        StoreError: The database refuses or cannot be reached.
    """
    last = _read_last(signer)
    state = _state(database, signer, last)
    if _is_current(signer, last, state) and _is_kept(database, last):
        return last
    try:
        with FileLock(f"{signer.second}.lock", timeout=LOCK_SECONDS):
            return _sign(database, signer, clock)
    except Timeout as error:
        raise SignerBusy(file=signer.second) from error
    except OSError as error:
        fault = f"it cannot be written: {error.strerror}."
        raise SecondPlaceUnfit(file=signer.second, fault=fault) from error


def _sign(database: Database, signer: Signer, clock: Clock) -> Signed:
    """Sign the state of the log; the lock of the second place is held."""
    last = _read_last(signer)
    state = _state(database, signer, last)
    if not _is_current(signer, last, state):
        last = Signed(note=state.signed(signer.keys), checkpoint=state)
        replace_file(signer.second, last.note)
    kept = Published(size=state.size, note=last.note, published_at=microseconds(clock()))
    with database.write() as connection:
        checkpoints.keep(connection, kept)
    return last


def _state(database: Database, signer: Signer, last: Signed) -> Checkpoint:
    """Return the log as it is, having proven that it continues the last checkpoint."""
    before = last.checkpoint
    with database.read(newest=True) as connection:
        head = log.read_head(connection)
        size = head.position
        if size < before.size:
            raise LogWentBack(head=size, published=before.size, file=signer.second)
        proof = tree.roots(connection, consistency(before.size, size))
    state = Checkpoint(origin=signer.origin, size=size, root=root(head.frontier))
    try:
        verify_consistency(before.size, before.root, size, state.root, proof)
    except ProofRefused as error:
        raise LogForked(head=size, published=before.size, file=signer.second) from error
    return state


def _read_last(signer: Signer) -> Signed:
    try:
        note = signer.second.read_bytes()
        checkpoint = opened(note, signer.verifiers)
    except FileNotFoundError as error:
        raise SecondPlaceUnfit(file=signer.second, fault="it is not there.") from error
    except OSError as error:
        fault = f"it cannot be read: {error.strerror}."
        raise SecondPlaceUnfit(file=signer.second, fault=fault) from error
    except EvidenceError as error:
        fault = f"it does not: {error}"
        raise SecondPlaceUnfit(file=signer.second, fault=fault) from error
    return Signed(note=note, checkpoint=checkpoint)


def _is_kept(database: Database, last: Signed) -> bool:
    """Tell whether the database has a checkpoint, too: a signer may have died in between."""
    with database.read(newest=True) as connection:
        found = checkpoints.newest(connection)
    return bool(found) and found[0].note == last.note


def _is_current(signer: Signer, last: Signed, state: Checkpoint) -> bool:
    """Tell whether the last checkpoint is of this state, and signed with every key."""
    signed = {(one.name, one.id) for one in Note.read(last.note).signatures}
    wanted = {(key.name, key.id) for key in signer.verifiers}
    return last.checkpoint == state and wanted <= signed
