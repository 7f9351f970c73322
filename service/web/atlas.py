"""The world as a map: shapes of ``static/world.svg``, and chips for what is hard to point at."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from service.domain import regions
from service.domain.resolution import State
from service.web import assets
from service.web.scrubbing import Scrub

FILE: Final = "world.svg"

_SHAPE: Final = re.compile(r'<path id="([A-Z]{2})"( class="small")?')


@dataclass(frozen=True, slots=True, kw_only=True)
class Atlas:
    """What becomes of each region on the map.

    Attributes:
        shapes: Has a shape that can be pointed at.
        dots: Has a shape that is too small for that.
        chips: Stands below the map, by its name.
    """

    shapes: frozenset[str]
    dots: frozenset[str]
    chips: frozenset[str]


@cache
def atlas() -> Atlas:
    """Return what the file of shapes has."""
    found = dict(_SHAPE.findall((assets.FOLDER / FILE).read_text("utf-8")))
    shapes = frozenset(region for region, small in found.items() if not small)
    return Atlas(
        shapes=shapes,
        dots=frozenset(found) - shapes,
        chips=regions.COUNTRIES - shapes,
    )


def service_shown(found: Scrub, states: Sequence[State], asked: str | None) -> str:
    """Return which of a provider's services to show: the one asked for, or the best recorded."""
    if asked is not None and asked in found.services:
        return asked

    def recorded(service: str) -> int:
        at = found.services.index(service)
        return sum(states[cells[at]] is not State.UNKNOWN for cells in found.cells.values())

    return max(found.services, key=recorded)


def states_of(found: Scrub, states: Sequence[State], service: str) -> Mapping[str, State]:
    """Return the state of a service in each region."""
    at = found.services.index(service)
    return {region: states[cells[at]] for region, cells in found.cells.items()}
