"""The fold of a policy: what each key says on a day, from the steps that were decided.

``on`` asks one key at one moment. It answers ``None`` where nothing is in force, otherwise the
effect, with a question mark where nobody is held to it.
"""

from typing import Any

import pytest

from service.domain.directives import Text
from service.domain.events import Event
from service.domain.fold import Fold
from service.domain.history import as_known
from service.domain.registry import Registry
from service.domain.times import When
from tests.builders import corrected, directive, event, log, registry_events

ZONES = Registry.of(log(*registry_events()))


def texts(*events: Event) -> tuple[Text, ...]:
    """Fold a policy as known."""
    return Fold.of("rules", as_known(log(*events))).texts()


def on(moment: str, *events: Event, key: str = "api") -> str | None:
    """Return what a key says at a moment."""
    at = When.moment(moment)
    found = [
        text.effect + ("" if text.is_enforced(at, ZONES) else "?")
        for text in texts(*events)
        if text.key == key and text.binding and text.draft is None and text.in_force(at, ZONES)
    ]
    assert len(found) <= 1, "a key has one text at a time"
    return found[0] if found else None


def adopted(
    *directives: dict[str, Any],
    occurred_on: str = "2024-01-01",
    effective_from: str | None = "2024-02-01",
    **envelope: object,
) -> Event:
    """Adopt directives, without any the blocking of the API from 1 February 2024."""
    given = directives or (directive(effective_from=effective_from),)
    data = {"directives": list(given)}
    return event("policy.adopted", occurred_on=occurred_on, data=data, **envelope)


def amended(
    effect: str | None,
    *,
    occurred_on: str,
    effective_from: str,
    binding: bool = True,
    **fields: object,
) -> Event:
    """Amend the API's text, or without an effect remove it."""
    brings = {"directives": [directive("api", effect or "", **fields)]}
    change = brings if effect else {"removes": ["api"]}
    data = {"effective_from": effective_from, **change}
    return event("policy.amended", occurred_on=occurred_on, data=data, binding=binding)


def affirmed(effect: str, *, occurred_on: str, binding: bool = True, **fields: object) -> Event:
    """State what holds for the API."""
    data = {"directives": [directive("api", effect, **fields)]}
    return event("access.affirmed", occurred_on=occurred_on, data=data, binding=binding)


def step(
    name: str, effective_from: str | None, occurred_on: str | None = None, **fields: object
) -> Event:
    """Suspend, reinstate, repeal or schedule; decided on the day of effect if not said."""
    binding = fields.pop("binding", True)
    defaults = {"suspended": {"kind": "stayed"}, "repealed": {"reason": "no longer needed"}}
    data = {"effective_from": effective_from, **defaults.get(name, {}), **fields}
    day = occurred_on or effective_from
    return event(f"policy.{name}", occurred_on=day, data=data, binding=binding)


# Adoption.


def test_a_text_holds_from_its_first_day_until_the_day_before_its_end() -> None:
    """Periods are half-open: [from, until)."""
    bounded = directive(effective_from="2024-02-01", effective_until="2024-05-01")
    policy = adopted(bounded)

    assert on("2024-01-31", policy) is None
    assert on("2024-02-01", policy) == "blocked"
    assert on("2024-04-30", policy) == "blocked"
    assert on("2024-05-01", policy) is None


def test_an_undated_text_holds_on_no_day() -> None:
    """It is adopted, but nobody has said from when."""
    policy = adopted(effective_from=None)

    assert on("2030-01-01", policy) is None
    assert texts(policy)[0].effective_from is None


def test_a_text_may_hold_from_before_it_was_decided() -> None:
    """A law may reach back; what was known before is asked with ``known_at``."""
    policy = adopted(occurred_on="2024-06-24", effective_from="2024-02-01")

    assert on("2024-02-01", policy) == "blocked"


def test_a_directive_that_nobody_enforces_is_in_force_all_the_same() -> None:
    """Law and practice are told apart."""
    policy = adopted(directive(effective_from="2024-02-01", enforced=False))

    assert on("2024-02-01", policy) == "blocked?"


def test_a_text_knows_the_events_and_sources_it_rests_on() -> None:
    """Every answer can say why."""
    policy = adopted()
    moved = step("scheduled", "2024-03-01", "2024-01-15")

    (text,) = texts(policy, moved)

    assert text.events == (str(policy.id), str(moved.id))
    assert [one.url for one in text.sources] == ["https://example.org/notice"]
    assert text.name == "policy:rules#api"
    assert text.authority == "openai"


# Days and instants.


def test_a_date_is_asked_at_the_end_of_the_day_and_an_instant_at_the_instant() -> None:
    """A text from 20:00 on is in force on that day, and not yet at noon."""
    policy = adopted(directive(effective_from="2024-02-01T20:00:00-08:00"))

    assert on("2024-02-01", policy) == "blocked"
    assert on("2024-02-02T03:59:59Z", policy) is None
    assert on("2024-02-02T04:00:00Z", policy) == "blocked"


def test_a_date_begins_at_midnight_where_the_authority_is() -> None:
    """1 February begins in Los Angeles when it is 08:00 in UTC."""
    policy = adopted()

    assert on("2024-02-01T07:59:59Z", policy) is None
    assert on("2024-02-01T08:00:00Z", policy) == "blocked"


def test_a_step_counts_in_the_calendar_of_the_authority_that_took_it() -> None:
    """A court in Rome stays a Californian rule at midnight in Rome."""
    data = {"effective_from": "2024-03-01", "kind": "stayed"}
    stay = event("policy.suspended", occurred_on="2024-03-01", authority="tribunal", data=data)

    assert on("2024-02-29T22:59:59Z", adopted(), stay) == "blocked"
    assert on("2024-02-29T23:00:00Z", adopted(), stay) is None


def test_a_text_ended_within_its_last_day_no_longer_holds_at_the_end_of_it() -> None:
    """A date-only answer is the state at the end of that day."""
    hours = directive(effective_from="2024-02-01T08:00:00Z", effective_until="2024-02-01T20:00:00Z")

    assert on("2024-02-01", adopted(hours)) is None
    assert on("2024-02-01T12:00:00Z", adopted(hours)) == "blocked"
    assert on("2024-02-01T20:00:00Z", adopted(hours)) is None


# Amendments.


def test_an_amendment_replaces_the_text_from_its_date_and_the_old_holds_until_then() -> None:
    """The new text is whole, not a patch."""
    change = amended("not_offered", occurred_on="2024-03-01", effective_from="2024-04-01")

    assert on("2024-03-31", adopted(), change) == "blocked"
    assert on("2024-04-01", adopted(), change) == "not_offered"


def test_an_amendment_before_the_old_text_begins_replaces_it_unheard() -> None:
    """The old text never is in force."""
    policy = adopted(effective_from="2024-06-01")
    change = amended("not_offered", occurred_on="2024-03-01", effective_from="2024-04-01")

    assert on("2024-03-31", policy, change) is None
    assert on("2024-04-01", policy, change) == "not_offered"
    assert on("2024-06-01", policy, change) == "not_offered"


def test_an_amendment_after_the_old_text_begins_leaves_it_its_time() -> None:
    """Both are dated ahead; each has its period."""
    policy = adopted(effective_from="2024-06-01")
    change = amended("not_offered", occurred_on="2024-03-01", effective_from="2024-08-01")

    assert on("2024-05-31", policy, change) is None
    assert on("2024-07-31", policy, change) == "blocked"
    assert on("2024-08-01", policy, change) == "not_offered"


@pytest.mark.parametrize(
    ("own", "day", "expected"),
    [
        ("2024-05-01", "2024-04-30", None),
        ("2024-05-01", "2024-05-01", "not_offered"),
        ("2024-03-15", "2024-03-31", "blocked"),
        ("2024-03-15", "2024-04-01", "not_offered"),
    ],
)
def test_an_amended_text_begins_at_the_later_of_two_dates(
    own: str, day: str, expected: str | None
) -> None:
    """From the amendment's date it is the key's text, from its own date it speaks."""
    later = [directive("api", "not_offered", effective_from=own)]
    data = {"effective_from": "2024-04-01", "directives": later}
    change = event("policy.amended", occurred_on="2024-03-01", data=data)

    assert on(day, adopted(), change) == expected


def test_a_later_amendment_with_an_earlier_date_is_the_text_from_then_on() -> None:
    """What was decided last is what is meant, also for the time after the other's date."""
    first = amended("not_offered", occurred_on="2024-03-01", effective_from="2024-06-01")
    second = amended("suspended", occurred_on="2024-03-15", effective_from="2024-04-01")

    assert on("2024-04-01", adopted(), first, second) == "suspended"
    assert on("2024-06-01", adopted(), first, second) == "suspended"


def test_an_amended_text_that_ends_does_not_bring_the_old_one_back() -> None:
    """It had replaced it."""
    change = amended(
        "not_offered",
        occurred_on="2024-03-01",
        effective_from="2024-04-01",
        effective_until="2024-05-01",
    )

    assert on("2024-04-30", adopted(), change) == "not_offered"
    assert on("2024-05-01", adopted(), change) is None


def test_an_amendment_removes_a_key_from_its_date() -> None:
    """Other keys are not touched, and the key may be used again."""
    both = adopted(
        directive("api", effective_from="2024-02-01"),
        directive("app", effective_from="2024-02-01", services=["chatgpt"]),
    )
    gone = amended(None, occurred_on="2024-03-01", effective_from="2024-04-01")
    back = amended("suspended", occurred_on="2024-05-01", effective_from="2024-06-01")

    assert on("2024-03-31", both, gone) == "blocked"
    assert on("2024-04-01", both, gone) is None
    assert on("2024-04-01", both, gone, key="app") == "blocked"
    assert on("2024-06-01", both, gone, back) == "suspended"


def test_a_new_key_stands_beside_the_others() -> None:
    """An amendment may widen a policy."""
    data = {
        "effective_from": "2024-04-01",
        "directives": [directive("app", "not_offered", services=["chatgpt"])],
    }
    wider = event("policy.amended", occurred_on="2024-03-01", data=data)

    assert on("2024-04-01", adopted(), wider) == "blocked"
    assert on("2024-04-01", adopted(), wider, key="app") == "not_offered"


# Commencement and postponement.


def test_an_undated_text_begins_when_it_is_scheduled() -> None:
    """Commencement: the law is there, its day comes later."""
    policy = adopted(effective_from=None)
    dated = step("scheduled", "2024-03-01", "2024-02-01")

    assert on("2024-02-29", policy, dated) is None
    assert on("2024-03-01", policy, dated) == "blocked"


def test_a_beginning_may_be_moved_twice_and_taken_away_and_dated_again() -> None:
    """Each step is about what has not begun."""
    story = [
        adopted(effective_from="2024-03-01"),
        step("scheduled", "2024-05-01", "2024-02-01"),
        step("scheduled", None, "2024-04-01"),
        step("scheduled", "2024-07-01", "2024-06-01"),
    ]

    assert on("2024-03-01", *story[:1]) == "blocked"
    assert on("2024-04-30", *story[:2]) is None
    assert on("2024-05-01", *story[:2]) == "blocked"
    assert on("2030-01-01", *story[:3]) is None
    assert on("2024-06-30", *story) is None
    assert on("2024-07-01", *story) == "blocked"


def test_while_a_new_text_is_postponed_the_old_one_holds_on() -> None:
    """Otherwise a postponement would open what was never meant to open."""
    story = [
        adopted(),
        amended("not_offered", occurred_on="2024-03-01", effective_from="2024-04-01"),
        step("scheduled", "2024-06-01", "2024-03-15"),
        step("scheduled", None, "2024-05-01"),
        step("scheduled", "2024-08-01", "2024-07-01"),
    ]

    assert on("2024-05-31", *story[:3]) == "blocked"
    assert on("2024-06-01", *story[:3]) == "not_offered"
    assert on("2030-01-01", *story[:4]) == "blocked"
    assert on("2024-07-31", *story) == "blocked"
    assert on("2024-08-01", *story) == "not_offered"


def test_a_schedule_moves_only_what_has_not_begun_and_only_the_keys_it_names() -> None:
    """What began has begun; to stop it is another step."""
    story = [
        adopted(
            directive("api", effective_from="2024-02-01"),
            directive("app", effective_from="2024-04-01"),
            directive("ios", effective_from="2024-04-01"),
        ),
        step("scheduled", "2024-06-01", "2024-03-01", directives=["api", "app"]),
    ]

    assert on("2024-03-01", *story) == "blocked"
    assert on("2024-04-01", *story, key="app") is None
    assert on("2024-06-01", *story, key="app") == "blocked"
    assert on("2024-04-01", *story, key="ios") == "blocked"


def test_a_text_that_begins_on_the_day_of_the_schedule_has_begun() -> None:
    """A day counts from its beginning."""
    moved = step("scheduled", "2024-06-01", "2024-02-01")

    assert on("2024-02-01", adopted(), moved) == "blocked"


# Suspensions.


def test_a_stay_takes_the_legal_effect_until_its_end() -> None:
    """The suspension has a period of its own, half-open too."""
    stay = step("suspended", "2024-03-01", effective_until="2024-04-01")

    assert on("2024-02-29", adopted(), stay) == "blocked"
    assert on("2024-03-01", adopted(), stay) is None
    assert on("2024-03-31", adopted(), stay) is None
    assert on("2024-04-01", adopted(), stay) == "blocked"


def test_a_stay_without_an_end_lasts_until_it_is_lifted() -> None:
    """Reinstatement counts from its own date, not from the day it was decided."""
    stay = step("suspended", "2024-03-01")
    lifted = step("reinstated", "2024-06-01", "2024-05-01")

    assert on("2030-01-01", adopted(), stay) is None
    assert on("2024-05-31", adopted(), stay, lifted) is None
    assert on("2024-06-01", adopted(), stay, lifted) == "blocked"


def test_a_pause_leaves_the_law_standing() -> None:
    """Nobody is held to it; the state differs from the legal state."""
    pause = step("suspended", "2024-03-01", kind="enforcement_paused", effective_until="2024-04-01")

    assert on("2024-03-01", adopted(), pause) == "blocked?"
    assert on("2024-04-01", adopted(), pause) == "blocked"


def test_a_suspension_reaches_the_keys_it_names() -> None:
    """Left out, it means all keys that there are by then."""
    two = adopted(
        directive("api", effective_from="2024-02-01"),
        directive("app", effective_from="2024-02-01"),
    )
    one_key = step("suspended", "2024-03-01", directives=["api"])
    every_key = step("suspended", "2024-03-01")

    assert on("2024-03-01", two, one_key) is None
    assert on("2024-03-01", two, one_key, key="app") == "blocked"
    assert on("2024-03-01", two, every_key, key="app") is None


def test_a_stay_is_one_of_the_key_and_reaches_a_text_that_replaces_its_text() -> None:
    """An amendment of a stayed rule does not put it into force."""
    stay = step("suspended", "2024-03-01")
    change = amended("not_offered", occurred_on="2024-04-01", effective_from="2024-05-01")

    assert on("2024-05-01", adopted(), stay, change) is None


def test_a_stay_decided_and_lifted_before_it_began_never_was() -> None:
    """The reinstatement reaches every suspension decided before it."""
    stay = step("suspended", "2024-06-01", "2024-03-01")
    lifted = step("reinstated", "2024-05-01", "2024-04-01")

    assert on("2024-06-01", adopted(), stay, lifted) == "blocked"


def test_a_stay_decided_after_a_reinstatement_is_not_ended_by_it() -> None:
    """Steps count in the order in which they were decided."""
    story = [
        step("suspended", "2024-03-01"),
        step("reinstated", "2024-06-01", "2024-04-01"),
        step("suspended", "2024-05-01"),
    ]

    assert on("2024-07-01", adopted(), *story) is None


def test_reinstatement_does_not_enforce_what_was_never_enforced() -> None:
    """``enforced: false`` is part of the text, which only an amendment changes."""
    lax = adopted(directive(effective_from="2024-02-01", enforced=False))
    pause = step("suspended", "2024-03-01", kind="enforcement_paused")
    lifted = step("reinstated", "2024-04-01")

    assert on("2024-05-01", lax, pause, lifted) == "blocked?"


# Repeals.


def test_a_repeal_ends_a_text_on_its_date() -> None:
    """Expiry and annulment are recorded the same way."""
    end = step("repealed", "2024-04-01", "2024-03-01")

    assert on("2024-03-31", adopted(), end) == "blocked"
    assert on("2024-04-01", adopted(), end) is None


def test_an_annulment_from_the_beginning_leaves_no_day_on_which_it_held() -> None:
    """Ab initio: as if it never was, whatever the date says."""
    end = step("repealed", "2024-04-01", ab_initio=True)

    assert on("2024-02-01", adopted(), end) is None
    assert on("2024-03-31", adopted(), end) is None
    assert on("2024-04-01", adopted(), end) is None


def test_a_repeal_names_keys_or_means_all() -> None:
    """A partial repeal leaves the rest in force."""
    two = adopted(
        directive("api", effective_from="2024-02-01"),
        directive("app", effective_from="2024-02-01"),
    )
    end = step("repealed", "2024-04-01", directives=["api"])

    assert on("2024-04-01", two, end) is None
    assert on("2024-04-01", two, end, key="app") == "blocked"


def test_what_was_repealed_is_reinstated() -> None:
    """The time between is not healed: only what comes after the reinstatement."""
    end = step("repealed", "2024-04-01")
    back = step("reinstated", "2024-06-01")

    assert on("2024-05-31", adopted(), end, back) is None
    assert on("2024-06-01", adopted(), end, back) == "blocked"


def test_what_was_annulled_from_the_beginning_is_reinstated_from_a_day_on() -> None:
    """A tribunal puts an order back for the future."""
    end = step("repealed", "2024-04-01", ab_initio=True)
    back = step("reinstated", "2024-06-01")

    assert on("2024-03-01", adopted(), end, back) is None
    assert on("2024-06-01", adopted(), end, back) == "blocked"


def test_a_repeal_taken_back_before_its_date_never_happens() -> None:
    """A reinstatement decided before the end was reached undoes it, whatever its own date."""
    end = step("repealed", "2024-06-01", "2024-03-01")
    back = step("reinstated", "2024-05-01", "2024-04-01")

    assert on("2024-06-01", adopted(), end, back) == "blocked"


def test_a_text_decided_after_the_repeal_was_reached_lives() -> None:
    """The key may be used again; the repeal ended what was decided before it."""
    end = step("repealed", "2024-04-01")
    again = affirmed("not_offered", occurred_on="2024-05-01")

    assert on("2024-04-30", adopted(), end, again) is None
    assert on("2024-05-01", adopted(), end, again) == "not_offered"


def test_a_text_decided_on_the_day_that_the_end_is_reached_lives() -> None:
    """A rule is renewed on the day that it expires."""
    end = step("repealed", "2024-06-01", "2024-03-01")
    again = affirmed("not_offered", occurred_on="2024-06-01")

    assert on("2024-06-01", adopted(), end, again) == "not_offered"


def test_a_text_decided_between_the_decision_and_its_date_ends_with_the_rest() -> None:
    """A reached end ends every text decided before it."""
    end = step("repealed", "2024-06-01", "2024-03-01")
    change = amended("not_offered", occurred_on="2024-04-01", effective_from="2024-05-01")

    assert on("2024-05-31", adopted(), end, change) == "not_offered"
    assert on("2024-06-01", adopted(), end, change) is None


def test_a_repeal_ends_the_suspensions_decided_before_it() -> None:
    """What comes to life again later is not stayed by a forgotten court."""
    stay = step("suspended", "2024-03-01")
    end = step("repealed", "2024-04-01")
    again = affirmed("not_offered", occurred_on="2024-05-01")

    assert on("2024-05-01", adopted(), stay, end, again) == "not_offered"


def test_an_annulment_ends_the_suspensions_decided_before_it() -> None:
    """As if there had been nothing to suspend."""
    stay = step("suspended", "2024-03-01")
    end = step("repealed", "2024-04-01", ab_initio=True)
    again = affirmed("not_offered", occurred_on="2024-05-01")

    assert on("2024-05-01", adopted(), stay, end, again) == "not_offered"


def test_a_suspension_decided_after_the_repeal_is_not_ended_by_it() -> None:
    """It is about what was decided since."""
    end = step("repealed", "2024-04-01")
    again = affirmed("not_offered", occurred_on="2024-05-01")
    stay = step("suspended", "2024-06-01")

    assert on("2024-06-01", adopted(), end, again, stay) is None


def test_a_repeal_that_is_taken_back_in_time_ends_no_suspension() -> None:
    """The reinstatement ends it, on the reinstatement's own date."""
    stay = step("suspended", "2024-03-01")
    end = step("repealed", "2024-06-01", "2024-04-01")
    back = step("reinstated", "2024-05-20", "2024-05-01")

    assert on("2024-05-19", adopted(), stay, end, back) is None
    assert on("2024-05-20", adopted(), stay, end, back) == "blocked"


def test_a_repeal_that_never_happened_ends_no_later_suspension() -> None:
    """It was taken back before anything was suspended."""
    end = step("repealed", "2024-08-01", "2024-03-01")
    back, stay = step("reinstated", "2024-04-01"), step("suspended", "2024-05-01")

    assert on("2024-04-30", adopted(), end, back, stay) == "blocked"
    assert on("2024-08-01", adopted(), end, back, stay) is None


def test_a_text_that_lapses_takes_its_suspension_with_it() -> None:
    """A reached end of its own ends a suspension as a repeal does."""
    brief = adopted(directive(effective_from="2024-02-01", effective_until="2024-04-01"))
    stay = step("suspended", "2024-03-01")
    again = affirmed("not_offered", occurred_on="2024-05-01")

    assert on("2024-05-01", brief, stay, again) == "not_offered"


def test_the_end_of_a_text_that_was_replaced_before_ends_no_suspension() -> None:
    """That end is never reached."""
    brief = adopted(directive(effective_from="2024-02-01", effective_until="2024-06-01"))
    stay = step("suspended", "2024-03-01")
    change = amended("not_offered", occurred_on="2024-04-01", effective_from="2024-05-01")

    assert on("2024-06-01", brief, stay, change) is None


def test_a_removed_key_takes_its_suspension_with_it() -> None:
    """A reached end ends every suspension decided before it, and a removal is an end."""
    stay = step("suspended", "2024-03-01")
    gone = amended(None, occurred_on="2024-04-01", effective_from="2024-04-01")
    back = amended("not_offered", occurred_on="2024-05-01", effective_from="2024-06-01")

    assert on("2024-06-01", adopted(), stay, gone, back) == "not_offered"


def test_a_suspension_decided_after_the_removal_is_not_ended_by_it() -> None:
    """It is about the text that came back."""
    gone = amended(None, occurred_on="2024-04-01", effective_from="2024-04-01")
    back = amended("not_offered", occurred_on="2024-05-01", effective_from="2024-05-01")
    stay = step("suspended", "2024-06-01")

    assert on("2024-05-31", adopted(), gone, back, stay) == "not_offered"
    assert on("2024-06-01", adopted(), gone, back, stay) is None


# Affirmations.


def test_an_affirmation_of_the_text_in_force_renews_it() -> None:
    """It keeps its date and its place, and is one more reason to believe it."""
    policy, again = adopted(), affirmed("blocked", occurred_on="2024-06-01")

    (text,) = texts(policy, again)

    assert text.effective_from == When.bound("2024-02-01")
    assert text.position == 1
    assert text.events == (str(policy.id), str(again.id))


def test_an_affirmation_that_names_the_date_of_the_text_renews_it_too() -> None:
    """Equal to the text in force, in every field."""
    again = affirmed("blocked", occurred_on="2024-06-01", effective_from="2024-02-01")

    assert len(texts(adopted(), again)) == 1


def test_guidance_that_says_the_same_renews_nothing() -> None:
    """What does not bind is no reason to believe that something binds."""
    guidance = affirmed("blocked", occurred_on="2024-06-01", binding=False)

    old, new = texts(adopted(), guidance)

    assert str(guidance.id) not in old.events
    assert (old.binding, new.binding) == (True, False)


@pytest.mark.parametrize(
    "fields",
    [
        {"effect": "not_offered"},
        {"effective_from": "2024-03-01"},
        {"effective_until": "2025-01-01"},
        {"enforced": False},
        {"conditions": ["licence"], "effect": "conditional"},
        {"implemented_by": "garante"},
        {"overrides": ["policy:other#api"]},
        {"services": ["chatgpt"]},
        {"providers": ["openai", "microsoft"]},
        {"regions": ["IT"]},
        {"audiences": ["government"]},
    ],
)
def test_an_affirmation_of_anything_else_is_a_new_text(fields: dict[str, Any]) -> None:
    """It holds from its own date, or else from the day of the statement."""
    effect = fields.pop("effect", "blocked")
    statement = affirmed(effect, occurred_on="2024-06-01", **fields)

    old, new = texts(adopted(), statement)

    start = fields.get("effective_from", "2024-06-01")
    assert new.effective_from == When.bound(start)
    assert new.position == 2
    assert old.effective_until == When.bound(start)


def test_the_order_in_which_a_scope_is_listed_makes_no_new_text() -> None:
    """A scope is a set of combinations: the same countries in another order are the same."""
    policy = adopted(directive(effective_from="2024-02-01", regions=["CN", "HK"]))
    again = affirmed("blocked", occurred_on="2024-06-01", regions=["HK", "CN"])

    assert len(texts(policy, again)) == 1


def test_an_affirmation_of_what_is_not_in_force_is_a_new_text() -> None:
    """Not yet begun, or stayed: the statement says that it holds now."""
    early = affirmed("blocked", occurred_on="2024-01-15")
    stay = step("suspended", "2024-03-01")
    late = affirmed("blocked", occurred_on="2024-06-01")

    assert len(texts(adopted(), early)) == 2
    assert len(texts(adopted(), stay, late)) == 2


def test_a_policy_may_begin_with_an_affirmation() -> None:
    """Of many provider's lists the first thing known is that they stand."""
    assert on("2024-05-31", affirmed("available", occurred_on="2024-06-01")) is None
    assert on("2024-06-01", affirmed("available", occurred_on="2024-06-01")) == "available"


# What does not bind.


def test_guidance_neither_replaces_nor_ends_what_binds() -> None:
    """Recorded and shown, never resolved."""
    story = [
        amended("available", occurred_on="2024-03-01", effective_from="2024-03-01", binding=False),
        amended(None, occurred_on="2024-03-02", effective_from="2024-03-02", binding=False),
        affirmed("conditional", occurred_on="2024-03-03", conditions=["age"], binding=False),
        step("suspended", "2024-03-04", binding=False),
        step("repealed", "2024-03-05", binding=False),
    ]

    assert on("2024-04-01", adopted(), *story) == "blocked"


def test_a_step_that_does_not_bind_neither_moves_nor_reinstates() -> None:
    """A recommendation to postpone postpones nothing."""
    moved = step("scheduled", "2024-06-01", "2024-01-15", binding=False)
    end, back = step("repealed", "2024-04-01"), step("reinstated", "2024-05-01", binding=False)

    assert on("2024-02-01", adopted(), moved) == "blocked"
    assert on("2024-06-01", adopted(), end, back) is None


def test_the_end_of_what_does_not_bind_ends_no_suspension_of_what_does() -> None:
    """Guidance for April does not lift a court's stay in May."""
    stay = step("suspended", "2024-03-01")
    guidance = affirmed(
        "conditional",
        occurred_on="2024-04-01",
        effective_until="2024-05-01",
        conditions=["age"],
        binding=False,
    )

    assert on("2024-06-01", adopted(), stay, guidance) is None


def test_what_binds_does_not_end_what_does_not() -> None:
    """The two are told apart in both directions: a guideline is replaced by a guideline."""
    guidance = affirmed("not_offered", occurred_on="2024-03-01", binding=False)
    change = amended("suspended", occurred_on="2024-04-01", effective_from="2024-04-01")
    end = step("repealed", "2024-05-01")

    told = [text for text in texts(adopted(), guidance, change, end) if not text.binding]

    assert [(one.effect, one.ends, one.repeals) for one in told] == [("not_offered", (), ())]


# Drafts.


def test_a_draft_ends_with_the_next_adoption_amendment_or_withdrawal() -> None:
    """After that it says nothing of what is to come."""
    draft = event(
        "policy.proposed",
        occurred_on="2023-06-01",
        data={"drafts": [directive()], "expected_on": "2024"},
    )
    withdrawn = event("policy.withdrawn", occurred_on="2023-09-01", data={"reason": "a new draft"})

    assert texts(draft)[0].draft == "proposed"
    assert texts(draft)[0].effective_from == When.bound("2024-12-31")
    assert texts(draft)[0].ends == ()
    assert texts(draft, withdrawn)[0].effective_until == When.bound("2023-09-01")
    assert texts(draft, adopted())[0].effective_until == When.bound("2024-01-01")


def test_a_withdrawal_ends_every_draft() -> None:
    """Nothing more comes of the attempt, whether it would have bound or not."""
    data = {"drafts": [directive()]}
    guidance = event("policy.proposed", occurred_on="2023-06-01", binding=False, data=data)
    withdrawn = event("policy.withdrawn", occurred_on="2023-09-01", data={"reason": "a new draft"})

    assert texts(guidance, withdrawn)[0].effective_until == When.bound("2023-09-01")


def test_a_draft_is_expected_on_its_own_date_before_that_of_its_policy() -> None:
    """A bill that comes in steps says when each of them begins."""
    drafts = [directive("api", effective_from="2024-05-01"), directive("app")]
    data = {"drafts": drafts, "expected_on": "2024"}

    api, app = texts(event("policy.proposed", occurred_on="2023-06-01", data=data))

    assert api.effective_from == When.bound("2024-05-01")
    assert app.effective_from == When.bound("2024-12-31")


def test_a_draft_may_be_dated_by_a_schedule() -> None:
    """An announced launch is moved before anything is adopted."""
    draft = event("policy.announced", occurred_on="2023-06-01", data={"drafts": [directive()]})
    dated = step("scheduled", "2024-03-01", "2023-07-01")
    other = step("scheduled", "2024-03-01", "2023-07-01", directives=["app"])

    assert texts(draft)[0].effective_from is None
    assert texts(draft)[0].draft == "announced"
    assert texts(draft, dated)[0].effective_from == When.bound("2024-03-01")
    assert texts(draft, other)[0].effective_from is None


def test_an_adoption_that_does_not_bind_ends_no_draft_that_would() -> None:
    """Guidance on the way to a law is not the law."""
    draft = event("policy.proposed", occurred_on="2023-06-01", data={"drafts": [directive()]})
    guidance = adopted(occurred_on="2023-09-01", binding=False)

    assert texts(draft, guidance)[0].ends == ()


# The order of the fold.


def test_events_fold_by_when_they_occurred_however_late_they_are_recorded() -> None:
    """The log learns of an amendment first and of the adoption it amends years later."""
    change = amended("not_offered", occurred_on="2024-03-01", effective_from="2024-04-01")

    assert on("2024-04-01", change, adopted()) == "not_offered"
    assert on("2024-03-31", change, adopted()) == "blocked"


def test_of_two_events_of_one_day_the_one_recorded_later_folds_later() -> None:
    """The position decides where the calendar cannot."""
    first = amended("not_offered", occurred_on="2024-03-01", effective_from="2024-04-01")
    second = amended("suspended", occurred_on="2024-03-01", effective_from="2024-04-01")

    assert on("2024-04-01", adopted(), first, second) == "suspended"
    assert on("2024-04-01", adopted(), second, first) == "not_offered"


def test_a_month_folds_as_its_last_day() -> None:
    """What occurred in March is later than what occurred on the 15th of it."""
    vague = amended("suspended", occurred_on="2024-03", effective_from="2024-04-01")
    exact = amended("not_offered", occurred_on="2024-03-15", effective_from="2024-04-01")

    assert on("2024-04-01", adopted(), vague, exact) == "suspended"


def test_on_one_day_what_has_only_a_date_folds_before_what_has_an_hour() -> None:
    """A date says that it was so from the beginning of the day."""
    hour = amended("suspended", occurred_on="2024-03-01T09:00:00Z", effective_from="2024-04-01")
    day = amended("not_offered", occurred_on="2024-03-01", effective_from="2024-04-01")

    assert on("2024-04-01", adopted(), hour, day) == "suspended"


def test_an_undated_affirmation_of_a_month_holds_from_the_last_day_of_it() -> None:
    """A bound is a day."""
    statement = affirmed("available", occurred_on="2024-03")

    assert on("2024-03-30", statement) is None
    assert on("2024-03-31", statement) == "available"
    assert texts(statement)[0].effective_from == When.bound("2024-03-31")


# Corrections.


def test_a_replacement_folds_in_the_place_of_its_target() -> None:
    """Our record said February, the decree said March."""
    wrong, right = adopted(), adopted(effective_from="2024-03-01")
    change = amended("not_offered", occurred_on="2024-05-01", effective_from="2024-06-01")
    story = (wrong, change, corrected(wrong, right))

    assert on("2024-02-29", *story) is None
    assert on("2024-03-01", *story) == "blocked"
    assert on("2024-06-01", *story) == "not_offered"


def test_a_retracted_step_never_happened_and_a_retracted_retraction_did() -> None:
    """Corrections of corrections reach the fold."""
    end = step("repealed", "2024-04-01")
    undone = corrected(end)

    assert on("2024-05-01", adopted(), end, undone) == "blocked"
    assert on("2024-05-01", adopted(), end, undone, corrected(undone)) is None


# What an answer shows of a text.


def test_the_end_that_is_foreseen_is_the_first_that_is_not_undone() -> None:
    """Its own, that of a newer text, or a repeal; a repeal taken back is none."""
    bounded = adopted(directive(effective_from="2024-02-01", effective_until="2024-12-01"))
    end, back = step("repealed", "2024-06-01"), step("reinstated", "2024-07-01")

    assert texts(bounded)[0].effective_until == When.bound("2024-12-01")
    assert texts(bounded, end)[0].effective_until == When.bound("2024-06-01")
    assert texts(bounded, end, back)[0].effective_until == When.bound("2024-12-01")
    assert texts(adopted())[0].effective_until is None


def test_a_text_names_every_bound_at_which_it_may_change() -> None:
    """A timeline asks the rule at each of them and at no other."""
    bounded = adopted(directive(effective_from="2024-02-01", effective_until="2024-12-01"))
    stay = step("suspended", "2024-03-01", effective_until="2024-04-01")
    pause = step("suspended", "2024-05-01", kind="enforcement_paused")
    end = step("repealed", "2024-11-01", "2024-06-01")

    (text,) = texts(bounded, stay, pause, end)

    assert {bound.when.text for bound in text.bounds()} >= {
        "2024-02-01",
        "2024-03-01",
        "2024-04-01",
        "2024-05-01",
        "2024-11-01",
        "2024-12-01",
    }
