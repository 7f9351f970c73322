"""What a socket can be sent: a real server answers it with a refusal or hangs up, and goes on.

How the server reads a request is hyper's (below granian) to decide; what must never happen is that
two readers of one connection see different requests, that a client holds the server up, or that
something small becomes large in its memory.
"""

import gzip
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.servers import children
from tests.hostile.live import Live, filled, operations

MIB: Final = 1024 * 1024
CROWD: Final = 150
PATIENCE: Final = 5.0
"""Seconds; an answer takes milliseconds, but machines that test are busy."""

POST: Final = (
    b"POST /v1/access/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)
GET: Final = b"GET /v1/meta HTTP/1.1\r\nHost: localhost\r\n"
BODY: Final = b'{"cells":[]}'
SECOND: Final = GET + b"X-Smuggled: 1\r\n\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
LENGTH: Final = b"Content-Length: %d\r\n" % len(BODY)

AMBIGUOUS: Final = {
    "a length and chunks": POST + LENGTH + CHUNKED + b"\r\n0\r\n\r\n" + SECOND,
    "chunks and a length": POST + CHUNKED + LENGTH + b"\r\n0\r\n\r\n" + SECOND,
    "two lengths": POST + LENGTH + b"Content-Length: 0\r\n\r\n" + BODY + SECOND,
    "a list of lengths": POST + b"Content-Length: 12, 12\r\n\r\n" + BODY + SECOND,
    "a signed length": POST + b"Content-Length: +12\r\n\r\n" + BODY + SECOND,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + BODY,
    "a length in hexadecimal": POST + b"Content-Length: 0xc\r\n\r\n" + BODY,
    "an endless length": POST + b"Content-Length: 99999999999999999999\r\n\r\n" + BODY,
    "junk for a chunk": POST + CHUNKED + b"\r\nzz\r\n" + BODY + b"\r\n0\r\n\r\n" + SECOND,
    "a negative chunk": POST + CHUNKED + b"\r\n-1\r\n\r\n" + SECOND,
    "an endless chunk": POST + CHUNKED + b"\r\nffffffffffffffffff\r\nab" + SECOND,
    "a chunk of much talk": POST + CHUNKED + b"\r\nc;" + b"a" * 100_000 + b"\r\n" + BODY + SECOND,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "another encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
    "chunks that are not last": POST
    + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
    + SECOND,
    "two encodings": POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SECOND,
    "a folded header": GET + b"X-A: b\r\n c\r\n\r\n",
    "a NUL in a header": GET + b"X-A: b\0c\r\n\r\n",
    "lines that end with CR": b"GET /v1/meta HTTP/1.1\rHost: localhost\r\r",
    "no version": b"GET /v1/meta\r\n\r\n",
    "a version to come": b"GET /v1/meta HTTP/3.0\r\nHost: localhost\r\n\r\n",
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50,
    "a path of raw bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a very long path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a very long header": GET + b"X-A: " + b"a" * MIB + b"\r\n\r\n",
    "very many headers": GET + b"X-A: b\r\n" * 10_000 + b"\r\n",
}


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_what_two_readers_could_read_differently_is_refused(fault: str, live: Live) -> None:
    """One 4xx and the end of the connection: what stands behind it is never answered."""
    answer = live.raw(AMBIGUOUS[fault], patience=PATIENCE)

    statuses = re.findall(rb"HTTP/1\.1 (\d\d\d)", answer)
    assert len(statuses) <= 1, answer
    assert all(status.startswith(b"4") for status in statuses), answer
    assert live.ask("/healthz").status == 200


def test_a_request_behind_another_is_answered_for_itself(live: Live) -> None:
    """So the tests above would see a smuggled one."""
    first = POST + LENGTH + b"\r\n" + BODY

    answer = live.raw(first + SECOND.replace(b"X-Smuggled: 1", b"Connection: close"))

    assert re.findall(rb"HTTP/1\.1 (\d\d\d)", answer) == [b"422", b"200"]


# What the server believes.

FORGED: Final = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "evil.example",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Script-Name": "/evil.example",
    "X-Original-URL": "/evil.example",
    "Forwarded": "host=evil.example;proto=https",
    "Origin": "https://evil.example",
    "Referer": "https://evil.example/",
}


def test_a_forged_host_stands_in_no_answer(live: Live) -> None:
    """Not in links, feeds or redirects: a cache would hand it on. Nor is an Origin let in."""
    document = live.ask("/openapi.json").json()
    paths = [filled(path) for method, path in operations(document) if method == "GET"]

    for path in (*paths, "/openapi.json", "/docs", "/docs/", "/nowhere", "/v1/events?limit=1"):
        answer = live.ask(path, headers=FORGED)
        assert answer.status < 500
        assert b"evil.example" not in answer.body, path
        assert "evil.example" not in str(answer.headers), path
        assert "access-control-allow-origin" not in answer.headers
    for line in (
        b"GET http://evil.example/v1/events?limit=1 HTTP/1.1\r\nHost: localhost\r\n",
        b"GET //evil.example/v1/events?limit=1 HTTP/1.1\r\nHost: localhost\r\n",
    ):
        assert b"evil.example" not in live.raw(line + b"Connection: close\r\n\r\n")


@pytest.mark.parametrize(
    "path",
    [
        "/docs/assets/x/../../../app.py",
        "/docs/assets/x/..%2f..%2f..%2fapp.py",
        "/docs/assets/x/%2e%2e/%2e%2e/app.py",
        "/docs/assets/x/..%5c..%5capp.py",
        "/docs/assets/x//etc/passwd",
        "/docs/assets/x/docs.css%00.txt",
        "/docs/assets/../../app.py",
        "/v1/events/..%2f..%2fetc%2fpasswd",
        "/v1/policies/%2e%2e%2fmeta",
        "/v1/access/openai/..%2fCN",
        "/.git/config",
        "/accessline.db",
        "/v1/meta%00",
        "/v1/meta;x=1",
        "/v1/%6Deta/",
        "/%",
        "/%zz",
        "/%ff%fe",
    ],
)
def test_a_path_leads_nowhere_else(path: str, live: Live) -> None:
    """As it was sent, with nothing made of it on the way."""
    answer = live.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert re.match(rb"HTTP/1\.1 (40[04]|308)", answer), answer
    for told in (b"create_app", b"root:", b"SQLite format"):
        assert told not in answer


# What it costs.


def test_what_is_packed_stays_packed(live: Live) -> None:
    """64 MiB of nothing in 64 KiB: nobody unpacks it."""
    packed = gzip.compress(bytes(64 * MIB))
    before = memory(live)

    for encoding in ("gzip", "x-gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip"):
        for path, key in (("/v1/events", live.alice), ("/v1/access/check", None)):
            answer = live.ask(
                path,
                method="POST",
                key=key,
                body=packed,
                headers={"Content-Type": "application/json", "Content-Encoding": encoding},
            )
            assert answer.status == 415, encoding

    assert memory(live) - before < 50 * MIB


def test_a_long_body_is_not_kept(live: Live) -> None:
    """Neither where it says how long it is, nor in chunks, nor from several at once."""
    before = memory(live)
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"

    told = live.raw(POST + b"Content-Length: %d\r\n\r\n" % (64 * MIB) + bytes(64 * MIB))
    in_chunks = live.raw(POST + CHUNKED + b"\r\n" + chunk * 1024 + b"0\r\n\r\n")

    assert not told or told.startswith(b"HTTP/1.1 413"), told
    assert not in_chunks or in_chunks.startswith(b"HTTP/1.1 413"), in_chunks
    assert memory(live) - before < 50 * MIB


# Who holds it up.


def test_half_a_head_holds_nobody_up(live: Live) -> None:
    """150 clients that never end their request's head; others are answered."""
    with crowd(live, POST + b"X-Slow"):
        assert slowest(live) < PATIENCE


def test_who_does_not_read_holds_nobody_up(live: Live) -> None:
    """150 clients that ask for much and read nothing."""
    with crowd(live, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20):
        assert slowest(live) < PATIENCE


@pytest.mark.parametrize("rest", [b"Content-Length: 100\r\n\r\n{", CHUNKED + b"\r\n5\r\n{"])
def test_a_body_that_does_not_come_holds_nobody_up(rest: bytes, live: Live) -> None:
    """150 clients without a key that send a head and no body; others are answered."""
    with crowd(live, POST + rest):
        assert slowest(live) < PATIENCE


@contextmanager
def crowd(live: Live, sent: bytes) -> Iterator[None]:
    """Let many clients connect, send something, and wait; in the end they hang up."""
    with ExitStack() as lines:
        for _ in range(CROWD):
            line = socket.create_connection(("127.0.0.1", live.server.port), timeout=PATIENCE)
            lines.enter_context(line)
            line.sendall(sent)
        yield
    assert live.ask("/v1/meta").status == 200


def slowest(live: Live) -> float:
    """Return how long the slowest of a few questions took."""
    taken = []
    for _ in range(5):
        began = time.monotonic()
        answer = live.raw(GET + b"Connection: close\r\n\r\n", patience=PATIENCE)
        taken.append(time.monotonic() - began)
        assert answer.startswith(b"HTTP/1.1 200")
    return max(taken)


def memory(live: Live) -> int:
    """Return the bytes that the processes which answer have in memory."""
    total = 0
    assert live.server.process is not None
    for process in children(live.server.process.pid):
        told = Path(f"/proc/{process}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", told)
        assert found is not None
        total += int(found.group(1)) * 1024
    return total
