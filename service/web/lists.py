"""Changes, what is to come, and how much is known: lists with a filter above, and feeds beside."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import groupby
from typing import Final

from flask import Blueprint, Response, request

from service.application import coverage as counting
from service.application import following
from service.application.coverage import Row, Wanted
from service.application.following import ChangeMade, Upcoming
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.errors import Refused
from service.store.engine import Database
from service.web import filters, words
from service.web.asking import house
from service.web.filters import Reading, link
from service.web.views import DEFAULT_PROVIDER, page

SHOWN: Final = 50
"""Changes on one page."""

WITHIN: Final = 365
MOST_WITHIN: Final = 3_650
_PERIODS: Final = ((90, "3 months"), (WITHIN, "a year"), (1_095, "3 years"), (MOST_WITHIN, "10"))
_MOST_YEARS: Final = 10
_MOST_ROWS: Final = 60

blueprint = Blueprint("lists", __name__)


@blueprint.get("/changes")
@requires(Role.READER)
def changes() -> Response:
    """List the events that changed answers, newest first."""
    asked = filters.read()
    before = asked.number("before", "Before position", least=1)
    found = following.changes(house().database, asked.near, before=before, limit=SHOWN)
    first = found.items[0].recorded.position if found.items else None
    return page(
        "changes.html",
        asked=asked,
        faults=asked.faults,
        before=before,
        days=_by_day(found.items),
        number=len(found.items),
        known_at=found.known_at,
        older=found.next and link("/changes", asked.place, {"before": found.next}),
        newest=link("/changes", asked.place),
        feed=link("/v1/changes.atom", asked.place),
        api=link("/v1/changes", asked.place),
        permalink=first and link("/changes", asked.place, {"before": first + 1}),
    )


def _by_day(items: Iterable[ChangeMade]) -> list[tuple[date, list[ChangeMade]]]:
    """Put changes together that were recorded on one day, in UTC."""
    parts = groupby(items, key=lambda one: one.recorded.recorded_at.astimezone(UTC).date())
    return [(day, list(some)) for day, some in parts]


@blueprint.get("/upcoming")
@requires(Role.READER)
def upcoming() -> Response:
    """Show what is to come by month, then what has no date yet."""
    asked = filters.read()
    since = asked.when("from", "From")
    day = asked.ask.today if since is None else since.day
    within = asked.number("within", "Days ahead", least=1, most=MOST_WITHIN) or WITHIN
    database, known = house().database, asked.ask.known
    found = following.upcoming(
        database, day, within, asked.ask.now, near=asked.near, known_at=known
    )
    ahead: dict[str, object] = {
        "from": None if since is None else day.isoformat(),
        "within": within,
    }
    given = (ahead, asked.place, asked.pin)
    pinned = {"from": day.isoformat(), "known_at": known}
    return page(
        "upcoming.html",
        asked=asked,
        faults=asked.faults,
        found=found,
        within=within,
        periods=_PERIODS,
        months=_by_month(found.items),
        undated=[one for one in found.items if one.on is None],
        calendar=link("/v1/upcoming.ics", *given),
        api=link("/v1/upcoming", *given),
        permalink=link("/upcoming", *given, pinned),
    )


def _by_month(items: Sequence[Upcoming]) -> list[tuple[str, list[Upcoming]]]:
    dated = ((one.on.day, one) for one in items if one.on is not None)
    parts = groupby(dated, key=lambda one: one[0].replace(day=1))
    return [(words.month(first), [one for _, one in some]) for first, some in parts]


@blueprint.get("/coverage")
@requires(Role.READER)
def coverage() -> Response:
    """Show how many cells rest on a source, by provider and year."""
    asked = filters.read()
    every = "provider" in request.args and asked.near.provider is None and not asked.faults
    providers = _providers(asked, every=every)
    years = _years(asked)
    if len(providers) * len(years) > _MOST_ROWS:
        asked.faults.append("All providers are counted for one year at a time: the last is shown.")
        years = years[-1:]
    rows = _counted(asked, providers, years)
    pinned = {"known_at": asked.ask.known}
    query = {
        "provider": None if every else ",".join(providers) or None,
        "region": asked.near.region,
        "year": ",".join(map(str, years)),
    }
    return page(
        "coverage.html",
        asked=asked,
        faults=asked.faults,
        every=every,
        provider_=None if every or not providers else providers[0],
        years=years,
        groups=[(id_, list(some)) for id_, some in groupby(rows, key=lambda row: row.provider)],
        api=link("/v1/coverage", query, asked.pin),
        permalink=link("/coverage", {**query, "provider": query["provider"] or ""}, pinned),
        earlier=link("/coverage", {**query, "year": _row_of_years(years, asked.ask.today.year)}),
        everyone=link("/coverage?provider=", {}),
    )


def _providers(asked: Reading, *, every: bool) -> tuple[str, ...]:
    """Return whose cells are counted: one provider's, where nobody asks for all."""
    if asked.near.provider is not None:
        return (asked.near.provider,)
    ids = tuple(id_ for _, id_ in asked.providers)
    return ids if every else (DEFAULT_PROVIDER,) if DEFAULT_PROVIDER in ids else ids[:1]


def _years(asked: Reading) -> tuple[int, ...]:
    """Return the years that are asked for, in order: this one, where none is."""
    this = asked.ask.today.year
    given = [one.strip() for one in asked.ask.query.get("year", "").split(",") if one.strip()]
    every = {str(year) for year in range(counting.FIRST_YEAR, this + 1)}
    good = {int(one) for one in given if one in every}
    if len(good) < len(set(given)) or len(good) > _MOST_YEARS:
        asked.faults.append(
            f"Years: write up to {_MOST_YEARS}, from {counting.FIRST_YEAR} to {this}, with commas"
            f" between them, such as {this - 1},{this}."
        )
    return tuple(sorted(good)[-_MOST_YEARS:]) or (this,)


def _row_of_years(years: Sequence[int], this: int) -> str:
    """Return the years with two earlier ones, as a query names them."""
    first = max(years[0] - 2, counting.FIRST_YEAR)
    return ",".join(map(str, range(max(first, this - _MOST_YEARS + 1), this + 1)))


def _counted(asked: Reading, providers: Iterable[str], years: Iterable[int]) -> list[Row]:
    """Count what is wanted; each provider and year by itself, so that much is counted once."""
    places = () if asked.near.region is None else (asked.near.region,)
    database, position = house().database, asked.ask.known_at.position
    found: list[Row] = []
    try:
        for provider in providers:
            for year in years:
                wanted = Wanted(providers=(provider,), regions=places, years=(year,))
                found += _rows(database, wanted, position, asked.ask.today)
    except Refused as error:
        asked.faults.append(error.detail)
    return found


@lru_cache(maxsize=1_024)
def _rows(database: Database, wanted: Wanted, position: int, today: date) -> tuple[Row, ...]:
    """Count once what does not change: on a day, at a position."""
    now = datetime.combine(today, time(), UTC)  # Of a position, no clock has to be asked.
    return counting.coverage(database, wanted, f"@{position}", now, today).rows
