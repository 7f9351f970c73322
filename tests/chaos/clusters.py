"""A PostgreSQL server that can be killed and started again."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from tests.chaos.servers import children
from tests.conftest import _administer, _binaries, _Cluster


class Cluster(_Cluster):
    """A cluster as the tests have it."""

    def __init__(self, binaries: Path) -> None:
        self._programs = binaries
        super().__init__(binaries)

    def kill(self) -> None:
        """End all its processes with SIGKILL, as a machine that stops would."""
        assert self._server is not None
        for process in (self._server.pid, *children(self._server.pid)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._server.wait()

    def restart(self) -> None:
        """Start it again after it was killed, and wait until it has recovered."""
        port = int(str(sa.make_url(self.url).query["port"]))
        for left in (self._folder / "data" / "postmaster.pid", *self._folder.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)
        self._start(self._programs, port)
        self._wait(port)

    def database(self, name: str) -> str:
        """Make a database and return its URL."""
        _administer(self.url, f"CREATE DATABASE {name}")
        url = sa.make_url(self.url).set(database=name)
        return url.render_as_string(hide_password=False)

    def wait_for_standby(self, name: str) -> None:
        """Confirm commits only once a standby of that name has them; none, if it is empty."""
        _administer(self.url, f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        _administer(self.url, "SELECT pg_reload_conf()")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a cluster of our own.

    Raises:
        FileNotFoundError: There are no programs of PostgreSQL here.
    """
    binaries = next(_binaries(), None)
    if binaries is None:
        message = f"no initdb and postgres found; PATH has {shutil.which('postgres')}"
        raise FileNotFoundError(message)
    running = Cluster(binaries)
    try:
        yield running
    finally:
        running.stop()
