r"""Verification: is a mirror of a log what its checkpoint says? Needs no server and no database.

A mirror is whatever gives the files of ``tiles`` by their paths: a folder, a web server. Every
entry is hashed, every hash of the tree made again, up to the root that was signed::

    entries ──hash── tile/0 ──hash── tile/1 … ──hash── root == the checkpoint's?

Where the stored hashes lead to the signed root, they are the original ones: the first entry that
does not fit its hash was edited, deleted, inserted or moved, and is named. Where they do not, the
tree was made to match other entries: then only the size before which history differs can be told.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from service.evidence.checkpoints import Checkpoint
from service.evidence.errors import MalformedEvidence
from service.evidence.merkle import Frontier, extend, extend_past, leaf_hash, root
from service.evidence.proofs import Span
from service.evidence.tiles import HEIGHT, WIDTH, Tile, hashes, tiles_of, unbundled

Read = Callable[[str], bytes]
"""Gives a file of a mirror by its path; raises ``MissingFile``."""

Progress = Callable[[int, int], None]
"""Told how many entries of how many are done."""

CHECKPOINT: Final = "checkpoint"
"""The path of a mirror's checkpoint."""


class MissingFile(LookupError):
    """A mirror lacks a file."""


class FindingKind(StrEnum):
    """What is wrong with a log."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT = "cut"
    REWRITTEN = "rewritten"
    SIGNATURE = "signature"
    TREE = "tree"
    COLUMNS = "columns"
    VERSION = "version"
    TIME = "time"
    HEAD = "head"
    UNREADABLE = "unreadable"
    PROJECTION = "projection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it must be; ``position`` is None where it is not about an event."""

    kind: FindingKind
    position: int | None
    detail: str


def first_difference(
    stored: Sequence[bytes], found: Sequence[bytes], *, last: bool
) -> tuple[int, FindingKind] | None:
    """Find where entries first differ from the hashes of what once stood there, and how.

    Args:
        stored: The hashes of the original entries, side by side.
        found: The hashes of what stands there now.
        last: Whether the log ends with them.

    Returns:
        The index of the first that differs; None where they are the same.

    >>> first_difference([b"a", b"b", b"c"], [b"a", b"c"], last=True)
    (1, <FindingKind.DELETED: 'deleted'>)
    """
    if stored == found:
        return None
    shorter = min(len(stored), len(found))
    at = next((one for one in range(shorter) if stored[one] != found[one]), shorter)
    was, now = stored[at : at + 2], found[at : at + 2]
    if not now:
        return at, FindingKind.CUT if last else FindingKind.DELETED
    if not was or (len(now) > 1 and now[1] == was[0] and now[0] not in stored):
        return at, FindingKind.INSERTED
    if len(was) > 1 and now[0] == was[1] and was[0] not in found:
        return at, FindingKind.DELETED
    return at, FindingKind.REORDERED if now[0] in stored else FindingKind.EDITED


_TOLD: Final = {
    FindingKind.EDITED: "the entry is another one than the one that was logged there",
    FindingKind.DELETED: "the entry that was logged there is gone, and later ones have moved up",
    FindingKind.INSERTED: "the entry was never logged there, and those behind it have moved down",
    FindingKind.REORDERED: "the entry was logged, but at another position",
    FindingKind.CUT: "the entries end before it",
}


def difference(kind: FindingKind, position: int) -> Finding:
    """Return the finding for an entry that is not the one that was logged at its position."""
    return Finding(kind=kind, position=position, detail=f"position {position}: {_TOLD[kind]}")


def rewritten(size: int, saved: str) -> Finding:
    """Return the finding for a history that is not the one that a checkpoint commits to."""
    detail = (
        f"history before size {size} differs from {saved}: an event at or before position {size}"
        " was changed, and the tree was made again to match"
    )
    return Finding(kind=FindingKind.REWRITTEN, position=None, detail=detail)


def check_mirror(
    read: Read,
    checkpoint: Checkpoint,
    against: Iterable[Checkpoint] = (),
    progress: Progress = lambda _done, _all: None,
) -> tuple[Finding, ...]:
    """Check every entry and every hash of a mirror.

    Args:
        read: Gives the mirror's files.
        checkpoint: What it should be, signed by a key that the caller trusts.
        against: Earlier checkpoints of the same log that the caller kept.
        progress: Told how many entries are done.
    """
    kept = sorted(against, key=lambda one: one.size)
    walk = _Walk(read=read, size=checkpoint.size, sizes=[one.size for one in kept])
    for bundle in tiles_of(None, checkpoint.size):
        walk.over(bundle)
        progress(bundle.first + bundle.width, checkpoint.size)
    findings = [*walk.broken]
    if root(walk.stored) == checkpoint.root:
        findings += walk.differs or _upper_tiles(read, checkpoint.size, walk.upper)
    elif root(walk.found) == checkpoint.root:
        detail = "hashes of level 0 are not those of the entries, which are as they were logged"
        findings.append(Finding(kind=FindingKind.TREE, position=None, detail=detail))
    else:
        findings.append(rewritten(_differs_before(read, checkpoint, walk), "the checkpoint"))
    for one in kept:
        if one.size > checkpoint.size:
            findings.append(_went_back(one, checkpoint))
        elif one.size and walk.roots.get(one.size) != one.root:
            findings.append(rewritten(one.size, "the earlier checkpoint"))
    return tuple(findings)


def _went_back(earlier: Checkpoint, now: Checkpoint) -> Finding:
    detail = f"the log had {earlier.size} entries, as a checkpoint says, and has {now.size} now"
    return Finding(kind=FindingKind.CUT, position=now.size + 1, detail=detail)


@dataclass(slots=True)
class _Walk:
    """What is known behind the entries walked over so far.

    Attributes:
        stored: The tree over the stored hashes of leaves. ``found``: that over the entries.
        upper: The hashes that belong on the levels of tiles above the leaves, made from ``found``.
        sizes: Of the checkpoints that were kept; ``roots`` are those of ``found`` there.
        differs: The first entry that is not what its stored hash says, if any.
        broken: Files that are missing or malformed.
    """

    read: Read
    size: int
    sizes: list[int]
    stored: Frontier = field(default_factory=Frontier)
    found: Frontier = field(default_factory=Frontier)
    upper: dict[int, list[bytes]] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    differs: list[Finding] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)

    def over(self, bundle: Tile) -> None:
        """Walk over a bundle of entries and the tile of their hashes."""
        entries = self._entries(bundle)
        leaves = [leaf_hash(one) for one in entries]
        stored = self._hashes(Tile(0, bundle.index, bundle.width), leaves)
        same = self.found is self.stored and leaves == stored
        if leaves != stored and not self.differs:
            self.differs = [self._first(bundle, stored, leaves)]
        self.found, nodes, roots = extend_past(self.found, leaves, self.sizes)
        self.roots |= roots
        for node in nodes:
            if node.level % HEIGHT == 0:
                self.upper.setdefault(node.level // HEIGHT, []).append(node.hash)
        self.stored = self.found if same else extend(self.stored, stored)[0]

    def _entries(self, bundle: Tile) -> list[bytes]:
        path = f"tile/{bundle}"
        try:
            return unbundled(self.read(path))
        except (MissingFile, MalformedEvidence) as error:
            self._broke(path, bundle.first + 1, error)
            return []

    def _hashes(self, tile: Tile, leaves: list[bytes]) -> list[bytes]:
        path = f"tile/{tile}"
        try:
            return hashes(self.read(path), tile.width)
        except (MissingFile, MalformedEvidence) as error:
            self._broke(path, None, error)
            # A tree can be checked without this file, from the entries.
            return leaves

    def _broke(self, path: str, position: int | None, error: Exception) -> None:
        kind = FindingKind.TREE if position is None else FindingKind.UNREADABLE
        if not self.broken:
            detail = f"{path} cannot be read: {error}"
            self.broken = [Finding(kind=kind, position=position, detail=detail)]

    def _first(self, bundle: Tile, stored: list[bytes], leaves: list[bytes]) -> Finding:
        last = bundle.first + bundle.width == self.size
        at, kind = first_difference(stored, leaves, last=last) or (0, FindingKind.EDITED)
        if kind is FindingKind.EDITED and self._stands_elsewhere(leaves[at]):
            kind = FindingKind.REORDERED
        return difference(kind, bundle.first + at + 1)

    def _stands_elsewhere(self, leaf: bytes) -> bool:
        """Tell whether an entry was logged somewhere."""
        for tile in tiles_of(0, self.size):
            try:
                if leaf in hashes(self.read(f"tile/{tile}"), tile.width):
                    return True
            except (MissingFile, MalformedEvidence):
                continue
        return False


def _upper(read: Read, size: int, level: int) -> Iterator[bytes]:
    """Yield the hashes of a level of tiles as they are stored."""
    for tile in tiles_of(level, size):
        yield from hashes(read(f"tile/{tile}"), tile.width)


def _upper_tiles(read: Read, size: int, made: dict[int, list[bytes]]) -> list[Finding]:
    """Compare the tiles above the leaves with what they must be."""
    for level in sorted(made):
        for tile in tiles_of(level, size):
            path = f"tile/{tile}"
            try:
                same = hashes(read(path), tile.width) == made[level][tile.first :][: tile.width]
                detail = f"{path} is not the hashes of what it covers"
            except (MissingFile, MalformedEvidence) as error:
                same, detail = False, f"{path} cannot be read: {error}"
            if not same:
                return [Finding(kind=FindingKind.TREE, position=None, detail=detail)]
    return []


def _differs_before(read: Read, checkpoint: Checkpoint, walk: _Walk) -> int:
    """Return a size before which history differs: that of a full tile, if one can be blamed.

    That is so where the stored hashes of full tiles still lead to the signed root.
    """
    size = checkpoint.size
    try:
        full = list(_upper(read, size, 1))
        last = [one for one in tiles_of(0, size) if one.width < WIDTH]
        rest = [one for tile in last for one in hashes(read(f"tile/{tile}"), tile.width)]
    except (MissingFile, MalformedEvidence):
        return size
    over_full, _ = extend(Frontier(), full)
    # A frontier over full tiles is one over entries: each of its bits is worth 256 entries.
    whole = Frontier(over_full.size * WIDTH, over_full.hashes)
    if root(extend(whole, rest)[0]) != checkpoint.root:
        return size
    made = walk.upper.get(1, [])
    pairs = enumerate(zip(full, made, strict=False), 1)
    return next((index * WIDTH for index, (one, other) in pairs if one != other), size)


def entries(
    read: Read, size: int, after: int = 0, upto: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield entries of a mirror with their positions, from 1; nothing is verified.

    Args:
        read: Gives the mirror's files.
        size: Of the mirror.
        after: The position behind which to begin.
        upto: The last position, inclusive; None for all.

    Raises:
        MissingFile, MalformedEvidence: A bundle cannot be read.
    """
    last = size if upto is None else min(size, upto)
    for bundle in tiles_of(None, size):
        if bundle.first + bundle.width <= after or bundle.first >= last:
            continue
        for position, entry in enumerate(unbundled(read(f"tile/{bundle}")), bundle.first + 1):
            if after < position <= last:
                yield position, entry


def check_growth(read: Read, last: Checkpoint, now: Checkpoint) -> tuple[Finding, ...]:
    """Check that a mirror continues a checkpoint, reading what is new and the edge of what was.

    Args:
        read: Gives the mirror's files.
        last: What the caller verified before.
        now: What the mirror should be, signed by a key that the caller trusts.
    """
    if now.size < last.size:
        return (_went_back(last, now),)
    try:
        subtrees = Span(0, last.size).subtrees()
        hashes_then = tuple(_node(read, now.size, level, index) for level, index in subtrees)
        then = Frontier(last.size, hashes_then)
        if root(then) != last.root:
            return (rewritten(last.size, "the checkpoint before"),)
        new = (leaf_hash(entry) for _, entry in entries(read, now.size, last.size))
        grown, _ = extend(then, new)
    except (MissingFile, MalformedEvidence) as error:
        return (Finding(kind=FindingKind.UNREADABLE, position=None, detail=str(error)),)
    if grown.size != now.size or root(grown) != now.root:
        return (rewritten(now.size, "the newest checkpoint"),)
    return ()


def _node(read: Read, size: int, level: int, index: int) -> bytes:
    """Return the hash of a complete subtree, made from the tile that has what is below it."""
    tile_level, above = divmod(level, HEIGHT)
    first = index << above
    tile_index, start = divmod(first, WIDTH)
    width = min(WIDTH, (size >> HEIGHT * tile_level) - tile_index * WIDTH)
    tile = Tile(tile_level, tile_index, width)
    found = hashes(read(f"tile/{tile}"), width)
    return root(extend(Frontier(), found[start : start + (1 << above)])[0])
