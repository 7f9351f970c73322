"""The real console script in a process of its own: pipes, signals, terminals, servers."""

import fcntl
import json
import os
import pty
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.request import urlopen

import pytest

from tests.cli.processes import (
    SECONDS,
    Json,
    answers,
    finished,
    free_port,
    get,
    post,
    serving,
    started,
    until,
)


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the ids of the processes that answer requests."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(one) for one in found.split()]


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_the_demo_does_everything_and_tells_how_to_go_on(tmp_path: Path) -> None:
    """An empty folder, one command: tables, seeds, a key, a server; then the printed `curl`."""
    port = str(free_port())
    with started("demo", "--port", port, folder=tmp_path) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Ctrl-C"):
            lines.append(process.stdout.readline().decode())
        urls = re.findall(r"^  .*(http://\S+)$", "".join(lines), re.MULTILINE)
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))

        pages, documentation, answer, timeline = urls
        (cell, *_) = get(answer)["cells"]
        assert (cell["service"], cell["state"], cell["legal_state"]) == (
            "api",
            "unknown",
            "not_offered",
        )
        assert [item["state"] for item in get(timeline)["items"]][-1] == "blocked"
        for url in (pages, documentation):
            with urlopen(url) as page:  # noqa: S310
                assert page.status == 200
        (curl,) = [line for line in lines if line.startswith("  curl")]
        _, _, url, _, authorization, _, _, _, body = shlex.split(curl)
        receipt = post(url, json.loads(body), authorization.removeprefix("Authorization: Bearer "))
        assert receipt["items"][0]["position"] == receipt["position"]

        # A terminal sends Ctrl-C to all processes of a group.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SECONDS) == 0
    assert (tmp_path / "accessline-demo.db").exists()


def test_the_demo_uses_its_file_again(tmp_path: Path) -> None:
    """What was recorded in it yesterday is still there, under the key of yesterday too."""
    with serving(tmp_path) as (_, first):
        pass
    with serving(tmp_path) as (_, second):
        assert (first["made"], second["made"]) == (True, False)
        assert first["position"] == second["position"]
        assert first["key"] != second["key"]


def test_a_port_in_use_is_told_and_how_to_choose_another(tmp_path: Path) -> None:
    """Granian would share the port of another granian; half of the answers would be theirs."""
    with serving(tmp_path) as (_, ready):
        port = int(ready["url"].rpartition(":")[2])
        code, out, err = finished("demo", "--port", str(port), folder=tmp_path)

    assert (code, out) == (4, "")
    assert err.startswith(f"accessline: Port {port} of 127.0.0.1 is in use: ")
    assert f"--port {port + 1}" in err
    assert len(err.splitlines()) == 1


def test_a_stopped_server_finishes_what_it_was_asked(tmp_path: Path) -> None:
    """An append that waits for the database's lock when SIGTERM comes is answered and kept."""
    review = {
        "type": "record.reviewed",
        "stream": "policy:openai-unsupported-regions-2024",
        "occurred_on": "2026-11-22",
        "data": {"reviewed_on": "2026-11-22"},
    }
    received: list[Json] = []
    with serving(tmp_path) as (process, ready):
        lock = sqlite3.connect(ready["database"], isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        body = {"events": [review]}
        ask = threading.Thread(
            target=lambda: received.append(post(f"{ready['url']}/v1/events", body, ready["key"]))
        )
        ask.start()
        time.sleep(0.5)

        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        lock.execute("ROLLBACK")
        lock.close()

        ask.join(SECONDS)
        assert process.wait(SECONDS) == 0
    assert received[0]["position"] == ready["position"] + 1


@linux
def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    """One fault must not end the service."""
    with serving(tmp_path) as (process, ready):
        (worker,) = workers(process)

        os.kill(worker, signal.SIGKILL)

        until(lambda: workers(process) not in ([], [worker]))
        until(lambda: answers(f"{ready['url']}/healthz"))


@linux
def test_a_worker_whose_supervisor_was_killed_ends(tmp_path: Path) -> None:
    """It would go on answering on the port, and nobody would know that it is there."""
    with serving(tmp_path) as (process, ready):
        process.kill()

        until(lambda: not answers(f"{ready['url']}/healthz"))


def test_a_servers_logs_do_not_stand_on_standard_output(tmp_path: Path, database_url: str) -> None:
    """Standard output says where it answers; every line of standard error is a record."""
    port = free_port()
    env = {"ACCESSLINE_DATABASE_URL": database_url}
    with started("serve", "--port", str(port), "--json", folder=tmp_path, env=env) as process:
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=SECONDS)

    assert json.loads(out)["url"] == f"http://127.0.0.1:{port}"
    records = [json.loads(line) for line in err.splitlines()]
    assert {"_granian", "service.middleware"} <= {record["logger"] for record in records}


@pytest.mark.parametrize("command", [("events", "list"), ("why", "openai", "CN")])
def test_whoever_closes_a_pipe_is_not_bothered(
    command: tuple[str, ...], tmp_path: Path, seeded: Path
) -> None:
    """`accessline events list | head -1`: quiet, and as if killed by SIGPIPE."""
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}"}
    reading, writing = os.pipe()
    os.close(reading)
    code, _, err = finished(*command, folder=tmp_path, env=env, stdout=writing)
    os.close(writing)

    assert (code, err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_a_failure(tmp_path: Path, seeded: Path) -> None:
    """A full disk must not look like success."""
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}"}
    with Path("/dev/full").open("wb") as full:
        code, _, err = finished("config", "show", folder=tmp_path, env=env, stdout=full)

    assert (code, err) == (4, "accessline: No space left on device.\n")


def test_ctrl_c_ends_a_command_quietly(tmp_path: Path, seeded: Path) -> None:
    """As shells have it: 128 and the number of the signal."""
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}"}
    with started("events", "append", "-", folder=tmp_path, env=env) as process:
        assert process.stdin is not None
        process.stdin.write(b"{")
        process.stdin.flush()
        _read(process.stdin)

        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)

    assert process.returncode == 130
    assert err.strip() == b""


def _read(pipe: IO[bytes]) -> None:
    """Wait until what was sent through a pipe has been read."""
    until(lambda: fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)) == bytes(4))


def test_an_unreadable_log_is_found_by_a_process_of_its_own(tmp_path: Path, seeded: Path) -> None:
    """The exit code reaches the shell."""
    connection = sqlite3.connect(seeded)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("UPDATE event SET recorded_by = 'nobody' WHERE position = 3")
    connection.commit()
    connection.close()

    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}"}
    code, out, _ = finished("verify", folder=tmp_path, env=env)

    assert code == 5
    assert out.splitlines()[1].startswith("3\tcolumns\t")


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_gets_a_table_and_colours_only_if_wanted(
    no_color: str, tmp_path: Path, seeded: Path
) -> None:
    """https://no-color.org: set and not empty means none."""
    env = {
        "ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}",
        "NO_COLOR": no_color,
        "TERM": "xterm-256color",
    }
    arguments = ("why", "openai", "CN", "--as-of", "2024-07-09")
    coloured = _on_terminal(*arguments, folder=tmp_path, env=env)
    table = _on_terminal("state", *arguments[1:], folder=tmp_path, env=env)

    assert ("\x1b[1;31m" in coloured) is (no_color == "")
    assert "─────" in table
    assert "\t" not in table


def _on_terminal(*arguments: str, folder: Path, env: Mapping[str, str]) -> str:
    master, slave = pty.openpty()
    try:
        code, _, err = finished(*arguments, folder=folder, env=env, stdout=slave)
        os.close(slave)
        assert (code, err) == (0, "")
        return os.read(master, 100_000).decode()
    finally:
        os.close(master)


def test_an_encoding_without_the_letters_is_no_failure(tmp_path: Path, seeded: Path) -> None:
    """Cron runs with the locale C."""
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}", "PYTHONIOENCODING": "ascii"}
    note: dict[str, Json] = {
        "id": "6f0a2c57-90cc-45bb-a0bb-9d3b3c1c6a03",
        "type": "context.noted",
        "stream": "context:geneva",
        "authority": "openai",
        "occurred_on": "2024-07-03",
        "title": "Noted in Genève",
        "data": {"topic": "patents"},
        "sources": [{"url": "https://example.org/", "publisher": "Example", "kind": "other"}],
    }
    (tmp_path / "note.json").write_text(json.dumps(note))
    recorded, _, _ = finished("events", "append", "note.json", folder=tmp_path, env=env)

    code, out, err = finished("events", "show", note["id"], folder=tmp_path, env=env)

    assert (recorded, code, err) == (0, 0, "")
    assert "Noted in Gen\\xe8ve" in out
