"""Comparing, gating and following: the same answers, seen from the side of what changes."""

from datetime import date, datetime, timedelta

import pytest

from service.application.asking import CellFilter, explained
from service.application.comparing import over_dates, over_positions, revisions
from service.application.following import changes, upcoming
from service.application.gating import Wanted, check
from service.application.preview import Cause
from service.application.recording import Batch, Clock, append
from service.domain.answers import Question
from service.domain.errors import BadPeriodError
from service.domain.events import Event
from service.domain.times import When
from service.projections.known import Near
from service.store.engine import Database
from tests.builders import NOON, corrected, directive, event, registry_events

CAST = len(registry_events())
NOW = NOON + timedelta(days=9)
OPENAI = CellFilter(providers=("openai",), services=("api",))


def _clock(at: datetime) -> Clock:
    return lambda: at


def _adopted(start: str) -> Event:
    text = directive("api", "blocked", effective_from=start, regions=["CN", "HK"])
    text["scope"] |= {"providers": ["openai"], "services": ["api"]}
    return event("policy.adopted", stream="policy:notice", data={"directives": [text]})


@pytest.fixture
def notice() -> Event:
    """OpenAI's notice: its API blocked in China and Hong Kong from 9 July 2024."""
    return _adopted("2024-07-09")


@pytest.fixture
def recorded(database: Database, notice: Event) -> Database:
    """The list, the notice, and then a correction that moves the notice by a day."""
    listed = directive("listed", "available", effective_from="2023-03-01", regions=["EU", "US"])
    listed["scope"] |= {"providers": ["openai"], "services": ["api"]}
    batches = (
        registry_events(),
        (event("policy.adopted", stream="policy:list", data={"directives": [listed]}),),
        (notice,),
        (corrected(notice, _adopted("2024-07-10")),),
    )
    for day, batch in enumerate(batches):
        clock = _clock(NOON + timedelta(days=day))
        append(database, Batch(events=batch, principal="alice"), clock=clock)
    return database


def test_a_diff_of_two_dates_names_the_cells_and_the_events(
    recorded: Database, notice: Event
) -> None:
    """The world changed on 10 July, as we know it now."""
    dates = (When.moment("2024-07-09"), When.moment("2024-07-10"))

    found = over_dates(recorded, OPENAI, dates, None, NOW)

    assert [one.region for one in found.items] == ["CN", "HK"]
    first = found.items[0]
    assert (first.before.state, first.after.state) == ("unknown", "blocked")
    assert (first.events, first.cause) == ((str(notice.id),), Cause.WORLD)


def test_a_diff_over_our_record_tells_a_correction_from_news(
    recorded: Database, notice: Event
) -> None:
    """What we learned is ``world`` until a correction within the range made it."""
    as_of = When.moment("2024-07-09")

    learned = over_positions(recorded, OPENAI, as_of, (f"@{CAST}", f"@{CAST + 2}"), NOW)
    mended = over_positions(recorded, OPENAI, as_of, (f"@{CAST + 2}", None), NOW)

    assert {one.region: one.cause for one in learned.items} == {
        "CN": Cause.WORLD,
        "HK": Cause.WORLD,
        "FR": Cause.WORLD,
        "IT": Cause.WORLD,
        "US": Cause.WORLD,
    }
    assert [(one.region, one.cause) for one in mended.items] == [
        ("CN", Cause.RECORD),
        ("HK", Cause.RECORD),
    ]
    assert [one.after.state for one in mended.items] == ["unknown", "unknown"]
    assert str(notice.id) not in mended.items[0].events


def test_a_diff_runs_forward(recorded: Database) -> None:
    """Or before and after would be confused."""
    same = (When.moment("2024-07-09"), When.moment("2024-07-09"))

    with pytest.raises(BadPeriodError):
        over_positions(recorded, OPENAI, When.moment("2024-07-09"), ("@9", "@3"), NOW)
    with pytest.raises(BadPeriodError):
        over_dates(recorded, OPENAI, same, None, NOW)


def test_revisions_are_the_positions_at_which_the_answer_changed(recorded: Database) -> None:
    """Each agrees with the answers before and at its position."""
    question = Question(
        provider="openai", region="CN", service="api", as_of=When.moment("2024-07-09")
    )

    _, found = revisions(recorded, question, NOW)

    assert [(one.position, one.after.state.value, one.cause) for one in found] == [
        (CAST + 2, "blocked", Cause.WORLD),
        (CAST + 3, "unknown", Cause.RECORD),
    ]
    for one in found:
        at = explained(recorded, question, f"@{one.position}", NOW)
        before = explained(recorded, question, f"@{one.position - 1}", NOW)
        assert (before.state, at.state) == (one.before.state, one.after.state)


def test_a_check_answers_in_order_and_names_what_is_unknown(recorded: Database) -> None:
    """One bad cell must not close a gateway."""
    cells = (
        Wanted(provider="openai", service="api", region="US"),
        Wanted(provider="openai", service="api", region="CN"),
        Wanted(provider="opnai", service="api", region="CN"),
    )

    found = check(recorded, cells, When.moment("2024-07-09"), None, NOW)

    us, china, nobody = found.items
    assert (us.access, us.valid_until, us.problem) == ("open", None, None)
    assert (china.state, china.valid_until) == ("unknown", When.moment("2024-07-10"))
    assert nobody.access == "unknown"
    assert nobody.problem is not None
    assert (nobody.problem.field, nobody.problem.suggestion) == ("provider", "openai")


def test_what_is_to_come_is_told_from_what_had_occurred(recorded: Database) -> None:
    """On 1 July the block was ahead; on 20 June nobody knew of it; in August it had come."""
    july = upcoming(recorded, date(2024, 7, 1), 30, NOW)
    june = upcoming(recorded, date(2024, 6, 20), 30, NOW)
    august = upcoming(recorded, date(2024, 8, 1), 30, NOW)
    soon = upcoming(recorded, date(2024, 7, 1), 5, NOW)

    assert [(str(one.on), one.change.policy, one.scope.regions) for one in july.items] == [
        ("2024-07-10", "notice", ("CN", "HK"))
    ]
    assert june.items == august.items == soon.items == ()


def test_changes_are_told_newest_first_and_in_parts(recorded: Database) -> None:
    """A reader who saw a part goes on where it ended."""
    first = changes(recorded, Near(provider="openai"), before=None, limit=2)
    rest = changes(recorded, Near(provider="openai"), before=first.next, limit=2)
    china = changes(recorded, Near(provider="openai", region="CN"), before=None, limit=9)

    assert [one.recorded.position for one in first.items] == [CAST + 3, CAST + 2]
    assert [one.cause for one in first.items] == [Cause.RECORD, Cause.WORLD]
    assert [one.recorded.event.stream for one in rest.items] == ["policy:list"]
    assert rest.next is None
    assert [one.recorded.position for one in china.items] == [CAST + 3, CAST + 2]
