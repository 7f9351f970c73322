"""What is to come as a calendar to subscribe to (RFC 5545).

Each dated change is an event of its own: all day where its date is a date, at an instant where it
is one. Its UID is that of the policy, the key and the kind of change, so a postponement moves it;
SEQUENCE is the position of the last event of the log that it rests on, DTSTAMP when that was
recorded. What was withdrawn or repealed before it came stays for its old date as CANCELLED.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from icalendar import Calendar
from icalendar import Event as Entry

from service.application.following import Agenda, Upcoming
from service.domain.pending import PendingKind
from service.domain.times import When

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"

MOST_LISTED: Final = 20
"""Elements of a scope that a description names."""

_NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:accessline:upcoming")
_STATUS: Final = {
    PendingKind.SCHEDULED: "CONFIRMED",
    PendingKind.ENDING: "CONFIRMED",
    PendingKind.ANNOUNCED: "TENTATIVE",
    PendingKind.PROPOSED: "TENTATIVE",
}


def calendar(found: Agenda, base: str) -> bytes:
    """Write the dated changes of an agenda as a calendar.

    Args:
        found: What is to come, and what is off.
        base: Where the server is reached; empty where nobody says, then no entry has a URL.
    """
    made = Calendar()
    made.add("prodid", "-//accessline//accessline//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", "Changes of access to AI services")
    made.add("refresh-interval", timedelta(hours=6), parameters={"VALUE": "DURATION"})
    taken: set[str] = set()
    for one, on in _dated(found):
        made.add_component(_entry(one, on, _uid(one, on, taken), base))
    written: bytes = made.to_ical()
    return written


def _dated(found: Agenda) -> Iterator[tuple[Upcoming, When]]:
    for one in (*found.items, *found.cancelled):
        if one.on is not None:
            yield one, one.on


def _uid(one: Upcoming, on: When, taken: set[str]) -> str:
    """Return a UID; of several changes of one kind the later ones are told apart by their date."""
    change = one.change
    name = f"{change.policy}#{change.key}/{change.kind}"
    while name in taken:
        name = f"{name}/{on}"
    taken.add(name)
    return str(uuid5(_NAMESPACE, name))


def _entry(one: Upcoming, on: When, uid: str, base: str) -> Entry:
    change = one.change
    entry = Entry()
    entry.add("uid", uid)
    entry.add("sequence", one.last.position)
    entry.add("dtstamp", one.last.recorded_at.replace(microsecond=0))
    entry.add("dtstart", on.day if on.instant is None else on.instant)
    if on.instant is None:
        entry.add("dtend", on.day + timedelta(days=1))
    title = one.title or f"{change.policy}#{change.key}"
    entry.add("summary", f"{change.kind.capitalize()}, {change.effect}: {title}")
    entry.add("description", "\n".join(_described(one)))
    entry.add("categories", [change.kind.value, change.effect.value])
    entry.add("status", "CANCELLED" if one.cancelled else _STATUS[change.kind])
    entry.add("transp", "TRANSPARENT")
    if base:
        entry.add("url", f"{base}/v1/policies/{change.policy}")
    return entry


def _described(one: Upcoming) -> Iterator[str]:
    change = one.change
    yield f"Policy {change.policy}, directive {change.key}"
    for name in ("providers", "services", "regions", "audiences"):
        elements = getattr(one.scope, name)
        more = len(elements) - MOST_LISTED
        rest = f" and {more} more" if more > 0 else ""
        yield f"{name.capitalize()}: {', '.join(elements[:MOST_LISTED])}{rest}"
    if change.conditions:
        yield f"Conditions: {', '.join(change.conditions)}"
    for source in change.sources:
        yield f"{source.publisher}: {source.url}"
