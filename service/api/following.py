"""What is to come and what has changed answers, as lists, as a calendar and as a feed."""

from datetime import UTC, date
from typing import Final

from flask import Response
from flask_smorest import Blueprint

from service.api import changes as rendering
from service.api import openapi
from service.api.cursors import Cursor
from service.api.query import CURSOR, KNOWN_AT, LIMIT, Parameter, Query
from service.api.reads import Read, fixed_position, following
from service.api.responses import canonical, paging, part
from service.api.wiring import wired
from service.application import following as use_case
from service.application.following import Agenda, ChangesMade
from service.auth.credentials import Role
from service.auth.guard import requires
from service.feeds import atom, calendar
from service.projections.known import Near

blueprint = Blueprint("following", __name__, url_prefix="/v1")

DEFAULT_WITHIN: Final = 90
MAX_WITHIN: Final = 3_650

_NEAR: Final = (
    Parameter(name="provider", description="Only where it reaches this provider."),
    Parameter(
        name="region",
        description="Only where it lies around this region, or reaches into it.",
        example="IT",
    ),
)
_AHEAD: Final = (
    Parameter(
        name="from",
        description="The day whose future is told, as it was seen then; today in UTC if left out.",
        schema={"type": "string", "format": "date"},
        example="2024-07-01",
    ),
    Parameter(
        name="within",
        description="Days ahead.",
        schema={
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_WITHIN,
            "default": DEFAULT_WITHIN,
        },
    ),
    *_NEAR,
    KNOWN_AT,
)
_UPCOMING: Final = (*_AHEAD, LIMIT, CURSOR)
_CHANGES: Final = (*_NEAR, LIMIT, CURSOR)


def _fixed(query: Query) -> bool:
    return "from" in query.values and fixed_position(query)


@blueprint.route("/upcoming")
@blueprint.doc(**openapi.reading(_UPCOMING, "Agenda"))
@requires(Role.READER)
def upcoming() -> Response:
    """List changes to come: dated ones in their order, then those without a date.

    Scheduled (adopted), ending, announced and proposed ones, as they stood on the day `from`.
    """
    read = Read.begin(_UPCOMING, rendering.UPCOMING_COLUMNS, fixed=_fixed)
    found = _agenda(read)
    start = read.start()
    shown = found.items[start : start + read.query.limit()]
    next_ = following(read.query, start, len(found.items), found.known_at, found.since.isoformat())
    links = [*paging(read.query, next_), _pinned(read, found)]
    return read.answer(rendering.agenda(found, shown, next_), found.known_at, links=links)


@blueprint.route("/upcoming.ics")
@blueprint.doc(**openapi.feed(_AHEAD, calendar.MEDIA_TYPE, "A calendar (RFC 5545)."))
@requires(Role.READER)
def upcoming_ics() -> Response:
    """Return dated changes to come as a calendar to subscribe to.

    What was withdrawn or repealed before it came is CANCELLED under the same UID. Changes without a
    date are left out.
    """
    read = Read.begin(_AHEAD, fixed=_fixed, form=calendar.MEDIA_TYPE)
    found = _agenda(read)
    body = calendar.calendar(found, wired().public_url)
    return read.written(body, calendar.MEDIA_TYPE, found.known_at, links=[_pinned(read, found)])


@blueprint.route("/changes")
@blueprint.doc(**openapi.reading(_CHANGES, "Changes"))
@requires(Role.READER)
def changes() -> Response:
    """List the events that changed answers, newest first.

    `cause` is `record` where our record was corrected, else `world`.
    """
    read = Read.begin(_CHANGES, rendering.CHANGE_COLUMNS)
    found = _made(read)
    next_ = _next(read, found)
    links = paging(read.query, next_)
    return read.answer(rendering.changes(found, next_), found.known_at, links=links)


@blueprint.route("/changes.atom")
@blueprint.doc(**openapi.feed(_CHANGES, atom.MEDIA_TYPE, "A feed (RFC 4287)."))
@requires(Role.READER)
def changes_atom() -> Response:
    """Return the events that changed answers as a feed to subscribe to, newest first."""
    read = Read.begin(_CHANGES, form=atom.MEDIA_TYPE)
    found = _made(read)
    next_ = _next(read, found)
    base = wired().public_url
    targets = {"self": read.query.values.get("cursor"), "next": next_}
    links = {
        rel: base + part(read.query, cursor)
        for rel, cursor in targets.items()
        if cursor is not None or rel == "self"
    }
    body = atom.feed(found, _near(read.query), links, base)
    return read.written(body, atom.MEDIA_TYPE, found.known_at, links=paging(read.query, next_))


def _near(query: Query) -> Near:
    return Near(provider=query.text("provider"), region=query.text("region"))


def _agenda(read: Read) -> Agenda:
    query = read.query
    return use_case.upcoming(
        wired().database,
        _since(read),
        query.number("within", DEFAULT_WITHIN, least=1, most=MAX_WITHIN),
        read.now,
        near=_near(query),
        known_at=read.known_at(),
    )


def _since(read: Read) -> date:
    """Return the day that is asked for: that of the list's first part, wherever it goes on."""
    cursor = read.query.cursor()
    if cursor is not None and cursor.as_of is not None:
        return date.fromisoformat(cursor.as_of)
    return read.query.day("from") or read.now.astimezone(UTC).date()


def _pinned(read: Read, found: Agenda) -> str:
    pins = {"from": found.since.isoformat(), "known_at": f"@{found.known_at.position}"}
    return canonical(read.query, pins)


def _made(read: Read) -> ChangesMade:
    cursor = read.query.cursor()
    before = None if cursor is None else int(cursor.after)
    return use_case.changes(
        wired().database, _near(read.query), before=before, limit=read.query.limit()
    )


def _next(read: Read, found: ChangesMade) -> str | None:
    return read.query.following(None if found.next is None else Cursor(after=str(found.next)))
