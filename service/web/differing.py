"""What differs: between two dates, or on one date as known at two positions.

Cells that differ in the same way, by the same events, stand in one row, with the places that they
share. Worse is what restricts more than before (``Effect.rank``). Unknown is neither good nor bad:
what is known now, or unknown now, has a group of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, request

from service.application import browsing, comparing, moments
from service.application.asking import CellFilter
from service.application.comparing import Difference, Differences
from service.application.places import name_of
from service.application.preview import Cause, Told
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.answers import KnownAt
from service.domain.errors import BadTimeError, Refused
from service.domain.events import Effect
from service.domain.resolution import State
from service.domain.times import When
from service.projections.known import Near
from service.store.engine import Database
from service.web import filters
from service.web.asking import house
from service.web.filters import Reading, link
from service.web.views import DEFAULT_PROVIDER, page

SHOWN: Final = 600
"""Cells on one page at most."""

_DATES: Final = ("from", "until")
_POSITIONS: Final = ("known_from", "known_until")
_RANKS: Final = {State(effect): effect.rank for effect in Effect}
# Positions are compared: no clock is asked.
_NEVER: Final = datetime.max.replace(tzinfo=UTC)

blueprint = Blueprint("differing", __name__)


class Kind(StrEnum):
    """In which way cells differ; in this order they are shown."""

    WORSE = "worse"
    BETTER = "better"
    KNOWN = "known now"
    LOST = "unknown now"
    CORRECTED = "corrected"
    OTHER = "other"


MEANINGS: Final = {
    Kind.WORSE: "more is restricted than before",
    Kind.BETTER: "less is restricted than before",
    Kind.KNOWN: "nothing was recorded before, which never meant available",
    Kind.LOST: "something was recorded before, and nothing holds any more",
    Kind.CORRECTED: "our record was wrong or incomplete, and was corrected",
    Kind.OTHER: "the conditions differ, or what the law says, or the parts of a whole",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Cells that differ in the same way.

    Attributes:
        number: How many there are. ``places``: those of them that are shown, with their names.
    """

    provider: str
    service: str
    before: Told
    after: Told
    events: tuple[str, ...]
    number: int
    places: tuple[tuple[str, str], ...]


def kind_of(one: Difference) -> Kind:
    """Tell in which way a cell differs."""
    before, after = one.before.state, one.after.state
    if one.cause is Cause.RECORD:
        return Kind.CORRECTED
    if before is not after and State.UNKNOWN in (before, after):
        return Kind.KNOWN if before is State.UNKNOWN else Kind.LOST
    step = _RANKS.get(after, 0) - _RANKS.get(before, 0)
    if step == 0 or not _RANKS.keys() >= {before, after}:
        return Kind.OTHER
    return Kind.WORSE if step > 0 else Kind.BETTER


def grouped(items: Iterable[Difference], most: int) -> dict[Kind, list[Line]]:
    """Put together what differs in the same way; at most so many cells are shown."""
    every: dict[Kind, dict[tuple[object, ...], list[Difference]]] = {kind: {} for kind in Kind}
    for one in items:
        key = (one.provider, one.service, one.before, one.after, one.events)
        every[kind_of(one)].setdefault(key, []).append(one)
    found: dict[Kind, list[Line]] = {}
    for kind, lines in every.items():
        for same in lines.values():
            if most > 0:
                found.setdefault(kind, []).append(_line(same, most))
            most -= len(same)
    return found


def _line(same: list[Difference], most: int) -> Line:
    one = same[0]
    return Line(
        provider=one.provider,
        service=one.service,
        before=one.before,
        after=one.after,
        events=one.events,
        number=len(same),
        places=tuple((each.region, name_of(each.region)) for each in same[:most]),
    )


@blueprint.get("/diff")
@requires(Role.READER)
def diff() -> Response:
    """Show what differs, grouped by how."""
    asked = filters.read()
    record = any(name in asked.ask.query for name in _POSITIONS)
    near = _near(asked)
    found = _compared(asked, near, record=record)
    items = () if found is None else found.items
    groups = grouped(items, SHOWN)
    query = _query(asked, near, record=record)
    return page(
        "diff.html",
        asked=asked,
        faults=asked.faults,
        near=near,
        record=record,
        found=found,
        groups=groups,
        name=partial(_name, asked),
        counts=_counts(items),
        meanings=MEANINGS,
        titles=_titles(groups),
        shown=min(len(items), SHOWN),
        api=link("/v1/access/diff", query, asked.pin if not record else {}),
        permalink=found and link("/diff", query, _pins(found, record=record)),
        given=asked.ask.query,
    )


def _near(asked: Reading) -> Near:
    """Return what is compared: one provider, where neither it nor a region is chosen."""
    if asked.near != Near() or "provider" in request.args:
        return asked.near
    ids = [id_ for _, id_ in asked.providers]
    return Near(provider=DEFAULT_PROVIDER if DEFAULT_PROVIDER in ids else next(iter(ids), None))


def _compared(asked: Reading, near: Near, *, record: bool) -> Differences | None:
    """Compare, where enough is asked and all of it understood; else say what is missing."""
    query = asked.ask.query
    given = [name for name in (*_DATES, *_POSITIONS) if name in query]
    if not given:
        return None
    if record and any(name in query for name in _DATES):
        asked.faults.append("Compare two dates, or two states of the record: one of the two.")
        return None
    if near == Near():
        asked.faults.append(
            "Choose a provider or a country: to find all that differs anywhere takes too long for a"
            " page. /v1/access/diff does it."
        )
        return None
    wanted = CellFilter(
        providers=() if near.provider is None else (near.provider,),
        regions=() if near.region is None else (near.region,),
    )
    try:
        return _of_positions(asked, wanted) if record else _of_dates(asked, wanted)
    except Refused as error:
        asked.faults.append(error.detail)
        return None


def _of_dates(asked: Reading, wanted: CellFilter) -> Differences | None:
    first, second = asked.when("from", "From"), asked.when("until", "Until")
    missing = [name for name in _DATES if name not in asked.ask.query]
    if missing:
        asked.faults.append(f"A comparison needs two dates: {missing[0]!r} is missing.")
    if first is None or second is None:
        return None
    if first.order >= second.order:
        asked.faults.append(f"Until: {second.text} does not lie after {first.text}.")
        return None
    return _over_dates(house().database, wanted, (first, second), asked.ask.known_at.position)


def _of_positions(asked: Reading, wanted: CellFilter) -> Differences | None:
    since, until = (_position(asked, name) for name in _POSITIONS)
    if since is None or until is None:
        return None
    if since.position > until.position:
        asked.faults.append(
            f"Known until: position {until.position} lies before position {since.position}."
        )
        return None
    ends = (since.position, until.position)
    return _over_positions(house().database, wanted, asked.ask.as_of, ends)


def _position(asked: Reading, name: str) -> KnownAt | None:
    """Return one end of the record; its beginning, or all that is known, where none is given."""
    text = asked.ask.query.get(name, "@0" if name == _POSITIONS[0] else None)
    with house().database.read() as connection:
        try:
            return moments.known_position(connection, text, asked.ask.now, name)
        except BadTimeError as error:
            asked.faults.append(f"{name.replace('_', ' ').capitalize()}: {error.detail}")
            return None


@lru_cache(maxsize=64)
def _over_dates(
    database: Database, wanted: CellFilter, dates: tuple[When, When], position: int
) -> Differences:
    """Compare once what never changes at a position."""
    return comparing.over_dates(database, wanted, dates, f"@{position}", _NEVER)


@lru_cache(maxsize=64)
def _over_positions(
    database: Database, wanted: CellFilter, as_of: When, ends: tuple[int, int]
) -> Differences:
    """Compare once what never changes between positions."""
    known = (f"@{ends[0]}", f"@{ends[1]}")
    return comparing.over_positions(database, wanted, as_of, known, _NEVER)


def _query(asked: Reading, near: Near, *, record: bool) -> dict[str, object]:
    names = (*_POSITIONS, "as_of") if record else _DATES
    given: dict[str, object] = {name: asked.ask.query.get(name) for name in names}
    return {**given, "provider": near.provider, "region": near.region}


def _pins(found: Differences, *, record: bool) -> dict[str, object]:
    since, until = (f"@{one.position}" for one in found.known_at)
    if not record:
        return {"known_at": until}
    return {"known_from": since, "known_until": until, "as_of": found.as_of[1].text}


def _counts(items: Iterable[Difference]) -> dict[Kind, int]:
    """Return how many cells differ in each way, those that are not shown among them."""
    counts = dict.fromkeys(Kind, 0)
    for one in items:
        counts[kind_of(one)] += 1
    return counts


def _name(asked: Reading, line: Line) -> str:
    """Return what a service is called, after its provider, where its name does not say so."""
    provider = asked.registry.providers.get(line.provider)
    service = asked.registry.services.get(f"{line.provider}/{line.service}")
    of = provider.name if provider else line.provider
    name = service.name if service else line.service
    return name if name.startswith(of) else f"{of}, {name}"


def _titles(groups: Mapping[Kind, list[Line]]) -> dict[str, str]:
    """Return what the events are called that made the differences which are shown."""
    ids = {id_ for lines in groups.values() for line in lines for id_ in line.events}
    found = ((id_, browsing.event(house().database, UUID(id_))) for id_ in sorted(ids))
    return {id_: one.event.title or one.event.type for id_, one in found if one is not None}
