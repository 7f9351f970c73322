"""A real server in a process of its own: what a test client cannot show."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shutil import copyfile

import pytest

from service.auth import credentials
from service.auth.credentials import Role
from service.store.engine import connect
from tests.api.house import NOW

ROOT = Path(__file__).parents[2]
LIMIT = 65_536
CODE = (
    "import sys; from granian import Granian;"
    "Granian('service.app:from_environment', factory=True, interface='wsgi',"
    " address='127.0.0.1', port=int(sys.argv[1]), blocking_threads=2).serve()"
)


@pytest.fixture
def server(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[int, str]]:
    """The port of a running server, and Alice's key."""
    file = tmp_path / "accessline.db"
    copyfile(sqlite_template, file)
    database = connect(f"sqlite:///{file}")
    key = credentials.issue(database, Role.CURATOR, "Alice", lambda: NOW).text
    database.dispose()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if "ACCESSLINE" not in name},
        "ACCESSLINE_DATABASE_URL": f"sqlite:///{file}",
        "ACCESSLINE_MAX_BODY_BYTES": str(LIMIT),
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- this project's own server
            [sys.executable, "-c", CODE, str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(port, process)
            yield port, key
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("The server did not start.")


def asked(port: int, raw: bytes) -> str:
    """Send bytes, return the answer's head and the beginning of its body."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        # It may hang up on what it will not read, and has answered before that.
        with suppress(OSError):
            connection.sendall(raw)
        answer = b""
        while b"}" not in answer and (some := connection.recv(65_536)):
            answer += some
        return answer.decode()


def head(key: str | None, *more: str) -> bytes:
    """Return the head of an append."""
    lines = ["POST /v1/events HTTP/1.1", "Host: localhost", "Content-Type: application/json", *more]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunked(body: bytes) -> bytes:
    """Return a body in chunks (RFC 9112, section 7.1)."""
    parts = [body[start : start + 8000] for start in range(0, len(body), 8000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_bodies_are_bounded_however_they_are_sent(server: tuple[int, str]) -> None:
    """A chunked body has no length to be looked at first, and must not be cut off silently."""
    port, key = server
    good = b'{"events": []'
    in_chunks = "Transfer-Encoding: chunked"

    def status(raw: bytes) -> str:
        return asked(port, raw).split(" ", 2)[1]

    at_limit = good.ljust(LIMIT - 1) + b"}"
    above = good + b"}" + b" " * LIMIT
    huge = b"[" * (12 * 1024 * 1024)
    assert status(head(key, f"Content-Length: {LIMIT}") + at_limit) == "422"
    assert status(head(key, in_chunks) + chunked(at_limit)) == "422"
    assert status(head(key, f"Content-Length: {len(above)}") + above) == "413"
    assert status(head(key, in_chunks) + chunked(above)) == "413"
    assert status(head(key, f"Content-Length: {len(huge)}") + huge) == "413"
    assert status(head(None, in_chunks) + chunked(huge)) == "401"
    assert status(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == "200"


def test_the_server_answers_from_the_environment_alone(server: tuple[int, str]) -> None:
    """The database, the headers and the problem's form are those of the application."""
    port, _ = server

    meta = asked(port, b"GET /v1/meta HTTP/1.1\r\nHost: localhost\r\n\r\n")
    lost = asked(
        port,
        b"GET /v1/access/x/CN?as_of=2024-07-09T00:00:00+08:00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )

    assert "200 OK" in meta.splitlines()[0]
    assert "x-content-type-options: nosniff" in meta.lower()
    assert "%2B" in lost
    assert "application/problem+json" in lost


def test_a_forged_address_does_not_begin_a_guesser_anew(server: tuple[int, str]) -> None:
    """A thousand wrong keys over real sockets, each with another `X-Forwarded-For`."""
    port, _ = server

    def status(number: int) -> str:
        key = f"alk_{'a' * 12}_{number:032}"
        lines = ["GET /v1/meta HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
        lines.append(f"X-Forwarded-For: 198.51.{number // 256}.{number % 256}")
        return asked(port, ("\r\n".join(lines) + "\r\n\r\n").encode()).split(" ", 2)[1]

    statuses = [status(number) for number in range(1000)]

    assert set(statuses[:30]) == {"401"}
    assert statuses.count("429") > 900
    assert statuses[-1] == "429"
