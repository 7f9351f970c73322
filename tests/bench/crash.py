"""Servers killed with SIGKILL under load, and the order of what many append; on both engines.

    python -m tests.bench.crash [--kills 100] [--writers 8] [--each 300] [--processes 8]

Two servers on one store, clients that try again with the same key; every tenth time PostgreSQL
itself is killed too. Then the oracle of `tests.chaos.linearizability` judges what clients saw, and
`accessline verify` what is stored. Prints one JSON line; exits 1 where anything fell short.
"""

import argparse
import json
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.chaos.clusters import cluster
from tests.chaos.linearizability import stored, violations
from tests.chaos.load import Load, kill_and_restart, under_load
from tests.chaos.one_order import appended, followed
from tests.chaos.servers import PRELUDE, Server, command, prepared

SLOWEST: Final = 2.0
"""Seconds that an append on SQLite may take among eight processes."""


def main() -> None:
    """Run everything."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--kills", type=int, default=100, help="per engine")
    asked.add_argument("--writers", type=int, default=8)
    asked.add_argument("--each", type=int, default=300, help="appends of each writer")
    asked.add_argument("--processes", type=int, default=8, help="on SQLite, 100 appends each")
    asked.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    given = asked.parse_args()
    told: dict[str, Any] = {"seed": given.seed}
    with tempfile.TemporaryDirectory() as name, cluster() as postgres:
        folder = Path(name)

        def recover() -> None:
            postgres.kill()
            postgres.restart()

        told["sqlite"] = killed(f"sqlite:///{folder / 'killed.db'}", folder, given, None)
        told["postgresql"] = killed(postgres.database("killed"), folder, given, recover)
        many = {"writers": given.writers, "each": given.each}
        told["followed"] = asdict(followed(postgres.database("followed"), folder, **many))
        url = f"sqlite:///{folder / 'appended.db'}"
        told["processes"] = asdict(appended(url, processes=given.processes, each=100))
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(fell_short(told))


def killed(
    url: str, folder: Path, given: argparse.Namespace, recover: Callable[[], None] | None
) -> dict[str, Any]:
    """Kill servers again and again while clients append and read."""
    chance = random.Random(given.seed)  # noqa: S311 -- repeatable
    servers = [Server(database_url=url, folder=folder) for _ in range(2)]
    load = Load(servers=servers, key=prepared(url))
    began = time.monotonic()
    with under_load(load, writers=4, readers=2, seed=given.seed):
        for number in range(1, given.kills + 1):
            if recover is not None and number % 10 == 0:
                recover()
            kill_and_restart(servers, chance)
    seconds = time.monotonic() - began
    log = stored(url)
    there = {entry.title for entry in log}
    answers = Counter(
        str(one.answer.status) for each in load.history.operations for one in each.tries
    )
    return {
        "kills": given.kills,
        "database_kills": given.kills // 10 if recover else 0,
        "seconds": round(seconds),
        "events": len(log),
        "batches_sent": len(load.history.operations),
        "batches_acknowledged": load.history.acknowledged(),
        "batches_unacknowledged_yet_there": sum(
            not one.good and one.titles[0] in there for one in load.history.operations
        ),
        "answers": dict(sorted(answers.items())),
        "pages_read": len(load.history.pages),
        "violations": violations(load.history, log, PRELUDE),
        "verify_exits": command(url, "verify").returncode,
    }


def fell_short(told: dict[str, Any]) -> bool:
    """Tell whether anything is not as it must be."""
    order, processes = told["followed"], told["processes"]
    return (
        any(told[name]["violations"] or told[name]["verify_exits"] for name in _ENGINES)
        or any(order[name] for name in ("skipped", "gaps", "doubles", "violations"))
        or not processes["wanted"] == processes["kept"] == processes["stored"]
        or processes["slowest_seconds"] >= SLOWEST
    )


_ENGINES: Final = ("sqlite", "postgresql")

if __name__ == "__main__":
    main()
