"""Streaming replicas of a cluster, each a server of its own."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tests.chaos.clusters import Cluster
from tests.chaos.servers import children
from tests.conftest import _administer, _binaries


class Standby(Cluster):
    """A replica: a base backup of a primary, that follows it."""

    def __init__(self, binaries: Path, primary: Cluster) -> None:
        self._primary = sa.make_url(primary.url).query
        super().__init__(binaries)

    def _initialise(self, binaries: Path) -> None:
        host, port = str(self._primary["host"]), str(self._primary["port"])
        self._run(
            *(binaries / "pg_basebackup", "-D", self._folder / "data", "-h", host, "-p", port),
            *("-U", "tester", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
        )

    def of(self, database: str) -> str:
        """Return the URL of a database of the primary, here."""
        return sa.make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def has(self, database: str) -> bool:
        """Tell whether it has come to know a database of the primary."""
        url = sa.make_url(self.of(database)).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        try:
            with engine.connect() as connection:
                return sa.inspect(connection).has_table("credential")
        except sa.exc.OperationalError:
            return False

    def pause(self) -> None:
        """Apply nothing any more, and go on answering."""
        _administer(self.url, "SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        """Apply what has come meanwhile."""
        _administer(self.url, "SELECT pg_wal_replay_resume()")

    def delay(self, milliseconds: int) -> None:
        """Apply every commit so much later."""
        _administer(self.url, f"ALTER SYSTEM SET recovery_min_apply_delay = {milliseconds}")
        _administer(self.url, "SELECT pg_reload_conf()")

    def freeze(self) -> None:
        """Stop all its processes where they are: lines stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._server is not None
        for process in (self._server.pid, *children(self._server.pid)):
            os.kill(process, number)


@contextmanager
def fleet(size: int) -> Iterator[tuple[Cluster, tuple[Standby, ...]]]:
    """Run a primary and replicas of it.

    Raises:
        FileNotFoundError: There are no programs of PostgreSQL here.
    """
    binaries = next(_binaries(), None)
    if binaries is None or not (binaries / "pg_basebackup").is_file():
        message = "no initdb, postgres and pg_basebackup found"
        raise FileNotFoundError(message)
    running: list[Cluster] = []
    try:
        primary = Cluster(binaries)
        running.append(primary)
        standbys: list[Standby] = []
        for _ in range(size):
            standbys.append(Standby(binaries, primary))
            running.append(standbys[-1])
        yield primary, tuple(standbys)
    finally:
        for one in reversed(running):
            one.kill()
            one.stop()
