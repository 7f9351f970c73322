"""What was to come, as it stood on a day."""

from typing import Any

from service.domain.events import Event
from service.domain.pending import Pending, PendingKind, changes_on, coming, pending
from service.domain.scope import Cell
from service.domain.times import When
from tests.builders import directive, event, world

API = Cell(provider="openai", service="api", region="IT")


def to_come(as_of: str, *events: Event, cell: Cell = API) -> list[tuple[str, str, str, str]]:
    """Return what was to come: kind, effect, from, until."""
    found = pending(world(*events), cell, When.moment(as_of))
    return [(one.kind, one.effect, *_ends(one)) for one in found]


def _ends(one: Pending) -> tuple[str, str]:
    ends = (one.effective_from, one.effective_until)
    start, end = ("" if when is None else when.text for when in ends)
    return start, end


def adopted(start: str | None = "2024-02-01", end: str | None = None, **fields: Any) -> Event:  # noqa: ANN401
    """OpenAI decides on 2024-01-01 to block its API."""
    effect = fields.pop("effect", "blocked")
    text = directive("api", effect, effective_from=start, effective_until=end, **fields)
    return event("policy.adopted", occurred_on="2024-01-01", data={"directives": [text]})


def step(name: str, day: str, **data: object) -> Event:
    """A step, decided on a day."""
    return event(f"policy.{name}", occurred_on=day, data=data)


def test_what_is_adopted_and_has_not_begun_is_scheduled() -> None:
    """From the day it was decided to the day before it begins."""
    policy = adopted("2024-02-01", "2024-06-01")

    assert to_come("2023-12-31", policy) == []
    assert to_come("2024-01-01", policy) == [("scheduled", "blocked", "2024-02-01", "2024-06-01")]
    assert to_come("2024-01-31", policy) == [("scheduled", "blocked", "2024-02-01", "2024-06-01")]
    assert to_come("2024-02-01", policy) == [("ending", "blocked", "2024-02-01", "2024-06-01")]
    assert to_come("2024-06-01", policy) == []


def test_what_is_adopted_and_undated_is_scheduled_for_no_day() -> None:
    """It comes last, since nobody knows when it comes."""
    undated = adopted(None)

    assert to_come("2024-01-01", undated) == [("scheduled", "blocked", "", "")]


def test_a_postponement_shows_from_the_day_it_was_decided() -> None:
    """On the day before, the old date was what everybody expected."""
    story = (adopted("2024-03-01"), step("scheduled", "2024-02-01", effective_from="2024-05-01"))

    assert to_come("2024-01-31", *story) == [("scheduled", "blocked", "2024-03-01", "")]
    assert to_come("2024-02-01", *story) == [("scheduled", "blocked", "2024-05-01", "")]


def test_a_repeal_to_come_shows_as_ending_until_it_is_reached() -> None:
    """With the day since when it holds and the day on which it will end."""
    end = step("repealed", "2024-04-01", effective_from="2024-06-01", reason="over")

    assert to_come("2024-03-31", adopted(), end) == []
    assert to_come("2024-04-01", adopted(), end) == [
        ("ending", "blocked", "2024-02-01", "2024-06-01")
    ]
    assert to_come("2024-06-01", adopted(), end) == []


def test_a_stay_to_come_is_an_end_and_its_own_end_a_resumption() -> None:
    """Both are known on the day that the court decides."""
    stay = step(
        "suspended",
        "2024-04-01",
        effective_from="2024-05-01",
        effective_until="2024-06-01",
        kind="stayed",
    )

    assert to_come("2024-04-01", adopted(), stay) == [
        ("ending", "blocked", "2024-02-01", "2024-05-01"),
        ("scheduled", "blocked", "2024-06-01", ""),
    ]
    assert to_come("2024-05-01", adopted(), stay) == [("scheduled", "blocked", "2024-06-01", "")]


def test_a_pause_to_come_is_an_end_and_the_enforcement_after_it_is_scheduled() -> None:
    """The law stands, but nobody will be held to it."""
    pause = step(
        "suspended",
        "2024-04-01",
        effective_from="2024-05-01",
        effective_until="2024-06-01",
        kind="enforcement_paused",
    )

    found = pending(world(adopted(), pause), API, When.moment("2024-04-01"))

    assert [(one.kind, one.enforced) for one in found] == [
        (PendingKind.ENDING, True),
        (PendingKind.SCHEDULED, True),
    ]


def test_an_amendment_to_come_is_scheduled_if_it_changes_something() -> None:
    """Effect, conditions or enforcement; the same text again is no change."""

    def amended(effect: str, **fields: object) -> Event:
        text = directive("api", effect, **fields)
        return step("amended", "2024-04-01", effective_from="2024-05-01", directives=[text])

    assert to_come("2024-04-01", adopted(), amended("not_offered")) == [
        ("scheduled", "not_offered", "2024-05-01", "")
    ]
    assert to_come("2024-04-01", adopted(), amended("blocked")) == []
    assert to_come("2024-04-01", adopted(), amended("blocked", enforced=False)) == [
        ("ending", "blocked", "2024-02-01", "2024-05-01")
    ] or to_come("2024-04-01", adopted(), amended("blocked", enforced=False)) == [
        ("scheduled", "blocked", "2024-05-01", "")
    ]
    paid = adopted(effect="conditional", conditions=["paid tier"])
    assert to_come("2024-04-01", paid, amended("conditional", conditions=["age"])) == [
        ("scheduled", "conditional", "2024-05-01", "")
    ]


def test_an_amendment_that_removes_the_key_is_an_end() -> None:
    """Also one whose new scope no longer reaches the cell."""
    gone = step("amended", "2024-04-01", effective_from="2024-05-01", removes=["api"])
    away = step(
        "amended",
        "2024-04-01",
        effective_from="2024-05-01",
        directives=[directive("api", regions=["FR"])],
    )

    for change in (gone, away):
        assert to_come("2024-04-01", adopted(), change) == [
            ("ending", "blocked", "2024-02-01", "2024-05-01")
        ]


def test_drafts_are_announced_or_proposed_until_they_are_decided() -> None:
    """Adoption, amendment and withdrawal end them, from that day on."""
    announced = event(
        "policy.announced",
        occurred_on="2023-03-01",
        data={"expected_on": "2024", "drafts": [directive()]},
    )
    proposed = event(
        "policy.proposed",
        stream="policy:bill",
        authority="garante",
        occurred_on="2023-04-01",
        data={"drafts": [directive("k", "blocked", effective_from="2024-05-01")]},
    )
    withdrawn = event(
        "policy.withdrawn",
        stream="policy:bill",
        authority="garante",
        occurred_on="2023-06-01",
        data={"reason": "x"},
    )

    assert to_come("2023-05-01", announced, proposed) == [
        ("proposed", "blocked", "2024-05-01", ""),
        ("announced", "blocked", "2024-12-31", ""),
    ]
    assert to_come("2023-06-01", announced, proposed, withdrawn) == [
        ("announced", "blocked", "2024-12-31", "")
    ]
    assert to_come("2024-01-01", announced, adopted()) == [
        ("scheduled", "blocked", "2024-02-01", "")
    ]


def test_what_had_not_occurred_by_then_was_not_to_come() -> None:
    """What was proposed in 2027 never shows on an answer for 2024, although we know it now."""
    later = event(
        "policy.proposed",
        stream="policy:bill",
        occurred_on="2027-03-01",
        data={"drafts": [directive()]},
    )

    assert to_come("2024-07-09", later) == []
    assert to_come("2027-02-28", later) == []
    assert len(to_come("2027-03-01", later)) == 1


def test_what_occurred_in_a_month_had_occurred_by_its_last_day() -> None:
    """A partial date counts as its last day."""
    vague = event("policy.announced", occurred_on="2024-02", data={"drafts": [directive()]})

    assert to_come("2024-02-28", vague) == []
    assert len(to_come("2024-02-29", vague)) == 1


def test_what_does_not_bind_or_does_not_reach_the_cell_is_not_pending() -> None:
    """Guidance is on the policy's page."""
    guidance = event(
        "policy.proposed",
        occurred_on="2023-04-01",
        binding=False,
        data={"drafts": [directive()]},
    )
    france = Cell(provider="openai", service="api", region="FR")

    assert to_come("2023-05-01", guidance) == []
    assert to_come("2024-01-15", adopted(regions=["IT"]), cell=france) == []


def test_for_an_instant_what_is_to_come_is_dated_in_instants() -> None:
    """A question has one kind of time."""
    assert to_come("2024-01-15T00:00:00Z", adopted()) == [
        ("scheduled", "blocked", "2024-02-01T08:00:00Z", "")
    ]
    assert to_come("2024-02-01T08:00:00Z", adopted()) == []


def test_what_is_to_come_cites_the_events_and_the_day_that_announced_it() -> None:
    """The text's own, and the step that brings it about."""
    policy = adopted()
    end = step("repealed", "2024-04-01", effective_from="2024-06-01", reason="over")

    (ending,) = pending(world(policy, end), API, When.moment("2024-04-01"))

    assert ending.events == (str(policy.id), str(end.id))
    assert ending.announced_on == When.bound("2024-04-01")
    assert (ending.authority, ending.policy, ending.key) == ("openai", "rules", "api")
    assert [one.publisher for one in ending.sources] == ["Example"]


def test_dated_changes_come_in_their_order_and_undated_ones_last() -> None:
    """An ending is placed by its end."""
    late = event(
        "policy.adopted",
        stream="policy:late",
        occurred_on="2024-01-01",
        data={"directives": [directive("k", "not_offered", effective_from="2024-09-01")]},
    )
    undated = event(
        "policy.adopted",
        stream="policy:a-first",
        occurred_on="2024-01-01",
        data={"directives": [directive("k", "suspended")]},
    )

    found = to_come("2024-03-01", undated, late, adopted("2024-02-01", "2024-06-01"))

    assert [one[1] for one in found] == ["blocked", "not_offered", "suspended"]


def test_what_is_to_come_anywhere_is_told_with_its_scope() -> None:
    """A calendar asks for no cell; it shows an ending at its end."""
    known = world(adopted("2024-02-01", "2024-06-01", regions=["FR"]), adopted_for_italy())

    found = coming(known, When.moment("2024-03-01"))

    assert [(one.kind, changes_on(one), scope.regions) for one, scope in found] == [
        ("scheduled", When.bound("2024-05-01"), ("IT",)),
        ("ending", When.bound("2024-06-01"), ("FR",)),
    ]


def adopted_for_italy() -> Event:
    """A regulator's order for Italy, from 2024-05-01 on."""
    text = directive("k", "blocked", effective_from="2024-05-01", regions=["IT"])
    return event(
        "policy.adopted",
        stream="policy:order",
        authority="garante",
        occurred_on="2024-02-01",
        data={"directives": [text]},
    )


def test_an_amendment_that_reaches_further_is_to_come_although_its_effect_is_the_same() -> None:
    """One more country on the list is the change that most people wait for."""
    wider = directive("api", "blocked", regions=["FR", "IT"])
    change = step("amended", "2024-04-01", effective_from="2024-05-01", directives=[wider])
    story = adopted(regions=["FR"]), change

    found = coming(world(*story), When.moment("2024-04-01"))

    assert to_come("2024-04-01", *story) == [("scheduled", "blocked", "2024-05-01", "")]
    assert [(one.kind, changes_on(one), scope.regions) for one, scope in found] == [
        ("scheduled", When.bound("2024-05-01"), ("FR", "IT"))
    ]
