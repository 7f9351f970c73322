"""Who may do what: every operation of the document with every sort of key, and where keys end up.

A new operation fails here until somebody has written down who may use it.
"""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from shutil import copyfile
from typing import Final

import pytest

from service.auth import credentials
from service.store.engine import connect
from tests.api.house import NOW, House, open_house
from tests.chaos.servers import children, command
from tests.hostile.live import Heard, Json, Live, filled, operations


class Need(StrEnum):
    """What an operation asks of whoever uses it."""

    NOTHING = "nothing"
    READER = "a reader, who needs no key where reads are public"
    CURATOR = "a curator"


FORMS: Final = {"GET /append", "POST /append", "GET /sign-in", "POST /sign-in", "POST /sign-out"}
"""What asks for a session instead of a key: `tests/web/test_session.py` says who gets in."""

TABLE: Final[Mapping[str, Need]] = {
    "GET /": Need.READER,
    "GET /access/{provider}/{region}": Need.READER,
    "GET /access/{provider}/{region}/badge.svg": Need.READER,
    "GET /access/{provider}/{region}/timeline.svg": Need.READER,
    "GET /assets/{asked}/{name}": Need.NOTHING,
    "GET /audit": Need.READER,
    "GET /changes": Need.READER,
    "GET /coverage": Need.READER,
    "GET /diff": Need.READER,
    "GET /events/{event_id}": Need.READER,
    "GET /intervals/{provider}.json": Need.READER,
    "GET /policies/{slug}": Need.READER,
    "GET /upcoming": Need.READER,
    "GET /healthz": Need.NOTHING,
    "GET /readyz": Need.NOTHING,
    "GET /openapi.json": Need.NOTHING,
    "GET /docs": Need.NOTHING,
    "GET /docs/assets/{asked}/{name}": Need.NOTHING,
    "GET /metrics": Need.READER,
    "GET /v1/access": Need.READER,
    "POST /v1/access/check": Need.READER,
    "GET /v1/access/diff": Need.READER,
    "GET /v1/access/{provider}/{region}": Need.READER,
    "GET /v1/access/{provider}/{region}/revisions": Need.READER,
    "GET /v1/access/{provider}/{region}/timeline": Need.READER,
    "GET /v1/audiences": Need.READER,
    "GET /v1/audit": Need.READER,
    "GET /v1/audit/keys": Need.CURATOR,
    "GET /v1/authorities": Need.READER,
    "GET /v1/changes": Need.READER,
    "GET /v1/coverage": Need.READER,
    "GET /v1/changes.atom": Need.READER,
    "GET /v1/events": Need.READER,
    "GET /v1/events/{event_id}": Need.READER,
    "GET /log/checkpoint": Need.READER,
    "GET /log/tile/{path}": Need.READER,
    "GET /v1/events/{event_id}/proof": Need.READER,
    "GET /v1/export": Need.READER,
    "GET /v1/log/key": Need.READER,
    "GET /v1/log/proof/consistency": Need.READER,
    "GET /v1/log/proof/inclusion": Need.READER,
    "GET /v1/meta": Need.READER,
    "GET /v1/policies": Need.READER,
    "GET /v1/policies/{slug}": Need.READER,
    "GET /v1/policies/{slug}/events": Need.READER,
    "GET /v1/providers": Need.READER,
    "GET /v1/regions": Need.READER,
    "GET /v1/services": Need.READER,
    "GET /v1/upcoming": Need.READER,
    "GET /v1/upcoming.ics": Need.READER,
    "GET /v1/vocabulary": Need.READER,
    "POST /v1/events": Need.CURATOR,
}
_STRANGERS: Final = dict.fromkeys(
    (
        "a revoked key",
        "a key of another server",
        "a secret of somebody else",
        "no form of a key",
        "a key twice",
        "another scheme",
    ),
    401,
)
EXPECTED: Final[Mapping[Need, Mapping[str, int]]] = {
    Need.NOTHING: {},
    Need.READER: _STRANGERS,
    Need.CURATOR: {"nobody": 401, "a reader": 403, **_STRANGERS},
}
"""The refusals; whoever is not named is let in."""

SECURITY: Final[Mapping[Need, list[Json]]] = {
    Need.NOTHING: [],
    Need.READER: [{}, {"key": []}],
    Need.CURATOR: [{"key": []}],
}
IN: Final = "let in"


@pytest.fixture(scope="module", params=[True, False], ids=["public reads", "closed reads"])
def house(
    request: pytest.FixtureRequest, sown_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A server over the seeds, without limits of rate."""
    file = tmp_path_factory.mktemp("authorization") / "accessline.db"
    copyfile(sown_template, file)
    opened = open_house(
        f"sqlite:///{file}", public_reads=request.param, write_rate=0, failed_key_rate=0
    )
    yield opened
    opened.close()


def visitors(house: House) -> dict[str, str | None]:
    """Return an Authorization header for every sort of visitor."""
    database = connect(house.url)
    former = credentials.issue(database, credentials.Role.CURATOR, "Carol", lambda: NOW)
    credentials.revoke(database, former.id, lambda: NOW)
    database.dispose()
    another = house.alice.rpartition("_")[0] + "_" + house.bob.rpartition("_")[2]
    return {
        "nobody": None,
        "a reader": f"Bearer {house.bob}",
        "a curator": f"Bearer {house.alice}",
        "a revoked key": f"Bearer {former.text}",
        "a key of another server": f"Bearer alk_{'a' * 12}_{'A' * 32}",
        "a secret of somebody else": f"Bearer {another}",
        "no form of a key": "Bearer alk_",
        "a key twice": f"Bearer {house.alice}, Bearer {house.alice}",
        "another scheme": f"Basic {house.alice}",
    }


def test_every_route_stands_in_the_table(house: House) -> None:
    """Those that the document has, and those that it has not."""
    documented = {f"{method} {path}" for method, path in operations(document(house))}
    routed = {
        f"{method} {rule.rule.replace('path:', '').replace('<', '{').replace('>', '}')}"
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert documented <= routed
    assert routed == set(TABLE) | FORMS


@pytest.mark.parametrize("operation", TABLE)
def test_an_operation_lets_in_whom_the_table_says(operation: str, house: House) -> None:
    """And whoever brings a key that is no good learns it, even where none is needed."""
    method, path = operation.split(" ")
    need, head = TABLE[operation], position(house)
    expected = dict(EXPECTED[need])
    if need is Need.READER and not is_public(house):
        expected["nobody"] = 401

    found = {}
    for who, header in visitors(house).items():
        response = house.app.test_client().open(
            filled(path),
            method=method,
            headers={} if header is None else {"Authorization": header},
            json={"events": [], "cells": []} if method == "POST" else None,
        )
        refused = response.status_code in {401, 403}
        found[who] = response.status_code if refused else IN
        response.close()
        assert response.status_code < 500
        assert ("WWW-Authenticate" in response.headers) is (response.status_code == 401)

    assert found == {who: expected.get(who, IN) for who in found}
    assert position(house) == head


def test_the_document_says_what_the_table_says(house: House) -> None:
    """A client generated from it sends a key where one is needed."""
    described = document(house)

    for method, path in operations(described):
        security = described["paths"][path][method.lower()]["security"]
        assert security == SECURITY[TABLE[f"{method} {path}"]], path


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "FOO"])
def test_no_other_method_gets_around_the_table(method: str, house: House) -> None:
    """HEAD is GET, and nothing else is taken."""
    head = position(house)

    for operation in TABLE:
        _, path = operation.split(" ")
        response = house.app.test_client().open(filled(path), method=method)
        response.close()
        if method == "HEAD":
            assert response.status_code in {200, 304, 401, 404, 405}
        elif method != "OPTIONS":
            assert response.status_code in {404, 405}
            assert response.status_code == 404 or response.headers["Allow"]

    assert position(house) == head


def test_a_key_stands_in_no_answer_file_log_or_process(live: Live) -> None:
    """Wherever it was sent: its secret is good for everything that its holder may do."""
    keys = (live.alice, live.bob, live.revoked)
    answers: list[Heard] = []
    for key in keys:
        for headers in (
            {"Authorization": f"Bearer {key}"},
            {"Authorization": f"Basic {key}"},
            {"Authorization": f"Bearer {key} {key}"},
            {"Authorization": f"Bearer {key}", "X-Request-ID": "x" * 65},
        ):
            paths = ("/v1/meta", "/v1/access/opnai/CN", "/v1/events?x=1")
            answers.extend(live.ask(path, headers=headers) for path in paths)
        answers.append(live.ask(f"/v1/meta?api_key={key}"))
        answers.append(live.append({"events": [{"type": "x"}]}, key=key))
        live.ask(f"/v1/policies/{key}")
        live.ask("/v1/meta", headers={"Authorization": key, "User-Agent": key, "Cookie": key})
        live.ask("/v1/meta", headers={"X-Request-ID": key})
    listed = command(live.server.database_url, "keys", "list", "--json")

    assert listed.returncode == 0
    assert json.loads(listed.stdout)
    told = b"".join(one.body + str(one.headers).encode() for one in answers)
    for key in keys:
        secret = key.rpartition("_")[2].encode()
        assert secret not in told
        assert secret not in listed.stdout.encode()
        for file in live.server.folder.iterdir():
            assert secret not in file.read_bytes(), file.name
        for process in processes(live):
            for name in ("cmdline", "environ"):
                assert secret not in (process / name).read_bytes()


def processes(live: Live) -> list[Path]:
    """Return what the kernel tells of the server's processes."""
    assert live.server.process is not None
    first = live.server.process.pid
    return [Path(f"/proc/{one}") for one in (first, *children(first))]


def document(house: House) -> Json:
    """Return the OpenAPI document."""
    return house.json("/openapi.json")


def position(house: House) -> int:
    """Return where the log stands, whoever may read it."""
    answer = house.get("/v1/meta", house.bob)
    found: int = answer.get_json()["head"]["position"]
    return found


def is_public(house: House) -> bool:
    """Tell whether reads need no key."""
    return house.get("/v1/meta").status_code == 200
