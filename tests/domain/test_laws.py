"""What holds in every world: laws of the rule and of the record, tried on small random logs.

Where ``CI`` is set the examples are always the same.
"""

import os
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from service.domain.admission import admit
from service.domain.cells import cell_answer, timeline
from service.domain.codec import event_from, event_to
from service.domain.errors import Path, Rejected
from service.domain.events import TYPES, Event, Recorded
from service.domain.fold import Fold
from service.domain.history import as_known
from service.domain.pending import changes_on, coming, pending
from service.domain.policy import judge
from service.domain.registry import Registry
from service.domain.resolution import AccessState, Answer, claims_on, resolve
from service.domain.scope import Cell, Elementary, contains
from service.domain.timeline import Interval, differences, points, run
from service.domain.times import When
from service.domain.world import POLICY, World, by_place
from service.evidence.canonical import canonical_bytes
from tests.builders import corrected, directive, event, ledger, log
from tests.domain.shapes import DATA, SHAPED, batches
from tests.domain.worlds import (
    CAST,
    DAYS,
    EDGES,
    REGIONS,
    cells,
    instants,
    logs,
    moments,
    wide_cells,
    with_event,
)

law = settings(
    max_examples=40, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)


def at(timeline_of: Sequence[Interval], moment: When) -> Answer:
    """Return what a timeline says at a moment."""
    (holding,) = (
        one
        for one in timeline_of
        if (one.since is None or _reached(one.since, moment))
        and not (one.until is not None and _reached(one.until, moment))
    )
    return holding.answer


def _reached(when: When, moment: When) -> bool:
    if when.instant is None or moment.instant is None:
        return when.day <= moment.day
    return when.instant <= moment.instant


def told(recorded: Sequence[Recorded], cell: Cell) -> list[AccessState]:
    """Return the whole answers for a cell on every day."""
    known = World.of(recorded)
    return [resolve(known, cell, day) for day in DAYS]


# The rule.


@law
@given(logs(), cells, moments, st.randoms(use_true_random=False))
def test_the_rule_does_not_depend_on_the_order_of_what_is_known(
    recorded: tuple[Recorded, ...],
    cell: Cell,
    moment: When,
    chance: Any,  # noqa: ANN401
) -> None:
    """However a database returns its rows, the answer and its reasons are the same."""
    known = World.of(recorded)
    mixed, seen = list(known.texts), list(known.observations)
    chance.shuffle(mixed)
    chance.shuffle(seen)
    shuffled = World(known.registry, tuple(mixed), tuple(seen), known.histories)

    assert resolve(shuffled, cell, moment) == resolve(known, cell, moment)


@law
@given(logs(), cells, moments)
def test_the_rule_does_not_depend_on_the_order_within_an_event(
    recorded: tuple[Recorded, ...], cell: Cell, moment: When
) -> None:
    """A scope is a set of combinations, an adoption a set of directives."""
    turned = [replace(one, event=_turned(one.event)) for one in recorded]

    given_answer = resolve(World.of(recorded), cell, moment).answer
    assert resolve(World.of(turned), cell, moment).answer == given_answer


def _turned(given_event: Event) -> Event:
    """Return an event with every list of elements and of directives turned around."""
    plain = event_to(given_event)
    for field in ("directives", "drafts"):
        carried = plain["data"].get(field, [])
        for one in carried:
            if isinstance(one, dict):
                one["scope"] = {name: values[::-1] for name, values in one["scope"].items()}
        if carried:
            plain["data"][field] = carried[::-1]
    return event_from(plain)


@law
@given(logs(), moments)
def test_a_key_has_one_text_at_a_time(recorded: tuple[Recorded, ...], moment: When) -> None:
    """Otherwise it would contradict itself."""
    known = World.of(recorded)

    standing = [
        text.name
        for text in known.texts
        if text.binding and text.draft is None and text.stands(moment, known.registry)
    ]

    assert len(standing) == len(set(standing))


@law
@given(logs(), cells, moments)
def test_one_more_ban_of_another_authority_opens_nothing(
    recorded: tuple[Recorded, ...], cell: Cell, moment: When
) -> None:
    """Across authorities the most restrictive decides."""
    ban = event(
        "policy.adopted",
        stream="policy:ban",
        authority="tribunal",
        occurred_on="2023-12-01",
        data={"directives": [directive(providers=["*"], effective_from="2023-12-01")]},
    )

    answer = resolve(World.of((*recorded, *log(ban, after=recorded))), cell, moment)

    assert (answer.state, answer.legal_state) == ("blocked", "blocked")


@law
@given(logs(), cells, moments)
def test_an_open_answer_rests_on_a_directive_of_the_provider_s_own_authority(
    recorded: tuple[Recorded, ...], cell: Cell, moment: When
) -> None:
    """A government's permission offers nothing, and every answer can say why."""
    known = World.of(recorded)

    answer = resolve(known, cell, moment)

    if answer.state in {"available", "conditional"}:
        own = known.registry.authority_of(cell.provider)
        assert own in {one.text.authority for one in claims_on(known, cell, moment) if one.enforced}
    assert (answer.state == "unknown") == (answer.decided_by == ())
    assert (answer.state == "conditional") == bool(answer.conditions)


@law
@given(logs(), cells, moments)
def test_the_part_of_a_world_that_may_touch_a_place_answers_like_the_whole(
    recorded: tuple[Recorded, ...], cell: Cell, moment: When
) -> None:
    """A list of all countries looks at few texts for each of them, and decides nothing anew."""
    known = World.of(recorded)

    part = by_place(known, cell.provider)(cell.region)

    assert resolve(part, cell, moment) == resolve(known, cell, moment)


@law
@given(logs(), cells, moments)
def test_what_is_to_come_for_a_cell_is_to_come_somewhere(
    recorded: tuple[Recorded, ...], cell: Cell, moment: When
) -> None:
    """A calendar of everything leaves nothing out that an answer announces."""
    known = World.of(recorded)

    anywhere = {(one.policy, one.key, changes_on(one)) for one, _ in coming(known, moment)}

    for one in pending(known, cell, moment):
        assert (one.policy, one.key, changes_on(one)) in anywhere


# Timelines.


@law
@given(logs(), wide_cells)
def test_a_timeline_in_days_agrees_with_the_rule_on_every_day(
    recorded: tuple[Recorded, ...], cell: Cell
) -> None:
    """Between its points nothing changes, also for groups and for what rolls up."""
    known = World.of(recorded)

    days_of = timeline(known, cell)

    for day in (*DAYS, *EDGES):
        assert at(days_of, day) == cell_answer(known, cell, day)


@law
@given(logs(), wide_cells, st.lists(instants.map(When.moment), max_size=5))
def test_a_timeline_in_instants_agrees_with_the_rule_at_every_instant(
    recorded: tuple[Recorded, ...], cell: Cell, some: list[When]
) -> None:
    """At each point, a moment before it, and wherever one looks."""
    known = World.of(recorded)

    instants_of = timeline(known, cell, instants=True)

    starts = [one.since.instant for one in instants_of if one.since and one.since.instant]
    before = [When.at(one - timedelta(microseconds=1)) for one in starts]
    for moment in (*some, *before, *map(When.at, starts), When.moment("1900-01-01T00:00:00Z")):
        assert at(instants_of, moment) == cell_answer(known, cell, moment)


@law
@given(logs(), cells, st.booleans())
def test_an_interval_ends_where_its_answer_no_longer_holds(
    recorded: tuple[Recorded, ...],
    cell: Cell,
    instants_asked: bool,  # noqa: FBT001
) -> None:
    """Its end is exclusive, and is the beginning of an interval with another answer."""
    known = World.of(recorded)

    told_of = timeline(known, cell, instants=instants_asked)

    assert told_of[0].since is None
    assert told_of[-1].until is None
    for one, following in pairwise(told_of):
        assert one.until is not None
        assert one.until == following.since
        assert one.ended_by == following.started_by != ()
        assert cell_answer(known, cell, one.until) == following.answer != one.answer


@law
@given(logs(), cells, moments)
def test_a_run_is_the_interval_of_the_timeline_that_holds_the_moment(
    recorded: tuple[Recorded, ...], cell: Cell, moment: When
) -> None:
    """Since and until are the same wherever they are shown."""
    known = World.of(recorded)
    told_now = resolve(known, cell, moment)
    when = points(known, [cell], instants=moment.instant is not None)

    since, until = run(known, told_now, moment)

    assert since is None or (since in when.moments and _reached(since, moment))
    assert until is None or (until in when.moments and not _reached(until, moment))
    for point in when.moments:
        inside = (since is None or _reached(since, point)) and not (
            until is not None and _reached(until, point)
        )
        if inside:
            assert resolve(known, cell, point).answer == told_now.answer
    if until is not None:
        assert resolve(known, cell, until).answer != told_now.answer


@law
@given(logs(), wide_cells, st.data())
def test_the_differences_of_two_timelines_agree_with_the_rule_on_every_day(
    recorded: tuple[Recorded, ...], cell: Cell, data: st.DataObject
) -> None:
    """What a batch changes is what was told before against what is told after."""
    size = data.draw(st.integers(len(CAST), len(recorded)))
    before, after = World.of(recorded[:size]), World.of(recorded)

    found = differences(timeline(before, cell), timeline(after, cell))

    for day in (*DAYS, *EDGES):
        old, new = cell_answer(before, cell, day), cell_answer(after, cell, day)
        covering = [
            (one.before, one.after)
            for one in found
            if (one.since is None or _reached(one.since, day))
            and not (one.until is not None and _reached(one.until, day))
        ]
        assert covering == ([] if old == new else [(old, new)])


@law
@given(logs(), cells, st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_between_two_days_with_different_answers_an_interval_begins(
    recorded: tuple[Recorded, ...], cell: Cell, one: When, other: When
) -> None:
    """So a diff of two dates can name the events that made it."""
    known = World.of(recorded)
    earlier, later = sorted((one, other), key=lambda each: each.day)

    starts = [
        each
        for each in timeline(known, cell)
        if each.since and earlier.day < each.since.day <= later.day
    ]

    if resolve(known, cell, earlier).answer != resolve(known, cell, later).answer:
        assert starts
        assert starts[-1].answer == resolve(known, cell, later).answer


# The record.


@law
@given(logs(), cells, st.data())
def test_a_retracted_event_leaves_no_trace_in_new_answers_and_all_of_it_in_old_ones(
    recorded: tuple[Recorded, ...], cell: Cell, data: st.DataObject
) -> None:
    """As known before, it stands; as known since, it never was."""
    ours = recorded[len(CAST) :]
    if not ours:
        return
    target = data.draw(st.sampled_from(ours))
    grown = with_event(recorded, corrected(target.event))
    if grown == recorded:
        return

    without = [one for one in recorded if one is not target]

    assert told(grown, cell) == told(without, cell)
    for day in DAYS:
        assert pending(World.of(grown), cell, day) == pending(World.of(without), cell, day)
    assert told(grown[: len(recorded)], cell) == told(recorded, cell)


@law
@given(logs(), cells)
def test_an_answer_at_a_position_never_changes_when_the_log_grows(
    recorded: tuple[Recorded, ...], cell: Cell
) -> None:
    """What was told at a position is told again for ever."""
    written: list[Recorded] = list(CAST)
    remembered = {len(CAST): told(CAST, cell)}
    for one in recorded[len(CAST) :]:
        written.append(one)
        remembered[one.position] = told(written, cell)

    for position, answers in remembered.items():
        assert told([one for one in written if one.position <= position], cell) == answers


@law
@given(logs(), st.data())
def test_whatever_had_occurred_by_a_day_is_a_legal_policy(
    recorded: tuple[Recorded, ...], data: st.DataObject
) -> None:
    """Each step was judged by what the policy was on its own day, so every beginning is legal."""
    for stream in {one.event.stream for one in recorded if one.event.stream.startswith(POLICY)}:
        facts = as_known([one for one in recorded if one.event.stream == stream])
        ordered = sorted(facts, key=lambda one: one.order)
        size = data.draw(st.integers(0, len(ordered)))

        beginning = ordered[:size]

        slug = stream.removeprefix(POLICY)
        assert list(judge(slug, beginning, World.of(recorded).registry)) == []
        assert Fold.of(slug, beginning).texts() == Fold.of(slug, beginning[::-1]).texts()


# Scopes.

elementary = st.builds(
    Elementary,
    st.just("openai"),
    st.sampled_from(["*", "api", "chatgpt", "chatgpt/ios"]),
    st.sampled_from(["*", *REGIONS, "GB"]),
    st.sampled_from(["*", "public", "government", "government/defence"]),
) | st.builds(
    Elementary,
    st.sampled_from(["*", "microsoft"]),
    st.just("*"),
    st.sampled_from(["*", *REGIONS, "GB"]),
    st.just("*"),
)


@settings(law, max_examples=300)
@given(elementary, elementary, elementary, cells, moments)
def test_containment_is_an_order_at_any_moment(
    one: Elementary, two: Elementary, three: Elementary, cell: Cell, moment: When
) -> None:
    """Lex specialis rests on it: reflexive, transitive, and true of every cell inside.

    Two that contain each other reach the same cells; a group of one country is that country.
    """
    groups = Registry.of(CAST)

    def inside(outer: Elementary, inner: Elementary | Cell) -> bool:
        return contains(outer, inner, groups, moment)

    assert inside(one, one)
    if inside(one, two) and inside(two, three):
        assert inside(one, three)
    if inside(one, two) and inside(two, cell):
        assert inside(one, cell)
    if inside(one, two) and inside(two, one):
        assert inside(one, cell) == inside(two, cell)


# Events as data.


@settings(law, max_examples=300)
@given(SHAPED)
def test_an_event_comes_back_from_its_plain_form_as_it_was(plain: dict[str, Any]) -> None:
    """The bytes that are hashed are those of whoever reads and writes them again."""
    given_event = event_from(plain)

    written = event_to(given_event)

    assert event_from(written) == given_event
    assert canonical_bytes(event_to(event_from(written))) == canonical_bytes(written)
    assert written["type"] == plain["type"]


def test_every_type_of_event_is_tried() -> None:
    """A new type must be added here."""
    assert {*DATA, "record.corrected"} == set(TYPES)


@settings(law, max_examples=150)
@given(logs(), st.data())
def test_a_batch_is_admitted_or_rejected_with_faults_that_can_be_found(
    recorded: tuple[Recorded, ...], data: st.DataObject
) -> None:
    """No input makes a traceback: each fault has a sentence, and a path into what was sent."""
    batch = data.draw(batches(recorded))
    events = log(*batch, after=recorded)

    try:
        registry = admit(events, ledger(recorded))
    except Rejected as rejected:
        for index, fault in rejected.faults:
            assert fault.detail.endswith((".", "?"))
            assert _leads(event_to(batch[index]), fault.path), fault.path
    else:
        assert World.of((*recorded, *events)).registry == registry


def _leads(plain: Any, path: Path) -> bool:  # noqa: ANN401 -- any JSON
    """Tell whether a path leads to something that was sent, or to a field that is missing there."""
    for step in path[:-1]:
        if not _has(plain, step):
            return False
        plain = plain[step]
    return not path or isinstance(plain, dict) or _has(plain, path[-1])


def _has(plain: object, step: str | int) -> bool:
    if isinstance(plain, dict):
        return step in plain
    return isinstance(plain, list) and isinstance(step, int) and step < len(plain)
