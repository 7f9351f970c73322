"""An answer is kept for as long as nothing about its cell changes: it is the one made anew."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.answers import Explained, KnownAt, Question, explain
from service.domain.codec import answer_bytes
from service.domain.events import Event, Recorded
from service.domain.fold import Fold
from service.domain.regions import is_place
from service.domain.scope import Cell
from service.domain.times import When
from service.domain.world import Memory, World
from service.projections.segments import days_of_text
from tests.builders import directive, event, group_changed, log, registry_events
from tests.domain.test_laws import law
from tests.domain.worlds import EDGES, instants, logs, wide_cells

FIRST = date(2023, 12, 24)
DAYS = [When.on(FIRST + timedelta(days=number)) for number in range(42)]
LONG_AGO = [When.moment(day) for day in ("1973-01-01", "2020-01-31", "2020-02-01", "2023-06-01")]
RECORDED = [datetime(2024, 1, day, 12, tzinfo=UTC) for day in (3, 4)] + [None]


def told_of(world: World) -> Callable[[When], World]:
    """Return a function from a day to the world with the histories that can matter on it."""
    folds = {slug: Fold.of(slug, facts) for slug, facts in world.histories.items()}
    days = {
        slug: [days_of_text(text, fold.occurred) for text in fold.texts()]
        for slug, fold in folds.items()
    }

    def on(moment: When) -> World:
        number = moment.day.toordinal()
        histories = {
            slug: facts
            for slug, facts in world.histories.items()
            if any(first <= number < last for first, last in days[slug])
        }
        return replace(world, histories=histories)

    return on


def same(world: World, question: Question, known_at: KnownAt) -> Explained:
    """Return an answer that is the same with and without a memory."""
    kept = explain(world, question, known_at)
    assert kept == explain(replace(world, kept=None), question, known_at)
    return kept


OFFER = event(
    "access.affirmed",
    stream="policy:offer",
    occurred_on="2023-12-01",
    data={"directives": [directive("all", "available", providers=["openai"])]},
)
DAY = "2024-01-05"
AROUND = [date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 6), date(2024, 1, 20)]


def step(kind: str, occurred_on: str = "2024-01-01", /, **data: Any) -> Event:  # noqa: ANN401
    """Let something happen to a ban of OpenAI."""
    return event(kind, stream="policy:ban", occurred_on=occurred_on, data=data)


def ban(occurred_on: str = "2024-01-01", **fields: Any) -> Event:  # noqa: ANN401
    """Adopt a ban of the API in the United States, unless the fields say otherwise."""
    fields = {"regions": ["US"], "effective_from": "2024-01-02", **fields}
    return step("policy.adopted", occurred_on, directives=[directive("k", "blocked", **fields)])


def paused(kind: str, since: str, until: str | None = None) -> Event:
    """Suspend the ban."""
    return step("policy.suspended", kind=kind, effective_from=since, effective_until=until)


def seen(occurred_on: str, **data: Any) -> Event:  # noqa: ANN401
    """Measure that OpenAI is blocked."""
    scope = {"providers": ["openai"]}
    data = {"state": "blocked", "method": "probe", "scope": scope, **data}
    return event("access.observed", occurred_on=occurred_on, data=data)


CHANGES: dict[str, tuple[Event, ...]] = {
    "a ban begins": (ban(effective_from=DAY),),
    "a ban ends": (ban(effective_until=DAY),),
    "a ban begins within the day": (ban(effective_from=f"{DAY}T12:00:00Z"),),
    "a ban is stayed": (ban(), paused("stayed", DAY)),
    "a stay ends": (ban(), paused("stayed", "2024-01-03", DAY)),
    "a ban is not enforced": (ban(), paused("enforcement_paused", DAY)),
    "a ban is enforced again": (ban(), paused("enforcement_paused", "2024-01-03", DAY)),
    "a ban is repealed": (ban(), step("policy.repealed", effective_from=DAY, reason="over")),
    "a repeal is undone": (
        ban(),
        step("policy.repealed", effective_from="2024-01-03", reason="over"),
        step("policy.reinstated", effective_from=DAY),
    ),
    "a ban is replaced": (
        ban(),
        step(
            "policy.amended",
            effective_from=DAY,
            directives=[directive("k", "suspended", regions=["US"])],
        ),
    ),
    "a ban is removed": (ban(), step("policy.amended", effective_from=DAY, removes=["k"])),
    "a group is joined": (ban(regions=["SUN"]), group_changed("SUN", DAY, adds=["US"])),
    "a group is left": (
        group_changed("SUN", "2020-01-01", adds=["US"]),
        group_changed("SUN", DAY, removes=["US"]),
        ban(regions=["SUN"]),
    ),
    "a group is joined within the day": (
        ban(regions=["SUN"]),
        group_changed("SUN", f"{DAY}T12:00:00Z", adds=["US"]),
    ),
    "a part of the country joins a group": (
        ban(regions=["SUN"]),
        group_changed("SUN", DAY, adds=["US-TX"]),
    ),
    "a measurement counts": (seen(DAY),),
    "a measurement no longer counts": (seen("2024-01-02", valid_until=DAY),),
    "a part of the country is banned": (ban(regions=["US-TX"], effective_from=DAY),),
    "an audience is banned": (ban(audiences=["government"], effective_from=DAY),),
    "a service below is banned": (
        ban(providers=["openai"], services=["chatgpt/ios"], effective_from=DAY),
    ),
    "a ban is proposed": (step("policy.proposed", DAY, drafts=[directive("k", regions=["US"])]),),
    "a proposal is withdrawn": (
        step("policy.proposed", drafts=[directive("k", regions=["US"])]),
        step("policy.withdrawn", DAY, reason="over"),
    ),
    "a ban is decided for later": (ban(DAY, effective_from="2024-03-01"),),
    "a ban that is to begin is put off": (
        ban(effective_from="2024-03-01"),
        step("policy.scheduled", DAY, effective_from="2024-05-01"),
    ),
    "a ban is stayed of which it is found later that it never was": (
        ban(),
        paused("stayed", DAY),
        step(
            "policy.repealed",
            "2024-01-08",
            effective_from="2024-01-08",
            ab_initio=True,
            reason="void",
        ),
    ),
    "nothing was recorded later": (),
}


@pytest.mark.parametrize("region", ["US", "EU", "SUN"])
@pytest.mark.parametrize("what", CHANGES)
def test_a_day_on_which_anything_changes_is_told_of_by_itself(what: str, region: str) -> None:
    """The day before, the day, the day after and one far away: each after each of the others."""
    sun = event(
        "registry.group_changed",
        stream="registry:group/SUN",
        data={"id": "SUN", "name": "Sun", "adds": ["IT"], "effective_from": "2000-01-01"},
    )
    record = log(*registry_events(), sun, OFFER, *CHANGES[what])
    last = datetime(2024 if what == "nothing was recorded later" else 2025, 1, 4, tzinfo=UTC)
    known_at = KnownAt(position=len(record), recorded_at=last)
    asked = Question(provider="openai", region=region, as_of=When.on(AROUND[0]))
    told: dict[date, bytes] = {}
    for order in permutations(AROUND, 2):
        on = told_of(replace(World.of(record), kept=Memory(2_000)))
        for day in order:
            moment = When.on(day)
            answer = same(on(moment), replace(asked, as_of=moment), known_at)
            told[day] = answer_bytes(replace(answer, as_of=asked.as_of))

    assert region != "US" or told[AROUND[0]] != told[AROUND[1]], "or nothing is tried here"


@law
@given(
    logs(),
    wide_cells,
    st.lists(instants.map(When.moment), max_size=3),
    st.randoms(use_true_random=False),
)
def test_an_answer_that_was_kept_is_the_one_that_is_made_anew(
    recorded: tuple[Recorded, ...], cell: Cell, some: list[When], chance: Random
) -> None:
    """On every day, in any order; whatever is told of on some days only; of services by turns."""
    on = told_of(replace(World.of(recorded), kept=Memory(2_000)))
    days = [*DAYS, *EDGES, *LONG_AGO, *some]
    moments = chance.sample(days, len(days) if is_place(cell.region) else 15)
    for moment in moments:
        for recorded_at in chance.sample(RECORDED, 2):
            asked = Question(
                provider=cell.provider,
                region=cell.region,
                as_of=moment,
                service=chance.choice([cell.service, cell.service, None]),
                audience=cell.audience,
            )
            same(on(moment), asked, KnownAt(position=len(recorded), recorded_at=recorded_at))
