"""The explained answer: roll-ups, exceptions, ends, and what an answer rests on."""

from typing import Any

import pytest

from service.domain.answers import CellAnswer, Explained, KnownAt, Question, explain
from service.domain.cells import cell_answer, roll_up, top_level
from service.domain.events import Event
from service.domain.resolution import State
from service.domain.scope import Cell
from service.domain.times import When
from tests.builders import NOON, directive, event, world

KNOWN = KnownAt(position=20, recorded_at=NOON)


def adopted(slug: str, effect: str, **fields: Any) -> Event:  # noqa: ANN401
    """OpenAI adopts one directive, in force since 2024-02-01."""
    start = fields.pop("start", "2024-02-01")
    return event(
        "policy.adopted",
        stream=f"policy:{slug}",
        occurred_on="2024-01-01",
        authority=fields.pop("authority", "openai"),
        data={"directives": [directive("k", effect, effective_from=start, **fields)]},
    )


def ask(*events: Event, region: str = "IT", as_of: str = "2024-07-09", **asked: str) -> Explained:
    """Ask for OpenAI in a region."""
    question = Question(
        provider="openai",
        region=region,
        as_of=When.moment(as_of),
        service=asked.get("service"),
        audience=asked.get("audience", "public"),
    )
    return explain(world(*events), question, KNOWN)


def only(*events: Event, **asked: str) -> CellAnswer:
    """Ask for one service."""
    (cell,) = ask(*events, **{"service": "api", **asked}).cells
    return cell


def exceptions(cell: CellAnswer) -> list[tuple[str, str, str, str]]:
    """Return what differs inside: service, region, audience, state."""
    return [(one.service, one.region, one.audience, one.state) for one in cell.exceptions]


# The roll-up.


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("", "unknown"),
        ("unknown", "unknown"),
        ("unknown unknown", "unknown"),
        ("available", "available"),
        ("available available", "available"),
        ("available unknown", "mixed"),
        ("conditional unknown", "mixed"),
        ("available conditional", "mixed"),
        ("available blocked", "mixed"),
        ("not_offered suspended", "suspended"),
        ("blocked not_offered suspended", "blocked"),
        ("not_offered unknown", "not_offered"),
        ("blocked unknown unknown", "blocked"),
        ("mixed", "mixed"),
        ("mixed blocked", "mixed"),
        ("mixed unknown", "mixed"),
    ],
)
def test_several_states_roll_up_to_one(states: str, expected: str) -> None:
    """None known: unknown; all closed: the strictest; one and nothing unknown: that; else mixed."""
    assert roll_up(map(State, states.split())) == expected


def test_a_provider_and_a_region_have_a_cell_per_top_level_service() -> None:
    """In the order of their names; the answer is their roll-up."""
    answer = ask(adopted("offer", "available"))

    assert [one.service for one in answer.cells] == ["api", "chatgpt"]
    assert [one.state for one in answer.cells] == ["available", "unknown"]
    assert (answer.state, answer.access, answer.legal_state) == ("mixed", "mixed", "mixed")
    assert (answer.provider, answer.region, answer.audience) == ("openai", "IT", "public")
    assert (answer.known_at, answer.rule) == (KNOWN, 1)
    assert top_level(("api", "chatgpt", "chatgpt/ios")) == ("api", "chatgpt")


def test_a_service_asked_for_stands_alone_below_others_too() -> None:
    """Then the cells hold it alone."""
    ios = adopted("ios", "available", services=["chatgpt/ios"])

    answer = ask(ios, service="chatgpt/ios")

    assert [one.service for one in answer.cells] == ["chatgpt/ios"]
    assert answer.state == "available"


def test_a_service_without_a_directive_of_its_own_is_the_roll_up_of_its_children() -> None:
    """Only the app is suspended; nobody said anything of the service."""
    ios = adopted("ios", "suspended", services=["chatgpt/ios"])

    cell = only(ios, service="chatgpt")

    assert (cell.service, cell.state, cell.access) == ("chatgpt", "suspended", "closed")
    assert [one.policy for one in cell.decided_by] == ["ios"]
    assert (cell.since, cell.until) == (None, None)
    assert (cell.changed_during_day, cell.transitions, cell.observed_state) == (False, (), None)
    assert only(ios, service="chatgpt", as_of="2024-01-31").state == "unknown"


def test_a_service_with_a_directive_of_its_own_shows_the_child_that_differs() -> None:
    """As an exception, not in the state."""
    offer = adopted("offer", "available", services=["chatgpt"])
    ios = adopted("ios", "suspended", services=["chatgpt/ios"])

    cell = only(offer, ios, service="chatgpt")

    assert cell.state == "available"
    assert exceptions(cell) == [("chatgpt/ios", "IT", "public", "suspended")]


def test_a_group_is_the_roll_up_of_its_members_on_the_day() -> None:
    """On 1 February 2020 the United Kingdom no longer counts."""
    offer = adopted("offer", "available", start="2019-01-01", regions=["FR", "IT"])
    ban = adopted("ban", "blocked", start="2019-01-01", regions=["GB"])

    before = only(offer, ban, region="EU", as_of="2020-01-31")
    after = only(offer, ban, region="EU", as_of="2020-02-01")

    assert before.state == "mixed"
    assert exceptions(before) == [
        ("api", "FR", "public", "available"),
        ("api", "GB", "public", "blocked"),
        ("api", "IT", "public", "available"),
    ]
    assert after.state == "available"
    assert exceptions(after) == []


def test_a_group_without_members_on_the_day_is_unknown() -> None:
    """There is nobody to ask for."""
    cell = only(adopted("offer", "available"), region="EU", as_of="1972-12-31")

    assert (cell.state, cell.conditions, cell.exceptions) == ("unknown", (), ())


def test_a_rolled_up_cell_has_the_conditions_that_all_of_its_parts_share() -> None:
    """Whatever differs stands in the exceptions."""
    paid = adopted("paid", "conditional", conditions=["paid tier"], regions=["FR", "IT"])
    more = adopted("more", "conditional", conditions=["age"], regions=["IT"])

    assert only(paid, region="EU").conditions == ("paid tier",)
    assert only(paid, more, region="EU").conditions == ()
    assert only(paid, more, region="EU").state == "conditional"
    assert len(exceptions(only(paid, more, region="EU"))) == 2


def test_a_rolled_up_cell_diverges_if_one_of_its_parts_does() -> None:
    """Law and practice fall apart somewhere inside."""
    offer = adopted("offer", "available", regions=["FR", "IT"])
    lax = adopted("lax", "blocked", authority="garante", regions=["IT"], enforced=False)

    assert only(offer, lax, region="EU").divergence
    assert not only(offer, region="EU").divergence


@pytest.mark.parametrize(
    ("service", "region"), [("api", "IT"), ("chatgpt", "IT"), ("api", "EU"), ("chatgpt", "EU")]
)
def test_a_list_and_an_explanation_give_one_answer(service: str, region: str) -> None:
    """They are two views of the rule, rolled up alike."""
    events = (
        adopted("paid", "conditional", conditions=["paid tier"], regions=["FR", "IT"]),
        adopted(
            "ios",
            "conditional",
            conditions=["age"],
            services=["chatgpt/ios"],
        ),
    )
    cell = Cell(provider="openai", service=service, region=region)

    listed = cell_answer(world(*events), cell, When.moment("2024-07-09"))

    assert listed == only(*events, service=service, region=region).answer


# Exceptions.


def test_a_subdivision_an_audience_and_both_are_exceptions() -> None:
    """Texas, the government, and the government of Texas."""
    offer = adopted("offer", "available")
    texas = adopted("texas", "suspended", regions=["US-TX"])
    state = adopted("state", "blocked", audiences=["government"])
    both = adopted("both", "not_offered", regions=["US-TX"], audiences=["government"])

    assert exceptions(only(offer, texas, region="US")) == [("api", "US-TX", "public", "suspended")]
    assert exceptions(only(offer, state, region="US")) == [("api", "US", "government", "blocked")]
    assert exceptions(only(offer, both, region="US")) == [
        ("api", "US-TX", "government", "not_offered")
    ]


def test_what_differs_not_or_lies_elsewhere_or_is_not_in_force_is_no_exception() -> None:
    """Only where the answer inside is another."""
    offer = adopted("offer", "available")
    same = adopted("same", "available", regions=["US-TX"])
    elsewhere = adopted("elsewhere", "blocked", regions=["FR-75C"])
    later = adopted("later", "blocked", regions=["US-TX"], start="2025-01-01")
    azure = adopted("azure", "blocked", providers=["microsoft"], regions=["US-TX"])

    cell = only(offer, same, elsewhere, later, azure, region="US")

    assert cell.exceptions == ()


def test_a_group_that_reaches_into_a_place_makes_exceptions_of_its_members_there() -> None:
    """The Union contains no part of the United States, but another group may."""
    joins = event(
        "registry.group_changed",
        stream="registry:group/SUN",
        data={"id": "SUN", "name": "Sun", "adds": ["US-TX", "FR"], "effective_from": "2020-01-01"},
    )
    ban = adopted("ban", "blocked", regions=["SUN"])

    cell = only(joins, adopted("offer", "available"), ban, region="US")

    assert exceptions(cell) == [("api", "US-TX", "public", "blocked")]


def test_what_differs_inside_of_a_part_of_a_roll_up_is_an_exception_too() -> None:
    """A subdivision or audience whose answer differs stands in the exceptions."""
    ios = {"services": ["chatgpt/ios"]}
    offer = adopted("offer", "available", **ios)
    texas = adopted("texas", "suspended", regions=["US-TX"], **ios)

    cell = only(offer, texas, service="chatgpt", region="US")

    assert ("chatgpt/ios", "US-TX", "public", "suspended") in exceptions(cell)


# Ends, pending and basis.


def test_an_answer_says_since_when_and_until_when_it_holds() -> None:
    """From all that is known, in the question's own kind."""
    offer = adopted("offer", "available", effective_until="2024-09-01")

    cell = only(offer)
    instant = only(offer, as_of="2024-07-09T00:00:00Z")

    assert (cell.since, cell.until) == (When.bound("2024-02-01"), When.bound("2024-09-01"))
    assert instant.until == When.bound("2024-09-01T07:00:00Z")
    assert [one.kind for one in cell.pending] == ["ending"]


def test_a_change_within_the_day_is_told_to_whoever_asks_for_the_day() -> None:
    """The state is that at its end; an instant has no transitions."""
    ban = adopted("ban", "blocked", start="2024-07-09T12:00:00Z")

    cell = only(adopted("offer", "available"), ban)

    assert (cell.state, cell.changed_during_day) == ("blocked", True)
    assert [one.state for one in cell.transitions] == ["blocked"]
    assert not only(ban, as_of="2024-07-09T13:00:00Z").changed_during_day


@pytest.mark.parametrize(
    ("as_of", "basis"),
    [
        ("2026-11-22", "recorded"),
        ("2026-11-23", "scheduled"),
        ("2026-11-22T12:00:00Z", "recorded"),
        ("2026-11-22T12:00:01Z", "scheduled"),
    ],
)
def test_what_lies_after_the_last_recording_is_answered_from_what_is_scheduled(
    as_of: str, basis: str
) -> None:
    """The record cannot know what happens after it was written."""
    assert only(as_of=as_of).basis == basis


def test_before_anything_was_recorded_there_is_no_recording_to_lie_after() -> None:
    """Position 0 has no time."""
    question = Question(provider="openai", region="IT", as_of=When.moment("2030-01-01"))

    answer = explain(world(), question, KnownAt(position=0, recorded_at=None))

    assert {one.basis for one in answer.cells} == {"recorded"}


def test_a_question_may_be_asked_for_an_audience() -> None:
    """What binds the government changes its answer and not that of the public."""
    ban = adopted("ban", "blocked", audiences=["government"])
    offer = adopted("offer", "available")

    assert only(offer, ban, audience="government").state == "blocked"
    assert only(offer, ban, audience="government/defence").state == "blocked"
    assert only(offer, ban).state == "available"
