"""Policies: where each stands on a day, its directives, its last review; and its audit trail."""

from typing import Final

from flask import Response
from flask_smorest import Blueprint

from service.api import changes, openapi, rendering
from service.api.cursors import Cursor
from service.api.openapi import SLUG_IN_PATH
from service.api.problems import UnknownInPath
from service.api.query import AS_OF, CURSOR, KNOWN_AT, LIMIT, check_path
from service.api.reads import Read, fixed_position, fixed_times, following
from service.api.responses import paging, pinned
from service.api.wiring import wired
from service.application import auditing, browsing
from service.application.moments import moment
from service.auth.credentials import Role
from service.auth.guard import requires

blueprint = Blueprint("policies", __name__, url_prefix="/v1/policies")

_LIST: Final = (AS_OF, KNOWN_AT, LIMIT, CURSOR)
_ONE: Final = (AS_OF, KNOWN_AT)
_TRAIL: Final = (KNOWN_AT, LIMIT, CURSOR)


@blueprint.route("")
@blueprint.doc(**openapi.reading(_LIST, "Policies"))
@requires(Role.READER)
def listed() -> Response:
    """List policies by slug, as they stood on a day and were known.

    A policy that had not begun on the day is left out, so a part of the list may hold fewer items
    than `limit`.
    """
    read = Read.begin(_LIST, rendering.POLICY_COLUMNS, fixed=fixed_times)
    cursor = read.query.cursor()
    found = browsing.policies(
        wired().database,
        as_of=moment(read.as_of(), read.now),
        known_at=read.known_at(),
        now=read.now,
        after=None if cursor is None else cursor.after,
        limit=read.query.limit(),
    )
    after = found.next and Cursor(
        after=found.next, known_at=found.known_at.position, as_of=found.as_of.text
    )
    next_ = read.query.following(after or None)
    links = [*paging(read.query, next_), pinned(read.query, found.known_at, found.as_of)]
    return read.answer(rendering.policies(found, next_), found.known_at, links=links)


@blueprint.route("/<slug>", parameters=[SLUG_IN_PATH])
@blueprint.doc(**openapi.reading(_ONE, "Policy", 404))
@requires(Role.READER)
def one(slug: str) -> Response:
    """Return one policy: its status, and where each of its directives stands."""
    check_path(slug=slug)
    read = Read.begin(_ONE, fixed=fixed_times)
    as_of = moment(read.query.text("as_of"), read.now)
    known_at, found = browsing.policy(
        wired().database,
        slug,
        as_of=as_of,
        known_at=read.query.text("known_at"),
        now=read.now,
    )
    if found is None:
        detail = (
            f"The policy {slug!r} had not begun on {as_of}, as known at position "
            f"{known_at.position}. Ask for a later 'as_of', or without 'known_at'."
        )
        raise UnknownInPath(detail)
    links = [pinned(read.query, known_at, as_of)]
    return read.answer(rendering.policy(found, as_of, known_at), known_at, links=links)


@blueprint.route("/<slug>/events", parameters=[SLUG_IN_PATH])
@blueprint.doc(**openapi.reading(_TRAIL, "Trail", 404))
@requires(Role.READER)
def trail(slug: str) -> Response:
    """List everything that was ever recorded of a policy, in the order of its positions.

    Each event as it was recorded, whether it stands, as what, and by which corrections; each
    correction with the event that it `corrects`.
    """
    check_path(slug=slug)
    read = Read.begin(_TRAIL, changes.ENTRY_COLUMNS, fixed=fixed_position)
    found = auditing.trail(wired().database, slug, read.known_at(), read.now)
    start = read.start()
    shown = found.entries[start : start + read.query.limit()]
    next_ = following(read.query, start, len(found.entries), found.known_at)
    links = [*paging(read.query, next_), pinned(read.query, found.known_at)]
    return read.answer(changes.trail(found, shown, next_), found.known_at, links=links)
