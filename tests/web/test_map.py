"""The map: the world on a day at one glance, by the pointer; the matrix says the same in words."""

import gzip
import hashlib
import re
import tomllib
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from service.domain.regions import COUNTRIES
from service.web import assets, atlas
from tests.web.visits import Site, Visit, visiting

MAP: Final = "/?view=map&provider=openai&service=api"

BEFORE: Final = "unknown"
"""What China's API was before OpenAI closed it: off the list, which nobody enforced."""

WORLD: Final = (assets.FOLDER / atlas.FILE).read_bytes()

Point = tuple[float, float]


def rings(region: str) -> Iterator[list[Point]]:
    """Return the rings of a region's shape, in pixels of the picture."""
    found = re.search(rf'<path id="{region}"[^>]* d="([^"]+)"', WORLD.decode())
    assert found is not None, region
    for part in found[1].removesuffix("z").split("z"):
        numbers = [float(one) for one in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", part)]
        x = y = 0.0
        ring = []
        for step_x, step_y in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + step_x, y + step_y
            ring.append((x, y))
        yield ring


def covers(region: str, point: Point) -> bool:
    """Return whether a shape has a point in it: a ray from it leaves an odd number of times."""
    x, y = point
    return bool(
        sum(
            (a[1] > y) != (b[1] > y) and x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]
            for ring in rings(region)
            for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
        )
        % 2
    )


def said(page: Page, region: str) -> str:
    """Return what a shape or a chip says and how it is marked: "blocked b"."""
    place = page.locator(f"#{region}")
    text = place.locator("title, i").text_content() or ""
    mark = place.locator("use, a[class]").get_attribute("class")
    return f"{text.rpartition(': ')[2]} {mark}"


def test_every_region_has_a_shape_or_a_chip() -> None:
    """A place that can be seen nowhere would seem to be open."""
    drawn = atlas.atlas()

    assert drawn.shapes | drawn.chips == COUNTRIES
    assert drawn.shapes & drawn.chips == frozenset()
    assert drawn.dots <= drawn.chips
    assert {"CN", "TW", "GF", "SJ", "EH"} <= drawn.shapes
    assert {"HK", "SG", "MT", "BH"} <= drawn.dots
    assert {"AQ", "GI", "MO"} <= drawn.chips - drawn.dots
    ids = re.findall(rb'id="(\w+)"', WORLD)
    assert {one.decode() for one in ids} == drawn.shapes | drawn.dots | {"rest"}
    assert len(ids) == len(set(ids))


def test_the_file_is_the_one_that_the_lock_names() -> None:
    """It is drawn from borders that others published, and never edited."""
    lock = tomllib.loads((assets.FOLDER / "vendor.lock.toml").read_text("utf-8"))
    package = next(one for one in lock["package"] if "drawn" in one)

    assert package["drawn"][atlas.FILE] == hashlib.sha256(WORLD).hexdigest()
    assert len(WORLD) < 160_000
    assert len(gzip.compress(WORLD)) < 60_000


def test_no_shape_smears_across_the_map() -> None:
    """Russia, Fiji and the Aleutians go on beyond the 180th meridian."""
    drawn = atlas.atlas()
    for region in drawn.shapes | drawn.dots:
        for ring in rings(region):
            across = [x for x, _ in ring]
            down = [y for _, y in ring]
            assert max(across) - min(across) < 480, region
            assert min(across) >= 0, region
            assert max(across) <= 960, region
            assert (min(down) >= 0, max(down) <= 416) == (True, True), region


@pytest.mark.parametrize(
    ("place", "point", "region"),
    [
        ("Simferopol", (532.7, 79.2), "UA"),
        ("Laayoune", (419.3, 136.0), "EH"),
        ("Beijing", (728.7, 94.5), "CN"),
        ("Cayenne", (311.3, 215.5), "GF"),
        ("Spitsbergen", (487.0, 6.0), "SJ"),
        ("Taipei", (760.5, 143.8), "TW"),
        ("East Cape, beyond the 180th meridian", (811.2, 24.5), "RU"),
        ("Anchorage", (162.0, 35.6), "US"),
        ("Maseru", (522.9, 334.5), "LS"),
        ("Pristina", (503.2, 86.2), "rest"),
        ("Hargeisa", (567.5, 197.3), "rest"),
    ],
)
def test_a_place_lies_where_the_note_below_the_map_says(
    place: str, point: Point, region: str
) -> None:
    """What is said of borders must be so; overseas parts have regions of their own."""
    found = [one for one in sorted(atlas.atlas().shapes | {"rest"}) if covers(one, point)]

    assert (place, found) == (place, [region])


def test_the_map_shows_a_service_on_a_day(visit: Visit) -> None:
    """Shapes, and chips for what is too small, in colour, sign and word."""
    page = visit.open(f"{MAP}&as_of=2024-07-09")

    assert (said(page, "CN"), said(page, "HK")) == ("blocked b", "blocked b")
    assert said(page, "US") == "available a"
    assert page.locator("#CN title").text_content() == "China: blocked"
    sign = "getComputedStyle(document.querySelector('#HK a'), '::before').content"
    assert page.evaluate(sign) == '"✕"'
    drawn = atlas.atlas()
    assert page.locator(".world g").count() == len(drawn.shapes)
    assert page.locator(".small li").count() == len(drawn.chips)
    assert "249 cells rest on a source" in visit.text("#headline")
    box = page.locator("#CN use").bounding_box()
    assert box is not None
    assert box["width"] > 100


def test_the_page_is_small(visit: Visit) -> None:
    """The shapes are fetched once and kept; a visit costs what a matrix costs."""
    for path, most in ((MAP, 60_000), ("/?provider=openai", 55_000)):
        body = visit.page.request.get(f"{visit.site.url}{path}&as_of=2024-07-09").body()
        assert len(body) <= most
    page = visit.open(MAP)
    used = page.locator("#CN use").get_attribute("href") or ""
    assert used == f"/assets/{assets.tree()}/world.svg#CN"


def test_matrix_and_map_keep_the_rest_of_the_question(visit: Visit) -> None:
    """Who changes the view still looks at the same day, as known at the same position."""
    page = visit.open("/?provider=openai&as_of=2024-07-09&known_at=@51")

    page.click(".views >> text=Map")
    assert said(page, "CN") == "blocked b"
    assert page.locator(".views [aria-current]").inner_text() == "Map"
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["as_of"], asked["known_at"]) == (["2024-07-09"], ["@51"])
    page.select_option("#service", "chatgpt")
    page.click("form.times button")
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["view"], asked["service"]) == (["map"], ["chatgpt"])
    assert page.input_value("#service") == "chatgpt"
    page.click(".map .also a")

    assert page.locator("#matrix tbody tr").count() == len(COUNTRIES)
    assert page.locator(".views [aria-current]").inner_text() == "Matrix"
    assert page.input_value("#known_at") == "@51"


def test_without_a_service_the_best_recorded_one_is_shown(visit: Visit) -> None:
    """An empty map would say nothing of a provider of whom much is known."""
    page = visit.open("/?view=map&provider=openai&as_of=2024-07-09")
    assert page.input_value("#service") == "api"

    page.focus("#scrub")
    page.keyboard.press("ArrowLeft")
    for address in (page.url, page.get_attribute(".permalink", "href") or ""):
        assert parse_qs(urlsplit(address).query)["service"] == ["api"]

    visit.open("/?view=map&provider=openai&service=nothing&as_of=2024-07-09")
    assert "There is no service 'nothing' here." in visit.text("[role=alert]")
    assert visit.page.input_value("#service") == "api"


def test_scrubbing_closes_china_and_hong_kong_without_a_request(visit: Visit) -> None:
    """The shapes change their class, the titles their word, as the matrix does."""
    page = visit.open(f"{MAP}&as_of=2024-07-08")
    assert (said(page, "CN"), said(page, "HK")) == (f"{BEFORE} u", f"{BEFORE} u")
    dot = page.locator(".world > use[href$='#HK']")
    assert dot.get_attribute("class") == "u"
    requests = len(visit.requests)

    page.focus("#scrub")
    page.keyboard.press("ArrowRight")

    assert (said(page, "CN"), said(page, "HK")) == ("blocked b", "blocked b")
    assert dot.get_attribute("class") == "b"
    assert page.locator("#CN title").text_content() == "China: blocked"
    headline = visit.text("#headline")
    assert "as_of=2024-07-09" in (page.get_attribute("#CN a", "href") or "")
    assert "as_of=2024-07-09" in (page.get_attribute("#HK a", "href") or "")
    assert [one for one in visit.requests[requests:] if not one.endswith("/icon.svg")] == []
    page.reload()
    assert said(page, "CN") == "blocked b"
    assert visit.text("#headline") == headline


def test_brackets_and_t_work_on_the_map(visit: Visit) -> None:
    """The same keys on either view."""
    page = visit.open(f"{MAP}&as_of=2024-07-01")

    page.keyboard.press("]")
    expect(page.locator("#CN use")).to_have_class("b")
    page.keyboard.press("[")
    expect(page.locator("#CN use")).to_have_class("u")
    page.keyboard.press("/")
    page.keyboard.press("t")

    today = page.evaluate("new Date().toISOString().slice(0, 10)")
    expect(page.locator("#as_of")).to_have_value(today)
    assert "view=map" in page.url


def test_why_opens_from_a_shape_and_from_a_chip(visit: Visit) -> None:
    """The focus never goes into the picture, which a screen reader does not see."""
    page = visit.open(f"{MAP}&as_of=2024-07-09")

    page.click("#CN a")
    expect(page.locator("#why")).to_contain_text("Closed since 9 July 2024")
    page.keyboard.press("Escape")
    expect(page.locator("#why")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "matrix"
    page.click("#HK a")
    expect(page.locator("#why h2").first).to_contain_text("Hong Kong")
    page.click("#why .close")

    assert page.evaluate("document.activeElement.closest('li')?.id") == "HK"


def test_the_keyboard_does_not_walk_through_the_shapes(visit: Visit) -> None:
    """What is hidden from a screen reader must not be reached by Tab (WCAG 4.1.2)."""
    page = visit.open(f"{MAP}&as_of=2024-07-09")

    page.focus(".map .also a")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.closest('.small') !== null")


def test_without_a_script_the_map_is_there_and_leads_on(browser: Browser, site: Site) -> None:
    """Its shapes are links to the places."""
    with visiting(browser, site, java_script_enabled=False) as visit:
        page = visit.open(f"{MAP}&as_of=2024-07-09")
        assert said(page, "CN") == "blocked b"

        page.click("#CN a")

        assert "OpenAI in China" in visit.text("h1")
        assert parse_qs(urlsplit(page.url).query)["service"] == ["api"]


def test_colour_is_never_alone(visit: Visit) -> None:
    """On paper without colours blocked has crosses, and the key says so."""
    page = visit.open(f"{MAP}&as_of=2024-07-09")
    page.emulate_media(media="print")

    fill = page.evaluate("getComputedStyle(document.querySelector('#CN use')).fill")
    assert fill.startswith('url("#hatch-b")')
    assert page.locator(".legend").is_visible()
    for mark in "cnsb":
        assert page.locator(f"pattern#hatch-{mark}").count() == 1
        assert page.locator(f".legend rect.{mark}").count() == 1
