"""The log: its events, one by one or many."""

from collections.abc import Callable, Collection, Iterator
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

import click

from service.api import rendering
from service.application import asking
from service.application.asking import Mentioning
from service.cli import appending, output, session
from service.domain import regions
from service.domain.codec import answer_bytes, instant_text, plain
from service.domain.errors import UnknownIdError
from service.domain.events import TYPES, Recorded
from service.domain.times import When
from service.store.codec import microseconds
from service.store.engine import Database
from service.store.events import EventFilter

_PAGE: Final = 1000

_Bound = TypeVar("_Bound", int, date)


@click.group()
def events() -> None:
    """Record events, list and show them."""


events.add_command(appending.append)


@events.command("list")
@click.option(
    "--stream", type=session.TEXT, help="Of one stream, such as policy:openai-supported-countries."
)
@click.option(
    "--type",
    "kind",
    type=click.Choice(tuple(TYPES)),
    metavar="TYPE",
    help="Of one type, such as policy.adopted.",
)
@click.option("--authority", type=session.TEXT, help="That name this authority.")
@click.option("--provider", type=session.TEXT, help="That name this provider.")
@click.option("--service", type=session.TEXT, help="That name this service of --provider.")
@click.option("--region", type=session.TEXT, help="That name this region.")
@click.option("--recorded-by", type=session.TEXT, help="That were recorded with this key.")
@click.option("--recorded-from", metavar="TIME", type=session.TEXT, help="Recorded then or later.")
@click.option("--recorded-until", metavar="TIME", type=session.TEXT, help="Recorded before then.")
@click.option("--occurred-from", metavar="DATE", type=session.TEXT, help="Occurred then or later.")
@click.option("--occurred-until", metavar="DATE", type=session.TEXT, help="Occurred before then.")
@click.option("--after", type=click.IntRange(0, 2**62), default=0, help="Behind this position.")
@click.option(
    "--limit", type=click.IntRange(1, _PAGE), default=100, show_default=True, help="At most."
)
@session.as_json
def list_(*, after: int, limit: int, as_json: bool, **filters: str | None) -> None:
    """List events in the order in which they were recorded."""
    wanted = _filter(filters)
    with session.database() as database:
        naming = _naming(database, filters)
        page = asking.events(database, wanted, naming, after=after, limit=limit)
    if as_json:
        output.show_json({"items": [rendering.event(one) for one in page.items], "next": page.next})
    else:
        columns = ("position", "recorded_at", "occurred_on", "type", "stream", "id", "title")
        output.show_table(columns, map(_row, page.items))
    if page.next is not None:
        output.note(f"There are more: --after {page.next}")


def _filter(filters: dict[str, str | None]) -> EventFilter:
    recorded = _range("recorded", filters, _moment)
    occurred = _range("occurred", filters, lambda when: when.day)
    return EventFilter(
        stream=filters["stream"],
        type=filters["kind"],
        authority=filters["authority"],
        recorded_by=filters["recorded_by"],
        recorded_from=recorded[0],
        recorded_until=recorded[1],
        occurred_from=occurred[0],
        occurred_until=occurred[1],
    )


def _naming(database: Database, filters: dict[str, str | None]) -> Mentioning:
    """Return what the events must name, if it is registered.

    Raises:
        UnknownIdError: It is not.
    """
    given = {name: filters[name] for name in ("authority", "provider", "service", "region")}
    if not any(given.values()):
        return Mentioning()
    _, registry = asking.registry(database, None, session.now())
    provider, service, region = given["provider"], given["service"], given["region"]
    if service and provider and not service.startswith(f"{provider}/"):
        service = f"{provider}/{service}"
    _check("authority", given["authority"], registry.authorities)
    _check("provider", provider, registry.providers)
    _check("service", service, registry.services)
    if region and not registry.is_region(region):
        _check("region", region, regions.COUNTRIES | regions.SUBDIVISIONS | set(registry.groups))
    return Mentioning(provider=provider, service=service, region=region)


def _check(kind: str, given: str | None, known: Collection[str]) -> None:
    if given is not None and given not in known:
        raise UnknownIdError(kind, given, known)


def _range(
    name: str, filters: dict[str, str | None], read: Callable[[When], _Bound]
) -> tuple[_Bound | None, _Bound | None]:
    """Read two bounds, the first inclusive, the second exclusive."""
    names = (f"{name}_from", f"{name}_until")
    whens = [When.bound(given, path=(one,)) if (given := filters[one]) else None for one in names]
    start, end = (None if when is None else read(when) for when in whens)
    if start is not None and end is not None and not start < end:
        message = f"--{name}-from must lie before --{name}-until."
        raise click.UsageError(message)
    return start, end


def _moment(when: When) -> int:
    """Return an instant as the log keeps it; a date begins at 00:00 UTC."""
    return microseconds(when.in_zone("UTC"))


def _row(recorded: Recorded) -> tuple[str, ...]:
    event = recorded.event
    times = (instant_text(recorded.recorded_at), event.occurred_on.text)
    return (
        *(str(recorded.position), *times),
        *(event.type, event.stream, str(event.id), event.title or ""),
    )


@events.command()
@click.argument("event_id", metavar="ID", type=click.UUID)
@session.as_json
def show(*, event_id: UUID, as_json: bool) -> None:
    """Show one event with its sources."""
    with session.database() as database:
        found = asking.event(database, event_id)
    if found is None:
        hint = "'accessline events list' shows what there is."
        raise UnknownIdError(kind="event", given=str(event_id), known=(), hint=hint)
    if as_json:
        output.show_json(rendering.event(found))
    else:
        output.show_lines(_event(found))


def _event(recorded: Recorded) -> Iterator[tuple[str, str]]:
    event = recorded.event
    by = f" by {event.authority}" if event.authority else ""
    yield f"{event.type}{by}, occurred on {event.occurred_on}", "bold"
    if event.title:
        yield event.title, "bold"
    if event.summary:
        yield event.summary, ""
    yield "", ""
    yield f"{event.stream}, version {recorded.version}, position {recorded.position}", ""
    yield f"Recorded at {instant_text(recorded.recorded_at)} by {recorded.recorded_by}", ""
    for source in event.sources:
        dated = f" ({source.published_on})" if source.published_on else ""
        yield f"{source.publisher}{dated}: {source.url}", "dim"
    yield "", ""
    for line in answer_bytes(plain(event.data), indent=True).decode().splitlines():
        yield line, ""
