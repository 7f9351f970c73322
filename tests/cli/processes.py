"""Commands as processes of their own, and a server to ask."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias
from urllib.error import URLError
from urllib.request import Request, urlopen

Json: TypeAlias = Any
"""Whatever JSON holds."""

ROOT = Path(__file__).parents[2]
SECONDS = 30


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process: this one's, without our settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACCESSLINE_")}
    return kept | {"PYTHONPATH": str(ROOT)} | more


@contextmanager
def started(
    *arguments: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a folder; whatever happens, it ends with the test."""
    process = subprocess.Popen(  # noqa: S603 -- this project's own command
        [sys.executable, "-m", "service", *arguments],
        cwd=folder,
        env=environment(**(env or {})),
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finished(
    *arguments: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] = subprocess.PIPE,
) -> tuple[int, str, str]:
    """Run a command to its end."""
    with started(*arguments, folder=folder, env=env, stdout=stdout) as process:
        out, err = process.communicate(timeout=SECONDS)
        return process.returncode, (out or b"").decode(), (err or b"").decode()


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(url: str) -> Json:
    """Return what a URL answers as JSON."""
    with urlopen(url, timeout=SECONDS) as response:  # noqa: S310 -- our own server
        return json.load(response)


def post(url: str, body: object, key: str) -> Json:
    """Send JSON with a key, and return the answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310 -- our own server
    with urlopen(request, timeout=SECONDS) as response:  # noqa: S310
        return json.load(response)


def answers(url: str) -> bool:
    """Tell whether anybody answers."""
    try:
        get(url)
    except (URLError, ConnectionError):
        return False
    return True


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that takes its time."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Json]]:
    """Run the demo until it answers; give its process and what it printed."""
    port = str(free_port())
    command = ("demo", "--port", port, "--json", *arguments)
    with started(*command, folder=folder) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        until(lambda: answers(f"{ready['url']}/healthz"))
        yield process, ready
