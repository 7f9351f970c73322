"""Dates and instants, and when a bound is reached.

Two clocks run through the house. *Effective* time is when something holds in the world and is
written as a **date** (in the authority's calendar) or as an **instant** (RFC 3339 with an offset);
*recorded* time is when the log learned of it and is always an instant in UTC.

A question is asked for a date or for an instant, and every bound is compared in the question's own
kind. A date asks for the state **at the end of that day**: bounds compare as calendar days, an
instant counting on the day of its own offset. An instant compares instants: a date bound is 00:00
in the time zone of the authority that set it. So nothing is ever converted before it is asked.

>>> When.bound("2024-07-09").day
datetime.date(2024, 7, 9)
>>> When.bound("2024-07-09T23:30:00-07:00").text
'2024-07-09T23:30:00-07:00'
>>> When.occurrence("2024-02").day
datetime.date(2024, 2, 29)
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from service.domain.errors import BadPeriodError, BadTimeError, Path

YEARS = range(1900, 2201)

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?"
    r"([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)
_LOST_PLUS = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)? \d{2}:\d{2}", re.ASCII)
_NAIVE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?", re.ASCII)
_START = datetime.min.replace(tzinfo=UTC)

_EXAMPLES = "a date such as 2024-07-09 or an instant with an offset such as 2024-07-09T00:00:00Z"


class When:
    """A date, an instant, or (for ``occurred_on`` alone) a month or a year; immutable.

    A scalar, written as its text: so not one of the dataclasses, which are objects in JSON.

    Attributes:
        text: The normal form, which is what is stored and shown; equal texts are equal.
        day: The calendar day: of an instant in its own offset, of a month or year the last one.
        instant: The instant in UTC, or None where only a day is known.
        order: Sort key by day; on one day a date comes before the instants.
    """

    __slots__ = ("day", "instant", "order", "text")

    def __init__(self, text: str, day: date, instant: datetime | None = None) -> None:
        self.text: Final = text
        self.day: Final = day
        self.instant: Final = instant
        self.order: Final = day, instant or _START

    def __eq__(self, other: object) -> bool:
        """Compare normal forms."""
        return isinstance(other, When) and self.text == other.text

    def __hash__(self) -> int:
        """Hash the normal form."""
        return hash(self.text)

    def __repr__(self) -> str:
        """Return an expression that makes it."""
        return f"When({self.text!r})"

    @classmethod
    def bound(cls, text: str, *, path: Path = ()) -> "When":
        """Read a date or an instant, 1900 to 2200.

        Raises:
            BadTimeError: Anything else, naive times and partial dates included.
        """
        if (found := _DATE.fullmatch(text)) is not None:
            return cls(text, _day(text, *found.groups(), path=path))
        if (found := _INSTANT.fullmatch(text)) is not None:
            return _instant(text, found, path)
        raise BadTimeError(_why_not(text), path=path)

    @classmethod
    def occurrence(cls, text: str, *, path: Path = ()) -> "When":
        """Read what ``bound`` reads, or a year or month (EDTF level 0), meaning its last day.

        Raises:
            BadTimeError: Anything else.
        """
        if (found := _PARTIAL.fullmatch(text)) is not None:
            year, month = found.group(1), found.group(2) or "12"
            _day(text, year, month, "01", path=path)
            last = monthrange(int(year), int(month))[1]
            return cls(text, date(int(year), int(month), last))
        return cls.bound(text, path=path)

    @classmethod
    def moment(cls, text: str, *, path: Path = ()) -> "When":
        """Read the ``as_of`` of a question; an instant is put into UTC.

        Raises:
            BadTimeError: No date and no instant.
        """
        when = cls.bound(text, path=path)
        return when if when.instant is None else cls.at(when.instant)

    @classmethod
    def at(cls, instant: datetime) -> "When":
        """Return the moment of an aware datetime, in UTC."""
        utc = instant.astimezone(UTC)
        return cls(_written(utc), utc.date(), utc)

    @classmethod
    def on(cls, day: date) -> "When":
        """Return the moment at the end of ``day``."""
        return cls(day.isoformat(), day)

    def in_zone(self, zone: str) -> datetime:
        """Return the instant, a date being 00:00 of that day in ``zone`` (an IANA name)."""
        return self.instant or _midnight(self.day, zone)

    def __str__(self) -> str:
        """Return the normal form."""
        return self.text


def reached(when: When, moment: When, zone: str) -> bool:
    """Tell whether a bound set in ``zone`` lies at or before ``moment``, in the moment's kind."""
    if moment.instant is None:
        return when.day <= moment.day
    return when.in_zone(zone) <= moment.instant


def check_period(
    start: When, end: When | None, zone: str, end_zone: str | None = None, *, path: Path = ()
) -> None:
    """Refuse ``[start, end)`` where it is empty or backward, as days or as instants.

    Two instants may share a day: what held from 08:00 to 20:00 did hold.

    Args:
        start: Its first day or instant.
        end: Exclusive; None has no end.
        zone: Of whoever set the start; and the end, where ``end_zone`` names no other.
        end_zone: Of whoever set the end.
        path: Where a fault stands.

    Raises:
        BadPeriodError: With both ends.
    """
    if end is None:
        return
    same_day = start.day == end.day and end.instant is not None
    forward = start.day < end.day or same_day
    if not forward or start.in_zone(zone) >= end.in_zone(end_zone or zone):
        raise BadPeriodError(start.text, end.text, path=path)


@lru_cache(maxsize=4096)
def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _written(utc: datetime) -> str:
    return utc.isoformat().replace("+00:00", "Z")


def _day(text: str, year: str, month: str, day: str, *, path: Path) -> date:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        message = f"{text!r} is not a day of the calendar. Write {_EXAMPLES}."
        raise BadTimeError(message, path=path) from None
    if found.year not in YEARS:
        raise BadTimeError(_out_of_years(text), path=path)
    return found


def _instant(text: str, found: re.Match[str], path: Path) -> When:
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    local_day = _day(text, year, month, day, path=path)
    try:
        zone = _offset(offset)
        local = datetime(
            local_day.year,
            local_day.month,
            local_day.day,
            int(hour),
            int(minute),
            int(second),
            int((fraction or "0").ljust(6, "0")),
            tzinfo=zone,
        )
    except ValueError:
        message = f"{text!r} is not a time of the day. Write {_EXAMPLES} (seconds 00 to 59)."
        raise BadTimeError(message, path=path) from None
    utc = local.astimezone(UTC)
    if utc.year not in YEARS:
        raise BadTimeError(_out_of_years(text), path=path)
    return When(_written(local), local_day, utc)


def _offset(text: str) -> timezone:
    if text in {"Z", "z", "-00:00"}:
        return UTC
    sign = -1 if text[0] == "-" else 1
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 the bounds of RFC 3339, section 5.6
        raise ValueError
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def _out_of_years(text: str) -> str:
    return f"{text!r} lies outside of the years {YEARS.start} to {YEARS.stop - 1}."


def _why_not(text: str) -> str:
    shown = text[:40]
    if _LOST_PLUS.fullmatch(text):
        return f"{shown!r} lost the + of its offset: in a URL it must be sent as %2B."
    if _NAIVE.fullmatch(text):
        return (
            f"{shown!r} has no offset from UTC. Write {_EXAMPLES}; a time without an offset "
            "means another instant in every country."
        )
    if _PARTIAL.fullmatch(text):
        return f"{shown!r} is a month or a year where a day is needed. Write {_EXAMPLES}."
    return f"{shown!r} is no date and no instant. Write {_EXAMPLES}."
