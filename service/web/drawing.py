"""Lines of time as numbers for SVG: positions in per cent, so that text never has to be scaled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from service.application.asking import Span
from service.domain.resolution import State
from service.domain.times import When

_MARGIN: Final = timedelta(days=60)
_FEWEST: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """A scrubber: its ends and value as days since 1970, and the changes along it.

    Attributes:
        marks: Each change, as per cent of the width and as a day.
        before, after: The next changes to either side, None where there is none.
    """

    first: int
    last: int
    value: int
    today: int
    marks: tuple[tuple[float, str], ...]
    before: str | None
    after: str | None


def ticks(changes: Sequence[str], as_of: date, today: date) -> Ticks:
    """Draw the changes of a provider along a line of time."""
    days = [date.fromisoformat(one[:10]) for one in changes]
    first = min([*days, as_of, today - _FEWEST]) - _MARGIN
    last = max([*days, as_of, today]) + _MARGIN
    whole = (last - first).days
    on = as_of.isoformat()
    return Ticks(
        first=number(first),
        last=number(last),
        value=number(as_of),
        today=number(today),
        marks=tuple(
            (round((day - first).days / whole * 100, 2), day.isoformat())
            for day in sorted(set(days))
        ),
        before=max((one for one in changes if one[:10] < on), default=None),
        after=min((one for one in changes if one[:10] > on), default=None),
    )


def number(day: date) -> int:
    """Return a day as days since 1970."""
    return (day - date(1970, 1, 1)).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One interval: where it begins and how wide it is, in per cent of the line."""

    x: float
    width: float
    state: State
    since: When | None
    until: When | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A cell's line of time."""

    bars: tuple[Bar, ...]
    now: float
    today: float
    first: date
    last: date


def bars(spans: Sequence[Span], as_of: date, today: date) -> Bars:
    """Draw the intervals of one service."""
    ends = [one.day for span in spans for one in (span.since, span.until) if one is not None]
    first = min([*ends, as_of, today - _FEWEST]) - _MARGIN
    last = max([*ends, as_of, today]) + _MARGIN
    whole = (last - first).days

    def at(day: date) -> float:
        return round((day - first).days / whole * 100, 2)

    drawn = []
    for span in spans:
        start = 0.0 if span.since is None else at(span.since.day)
        end = 100.0 if span.until is None else at(span.until.day)
        drawn.append(
            Bar(
                x=start,
                width=round(max(end - start, 0.2), 2),
                state=span.state,
                since=span.since,
                until=span.until,
            )
        )
    return Bars(bars=tuple(drawn), now=at(as_of), today=at(today), first=first, last=last)
