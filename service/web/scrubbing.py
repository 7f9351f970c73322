"""Intervals for scrubbing: what every cell of a provider is, from which day on.

Many cells share a timeline, so each is told once, and cells name theirs by its number::

    {"provider": "openai", "services": ["api", "chatgpt"], "known_at": 970,
     "states": ["available", "conditional", …],
     "timelines": [[[null, 5], ["2023-02-17", 0]], …],      from which day (null: ever), which state
     "cells": {"AD": [0, 1], …}}                            a timeline for each service
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from service.application.asking import require
from service.domain import regions
from service.domain.cells import timeline, top_level
from service.domain.resolution import State
from service.domain.scope import Cell
from service.domain.world import by_place
from service.projections import known
from service.projections.known import Near
from service.store.engine import Database

STATES: Final = tuple(State)

Timeline = tuple[tuple[str | None, int], ...]
"""From which day on, and which state by its number."""

_NOTHING: Final[Timeline] = ((None, STATES.index(State.UNKNOWN)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrub:
    """The timelines of a provider's cells as known at a position."""

    provider: str
    known_at: int
    services: tuple[str, ...]
    timelines: tuple[Timeline, ...]
    cells: dict[str, tuple[int, ...]]

    def changes(self) -> tuple[str, ...]:
        """Return every day on which a cell changes, in order."""
        days = {since for one in self.timelines for since, _ in one if since is not None}
        return tuple(sorted(days))

    def shown(self, region: str) -> list[tuple[int, int]]:
        """Return the cells of a row: a timeline, and for how many services it stands.

        Neighbours of which nothing was ever recorded are one cell: most of the world is such.
        """
        runs: list[tuple[int, int]] = []
        for one in self.cells[region]:
            if runs and runs[-1][0] == one and self.timelines[one] == _NOTHING:
                runs[-1] = one, runs[-1][1] + 1
            else:
                runs.append((one, 1))
        return runs


@lru_cache(maxsize=64)
def scrub(database: Database, provider: str, position: int) -> Scrub:
    """Return the timelines of a provider, which never change at a position.

    Raises:
        UnknownIdError: No provider of that id was known then.
    """
    with database.read() as connection:
        world = known.world(connection, position, Near(provider=provider))
    require("provider", provider, world.registry.providers)
    services = top_level(world.registry.services_of(provider))
    part = by_place(world, provider)
    numbers: dict[Timeline, int] = {}
    cells: dict[str, tuple[int, ...]] = {}
    for region in sorted(regions.COUNTRIES):
        inside = part(region)
        found = []
        for service in services:
            told = timeline(inside, Cell(provider=provider, service=service, region=region))
            days = tuple(
                (None if one.since is None else one.since.text, STATES.index(one.answer[0]))
                for one in told
            )
            found.append(numbers.setdefault(days, len(numbers)))
        cells[region] = tuple(found)
    return Scrub(
        provider=provider,
        known_at=position,
        services=services,
        timelines=tuple(numbers),
        cells=cells,
    )


def state_on(told: Timeline, day: str) -> State:
    """Return the state of a timeline on a day."""
    state = told[0][1]
    for since, number in told:
        if since is not None and since > day:
            break
        state = number
    return STATES[state]
