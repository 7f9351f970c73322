"""Explore: scrubbing through the years, by hand and by keyboard, and why a cell is what it is."""

from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.web.visits import Visit

BEFORE: Final = "unknown"
"""What China's API was before OpenAI closed it: off the list, which nobody enforced."""

# Each day on which the range stood while it was dragged, and what China's and Hong Kong's API was.
SEEN: Final = """
window.seen = {};
document.getElementById("scrub").addEventListener("input", (event) => {
  const on = new Date(event.target.value * 86400000).toISOString().slice(0, 10);
  const said = (id) => document.getElementById(id).cells[1].textContent.trim();
  window.seen[on] = [said("CN"), said("HK")];
});
"""


def state(page: Page, region: str, service: int = 1) -> str:
    """Return what a cell says."""
    row = page.locator(f"#{region}")
    return (row.locator("th, td").nth(service).text_content() or "").strip()


def asked(page: Page) -> dict[str, str]:
    """Return the query of the address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def place_of(page: Page, day: str) -> float:
    """Return where on the screen the middle of the knob stands on a day."""
    found: float = page.evaluate(
        """(day) => {
          const range = document.getElementById("scrub");
          const box = range.getBoundingClientRect();
          const part = (Date.parse(day) / 86400000 - range.min) / (range.max - range.min);
          const knob = 16;
          return box.left + knob / 2 + part * (box.width - knob);
        }""",
        day,
    )
    return found


def drag(page: Page, start: str, *days: str) -> str:
    """Move the knob from day to day; return which day the address names before it is let go."""
    box = page.locator("#scrub").bounding_box()
    assert box is not None
    height = box["y"] + box["height"] / 2
    page.mouse.move(place_of(page, start), height)
    page.mouse.down()
    for day in days:
        page.mouse.move(place_of(page, day), height, steps=4)
    page.wait_for_timeout(200)
    followed = asked(page)["as_of"]
    page.mouse.up()
    return followed


def test_dragging_over_july_2024_closes_china_and_hong_kong(visit: Visit) -> None:
    """Acceptance 2: no request, the address follows, a reload shows the same.

    At each new address Chromium takes the page's icon again, from its cache.
    """
    page = visit.open("/?provider=openai&as_of=2024-06-20")
    assert (state(page, "CN"), state(page, "HK")) == (BEFORE, BEFORE)
    page.evaluate(SEEN)
    requests, length = len(visit.requests), page.evaluate("history.length")

    while_dragged = drag(page, "2024-06-20", "2024-06-28", "2024-07-05", "2024-07-14", "2024-07-31")

    assert [one for one in visit.requests[requests:] if not one.endswith("/icon.svg")] == []
    seen = page.evaluate("window.seen")
    assert len(seen) >= 4
    for on, (china, hong_kong) in seen.items():
        expected = "blocked" if on >= "2024-07-09" else BEFORE
        assert (on, china, hong_kong) == (on, expected, expected)
    day = asked(page)["as_of"]
    assert while_dragged == day
    assert day.startswith(("2024-07", "2024-08"))
    assert page.evaluate("history.length") == length + 1
    rows = page.inner_text("#matrix")
    headline = visit.text("#headline")

    page.reload(wait_until="networkidle")

    assert asked(page)["as_of"] == day
    assert page.input_value("#as_of") == day
    assert page.inner_text("#matrix") == rows
    assert visit.text("#headline") == headline


def test_back_shows_what_was_shown_before(visit: Visit) -> None:
    """A scrubber that eats the history of a browser is a trap."""
    page = visit.open("/?provider=openai&as_of=2024-07-01")
    assert state(page, "CN") == BEFORE

    page.focus("#scrub")
    page.keyboard.press("PageUp")
    assert (asked(page)["as_of"], state(page, "CN")) == ("2024-08-01", "blocked")
    page.go_back()

    assert asked(page)["as_of"] == "2024-07-01"
    expect(page.locator("#headline")).to_contain_text("1 July 2024")
    assert state(page, "CN") == BEFORE
    page.go_forward()
    expect(page.locator("#headline")).to_contain_text("1 August 2024")
    assert state(page, "CN") == "blocked"


@pytest.mark.parametrize(
    ("key", "day", "china"),
    [
        ("ArrowLeft", "2024-07-07", BEFORE),
        ("ArrowRight", "2024-07-09", "blocked"),
        ("PageUp", "2024-08-08", "blocked"),
        ("PageDown", "2024-06-08", BEFORE),
    ],
)
def test_the_keyboard_moves_by_days_and_months(
    visit: Visit, key: str, day: str, china: str
) -> None:
    """The same as with a mouse, and more exactly."""
    page = visit.open("/?provider=openai&as_of=2024-07-08")

    page.focus("#scrub")
    page.keyboard.press(key)

    assert (asked(page)["as_of"], state(page, "CN")) == (day, china)
    assert page.input_value("#as_of") == day
    said = page.get_attribute("#scrub", "aria-valuetext") or ""
    assert said.endswith(day[:4])


@pytest.mark.parametrize("start", ["2024-01-31", "2024-03-31"])
def test_a_month_later_is_in_the_next_month(visit: Visit, start: str) -> None:
    """31 January and a month is no day in March."""
    page = visit.open(f"/?provider=openai&as_of={start}")

    page.focus("#scrub")
    page.keyboard.press("PageUp")

    assert asked(page)["as_of"] == {"2024-01-31": "2024-02-29", "2024-03-31": "2024-04-30"}[start]


def test_brackets_go_from_change_to_change(visit: Visit) -> None:
    """Between them nothing happens."""
    page = visit.open("/?provider=openai&as_of=2024-07-01")

    page.keyboard.press("]")
    expect(page.locator("#headline")).to_contain_text("9 July 2024")
    assert (asked(page)["as_of"], state(page, "CN")) == ("2024-07-09", "blocked")
    page.keyboard.press("[")

    expect(page.locator("#headline")).not_to_contain_text("2024")
    assert asked(page)["as_of"] < "2024-07-09"
    assert state(page, "CN") == BEFORE


def test_t_goes_to_today(visit: Visit) -> None:
    """Whatever day that is."""
    page = visit.open("/?provider=openai&as_of=2024-07-01")

    page.keyboard.press("t")

    today = page.evaluate("new Date().toISOString().slice(0, 10)")
    expect(page.locator("#as_of")).to_have_value(today)
    assert asked(page)["as_of"] == today


def test_letters_typed_into_a_field_are_letters(visit: Visit) -> None:
    """A shortcut must not take what somebody writes (WCAG 2.1.4)."""
    page = visit.open("/?provider=openai&as_of=2024-07-01")

    page.focus("#find")
    page.keyboard.type("t[]")

    assert page.input_value("#find") == "t[]"
    assert asked(page)["as_of"] == "2024-07-01"


def test_a_country_is_found_by_name_or_code(visit: Visit) -> None:
    """250 rows are many."""
    page = visit.open("/?provider=openai&as_of=2024-07-09")

    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("hong")
    assert page.locator("#matrix tbody tr:visible").count() == 1
    page.fill("#find", "hk")
    assert page.locator("#HK").is_visible()
    page.fill("#find", "")
    page.check("#known-only")

    assert page.locator("#CN").is_visible()
    assert 2 < page.locator("#matrix tbody tr:visible").count() < 250


def test_why_opens_beside_the_table_and_gives_the_focus_back(visit: Visit) -> None:
    """Who reads with the keyboard must neither be lost nor be left behind."""
    page = visit.open("/?provider=openai&as_of=2024-07-09")

    page.focus("#CN a")
    page.keyboard.press("Enter")
    expect(page.locator("#why")).to_be_visible()
    assert page.evaluate("document.activeElement.className") == "close"
    assert "Closed since 9 July 2024" in visit.text("#why")
    assert "The Register" in visit.text("#why")
    page.keyboard.press("Escape")

    expect(page.locator("#why")).to_be_hidden()
    assert page.evaluate("document.activeElement.closest('tr')?.id") == "CN"

    page.keyboard.press("Enter")
    expect(page.locator("#why")).to_be_visible()
    page.click("#why .close")

    expect(page.locator("#why")).to_be_hidden()
    assert page.evaluate("document.activeElement.closest('tr')?.id") == "CN"


def test_why_is_of_the_day_that_is_shown(visit: Visit) -> None:
    """The address of the link is older than the scrubber's day until it is released."""
    page = visit.open("/?provider=openai&as_of=2024-07-09")

    page.focus("#scrub")
    page.keyboard.press("ArrowLeft")
    page.click("#CN a")

    expect(page.locator("#why h2").first).to_contain_text("8 July 2024")
    assert "Closed since 9 July" not in visit.text("#why")


def test_the_why_of_a_row_without_a_record_warns(visit: Visit) -> None:
    """Silence is no permission."""
    page = visit.open("/?provider=openai&as_of=2024-07-09")

    page.click("#AQ a")

    expect(page.locator("#why")).to_contain_text("This is not evidence of availability.")


@pytest.mark.parametrize("wrong", ["yesterday", "2024-13-45", "09.07.2024", "9" * 400])
def test_a_wrong_date_keeps_a_view_and_says_what_a_date_looks_like(
    visit: Visit, wrong: str
) -> None:
    """A page that refuses to show itself teaches nothing."""
    page = visit.open(f"/?provider=openai&as_of={wrong}")

    assert visit.status == 200
    assert "A date looks like 2024-07-09." in visit.text("[role=alert]")
    assert page.locator("#matrix tbody tr").count() > 240
    assert "China" in visit.text("#matrix")


def test_before_the_first_record_the_page_says_so(visit: Visit) -> None:
    """An empty table would look like an open world."""
    visit.open("/?provider=openai&as_of=2024-07-09&known_at=2020-01-01")

    assert visit.status == 200
    assert "before its first event" in visit.text()
    assert "Nothing is recorded yet" in visit.text("h1")


def test_a_position_that_the_log_has_not_reached_is_told(visit: Visit) -> None:
    """The last view that makes sense is kept."""
    visit.open("/?provider=openai&as_of=2024-07-09&known_at=@99999")

    assert visit.status == 200
    assert "Known at:" in visit.text("[role=alert]")
    assert "China" in visit.text("#matrix")


def test_an_unknown_provider_is_told(visit: Visit) -> None:
    """A mistyped address should lead on."""
    visit.open("/?provider=nobody")

    assert "nobody" in visit.text("[role=alert]")
    assert "China" in visit.text("#matrix")


def test_a_pinned_view_is_told_apart(visit: Visit) -> None:
    """Its link is for ever the same, and so is the answer."""
    page = visit.open("/?provider=openai&as_of=2024-07-09")

    page.click(".permalink")

    assert asked(page)["known_at"].startswith("@")
    assert asked(page)["as_of"] == "2024-07-09"
    assert state(page, "CN") == "blocked"
    assert "pinned" in visit.text("footer")


def test_the_permalink_follows_the_scrubber(visit: Visit) -> None:
    """A link that shows another day than the page would be worse than none."""
    page = visit.open("/?provider=openai&as_of=2024-07-09")

    page.focus("#scrub")
    page.keyboard.press("ArrowLeft")

    assert "as_of=2024-07-08" in (page.get_attribute(".permalink", "href") or "")
    assert "8 July 2024" in visit.text("footer")
    assert "as_of=2024-07-08" in (page.get_attribute(".also a", "href") or "")


def test_the_keyboard_reaches_everything(visit: Visit) -> None:
    """WCAG 2.1.1: whatever can be clicked can be reached by Tab, and shows that it was."""
    page = visit.open("/access/openai/CN?as_of=2024-07-09")
    wanted = page.evaluate(
        "[...document.querySelectorAll('a[href], button, input, select, summary')]"
        ".filter((one) => one.checkVisibility()).length"
    )

    reached = set()
    for _ in range(wanted + 20):
        page.keyboard.press("Tab")
        number, outline = page.evaluate(
            """() => {
              const one = document.activeElement;
              const all = [...document.querySelectorAll("a[href], button, input, select, summary")];
              return [all.indexOf(one), getComputedStyle(one).outlineStyle];
            }"""
        )
        if number >= 0:
            assert outline != "none"
            reached.add(number)

    assert len(reached) == wanted
    page.keyboard.press("Tab")


def test_the_skip_link_leads_to_the_content(visit: Visit) -> None:
    """WCAG 2.4.1."""
    page = visit.open("/access/openai/CN?as_of=2024-07-09")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "content"


def test_without_a_script_the_links_below_the_line_scrub(visit: Visit) -> None:
    """Changes are links, a day is a form."""
    browser = visit.page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{visit.site.url}/?provider=openai&as_of=2024-07-01")
    assert state(page, "CN") == BEFORE

    page.click("#after")
    assert (asked(page)["as_of"], state(page, "CN")) == ("2024-07-09", "blocked")
    page.fill("#as_of", "2024-07-08")
    page.click("form.times button")

    assert (asked(page)["as_of"], state(page, "CN")) == ("2024-07-08", BEFORE)
    context.close()
