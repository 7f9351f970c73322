"""Power loss on SQLite: cut the power of a recorded server at random, see what is left.

    python -m tests.bench.power [--cuts 300] [--appends 240] [--seed N]

Two controls tell SQLite to sync never, or only at checkpoints: they must lose events, or the method
would see nothing. Prints one JSON line; exits 1 where an acknowledged event was lost, or where a
control lost none. Needs strace.
"""

import argparse
import json
import random
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.chaos.faulty import SYNCHRONOUS
from tests.chaos.power import cut, traced


def main() -> None:
    """Record, cut, count."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--cuts", type=int, default=300)
    asked.add_argument("--appends", type=int, default=240)
    asked.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    given = asked.parse_args()
    ours = measure(given, None)
    controls = {fault: measure(given, fault) for fault in SYNCHRONOUS}
    sys.stdout.write(json.dumps({"seed": given.seed, "ours": ours, **controls}) + "\n")
    blind = not all(control["bad_cuts"] for control in controls.values())
    sys.exit(bool(ours["bad_cuts"]) or blind)


def measure(given: argparse.Namespace, fault: str | None) -> dict[str, Any]:
    """Record one server and cut it many times."""
    chance = random.Random(given.seed)  # noqa: S311 -- repeatable
    with tempfile.TemporaryDirectory() as folder:
        run = traced(Path(folder), appends=given.appends, fault=fault)
        kinds = [step.kind for step in run.steps]
        bad: list[str] = []
        for _ in range(given.cuts):
            at = chance.randrange(1, len(run.steps))
            bad += [f"cut at {at}: {fault}" for fault in cut(run, at, chance)[:1]]
    return {
        "cuts": given.cuts,
        "bad_cuts": len(bad),
        "writes": kinds.count("write"),
        "syncs": kinds.count("sync"),
        "acknowledged_events": sum(len(step.positions) for step in run.steps),
        "first_bad": bad[:3],
    }


if __name__ == "__main__":
    main()
