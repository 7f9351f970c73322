"""From a cell to its proof: three clicks, and every lie is named at the step where it shows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.web.visits import KEY, NOTICE, Site, Visit, running, visiting

OK: Final = "#steps li.ok"
BAD: Final = "#steps li.bad"
AUDIT: Final = "/audit?policy=openai-unsupported-regions-2024"
CHANGED: Final = (
    "DROP TRIGGER event_update",
    (
        "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'block API', 'block BPI')"
        " AS BLOB) WHERE CAST(body AS TEXT) LIKE :notice"
    ),
)
"""A word of the notice is another, and nobody was told."""


@contextmanager
def doubted(browser: Browser, site: Site) -> Iterator[Visit]:
    """Open the notice's page and let the browser verify it."""
    with visiting(browser, site) as visit:
        visit.open(f"/events/{NOTICE}").click("#verify")
        visit.page.locator(f"{BAD}, #steps li:nth-child(4)").wait_for()
        yield visit


@pytest.fixture
def own(story_file: Path, tmp_path: Path) -> Iterator[Site]:
    """A server over a log of the test's own."""
    with running(story_file, tmp_path) as served:
        yield served


def test_three_clicks_lead_from_the_start_to_a_proof(visit: Visit) -> None:
    """Acceptance 1: why OpenAI's API is blocked in China on 2024-07-09, the source, the proof."""
    page = visit.open("/?as_of=2024-07-09")

    page.click("#CN a")
    why = page.locator("#why")
    expect(why).to_contain_text("Closed since 9 July 2024")
    expect(why.locator("cite a").first).to_have_attribute("href", re.compile("^https?://"))
    why.locator(f"a[href='/events/{NOTICE}']").first.click()
    expect(page.locator("h1")).to_contain_text("OpenAI will block API traffic")
    expect(page.locator(".sources")).to_contain_text("The Register")
    page.click("#verify")

    expect(page.locator(OK)).to_have_count(4)
    said = visit.text("#steps")
    assert re.search(r"The \d+ .* of the event hash to its leaf", said)
    assert "A path of 6 hashes leads from leaf" in said
    assert "over 51 events" in said
    assert f"The root is signed by {KEY.name}+" in said
    assert "Verified here." in said
    assert page.locator(BAD).count() == 0
    assert all(one.startswith(visit.site.url) for one in visit.requests)


def test_one_byte_of_an_event_shows_at_the_leaf(browser: Browser, own: Site) -> None:
    """Acceptance 4: whoever has the file changes a word; the hash of the bytes tells."""
    own.change(*CHANGED)

    with doubted(browser, own) as visit:
        assert visit.page.locator(OK).count() == 0
        said = visit.text(BAD)
        assert "The event's bytes hash to" in said
        assert "they were changed" in said
        assert visit.page.locator("#verify").is_enabled()


def test_a_wrong_node_of_the_tree_shows_on_the_path(browser: Browser, own: Site) -> None:
    """The event is as it was, but its neighbour is not: the path leads to another root."""
    own.change(
        "DROP TRIGGER node_update",
        "UPDATE node SET hash = zeroblob(32) FROM (SELECT (position - 1) / 2 AS pair FROM event"
        " WHERE CAST(body AS TEXT) LIKE :notice) WHERE level = 1"
        ' AND "index" = pair + 1 - 2 * (pair % 2)',
    )

    with doubted(browser, own) as visit:
        assert visit.page.locator(OK).count() == 1
        assert "The path leads to" in visit.text(BAD)


@contextmanager
def audited(browser: Browser, site: Site) -> Iterator[Locator]:
    """Let the browser verify the notice's entry of the audit, and read what it says."""
    with visiting(browser, site) as visit:
        entry = visit.open(AUDIT).locator(".entries > li").first
        expect(entry.locator(f"button[data-event='{NOTICE}']")).to_be_visible()
        entry.locator("button").click()
        entry.locator(".proof li.bad, .proof li:nth-child(4)").first.wait_for()
        yield entry.locator(".proof")


def test_the_audit_verifies_an_entry(browser: Browser, site: Site) -> None:
    """The same four steps as on the page of the event, beside the entry."""
    with audited(browser, site) as proof:
        expect(proof.locator("li.ok")).to_have_count(4)
        expect(proof.locator("li.bad")).to_have_count(0)


def test_the_audit_tells_at_which_step_a_changed_byte_shows(browser: Browser, own: Site) -> None:
    """Acceptance 4: the list shows the changed word, and the browser that it was changed."""
    own.change(*CHANGED)

    with audited(browser, own) as proof:
        expect(proof.page.locator(".entries")).to_contain_text("block BPI")
        expect(proof.locator("li.ok")).to_have_count(0)
        expect(proof.locator("li.bad")).to_have_count(1)
        expect(proof.locator("li.bad")).to_contain_text("The event's bytes hash to")
        expect(proof.locator("li.bad")).to_contain_text("they were changed")
        expect(proof.page.locator(f"button[data-event='{NOTICE}']")).to_be_enabled()


def test_the_audit_tells_of_two_nodes_that_changed_places(browser: Browser, own: Site) -> None:
    """The bytes are right, and so is their leaf: it shows one step later, on the path."""
    own.change(
        "DROP TRIGGER node_update",
        "CREATE TEMP TABLE pair AS SELECT (position - 1) / 2 AS at FROM event"
        " WHERE CAST(body AS TEXT) LIKE :notice",
        'CREATE TEMP TABLE swapped AS SELECT "index" + 1 - 2 * ("index" % 2) AS at, hash'
        ' FROM node, pair WHERE level = 1 AND "index" / 2 = pair.at / 2',
        'UPDATE node SET hash = swapped.hash FROM swapped WHERE level = 1 AND "index" = swapped.at',
    )

    with audited(browser, own) as proof:
        expect(proof.locator("li.ok")).to_have_count(1)
        expect(proof.locator("li.bad")).to_have_count(1)
        expect(proof.locator("li.bad")).to_contain_text("The path leads to")


def test_without_a_key_the_signature_is_missed(
    browser: Browser, story_file: Path, tmp_path: Path
) -> None:
    """Bytes and path hold, but nobody stands for the root."""
    with (
        running(story_file, tmp_path, is_signed=False) as unsigned,
        doubted(browser, unsigned) as visit,
    ):
        assert visit.page.locator(OK).count() == 2
        assert "has made no key" in visit.text(BAD)


def test_what_cannot_be_asked_is_told(browser: Browser, site: Site) -> None:
    """A server that went away is no proof of anything."""
    with visiting(browser, site) as visit:
        page = visit.open(f"/events/{NOTICE}")
        page.context.set_offline(offline=True)
        page.click("#verify")

        expect(page.locator(BAD)).to_contain_text("It could not be checked")


def test_a_proof_of_another_event_is_refused(browser: Browser, site: Site) -> None:
    """A true proof of something else proves nothing here."""
    with visiting(browser, site) as visit:
        page = visit.open(f"/events/{NOTICE}")
        other = "7237ee4e-92e7-4947-acdd-b09bfc5dda86"
        page.route(
            f"**/v1/events/{NOTICE}/proof",
            lambda route: route.continue_(url=f"{site.url}/v1/events/{other}/proof"),
        )
        page.click("#verify")

        expect(page.locator(BAD)).to_contain_text("those of another event")


def test_a_key_that_did_not_sign_is_refused(browser: Browser, site: Site) -> None:
    """Whoever shows another key than the one that signed is found."""
    stranger = str(KEY.verifier)[:-8] + "AAAAAAAA"
    with visiting(browser, site) as visit:
        page = visit.open(f"/events/{NOTICE}")
        page.route("**/v1/log/key", lambda route: route.fulfill(json={"verifier_key": stranger}))
        page.click("#verify")

        expect(page.locator(OK)).to_have_count(2)
        expect(page.locator(BAD)).to_contain_text("No signature of")
