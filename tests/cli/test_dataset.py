"""`dataset`: the record as tables that anybody can open, and what describes them."""

import csv
import json
from pathlib import Path
from typing import Any, Final

import frictionless
import pytest

from service.app import create_app
from service.application import signing
from service.evidence.checkpoints import opened
from service.settings import Settings
from tests.builders import plain_event
from tests.cli.console import Console

TABLES: Final = {"events.jsonl", "intervals.csv", "policies.csv"}
DESCRIPTIONS: Final = {"datapackage.json", "dataset.jsonld"}
CELLS: Final = (
    ("openai", "api", "CN"),
    ("openai", "api", "FR"),
    ("openai", "chatgpt", "IT"),
    ("openai", "api", "AQ"),
    ("microsoft", "azure-openai", "CN"),
    ("21vianet", "azure-openai", "CN"),
)

Json = dict[str, Any]


@pytest.fixture
def made(over_seeds: Console) -> Path:
    """A data set of the seeds, made by the command."""
    assert over_seeds("dataset", "out").code == 0
    return Path("out")


def lines(folder: Path) -> list[Json]:
    """Return the events."""
    return [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]


def rows(file: Path) -> list[dict[str, str]]:
    """Read a table as its documentation says: one leading apostrophe is taken away."""
    with file.open(encoding="utf-8", newline="") as text:
        return [
            {name: value.removeprefix("'") for name, value in row.items()}
            for row in csv.DictReader(text)
        ]


def read(row: dict[str, str]) -> Json:
    """Return an interval as the API has it: what is empty is null, lists are JSON."""
    lists = ("conditions", "started_by", "ended_by")
    found = {name: json.loads(row[name]) for name in lists}
    return {name: found.get(name, value or None) for name, value in row.items()}


def test_the_tables_are_there_with_their_descriptions(over_both: Console) -> None:
    """And how many rows each has is told."""
    printed = over_both("dataset", "out", "--json")

    folder = Path("out")
    assert printed.code == 0
    assert {one.name for one in folder.iterdir()} == TABLES | DESCRIPTIONS
    assert printed.json["folder"] == "out"
    assert printed.json["known_at"]["position"] == len(lines(folder))
    assert printed.json["rows"] == {
        "events.jsonl": len(lines(folder)),
        "intervals.csv": len(rows(folder / "intervals.csv")),
        "policies.csv": len(rows(folder / "policies.csv")),
    }


def test_what_was_written_is_told_in_a_sentence(over_seeds: Console) -> None:
    """With the position, which is the version of the data."""
    printed = over_seeds("dataset", "out")

    head = len(lines(Path("out")))
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.startswith(f"out: {head:,} rows in events.jsonl, ")
    assert printed.out.endswith(f"as known at position {head}.\n")


def test_the_events_are_those_of_the_log_in_its_order(made: Path, over_seeds: Console) -> None:
    """Every one, as the API tells it."""
    found = lines(made)

    assert [one["position"] for one in found] == list(range(1, len(found) + 1))
    listed = over_seeds("events", "list", "--limit", "1000", "--json").json["items"]
    for one, told in zip(found[:1000], listed, strict=True):
        assert {name: value for name, value in one.items() if value is not None} == {
            name: value for name, value in told.items() if value is not None
        }


def test_a_log_of_more_than_one_page_is_written_whole(over_seeds: Console) -> None:
    """Events are read a thousand at once."""
    before = len(over_seeds("events", "list", "--limit", "1000").rows)
    notes = [
        plain_event("context.noted", data={"topic": f"Note {number}"}) for number in range(1000)
    ]
    batch = json.dumps({"events": notes}).encode()
    assert over_seeds("events", "append", "-", stdin=batch).code == 0

    over_seeds("dataset", "out")

    found = [one["position"] for one in lines(Path("out"))]
    assert found == list(range(1, before + 1001))


@pytest.mark.parametrize(("provider", "service", "region"), CELLS)
def test_the_intervals_are_those_of_the_timeline(
    provider: str, service: str, region: str, made: Path
) -> None:
    """From the first to the last; of a cell of which nothing is known there is none."""
    app = create_app(Settings(database_url="sqlite:///accessline.db"))
    told = app.test_client().get(f"/v1/access/{provider}/{region}/timeline?service={service}")
    app.extensions["accessline"].database.dispose()
    items = told.get_json()["items"]
    expected = [] if [one["state"] for one in items] == ["unknown"] else items

    found = [
        read(row)
        for row in rows(made / "intervals.csv")
        if (row["provider"], row["service"], row["region"]) == (provider, service, region)
    ]

    place = {"provider": provider, "region": region, "audience": "public"}
    assert found == [place | one for one in expected]


def test_each_cell_is_without_gaps(made: Path) -> None:
    """An interval begins where the one before ends, the first and the last are without bound."""
    cells: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows(made / "intervals.csv"):
        key = (row["provider"], row["service"], row["region"], row["audience"])
        cells.setdefault(key, []).append(row)

    assert cells
    for spans in cells.values():
        assert spans[0]["from"] == spans[-1]["until"] == ""
        assert [one["until"] for one in spans[:-1]] == [one["from"] for one in spans[1:]]
        assert {one["state"] for one in spans} != {"unknown"} or {
            one["legal_state"] for one in spans
        } != {"unknown"}


def test_the_policies_are_those_of_the_list(made: Path, over_seeds: Console) -> None:
    """As they stand today."""
    found = rows(made / "policies.csv")

    listed = over_seeds("policies", "list", "--json").json["items"]
    assert [row["slug"] for row in found] == [one["slug"] for one in listed]
    assert [row["status"] for row in found] == [one["status"] for one in listed]
    assert [json.loads(row["directives"]) for row in found] == [one["directives"] for one in listed]


def test_the_data_package_is_valid(made: Path) -> None:
    """Frictionless reads every row by the schema of its table."""
    report = frictionless.validate(str(made / "datapackage.json"))

    assert report.flatten(["title", "rowNumber", "fieldName", "message"]) == []
    assert report.valid
    checked = {task.name: task.stats.get("rows") for task in report.tasks}
    assert checked == {
        "events": None,
        "intervals": len(rows(made / "intervals.csv")),
        "policies": len(rows(made / "policies.csv")),
    }


def test_frictionless_finds_what_is_wrong_with_a_table(made: Path) -> None:
    """The descriptions say something: a row of another form is a fault."""
    with (made / "policies.csv").open("a", encoding="utf-8") as file:
        file.write(",".join(["rules"] + ["x"] * 12) + "\r\n")

    report = frictionless.validate(str(made / "datapackage.json"))

    told = {tuple(one) for one in report.flatten(["type", "fieldName"])}
    assert told == {
        ("type-error", "last_reviewed_on"),
        ("type-error", "version"),
        ("type-error", "directives"),
    }


def test_the_descriptions_name_every_column(made: Path) -> None:
    """In the order in which the columns stand."""
    described = json.loads((made / "datapackage.json").read_text("utf-8"))
    events, *tables = described["resources"]

    for line in lines(made):
        assert [one["name"] for one in events["columns"]] == list(line)
    for table in tables:
        header = (made / table["path"]).read_text("utf-8").splitlines()[0]
        assert [one["name"] for one in table["schema"]["fields"]] == header.split(",")
        assert all(one["description"] for one in table["schema"]["fields"])


def test_the_descriptions_name_licence_version_and_files(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the Data Package and what search engines read."""
    monkeypatch.setenv("ACCESSLINE_PUBLIC_URL", "https://access.example.org")
    over_seeds("dataset", "out")
    last = lines(Path("out"))[-1]

    package = json.loads(Path("out/datapackage.json").read_text("utf-8"))
    described = json.loads(Path("out/dataset.jsonld").read_text("utf-8"))

    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert [one["name"] for one in package["licenses"]] == ["CC-BY-4.0"]
    assert package["version"] == f"position-{last['position']}.rule-1"
    assert package["created"] == described["dateModified"] == last["recorded_at"]
    assert package["homepage"] == described["url"] == "https://access.example.org"
    assert (described["@context"], described["@type"]) == ("https://schema.org/", "Dataset")
    assert described["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert described["version"] == str(last["position"])
    assert {one["contentUrl"] for one in described["distribution"]} == TABLES
    assert {one["path"] for one in package["resources"]} == TABLES


def test_no_cell_of_a_table_is_a_formula(over_seeds: Console) -> None:
    """As in the CSV of the API; the lines of JSON have the text as it is."""
    title = '=HYPERLINK("https://evil.example")'
    event = plain_event(
        "policy.announced", stream="policy:formula", title=title, data={"expected_on": "2027-01-01"}
    )
    assert over_seeds("events", "append", "-", stdin=json.dumps(event).encode()).code == 0

    over_seeds("dataset", "out")

    assert lines(Path("out"))[-1]["title"] == title
    assert ",=HYPERLINK" not in Path("out/policies.csv").read_text("utf-8")
    assert ',"=HYPERLINK' not in Path("out/policies.csv").read_text("utf-8")
    assert title in [row["title"] for row in rows(Path("out/policies.csv"))]
    assert frictionless.validate("out/datapackage.json").valid


def test_what_is_corrected_stands_as_recorded_and_as_known(over_seeds: Console) -> None:
    """The events are the log; the tables are what it comes to."""
    notice = next(
        one
        for one in over_seeds("events", "list", "--limit", "1000", "--json").json["items"]
        if one["stream"] == "policy:openai-unsupported-regions-2024"
    )
    correction = {
        "type": "record.corrected",
        "stream": notice["stream"],
        "occurred_on": "2026-11-22",
        "data": {"event": notice["id"], "action": "retract", "reason": "It was another one."},
    }
    assert over_seeds("events", "append", "-", stdin=json.dumps(correction).encode()).code == 0

    over_seeds("dataset", "out")

    assert notice["id"] in [one["id"] for one in lines(Path("out"))]
    assert notice["id"] not in Path("out/intervals.csv").read_text("utf-8")


def test_an_empty_log_is_a_valid_data_set(
    console: Console, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables without rows."""
    monkeypatch.delenv("ACCESSLINE_DATABASE_URL", raising=False)
    Path("accessline.db").write_bytes(sqlite_template.read_bytes())

    printed = console("dataset", "out", "--json")

    assert set(printed.json["rows"].values()) == {0}
    assert frictionless.validate("out/datapackage.json").valid


def test_a_folder_with_files_is_refused(over_seeds: Console) -> None:
    """Nothing is overwritten, and nothing is written beside it."""
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")

    printed = over_seeds("dataset", "out")

    assert (printed.code, printed.out) == (2, "")
    assert printed.err.startswith("accessline: out has files in it already, and none is overwritt")
    assert [one.name for one in Path("out").iterdir()] == ["mine.txt"]
    assert over_seeds("dataset", "out/mine.txt").code == 2


def test_an_empty_folder_and_one_far_down_may_be_named(over_seeds: Console) -> None:
    """What is missing above it is made."""
    Path("out").mkdir()

    assert over_seeds("dataset", "out").code == 0
    assert over_seeds("dataset", "a/b/c").code == 0
    assert (Path("a/b/c") / "datapackage.json").is_file()


def test_a_signed_log_has_its_checkpoint_beside_the_tables(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the events can verify that they are the log's."""
    assert over_seeds("log", "init", "log.key", "--origin", "access.example.test/log").code == 0
    monkeypatch.setenv("ACCESSLINE_LOG_KEY", "log.key")

    assert over_seeds("dataset", "out").code == 0

    verifier = signing.read(Path("log.key")).verifiers[0]
    checkpoint = opened(Path("out/checkpoint").read_bytes(), [verifier])
    assert checkpoint.size == len(lines(Path("out")))


def test_a_key_that_is_none_leaves_nothing_behind(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command can be given again as it was, once the key is right."""
    Path("log.key").write_text("nonsense")
    monkeypatch.setenv("ACCESSLINE_LOG_KEY", "log.key")
    assert over_seeds("dataset", "out").code == 4

    monkeypatch.delenv("ACCESSLINE_LOG_KEY")

    assert over_seeds("dataset", "out").code == 0
