"""Pictures for other people's pages: what they say, how long they are kept, what they endure."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest
from werkzeug.test import TestResponse

from service.app import create_app
from service.domain.resolution import State
from service.settings import Settings
from service.web import words
from service.web.assets import FOLDER
from tests.api.house import NOW, House, open_house, sow
from tests.builders import directive, plain_event

API: Final = "/access/openai/CN/badge.svg?service=api"
PLACE: Final = "/access/openai/CN"
PICTURES: Final = ("badge", "timeline")
SVG: Final = "{http://www.w3.org/2000/svg}"
HOSTILE: Final = "\"'><script>alert(1)</script>&lt;{{ 7*7 }}]]>"


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """A server over the first story."""
    opened = open_house(database_url)
    sow(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def story(story_file: Path) -> Iterator[House]:
    """A server over the first story, to be asked and left as it is."""
    url = f"sqlite:///{story_file}"
    app = create_app(Settings(database_url=url), clock=lambda: NOW)
    opened = House(url=url, app=app, alice="", bob="")
    yield opened
    opened.close()


@contextmanager
def opened_again(house: House, **settings: object) -> Iterator[House]:
    """Open the same house with other settings."""
    given = Settings(database_url=house.url, **settings)  # type: ignore[arg-type]
    other = House(
        url=house.url,
        app=create_app(given, clock=lambda: NOW),
        alice=house.alice,
        bob=house.bob,
    )
    yield other
    other.close()


def drawn(response: TestResponse) -> ET.Element:
    """Return the root of a picture, which must be well-formed and say all it says as a title."""
    assert response.content_type == "image/svg+xml; charset=utf-8"
    root = ET.fromstring(response.data)  # noqa: S314 -- our own answer
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title")
    return root


def texts(root: ET.Element) -> list[str]:
    """Return what is written in a picture."""
    return [one.text or "" for one in root.iter(f"{SVG}text")]


def sentence(root: ET.Element) -> str:
    """Return the title of a picture."""
    return root.findtext(f"{SVG}title") or ""


def test_a_badge_says_the_state_and_since_when(house: House) -> None:
    """It is read by people who never visit us."""
    root = drawn(house.get(API))

    assert texts(root) == ["OpenAI API · China", "✕ blocked since 2024-07-09"]
    assert sentence(root) == (
        "OpenAI API in China, for the public, as of 2026-11-26: blocked since 2024-07-09 (closed)."
    )


def test_a_badge_without_a_service_is_the_roll_up(story: House) -> None:
    """A roll-up has no beginning, so none is named."""
    label, message = texts(drawn(story.get("/access/openai/IT/badge.svg?as_of=2023-04-10")))

    state = story.json("/v1/access/openai/IT?as_of=2023-04-10")["state"]
    assert label == "OpenAI · Italy"
    assert message == f"{words.glyph(state)} {words.word(state)}, as of 2023-04-10"


def test_a_badge_for_another_day_says_which(story: House) -> None:
    """Else last year's answer would be taken for today's."""
    message = texts(drawn(story.get(f"{API}&as_of=2024-07-09")))[1]

    assert message == "✕ blocked since 2024-07-09, as of 2024-07-09"


def test_what_lies_ahead_is_only_scheduled(story: House) -> None:
    """Nobody has seen it."""
    assert texts(drawn(story.get(f"{API}&as_of=2030-01-01")))[1].endswith(
        "as of 2030-01-01, scheduled"
    )


@pytest.mark.parametrize("picture", PICTURES)
def test_before_anything_was_recorded_it_says_unknown(story: House, picture: str) -> None:
    """Plainly, and that this is no evidence that it is open."""
    root = drawn(story.get(f"{PLACE}/{picture}.svg?service=api&as_of=1990-01-01"))

    assert any("? unknown" in one and "since" not in one for one in texts(root))
    assert "not recorded, which is no evidence that it is open" in sentence(root)


def test_since_is_when_the_state_began_whatever_else_changed_later(house: House) -> None:
    """What a badge calls blocked was blocked before the law followed, too."""
    event = plain_event(
        "policy.adopted",
        stream="policy:a-law-follows",
        occurred_on="2025-01-01",
        data={
            "directives": [
                directive(
                    "api", "suspended", regions=["CN"], effective_from="2025-02-01", enforced=False
                )
            ]
        },
    )
    assert house.post({"events": [event]}).status_code == 201

    assert texts(drawn(house.get(API)))[1] == "✕ blocked since 2024-07-09"


def test_a_timeline_has_a_row_for_each_service(house: House) -> None:
    """States and dates stand in it, and all of it in words as well."""
    root = drawn(house.get("/access/openai/CN/timeline.svg"))

    said = texts(root)
    assert "OpenAI in China: ✕ blocked" in said
    found = house.json("/v1/access/openai/CN")
    described = root.findtext(f"{SVG}desc") or ""
    for cell in found["cells"]:
        assert any(f": {words.glyph(cell['state'])} " in one for one in said), cell["service"]
    assert "2024-07-09" in said
    assert "blocked from 2024-07-09" in described
    assert "never to be read as available" in described


def test_a_timeline_is_drawn_in_per_cent_and_never_scaled(story: House) -> None:
    """Scaled text cannot be read on a phone."""
    root = drawn(story.get(f"{PLACE}/timeline.svg?service=api"))

    assert root.get("width") == "100%"
    assert all("viewBox" not in one.attrib for one in root.iter())
    bars = [one for one in root.iter(f"{SVG}svg") if (one.get("x") or "").endswith("%")]
    assert [round(float((one.get("width") or "")[:-1])) for one in bars]
    assert sum(float((one.get("width") or "")[:-1]) for one in bars) == pytest.approx(100, abs=1)


@pytest.mark.parametrize("picture", PICTURES)
def test_nothing_in_a_picture_needs_another_file(story: House, picture: str) -> None:
    """An `<img>` loads nothing for it, and a policy would refuse a style."""
    body = story.get(f"{PLACE}/{picture}.svg").text

    assert not re.search(r"style=|class=|<style|<script|href|url\(|<image|foreignObject", body)


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_is_the_same_bytes_each_time(story: House, picture: str) -> None:
    """So it can be kept and compared."""
    path = f"{PLACE}/{picture}.svg"

    assert story.get(path).data == story.get(path).data


@pytest.mark.parametrize("picture", PICTURES)
def test_a_pinned_picture_is_kept_for_ever(house: House, picture: str) -> None:
    """Neither a later day nor a later record changes it."""
    path = f"{PLACE}/{picture}.svg?as_of=2024-07-10&known_at=@{house.position()}"
    first = house.get(path)
    event = plain_event(
        "policy.adopted",
        stream="policy:later",
        data={"directives": [directive(effect="available", regions=["CN"])]},
    )
    assert house.post({"events": [event]}).status_code == 201

    later = create_app(Settings(database_url=house.url), clock=lambda: NOW + timedelta(days=900))
    again = later.test_client().get(path)
    later.extensions["accessline"].database.dispose()

    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert again.data == first.data


@pytest.mark.parametrize("query", ["", "?as_of=2024-07-09", "?known_at=@40"])
@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_of_today_is_asked_for_again(story: House, picture: str, query: str) -> None:
    """It may change with the next record, or overnight."""
    response = story.get(f"{PLACE}/{picture}.svg{query}")

    assert response.headers["Cache-Control"] == "public, max-age=300"


def test_a_day_as_known_at_is_no_pin(house: House) -> None:
    """More may be recorded before it ends."""
    response = house.get(f"{API}&as_of=2024-07-09&known_at=2026-11-26")

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("picture", PICTURES)
def test_who_has_a_picture_gets_it_no_second_time(story: House, picture: str) -> None:
    """304, with what a cache must know."""
    path = f"{PLACE}/{picture}.svg"
    tag = story.get(path).headers["ETag"]

    again = story.app.test_client().get(path, headers={"If-None-Match": tag})

    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    assert again.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("picture", PICTURES)
def test_pages_of_others_may_show_a_picture_and_nothing_else_of_ours(
    story: House, picture: str
) -> None:
    """Only these two routes are there to be embedded."""
    response = story.get(f"{PLACE}/{picture}.svg")

    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; frame-ancestors 'none'"
    )
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    page = story.get(PLACE)
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("picture", PICTURES)
def test_where_reading_needs_a_key_no_cache_and_no_other_page_has_it(
    house: House, picture: str
) -> None:
    """What is not public does not get public by an address."""
    path = f"{PLACE}/{picture}.svg?as_of=2024-07-10&known_at=@40"
    with opened_again(house, public_reads=False) as closed:
        assert closed.get(path).status_code == 401
        response = closed.get(path, house.bob)

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("path", "status", "words_"),
    [
        ("/access/opnai/CN/{}.svg", 404, "There is no provider 'opnai'. Did you mean 'openai'?"),
        ("/access/openai/XX/{}.svg", 404, "There is no region 'XX'"),
        ("/access/openai/CN/{}.svg?service=apj", 404, "There is no service 'apj'"),
        ("/access/openai/CN/{}.svg?audience=nobody", 404, "There is no audience 'nobody'"),
        ("/access/openai/CN/{}.svg?as_of=yesterday", 422, "Write a date such as 2024-07-09"),
        ("/access/openai/CN/{}.svg?as_of=2024-13-45", 422, "as_of: "),
        ("/access/openai/CN/{}.svg?known_at=@99999", 422, "known_at: Position 99999 lies beyond"),
        ("/access/openai/CN/{}.svg?known_at=@0", 404, "registered later than this known_at"),
    ],
)
@pytest.mark.parametrize("picture", PICTURES)
def test_what_is_wrong_is_told_as_a_picture(
    story: House, picture: str, path: str, status: int, words_: str
) -> None:
    """Whoever embeds it sees nothing else."""
    response = story.get(path.format(picture))

    assert response.status_code == status
    assert words_ in texts(drawn(response))[1]
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    "hostile",
    ["%3Cscript%3Ealert(1)%3Cscript%3E", "%00%01%1f%7f", "%EF%BF%BE%ED%A0%80", "x" * 5000],
)
@pytest.mark.parametrize("picture", PICTURES)
def test_a_hostile_address_is_a_small_picture(story: House, picture: str, hostile: str) -> None:
    """XML knows characters that it cannot even name."""
    for path in (
        f"/access/{hostile}/CN/{picture}.svg",
        f"/access/openai/{hostile}/{picture}.svg",
        f"{PLACE}/{picture}.svg?service={hostile}",
        f"{PLACE}/{picture}.svg?audience={hostile}",
        f"{PLACE}/{picture}.svg?as_of={hostile}",
        f"{PLACE}/{picture}.svg?known_at={hostile}",
    ):
        response = story.get(path)

        assert response.status_code in (200, 404, 422)
        root = drawn(response)
        assert float((root.get("width") or "").rstrip("%")) < 1500
        assert len(response.data) < 20_000
        assert "<script" not in response.text


@pytest.mark.parametrize("picture", PICTURES)
def test_a_hostile_name_is_text_and_is_cut(house: House, picture: str) -> None:
    """A name is whatever a curator recorded."""
    name = HOSTILE + "W" * (200 - len(HOSTILE))
    registration = {
        "type": "registry.registered",
        "stream": "registry:service/openai/api",
        "occurred_on": "2026-11-20",
        "data": {"kind": "service", "id": "api", "provider": "openai", "name": name},
    }
    assert house.post({"events": [registration]}).status_code == 201

    response = house.get(f"{PLACE}/{picture}.svg?service=api")

    root = drawn(response)
    assert "<script" not in response.text
    shown = "".join(texts(root))
    assert "><script>alert(1)</script>&lt;{{ 7*7 }}" in shown
    assert "…" in shown
    assert float((root.get("width") or "").rstrip("%")) < 1500


def test_a_timeline_does_not_grow_without_end(house: House) -> None:
    """Of many services the first are drawn, and how many more there are is said."""
    services = [
        {
            "type": "registry.registered",
            "stream": f"registry:service/openai/more-{number}",
            "occurred_on": "2026-11-20",
            "data": {"kind": "service", "id": f"more-{number}", "provider": "openai", "name": "M"},
        }
        for number in range(60)
    ]
    assert house.post({"events": services}).status_code == 201

    root = drawn(house.get(f"{PLACE}/timeline.svg"))

    assert float(root.get("height") or "") < 2500
    assert any(re.fullmatch(r"and \d+ more services", one) for one in texts(root))


def test_the_colours_are_those_of_the_pages_by_day() -> None:
    """Stated once more, since no style sheet reaches a picture; held equal here."""
    sheet = (FOLDER / "site.css").read_text("utf-8").partition("@media")[0]
    by_day = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", sheet))

    for state in State:
        name = str(state).replace("_", "-")
        assert words.PALETTE[state] == (by_day[name], by_day[f"on-{name}"])
    assert {name: by_day[name] for name in words.COLOURS} == words.COLOURS


def test_every_text_of_a_picture_can_be_read() -> None:
    """WCAG 1.4.3: 4.5 to 1."""
    pairs = [*words.PALETTE.values(), (words.COLOURS["dim"], "#fff")]
    pairs += [(words.COLOURS["paper"], words.COLOURS[one]) for one in ("ink", "dim", "focus")]

    for ground, ink in pairs:
        darker, lighter = sorted((luminance(ground), luminance(ink)))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ground, ink)


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    digits = colour[1:] if len(colour) == 7 else "".join(one * 2 for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def snippets(page: str) -> list[str]:
    """Return what a page offers to be copied."""
    return [unescape(one) for one in re.findall(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)]


def test_a_place_offers_pictures_of_today_and_of_what_was_known(house: House) -> None:
    """The first follow the log, the others never change."""
    at = house.position()
    with opened_again(house, public_url="https://log.example") as named:
        page = named.get(f"{PLACE}?service=api&as_of=2024-07-09").text
    today, markdown, line, pinned, *_ = snippets(page)

    address = "https://log.example/access/openai/CN"
    assert today == (
        f'<a href="{address}?service=api"><img src="{address}/badge.svg?service=api"'
        ' alt="Access to OpenAI (api) in China"></a>'
    )
    assert markdown == (
        f"[![Access to OpenAI (api) in China]({address}/badge.svg?service=api)]"
        f"({address}?service=api)"
    )
    assert f'src="{address}/timeline.svg?service=api" width="100%"' in line
    assert f"badge.svg?service=api&amp;as_of=2024-07-09&amp;known_at=@{at}" in pinned


def test_a_server_without_an_address_repeats_none(story: House) -> None:
    """The host of a request can be forged."""
    page = story.app.test_client().get(PLACE, headers={"Host": "evil.example"}).text

    assert "evil.example" not in page
    assert '<a href="/access/openai/CN"><img src="/access/openai/CN/badge.svg"' in snippets(page)[0]
    assert "ACCESSLINE_PUBLIC_URL" in page
    assert "canonical" not in page


def test_a_link_to_a_place_says_the_state_where_it_is_shared(house: House) -> None:
    """In words: what networks show of a page is its description."""
    with opened_again(house, public_url="https://log.example") as named:
        page = named.get(f"{PLACE}?as_of=2024-07-09&utm_source=x").text
        wrong = named.get(f"{PLACE}?as_of=yesterday").text

    described = re.findall(r'<meta (?:name|property)="(?:og:)?description" content="(.*?)">', page)
    assert len(described) == 2
    assert all("OpenAI in China on 9 July 2024: blocked." in one for one in described)
    assert all("blocked since 9 July 2024" in one for one in described)
    address = "https://log.example/access/openai/CN?as_of=2024-07-09"
    assert f'<link rel="canonical" href="{address}">' in page
    assert f'<meta property="og:url" content="{address}">' in page
    assert '<meta name="twitter:card" content="summary">' in page
    assert "canonical" not in wrong
