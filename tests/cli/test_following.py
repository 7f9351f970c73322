"""`diff`, `upcoming` and `policies`: what changed, what is to come, where each policy stands."""

import json

import pytest

from tests.cli.console import Console

POLICY = "policy:openai-unsupported-regions-2024"
NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
RETRACTION = {
    "type": "record.corrected",
    "stream": POLICY,
    "occurred_on": "2026-11-22",
    "data": {"event": NOTICE, "action": "retract", "reason": "The notice was another one."},
}
JULY = ("--from", "2024-07-08", "--until", "2024-07-09")


def test_between_two_days_the_world_changed(over_both: Console) -> None:
    """OpenAI's notice took effect on 9 July 2024."""
    printed = over_both("diff", "openai", "--region", "CN", *JULY)

    assert printed.code == 0
    assert printed.rows == [
        {
            "provider": "openai",
            "service": "api",
            "region": "CN",
            "audience": "public",
            "before": "unknown (in law not_offered)",
            "after": "blocked",
            "cause": "world",
            "events": NOTICE,
        }
    ]


def test_between_two_positions_our_record_changed(over_both: Console) -> None:
    """A correction is the cause `record`, and is named."""
    asked = ("diff", "openai", "--region", "CN", "--as-of", "2024-07-09")
    before = f"@{over_both('policies', 'list', '--json').json['known_at']['position']}"
    over_both("events", "append", "-", stdin=json.dumps(RETRACTION).encode())

    (item,) = over_both(*asked, "--known-from", before, "--json").json["items"]
    same = over_both(*asked, "--known-from", before, "--known-until", before, "--json").json

    assert (item["before"]["state"], item["after"]["state"]) == ("blocked", "unknown")
    assert item["cause"] == "record"
    assert same["items"] == []


@pytest.mark.parametrize(
    ("filters", "regions"),
    [
        (("openai", "--region", "CN,RU"), ["CN", "RU"]),
        (("openai", "--region", "RU", "--region", "CN", "--region", "FR"), ["RU", "CN"]),
        (("openai,microsoft", "--region", "CN"), ["CN"]),
        (("microsoft", "--region", "CN"), []),
        (("openai", "--service", "chatgpt", "--region", "CN"), []),
        (("openai", "--state", "blocked", "--region", "CN"), ["CN"]),
        (("openai", "--state", "available", "--region", "CN"), []),
    ],
)
def test_a_comparison_is_narrowed(
    filters: tuple[str, ...], regions: list[str], over_seeds: Console
) -> None:
    """By the filters of the list of cells."""
    printed = over_seeds("diff", *filters, *JULY)

    assert [row["region"] for row in printed.rows] == regions


@pytest.mark.parametrize(
    ("times", "code", "sentence"),
    [
        ((), 2, "Give --from and --until"),
        (("--from", "2024-07-08"), 2, "Give --from and --until"),
        (("--known-until", "@3"), 2, "or --known-from"),
        ((*JULY, "--known-from", "@3"), 2, "leave the others out"),
        ((*JULY, "--as-of", "2024-07-08"), 2, "leave the others out"),
        (("--known-from", "@3", "--known-at", "@4"), 2, "take the place of --known-at"),
        (("--from", "2024-07-09", "--until", "2024-07-08"), 2, "--until: "),
        (("--from", "2024-07-09", "--until", "2024-07-10T00:00:00Z"), 2, "--until: "),
        (("--from", "July", "--until", "2024-07-10"), 2, "--from: "),
        (("--known-from", "@9", "--known-until", "@3"), 2, "--known-until: "),
        (("--known-from", "@999999"), 2, "--known-from: "),
        ((*JULY, "--region", "UK"), 3, "Did you mean 'GB'?"),
        ((*JULY, "--service", "aip"), 3, "Did you mean 'api'?"),
        ((*JULY, "--state", "ajar"), 2, "--state"),
    ],
)
def test_a_comparison_has_two_ends_of_one_kind(
    times: tuple[str, ...], code: int, sentence: str, over_seeds: Console
) -> None:
    """What could mean two things is refused."""
    printed = over_seeds("diff", "openai", *times)

    assert (printed.code, printed.out) == (code, "")
    assert sentence in printed.err
    assert len(printed.err.splitlines()) == 1


def test_what_is_to_come_is_listed_dated_first(over_both: Console) -> None:
    """On 1 July 2024 the block was a week away, and a rule for clouds had been proposed."""
    printed = over_both("upcoming", "--from", "2024-07-01", "--within", "30")

    assert [(row["on"], row["kind"], row["effect"]) for row in printed.rows] == [
        ("2024-07-09", "scheduled", "blocked"),
        ("", "proposed", "conditional"),
    ]
    assert printed.rows[0]["directive"] == f"{POLICY}#api"
    assert "regions CN" in printed.rows[0]["scope"]


@pytest.mark.parametrize(
    ("filters", "kinds"),
    [
        (("--within", "8"), ["proposed"]),
        (("--provider", "openai"), ["scheduled"]),
        (("--region", "FR"), ["proposed"]),
        (("--known-at", "@0"), []),
    ],
)
def test_what_is_to_come_is_narrowed(
    filters: tuple[str, ...], kinds: list[str], over_seeds: Console
) -> None:
    """By a period, exclusive at its end, and by a place."""
    printed = over_seeds("upcoming", "--from", "2024-07-01", *filters, "--json")

    assert [item["kind"] for item in printed.json["items"]] == kinds
    assert printed.json["from"] == "2024-07-01"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--from", "2024-07-01T00:00:00Z"), 2, "--from: This is an instant"),
        (("--from", "2024-13-01"), 2, "--from: "),
        (("--within", "0"), 2, "--within"),
        (("--provider", "opnai"), 3, "Did you mean 'openai'?"),
    ],
)
def test_a_period_has_a_day_and_a_length(
    arguments: tuple[str, ...], code: int, sentence: str, over_seeds: Console
) -> None:
    """A calendar is made of days."""
    printed = over_seeds("upcoming", *arguments)

    assert (printed.code, printed.out) == (code, "")
    assert sentence in printed.err


def test_policies_are_listed_as_they_stood(over_both: Console) -> None:
    """The Italian order was in force in April 2023; what had not begun is left out."""
    then = over_both("policies", "list", "--as-of", "2023-04-10").rows
    now = over_both("policies", "list", "--as-of", "2026-11-22").rows

    status = {row["slug"]: row["status"] for row in then}
    assert status["garante-chatgpt-2023"] == "in_force"
    assert "openai-unsupported-regions-2024" not in status
    assert len(now) > len(then)
    assert [row["slug"] for row in now] == sorted(row["slug"] for row in now)


def test_more_policies_than_a_page_holds_are_all_listed(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script must not have to turn pages."""
    whole = over_seeds("policies", "list", "--json").out
    monkeypatch.setattr("service.cli.policies._PAGE", 2)

    assert over_seeds("policies", "list", "--json").out == whole


def test_a_policy_is_shown_with_its_directives(over_seeds: Console) -> None:
    """By its slug, or by the name of its stream."""
    printed = over_seeds("policies", "show", POLICY, "--as-of", "2024-07-08")
    by_slug = over_seeds(
        "policies", "show", POLICY.removeprefix("policy:"), "--as-of", "2024-07-08"
    )

    assert printed.code == 0
    assert f"{POLICY} by openai is adopted as of 2024-07-08 (known at position" in printed.out
    assert "#api: blocked from 2024-07-09, adopted\n" in printed.out
    assert f"  Events: {NOTICE}\n" in printed.out
    assert by_slug.out == printed.out


def test_a_policy_is_printed_as_the_api_has_it(over_seeds: Console) -> None:
    """Its directives with their scopes and events."""
    found = over_seeds("policies", "show", POLICY, "--as-of", "2024-07-09", "--json").json

    assert (found["status"], found["as_of"]) == ("in_force", "2024-07-09")
    assert found["directives"][0]["events"] == [NOTICE]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("openai-unsupported-region",), "Did you mean 'openai-unsupported-regions-2024'?"),
        (("openai-unsupported-regions-2024", "--as-of", "2020-01-01"), "had not begun on 2020-01"),
    ],
)
def test_a_policy_that_is_not_there_exits_3(
    arguments: tuple[str, ...], sentence: str, over_seeds: Console
) -> None:
    """Not known, or not yet."""
    printed = over_seeds("policies", "show", *arguments)

    assert (printed.code, printed.out) == (3, "")
    assert sentence in printed.err
