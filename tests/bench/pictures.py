"""Growth as a picture: an SVG of lines over two logarithmic axes, written by hand."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

Points = Sequence[tuple[float, float]]

_WIDTH: Final = 840
_HEIGHT: Final = 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 280, 50, 60
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444")
"""Told apart by the colour-blind, after Okabe and Ito."""
_DASHES: Final = ("", "8 4", "2 3", "10 3 2 3", "5 5", "12 2", "1 4")


def picture(title: str, across: str, upwards: str, lines: Mapping[str, Points]) -> str:
    """Draw lines over the same axes; a value that is not above zero has no place on them.

    Args:
        title: Stands above.
        across: What the horizontal axis counts.
        upwards: What the vertical axis counts, with its unit.
        lines: Points by name, in the order of their horizontal values.
    """
    kept = {name: [one for one in points if min(one) > 0] for name, points in lines.items()}
    shown = {name: points for name, points in kept.items() if points}
    wide = _decades([x for points in shown.values() for x, _ in points])
    high = _decades([y for points in shown.values() for _, y in points])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 28, title, "start", size=16),
        *_grid(wide, high),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 16, across, "middle"),
        f'<g transform="rotate(-90 20 {_HEIGHT / 2})">',
        _text(20, _HEIGHT / 2, upwards, "middle"),
        "</g>",
    ]
    for number, (name, points) in enumerate(shown.items()):
        parts.extend(_line(number, name, [(_x(x, wide), _y(y, high)) for x, y in points]))
    return "\n".join([*parts, "</svg>", ""])


_Decades = tuple[int, int]
"""The powers of ten at the ends of an axis."""


def _decades(values: Sequence[float]) -> _Decades:
    low = math.floor(math.log10(min(values, default=1)))
    return low, max(math.ceil(math.log10(max(values, default=10))), low + 1)


def _x(value: float, decades: _Decades) -> float:
    share = (math.log10(value) - decades[0]) / (decades[1] - decades[0])
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, decades: _Decades) -> float:
    share = (math.log10(value) - decades[0]) / (decades[1] - decades[0])
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _grid(wide: _Decades, high: _Decades) -> list[str]:
    parts: list[str] = []
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for power in range(wide[0], wide[1] + 1):
        x = _x(10.0**power, wide)
        parts.append(_rule(x, _TOP, x, bottom))
        parts.append(_text(x, bottom + 20, _number(power), "middle"))
    for power in range(high[0], high[1] + 1):
        y = _y(10.0**power, high)
        parts.append(_rule(_LEFT, y, right, y))
        parts.append(_text(_LEFT - 8, y + 4, _number(power), "end"))
    return parts


def _line(number: int, name: str, points: Points) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    dash = _DASHES[number % len(_DASHES)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    y = _TOP + 10 + number * 22
    left = _WIDTH - _RIGHT + 14
    stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" fill="none"'
    return [
        f'<polyline points="{path}" {stroke}/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points),
        f'<line x1="{left}" y1="{y}" x2="{left + 28}" y2="{y}" {stroke}/>',
        _text(left + 34, y + 4, name, "start"),
    ]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, told: str, anchor: str, size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
        f' font-family="sans-serif" fill="#222222">{escape(told)}</text>'
    )


def _number(power: int) -> str:
    """Return a power of ten as people write it.

    >>> _number(3), _number(-1)
    ('1,000', '0.1')
    """
    return f"{10.0**power:,.0f}" if power >= 0 else f"{10.0**power:g}"
