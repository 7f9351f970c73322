"""A curator in a real browser: signed in, filled in, looked at, confirmed, found, verified."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from service.auth import credentials
from service.auth.credentials import Role
from service.store.engine import connect
from tests.api.house import NOW
from tests.cli.processes import get
from tests.web.signed import ADOPTED
from tests.web.test_pages_in_a_browser import MODES, WIDER, findings
from tests.web.visits import KEY, NOTICE, Site, Visit, running, visiting

POLICY: Final = "openai-unsupported-regions-2024"
PREVIEW: Final = "text=See what it would change"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A server over a log of the test's own, and a curator's key for it."""

    site: Site
    key: str = field(repr=False)
    reader: str = field(repr=False)


@pytest.fixture
def desk(story_file: Path, tmp_path: Path) -> Iterator[Desk]:
    """Alice's desk; Bob may look at it."""
    with running(story_file, tmp_path) as site:
        database = connect(f"sqlite:///{site.file}")
        keys = [
            credentials.issue(database, role, None, lambda: NOW).text
            for role in (Role.CURATOR, Role.READER)
        ]
        database.dispose()
        yield Desk(site=site, key=keys[0], reader=keys[1])


def sign_in(visit: Visit, key: str, then: str = "/append") -> Page:
    """Sign in by the form."""
    page = visit.open(f"/sign-in?next={then.replace('?', '%3F').replace('&', '%26')}")
    page.fill("#key", key)
    page.click("main button")
    page.wait_for_url(f"{visit.site.url}{then}")
    return page


def fill(page: Page, values: dict[str, str]) -> None:
    """Write into fields, whatever they are."""
    for name, value in values.items():
        element = page.locator(f"#{name}")
        match element.evaluate("(one) => one.type"):
            case "select-one":
                element.select_option(value)
            case "checkbox":
                element.set_checked(bool(value))
            case "hidden":
                pass
            case _:
                element.fill(value)


ADOPTION: Final = {name: value for name, value in ADOPTED.items() if name != "type"}


def position(site: Site) -> int:
    """Return where the log stands."""
    found: int = get(f"{site.url}/v1/meta")["head"]["position"]
    return found


def refusals(visit: Visit) -> list[str]:
    """Return what broke, besides that the console tells of a page with a status above 400."""
    return [one for one in visit.faults if "Failed to load resource" not in one]


def previewed(visit: Visit, key: str) -> Page:
    """Go from the first page to what an adoption would change."""
    page = visit.open("/")
    page.click("nav >> text=Append")
    expect(page).to_have_url(f"{visit.site.url}/sign-in?next=/append")
    page.fill("#key", key)
    page.click("main button")
    expect(page.locator("h1")).to_have_text("Append to the log")
    fill(page, ADOPTION)
    page.click(PREVIEW)
    return page


def verified(entry: Locator) -> None:
    """Let the browser verify an entry of the audit: all four steps hold."""
    entry.locator("button").click()
    expect(entry.locator(".proof li.ok")).to_have_count(4)
    expect(entry.locator(".proof")).to_contain_text(f"The root is signed by {KEY.name}")
    expect(entry.locator(".proof li.bad")).to_have_count(0)


def test_a_curator_records_a_change_sees_it_before_and_verifies_it_after(
    browser: Browser, desk: Desk
) -> None:
    """Acceptance 3, from the first click to the signed root."""
    before = position(desk.site)
    with visiting(browser, desk.site) as visit:
        page = previewed(visit, desk.key)
        row = page.locator("table.changes tbody tr")
        expect(row).to_have_count(1)
        for words in ("France", "openai/api", "1 December 2026"):
            expect(row).to_contain_text(words)
        expect(row.locator("td").nth(4)).to_contain_text("blocked")
        assert position(desk.site) == before

        page.click("text=Record it")

        expect(page.locator("h1")).to_have_text("Recorded")
        assert position(desk.site) == before + 1
        page.click("main >> text=Changes")
        expect(page.locator("main")).to_contain_text(ADOPTED["title"])
        visit.open("/audit")
        entry = page.locator(f"#p{before + 1}")
        expect(entry).to_contain_text(ADOPTED["title"])
        expect(entry).to_contain_text(desk.key.split("_")[1])
        verified(entry)
        assert visit.faults == []


def test_what_a_curator_recorded_stands_in_the_timeline_of_its_cell(
    browser: Browser, desk: Desk
) -> None:
    """Acceptance 3, as whoever asks about France sees it: signed in or not."""
    with visiting(browser, desk.site) as visit:
        previewed(visit, desk.key).click("text=Record it")
        expect(visit.page.locator("h1")).to_have_text("Recorded")
        (event,) = get(f"{desk.site.url}/v1/events?stream=policy:closing-in-france")["items"]
        visit.page.click("text=Sign out")
        expect(visit.page.locator(".signed")).to_have_count(0)

        page = visit.open("/access/openai/FR?as_of=2026-12-01")

        expect(page.locator("main")).to_contain_text("Closed since 1 December 2026")
        expect(page.locator(f"main a[href='/events/{event['id']}']").first).to_be_visible()
        began = page.locator("table tr", has_text="1 December 2026").last
        expect(began).to_contain_text("blocked")
        assert visit.faults == []


def test_a_curator_corrects_the_record_from_the_page_of_an_event(
    browser: Browser, desk: Desk
) -> None:
    """The correction is an event of its own; the one that it mends stays as it was."""
    with visiting(browser, desk.site) as visit:
        page = corrected(visit, desk.key)

        main = page.locator("main")
        visit.open("/access/openai/CN?as_of=2024-07-10")
        expect(main).to_contain_text("Closed since 10 July 2024")
        visit.open("/changes")
        expect(main).to_contain_text(re.compile("correct", re.IGNORECASE))
        visit.open(f"/events/{NOTICE}")
        expect(main).to_contain_text("Our record of this event was corrected")
        expect(main).to_contain_text("We misread the date in the notice.")
        visit.open(f"/audit?policy={POLICY}")
        expect(page.locator(".entries > li").last).to_contain_text(f"Corrects {NOTICE}")
        for entry in page.locator(".entries > li").all():
            verified(entry)
        assert visit.faults == []


def corrected(visit: Visit, key: str) -> Page:
    """Record that the notice was a day later, by its page."""
    page = sign_in(visit, key, f"/events/{NOTICE}")
    page.click("text=Correct this event")
    assert page.input_value("#event") == NOTICE
    assert page.input_value("#action") == "amend"
    whole = page.input_value("#replacement")
    assert '"effective_from": "2024-07-09"' in whole
    page.fill("#replacement", whole.replace('"2024-07-09"', '"2024-07-10"'))
    page.fill("#reason", "We misread the date in the notice.")
    page.click(PREVIEW)
    expect(page.locator("table.changes")).to_contain_text("China")
    expect(page.locator("table.changes")).to_contain_text("9 July 2024")
    page.click("text=Record it")
    expect(page.locator("h1")).to_have_text("Recorded")
    return page


def test_only_a_curator_is_offered_what_a_curator_does(browser: Browser, desk: Desk) -> None:
    """Others see what they always saw."""
    event, policy = f"/events/{NOTICE}", f"/policies/{POLICY}"
    links = {event: ["Correct this event"], policy: ["Record its repeal", "was checked"]}
    with visiting(browser, desk.site) as visit:
        for path in links:
            assert visit.open(path).locator(".curating").count() == 0
        sign_in(visit, desk.reader, event)
        for path in links:
            assert visit.open(path).locator(".curating").count() == 0
        sign_in(visit, desk.key, event)
        for path, offered in links.items():
            page = visit.open(path)
            for words in offered:
                assert page.locator(".curating a", has_text=words).is_visible()
            page.emulate_media(media="print")
            assert not page.locator(".curating").is_visible()
            page.emulate_media(media="screen")
        page.click("text=Record its repeal")
        expect(page.locator("form h2")).to_have_text("A policy is repealed")
        assert page.input_value("#stream") == POLICY
        visit.open(policy).click("text=Record that it was checked")
        expect(page.locator("form h2")).to_have_text("A policy was checked")
        assert page.input_value("#stream") == POLICY
        page.click(PREVIEW)
        expect(page.locator("h2", has_text="No answer changes")).to_be_visible()
        page.click("text=Record it")
        expect(page.locator("h1")).to_have_text("Recorded")
        assert visit.faults == []


def test_faults_stand_beside_their_fields_and_lead_there(browser: Browser, desk: Desk) -> None:
    """Above the form a list of them; each is also tied to its field for those who cannot see."""
    before = position(desk.site)
    with visiting(browser, desk.site) as visit:
        page = sign_in(visit, desk.key)
        fill(page, {**ADOPTION, "occurred_on": "last week", "source_url": ""})
        page.click(PREVIEW)

        expect(page.locator("div.fault")).to_contain_text("2 things are to be mended")
        for name in ("occurred_on", "source_url"):
            told = page.locator(f"#{name}_fault")
            expect(told).to_be_visible()
            wrong = page.locator(f"#{name}")
            assert wrong.get_attribute("aria-invalid") == "true"
            assert f"{name}_fault" in (wrong.get_attribute("aria-describedby") or "")
        # Beside: below its own field, above the next one.
        ends = [
            page.locator(one).bounding_box()
            for one in ("#occurred_on", "#occurred_on_fault", "#title")
        ]
        tops = [one["y"] for one in ends if one is not None]
        assert tops == sorted(tops)
        page.click("div.fault a[href='#source_url']")
        assert page.url.endswith("#source_url")
        fill(page, {"occurred_on": "2026-11-20", "source_url": "https://example.org/notice"})
        page.click(PREVIEW)
        expect(page.locator("table.changes")).to_contain_text("France")
        assert position(desk.site) == before
        assert refusals(visit) == []


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A curator's way through the forms in one mode: whatever comes up is looked at."""

    visit: Visit
    mode: str

    def sees(self, words: str) -> None:
        """Look at a page: what it is called, whether it fits, and what axe finds in it."""
        page = self.visit.page
        assert page.locator("h1").inner_text() == words
        if not self.visit.is_scripted:
            return
        if self.mode == "print":
            page.emulate_media(media="print")
        assert page.evaluate(WIDER) <= 0, words
        if self.mode in AUDITED:
            assert findings(self.visit) == [], words
        page.emulate_media(media="screen")

    def sign_in_again(self, key: str) -> None:
        """Come back after the session has ended, to the form that was sent."""
        page = self.visit.page
        self.sees("Sign in with your key")
        page.fill("#key", key)
        page.click("main button")
        self.sees("You are signed in again")
        page.click("text=Back to your form")
        self.sees("Append to the log")


# axe comes as a script in the page, which the policy of the pages forbids.
AUDITED: Final = {mode: {"bypass_csp": True} for mode in ("light", "dark", "phone")}


@pytest.mark.parametrize("mode", MODES)
def test_the_pages_of_a_curator_work_everywhere(browser: Browser, desk: Desk, mode: str) -> None:
    """By day, by night, on a phone, on paper, without a script: all that is on the way."""
    with visiting(browser, desk.site, **MODES[mode], **AUDITED.get(mode, {})) as visit:
        walk = Walk(visit=visit, mode=mode)
        page = sign_in(visit, desk.key)
        walk.sees("Append to the log")
        fill(page, {**ADOPTION, "effect": ""})
        page.click(PREVIEW)
        walk.sees("Append to the log")
        assert page.locator("#effect_fault").is_visible()
        page.locator("#effect").select_option("blocked")
        page.click(PREVIEW)
        walk.sees("What it would change")
        # The session ends while somebody looks at what they would record.
        page.context.clear_cookies()
        page.click("text=Record it")
        walk.sign_in_again(desk.key)
        page.click(PREVIEW)
        page.click("text=Record it")
        walk.sees("Recorded")
        assert refusals(visit) == []


@pytest.mark.parametrize("mode", MODES)
def test_what_a_curator_is_offered_fits_everywhere(browser: Browser, desk: Desk, mode: str) -> None:
    """The other forms, and the pages that lead to them."""
    with visiting(browser, desk.site, **MODES[mode], **AUDITED.get(mode, {})) as visit:
        walk = Walk(visit=visit, mode=mode)
        page = sign_in(visit, desk.key)
        for kind in ("policy.repealed", "record.reviewed", "record.corrected", "json"):
            visit.open(f"/append?type={kind}&policy={POLICY}&event={NOTICE}")
            walk.sees("Append to the log")
        for path in (f"/events/{NOTICE}", f"/policies/{POLICY}"):
            visit.open(path)
            walk.sees(page.locator("h1").inner_text())
            assert page.locator(".curating").is_visible()
        assert visit.faults == []
