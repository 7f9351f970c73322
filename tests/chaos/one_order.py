"""Many who append and one who follows: the runs, for the tests and for the bench."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.linearizability import stored, violations
from tests.chaos.load import Load, clients
from tests.chaos.servers import PRELUDE, ROOT, Server, environment, prepared, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What two servers, their writers and a follower came to."""

    events: int
    acknowledged: int
    skipped: int
    gaps: int
    doubles: int
    violations: tuple[str, ...]
    slowest_seconds: float


def followed(url: str, folder: Path, *, writers: int, each: int) -> Followed:
    """Let writers append through two servers while somebody follows the log by position."""
    key = prepared(url)
    servers = [Server(database_url=url, folder=folder) for _ in range(2)]
    load = Load(servers=servers, key=key, appends=writers * each)
    with ThreadPoolExecutor(1) as other, serving(servers):
        following = other.submit(load.follow, servers[0])
        with clients(load, writers=writers, readers=1, seed=each):
            pass
        positions = following.result(120)
    log = stored(url)
    return Followed(
        events=len(log),
        acknowledged=load.history.acknowledged(),
        skipped=len({entry.position for entry in log} - set(positions)),
        gaps=log[-1].position - len(log),
        doubles=len(positions) - len(set(positions)),
        violations=tuple(violations(load.history, log, PRELUDE)),
        slowest_seconds=round(load.slowest, 3),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What several processes on one database came to."""

    wanted: int
    kept: int
    stored: int
    slowest_seconds: float


def appended(url: str, *, processes: int, each: int) -> Appended:
    """Let processes append to one database, each through a connection of its own."""
    prepared(url)
    running = [
        subprocess.Popen(  # noqa: S603 -- this project's own program
            [sys.executable, "-m", "tests.chaos.appender", url, f"process-{number}", str(each)],
            cwd=ROOT,
            env=environment(url),
            stdout=subprocess.PIPE,
        )
        for number in range(processes)
    ]
    told = [json.loads(process.communicate(timeout=300)[0] or b"null") for process in running]
    came_home = [one for one in told if one is not None]
    return Appended(
        wanted=processes * each,
        kept=sum(one["kept"] for one in came_home),
        stored=len(stored(url)) - PRELUDE,
        slowest_seconds=max((one["slowest"] for one in came_home), default=0),
    )
