"""Publishing: what was signed once binds, whatever becomes of the database."""

import json
import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from filelock import FileLock

from service.application import publishing, signing
from service.application.publishing import (
    LogForked,
    LogWentBack,
    PublishingRefused,
    SecondPlaceUnfit,
    Signed,
    SignerBusy,
    current,
    publish,
)
from service.application.signing import Signer
from service.evidence.checkpoints import Checkpoint, opened
from service.evidence.merkle import EMPTY_ROOT, Frontier, extend, leaf_hash, root
from service.evidence.notes import SignerKey
from service.evidence.proofs import consistency, verify_consistency
from service.store import checkpoints, schema, tree
from service.store import events as log
from service.store.checkpoints import Published
from service.store.engine import Database, connect
from service.store.events import NewEvent
from tests.builders import NOON
from tests.store.examples import append, new_event

ORIGIN = "example.test/timeline"
KEY = SignerKey(ORIGIN, bytes(range(32)))
NEWER = SignerKey(ORIGIN, bytes(range(32, 64)))
STRANGE = SignerKey(ORIGIN, bytes(range(64, 96)))
AT_NOON = 1_795_348_800_000_000


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """A log that has just begun."""
    return signing.begin(tmp_path / "log.key", KEY)


@pytest.fixture
def lost() -> Iterator[Database]:
    """The database of a machine that will be lost, and with it all that it holds."""
    database = connect("sqlite://")
    schema.upgrade(database)
    yield database
    database.dispose()


def noon() -> datetime:
    """Tell the time."""
    return NOON


def rows(number: int) -> list[NewEvent]:
    """Return events that nobody has appended yet."""
    return [new_event() for _ in range(number)]


def root_of(events: list[NewEvent]) -> bytes:
    """Return the root of the log that holds some events."""
    return root(extend(Frontier(), [leaf_hash(one.body) for one in events])[0])


def kept(database: Database) -> list[Published]:
    """Return the checkpoints that the database holds, newest first."""
    with database.read() as connection:
        return checkpoints.newest(connection, limit=100)


# Publishing.


def test_the_state_of_the_log_is_signed(database: Database, signer: Signer) -> None:
    """Size and root; the note is in the second place and in the database, byte for byte."""
    events = rows(5)
    append(database, *events)

    signed = publish(database, signer, noon)

    assert signed.checkpoint == Checkpoint(origin=ORIGIN, size=5, root=root_of(events))
    assert opened(signed.note, [KEY.verifier]) == signed.checkpoint
    assert signer.second.read_bytes() == signed.note
    assert kept(database) == [Published(size=5, note=signed.note, published_at=AT_NOON)]
    assert signer.second.stat().st_mode & 0o777 == 0o600


def test_an_empty_log_was_published_when_it_began(database: Database, signer: Signer) -> None:
    """There is nothing to sign, and something to serve."""
    signed = publish(database, signer, noon)

    assert signed.checkpoint == Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT)
    assert signed.note == signer.second.read_bytes()


def test_nothing_is_signed_until_the_log_has_grown(database: Database, signer: Signer) -> None:
    """One checkpoint for each size; who asks again gets the same bytes, and nothing is written."""
    append(database, *rows(3))
    first = publish(database, signer, noon)
    before = signer.second.stat()

    assert publish(database, signer, noon) == first
    assert signer.second.stat().st_mtime_ns == before.st_mtime_ns
    assert signer.second.stat().st_ino == before.st_ino
    append(database, new_event())
    assert publish(database, signer, noon).checkpoint.size == 4
    assert [one.size for one in kept(database)] == [4, 3]


def test_every_checkpoint_continues_the_one_before(database: Database, signer: Signer) -> None:
    """So any two can be proven consistent, by whoever kept the earlier one."""
    published: list[Checkpoint] = []
    for number in (1, 1, 2, 3, 5, 8, 13):
        append(database, *rows(number))
        published.append(publish(database, signer, noon).checkpoint)

    with database.read() as connection:
        for later in published:
            for old in published[: published.index(later) + 1]:
                proof = tree.roots(connection, consistency(old.size, later.size))
                verify_consistency(old.size, old.root, later.size, later.root, proof)


def test_kept_checkpoints_are_looked_back_at_in_parts(database: Database, signer: Signer) -> None:
    """The newest, or those of smaller sizes."""
    for _ in range(4):
        append(database, new_event())
        publish(database, signer, noon)

    with database.read() as connection:
        assert [one.size for one in checkpoints.newest(connection)] == [4]
        assert [one.size for one in checkpoints.newest(connection, 3, 5)] == [2, 1]
        assert checkpoints.newest(connection, 1) == []


def test_who_signs_not_serves_what_was_published(database: Database, signer: Signer) -> None:
    """A second server over the same database, which does not have the key."""
    assert current(database, None, noon) is None
    append(database, *rows(3))
    signed = current(database, signer, noon)
    append(database, *rows(2))

    assert signed is not None
    assert current(database, None, noon) == signed
    assert current(database, signer, noon) != signed


# A key that is being replaced.


def test_with_a_second_key_the_same_state_is_signed_again(
    database: Database, signer: Signer, tmp_path: Path
) -> None:
    """The checkpoint is the same one, with two signatures; of two notes the newer is kept."""
    append(database, *rows(3))
    first = publish(database, signer, noon)
    signing.rotate(tmp_path / "log.key", NEWER)
    both = signing.read(tmp_path / "log.key")

    again = publish(database, both, noon)

    assert again.checkpoint == first.checkpoint
    assert again.note.startswith(first.note)
    assert opened(again.note, [NEWER.verifier]) == opened(again.note, [KEY.verifier])
    assert publish(database, both, noon) == again
    assert [one.note for one in kept(database)] == [again.note]


def test_a_server_that_knows_the_older_key_alone_serves_what_both_signed(
    database: Database, signer: Signer, tmp_path: Path
) -> None:
    """It runs on until it is started again, and must not take the second signature away."""
    append(database, *rows(3))
    signing.rotate(tmp_path / "log.key", NEWER)
    both = publish(database, signing.read(tmp_path / "log.key"), noon)

    assert publish(database, signer, noon) == both


def test_a_log_goes_on_with_its_new_key(database: Database, signer: Signer, tmp_path: Path) -> None:
    """The first checkpoint of the new key alone continues the last with both."""
    file = tmp_path / "log.key"
    append(database, *rows(3))
    publish(database, signer, noon)
    signing.rotate(file, NEWER)
    both = publish(database, signing.read(file), noon)
    signing.finish(file)
    alone = signing.read(file)

    assert publish(database, alone, noon) == both
    append(database, new_event())
    signed = publish(database, alone, noon)

    assert opened(signed.note, [NEWER.verifier]).size == 4
    assert signed.note.decode().count("\u2014 ") == 1


# A log that does not continue what was published.


def test_a_restored_older_backup_is_refused(
    database: Database, signer: Signer, lost: Database
) -> None:
    """It would be signed for a size for which others hold another checkpoint."""
    events = rows(9)
    append(lost, *events)
    signed = publish(lost, signer, noon)
    append(database, *events[:5])

    with pytest.raises(LogWentBack) as refused:
        publish(database, signer, noon)

    assert (refused.value.head, refused.value.published) == (5, 9)
    sentence = str(refused.value)
    assert "ends at position 5, and a checkpoint was published for 9" in sentence
    assert "4 events are missing, as after restoring an older backup" in sentence
    assert "accessline restore FILE" in sentence
    assert signer.second.read_bytes() == signed.note
    assert kept(database) == []


@pytest.mark.parametrize("more", [4, 5, 20], ids=["to the same size", "beyond", "far beyond"])
def test_a_restored_older_backup_that_was_appended_to_is_refused(
    database: Database, signer: Signer, lost: Database, more: int
) -> None:
    """It is as long again, and another log: signing it would be the proof of two histories."""
    events = rows(9)
    append(lost, *events)
    signed = publish(lost, signer, noon)
    append(database, *events[:5], *rows(more))

    with pytest.raises(LogForked) as refused:
        publish(database, signer, noon)

    assert (refused.value.head, refused.value.published) == (5 + more, 9)
    assert "accessline verify --against FILE" in str(refused.value)
    assert signer.second.read_bytes() == signed.note
    assert kept(database) == []


def test_an_empty_database_is_refused(database: Database, signer: Signer, lost: Database) -> None:
    """As after a wrong ACCESSLINE_DATABASE_URL."""
    append(lost, *rows(3))
    publish(lost, signer, noon)

    with pytest.raises(LogWentBack):
        publish(database, signer, noon)


def test_a_log_whose_missing_events_came_back_is_signed_again(
    database: Database, signer: Signer, lost: Database
) -> None:
    """What was published is continued: nothing more is asked of anybody."""
    events = rows(9)
    append(lost, *events)
    signed = publish(lost, signer, noon)
    append(database, *events[:5])
    with pytest.raises(LogWentBack):
        publish(database, signer, noon)

    append(database, *events[5:])

    assert publish(database, signer, noon).checkpoint == signed.checkpoint
    append(database, new_event())
    assert publish(database, signer, noon).checkpoint.size == 10


def test_a_restored_backup_that_holds_all_that_was_published_goes_on(
    database: Database, signer: Signer, lost: Database
) -> None:
    """Nobody holds anything that it contradicts."""
    events = rows(9)
    append(lost, *events[:5])
    publish(lost, signer, noon)
    append(lost, *events[5:])
    append(database, *events[:5], *rows(2))

    assert publish(database, signer, noon).checkpoint.size == 7


def test_a_restored_second_place_lets_nobody_sign_what_the_database_has_published(
    database: Database, signer: Signer
) -> None:
    """An older second place is continued by the log, and gets the newest again."""
    append(database, *rows(3))
    older = publish(database, signer, noon)
    append(database, *rows(3))
    newer = publish(database, signer, noon)
    signer.second.write_bytes(older.note)

    again = publish(database, signer, noon)

    assert again.checkpoint == newer.checkpoint
    assert signer.second.read_bytes() == newer.note


# A second place that cannot be believed.


def other_origin() -> bytes:
    """Return a checkpoint of another log, signed by its key."""
    other = SignerKey("other.test/timeline", KEY.seed)
    return Checkpoint(origin=other.name, size=0, root=EMPTY_ROOT).signed((other,))


def borrowed_key() -> bytes:
    """Return a checkpoint of another log, signed by ours."""
    return Checkpoint(origin="other.test/timeline", size=0, root=EMPTY_ROOT).signed((KEY,))


def stranger() -> bytes:
    """Return a checkpoint of our log that somebody else signed."""
    return Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT).signed((STRANGE,))


def forged() -> bytes:
    """Return a checkpoint of our log whose size was changed after it was signed."""
    note = Checkpoint(origin=ORIGIN, size=7, root=bytes(32)).signed((KEY,))
    return note.replace(b"\n7\n", b"\n1\n")


def test_a_second_place_that_cannot_be_believed_stops_the_signer(
    database: Database, signer: Signer
) -> None:
    """Nobody could tell whether the log continues what others hold."""
    append(database, *rows(3))
    cases = (
        (b"", "no blank line"),
        (b"garbage\n", "no blank line"),
        (b"\x00\xff", "not UTF-8"),
        (b"x" * 1_000_001, "more than 1,000,000"),
        (other_origin(), "No key that is trusted signed it"),
        (borrowed_key(), "not by the log itself"),
        (stranger(), "No key that is trusted signed it"),
        (forged(), "signature of example.test/timeline is wrong"),
    )

    for content, fault in cases:
        signer.second.write_bytes(content)
        with pytest.raises(SecondPlaceUnfit, match=fault) as refused:
            publish(database, signer, noon)
        assert str(signer.second) in str(refused.value)
        assert "Put the file back" in str(refused.value)
        assert signer.second.read_bytes() == content
    assert kept(database) == []


def test_a_second_place_that_is_gone_stops_the_signer(database: Database, signer: Signer) -> None:
    """As after moving to a new machine without it: it is not made again by itself."""
    append(database, *rows(3))
    signer.second.unlink()

    with pytest.raises(SecondPlaceUnfit, match="it is not there"):
        publish(database, signer, noon)

    assert not signer.second.exists()
    assert kept(database) == []


def test_a_second_place_that_cannot_be_read_stops_the_signer(
    database: Database, signer: Signer
) -> None:
    """A folder in its place, a disk that fails: the same sentence says what to do."""
    append(database, *rows(3))
    signer.second.unlink()
    signer.second.mkdir()

    with pytest.raises(SecondPlaceUnfit):
        publish(database, signer, noon)


# Kills, and many at once.


def test_a_kill_between_the_second_place_and_the_database_heals(
    database: Database, signer: Signer
) -> None:
    """The second place has the checkpoint, the database not yet: the next call brings it there.

    Servers that do not sign serve what the database holds.
    """
    append(database, *rows(3))

    def killed() -> datetime:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(database, signer, killed)
    assert opened(signer.second.read_bytes(), signer.verifiers).size == 3
    assert kept(database) == []

    signed = publish(database, signer, noon)

    assert signed.checkpoint.size == 3
    assert [one.note for one in kept(database)] == [signed.note]
    assert current(database, None, noon) == signed


def test_a_kill_leaves_nobody_locked_out(database: Database, signer: Signer) -> None:
    """The lock goes with the process that held it; the file of the lock may stay."""
    append(database, *rows(3))
    Path(f"{signer.second}.lock").touch()

    assert publish(database, signer, noon).checkpoint.size == 3


def test_who_has_nothing_to_sign_waits_for_nobody(database: Database, signer: Signer) -> None:
    """Readers ask again and again; a signer that hangs must not hold them up."""
    append(database, *rows(3))
    signed = publish(database, signer, noon)

    with FileLock(f"{signer.second}.lock"):
        assert publish(database, signer, noon) == signed


def test_who_waits_too_long_is_told_so(
    database: Database, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than to hang for ever behind a process that does."""
    monkeypatch.setattr(publishing, "LOCK_SECONDS", 0.1)
    append(database, *rows(3))

    with FileLock(f"{signer.second}.lock"), pytest.raises(SignerBusy, match="holds") as refused:
        publish(database, signer, noon)

    assert isinstance(refused.value, PublishingRefused)
    assert kept(database) == []
    assert publish(database, signer, noon).checkpoint.size == 3


def no_fork(database: Database, notes: set[bytes]) -> None:
    """Check that of all that was signed no two contradict each other."""
    found = {opened(note, [KEY.verifier]) for note in notes}
    sizes = sorted(one.size for one in found)
    assert len(set(sizes)) == len(sizes), "two checkpoints of one size"
    with database.read() as connection:
        head = log.read_head(connection).position
        for one in found:
            proof = tree.roots(connection, consistency(one.size, head))
            (now,) = (later for later in found if later.size == head)
            verify_consistency(one.size, one.root, head, now.root, proof)


def test_threads_that_publish_at_once_never_fork(
    database: Database, database_url: str, signer: Signer
) -> None:
    """Each over its own connection, as in one server, while events come in."""
    notes: set[bytes] = set()
    done = threading.Event()

    def publishing_on(one: Database) -> None:
        while not done.is_set():
            notes.add(publish(one, signer, noon).note)

    other = connect(database_url)
    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(publishing_on, one) for one in (database, other) * 2]
        try:
            for _ in range(15):
                append(database, *rows(2))
        finally:
            done.set()
        for one in running:
            one.result()
    other.dispose()

    last = publish(database, signer, noon)
    assert last.checkpoint.size == 30
    assert signer.second.read_bytes() == last.note
    no_fork(database, {*notes, last.note})
    assert {one.note for one in kept(database)} >= notes - {signed_empty(signer)}


def signed_empty(signer: Signer) -> bytes:
    """Return what was published when the log began; Ed25519 signs the same bytes alike."""
    return Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT).signed(signer.keys)


def published_by_a_process(url: str, file: str, times: int) -> str:
    """Publish in another process; return what was signed."""
    database = connect(url)
    signer = signing.read(Path(file))
    found: list[str] = []
    for _ in range(times):
        append(database, new_event(stream="policy:other", version=len(found) + 1))
        signed: Signed = publish(database, signer, noon)
        found.append(signed.note.decode())
    database.dispose()
    return json.dumps(found)


def test_processes_that_publish_at_once_never_fork(
    database: Database, database_url: str, signer: Signer, tmp_path: Path
) -> None:
    """Two servers over one database, with one key and one second place."""
    here = multiprocessing.get_context("fork")
    file = str(tmp_path / "log.key")
    with ProcessPoolExecutor(1, mp_context=here) as processes:
        other = processes.submit(published_by_a_process, database_url, file, 20)
        notes = set()
        while not other.done():
            notes.add(publish(database, signer, noon).note)
        theirs = {note.encode() for note in json.loads(other.result())}

    last = publish(database, signer, noon)
    assert last.checkpoint.size == 20
    assert len(theirs) == 20
    no_fork(database, {*notes, *theirs, last.note})
