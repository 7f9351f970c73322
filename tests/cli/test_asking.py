"""`state`, `why` and `timeline`: the story of July 2024, asked on the command line."""

import pytest

from tests.cli.console import Console

OPENAI_CN = ("openai", "CN", "--service", "api")


def test_the_day_before_the_block_is_unknown_and_tells_what_is_to_come(over_both: Console) -> None:
    """OpenAI's list excluded China but was not enforced; its notice was on record."""
    (cell,) = over_both("why", *OPENAI_CN, "--as-of", "2024-07-08", "--json").json["cells"]

    assert (cell["state"], cell["legal_state"]) == ("unknown", "not_offered")
    assert (cell["observed_state"], cell["divergence"]) == ("available", True)
    (pending,) = cell["pending"]
    assert (pending["kind"], pending["effect"]) == ("scheduled", "blocked")
    assert pending["effective_from"] == "2024-07-09"
    assert pending["sources"]


def test_from_its_effective_date_on_the_block_holds(over_both: Console) -> None:
    """The notice took effect on 9 July 2024."""
    (row,) = over_both("state", *OPENAI_CN, "--as-of", "2024-07-09").rows

    assert row == {
        "service": "api",
        "state": "blocked",
        "access": "closed",
        "legal_state": "blocked",
        "since": "2024-07-09",
        "until": "",
        "conditions": "",
    }


def test_openais_block_does_not_reach_microsoft(over_both: Console) -> None:
    """Authorities are independent."""
    printed = over_both("why", "microsoft", "CN", "--as-of", "2024-07-10")

    assert "azure-openai is available on conditions since 2024-07-08" in printed.out
    assert "openai-unsupported" not in printed.out
    assert "proposed: conditional by us-commerce, without a date" in printed.out


def test_italy_had_chatgpt_lost_it_and_got_it_back(over_both: Console) -> None:
    """The order of the Italian authority of 30 March 2023, and OpenAI's answer to it."""
    printed = over_both("timeline", "openai", "IT", "--service", "chatgpt")

    assert [(row["from"], row["state"]) for row in printed.rows] == [
        ("", "unknown"),
        ("2023-02-17", "available"),
        ("2023-03-31", "suspended"),
        ("2023-04-28", "available"),
    ]


def test_a_window_leaves_out_what_lies_outside(over_seeds: Console) -> None:
    """`--until` is exclusive."""
    window = ("--from", "2023-03-31", "--until", "2023-04-28")
    printed = over_seeds("timeline", "openai", "IT", "--service", "chatgpt", *window, "--json")

    (item,) = printed.json["items"]
    assert (item["from"], item["until"]) == ("2023-03-31", "2023-04-28")


def test_an_explanation_names_policies_and_sources(over_seeds: Console) -> None:
    """An answer without its reasons is a rumour."""
    printed = over_seeds("why", *OPENAI_CN, "--as-of", "2024-07-08")

    assert "api is unknown since 2023-02-17, until 2024-07-09\n" in printed.out
    assert "Never read this as available." in printed.out
    assert "In law it is not offered." in printed.out
    assert "Measured: available, which contradicts what is decided." in printed.out
    assert "policy:openai-unsupported-regions-2024#api" in printed.out
    assert "The Register: https://www.theregister.com/" in printed.out


def test_what_was_not_recorded_yet_is_not_known(over_seeds: Console) -> None:
    """`--known-at @0` is the log before its first event: not even the provider is registered."""
    printed = over_seeds("state", "openai", "CN", "--known-at", "@0")

    assert printed.code == 3
    assert "It was registered later than this known_at." in printed.err


@pytest.mark.parametrize(
    ("region", "required", "code"),
    [("FR", "open", 0), ("FR", "conditional", 0), ("CN", "open", 1), ("CN", "conditional", 1)],
)
def test_a_script_may_require_an_answer(
    region: str, required: str, code: int, over_seeds: Console
) -> None:
    """Unknown is never read as available: China's API was unknown on that day."""
    asked = ("state", "openai", region, "--as-of", "2024-07-08", "--require", required)

    assert over_seeds(*asked).code == code


def test_access_on_conditions_is_not_open(over_seeds: Console) -> None:
    """Whether the conditions are met is for the caller to say."""
    asked = ("state", "microsoft", "CN", "--as-of", "2024-07-10", "--require")

    assert over_seeds(*asked, "open").code == 1
    assert over_seeds(*asked, "conditional").code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("opnai", "CN"), "There is no provider 'opnai'. Did you mean 'openai'?"),
        (("openai", "UK"), "There is no region 'UK'. Did you mean 'GB'?"),
        (("openai", "CN", "--service", "aip"), "Did you mean 'api'?"),
        (("openai", "CN", "--audience", "goverment"), "There is no audience 'goverment'."),
    ],
)
def test_an_unknown_id_exits_3_with_what_was_probably_meant(
    arguments: tuple[str, ...], sentence: str, over_seeds: Console
) -> None:
    """A script can tell a typing error from a closed door."""
    printed = over_seeds("state", *arguments)

    assert (printed.code, printed.out) == (3, "")
    assert sentence in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("openai",),
        ("openai", "CN", "--as-of", "2024-13-01"),
        ("openai", "CN", "--as-of", "2024-07-09T00:00:00"),
        ("openai", "CN", "--known-at", "@999999"),
        ("openai", "CN", "--known-at", "2199-01-01"),
        ("openai", "CN", "--require", "ajar"),
        ("openai", "CN", "--service", "a\tb"),
        ("openai\ud800", "CN"),
        ("openai", "C" * 400),
        ("openai", "CN", "--nonsense"),
    ],
)
def test_bad_usage_exits_2_with_one_sentence(
    arguments: tuple[str, ...], over_seeds: Console
) -> None:
    """Never a traceback, never an answer to another question."""
    printed = over_seeds("state", *arguments)

    assert (printed.code, printed.out) == (2, "")
    assert printed.err.startswith("accessline: ")
    assert len(printed.err.splitlines()) == 1


def test_a_window_that_runs_backward_is_refused(over_seeds: Console) -> None:
    """It would silently list nothing."""
    window = ("--from", "2024-07-09", "--until", "2024-07-08")

    assert over_seeds("timeline", "openai", "CN", *window).code == 2
