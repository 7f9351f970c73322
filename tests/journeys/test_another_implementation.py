"""What a server proves is verified by Go's own golang.org/x/mod/sumdb, over HTTP.

Nothing of accessline is in the verifier but the addresses. On Debian it needs the packages
golang-go and golang-golang-x-mod-dev; where they are missing the tests are skipped, and where `CI`
is set they fail.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from service.evidence.checkpoints import Checkpoint
from service.evidence.notes import SignerKey
from service.evidence.tiles import unbundled
from service.store.engine import connect
from service.store.tables import event
from tests.cli.processes import SECONDS
from tests.journeys.signed import (
    KEY,
    SEEDS,
    STRANGER,
    SignedLog,
    asked,
    begun,
    fetched,
    notes,
    review,
)

SOURCE: Final = Path(__file__).with_name("verifier") / "main.go"
GOPATH: Final = Path("/usr/share/gocode")


@pytest.fixture(scope="session")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier, built from source."""
    go = shutil.which("go")
    if go is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        reason = "No Go to verify with: install golang-go and golang-golang-x-mod-dev."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("verifier")
    program = folder / "verifier"
    # Nothing is fetched: packages are those that Debian has put below GOPATH.
    settings = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    built = subprocess.run(  # noqa: S603 -- the compiler on PATH, our own source
        [go, "build", "-o", program, SOURCE],
        env={**os.environ, **settings, "GOCACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture
def signed(tmp_path: Path, database_url: str) -> SignedLog:
    """A log with the seeds and a key."""
    return begun(tmp_path, database_url)


def go(program: Path, base: str, command: str, *arguments: str, key: str) -> tuple[int, str]:
    """Run the verifier, and return its exit code and what it says."""
    done = subprocess.run(  # noqa: S603 -- built from our own source
        [program, command, "-base", base, "-key", key, *arguments],
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return done.returncode, done.stdout + done.stderr


def test_go_verifies_a_log_that_grows(verifier: Path, signed: SignedLog, tmp_path: Path) -> None:
    """Checkpoints, every entry and its proof, tiles full and partial, and growth past 256."""
    old = [tmp_path / f"{number}.checkpoint" for number in range(3)]
    with signed.serving() as base:
        for file, events in zip(old, ([], [review()], notes(250)), strict=True):
            signed.record(events)
            file.write_bytes(fetched(f"{base}/log/checkpoint"))
        key = asked(f"{base}/v1/log/key")["verifier_key"]
        named = [part for file in old for part in ("-old", str(file))]

        told = go(verifier, base, "log", *named, key=key)

    assert told == (0, f"{SEEDS + 251} entries, 3 earlier checkpoints\n")
    assert key == str(KEY.verifier)


def test_go_refuses_what_is_wrong(verifier: Path, signed: SignedLog, tmp_path: Path) -> None:
    """A flipped byte, a wrong index, another key, another history: each is told by itself."""
    entry, flipped, foreign, forked = (tmp_path / one for one in ("a", "b", "c", "d"))
    other = Checkpoint(origin=KEY.name, size=9, root=bytes(32))
    foreign.write_bytes(other.signed([STRANGER]))
    forked.write_bytes(other.signed([KEY]))
    with signed.serving() as base:
        body = unbundled(fetched(f"{base}/log/tile/entries/000.p/{SEEDS}"))[7]
        entry.write_bytes(body)
        flipped.write_bytes(body[:20] + bytes([body[20] ^ 1]) + body[21:])

        def told(*arguments: str | Path, key: SignerKey = KEY) -> tuple[int, str]:
            return go(verifier, base, *map(str, arguments), key=str(key.verifier))

        assert told("entry", "-index", "7", entry) == (0, "")
        refused = (1, "invalid transparency proof\n")
        assert told("entry", "-index", "7", flipped) == refused
        assert told("entry", "-index", "8", entry) == refused
        assert told("entry", "-index", "8", "-proof-of", "7", entry) == refused
        assert told("entry", "-index", "7", "-proof-of", "8", entry) == refused
        beyond = told("entry", "-index", str(SEEDS), "-proof-of", "7", entry)
        assert beyond == (1, "tlog: invalid inputs in CheckRecord\n")

        unsigned = "note has no verifiable signatures\n"
        assert told("log", key=STRANGER) == (1, unsigned)
        assert told("log", "-old", foreign) == (1, f"{foreign}: {unsigned}")
        assert told("log", "-old", forked) == (1, f"{forked}: {refused[1]}")


def test_go_names_the_entry_that_the_server_changed(verifier: Path, signed: SignedLog) -> None:
    """One byte of an event in the database, its hash left alone: the bundle gives it away."""
    database = connect(signed.url)
    with database.write() as connection:
        if database.dialect == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER event_update")
        else:
            connection.exec_driver_sql("ALTER TABLE event DISABLE TRIGGER USER")
            connection.exec_driver_sql("GRANT UPDATE ON event TO CURRENT_USER")
        at = event.c.position == 8
        body = bytes(connection.scalars(sa.select(event.c.body).where(at)).one())
        changed = body[:20] + bytes([body[20] ^ 1]) + body[21:]
        connection.execute(sa.update(event).where(at).values(body=changed))
    database.dispose()

    with signed.serving() as base:
        code, said = go(verifier, base, "log", key=str(KEY.verifier))

    assert code == 1
    assert said.startswith("entry 7: tiles: its hash is ")
