"""What holds, since when, and why: the questions that the service is for."""

from typing import Final

import click

from service.api import rendering
from service.application import asking
from service.application.asking import Window
from service.cli import exits, explaining, output, session
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
@session.as_json
def state(*, require: str | None, as_json: bool, **asked: str | None) -> None:
    """Tell what holds, one line a service.

    The access state of PROVIDER's services in REGION. Exits 0 whatever the answer is, unless
    --require is given. JSON is that of `why`.
    """
    answer = _ask(asked)
    if as_json:
        output.show_json(rendering.explained(answer))
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
@session.as_json
def why(*, as_json: bool, **asked: str | None) -> None:
    """Tell what holds and why, with sources.

    The access state of PROVIDER's services in REGION.
    """
    answer = _ask(asked)
    if as_json:
        output.show_json(rendering.explained(answer))
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
@session.as_json
def timeline(*, since: str | None, until: str | None, as_json: bool, **asked: str | None) -> None:
    """List what held, from when until when.

    The states of PROVIDER's services in REGION, in days, or in instants where --from or --until is
    one. An interval ends before its `until`.
    """
    window = Window(
        since=When.moment(since, path=("from",)) if since else None,
        until=When.moment(until, path=("until",)) if until else None,
    )
    now = session.now()
    question = _question(asked, asking.moment(None, now))
    with session.database() as database:
        answer = asking.intervals(database, question, window, asked["known_at"], now)
    if as_json:
        output.show_json(rendering.timeline(answer))
        return
    columns = ("service", "from", "until", "state", "access", "legal_state", "conditions")
    rows = (
        (
            *(one.service, _bound(one.since), _bound(one.until)),
            *(one.state, one.access, one.legal_state, "; ".join(one.conditions)),
        )
        for one in answer.spans
    )
    output.show_table(columns, rows)


def _ask(asked: dict[str, str | None]) -> Explained:
    now = session.now()
    question = _question(asked, asking.moment(asked["as_of"], now))
    with session.database() as database:
        return asking.explained(database, question, asked["known_at"], now)


def _question(asked: dict[str, str | None], as_of: When) -> Question:
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
