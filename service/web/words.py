"""How pages say things: states with a glyph and a word, days as people write them."""

from datetime import date, datetime
from typing import Final

from service.domain.codec import instant_text
from service.domain.resolution import State
from service.domain.times import When

GLYPHS: Final = {
    State.AVAILABLE: "✓",
    State.CONDITIONAL: "◐",
    State.NOT_OFFERED: "○",
    State.SUSPENDED: "‖",
    State.BLOCKED: "✕",
    State.UNKNOWN: "?",
    State.MIXED: "≠",
}

SENTENCES: Final = {
    State.AVAILABLE: "open",
    State.CONDITIONAL: "open, if conditions are met",
    State.NOT_OFFERED: "outside of what the operator offers; nobody forbids it",
    State.SUSPENDED: "closed for the time being",
    State.BLOCKED: "closed",
    State.UNKNOWN: "not recorded, which is no evidence that it is open",
    State.MIXED: "different from one part to the other",
}

PALETTE: Final = {
    State.AVAILABLE: ("#4d74ad", "#fff"),
    State.CONDITIONAL: ("#e0ad2b", "#1b2129"),
    State.NOT_OFFERED: ("#c9ced6", "#1b2129"),
    State.SUSPENDED: ("#9a4a2c", "#fff"),
    State.BLOCKED: ("#6d1023", "#fff"),
    State.UNKNOWN: ("#eceff2", "#4b545e"),
    State.MIXED: ("#6a5d86", "#fff"),
}
"""Ground and ink of each state by day, for pictures that no style sheet reaches."""

COLOURS: Final = {
    "paper": "#fbfbfa",
    "ink": "#1b2129",
    "dim": "#56606b",
    "line": "#d5d9de",
    "focus": "#b3541e",
}
"""What else such a picture is drawn in; both are those of ``site.css`` by day."""

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def word(state: State) -> str:
    """Return a state in a word or two.

    >>> word(State.NOT_OFFERED)
    'not offered'
    """
    return str(state).replace("_", " ")


def glyph(state: State) -> str:
    """Return the sign of a state: colour never stands alone."""
    return GLYPHS[State(state)]


def sentence(state: State) -> str:
    """Return what a state means for somebody at the door."""
    return SENTENCES[State(state)]


def day(value: date | When | None) -> str:
    """Return a day as people read it; an instant as it is.

    >>> day(date(2024, 7, 9))
    '9 July 2024'
    """
    if value is None:
        return ""
    if isinstance(value, When):
        if value.instant is not None:
            return value.text
        value = value.day
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def month(value: date) -> str:
    """Return the month of a day as people read it.

    >>> month(date(2024, 7, 9))
    'July 2024'
    """
    return f"{_MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime) -> str:
    """Return an instant as the contract has it."""
    return instant_text(value)
