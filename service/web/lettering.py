"""Texts in pictures: cut to a length, and as wide as a usual sans serif would draw them."""

import unicodedata
from math import ceil
from typing import Final

_LETTERS: Final = {
    3.0: "'IJijl",
    3.5: " ,./:;\\|·",
    4.5: "-f!()[]rt",
    5.5: '*_`s‖"',
    6.5: "?LczFPTYakovxy",
    7.0: "0123456789$EKSbdeghnpqu{}",
    7.5: "ABCRVXZ",
    8.5: "NU&DGHOQ",
    9.5: "#+<=>^w~✓✕≠M◐○",
    11.0: "@W…%m",
}
"""By their pixels in DejaVu Sans, which is Verdana's width, at 11 pixels."""
_WIDTHS: Final = {one: width for width, some in _LETTERS.items() for one in some}
_USUAL: Final = 7.5
_FULL: Final = 11.0


def cut(text: str, most: int) -> str:
    r"""Return a text of at most so many characters, without those that cannot be seen.

    XML forbids some of these, and others would turn the order of what stands beside them.

    >>> cut("somewhat too long", 9), cut("a\x00b\u202ec", 9)
    ('somewhat…', 'abc')
    """
    seen = "".join(one for one in text[: 10 * most] if one.isprintable())
    return seen if len(seen) <= most else f"{seen[: most - 1].rstrip()}…"


def width_of(text: str) -> int:
    """Estimate how wide a text is at 11 pixels.

    >>> width_of("blocked"), width_of("封锁")
    (44, 22)
    """
    return ceil(sum(_width(one) for one in text))


def _width(one: str) -> float:
    if unicodedata.combining(one):
        return 0.0
    usual = _FULL if unicodedata.east_asian_width(one) in "WF" else _USUAL
    return _WIDTHS.get(one, usual)
