"""Which step is allowed when, and the sentence for the one that is not."""

import pytest

from service.domain.errors import Refused
from service.domain.events import Event
from service.domain.history import as_known
from service.domain.policy import judge
from service.domain.registry import Registry
from tests.builders import corrected, directive, event, log, registry_events

CAST = Registry.of(log(*registry_events()))


def faults(*events: Event) -> list[Refused]:
    """Return what the lifecycle objects to."""
    return [fault for _, fault in judge("rules", as_known(log(*events)), CAST)]


def announced(day: str = "2023-01-01") -> Event:
    """An intention with a draft of one key."""
    return event("policy.announced", occurred_on=day, data={"drafts": [directive()]})


def proposed(day: str = "2023-02-01") -> Event:
    """A proposal with a draft of one key."""
    return event("policy.proposed", occurred_on=day, data={"drafts": [directive()]})


def adopted(day: str = "2024-01-01", effective_from: str | None = "2024-02-01") -> Event:
    """The adoption of one key."""
    data = {"directives": [directive(effective_from=effective_from)]}
    return event("policy.adopted", occurred_on=day, data=data)


def affirmed(day: str = "2024-06-01", effect: str = "not_offered") -> Event:
    """A statement of what holds."""
    return event(
        "access.affirmed", occurred_on=day, data={"directives": [directive("api", effect)]}
    )


def consulted(day: str) -> Event:
    """The opening of a consultation."""
    return event("policy.consulted", occurred_on=day, data={"phase": "opened"})


def withdrawn(day: str) -> Event:
    """The end of an attempt."""
    return event("policy.withdrawn", occurred_on=day, data={"reason": "a new draft"})


def reviewed(day: str) -> Event:
    """Somebody looked again."""
    return event("record.reviewed", occurred_on=day, data={"reviewed_on": day})


def amended(day: str, **data: object) -> Event:
    """An amendment, without more of one key from its own day on."""
    change = data or {"directives": [directive("api", "not_offered")]}
    return event("policy.amended", occurred_on=day, data={"effective_from": day, **change})


def scheduled(day: str, effective_from: str | None = "2025-01-01", **data: object) -> Event:
    """A commencement or postponement."""
    return event(
        "policy.scheduled", occurred_on=day, data={"effective_from": effective_from, **data}
    )


def suspended(day: str, **data: object) -> Event:
    """A stay from its own day on."""
    return event(
        "policy.suspended",
        occurred_on=day,
        data={"effective_from": day, "kind": "stayed", **data},
    )


def reinstated(day: str, **data: object) -> Event:
    """A reinstatement from its own day on."""
    return event("policy.reinstated", occurred_on=day, data={"effective_from": day, **data})


def repealed(day: str, **data: object) -> Event:
    """A repeal from its own day on."""
    change = {"effective_from": day, "reason": "no longer needed", **data}
    return event("policy.repealed", occurred_on=day, data=change)


@pytest.mark.parametrize("first", [announced(), proposed(), adopted(), affirmed()])
def test_a_policy_begins_with_an_intention_a_proposal_an_adoption_or_a_statement(
    first: Event,
) -> None:
    """Whatever was the first that anybody knew of it."""
    assert faults(first) == []


DAY = "2024-07-09"
BEFORE_ADOPTION = [
    consulted(DAY),
    scheduled(DAY),
    withdrawn(DAY),
    reviewed(DAY),
]
AFTER_ADOPTION = [amended(DAY), suspended(DAY), repealed(DAY), reinstated(DAY)]


@pytest.mark.parametrize("first", [*BEFORE_ADOPTION, *AFTER_ADOPTION], ids=lambda one: one.type)
def test_nothing_else_happens_to_a_policy_that_does_not_exist(first: Event) -> None:
    """The sentence tells what a policy begins with."""
    (fault,) = faults(first)

    assert fault.path == ("type",)
    assert first.type in fault.detail
    assert "does not exist yet" in fault.detail
    assert "policy.adopted" in fault.detail


@pytest.mark.parametrize(
    "then",
    [announced(DAY), proposed(DAY), adopted(DAY), affirmed(DAY), *BEFORE_ADOPTION],
    ids=lambda one: one.type,
)
def test_a_draft_may_still_become_anything(then: Event) -> None:
    """It is announced again, dated, consulted, adopted or given up."""
    assert faults(proposed(), then) == []


@pytest.mark.parametrize("then", AFTER_ADOPTION, ids=lambda one: one.type)
def test_a_draft_has_nothing_to_amend_suspend_or_repeal(then: Event) -> None:
    """It has no effect yet."""
    (fault,) = faults(proposed(), then)

    assert fault.path == ("type",)
    assert "is not adopted" in fault.detail


@pytest.mark.parametrize(
    "then",
    [
        consulted(DAY),
        reviewed(DAY),
        affirmed(DAY),
        amended(DAY),
        suspended(DAY),
        repealed(DAY),
    ],
    ids=lambda one: one.type,
)
def test_what_is_adopted_is_changed_by_steps(then: Event) -> None:
    """Each by an event of its own."""
    assert faults(adopted(), then) == []


@pytest.mark.parametrize(
    "then",
    [announced(DAY), proposed(DAY), adopted(DAY), withdrawn(DAY)],
    ids=lambda one: one.type,
)
def test_what_is_adopted_is_not_adopted_or_withdrawn_again(then: Event) -> None:
    """The sentence tells what is possible, and how to mend the record instead."""
    (fault,) = faults(adopted(), then)

    assert "is adopted" in fault.detail
    assert "record.corrected" in fault.detail


@pytest.mark.parametrize(
    "then", [proposed(DAY), adopted(DAY), scheduled(DAY), amended(DAY)], ids=lambda one: one.type
)
def test_nothing_happens_to_what_was_withdrawn(then: Event) -> None:
    """A new attempt is a new policy, with a stream of its own; only our record may be reviewed."""
    (fault,) = faults(proposed(), withdrawn("2023-06-01"), then)

    assert "is withdrawn" in fault.detail
    assert "a new policy" in fault.detail
    assert faults(proposed(), withdrawn("2023-06-01"), reviewed(DAY)) == []


def test_only_what_has_not_begun_can_be_scheduled() -> None:
    """On the day it begins it has begun; an undated text always waits."""
    assert faults(adopted(), scheduled("2024-01-31")) == []
    assert faults(adopted(effective_from=None), scheduled("2024-07-09")) == []

    (fault,) = faults(adopted(), scheduled("2024-02-01", directives=["api"]))

    assert fault.path == ("data", "directives", 0)
    assert "already begun" in fault.detail
    assert "policy.amended" in fault.detail


def test_a_step_on_all_needs_one_key_on_which_it_can_act() -> None:
    """Left out means all; if it can act on none of them the sentence says why."""
    (fault,) = faults(adopted(), scheduled("2024-02-01"))

    assert fault.path == ("data",)
    assert "already begun" in fault.detail


def test_only_what_is_suspended_or_repealed_can_be_reinstated() -> None:
    """Also before the suspension begins, and not once it is over."""
    brief = suspended("2024-03-01", effective_until="2024-04-01")

    assert faults(adopted(), suspended("2024-03-01"), reinstated("2024-04-01")) == []
    assert faults(adopted(), repealed("2024-03-01"), reinstated("2024-04-01")) == []
    assert faults(adopted(), repealed("2024-03-01", ab_initio=True), reinstated(DAY)) == []
    assert faults(adopted(), brief, reinstated("2024-03-31")) == []

    for story in ([], [brief], [suspended("2024-03-01"), reinstated("2024-04-01")]):
        (fault,) = faults(adopted(), *story, reinstated("2024-05-01", directives=["api"]))
        assert fault.path == ("data", "directives", 0)
        assert "neither suspended nor repealed" in fault.detail


def test_what_has_ended_cannot_be_repealed() -> None:
    """By a repeal that was reached or by an end of its own; before that day it can."""
    assert (
        faults(adopted(), repealed("2024-03-01", effective_from="2024-09-01"), repealed(DAY)) == []
    )

    (fault,) = faults(adopted(), repealed("2024-03-01"), repealed(DAY, directives=["api"]))

    assert fault.path == ("data", "directives", 0)
    assert "already ended" in fault.detail


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (scheduled("2024-01-15", directives=["apl"]), "directives"),
        (suspended(DAY, directives=["apl"]), "directives"),
        (repealed(DAY, directives=["apl"]), "directives"),
        (reinstated(DAY, directives=["apl"]), "directives"),
        (amended(DAY, removes=["apl"]), "removes"),
    ],
    ids=lambda one: one.type if isinstance(one, Event) else one,
)
def test_a_step_names_keys_that_exist(step: Event, field: str) -> None:
    """The nearest known key is offered."""
    (fault,) = faults(adopted(), step)

    assert fault.path == ("data", field, 0)
    assert fault.suggestion == "api"
    assert "it has api" in fault.detail


def test_a_draft_s_keys_can_be_scheduled() -> None:
    """A draft has keys before anything is adopted."""
    assert faults(proposed(), scheduled("2023-03-01", directives=["api"])) == []

    (fault,) = faults(proposed(), scheduled("2023-03-01", directives=["app"]))

    assert fault.path == ("data", "directives", 0)


def test_a_draft_without_directives_has_no_key_to_schedule() -> None:
    """The sentence says that there is none rather than listing nothing."""
    bare = event("policy.announced", occurred_on="2023-01-01")

    (fault,) = faults(bare, scheduled("2023-03-01", directives=["api"]))

    assert "no directive yet" in fault.detail
    assert faults(bare, scheduled("2023-03-01")) == []


def test_one_authority_gives_a_policy_its_texts() -> None:
    """What another decides is a policy of its own; a court's step on this one is welcome."""
    data = {"effective_from": DAY, "directives": [directive("api", "available")]}
    foreign = event("policy.amended", occurred_on=DAY, authority="garante", data=data)
    stay = {"effective_from": DAY, "kind": "stayed"}
    court = event("policy.suspended", occurred_on=DAY, authority="tribunal", data=stay)

    (fault,) = faults(adopted(), foreign)

    assert fault.path == ("authority",)
    assert fault.suggestion == "openai"
    assert "policy of its own" in fault.detail
    assert faults(adopted(), court) == []


def test_a_text_cannot_be_moved_to_or_behind_its_own_end() -> None:
    """It would be empty; other keys are told apart by name."""
    bounded = directive(effective_from="2024-02-01", effective_until="2024-06-01")
    policy = event("policy.adopted", occurred_on="2024-01-01", data={"directives": [bounded]})

    assert faults(policy, scheduled("2024-01-15", "2024-05-31")) == []
    for start in ("2024-06-01", "2024-06-02"):
        (fault,) = faults(policy, scheduled("2024-01-15", start))
        assert fault.path == ("data", "effective_from")
        assert "'api'" in fault.detail
        assert "empty or runs backward" in fault.detail


def test_each_bound_counts_in_the_calendar_of_whoever_set_it() -> None:
    """In Rome it is 9 August already, but the text ends when that day begins in Los Angeles."""
    bounded = directive(effective_from="2024-08-01", effective_until="2024-08-09")
    policy = event("policy.adopted", occurred_on="2024-01-01", data={"directives": [bounded]})
    data = {"effective_from": "2024-08-08T20:00:00-07:00"}
    moved = event("policy.scheduled", occurred_on=DAY, authority="tribunal", data=data)

    assert faults(policy, moved) == []


def test_an_amended_text_cannot_end_before_the_amendment_counts() -> None:
    """It would be empty, whatever its own beginning says."""
    brings = [directive("api", "not_offered", effective_until="2024-07-09")]

    (fault,) = faults(adopted(), amended("2024-07-09", directives=brings))

    assert fault.path == ("data", "directives", 0, "effective_until")
    assert faults(adopted(), amended("2024-07-08", directives=brings)) == []


def test_instants_of_one_day_make_a_period() -> None:
    """What was allowed from 08:00 to 20:00 was allowed."""
    brings = [directive("api", "available", effective_until="2024-07-09T20:00:00Z")]
    change = {"directives": brings, "effective_from": "2024-07-09T08:00:00Z"}
    backward = {"directives": brings, "effective_from": "2024-07-09T20:00:00Z"}

    assert faults(adopted(), amended("2024-07-09", **change)) == []
    assert len(faults(adopted(), amended("2024-07-09", **backward))) == 1


def test_a_step_is_judged_by_what_the_policy_was_on_its_own_day() -> None:
    """An event recorded late stands where it occurred."""
    assert faults(repealed("2024-09-01"), suspended("2024-03-01"), adopted()) == []

    (fault,) = faults(adopted(), suspended("2023-12-31"))

    assert "on 2023-12-31 policy:rules does not exist yet" in fault.detail


def test_what_is_recorded_late_must_leave_legal_what_was_recorded_before() -> None:
    """A repeal of May that is learned of now makes that of July impossible."""
    late = (adopted(), repealed("2024-07-09"), repealed("2024-05-01"))

    found = list(judge("rules", log(*late), Registry()))

    assert [recorded.position for recorded, _ in found] == [2]


def test_a_correction_is_judged_by_the_policy_that_it_leaves() -> None:
    """Without its adoption nothing can have been suspended."""
    start, stay = adopted(), suspended(DAY)

    assert len(faults(start, stay, corrected(start))) == 1
    assert faults(start, stay, corrected(stay), corrected(start)) == []
