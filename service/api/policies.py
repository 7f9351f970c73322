"""Policies: where each stands on a day, its directives, its last review."""

from typing import Final

from flask import Response
from flask_smorest import Blueprint

from service.api import openapi, rendering
from service.api.cursors import Cursor
from service.api.openapi import SLUG_IN_PATH
from service.api.problems import UnknownInPath
from service.api.query import AS_OF, CURSOR, KNOWN_AT, LIMIT, Query, check_path
from service.api.responses import answer, paging, pinned
from service.api.wiring import wired
from service.application import asking
from service.application.asking import moment
from service.auth.credentials import Role
from service.auth.guard import requires

blueprint = Blueprint("policies", __name__, url_prefix="/v1/policies")

_LIST: Final = (AS_OF, KNOWN_AT, LIMIT, CURSOR)
_ONE: Final = (AS_OF, KNOWN_AT)


@blueprint.route("")
@blueprint.doc(**openapi.reading(_LIST, "Policies"))
@requires(Role.READER)
def listed() -> Response:
    """List policies by slug, as they stood on a day and were known.

    A policy that had not begun on the day is left out, so a part of the list may hold fewer items
    than `limit`.
    """
    query = Query.of_request(_LIST)
    cursor, limit, now = query.cursor(), query.limit(), wired().now()
    found = asking.policies(
        wired().database,
        as_of=moment(query.text("as_of") if cursor is None else cursor.as_of, now),
        known_at=query.text("known_at") if cursor is None else f"@{cursor.known_at}",
        now=now,
        after=None if cursor is None else cursor.after,
        limit=limit,
    )
    after = found.next and Cursor(
        after=found.next, known_at=found.known_at.position, as_of=found.as_of.text
    )
    following = query.following(after or None)
    links = [*paging(query, following), pinned(query, found.known_at, found.as_of)]
    return answer(rendering.policies(found, following), links=links)


@blueprint.route("/<slug>", parameters=[SLUG_IN_PATH])
@blueprint.doc(**openapi.reading(_ONE, "Policy", 404))
@requires(Role.READER)
def one(slug: str) -> Response:
    """Return one policy: its status, and where each of its directives stands."""
    check_path(slug=slug)
    query = Query.of_request(_ONE)
    now = wired().now()
    as_of = moment(query.text("as_of"), now)
    known_at, found = asking.policy(
        wired().database, slug, as_of=as_of, known_at=query.text("known_at"), now=now
    )
    if found is None:
        detail = (
            f"The policy {slug!r} had not begun on {as_of}, as known at position "
            f"{known_at.position}. Ask for a later 'as_of', or without 'known_at'."
        )
        raise UnknownInPath(detail)
    links = [pinned(query, known_at, as_of)]
    return answer(rendering.policy(found, as_of, known_at), links=links)
