"""`events`: recording on the command line, and reading the log."""

import json
from pathlib import Path

import pytest

from tests.cli.console import Console

POLICY = "policy:openai-unsupported-regions-2024"
WIPO = "context:wipo-genai-patents-2024"
NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
REVIEW = {
    "id": "6f0a2c57-90cc-45bb-a0bb-9d3b3c1c6a01",
    "type": "record.reviewed",
    "stream": POLICY,
    "occurred_on": "2026-11-22",
    "data": {"reviewed_on": "2026-11-22"},
}
CORRECTION = {
    "id": "6f0a2c57-90cc-45bb-a0bb-9d3b3c1c6a02",
    "type": "record.corrected",
    "stream": POLICY,
    "occurred_on": "2026-11-22",
    "data": {"event": NOTICE, "action": "retract", "reason": "The notice was another one."},
}


def encoded(value: object) -> bytes:
    """Return a value as JSON."""
    return json.dumps(value).encode()


@pytest.mark.parametrize("form", [{"events": [REVIEW]}, [REVIEW], REVIEW])
def test_a_batch_may_have_any_form_that_means_one(form: object, over_seeds: Console) -> None:
    """What was sent over HTTP, a list from a script, one event by hand."""
    printed = over_seeds("events", "append", "-", "--json", stdin=encoded(form))

    assert printed.code == 0
    (item,) = printed.json["items"]
    assert (item["id"], item["version"]) == (REVIEW["id"], 2)
    assert printed.json["position"] == item["position"]


def test_what_is_recorded_is_attributed_to_the_command_line(over_both: Console) -> None:
    """Whoever can open the database needs no key."""
    over_both("events", "append", "-", stdin=encoded(REVIEW))

    shown = over_both("events", "show", str(REVIEW["id"]), "--json").json
    assert (shown["recorded_by"], shown["version"]) == ("cli", 2)


def test_a_file_is_read_by_its_name(over_seeds: Console, tmp_path: Path) -> None:
    """Standard input is only for `-`."""
    (tmp_path / "review.json").write_bytes(encoded(REVIEW))

    printed = over_seeds("events", "append", "review.json")

    assert (printed.code, printed.err) == (0, "Recorded 1 event.\n")
    assert printed.rows[0]["stream"] == POLICY


def test_a_dry_run_tells_what_would_change_and_records_nothing(over_both: Console) -> None:
    """Without the notice China would never have been blocked."""
    before = over_both("events", "list", "--json").out

    printed = over_both("events", "append", "-", "--dry-run", stdin=encoded(CORRECTION))

    assert printed.code == 0
    china = [row for row in printed.rows if row["region"] == "CN"]
    assert [(row["effective_from"], row["before"], row["cause"]) for row in china] == [
        ("2024-07-09", "blocked", "record")
    ]
    assert over_both("events", "list", "--json").out == before


def test_a_correction_changes_new_answers_and_leaves_the_old_ones(over_both: Console) -> None:
    """The same bytes at the earlier position; that is what `@` is for."""
    asked = ("why", "openai", "CN", "--as-of", "2024-07-09", "--json")
    position = over_both(*asked).json["known_at"]["position"]
    before = over_both(*asked, "--known-at", f"@{position}").out

    over_both("events", "append", "-", stdin=encoded(CORRECTION))

    assert over_both(*asked, "--known-at", f"@{position}").out == before
    assert over_both(*asked).json["cells"][0]["state"] == "unknown"


def test_an_expected_version_that_is_not_met_exits_1(over_seeds: Console) -> None:
    """Somebody was faster: read, decide again, try again. Nothing is recorded."""
    printed = over_seeds("events", "append", "-", "--expect", f"{POLICY}=0", stdin=encoded(REVIEW))

    assert printed.code == 1
    assert f"--expect {POLICY}=1" in printed.err
    assert over_seeds("events", "show", str(REVIEW["id"])).code == 3


def test_an_expected_version_that_is_met_is_no_obstacle(over_seeds: Console) -> None:
    """It may stand in the input and on the command line; the latter counts."""
    body = encoded({"events": [REVIEW], "expected_versions": {POLICY: 7}})

    assert over_seeds("events", "append", "-", "--expect", f"{POLICY}=1", stdin=body).code == 0


def test_a_key_repeats_the_first_answer(over_seeds: Console) -> None:
    """A script that lost the answer asks again without doubling the event."""
    without_id = encoded({name: value for name, value in REVIEW.items() if name != "id"})
    append = ("events", "append", "-", "--idempotency-key", "review-1", "--json")

    first = over_seeds(*append, stdin=without_id)
    again = over_seeds(*append, stdin=without_id)
    other = over_seeds(*append, stdin=encoded(REVIEW))

    assert first.out == again.out
    assert "the first answer again" in again.err
    assert other.code == 2
    assert "review-1" in other.err


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "The input is not valid JSON"),
        (b'{"events": [], "events": []}', "stands twice"),
        (b"[" * 100_000, "deep"),
        (b"[NaN]", "NaN"),
        (b"[]", "1 to 1,000"),
        (b"7", "The body is a number"),
        (encoded({"events": [REVIEW], "evnts": []}), "'evnts'"),
        (encoded({**REVIEW, "type": "policy.adoptd"}), "policy.adopted"),
        (encoded({**REVIEW, "stream": "policy:none"}), "/events/0"),
    ],
)
def test_what_is_refused_exits_2_and_says_why(
    body: bytes, sentence: str, over_seeds: Console
) -> None:
    """One sentence for each fault, with where it stands."""
    printed = over_seeds("events", "append", "-", stdin=body)

    assert (printed.code, printed.out) == (2, "")
    assert sentence in printed.err
    assert all(line.startswith("accessline: ") for line in printed.err.splitlines())


def test_every_fault_of_a_batch_is_told(over_seeds: Console) -> None:
    """Whoever mends one wants to see the others."""
    body = encoded([{**REVIEW, "occurred_on": "2024-02-30"}, {"type": "x"}])

    lines = over_seeds("events", "append", "-", stdin=body).err.splitlines()

    assert lines[0].startswith("accessline: /events/0/occurred_on: ")
    assert all("/events/1" in line for line in lines[1:])


@pytest.mark.parametrize("expected", ["policy:x", "policy:x=", "=1", "policy:x=-1", "policy:x=1.0"])
def test_an_expectation_has_a_stream_and_a_version(expected: str, over_seeds: Console) -> None:
    """An expectation that is not understood must not be ignored."""
    printed = over_seeds("events", "append", "-", "--expect", expected, stdin=encoded(REVIEW))

    assert printed.code == 2
    assert "STREAM=VERSION" in printed.err


def test_the_log_is_listed_by_what_events_name(over_both: Console) -> None:
    """The WIPO report of July 2024 is background that names China."""
    printed = over_both("events", "list", "--type", "context.noted", "--region", "CN")

    (row,) = printed.rows
    assert row["stream"] == WIPO


@pytest.mark.parametrize(
    ("filters", "streams"),
    [
        (("--service", "openai/api", "--type", "policy.adopted"), {POLICY}),
        (("--provider", "openai", "--service", "api", "--type", "policy.adopted"), {POLICY}),
        (("--stream", POLICY), {POLICY}),
        (("--authority", "garante"), {"policy:garante-chatgpt-2023"}),
        (("--recorded-by", "nobody"), set()),
        (("--recorded-until", "2024-01-01"), set()),
        (("--recorded-from", "2024-01-01T00:00:00Z", "--stream", POLICY), {POLICY}),
        (("--occurred-from", "2024-07-03", "--type", "context.noted"), {WIPO}),
        (("--occurred-from", "2024-07-04", "--type", "context.noted"), set()),
        (("--occurred-until", "2024-07-03", "--type", "context.noted"), set()),
    ],
)
def test_filters_are_those_of_the_http_api(
    filters: tuple[str, ...], streams: set[str], over_seeds: Console
) -> None:
    """The same question has the same answer, wherever it is asked."""
    printed = over_seeds("events", "list", *filters)

    assert printed.code == 0
    assert {row["stream"] for row in printed.rows} == streams


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        (("--provider", "opnai"), 3),
        (("--region", "UK"), 3),
        (("--authority", "opnai"), 3),
        (("--service", "api"), 3),
        (("--type", "policy.adoptd"), 2),
        (("--limit", "0"), 2),
        (("--recorded-from", "yesterday"), 2),
        (("--occurred-from", "2024-07-09", "--occurred-until", "2024-07-09"), 2),
    ],
)
def test_a_filter_that_can_find_nothing_is_refused(
    filters: tuple[str, ...], code: int, over_seeds: Console
) -> None:
    """An empty list would be read as "nothing happened"."""
    assert over_seeds("events", "list", *filters).code == code


def test_a_long_list_says_how_it_goes_on(over_seeds: Console) -> None:
    """On standard error: whoever counts lines counts events."""
    first = over_seeds("events", "list", "--limit", "2")
    second = over_seeds("events", "list", "--limit", "2", "--after", "2", "--json")

    assert [row["position"] for row in first.rows] == ["1", "2"]
    assert first.err == "There are more: --after 2\n"
    assert [item["position"] for item in second.json["items"]] == [3, 4]
    assert second.json["next"] == 4


def test_an_event_is_shown_with_its_sources(over_seeds: Console) -> None:
    """As a person reads it."""
    printed = over_seeds("events", "show", NOTICE)

    assert printed.out.startswith("policy.adopted by openai, occurred on 2024-06-24\n")
    assert f"{POLICY}, version 1, position " in printed.out
    assert "The Register (2024-06-25): https://" in printed.out
    assert '"effective_from": "2024-07-09"' in printed.out


def test_an_event_that_is_not_there_exits_3(over_seeds: Console) -> None:
    """A well-formed id that nobody recorded; a malformed one is a typing error."""
    unknown = over_seeds("events", "show", "00000000-0000-0000-0000-000000000000")

    assert unknown.code == 3
    assert over_seeds("events", "show", "x").code == 2
