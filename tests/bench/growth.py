"""How cost grows with the log: an append, questions, a rebuild, a verification, at 1,000 and up.

One log grows, and is measured whenever it has so many events. What grows straight with the log by
its nature, a rebuild and a verification, is told for each event.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

import sqlalchemy as sa

from service.application.checking import verify
from service.application.recording import Batch, append
from service.domain.events import Event
from service.projections import projector
from service.store.engine import Database
from tests.bench import served
from tests.bench.data import (
    CELLS,
    FIRST_DAY,
    OCTET,
    PLACES,
    SOLO,
    clock,
    questions,
    record,
    reference_events,
    registry,
)
from tests.bench.ground import Ground
from tests.bench.pictures import picture
from tests.bench.rows_asking import acts
from tests.bench.sides import Act, clock_of, timed
from tests.bench.wsgi import Request

FIRST: Final = 1_000
Told = Callable[[str], None]

CURVES: Final = {
    "append": "append of one event",
    "ask_first": "question about a place, the first",
    "ask": "question about a place, later",
    "ask_past": "question, as known at the middle",
    "rebuild": "rebuild, each event",
    "verify": "verify, each event",
}
"""What a picture shows, in microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What things cost when a log had so many events: in microseconds, bytes, and MB.

    Attributes:
        rebuild, verify: For each event of the log.
        stored: Bytes of the database for each event.
        ask_first, ask, ask_past: A place that was not asked about before, or was; as of the middle.
        server: Memory of a server's processes after some questions; 0 where it cannot be seen.
    """

    events: int
    append: float
    ask_first: float
    ask: float
    ask_past: float
    rebuild: float
    verify: float
    stored: float
    server: float


def sizes(most: int) -> list[int]:
    """Return the sizes up to one: powers of ten, and the last itself.

    >>> sizes(20_000)
    [1000, 10000, 20000]
    """
    found: list[int] = []
    size = FIRST
    while size < most:
        found.append(size)
        size *= 10
    return [*found, most]


def grow(place: Ground, most: int, calls: int, told: Told) -> Iterator[Grown]:
    """Let a log grow, and yield what was measured at each size."""
    url, database = place.database("growth")
    record(database, registry())
    source = reference_events(CELLS, FIRST_DAY)
    held = 0
    for size in sizes(most):
        record(database, islice(source, size - held))
        appended = list(islice(source, calls))
        held = size + len(appended)
        told(f"{place.engine}: {size:,} events")
        yield _measured(url, database, appended, size)


def _measured(url: str, database: Database, appended: list[Event], size: int) -> Grown:
    calls = len(appended)
    asked = clock_of(database.dialect)
    middle = f"@{size // 2}"
    appends: list[Act] = [
        partial(append, database, Batch(events=(one,), principal="bench"), clock=clock)
        for one in appended
    ]
    micro = 1e6
    append_ = _each(appends, time.perf_counter)
    coming = acts(database, questions(size, SOLO))
    first = _each(list(islice(coming, min(calls, len(PLACES) // 2))), asked)
    ask = _settled(coming, calls, asked)
    ask_past = _settled(acts(database, questions(size // 2, SOLO), lambda: middle), calls, asked)
    # A rebuild keeps two generations for a while, and the file stays as large.
    stored = _stored(database) / size
    rebuild = timed(partial(projector.rebuild, database)) / size
    began = time.perf_counter()
    findings = verify(database).findings
    verified = (time.perf_counter() - began) / size
    assert not findings, findings
    return Grown(
        events=size,
        append=append_ * micro,
        ask_first=first * micro,
        ask=ask * micro,
        ask_past=ask_past * micro,
        rebuild=rebuild * micro,
        verify=verified * micro,
        stored=stored,
        server=_server(url, size, calls) if served.supported() else 0,
    )


def _settled(coming: Iterator[Act], calls: int, seconds: Callable[[], float]) -> float:
    """Measure questions once every place was asked about some times, as a server that runs has."""
    for one in islice(coming, 4 * len(PLACES)):
        one()
    return _each(list(islice(coming, calls)), seconds)


def _each(calls: list[Act], seconds: Callable[[], float]) -> float:
    return median(timed(one, seconds) for one in calls)


def _stored(database: Database) -> float:
    sqlite = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    postgresql = "SELECT pg_database_size(current_database())"
    asked = sqlite if database.dialect == "sqlite" else postgresql
    with database.read() as connection:
        return float(connection.scalar(sa.text(asked)) or 0)


def _server(url: str, size: int, calls: int) -> float:
    asked = (
        Request(path=f"/v1/access/{one.provider}/{one.region}", query=f"as_of={one.day}")
        for one in questions(size, OCTET[0])
    )
    with served.ours(url) as server, served.clients(server) as (client,):
        client.send(list(islice(asked, calls)))
        return server.memory()


def draw(engine: str, grown: list[Grown], folder: Path) -> Path:
    """Write the curves of an engine as a picture, and return its file."""
    lines = {
        name: [(one.events, float(getattr(one, curve))) for one in grown]
        for curve, name in CURVES.items()
    }
    file = folder / f"growth-{engine}.svg"
    folder.mkdir(parents=True, exist_ok=True)
    title = f"What things cost as the log grows: {engine}"
    file.write_text(picture(title, "events in the log", "microseconds", lines), "utf-8")
    return file
