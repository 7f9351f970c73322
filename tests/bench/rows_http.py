"""Answers over HTTP against a Flask view that returns the same bytes.

A question is another one each time, unless the row says so: other cells, other days. In process
(one WSGI call, both sides alike) where our code is what costs; by a real server where the server
is, which is so once an answer is kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import cycle, islice
from typing import Final

import orjson

from service.app import create_app
from service.settings import Settings
from tests.bench import served
from tests.bench.data import OCTET, SOLO, clock, distinct, log_of, questions
from tests.bench.frame import Finding, NotHere, Row, Size, everywhere
from tests.bench.ground import Ground
from tests.bench.peers import bare, smorest
from tests.bench.sides import Act, clock_of, compare, fitting, pair
from tests.bench.wsgi import Application, Request, ask

_MICRO: Final = 1e6
_FIRST: Final = 20
"""Questions that go before the rounds of a row, at most."""


def _ours(place: Ground, size: Size) -> Application:
    """Return our application over the log, metrics and headers on, without a log line a request.

    Each row has its own, so that none is answered by what another made it keep.
    """
    url, _ = log_of(place, size.events)
    app = create_app(Settings(database_url=url, log_level="WARNING"), clock=clock)
    place.closing.callback(app.extensions["accessline"].database.dispose)
    return app


def _once_each(size: Size) -> int:
    """Return how many calls a round may have, so that no question comes twice."""
    most = (distinct(size.events) - _FIRST) // size.rounds
    return max(1, min(size.calls, most))


def _checks(size: Size, path: str = "/v1/access/check") -> Iterator[Request]:
    for one in questions(size.events, SOLO):
        cell = {"provider": one.provider, "service": one.service, "region": one.region}
        yield Request(path=path, body=orjson.dumps({"as_of": one.day, "cells": [cell]}))


def _explanations(size: Size, provider: str, known_at: str = "") -> Iterator[Request]:
    for one in questions(size.events, provider):
        query = f"as_of={one.day}{known_at}"
        yield Request(path=f"/v1/access/{one.provider}/{one.region}", query=query)


def _acts(app: Application, requests: Iterator[Request]) -> Iterator[Act]:
    for request in requests:
        yield partial(_answered, app, request)


def _answered(app: Application, request: Request) -> bytes:
    answer = ask(app, request)
    assert answer.status == 200, answer.body
    return answer.body


def _against_bare(place: Ground, size: Size, requests: Callable[[], Iterator[Request]]) -> Finding:
    ours = _ours(place, size)
    coming = requests()
    body = max((_answered(ours, one) for one in islice(coming, 8)), key=len)
    hello = bare.application(body)
    same = cycle([Request(path="/", body=next(coming).body)])
    found = compare(
        _acts(ours, coming),
        _acts(hello, same),
        calls=_once_each(size),
        rounds=size.rounds,
        clock=clock_of(place.engine),
    )
    return Finding(
        value=found.ratio,
        ours=found.ours * _MICRO,
        other=found.other * _MICRO,
        unit="µs",
        also={"bytes of the answer": len(body)},
    )


def _check(place: Ground, size: Size) -> Finding:
    return _against_bare(place, size, partial(_checks, size))


def _check_peer(place: Ground, size: Size) -> Finding:
    ours, peer = _ours(place, size), _peer(place, size)
    found = compare(
        _acts(ours, _checks(size)),
        _acts(peer, _checks(size, path="/check")),
        calls=_once_each(size),
        rounds=size.rounds,
        clock=clock_of(place.engine),
    )
    return Finding(
        value=found.ratio, ours=found.ours * _MICRO, other=found.other * _MICRO, unit="µs"
    )


def _peer(place: Ground, size: Size) -> Application:
    """Return the peer over as many segments as the log has events, of the same cells."""

    def made() -> Application:
        url = place.url("peer").replace("postgresql://", "postgresql+psycopg://")
        app = smorest.application(url, _changes(size.events))
        place.closing.callback(app.extensions["engine"].dispose)
        return app

    return place.once("smorest", made)


def _changes(events: int) -> Iterator[smorest.Change]:
    asked = questions(events, SOLO)
    seen: set[tuple[str, str]] = set()
    for one in islice(asked, events):
        if (one.region, one.day) in seen:
            return
        seen.add((one.region, one.day))
        state = ("blocked", "suspended", "unknown")[len(seen) % 3]
        yield one.provider, one.service, one.region, date.fromisoformat(one.day), state


def _explained(provider: str, place: Ground, size: Size) -> Finding:
    return _against_bare(place, size, partial(_explanations, size, provider))


# By a server.


def _again(known_at: str, status: int, place: Ground, size: Size) -> Finding:
    """Ask one question again and again, of our server and of one that returns the same bytes."""
    if not served.supported():
        message = "This system does not say what its processes take: it has no /proc/PID/schedstat."
        raise NotHere(message)
    url, _ = log_of(place, size.events)
    request = next(_explanations(size, SOLO, known_at))
    answer = ask(_ours(place, size), request)
    assert answer.status == 200, answer.body
    same = Request(path="/")
    start = place.closing.enter_context
    ours = place.once(("served", url), lambda: start(served.ours(url)))
    hello = place.once(answer.body, lambda: start(served.bare(answer.body, place.folder)))
    with served.clients(ours, hello) as (mine, its):
        if status == 304:
            headers = {"HTTP_IF_NONE_MATCH": _tag_of(ours.port, request)}
            request = replace(request, headers=headers)
        served.each(ours, mine, [request] * served.CONNECTIONS, status)
        first = served.each(ours, mine, [request] * served.CONNECTIONS, status)
        many = max(fitting(first, size.calls * 5), served.CONNECTIONS)
        rounds = [
            (
                served.each(ours, mine, [request] * many, status),
                served.each(hello, its, [same] * many),
            )
            for _ in range(size.rounds)
        ]
    found = pair([one for one, _ in rounds], [one for _, one in rounds])
    return Finding(
        value=found.ratio, ours=found.ours * _MICRO, other=found.other * _MICRO, unit="µs"
    )


def _tag_of(port: int, request: Request) -> str:
    from urllib.request import urlopen  # noqa: PLC0415 -- the one place that needs it

    with urlopen(f"http://127.0.0.1:{port}{request.path}?{request.query}") as answer:
        return str(answer.headers["ETag"])


_PINNED: Final = "&known_at=@100"
_IMMUTABLE: Final = everywhere(3.5, 4)
_FLOATING: Final = everywhere(2.5, 3)

ROWS: Final = (
    Row(
        name="check",
        what="POST /v1/access/check, one cell : bare Flask",
        measure=_check,
        budgets=everywhere(0.40, 0.50),
    ),
    Row(
        name="check-peer",
        what="the same : flask-smorest, marshmallow, ORM",
        measure=_check_peer,
    ),
    Row(
        name="explain-1",
        what="explained answer, one service : bare Flask",
        measure=partial(_explained, SOLO),
        budgets=everywhere(0.30, 0.40),
    ),
    Row(
        name="explain-8",
        what="explained answer, eight services : bare Flask",
        measure=partial(_explained, OCTET[0]),
        budgets=everywhere(0.15, 0.25),
    ),
    Row(
        name="again-immutable",
        what="the same again, immutable : bare Flask, served",
        measure=partial(_again, _PINNED, 200),
        budgets=_IMMUTABLE,
    ),
    Row(
        name="again-floating",
        what="the same again, floating : bare Flask, served",
        measure=partial(_again, "", 200),
        budgets=_FLOATING,
    ),
    Row(
        name="again-304",
        what="the same again, 304, immutable : bare Flask, served",
        measure=partial(_again, _PINNED, 304),
        budgets=_IMMUTABLE,
    ),
    Row(
        name="again-304-floating",
        what="the same again, 304, floating : bare Flask, served",
        measure=partial(_again, "", 304),
        budgets=_FLOATING,
    ),
)
