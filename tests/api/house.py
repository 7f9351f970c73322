"""The whole server in one process, for tests: an application, a clock that stands still, a cast.

Alice is a curator, Bob a reader, Charlie has no key. ``seeded`` has everything that the seeds hold,
recorded by Alice over HTTP as anybody would.
"""

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from flask import Flask
from werkzeug.test import TestResponse

from service.app import create_app
from service.auth import credentials
from service.auth.credentials import Role
from service.settings import Settings
from service.store.engine import connect
from tests.builders import STORY

NOW: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)

Json = dict[str, Any]


@dataclass
class House:
    """A server over one database, and the keys of those who use it."""

    url: str
    app: Flask
    alice: str = field(repr=False)
    bob: str = field(repr=False)
    charlie: None = None

    def get(self, path: str, key: str | None = None) -> TestResponse:
        """Ask."""
        return self.app.test_client().get(path, headers=authorization(key))

    def json(self, path: str) -> Json:
        """Ask for what must be there, and read it."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        found: Json = response.get_json()
        return found

    def post(
        self, body: object, key: str | None = "alice", query: str = "", **headers: str
    ) -> TestResponse:
        """Append what is valid JSON; by Alice, where no other key is given."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().post(
            f"/v1/events{query}",
            json=body,
            headers={**authorization(self.alice if key == "alice" else key), **named},
        )

    def send(self, body: bytes, **headers: str) -> TestResponse:
        """Append raw bytes, by Alice."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().post(
            "/v1/events",
            data=body,
            headers={
                "Content-Type": "application/json",
                **authorization(self.alice),
                **named,
            },
        )

    def position(self) -> int:
        """Return where the log stands."""
        position: int = self.json("/v1/meta")["head"]["position"]
        return position

    def close(self) -> None:
        """Close the database."""
        self.app.extensions["accessline"].database.dispose()


def authorization(key: str | None) -> dict[str, str]:
    """Return the header that brings a key."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def open_house(url: str, **settings: Any) -> House:  # noqa: ANN401 -- any setting
    """Make a server over a database that has its tables."""
    database = connect(url)
    alice = credentials.issue(database, Role.CURATOR, "Alice", lambda: NOW).text
    bob = credentials.issue(database, Role.READER, "Bob", lambda: NOW).text
    database.dispose()
    app = create_app(Settings(database_url=url, **settings), clock=lambda: NOW)
    return House(url=url, app=app, alice=alice, bob=bob)


def seed_batches() -> list[list[Json]]:
    """Return the events of the seeds as JSON: the registry first, then a batch for each file."""
    registry = [one for file in sorted(STORY.glob("registry/*.toml")) for one in _read(file)]
    others = sorted(file for file in STORY.rglob("*.toml") if file.parent.name != "registry")
    return [registry, *(_read(file) for file in others)]


def sow(house: House) -> None:
    """Record the seeds."""
    for batch in seed_batches():
        response = house.post({"events": batch})
        assert response.status_code == 201, response.text


def _read(file: Path) -> list[Json]:
    plain = _iso(tomllib.loads(file.read_text(encoding="utf-8")))
    events = plain.pop("events")
    return [{**plain, **event} for event in events]


def _iso(value: Any) -> Any:  # noqa: ANN401 -- whatever the TOML holds
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _iso(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_iso(one) for one in value]
    return value
