"""For whoever runs the server: alive, ready, and counted."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from service.store.engine import connect
from tests.api.house import House, authorization, open_house
from tests.builders import plain_event


@pytest.fixture
def own(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[House, Path]]:
    """A server over a SQLite file that a test may change behind its back."""
    file = tmp_path / "own.db"
    copyfile(sqlite_template, file)
    opened = open_house(f"sqlite:///{file}")
    yield opened, file
    opened.close()


def change(file: Path, statement: str) -> None:
    """Change the database as no program of ours would."""
    raw = sqlite3.connect(file)
    raw.execute(statement)
    raw.commit()
    raw.close()


def samples(house: House) -> dict[str, float]:
    """Return the metrics by name and labels."""
    response = house.get("/metrics")
    assert response.status_code == 200
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = [one for one in response.text.splitlines() if not one.startswith("#")]
    return {name: float(value) for name, value in (one.rsplit(" ", 1) for one in lines)}


def test_a_server_that_can_answer_is_ready(story: House) -> None:
    """With no lag: the read models take part in each append."""
    found = story.json("/readyz")

    assert found["status"] == "ready"
    assert found["position"] == found["applied"] == story.position()
    assert (found["lag"], found["rule"], found["building"]) == (0, 1, None)


def test_an_empty_log_is_ready(house: House) -> None:
    """There is nothing to be behind of."""
    assert house.json("/readyz")["position"] == 0


def test_events_that_name_nothing_are_no_lag(seeded: House) -> None:
    """A review leaves no mark in the read models, and is taken in all the same."""
    reviewed = plain_event(
        "record.reviewed",
        stream="policy:us-iaas-kyc-2024",
        occurred_on="2026-11-01",
        data={"reviewed_on": "2026-11-01"},
    )
    assert seeded.post({"events": [reviewed]}).status_code == 201

    assert seeded.json("/readyz")["lag"] == 0


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE projection SET rule = 2", "version 2 of the rule"),
        ("UPDATE projection SET applied = 0", "behind the log"),
    ],
)
def test_a_server_whose_read_models_do_not_fit_is_not_ready(
    statement: str, word: str, own: tuple[House, Path]
) -> None:
    """503, and what to do about it."""
    house, file = own
    registered = plain_event(
        "registry.registered",
        stream="registry:audience/government",
        data={"kind": "audience", "id": "government", "name": "Government"},
    )
    assert house.post({"events": [registered]}).status_code == 201
    change(file, statement)

    response = house.get("/readyz")

    assert response.status_code == 503
    problem = response.get_json()
    assert problem["type"] == "/problems/not-ready"
    assert word in problem["detail"]
    assert "accessline rebuild" in problem["detail"]
    assert house.get("/healthz").status_code == 200


def test_a_server_without_its_tables_is_not_ready(own: tuple[House, Path]) -> None:
    """Somebody upgraded the database under it, or it is gone."""
    house, file = own
    change(file, "UPDATE alembic_version SET version_num = '9999'")
    assert house.get("/readyz").status_code == 503
    assert samples(house)["accessline_database_up"] == 0

    house.close()
    file.unlink()

    assert house.get("/readyz").status_code == 503
    assert house.get("/healthz").status_code == 200


def test_a_probe_needs_no_key_and_the_metrics_are_read_as_anything_is(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """Where reads are not public, the metrics are not either."""
    copyfile(sqlite_template, tmp_path / "a.db")
    house = open_house(f"sqlite:///{tmp_path / 'a.db'}", public_reads=False)

    assert house.get("/healthz").status_code == 200
    assert house.get("/readyz").status_code == 200
    assert house.get("/metrics").status_code == 401
    assert house.get("/metrics", house.bob).status_code == 200
    house.close()


def test_requests_are_counted_by_route_and_never_by_what_a_client_sends(
    own: tuple[House, Path],
) -> None:
    """Whatever paths and methods are tried, the number of series stays."""
    house, _ = own
    client = house.app.test_client()
    for number in range(50):
        client.get(f"/v1/access/provider-{number}/CN")
        client.get(f"/no/such/path/{number}")
        client.open("/v1/meta", method=f"M{number}")

    found = samples(house)

    explained = 'method="GET",route="/v1/access/<provider>/<region>"'
    assert found[f'accessline_http_requests_total{{{explained},status="404"}}'] == 50
    nowhere = 'method="GET",route="none",status="404"'
    assert found[f"accessline_http_requests_total{{{nowhere}}}"] == 50
    odd = 'method="other",route="none",status="405"'
    assert found[f"accessline_http_requests_total{{{odd}}}"] == 50
    assert found[f'accessline_http_request_duration_seconds_bucket{{{explained},le="+Inf"}}'] == 50
    assert found[f"accessline_http_request_duration_seconds_count{{{explained}}}"] == 50
    assert len(found) < 100


def test_what_was_appended_and_turned_away_is_counted(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """With where the log stands."""
    copyfile(sqlite_template, tmp_path / "a.db")
    house = open_house(f"sqlite:///{tmp_path / 'a.db'}", write_rate=2, failed_key_rate=1)
    registered = plain_event(
        "registry.registered",
        stream="registry:audience/government",
        data={"kind": "audience", "id": "government", "name": "Government"},
    )
    statuses = [house.post({"events": [registered]}).status_code for _ in range(3)]
    for _ in range(3):
        house.app.test_client().get("/v1/meta", headers=authorization("wrong"))

    found = samples(house)

    assert statuses == [201, 200, 429]
    assert found["accessline_events_appended_total"] == 1
    assert found["accessline_head_position"] == 1
    assert found["accessline_projection_lag_events"] == 0
    assert found["accessline_database_up"] == 1
    assert found['accessline_rate_limited_total{limit="appends"}'] == 1
    assert found['accessline_rate_limited_total{limit="wrong_keys"}'] == 2
    house.close()


def test_the_metrics_have_the_form_that_prometheus_reads(story: House) -> None:
    """Every sample below its own HELP and TYPE; buckets that only grow."""
    story.get("/v1/meta")
    lines = story.get("/metrics").text.splitlines()
    sample = re.compile(r'[a-z_]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? [0-9.e-]+')

    for line in lines:
        assert line.startswith(("# HELP ", "# TYPE ")) or sample.fullmatch(line), line
    buckets = [
        float(one.rsplit(" ", 1)[1])
        for one in lines
        if one.startswith("accessline_http_request_duration_seconds_bucket")
        and 'method="GET",route="/v1/meta"' in one
    ]
    assert buckets == sorted(buckets)
    assert len(buckets) == 14


def test_the_metrics_can_be_read_while_the_database_is_away(own: tuple[House, Path]) -> None:
    """That is when they are looked at."""
    house, file = own
    house.close()
    file.unlink()

    found = samples(house)

    assert found["accessline_database_up"] == 0
    assert "accessline_head_position" not in found
    connect(house.url).dispose()
