r"""A log as a file: what it looks like, and how it is written and read.

An export is lines of JSON (UTF-8), each ended by one line feed. The first says what follows::

    {"accessline": "export", "after": 0, "before": [], "format": 1, "root": "9f2c…", "until": 51}

and each of the others is an event, byte for byte as the log keeps it (RFC 8785): line 2 holds the
one at position ``after`` + 1, the last line the one at ``until``. Whoever wants to check a file
needs no tool of ours::

    leaf  = SHA-256(0x00 || the line without its line feed)
    root  = the root of the RFC 6962 tree over the leaves of all events up to ``until``

``before`` are the roots of the complete subtrees over the first ``after`` events, largest first, in
hex: a part of a log can be checked by itself. A file that was cut has too few lines.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import orjson

from service.domain.errors import AccesslineError, Refused
from service.evidence.canonical import MAX_BYTES, MAX_INTEGER, canonical_bytes
from service.evidence.merkle import HASH_BYTES, Frontier, FrontierError, extend, leaf_hash, root
from service.store import events as log
from service.store import tree
from service.store.engine import Database
from service.store.errors import StoreDamaged
from service.store.events import EventRow

FORMAT: Final = 1
"""The version of the form of an export."""

CHUNK: Final = 500
"""Events that are read or written at once."""

_NAME: Final = "export"
_FIELDS: Final = ("accessline", "after", "before", "format", "root", "until")

Progress = Callable[[int, int], None]
"""Told how many events of how many are done."""


def untold(_done: int, _all: int) -> None:
    """Tell nobody."""


# What can be wrong with a file.


class BadExport(AccesslineError):
    """A line of a file that no export has."""

    def __init__(self, *, line: int, fault: str) -> None:
        super().__init__(f"Line {line}: {fault}")
        self.line = line


class CutExport(AccesslineError):
    """A file that ends before its last event."""

    def __init__(self, *, events: int, of: int) -> None:
        super().__init__(
            f"The file was cut: it holds {events:,} of the {of:,} events that its first line tells"
            " of. Continue it where it was made: accessline export --resume FILE"
        )
        self.events = events


class AlteredExport(AccesslineError):
    """A file whose events are not those that its first line tells of."""

    def __init__(self, *, found: str, told: str) -> None:
        super().__init__(
            f"The file was altered: its events have the root {found}, its first line tells of"
            f" {told}."
        )


class OtherLog(AccesslineError):
    """An interrupted export that another log must continue."""

    def __init__(self, *, position: int) -> None:
        super().__init__(
            f"The file was exported from another log: at position {position} they differ. Export"
            " this one to another file."
        )
        self.position = position


# Parts.


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of a log a file holds.

    Attributes:
        after: The position that it begins behind.
        until: Its last position, inclusive.
        before: The tree over the events up to ``after``.
        root: Of the tree over all events up to ``until``.
    """

    after: int
    until: int
    before: Frontier
    root: bytes

    def line(self) -> bytes:
        """Return the first line of the file."""
        told = {
            "accessline": _NAME,
            "after": self.after,
            "before": [one.hex() for one in self.before.hashes],
            "format": FORMAT,
            "root": self.root.hex(),
            "until": self.until,
        }
        return canonical_bytes(told) + b"\n"


def part_of(database: Database, after: int = 0) -> Part:
    """Return the part of a log behind a position, up to its head.

    Raises:
        Refused: The position lies beyond the head.
    """
    with database.read() as connection:
        head = log.read_head(connection)
        if after > head.position:
            detail = f"Position {after} lies beyond the head of the log, at {head.position}."
            raise Refused(detail, path=("after",), suggestion=str(head.position))
        before = tree.frontier(connection, after)
    return Part(after=after, until=head.position, before=before, root=root(head.frontier))


def read_part(line: bytes) -> Part | None:
    """Read the first line of a file; None where it is not that of an export.

    Raises:
        BadExport: It is one, but of another format, or damaged.
    """
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict) or told.get("accessline") != _NAME:
        return None
    if told.get("format") != FORMAT:
        fault = f"this program reads exports of format {FORMAT}, and this is another."
        raise BadExport(line=1, fault=fault)
    try:
        return _part(told)
    except (FrontierError, KeyError, TypeError, ValueError) as error:
        fault = f"an export begins with an object of {', '.join(_FIELDS)}, and this is damaged."
        raise BadExport(line=1, fault=fault) from error


def _part(told: Mapping[str, Any]) -> Part:
    if set(told) != set(_FIELDS):
        raise ValueError
    after, until = told["after"], told["until"]
    if not (type(after) is type(until) is int and 0 <= after <= until <= MAX_INTEGER):
        raise ValueError
    hashes = tuple(map(bytes.fromhex, told["before"]))
    last = bytes.fromhex(told["root"])
    if len(last) != HASH_BYTES:
        raise ValueError
    return Part(after=after, until=until, before=Frontier(after, hashes), root=last)


def bodies(source: BinaryIO, part: Part) -> Iterator[list[bytes]]:
    """Read the events of a file behind its first line, some at once, as bytes.

    Raises:
        BadExport: A line that is too long, or behind the last event.
        CutExport: The file ends too early.
        AlteredExport: Its events have another root than its first line tells of.
    """
    frontier = part.before
    while frontier.size < part.until:
        some: list[bytes] = []
        while len(some) < min(CHUNK, part.until - frontier.size):
            line = source.readline(MAX_BYTES + 2)
            if len(line) > MAX_BYTES + 1:
                number = frontier.size + len(some) - part.after + 2
                raise BadExport(line=number, fault="no event of a log is as long as this.")
            if not line.endswith(b"\n"):
                done = frontier.size + len(some) - part.after
                raise CutExport(events=done, of=part.until - part.after)
            some.append(line[:-1])
        frontier, _ = extend(frontier, map(leaf_hash, some))
        yield some
    if source.read(1):
        number = part.until - part.after + 2
        raise BadExport(line=number, fault="the file goes on behind its last event.")
    if root(frontier) != part.root:
        raise AlteredExport(found=root(frontier).hex(), told=part.root.hex())


# Export.


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a file holds of an export that was interrupted.

    Attributes:
        tree: Over all events up to the last whole line.
        size: Bytes up to and with that line.
    """

    part: Part
    tree: Frontier
    size: int


def written(source: BinaryIO) -> Written | None:
    """Find where an export was interrupted; None where not even its first line is whole.

    Raises:
        BadExport: The file is something else.
    """
    first = source.readline(MAX_BYTES)
    part = read_part(first)
    if part is None and (first.endswith(b"\n") or len(first) == MAX_BYTES):
        raise BadExport(line=1, fault="this file is no export of a log.")
    if part is None or not first.endswith(b"\n"):
        return None
    tree_so_far, size = part.before, len(first)
    while (line := source.readline(MAX_BYTES + 2)).endswith(b"\n"):
        if tree_so_far.size == part.until:
            number = part.until - part.after + 2
            raise BadExport(line=number, fault="the file goes on behind its last event.")
        tree_so_far, _ = extend(tree_so_far, (leaf_hash(line[:-1]),))
        size += len(line)
    return Written(part=part, tree=tree_so_far, size=size)


def require_same(database: Database, found: Written) -> None:
    """Refuse to continue a file that is not of this log.

    Raises:
        OtherLog: It is of another.
    """
    with database.read() as connection:
        if found.part.until > log.read_head(connection).position:
            raise OtherLog(position=found.part.until)
        for tree_then in (found.part.before, found.tree):
            if tree.frontier(connection, tree_then.size) != tree_then:
                raise OtherLog(position=tree_then.size)
        if root(tree.frontier(connection, found.part.until)) != found.part.root:
            raise OtherLog(position=found.part.until)


def export(
    database: Database,
    part: Part,
    write: Callable[[bytes], object],
    *,
    done: Frontier | None = None,
    progress: Progress = untold,
) -> None:
    """Write a part of the log, in short snapshots and bounded memory.

    Args:
        database: Where the log is.
        part: What is wanted.
        write: Takes bytes of the file, in order.
        done: The tree over what is written already; None begins with the first line.
        progress: Told how many events of how many are done.

    Raises:
        StoreDamaged: What is stored is not what the head says; the file is good for nothing.
    """
    if done is None:
        write(part.line())
    written = (part.before if done is None else done).size - part.after
    for rows in events(database, part, done=done):
        write(b"".join(row.body + b"\n" for row in rows))
        written += len(rows)
        progress(written, part.until - part.after)


def events(
    database: Database, part: Part, *, done: Frontier | None = None
) -> Iterator[list[EventRow]]:
    """Yield the events of a part of the log, some at once, each from a short snapshot.

    Raises:
        StoreDamaged: Behind the last of them: they are not what the head says.
    """
    frontier = part.before if done is None else done
    while frontier.size < part.until:
        with database.read() as connection:
            rows = log.page(connection, after=frontier.size, upto=part.until, limit=CHUNK)
        if not rows or rows[-1].position != frontier.size + len(rows):
            raise StoreDamaged(found=f"events behind position {frontier.size} are missing.")
        frontier, _ = extend(frontier, (leaf_hash(row.body) for row in rows))
        yield rows
    if root(frontier) != part.root:
        found = "the events that were exported do not have the root of the log's tree."
        raise StoreDamaged(found=found)
