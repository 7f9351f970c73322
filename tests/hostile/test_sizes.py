"""What is large is refused soon, and its answer is small."""

import json
import time
from typing import Final

import pytest

from tests.api.house import House, authorization
from tests.builders import SOURCE, plain_event

SECONDS: Final = 5.0
"""The most that any refusal may take; each takes a part of a second on a machine of its own."""

EVENT: Final = plain_event("context.noted", data={"topic": "law"})
WIDE: Final = {"providers": ["*"], "regions": ["IT"] * 1000, "audiences": ["*"] * 1000}
BOMBS: Final = {
    "a million events": b'{"events":[' + b"{}," * 1_000_000 + b"{}]}",
    "a million numbers": b'{"events":[' + b"1," * 2_000_000 + b"1]}",
    "a million cells": b'{"cells":[' + b"{}," * 1_000_000 + b"{}]}",
    "100,000 names": json.dumps(dict.fromkeys(map(str, range(100_000)))).encode(),
    "100,000 streams": json.dumps(
        {"events": [], "expected_versions": {f"policy:{one}": -1 for one in range(100_000)}}
    ).encode(),
    "100,000 names in an event": json.dumps(
        {"events": [{**EVENT, **dict.fromkeys(map(str, range(100_000)))}]}
    ).encode(),
    "a long text": json.dumps({"events": [{**EVENT, "title": "a" * 7_000_000}]}).encode(),
    "a long text of accents": json.dumps(
        {"events": [{**EVENT, "title": "e\u0301" * 500_000}]}
    ).encode(),
    "a long word": json.dumps({"events": [{**EVENT, "type": "policy." * 900_000}]}).encode(),
    "a long stream": json.dumps(
        {"events": [{**EVENT, "stream": "context:" + "a-" * 900_000}]}
    ).encode(),
    "a long URL": json.dumps(
        {"events": [{**EVENT, "sources": [{**SOURCE, "url": "https://a" + ".a" * 900_000}]}]}
    ).encode(),
    "a long time": json.dumps({"events": [{**EVENT, "occurred_on": "2024-" * 900_000}]}).encode(),
    "backslashes": b'{"events":["' + b"\\\\" * 3_500_000 + b'"]}',
    "quotes without an end": b'{"events":["' + b'\\"' * 3_500_000,
    "brackets in a text": b'{"events":["' + b"[{" * 3_500_000 + b'"]}',
    "wide scopes": json.dumps(
        {
            "events": [
                plain_event(
                    "policy.adopted",
                    data={"directives": [{"key": "a", "effect": "blocked", "scope": WIDE}] * 200},
                )
            ]
        }
    ).encode(),
    "a number that is too large": b'{"cells":[], "as_of":1e400}',
    "numbers that are too large": b'{"events":[' + b"9" * 40 + b"]}",
    "spaces": b" " * 8_000_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("path", ["/v1/events", "/v1/access/check"])
def test_a_large_body_is_refused_soon(bomb: str, path: str, quiet: House) -> None:
    """Within the limit of size, and with an answer that is small."""
    began = time.monotonic()

    response = quiet.app.test_client().post(
        path,
        data=BOMBS[bomb],
        content_type="application/json",
        headers=authorization(quiet.alice),
    )

    assert response.status_code in {400, 413, 422}, response.status_code
    assert time.monotonic() - began < SECONDS
    assert len(response.data) < 200_000


def test_a_large_query_is_refused_soon(quiet: House) -> None:
    """Many parameters, long ones, lists of the same."""
    for query in (
        "&".join(f"a{number}=1" for number in range(10_000)),
        "provider=" + ",".join(["openai"] * 5_000),
        "region=" + ",".join(["CN"] * 1_300) + "&limit=1000&state=blocked",
        "provider=" + "a" * 60_000,
        "a" * 60_000 + "=1",
        "as_of=" + "2024-" * 10_000,
        "cursor=" + "A" * 60_000,
        "cursor=" + "%00" * 20_000,
        "region=" + "%2C" * 10_000,
    ):
        began = time.monotonic()
        response = quiet.get(f"/v1/access?{query}")
        assert response.status_code in {200, 400, 422}
        assert time.monotonic() - began < SECONDS
        assert len(response.data) < 300_000


def test_a_check_of_many_groups_is_answered_soon(quiet: House) -> None:
    """A body of a few kilobytes that anybody may send; a country costs half a millisecond."""
    cell = {"provider": "openai", "service": "chatgpt", "region": "EU"}
    began = time.process_time()

    response = quiet.app.test_client().post("/v1/access/check", json={"cells": [cell] * 300})

    assert response.status_code == 200
    assert time.process_time() - began < 2
