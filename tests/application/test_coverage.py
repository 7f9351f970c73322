"""Coverage of a small world, counted by hand.

OpenAI has two top-level services (its API and ChatGPT), Microsoft one. In the log, by position
behind the cast:

1. an official page: from 1 March 2023 the API is available in the EU, which was France and Italy
2. the press: from 31 March 2023 until 29 April ChatGPT is suspended in Italy
3. the press: from 9 July 2024 the API is blocked in China and Hong Kong
4. somebody reviewed that last one on 20 November 2026
"""

from datetime import UTC, date, datetime
from typing import Any, Final

import pytest

from service.application.coverage import MAX_CELLS, Row, Wanted, coverage
from service.application.recording import Batch, append
from service.domain.errors import BadTimeError, Refused, UnknownIdError
from service.domain.events import Event
from service.domain.regions import COUNTRIES
from service.store.engine import Database
from tests.builders import SOURCE, corrected, directive, event, registered, registry_events

NOW: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
CAST: Final = len(registry_events())
EVERYWHERE: Final = len(COUNTRIES)
PRESS: Final = {**SOURCE, "kind": "press"}
CHATGPT: Final = {"providers": ["openai"], "services": ["chatgpt"]}


def adopted(policy: str, *sources: dict[str, str], **fields: Any) -> Event:  # noqa: ANN401
    """A policy with one directive, and on what it rests."""
    data = {"directives": [directive(**fields)]}
    told = [*sources] or [PRESS]
    return event("policy.adopted", stream=f"policy:{policy}", data=data, sources=told)


def listed() -> Event:
    """OpenAI's own list."""
    read = SOURCE | {"retrieved_on": "2026-11-02"}
    start = "2023-03-01"
    return adopted("list", read, effect="available", regions=["EU"], effective_from=start)


def notice() -> Event:
    """What the press told of OpenAI's notice."""
    return adopted("notice", regions=["CN", "HK"], effective_from="2024-07-09")


def record(database: Database, *events: Event) -> None:
    """Record events, by Alice."""
    append(database, Batch(events=events, principal="alice"), clock=lambda: NOW)


@pytest.fixture
def cast(database: Database) -> Database:
    """A log in which nobody decided anything."""
    record(database, *registry_events())
    return database


@pytest.fixture
def story(cast: Database) -> Database:
    """The log above."""
    outage = adopted(
        "outage",
        PRESS | {"retrieved_on": "2026-11-10"},
        effect="suspended",
        regions=["IT"],
        effective_from="2023-03-31",
        effective_until="2023-04-29",
        **CHATGPT,
    )
    reviewed = event("record.reviewed", stream="policy:notice", data={"reviewed_on": "2026-11-20"})
    record(cast, listed(), outage, notice(), reviewed)
    return cast


def counted(
    database: Database,
    known_at: str | None = None,
    now: datetime = NOW,
    **wanted: Any,  # noqa: ANN401
) -> tuple[Row, ...]:
    """Count; of OpenAI, where no provider is said."""
    asked = Wanted(**({"providers": ("openai",)} | wanted))
    return coverage(database, asked, known_at, now).rows


def numbers(row: Row) -> tuple[int, int, int, int, int]:
    """Return what was counted: cells, known, unknown, official, press."""
    return row.cells, row.known, row.unknown, row.official, row.press


def test_without_a_region_a_row_is_about_all_countries(story: Database) -> None:
    """The API in France, Italy, China and Hong Kong; nothing of ChatGPT today."""
    assert counted(story) == (
        Row(
            provider="openai",
            region=None,
            year=2026,
            as_of=date(2026, 11, 26),
            cells=2 * EVERYWHERE,
            known=4,
            unknown=2 * EVERYWHERE - 4,
            official=2,
            press=2,
            last_reviewed_on=date(2026, 11, 20),
        ),
    )


def test_without_a_provider_there_is_a_row_for_each(story: Database) -> None:
    """Sorted; of Microsoft nothing is known, and nobody looked."""
    microsoft, openai = counted(story, providers=())

    assert (microsoft.provider, openai.provider) == ("microsoft", "openai")
    assert numbers(microsoft) == (EVERYWHERE, 0, EVERYWHERE, 0, 0)
    assert microsoft.last_reviewed_on is None


def test_a_year_is_asked_at_its_last_day(story: Database) -> None:
    """What ended within it does not count; this year is asked today."""
    rows = counted(story, years=(2026, 2022, 2023, 2024))

    assert [(row.year, str(row.as_of), row.known, row.official, row.press) for row in rows] == [
        (2026, "2026-11-26", 4, 2, 2),
        (2022, "2022-12-31", 0, 0, 0),
        (2023, "2023-12-31", 2, 2, 0),
        (2024, "2024-12-31", 4, 2, 2),
    ]


def test_this_year_is_asked_today(story: Database) -> None:
    """In April 2023 ChatGPT was suspended in Italy; at the end of that month no more."""
    april = datetime(2023, 4, 28, 23, 59, tzinfo=UTC)

    (before,) = counted(story, now=april, regions=("IT",), known_at=f"@{CAST + 4}")
    (after,) = counted(story, now=april.replace(month=5), regions=("IT",), known_at=f"@{CAST + 4}")

    assert (before.year, before.as_of) == (2023, date(2023, 4, 28))
    assert numbers(before) == (2, 2, 0, 1, 1)
    assert before.last_reviewed_on == date(2026, 11, 10)
    assert numbers(after) == (2, 1, 1, 1, 0)
    assert after.last_reviewed_on == date(2026, 11, 2)


def test_each_region_has_a_row_of_its_own(story: Database) -> None:
    """By provider, then year, then region, each as it was asked."""
    rows = counted(
        story, providers=("openai", "microsoft"), regions=("IT", "CN"), years=(2024, 2023)
    )

    assert [(row.provider, row.year, row.region, row.known, row.official) for row in rows] == [
        ("openai", 2024, "IT", 1, 1),
        ("openai", 2024, "CN", 1, 0),
        ("openai", 2023, "IT", 1, 1),
        ("openai", 2023, "CN", 0, 0),
        ("microsoft", 2024, "IT", 0, 0),
        ("microsoft", 2024, "CN", 0, 0),
        ("microsoft", 2023, "IT", 0, 0),
        ("microsoft", 2023, "CN", 0, 0),
    ]
    assert {row.cells for row in rows if row.provider == "openai"} == {2}
    assert {row.cells for row in rows if row.provider == "microsoft"} == {1}


def test_a_group_is_one_place(story: Database) -> None:
    """It has a cell for each service, known where anything is known of a member."""
    (before, after) = counted(story, regions=("EU",), years=(2022, 2023))

    assert numbers(before) == (2, 0, 2, 0, 0)
    assert numbers(after) == (2, 1, 1, 1, 0)
    assert after.last_reviewed_on == date(2026, 11, 2)


def test_a_group_is_known_where_one_of_its_members_is(cast: Database) -> None:
    """Of Italy alone it is told; of the group that is enough to be no longer unknown."""
    record(cast, adopted("italy", regions=["IT"], effective_from="2023-01-01"))

    assert [numbers(row) for row in counted(cast, regions=("EU", "FR"), years=(2023,))] == [
        (2, 1, 1, 0, 1),
        (2, 0, 2, 0, 0),
    ]


def test_a_subdivision_is_a_place_as_well(cast: Database) -> None:
    """Crimea is not what Ukraine is."""
    record(cast, adopted("crimea", regions=["UA-43"], effective_from="2023-01-01"))

    assert [row.known for row in counted(cast, regions=("UA-43", "UA"))] == [1, 0]


def test_a_service_is_known_by_its_parts(cast: Database) -> None:
    """ChatGPT reads as its app on iPhones, where there is no directive but for that."""
    app = {"providers": ["openai"], "services": ["chatgpt/ios"]}
    record(cast, adopted("app", regions=["IT"], effective_from="2023-01-01", **app))

    (row,) = counted(cast, regions=("IT",))

    assert numbers(row) == (2, 1, 1, 0, 1)


def test_what_is_decided_and_not_enforced_is_known(cast: Database) -> None:
    """What holds is unknown then, what is law is not."""
    record(cast, adopted("law", regions=["IT"], effective_from="2023-01-01", enforced=False))

    (row,) = counted(cast, regions=("IT",))

    assert (row.known, row.press) == (1, 1)


def test_what_only_others_allow_is_unknown(cast: Database) -> None:
    """A regulator opens nothing, official or not: that is the provider's to say."""
    allowed = directive("api", "available", regions=["IT"], effective_from="2023-01-01")
    record(
        cast,
        event("policy.adopted", authority="garante", data={"directives": [allowed]}),
    )

    (row,) = counted(cast, regions=("IT",))

    assert numbers(row) == (2, 0, 2, 0, 0)
    assert row.last_reviewed_on is None


@pytest.mark.parametrize("kind", ["press", "dataset", "other"])
def test_what_has_no_official_source_is_told_as_press(kind: str, cast: Database) -> None:
    """Official or not is what a reader wants to know."""
    record(cast, adopted("rules", {**SOURCE, "kind": kind}, effective_from="2023-01-01"))

    (row,) = counted(cast, regions=("IT",))

    assert (row.official, row.press) == (0, 1)


def test_one_official_source_among_others_is_enough(cast: Database) -> None:
    """In one event, or in one of several that decide together."""
    record(cast, adopted("rules", PRESS, SOURCE, regions=["IT"], effective_from="2023-01-01"))
    record(cast, adopted("one", PRESS, regions=["FR"], effective_from="2023-01-01"))
    ordered = directive("api", "blocked", regions=["FR"], effective_from="2023-01-01")
    record(
        cast,
        event(
            "policy.adopted",
            stream="policy:two",
            authority="garante",
            data={"directives": [ordered]},
            sources=[SOURCE],
        ),
    )

    rows = counted(cast, regions=("IT", "FR"))

    assert [(row.official, row.press) for row in rows] == [(1, 0), (1, 0)]


def test_what_does_not_decide_does_not_count(cast: Database) -> None:
    """An official page that the press has overtaken is no source of what holds now."""
    record(cast, listed(), adopted("shut", regions=["IT"], effective_from="2024-07-09"))

    before, after = counted(cast, regions=("IT",), years=(2023, 2024))

    assert (before.official, before.press, before.last_reviewed_on) == (1, 0, date(2026, 11, 2))
    assert (after.official, after.press, after.last_reviewed_on) == (0, 1, None)


def test_a_review_is_of_what_was_recorded_before(cast: Database) -> None:
    """Nobody has looked again since the policy was amended."""
    amended = event(
        "policy.amended",
        stream="policy:notice",
        occurred_on="2026-11-21",
        data={
            "directives": [directive("api", "not_offered", regions=["CN", "HK"])],
            "effective_from": "2026-11-21",
        },
    )
    reviewed = event("record.reviewed", stream="policy:notice", data={"reviewed_on": "2026-11-20"})
    record(cast, notice(), reviewed)
    (before,) = counted(cast, regions=("CN",))

    record(cast, amended)
    (after,) = counted(cast, regions=("CN",))

    assert before.last_reviewed_on == date(2026, 11, 20)
    assert (after.official, after.press) == (1, 0)
    assert after.last_reviewed_on is None


def test_it_is_counted_as_it_was_known(story: Database) -> None:
    """The registry, too: nobody had registered ChatGPT yet."""
    known = [
        (row.known, row.last_reviewed_on)
        for position in range(CAST, CAST + 5)
        for row in counted(story, f"@{position}", regions=("CN",))
    ]

    assert known == [(0, None)] * 3 + [(1, None), (1, date(2026, 11, 20))]
    chatgpt = [one.stream for one in registry_events()].index("registry:service/openai/chatgpt")
    assert [row.cells for row in counted(story, f"@{chatgpt}", regions=("CN",))] == [1]
    answer = coverage(story, Wanted(providers=("openai",)), f"@{CAST}", NOW)
    assert answer.known_at.position == CAST


def test_a_correction_counts_from_when_it_is_recorded(cast: Database) -> None:
    """A page turned up that says what the press said."""
    told = notice()
    record(cast, told)
    page = adopted("notice", SOURCE, regions=["CN", "HK"], effective_from="2024-07-09")
    record(cast, corrected(told, page))

    before = counted(cast, f"@{CAST + 1}", regions=("CN",))
    after = counted(cast, regions=("CN",))

    assert [(row.official, row.press) for row in (*before, *after)] == [(0, 1), (1, 0)]


def test_of_an_empty_log_there_is_no_row(database: Database) -> None:
    """There is no provider yet."""
    assert coverage(database, Wanted(), None, NOW).rows == ()


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted(providers=("opnai",)), "There is no provider 'opnai'. Did you mean 'openai'?"),
        (Wanted(providers=("openai", "azure")), "There is no provider 'azure'."),
        (Wanted(regions=("UK",)), "There is no region 'UK'. Did you mean 'GB'?"),
    ],
)
def test_what_is_not_known_is_refused(wanted: Wanted, sentence: str, story: Database) -> None:
    """It must not read as unknown."""
    with pytest.raises(UnknownIdError) as refused:
        coverage(story, wanted, None, NOW)

    assert refused.value.detail.startswith(sentence)


@pytest.mark.parametrize("year", [2027, 1899, 0])
def test_a_year_to_come_is_refused(year: int, story: Database) -> None:
    """Coverage is of what was, up to today."""
    with pytest.raises(BadTimeError) as refused:
        counted(story, years=(2024, year))

    assert refused.value.detail == f"{year} is no year from 1900 to 2026."
    assert (refused.value.path, refused.value.suggestion) == (("year",), "2026")


def test_a_known_at_beyond_the_log_is_refused(story: Database) -> None:
    """As everywhere."""
    with pytest.raises(BadTimeError, match="beyond the head"):
        counted(story, "@999")


def test_too_many_cells_are_refused(cast: Database) -> None:
    """Four services in all countries in each year since 1900; but not each country alone."""
    record(cast, registered("service", "sora", provider="openai"))
    years = tuple(range(1900, 2027))
    cells = 4 * EVERYWHERE * len(years)
    assert cells > MAX_CELLS

    with pytest.raises(Refused) as refused:
        coverage(cast, Wanted(years=years), None, NOW)

    assert refused.value.detail.startswith(f"This counts {cells:,} cells, more than 100,000: ")
    assert len(coverage(cast, Wanted(years=years, regions=("CN",)), None, NOW).rows) == 2 * 127
