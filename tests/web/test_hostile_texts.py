"""Texts of events that would like to be more than text: they are shown, and the layout holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Dialog

from tests.builders import directive, plain_event
from tests.web.test_pages_in_a_browser import MODES, WIDER, findings
from tests.web.visits import Site, running, visiting

MARKUP: Final = "<script>document.title='owned'</script><img src=x onerror=\"alert(1)\">{{ 7*7 }}"
LINK: Final = "javascript:alert(document.domain) data:text/html,<b>x</b>"
RIGHT_TO_LEFT: Final = "قرار حجب الخدمة צו חסימה (123) abc"
LONG: Final = "W" * 300
EVENT: Final = "00000000-0000-4000-8000-00000000{:04x}"
TEXTS: Final = {"markup": MARKUP, "link": LINK, "direction": RIGHT_TO_LEFT, "long": LONG}


@pytest.fixture(scope="module")
def hostile(story_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server over the first story and four policies about Aruba."""
    events = [
        plain_event(
            "policy.adopted",
            id=EVENT.format(number),
            stream=f"policy:hostile-{name}",
            title=text,
            summary=f"{text} {text}",
            sources=[
                {
                    "url": "https://example.org/?q=%22onmouseover=alert(1)%3E",
                    "publisher": text[:100],
                    "kind": "official",
                }
            ],
            data={
                "directives": [
                    directive(
                        "rule",
                        effect="conditional",
                        conditions=[f"key-{name}"],
                        effective_from="2024-07-09",
                        regions=["AW"],
                    )
                ]
            },
        )
        for number, (name, text) in enumerate(TEXTS.items(), start=1)
    ]
    with running(story_file, tmp_path_factory.mktemp("hostile"), events=events) as served:
        yield served


def paths() -> list[str]:
    """Return every page that shows one of the texts."""
    events = [f"/events/{EVENT.format(number)}" for number in range(1, 5)]
    policies = [f"/policies/hostile-{name}?as_of=2024-07-10" for name in TEXTS]
    return [*events, *policies, "/access/openai/AW?as_of=2024-07-10", "/changes", "/audit"]


@pytest.mark.parametrize("mode", ["light", "phone"])
@pytest.mark.parametrize("path", paths())
def test_a_hostile_text_is_text(browser: Browser, hostile: Site, path: str, mode: str) -> None:
    """Nothing of it runs, nothing of it is a link or a picture, and it does not widen the page."""
    with visiting(browser, hostile, **MODES[mode]) as visit:
        dialogs: list[str] = []

        def refuse(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        visit.page.on("dialog", refuse)
        page = visit.open(path)

        assert visit.status == 200
        assert page.evaluate(WIDER) <= 0
        assert page.locator("main img:not(.preview), main script").count() == 0
        links = page.eval_on_selector_all("a", "(all) => all.map((one) => one.protocol)")
        assert set(links) <= {"http:", "https:"}
        assert page.title() != "owned"
        assert dialogs == []
        assert visit.faults == []


@pytest.mark.parametrize(("number", "text"), list(enumerate(TEXTS.values(), start=1)))
def test_a_hostile_title_is_shown_to_the_letter(
    browser: Browser, hostile: Site, number: int, text: str
) -> None:
    """What somebody recorded is evidence: it is neither cleaned nor cut."""
    with visiting(browser, hostile) as visit:
        page = visit.open(f"/events/{EVENT.format(number)}")

        assert page.text_content("h1") == text
        assert page.title().startswith(text[:60])


def test_hostile_texts_leave_a_page_usable(browser: Browser, hostile: Site) -> None:
    """A long word is no reason to lose a landmark."""
    with visiting(browser, hostile, bypass_csp=True) as visit:
        visit.open(f"/events/{EVENT.format(4)}")

        assert findings(visit) == []


@pytest.mark.parametrize(
    "path",
    [
        "/?provider=%3Cscript%3Ealert(1)%3C/script%3E",
        "/?as_of=%3Cimg%20src=x%20onerror=alert(1)%3E",
        "/?known_at=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/access/openai/CN?service=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/access/%3Cscript%3Ealert(1)%3Cscript%3E/CN",
        "/events/%3Cscript%3Ealert(1)%3Cscript%3E",
        "/policies/%3Cscript%3Ealert(1)%3Cscript%3E",
    ],
)
def test_a_hostile_address_is_told_as_text(browser: Browser, hostile: Site, path: str) -> None:
    """What a page repeats of its address must not run."""
    with visiting(browser, hostile) as visit:
        page = visit.open(path)

        assert visit.status < 500
        assert page.locator("main script, main img").count() == 0
        assert page.locator("main h1").count() == 1
        assert not [one for one in visit.faults if "Failed to load" not in one]
