"""Disks that fail: errors put into a server's system calls by strace, and a disk that is full.

`injected` attaches to the process that answers and lets its n-th call of a kind, and all after it,
fail; when it detaches, the disk is healed. `Sick` sends batches meanwhile: each must be refused
with 503 or acknowledged and kept, and reads must go on.
"""

import random
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos.linearizability import Operation, stored, violations
from tests.chaos.load import Load
from tests.chaos.servers import PRELUDE, SECONDS, Server

BATCHES: Final = 8
"""Batches sent to a sick disk; the n-th write of any n up to 60 is among theirs."""


def available() -> bool:
    """Tell whether strace is here and may attach."""
    strace = shutil.which("strace")
    return (
        strace is not None
        and not subprocess.run(  # noqa: S603 -- a program that we looked for
            [strace, "-o", "/dev/null", "true"], capture_output=True, check=False
        ).returncode
    )


@contextmanager
def injected(server: Server, call: str, error: str, when: str) -> Iterator[None]:
    """Let calls of a server fail.

    Args:
        server: A running server.
        call: The system call, such as `pwrite64`.
        error: What it fails with, such as `ENOSPC`.
        when: Which calls, as strace has it: `7` is the seventh, `7+` that and all after it.
    """
    (worker,) = server.workers()
    fault = f"inject={call}:error={error}:when={when}"
    command = ["strace", "-f", "-p", str(worker), "-o", "/dev/null", "-e", f"trace={call}"]
    with subprocess.Popen([*command, "-e", fault], stderr=subprocess.PIPE) as strace:  # noqa: S603
        assert strace.stderr is not None
        line = strace.stderr.readline()
        try:
            assert b"attached" in line, line
            time.sleep(0.02)  # It attaches to one thread after another.
            yield
        finally:
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=SECONDS)


@dataclass(slots=True, kw_only=True)
class Sick:
    """What came of batches that were sent to a failing disk.

    Attributes:
        statuses: of all answers to batches, while it was sick.
        unread: reads that were not answered with 200 while it was sick.
        untouched: rounds in which nothing failed.
        unhealed: batches that were not taken after it was healed.
    """

    server: Server
    load: Load
    rounds: int = 0
    statuses: Counter[int | None] = field(default_factory=Counter)
    unread: int = 0
    untouched: int = 0
    unhealed: int = 0
    _number: int = 0

    def send(self, seed: int) -> list[Operation]:
        """Send batches until two were refused; read after each. Return those refused."""
        chance = random.Random(seed)  # noqa: S311
        refused: list[Operation] = []
        for _ in range(BATCHES):
            operation = self.load.operation(chance, self._number)
            self._number += 1
            self.load.history.operations.append(operation)
            status = self.load.send(self.server, operation).status
            self.statuses[status] += 1
            if status not in {200, 201, 409}:
                refused.append(operation)
            self.unread += self.server.get("/v1/access/openai/FR").status != 200
            self.unread += self.server.get("/v1/events?limit=1").status != 200
            if len(refused) == 2:
                break
        self.rounds += 1
        self.untouched += not refused
        return refused

    def heal(self, refused: list[Operation]) -> None:
        """Send again what was refused: it must be taken now."""
        for operation in refused:
            status = self.load.send(self.server, operation).status
            # The log may have moved on for those that expect a version.
            self.unhealed += status not in {200, 201, 409}

    def told(self) -> dict[str, object]:
        """Return the figures, with what the oracle says."""
        log = stored(self.server.database_url)
        there = {entry.title for entry in log}
        return {
            "rounds": self.rounds,
            "rounds_untouched": self.untouched,
            "answers": {str(status): number for status, number in sorted(self.statuses.items())},
            "reads_refused": self.unread,
            "not_taken_after_healing": self.unhealed,
            "refused_for_ever_yet_there": sum(
                not one.good and one.titles[0] in there for one in self.load.history.operations
            ),
            "violations": violations(self.load.history, log, PRELUDE),
        }


def failing_calls(sick: Sick, call: str, error: str, calls: range) -> None:
    """Let the n-th call and all after it fail, for each n; heal, and send again."""
    for number in calls:
        with injected(sick.server, call, error, f"{number}+"):
            refused = sick.send(number)
        sick.heal(refused)


def one_failing_call(sick: Sick, call: str, error: str, calls: range) -> None:
    """Let only the n-th call fail, for each n."""
    for number in calls:
        with injected(sick.server, call, error, str(number)):
            refused = sick.send(number)
        sick.heal(refused)


def killed_while_failing(sick: Sick, call: str, error: str, calls: range) -> None:
    """Kill the server while its disk fails: what it refused may be there, what it took must be."""
    for number in calls:
        with injected(sick.server, call, error, f"{number}+"):
            refused = sick.send(number)
            sick.server.kill_worker()
        sick.heal(refused[:1])


def files_that_may_not_grow(sick: Sick, spare: range) -> None:
    """Limit the size of files to some bytes more than the write-ahead log has, as `ulimit -f`."""
    wal = Path(f"{sick.server.database_url.removeprefix('sqlite:///')}-wal")
    for more in spare:
        (worker,) = sick.server.workers()
        unlimited = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        size = wal.stat().st_size if wal.exists() else 0
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (size + more, unlimited[1]))
        refused = sick.send(more)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, unlimited)
        sick.heal(refused)


def a_full_disk(sick: Sick, ballast: Path, spare: range) -> None:
    """Fill the disk up to some bytes; heal it by taking the ballast away."""
    for more in spare:
        free = shutil.disk_usage(ballast.parent).free
        ballast.write_bytes(bytes(max(free - more, 0)))
        refused = sick.send(more)
        ballast.unlink()
        sick.heal(refused)


@contextmanager
def small_disk(folder: Path, size: str = "32m") -> Iterator[Path]:
    """Mount a disk of a given size; root may.

    Raises:
        PermissionError: This user, or this container, may not.
    """
    done = subprocess.run(  # noqa: S603 -- a folder of our own
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PermissionError(done.stderr)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S603, S607
