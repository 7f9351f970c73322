"""Questions in process: does their cost grow with the log, the cell, or the time that is asked of?

A question is one cell: its states, conditions, and until when they hold.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from random import Random
from statistics import median
from typing import Final

from service.application import asking, gating
from service.application.asking import CellFilter
from service.application.gating import Checks, Wanted
from service.domain.times import When
from service.store.engine import Database
from tests.bench.data import (
    CELLS,
    CORRECTED,
    FIRST_DAY,
    GROWING,
    NOW,
    SOLO,
    STILL,
    Asked,
    changing_log,
    log_of,
    questions,
)
from tests.bench.frame import Finding, NotHere, Row, Size, everywhere
from tests.bench.ground import Ground
from tests.bench.sides import Act, clock_of, compare, timed

SMALL: Final = 1_000
"""Events of the log that a larger one is compared with."""

_MICRO: Final = 1e6


def check(database: Database, asked: Asked, known_at: str | None = None) -> Checks:
    """Ask one question."""
    cell = Wanted(provider=asked.provider, service=asked.service, region=asked.region)
    return gating.check(database, [cell], When.moment(asked.day), known_at, NOW)


def acts(
    database: Database, asked: Iterator[Asked], known_at: Callable[[], str | None] = lambda: None
) -> Iterator[Act]:
    """Yield a call for each question."""
    for one in asked:
        yield partial(check, database, one, known_at())


def _by_size(place: Ground, size: Size) -> Finding:
    few = min(SMALL, size.events)
    _, large = log_of(place, size.events)
    _, small = log_of(place, few)
    found = compare(
        acts(large, questions(size.events, SOLO)),
        acts(small, questions(few, SOLO)),
        calls=size.calls,
        rounds=size.rounds,
        clock=clock_of(place.engine),
    )
    return Finding(
        value=1 / found.ratio,
        ours=found.ours * _MICRO,
        other=found.other * _MICRO,
        unit="µs",
        note=f"{size.events:,} events : {few:,}",
    )


def _by_changes(
    cell: Asked, known_at: Callable[[int], str | None], place: Ground, size: Size
) -> Finding:
    """Compare a cell that changed often with one that never did, in one log."""
    _, database = changing_log(place, size.changes)
    asked = acts(database, _days(cell, size.changes), partial(known_at, size.changes))
    seconds = clock_of(place.engine)
    first = median(timed(one, seconds) for one in islice(asked, max(size.calls // 20, 5)))
    found = compare(
        asked,
        acts(database, _days(STILL, size.changes)),
        calls=size.calls,
        rounds=size.rounds,
        clock=seconds,
    )
    return Finding(
        value=1 / found.ratio,
        ours=found.ours * _MICRO,
        other=found.other * _MICRO,
        unit="µs",
        note=f"{size.changes:,} changes : 1",
        also={"µs of a run's first question": round(first * _MICRO)},
    )


def _days(cell: Asked, changes: int) -> Iterator[Asked]:
    chosen = Random(3)  # noqa: S311 -- a sample, no secret
    while True:
        day = FIRST_DAY + timedelta(days=chosen.randrange(changes))
        yield Asked(
            provider=cell.provider, service=cell.service, region=cell.region, day=day.isoformat()
        )


_FACTS_BEFORE: Final = 54
"""Events of the registry and of the first policy; from there on cells change and change."""


def _now(_: int) -> str | None:
    return None


def _early(changes: int) -> str:
    return f"@{_FACTS_BEFORE + changes // 10}"


def _late(changes: int) -> str:
    return f"@{_FACTS_BEFORE + changes * 3 // 2}"


def _rate(place: Ground, size: Size) -> Finding:
    """Ask of a long stream by date, and have a fold of the same changes beside it."""
    try:
        from tests.bench.peers import sourcing  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise NotHere(MISSING) from error
    _, database = changing_log(place, size.changes)
    peer = sourcing.Policies(sourcing.environment(place.url("sourcing")))
    days = [(FIRST_DAY + timedelta(days=one)).isoformat() for one in range(size.changes)]
    policy = sourcing.grown(peer, days, "A step of a policy. " * 20)
    asked = cycle(days)
    found = compare(
        acts(database, _days(GROWING, size.changes)),
        (partial(sourcing.effect_on, peer, policy, day) for day in asked),
        calls=max(size.calls // 4, 3),
        rounds=max(size.rounds // 2, 1),
        clock=clock_of(place.engine),
    )
    peer.close()
    return Finding(
        value=1 / found.ours,
        ours=1 / found.ours,
        other=1 / found.other,
        unit="/s",
        note=f"{size.changes:,} events in the stream; beside it: eventsourcing",
    )


MISSING: Final = "The library eventsourcing is not installed: pip install '.[bench]'"


def _world(place: Ground, size: Size) -> Finding:
    _, database = log_of(place, size.events)
    day = When.moment((FIRST_DAY + timedelta(days=45)).isoformat())
    every = partial(asking.listing, database, CellFilter(), day, None, NOW)
    assert len(every().rows) == len(CELLS)
    taken = sorted(timed(every, clock_of(place.engine)) for _ in range(max(size.rounds // 2, 1)))
    half = taken[len(taken) // 2] * 1000
    return Finding(value=half, ours=half, unit="ms", note=f"{len(CELLS):,} cells")


_FLAT: Final = everywhere(2, 1.6, at_most=True)

ROWS: Final = (
    Row(
        name="index-size",
        what="one cell in process, a large log : a small one",
        measure=_by_size,
        budgets=_FLAT,
    ),
    Row(
        name="index-hot",
        what="cell with many changes : cell with one",
        measure=partial(_by_changes, GROWING, _now),
        budgets=_FLAT,
    ),
    Row(
        name="index-past",
        what="the same, as known after a tenth of them : cell with one",
        measure=partial(_by_changes, GROWING, _early),
        budgets=_FLAT,
    ),
    Row(
        name="index-corrected",
        what="cell with many corrections : cell with none",
        measure=partial(_by_changes, CORRECTED, _now),
        budgets=_FLAT,
    ),
    Row(
        name="index-corrected-past",
        what="the same, as known after half of them : cell with none",
        measure=partial(_by_changes, CORRECTED, _late),
        budgets=_FLAT,
    ),
    Row(
        name="as-of-rate",
        what="one cell by date in a long stream, questions a second",
        measure=_rate,
        budgets=everywhere(10_000, 20_000),
    ),
    Row(
        name="world",
        what="the whole world on a date, in process",
        measure=_world,
        budgets=everywhere(250, 100, at_most=True),
    ),
)
