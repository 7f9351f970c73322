"""The log: its events, one by one or many."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import date
from typing import Any, Final, TypeVar
from uuid import UUID

import click

from service.api import rendering
from service.application import browsing
from service.application.browsing import Named
from service.cli import appending, output, remote, session
from service.cli.remote import Server
from service.domain.codec import answer_bytes
from service.domain.errors import UnknownIdError
from service.domain.events import TYPES
from service.domain.times import When
from service.store.codec import microseconds
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
@session.server
@session.as_json
def list_(
    *, after: int, limit: int, server: Server | None, as_json: bool, **filters: str | None
) -> None:
    """List events in the order in which they were recorded."""
    with remote.reading(server):
        if server is None:
            found = _page(filters, after, limit)
        else:
            found = _page_of(server, filters, after, limit)
        if as_json:
            output.show_json(found)
        else:
            columns = ("position", "recorded_at", "occurred_on", "type", "stream", "id", "title")
            rows = (tuple(str(one.get(name) or "") for name in columns) for one in found["items"])
            output.show_table(columns, rows)
    if found["next"] is not None:
        output.note(f"There are more: --after {found['next']}")


def _page_of(
    server: Server, filters: Mapping[str, str | None], after: int, limit: int
) -> dict[str, Any]:
    """Return a part of a server's log; what follows is told by its position, as here."""
    sent = {("type" if name == "kind" else name): text for name, text in filters.items()}
    found = server.get("events", **sent, after=after, limit=limit)
    following = found["items"][-1]["position"] if found["next"] is not None else None
    return {**found, "next": following}


def _page(filters: Mapping[str, str | None], after: int, limit: int) -> dict[str, Any]:
    wanted = _filter(filters)
    with session.database() as database:
        named = Named(**{one.name: filters[one.name] for one in fields(Named)})
        naming = browsing.naming(database, named, session.now())
        page = browsing.events(database, wanted, naming, after=after, limit=limit)
    return session.answered({"items": list(map(rendering.event, page.items)), "next": page.next})


def _filter(filters: Mapping[str, str | None]) -> EventFilter:
    recorded = recorded_range(filters)
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


def recorded_range(filters: Mapping[str, str | None]) -> tuple[int | None, int | None]:
    """Read the bounds within which events were recorded, as the log keeps them."""
    return _range("recorded", filters, _moment)


def _range(
    name: str, filters: Mapping[str, str | None], read: Callable[[When], _Bound]
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


@events.command()
@click.argument("event_id", metavar="ID", type=click.UUID)
@session.server
@session.as_json
def show(*, event_id: UUID, server: Server | None, as_json: bool) -> None:
    """Show one event with its sources."""
    found = _one(event_id) if server is None else server.get("events", str(event_id))
    if as_json:
        output.show_json(found)
        return
    with remote.reading(server):
        output.show_lines(_event(found))


def _one(event_id: UUID) -> dict[str, Any]:
    with session.database() as database:
        found = browsing.event(database, event_id)
    if found is None:
        hint = "'accessline events list' shows what there is."
        raise UnknownIdError(kind="event", given=str(event_id), known=(), hint=hint)
    return session.answered(rendering.event(found))


def _event(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    by = f" by {found['authority']}" if found.get("authority") else ""
    yield f"{found['type']}{by}, occurred on {found['occurred_on']}", "bold"
    if found.get("title"):
        yield found["title"], "bold"
    if found.get("summary"):
        yield found["summary"], ""
    yield "", ""
    yield f"{found['stream']}, version {found['version']}, position {found['position']}", ""
    yield f"Recorded at {found['recorded_at']} by {found['recorded_by']}", ""
    for source in found["sources"]:
        dated = f" ({source['published_on']})" if source.get("published_on") else ""
        yield f"{source['publisher']}{dated}: {source['url']}", "dim"
    yield "", ""
    for line in answer_bytes(found["data"], indent=True).decode().splitlines():
        yield line, ""
