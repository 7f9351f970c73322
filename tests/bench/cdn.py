"""What share of a mix of requests a CDN in front of the server answers, by simulation.

    python -m tests.bench.cdn [--requests N] [--kept N]

Nothing is measured here: requests are drawn from a mix that is assumed, and go through caches that
evict what was not asked for longest. The first half of them warms the caches and is not counted.
What is assumed, all of it below as constants, so that it can be changed:

- popularity follows Zipf's law: of 10,250 cells (41 providers, 250 regions) where a question
  floats, of a million pinned links (a cell, a day, a position) where one is followed;
- clients that send an ETag of their own and those that do not make no difference: the CDN sends the
  one that it has (RFC 9111, section 4.3);
- a CDN keeps what is ``immutable`` for as long as it has room, and asks again, with its ETag, for
  what is ``no-cache``; POST goes through. There is no purging, and none is needed;
- the log grows by 20 events in 10^6 requests, and each makes every floating answer a new one.

Told are, as shares of all requests: ``edge``, that the server never sees; ``304``, that it answers
without a body; ``full``, that it answers in full; and ``most``, the edge's share once everything
was asked before, which many times more requests come near to.
"""

import argparse
import random
from bisect import bisect
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import click

CELLS: Final = 41 * 250
LINKS: Final = 1_000_000
TILES: Final = 2_000
ASSETS: Final = 20
EVENTS_A_REQUEST: Final = 20 / 1_000_000

MIXES: Final = {
    # check: POST. floating: a cell as it is now. pinned: both times fixed, as links and logs
    # of decisions name them. tile: of the log. asset: of the pages.
    "gateways": {"check": 0.80, "floating": 0.12, "pinned": 0.06, "tile": 0.01, "asset": 0.01},
    "realistic": {"check": 0.30, "floating": 0.25, "pinned": 0.35, "tile": 0.05, "asset": 0.05},
    "readers": {"check": 0.02, "floating": 0.28, "pinned": 0.55, "tile": 0.05, "asset": 0.10},
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and what a cache may do with its answer.

    Attributes:
        key: Its URL; None where no cache may answer it.
        version: What its ETag depends on; None where it never changes.
    """

    key: Hashable
    version: int | None = None


class Cache:
    """One point of presence."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, int | None] = OrderedDict()

    def ask(self, request: Request) -> str:
        """Answer a request, and say how."""
        if request.key is None:
            return "full"
        had = request.key in self._kept
        before = self._kept.pop(request.key, None)
        self._kept[request.key] = request.version
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        if not had:
            return "full"
        if request.version is None:
            return "edge"
        return "304" if before == request.version else "full"


def zipf(number: int, exponent: float, chance: random.Random) -> Callable[[], int]:
    """Return what draws a rank below a number, the lower the more often."""
    summed = list(accumulate((rank + 1) ** -exponent for rank in range(number)))
    return lambda: bisect(summed, chance.random() * summed[-1])


def requests(mix: dict[str, float], exponent: float, chance: random.Random) -> Iterator[Request]:
    """Yield requests without end."""
    cell, link = zipf(CELLS, exponent, chance), zipf(LINKS, exponent, chance)
    tile = zipf(TILES, exponent, chance)
    kinds, shares = list(mix), list(mix.values())
    grown = 0.0
    while True:
        grown += EVENTS_A_REQUEST
        match chance.choices(kinds, shares)[0]:
            case "pinned":
                yield Request(("pinned", link()))
            case "floating":
                yield Request(("floating", cell()), int(grown))
            case "tile":
                yield Request(("tile", tile()))
            case "asset":
                yield Request(("asset", chance.randrange(ASSETS)))
            case _:
                yield Request(None)


def shares(
    mix: dict[str, float], exponent: float, places: int, number: int, kept: int
) -> Counter[str]:
    """Return how many of the counted requests were answered how."""
    chance = random.Random(20261126)  # noqa: S311 -- a repeatable draw, no secret
    caches = [Cache(kept) for _ in range(places)]
    found: Counter[str] = Counter()
    for at, request in enumerate(requests(mix, exponent, chance)):
        if at == number:
            return found
        how = chance.choice(caches).ask(request)
        if at >= number // 2:
            found[how] += 1
    return found


def main() -> None:
    """Print the shares for each mix, popularity and number of caches."""
    options = argparse.ArgumentParser(description="What a CDN answers, by simulation.")
    options.add_argument("--requests", type=int, default=600_000, help="in all, half of it to warm")
    options.add_argument(
        "--kept", type=int, default=1_000_000, help="answers that a cache has room for"
    )
    given = options.parse_args()
    click.echo(
        f"{'mix':<10} {'zipf':>5} {'caches':>6} {'edge':>7} {'304':>7} {'full':>7} {'most':>7}"
    )
    for name, mix in MIXES.items():
        most = sum(mix[kind] for kind in ("pinned", "tile", "asset"))
        for exponent in (0.8, 1.0):
            for places in (1, 10):
                found = shares(mix, exponent, places, given.requests, given.kept)
                told = [f"{found[how] / found.total():7.1%}" for how in ("edge", "304", "full")]
                click.echo(f"{name:<10} {exponent:>5} {places:>6} {' '.join(told)} {most:7.1%}")


if __name__ == "__main__":
    main()
