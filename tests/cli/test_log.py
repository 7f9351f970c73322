"""`log` and `verify --against`: signing a log, giving it away, and verifying what others give."""

import json
import shutil
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.app import create_app
from service.application import signing
from service.evidence.checkpoints import Checkpoint, opened
from service.evidence.merkle import Frontier, extend, leaf_hash, root
from service.evidence.notes import COSIGNATURE, SignerKey, VerifierKey
from service.evidence.proofs import verify_inclusion
from service.evidence.tiles import bundle, unbundled
from service.evidence.tlog_proofs import TlogProof
from service.projections import projector
from service.settings import Settings
from service.store import events as log
from service.store import tables
from service.store.engine import Database, connect
from tests.api.house import NOW
from tests.application.test_checking import TRIGGERS
from tests.cli.console import Console, Printed
from tests.evidence.test_verification import entry_files, hash_files

ORIGIN = "access.example.test/log"
SIZE = 51
"""Events of the seeds."""

NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
REVIEW = {
    "type": "record.reviewed",
    "stream": "policy:openai-unsupported-regions-2024",
    "occurred_on": "2026-11-20",
    "data": {"reviewed_on": "2026-11-20"},
}
EXPLAINED = "/v1/access/openai/CN?as_of=2024-07-09&known_at=@51"
STRANGER = SignerKey(ORIGIN, bytes(range(32)))


@dataclass
class Auditor:
    """Somebody who has a mirror of the log and the key that verifies it, and nothing else."""

    console: Console
    key: str
    folder: Path

    def verify(self, *arguments: str) -> Printed:
        """Verify the mirror."""
        return self.console("log", "verify", str(self.folder), "--key", self.key, *arguments)

    def findings(self, *arguments: str) -> list[tuple[str, int | None]]:
        """Verify the mirror; return what is found, by kind and position."""
        printed = self.verify(*arguments, "--json")
        found = [(one["kind"], one["position"]) for one in printed.json["findings"]]
        assert printed.code == (5 if found else 0), printed.err
        return found

    def held(self) -> list[bytes]:
        """Return the entries of the mirror."""
        return unbundled((self.folder / "tile/entries/000.p/51").read_bytes())

    def hold(self, held: Sequence[bytes]) -> None:
        """Put other entries into the mirror, under the hashes that there were."""
        (self.folder / "tile/entries/000.p/51").write_bytes(bundle(held))


@pytest.fixture
def operator(over_seeds: Console, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Runs commands over the seeds, with a key of the log in `log.key`."""
    return keyed(over_seeds, monkeypatch)


@pytest.fixture
def operator_of_both(over_both: Console, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Runs commands over the seeds, on SQLite and on PostgreSQL, with a key of the log."""
    return keyed(over_both, monkeypatch)


def keyed(console: Console, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Make the key of a log."""
    assert console("log", "init", "log.key", "--origin", ORIGIN).code == 0
    monkeypatch.setenv("ACCESSLINE_LOG_KEY", "log.key")
    return console


@pytest.fixture
def auditor(operator: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Auditor:
    """An auditor with a mirror of the seeds; there is no database, and no setting is right."""
    return leaving(operator, monkeypatch, tmp_path)


def leaving(console: Console, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Auditor:
    """Export the log, and go where its database is not."""
    assert console("log", "export", "mirror").code == 0
    key = str(signing.read(folder / "log.key").verifiers[0])
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", "nonsense://nowhere")
    monkeypatch.setenv("ACCESSLINE_LOG_KEY", "/nowhere/log.key")
    return Auditor(console=console, key=key, folder=folder / "mirror")


def secret(folder: Path) -> SignerKey:
    """Return what the log is signed with, which the operator has."""
    return signing.read(folder / "log.key").keys[0]


def verifier(folder: Path) -> VerifierKey:
    """Return what verifies it."""
    return secret(folder).verifier


def checkpoint_of(held: Sequence[bytes], origin: str = ORIGIN) -> Checkpoint:
    """Return what a log of some entries commits to."""
    frontier, _ = extend(Frontier(), [leaf_hash(one) for one in held])
    return Checkpoint(origin=origin, size=len(held), root=root(frontier))


def write_mirror(folder: Path, held: Sequence[bytes], key: SignerKey) -> None:
    """Make a mirror of other entries: their own tree, and a checkpoint that is signed."""
    shutil.rmtree(folder, ignore_errors=True)
    files = hash_files([leaf_hash(one) for one in held]) | entry_files(held)
    files["checkpoint"] = checkpoint_of(held).signed([key])
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def review(console: Console, number: int) -> None:
    """Record that somebody looked at a policy."""
    event = {**REVIEW, "id": f"01234567-0000-7000-8000-{number:012x}"}
    assert console("events", "append", "-", stdin=json.dumps(event).encode()).code == 0


def signed(console: Console) -> bytes:
    """Publish; return the checkpoint."""
    done = console("log", "checkpoint")
    assert done.code == 0, done.err
    return done.out.encode()


# A key.


def test_a_key_is_made_in_a_file_and_what_verifies_it_is_printed(
    console: Console, tmp_path: Path
) -> None:
    """No database is needed; the sentence about the secret is not in the way of a script."""
    done = console("log", "init", "log.key", "--origin", ORIGIN)

    assert done.code == 0
    assert done.out == f"{verifier(tmp_path)}\n"
    assert "Name it in ACCESSLINE_LOG_KEY" in done.err
    assert (tmp_path / "log.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "log.key").read_text().strip() not in done.out + done.err


def test_a_new_key_is_told_as_json(console: Console, tmp_path: Path) -> None:
    """With both files, and nothing of the secret."""
    found = console("log", "init", "log.key", "--origin", ORIGIN, "--json").json

    assert found == {
        "file": "log.key",
        "published": "log.key.published",
        "origin": ORIGIN,
        "verifier_key": str(verifier(tmp_path)),
    }


def test_settings_say_what_is_not_given(
    console: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The files, and the origin: the URL below which files of the log are served."""
    monkeypatch.setenv("ACCESSLINE_LOG_KEY", str(tmp_path / "set.key"))
    monkeypatch.setenv("ACCESSLINE_LOG_PUBLISHED", str(tmp_path / "last"))
    monkeypatch.setenv("ACCESSLINE_PUBLIC_URL", "https://access.example.test/")

    found = console("log", "init", "--json").json

    assert (found["file"], found["published"]) == (
        str(tmp_path / "set.key"),
        str(tmp_path / "last"),
    )
    assert found["origin"] == ORIGIN
    assert (tmp_path / "last").exists()


def test_what_a_key_needs_must_be_said(console: Console, tmp_path: Path) -> None:
    """Where it is, and which log it is."""
    nowhere = console("log", "init", "--origin", ORIGIN)
    nameless = console("log", "init", "log.key")
    bad = console("log", "init", "log.key", "--origin", "my log")

    assert (nowhere.code, nameless.code, bad.code) == (2, 2, 2)
    assert "here or in ACCESSLINE_LOG_KEY" in nowhere.err
    assert "--origin access.example.org/log" in nameless.err
    assert "has a space or a plus sign in it. A valid name: log.example/timeline" in bad.err
    assert list(tmp_path.glob("*.key*")) == []


def test_a_key_is_never_overwritten(console: Console, tmp_path: Path) -> None:
    """It would be another log, and nobody could tell whether it continues this one."""
    console("log", "init", "log.key", "--origin", ORIGIN)
    before = (tmp_path / "log.key").read_bytes()

    again = console("log", "init", "log.key", "--origin", ORIGIN)

    assert again.code == 2
    assert "log.key exists already, and nothing is overwritten" in again.err
    assert "accessline log rotate" in again.err
    assert (tmp_path / "log.key").read_bytes() == before


def test_a_key_is_replaced_in_two_steps(operator: Console, tmp_path: Path) -> None:
    """Both sign, then the newer one alone; in between something must be published."""
    old = verifier(tmp_path)
    signed(operator)

    both = operator("log", "rotate")
    early = operator("log", "rotate", "--finish")
    thrice = operator("log", "rotate")
    note = signed(operator)
    alone = operator("log", "rotate", "--finish", "--json")

    assert (both.code, early.code, thrice.code, alone.code) == (0, 2, 2, 0)
    assert both.out.splitlines()[0] == str(old)
    new = VerifierKey.read(both.out.splitlines()[1])
    assert "Nothing was published with the newer key yet" in early.err
    assert "accessline log rotate --finish" in thrice.err
    for key in (old, new):
        assert opened(note, [key]).size == SIZE
    assert alone.json == {"origin": ORIGIN, "verifier_keys": [str(new)]}
    review(operator, 1)
    assert opened(signed(operator), [new]).size == SIZE + 1


@pytest.mark.parametrize(
    "arguments",
    [("rotate",), ("checkpoint",), ("prove", NOTICE), ("export", "mirror")],
    ids=lambda arguments: arguments[0],
)
def test_without_a_key_a_sentence_says_what_to_do(
    over_seeds: Console, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Nothing was ever published, so there is nothing to give away either."""
    done = over_seeds("log", *arguments)

    assert (done.code, done.out) == (4, "")
    assert "make one with 'accessline log init'" in done.err
    assert "ACCESSLINE_LOG_KEY" in done.err
    assert not (tmp_path / "mirror").exists()


def test_a_key_that_cannot_be_read_is_a_fault_of_the_environment(
    operator: Console, tmp_path: Path
) -> None:
    """It is there and is none, or is not there."""
    (tmp_path / "log.key").write_text("hello\n")
    none = operator("log", "checkpoint")
    (tmp_path / "log.key").unlink()
    gone = operator("log", "checkpoint")

    assert (none.code, gone.code) == (4, 4)
    assert "log.key holds no key of a log" in none.err
    assert "log.key: No such file" in gone.err


# Checkpoints.


def test_a_checkpoint_is_printed_as_it_is(operator_of_both: Console, tmp_path: Path) -> None:
    """Byte for byte, so that a pipe can keep it; the same until the log has grown."""
    first = operator_of_both("log", "checkpoint", "--out", "kept.txt")
    again = operator_of_both("log", "checkpoint")
    told = operator_of_both("log", "checkpoint", "--json").json
    review(operator_of_both, 1)
    grown = operator_of_both("log", "checkpoint")

    found = opened(first.out.encode(), [verifier(tmp_path)])
    assert (found.origin, found.size) == (ORIGIN, SIZE)
    assert again.out == first.out == (tmp_path / "kept.txt").read_text()
    assert told == {
        "origin": ORIGIN,
        "size": SIZE,
        "root": b64encode(found.root).decode(),
        "checkpoint": first.out,
    }
    assert opened(grown.out.encode(), [verifier(tmp_path)]).size == SIZE + 1


def test_a_restored_backup_is_not_signed(operator: Console, seeded: Path) -> None:
    """Neither as it is nor appended to: two histories would be proven. Exit 5, with what to do."""
    shutil.copyfile(seeded, "backup.db")
    review(operator, 1)
    review(operator, 2)
    signed(operator)
    for rest in seeded.parent.glob("accessline.db*"):
        rest.unlink()
    shutil.copyfile("backup.db", seeded)

    back = operator("log", "checkpoint")
    review(operator, 3)
    review(operator, 4)
    forked = operator("log", "checkpoint")
    exported = operator("log", "export", "mirror")

    assert (back.code, forked.code, exported.code) == (5, 5, 5)
    assert back.out == forked.out == ""
    assert "2 events are missing, as after restoring an older backup" in back.err
    assert "restoring an older backup and appending to it" in forked.err


def test_a_second_place_that_is_gone_is_a_fault_of_the_environment(
    operator: Console, tmp_path: Path
) -> None:
    """Nothing is wrong with the log; it cannot be told."""
    (tmp_path / "log.key.published").unlink()

    done = operator("log", "checkpoint")

    assert (done.code, done.out) == (4, "")
    assert "must hold the last checkpoint that was published" in done.err


# Proofs for one event.


def test_an_event_is_proven_in_a_file_that_stands_alone(
    operator_of_both: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the event's bytes and the key of the log; no server, no database."""
    key = str(verifier(tmp_path))
    done = operator_of_both("log", "prove", NOTICE, "--out", "a.tlog-proof", "--entry", "a.json")
    printed = operator_of_both("log", "prove", NOTICE)
    position = operator_of_both("events", "show", NOTICE, "--json").json["position"]
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", "nonsense://nowhere")

    proof = TlogProof.read((tmp_path / "a.tlog-proof").read_bytes())
    found = opened(proof.checkpoint, [verifier(tmp_path)])
    entry = (tmp_path / "a.json").read_bytes()
    claim = ("--entry", "a.json", "--position", str(position))
    verified = operator_of_both("log", "verify", "a.tlog-proof", "--key", key, *claim)

    assert (done.code, printed.code) == (0, 0)
    assert f"holds {NOTICE}, at position {position}" in done.out
    assert printed.out == (tmp_path / "a.tlog-proof").read_text()
    assert json.loads(entry)["id"] == NOTICE
    assert proof.index == position - 1
    verify_inclusion(leaf_hash(entry), position - 1, SIZE, found.root, proof.proof)
    assert (verified.code, verified.err) == (0, "")
    assert verified.out.startswith(f"Verified: {ORIGIN} with 51 events, root ")


def test_an_event_that_is_not_there_has_no_proof(operator: Console) -> None:
    """An id that nobody has is unknown; what is no id is refused."""
    unknown = operator("log", "prove", "01234567-89ab-7def-8123-456789abcdef")
    malformed = operator("log", "prove", "abc")

    assert (unknown.code, malformed.code) == (3, 2)
    assert "accessline events list" in unknown.err


@pytest.fixture
def proven(operator: Console, tmp_path: Path) -> Callable[..., Printed]:
    """Verifies the proof for the notice, with what is said otherwise."""
    done = operator("log", "prove", NOTICE, "--out", "a.tlog-proof", "--entry", "a.json")
    assert done.code == 0
    position = operator("events", "show", NOTICE, "--json").json["position"]
    right = {"--key": str(verifier(tmp_path)), "--entry": "a.json", "--position": str(position)}

    def verify(**changes: str) -> Printed:
        said = right | {f"--{name}": value for name, value in changes.items()}
        options = [one for pair in said.items() for one in pair]
        return operator("log", "verify", "a.tlog-proof", *options, "--json")

    return verify


def test_a_proof_proves_nothing_else(proven: Callable[..., Printed], tmp_path: Path) -> None:
    """Another event, another position, another key: the verifier says what he means."""
    entry = (tmp_path / "a.json").read_bytes()
    (tmp_path / "b.json").write_bytes(entry.replace(b"2024", b"2025", 1))
    (tmp_path / "ended.json").write_bytes(entry + b"\n")

    assert proven().json["findings"] == []
    for changes in (
        {"entry": "b.json"},
        {"entry": "ended.json"},
        {"position": "1"},
        {"position": "51"},
        {"position": "52"},
        {"position": str(2**63 - 1)},
        {"key": str(STRANGER.verifier)},
    ):
        printed = proven(**changes)
        assert printed.code == 5
        (finding,) = printed.json["findings"]
        assert finding["kind"] == ("signature" if "key" in changes else "edited")
    assert proven(position="9" * 30).code == 2


def test_every_changed_line_of_a_proof_is_found(
    proven: Callable[..., Printed], tmp_path: Path
) -> None:
    """One character in each line. The index is a claim that nobody looks at."""
    file = tmp_path / "a.tlog-proof"
    lines = file.read_text().split("\n")

    for number, line in enumerate(lines):
        if not line or line.startswith("index "):
            continue
        at = len(line) // 2
        other = line[:at] + ("A" if line[at] != "A" else "B") + line[at + 1 :]
        file.write_text("\n".join([*lines[:number], other, *lines[number + 1 :]]))
        assert proven().code == 5, line

    file.write_bytes(b"")
    assert proven().code == 5
    file.write_bytes(b"\xff" * 2_000_000)
    assert proven().code == 5


def test_a_proof_is_verified_against_something(operator: Console, tmp_path: Path) -> None:
    """Without the event and its position nothing would be proven."""
    operator("log", "prove", NOTICE, "--out", "a.tlog-proof", "--entry", "a.json")
    key = str(verifier(tmp_path))

    for options in ((), ("--entry", "a.json"), ("--position", "5")):
        done = operator("log", "verify", "a.tlog-proof", "--key", key, *options)
        assert done.code == 2
        assert "give its --entry and --position" in done.err
    missing = ("--entry", "nothing.json", "--position", "5")
    assert operator("log", "verify", "a.tlog-proof", "--key", key, *missing).code == 2


@pytest.mark.parametrize("option", ["--against", "--replay"])
def test_what_a_proof_is_not_verified_with_is_refused(
    operator: Console, tmp_path: Path, option: str
) -> None:
    """Passed over, it would seem to have been looked at."""
    operator("log", "prove", NOTICE, "--out", "a.tlog-proof", "--entry", "a.json")
    (tmp_path / "other").write_text("garbage")
    claim = ("--entry", "a.json", "--position", "5", "--key", str(verifier(tmp_path)))

    assert operator("log", "verify", "a.tlog-proof", *claim, option, "other").code == 2


def test_what_a_mirror_is_not_verified_with_is_refused(auditor: Auditor) -> None:
    """An entry and a position belong to a proof."""
    assert auditor.verify("--position", "5").code == 2


# A mirror.


def test_the_log_is_mirrored_in_a_folder(operator_of_both: Console, tmp_path: Path) -> None:
    """As c2sp.org/tlog-tiles has it, with whom to trust; what is new is added later."""
    first = operator_of_both("log", "export", "mirror", "--json")
    again = operator_of_both("log", "export", "mirror", "--json")
    review(operator_of_both, 1)
    later = operator_of_both("log", "export", "mirror")

    folder = tmp_path / "mirror"
    files = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    assert files == {
        "checkpoint",
        "trust.policy",
        "tile/0/000.p/51",
        "tile/0/000.p/52",
        "tile/entries/000.p/51",
        "tile/entries/000.p/52",
    }
    assert first.json == {
        "folder": "mirror",
        "files": 2,
        "origin": ORIGIN,
        "size": SIZE,
        "root": first.json["root"],
    }
    assert again.json == first.json | {"files": 0}
    assert later.out == "mirror mirrors 52 events: 2 new files.\n"
    assert (folder / "trust.policy").read_text() == f"log {verifier(tmp_path)}\nquorum none\n"
    assert all(one.stat().st_mode & 0o044 for one in folder.rglob("*")), "anybody may serve it"


def test_a_mirror_is_verified_without_server_and_database(auditor: Auditor) -> None:
    """Acceptance: a folder, a key, and nothing else."""
    printed = auditor.verify()
    found = auditor.verify("--json").json

    assert (printed.code, printed.err) == (0, "")
    assert printed.out == f"Verified: {ORIGIN} with 51 events, root {found['root']}.\n"
    assert found == {"origin": ORIGIN, "size": SIZE, "root": found["root"], "findings": []}
    assert len(b64decode(found["root"])) == 32


def test_an_older_mirror_within_a_newer_one_is_verified(
    operator: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Partial tiles stay: the checkpoint that somebody kept still has all of its files."""
    operator("log", "export", "mirror")
    older = (tmp_path / "mirror/checkpoint").read_bytes()
    review(operator, 1)
    auditor = leaving(operator, monkeypatch, tmp_path)

    assert auditor.findings() == []
    (auditor.folder / "checkpoint").write_bytes(older)
    assert auditor.findings() == []


def edited(held: list[bytes]) -> list[bytes]:
    """Flip one bit of one entry."""
    return [*held[:4], bytes([held[4][0] ^ 1]) + held[4][1:], *held[5:]]


def deleted(held: list[bytes]) -> list[bytes]:
    """Leave one entry out."""
    return [*held[:9], *held[10:]]


def swapped(held: list[bytes]) -> list[bytes]:
    """Let two entries change places."""
    return [*held[:2], held[40], *held[3:40], held[2], *held[41:]]


def cut(held: list[bytes]) -> list[bytes]:
    """Leave the end out."""
    return held[:45]


def inserted(held: list[bytes]) -> list[bytes]:
    """Add one that was never logged."""
    return [*held[:20], b"{}", *held[20:]]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (edited, ("edited", 5)),
        (deleted, ("deleted", 10)),
        (swapped, ("reordered", 3)),
        (cut, ("cut", 46)),
        (inserted, ("inserted", 21)),
    ],
)
def test_a_spoilt_mirror_is_found_out(
    auditor: Auditor,
    spoil: Callable[[list[bytes]], list[bytes]],
    expected: tuple[str, int],
) -> None:
    """Acceptance: the first wrong position and its kind; exit 5."""
    auditor.hold(spoil(auditor.held()))

    assert auditor.findings() == [expected]
    printed = auditor.verify()
    assert printed.code == 5
    assert printed.rows[0]["kind"] == expected[0]
    assert printed.rows[0]["position"] == str(expected[1])
    assert "1 finding: do not rely on this log." in printed.err


def test_a_checkpoint_that_another_key_signed_is_found_out(auditor: Auditor) -> None:
    """Acceptance: nobody vouches for it, and nothing else is looked at."""
    held = auditor.held()
    (auditor.folder / "checkpoint").write_bytes(checkpoint_of(held).signed([STRANGER]))

    printed = auditor.verify("--json")

    assert printed.code == 5
    assert (printed.json["origin"], printed.json["size"]) == (ORIGIN, SIZE)
    (finding,) = printed.json["findings"]
    assert (finding["kind"], finding["position"]) == ("signature", None)
    assert "No key that is trusted signed it" in finding["detail"]


@pytest.mark.parametrize(
    "spoilt",
    [b"", b"garbage", b"\x00\xff", b"a\n1\n=\n\n", b"x" * 1_000_001],
    ids=["empty", "garbage", "bytes", "half", "huge"],
)
def test_what_is_no_checkpoint_is_a_finding(auditor: Auditor, spoilt: bytes) -> None:
    """Never a crash: the mirror came from strangers."""
    (auditor.folder / "checkpoint").write_bytes(spoilt)

    printed = auditor.verify("--json")

    assert printed.code == 5
    assert {one["kind"] for one in printed.json["findings"]} == {"signature"}
    assert (printed.json["origin"], printed.json["size"], printed.json["root"]) == (None,) * 3


def test_a_mirror_without_its_files_is_found_out(auditor: Auditor) -> None:
    """The checkpoint alone, or with tiles that are folders."""
    shutil.rmtree(auditor.folder / "tile")
    assert auditor.findings()[0] == ("unreadable", 1)

    (auditor.folder / "tile/entries/000.p/51").mkdir(parents=True)
    (auditor.folder / "tile/0").write_text("a file where a folder was")
    assert auditor.findings()[0] == ("unreadable", 1)


def test_a_checkpoint_of_a_size_beyond_the_files_is_found_out(
    auditor: Auditor, tmp_path: Path
) -> None:
    """However the size is signed, it ends: a verifier must not run on for ever."""
    ahead = Checkpoint(origin=ORIGIN, size=70_000, root=bytes(32))
    (auditor.folder / "checkpoint").write_bytes(ahead.signed([secret(tmp_path)]))

    assert auditor.findings()[0] == ("unreadable", 1)


def test_what_is_no_mirror_is_unknown(auditor: Auditor) -> None:
    """A folder without a checkpoint, or none at all."""
    auditor.folder = auditor.folder / "tile"
    empty = auditor.verify()
    auditor.folder = auditor.folder / "nothing"
    missing = auditor.verify()

    assert (empty.code, missing.code) == (3, 3)
    assert "is no mirror of a log: it has no file 'checkpoint'" in empty.err


# Whom to trust.


@pytest.mark.parametrize(
    "key",
    [
        "",
        "hello",
        "log+00000000",
        "access.example.test/log+00000000+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "example.test/timeline+226fa979+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG5",
        "example.test/timeline+226FA979+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "PRIVATE+KEY+log+226fa979+AQ",
        "a\u00e9+226fa979+\u00e9",
    ],
)
def test_a_malformed_key_is_refused(auditor: Auditor, key: str) -> None:
    """Usage: nothing was verified, and nothing is wrong with the log."""
    auditor.key = key

    printed = auditor.verify()

    assert (printed.code, printed.out) == (2, "")
    assert "This is no verifier key" in printed.err


def test_one_says_whom_one_trusts_in_one_way(auditor: Auditor) -> None:
    """Neither is no verification, both would be a guess."""
    policy = str(auditor.folder / "trust.policy")

    neither = auditor.console("log", "verify", str(auditor.folder))
    both = auditor.verify("--trust", policy)

    assert (neither.code, both.code) == (2, 2)
    assert "Say whom you trust: --key KEY, or --trust FILE." in neither.err


def test_several_keys_may_be_trusted(auditor: Auditor) -> None:
    """As while one is being replaced: one good signature is enough."""
    assert auditor.findings("--key", str(STRANGER.verifier)) == []


def test_the_policy_of_an_export_names_the_log(auditor: Auditor) -> None:
    """c2sp.org/tlog-policy: compare its key with what came by another way."""
    policy = str(auditor.folder / "trust.policy")

    assert auditor.console("log", "verify", str(auditor.folder), "--trust", policy).code == 0


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        (b"", "no line says 'quorum'"),
        (b"quorum none\nhello\n", "line 2: "),
        (b"quorum somebody\n", "line 1: no earlier line names a witness or group"),
        (b"log hello\nquorum none\n", "line 1: "),
        (b"\x00", "line 1: it has a control character"),
    ],
)
def test_a_malformed_policy_is_refused(auditor: Auditor, policy: bytes, fault: str) -> None:
    """With the line that is at fault."""
    Path("policy").write_bytes(policy)

    printed = auditor.console("log", "verify", str(auditor.folder), "--trust", "policy")

    assert (printed.code, printed.out) == (2, "")
    assert f"policy: This is no trust policy: {fault}" in printed.err


def cosigned(text: str, name: str, seed: bytes, moment: int) -> tuple[VerifierKey, bytes]:
    """Cosign a checkpoint, as c2sp.org/tlog-cosignature says, byte for byte."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    known = VerifierKey(name, COSIGNATURE, key.public_key().public_bytes_raw())
    signature = key.sign(f"cosignature/v1\ntime {moment}\n{text}".encode())
    blob = b64encode(known.id + moment.to_bytes(8, "big") + signature).decode()
    return known, f"\u2014 {name} {blob}\n".encode()


def test_a_quorum_of_witnesses_is_asked_for(auditor: Auditor) -> None:
    """Who cosigns has seen no other history: two of three must have."""
    note = (auditor.folder / "checkpoint").read_bytes()
    text = note.decode().partition("\n\n")[0] + "\n"
    made = [cosigned(text, f"w{at}.test", bytes([at]) * 32, 1_700_000_000) for at in (1, 2, 3)]
    witnesses = "".join(f"witness w{at} {key}\n" for at, (key, _) in enumerate(made, 1))
    policy = f"log {auditor.key}\n{witnesses}group us 2 w1 w2 w3\nquorum us\n"
    Path("policy").write_text(policy)
    verify = partial(
        auditor.console, "log", "verify", str(auditor.folder), "--trust", "policy", "--json"
    )

    codes: list[int] = []
    for count in (0, 1, 2, 3):
        lines = b"".join(line for _, line in made[:count])
        (auditor.folder / "checkpoint").write_bytes(note + lines)
        codes.append(verify().code)

    assert codes == [5, 5, 0, 0]
    (auditor.folder / "checkpoint").write_bytes(note + made[0][1])
    (finding,) = verify().json["findings"]
    assert finding["kind"] == "signature"
    assert "the quorum 'us' is not reached" in finding["detail"]


# Against an earlier checkpoint.


def test_a_mirror_must_continue_the_checkpoints_that_one_kept(
    auditor: Auditor, tmp_path: Path
) -> None:
    """The operator rewrote an event, made tree and checkpoint again, and signed them."""
    held = auditor.held()
    for size in (10, 30, 51):
        kept = checkpoint_of(held[:size]).signed([secret(tmp_path)])
        (tmp_path / f"{size}.txt").write_bytes(kept)
    against = ("--against", "30.txt", "--against", "10.txt")

    assert auditor.findings(*against, "--against", "51.txt") == []
    write_mirror(auditor.folder, edited(held), secret(tmp_path))
    assert auditor.findings() == []
    assert auditor.findings("--against", "10.txt") == [("rewritten", None)]
    found = auditor.verify(*against, "--json").json["findings"]
    assert [one["detail"].partition(":")[0] for one in found] == [
        "history before size 10 differs from the earlier checkpoint",
        "history before size 30 differs from the earlier checkpoint",
    ]
    write_mirror(auditor.folder, held[:20], secret(tmp_path))
    assert auditor.findings("--against", "30.txt") == [("cut", 21)]


def test_an_earlier_checkpoint_must_be_one(auditor: Auditor, tmp_path: Path) -> None:
    """Of this log, and signed by it; or nothing could be concluded."""
    held = auditor.held()
    other = SignerKey("other.test/log", bytes(32))
    stranger = checkpoint_of(held[:9]).signed([STRANGER])
    cases: list[tuple[bytes, int, str]] = [
        (b"garbage", 2, "This is no signed note"),
        (stranger, 5, "No key that is trusted signed it"),
        (
            checkpoint_of(held[:9], other.name).signed([other]),
            2,
            f"The earlier checkpoint is of other.test/log, the mirror of {ORIGIN}.",
        ),
    ]

    for note, code, sentence in cases:
        (tmp_path / "kept.txt").write_bytes(note)
        printed = auditor.verify("--against", "kept.txt", "--key", str(other.verifier))
        assert (printed.code, printed.out) == (code, "")
        assert sentence in printed.err
    assert auditor.verify("--against", "nothing.txt").code == 2


# Against an earlier checkpoint, over the database.


def rewrite(database: Database, position: int, old: bytes, new: bytes) -> None:
    """Change an event as its owner could: its bytes, and leaf, nodes and head to match."""
    with database.write() as connection:
        for trigger in TRIGGERS[database.dialect]:
            connection.exec_driver_sql(trigger)
        (row,) = log.at(connection, [position])
        assert old in row.body
        body = row.body.replace(old, new, 1)
        connection.execute(
            sa.update(tables.event)
            .where(tables.event.c.position == position)
            .values(body=body, leaf=leaf_hash(body))
        )
        leaves = [one.leaf for one in log.iterate(connection)]
        frontier, nodes = extend(Frontier(), leaves)
        for node in nodes:
            connection.execute(
                sa.update(tables.node)
                .where(tables.node.c.level == node.level, tables.node.c.index == node.index)
                .values(hash=node.hash)
            )
        connection.execute(sa.update(tables.head).values(frontier=frontier.to_bytes()))


def test_a_rewritten_database_is_found_out_by_an_earlier_checkpoint(
    operator_of_both: Console, database_url: str, tmp_path: Path
) -> None:
    """Acceptance: triggers dropped, tree made again to match; only what was kept can tell."""
    console = operator_of_both
    (tmp_path / "kept.txt").write_bytes(signed(console))
    review(console, 1)
    before = console("verify", "--against", "kept.txt", "--json")
    position = console("events", "show", NOTICE, "--json").json["position"]
    database = connect(database_url)
    rewrite(database, position, b"2024-07-09", b"2024-07-19")
    database.dispose()
    console("rebuild")

    alone = console("verify", "--json")
    found = console("verify", "--against", "kept.txt", "--json")
    by_key = console("verify", "--against", "kept.txt", "--key", str(verifier(tmp_path)))

    assert (before.code, before.json["findings"]) == (0, [])
    assert (alone.code, alone.json["findings"]) == (0, [])
    assert (found.code, by_key.code) == (5, 5)
    (finding,) = found.json["findings"]
    assert (finding["kind"], finding["position"]) == ("rewritten", None)
    assert "history before size 51 differs from the checkpoint" in finding["detail"]
    assert console("log", "checkpoint").code == 5


def test_a_database_that_was_cut_is_found_out_by_an_earlier_checkpoint(
    operator: Console, tmp_path: Path
) -> None:
    """The log ends before what somebody holds."""
    ahead = Checkpoint(origin=ORIGIN, size=60, root=bytes(32))
    (tmp_path / "kept.txt").write_bytes(ahead.signed([secret(tmp_path)]))

    printed = operator("verify", "--against", "kept.txt", "--json")

    assert printed.code == 5
    assert [(one["kind"], one["position"]) for one in printed.json["findings"]] == [("cut", 52)]


def test_an_earlier_checkpoint_of_a_database_must_be_one(
    operator: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its signature is checked with a key that is given, else with ours, else it is said not to."""
    kept = tmp_path / "kept.txt"
    kept.write_bytes(signed(operator))
    good = str(verifier(tmp_path))

    assert operator("verify", "--against", "kept.txt", "--key", good).code == 0
    stranger = operator("verify", "--against", "kept.txt", "--key", str(STRANGER.verifier))
    malformed_key = operator("verify", "--against", "kept.txt", "--key", "hello")
    monkeypatch.setenv("ACCESSLINE_LOG_KEY", "")
    unchecked = operator("verify", "--against", "kept.txt")
    kept.write_text("garbage")
    garbage = operator("verify", "--against", "kept.txt")

    assert (stranger.code, malformed_key.code, unchecked.code, garbage.code) == (5, 2, 0, 2)
    assert "No key that is trusted signed it" in stranger.err
    assert "Nobody's signature on kept.txt was checked" in unchecked.err


# Replaying.


def saved(url: str, question: str) -> bytes:
    """Return what a live server answers."""
    app = create_app(Settings(database_url=url), clock=lambda: NOW)
    response = app.test_client().get(question)
    app.extensions["accessline"].database.dispose()
    assert response.status_code == 200, response.text
    data: bytes = response.data
    return data


@pytest.fixture
def answers(seeded: Path) -> dict[str, bytes]:
    """What a server over the seeds answers, by what was asked."""
    url = f"sqlite:///{seeded}"
    asked = (
        EXPLAINED,
        "/v1/access/openai/CN?service=api&audience=public&as_of=2024-07-09&known_at=@51",
        "/v1/policies?as_of=2024-07-09&known_at=@51",
        "/v1/access/diff?known_from=@40&known_until=@51&as_of=2024-07-09&provider=openai",
        "/v1/access/openai/CN?as_of=2024-07-09&known_at=@30",
    )
    return {question: saved(url, question) for question in asked}


def test_an_answer_of_a_live_server_is_computed_again_from_the_entries(
    auditor: Auditor, answers: dict[str, bytes]
) -> None:
    """Acceptance: byte for byte; an explained one says what was asked, of others one says it."""
    for question, answer in answers.items():
        Path("answer.json").write_bytes(answer)
        told = () if "/access/openai/CN" in question else ("--question", question)

        assert auditor.findings("--replay", "answer.json", *told) == [], question


def test_an_answer_may_have_been_saved_with_a_line_feed(
    auditor: Auditor, answers: dict[str, bytes]
) -> None:
    """As editors and shells do."""
    Path("answer.json").write_bytes(answers[EXPLAINED] + b"\n")

    assert auditor.findings("--replay", "answer.json") == []


def test_an_answer_is_refused_after_one_word_was_changed(
    auditor: Auditor, answers: dict[str, bytes]
) -> None:
    """Acceptance: what it has and what the entries give, from the first byte that differs."""
    answer = answers[EXPLAINED]
    assert b'"state":"blocked"' in answer
    Path("answer.json").write_bytes(answer.replace(b'"state":"blocked"', b'"state":"open"', 1))

    printed = auditor.verify("--replay", "answer.json", "--json")

    assert printed.code == 5
    (finding,) = printed.json["findings"]
    assert (finding["kind"], finding["position"]) == ("rewritten", None)
    at = answer.index(b'"state":"blocked"') + len('"state":"') + 1
    assert (
        f"answer.json is not what the log answers under rule 1: from byte {at} on"
        in (finding["detail"])
    )


def test_an_answer_that_ends_early_or_goes_on_is_refused(
    auditor: Auditor, answers: dict[str, bytes]
) -> None:
    """Every byte counts, the last ones too."""
    question = "/v1/policies?as_of=2024-07-09&known_at=@51"
    for spoilt in (answers[question] + b" ", answers[question] + b"\n\n"):
        Path("answer.json").write_bytes(spoilt)
        assert auditor.findings("--replay", "answer.json", "--question", question) == [
            ("rewritten", None)
        ]


def test_an_answer_from_beyond_the_mirror_cannot_be_computed(
    auditor: Auditor, answers: dict[str, bytes], tmp_path: Path
) -> None:
    """The mirror ends before what was known then: that is a finding about the mirror."""
    Path("answer.json").write_bytes(answers[EXPLAINED])
    write_mirror(auditor.folder, auditor.held()[:40], secret(tmp_path))

    assert auditor.findings("--replay", "answer.json") == [("cut", 41)]


def test_an_answer_is_not_computed_from_a_spoilt_mirror(
    auditor: Auditor, answers: dict[str, bytes]
) -> None:
    """Its entries are not those that were signed: nothing can be concluded from them."""
    Path("answer.json").write_bytes(answers[EXPLAINED])
    auditor.hold(edited(auditor.held()))

    assert auditor.findings("--replay", "answer.json") == [("edited", 5)]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"known_at": null}',
        b'{"known_at": {"position": "x"}}',
        b'{"known_at": {"position": null}}',
        b'{"known_at": {"position": 5}}',
        b'{"known_at": {"position": 1e999}}',
        b'{"known_at": {"position": NaN}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_refused(auditor: Auditor, answer: bytes) -> None:
    """Usage, with what to say: never a crash."""
    Path("answer.json").write_bytes(answer)

    printed = auditor.verify("--replay", "answer.json")

    assert (printed.code, printed.out) == (2, "")
    assert "answer.json is no explained answer of this server" in printed.err


@pytest.mark.parametrize("position", ["-5", "0", "true", "2.5", "1" + "0" * 300])
def test_an_answer_of_no_position_is_never_a_crash(auditor: Auditor, position: str) -> None:
    """It was not answered by any server: refused, or found to be another one."""
    Path("answer.json").write_text(f'{{"known_at": {{"position": {position}}}}}')
    question = "/v1/policies?as_of=2024-07-09&known_at=@1"

    assert auditor.verify("--replay", "answer.json", "--question", question).code in (2, 5)


def test_a_question_without_an_answer_is_refused(auditor: Auditor) -> None:
    """There is nothing to compare with."""
    printed = auditor.verify("--question", EXPLAINED)

    assert printed.code == 2
    assert "--question belongs to a saved answer: --replay ANSWER" in printed.err


@pytest.mark.parametrize(
    "question",
    [
        "/v1/acess/openai/CN?as_of=2024-07-09&known_at=@51",
        "/v1/access/openai/CN?asof=2024-07-09&known_at=@51",
        "access",
    ],
)
def test_a_mistyped_question_is_no_finding_about_the_log(
    auditor: Auditor, answers: dict[str, bytes], question: str
) -> None:
    """The server refuses it: nothing was computed, and nothing is wrong with log or answer."""
    Path("answer.json").write_bytes(answers[EXPLAINED])

    assert auditor.verify("--replay", "answer.json", "--question", question).code == 2


# Keeping watch.


def lines(printed: Printed) -> list[Any]:
    """Read what a watch printed, one event a line."""
    return [json.loads(line) for line in printed.out.splitlines()]


def test_a_watch_prints_what_is_new_and_remembers_it(operator: Console, tmp_path: Path) -> None:
    """The first run all, the second nothing, the third what came meanwhile."""
    operator("log", "export", "mirror")
    watch = ("log", "tail", "mirror", "--key", str(verifier(tmp_path)), "--once", "--json")

    first = operator(*watch, "--state", "state.txt")
    second = operator(*watch, "--state", "state.txt")
    review(operator, 1)
    operator("log", "export", "mirror")
    third = operator(*watch, "--state", "state.txt")

    assert (first.code, second.code, third.code) == (0, 0, 0)
    assert [one["position"] for one in lines(first)] == list(range(1, SIZE + 1))
    assert lines(first)[0]["type"] == "registry.registered"
    assert second.out == ""
    assert [(one["position"], one["type"]) for one in lines(third)] == [(52, "record.reviewed")]
    kept = (tmp_path / "state.txt").read_bytes()
    assert opened(kept, [verifier(tmp_path)]).size == 52
    assert (tmp_path / "mirror/checkpoint").read_bytes() == kept
    assert len(lines(operator(*watch))) == 52


def test_a_rewritten_log_ends_the_watch(auditor: Auditor, tmp_path: Path) -> None:
    """Exit 5, nothing of it is printed, and what was verified before stays remembered."""
    held = auditor.held()
    watch = (
        "log",
        "tail",
        str(auditor.folder),
        "--key",
        auditor.key,
        "--once",
        "--json",
        "--state",
        "state",
    )
    assert auditor.console(*watch).code == 0
    before = (tmp_path / "state").read_bytes()

    for other in (
        edited([*held, b"{}"]),
        edited(held),
        held[:40],
        [*held[:50], b"{}"],
    ):
        write_mirror(auditor.folder, other, secret(tmp_path))
        printed = auditor.console(*watch)

        assert (printed.code, printed.out) == (5, "")
        assert (tmp_path / "state").read_bytes() == before
    write_mirror(auditor.folder, [*held, b"{}"], secret(tmp_path))
    assert auditor.console(*watch).code == 0


def test_a_watch_trusts_nobody_else(auditor: Auditor, tmp_path: Path) -> None:
    """A checkpoint that a stranger signed, entries that were edited, a state that is none."""
    watch = ("log", "tail", str(auditor.folder), "--key", auditor.key, "--once")
    held = auditor.held()

    auditor.hold(edited(held))
    spoilt = auditor.console(*watch)
    write_mirror(auditor.folder, held, STRANGER)
    stranger = auditor.console(*watch)
    (tmp_path / "state").write_text("garbage")
    garbage = auditor.console(*watch, "--state", "state")

    assert (spoilt.code, stranger.code, garbage.code) == (5, 5, 2)
    assert spoilt.out == stranger.out == garbage.out == ""
    assert auditor.console("log", "tail", str(auditor.folder), "--once").code == 2
    assert auditor.console("log", "tail", "nothing", "--key", auditor.key, "--once").code == 3


@pytest.mark.parametrize(
    "entry", [b"7", b'"text"', b"[1]", b"null", b"not json", b"\xff\x00", b"[" * 60_000]
)
def test_a_watch_prints_whatever_was_logged(auditor: Auditor, tmp_path: Path, entry: bytes) -> None:
    """A log of that family may hold anything: what is no event stays as text, in one line."""
    write_mirror(auditor.folder, [entry, b'{"a":1}'], secret(tmp_path))

    printed = auditor.console(
        "log", "tail", str(auditor.folder), "--key", auditor.key, "--once", "--json"
    )

    assert printed.code == 0
    assert lines(printed) == [
        {"position": 1, "entry": entry.decode(errors="replace")},
        {"position": 2, "a": 1},
    ]


# Over HTTP.


@contextmanager
def serving(folder: Path, lies: "Lies | None" = None) -> Iterator[str]:
    """Serve a folder as any web server would; or as one that lies."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            told = None if lies is None else lies(self.path.removeprefix("/log/"))
            if told is None:
                self.path = self.path.removeprefix("/log")
                super().do_GET()
                return
            status, body = told
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name there
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/log"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


Lies = Callable[[str], tuple[int, bytes] | None]
"""What a server that lies answers to a path; None for the truth."""


class Later:
    """Tells the truth about a path some times, and lies from then on."""

    def __init__(self, path: str, truths: int, lie: tuple[int, bytes]) -> None:
        self.path, self.truths, self.lie = path, truths, lie

    def __call__(self, path: str) -> tuple[int, bytes] | None:
        """Answer."""
        if path != self.path:
            return None
        self.truths -= 1
        return None if self.truths >= 0 else self.lie


def test_a_mirror_is_verified_and_watched_over_http(
    auditor: Auditor, answers: dict[str, bytes]
) -> None:
    """The exported folder, served by any web server; the URL with or without a slash."""
    Path("answer.json").write_bytes(answers[EXPLAINED])
    with serving(auditor.folder) as url:
        for source in (url, f"{url}/"):
            verify = ("log", "verify", source, "--key", auditor.key)
            found = auditor.console(*verify, "--replay", "answer.json", "--json")
            assert (found.code, found.json["findings"], found.json["size"]) == (0, [], SIZE)
        watch = ("log", "tail", url, "--key", auditor.key, "--once", "--json", "--state", "state")
        assert len(lines(auditor.console(*watch))) == SIZE
        assert auditor.console(*watch).out == ""

        auditor.hold(edited(auditor.held()))
        found = auditor.console("log", "verify", url, "--key", auditor.key, "--json")
        assert [(one["kind"], one["position"]) for one in found.json["findings"]] == [("edited", 5)]
        shutil.rmtree(auditor.folder / "tile")
        found = auditor.console("log", "verify", url, "--key", auditor.key, "--json")
        assert found.code == 5
        assert "the server answers 404" in found.json["findings"][0]["detail"]


def test_a_server_that_is_not_there_is_a_fault_of_the_environment(auditor: Auditor) -> None:
    """Nobody answers, or what answers is no mirror."""
    with serving(auditor.folder) as url:
        other = auditor.console("log", "verify", f"{url}/nothing", "--key", auditor.key)
    gone = auditor.console("log", "verify", url, "--key", auditor.key)

    assert (gone.code, other.code) == (4, 3)
    assert f"{url} does not answer" in gone.err


def test_a_server_that_refuses_just_now_is_no_finding_about_the_log(auditor: Auditor) -> None:
    """As ours does where it must not sign: that is said, and not that there is no mirror."""
    with serving(auditor.folder, Later("checkpoint", 0, (503, b"later"))) as url:
        printed = auditor.console("log", "verify", url, "--key", auditor.key)

    assert printed.code == 4
    assert "503" in printed.err


def test_a_server_that_fails_in_between_is_never_a_crash(auditor: Auditor) -> None:
    """The checkpoint was there a moment ago."""
    with serving(auditor.folder, Later("checkpoint", 1, (404, b""))) as url:
        for command in (("tail", url, "--once"), ("verify", url)):
            printed = auditor.console("log", *command, "--key", auditor.key)
            assert printed.code in (3, 4, 5), printed.err


def test_a_server_that_lies_the_second_time_deceives_no_watch(auditor: Auditor) -> None:
    """What is printed is what was verified, not what the same path gives when asked again."""
    path = "tile/entries/000.p/51"
    lie = bundle([b'{"forged":true}', *auditor.held()[1:]])
    for truths in range(3):
        with serving(auditor.folder, Later(path, truths, (200, lie))) as url:
            printed = auditor.console("log", "tail", url, "--key", auditor.key, "--once")

        assert "forged" not in printed.out
        assert printed.code in (0, 5)


def test_a_server_that_lies_the_second_time_deceives_no_replay(
    auditor: Auditor, answers: dict[str, bytes], seeded: Path
) -> None:
    """An answer is computed from the entries that were verified, or it is not accepted."""
    held = auditor.held()
    at = next(index for index, one in enumerate(held) if json.loads(one)["id"] == NOTICE)
    database = connect(f"sqlite:///{seeded}")
    rewrite(database, at + 1, b"2024-07-09", b"2024-07-19")
    projector.rebuild(database)
    database.dispose()
    forged = [*held[:at], held[at].replace(b"2024-07-09", b"2024-07-19", 1), *held[at + 1 :]]
    app = create_app(Settings(database_url=f"sqlite:///{seeded}"), clock=lambda: NOW)
    Path("answer.json").write_bytes(app.test_client().get(EXPLAINED).data)
    app.extensions["accessline"].database.dispose()

    lie = (200, bundle(forged))
    with serving(auditor.folder, Later("tile/entries/000.p/51", 1, lie)) as url:
        options = ("--key", auditor.key, "--replay", "answer.json")
        printed = auditor.console("log", "verify", url, *options)

    assert Path("answer.json").read_bytes() != answers[EXPLAINED]
    assert printed.code == 5


def test_an_answer_without_end_is_not_read_to_its_end(auditor: Auditor) -> None:
    """A bundle has at most 256 entries of 65,535 bytes each: the rest is not asked for."""
    huge = (200, bundle([b"x" * 65_535]) * 300)
    with serving(auditor.folder, Later("tile/entries/000.p/51", 0, huge)) as url:
        printed = auditor.console("log", "verify", url, "--key", auditor.key, "--json")

    assert printed.code == 5
    assert "it ends within its entry 257" in printed.json["findings"][0]["detail"]
