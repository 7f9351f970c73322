"""Where rows are measured: databases of one engine, filled once and then asked by many rows."""

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa

from service.store import schema
from service.store.engine import Database, connect
from tests.chaos.clusters import Cluster
from tests.conftest import _binaries

ENGINES: Final = ("sqlite", "postgresql")

_Made = TypeVar("_Made")


class Ground:
    """One engine, a folder, and what rows have made there; all of it goes when the run ends."""

    def __init__(self, engine: str, folder: Path, cluster: Cluster | None) -> None:
        self.engine = engine
        self.folder = folder
        self.closing = ExitStack()
        self._cluster = cluster
        self._made: dict[object, object] = {}

    def url(self, name: str) -> str:
        """Return the URL of a database that nobody has used; on PostgreSQL it is made."""
        fresh = f"{name}_{secrets.token_hex(4)}"
        if self._cluster is None:
            return f"sqlite:///{self.folder / fresh}.db"
        return self._cluster.database(fresh)

    def database(self, name: str) -> tuple[str, Database]:
        """Return a fresh database with all tables, and its URL."""
        url = self.url(name)
        database = connect(url)
        self.closing.callback(database.dispose)
        schema.upgrade(database)
        return url, database

    def once(self, key: object, make: Callable[[], _Made]) -> _Made:
        """Return what was made for a key before, or make it."""
        if key not in self._made:
            self._made[key] = make()
        found: _Made = self._made[key]  # type: ignore[assignment] # what was made for this key
        return found


@contextmanager
def ground(engine: str) -> Iterator[Ground]:
    """Give a place to measure on an engine.

    Raises:
        FileNotFoundError: There are no programs of PostgreSQL here.
    """
    folder = Path(tempfile.mkdtemp(prefix="accessline-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = _cluster(stack) if engine == "postgresql" else None
        place = Ground(engine, folder, cluster)
        stack.callback(place.closing.close)
        yield place


def plain(url: str) -> str:
    """Return a URL as libpq reads it, without the name of a driver."""
    named = sa.make_url(url).set(drivername="postgresql")
    return named.render_as_string(hide_password=False)


def file_of(url: str) -> Path:
    """Return the file of a SQLite database."""
    return Path(url.removeprefix("sqlite:///"))


class _Durable(Cluster):
    """A server that keeps what it confirms, with its own settings: the tests' does neither."""

    def _start(self, binaries: Path, port: int) -> None:
        settings = ("listen_addresses=127.0.0.1", f"port={port}", "max_connections=100")
        command = [str(binaries / "postgres"), "-D", str(self._folder / "data")]
        command += ["-c", f"unix_socket_directories={self._folder}"]
        for one in settings:
            command += ["-c", one]
        with (self._folder / "log").open("wb") as log:
            self._server = subprocess.Popen(  # noqa: S603 -- binaries that we looked for
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=self._uid,
                group=self._gid,
            )


def _cluster(stack: ExitStack) -> Cluster:
    binaries = next(_binaries(), None)
    if binaries is None:
        message = "No initdb and postgres were found: set PG_BINDIR, or measure --engine sqlite."
        raise FileNotFoundError(message)
    running = _Durable(binaries)
    stack.callback(running.stop)
    return running
