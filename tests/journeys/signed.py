"""A log that somebody runs and signs, and an auditor who has neither its database nor its key.

What a journey is about runs as the console script in a process of its own; what only leads there
happens in this process, which takes a tenth of the time.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from click.testing import CliRunner

from service.application import publishing, signing
from service.application.recording import Batch, append
from service.cli import seeding, session
from service.cli.verifying import verify
from service.domain.codec import event_from
from service.evidence.notes import SignerKey
from service.store.engine import connect
from tests.builders import STORY, Table, plain_event
from tests.cli.processes import SECONDS, answers, finished, free_port, started, until

KEY: Final = SignerKey("log.test/timeline", bytes(range(100, 132)))
STRANGER: Final = SignerKey(KEY.name, bytes(range(32)))
"""A key with the name of the log that is not its own."""

SEEDS: Final = 51
"""Events that the seeds have."""

Found = tuple[int, list[tuple[str, int | None]]]
"""An exit code, and the kind and position of each finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLog:
    """A log with the seeds, and the key that signs it.

    Attributes:
        url: Of its database.
        operator: The folder of who runs it: the key is there, and the last published checkpoint.
        auditor: An empty folder of somebody who has neither.
        given: What the one gave to the other.
    """

    url: str
    operator: Path
    auditor: Path
    given: Path

    @property
    def key(self) -> Path:
        """The file of the key."""
        return self.operator / "key"

    @property
    def settings(self) -> dict[str, str]:
        """What the environment of the operator's processes sets."""
        return {
            "ACCESSLINE_DATABASE_URL": self.url,
            "ACCESSLINE_LOG_KEY": str(self.key),
            # What a server logs stands in a pipe that nobody empties.
            "ACCESSLINE_LOG_LEVEL": "ERROR",
        }

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command as who runs the log."""
        return finished(*arguments, folder=self.operator, env=self.settings)

    def export(self, name: str = "mirror") -> Path:
        """Mirror the log into a new folder, by its command."""
        folder = self.given / name
        code, _, err = self.run("log", "export", str(folder))
        assert code == 0, err
        return folder

    def publish(self, name: str) -> Path:
        """Sign the log as it is, and give the checkpoint away."""
        database = connect(self.url)
        note = publishing.publish(database, signing.read(self.key), session.now).note
        database.dispose()
        file = self.given / name
        file.write_bytes(note)
        return file

    def record(self, events: Iterable[Table]) -> None:
        """Append events."""
        database = connect(self.url)
        batch = Batch(events=tuple(map(event_from, events)), principal="alice")
        append(database, batch, clock=session.now)
        database.dispose()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve it in a process of its own; give the URL."""
        port = str(free_port())
        base = f"http://127.0.0.1:{port}"
        with started("serve", "--port", port, folder=self.operator, env=self.settings):
            until(lambda: answers(f"{base}/healthz"))
            yield base

    def audited(self, *arguments: str, key: SignerKey = KEY) -> Found:
        """Run ``log verify`` where there is no database, no setting and no file."""
        command = ("log", "verify", *arguments, "--key", str(key.verifier), "--json")
        code, out, _ = finished(*command, folder=self.auditor)
        return code, findings(out)


def begun(folder: Path, url: str) -> SignedLog:
    """Record the seeds in a database that has tables and no events, and begin to sign."""
    signed = SignedLog(
        url=url,
        operator=folder / "operator",
        auditor=folder / "auditor",
        given=folder / "given",
    )
    for one in (signed.operator, signed.auditor, signed.given):
        one.mkdir()
    database = connect(url)
    seeding.record(database, seeding.read(STORY))
    database.dispose()
    signing.begin(signed.key, KEY)
    return signed


def verified(*arguments: str | Path) -> Found:
    """Run ``log verify`` in this process."""
    command = [*map(str, arguments), "--key", str(KEY.verifier), "--json"]
    done = CliRunner().invoke(verify, command)
    return done.exit_code, findings(done.stdout)


def findings(out: str) -> list[tuple[str, int | None]]:
    """Return what a verification found: kind and position of each."""
    return [(one["kind"], one["position"]) for one in json.loads(out)["findings"]]


def notes(number: int) -> list[Table]:
    """Return events that change no answer, each in a stream of its own."""
    return [
        plain_event(
            "context.noted",
            stream=f"context:note-{one}",
            title=f"Note {one} of {number}",
            data={"topic": "research"},
        )
        for one in range(1, number + 1)
    ]


def review() -> Table:
    """Return a review of a policy that the seeds have."""
    return plain_event(
        "record.reviewed",
        stream="policy:openai-unsupported-regions-2024",
        occurred_on="2026-11-26",
        data={"reviewed_on": "2026-11-26"},
    )


def fetched(url: str) -> bytes:
    """Return what a server answers, byte for byte."""
    with urlopen(url, timeout=SECONDS) as response:  # noqa: S310 -- our own server
        body: bytes = response.read()
        return body


def asked(url: str) -> Any:  # noqa: ANN401 -- JSON
    """Return what a server answers as JSON."""
    return json.loads(fetched(url))
