"""What no other test noticed when one thing in the core was changed (``tests.bench.mutants``).

Each of these is a rule at its edge: the same day, the same instant, the second of two, the other
key.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from service.domain.cells import timeline
from service.domain.errors import BadPeriodError
from service.domain.events import Event
from service.domain.fold import Fold
from service.domain.history import as_known
from service.domain.pending import pending
from service.domain.policy import judge
from service.domain.registry import Registry
from service.domain.resolution import How, resolve
from service.domain.scope import Cell, Scope, may_match
from service.domain.timeline import Interval, differences, run
from service.domain.times import When, check_period
from service.evidence.canonical import CanonicalError, canonical_bytes, text_fault
from tests.builders import directive, event, log, registry_events, world

CAST = Registry.of(log(*registry_events()))
API = Cell(provider="openai", service="api", region="IT")


def adopted(*texts: dict[str, Any], on: str = "2024-01-01", **envelope: object) -> Event:
    """Adopt texts; the blocking of the API from 1 February 2024 where none is given."""
    given = list(texts) or [directive(effective_from="2024-02-01")]
    return event("policy.adopted", occurred_on=on, data={"directives": given}, **envelope)


def amended(on: str, start: str, *texts: dict[str, Any], **envelope: object) -> Event:
    """Bring new texts from a day or instant on."""
    data = {"effective_from": start, "directives": list(texts)}
    return event("policy.amended", occurred_on=on, data=data, **envelope)


def affirmed(on: str, *texts: dict[str, Any]) -> Event:
    """State what holds."""
    return event("access.affirmed", occurred_on=on, data={"directives": list(texts)})


def step(name: str, on: str, start: str, **data: object) -> Event:
    """Suspend, reinstate, repeal or schedule."""
    defaults: dict[str, dict[str, object]] = {
        "suspended": {"kind": "stayed"},
        "repealed": {"reason": "over"},
    }
    told = {"effective_from": start, **defaults.get(name, {}), **data}
    return event(f"policy.{name}", occurred_on=on, data=told)


def says(moment: str, *events: Event) -> str | None:
    """Return what the API's key says at a moment."""
    at = When.moment(moment)
    texts = Fold.of("rules", as_known(log(*events))).texts()
    found = [text.effect for text in texts if text.key == "api" and text.in_force(at, CAST)]
    assert len(found) <= 1
    return found[0] if found else None


def faults(*events: Event) -> list[str]:
    """Return what the lifecycle objects to."""
    return [str(fault) for _, fault in judge("rules", as_known(log(*events)), CAST)]


# Texts.


@pytest.mark.parametrize(
    ("own", "later"), [("2024-05-01", "2024-05-01"), ("2024-03-15", "2024-04-01")]
)
def test_an_amended_text_tells_the_later_of_its_two_beginnings(own: str, later: str) -> None:
    """It begins when the amendment counts and its own date has come."""
    change = amended("2024-03-01", "2024-04-01", directive("api", "suspended", effective_from=own))

    text = Fold.of("rules", as_known(log(adopted(), change))).texts()[-1]

    assert text.effective_from == When.bound(later)


def test_a_draft_beside_what_was_affirmed_ends_with_the_amendment() -> None:
    """A proposal that lives on beside a statement of fact is decided by the next amendment."""
    draft = event(
        "policy.proposed", occurred_on="2023-06-01", data={"drafts": [directive("web", "blocked")]}
    )
    fact = affirmed("2024-01-01", directive("api", "not_offered"))
    change = amended("2024-03-01", "2024-03-01", directive("api", "blocked"))

    (before, *_) = Fold.of("rules", as_known(log(draft, fact))).texts()
    (after, *_) = Fold.of("rules", as_known(log(draft, fact, change))).texts()

    assert (before.draft, before.ends) == ("proposed", ())
    assert after.effective_until == When.bound("2024-03-01")


def test_a_stay_is_no_pause_and_a_pause_no_stay() -> None:
    """Each is told as what it is."""
    stay = step("suspended", "2024-03-01", "2024-03-01")
    pause = step("suspended", "2024-04-01", "2024-04-01", kind="enforcement_paused")

    (text,) = Fold.of("rules", as_known(log(adopted(), stay, pause))).texts()

    assert [one.begins.when.text for one in text.stays if one.begins] == ["2024-03-01"]
    assert [one.begins.when.text for one in text.pauses if one.begins] == ["2024-04-01"]


# Suspensions and the ends that take them along.


def test_a_repeal_taken_back_on_its_very_day_ends_no_suspension() -> None:
    """Periods are half-open: on that day it neither begins nor has begun."""
    repeal = step("repealed", "2024-05-01", "2024-06-01")
    back = step("reinstated", "2024-05-10", "2024-06-01")
    stay = step("suspended", "2024-05-20", "2024-05-20")

    assert faults(adopted(), repeal, back, stay) == []
    assert says("2024-07-01", adopted(), repeal, back, stay) is None


def test_a_suspension_decided_on_the_day_of_the_lapse_outlives_it() -> None:
    """A reached end ends what was decided before it, and a day is not before itself."""
    brief = adopted(directive(effective_from="2024-02-01", effective_until="2024-05-01"))
    again = affirmed("2024-06-01", directive("api", "not_offered"))
    on_the_day = step("suspended", "2024-05-01", "2024-05-01")
    before = step("suspended", "2024-04-30", "2024-05-01")

    assert says("2024-07-01", brief, on_the_day, again) is None
    assert says("2024-07-01", brief, before, again) == "not_offered"


def test_an_amended_text_that_lapses_takes_its_suspension_with_it() -> None:
    """The text before it had been replaced, which is no reason to keep the suspension."""
    brief = directive("api", "suspended", effective_until="2024-06-01")
    change = amended("2024-03-01", "2024-03-01", brief)
    stay = step("suspended", "2024-04-01", "2024-04-01")
    again = affirmed("2024-07-01", directive("api", "not_offered"))

    assert says("2024-07-01", adopted(), change, stay, again) == "not_offered"


def test_one_replacement_in_time_is_enough_to_keep_a_suspension() -> None:
    """Whatever else replaces the text later."""
    brief = adopted(directive(effective_from="2024-02-01", effective_until="2024-06-01"))
    stay = step("suspended", "2024-03-01", "2024-03-01")
    soon = amended("2024-04-01", "2024-05-01", directive("api", "not_offered"))
    later = amended("2024-04-02", "2024-09-01", directive("api", "blocked"))

    assert says("2024-07-01", brief, stay, soon, later) is None


def test_a_text_replaced_on_the_day_of_its_end_did_not_lapse() -> None:
    """There is no day between the two, so the suspension goes on."""
    brief = adopted(directive(effective_from="2024-02-01", effective_until="2024-06-01"))
    stay = step("suspended", "2024-03-01", "2024-03-01")
    change = amended("2024-04-01", "2024-06-01", directive("api", "not_offered"))

    assert says("2024-06-01", brief, stay, change) is None


# What may still be done, with which key and when.


def test_a_schedule_is_measured_by_the_ends_of_the_keys_that_it_names() -> None:
    """Another key may end when it likes."""
    policy = adopted(
        directive("api", effective_from="2024-03-01"),
        directive("web", effective_from="2024-03-01", effective_until="2024-05-01"),
    )

    assert faults(policy, step("scheduled", "2024-02-01", "2024-06-01", directives=["api"])) == []
    assert faults(policy, step("scheduled", "2024-02-01", "2024-06-01", directives=["web"]))
    assert faults(policy, step("scheduled", "2024-02-01", "2024-06-01"))


def test_a_key_waits_as_long_as_one_of_its_texts_does() -> None:
    """An amendment to come is moved although the old text has begun."""
    change = amended("2024-03-01", "2024-05-01", directive("api", "suspended"))
    move = step("scheduled", "2024-04-01", "2024-06-01")

    assert faults(adopted(), change, move) == []
    assert says("2024-05-31", adopted(), change, move) == "blocked"
    assert says("2024-06-01", adopted(), change, move) == "suspended"


def test_a_key_has_ended_when_every_text_of_it_has() -> None:
    """A replaced text is over, the one that replaced it is not; another key does not matter."""
    change = amended("2024-03-01", "2024-03-01", directive("api", "suspended"))
    both = adopted(
        directive("api", effective_from="2024-02-01", effective_until="2024-04-01"),
        directive("web", effective_from="2024-02-01"),
    )

    assert faults(adopted(), change, step("repealed", "2024-04-01", "2024-05-01")) == []
    (told,) = faults(both, step("repealed", "2024-05-01", "2024-06-01", directives=["api"]))
    assert "'api' had already ended" in told


def test_a_text_has_begun_when_both_of_its_beginnings_are_reached() -> None:
    """Between the amendment's date and its own it can still be moved, its place already taken."""
    own = directive("api", "suspended", effective_from="2024-06-01")
    change = amended("2024-03-01", "2024-04-01", own)
    move = step("scheduled", "2024-05-01", "2024-08-01")

    assert faults(adopted(), change, move) == []
    assert says("2024-07-01", adopted(), change, move) is None
    assert says("2024-08-01", adopted(), change, move) == "suspended"


@pytest.mark.parametrize(
    ("decided", "allowed"),
    [
        ("2024-02-01T07:59:59.999999Z", True),
        ("2024-02-01T08:00:00Z", False),
        ("2024-02-01T09:59:59+02:00", True),
        ("2024-02-01T20:00:00Z", False),
        ("2024-02-01", False),
        ("2024-01-31", True),
    ],
)
def test_two_instants_of_one_day_are_told_apart(decided: str, *, allowed: bool) -> None:
    """What begins at eight may be moved until then; what was decided on that day may not."""
    policy = adopted(directive(effective_from="2024-02-01T08:00:00Z"))

    told = faults(policy, step("scheduled", decided, "2024-03-01"))

    assert (told == []) is allowed


# The rule.


def test_reasons_are_told_in_the_order_of_their_names() -> None:
    """However they were recorded, so that the same answer is the same bytes."""
    start = {"effective_from": "2024-02-01"}
    given = (
        adopted(directive("b", **start), directive("a", **start), stream="policy:z"),
        adopted(directive("c", **start), stream="policy:y", authority="garante"),
    )

    told = resolve(world(*given), API, When.moment("2024-06-01")).decided_by

    assert [(one.policy, one.key) for one in told] == [("y", "c"), ("z", "a"), ("z", "b")]


@pytest.mark.parametrize("moment", ["2024-06-01", "2024-06-01T12:00:00Z"])
def test_an_amended_text_ranks_by_the_later_of_its_two_beginnings(moment: str) -> None:
    """Lex posterior looks at when a text begins to hold, not at when it was allowed to."""
    first = adopted(directive("api", "blocked", effective_from="2024-01-01"))
    own = directive("api", "suspended", effective_from="2024-05-01")
    change = amended("2024-01-02", "2024-02-01", own)
    other = adopted(
        directive("api", "not_offered", effective_from="2024-04-01"), stream="policy:other"
    )

    answer = resolve(world(first, change, other), API, When.moment(moment))

    assert answer.state == "suspended"


def test_the_ways_to_lose_have_names() -> None:
    """They stand in every answer, and programs look for them."""
    assert [str(one) for one in How] == ["overrides", "specialis", "posterior"]


def test_how_a_text_loses_does_not_hang_on_the_order_of_its_scopes() -> None:
    """One scope replaced, the other only narrowed: its conditions stay, however it is listed."""

    def told(*regions: str) -> tuple[object, ...]:
        text = directive(
            "x",
            "conditional",
            providers=["openai"],
            regions=regions,
            conditions=["age"],
            effective_from="2024-02-01",
        )
        later = directive(
            "x", "available", providers=["openai"], regions=["EU"], effective_from="2024-03-01"
        )
        narrower = directive("x", "available", regions=["IT"], effective_from="2024-02-01")
        given = (
            adopted(text, stream="policy:c"),
            adopted(later, stream="policy:a"),
            adopted(narrower, stream="policy:b"),
        )
        answer = resolve(world(*given), API, When.moment("2024-06-01"))
        return answer.answer, [(one.policy, one.by, one.how) for one in answer.overridden]

    assert told("EU", "IT") == told("IT", "EU")
    assert told("EU", "IT")[0] == ("conditional", "conditional", ("age",))


# Timelines.


def test_a_cell_that_was_only_measured_has_one_interval() -> None:
    """A measurement changes no state."""
    data = {"scope": {"providers": ["openai"]}, "state": "blocked", "method": "probe"}
    seen = event("access.observed", occurred_on="2024-03-01", data=data)

    (only,) = timeline(world(seen), API)

    assert (only.since, only.until, only.answer[0]) == (None, None, "unknown")


def test_a_run_ends_at_what_interrupts_it_however_briefly() -> None:
    """The same answer before and after a ban of ten days is two runs."""
    offer = adopted(directive("api", "available", effective_from="2024-02-01"))
    bans = (
        adopted(directive(effective_from=start, effective_until=end), stream=f"policy:{slug}")
        for slug, start, end in (
            ("a", "2024-03-01", "2024-03-11"),
            ("b", "2024-05-01", "2024-05-11"),
        )
    )
    known = world(offer, *bans)

    def ends(day: str) -> tuple[str, str]:
        since, until = run(known, resolve(known, API, When.moment(day)), When.moment(day))
        return str(since), str(until)

    assert ends("2024-02-15") == ("2024-02-01", "2024-03-01")
    assert ends("2024-04-15") == ("2024-03-11", "2024-05-01")
    assert ends("2024-06-15") == ("2024-05-11", "None")


def test_an_interval_names_nothing_that_cannot_reach_the_cell() -> None:
    """Not what is about another service, does not bind, or is a draft, though of the same day."""
    ban = adopted(directive(effective_from="2024-07-09"))
    others = (
        adopted(
            directive("web", services=["chatgpt"], effective_from="2024-07-09"), stream="policy:a"
        ),
        adopted(directive(effective_from="2024-07-09"), stream="policy:b", binding=False),
        event(
            "policy.proposed",
            stream="policy:c",
            data={"drafts": [directive(effective_from="2024-07-09")]},
        ),
    )

    _, blocked = timeline(world(*others, ban), API)

    assert blocked.started_by == (str(ban.id),)


def test_neighbours_are_joined_behind_another_difference_too() -> None:
    """A period that differs earlier has nothing to do with it."""
    days = [When.moment(f"2024-0{month}-01") for month in range(1, 7)]
    bounds = list(zip([None, *days], [*days, None], strict=True))

    def told(*states: str) -> tuple[Interval, ...]:
        return tuple(
            Interval(
                since=since,
                until=until,
                answer=(state, state, ()),  # type: ignore[arg-type]  # any two that differ
                started_by=(),
                ended_by=(),
            )
            for (since, until), state in zip(bounds, states, strict=True)
        )

    found = differences(told(*"aaaaaaa"), told(*"abacccd"))

    assert [(one.since, one.until, one.after[0]) for one in found] == [
        (days[0], days[1], "b"),
        (days[2], days[5], "c"),
        (days[5], None, "d"),
    ]


# What is to come.


def test_what_is_to_come_rests_on_the_event_that_brings_it_about() -> None:
    """The day of its announcement is that of the last event that dated it, not of the first."""
    change = amended("2024-03-01", "2024-06-01", directive("api", "suspended"))
    late = step("scheduled", "2024-04-01", "2024-07-01")

    (told,) = pending(world(adopted(), change, late), API, When.moment("2024-05-01"))

    assert (told.effect, told.announced_on.text) == ("suspended", "2024-04-01")


def test_for_a_cell_a_wider_scope_is_no_change_to_come() -> None:
    """The amendment says of the cell what was said before."""
    change = amended("2024-03-01", "2024-06-01", directive("api", "blocked", regions=["IT", "FR"]))
    narrow = adopted(directive("api", regions=["IT"], effective_from="2024-02-01"))

    assert pending(world(narrow, change), API, When.moment("2024-04-01")) == ()


def test_of_two_events_that_end_on_one_day_the_later_one_announced_it() -> None:
    """Both stand among its events."""
    first = step("repealed", "2024-04-01", "2024-06-01")
    second = step("suspended", "2024-05-01", "2024-06-01")

    (told,) = pending(world(adopted(), first, second), API, When.moment("2024-05-02"))

    assert (told.kind, told.announced_on.text) == ("ending", "2024-05-01")
    assert set(told.events) >= {str(first.id), str(second.id)}


def test_an_undated_text_was_announced_by_its_adoption() -> None:
    """A schedule that takes its date away again announces nothing."""
    policy = adopted(directive("api", effective_from="2024-09-01"))
    undone = event("policy.scheduled", occurred_on="2024-03-01", data={"effective_from": None})

    (told,) = pending(world(policy, undone), API, When.moment("2024-04-01"))

    assert (told.effective_from, told.announced_on.text) == (None, "2024-01-01")


# Scopes and texts.


def test_one_element_of_each_list_is_enough_to_reach_a_cell() -> None:
    """A scope stands for every combination of what it lists."""
    scope = Scope(
        providers=("microsoft", "openai"),
        services=("*",),
        regions=("FR", "IT"),
        audiences=("government", "*"),
    )

    assert may_match(scope, API, CAST)
    assert not may_match(replace(scope, providers=("microsoft",)), API, CAST)
    assert not may_match(replace(scope, audiences=("government",)), API, CAST)
    assert not may_match(replace(scope, regions=("FR",)), API, CAST)


def test_the_first_and_the_last_tag_are_tags() -> None:
    """U+E0000 to U+E007F hide whole sentences in a text."""
    for tag in ("\U000e0000", "\U000e0001", "\U000e007f"):
        assert "a tag character" in str(text_fault(f"a{tag}b"))


def test_a_paragraph_separator_is_named() -> None:
    """It ends a line in some editors and in no others."""
    assert "a paragraph separator" in str(text_fault("a\u2029b"))


def test_the_greatest_integer_is_that_of_every_json_reader() -> None:
    """2^53 - 1 (RFC 7493, section 2.2)."""
    assert canonical_bytes([9007199254740991, -9007199254740991])
    for beyond in (9007199254740992, -9007199254740992):
        with pytest.raises(CanonicalError):
            canonical_bytes(beyond)


@pytest.mark.parametrize("offset", ["+23:59", "-23:59", "+23:00", "-00:59"])
def test_every_offset_within_a_day_is_read(offset: str) -> None:
    """RFC 3339, section 5.6: hours 00 to 23, minutes 00 to 59."""
    assert When.bound(f"2024-07-09T12:00:00{offset}").text == f"2024-07-09T12:00:00{offset}"


def test_a_day_is_no_period_in_any_two_calendars() -> None:
    """As days it is empty, though as instants it would last from Tokyo's morning to Seattle's."""
    day = When.bound("2024-02-01")

    with pytest.raises(BadPeriodError):
        check_period(day, day, "Asia/Tokyo", "America/Los_Angeles")


def test_objects_are_nested_no_deeper_than_lists() -> None:
    """Thirty-two containers, of either kind."""
    objects: object = 1
    for _ in range(32):
        objects = {"a": objects}

    assert canonical_bytes(objects)
    with pytest.raises(CanonicalError):
        canonical_bytes({"a": objects})
