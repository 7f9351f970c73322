"""A disk that fails: refused with 503 and never there, or acknowledged and kept; reads go on.

`python -m tests.bench.faults` does the same at every write up to the 60th, and on a full disk.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import injection
from tests.chaos.injection import Sick
from tests.chaos.load import Load
from tests.chaos.servers import Server, command, prepared, serving


@pytest.fixture
def sick(sqlite_template: Path, tmp_path: Path) -> Iterator[Sick]:
    """A server on SQLite with one thread, so that its calls are counted in one line."""
    file = tmp_path / "sick.db"
    file.write_bytes(sqlite_template.read_bytes())
    key = prepared(f"sqlite:///{file}")
    server = Server(database_url=f"sqlite:///{file}", folder=tmp_path, threads=1)
    with serving([server]):
        yield Sick(server=server, load=Load(servers=[server], key=key))


@pytest.mark.skipif(not injection.available(), reason="needs strace")
def test_a_failed_write_or_sync_is_refused_and_the_next_append_is_taken(sick: Sick) -> None:
    """PostgreSQL's rule since 2018: what could not be synced was not written."""
    injection.failing_calls(sick, "pwrite64", "ENOSPC", range(1, 60, 12))
    injection.one_failing_call(sick, "pwrite64", "EIO", range(1, 60, 29))
    injection.failing_calls(sick, "fdatasync", "EIO", range(1, 4))
    injection.killed_while_failing(sick, "fdatasync", "EIO", range(1, 2))

    check(sick)


def test_files_that_may_not_grow_are_told_and_grow_again_later(sick: Sick) -> None:
    """`ulimit -f`, a quota or a full disk: the process gets an error, not a signal that ends it."""
    injection.files_that_may_not_grow(sick, range(1_000, 100_000, 30_000))

    check(sick)


def check(sick: Sick) -> None:
    """Nothing but 503 was met, nothing is lost, and all is as it must be."""
    told = sick.told()
    assert told["violations"] == []
    assert (told["reads_refused"], told["not_taken_after_healing"]) == (0, 0)
    assert set(sick.statuses) <= {200, 201, 409, 503}
    assert sick.statuses[503] >= sick.rounds - sick.untouched > 0
    verified = command(sick.server.database_url, "verify")
    assert verified.returncode == 0, verified.stdout
