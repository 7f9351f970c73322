"""Recording: one event, and a file of them, against a driver that only inserts the same bytes."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

import orjson

from service import cli
from service.application.recording import Batch, append
from service.domain.codec import event_to
from service.domain.events import Event, Recorded
from service.store.codec import encode
from tests.bench.data import CELLS, FIRST_DAY, NOW, clock, record, reference_events, registry
from tests.bench.frame import Budget, Finding, NotHere, Row, Size
from tests.bench.ground import Ground, file_of, plain
from tests.bench.peers import bare
from tests.bench.rows_asking import MISSING
from tests.bench.sides import Act, compare, pair, timed

_MOST_AT_ONCE: Final = 50_000


class _Raw(Protocol):
    def insert(self, row: bare.Values) -> None: ...
    def load(self, rows: Sequence[bare.Values]) -> None: ...
    def close(self) -> None: ...


def raw(place: Ground, name: str) -> _Raw:
    """Open a bare database beside ours: on the same disk, or the same server."""
    url = place.url(name)
    return bare.Sqlite(file_of(url)) if place.engine == "sqlite" else bare.Postgres(plain(url))


def written(events: Sequence[Event]) -> list[bare.Values]:
    """Return the rows of events as a log of their own would have them."""
    versions: dict[str, int] = {}
    rows = []
    for position, event in enumerate(events, 1):
        version = versions[event.stream] = versions.get(event.stream, 0) + 1
        recorded = Recorded(
            event=event,
            position=position,
            version=version,
            recorded_at=NOW,
            recorded_by="bench",
        )
        rows.append(encode(recorded))
    return bare.values(rows)


def _appends(place: Ground, size: Size) -> tuple[list[Event], Callable[[Event], None]]:
    """Return events for a log that holds some already, and what appends one."""
    url, database = place.database("appends")
    del url
    record(database, registry())
    calls = max(size.calls // 2, 4) * (size.rounds + 1)
    source = reference_events(CELLS, FIRST_DAY)
    record(database, islice(source, min(size.events, 5_000)))

    def one(event: Event) -> None:
        append(database, Batch(events=(event,), principal="bench"), clock=clock)

    return list(islice(source, calls)), one


def _single(place: Ground, size: Size) -> Finding:
    events, ours = _appends(place, size)
    rows = written(events)
    bare_one = raw(place, "raw")
    found = compare(
        (partial(ours, one) for one in events),
        (partial(bare_one.insert, one) for one in rows),
        calls=len(events) // (size.rounds + 1),
        rounds=size.rounds,
        clock=time.perf_counter,
    )
    bare_one.close()
    return Finding(
        value=found.ratio,
        ours=found.ours * 1e6,
        other=found.other * 1e6,
        unit="µs",
        also={"bytes of an event": len(rows[0][-1]) if isinstance(rows[0][-1], bytes) else 0},
    )


def _single_peer(place: Ground, size: Size) -> Finding:
    try:
        from tests.bench.peers import sourcing  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise NotHere(MISSING) from error
    events, ours = _appends(place, size)
    peer = sourcing.Saver(place.url("sourcing"))
    its: Iterator[Act] = (partial(peer.save, one) for one in events)
    found = compare(
        (partial(ours, one) for one in events),
        its,
        calls=len(events) // (size.rounds + 1),
        rounds=size.rounds,
        clock=time.perf_counter,
    )
    peer.close()
    return Finding(value=found.ratio, ours=found.ours * 1e6, other=found.other * 1e6, unit="µs")


# A file of events.


def exported(file: Path, events: Iterator[Event]) -> None:
    """Write events as lines of JSON, as a client sends them."""
    with file.open("wb") as target:
        for some in iter(lambda: list(islice(events, 1_000)), []):
            target.writelines(orjson.dumps(event_to(one)) + b"\n" for one in some)


def _import(place: Ground, size: Size) -> Finding:
    """Import a file into a fresh log, and insert its rows into a fresh table, by turns."""
    number = min(size.events, 200_000)
    file = place.folder / "events.jsonl"
    exported(file, islice(reference_events(CELLS, FIRST_DAY), number))
    rows = written(list(islice(reference_events(CELLS, FIRST_DAY), number)))
    ours: list[float] = []
    other: list[float] = []
    for turn in range(max(size.rounds // 2, 1)):
        url, database = place.database("import")
        record(database, registry())
        ours.append(timed(partial(_imported, url, file, number)))
        database.dispose()
        table = raw(place, f"raw_{turn}")
        other.append(timed(partial(table.load, rows)))
        table.close()
    found = pair(ours, other, each=number)
    return Finding(
        value=found.ratio,
        ours=1 / found.ours,
        other=1 / found.other,
        unit="events/s",
        note=f"{number:,} events",
    )


def _imported(url: str, file: Path, number: int) -> None:
    """Run ``accessline import`` in this process."""
    batch = str(min(number, _MOST_AT_ONCE))
    told = StringIO()
    with _database(url), redirect_stdout(told), redirect_stderr(told):
        code = cli.run(["import", str(file), "--batch", batch])
    assert code == 0, told.getvalue()


@contextmanager
def _database(url: str) -> Iterator[None]:
    name = "ACCESSLINE_DATABASE_URL"
    before = os.environ.get(name)
    os.environ[name] = url
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


ROWS: Final = (
    Row(
        name="append",
        what="append of one event, all checks : bare insert, durable",
        measure=_single,
        budgets={
            "sqlite": Budget(must=0.20, goal=0.40),
            "postgresql": Budget(must=0.10, goal=0.20),
        },
    ),
    Row(
        name="append-peer",
        what="the same : eventsourcing, app.save",
        measure=_single_peer,
    ),
    Row(
        name="import",
        what="validated import : bare executemany, or COPY",
        measure=_import,
        budgets={
            "sqlite": Budget(must=0.15, goal=0.40),
            "postgresql": Budget(must=0.20, goal=0.60),
        },
    ),
)
