"""What must be refused, each with its status and its place, and nothing is written by it."""

import json
import shutil
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.api.house import House, Json, open_house
from tests.builders import SOURCE, directive, plain_event

STREAM: Final = "policy:a-new-one"
GOOD: Final = plain_event(
    "policy.adopted", stream=STREAM, data={"directives": [directive(effective_from="2024-07-09")]}
)


def changed(**fields: Any) -> Json:  # noqa: ANN401 -- any field of the envelope
    """Return a body with one event that is good but for some fields."""
    return {"events": [GOOD | fields]}


def with_directive(**fields: Any) -> Json:  # noqa: ANN401 -- any field of a directive
    """Return a body whose directive is good but for some fields."""
    return changed(data={"directives": [directive(effective_from="2024-07-09") | fields]})


def source(**fields: Any) -> Json:  # noqa: ANN401 -- any field of a source
    """Return a body whose source is good but for some fields."""
    return changed(sources=[SOURCE | fields])


DIRECTIVE: Final = "/events/0/data/directives/0"

BODIES: Final[dict[str, tuple[Any, str, str | None]]] = {
    "a NUL": (changed(title="a\x00b"), "/events/0/title", None),
    "a control character": (changed(title="a\x1bb"), "/events/0/title", None),
    "a bidirectional control": (changed(title="a\u202eb"), "/events/0/title", None),
    "a tag": (changed(title="a\U000e0041b"), "/events/0/title", None),
    "text that is not NFC": (changed(summary="e\u0301"), "/events/0/summary", None),
    "a naive time": (changed(occurred_on="2024-06-24T12:00:00"), "/events/0/occurred_on", None),
    "an impossible day": (changed(occurred_on="2024-02-30"), "/events/0/occurred_on", None),
    "a time before all time": (
        changed(occurred_on="0001-01-01T00:00:00+14:00"),
        "/events/0/occurred_on",
        None,
    ),
    "a number for a date": (
        with_directive(effective_from=20240709),
        f"{DIRECTIVE}/effective_from",
        None,
    ),
    "a huge integer": (changed(binding=2**63), "/events/0/binding", None),
    "a float": (with_directive(key=1.5), f"{DIRECTIVE}/key", None),
    "an unknown authority": (changed(authority="opnai"), "/events/0/authority", "openai"),
    "an unknown provider": (
        with_directive(scope={"providers": ["opennai"]}),
        f"{DIRECTIVE}/scope/providers/0",
        "openai",
    ),
    "an unknown service": (
        with_directive(scope={"providers": ["openai"], "services": ["apis"]}),
        f"{DIRECTIVE}/scope/services/0",
        "api",
    ),
    "an unknown region": (
        with_directive(scope={"providers": ["openai"], "regions": ["UK"]}),
        f"{DIRECTIVE}/scope/regions/0",
        "GB",
    ),
    "an unknown audience": (
        with_directive(scope={"audiences": ["nobody"]}),
        f"{DIRECTIVE}/scope/audiences/0",
        None,
    ),
    "a period that ends before it starts": (
        with_directive(effective_until="2024-07-01"),
        f"{DIRECTIVE}/effective_until",
        None,
    ),
    "an empty period": (
        with_directive(effective_until="2024-07-09"),
        f"{DIRECTIVE}/effective_until",
        None,
    ),
    "a wrong step": (
        {
            "events": [
                plain_event(
                    "policy.withdrawn",
                    stream="policy:openai-unsupported-regions-2024",
                    occurred_on="2024-08-01",
                    data={"reason": "x"},
                )
            ]
        },
        "/events/0",
        None,
    ),
    "a step of nothing": (
        {
            "events": [
                plain_event(
                    "policy.repealed",
                    stream=STREAM,
                    data={"effective_from": "2024-08-01", "reason": "x"},
                )
            ]
        },
        "/events/0",
        None,
    ),
    "a script for a source": (source(url="javascript:alert(1)"), "/events/0/sources/0/url", None),
    "data for a source": (source(url="data:text/html,x"), "/events/0/sources/0/url", None),
    "a source with a password": (
        source(url="https://alice:secret@example.org/"),
        "/events/0/sources/0/url",
        None,
    ),
    "a long source": (
        source(url="https://example.org/" + "x" * 2000),
        "/events/0/sources/0/url",
        None,
    ),
    "a position": (changed(position=1), "/events/0/position", None),
    "an author": (changed(recorded_by="alice"), "/events/0/recorded_by", None),
    "a misspelt field": (changed(occured_on="2024-06-24"), "/events/0/occured_on", "occurred_on"),
    "an unknown type": (changed(type="policy.adoptd"), "/events/0/type", "policy.adopted"),
    "another stream": (changed(stream="context:x"), "/events/0/stream", None),
    "no events": ({"events": []}, "/events", None),
    "no list of events": ({"events": {}}, "/events", None),
    "no body to speak of": ([], "", None),
    "too many events": ({"events": [GOOD] * 1001}, "/events", None),
    "a misspelt check": (
        {"events": [GOOD], "expected_version": {STREAM: 0}},
        "/expected_version",
        "expected_versions",
    ),
    "no version": (
        {"events": [GOOD], "expected_versions": {STREAM: "0"}},
        f"/expected_versions/{STREAM}",
        None,
    ),
    "the same id twice": ({"events": [GOOD, GOOD]}, "/events/1/id", None),
    "a correction of nothing": (
        {
            "events": [
                plain_event(
                    "record.corrected",
                    stream="policy:openai-unsupported-regions-2024",
                    data={"event": GOOD["id"], "action": "retract", "reason": "x"},
                )
            ]
        },
        "/events/0/data/event",
        None,
    ),
}


@pytest.mark.parametrize("fault", BODIES)
def test_a_bad_batch_is_refused_where_it_is_bad(fault: str, story: House) -> None:
    """422, a pointer to the place, a sentence, and the nearest good value where there is one."""
    body, pointer, suggestion = BODIES[fault]
    head = story.position()

    response = story.post(body)

    assert response.status_code == 422, response.text
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert problem["type"] == "/problems/validation"
    told = [one for one in problem["errors"] if one["pointer"].startswith(pointer)]
    assert told, problem["errors"]
    assert told[0]["detail"]
    if suggestion is not None:
        assert told[0]["suggestion"] == suggestion
    assert story.position() == head


def test_the_good_batch_of_this_page_is_good(seeded: House) -> None:
    """Else its changes would be refused for another reason than theirs."""
    assert seeded.post(changed()).status_code == 201


RAW: Final = {
    "nothing": b"",
    "no JSON": b"events",
    "half of it": b'{"events": [',
    "two of it": b'{"events": []}{"events": []}',
    "NaN": b'{"events": [NaN]}',
    "a key twice": b'{"events": [], "events": []}',
    "a huge integer": b'{"events": [' + b"1" * 5000 + b"]}",
    "half of a surrogate pair": b'{"events": ["\\ud800"]}',
    "bytes that are not UTF-8": b'{"events": ["\xff"]}',
    "a depth of 100,000": b"[" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("fault", RAW)
def test_what_is_no_json_is_refused(fault: str, story: House) -> None:
    """400: there is no place to point at."""
    head = story.position()

    response = story.send(RAW[fault])

    assert response.status_code == 400, response.text
    assert response.get_json()["type"] == "/problems/malformed-json"
    assert story.position() == head


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "application/jsonp"},
        {"Content_Type": ""},
        {"Content_Encoding": "gzip"},
    ],
)
def test_a_body_in_another_format_is_refused(headers: dict[str, str], story: House) -> None:
    """A form of another site could send text/plain; a small gzip may hide a large body."""
    response = story.send(json.dumps(changed()).encode(), **headers)

    assert response.status_code == 415
    assert response.get_json()["type"] == "/problems/unsupported-media-type"


@pytest.mark.parametrize("key", ["", " ", "é", "a\tb", "x" * 201, " x"])
def test_an_idempotency_key_is_short_and_printable(key: str, story: House) -> None:
    """It is kept for ever."""
    head = story.position()

    response = story.post(changed(), Idempotency_Key=key)

    assert response.status_code == 422
    assert response.get_json()["errors"][0]["parameter"] == "Idempotency-Key"
    assert story.position() == head


QUESTIONS: Final = {
    "/v1/access?provder=openai": ("provder", "provider"),
    "/v1/access?provider=openai&provider=microsoft": ("provider", None),
    "/v1/access?provider=": ("provider", None),
    "/v1/access?provider=openai,,microsoft": ("provider", "openai,microsoft"),
    "/v1/access?provider=opnai": ("provider", "openai"),
    "/v1/access?provider=openai&service=apis": ("service", "api"),
    "/v1/access?region=UK": ("region", "GB"),
    "/v1/access?region=CN-HK": ("region", None),
    "/v1/access?audience=nobody": ("audience", None),
    "/v1/access?state=blockd": ("state", "blocked"),
    "/v1/access?limit=0": ("limit", None),
    "/v1/access?limit=1001": ("limit", None),
    "/v1/access?limit=1e3": ("limit", None),
    f"/v1/access?limit={quote('٣')}": ("limit", None),
    f"/v1/access?limit={'9' * 5000}": ("limit", None),
    "/v1/access?as_of=2024-02-30": ("as_of", None),
    "/v1/access?as_of=2024-07": ("as_of", None),
    "/v1/access?as_of=2024-07-09T00:00:00": ("as_of", None),
    "/v1/access?as_of=0001-01-01T00:00:00%2B14:00": ("as_of", None),
    "/v1/access?as_of=2201-01-01": ("as_of", None),
    "/v1/access/openai/CN?as_of=2024-07-09T00:00:00+08:00": ("as_of", None),
    "/v1/access/openai/CN?service=apis": ("service", "api"),
    "/v1/access/openai/CN?asof=2024-07-09": ("asof", "as_of"),
    "/v1/access/openai/CN?known_at=@999999": ("known_at", None),
    "/v1/access/openai/CN?known_at=@-1": ("known_at", None),
    "/v1/access/openai/CN?known_at=@" + "9" * 30: ("known_at", None),
    "/v1/access/openai/CN?known_at=2027-01-01": ("known_at", "2026-11-26"),
    "/v1/access/openai/CN?known_at=12": ("known_at", None),
    f"/v1/access/openai/CN?audience={quote(chr(0))}": ("audience", None),
    "/v1/access/openai/CN?limit=5": ("limit", None),
    "/v1/access/openai/CN/timeline?from=2024-01-01&until=2023-01-01": ("until", None),
    "/v1/access/openai/CN/timeline?from=2024-01-01&until=2024-02-01T00:00:00Z": ("until", None),
    "/v1/events?type=policy.adoptd": ("type", "policy.adopted"),
    "/v1/events?after=-1": ("after", None),
    "/v1/events?after=" + "9" * 17: ("after", None),
    "/v1/events?stream=%00": ("stream", None),
    f"/v1/events?stream={'x' * 301}": ("stream", None),
    "/v1/events?service=api": ("service", "openai/api"),
    "/v1/events?service=openai/api&provider=microsoft": ("service", None),
    "/v1/events?region=XX": ("region", None),
    "/v1/events?authority=opnai": ("authority", "openai"),
    "/v1/events?occurred_from=2024-06": ("occurred_from", None),
    "/v1/events?occurred_from=2024-06-24T00:00:00Z": ("occurred_from", "2024-06-24"),
    "/v1/events?occurred_from=2024-06-24&occurred_until=2024-06-24": ("occurred_until", None),
    "/v1/events?recorded_from=2024-06-24&recorded_until=2024-06-23": ("recorded_until", None),
    "/v1/policies?as_of=yesterday": ("as_of", None),
    "/v1/policies/us-iaas-kyc-2024?limit=5": ("limit", None),
    "/v1/regions?kind=continent": ("kind", None),
    "/v1/services?provider=opnai": ("provider", "openai"),
    "/v1/vocabulary?x=1": ("x", None),
    "/v1/meta?x=1": ("x", None),
    "/v1/events/456fbba2-a51f-42fb-b282-aa9aeedb480a?x=1": ("x", None),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_bad_parameter_is_refused_by_name(question: str, story: House) -> None:
    """422: what is not understood is never ignored."""
    parameter, suggestion = QUESTIONS[question]

    response = story.get(question)

    assert response.status_code == 422, response.text
    told = {one["parameter"]: one for one in response.get_json()["errors"]}
    assert told[parameter]["detail"]
    if suggestion is not None:
        assert told[parameter]["suggestion"] == suggestion


PATHS: Final = {
    "/v1/access/opnai/CN": "openai",
    "/v1/access/openai/UK": "GB",
    "/v1/access/openai/CN-HK": None,
    "/v1/access/openai/CN-HK/timeline": None,
    "/v1/access/%00/CN": None,
    "/v1/access/openai/%ff": None,
    f"/v1/access/{'x' * 5000}/CN": None,
    "/v1/policies/us-iaas-kyc": "us-iaas-kyc-2024",
    "/v1/policies/%00": None,
    "/v1/events/x": None,
    "/v1/events/00000000-0000-0000-0000-000000000000": None,
    "/v1/events/%00": None,
    "/v1/acces": None,
    "/v1/access/": None,
    "/.env": None,
    "/console": None,
    "/v1/../etc/passwd": None,
}


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_path_is_not_found(path: str, story: House) -> None:
    """404, with the nearest known id where there is one."""
    response = story.get(path)

    assert response.status_code == 404, response.text
    problem = response.get_json()
    assert problem["type"] == "/problems/not-found"
    if PATHS[path] is not None:
        assert problem["errors"][0]["suggestion"] == PATHS[path]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer x",
        "Basic YWxpY2U6c2VjcmV0",
        "Bearer alk_aaaaaaaaaaaa_" + "A" * 32,
    ],
)
def test_a_wrong_key_opens_nothing_not_even_what_is_public(header: str, story: House) -> None:
    """Whoever sends a key wants to be known, and must learn that it is no good."""
    client = story.app.test_client()

    for response in (
        client.get("/v1/events", headers={"Authorization": header}),
        client.post("/v1/events", json=changed(), headers={"Authorization": header}),
    ):
        assert response.status_code == 401
        assert response.get_json()["type"] == "/problems/unauthenticated"


def test_a_key_in_the_url_records_nothing(story: House) -> None:
    """It would stand in every log on the way."""
    head = story.position()

    response = story.post(changed(), key=None, query=f"?api_key={story.alice}")

    assert response.status_code == 401
    assert story.position() == head


def test_many_faults_are_answered_briefly(story: House) -> None:
    """At most a hundred are shown, and their number is told."""
    junk = [{"type": "context.noted", "data": dict.fromkeys(map(str, range(50)))}] * 1000

    response = story.post({"events": junk})

    assert response.status_code == 422
    assert len(response.get_json()["errors"]) == 100
    assert "1,000 faults or more" in response.get_json()["detail"]


def test_reads_need_a_key_where_they_are_not_public(sqlite_template: Path, tmp_path: Path) -> None:
    """Then the sign of life and the documentation alone are open."""
    shutil.copyfile(sqlite_template, tmp_path / "closed.db")
    closed = open_house(f"sqlite:///{tmp_path / 'closed.db'}", public_reads=False)

    assert closed.get("/v1/events").status_code == 401
    assert closed.get("/v1/events", closed.bob).status_code == 200
    assert closed.get("/v1/meta").status_code == 401
    assert closed.get("/healthz").status_code == 200
    assert closed.get("/openapi.json").status_code == 200
    closed.close()
