"""Coverage: how much of the world the record speaks of, and on what it rests.

A cell that no directive reaches is unknown, which is never to be read as available. Of the others
it is told whether one of the events that decide them has an official source, or the press alone,
and when somebody last looked: the latest review, or reading of a source, of what decides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from service.application.asking import CellFilter, check_filter
from service.application.moments import known_position
from service.domain import regions
from service.domain.answers import KnownAt
from service.domain.cells import parts_of, top_level
from service.domain.errors import BadTimeError, Refused
from service.domain.events import Recorded, RecordReviewed, SourceKind
from service.domain.resolution import AccessState, State
from service.domain.scope import Cell
from service.domain.times import When
from service.domain.world import World, by_place
from service.projections import known
from service.projections.known import Near
from service.store.engine import Database

MAX_CELLS: Final = 100_000
"""The most cells that one answer may count."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is counted; an empty tuple does not restrict.

    Attributes:
        regions: Each gets a row of its own; without any there is one row for all countries.
        years: The last day of each is asked, or today, where that comes first.
    """

    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    years: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known of a provider on a day.

    Attributes:
        region: None for all countries.
        cells: Top-level services times countries.
        known: Of these, how many rest on a source. ``unknown``: the others.
        official: Of the known, how many rest on an official source. ``press``: the others.
        last_reviewed_on: When somebody last looked at what decides; None where nobody said so.
    """

    provider: str
    region: str | None
    year: int
    as_of: date
    cells: int
    known: int
    unknown: int
    official: int
    press: int
    last_reviewed_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Rows by provider, year and region, as known at a position."""

    known_at: KnownAt
    today: date
    rows: tuple[Row, ...]


def coverage(
    database: Database,
    wanted: Wanted,
    known_at: str | None,
    now: datetime,
    today: date | None = None,
) -> Coverage:
    """Count what is known; ``today`` is the day of ``now``, where it is not given.

    Raises:
        UnknownIdError: A provider or region that is none.
        BadTimeError: A year to come, or a ``known_at`` that is none.
        Refused: More than ``MAX_CELLS`` cells.
    """
    today = today or now.astimezone(UTC).date()
    years = tuple(dict.fromkeys(wanted.years)) or (today.year,)
    for year in years:
        if not FIRST_YEAR <= year <= today.year:
            detail = f"{year} is no year from {FIRST_YEAR} to {today.year}."
            raise BadTimeError(detail, path=("year",), suggestion=str(today.year))
    near = Near(provider=wanted.providers[0] if len(wanted.providers) == 1 else None)
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        world = known.world_with_histories(connection, at.position, near)
    check_filter(world.registry, CellFilter(providers=wanted.providers, regions=wanted.regions))
    counting = _Counting(world=world, evidence=_evidence(world.histories))
    providers = wanted.providers or tuple(sorted(world.registry.providers))
    places = wanted.regions or tuple(sorted(regions.COUNTRIES))
    services = sum(len(top_level(world.registry.services_of(one))) for one in providers)
    if (size := services * len(places) * len(years)) > MAX_CELLS:
        detail = f"This counts {size:,} cells, more than {MAX_CELLS:,}: name providers or regions."
        raise Refused(detail, path=("provider",))
    rows = (
        row
        for provider in providers
        for year in years
        for row in counting.rows(provider, year, min(date(year, 12, 31), today), wanted.regions)
    )
    return Coverage(known_at=at, today=today, rows=tuple(rows))


@dataclass(frozen=True, slots=True)
class _Evidence:
    """On what an event rests, and when somebody last looked at it."""

    official: bool
    seen_on: date | None


def _evidence(histories: Mapping[str, tuple[Recorded, ...]]) -> dict[str, _Evidence]:
    """Return what stands behind each event, by its id; a review is one of all events before."""
    found: dict[str, _Evidence] = {}
    for facts in histories.values():
        reviews = [
            (one.position, one.event.data.reviewed_on)
            for one in facts
            if isinstance(one.event.data, RecordReviewed)
        ]
        for one in facts:
            read = [source.retrieved_on for source in one.event.sources if source.retrieved_on]
            read += [day for position, day in reviews if position > one.position]
            found[str(one.event.id)] = _Evidence(
                any(source.kind is SourceKind.OFFICIAL for source in one.event.sources),
                max(read, default=None),
            )
    return found


@dataclass(slots=True)
class _Tally:
    """Cells counted so far."""

    cells: int = 0
    known: int = 0
    official: int = 0
    seen: set[date] = field(default_factory=set)

    def count(self, told: tuple[AccessState, ...], evidence: Mapping[str, _Evidence]) -> None:
        """Count one cell."""
        self.cells += 1
        deciders = {
            event
            for one in told
            for claim in (*one.actual.deciders, *one.legal.deciders)
            for event in claim.text.events
        }
        if all(one.state is one.legal_state is State.UNKNOWN for one in told):
            return
        behind = [evidence[event] for event in deciders if event in evidence]
        self.known += 1
        self.official += any(one.official for one in behind)
        self.seen.update(one.seen_on for one in behind if one.seen_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counting:
    """Counts the cells of a world."""

    world: World
    evidence: Mapping[str, _Evidence]

    def rows(
        self, provider: str, year: int, day: date, regions_wanted: tuple[str, ...]
    ) -> Iterator[Row]:
        """Yield a row for each region that is wanted, or one for all countries."""
        part = by_place(self.world, provider)
        services = top_level(self.world.registry.services_of(provider))
        everywhere = tuple(sorted(regions.COUNTRIES))
        for region, places in (
            ((one, (one,)) for one in regions_wanted) if regions_wanted else ((None, everywhere),)
        ):
            tally = _Tally()
            for place in places:
                inside = self.world if place in self.world.registry.groups else part(place)
                for service in services:
                    cell = Cell(provider=provider, service=service, region=place)
                    tally.count(parts_of(inside, cell, When.on(day)), self.evidence)
            yield Row(
                provider=provider,
                region=region,
                year=year,
                as_of=day,
                cells=tally.cells,
                known=tally.known,
                unknown=tally.cells - tally.known,
                official=tally.official,
                press=tally.known - tally.official,
                last_reviewed_on=max(tally.seen, default=None),
            )
