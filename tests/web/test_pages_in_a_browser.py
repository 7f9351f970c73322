"""Every page, by day and by night, on a phone, on paper and without a script."""

import hashlib
import re
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser

from tests.web.visits import NOTICE, Site, Visit, visiting

AXE: Final = Path(__file__).parent / "vendor" / "axe-core"

PAGES: Final = {
    "/?as_of=2024-07-09": (
        "Who may use OpenAI, where",
        "9 July 2024",
        "rest on a source",
        "China",
        "blocked",
        "unknown",
    ),
    "/?view=map&as_of=2024-07-09": ("9 July 2024", "The map is for the pointer", "Hong Kong"),
    "/access/openai/CN?as_of=2024-07-09": (
        "OpenAI in China",
        "API: ✕ blocked",
        "Closed since 9 July 2024",
        "Decided by",
        "The Register",
        "Over the years",
        "never to be read as available",
    ),
    f"/events/{NOTICE}": (
        "OpenAI will block API traffic",
        "2024-06-24",
        "South China Morning Post",
        "Proof",
        "JSON",
    ),
    "/policies/openai-unsupported-regions-2024?as_of=2024-07-09": (
        "Directives",
        "openai-unsupported-regions-2024",
        "blocked",
        "Everything recorded of it",
    ),
    "/access/openai/XX": ("There is nothing here", "XX", "Explore what there is"),
    "/nothing/XX": ("There is nothing here", "/nothing/XX", "Explore what there is"),
    "/changes": ("Changes", "OpenAI will block API traffic"),
    "/diff": ("Diff",),
    "/diff?from=2024-07-08&until=2024-07-09&provider=openai": (
        "between 8 July 2024 and 9 July 2024",
        "OpenAI API",
        "China",
        "blocked",
        "OpenAI will block API traffic",
    ),
    "/diff?known_from=@0&as_of=2024-07-09&region=CN": (
        "on 9 July 2024, as known at position 0 and at 51",
        "known now",
        "unknown",
        "blocked",
    ),
    "/diff?from=yesterday&until=2024-07-09&provider=openai": (
        "'yesterday' is no date",
        "Two dates show what the world changed",
    ),
    "/diff?from=2024-07-09&until=2024-07-08&provider=openai": (
        "2024-07-08 does not lie after 2024-07-09",
    ),
    "/diff?from=2024-07-08&known_from=@0&provider=opnai": (
        "one of the two",
        "opnai",
    ),
    "/upcoming": ("Upcoming",),
    "/audit": ("Audit", "Verify"),
    "/coverage": ("Coverage", "OpenAI"),
    "/append": ("Sign in",),
    "/sign-in": ("Sign in with your key",),
}
"""Pages, and what they must not fail to say."""

MODES: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "print": {"viewport": {"width": 794, "height": 1123}},
    "without script": {"java_script_enabled": False},
}

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

WIDER: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def faults_of(visit: Visit) -> list[str]:
    """Return what broke; that a page is not there is what some of them say."""
    return [one for one in visit.faults if visit.status < 400 or "Failed to load" not in one]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_it_must(browser: Browser, site: Site, path: str, mode: str) -> None:
    """The words are Python's: a script, a screen or a sheet of paper changes none of them."""
    with visiting(browser, site, **MODES[mode]) as visit:
        if mode == "print":
            visit.page.emulate_media(media="print")
        page = visit.open(path)

        assert visit.status == (404 if "XX" in path else 200)
        said = visit.text()
        for words in PAGES[path]:
            assert words.lower() in said.lower()
        assert page.locator("h1").count() == 1
        assert faults_of(visit) == []
        assert all(one.startswith(site.url) for one in visit.requests)
        if MODES[mode].get("java_script_enabled", True):
            assert page.evaluate(WIDER) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_used_by_everybody(
    browser: Browser, site: Site, path: str, scheme: str
) -> None:
    """WCAG 2.2 AA, as far as a machine can tell."""
    with visiting(browser, site, color_scheme=scheme, bypass_csp=True) as visit:
        page = visit.open(path)

        assert findings(visit) == []
        if path.startswith("/?"):
            page.click("#CN a")
            page.wait_for_selector("#why:not([hidden])")
            assert findings(visit) == []


def test_paper_shows_what_is_folded_away(visit: Visit) -> None:
    """Nobody can open a closed part of a page on paper; on a screen it stays closed."""
    page = visit.open(f"/events/{NOTICE}")
    folded = page.locator("details pre")
    assert page.locator("details[open]").count() == 0
    shown = "(one) => one.checkVisibility() && one.getBoundingClientRect().height > 0"
    assert not any(one.evaluate(shown) for one in folded.all())

    page.emulate_media(media="print")

    assert folded.count() > 1
    assert all(one.evaluate(shown) for one in folded.all())
    assert "@misc{accessline-" in visit.text()
    # What scrolls on a screen stands on paper as a whole.
    assert page.evaluate(
        "[...document.querySelectorAll('pre')].every(one => one.scrollHeight <= one.clientHeight)"
    )


def findings(visit: Visit) -> list[str]:
    """Return what axe finds in a page as it is now."""
    if not visit.page.evaluate("'axe' in window"):
        visit.page.add_script_tag(path=AXE / "axe.min.js")
    found: dict[str, Any] = visit.page.evaluate(
        "(tags) => axe.run({runOnly: tags, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


def test_axe_would_find_something(visit: Visit) -> None:
    """An alarm that never rings may have no bell."""
    visit.page.set_content("<html><title>x</title><main><img src=''><input></main>")

    found = "\n".join(findings(visit))

    assert "image-alt" in found
    assert "label" in found
    assert "html-has-lang" in found


def test_a_breach_of_the_policy_would_be_noticed(browser: Browser, site: Site) -> None:
    """What the listener hears of a style in the page, it hears of a script as well."""
    with visiting(browser, site) as visit:
        page = visit.open("/")

        page.evaluate("document.body.setAttribute('style', 'color: red')")
        page.wait_for_timeout(50)

        assert "policy broken: style-src-attr inline" in visit.faults


def test_axe_is_the_one_that_was_published() -> None:
    """Nobody reads half a megabyte of minified script: its hash must vouch for it."""
    readme = (AXE / "README.md").read_text()
    listed = dict(re.findall(r"sha256 of `([^`]+)`: `([0-9a-f]{64})`", readme))

    assert listed == {
        name: hashlib.sha256((AXE / name).read_bytes()).hexdigest()
        for name in ("axe.min.js", "LICENSE")
    }
