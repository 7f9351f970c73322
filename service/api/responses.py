"""Answers as responses: ready bytes, and the links to what comes next."""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, urlencode

from flask import Response, request

from service.api.query import Query
from service.domain.answers import KnownAt
from service.domain.codec import answer_bytes
from service.domain.times import When

MEDIA_TYPE: Final = "application/json"


def answer(
    value: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    links: Iterable[str] = (),
) -> Response:
    """Return an answer as JSON."""
    response = Response(answer_bytes(value), status, headers, content_type=MEDIA_TYPE)
    told = ", ".join(links)
    if told:
        response.headers["Link"] = told
    return response


def paging(query: Query, following: str | None) -> list[str]:
    """Return the links of a part of a list: to the next one, and to the first."""
    links = [_link("first", part(query, None))]
    if following is not None:
        links.insert(0, _link("next", part(query, following)))
    return links


def part(query: Query, cursor: str | None) -> str:
    """Return the target of a part of a list, None being the cursor of the first."""
    return _target(_question(query) | ({} if cursor is None else {"cursor": cursor}))


def pinned(query: Query, known_at: KnownAt, as_of: When | None = None) -> str:
    """Return the link to the form of a question whose answer never changes."""
    named = {} if as_of is None else {"as_of": as_of.text}
    return canonical(query, named | {"known_at": f"@{known_at.position}"})


def canonical(query: Query, pins: Mapping[str, str]) -> str:
    """Return the link to a question with every time that it leaves open named."""
    return _link("canonical", _target({**_question(query), **pins}))


def _link(rel: str, target: str) -> str:
    return f'<{target}>; rel="{rel}"'


def _target(parameters: Mapping[str, str]) -> str:
    """Return this path with other parameters; no host, which a client could forge."""
    path = quote(request.script_root + request.path, safe="/~")
    query = urlencode(list(parameters.items()), safe="@:/,")
    return f"{path}{'?' if query else ''}{query}"


def _question(query: Query) -> dict[str, str]:
    """Return what is asked, wherever the list goes on and whatever the client waits for."""
    return {
        name: value
        for name, value in query.values.items()
        if name not in ("cursor", "min_position")
    }
