"""A disk that fails at every n-th write, at every n-th sync, and one that is full; on SQLite.

    python -m tests.bench.faults [--most 60]

Each batch must be refused with 503 or acknowledged and kept; reads must go on; what was refused
must be taken once the disk is healed. Prints one JSON line; exits 1 where something fell short.
Needs strace; the full disk needs the right to mount.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.chaos import injection
from tests.chaos.injection import Sick
from tests.chaos.load import Load
from tests.chaos.servers import Server, command, prepared, serving


def main() -> None:
    """Run every kind of fault on a server of its own."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--most", type=int, default=60, help="the last write that fails")
    given = asked.parse_args()
    writes, syncs = range(1, given.most + 1), range(1, given.most // 4 + 1)
    bytes_more = range(1_000, 6_000 * given.most, 6_000)
    kinds: dict[str, Callable[[Sick], None]] = {
        "writes fail with ENOSPC from the k-th on": partial(
            injection.failing_calls, call="pwrite64", error="ENOSPC", calls=writes
        ),
        "writes fail with EIO from the k-th on": partial(
            injection.failing_calls, call="pwrite64", error="EIO", calls=writes
        ),
        "only the k-th write fails, ENOSPC": partial(
            injection.one_failing_call, call="pwrite64", error="ENOSPC", calls=writes
        ),
        "only the k-th write fails, EIO": partial(
            injection.one_failing_call, call="pwrite64", error="EIO", calls=writes
        ),
        "syncs fail with EIO from the k-th on": partial(
            injection.failing_calls, call="fdatasync", error="EIO", calls=range(1, 7)
        ),
        "syncs fail with EIO, then the worker is killed": partial(
            injection.killed_while_failing, call="fdatasync", error="EIO", calls=syncs
        ),
        "files may not grow": partial(injection.files_that_may_not_grow, spare=bytes_more),
    }
    told: dict[str, Any] = {}
    for name, run in kinds.items():
        with tempfile.TemporaryDirectory() as folder, sick(Path(folder)) as server:
            run(server)
            told[name] = figures(server)
        show(name, told[name])
    name = "the disk is full"
    told[name] = full_disk(bytes_more)
    show(name, told[name])
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(any(map(fell_short, told.values())))


def full_disk(spare: range) -> dict[str, Any]:
    """Run on a small disk, which only some may mount."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as logs:
        try:
            with injection.small_disk(Path(folder)) as disk, sick(disk, Path(logs)) as server:
                injection.a_full_disk(server, disk / "ballast", spare)
                return figures(server)
        except PermissionError as error:
            return {"not run": str(error)}


@contextmanager
def sick(folder: Path, logs: Path | None = None) -> Iterator[Sick]:
    """Run a server with one thread, so that calls are counted in one line."""
    url = f"sqlite:///{folder / 'sick.db'}"
    key = prepared(url)
    server = Server(database_url=url, folder=logs or folder, threads=1)
    with serving([server]):
        yield Sick(server=server, load=Load(servers=[server], key=key))


def figures(server: Sick) -> dict[str, Any]:
    """Return what came of it, and whether what is stored is as it must be."""
    verified = command(server.server.database_url, "verify")
    return {**server.told(), "verify_exits": verified.returncode}


def fell_short(told: dict[str, Any]) -> bool:
    """Tell whether anything is not as it must be."""
    faults = ("reads_refused", "not_taken_after_healing", "violations", "verify_exits")
    expected = {"200", "201", "409", "503"}
    return any(told.get(name) for name in faults) or not expected >= set(told.get("answers", ()))


def show(name: str, told: dict[str, Any]) -> None:
    """Print the figures for people."""
    short = "FELL SHORT" if fell_short(told) else "good"
    sys.stderr.write(f"{short:<11} {name}: {told}\n")


if __name__ == "__main__":
    main()
