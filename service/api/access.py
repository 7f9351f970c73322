"""What holds: lists of cells, the explained answer, the timeline.

Next: tests/journeys/test_way_of_an_event.py, all of it end to end.
"""

from typing import Final

from flask import Response
from flask_smorest import Blueprint

from service.api import openapi, rendering
from service.api.openapi import PROVIDER_IN_PATH, REGION_IN_PATH
from service.api.query import AS_OF, CURSOR, KNOWN_AT, LIMIT, Parameter, check_path
from service.api.reads import Read, fixed_position, fixed_times, following
from service.api.responses import paging, pinned
from service.api.wiring import wired
from service.application import asking
from service.application.asking import CellFilter, Window
from service.application.moments import moment
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.answers import Question
from service.domain.resolution import State
from service.domain.scope import PUBLIC
from service.domain.times import When

blueprint = Blueprint("access", __name__, url_prefix="/v1/access")

AUDIENCE: Final = Parameter(
    name="audience",
    description="Who asks: a registered audience. The general public where it is left out.",
    schema={"type": "string", "default": PUBLIC},
)
SERVICE: Final = Parameter(
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
    AUDIENCE,
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
_EXPLAINED: Final = (SERVICE, AUDIENCE, AS_OF, KNOWN_AT)
_TIMELINE: Final = (
    SERVICE,
    AUDIENCE,
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
    read = Read.begin(_LISTING, rendering.CELL_COLUMNS, fixed=fixed_times)
    query = read.query
    wanted = CellFilter(
        providers=query.items("provider"),
        services=query.items("service"),
        regions=query.items("region"),
        audience=query.text("audience") or PUBLIC,
        states=query.words("state", State),
    )
    as_of = moment(read.as_of(), read.now)
    listing = asking.listing(wired().database, wanted, as_of, read.known_at(), read.now)
    start = read.start()
    rows = listing.rows[start : start + query.limit()]
    next_ = following(query, start, len(listing.rows), listing.known_at, listing.as_of.text)
    links = [*paging(query, next_), pinned(query, listing.known_at, listing.as_of)]
    return read.answer(rendering.cells(listing, rows, next_), listing.known_at, links=links)


@blueprint.route("/<provider>/<region>", parameters=[PROVIDER_IN_PATH, REGION_IN_PATH])
@blueprint.doc(**openapi.reading(_EXPLAINED, "Explained", 404))
@requires(Role.READER)
def explained(provider: str, region: str) -> Response:
    """Explain the state of a provider's services in a region.

    The state on a day (or at an instant) as known at a position, since and until when, why, from
    which sources, and what is to come.
    """
    check_path(provider=provider, region=region)
    read = Read.begin(_EXPLAINED, fixed=fixed_times)
    asked = _question(read, provider, region, moment(read.query.text("as_of"), read.now))
    found = asking.explained(wired().database, asked, read.query.text("known_at"), read.now)
    links = [pinned(read.query, found.known_at, found.as_of)]
    return read.answer(rendering.explained(found), found.known_at, links=links)


@blueprint.route("/<provider>/<region>/timeline", parameters=[PROVIDER_IN_PATH, REGION_IN_PATH])
@blueprint.doc(**openapi.reading(_TIMELINE, "Timeline", 404))
@requires(Role.READER)
def timeline(provider: str, region: str) -> Response:
    """Tell how the state changed, in half-open intervals.

    Each names the events that began and ended it. Bounds are days, or instants where `from` or
    `until` is one.
    """
    check_path(provider=provider, region=region)
    read = Read.begin(_TIMELINE, rendering.INTERVAL_COLUMNS, fixed=fixed_position)
    window = Window(since=read.query.bound("from"), until=read.query.bound("until"))
    asked = _question(read, provider, region, When.on(read.now.date()))
    known_at = read.query.text("known_at")
    found = asking.intervals(wired().database, asked, window, known_at, read.now)
    links = [pinned(read.query, found.known_at)]
    return read.answer(rendering.timeline(found), found.known_at, links=links)


def _question(read: Read, provider: str, region: str, as_of: When) -> Question:
    return Question(
        provider=provider,
        region=region,
        as_of=as_of,
        service=read.query.text("service"),
        audience=read.query.text("audience") or PUBLIC,
    )
