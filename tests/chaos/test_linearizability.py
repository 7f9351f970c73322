"""What many clients see is one log, whatever is killed; and the oracle that says so sees faults."""

import random
from pathlib import Path

import pytest

from tests.chaos.faulty import FAULT, FAULTS
from tests.chaos.linearizability import stored, violations
from tests.chaos.load import Load, kill_and_restart, under_load
from tests.chaos.servers import PRELUDE, Server, command, prepared

KILLS = 10


def test_killed_servers_lose_halve_and_double_nothing(database_url: str, tmp_path: Path) -> None:
    """Two servers on one store, SIGKILL at any moment, the same key sent again to either."""
    seed = random.randrange(2**32)  # noqa: S311
    load = Load(servers=two_servers(database_url, tmp_path), key=prepared(database_url))

    with under_load(load, writers=3, readers=1, seed=seed):
        chance = random.Random(seed)  # noqa: S311
        for _ in range(KILLS):
            kill_and_restart(load.servers, chance)

    assert violations(load.history, stored(database_url), PRELUDE) == [], f"seed {seed}"
    assert load.history.acknowledged() > KILLS
    verified = command(database_url, "verify")
    assert verified.returncode == 0, verified.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_the_oracle_finds_a_fault_that_was_put_in(
    fault: str, sqlite_template: Path, tmp_path: Path
) -> None:
    """An oracle that finds nothing in wrong servers says nothing about right ones."""
    url = f"sqlite:///{tmp_path / 'faulty.db'}"
    (tmp_path / "faulty.db").write_bytes(sqlite_template.read_bytes())
    servers = two_servers(url, tmp_path, module="tests.chaos.faulty", fault=fault)
    load = Load(servers=servers, key=prepared(url), appends=30)

    with under_load(load, writers=5, readers=3, seed=7):
        pass

    assert violations(load.history, stored(url), PRELUDE)


def two_servers(
    url: str, folder: Path, *, module: str = "service", fault: str = ""
) -> tuple[Server, Server]:
    """Return two servers over one database, not yet started."""
    faulty = {FAULT: fault} if fault else {}
    return (
        Server(database_url=url, folder=folder, module=module, environment=faulty),
        Server(database_url=url, folder=folder, module=module, environment=faulty),
    )
