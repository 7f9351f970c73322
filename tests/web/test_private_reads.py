"""Where reading needs a key: whoever signs in with one reads the pages, and what they fetch."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from service.auth import credentials
from service.auth.credentials import Role
from service.store import tables
from service.store.engine import connect
from tests.api.house import NOW, House, authorization, open_house, sow
from tests.web.signed import COOKIE, Tab, tab
from tests.web.visits import KEY, NOTICE, running, visiting

PAGES = (
    "/",
    "/access/openai/CN",
    f"/events/{NOTICE}",
    "/policies/openai-unsupported-regions-2024",
    "/changes",
    "/diff",
    "/upcoming",
    "/audit",
    "/coverage",
)
FETCHED = (
    "/intervals/openai.json",
    f"/v1/events/{NOTICE}/proof",
    "/v1/events",
    "/v1/changes.atom",
    "/v1/upcoming.ics",
    "/v1/access/openai/CN?as_of=2024-07-09&known_at=@51",
    "/log/tile/entries/000.p/1",
)


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """A server over the first story that lets nobody read without a key."""
    public = open_house(database_url)
    sow(public)
    public.close()
    opened = open_house(database_url, public_reads=False)
    yield opened
    opened.close()


@pytest.fixture
def bob(house: House) -> Tab:
    """Bob's tab: he is a reader, signed in."""
    return tab(house, house.bob)


def test_a_browser_is_led_to_the_form_from_every_page(house: House) -> None:
    """And from there back to the page that it wanted."""
    stranger = tab(house)
    for path in PAGES:
        response = stranger.get(path)

        assert response.status_code == 303, path
        assert response.headers["Location"] == f"/sign-in?next={path}"

    response = stranger.get("/access/openai/CN?as_of=2024-07-09&service=chatgpt/ios")
    asked = stranger.get(response.headers["Location"])
    assert 'name="next" value="/access/openai/CN?as_of=2024-07-09&amp;service=chatgpt/ios"' in (
        asked.text
    )
    assert "reading needs a key, too" in asked.text


def test_scripts_feeds_and_programs_are_told_that_a_key_is_needed(house: House) -> None:
    """A form in the place of an answer helps none of them."""
    for path in FETCHED:
        response = tab(house).fetch(path)

        assert response.status_code == 401, path
        assert "Bearer" in response.headers["WWW-Authenticate"]
        if path.startswith(("/v1", "/log")):
            assert response.content_type == "application/problem+json"
            # Below them a browser, too, gets the problem.
            assert tab(house).get(path).content_type == "application/problem+json"


def test_a_reader_reads_everything_and_no_cache_keeps_it(bob: Tab) -> None:
    """The pages, their feeds, what their scripts fetch; also what never changes is Bob's alone."""
    for path in (*PAGES, *FETCHED):
        response = bob.get(path)

        assert response.status_code == 200, path
        assert response.headers["Cache-Control"] == "private, no-store", path
        assert "Cookie" in response.headers["Vary"], path
    assert bob.client.head("/v1/meta").status_code == 200


def test_a_session_reads_and_does_nothing_else(house: House, bob: Tab) -> None:
    """Only what asks is answered to a cookie: a browser sends it whoever wrote the request."""
    cell = {"provider": "openai", "service": "api", "region": "CN"}
    posts = {"/v1/access/check": {"cells": [cell]}, "/v1/events": {"events": []}}
    for opened in (bob, tab(house, house.alice)):
        for path, body in posts.items():
            assert opened.client.post(path, json=body).status_code == 401


def test_a_key_that_is_sent_counts_more_than_the_session(bob: Tab) -> None:
    """Whoever sends one wants to be known by it."""
    wrong = authorization("alk_aaaaaaaaaaaa_" + "A" * 32)

    assert bob.client.get("/v1/meta", headers=wrong).status_code == 401
    assert bob.client.get("/", headers={**wrong, "Accept": "text/html"}).status_code == 401


def test_when_the_session_ends_nothing_is_read_any_more(house: House, bob: Tab) -> None:
    """By signing out, or because the key was revoked."""
    carol = tab(house, house.bob)
    held = bob.client.get_cookie(COOKIE)
    assert held is not None
    token = bob.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]

    response = bob.client.post("/sign-out", data={"csrf": token})

    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in")
    copy = tab(house)
    copy.client.set_cookie(COOKIE, held.value)
    for opened in (bob, copy):
        assert opened.get("/").status_code == 303
        assert opened.fetch("/v1/meta").status_code == 401
    assert carol.fetch("/v1/meta").status_code == 200
    database = house.app.extensions["accessline"].database
    credentials.revoke(database, house.bob.split("_")[1], lambda: NOW)
    assert carol.fetch("/v1/meta").status_code == 401
    assert carol.get("/").status_code == 303


def test_health_is_told_whatever_the_cookie_and_the_database_say(house: House, bob: Tab) -> None:
    """Nobody looks a session up for what needs none."""
    database = house.app.extensions["accessline"].database
    with database.write() as connection:
        tables.session.drop(connection)

    assert bob.fetch("/healthz").status_code == 200
    assert bob.get("/docs").status_code == 200
    assert bob.get("/nothing").status_code == 404
    assert bob.get("/").status_code == 503
    assert bob.fetch("/v1/meta").status_code == 503


def test_where_reads_are_public_the_api_looks_at_no_cookie(database_url: str) -> None:
    """Its answers are those of everybody, so caches keep them as before."""
    house = open_house(database_url)
    sow(house)
    bob = tab(house, house.bob)

    response = bob.fetch("/v1/access/openai/CN?as_of=2024-07-09&known_at=@51")

    assert "immutable" in response.headers["Cache-Control"]
    assert "Cookie" not in response.headers.get("Vary", "")
    assert "immutable" in bob.fetch("/intervals/openai.json?known_at=@51").headers["Cache-Control"]
    house.close()


def test_a_reader_verifies_in_the_browser(
    browser: Browser, story_file: Path, tmp_path: Path
) -> None:
    """From the first address, by the form, to the page, the scrubber and the signed root."""
    settings = {"ACCESSLINE_PUBLIC_READS": "false"}
    with running(story_file, tmp_path, settings=settings) as site:
        database = connect(f"sqlite:///{site.file}")
        key = credentials.issue(database, Role.READER, "Bob", lambda: NOW).text
        database.dispose()
        with visiting(browser, site) as visit:
            page = visit.open("/?as_of=2024-07-09")
            assert page.url == f"{site.url}/sign-in?next=/%3Fas_of%3D2024-07-09"
            page.fill("#key", key)
            page.click("main button")
            page.wait_for_url(f"{site.url}/?as_of=2024-07-09")
            page.locator(".scrubber[aria-busy=false]").wait_for(state="attached")
            page.click("#CN a")
            expect(page.locator("#why")).to_contain_text("Closed since 9 July 2024")
            visit.open(f"/events/{NOTICE}").click("#verify")
            expect(page.locator("#steps li.ok")).to_have_count(4)
            assert KEY.name in visit.text("#steps")
            assert page.locator(".curating").count() == 0
            page.click("text=Sign out")
            page.wait_for_url(f"{site.url}/sign-in")
            visit.open("/audit")
            assert page.url == f"{site.url}/sign-in?next=/audit"
            assert visit.faults == []
