"""Real servers over one database, which tests may kill, and what a client sends them.

A server is `accessline serve` in a session of its own: a process that supervises, and one that
answers. `module` may name another program, such as `tests.chaos.faulty`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from service.application.recording import Batch, append
from service.auth import credentials
from service.auth.credentials import Role
from service.store import schema
from service.store.engine import connect
from tests.builders import registry_events
from tests.conftest import _free_port

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 30
"""How long anything that must happen may take."""

PRELUDE: Final = len(registry_events())
"""Events that `prepared` records before anybody else does."""

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said.

    Attributes:
        status: of HTTP; None where no whole answer came, so nobody knows what happened.
    """

    status: int | None
    body: bytes = b""
    retry_after: str | None = None

    @property
    def good(self) -> bool:
        """Whether it acknowledges."""
        return self.status in {200, 201}

    def json(self) -> Json:
        """Read its body."""
        found: Json = json.loads(self.body)
        return found


NOTHING: Final = Answer(status=None)


@dataclass(slots=True, kw_only=True)
class Server:
    """One server, which can be killed and started again at the same port."""

    database_url: str
    folder: Path
    module: str = "service"
    prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    threads: int = 192
    port: int = field(default_factory=_free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        port, threads = str(self.port), str(self.threads)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with (self.folder / f"server-{port}.log").open("ab") as log:
                self.process = subprocess.Popen(  # noqa: S603 -- this project's own
                    [
                        *(*self.prefix, sys.executable, "-m", self.module),
                        *("serve", "--port", port, "--threads", threads),
                    ],
                    cwd=self.folder,
                    env=environment(self.database_url, **self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,
                )
            while self.process.poll() is None and time.monotonic() < deadline:
                if self.get("/healthz").status == 200:
                    return
                time.sleep(0.05)
            self.kill()  # The port may not be free yet.
        message = f"A server did not start: {self.log()[-3000:]}"
        raise TimeoutError(message)

    def kill(self) -> None:
        """End all its processes with SIGKILL."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(SECONDS)

    def kill_worker(self) -> None:
        """End the process that answers with SIGKILL, and wait until another one answers.

        Its supervisor starts it; where one worker dies soon after another the supervisor gives up,
        and is started again as a service manager would.
        """
        killed = self.workers()
        for worker in killed:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        until(lambda: not {*killed} & {*self.workers()})
        until(self._recovered)

    def _recovered(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            self.start()
        return self.get("/healthz").status == 200

    def workers(self) -> list[int]:
        """Return the ids of the processes that answer, or of what the prefix runs."""
        return [] if self.process is None else children(self.process.pid)

    def log(self) -> str:
        """Return what it wrote on standard error."""
        return (self.folder / f"server-{self.port}.log").read_text(errors="replace")

    def get(self, path: str, key: str | None = None) -> Answer:
        """Ask."""
        return self._asked(("GET", path), None, {} if key is None else bearer(key))

    def post(
        self, body: bytes, key: str, *, once: str | None = None, patience: float = SECONDS
    ) -> Answer:
        """Append.

        Args:
            body: The batch.
            key: The key that lets in.
            once: The Idempotency-Key.
            patience: Seconds after which the client hangs up.
        """
        headers = {**bearer(key), "Content-Type": "application/json"}
        if once is not None:
            headers["Idempotency-Key"] = once
        return self._asked(("POST", "/v1/events"), body, headers, patience)

    def _asked(
        self,
        what: tuple[str, str],
        body: bytes | None,
        headers: Mapping[str, str],
        patience: float = SECONDS,
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(*what, body, dict(headers))
            if connection.sock is not None:
                connection.sock.settimeout(patience)
            response = connection.getresponse()
            read = response.read()
        except (OSError, HTTPException):
            return NOTHING
        finally:
            connection.close()
        return Answer(
            status=response.status, body=read, retry_after=response.getheader("Retry-After")
        )


@contextmanager
def serving(servers: Sequence[Server]) -> Iterator[None]:
    """Start servers; whatever happens, their processes end."""
    with ExitStack() as ending:
        for server in servers:
            ending.callback(server.kill)
            server.start()
        yield


def bearer(key: str) -> dict[str, str]:
    """Return the header that brings a key."""
    return {"Authorization": f"Bearer {key}"}


def environment(database_url: str, **more: str) -> dict[str, str]:
    """Return the environment of a process: this one's, without our settings, with a database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACCESSLINE_")}
    ours = {
        "PYTHONPATH": str(ROOT),
        "ACCESSLINE_DATABASE_URL": database_url,
        "ACCESSLINE_WRITE_RATE": "0",  # One key appends as fast as it can.
    }
    return {**kept, **ours, **more}


def children(process: int) -> list[int]:
    """Return the ids of a process's children; none where it is gone."""
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(one) for one in found.split()]


def command(database_url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the command line to its end."""
    return subprocess.run(  # noqa: S603 -- this project's own command
        [sys.executable, "-m", "service", *arguments],
        env=environment(database_url),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def prepared(database_url: str) -> str:
    """Record the cast in a database, whose tables are made if they are missing.

    Returns:
        A curator's key.
    """
    database = connect(database_url)
    try:
        schema.upgrade(database)
        append(database, Batch(events=registry_events(), principal="alice"), clock=lambda: NOW)
        return credentials.issue(database, Role.CURATOR, "Alice", lambda: NOW).text
    finally:
        database.dispose()


def until(happened: Callable[[], bool], seconds: float = SECONDS) -> float:
    """Wait for something, and return how many seconds it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() < began + seconds, "it did not happen"
        time.sleep(0.01)
    return time.monotonic() - began
