"""What is to come."""

from collections.abc import Iterator
from typing import Any

import click

from service.api import changes
from service.application import following
from service.cli import output, remote, session
from service.cli.remote import Server
from service.domain.errors import BadTimeError
from service.domain.times import When
from service.projections.known import Near

_MOST_DAYS = 36_525


@click.command()
@click.option(
    "--from",
    "since",
    metavar="DATE",
    type=session.TEXT,
    help="From this day.  [default: today, UTC]",
)
@click.option(
    "--within",
    type=click.IntRange(1, _MOST_DAYS),
    default=365,
    show_default=True,
    help="So many days ahead.",
)
@click.option("--provider", type=session.TEXT, help="Only what reaches this provider.")
@click.option("--region", type=session.TEXT, help="Only what reaches this region.")
@session.known_at
@session.server
@session.as_json
def upcoming(
    *, since: str | None, within: int, server: Server | None, as_json: bool, **asked: str | None
) -> None:
    """List changes to come, dated first.

    What was scheduled, ending, announced or proposed on that day, folded only from what had
    occurred by then. What has no date yet comes last.
    """
    if server is None:
        found = _here(since, within, asked)
    else:
        found = server.all_of("upcoming", since=since, within=within, **asked)
    if as_json:
        output.show_json(found)
        return
    columns = ("on", "kind", "effect", "authority", "directive", "scope", "announced_on", "title")
    with remote.reading(server):
        output.show_table(columns, _rows(found))


def _here(since: str | None, within: int, asked: dict[str, str | None]) -> dict[str, Any]:
    now = session.now()
    day = When.on(now.date()) if since is None else When.moment(since, path=("from",))
    if day.instant is not None:
        detail = "This is an instant; give a date such as 2024-07-09."
        raise BadTimeError(detail, path=("from",), suggestion=day.day.isoformat())
    near = Near(provider=asked["provider"], region=asked["region"])
    with session.database() as database:
        found = following.upcoming(
            database, day.day, within, now, near=near, known_at=asked["known_at"]
        )
    return session.answered(changes.agenda(found, found.items, None))


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in found["items"]:
        yield (
            one["on"] or "",
            *(one["kind"], one["effect"], one["authority"] or ""),
            f"policy:{one['policy']}#{one['key']}",
            output.scope_text(one["scope"]),
            *(one["announced_on"], one["title"] or ""),
        )
