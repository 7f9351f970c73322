"""A cell's whole story; ``test_laws`` holds it against the rule, day by day."""

from typing import Any

from service.domain.cells import timeline
from service.domain.events import Event
from service.domain.resolution import resolve
from service.domain.scope import Cell
from service.domain.timeline import Interval, differences, run, transitions
from service.domain.times import When
from service.domain.world import World
from tests.builders import directive, event, group_changed, world

API = Cell(provider="openai", service="api", region="IT")


def adopted(slug: str, effect: str, start: str, end: str | None = None, **fields: Any) -> Event:  # noqa: ANN401
    """Adopt one directive of a policy."""
    text = directive("k", effect, effective_from=start, effective_until=end, **fields)
    return event(
        "policy.adopted",
        stream=f"policy:{slug}",
        occurred_on="2024-01-01",
        data={"directives": [text]},
    )


def story(*events: Event, cell: Cell = API, instants: bool = False) -> list[tuple[str, str, str]]:
    """Return the intervals of a cell: from, until, state."""
    return [_told(one) for one in timeline(world(*events), cell, instants=instants)]


def _told(one: Interval) -> tuple[str, str, str]:
    def text(when: When | None) -> str:
        return "" if when is None else when.text

    return text(one.since), text(one.until), one.answer[0]


def ends(known: World, as_of: str, cell: Cell = API) -> tuple[str | None, str | None]:
    """Return since and until of the answer on a day or at an instant."""
    moment = When.moment(as_of)
    since, until = run(known, resolve(known, cell, moment), moment)
    return None if since is None else since.text, None if until is None else until.text


def test_a_cell_of_which_nobody_spoke_has_one_interval_without_bounds() -> None:
    """It is unknown from the beginning of time to its end."""
    assert story() == [("", "", "unknown")]


def test_intervals_are_half_open_and_begin_with_the_unknown() -> None:
    """The end of one is the beginning of the next."""
    offer = adopted("offer", "available", "2024-02-01", "2024-06-01")
    ban = adopted("ban", "blocked", "2024-04-01", "2024-05-01", regions=["IT"])

    assert story(offer, ban) == [
        ("", "2024-02-01", "unknown"),
        ("2024-02-01", "2024-04-01", "available"),
        ("2024-04-01", "2024-05-01", "blocked"),
        ("2024-05-01", "2024-06-01", "available"),
        ("2024-06-01", "", "unknown"),
    ]


def test_neighbours_with_the_same_answer_are_one() -> None:
    """Another reason for the same answer is no change."""
    first = adopted("first", "blocked", "2024-02-01", "2024-04-01")
    second = adopted("second", "blocked", "2024-03-01", "2024-06-01")

    assert story(first, second) == [
        ("", "2024-02-01", "unknown"),
        ("2024-02-01", "2024-06-01", "blocked"),
        ("2024-06-01", "", "unknown"),
    ]


def test_an_interval_names_the_events_that_started_and_ended_it() -> None:
    """So a reader can go on from the date to the decision."""
    offer = adopted("offer", "available", "2024-02-01")
    ban = adopted("ban", "blocked", "2024-04-01", regions=["IT"])

    unknown, available, blocked = timeline(world(offer, ban), API)

    assert (unknown.started_by, unknown.ended_by) == ((), (str(offer.id),))
    assert (available.started_by, available.ended_by) == ((str(offer.id),), (str(ban.id),))
    assert (blocked.started_by, blocked.ended_by) == ((str(ban.id),), ())


def test_in_instants_a_date_begins_at_midnight_where_the_authority_is() -> None:
    """For Los Angeles that is 08:00 in winter and 07:00 in summer, in UTC."""
    offer = adopted("offer", "available", "2024-02-01", "2024-07-09T12:00:00+02:00")

    assert story(offer, instants=True) == [
        ("", "2024-02-01T08:00:00Z", "unknown"),
        ("2024-02-01T08:00:00Z", "2024-07-09T10:00:00Z", "available"),
        ("2024-07-09T10:00:00Z", "", "unknown"),
    ]
    assert story(offer) == [
        ("", "2024-02-01", "unknown"),
        ("2024-02-01", "2024-07-09", "available"),
        ("2024-07-09", "", "unknown"),
    ]


def test_what_begins_and_ends_within_a_day_is_no_day_of_a_timeline() -> None:
    """In days an answer is the state at the end of the day."""
    hours = adopted("hours", "available", "2024-07-09T08:00:00Z", "2024-07-09T20:00:00Z")

    assert story(hours) == [("", "", "unknown")]
    assert len(story(hours, instants=True)) == 3


def test_a_member_of_a_group_has_a_timeline_with_its_joining_and_leaving() -> None:
    """The directive did not change; the Union did."""
    rule = adopted("rule", "blocked", "2018-05-25", regions=["EU"])
    britain = Cell(provider="openai", service="api", region="GB")

    assert story(rule, cell=britain) == [
        ("", "2018-05-25", "unknown"),
        ("2018-05-25", "2020-02-01", "blocked"),
        ("2020-02-01", "", "unknown"),
    ]


def test_a_group_has_a_timeline_of_what_its_members_come_to() -> None:
    """A ban in one of them makes the group mixed, and so does whoever joins or leaves."""
    offer = adopted("offer", "available", "2019-01-01")
    france = adopted("france", "blocked", "2024-03-01", regions=["FR"])
    britain = adopted("britain", "blocked", "2019-06-01", regions=["GB"])
    europe = Cell(provider="openai", service="api", region="EU")

    assert story(offer, france, britain, cell=europe) == [
        ("", "2019-01-01", "unknown"),
        ("2019-01-01", "2019-06-01", "available"),
        ("2019-06-01", "2020-02-01", "mixed"),
        ("2020-02-01", "2024-03-01", "available"),
        ("2024-03-01", "", "mixed"),
    ]


def test_a_service_has_a_timeline_of_what_the_services_below_it_come_to() -> None:
    """As long as nobody speaks of the service itself."""
    ios = adopted("ios", "suspended", "2024-02-01", services=["chatgpt/ios"])
    whole = adopted("whole", "available", "2024-04-01", services=["chatgpt"])
    chatgpt = Cell(provider="openai", service="chatgpt", region="IT")

    assert story(ios, whole, cell=chatgpt) == [
        ("", "2024-02-01", "unknown"),
        ("2024-02-01", "2024-04-01", "suspended"),
        ("2024-04-01", "", "available"),
    ]


def test_what_cannot_reach_the_cell_makes_no_point() -> None:
    """Drafts, guidance and other cells' directives change nothing."""
    france = adopted("france", "blocked", "2024-03-01", regions=["FR"])
    offer = adopted("offer", "available", "2024-02-01")

    assert len(story(offer, france)) == 2


def test_a_run_is_the_interval_that_holds_the_moment() -> None:
    """Since the first day at whose end it holds, until the first at whose end it does not."""
    known = world(
        adopted("offer", "available", "2024-02-01", "2024-06-01"),
        adopted("again", "available", "2024-03-01", "2024-07-01", regions=["IT"]),
    )

    assert ends(known, "2024-01-31") == (None, "2024-02-01")
    assert ends(known, "2024-02-01") == ("2024-02-01", "2024-07-01")
    assert ends(known, "2024-06-30") == ("2024-02-01", "2024-07-01")
    assert ends(known, "2024-07-01") == ("2024-07-01", None)
    assert ends(known, "2024-02-01T08:00:00Z") == (
        "2024-02-01T08:00:00Z",
        "2024-07-01T07:00:00Z",
    )
    assert ends(known, "2024-02-01T07:59:59Z") == (None, "2024-02-01T08:00:00Z")


def test_a_drop_to_the_unknown_ends_a_run() -> None:
    """The same answer before and after it makes two runs."""
    known = world(
        adopted("one", "available", "2024-02-01", "2024-03-01"),
        adopted("two", "available", "2024-04-01", "2024-05-01"),
    )

    assert ends(known, "2024-02-15") == ("2024-02-01", "2024-03-01")
    assert ends(known, "2024-03-15") == ("2024-03-01", "2024-04-01")


def test_a_change_of_enforcement_or_conditions_ends_a_run() -> None:
    """Same answer means equal state, legal state and conditions."""
    offer = adopted("offer", "available", "2024-02-01")
    lax = adopted("lax", "blocked", "2024-03-01", regions=["IT"], enforced=False)
    paid = adopted("paid", "conditional", "2024-04-01", "2024-05-01", conditions=["paid tier"])

    assert ends(world(offer, lax), "2024-02-15") == ("2024-02-01", "2024-03-01")
    assert ends(world(offer, paid), "2024-04-15") == ("2024-04-01", "2024-05-01")


def test_transitions_are_the_changes_at_instants_of_a_day() -> None:
    """In their own offset, each with what holds from then on."""
    down = adopted("down", "suspended", "2024-07-09T08:00:00-07:00", "2024-07-09T20:00:00-07:00")
    known = world(adopted("offer", "available", "2024-02-01"), down)

    found = transitions(known, API, When.moment("2024-07-09"))

    assert [(one.at.text, one.state, one.access) for one in found] == [
        ("2024-07-09T08:00:00-07:00", "suspended", "closed"),
        ("2024-07-09T20:00:00-07:00", "available", "open"),
    ]
    assert transitions(known, API, When.moment("2024-07-10")) == ()


def test_a_date_is_no_transition_and_neither_is_an_instant_that_changes_nothing() -> None:
    """A date takes effect as its day begins."""
    known = world(
        adopted("offer", "available", "2024-07-09"),
        adopted("same", "available", "2024-07-09T12:00:00Z"),
    )

    assert transitions(known, API, When.moment("2024-07-09")) == ()


def test_a_group_that_changes_at_an_instant_makes_a_transition() -> None:
    """A membership is a bound like any other: from that hour on the rule reaches Britain."""
    joins = group_changed("G1", "2024-07-09T12:00:00Z", adds=["GB"])
    rule = adopted("rule", "blocked", "2018-05-25", regions=["G1"])
    britain = Cell(provider="openai", service="api", region="GB")

    found = transitions(world(joins, rule), britain, When.moment("2024-07-09"))

    assert [(one.at.text, one.state) for one in found] == [("2024-07-09T12:00:00Z", "blocked")]


def compared(before: World, after: World) -> list[tuple[str, str, str, str]]:
    """Return where two timelines of the cell differ: from, until, state before, state after."""
    return [
        (
            "" if one.since is None else one.since.text,
            "" if one.until is None else one.until.text,
            one.before[0],
            one.after[0],
        )
        for one in differences(timeline(before, API), timeline(after, API))
    ]


def test_two_timelines_differ_in_periods() -> None:
    """What a batch would change is told before it is recorded."""
    offer = adopted("offer", "available", "2024-02-01", "2024-06-01")
    ban = adopted("ban", "blocked", "2024-05-01", "2024-07-01", regions=["IT"])

    assert compared(world(offer), world(offer, ban)) == [
        ("2024-05-01", "2024-06-01", "available", "blocked"),
        ("2024-06-01", "2024-07-01", "unknown", "blocked"),
    ]
    assert compared(world(), world(offer)) == [("2024-02-01", "2024-06-01", "unknown", "available")]
    assert compared(world(offer), world(offer)) == []


def test_neighbours_that_differ_alike_are_one_period() -> None:
    """A change of reasons within it is none; a period apart is another one."""
    lasting = adopted("lasting", "available", "2024-02-01", "2024-06-01")
    first = adopted("first", "available", "2024-02-01", "2024-04-01")
    second = adopted("second", "available", "2024-04-01", "2024-06-01")
    ban = adopted("ban", "blocked", "2024-03-01", "2024-04-01", regions=["IT"])

    assert compared(world(), world(first, second)) == compared(world(), world(lasting))
    assert compared(world(ban), world(ban, lasting)) == [
        ("2024-02-01", "2024-03-01", "unknown", "available"),
        ("2024-04-01", "2024-06-01", "unknown", "available"),
    ]


def test_two_timelines_may_differ_without_an_end() -> None:
    """In both directions: from the beginning of time, and for ever."""
    offer, lax = (
        adopted("offer", "available", "2024-02-01"),
        adopted("lax", "available", "1950-01-01"),
    )

    assert compared(world(offer), world(lax)) == [
        ("1950-01-01", "2024-02-01", "unknown", "available")
    ]
    assert compared(world(), world(offer)) == [("2024-02-01", "", "unknown", "available")]
