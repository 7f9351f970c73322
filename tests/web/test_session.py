"""Signing in on the pages: the cookie, the forms, and how a session ends."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from service.app import create_app
from service.application import exports
from service.auth import credentials
from service.settings import Settings
from service.store import tables
from service.store.engine import Database
from tests.api.house import NOW, House, open_house
from tests.web.signed import ADOPTED, COOKIE, Tab, hidden, tab


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """A server over an empty log."""
    opened = open_house(database_url)
    yield opened
    opened.close()


Opening = Callable[..., House]


@pytest.fixture
def opened_with(house: House) -> Iterator[Opening]:
    """Open the same house again: as another process does, later, or with other settings."""
    others: list[House] = []

    def opened(later: timedelta = timedelta(0), **settings: Any) -> House:  # noqa: ANN401
        app = create_app(Settings(database_url=house.url, **settings), clock=lambda: NOW + later)
        others.append(House(url=house.url, app=app, alice=house.alice, bob=house.bob))
        return others[-1]

    yield opened
    for one in others:
        one.close()


def database_of(house: House) -> Database:
    """The database of a house."""
    found: Database = house.app.extensions["accessline"].database
    return found


def cookie(response: TestResponse) -> str:
    """The one cookie that a response sets."""
    (found,) = response.headers.getlist("Set-Cookie")
    return found


def signed_in(opened: Tab) -> bool:
    """Whether the forms are there."""
    return opened.get("/append").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(house: House) -> None:
    """OWASP's session sheet: HttpOnly, SameSite, a path, an end; no Secure on plain http."""
    response = tab(house).sign_in(house.alice)

    assert response.status_code == 303
    assert response.headers["Location"] == "/append"
    assert re.fullmatch(
        rf"{COOKIE}=[\w-]{{43}}; Expires=.*; Max-Age=43200; HttpOnly; Path=/; SameSite=Strict",
        cookie(response),
    )


@pytest.mark.parametrize(
    ("settings", "headers", "secure"),
    [
        ({"public_url": "https://log.example"}, {}, True),
        ({"public_url": "http://log.example"}, {}, False),
        ({"trusted_proxies": ("127.0.0.1",)}, {"X_Forwarded_Proto": "https"}, True),
        ({"trusted_proxies": ("127.0.0.1",)}, {"X_Forwarded_Proto": "https, http"}, False),
        ({"trusted_proxies": ("10.0.0.0/8",)}, {"X_Forwarded_Proto": "https"}, False),
        ({}, {"X_Forwarded_Proto": "https"}, False),
    ],
)
def test_behind_https_the_cookie_is_secure(
    house: House,
    opened_with: Opening,
    settings: dict[str, Any],
    headers: dict[str, str],
    *,
    secure: bool,
) -> None:
    """Only a proxy that the operator named is believed; `__Host-` keeps other hosts out."""
    there = opened_with(**settings)

    set_cookie = cookie(tab(there).sign_in(house.alice, **headers))

    assert ("; Secure" in set_cookie) is secure
    assert set_cookie.startswith(f"__Host-{COOKIE}=" if secure else f"{COOKIE}=")


def test_the_database_holds_a_hash_of_the_token_only(house: House) -> None:
    """Whoever reads the database, or a backup of it, cannot use what is there."""
    token = cookie(tab(house).sign_in(house.alice)).partition("=")[2].partition(";")[0]

    with database_of(house).read() as connection:
        (row,) = connection.execute(sa.select(tables.session)).all()
    assert token.encode() not in bytes(row.token_hash)
    assert row.credential == house.alice.split("_")[1]
    assert row.expires_at - row.created_at == 12 * 3600 * 1_000_000


def test_a_session_is_no_part_of_what_is_exported(house: House) -> None:
    """An export holds the log alone: who visits the pages is nobody's history."""
    tab(house, house.alice)
    opened = database_of(house)
    written: list[bytes] = []

    exports.export(opened, exports.part_of(opened, 0), written.append)

    assert len(b"".join(written).splitlines()) == 1


def test_any_worker_knows_a_session(house: House, opened_with: Opening) -> None:
    """Several processes, several hosts, one database: no secret of a process is involved."""
    opened = tab(house, house.alice)
    held = opened.client.get_cookie(COOKIE)
    assert held is not None
    elsewhere = Tab(opened_with().app.test_client())

    elsewhere.client.set_cookie(COOKIE, held.value)

    assert signed_in(elsewhere)


def test_a_wrong_key_opens_nothing(house: House) -> None:
    """It is told in words, and no page repeats what was typed."""
    opened = tab(house)
    wrong = house.alice[:-1] + ("a" if house.alice[-1] != "a" else "b")

    response = opened.sign_in(wrong)

    assert response.status_code == 401
    assert "not known here" in response.text
    assert wrong not in response.text
    assert "Set-Cookie" not in response.headers
    assert not signed_in(opened)


@pytest.mark.parametrize("key", ["", "alk_", "x" * 10_000, "é\x00 \u202e", "Bearer alk_a_b"])
def test_what_is_no_key_is_refused_in_words(house: House, key: str) -> None:
    """Nothing that can be typed breaks the form."""
    assert tab(house).sign_in(key).status_code == 401


def test_wrong_keys_are_limited(opened_with: Opening) -> None:
    """The limit is that of the API: the same gate, the same addresses."""
    there = opened_with(failed_key_rate=3)
    opened = tab(there)

    statuses = [opened.sign_in("alk_nobody").status_code for _ in range(4)]

    assert statuses == [401, 401, 401, 429]
    last = opened.sign_in("alk_nobody")
    assert "Too many wrong keys" in last.text
    assert int(last.headers["Retry-After"]) > 0


def test_a_revoked_key_ends_its_sessions_at_the_next_request(house: House) -> None:
    """Nobody waits for twelve hours to get rid of a stolen key."""
    opened = tab(house, house.alice)
    form = {"csrf": opened.token(), **ADOPTED}
    assert signed_in(opened)

    credentials.revoke(database_of(house), house.alice.split("_")[1], lambda: NOW)

    assert not signed_in(opened)
    refused = opened.client.post("/append", data={**form, "step": "preview"})
    assert refused.status_code == 401
    assert "Your session has ended" in refused.text


def test_a_session_lasts_twelve_hours_and_not_a_moment_longer(
    house: House, opened_with: Opening
) -> None:
    """The server decides, whatever the browser does with Max-Age; old rows go with the next."""
    opened = tab(house, house.alice)
    held = opened.client.get_cookie(COOKIE)
    assert held is not None
    for later, good in ((timedelta(hours=12, microseconds=-1), True), (timedelta(hours=12), False)):
        there = tab(opened_with(later))
        there.client.set_cookie(COOKIE, held.value)

        assert signed_in(there) is good

    there.sign_in(house.alice)
    with database_of(house).read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.session)) == 1


def test_signing_out_ends_the_session_everywhere(house: House) -> None:
    """The cookie goes, and a copy of it is worth nothing."""
    opened = tab(house, house.alice)
    held = opened.client.get_cookie(COOKIE)
    assert held is not None

    response = opened.client.post("/sign-out", data={"csrf": opened.token()})

    assert response.status_code == 303
    assert cookie(response).startswith(f"{COOKIE}=; Expires=Thu, 01 Jan 1970")
    copy = tab(house)
    copy.client.set_cookie(COOKIE, held.value)
    assert not signed_in(copy)
    with database_of(house).read() as connection:
        assert connection.execute(sa.select(tables.session)).all() == []


def test_signing_in_again_ends_the_session_before(house: House) -> None:
    """A new token each time, and no old one left behind."""
    opened = tab(house, house.alice)
    first = opened.client.get_cookie(COOKIE)
    opened.sign_in(house.alice)
    second = opened.client.get_cookie(COOKIE)
    assert first is not None
    assert second is not None

    assert first.value != second.value
    with database_of(house).read() as connection:
        assert len(connection.execute(sa.select(tables.session)).all()) == 1


@pytest.mark.parametrize("token", ["", "0" * 64, "é" * 64, "another session's"])
@pytest.mark.parametrize("path", ["/append", "/sign-out"])
def test_a_form_without_the_token_of_its_session_does_nothing(
    house: House, path: str, token: str
) -> None:
    """A form on another page cannot know it."""
    opened = tab(house, house.alice)
    if token.startswith("another"):
        token = tab(house, house.alice).token()

    response = opened.client.post(path, data={**ADOPTED, "csrf": token, "step": "preview"})

    assert response.status_code == 403
    assert "belongs to another session" in response.text
    assert signed_in(opened)


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://LOCALHOST"}, True),
        ({"Origin": "https://log.example"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://localhost:81"}, False),
        ({"Origin": "null"}, False),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "http://inside:8000"}, True),
        ({"Sec_Fetch_Site": "none"}, True),
        ({"Sec_Fetch_Site": "same-site"}, False),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "http://localhost"}, False),
    ],
)
def test_what_another_site_sends_is_refused_whatever_it_knows(
    house: House, opened_with: Opening, headers: dict[str, str], *, taken: bool
) -> None:
    """The browser says where a form was; it is asked before the token, at signing in too."""
    # Where the cookie is secure it has another name: this is about the address alone.
    there = opened_with(public_url="https://log.example")
    opened = Tab(there.app.test_client())
    signed = opened.client.post(
        "/sign-in",
        data={"key": house.alice},
        base_url="http://localhost",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )

    assert signed.status_code == (303 if taken else 403)
    if not taken:
        assert "from another site" in signed.text

    plain = tab(house, house.alice)
    if "log.example" not in headers.get("Origin", ""):
        assert plain.send(ADOPTED, **headers).status_code == (422 if taken else 403)


def test_a_readers_key_may_not_append(house: House) -> None:
    """It signs in, where reading needs a key; nothing more."""
    opened = tab(house)

    assert opened.sign_in(house.bob).headers["Location"] == "/"

    for response in (opened.get("/append"), opened.client.post("/append", data=ADOPTED)):
        assert response.status_code == 403
        assert "curator" in response.text


def test_the_cookie_never_records_by_the_api(house: House) -> None:
    """There no form token guards it: only the header with the key counts."""
    opened = tab(house, house.alice)

    assert opened.client.post("/v1/events", json={"events": []}).status_code == 401


def test_whoever_is_not_signed_in_is_led_to_the_form(house: House) -> None:
    """No error for somebody who follows a link."""
    response = tab(house).get("/append")

    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in?next=/append")
    asked = tab(house).get("/sign-in")
    assert asked.status_code == 200
    assert 'method="post" action="/sign-in"' in asked.text
    assert 'type="password"' in asked.text


def test_the_key_is_in_no_page_address_or_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Histories, caches and logs keep addresses; scripts read pages."""
    caplog.set_level("DEBUG")
    secret = house.alice.rpartition("_")[2]
    opened = tab(house)
    answered = [opened.sign_in(house.alice), *map(opened.get, ("/", "/append", "/sign-in"))]

    for response in answered:
        assert secret not in response.text + str(response.headers)
    assert secret not in caplog.text
    assert all("signed" not in str(one.__dict__) for one in caplog.records)
    # Nor does an address open anything.
    assert tab(house).get(f"/append?key={house.alice}").status_code == 303


def test_no_cache_keeps_the_page_of_somebody_who_is_signed_in(house: House) -> None:
    """It has the token of the session's forms in it."""
    opened = tab(house, house.alice)
    response = opened.get("/")

    assert "Sign out" in response.text
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in response.headers["Vary"]
    stranger = tab(house).get("/")
    assert "Sign out" not in stranger.text
    assert stranger.headers["Cache-Control"] == "no-cache"


def test_pages_let_the_browser_tell_us_where_a_form_was(house: House) -> None:
    """With `no-referrer` browsers send `Origin: null`, and nobody could tell our forms."""
    assert tab(house).get("/sign-in").headers["Referrer-Policy"] == "same-origin"


def test_a_cookie_that_is_none_of_ours_is_nobody(house: House) -> None:
    """Whatever stands in it."""
    for value in ("x", "é", "a" * 3000, "%00"):
        opened = tab(house)
        opened.client.set_cookie(COOKIE, value)

        assert opened.get("/").status_code == 200
        assert hidden(opened.get("/")) == {}


def test_a_form_that_was_sent_too_late_is_given_back_after_signing_in(
    house: House, opened_with: Opening
) -> None:
    """Half an hour of typing is not lost because a session ended."""
    opened = tab(house, house.alice)
    held = opened.client.get_cookie(COOKIE)
    assert held is not None
    late = tab(opened_with(timedelta(hours=13)))
    late.client.set_cookie(COOKIE, held.value)
    form = {"csrf": "old", "step": "preview", **ADOPTED}

    refused = late.client.post("/append", data=form)
    wrong = late.client.post("/sign-in", data={**kept(refused), "key": "alk_typo"})
    back = late.client.post("/sign-in", data={**kept(wrong), "key": house.alice})
    again = late.client.post("/append", data={**hidden(back), "step": "edit"})

    assert [one.status_code for one in (refused, wrong, back, again)] == [401, 401, 200, 200]
    assert 'value="OpenAI closes its API in France"' in again.text
    assert house.alice.rpartition("_")[2] not in back.text


def kept(response: TestResponse) -> dict[str, str]:
    """The hidden fields of a page that asks for a key."""
    return hidden(response, "/sign-in")
