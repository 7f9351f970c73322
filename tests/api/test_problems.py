"""What every answer has, and what a client learns when something goes wrong."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from service.api import problems
from service.application.errors import IdempotencyConflict
from service.store.errors import (
    ConstraintViolated,
    DatabaseBusy,
    ReadOnlyDatabase,
    SchemaOutdated,
    StoreError,
    WriteRefused,
)
from tests.api.house import House, authorization, open_house


@pytest.fixture
def lonely(sqlite_template: Path, tmp_path: Path) -> Iterator[House]:
    """A server over a SQLite file that a test may break."""
    file = tmp_path / "lonely.db"
    copyfile(sqlite_template, file)
    opened = open_house(f"sqlite:///{file}")
    yield opened
    opened.close()


def test_an_answer_is_json_that_no_browser_guesses_about(story: House) -> None:
    """Neither run, nor framed, nor sniffed, nor kept without asking again."""
    headers = story.get("/v1/meta").headers

    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-cache"
    assert "Access-Control-Allow-Origin" not in headers


def test_an_answer_to_a_key_is_kept_by_nobody(story: House) -> None:
    """A cache between us must not give it to the next (ASVS 14.3.2)."""
    headers = story.get("/v1/meta", story.bob).headers

    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Vary"] == "Authorization"


def test_the_documentation_has_a_policy_of_its_own(story: House) -> None:
    """It needs its own scripts and styles, and nothing else."""
    policy = story.get("/docs").headers["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("given", ["5f0c-Alice_1.2", "a" * 64])
def test_a_request_keeps_the_id_that_it_came_with(given: str, story: House) -> None:
    """So that a gateway finds its own requests in our log."""
    response = story.app.test_client().get("/v1/nothing", headers={"X-Request-ID": given})

    assert response.headers["X-Request-ID"] == given
    assert response.get_json()["instance"] == given


@pytest.mark.parametrize("given", [None, "", "a" * 65, "two words", "x\x1b[31m", "é"])
def test_a_request_gets_an_id_where_it_has_none_that_is_fit_for_a_log(
    given: str | None, story: House
) -> None:
    """What stands in the log must not end its line or colour a terminal."""
    headers = {} if given is None else {"X-Request-ID": given}
    response = story.app.test_client().get("/healthz", headers=headers)

    made = response.headers["X-Request-ID"]
    assert len(made) == 32
    assert made != given


def test_every_request_leaves_one_line_in_the_log(
    story: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Method, path, status and time; neither the query nor a key."""
    with caplog.at_level(logging.INFO, logger="service.middleware"):
        story.get("/v1/meta?api_key=secret", story.bob)

    [line] = [one for one in caplog.records if one.name == "service.middleware"]
    told = vars(line)
    assert (told["method"], told["path"], told["status"]) == ("GET", "/v1/meta", 422)
    assert told["ms"] >= 0
    assert "secret" not in str(told)
    assert story.bob not in str(told)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/events", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/events/456fbba2-a51f-42fb-b282-aa9aeedb480a", "GET, HEAD, OPTIONS"),
        ("PATCH", "/v1/policies/us-iaas-kyc-2024", "GET, HEAD, OPTIONS"),
        ("POST", "/v1/access/openai/CN", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/access/check", "OPTIONS, POST"),
        ("TRACE", "/v1/access/check", "OPTIONS, POST"),
        ("TRACE", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_a_resource_has_not_is_refused(
    method: str, path: str, allowed: str, story: House
) -> None:
    """Nothing is edited or deleted here; the answer says what may be done."""
    response = story.app.test_client().open(path, method=method, headers=authorization(story.alice))

    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
    assert response.get_json()["type"] == "/problems/method-not-allowed"


def test_head_answers_as_get_does_without_a_body(story: House) -> None:
    """RFC 9110, section 9.3.2."""
    response = story.app.test_client().head("/v1/meta")

    assert response.status_code == 200
    assert response.data == b""


def test_life_is_told_without_the_database(lonely: House) -> None:
    """A process whose database is away must not be killed for it."""
    lonely.close()
    Path(lonely.url.removeprefix("sqlite:///")).unlink()

    assert lonely.json("/healthz") == {"status": "ok"}


def test_a_database_that_is_away_is_told_without_its_name(lonely: House) -> None:
    """503 and when to ask again; nobody is let in meanwhile."""
    lonely.close()
    Path(lonely.url.removeprefix("sqlite:///")).unlink()

    for response in (lonely.get("/v1/meta"), lonely.post({"events": []})):
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert response.get_json()["type"] == "/problems/unavailable"
        assert "lonely" not in response.text


def test_what_nobody_expected_is_told_without_a_trace(
    lonely: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The trace is in the log, under the id that the client has."""
    file = sqlite3.connect(lonely.url.removeprefix("sqlite:///"))
    file.execute("PRAGMA foreign_keys = OFF")
    for (trigger,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        file.execute(f"DROP TRIGGER {trigger}")
    file.execute("DELETE FROM head")
    file.commit()
    file.close()

    response = lonely.get("/v1/meta")

    assert response.status_code == 500
    problem = response.get_json()
    assert problem["type"] == "/problems/internal"
    for word in ("Traceback", "head row", "lonely", "sqlite", "StoreDamaged"):
        assert word not in response.text
    assert "StoreDamaged" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "wait"),
    [
        (DatabaseBusy(database="x", reason="y"), 503, "1"),
        (WriteRefused(database="x", reason="disk full"), 503, "10"),
        (ReadOnlyDatabase(database="x"), 503, "30"),
        (SchemaOutdated(current=None, expected="0004"), 503, "30"),
        (ConstraintViolated(database="x", reason="y"), 500, None),
    ],
)
def test_what_may_pass_says_when_to_ask_again(
    error: StoreError, status: int, wait: str | None, story: House
) -> None:
    """And what will not pass does not."""
    with story.app.test_request_context("/v1/events", method="POST"):
        problem = problems.problem_of(error)

    assert problem.status == status
    assert problem.headers.get("Retry-After") == wait
    assert "disk full" not in problem.detail


def test_a_conflict_of_keys_is_a_fault_of_the_header(story: House) -> None:
    """Not of the body, which may be good."""
    with story.app.test_request_context("/v1/events", method="POST"):
        problem = problems.problem_of(IdempotencyConflict(key="one", position=3))

    assert (problem.status, problem.errors[0].parameter) == (422, "Idempotency-Key")


def test_a_body_above_the_limit_is_refused(sqlite_template: Path, tmp_path: Path) -> None:
    """413, and a body of just the limit is read."""
    copyfile(sqlite_template, tmp_path / "small.db")
    small = open_house(f"sqlite:///{tmp_path / 'small.db'}", max_body_bytes=1000)
    body = json.dumps({"events": []}).encode()

    at_limit = small.send(body.ljust(1000))
    above = small.send(body.ljust(1001))

    assert at_limit.status_code == 422
    assert above.status_code == 413
    assert above.get_json()["type"] == "/problems/too-large"
    small.close()
