"""What others subscribe to, written from what a use case returned."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
import pytest
from icalendar import Calendar

from service.application.following import Agenda, ChangeMade, ChangesMade, Upcoming
from service.application.preview import Cause
from service.domain.answers import KnownAt
from service.domain.events import Effect, Recorded
from service.domain.pending import Pending, PendingKind
from service.domain.scope import Scope
from service.domain.times import When
from service.feeds import atom, calendar
from service.projections.known import Near
from tests.builders import corrected, directive, event, log

BASE = "https://access.example.org"
AT = KnownAt(position=7, recorded_at=datetime(2026, 11, 22, 12, tzinfo=UTC))


@pytest.fixture
def notice() -> Recorded:
    """A notice whose title has everything that a format might stumble over."""
    data = {"directives": [directive(effective_from="2024-07-09")]}
    title = 'A & B <block> "C"; comma, semicolon; back\\slash'
    return log(event("policy.adopted", title=title, data=data))[0]


def change(notice: Recorded, on: str | None = "2024-07-09", **more: object) -> Upcoming:
    """Return what the notice brings about."""
    when = None if on is None else When.bound(on)
    pending = Pending(
        kind=PendingKind.SCHEDULED,
        effect=Effect.BLOCKED,
        effective_from=when,
        effective_until=None,
        announced_on=When.bound("2024-06-24"),
        authority="openai",
        policy="rules",
        key="api",
        conditions=(),
        enforced=True,
        events=(str(notice.event.id),),
        sources=(),
    )
    scope = Scope(regions=tuple(f"R{number}" for number in range(30)))
    made = Upcoming(change=pending, on=when, scope=scope, title=notice.event.title, last=notice)
    return replace(made, **more)  # type: ignore[arg-type]


def agenda(*items: Upcoming, cancelled: tuple[Upcoming, ...] = ()) -> Agenda:
    """Return an agenda of July 2024."""
    return Agenda(
        since=date(2024, 7, 1),
        until=date(2024, 8, 1),
        known_at=AT,
        items=items,
        cancelled=cancelled,
    )


def events(written: bytes) -> list[Any]:
    """Return the entries of a calendar."""
    return list(Calendar.from_ical(written).walk("VEVENT"))


def test_a_calendar_holds_text_as_it_was_recorded(notice: Recorded) -> None:
    """Commas and semicolons are escaped; a long line is folded, and long lists are cut."""
    [entry] = events(calendar.calendar(agenda(change(notice)), BASE))

    assert str(entry["SUMMARY"]).endswith(str(notice.event.title))
    assert "R19 and 10 more" in str(entry["DESCRIPTION"])
    assert str(entry["URL"]) == f"{BASE}/v1/policies/rules"
    assert entry["DTSTAMP"].dt == notice.recorded_at.replace(microsecond=0)


def test_where_nobody_says_where_the_server_is_no_entry_has_a_url(notice: Recorded) -> None:
    """RFC 5545 knows no relative ones, and the client's word for the host is not repeated."""
    [entry] = events(calendar.calendar(agenda(change(notice)), ""))

    assert "URL" not in entry
    assert "rules" in str(entry["DESCRIPTION"])


def test_an_instant_is_no_whole_day(notice: Recorded) -> None:
    """It is told in UTC."""
    [entry] = events(calendar.calendar(agenda(change(notice, "2024-07-09T08:00:00+02:00")), ""))

    assert entry["DTSTART"].dt == datetime(2024, 7, 9, 6, tzinfo=UTC)
    assert "DTEND" not in entry


def test_an_entry_keeps_its_uid_when_it_moves_and_two_never_share_one(notice: Recorded) -> None:
    """The UID is that of policy, key and kind; a second change of the kind has its date in it."""
    [first] = events(calendar.calendar(agenda(change(notice)), ""))
    [moved] = events(calendar.calendar(agenda(change(notice, "2024-07-20")), ""))
    both = events(calendar.calendar(agenda(change(notice), change(notice, "2024-07-20")), ""))

    assert first["UID"] == moved["UID"]
    assert len({str(one["UID"]) for one in both}) == 2
    assert both[0]["UID"] == first["UID"]


def test_what_has_no_date_is_left_out_and_what_is_off_is_cancelled(notice: Recorded) -> None:
    """A calendar has no place for "one day"."""
    off = change(notice, "2024-07-20", cancelled=True)

    [entry] = events(calendar.calendar(agenda(change(notice, None), cancelled=(off,)), ""))

    assert entry["STATUS"] == "CANCELLED"


def test_the_same_agenda_is_the_same_bytes(notice: Recorded) -> None:
    """So that an immutable calendar stays what it was."""
    found = agenda(change(notice), change(notice, "2024-07-20"))

    assert calendar.calendar(found, BASE) == calendar.calendar(found, BASE)


def test_a_feed_holds_text_as_it_was_recorded(notice: Recorded) -> None:
    """Markup in a title is text; links begin with what the operator said."""
    made = ChangeMade(recorded=notice, cause=Cause.WORLD)
    found = ChangesMade(known_at=AT, items=(made,), next=None)

    written = atom.feed(found, Near(), {"self": f"{BASE}/v1/changes.atom"}, BASE)

    [entry] = ET.fromstring(written).iter("{http://www.w3.org/2005/Atom}entry")  # noqa: S314
    assert entry.findtext("{http://www.w3.org/2005/Atom}title") == notice.event.title
    [read] = feedparser.parse(written).entries
    assert read.link == f"{BASE}/v1/events/{notice.event.id}"


def test_a_correction_is_an_entry_of_its_own(notice: Recorded) -> None:
    """It says what was wrong, and is told from what the world did."""
    mended = log(corrected(notice.event), after=(notice,))[0]
    made = ChangeMade(recorded=mended, cause=Cause.RECORD)
    found = ChangesMade(known_at=AT, items=(made,), next=None)

    [read] = feedparser.parse(atom.feed(found, Near(), {}, "")).entries

    assert read.title == "Our record of policy:rules is corrected"
    assert read.summary == "we misread it"
    assert [one.term for one in read.tags] == ["record.corrected", "record"]


def test_a_feed_without_entries_is_a_feed(notice: Recorded) -> None:
    """Also of a log without events."""
    assert notice.position == 1
    for at in (AT, KnownAt(position=0, recorded_at=None)):
        found = ChangesMade(known_at=at, items=(), next=None)
        read = feedparser.parse(atom.feed(found, Near(provider="openai", region="CN"), {}, ""))

        assert not read.bozo
        assert read.feed.title == "Changes of access to openai in CN"
        assert read.feed.updated
