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

Look = Callable[[bytes], bool]
"""Tells whether a hash is somewhere."""

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
    stored: Sequence[bytes],
    found: Sequence[bytes],
    *,
    last: bool,
    logged: Look | None = None,
    there: Look | None = None,
) -> tuple[int, FindingKind] | None:
    """Find where entries first differ from the hashes of what once stood there, and how.

    Args:
        stored: The hashes of the original entries, side by side.
        found: The hashes of what stands there now.
        last: Whether the log ends with them.
        logged: Tells whether a hash is one of an original entry anywhere; of ``stored``, if None.
        there: Tells whether a hash is one of what stands anywhere now; of ``found``, if None.

    Returns:
        The index of the first that differs; None where they are the same.

    >>> first_difference([b"a", b"b", b"c"], [b"a", b"c"], last=True)
    (1, <FindingKind.DELETED: 'deleted'>)
    """
    if stored == found:
        return None
    shorter = min(len(stored), len(found))
    at = next((one for one in range(shorter) if stored[one] != found[one]), shorter)
    if at == len(found):
        return at, FindingKind.CUT if last else FindingKind.DELETED
    if at == len(stored):
        return at, FindingKind.INSERTED
    is_logged = (logged or stored.__contains__)(found[at])
    if at + 1 < shorter and stored[at + 1] == found[at + 1]:
        # Those behind it have not moved: another one was put in its place.
        return at, FindingKind.REORDERED if is_logged else FindingKind.EDITED
    was_moved = (there or found.__contains__)(stored[at])
    return at, _HOW[was_moved, is_logged]


_HOW: Final = {
    (True, True): FindingKind.REORDERED,
    (True, False): FindingKind.INSERTED,
    (False, True): FindingKind.DELETED,
    (False, False): FindingKind.EDITED,
}
"""What happened, by whether the original entry stands elsewhere, and the one there was logged."""

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
    # The roots of what was logged, as far as anybody can tell.
    roots = walk.found.roots
    if root(walk.stored.tree) == checkpoint.root:
        roots = walk.stored.roots
        findings += walk.differs or _upper_tiles(read, checkpoint.size, walk.stored.upper)
    elif root(walk.found.tree) == checkpoint.root:
        detail = "hashes of level 0 are not those of the entries, which are as they were logged"
        findings.append(Finding(kind=FindingKind.TREE, position=None, detail=detail))
    else:
        findings.append(rewritten(_differs_before(read, checkpoint, walk), "the checkpoint"))
    for one in kept:
        if one.size > checkpoint.size:
            findings.append(_went_back(one, checkpoint))
        elif one.size and roots.get(one.size) != one.root:
            findings.append(rewritten(one.size, "the earlier checkpoint"))
    return tuple(findings)


def _went_back(earlier: Checkpoint, now: Checkpoint) -> Finding:
    detail = f"the log had {earlier.size} entries, as a checkpoint says, and has {now.size} now"
    return Finding(kind=FindingKind.CUT, position=now.size + 1, detail=detail)


@dataclass(slots=True)
class _Grown:
    """A tree, its hashes above the leaves of tiles, and its roots at some sizes on the way."""

    tree: Frontier = field(default_factory=Frontier)
    upper: dict[int, list[bytes]] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)

    def grow(self, leaves: Sequence[bytes], sizes: Sequence[int]) -> None:
        """Append the hashes of leaves."""
        self.tree, nodes, roots = extend_past(self.tree, leaves, sizes)
        self.roots |= roots
        for node in nodes:
            if node.level % HEIGHT == 0:
                self.upper.setdefault(node.level // HEIGHT, []).append(node.hash)

    def copy(self) -> "_Grown":
        """Return another one that grows by itself."""
        upper = {level: list(one) for level, one in self.upper.items()}
        return _Grown(tree=self.tree, upper=upper, roots=dict(self.roots))


@dataclass(slots=True)
class _Walk:
    """What is known behind the entries walked over so far.

    Attributes:
        sizes: Of the checkpoints that were kept, in ascending order.
        stored: The tree over the stored hashes of leaves.
        found: That over the entries: the same object, as long as they are the same.
        differs: The first entry that is not what its stored hash says, if any.
        broken: The first file that is missing or malformed, if any.
    """

    read: Read
    size: int
    sizes: list[int]
    stored: _Grown = field(default_factory=_Grown)
    found: _Grown = field(init=False)
    differs: list[Finding] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with one tree."""
        self.found = self.stored

    def over(self, bundle: Tile) -> None:
        """Walk over a bundle of entries and the tile of their hashes."""
        leaves = self._leaves(bundle)
        stored = self._stored(Tile(0, bundle.index, bundle.width))
        # What cannot be read is found broken, and nothing else can be said of it.
        leaves = (stored or []) if leaves is None else leaves
        stored = leaves if stored is None else stored
        if leaves != stored:
            if not self.differs:
                self.differs = [self._first(bundle, stored, leaves)]
            if self.found is self.stored:
                self.found = self.stored.copy()
        self.stored.grow(stored, self.sizes)
        if self.found is not self.stored:
            self.found.grow(leaves, self.sizes)

    def _leaves(self, bundle: Tile) -> list[bytes] | None:
        """Return the hashes of the entries of a bundle; None where it cannot be read."""
        path = f"tile/{bundle}"
        try:
            return [leaf_hash(one) for one in unbundled(self.read(path))]
        except (MissingFile, MalformedEvidence) as error:
            self._broke(path, bundle.first + 1, error)
            return None

    def _stored(self, tile: Tile) -> list[bytes] | None:
        """Return the hashes in a tile; None where it cannot be read."""
        path = f"tile/{tile}"
        try:
            return hashes(self.read(path), tile.width)
        except (MissingFile, MalformedEvidence) as error:
            self._broke(path, None, error)
            return None

    def _broke(self, path: str, position: int | None, error: Exception) -> None:
        kind = FindingKind.TREE if position is None else FindingKind.UNREADABLE
        if not self.broken:
            detail = f"{path} cannot be read: {error}"
            self.broken = [Finding(kind=kind, position=position, detail=detail)]

    def _first(self, bundle: Tile, stored: list[bytes], leaves: list[bytes]) -> Finding:
        last = bundle.first + bundle.width == self.size
        if not last and len(stored) == len(leaves):
            # What stands behind the last one of a tile tells what happened to it.
            width = min(WIDTH, self.size - bundle.first - WIDTH)
            stored = stored + (self._stored(Tile(0, bundle.index + 1, width)) or [])
            leaves = leaves + (self._leaves(Tile(None, bundle.index + 1, width)) or [])
        found = first_difference(
            stored, leaves, last=last, logged=self._was_logged, there=self._stands
        )
        at, kind = found or (0, FindingKind.EDITED)
        return difference(kind, bundle.first + at + 1)

    def _was_logged(self, leaf: bytes) -> bool:
        """Tell whether the hash of an entry is stored anywhere."""
        return any(leaf in (self._stored(tile) or ()) for tile in tiles_of(0, self.size))

    def _stands(self, leaf: bytes) -> bool:
        """Tell whether an entry stands anywhere."""
        return any(leaf in (self._leaves(bundle) or ()) for bundle in tiles_of(None, self.size))


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
    made = walk.found.upper.get(1, [])
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
