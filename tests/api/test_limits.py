"""How often: appends with one key, wrong keys from one address."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from tests.api.house import House, authorization, open_house

WRONG = "alk_aaaaaaaaaaaa_" + "A" * 32


@pytest.fixture
def strict(sqlite_template: Path, tmp_path: Path) -> Iterator[House]:
    """A server that lets two appends and three wrong keys a minute through."""
    copyfile(sqlite_template, tmp_path / "strict.db")
    opened = open_house(
        f"sqlite:///{tmp_path / 'strict.db'}",
        write_rate=2,
        failed_key_rate=3,
        trusted_proxies=("10.0.0.0/8",),
    )
    yield opened
    opened.close()


def knock(house: House, key: str, peer: str = "203.0.113.9", **headers: str) -> Any:  # noqa: ANN401
    """Ask with a key from an address."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return house.app.test_client().get(
        "/v1/meta",
        headers={**authorization(key), **named},
        environ_base={"REMOTE_ADDR": peer},
    )


def test_a_thousand_wrong_keys_are_turned_away(strict: House) -> None:
    """Three are told that they are wrong, the rest that they come too often."""
    statuses = [knock(strict, WRONG).status_code for _ in range(1000)]

    assert statuses == [401] * 3 + [429] * 997
    last = knock(strict, WRONG)
    assert 1 <= int(last.headers["Retry-After"]) <= 20
    assert last.get_json()["type"] == "/problems/rate-limited"
    assert "3 a minute" in last.get_json()["detail"]


def test_a_forged_address_is_not_another_address(strict: House) -> None:
    """The socket's address counts, whatever the client writes into a header."""
    for number in range(4):
        knock(strict, WRONG, X_Forwarded_For=f"198.51.100.{number}")

    assert knock(strict, WRONG, X_Forwarded_For="192.0.2.1").status_code == 429
    assert knock(strict, WRONG, peer="203.0.113.10").status_code == 401


def test_behind_a_proxy_that_we_know_clients_are_told_apart(strict: House) -> None:
    """By the last entry, which the proxy wrote; what stands before it is the client's."""
    for number in range(4):
        forged = f"198.51.100.{number}, 203.0.113.9"
        knock(strict, WRONG, peer="10.0.0.1", X_Forwarded_For=forged)

    assert knock(strict, WRONG, "10.0.0.1", X_Forwarded_For="203.0.113.9").status_code == 429
    assert knock(strict, WRONG, "10.0.0.1", X_Forwarded_For="203.0.113.8").status_code == 401


def test_guessing_goes_no_further_but_a_known_neighbour_is_let_in(strict: House) -> None:
    """Bob was here before; Alice, behind the same address, has to wait like the guesser."""
    assert knock(strict, strict.bob).status_code == 200
    for _ in range(4):
        knock(strict, WRONG)

    assert knock(strict, strict.bob).status_code == 200
    assert knock(strict, strict.alice).status_code == 429
    assert knock(strict, strict.alice, peer="203.0.113.10").status_code == 200


def test_who_asks_without_a_key_is_never_turned_away(strict: House) -> None:
    """Reads are public: a neighbour's wrong keys are not the reader's."""
    for _ in range(10):
        knock(strict, WRONG)

    statuses = {strict.app.test_client().get("/v1/meta").status_code for _ in range(50)}

    assert statuses == {200}


def test_a_key_appends_so_often_and_no_oftener(strict: House) -> None:
    """Each request counts, whatever comes of it; reading with the key goes on."""
    statuses = [strict.post({"events": []}).status_code for _ in range(3)]
    refused = strict.post({"events": []})

    assert statuses == [422, 422, 429]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.get_json()["title"] == "Too many requests"
    assert strict.get("/v1/meta", strict.alice).status_code == 200


def test_who_may_not_append_uses_nobodys_turn(strict: House) -> None:
    """A reader's attempts and a stranger's are refused as ever."""
    assert [strict.post({}, strict.bob).status_code for _ in range(5)] == [403] * 5
    assert [strict.post({}, None).status_code for _ in range(5)] == [401] * 5
    assert strict.post({"events": []}).status_code == 422
