"""The rows of a timeline as a picture: one line of time for all, a stripe for each service.

Everything across is in per cent, since nobody knows how wide the picture will be shown, and
everything down in pixels, since text is never scaled. So the dates of changes that are near one
another go below each other, as far as there is room; the description has all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Final

from service.application.asking import Span
from service.domain.resolution import State
from service.domain.times import When
from service.web import words
from service.web.drawing import Bar, Bars, bars

MOST_ROWS: Final = 24
_MOST_RUNS: Final = 60
_TOP: Final = 66
_NAME: Final = 16
_STRIPE: Final = 22
_DATE: Final = 14
_GAP: Final = 12
_LEVELS: Final = 3
_WHOLE: Final = 100.0
_DATE_WIDTH: Final = 15.0
"""Per cent that a date takes where the picture is about 480 pixels wide."""


def said(state: State, since: When | None) -> str:
    """Return a state with its sign, and since when it holds: nobody says since when not.

    >>> said(State.BLOCKED, When.on(date(2024, 7, 9)))
    '✕ blocked since 2024-07-09'
    """
    told = f"{words.glyph(state)} {words.word(state)}"
    return told if since is None or state is State.UNKNOWN else f"{told} since {since.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A service, its state on a day, and the runs of its states, half-open."""

    name: str
    state: State
    as_of: When
    runs: tuple[Span, ...]

    @property
    def told(self) -> str:
        """The state, and since when it holds."""
        on = self.as_of.order
        since = next(
            (
                one.since
                for one in self.runs
                if one.state is self.state
                and (one.since is None or one.since.order <= on)
                and (one.until is None or on < one.until.order)
            ),
            None,
        )
        return said(self.state, since)

    @property
    def history(self) -> str:
        """Every run in words."""
        return "; ".join(
            words.word(one.state)
            + (f" from {one.since}" if one.since else "")
            + (f" until {one.until}" if one.until else "")
            for one in self.runs
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """The date of a change below its stripe."""

    x: float
    level: int
    text: str
    at_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A stripe: the top of its name, its bars and the dates below it."""

    line: Line
    y: int
    bars: tuple[Bar, ...]
    dates: tuple[Dated, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Rows from top to bottom, above the line with the years."""

    bars: Bars
    rows: tuple[Row, ...]
    bottom: int


def runs_of(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join neighbours of one state: what else they differ in is not drawn."""
    found = []
    for _, group in groupby(spans, key=lambda one: one.state):
        some = list(group)
        found.append(replace(some[0], until=some[-1].until))
    return tuple(found[-_MOST_RUNS:])


def drawn(lines: Sequence[Line], as_of: date, today: date) -> Picture:
    """Draw lines of services below each other, on one line of time."""
    whole = bars([run for line in lines for run in line.runs], as_of, today)
    rows: list[Row] = []
    start, y = 0, _TOP
    for line in lines:
        some = whole.bars[start : start + len(line.runs)]
        start += len(line.runs)
        dates = _dated(some)
        rows.append(Row(line=line, y=y, bars=some, dates=dates))
        levels = max((one.level for one in dates), default=-1) + 1
        y += _NAME + _STRIPE + levels * _DATE + _GAP
    return Picture(bars=whole, rows=tuple(rows), bottom=y)


def _dated(some: Sequence[Bar]) -> tuple[Dated, ...]:
    ends = [0.0] * _LEVELS
    found: list[Dated] = []
    for bar in some:
        if bar.since is None:
            continue
        at_end = bar.x + _DATE_WIDTH > _WHOLE
        left = bar.x - _DATE_WIDTH if at_end else bar.x
        level = next((one for one, end in enumerate(ends) if end <= left), None)
        if level is not None:
            ends[level] = left + _DATE_WIDTH
            found.append(Dated(x=bar.x, level=level, text=bar.since.day.isoformat(), at_end=at_end))
    return tuple(found)
