"""One server in processes of its own, the keys that it knows, and ways to speak to it badly."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from service.auth import credentials
from service.auth.credentials import Role
from service.store.engine import connect
from tests.chaos.servers import Server, serving

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS: Final = 30

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer.

    Attributes:
        headers: By their names in lower case; where a header stands twice, joined.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """Read the body."""
        found: Json = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A server that runs, and the keys of those who use it.

    Attributes:
        revoked: A key that was good once.
        foreign: A key of another server.
    """

    server: Server
    alice: str = field(repr=False)
    bob: str = field(repr=False)
    revoked: str = field(repr=False)
    foreign: str = field(repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.port}"

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        key: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Heard:
        """Send a request, and read its answer."""
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            low = name.lower()
            found[low] = f"{found[low]}, {value}" if low in found else value
        return Heard(status=answer.status, headers=found, body=read)

    def append(self, body: object, *, key: str | None = None, query: str = "") -> Heard:
        """Append, by Alice where no other key is given."""
        return self.ask(
            f"/v1/events{query}",
            method="POST",
            key=self.alice if key is None else key,
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )

    def raw(self, sent: bytes, *, patience: float = 5) -> bytes:
        """Send bytes, and return all that comes back until it hangs up or says no more."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=patience) as line:
            # It may hang up on what it will not read, and has answered before that.
            with suppress(OSError):
                line.sendall(sent)
            answer = b""
            with suppress(OSError):
                while some := line.recv(65_536):
                    answer += some
            return answer

    def position(self) -> int:
        """Return where the log stands."""
        position: int = self.ask("/v1/meta").json()["head"]["position"]
        return position

    def lines(self) -> list[str]:
        """Return what it logged; a line that is being written is left out."""
        return self.server.log().split("\n")[:-1]


@contextmanager
def served(url: str, folder: Path, **environment: str) -> Iterator[Live]:
    """Run a server over a database, with keys; its limits of rate are off if not asked for.

    Args:
        url: Of a database with all tables.
        folder: Where it runs and logs.
        environment: More settings, such as ``WRITE_RATE="5"``.
    """
    database = connect(url)
    try:
        alice = credentials.issue(database, Role.CURATOR, "Alice", lambda: NOW)
        bob = credentials.issue(database, Role.READER, "Bob", lambda: NOW)
        former = credentials.issue(database, Role.CURATOR, "Carol", lambda: NOW)
        credentials.revoke(database, former.id, lambda: NOW)
    finally:
        database.dispose()
    given = {"WRITE_RATE": "0", "FAILED_KEY_RATE": "0", "READ_WAIT": "10", **environment}
    server = Server(
        database_url=url,
        folder=folder,
        environment={f"ACCESSLINE_{name}": value for name, value in given.items()},
    )
    with serving([server]):
        yield Live(
            server=server,
            alice=alice.text,
            bob=bob.text,
            revoked=former.text,
            foreign=f"alk_{'a' * 12}_{'A' * 32}",
        )


IN_PATH: Final = {
    "provider": "openai",
    "region": "CN",
    "event_id": "456fbba2-a51f-42fb-b282-aa9aeedb480a",
    "slug": "openai-unsupported-regions-2024",
    "asked": "x",
    "name": "docs.css",
    "path": "0/000.p/1",
}
"""Values of the seeds for the variables of a path."""

ASKED: Final = {
    "/v1/access/diff": "?from=2024-07-08&until=2024-07-09",
    "/v1/log/proof/consistency": "?old=1&new=2",
    "/v1/log/proof/inclusion": "?index=0&size=1",
}
"""What a path needs besides."""


def operations(document: Json) -> Iterator[tuple[str, str]]:
    """Yield method and path of every operation of an OpenAPI document."""
    for path, described in document["paths"].items():
        for method in described:
            if method in {"get", "put", "post", "delete", "options", "head", "patch", "trace"}:
                yield method.upper(), path


def filled(path: str) -> str:
    """Return a path of the document that names something of the seeds."""
    return path.format_map(IN_PATH) + ASKED.get(path, "")
