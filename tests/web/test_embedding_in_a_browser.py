"""Pictures in a real browser: on a page of somebody else, and where a place offers them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.web.test_embedding import API, PLACE
from tests.web.test_pages_in_a_browser import WIDER, findings
from tests.web.visits import Site, visiting


@contextmanager
def elsewhere(html: str) -> Iterator[str]:
    """Serve one page from another origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            # The strictest page: it embeds only what says that it may be embedded.
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_page_elsewhere_shows_the_pictures(browser: Browser, site: Site) -> None:
    """Even one that is isolated from other origins, and even what tells of a fault."""
    paths = (API, f"{PLACE}/timeline.svg", "/access/opnai/CN/badge.svg")
    images = "".join(f'<img src="{site.url}{path}" alt="x">' for path in paths)
    with (
        elsewhere(f"<!doctype html><title>x</title>{images}") as url,
        visiting(browser, site) as visit,
    ):
        visit.page.goto(url, wait_until="load")
        sizes = visit.page.eval_on_selector_all(
            "img", "(all) => all.map((one) => [one.naturalWidth, one.naturalHeight])"
        )

    assert all(width > 100 and height >= 20 for width, height in sizes)
    assert len(sizes) == 3


def test_the_texts_of_a_badge_fit_into_it(browser: Browser, site: Site) -> None:
    """Widths are estimated: a text that is squeezed or stretched shows that badly."""
    with visiting(browser, site) as visit:
        visit.open(API)
        ratios = visit.page.evaluate(
            """() => [...document.querySelectorAll("text")].map((one) => {
              const wanted = one.textLength.baseVal.value;
              one.removeAttribute("textLength");
              return wanted / one.getComputedTextLength();
            })"""
        )

    assert all(0.85 < one < 1.2 for one in ratios)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_part_about_embedding_can_be_used_by_everybody(
    browser: Browser, site: Site, scheme: str
) -> None:
    """Opened, since axe does not look into what is closed."""
    with visiting(browser, site, color_scheme=scheme, bypass_csp=True) as visit:
        page = visit.open(f"{PLACE}?as_of=2024-07-09")
        page.click("details.embed summary")
        page.wait_for_function("document.querySelector('img.preview').naturalWidth > 100")

        assert findings(visit) == []
        assert page.evaluate(WIDER) <= 0
        assert visit.faults == []
