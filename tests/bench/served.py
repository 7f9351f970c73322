"""Servers as processes of their own, and what their answers cost them.

The time that counts is what the kernel gave to the server's processes, so neither a slow client
nor other programs make it longer.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.wsgi import Request
from tests.chaos.servers import children
from tests.cli.processes import ROOT, environment, free_port

CONNECTIONS: Final = 8
_SECONDS: Final = 60
_LOOK: Final = 0.01
"""Seconds between two looks at a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs."""

    process: int
    port: int

    def cpu(self) -> float:
        """Return the seconds of processor time that all its threads have had."""
        return sum(map(_ran, self._processes()))

    def memory(self) -> float:
        """Return its memory in MB; what its processes share is counted once."""
        return sum(map(_resident, self._processes())) / 1000

    def _processes(self) -> list[int]:
        found = [self.process]
        for one in found:
            found.extend(children(one))
        return found


class Client:
    """Keeps some connections open, and sends a request on each before it reads the answers."""

    def __init__(self, server: Server) -> None:
        self._sockets = [
            socket.create_connection(("127.0.0.1", server.port), timeout=_SECONDS)
            for _ in range(CONNECTIONS)
        ]

    def send(self, requests: Sequence[Request], status: int = 200) -> None:
        """Send requests and read their answers, all of which must have a status."""
        for start in range(0, len(requests), CONNECTIONS):
            some = list(zip(self._sockets, requests[start:], strict=False))
            for connection, request in some:
                connection.sendall(_written(request))
            for connection, _ in some:
                found = _read(connection)
                assert found == status, found

    def close(self) -> None:
        """Close the connections."""
        for one in self._sockets:
            one.close()


@contextmanager
def ours(url: str) -> Iterator[Server]:
    """Run ``accessline serve`` over a database; without a line in the log for each request."""
    port = free_port()
    command = ["-m", "service", "serve", "--port", str(port)]
    settings = {"ACCESSLINE_DATABASE_URL": url, "ACCESSLINE_LOG_LEVEL": "WARNING"}
    with _running(command, port, settings) as server:
        yield server


@contextmanager
def bare(body: bytes, folder: Path) -> Iterator[Server]:
    """Run a Flask view that returns these bytes."""
    port = free_port()
    file = folder / f"body-{port}"
    file.write_bytes(body)
    with _running(["-m", "tests.bench.peers.bare", str(port), str(file)], port, {}) as server:
        yield server


@contextmanager
def clients(*servers: Server) -> Iterator[tuple[Client, ...]]:
    """Give a client to each of some servers."""
    with ExitStack() as stack:
        made = tuple(Client(one) for one in servers)
        for one in made:
            stack.callback(one.close)
        yield made


def each(server: Server, client: Client, requests: Sequence[Request], status: int = 200) -> float:
    """Return the processor time that a server takes for each of some requests."""
    before = server.cpu()
    client.send(requests, status)
    return max(server.cpu() - before, 1e-9) / len(requests)


def peak(arguments: list[str], url: str) -> float:
    """Run a command in a process of its own, and return the most memory that it held, in MB.

    It is looked at while it runs: what the kernel tells of it afterwards also counts the process
    that it was forked from.
    """
    process = subprocess.Popen(  # noqa: S603 -- this project's own command
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=environment(ACCESSLINE_DATABASE_URL=url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    most = 0
    while process.poll() is None:
        most = max(most, _told(process.pid, "status", "VmHWM:"))
        time.sleep(_LOOK)
    assert process.returncode == 0, arguments
    return most / 1000


@contextmanager
def _running(command: list[str], port: int, settings: dict[str, str]) -> Iterator[Server]:
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(  # noqa: S603 -- this project's own command
            [sys.executable, *command],
            cwd=ROOT,
            env=environment(**settings),
            stdout=told,
            stderr=told,
        )
        try:
            if not _listens(process, port):
                told.seek(0)
                message = f"the server does not listen on port {port}: {told.read()[-2_000:]!r}"
                raise OSError(message)
            yield Server(process=process.pid, port=port)
        finally:
            process.terminate()
            process.wait(timeout=_SECONDS)


def _listens(process: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    return False


def _ran(process: int) -> float:
    total = 0
    for thread in Path(f"/proc/{process}/task").iterdir():
        total += int((thread / "schedstat").read_text("ascii").split()[0])
    return total / 1e9


def _resident(process: int) -> int:
    return _told(process, "smaps_rollup", "Pss:")


def _told(process: int, file: str, name: str) -> int:
    """Return the kilobytes that the kernel tells of a process; none where it has ended."""
    lines = Path(f"/proc/{process}/{file}").read_text("ascii").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _written(request: Request) -> bytes:
    method = "GET" if request.body is None else "POST"
    target = f"{request.path}?{request.query}" if request.query else request.path
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*"]
    if request.body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(request.body)}"]
    for name, value in request.headers.items():
        lines.append(f"{name.removeprefix('HTTP_').replace('_', '-').title()}: {value}")
    return "\r\n".join([*lines, "", ""]).encode() + (request.body or b"")


def _read(connection: socket.socket) -> int:
    """Read one answer to its end, and return its status."""
    got = connection.recv(65_536)
    while b"\r\n\r\n" not in got:
        got += connection.recv(65_536)
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    lengths = [one for one in lines if one.startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < length:
        body += connection.recv(65_536)
    return int(lines[0].split()[1])


def supported() -> bool:
    """Tell whether this system says what its processes take."""
    return os.path.exists("/proc/self/schedstat") and os.path.exists("/proc/self/smaps_rollup")  # noqa: PTH110
