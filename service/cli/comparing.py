"""Which answers differ between two days, or between what was known at two positions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from service.api import changes
from service.application import comparing, moments
from service.application.asking import CellFilter
from service.cli import output, remote, session
from service.cli.remote import Server
from service.domain.resolution import State
from service.domain.times import When


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """The two ends that are compared: of effective time, or of what was known."""

    since: str | None
    until: str | None
    known_at: str | None
    known_from: str | None
    known_until: str | None
    as_of: str | None

    def check(self) -> None:
        """Refuse a mixture of both, and one end where two are needed."""
        world = self.since or self.until
        record = self.known_from or self.known_until
        if world and (record or self.as_of):
            message = "--from and --until are compared as of one --known-at: leave the others out."
            raise click.UsageError(message)
        if record and self.known_at:
            message = "--known-from and --known-until take the place of --known-at."
            raise click.UsageError(message)
        whole = (self.since and self.until) or self.known_from
        if not whole:
            message = (
                "Give --from and --until to compare two days, or --known-from (and --known-until,"
                " --as-of) to compare what was known."
            )
            raise click.UsageError(message)


@click.command()
@click.argument("providers", nargs=-1, type=session.TEXT, metavar="[PROVIDER]...")
@click.option("--from", "since", metavar="TIME", type=session.TEXT, help="A day or an instant…")
@click.option("--until", metavar="TIME", type=session.TEXT, help="…and a later one.")
@click.option("--known-at", metavar="TIME", type=session.TEXT, help="Both as the log knew them.")
@click.option(
    "--known-from", metavar="TIME", type=session.TEXT, help="As the log knew it then (@POSITION)…"
)
@click.option(
    "--known-until",
    metavar="TIME",
    type=session.TEXT,
    help="…and then.  [default: all that is known]",
)
@click.option(
    "--as-of",
    metavar="TIME",
    type=session.TEXT,
    help="On which day, with --known-from.  [default: today, UTC]",
)
@session.many("--service", "services", "PATH", "Only these services. May be given again.")
@session.many("--region", "regions", "ID", "Only these regions; all countries if left out.")
@click.option(
    "--audience", type=session.TEXT, default="public", show_default=True, help="Who asks."
)
@click.option(
    "--state",
    "states",
    type=click.Choice([state.value for state in State]),
    multiple=True,
    help="Only cells that are in this state before or after. May be given again.",
)
@session.server
@session.as_json
def diff(  # noqa: PLR0913 -- the filters of the HTTP API
    *,
    providers: tuple[str, ...],
    services: tuple[str, ...],
    regions: tuple[str, ...],
    audience: str,
    states: tuple[str, ...],
    server: Server | None,
    as_json: bool,
    **times: str | None,
) -> None:
    """List the cells whose answer differs.

    Either between two days (--from, --until), or on one day between what was known at two positions
    (--known-from, --known-until, --as-of). The cause is `record` where a correction of our record
    made the difference, else `world`. A question with --state lists what was or is in it.
    """
    asked = _Times(**times)
    asked.check()
    wanted = CellFilter(
        providers=session.listed(providers),
        services=services,
        regions=regions,
        audience=audience,
        states=tuple(map(State, states)),
    )
    found = _here(wanted, asked) if server is None else _there(server, wanted, asked)
    if as_json:
        output.show_json(found)
        return
    cell = ("provider", "service", "region", "audience")
    with remote.reading(server):
        output.show_table((*cell, "before", "after", "cause", "events"), _rows(found))


def _here(wanted: CellFilter, asked: _Times) -> dict[str, Any]:
    with session.database() as database:
        now = session.now()
        if asked.known_from is None:
            dates = (_moment("from", asked.since), _moment("until", asked.until))
            found = comparing.over_dates(database, wanted, dates, asked.known_at, now)
        else:
            ends = (asked.known_from, asked.known_until)
            as_of = moments.moment(asked.as_of, now)
            found = comparing.over_positions(database, wanted, as_of, ends, now)
    return session.answered(changes.differences(found, found.items, None))


def _there(server: Server, wanted: CellFilter, asked: _Times) -> dict[str, Any]:
    return server.all_of(
        *("access", "diff"),
        provider=wanted.providers,
        service=wanted.services,
        region=wanted.regions,
        audience=wanted.audience,
        state=wanted.states,
        since=asked.since,
        until=asked.until,
        known_at=asked.known_at,
        known_from=asked.known_from,
        known_until=asked.known_until,
        as_of=asked.as_of,
    )


def _moment(name: str, text: str | None) -> When:
    return When.moment(text or "", path=(name,))


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in found["items"]:
        yield (
            *(one["provider"], one["service"], one["region"], one["audience"]),
            *(_told(one["before"]), _told(one["after"]), one["cause"]),
            " ".join(one["events"]),
        )


def _told(side: dict[str, Any]) -> str:
    law = side["legal_state"]
    apart = "" if law == side["state"] else f" (in law {law})"
    conditions = "; ".join(side["conditions"])
    return f"{side['state']}{apart}{f' ({conditions})' if conditions else ''}"
