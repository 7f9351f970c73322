"""What holds: lists of cells, the explained answer, the timeline.

Next: tests/journeys/test_way_of_an_event.py, all of it end to end.
"""

from dataclasses import replace
from typing import Final

from flask import Response
from flask_smorest import Blueprint

from service.api import openapi, rendering
from service.api.cursors import Cursor
from service.api.openapi import PROVIDER_IN_PATH, REGION_IN_PATH
from service.api.query import AS_OF, CURSOR, KNOWN_AT, LIMIT, Parameter, Query, check_path
from service.api.responses import answer, paging, pinned
from service.api.wiring import wired
from service.application import asking
from service.application.asking import CellFilter, Window, moment
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.answers import Question
from service.domain.resolution import State
from service.domain.scope import PUBLIC
from service.domain.times import When

blueprint = Blueprint("access", __name__, url_prefix="/v1/access")

_AUDIENCE: Final = Parameter(
    name="audience",
    description="Who asks: a registered audience. The general public where it is left out.",
    schema={"type": "string", "default": PUBLIC},
)
_SERVICE: Final = Parameter(
    name="service",
    description="One service by its path below the provider; all top-level ones if left out.",
    example="api",
)
_LISTING: Final = (
    Parameter(name="provider", description="Providers.", example="openai", many=True),
    Parameter(
        name="service", description="Services, by their paths below the provider.", many=True
    ),
    Parameter(
        name="region",
        description="Countries, subdivisions or groups; all countries where it is left out.",
        example="CN",
        many=True,
    ),
    _AUDIENCE,
    Parameter(
        name="state",
        description="Only cells in one of these states.",
        schema={"type": "string", "enum": [state.value for state in State]},
        many=True,
    ),
    AS_OF,
    KNOWN_AT,
    LIMIT,
    CURSOR,
)
_EXPLAINED: Final = (_SERVICE, _AUDIENCE, AS_OF, KNOWN_AT)
_TIMELINE: Final = (
    _SERVICE,
    _AUDIENCE,
    Parameter(
        name="from",
        description="Intervals that last beyond this date or instant.",
        example="2023-01-01",
    ),
    Parameter(name="until", description="Intervals that begin before this date or instant."),
    KNOWN_AT,
)


@blueprint.route("")
@blueprint.doc(**openapi.reading(_LISTING, "Cells"))
@requires(Role.READER)
def listed() -> Response:
    """List cells with their states.

    One item for every provider, service and region. Every part of the list tells of the same
    world: the cursor keeps the day and the position that the first part was answered for.
    """
    query = Query.of_request(_LISTING)
    wanted = CellFilter(
        providers=query.items("provider"),
        services=query.items("service"),
        regions=query.items("region"),
        audience=query.text("audience") or PUBLIC,
        states=query.words("state", State),
    )
    cursor, limit, now = query.cursor(), query.limit(), wired().now()
    as_of, known_at = _asked(query, cursor)
    listing = asking.listing(wired().database, wanted, moment(as_of, now), known_at, now)
    start = 0 if cursor is None else int(cursor.after)
    end = start + limit
    after = Cursor(after=str(end), known_at=listing.known_at.position, as_of=listing.as_of.text)
    following = query.following(after if end < len(listing.rows) else None)
    links = paging(query, following)
    links.append(pinned(query, listing.known_at, listing.as_of))
    return answer(rendering.cells(listing, listing.rows[start:end], following), links=links)


@blueprint.route("/<provider>/<region>", parameters=[PROVIDER_IN_PATH, REGION_IN_PATH])
@blueprint.doc(**openapi.reading(_EXPLAINED, "Explained", 404))
@requires(Role.READER)
def explained(provider: str, region: str) -> Response:
    """Explain the state of a provider's services in a region.

    The state on a day (or at an instant) as known at a position, since and until when, why, from
    which sources, and what is to come.
    """
    check_path(provider=provider, region=region)
    query = Query.of_request(_EXPLAINED)
    now = wired().now()
    asked = replace(_question(query, provider, region), as_of=moment(query.text("as_of"), now))
    found = asking.explained(wired().database, asked, query.text("known_at"), now)
    return answer(rendering.explained(found), links=[pinned(query, found.known_at, found.as_of)])


@blueprint.route("/<provider>/<region>/timeline", parameters=[PROVIDER_IN_PATH, REGION_IN_PATH])
@blueprint.doc(**openapi.reading(_TIMELINE, "Timeline", 404))
@requires(Role.READER)
def timeline(provider: str, region: str) -> Response:
    """Tell how the state changed, in half-open intervals.

    Each names the events that began and ended it. Bounds are days, or instants where `from` or
    `until` is one.
    """
    check_path(provider=provider, region=region)
    query = Query.of_request(_TIMELINE)
    window = Window(since=query.bound("from"), until=query.bound("until"))
    found = asking.intervals(
        wired().database,
        _question(query, provider, region),
        window,
        query.text("known_at"),
        wired().now(),
    )
    return answer(rendering.timeline(found), links=[pinned(query, found.known_at)])


def _question(query: Query, provider: str, region: str) -> Question:
    """Return a question of today."""
    return Question(
        provider=provider,
        region=region,
        as_of=When.on(wired().now().date()),
        service=query.text("service"),
        audience=query.text("audience") or PUBLIC,
    )


def _asked(query: Query, cursor: Cursor | None) -> tuple[str | None, str | None]:
    """Return the as_of and known_at of a list: of its first part, wherever it goes on."""
    if cursor is None:
        return query.text("as_of"), query.text("known_at")
    return cursor.as_of, f"@{cursor.known_at}"
