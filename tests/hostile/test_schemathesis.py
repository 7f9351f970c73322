"""Whatever the OpenAPI document allows, and what it does not, gets a documented answer.

Schemathesis makes requests from the document that a real server serves, right ones and wrong ones,
and looks at each answer: no 5xx, a documented status and content type, headers and body as their
schemas say, and nothing accepted that the document forbids. Ids that are registered are put into
half of the requests: chance alone would never get beyond "unknown provider".
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, checks

from tests.builders import SOURCE
from tests.hostile.live import Live

EXAMPLES: Final = int(os.environ.get("ACCESSLINE_TEST_EXAMPLES", "6"))
"""Requests of each sort for each operation; a third on PostgreSQL."""

CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "provider": ("openai", "microsoft", "deepseek"),
    "region": ("CN", "IT", "EU", "US-TX"),
    "slug": ("openai-unsupported-regions-2024",),
    "event_id": ("456fbba2-a51f-42fb-b282-aa9aeedb480a",),
    "service": ("api", "chatgpt"),
    "audience": ("public", "government"),
    "state": ("blocked",),
    "as_of": ("2024-07-09", "2024-07-09T00:00:00Z"),
    "known_at": ("@200", "2026-11-22"),
    "from": ("2024-01-01",),
    "until": ("2024-08-01",),
    "known_from": ("@100",),
    "known_until": ("@200",),
    "stream": ("policy:openai-unsupported-regions-2024",),
    "type": ("policy.adopted",),
    "min_position": ("1",),
    "limit": ("2",),
}
DIFFERENCES: Final = (
    {"from": "", "until": "", "provider": "openai"},
    {"known_from": "", "known_until": "", "as_of": ""},
)
"""Parameters of a comparison that go together; their values are drawn."""

UNAVAILABLE: Final = 503

numbers = st.integers(0, 2**64)


@pytest.mark.parametrize("who", ["nobody", "a curator"])
def test_every_request_gets_a_documented_answer(who: str, live: Live) -> None:
    """On SQLite."""
    _try(live, live.alice if who == "a curator" else None, EXAMPLES)


def test_every_request_gets_a_documented_answer_on_postgresql(live_on_postgresql: Live) -> None:
    """There a NUL, half of a surrogate pair or 2^63 are another fault than on SQLite."""
    _try(live_on_postgresql, live_on_postgresql.alice, max(EXAMPLES // 3, 1))


def _try(live: Live, key: str | None, examples: int) -> None:
    faults: list[str] = []
    with requests.Session() as session:
        if key is not None:
            session.headers["Authorization"] = f"Bearer {key}"
        for operation, mode in _operations(live):
            try:
                _try_operation(operation, mode, session, examples)
            except AssertionError as found:
                faults.append(f"{operation.label}, {mode.value}: {found}")
    assert not faults, "\n\n".join(faults)


def _operations(live: Live) -> Iterator[tuple[Any, GenerationMode]]:
    """Yield the operations, each twice: for right requests, and for wrong ones where it can be."""
    schema = schemathesis.openapi.from_url(f"{live.url}/openapi.json")
    schema.config.update(base_url=live.url)
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # else the document is not valid
        yield operation, GenerationMode.POSITIVE
        # Any text is a right header or step of a path: there is nothing to get wrong in those.
        if list(operation.query) or operation.body:
            yield operation, GenerationMode.NEGATIVE


def _try_operation(
    operation: Any,  # noqa: ANN401 -- of a type that has no public name
    mode: GenerationMode,
    session: requests.Session,
    examples: int,
) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=bool(os.environ.get("CI")),
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def tried(case: Case[Any], data: st.DataObject) -> None:
        known = mode is GenerationMode.POSITIVE and data.draw(st.booleans())
        if known:
            _put_known(case, data)
        response = case.call(session=session)
        looked_at: list[str] = [*CHECKS]
        if response.status_code == UNAVAILABLE and "min_position" in (case.query or {}):
            assert response.json()["type"] == "/problems/not-there-yet", response.text
            looked_at.remove("not_a_server_error")
        if mode is GenerationMode.NEGATIVE:
            looked_at.append("negative_data_rejection")
        try:
            chosen: Any = checks.CHECKS.get_by_names(looked_at)
            case.validate_response(response, checks=chosen)
        except BaseExceptionGroup as found:
            why = "; ".join(f"{one!r} {one}" for one in found.exceptions)
            told = f"{case.as_curl_command()} -> {response.status_code} {response.text[:500]}"
            message = f"{told}\n{why}"
            raise AssertionError(message) from None

    tried()


def _put_known(case: Case[Any], data: st.DataObject) -> None:
    if case.path == "/v1/access/diff":
        case.query = dict(data.draw(st.sampled_from(DIFFERENCES)))
    for place in (case.path_parameters, case.query):
        for name in list(place or ()):
            if name in KNOWN:
                place[name] = data.draw(st.sampled_from(KNOWN[name]))
    if case.method == "POST" and case.path == "/v1/events":
        case.body = {"events": [_note(data.draw(numbers))]}
    elif case.method == "POST":
        cell: Any = {"provider": "openai", "service": "api", "region": "CN"}
        case.body = {"cells": [cell, {**cell, "provider": "opnai"}]}


def _note(number: int) -> dict[str, Any]:
    return {
        "id": str(UUID(int=number)),
        "type": "context.noted",
        "stream": "context:note",
        "authority": "openai",
        "occurred_on": "2024-06-24",
        "title": "A note",
        "data": {"topic": "law"},
        "sources": [SOURCE],
    }
