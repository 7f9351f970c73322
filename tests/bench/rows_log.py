"""The log as a whole: rebuilt, proven, and held in memory."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Final

from service.projections import projector
from tests.bench import evidence, served
from tests.bench.data import (
    CELLS,
    FIRST_DAY,
    OCTET,
    log_of,
    questions,
    record,
    reference_events,
    registry,
)
from tests.bench.frame import Finding, NotHere, Row, Size, everywhere
from tests.bench.ground import Ground
from tests.bench.rows_asking import MISSING
from tests.bench.rows_writing import exported
from tests.bench.sides import timed
from tests.bench.wsgi import Request

_FOLLOWED: Final = 3_000
"""Events that the peer's runner is given; its rate does not change with more."""


def _rebuild(place: Ground, size: Size) -> Finding:
    _, database = log_of(place, size.events)
    seconds = timed(partial(projector.rebuild, database))
    rate = size.events / seconds
    return Finding(value=rate, ours=rate, unit="events/s", note=f"{size.events:,} events")


def _rebuild_peer(place: Ground, size: Size) -> Finding:
    """Let the library's runner follow a log; it takes events in by itself on PostgreSQL only."""
    try:
        from tests.bench.peers import sourcing  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise NotHere(MISSING) from error
    number = min(size.events, _FOLLOWED)
    url = place.url("followed")
    peer = sourcing.Saver(url)
    for one in islice(reference_events(CELLS, FIRST_DAY), number):
        peer.save(one)
    head = peer.policies.recorder.max_notification_id() or 0
    peer.close()
    other = number / timed(partial(sourcing.follow, url, head, 600))
    ours = _rebuild(place, size).ours
    return Finding(
        value=ours / other, ours=ours, other=other, unit="events/s", note=f"peer: {number:,} events"
    )


def _proof(place: Ground, size: Size) -> Finding:
    """Ask for proofs of a log of its own, whose events need not be judged."""

    def found() -> evidence.Figures:
        _, database = place.database("proofs")
        return evidence.proofs(database, evidence.fill(database, size.leaves))

    figures = place.once(("proofs", size.leaves), found)
    half = figures["inclusion proof, p50: ms"]
    also = {name: value for name, value in figures.items() if name.startswith("inclusion proof, ")}
    return Finding(value=half, ours=half, unit="ms", also=also, note=f"{size.leaves:,} events")


# Memory.


def _explanations(events: int) -> Iterator[Request]:
    for one in questions(events, OCTET[0]):
        yield Request(path=f"/v1/access/{one.provider}/{one.region}", query=f"as_of={one.day}")


def _serving(place: Ground, size: Size) -> Finding:
    """Ask a server many questions, and see what its processes hold then."""
    _supported()
    url, _ = log_of(place, size.kept)
    with served.ours(url) as server, served.clients(server) as (client,):
        fresh = server.memory()
        client.send(list(islice(_explanations(size.kept), size.calls)))
        held = server.memory()
    return Finding(
        value=held,
        ours=held,
        unit="MB",
        also={"before the first question: MB": fresh},
        note=f"{size.kept:,} events",
    )


def _importing(place: Ground, size: Size) -> Finding:
    """Import a file by a process of its own, and see what it held at its peak."""
    _supported()
    url, database = place.database("imported")
    record(database, registry())
    database.dispose()
    file = place.folder / "kept.jsonl"
    exported(file, islice(reference_events(CELLS, FIRST_DAY), size.kept))
    peak = served.peak(["import", str(file), "--batch", str(min(size.kept, 10_000))], url)
    file.unlink()
    return Finding(value=peak, ours=peak, unit="MB", note=f"{size.kept:,} events")


def _supported() -> None:
    if not served.supported():
        message = "This system does not say what its processes hold: it has no /proc/PID/smaps."
        raise NotHere(message)


ROWS: Final = (
    Row(
        name="rebuild",
        what="rebuild of all projections",
        measure=_rebuild,
        budgets=everywhere(10_000, 30_000),
    ),
    Row(
        name="rebuild-peer",
        what="the same : eventsourcing, a runner that only keeps its place",
        measure=_rebuild_peer,
        engines=("postgresql",),
    ),
    Row(
        name="proof",
        what="inclusion proof, median",
        measure=_proof,
        budgets=everywhere(2, 0.2, at_most=True),
    ),
    Row(
        name="memory-server",
        what="memory of a server that was asked",
        measure=_serving,
        budgets=everywhere(150, 100, at_most=True),
    ),
    Row(
        name="memory-import",
        what="memory of an import, at its peak",
        measure=_importing,
        budgets=everywhere(512, 300, at_most=True),
    ),
)
