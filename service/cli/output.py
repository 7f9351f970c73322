"""What goes to standard output, and progress on standard error.

JSON is what the HTTP API answers: one line, or set in where a person looks at it. Tables are drawn
on a terminal; anywhere else they are lines of fields between tabs below a line of names, so that
`cut`, `awk` and spreadsheets can read them. A text of the log never moves a cursor or ends a line:
such characters are escaped. rich leaves colours out where NO_COLOR is set.
"""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from service.domain.codec import answer_bytes

Step = Callable[[int, int], None]
"""Told how much of how much is done."""

_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what a terminal may obey: controls, direction marks, line separators."""


def escaped(text: str) -> str:
    r"""Return a text with everything escaped that a terminal or a reader of lines could obey.

    >>> escaped("a\tb\x1b[2J")
    'a\\tb\\x1b[2J'
    """
    return "".join(
        ascii(character)[1:-1] if unicodedata.category(character) in _ESCAPED else character
        for character in text
    )


def on_terminal() -> bool:
    """Tell whether a person looks at standard output."""
    return sys.stdout.isatty()


def show_json(value: object) -> None:
    """Print a value as the HTTP API would answer it."""
    click.echo(answer_bytes(value, indent=on_terminal()))


def show_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, names: bool = True
) -> None:
    """Print rows: a table on a terminal, lines of fields between tabs anywhere else.

    Lines that go on with a table do so without ``names``.
    """
    rows = list(rows)  # A row that cannot be made must not leave half a table.
    if not on_terminal():
        if names:
            click.echo("\t".join(columns))
        for row in rows:
            click.echo("\t".join(map(escaped, row)))
        return
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(escaped(field), overflow="fold") for field in row))
    _console().print(table)


def show_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines, each with a style of rich, which only a terminal shows."""
    console = _console()
    for text, style in list(lines):
        console.print(Text(escaped(text), style=style), soft_wrap=True)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "event"), counted(1200, "event")
    ('1 event', '1,200 events')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def scope_text(scope: dict[str, list[str]]) -> str:
    """Return a scope in one line, without what it leaves open.

    >>> scope_text({"providers": ["openai"], "services": ["*"], "regions": ["CN", "HK"]})
    'providers openai, regions CN HK'
    """
    said = (f"{name} {' '.join(items)}" for name, items in scope.items() if items != ["*"])
    return ", ".join(said) or "everything"


def say(text: str) -> None:
    """Print a sentence of ours on standard output."""
    click.echo(escaped(text))


def flush() -> None:
    """Let go of what was printed, before something that lasts."""
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a sentence on standard error: what a script should not have to read past."""
    click.echo(escaped(text), err=True)


@contextmanager
def progress(title: str) -> Iterator[Step]:
    """Show a bar with rate and remaining time while something runs, if a person looks."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None and task.elapsed:
            speed = task.completed / task.elapsed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class _Console(Console):
    """Leaves a pipe that nobody reads to the edge, which gives it its exit code."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console() -> Console:
    # FORCE_COLOR alone makes no terminal of a pipe.
    return _Console(force_terminal=on_terminal(), highlight=False)
