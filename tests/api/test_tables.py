"""Lists as CSV: the same rows, which no spreadsheet runs."""

import csv
import io
import json
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from service.api.tables import csv_bytes
from service.domain.resolution import State
from service.domain.times import When
from tests.api.house import House, Json
from tests.builders import plain_event


def asked(house: House, path: str, accept: str = "text/csv") -> TestResponse:
    """Ask for a form."""
    return house.app.test_client().get(path, headers={"Accept": accept})


def rows(text: str) -> list[dict[str, str]]:
    """Read CSV as anybody would, and take the apostrophes away."""
    found = csv.DictReader(io.StringIO(text, newline=""))
    return [{name: value.removeprefix("'") for name, value in row.items()} for row in found]


def as_text(value: Any) -> str:  # noqa: ANN401 -- any JSON
    """Return a value of the JSON as its cell is documented."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/access?provider=openai&region=CN,IT,FR",
        "/v1/access/openai/IT/timeline",
        "/v1/access/openai/CN/revisions?as_of=2024-07-09",
        "/v1/access/diff?from=2024-07-08&until=2024-07-09",
        "/v1/upcoming?from=2024-07-01",
        "/v1/changes",
        "/v1/events?limit=1000",
        "/v1/policies",
        "/v1/policies/openai-unsupported-regions-2024/events",
        "/v1/audit?limit=1000",
        "/v1/coverage?region=CN,IT&year=2023,2024",
        "/v1/authorities",
        "/v1/regions?kind=group",
    ],
)
def test_the_rows_are_those_of_the_json(path: str, story: House) -> None:
    """Every field has a column, what is absent is empty, lists and objects stand as JSON."""
    listed: list[Json] = story.json(path)["items"]

    response = asked(story, path)

    assert response.content_type == "text/csv; charset=utf-8; header=present"
    assert response.headers["Vary"] == "Accept"
    found = rows(response.text)
    assert len(found) == len(listed) > 0
    for row, item in zip(found, listed, strict=True):
        assert row == {name: as_text(item.get(name)) for name in row}
        assert set(item) <= set(row)


def test_an_empty_list_has_its_header(story: House) -> None:
    """A program that reads it finds its columns."""
    text = asked(story, "/v1/access?provider=openai&region=CN&state=mixed").text

    assert text.startswith("provider,service,region,audience,state,")
    assert text.count("\r\n") == 1


def test_the_parts_of_a_table_are_linked(story: House) -> None:
    """There is no place for `next` in the rows."""
    first = asked(story, "/v1/events?limit=2")
    target = first.headers["Link"].split(">")[0][1:]

    second = asked(story, target)

    assert [row["position"] for row in rows(first.text)] == ["1", "2"]
    assert rows(second.text)[0]["position"] == "3"


@pytest.mark.parametrize(
    "value",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'quoted", "\uff1d1", "plain", "a=b", ""],
)
def test_no_cell_is_a_formula_and_every_value_comes_back(value: str) -> None:
    """OWASP, CSV injection: neutralised by one apostrophe, which the reader takes away."""
    written = csv_bytes(["title"], [{"title": value}, {"title": "b"}]).decode()

    [raw, _] = [row["title"] for row in csv.DictReader(io.StringIO(written, newline=""))]
    assert not raw.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))
    assert rows(written)[0]["title"] == value


def test_values_are_written_as_json_would() -> None:
    """Quotes are doubled, lines end with CRLF (RFC 4180)."""
    row = {"a": True, "b": 3, "c": State.BLOCKED, "d": When.bound("2024-07-09"), "e": ("x", None)}

    written = csv_bytes([*row, "f"], [row])

    assert written == b'a,b,c,d,e,f\r\ntrue,3,blocked,2024-07-09,"[""x"",null]",\r\n'


def test_what_a_stranger_recorded_is_no_formula(seeded: House) -> None:
    """From the append to the file that somebody opens."""
    title = '=HYPERLINK("https://evil.example")'
    noted = plain_event(
        "context.noted", title=title, data={"topic": "patents", "providers": ["openai"]}
    )
    assert seeded.post({"events": [noted]}).status_code == 201

    text = asked(seeded, f"/v1/events?stream={quote(noted['stream'])}").text

    assert "\"'=HYPERLINK" in text
    assert rows(text)[0]["title"] == title


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("text/csv; charset=utf-8", "text/csv"),
        ("application/json;charset=utf-8", "application/json"),
        ("application/json, text/csv", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv"),
        ("text/csv;q=0.2, application/json;q=0.9", "application/json"),
        ("text/csv;q=0.5, */*;q=0.1", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("text/html", None),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
        ("application/xml, text/html", None),
        ("nonsense", None),
    ],
)
def test_a_client_gets_the_form_that_it_prefers(
    accept: str, form: str | None, story: House
) -> None:
    """RFC 9110, section 12.5.1; what cannot be answered is 406, which names what can."""
    response = asked(story, "/v1/providers", accept)

    if form is None:
        assert response.status_code == 406
        problem = response.get_json()
        assert problem["type"] == "/problems/not-acceptable"
        assert "application/json or text/csv" in problem["detail"]
    else:
        assert (response.status_code, response.mimetype) == (200, form)


def test_what_is_no_list_is_json(story: House) -> None:
    """406 for CSV, and nothing is guessed."""
    response = asked(story, "/v1/meta")

    assert response.status_code == 406
    assert "text/csv" not in response.get_json()["detail"]
