"""Coverage: how much of the world the record speaks of."""

from dataclasses import fields
from typing import Any

import click

from service.application.coverage import FIRST_YEAR, LAST_YEAR, Row, Wanted
from service.application.coverage import coverage as count
from service.cli import output, remote, session
from service.cli.remote import Server

_COLUMNS = tuple(one.name for one in fields(Row))


@click.command()
@session.many("--provider", "providers", "ID", "Of this provider; may be given again.")
@session.many("--region", "regions", "CODE", "A row for this region; may be given again.")
@click.option(
    "--year",
    "years",
    type=click.IntRange(FIRST_YEAR, LAST_YEAR),
    multiple=True,
    help="On the last day of this year, or today.  [default: this year]",
)
@session.known_at
@session.server
@session.as_json
def coverage(
    *, known_at: str | None, server: Server | None, as_json: bool, **asked: tuple[Any, ...]
) -> None:
    """Count how many cells rest on a source, and how many are unknown.

    A cell is a top-level service in a country. official: an official source decides; press: the
    other known ones; last_reviewed_on: when somebody last looked at what decides.
    """
    if server is None:
        wanted = Wanted(**asked)
        with session.database() as database:
            counted = count(database, wanted, known_at, session.now())
        value = {"known_at": counted.known_at, "items": counted.rows, "next": None}
        found = session.answered(value)
    else:
        sent = {name.removesuffix("s"): given for name, given in asked.items()}
        found = server.all_of("coverage", known_at=known_at, **sent)
    if as_json:
        output.show_json(found)
        return
    with remote.reading(server):
        rows = (tuple(_text(one[name]) for name in _COLUMNS) for one in found["items"])
        output.show_table(_COLUMNS, rows)


def _text(value: object) -> str:
    return "" if value is None else str(value)
