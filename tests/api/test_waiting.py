"""Reading one's own writes: `min_position`."""

import threading
import time
from pathlib import Path
from shutil import copyfile

from service.domain.codec import event_to
from tests.api.house import House, open_house
from tests.builders import registry_events


def test_a_read_that_the_log_has_passed_is_answered_at_once(story: House) -> None:
    """On the server that took the append there is nothing to wait for."""
    position = story.position()

    assert story.get(f"/v1/meta?min_position={position}").status_code == 200
    assert story.get(f"/v1/access/openai/CN?min_position={position}").status_code == 200


def test_a_read_waits_for_an_append_that_is_on_its_way(house: House) -> None:
    """It is answered with what it waited for."""
    batch = {"events": [event_to(one) for one in registry_events()]}
    append = threading.Timer(0.2, house.post, [batch])
    append.start()

    response = house.get("/v1/providers?min_position=1")
    append.join()

    assert response.status_code == 200, response.text
    assert [one["id"] for one in response.get_json()["items"]] == ["microsoft", "openai"]


def test_who_waits_in_vain_is_told_to_come_back(sqlite_template: Path, tmp_path: Path) -> None:
    """503 after the time that the operator set, for a list, a thing and a check alike."""
    copyfile(sqlite_template, tmp_path / "a.db")
    house = open_house(f"sqlite:///{tmp_path / 'a.db'}", read_wait=50)
    began = time.monotonic()
    check = {"cells": [{"provider": "openai", "service": "api", "region": "CN"}]}

    responses = [
        house.get("/v1/events?min_position=1"),
        house.get("/v1/meta?min_position=9007199254740991"),
        house.app.test_client().post("/v1/access/check?min_position=7", json=check),
    ]

    assert time.monotonic() - began < 2.0
    for response in responses:
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert response.get_json()["type"] == "/problems/not-there-yet"
    house.close()


def test_those_who_wait_do_not_keep_the_others_out(sqlite_template: Path, tmp_path: Path) -> None:
    """With four threads two may wait; the third is told at once, and other reads go on."""
    copyfile(sqlite_template, tmp_path / "a.db")
    house = open_house(f"sqlite:///{tmp_path / 'a.db'}", read_wait=1500, threads=4)
    waiting = [
        threading.Thread(target=house.get, args=("/v1/meta?min_position=9",)) for _ in range(2)
    ]
    for one in waiting:
        one.start()
    while house.app.extensions["accessline"].waiting.free:
        time.sleep(0.01)
    began = time.monotonic()

    third = house.get("/v1/meta?min_position=9")
    other = house.get("/v1/meta")

    assert time.monotonic() - began < 1.0
    assert (third.status_code, other.status_code) == (503, 200)
    for one in waiting:
        one.join()
    house.close()


def test_a_link_does_not_wait(story: House) -> None:
    """The canonical form and the next part are about the answer, not about who asked when."""
    links = story.get("/v1/access?provider=openai&limit=1&min_position=1").headers["Link"]

    assert "min_position" not in links
