"""`--server`: the same questions, asked of another accessline."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.console import Console
from tests.cli.processes import answers, free_port, started, until

POLICY = "openai-unsupported-regions-2024"
NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
KEY = "alk_aaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
JULY = ("--from", "2024-07-08", "--until", "2024-07-09")

QUESTIONS = [
    ("state", "openai", "CN", "--as-of", "2024-07-09"),
    ("state", "openai", "CN", "--as-of", "2024-07-08", "--require", "open"),
    ("why", "openai", "CN", "--as-of", "2024-07-08"),
    ("why", "microsoft", "EU", "--as-of", "2024-07-08T12:00:00+02:00", "--known-at", "@40"),
    ("timeline", "openai", "IT", "--service", "chatgpt", "--from", "2023-03-01"),
    ("diff", "openai", "--region", "CN,IT,RU", *JULY),
    ("diff", "openai", "microsoft", "--known-from", "@30", "--as-of", "2024-07-10"),
    ("upcoming", "--from", "2024-07-01", "--within", "30"),
    ("coverage", "--provider", "openai", "--region", "CN,EU", "--year", "2023", "--year", "2024"),
    ("coverage", "--region", "CN", "--year", "2024", "--year", "2024"),
    ("policies", "list", "--as-of", "2024-07-01"),
    ("policies", "show", POLICY, "--as-of", "2024-07-01"),
    ("events", "list", "--limit", "3"),
    ("events", "list", "--type", "context.noted", "--region", "CN"),
    ("events", "show", NOTICE),
    ("audit", "events", "--cell", "openai/IT/chatgpt", "--recorded-by", "seeds"),
    ("audit", "events", "--policy", POLICY, "--known-at", "@40"),
]
REFUSED = [
    (("state", "opnai", "CN"), 3),
    (("state", "openai", "UK"), 3),
    (("state", "openai", "CN", "--service", "aip"), 3),
    (("state", "openai", "CN", "--audience", "goverment"), 3),
    (("why", "openai", "CN", "--as-of", "2024-13-01"), 2),
    (("why", "openai", "CN", "--known-at", "@999999"), 2),
    (("timeline", "openai", "CN", "--from", "2024-07-09", "--until", "2024-07-08"), 2),
    (("diff", "opnai", *JULY), 3),
    (("diff", "openai", "--from", "2024-07-09", "--until", "2024-07-08"), 2),
    (("upcoming", "--region", "XX"), 3),
    (("coverage", "--provider", "opnai"), 3),
    (("coverage", "--year", "2199"), 2),
    (("policies", "show", "openai-unsupported"), 3),
    (("events", "list", "--region", "UK"), 3),
    (("events", "list", "--recorded-from", "2024-13-01"), 2),
    (("audit", "events", "--cell", "opnai/CN"), 3),
    (("audit", "events", "--cell", "openai/CN/aip"), 3),
    (("audit", "events", "--cell", "openai"), 2),
    (("audit", "events", "--policy", "openai-unsupported"), 3),
    (("audit", "events", "--recorded-by", "sed"), 3),
    (("audit", "events", "--recorded-from", "2024-13-01"), 2),
]


@pytest.fixture(scope="module")
def server(seeded_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server over a log with the seeds."""
    folder = tmp_path_factory.mktemp("server")
    file = folder / "accessline.db"
    file.write_bytes(seeded_template.read_bytes())
    url = f"http://127.0.0.1:{free_port()}"
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{file}", "ACCESSLINE_LOG_LEVEL": "ERROR"}
    with started("serve", "--port", url.rpartition(":")[2], folder=folder, env=env):
        until(lambda: answers(f"{url}/healthz"))
        yield url


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[str]]]:
    """Run a server that always answers the same; give its URL and the keys that it was sent."""
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}", keys
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_server_gives_the_answer_that_its_database_would(
    question: tuple[str, ...], server: str, over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text and as JSON, to the byte; without any database here."""
    here = [over_seeds(*question), over_seeds(*question, "--json")]
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", "sqlite:///none/there.db")
    there = [over_seeds(*question, "--server", server, *form) for form in ((), ("--json",))]

    assert here == there
    assert here[0].out


@pytest.mark.parametrize(("question", "code"), REFUSED)
def test_a_server_refuses_what_its_database_would(
    question: tuple[str, ...], code: int, server: str, over_seeds: Console
) -> None:
    """With the same sentences and exit codes."""
    here, there = over_seeds(*question), over_seeds(*question, "--server", f"{server}/")

    assert here == there
    assert (there.code, there.out) == (code, "")


@pytest.mark.parametrize("question", [("events", "show", NOTICE[:-1] + "b")])
def test_what_a_server_does_not_have_exits_3(
    question: tuple[str, ...], server: str, console: Console
) -> None:
    """In the server's own words."""
    printed = console(*question, "--server", server)

    assert (printed.code, printed.out) == (3, "")
    assert NOTICE[:-1] in printed.err


def test_lists_of_many_parts_are_read_to_their_end(
    server: str, over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gives them in parts."""
    whole = over_seeds("policies", "list", "--json")
    monkeypatch.setattr("service.cli.remote._PAGE", 2)

    assert over_seeds("policies", "list", "--json", "--server", server) == whole


def test_a_key_is_read_from_the_environment_alone(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a command line everybody on the machine could read it. Without a variable, no key."""
    with answering(200, b'{"items": [], "next": null}') as (url, keys):
        console("policies", "list", "--server", url)
        monkeypatch.setenv("ACCESSLINE_KEY", f" {KEY}\n")
        console("policies", "list", "--server", url)

    assert keys == ["", f"Bearer {KEY}"]


def test_a_key_for_servers_is_no_obstacle_to_other_commands(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not a setting of the service, and not an unknown one."""
    monkeypatch.setenv("ACCESSLINE_KEY", KEY)

    assert over_seeds("state", "openai", "CN").code == 0
    assert KEY not in over_seeds("doctor", "--json").out


def test_a_key_that_goes_unencrypted_is_warned_of(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To this machine it may."""
    monkeypatch.setenv("ACCESSLINE_KEY", KEY)

    printed = console("policies", "list", "--server", "http://access.invalid")

    assert "unencrypted" in printed.err
    assert KEY not in printed.err


def test_a_wrong_key_is_told(
    server: str, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4: something about this environment is wrong, not the question."""
    monkeypatch.setenv("ACCESSLINE_KEY", KEY)

    printed = console("policies", "list", "--server", server)

    assert (printed.code, printed.out) == (4, "")
    assert "The key is read from ACCESSLINE_KEY." in printed.err
    assert KEY not in printed.err


def test_redirects_are_not_followed(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key would go along."""
    monkeypatch.setenv("ACCESSLINE_KEY", KEY)
    with (
        answering(200, b"{}") as (other, keys),
        answering(302, b"", Location=other) as (url, _),
    ):
        printed = console("policies", "list", "--server", url)

    assert (printed.code, keys) == (4, [])
    assert f"{url} sends us to {other}" in printed.err


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"<html>", "not as an accessline server"),
        (200, b"[]", "not as an accessline server"),
        (200, b"{}", "not as an accessline server"),
        (200, b'{"provider": "openai", "cells": 7}', "not as an accessline server"),
        (404, b"Not found", "not as an accessline server"),
        (500, b'{"detail": "Something went wrong here."}', "Something went wrong here."),
        (503, b'{"detail": "Try again in 5 seconds."}', "Try again in 5 seconds."),
        (429, b'{"detail": "Too many."}', "Too many."),
        (422, b'{"detail": "x", "errors": 7}', "not as an accessline server"),
        (422, b'{"errors": []}', "not as an accessline server"),
    ],
)
def test_whatever_answers_there_a_sentence_tells_of_it(
    status: int, body: bytes, sentence: str, console: Console
) -> None:
    """Another program on that port, a proxy, a server in trouble: exit 4, no traceback."""
    with answering(status, body) as (url, _):
        printed = console("why", "openai", "CN", "--server", url)

    assert (printed.code, printed.out) == (4, "")
    assert sentence in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize(
    "question",
    [
        ("timeline", "openai", "CN"),
        ("diff", "openai", *JULY),
        ("upcoming",),
        ("policies", "list"),
        ("policies", "show", "x"),
        ("events", "list"),
        ("events", "show", NOTICE),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("body", [b"{}", b'{"items": [{}], "next": null}', b'{"items": 7}'])
def test_an_answer_of_another_shape_is_no_crash(
    question: tuple[str, ...], body: bytes, console: Console
) -> None:
    """A server of another version, or something else that speaks JSON."""
    with answering(200, body) as (url, _):
        printed = console(*question, "--server", url)

    assert printed.code in (0, 4)
    assert "fault of accessline" not in printed.err


def test_nobody_there_is_told(console: Console) -> None:
    """With what may be missing."""
    printed = console("state", "openai", "CN", "--server", f"http://127.0.0.1:{free_port()}")

    assert (printed.code, printed.out) == (4, "")
    assert "does not answer: Connection refused. Is a server there?" in printed.err


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:8000", "ftp://example.org", "file:///etc/passwd", "http://"),
        *("http://a:b@example.org", "http://example.org/?x=1", "http://example.org/#x"),
        *(
            "http://example.org:port",
            "http://exa mple.org",
            "http://[::1",
            "http://ex\u00e4mple.org",
        ),
    ],
)
def test_a_url_that_is_none_of_a_server_exits_2(url: str, console: Console) -> None:
    """Only http and https, no password and nothing behind it."""
    printed = console("state", "openai", "CN", "--server", url)

    assert (printed.code, printed.out) == (2, "")
    assert "such as https://access.example.org" in printed.err


def test_what_a_server_says_cannot_move_a_cursor(console: Console) -> None:
    """A hostile server must not speak to the terminal."""
    body = json.dumps({"detail": "\x1b[2J\nfaked", "errors": []}).encode()
    with answering(422, body) as (url, _):
        printed = console("state", "openai", "CN", "--server", url)

    assert "\x1b" not in printed.err
    assert len(printed.err.splitlines()) == 1
