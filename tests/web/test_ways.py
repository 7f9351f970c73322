"""Where to go on after signing in, and what is shown where there is no page."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from service.web.assets import CONTENT_SECURITY_POLICY
from service.web.ways import local
from tests.api.house import House, open_house
from tests.web.signed import BROWSER, tab

ELSEWHERE = (
    "",
    "audit",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/a b",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\x00",
    "/\x7f",
    "/é",
    "/audit\r\nSet-Cookie: a=b",
    "/" + "a" * 2_000,
    "/sign-in",
    "/sign-in?next=/audit",
    "/sign-out",
)
PROBLEM = "application/problem+json"
HOSTILE = (
    "",
    "/",
    "text/",
    "*",
    ",,;;q=,",
    "text/html;q=nan",
    "text/html;q=1e999",
    "text/html;q=-1",
    "a/b/c, */*/*;q=2",
    'text/html;x="',
    "é/ü\xff",
    "text/html," * 5_000,
    "application/json, text/html;q=0.9",
    "*/*",
    "application/*, text/*;q=0.5",
)


@pytest.fixture
def house(sqlite_template: Path, tmp_path: Path) -> Iterator[House]:
    """A server over an empty log."""
    file = tmp_path / "accessline.db"
    shutil.copyfile(sqlite_template, file)
    opened = open_house(f"sqlite:///{file}")
    yield opened
    opened.close()


@pytest.mark.parametrize("given", ELSEWHERE)
def test_nobody_is_led_elsewhere(house: House, given: str) -> None:
    """A link to our form must not end on a page of somebody else (CWE-601)."""
    assert local(given) == ""

    assert 'name="next"' not in tab(house).get(f"/sign-in?next={quote(given)}").text
    assert tab(house).sign_in(house.alice, given).headers["Location"] == "/append"
    assert tab(house).sign_in(house.bob, given).headers["Location"] == "/"


@pytest.mark.parametrize(
    "given",
    [
        "/",
        "/audit",
        "/append?type=record.corrected&event=456fbba2-a51f-42fb-b282-aa9aeedb480a",
        "/access/openai/CN?as_of=2024-07-09&known_at=@10&service=chatgpt/ios",
        "/diff?from=2024-07-08&next=https://evil.example",
    ],
)
def test_whoever_signs_in_goes_on_where_they_were(house: House, given: str) -> None:
    """Also after a key that was mistyped."""
    opened = tab(house)
    shown = f'name="next" value="{given.replace("&", "&amp;")}"'

    assert shown in opened.get(f"/sign-in?next={quote(given)}").text
    assert shown in opened.sign_in("alk_typo", given).text
    assert opened.sign_in(house.alice, given).headers["Location"] == given


def test_a_link_to_a_form_survives_signing_in(house: House) -> None:
    """What is to be recorded of which policy is in the address."""
    asked = tab(house).get("/append?type=policy.repealed&policy=closing-in-france")

    assert asked.status_code == 303
    assert asked.headers["Location"] == (
        "/sign-in?next=/append%3Ftype%3Dpolicy.repealed%26policy%3Dclosing-in-france"
    )


def test_an_address_that_does_not_fit_is_left_out(house: House) -> None:
    """Then at least the page is found again, without its query."""
    for query in ("x=\\", "x=" + "a" * 3_000):
        asked = tab(house).get(f"/append?{query}")

        assert asked.headers["Location"] == "/sign-in?next=/append"


@pytest.mark.parametrize("path", ["/nothing", "/events", "/access/openai", "/%00"])
def test_a_browser_sees_a_page_where_there_is_none(house: House, path: str) -> None:
    """In words, with a way on, and under the policy that all pages have."""
    response = house.app.test_client().get(
        path, headers={"Accept": BROWSER}, base_url="http://localhost"
    )

    assert response.status_code == 404
    assert response.content_type == "text/html; charset=utf-8"
    assert "There is nothing here" in response.text
    assert "Explore what there is" in response.text
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "Accept" in response.headers["Vary"]


def test_the_address_that_is_not_there_is_text(house: House) -> None:
    """Whatever it would like to be."""
    shown = tab(house).get("/%3Cscript%3Ealert(1)%3C/script%3E").text

    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_a_page_takes_nothing_that_is_sent(house: House) -> None:
    """The header says what it does take."""
    response = house.app.test_client().post("/audit", headers={"Accept": BROWSER})

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert response.content_type == "text/html; charset=utf-8"
    assert "Nothing can be sent here" in response.text


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/log/nothing", "/assets/x/nothing.css"])
def test_the_api_answers_browsers_as_everybody(house: House, path: str) -> None:
    """Whoever follows a link there wants its answers."""
    response = tab(house).get(path)

    assert response.status_code == 404
    assert response.content_type == PROBLEM


@pytest.mark.parametrize("accepted", HOSTILE)
def test_whoever_wants_no_page_gets_the_problem(house: House, accepted: str) -> None:
    """A header that nobody can read breaks nothing."""
    client = house.app.test_client()
    for method, path, status in (("GET", "/nothing", 404), ("POST", "/audit", 405)):
        response = client.open(path, method=method, headers={"Accept": accepted})

        assert response.status_code == status
        assert (response.content_type == PROBLEM) is not accepted.startswith("text/html,")
    assert client.get("/append", headers={"Accept": accepted}).status_code in (303, 401)


def test_who_is_signed_in_stays_so_where_nothing_is(house: House) -> None:
    """The head of the page is that of all others, and no cache keeps it."""
    response = tab(house, house.alice).get("/nothing")

    assert "Sign out" in response.text
    assert response.headers["Cache-Control"] == "private, no-store"
