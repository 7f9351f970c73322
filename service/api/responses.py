"""Answers as responses: ready bytes, and the links to what comes next."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
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
    links = [link("first", _without_cursor(query))]
    if following is not None:
        links.insert(0, link("next", {**query.values, "cursor": following}))
    return links


def pinned(query: Query, known_at: KnownAt, as_of: When | None = None) -> str:
    """Return the link to the form of a question whose answer never changes."""
    named: dict[str, Any] = {} if as_of is None else {"as_of": as_of.text}
    named["known_at"] = f"@{known_at.position}"
    return link("canonical", {**_without_cursor(query), **named})


def link(rel: str, parameters: Mapping[str, str]) -> str:
    """Return a link to this path with other parameters; no host, which a client could forge."""
    path = quote(request.script_root + request.path, safe="/~")
    query = urlencode(list(parameters.items()), safe="@:/,")
    return f'<{path}{"?" if query else ""}{query}>; rel="{rel}"'


def _without_cursor(query: Query) -> dict[str, str]:
    return {name: value for name, value in query.values.items() if name != "cursor"}
