"""Proving: what a verifier needs of the log, from nodes that are stored and never change.

Proofs and tiles of any size that the log ever had are looked up; nothing is scanned, and nothing
signed. Indexes count from 0, positions from 1: the event at position p is the tree's leaf p - 1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from service.domain.errors import Refused
from service.evidence import proofs
from service.evidence.merkle import EMPTY_ROOT
from service.evidence.proofs import Span
from service.evidence.text import MOST
from service.evidence.tiles import WIDTH, Tile, all_tiles, bundle
from service.store import events as log
from service.store import tree
from service.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """The proof that the log at a size holds an entry.

    Attributes:
        proof: RFC 6962 section 2.1.1, the hash of the leaf's sibling first.
    """

    index: int
    size: int
    leaf_hash: bytes
    proof: tuple[bytes, ...]
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """The proof that the log at a size continues the log at an earlier one.

    Attributes:
        proof: RFC 6962 section 2.1.2.
    """

    old_size: int
    new_size: int
    old_root: bytes
    new_root: bytes
    proof: tuple[bytes, ...]


def inclusion(database: Database, index: int, size: int) -> Inclusion:
    """Prove that the log at a size holds the entry at an index.

    Raises:
        Refused: Not 0 <= index < size <= the log's own size; its path is the parameter.
        StoreDamaged: A node of the tree is missing.
    """
    with database.read() as connection:
        _check_size(connection, "size", size)
        if index >= size:
            detail = f"A log of {size} events has no index {index}: indexes count from 0."
            suggestion = str(size - 1) if size else None
            raise Refused(detail, path=("index",), suggestion=suggestion)
        spans = (Span(index, index + 1), Span(0, size), *proofs.inclusion(index, size))
        leaf, root, *proof = tree.roots(connection, spans)
    return Inclusion(index=index, size=size, leaf_hash=leaf, proof=tuple(proof), root=root)


def consistency(database: Database, old: int, new: int) -> Consistency:
    """Prove that the log at a size continues the log at an earlier one.

    Raises:
        Refused: Not 0 <= old <= new <= the log's own size; its path is the parameter.
        StoreDamaged: A node of the tree is missing.
    """
    with database.read() as connection:
        _check_size(connection, "new", new)
        if old > new:
            detail = (
                f"The log at {new} events cannot continue the log at {old}: old is at most new."
            )
            raise Refused(detail, path=("old",), suggestion=str(new))
        spans = (Span(0, old), Span(0, new), *proofs.consistency(old, new))
        old_root, new_root, *proof = tree.roots(connection, spans)
    return Consistency(
        old_size=old,
        new_size=new,
        old_root=old_root if old else EMPTY_ROOT,
        new_root=new_root if new else EMPTY_ROOT,
        proof=tuple(proof),
    )


def body_of(database: Database, event: UUID) -> tuple[int, bytes] | None:
    """Return where an event stands, and its canonical bytes; None where there is none."""
    with database.read() as connection:
        found = log.by_id(connection, event)
    return None if found is None else (found.position, found.body)


def tile(database: Database, wanted: Tile) -> bytes | None:
    """Return a tile or a bundle of entries; None where the log is not as far yet."""
    with database.read() as connection:
        return _tile(connection, wanted)


def mirror(
    database: Database, size: int, skip: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a mirror of the log at a size, but for its checkpoint, with its path.

    Args:
        database: Where the log is.
        size: Of the log.
        skip: Tells of a path whether the mirror has the file, which never changes.

    Raises:
        StoreDamaged: Something that must be stored is not.
    """
    for wanted in all_tiles(size):
        if skip(f"tile/{wanted}"):
            continue
        with database.read() as connection:
            found = _tile(connection, wanted)
        if found is None:
            raise tree.missing(wanted.tree_level, wanted.first)
        yield f"tile/{wanted}", found


def _tile(connection: sa.Connection, wanted: Tile) -> bytes | None:
    if wanted.first > MOST - WIDTH:
        return None
    if wanted.level is None:
        last = wanted.first + wanted.width
        rows = log.page(connection, after=wanted.first, upto=last, limit=wanted.width)
        whole = len(rows) == wanted.width
        return bundle(row.body for row in rows) if whole else None
    found = tree.hashes(connection, wanted.tree_level, wanted.first, wanted.width)
    return b"".join(found) if len(found) == wanted.width else None


def _check_size(connection: sa.Connection, name: str, size: int) -> None:
    head = log.read_head(connection).position
    if size > head:
        detail = f"The log has {head} events, fewer than {size}."
        raise Refused(detail, path=(name,), suggestion=str(head))
