"""What evidence costs: ``python -m tests.bench.evidence [--leaves N] [--rounds N] [--folder DIR]``.

A log of N events of about 500 bytes on SQLite, written through the store; its mirror as a folder.
Proofs are asked for as the server does, for indexes and sizes drawn with a fixed seed. What counts
are ratios to bare SHA-256 over the same bytes, both sides in one run, interleaved, the median of
the rounds. Nothing here is a test.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from uuid import UUID

from service.application import proving
from service.cli.mirrors import reader
from service.evidence.checkpoints import Checkpoint, opened
from service.evidence.merkle import Frontier, extend, leaf_hash, node_hash, root
from service.evidence.notes import SignerKey
from service.evidence.proofs import verify_consistency, verify_inclusion
from service.evidence.tiles import ENTRIES, unbundled
from service.evidence.verification import CHECKPOINT, check_mirror
from service.store import events as log
from service.store import schema
from service.store.codec import microseconds
from service.store.engine import Database, connect
from service.store.events import NewEvent

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = SignerKey("log.test/bench", bytes(range(32)))
CHUNK = 10_000
BODY = 500
PROOFS = 300
SEED = 20_261_122
BUDGETS = {
    "inclusion proof, p50: ms": 2.0,
    "inclusion proof, p99: ms": 2.0,
    "verify a mirror : bare SHA-256 of its entries": 8.0,
}
"""What was promised for a million leaves."""

Figures = dict[str, float]


def main() -> None:
    """Run everything and print a table, then one JSON line; exit 1 where a budget is exceeded."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--leaves", type=int, default=1_000_000, help="events in the log")
    asked.add_argument("--rounds", type=int, default=3, help="of each comparison")
    asked.add_argument("--folder", help="where the log and its mirror are made, and removed again")
    given = asked.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        figures = measure(Path(folder), given.leaves, given.rounds)
    for name, value in figures.items():
        budget = f"budget {BUDGETS[name]:.0f}" if name in BUDGETS else ""
        sys.stdout.write(f"{name:<60} {value:>14,.3f} {budget}\n")
    told = {"leaves": given.leaves, "load before and after": (load, os.getloadavg()), **figures}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(any(figures[name] > most for name, most in BUDGETS.items()))


def measure(folder: Path, leaves: int, rounds: int) -> Figures:
    """Return all figures, for a log of some events that is made in a folder."""
    figures = _tree(min(leaves, 50_000), rounds)
    database = connect(f"sqlite:///{folder / 'evidence.db'}")
    schema.upgrade(database)
    started = time.perf_counter()
    state = fill(database, leaves)
    figures["events written by the store: µs/event"] = _since(started) / leaves * 1e6
    figures |= proofs(database, state)
    figures |= _mirror(database, state, folder / "mirror", rounds)
    database.dispose()
    return figures | _signing(state)


def bodies(first: int = 1) -> Iterator[bytes]:
    """Yield entries of about 500 bytes, each another."""
    filler = "A step of a policy, told in some words. " * 20
    for number in range(first, sys.maxsize):
        head = f'{{"id":"{UUID(int=number)}","stream":"policy:bench-{number}","title":"'
        yield f'{head}{filler[: BODY - len(head) - 2]}"}}'.encode()


# The tree.


def _tree(number: int, rounds: int) -> Figures:
    """Compare the tree over entries with their bare hashes: appended one by one, and by hundreds.

    Bare are the leaves alone, and all that the tree must hash: leaves and inner nodes.
    """
    entries = list(islice(bodies(), number))
    ways: dict[str, Callable[[], object]] = {
        "leaves": partial(_hash_all, entries),
        "tree": partial(_hash_tree, entries),
        "one": partial(_append, entries, 1),
        "many": partial(_append, entries, 500),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(max(rounds, 5)):
        for name, act in ways.items():
            taken[name].append(_timed(act))
    each = {name: statistics.median(times) / number * 1e6 for name, times in taken.items()}
    return {
        "bare SHA-256 of a leaf: µs": each["leaves"],
        "bare SHA-256 of a leaf and a node: µs": each["tree"],
        "tree, appended one by one: µs/event": each["one"],
        "tree, appended 500 at once: µs/event": each["many"],
        "tree, one by one : bare leaves": _ratio(taken, "one", "leaves"),
        "tree, 500 at once : bare leaves": _ratio(taken, "many", "leaves"),
        "tree, 500 at once : bare leaves and nodes": _ratio(taken, "many", "tree"),
    }


def _hash_all(entries: list[bytes]) -> None:
    for entry in entries:
        sha256(entry).digest()


def _hash_tree(entries: list[bytes]) -> None:
    node = bytes(65)
    for entry in entries:
        sha256(entry).digest()
        sha256(node).digest()


def _append(entries: list[bytes], at_once: int) -> None:
    """Do what the store does for each append: hash the leaves, and extend the frontier."""
    frontier = Frontier()
    for start in range(0, len(entries), at_once):
        leaves = [leaf_hash(one) for one in entries[start : start + at_once]]
        frontier, _ = extend(frontier, leaves)
        frontier.to_bytes()


def _ratio(taken: dict[str, list[float]], one: str, other: str) -> float:
    """Return the median of the ratios of rounds."""
    pairs = zip(taken[one], taken[other], strict=True)
    return statistics.median(mine / bare for mine, bare in pairs)


# Proofs.


def fill(database: Database, number: int) -> Checkpoint:
    """Append events through the store, and return what the log is then."""
    source = bodies()
    with database.read() as connection:
        head = log.read_head(connection)
    while head.position < number:
        some = islice(source, min(CHUNK, number - head.position))
        rows = [_row(head.position + at, body) for at, body in enumerate(some, 1)]
        with database.write() as connection:
            head = log.append(connection, log.take_head(connection), rows)
    return Checkpoint(origin=KEY.name, size=head.position, root=root(head.frontier))


def _row(position: int, body: bytes) -> NewEvent:
    return NewEvent(
        id=UUID(int=position),
        stream=f"policy:bench-{position}",
        version=1,
        type="policy.adopted",
        authority="openai",
        occurred_day=date(2024, 1, 1),
        recorded_at=microseconds(NOW) + position,
        recorded_by="bench",
        body=body,
    )


def proofs(database: Database, state: Checkpoint) -> Figures:
    """Time proofs for the log as it is and for sizes that it had; each of them is verified."""
    chosen, size = Random(SEED), state.size  # noqa: S311 -- a sample, no secret
    kinds: dict[str, Callable[[], float]] = {
        "inclusion proof": lambda: _included(database, chosen.randrange(size), size, state.root),
        "inclusion proof in an earlier size": lambda: _included_in(database, chosen, size),
        "consistency proof": lambda: _consistent(database, chosen.randrange(1, size), state),
    }
    figures: Figures = {}
    for name, ask in kinds.items():
        figures[f"{name}, the first: ms"] = ask()
        times = sorted(ask() for _ in range(PROOFS))
        figures[f"{name}, p50: ms"] = statistics.median(times)
        figures[f"{name}, p99: ms"] = times[PROOFS * 99 // 100 - 1]
    return figures


def _included(database: Database, index: int, size: int, known: bytes | None) -> float:
    started = time.perf_counter()
    found = proving.inclusion(database, index, size)
    taken = _since(started) * 1000
    verify_inclusion(found.leaf_hash, index, size, known or found.root, found.proof)
    return taken


def _included_in(database: Database, chosen: Random, size: int) -> float:
    earlier = chosen.randrange(1, size)
    return _included(database, chosen.randrange(earlier), earlier, None)


def _consistent(database: Database, old: int, state: Checkpoint) -> float:
    started = time.perf_counter()
    found = proving.consistency(database, old, state.size)
    taken = _since(started) * 1000
    verify_consistency(old, found.old_root, state.size, state.root, found.proof)
    return taken


# A mirror.


def _mirror(database: Database, state: Checkpoint, folder: Path, rounds: int) -> Figures:
    """Compare a whole verification with bare SHA-256 over what it reads."""
    started = time.perf_counter()
    for path, data in proving.mirror(database, state.size, skip=lambda _: False):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    exported = _since(started)
    (folder / CHECKPOINT).write_bytes(state.signed([KEY]))
    files = sorted(one for one in (folder / "tile").rglob("*") if one.is_file())
    taken: dict[str, list[float]] = {"verify a mirror": []}
    for _ in range(rounds):
        taken["verify a mirror"].append(_timed(partial(_verify, folder)))
        for name, bare in _bare(files).items():
            taken.setdefault(name, []).append(bare)
    seconds = {f"{name}: s": statistics.median(times) for name, times in taken.items()}
    ratios = {
        f"verify a mirror : {name}": _ratio(taken, "verify a mirror", name)
        for name in list(taken)[1:]
    }
    return {
        "mirror, MB": sum(one.stat().st_size for one in files) / 1e6,
        "mirror, files": float(len(files)),
        "write a mirror: s": exported,
        **seconds,
        **ratios,
    }


def _verify(folder: Path) -> None:
    read = reader(str(folder))
    checkpoint = opened(read(CHECKPOINT), [KEY.verifier])
    findings = check_mirror(read, checkpoint)
    assert not findings, findings


def _bare(files: list[Path]) -> Figures:
    """Return what bare SHA-256 takes over a mirror, which is read and taken apart untimed.

    Of its entries: each by itself, as any verifier must. Of its tree: a node for each besides. Of
    its bytes: each file as a whole, which is no verification, but no program reads them faster.
    """
    entries = tree = whole = 0.0
    for file in files:
        data = file.read_bytes()
        whole += _timed(partial(sha256, data))
        if ENTRIES in file.parts:
            some = unbundled(data)
            entries += _timed(partial(_hash_all, some))
            tree += _timed(partial(_hash_tree, some))
    return {
        "bare SHA-256 of its entries": entries,
        "bare SHA-256 of its tree": tree,
        "bare SHA-256 of its bytes": whole,
    }


# Signing.


def _signing(state: Checkpoint) -> Figures:
    note = state.signed([KEY])
    known = [KEY.verifier]
    sign = statistics.median(_timed(lambda: state.signed([KEY])) for _ in range(1000))
    verify = statistics.median(_timed(lambda: opened(note, known)) for _ in range(1000))
    bare = statistics.median(_timed(lambda: node_hash(note[:32], note[:32])) for _ in range(1000))
    return {
        "sign a checkpoint: µs": sign * 1e6,
        "verify a checkpoint: µs": verify * 1e6,
        "bare hash of a node: µs": bare * 1e6,
    }


def _since(started: float) -> float:
    return time.perf_counter() - started


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return _since(started)


if __name__ == "__main__":
    main()
