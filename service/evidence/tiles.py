r"""Tiles, as c2sp.org/tlog-tiles has them: the tree and its entries as files that never change.

    checkpoint                      the newest checkpoint
    tile/<L>/<N>[.p/<W>]            hashes of tree level 8·L: 256 of them, or W at the right edge
    tile/entries/<N>[.p/<W>]        256 entries, or W, each behind its length in two bytes

N is written in groups of three digits, all but the last with an x: 1234067 is ``x001/x234/067``. A
log of 70,000 entries has the tiles 0/000 to 0/272 and 0/273.p/112, 1/000 and 1/001.p/17, 2/000.p/1.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from service.evidence.errors import MalformedEvidence
from service.evidence.merkle import HASH_BYTES
from service.evidence.text import MOST

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
ENTRIES: Final = "entries"
MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 65_535
"""Bytes of an entry at most: its length has two bytes."""

_PATH: Final = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)
_LENGTH_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile.

    Attributes:
        level: From 0; None for a bundle of entries.
        index: Within its level.
        width: Hashes or entries in it, 1 to 256.
    """

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def tree_level(self) -> int:
        """The level of its hashes in the tree; that of the leaves for a bundle."""
        return HEIGHT * (self.level or 0)

    @property
    def first(self) -> int:
        """The index of its first hash on that level, or of its first entry."""
        return self.index * WIDTH

    def __str__(self) -> str:
        """Write its path below ``tile/``.

        >>> str(Tile(0, 1234067)), str(Tile(None, 273, 112))
        ('0/x001/x234/067', 'entries/273.p/112')
        """
        digits = f"{self.index:d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
        path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = ENTRIES if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{level}/{path}{partial}"

    @classmethod
    def read(cls, path: str) -> "Tile":
        """Read what ``str`` writes.

        Raises:
            MalformedEvidence: It names no tile, or in another spelling.
        """
        found = _PATH.fullmatch(path)
        if found is not None:
            level = None if found["level"] == ENTRIES else int(found["level"])
            index = int(found["index"].replace("x", "").replace("/", ""))
            tile = cls(level, index, WIDTH if found["width"] is None else int(found["width"]))
            wide = found["width"] is not None and tile.width >= WIDTH
            inside = (level or 0) <= MAX_LEVEL and index <= MOST
            if inside and not wide and str(tile) == path:
                return tile
        fault = (
            f"{path[:80]!a} is not <level>/<index>[.p/<width>], with a level from 0 to 63 or"
            " 'entries', an index such as 067 or x001/x234/067, and a width from 1 to 255."
        )
        raise MalformedEvidence(kind="path of a tile", fault=fault)


def tiles_of(level: int | None, size: int) -> Iterator[Tile]:
    """Yield the tiles of a level that a log of some size has, the partial one last."""
    whole, rest = divmod(size >> HEIGHT * (level or 0), WIDTH)
    for index in range(whole):
        yield Tile(level, index)
    if rest:
        yield Tile(level, whole, rest)


def all_tiles(size: int) -> Iterator[Tile]:
    """Yield every tile that a log of some size has: entries, then hashes from the leaves up."""
    yield from tiles_of(None, size)
    level = 0
    while size >> HEIGHT * level:
        yield from tiles_of(level, size)
        level += 1


def bundle(entries: Iterable[bytes]) -> bytes:
    """Write entries of at most 65,535 bytes each."""
    return b"".join(len(one).to_bytes(_LENGTH_BYTES, "big") + one for one in entries)


def unbundled(data: bytes) -> list[bytes]:
    """Read the entries of a bundle; whether there are as many as there should be is not looked at.

    Raises:
        MalformedEvidence: It ends within an entry, or has far more than a bundle can have.
    """
    found: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        if len(found) == 2 * WIDTH:
            fault = f"it has more than {2 * WIDTH} entries, and one has at most {WIDTH}."
            raise MalformedEvidence(kind="bundle of entries", fault=fault)
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if start > end or at > end:
            fault = f"it ends within its entry {len(found) + 1}."
            raise MalformedEvidence(kind="bundle of entries", fault=fault)
        found.append(data[start:at])
    return found


def hashes(data: bytes, width: int) -> list[bytes]:
    """Read the hashes of a tile.

    Raises:
        MalformedEvidence: It has another length than one of that width.
    """
    if len(data) != width * HASH_BYTES:
        fault = f"it has {len(data)} bytes, and one of width {width} has {width * HASH_BYTES}."
        raise MalformedEvidence(kind="tile", fault=fault)
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]
