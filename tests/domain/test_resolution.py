"""The rule, clause by clause; whole stories of it are in ``tests/scenarios``."""

from typing import Any

import pytest

from service.domain.events import Event
from service.domain.resolution import Access, AccessState, How, State, access_of, resolve
from service.domain.scope import Cell
from service.domain.times import When
from tests.builders import directive, event, world

API = Cell(provider="openai", service="api", region="IT")


def policy(slug: str, effect: str, *, authority: str = "openai", **fields: Any) -> Event:  # noqa: ANN401
    """Adopt one directive of a policy, in force since 2024-02-01, decided on 2024-01-01."""
    occurred_on = fields.pop("occurred_on", "2024-01-01")
    binding = fields.pop("binding", True)
    given = {"effective_from": "2024-02-01", **fields}
    if effect == "conditional":
        given.setdefault("conditions", ["licence"])
    return event(
        "policy.adopted",
        stream=f"policy:{slug}",
        authority=authority,
        occurred_on=occurred_on,
        binding=binding,
        data={"directives": [directive("k", effect, **given)]},
    )


def offer(**fields: Any) -> Event:  # noqa: ANN401
    """OpenAI offers its API, since 2024-02-01."""
    return policy("offer", "available", **fields)


def seen(state: str, occurred_on: str, **data: object) -> Event:
    """Somebody measured."""
    return event(
        "access.observed", occurred_on=occurred_on, data={"state": state, "method": "probe", **data}
    )


def ask(*events: Event, cell: Cell = API, as_of: str = "2024-07-09") -> AccessState:
    """Ask the rule."""
    return resolve(world(*events), cell, When.moment(as_of))


def names(reasons: tuple[Any, ...]) -> list[str]:
    """Return the policies of some reasons."""
    return [one.policy for one in reasons]


# Silence, force and bindingness.


def test_silence_is_unknown() -> None:
    """It is never read as available."""
    answer = ask()

    assert (answer.state, answer.legal_state, answer.access) == (
        State.UNKNOWN,
        State.UNKNOWN,
        Access.UNKNOWN,
    )
    assert answer.decided_by == ()
    assert not answer.divergence


def test_a_directive_decides_only_while_it_is_in_force_and_where_it_reaches() -> None:
    """From its first day on, in its scope."""
    text = offer(regions=["IT"])

    assert ask(text, as_of="2024-01-31").state is State.UNKNOWN
    assert ask(text, as_of="2024-02-01").state is State.AVAILABLE
    assert ask(text, cell=Cell(provider="openai", service="api", region="FR")).state == "unknown"


def test_what_does_not_bind_and_what_is_a_draft_decides_nothing() -> None:
    """They are recorded and shown, never resolved."""
    guidance = policy("advice", "blocked", authority="garante", binding=False)
    draft = event(
        "policy.proposed",
        stream="policy:draft",
        occurred_on="2024-01-01",
        data={"drafts": [directive("k", "blocked", effective_from="2024-02-01")]},
    )

    answer = ask(offer(), guidance, draft)

    assert answer.state is State.AVAILABLE
    assert answer.also_restricting == ()


@pytest.mark.parametrize(
    ("state", "access"),
    [
        ("available", "open"),
        ("conditional", "conditional"),
        ("not_offered", "closed"),
        ("suspended", "closed"),
        ("blocked", "closed"),
        ("unknown", "unknown"),
        ("mixed", "mixed"),
    ],
)
def test_each_state_maps_to_what_it_means_at_the_door(state: str, access: str) -> None:
    """For people and gateways in a hurry."""
    assert access_of(State(state)) == access


# Across authorities.


def test_across_authorities_the_most_restrictive_decides() -> None:
    """Each must be obeyed, however narrow the other is."""
    answer = ask(offer(), policy("order", "blocked", authority="garante", regions=["IT"]))

    assert (answer.state, answer.access) == (State.BLOCKED, Access.CLOSED)
    assert names(answer.decided_by) == ["order"]
    assert answer.overridden == ()


@pytest.mark.parametrize(
    ("milder", "stricter"),
    [
        ("available", "conditional"),
        ("conditional", "not_offered"),
        ("not_offered", "suspended"),
        ("suspended", "blocked"),
    ],
)
def test_the_effects_have_one_order(milder: str, stricter: str) -> None:
    """From available to blocked; whose they are does not matter."""
    both = policy("one", milder), policy("two", stricter, authority="garante")
    turned = policy("one", stricter), policy("two", milder, authority="garante")

    assert ask(*both).state == stricter
    assert ask(*turned).state == stricter


def test_what_stands_without_deciding_is_told() -> None:
    """A compliance officer wants to know what remains when the first ban falls."""
    answer = ask(
        offer(),
        policy("order", "blocked", authority="garante"),
        policy("law", "suspended", authority="tribunal"),
    )

    assert names(answer.decided_by) == ["order"]
    assert names(answer.also_restricting) == ["law"]


@pytest.mark.parametrize("effect", ["available", "conditional"])
def test_a_permission_of_another_offers_nothing(effect: str) -> None:
    """A government can allow; only the operator can offer."""
    answer = ask(policy("licence", effect, authority="garante"))

    assert (answer.state, answer.legal_state) == (State.UNKNOWN, State.UNKNOWN)
    assert answer.conditions == ()
    assert answer.decided_by == ()
    assert ask(policy("ban", "blocked", authority="garante")).state is State.BLOCKED


def test_the_providers_own_authority_is_the_one_it_is_registered_with() -> None:
    """OpenAI's word about Azure OpenAI is not Microsoft's."""
    azure = Cell(provider="microsoft", service="azure-openai", region="IT")
    word = policy("word", "available", providers=["microsoft"])

    assert ask(word, cell=azure).state is State.UNKNOWN


# Within one authority.


def test_the_narrower_of_two_directives_wins() -> None:
    """Lex specialis: the exception beats the rule, in either direction."""
    italy = policy("italy", "suspended", regions=["IT"])

    answer = ask(offer(), italy)

    assert answer.state is State.SUSPENDED
    assert [(one.policy, one.by, one.how) for one in answer.overridden] == [
        ("offer", "policy:italy#k", How.SPECIALIS)
    ]
    wide, narrow = policy("wide", "not_offered"), policy("narrow", "available", regions=["IT"])
    assert ask(wide, narrow).state is State.AVAILABLE


def test_a_narrower_directive_of_the_same_day_opens_a_wider_ban() -> None:
    """A ban and its exception are decided together."""
    wide = policy("wide", "blocked", occurred_on="2024-01-01")
    narrow = policy("narrow", "available", regions=["IT"], occurred_on="2024-01-01")

    assert ask(wide, narrow).state is State.AVAILABLE


@pytest.mark.parametrize("effect", ["suspended", "blocked"])
def test_an_older_exception_does_not_open_a_later_wider_ban(effect: str) -> None:
    """Who closes everything means everything; a later exception does open it."""
    ban = policy("ban", effect, occurred_on="2024-01-15")
    older = policy("exception", "available", regions=["IT"], occurred_on="2024-01-01")
    later = policy("exception", "available", regions=["IT"], occurred_on="2024-01-20")

    assert ask(ban, older).state == effect
    assert ask(ban, older).overridden == ()
    assert ask(ban, later).state is State.AVAILABLE


def test_an_older_exception_opens_what_is_merely_not_offered() -> None:
    """A list that grows does not forbid what was promised to one country."""
    wide = policy("list", "not_offered", occurred_on="2024-01-15")
    older = policy("exception", "available", regions=["IT"], occurred_on="2024-01-01")

    assert ask(wide, older).state is State.AVAILABLE


def test_an_older_narrower_directive_that_does_not_open_still_wins() -> None:
    """The older, narrower block beats the later, wider suspension."""
    wide = policy("wide", "suspended", occurred_on="2024-01-15")
    narrow = policy("narrow", "blocked", regions=["IT"], occurred_on="2024-01-01")

    answer = ask(wide, narrow)

    assert names(answer.decided_by) == ["narrow"]
    assert names(answer.overridden) == ["wide"]


def test_of_equal_scopes_the_later_beginning_wins_and_then_the_higher_position() -> None:
    """Lex posterior, whatever the log learned first."""
    early = policy("early", "blocked", effective_from="2024-02-01")
    late = policy("late", "available", effective_from="2024-03-01")

    for story in ((early, late), (late, early)):
        answer = ask(*story)
        assert answer.state is State.AVAILABLE
        assert [(one.policy, one.how) for one in answer.overridden] == [("early", How.POSTERIOR)]

    one, two = policy("one", "blocked"), policy("two", "available")
    assert ask(one, two).state is State.AVAILABLE
    assert ask(two, one).state is State.BLOCKED


def test_two_directives_of_one_event_and_scope_stand_side_by_side() -> None:
    """Neither is the later one, so the most restrictive decides."""
    texts = [
        directive("one", "suspended", effective_from="2024-02-01"),
        directive("two", "blocked", effective_from="2024-02-01"),
    ]
    both = event("policy.adopted", occurred_on="2024-01-01", data={"directives": texts})

    answer = ask(both)

    assert answer.state is State.BLOCKED
    assert [one.key for one in answer.also_restricting] == ["one"]
    assert answer.overridden == ()


def test_on_one_day_an_instant_is_later_than_a_date() -> None:
    """For a date; an instant compares the instants themselves."""
    day = policy("day", "blocked", effective_from="2024-03-01")
    hour = policy("hour", "available", effective_from="2024-03-01T00:30:00-08:00")
    before = policy("hour", "available", effective_from="2024-03-01T00:30:00+02:00")

    assert ask(hour, day).state is State.AVAILABLE
    assert ask(hour, day, as_of="2024-07-09T00:00:00Z").state is State.AVAILABLE
    assert ask(before, day).state is State.AVAILABLE
    assert ask(before, day, as_of="2024-07-09T00:00:00Z").state is State.BLOCKED


def test_what_cannot_be_compared_stands_side_by_side() -> None:
    """Narrower here and wider there: the most restrictive decides, and the other is told."""
    api_everywhere = policy("api-everywhere", "suspended")
    all_of_italy = policy("all-of-italy", "not_offered", providers=["openai"], regions=["IT"])

    answer = ask(api_everywhere, all_of_italy)

    assert names(answer.decided_by) == ["api-everywhere"]
    assert names(answer.also_restricting) == ["all-of-italy"]
    assert answer.overridden == ()


def test_a_directive_is_beaten_only_if_every_scope_of_it_that_matches_is() -> None:
    """A directive that names the EU and Italy is not beaten by one that names the EU."""
    both = policy("both", "suspended", regions=["EU", "IT"])
    europe = policy("europe", "available", regions=["EU"], effective_from="2024-03-01")
    italy = policy("italy", "available", regions=["IT"], effective_from="2024-03-01")

    assert ask(both, europe).state is State.SUSPENDED
    assert ask(both, italy).state is State.AVAILABLE


def test_groups_are_compared_as_they_are_at_the_moment() -> None:
    """What bound the EU bound the United Kingdom until it left."""
    britain = Cell(provider="openai", service="api", region="GB")
    rule = policy("rule", "blocked", regions=["EU"], effective_from="2018-05-25")

    assert ask(rule, cell=britain, as_of="2020-01-31").state is State.BLOCKED
    assert ask(rule, cell=britain, as_of="2020-02-01").state is State.UNKNOWN


def test_specialis_and_posterior_do_not_reach_across_authorities() -> None:
    """A narrower permission of the regulator does not open what the provider closed."""
    closed = policy("closed", "not_offered")
    allowed = policy("allowed", "available", authority="garante", regions=["IT"])

    assert ask(closed, allowed).state is State.NOT_OFFERED
    assert ask(closed, allowed).overridden == ()


# Overrides.


def test_an_override_by_name_beats_whatever_the_authority() -> None:
    """A regulator's interim order sets a provider's terms aside."""
    terms = policy("terms", "blocked", occurred_on="2024-01-15")
    order = policy("order", "available", authority="garante", overrides=["policy:terms#k"])

    answer = ask(offer(), terms, order)

    assert answer.state is State.AVAILABLE
    assert [(one.policy, one.by, one.how) for one in answer.overridden] == [
        ("terms", "policy:order#k", How.OVERRIDES)
    ]


def test_an_override_counts_only_while_and_where_it_is_in_force() -> None:
    """Its scope and its period are its own."""
    terms = policy("terms", "blocked")
    order = policy(
        "order",
        "available",
        authority="garante",
        regions=["IT"],
        effective_from="2024-05-01",
        overrides=["policy:terms#k"],
    )
    france = Cell(provider="openai", service="api", region="FR")

    assert ask(terms, order, as_of="2024-04-30").state is State.BLOCKED
    assert ask(terms, order, as_of="2024-05-01").state is State.UNKNOWN
    assert ask(terms, order, cell=france).state is State.BLOCKED


def test_what_is_itself_set_aside_sets_nothing_aside() -> None:
    """A over B over C: B falls, so C stands."""
    bottom = policy("bottom", "blocked", authority="garante")
    middle = policy("middle", "available", overrides=["policy:bottom#k"])
    top = policy("top", "available", authority="tribunal", overrides=["policy:middle#k"])

    assert ask(bottom, middle).state is State.AVAILABLE
    assert ask(bottom, middle, top).state is State.BLOCKED
    assert names(ask(bottom, middle, top).overridden) == ["middle"]


def test_what_is_set_aside_by_name_does_not_beat_others() -> None:
    """It no longer takes part."""
    narrow = policy("narrow", "available", regions=["IT"])
    wide = policy("wide", "not_offered")
    order = policy("order", "available", authority="garante", overrides=["policy:narrow#k"])

    assert ask(wide, narrow).state is State.AVAILABLE
    assert ask(wide, narrow, order).state is State.NOT_OFFERED


# Conditions.


def test_conditions_add_up_over_all_that_is_in_force() -> None:
    """Of all authorities and of wider scopes too; each is told once."""
    answer = ask(
        policy("base", "conditional", conditions=["paid tier", "age"]),
        policy("italy", "available", regions=["IT"]),
        policy("law", "conditional", authority="garante", conditions=["age", "licence"]),
    )

    assert answer.state is State.CONDITIONAL
    assert set(answer.conditions) == {"paid tier", "age", "licence"}
    assert len(answer.conditions) == 3
    assert set(names(answer.decided_by)) == {"base", "law"}
    assert [(one.policy, one.how) for one in answer.overridden] == [("base", How.SPECIALIS)]


def test_available_with_conditions_reads_conditional() -> None:
    """Allowed if they are met."""
    answer = ask(policy("offer", "available", conditions=["licence"]))

    assert (answer.state, answer.conditions) == (State.CONDITIONAL, ("licence",))


def test_conditions_fall_with_what_is_overridden_or_replaced() -> None:
    """Lex posterior and overrides take the conditions too; lex specialis does not."""
    old = policy("old", "conditional", conditions=["waitlist"])
    new = policy("new", "available", effective_from="2024-03-01")
    order = policy("order", "available", authority="garante", overrides=["policy:old#k"])

    assert ask(old, new).conditions == ()
    assert ask(old, new).state is State.AVAILABLE
    assert ask(offer(), old, order).conditions == ()


def test_replaced_and_also_narrowed_it_counts_as_replaced() -> None:
    """Where lex posterior alone would do, its conditions go."""
    old = policy("old", "conditional", conditions=["waitlist"])
    new = policy("new", "available", effective_from="2024-03-01")
    italy = policy("italy", "available", regions=["IT"])

    for story in ((old, new, italy), (italy, new, old)):
        answer = ask(*story)
        assert answer.conditions == ()
        how = {one.policy: one.how for one in answer.overridden}
        assert how["old"] is How.POSTERIOR


def test_what_is_closed_or_unknown_has_no_conditions() -> None:
    """There is nothing to meet."""
    base = policy("base", "conditional")
    ban = policy("ban", "blocked", authority="garante")

    assert ask(base, ban).conditions == ()
    assert names(ask(base, ban).also_restricting) == ["base"]
    assert ask(policy("law", "conditional", authority="garante")).conditions == ()


# Law and practice.


def test_what_nobody_enforces_is_law_and_not_practice() -> None:
    """Over all directives in force the legal state, over the enforced ones the state."""
    answer = ask(offer(), policy("ban", "blocked", authority="garante", enforced=False))

    assert (answer.state, answer.legal_state) == (State.AVAILABLE, State.BLOCKED)
    assert answer.divergence
    assert names(answer.decided_by) == ["offer"]
    assert names(answer.legal_decided_by) == ["ban"]
    assert [one.enforced for one in answer.legal_decided_by] == [False]


def test_what_is_not_enforced_beats_in_law_alone() -> None:
    """A list that is not applied does not close anything, nor open."""
    lax = policy("lax", "not_offered", regions=["IT"], enforced=False)

    answer = ask(offer(), lax)

    assert (answer.state, answer.legal_state) == (State.AVAILABLE, State.NOT_OFFERED)
    assert answer.overridden == ()


def test_what_is_not_enforced_and_loses_in_law_is_told() -> None:
    """Once, beside what loses in practice."""
    lax = policy("lax", "blocked", enforced=False)
    italy = policy("italy", "suspended", regions=["IT"])

    answer = ask(offer(), lax, italy)

    assert sorted(names(answer.overridden)) == ["lax", "offer"]


# Measurements.


def test_the_latest_measurement_that_is_still_valid_is_shown() -> None:
    """By when it was made, not by when we learned of it; narrowness does not count."""
    late = seen("available", "2024-06-01")
    early = seen("blocked", "2024-05-01", scope={"regions": ["IT"]})

    answer = ask(late, early)

    assert answer.observed_state is State.AVAILABLE
    assert answer.state is State.UNKNOWN
    assert ask(late, early, as_of="2024-05-31").observed_state is State.BLOCKED
    assert ask(late, early, as_of="2024-04-30").observed_state is None


def test_a_measurement_speaks_until_the_day_before_its_end_and_in_its_scope() -> None:
    """Half-open, like every period."""
    probe = seen("blocked", "2024-06-01", valid_until="2024-07-01", scope={"regions": ["IT"]})
    france = Cell(provider="openai", service="api", region="FR")

    assert ask(probe, as_of="2024-06-30").observed_state is State.BLOCKED
    assert ask(probe, as_of="2024-07-01").observed_state is None
    assert ask(probe, as_of="2024-06-30", cell=france).observed_state is None


def test_of_two_measurements_of_one_day_the_one_recorded_later_is_shown() -> None:
    """And one with an hour counts as later than one without."""
    day, same_day = seen("blocked", "2024-06-01"), seen("available", "2024-06-01")
    hour = seen("suspended", "2024-06-01T01:00:00Z")

    assert ask(day, same_day).observed_state is State.AVAILABLE
    assert ask(hour, day, same_day).observed_state is State.SUSPENDED


@pytest.mark.parametrize(
    ("state", "contradicts"),
    [("available", False), ("conditional", False), ("not_offered", True), ("blocked", True)],
)
def test_a_measurement_contradicts_if_it_says_open_where_the_record_says_closed(
    state: str, *, contradicts: bool
) -> None:
    """Or the other way round; it moves no state."""
    answer = ask(offer(), seen(state, "2024-06-01"))

    assert answer.state is State.AVAILABLE
    assert answer.divergence is contradicts


def test_a_measurement_never_contradicts_the_unknown() -> None:
    """Where the record is silent it is the only voice."""
    assert not ask(seen("blocked", "2024-06-01")).divergence
    assert ask(policy("ban", "blocked"), seen("available", "2024-06-01")).divergence


# What an answer shows.


def test_a_reason_cites_the_directive_as_it_stands() -> None:
    """With its bounds, who carries it out, the events and the sources."""
    ban = policy(
        "ban",
        "blocked",
        authority="garante",
        effective_until="2024-12-01",
        implemented_by="openai",
    )

    (reason,) = ask(ban).decided_by

    assert (reason.authority, reason.policy, reason.key, reason.effect) == (
        "garante",
        "ban",
        "k",
        "blocked",
    )
    assert reason.effective_from == When.bound("2024-02-01")
    assert reason.effective_until == When.bound("2024-12-01")
    assert reason.implemented_by == "openai"
    assert reason.events == (str(ban.id),)
    assert [one.publisher for one in reason.sources] == ["Example"]


def test_an_answer_is_the_state_the_legal_state_and_the_conditions() -> None:
    """Two answers are the same if these are, whatever the reasons."""
    one = ask(policy("one", "conditional"))
    two = ask(policy("two", "conditional"))

    assert one.answer == two.answer == (State.CONDITIONAL, State.CONDITIONAL, ("licence",))
    assert one.decided_by != two.decided_by
