"""Coverage: how much of the world the record speaks of."""

from datetime import date
from typing import Final

from flask import Response
from flask_smorest import Blueprint

from service.api import openapi, tables
from service.api.query import CURSOR, KNOWN_AT, LIMIT, Parameter
from service.api.reads import Read, following
from service.api.responses import paging
from service.api.wiring import wired
from service.application.coverage import FIRST_YEAR, LAST_YEAR, Row, Wanted, coverage
from service.auth.credentials import Role
from service.auth.guard import requires

blueprint = Blueprint("coverage", __name__, url_prefix="/v1/coverage")

COLUMNS: Final = tables.columns_of(Row)

_COVERAGE: Final = (
    Parameter(name="provider", description="Providers.", example="openai", many=True),
    Parameter(
        name="region",
        description="Regions, each with a row of its own; all countries in one row, if left out.",
        example="CN",
        many=True,
    ),
    Parameter(
        name="year",
        description="Years: the last day of each is asked, or today. This year, if left out.",
        schema={"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_YEAR},
        example=2024,
        many=True,
    ),
    KNOWN_AT,
    LIMIT,
    CURSOR,
)


@blueprint.route("")
@blueprint.doc(**openapi.reading(_COVERAGE, "Coverage"))
@requires(Role.READER)
def listed() -> Response:
    """Count how many cells rest on a source, how many are unknown, and when somebody last looked.

    A cell is a top-level service in a country, for the public. `official` are those of which an
    official source decides, `press` the other known ones.
    """
    read = Read.begin(_COVERAGE, COLUMNS)
    query = read.query
    wanted = Wanted(
        providers=query.items("provider"),
        regions=query.items("region"),
        years=query.numbers("year", least=FIRST_YEAR, most=LAST_YEAR),
    )
    # A list goes on with the day on which it began.
    begun = read.as_of()
    today = None if begun is None else date.fromisoformat(begun)
    found = coverage(wired().database, wanted, read.known_at(), read.now, today)
    start, day = read.start(), found.today.isoformat()
    next_ = following(query, start, len(found.rows), found.known_at, day)
    shown = found.rows[start : start + query.limit()]
    value = {"known_at": found.known_at, "items": shown, "next": next_}
    return read.answer(value, found.known_at, links=paging(query, next_))
