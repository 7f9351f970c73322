"""`audit`: who recorded what, when and from which sources, on the screen and in a file."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from service.cli import auditing, session
from tests.cli.console import Console

POLICY = "openai-unsupported-regions-2024"
NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
CELL = ("audit", "events", "--cell", "openai/CN/api")
REVIEW = {
    "type": "record.reviewed",
    "id": "01234567-0000-7000-8000-000000000001",
    "stream": f"policy:{POLICY}",
    "occurred_on": "2026-11-20",
    "data": {"reviewed_on": "2026-11-20"},
}
CORRECTION = {
    "type": "record.corrected",
    "id": "01234567-0000-7000-8000-000000000002",
    "stream": f"policy:{POLICY}",
    "occurred_on": "2026-11-21",
    "data": {"event": REVIEW["id"], "action": "retract", "reason": "It was another policy."},
}


def corrected(console: Console) -> None:
    """Record a review, and take it back."""
    for one in (REVIEW, CORRECTION):
        assert console("events", "append", "-", stdin=json.dumps(one).encode()).code == 0


def test_a_policy_is_audited_with_its_corrections_beside_it(over_both: Console) -> None:
    """One line for each event, fields between tabs."""
    corrected(over_both)

    notice, review, correction = over_both("audit", "events", "--policy", POLICY).rows

    assert (notice["id"], notice["recorded_by"], notice["standing"]) == (NOTICE, "seeds", "yes")
    assert notice["sources"].startswith("http")
    assert (review["standing"], review["corrected_by"]) == ("no", CORRECTION["id"])
    assert (correction["corrects"], correction["recorded_by"]) == (REVIEW["id"], "cli")
    assert correction["title"] == "It was another policy."


def test_json_is_what_the_api_answers(over_both: Console) -> None:
    """All of it, with proofs, whatever the number of parts."""
    corrected(over_both)

    found = over_both("audit", "events", "--policy", f"policy:{POLICY}", "--json").json

    assert list(found) == ["known_at", "items", "next"]
    assert [one["corrected_by"] for one in found["items"]] == [[], [CORRECTION["id"]], []]
    assert found["items"][0]["proof"] == f"/v1/events/{NOTICE}/proof"
    assert found["items"][1]["corrections"][0]["reason"] == "It was another policy."


def test_filters_narrow_each_other(over_seeds: Console) -> None:
    """A cell, who, when, and as known at a position."""
    whole = over_seeds(*CELL).rows

    assert NOTICE in {row["id"] for row in whole}
    assert over_seeds(*CELL, "--recorded-by", "seeds").rows == whole
    assert over_seeds(*CELL, "--recorded-from", "2026-01-01").rows == whole
    assert over_seeds(*CELL, "--recorded-until", "2026-01-01").rows == []
    assert over_seeds(*CELL, "--known-at", f"@{whole[0]['position']}").rows == whole[:1]


def test_a_long_list_is_printed_in_parts_as_one_table(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names stand once, above all lines."""
    whole = over_seeds("audit", "events"), over_seeds("audit", "events", "--json")
    monkeypatch.setattr(auditing, "_PAGE", 7)

    assert over_seeds("audit", "events") == whole[0]
    assert over_seeds("audit", "events", "--json") == whole[1]
    assert len(whole[0].rows) == len(whole[1].json["items"]) > 7


@pytest.mark.parametrize("page", [7, 1000])
def test_a_file_holds_what_was_asked_for(
    page: int, over_both: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As lines of JSON, or as CSV: the same items as on the screen, in any number of parts."""
    monkeypatch.setattr(auditing, "_PAGE", page)
    items = over_both("audit", "events", "--json").json["items"]

    told = over_both("audit", "events", "--export", "log.jsonl")
    over_both("audit", "events", "--export", "log.csv", "--format", "csv")
    cell = over_both(*CELL, "--export", "cell.jsonl", "--json").json

    lines = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == items
    assert f"{len(items)} events to log.jsonl, as known at position {len(items)}" in told.out
    with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as sheet:
        assert [row["id"] for row in csv.DictReader(sheet)] == [one["id"] for one in items]
    held = (tmp_path / "cell.jsonl").read_text("utf-8").count("\n")
    assert cell == {
        "file": "cell.jsonl",
        "format": "jsonl",
        "position": len(items),
        "items": held,
    }


def test_a_file_tells_of_one_position(
    over_seeds: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded while it is written is not half in it."""
    before = over_seeds("audit", "events", "--json").json["items"]
    monkeypatch.setattr(auditing, "_PAGE", 10)
    answered = session.answered

    def and_recorded(value: object) -> dict[str, Any]:
        monkeypatch.setattr(session, "answered", answered)
        corrected(over_seeds)
        return answered(value)

    monkeypatch.setattr(session, "answered", and_recorded)
    over_seeds("audit", "events", "--export", "log.jsonl")

    lines = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == before


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--cell", "opnai/CN"), 3),
        (("--cell", "openai"), 2),
        (("--policy", "openai-unsupported"), 3),
        (("--recorded-by", "sed"), 3),
        (("--recorded-from", "2026-11-27", "--recorded-until", "2026-11-26"), 2),
        (("--known-at", "@9999"), 2),
        (("--format", "xml"), 2),
    ],
)
def test_what_cannot_be_asked_leaves_no_file(
    options: tuple[str, ...], code: int, over_seeds: Console, tmp_path: Path
) -> None:
    """A sentence on standard error, and nothing that could be taken for an audit."""
    printed = over_seeds("audit", "events", *options, "--export", "log.jsonl")

    assert (printed.code, printed.out) == (code, "")
    assert printed.err.startswith("accessline: ")
    assert not (tmp_path / "log.jsonl").exists()


def test_an_audit_overwrites_nothing(over_seeds: Console, tmp_path: Path) -> None:
    """What an auditor holds is evidence."""
    (tmp_path / "log.jsonl").write_text("mine", "utf-8")

    printed = over_seeds("audit", "events", "--export", "log.jsonl")

    assert (printed.code, printed.out) == (2, "")
    assert "log.jsonl exists already" in printed.err
    assert (tmp_path / "log.jsonl").read_text("utf-8") == "mine"
    assert over_seeds("audit", "events", "--export", "none/log.jsonl").code == 4


def test_a_form_needs_a_file(over_seeds: Console) -> None:
    """It would be ignored."""
    printed = over_seeds("audit", "events", "--format", "csv")

    assert (printed.code, printed.out) == (2, "")
    assert "--export FILE" in printed.err


def test_keys_are_audited_with_what_they_recorded(over_both: Console) -> None:
    """Made, used and revoked; who records without a key stands first."""
    corrected(over_both)
    made = over_both("keys", "create", "--role", "curator", "--label", "feed", "--json").json
    over_both("keys", "revoke", made["id"])

    printed = over_both("audit", "keys")
    found = over_both("audit", "keys", "--json").json

    cli, seeds, key = printed.rows
    assert (cli["id"], cli["role"], cli["events"]) == ("cli", "", "2")
    assert (seeds["id"], seeds["created_at"]) == ("seeds", "")
    assert int(cli["last_position"]) == int(seeds["events"]) + 2
    assert (key["id"], key["role"], key["label"]) == (made["id"], "curator", "feed")
    assert (key["events"], key["last_position"]) == ("0", "")
    assert key["revoked_at"]
    assert [one["id"] for one in found["items"]] == ["cli", "seeds", made["id"]]
    assert made["key"].rpartition("_")[2] not in printed.out + json.dumps(found)
