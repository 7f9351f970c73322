"""What differs: between two dates, between two positions, and in the past of one cell.

Next: service/application/comparing.py, how it is found.
"""

from typing import Final

from flask import Response
from flask_smorest import Blueprint

from service.api import changes, openapi
from service.api.access import AUDIENCE, SERVICE
from service.api.cursors import Cursor
from service.api.openapi import PROVIDER_IN_PATH, REGION_IN_PATH
from service.api.query import AS_OF, CURSOR, KNOWN_AT, LIMIT, Parameter, Query, check_path
from service.api.reads import PINNED, Read, fixed_position
from service.api.responses import canonical, paging
from service.api.wiring import wired
from service.application import comparing
from service.application.asking import CellFilter
from service.application.comparing import Differences
from service.application.moments import moment
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.answers import Question
from service.domain.resolution import RULE, State
from service.domain.scope import PUBLIC
from service.domain.times import When
from service.schemas.faults import Fault, InvalidInput

blueprint = Blueprint("comparing", __name__, url_prefix="/v1/access")

_WORLD: Final = ("from", "until", "known_at")
_RECORD: Final = ("known_from", "known_until", "as_of")
_DIFF: Final = (
    Parameter(
        name="from",
        description="The first of two dates (or instants), with `until`: what the world changed.",
        example="2024-07-08",
    ),
    Parameter(name="until", description="The second of two dates.", example="2024-07-09"),
    KNOWN_AT,
    Parameter(
        name="known_from",
        description=(
            "The first of two positions (or times of the record): what was learned since, with "
            "corrections. As `known_at`; not together with `from`."
        ),
    ),
    Parameter(
        name="known_until",
        description="The second of two positions; all that is known where it is left out.",
    ),
    AS_OF,
    Parameter(name="provider", description="Providers.", example="openai", many=True),
    Parameter(
        name="service", description="Services, by their paths below the provider.", many=True
    ),
    Parameter(
        name="region",
        description="Countries, subdivisions or groups; all countries where it is left out.",
        many=True,
    ),
    AUDIENCE,
    Parameter(
        name="state",
        description="Only cells that are in one of these states before or after.",
        schema={"type": "string", "enum": [state.value for state in State]},
        many=True,
    ),
    LIMIT,
    CURSOR,
)
_REVISIONS: Final = (SERVICE, AUDIENCE, AS_OF)


@blueprint.route("/diff")
@blueprint.doc(**openapi.reading(_DIFF, "Differences"))
@requires(Role.READER)
def diff() -> Response:
    """List cells whose answer differs.

    Between two dates as known at one position (`from`, `until`), or on one date as known at two
    positions (`known_from`, `known_until`): exactly one of the two. `cause` is `record` where a
    correction within the range made the difference, else `world`.
    """
    read = Read.begin(_DIFF, changes.DIFFERENCE_COLUMNS, fixed=_fixed)
    found = _compared(read, _filter(read.query))
    since, until = found.known_at
    start, limit = read.start(), read.query.limit()
    after = Cursor(
        after=str(start + limit),
        known_at=until.position,
        as_of=found.as_of[1].text,
        known_from=since.position,
    )
    following = read.query.following(after if start + limit < len(found.items) else None)
    shown = found.items[start : start + limit]
    links = [*paging(read.query, following), canonical(read.query, _pins(read.query, found))]
    value = changes.differences(found, shown, following)
    return read.answer(value, *_positions(read.query, found), links=links)


@blueprint.route("/<provider>/<region>/revisions", parameters=[PROVIDER_IN_PATH, REGION_IN_PATH])
@blueprint.doc(**openapi.reading(_REVISIONS, "Revisions", 404))
@requires(Role.READER)
def revisions(provider: str, region: str) -> Response:
    """List the positions at which the answer changed.

    For one date: what was answered before, what after, and the event in between.
    """
    check_path(provider=provider, region=region)
    read = Read.begin(_REVISIONS, changes.REVISION_COLUMNS)
    question = Question(
        provider=provider,
        region=region,
        as_of=moment(read.query.text("as_of"), read.now),
        service=read.query.text("service"),
        audience=read.query.text("audience") or PUBLIC,
    )
    known_at, found = comparing.revisions(wired().database, question, read.now)
    return read.answer(changes.revisions(question, RULE, known_at, found), known_at)


def _compared(read: Read, wanted: CellFilter) -> Differences:
    """Compare in the one of the two ways that is asked for.

    Raises:
        InvalidInput: None is, or both are.
    """
    query, database, cursor = read.query, wired().database, read.query.cursor()
    _check_form(query)
    if "from" in query.values:
        ends = (When.moment(query.values["from"], path=("from",)), query.bound("until"))
        assert ends[1] is not None  # noqa: S101 -- checked with the form
        return comparing.over_dates(database, wanted, (ends[0], ends[1]), read.known_at(), read.now)
    known = (query.values["known_from"], query.text("known_until"))
    if cursor is not None:
        known = (f"@{cursor.known_from}", f"@{cursor.known_at}")
    as_of = moment(read.as_of(), read.now)
    return comparing.over_positions(database, wanted, as_of, known, read.now)


def _check_form(query: Query) -> None:
    given = query.values.keys()
    world, record = given & {"from", "until"}, given & {"known_from", "known_until"}
    if bool(world) == bool(record):
        stray = min(record, default="from")
        detail = (
            "Compare either two dates (from and until, with known_at) or two states of the record "
            "(known_from and known_until, with as_of)" + (", not both." if world else ": give one.")
        )
        raise InvalidInput([Fault(parameter=stray, detail=detail)])
    allowed, needed = (_WORLD, ("from", "until")) if world else (_RECORD, ("known_from",))
    faults = [
        Fault(parameter=name, detail=f"This comparison needs {' and '.join(needed)}.")
        for name in needed
        if name not in given
    ]
    faults += [
        Fault(parameter=name, detail=f"This belongs to the other comparison: {_other(name)}.")
        for name in sorted(given & {*_WORLD, *_RECORD} - {*allowed})
    ]
    if faults:
        raise InvalidInput(faults)


def _other(name: str) -> str:
    return (
        "two dates, from and until, are compared as known at one position"
        if name in _WORLD
        else "two positions, known_from and known_until, are compared for one date"
    )


def _filter(query: Query) -> CellFilter:
    return CellFilter(
        providers=query.items("provider"),
        services=query.items("service"),
        regions=query.items("region"),
        audience=query.text("audience") or PUBLIC,
        states=query.words("state", State),
    )


def _fixed(query: Query) -> bool:
    """Tell whether both times are pinned, in either form."""
    if "known_from" not in query.values:
        return fixed_position(query)
    ends = (query.values.get(name, "") for name in ("known_from", "known_until"))
    return "as_of" in query.values and all(PINNED.fullmatch(end) for end in ends)


def _positions(query: Query, found: Differences) -> tuple[int, ...]:
    since, until = (one.position for one in found.known_at)
    return (since, until) if "known_from" in query.values else (until,)


def _pins(query: Query, found: Differences) -> dict[str, str]:
    since, until = found.known_at
    if "known_from" not in query.values:
        return {"known_at": f"@{until.position}"}
    return {
        "known_from": f"@{since.position}",
        "known_until": f"@{until.position}",
        "as_of": found.as_of[1].text,
    }
