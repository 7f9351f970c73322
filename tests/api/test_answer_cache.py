"""Answers that are kept: given again as long as they are good, to whom they may be given."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from werkzeug.test import TestResponse

from service.app import create_app
from service.application.recording import Batch, append
from service.settings import Settings
from service.store.engine import connect
from tests.api.house import House, open_house, sow
from tests.api.test_caching import READS
from tests.builders import event, plain_event

EXPLAINED = "/v1/access/openai/CN?as_of=2024-07-09"
PINNED = "/v1/access/openai/CN?as_of=2024-07-09&known_at=@50"
CHECK = {"cells": [{"provider": "openai", "service": "api", "region": "CN"}]}


@pytest.fixture
def kept(sqlite_template: Path, tmp_path: Path) -> Iterator[House]:
    """A server of its own over the seeds, on SQLite, which keeps answers."""
    with opened(sqlite_template, tmp_path) as house:
        sow(house)
        yield house


@contextmanager
def opened(template: Path, folder: Path, **settings: Any) -> Iterator[House]:  # noqa: ANN401
    """Open a server over an empty log."""
    copyfile(template, folder / "kept.db")
    house = open_house(f"sqlite:///{folder / 'kept.db'}", **settings)
    yield house
    house.close()


def given(house: House) -> int:
    """Return how many answers were given again."""
    told = re.search(r"^accessline_answers_given_again_total (\d+)", metrics(house), re.MULTILINE)
    assert told is not None
    return int(told[1])


def metrics(house: House) -> str:
    """Return what the server says of itself."""
    return house.get("/metrics").text


def seen(response: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return all of an answer but the id of its request."""
    headers = [one for one in response.headers if one[0] != "X-Request-ID"]
    return response.status_code, response.data, headers


def reviewed(stream: str = "policy:us-iaas-kyc-2024") -> dict[str, Any]:
    """Return an event that changes no state, only the position."""
    return plain_event(
        "record.reviewed",
        stream=stream,
        occurred_on="2026-11-01",
        data={"reviewed_on": "2026-11-01"},
    )


def authorized(house: House, path: str) -> TestResponse:
    """Ask with a key: that answer is made anew."""
    return house.get(path, house.bob)


@pytest.mark.parametrize("path", [*READS, PINNED])
def test_a_kept_answer_is_the_answer(path: str, story: House) -> None:
    """The same status, bytes and headers, in their order, each with an id of its own."""
    whole = authorized(story, path)
    before = given(story)
    first, second = story.get(path), story.get(path)

    assert given(story) > before
    assert (whole.status_code, whole.data) == (first.status_code, first.data)
    assert first.status_code == 200
    assert seen(second) == seen(first)
    assert len({first.headers["X-Request-ID"], second.headers["X-Request-ID"]}) == 2
    asked = story.app.test_client().get(path, headers={"X-Request-ID": "mine-7"})
    assert asked.headers["X-Request-ID"] == "mine-7"


@pytest.mark.parametrize("path", [EXPLAINED, PINNED, "/v1/events?limit=2", "/v1/changes"])
def test_a_tag_is_answered_as_by_the_view(path: str, story: House) -> None:
    """304 with the headers of the view's own 304; another tag, a list, or `*` as the view does."""
    client = story.app.test_client()
    before = given(story)
    tag = story.get(path).headers["ETag"]
    asked = (tag, f"W/{tag}", '"other"', f'"other", {tag}', "*", "other", "")

    with_cache = [seen(client.get(path, headers={"If-None-Match": one})) for one in asked]

    assert given(story) >= before + 3
    bare = create_app(Settings(database_url=story.url, answer_cache_mb=0), clock=clock(story))
    without = [seen(bare.test_client().get(path, headers={"If-None-Match": one})) for one in asked]
    bare.extensions["accessline"].database.dispose()
    assert [status for status, _, _ in without[:3]] == [304, 304, 200]
    for one, other in zip(with_cache, without, strict=True):
        assert one[:2] == other[:2]
        assert sorted(one[2]) == sorted(other[2])


def clock(house: House) -> Any:  # noqa: ANN401 -- a function without arguments
    """Return the clock of a server."""
    return house.app.extensions["accessline"].clock


def test_head_is_get_without_a_body(kept: House) -> None:
    """Whether the answer is kept or not; what HEAD was answered is not kept for GET."""
    client = kept.app.test_client()

    first = client.head(EXPLAINED)
    whole = kept.get(EXPLAINED)
    again = client.head(EXPLAINED)

    assert first.data == again.data == b""
    assert seen(first)[2] == seen(whole)[2] == seen(again)[2]
    assert len(whole.data) > 1000
    assert given(kept) == 1


def test_each_form_is_kept_for_itself(kept: House) -> None:
    """Rows as CSV are no JSON; a form that is not offered is refused each time."""
    path = "/v1/access?provider=openai&region=CN"
    client = kept.app.test_client()
    forms = ("application/json", "text/csv", "text/csv;q=0.5, application/json;q=0.1", "image/png")

    first = [seen(client.get(path, headers={"Accept": form})) for form in forms]
    second = [seen(client.get(path, headers={"Accept": form})) for form in forms]

    assert [status for status, _, _ in first] == [200, 200, 200, 406]
    assert first[:3] == second[:3]
    assert first[1][1].startswith(b"provider,")
    assert first[0][1].startswith(b"{")
    assert given(kept) == 3


def test_an_append_is_seen_by_the_next_read(seeded: House) -> None:
    """On both engines, by the process that appended, also where a pinned answer stays."""
    for _ in range(20):
        position = seeded.position()
        for path in (EXPLAINED, "/v1/events?limit=1", f"{EXPLAINED}&known_at=@{position}"):
            seeded.get(path)
            seeded.get(path)

        appended = seeded.post({"events": [reviewed()]}).get_json()["position"]

        assert appended == position + 1
        assert seeded.json("/v1/meta")["head"]["position"] == appended
        assert seeded.json(EXPLAINED)["known_at"]["position"] == appended
        pinned = seeded.json(f"{EXPLAINED}&known_at=@{position}")
        assert pinned["known_at"]["position"] == position
    assert given(seeded) >= 60


def test_what_another_process_appends_is_seen_at_once_on_sqlite(kept: House) -> None:
    """Any commit to the file is noticed before the next answer."""
    other = connect(kept.url)
    for _ in range(20):
        before = kept.json(EXPLAINED)["known_at"]["position"]
        made = event("record.reviewed", **{k: v for k, v in reviewed().items() if k != "type"})

        append(other, Batch(events=(made,), principal="bob"), clock=clock(kept))

        assert kept.json(EXPLAINED)["known_at"]["position"] == before + 1
    other.dispose()


def test_a_day_ends_what_was_answered_for_today(sqlite_template: Path, tmp_path: Path) -> None:
    """At midnight in UTC, without an append; what names its day stays."""
    copyfile(sqlite_template, tmp_path / "kept.db")
    now = [datetime(2026, 11, 26, 23, 59, 59, tzinfo=UTC)]
    house = open_house(f"sqlite:///{tmp_path / 'kept.db'}")
    house.close()
    settings = Settings(database_url=house.url)
    house.app = create_app(settings, clock=lambda: now[0])
    sow(house)
    today, named = "/v1/access/openai/CN", PINNED
    before = [house.get(path) for path in (today, named, today, named)]

    now[0] += timedelta(seconds=2)
    after = [house.get(path) for path in (today, named)]

    assert given(house) == 3
    assert before[0].get_json()["as_of"] == "2026-11-26"
    assert after[0].get_json()["as_of"] == "2026-11-27"
    assert seen(after[1]) == seen(before[1])
    assert after[0].headers["ETag"] != before[0].headers["ETag"]
    house.close()


def test_a_key_and_a_session_pass_by(kept: House) -> None:
    """Who brings either is answered by the view; nobody else is given what they were."""
    client = kept.app.test_client()
    keyed = [
        client.get(EXPLAINED, headers={"Authorization": f"Bearer {key}"})
        for key in (kept.bob, kept.bob, "forged", "forged")
    ]
    visitor = kept.app.test_client()
    visitor.set_cookie("accessline_session", "1")
    visited = [visitor.get(EXPLAINED) for _ in range(2)]

    assert given(kept) == 0
    assert [one.status_code for one in keyed] == [200, 200, 401, 401]
    assert {one.headers["Cache-Control"] for one in keyed} == {"private, no-store"}
    assert [one.status_code for one in visited] == [200, 200]
    assert kept.get(EXPLAINED).headers["Cache-Control"] == "no-cache"
    assert given(kept) == 0, "none of them was kept"
    assert kept.get(EXPLAINED).status_code == 200
    assert given(kept) == 1


def test_private_reads_are_never_kept(sqlite_template: Path, tmp_path: Path) -> None:
    """Where reading needs a key, an answer to one opens nothing to a stranger."""
    with opened(sqlite_template, tmp_path, public_reads=False) as house:
        assert house.get("/v1/meta", house.bob).status_code == 200
        assert house.get("/v1/meta").status_code == 401
        assert house.post({"cells": []}, None).status_code == 401
        response = house.app.test_client().post("/v1/access/check", json=CHECK)
        assert response.status_code == 401


def test_who_waits_for_a_position_passes_by(kept: House) -> None:
    """`min_position` asks the log itself."""
    position = kept.position()
    paths = [f"{EXPLAINED}&min_position={number}" for number in (position, position, position + 1)]

    statuses = [kept.get(path).status_code for path in paths[:2]]

    assert statuses == [200, 200]
    assert given(kept) == 0


def test_a_refusal_is_not_kept(kept: House) -> None:
    """What is not there today may be there after the next append."""
    for path in ("/v1/events/00000000-0000-7000-8000-000000000000", "/v1/access/x/CN", "/v1/none"):
        assert kept.get(path).status_code == kept.get(path).status_code == 404
    assert kept.get("/v1/events?limit=0").status_code == 422
    assert given(kept) == 0


def test_a_check_is_kept_by_its_bytes(kept: House) -> None:
    """A gateway asks the same again and again; an append ends it."""
    client = kept.app.test_client()

    def check() -> TestResponse:
        return client.post("/v1/access/check", json=CHECK)

    first, second = check(), check()

    assert given(kept) == 1
    assert seen(first) == seen(second)
    kept.post({"events": [reviewed()]})
    third = check()
    assert third.get_json()["known_at"]["position"] == kept.position()
    assert given(kept) == 1


def test_a_kept_answer_is_noted_as_any_other(kept: House, caplog: pytest.LogCaptureFixture) -> None:
    """The same line in the log, the same labels in the metrics; a probe cannot tell them apart."""
    with caplog.at_level(logging.INFO, logger="service.middleware"):
        for _ in range(2):
            kept.get(EXPLAINED)
            kept.get("/v1/providers")
            kept.app.test_client().post("/v1/access/check", json=CHECK)
            kept.app.test_client().get(f"{EXPLAINED}&region=CN")

    lines = [
        {name: vars(one)[name] for name in ("method", "path", "status")}
        for one in caplog.records
        if one.name == "service.middleware"
    ]
    assert lines[:4] == lines[4:8]
    assert [line["status"] for line in lines[:4]] == [200, 200, 200, 422]
    told = metrics(kept)
    for method, route, number in (
        ("GET", "/v1/access/<provider>/<region>", 2),
        ("GET", "/v1/providers", 2),
        ("POST", "/v1/access/check", 2),
    ):
        labels = f'{{method="{method}",route="{route}",status="200"}}'
        assert f"accessline_http_requests_total{labels} {number}\n" in told
    assert given(kept) == 3


def test_what_is_kept_is_bounded(sqlite_template: Path, tmp_path: Path) -> None:
    """Of more questions than there is room for, the latest are kept."""
    with opened(sqlite_template, tmp_path, answer_cache_mb=1) as house:
        sow(house)
        paths = [f"/v1/events?limit=20&after={number}" for number in range(60)]
        client = house.app.test_client()
        for path in paths:
            for accept in range(3):
                client.get(path, headers={"Accept": f"application/json, text/x-{accept}"})
        told = re.search(r"^accessline_answers_kept_bytes (\d+)", metrics(house), re.MULTILINE)
        before = given(house)

        client.get(paths[-1], headers={"Accept": "application/json, text/x-2"})
        client.get(paths[0], headers={"Accept": "application/json, text/x-0"})

        assert told is not None
        assert 2**19 < int(told[1]) <= 2**20
        assert given(house) == before + 1


def test_nothing_is_kept_where_that_is_wanted(sqlite_template: Path, tmp_path: Path) -> None:
    """`ACCESSLINE_ANSWER_CACHE_MB=0`."""
    with opened(sqlite_template, tmp_path, answer_cache_mb=0) as house:
        sow(house)
        assert seen(house.get(EXPLAINED)) == seen(house.get(EXPLAINED))
        assert "answers_kept" not in metrics(house)


def test_one_host_is_named(kept: House) -> None:
    """RFC 9112, section 3.2; HTTP/1.0 may do without."""
    client = kept.app.test_client()

    def status(**environ: str) -> int:
        return client.get("/v1/meta", environ_overrides=environ).status_code

    assert status() == 200
    assert status(HTTP_HOST="") == 400
    assert status(HTTP_HOST="a,b") == 400
    assert status(HTTP_HOST="", SERVER_PROTOCOL="HTTP/1.0") == 200
