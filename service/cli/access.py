"""What holds, since when, and why: the questions that the service is for."""

from collections.abc import Mapping
from typing import Any, Final

import click

from service.api import rendering
from service.application import asking, moments
from service.application.asking import Window
from service.cli import exits, explaining, output, remote, session
from service.cli.remote import Server
from service.domain.answers import CellAnswer, Explained, Question
from service.domain.resolution import Access
from service.domain.times import When

_ENOUGH: Final = {
    "open": frozenset({Access.OPEN}),
    "conditional": frozenset({Access.OPEN, Access.CONDITIONAL}),
}


@click.command()
@session.question
@session.as_of
@click.option(
    "--require",
    type=click.Choice(tuple(_ENOUGH)),
    help="Exit 1 unless every service listed is open (conditional: open or conditional).",
)
@session.server
@session.as_json
def state(
    *, require: str | None, server: Server | None, as_json: bool, **asked: str | None
) -> None:
    """Tell what holds, one line a service.

    The access state of PROVIDER's services in REGION. Exits 0 whatever the answer is, unless
    --require is given. JSON is that of `why`.
    """
    answer, plain = _ask(asked, server)
    if as_json:
        output.show_json(plain)
    else:
        if output.on_terminal():
            output.show_lines([(explaining.headline(answer), "bold")])
        columns = ("service", "state", "access", "legal_state", "since", "until", "conditions")
        output.show_table(columns, map(_row, answer.cells))
    if require and not all(cell.access in _ENOUGH[require] for cell in answer.cells):
        exits.end(exits.Code.NO)


@click.command()
@session.question
@session.as_of
@session.server
@session.as_json
def why(*, server: Server | None, as_json: bool, **asked: str | None) -> None:
    """Tell what holds and why, with sources.

    The access state of PROVIDER's services in REGION.
    """
    answer, plain = _ask(asked, server)
    if as_json:
        output.show_json(plain)
    else:
        output.show_lines(explaining.explanation(answer))


@click.command()
@session.question
@click.option(
    "--from", "since", metavar="TIME", type=session.TEXT, help="Leave out what ended by then."
)
@click.option(
    "--until", metavar="TIME", type=session.TEXT, help="Leave out what begins then or later."
)
@session.server
@session.as_json
def timeline(
    *,
    since: str | None,
    until: str | None,
    server: Server | None,
    as_json: bool,
    **asked: str | None,
) -> None:
    """List what held, from when until when.

    The states of PROVIDER's services in REGION, in days, or in instants where --from or --until is
    one. An interval ends before its `until`.
    """
    if server is None:
        found = _timeline(since, until, asked)
    else:
        steps, rest = _place(asked)
        found = server.get("access", *steps, "timeline", since=since, until=until, **rest)
    if as_json:
        output.show_json(found)
        return
    columns = ("service", "from", "until", "state", "access", "legal_state", "conditions")
    with remote.reading(server):
        rows = (
            (*(one[name] or "" for name in columns[:-1]), "; ".join(one["conditions"]))
            for one in found["items"]
        )
        output.show_table(columns, rows)


def _timeline(
    since: str | None, until: str | None, asked: Mapping[str, str | None]
) -> dict[str, Any]:
    window = Window(
        since=When.moment(since, path=("from",)) if since else None,
        until=When.moment(until, path=("until",)) if until else None,
    )
    now = session.now()
    question = _question(asked, moments.moment(None, now))
    with session.database() as database:
        answer = asking.intervals(database, question, window, asked["known_at"], now)
    return session.answered(rendering.timeline(answer))


def _ask(asked: Mapping[str, str | None], server: Server | None) -> tuple[Explained, object]:
    """Return an answer, and what of it is printed as JSON."""
    if server is not None:
        steps, rest = _place(asked)
        plain = server.get("access", *steps, **rest)
        return server.read_as(Explained, plain), plain
    now = session.now()
    question = _question(asked, moments.moment(asked["as_of"], now))
    with session.database() as database:
        answer = asking.explained(database, question, asked["known_at"], now)
    return answer, answer


def _place(asked: Mapping[str, str | None]) -> tuple[tuple[str, str], dict[str, str | None]]:
    """Return provider and region, and the rest of a question."""
    rest = {name: text for name, text in asked.items() if name not in ("provider", "region")}
    return (asked["provider"] or "", asked["region"] or ""), rest


def _question(asked: Mapping[str, str | None], as_of: When) -> Question:
    return Question(
        provider=asked["provider"] or "",
        region=asked["region"] or "",
        as_of=as_of,
        service=asked["service"],
        audience=asked["audience"] or "",
    )


def _row(cell: CellAnswer) -> tuple[str, ...]:
    times = (_bound(cell.since), _bound(cell.until))
    return (
        *(cell.service, cell.state, cell.access, cell.legal_state),
        *times,
        "; ".join(cell.conditions),
    )


def _bound(when: When | None) -> str:
    return "" if when is None else when.text
