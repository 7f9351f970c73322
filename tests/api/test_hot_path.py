"""The short way answers what the view answers: the same status, bytes and headers."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from service.api import hot
from service.app import create_app
from service.application import asking
from service.domain.answers import Question
from service.domain.codec import answer_bytes
from service.domain.times import When
from service.settings import Settings
from tests.api.house import NOW, House, open_house, sow

Seen = tuple[int, bytes, list[tuple[str, str]]]

MOST = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A server over the seeds that keeps no answers, so each is made."""
    file = tmp_path_factory.mktemp("hot") / "hot.db"
    copyfile(sqlite_template, file)
    house = open_house(f"sqlite:///{file}")
    sow(house)
    house.close()
    made = create_app(
        Settings(database_url=house.url, answer_cache_mb=0, log_level="ERROR"), clock=lambda: NOW
    )
    yield made
    made.extensions["accessline"].database.dispose()


def seen(app: Flask, **request: Any) -> Seen:  # noqa: ANN401 -- as Werkzeug takes it
    """Return all of an answer; every request bears the same id."""
    headers = {"X-Request-ID": "same", **request.pop("headers", {})}
    response = app.test_client().open(headers=headers, **request)
    return response.status_code, response.data, list(response.headers)


def both(app: Flask, **request: Any) -> Seen:  # noqa: ANN401 -- as Werkzeug takes it
    """Answer by the short way and by the view, and return the answer if they agree."""
    short = seen(app, **request)
    with patch.object(hot, "usual", lambda _: False):
        long = seen(app, **request)
    assert short == long
    return short


def taken(app: Flask, **request: Any) -> bool:  # noqa: ANN401 -- as Werkzeug takes it
    """Tell whether a request is answered by the short way."""
    found = []

    def noted(answer: Any) -> Any:  # noqa: ANN401 -- whichever of the two
        def noting(*given: Any) -> Any:  # noqa: ANN401 -- as it is called
            found.append(answer(*given))
            return found[-1]

        return noting

    with (
        patch.object(hot, "explained", noted(hot.explained)),
        patch.object(hot, "check", noted(hot.check)),
    ):
        seen(app, **request)
    return any(one is not None for one in found)


PROVIDERS = st.sampled_from(
    ["openai", "anthropic", "google", "microsoft", "nobody", "Open-AI", "x"]
)
REGIONS = st.sampled_from(["CN", "HK", "IT", "US-TX", "EU", "XX", "cn", "CN-HK", "timeline"])
SERVICES = st.sampled_from(["api", "chatgpt", "chatgpt/ios", "azure-openai", "nothing", "api/"])
TIMES = st.one_of(
    st.dates().map(str),
    st.sampled_from(
        [
            "2024-07-09",
            "2024-07-09T00:00:00Z",
            "2024-07-09T08:00:00+08:00",
            "2024-07-09T08:00:00.5-03:30",
            "2024-07",
            "2024-02-30",
            "today",
            "2024-07-09T00:00:00",
            "2300-01-01",
        ]
    ),
)
KNOWN = st.one_of(
    st.integers(-1, 80).map(lambda number: f"@{number}"),
    st.sampled_from(["@050", "@", "@x", "@99999999999999999999", "2026-11-26", "2026-11-25"]),
    st.sampled_from(["2026-11-26T11:00:00Z", "2030-01-01", "2030-01-01T00:00:00Z"]),
)
NAMED: dict[str, st.SearchStrategy[str]] = {
    "service": SERVICES,
    "audience": st.sampled_from(["public", "government", "nobody", "*"]),
    "as_of": TIMES,
    "known_at": KNOWN,
}
PAIRS = st.lists(
    st.one_of(
        *[st.tuples(st.just(name), values) for name, values in NAMED.items()],
        st.tuples(st.sampled_from([*NAMED, "asof", "min_position", "limit", ""]), st.text()),
    ),
    max_size=5,
)
QUERIES = st.one_of(
    PAIRS.map(lambda pairs: urlencode(pairs, errors="replace")),
    PAIRS.map(lambda pairs: urlencode(pairs, safe="@:/,+", errors="replace")),
    st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=40
    ),
)


@MOST
@given(provider=PROVIDERS, region=REGIONS, query=QUERIES)
def test_a_query_is_read_alike(app: Flask, provider: str, region: str, query: str) -> None:
    """Good and bad ones, of words that are known, times of every kind, and chance."""
    assume("min_position" not in query)  # It would wait.
    both(app, path=f"/v1/access/{provider}/{region}", query_string=query)


@MOST
@given(
    cells=st.lists(
        st.fixed_dictionaries(
            {"provider": PROVIDERS, "region": REGIONS, "service": SERVICES},
            optional={"audience": st.sampled_from(["public", "government", "nobody", None, "", 3])},
        ),
        max_size=4,
    ),
    times=st.fixed_dictionaries(
        {}, optional={"as_of": TIMES | st.none(), "known_at": KNOWN | st.none()}
    ),
    more=st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.integers(), max_size=1),
    within=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_a_body_is_read_alike(  # noqa: PLR0913, PLR0917 -- the parts of a body
    app: Flask,
    cells: list[dict[str, Any]],
    times: dict[str, Any],
    more: dict[str, Any],
    within: bool,  # noqa: FBT001 -- drawn
    indent: int | None,
) -> None:
    """Good and bad ones, with fields that nobody knows, nulls, and other types."""
    if within and cells:
        cells = [cells[0] | more, *cells[1:]]
    body = {**times, "cells": cells, **({} if within else more)}
    raw = json.dumps(body, indent=indent).encode()
    both(app, path="/v1/access/check", method="POST", data=raw, content_type="application/json")


@pytest.mark.parametrize("region", ["CN", "US-TX", "EU"])
def test_a_cell_that_was_kept_is_written_as_it_would_be_anew(region: str, app: Flask) -> None:
    """Day after day, the first time and again; as a value that is written as a whole."""
    database = app.extensions["accessline"].database
    first = date(2023, 3, 20)
    days = [
        When.on(first + timedelta(days=9 * number)) for number in range(25 if region != "EU" else 3)
    ]
    for day in (*days, *days):
        body = both(app, path=f"/v1/access/openai/{region}", query_string=f"as_of={day}")[1]

        asked = Question(provider="openai", region=region, as_of=day)
        assert body == answer_bytes(asking.explained(database, asked, None, NOW))


CELL = '{"provider":"openai","service":"api","region":"CN"}'
ODD = [
    "",
    "{}",
    "[]",
    "null",
    '{"cells":[]}',
    f'{{"cells":[{CELL}]}} ',
    f'{{"cells":[{CELL}]}}x',
    f'{{"cells":[{CELL}],"cells":[{CELL}]}}',
    f'{{"as_of":"2024-07-09","as_of":"2024-07-10","cells":[{CELL}]}}',
    '{"cells":[{"provider":"x","provider":"openai","service":"api","region":"CN"}]}',
    '{"cells":[{"provider":"x","service":"x","region":"CN","audience":"x","audience":"public"}]}',
    '{"cells":[{"provider":"openai","service":"api","region":"CN","note":"public"}]}',
    '{"cells":[{"provider":"open\\u0061i","service":"api","region":"CN"}]}',
    '{"cells":[{"provider":"open\\nai","service":"api","region":"CN"}]}',
    '{"cells":[{"provider":"open\nai","service":"api","region":"CN"}]}',
    '{"cells":[{"provider":"open\tai","service":"api","region":"CN"}]}',
    '{"cells":[{"provider":"öpenai","service":"api","region":"CN"}]}',
    '{"cells":[{"provider":"","service":"api","region":"CN"}]}',
    '{"cells":[{"provider":" ","service":"api","region":"CN"}]}',
    '{"cells":[{"provider":NaN,"service":"api","region":"CN"}]}',
    '{"cells":[{"provider":"openai","service":"api"}]}',
    f'{{"cells":[{CELL},]}}',
    f'{{"cells":{CELL}}}',
    f'{{"as_of":null,"cells":[{CELL}]}}',
    f'{{"as_of":"","cells":[{CELL}]}}',
    f'{{"cells":[{CELL.replace("openai", "o" * 301)}]}}',
    f'{{"cells":[{",".join([CELL] * 1000)}]}}',
    f'{{"cells":[{",".join([CELL] * 1001)}]}}',
    '{"cells":' + "[" * 100 + "]" * 100 + "}",
    "\ufeff" + f'{{"cells":[{CELL}]}}',
]


@pytest.mark.parametrize("raw", ODD)
def test_odd_bodies_are_read_alike(raw: str, app: Flask) -> None:
    """What two readers of JSON could read differently."""
    both(
        app,
        path="/v1/access/check",
        method="POST",
        data=raw.encode(),
        content_type="application/json",
    )


@pytest.mark.parametrize(
    "head",
    [
        {"Accept": "application/json"},
        {"Accept": "text/csv"},
        {"Accept": "text/*, */*;q=0.1"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Encoding": "gzip"},
        {"Authorization": "Bearer forged"},
        {"If-None-Match": "*"},
        {"Expect": "100-continue"},
    ],
)
def test_heads_are_read_alike(head: dict[str, str], app: Flask) -> None:
    """Forms, encodings, keys, tags."""
    both(app, path="/v1/access/openai/CN", query_string="service=api", headers=head)
    raw = f'{{"cells":[{CELL}]}}'
    plain = {"Content-Type": "application/json", **head}
    both(app, path="/v1/access/check", method="POST", data=raw, headers=plain)


def test_the_usual_goes_the_short_way(app: Flask) -> None:
    """Or the tests above would compare the view with itself."""
    path = "/v1/access/openai/CN"
    json_ = {"path": "/v1/access/check", "method": "POST", "content_type": "application/json"}

    assert taken(app, path=path)
    assert taken(app, path=path, query_string="service=api&as_of=2024-07-09&known_at=@50")
    assert taken(app, path=path, query_string="as_of=2024-07-09T00:00:00Z")
    assert taken(app, **json_, data=f'{{"as_of":"2024-07-09", "cells":[{CELL}, {CELL}]}}\n')
    assert not taken(app, path=path, query_string="as_of=2024-07-09T08:00:00%2B08:00")
    assert not taken(app, path=path, query_string="as_of=2024-07-09&as_of=2024-07-09")
    assert not taken(app, path="/v1/access/nobody/CN")
    assert not taken(app, **json_, data='{"cells":[]}')


def test_what_is_private_does_not_go_the_short_way(sqlite_template: Path, tmp_path: Path) -> None:
    """Where reading needs a key, only views look at keys."""
    copyfile(sqlite_template, tmp_path / "private.db")
    house: House = open_house(f"sqlite:///{tmp_path / 'private.db'}", public_reads=False)

    assert not taken(house.app, path="/v1/access/openai/CN")
    assert seen(house.app, path="/v1/access/openai/CN")[0] == 401
    house.close()
