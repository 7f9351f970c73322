"""Asking: both times are resolved before anything is read, and every way of asking agrees."""

from datetime import datetime, timedelta

import pytest

from service.application.asking import CellFilter, Window, explained, intervals, listing
from service.application.browsing import Mentioning, event, events, policies, policy
from service.application.moments import known_position, moment
from service.application.recording import Batch, Clock, append
from service.domain.answers import Question
from service.domain.errors import BadPeriodError, BadTimeError, UnknownIdError
from service.domain.times import When
from service.store.engine import Database
from service.store.events import EventFilter
from tests.builders import NOON, directive, registry_events
from tests.builders import event as an_event

DAY = timedelta(days=1)


@pytest.fixture
def recorded(database: Database) -> Database:
    """The cast on 22 November 2026, OpenAI's list a day later, its notice another day later."""
    listed = directive("listed", "available", effective_from="2023-03-01", regions=["EU", "US"])
    notice = directive("api", "blocked", effective_from="2024-07-09", regions=["CN", "US-TX"])
    batches = (
        registry_events(),
        (an_event("policy.adopted", stream="policy:list", data={"directives": [listed]}),),
        (an_event("policy.adopted", stream="policy:notice", data={"directives": [notice]}),),
    )
    for day, batch in enumerate(batches):
        append(database, Batch(events=batch, principal="alice"), clock=_clock(NOON + day * DAY))
    return database


def _clock(at: datetime) -> Clock:
    return lambda: at


def position(database: Database, known_at: str | None) -> int:
    """Resolve a ``known_at`` four days after the first event."""
    with database.read() as connection:
        return known_position(connection, known_at, NOON + 4 * DAY).position


def test_known_at_is_resolved_to_a_position(recorded: Database) -> None:
    """A position, an instant, a date (its end in UTC), or nothing for all that is known."""
    cast = len(registry_events())

    assert position(recorded, None) == cast + 2
    assert position(recorded, f"@{cast}") == cast
    assert position(recorded, "@0") == 0
    assert position(recorded, "2026-11-21") == 0
    assert position(recorded, "2026-11-22") == cast
    assert position(recorded, "2026-11-23T11:59:59Z") == cast
    assert position(recorded, "2026-11-23T13:00:00+01:00") == cast + 1
    assert position(recorded, "2026-11-26") == cast + 2


@pytest.mark.parametrize(
    ("known_at", "word"),
    [
        ("@99", "beyond the head"),
        ("@-1", "no position"),
        ("@007", "no position"),
        ("@٣", "no position"),
        ("2026-11-27", "future"),
        ("2026-11-26T12:00:01Z", "future"),
        ("2026-11-26T12:00:00", "offset"),
        ("yesterday", "no date"),
    ],
)
def test_what_nobody_can_know_is_refused(recorded: Database, known_at: str, word: str) -> None:
    """An answer at a position that does not exist yet would change."""
    with pytest.raises(BadTimeError, match=word) as refused:
        position(recorded, known_at)

    assert refused.value.path == ("known_at",)


def test_an_id_that_was_registered_later_says_so(recorded: Database) -> None:
    """Asked with an early ``known_at`` nobody knew the provider yet."""
    question = Question(provider="openai", region="CN", as_of=moment("2024-07-09", NOON))

    with pytest.raises(UnknownIdError, match="registered later") as refused:
        explained(recorded, question, "@1", NOON + 4 * DAY)

    assert refused.value.path == ("provider",)


def test_a_list_says_what_the_explained_answers_say(recorded: Database) -> None:
    """Every cell of the world, a subdivision and a group: one rule, asked in two ways."""
    as_of = When.moment("2024-07-10")
    now = NOON + 4 * DAY
    everywhere = listing(recorded, CellFilter(), as_of, None, now).rows
    some = CellFilter(providers=("openai",), regions=("US-TX", "EU"))

    rows = (*everywhere, *listing(recorded, some, as_of, None, now).rows)

    assert len(everywhere) == 249 * 3
    for row in rows[::41] + rows[-4:]:
        question = Question(
            provider=row.provider, region=row.region, service=row.service, as_of=as_of
        )
        told = explained(recorded, question, None, now)
        assert (told.state, told.legal_state) == (row.state, row.legal_state)


def test_a_timeline_is_cut_to_its_window(recorded: Database) -> None:
    """Half-open: what ended on the first day and what begins on the last are outside."""
    question = Question(
        provider="openai", region="US-TX", service="api", as_of=When.moment("2024-01-01")
    )
    now = NOON + 4 * DAY

    whole = intervals(recorded, question, Window(), None, now).spans
    window = Window(since=When.moment("2023-03-01"), until=When.moment("2024-07-09"))
    cut = intervals(recorded, question, window, None, now).spans

    assert [(str(one.since), str(one.until), one.state.value) for one in whole] == [
        ("None", "2023-03-01", "unknown"),
        ("2023-03-01", "2024-07-09", "available"),
        ("2024-07-09", "None", "blocked"),
    ]
    assert [one.state.value for one in cut] == ["available"]
    assert len(whole[1].started_by) == len(whole[1].ended_by) == 1


def test_a_window_that_runs_backward_is_refused(recorded: Database) -> None:
    """And so is one between a date and an instant, which no order compares."""
    question = Question(provider="openai", region="CN", as_of=When.moment("2024-01-01"))
    backward = Window(since=When.moment("2024-07-09"), until=When.moment("2024-07-09"))
    mixed = Window(since=When.moment("2024-07-09"), until=When.moment("2025-07-09T00:00:00Z"))

    with pytest.raises(BadPeriodError):
        intervals(recorded, question, backward, None, NOON)
    with pytest.raises(BadTimeError, match="both"):
        intervals(recorded, question, mixed, None, NOON)


def test_the_log_is_read_in_pages_by_what_events_name(recorded: Database) -> None:
    """A region finds what names it; a position goes on from where a page ended."""
    wanted = EventFilter(type="policy.adopted")

    first = events(recorded, wanted, Mentioning(provider="openai"), after=0, limit=1)
    rest = events(recorded, wanted, Mentioning(provider="openai"), after=first.next or 0, limit=9)
    texas = events(recorded, EventFilter(), Mentioning(region="US-TX"), after=0, limit=9)

    assert [one.event.stream for one in first.items] == ["policy:list"]
    assert [one.event.stream for one in rest.items] == ["policy:notice"]
    assert rest.next is None
    assert [one.event.stream for one in texas.items] == ["policy:notice"]
    assert event(recorded, texas.items[0].event.id) == texas.items[0]


def test_policies_stand_where_they_stood_on_the_day(recorded: Database) -> None:
    """The notice of 24 June was adopted, and not in force before 9 July."""
    now = NOON + 4 * DAY

    def status(as_of: str, known_at: str | None = None) -> list[tuple[str, str]]:
        found = policies(
            recorded, as_of=When.moment(as_of), known_at=known_at, now=now, after=None, limit=9
        )
        return [(one.slug, one.status.value) for one in found.items]

    assert status("2024-06-23") == []
    assert status("2024-06-24") == [("list", "in_force"), ("notice", "adopted")]
    assert status("2024-07-09") == [("list", "in_force"), ("notice", "in_force")]
    assert status("2024-07-09", "2026-11-23") == [("list", "in_force")]


def test_a_policy_that_nobody_recorded_is_unknown_with_a_suggestion(recorded: Database) -> None:
    """A slug mistyped must not read as a policy without events."""
    with pytest.raises(UnknownIdError) as refused:
        policy(recorded, "notise", as_of=When.moment("2024-07-09"), known_at=None, now=NOON)

    assert refused.value.suggestion == "notice"
