"""A migration happens whole or not at all, wherever it is killed."""

import json
import subprocess
import sys

from service.store.tables import REVISION
from tests.chaos.servers import ROOT, environment


def test_a_migration_killed_after_any_statement_leaves_the_old_schema_and_runs_again(
    empty_url: str,
) -> None:
    """SQLite's driver commits DDL by itself, unless BEGIN is ours; rows and triggers stay."""
    done = subprocess.run(  # noqa: S603 -- this project's own program
        [sys.executable, "-m", "tests.chaos.killed_migrations", empty_url],
        cwd=ROOT,
        env=environment(empty_url),
        capture_output=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["faults"] == []
    assert told["revisions"] == int(REVISION)
    assert told["kills"] > 8 * int(REVISION)
