"""One change, end to end, as the README tells it: ask, record, ask as known then, verify.

The console script in processes of its own, its server over a real database with the seeds, and a
client who knows nothing but HTTP. The story is the one that the project was made for.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import sqlalchemy as sa

from service.store.engine import connect
from tests.builders import STORY

ROOT = Path(__file__).parents[2]
NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
STREAM = "policy:openai-unsupported-regions-2024"
SECONDS = 30


class House:
    """A server in a process of its own, its curator, and the command line beside it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        kept = {name: one for name, one in os.environ.items() if not name.startswith("ACCESSLINE_")}
        self.environment = kept | {"PYTHONPATH": str(ROOT), "ACCESSLINE_DATABASE_URL": url}
        self.base = ""
        self.key = ""

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(  # noqa: S603 -- this project's own command
            [sys.executable, "-m", "service", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def get(self, path: str) -> bytes:
        """Ask over HTTP."""
        with urlopen(self.base + path, timeout=SECONDS) as answer:  # noqa: S310 -- our own server
            body: bytes = answer.read()
        return body

    def cell(self, path: str, service: str) -> dict[str, Any]:
        """Ask for the explained answer, and return one of its cells."""
        cells = json.loads(self.get(f"/v1/access/{path}"))["cells"]
        (found,) = [one for one in cells if one["service"] == service]
        return dict(found)

    def post(self, body: object, query: str = "") -> tuple[int, Any]:
        """Append as the curator."""
        asked = Request(  # noqa: S310 -- our own server
            f"{self.base}/v1/events{query}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )
        with urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310 -- our own server
            return answer.status, json.loads(answer.read())

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve until the block ends."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        server = subprocess.Popen(  # noqa: S603 -- this project's own command
            [sys.executable, "-m", "service", "serve", "--port", str(port)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait(server)
            yield
        finally:
            server.terminate()
            server.wait(SECONDS)

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            try:
                self.get("/healthz")
            except URLError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("the server does not answer")


@pytest.fixture
def house(tmp_path: Path, empty_url: str) -> Iterator[House]:
    """A database from nothing: tables, seeds and a curator by the console script alone."""
    house = House(tmp_path, empty_url)
    assert house.command("db", "upgrade").returncode == 0
    assert house.command("seed", str(STORY)).returncode == 0
    made = house.command("keys", "create", "--role", "curator", "--json")
    house.key = json.loads(made.stdout)["key"]
    with house.serving():
        yield house


def test_the_way_of_an_event(house: House) -> None:
    """The acceptance of the main job, in its order."""
    china = house.cell("openai/CN?as_of=2024-07-08", "api")
    assert (china["state"], china["legal_state"], china["observed_state"]) == (
        "unknown",
        "not_offered",
        "available",
    )
    assert china["divergence"] is True
    (block,) = china["pending"]
    assert (block["kind"], block["effect"], block["effective_from"]) == (
        "scheduled",
        "blocked",
        "2024-07-09",
    )
    assert block["sources"]
    blocked = house.cell("openai/CN?as_of=2024-07-09", "api")
    assert (blocked["state"], blocked["since"]) == ("blocked", "2024-07-09")
    assert [one["policy"] for one in blocked["decided_by"]] == [STREAM.removeprefix("policy:")]
    assert house.cell("openai/CN?as_of=2024-06-20", "api")["pending"] == []

    azure = house.cell("microsoft/CN?as_of=2024-07-10", "azure-openai")
    assert azure["state"] == "conditional"
    assert {one["authority"] for one in azure["decided_by"]} == {"microsoft"}
    assert house.cell("21vianet/CN?as_of=2024-07-10", "azure-openai")["state"] == "not_offered"

    march = house.cell("microsoft/CN?as_of=2024-03-01", "azure-openai")
    january = house.cell("microsoft/CN?as_of=2024-01-15", "azure-openai")
    assert [(one["kind"], one["policy"]) for one in march["pending"]] == [
        ("proposed", "us-iaas-kyc-2024")
    ]
    assert january["pending"] == []
    assert march["state"] == january["state"] == "unknown"

    italy = [
        house.cell(f"openai/IT?as_of={day}", "chatgpt")["state"]
        for day in ("2023-03-30", "2023-04-10", "2023-05-01")
    ]
    assert italy == ["available", "suspended", "available"]

    noted = json.loads(house.get("/v1/events?type=context.noted&region=CN"))["items"]
    assert [one["stream"] for one in noted] == ["context:wipo-genai-patents-2024"]


def test_a_correction_leaves_every_byte_of_what_was_known(house: House) -> None:
    """Moving OpenAI's date changes the answer from now on, and nothing of the one saved."""
    head = json.loads(house.get("/v1/meta"))["head"]["position"]
    asked = "/v1/access/openai/CN?service=api&as_of=2024-07-09"
    saved = house.get(f"{asked}&known_at=@{head}")
    body = _correction(house, "2024-07-10")

    status, dry = house.post(body, "?dry_run=true")
    assert status == 200
    assert {one["cause"] for one in dry["changes"]} == {"record"}
    assert "CN" in {one["region"] for one in dry["changes"]}
    assert json.loads(house.get("/v1/meta"))["head"]["position"] == head
    status, receipt = house.post(body)

    assert (status, receipt["position"]) == (201, head + 1)
    assert house.get(f"{asked}&known_at=@{head}") == saved
    now = json.loads(house.get(asked))
    assert (now["state"], now["cells"][0]["until"]) == ("unknown", "2024-07-10")


def test_what_is_changed_behind_the_triggers_is_named(house: House) -> None:
    """Rebuild and verify are content with the log, until somebody edits a row."""
    assert house.command("rebuild").returncode == 0
    assert house.command("verify").returncode == 0
    database = connect(house.environment["ACCESSLINE_DATABASE_URL"])
    with database.write() as connection:
        if database.dialect == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER event_update")
        else:
            connection.exec_driver_sql("ALTER TABLE event DISABLE TRIGGER USER")
            connection.exec_driver_sql("GRANT UPDATE ON event TO CURRENT_USER")
        edited = "UPDATE event SET recorded_by = 'mallory' WHERE position = 7"
        connection.execute(sa.text(edited))
    database.dispose()

    found = house.command("verify")

    assert found.returncode == 5
    assert "position 7" in found.stdout + found.stderr


def _correction(house: House, day: str) -> dict[str, Any]:
    notice = json.loads(house.get(f"/v1/events/{NOTICE}"))
    for name in ("id", "position", "version", "recorded_at", "recorded_by", "schema_version"):
        del notice[name]
    notice["data"]["directives"][0]["effective_from"] = day
    correction = {
        "type": "record.corrected",
        "stream": STREAM,
        "occurred_on": "2026-11-26",
        "data": {
            "event": NOTICE,
            "action": "amend",
            "reason": "We misread the day.",
            "replacement": notice,
        },
    }
    return {"events": [correction], "expected_versions": {STREAM: 1}}
