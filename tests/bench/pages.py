"""What the pages weigh and do: ``python -m tests.bench.pages [--steps N]``.

The seeds that ship, served by a process of its own and visited by a Chromium: bytes of Explore for
each provider, the script of a step of the scrubber, everything that a first view loads. Budgets
stand beside the figures; exits 1 where one is broken. Compression is gzip at its usual level, as a
proxy before the server does it. The server's time for each page is measured by
``python -m tests.bench --only page``.
"""

import argparse
import gzip
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from flask.testing import FlaskClient
from playwright.sync_api import Response, sync_playwright

from service.app import create_app
from service.cli import seeding
from service.settings import Settings
from service.store import schema
from service.store.engine import connect
from tests.web.visits import Site, arguments, chromium, running

BUDGETS: Final = {
    "Explore, largest: bytes": 60 * 1024,
    "Explore, largest: bytes of gzip": 10 * 1024,
    "scrubber, 95 % of steps: ms": 4.0,
    "first view, everything: bytes of gzip": 250 * 1024,
}

# What the handlers of a step take, without painting; then with style and layout too.
_STEPS: Final = """
(steps) => {
  const range = document.getElementById("scrub");
  const found = { script: [], laid: [] };
  for (let at = 0; at < steps; at += 1) {
    range.value = Math.round(Number(range.min) + (range.max - range.min) * at / steps);
    const began = performance.now();
    range.dispatchEvent(new Event("input"));
    const done = performance.now();
    document.body.getBoundingClientRect();
    found.script.push(done - began);
    found.laid.push(performance.now() - began);
  }
  return found;
}
"""


def main() -> None:
    """Measure, print a table, then one JSON line."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--steps", type=int, default=150, help="of the scrubber")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, _client(Path(folder)) as ours:
        figures = _sizes(ours)
        with running(Path(folder) / "seeds.db", _made(Path(folder) / "served")) as site:
            figures |= _visited(site, given.steps)
    broken = [name for name, most in BUDGETS.items() if figures[name] > most]
    for name, value in figures.items():
        budget = f"  of {BUDGETS[name]:,}" if name in BUDGETS else ""
        sys.stdout.write(f"{name:<52} {value:>12,.2f}{budget}\n")
    sys.stdout.write(json.dumps({**figures, "broken": broken}) + "\n")
    sys.exit(bool(broken))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _client(folder: Path) -> Iterator[FlaskClient]:
    """Give a client of ours over the seeds."""
    url = f"sqlite:///{folder}/seeds.db"
    database = connect(url)
    schema.upgrade(database)
    seeding.record(database, seeding.read(seeding.shipped()), whole=True)
    database.dispose()
    shutil.copyfile(folder / "seeds.db", folder / "asked.db")
    app = create_app(Settings(database_url=f"sqlite:///{folder}/asked.db"))
    yield app.test_client()
    app.extensions["accessline"].database.dispose()


def _sizes(client: FlaskClient) -> dict[str, float]:
    head = client.get("/v1/meta").get_json()["head"]["position"]
    providers = [one["id"] for one in client.get("/v1/providers?limit=200").get_json()["items"]]
    sizes: dict[str, tuple[int, int]] = {}
    for provider in providers:
        # Pinned: the longest addresses that a page can have.
        body = client.get(f"/?provider={provider}&as_of=2024-07-09&known_at=@{head}").data
        sizes[provider] = len(body), len(gzip.compress(body, 6))
    figures: dict[str, float] = {
        "Explore, largest: bytes": max(whole for whole, _ in sizes.values()),
        "Explore, largest: bytes of gzip": max(small for _, small in sizes.values()),
    }
    for provider, (whole, small) in sorted(sizes.items(), key=lambda one: -one[1][0])[:6]:
        figures[f"Explore of {provider}: bytes"] = whole
        figures[f"Explore of {provider}: bytes of gzip"] = small
    return figures


def _visited(site: Site, steps: int) -> dict[str, float]:
    binary = chromium()
    if binary is None:
        sys.exit("No browser to measure with: install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=list(arguments()))
        page = browser.new_page()
        loaded: list[Response] = []

        def keep(response: Response) -> None:
            loaded.append(response)

        page.on("response", keep)
        page.goto(site.url, wait_until="networkidle")
        small = sum(len(gzip.compress(one.body(), 6)) for one in loaded)
        rows = page.locator("#matrix tbody tr").count()
        requests = len(loaded)
        step: dict[str, Any] = page.evaluate(_STEPS, steps)
        browser.close()
    return {
        "first view, everything: bytes of gzip": small,
        "first view: requests": requests,
        "scrubber: rows": rows,
        "scrubber, median step: ms": statistics.median(step["script"]),
        "scrubber, 95 % of steps: ms": statistics.quantiles(step["script"], n=20)[-1],
        "scrubber, median with layout: ms": statistics.median(step["laid"]),
    }


if __name__ == "__main__":
    main()
