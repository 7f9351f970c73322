"""`coverage`: how much of the world the record speaks of; the API's answer, in this process."""

import pytest

from service.app import create_app
from service.settings import Settings
from tests.cli.console import Console


def test_a_row_tells_what_is_known(over_both: Console) -> None:
    """What is absent is an empty field."""
    asked = ("--provider", "openai", "--region", "CN,AQ", "--year", "2024")

    rows = over_both("coverage", *asked).rows

    china, antarctica = rows
    assert (china["provider"], china["region"], china["as_of"]) == ("openai", "CN", "2024-12-31")
    assert int(china["known"]) > int(antarctica["known"]) >= 0
    assert int(china["known"]) == int(china["official"]) + int(china["press"])
    assert int(china["cells"]) == int(china["known"]) + int(china["unknown"])
    assert antarctica["last_reviewed_on"] == "" or antarctica["known"] != "0"


def test_options_may_be_given_again(over_seeds: Console) -> None:
    """A row for each provider, year and region, in their order."""
    printed = over_seeds(
        "coverage",
        *("--provider", "openai", "--provider", "microsoft"),
        *("--region", "IT", "--region", "CN,US"),
        *("--year", "2023", "--year", "2024"),
    )

    found = [(row["provider"], row["year"], row["region"]) for row in printed.rows]
    assert found == [
        (provider, year, region)
        for provider in ("openai", "microsoft")
        for year in ("2023", "2024")
        for region in ("IT", "CN", "US")
    ]


def test_without_options_each_provider_has_a_row_for_this_year(over_seeds: Console) -> None:
    """For all countries."""
    rows = over_seeds("coverage").rows

    assert len(rows) == len({row["provider"] for row in rows}) > 1
    assert {row["region"] for row in rows} == {""}
    assert {row["year"] for row in rows} == {rows[0]["as_of"][:4]}


def test_the_json_is_that_of_the_api(over_seeds: Console) -> None:
    """To the byte, whoever is asked."""
    asked = ("--provider", "openai", "--region", "CN,EU", "--year", "2024", "--known-at", "@40")

    printed = over_seeds("coverage", *asked, "--json")

    app = create_app(Settings(database_url="sqlite:///accessline.db"))
    answer = app.test_client().get(
        "/v1/coverage?provider=openai&region=CN,EU&year=2024&known_at=@40"
    )
    app.extensions["accessline"].database.dispose()
    assert printed.out == f"{answer.text}\n"
    assert printed.json["known_at"]["position"] == 40


def test_what_was_known_earlier_is_counted_as_it_was_known(over_seeds: Console) -> None:
    """Before the first event there is no provider."""
    assert over_seeds("coverage", "--known-at", "@0").rows == []


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--provider", "opnai"), 3, "There is no provider 'opnai'. Did you mean 'openai'?"),
        (("--region", "UK"), 3, "There is no region 'UK'. Did you mean 'GB'?"),
        (("--year", "2200"), 2, "--year: 2200 is no year from 1900 to "),
        (("--year", "2201"), 2, "--year"),
        (("--year", "soon"), 2, "--year"),
        (("--known-at", "@999999"), 2, "--known-at: "),
        (
            tuple(part for year in range(1900, 2027) for part in ("--year", str(year))),
            2,
            "name providers or regions",
        ),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_counted_is_refused(
    options: tuple[str, ...], code: int, sentence: str, over_seeds: Console
) -> None:
    """With the option, and what would be right."""
    printed = over_seeds("coverage", *options)

    assert (printed.code, printed.out) == (code, "")
    assert sentence in printed.err
    assert len(printed.err.splitlines()) == 1
