"""`seeds/events.schema.json`: what editors know of a file of events is what the program reads."""

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, time
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from tests.cli.console import Console

SEEDS: Final = Path(__file__).parents[2] / "seeds"
FILE: Final = SEEDS / "events.schema.json"
FILES: Final = sorted(file.relative_to(SEEDS).as_posix() for file in SEEDS.rglob("*.toml"))

Table = dict[str, Any]

NOTICE: Final[Table] = {
    "stream": "policy:rules",
    "authority": "openai",
    "events": [
        {
            "id": "6f0a2c57-90cc-45bb-a0bb-9d3b3c1c6a01",
            "type": "policy.adopted",
            "occurred_on": "2024-06-24",
            "title": "The API will be blocked in China",
            "data": {
                "directives": [
                    {
                        "key": "api",
                        "effect": "blocked",
                        "effective_from": "2024-07-09",
                        "scope": {
                            "providers": ["openai"],
                            "services": ["api"],
                            "regions": ["CN"],
                        },
                    }
                ]
            },
            "sources": [
                {
                    "url": "https://example.org/notice",
                    "publisher": "Example",
                    "published_on": "2024-06-25",
                    "kind": "press",
                }
            ],
        }
    ],
}
"""A file with one event."""


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    """The schema that lies beside the seeds; formats count."""
    described = json.loads(FILE.read_text("utf-8"))
    Draft202012Validator.check_schema(described)
    return Draft202012Validator(described, format_checker=Draft202012Validator.FORMAT_CHECKER)


def parsed(name: str) -> Table:
    """Read a file of the seeds as its reader does: dates as their ISO text."""
    plain: Table = json.loads(json.dumps(tomllib.loads((SEEDS / name).read_text()), default=_iso))
    return plain


def _iso(value: date | time) -> str:
    return value.isoformat()


def faults(schema: Draft202012Validator, value: object) -> Iterator[str]:
    """Yield where a file is not as the schema says."""
    for one in schema.iter_errors(value):
        yield f"{one.json_path}: {one.message[:200]}"


def notice(**fields: object) -> Table:
    """Return the file with an event that says something else: `data__topic` is `topic` of it."""
    file = deepcopy(NOTICE)
    for name, value in fields.items():
        *above, last = name.split("__")
        table = file["events"][0]
        for step in above:
            table = table[int(step) if step.isdigit() else step]
        table[last] = value
    return file


def test_the_file_is_what_the_program_prints(console: Console) -> None:
    """Where it is not, it is made anew.

    accessline seed schema | python -m json.tool --indent 2 --no-ensure-ascii > FILE
    """
    printed = console("seed", "schema").json

    assert FILE.read_text("utf-8") == json.dumps(printed, indent=2, ensure_ascii=False) + "\n"
    assert console("seed", "schema", "--json").json == printed


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_comes_with_the_program_is_as_the_schema_says(
    name: str, schema: Draft202012Validator
) -> None:
    """An editor must not underline what is right."""
    assert list(faults(schema, parsed(name))) == []


def test_what_stands_above_the_events_is_a_field_of_each(schema: Draft202012Validator) -> None:
    """Defaults, which an event may have for itself as well."""
    file = notice()
    (event,) = file["events"]
    kept = {name: event.pop(name) for name in ("type", "occurred_on", "title", "sources")}

    assert list(faults(schema, notice() | kept)) == []
    assert list(faults(schema, file | kept)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"events": []},
        {"events": {}},
        {"events": [3]},
        {"stream": "policy:rules"},
        notice() | {"titel": "Nothing"},
        notice() | {"confidence": "certain"},
        notice(id="one"),
        notice(titel="Nothing"),
        notice(title=""),
        notice(type="policy.adoptd"),
        notice(occurred_on=2024),
        notice(binding="yes"),
        notice(confidence="certain"),
        notice(instrument="laws"),
        notice(data__topic="Chips"),
        notice(data__directives__0__effect="closed"),
        notice(data__directives__0__effective=["2024-07-09"]),
        notice(data__directives__0__scope__regions="CN"),
        notice(data__directives__0__scope__countries=["CN"]),
        notice(sources__0__kind="blog"),
        notice(sources__0__url=3),
        notice(sources__0__author="A. Writer"),
        notice(relates_to=["policy:openai-supported-countries"]),
        notice(position=3),
    ],
)
def test_what_is_wrong_is_not_as_the_schema_says(
    wrong: Table, schema: Draft202012Validator
) -> None:
    """An editor underlines what the program would refuse."""
    assert not schema.is_valid(wrong)


def test_an_event_without_an_id_is_not_as_the_schema_says(schema: Draft202012Validator) -> None:
    """It would be recorded anew with each run."""
    file = notice()
    assert list(faults(schema, file)) == []

    del file["events"][0]["id"]

    assert not schema.is_valid(file)


def test_the_data_is_that_of_the_type(schema: Draft202012Validator) -> None:
    """A review has a day, and neither directives nor a topic."""
    file = {
        "stream": "policy:rules",
        "events": [
            {
                "id": "6f0a2c57-90cc-45bb-a0bb-9d3b3c1c6a01",
                "type": "record.reviewed",
                "occurred_on": "2026-11-22",
                "data": {"reviewed_on": "2026-11-22"},
            }
        ],
    }
    assert list(faults(schema, file)) == []

    for data in ({}, {"topic": "Chips"}, {"reviewed_on": "2026-11-22", "topic": "Chips"}):
        file["events"][0]["data"] = data  # type: ignore[index]
        assert not schema.is_valid(file)


def test_a_type_that_stands_above_the_events_counts_for_their_data(
    schema: Draft202012Validator,
) -> None:
    """The files of the registry say their type once."""
    entry = {
        "id": "6f0a2c57-90cc-45bb-a0bb-9d3b3c1c6a01",
        "stream": "registry:authority/example",
        "data": {"kind": "authority", "id": "example", "nam": "Example"},
    }
    top = {"type": "registry.registered", "occurred_on": "2026-11-22"}

    assert not schema.is_valid({"events": [top | entry]})
    assert not schema.is_valid({**top, "events": [entry]})
