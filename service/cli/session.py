"""What commands work with: settings, one clock, an open database, and options that many share.

The command line is a composition root of its own: here the present and the environment come in.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

from service import logs
from service.cli import remote
from service.cli.remote import ServerUrl
from service.domain.codec import answer_bytes
from service.evidence.canonical import text_fault
from service.settings import PREFIX, Settings
from service.store import schema
from service.store.engine import Database, connect

PRINCIPAL: Final = "cli"
"""Who records on the command line: whoever may open the database, without a key."""

_MOST_CHARACTERS: Final = 300

_Command = TypeVar("_Command", bound=Callable[..., Any])


def now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)  # noqa: TID251 -- the one clock of the command line


def settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: With a sentence for every fault.
    """
    # The key of a client is no setting, and a shell that has it may also run other commands.
    return Settings.from_env({name: os.environ[name] for name in os.environ if name != remote.KEY})


def for_people(found: Settings) -> Settings:
    """Log less, and as text: what a command line prints is its answer. What is set stays so."""
    quiet = {"log_level": "WARNING", "log_format": "text"}
    unset = {
        name: value for name, value in quiet.items() if PREFIX + name.upper() not in os.environ
    }
    return replace(found, **unset)  # type: ignore[arg-type] # both are texts


@contextmanager
def database(*, current: bool = True) -> Iterator[Database]:
    """Open the database of the settings.

    Args:
        current: Refuse one whose tables are not those that this program works with.

    Raises:
        SettingsError, StoreError: As their sentences say.
    """
    found = settings()
    logs.configure(for_people(found))
    with opened(found.database_url, current=current) as connected:
        yield connected


@contextmanager
def opened(url: str, *, current: bool = True) -> Iterator[Database]:
    """Open a database by its URL, and close it afterwards."""
    connected = connect(url)
    try:
        if current:
            schema.require_current(connected)
        yield connected
    finally:
        connected.dispose()


class Id(click.ParamType[str]):
    """A text without anything that no id has, such as control characters."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it, or say what is wrong with it."""
        fault = text_fault(value[:_MOST_CHARACTERS])
        if len(value) > _MOST_CHARACTERS:
            fault = f"It has {len(value):,} characters, more than {_MOST_CHARACTERS}."
        if fault is not None:
            self.fail(fault, param, ctx)
        return value


TEXT: Final = Id()

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the HTTP API does.")


_KNOWN_AT: Final = (
    "As the log knew it: @POSITION, an instant, or a date (the end of that day, UTC)."
    "  [default: all that is known]"
)
known_at = click.option("--known-at", metavar="TIME", type=TEXT, help=_KNOWN_AT)
as_of = click.option(
    "--as-of",
    metavar="TIME",
    type=TEXT,
    help="When it holds in the world: a date (the end of that day) or an instant."
    "  [default: today, UTC]",
)
server = click.option(
    "--server",
    type=ServerUrl(),
    metavar="URL",
    help="Ask this server instead of a database. Its key, if it wants one, is read from"
    f" {remote.KEY}.",
)


def answered(value: object) -> dict[str, Any]:
    """Return an answer as the plain data that a server would have sent."""
    plain: dict[str, Any] = json.loads(answer_bytes(value))
    return plain


def many(option: str, name: str, metavar: str, told: str) -> Callable[[_Command], _Command]:
    """Add an option that may be given again; one with commas in it means several, too."""

    def read(
        _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
    ) -> tuple[str, ...]:
        return listed(given)

    return click.option(
        option, name, metavar=metavar, type=TEXT, multiple=True, help=told, callback=read
    )


def listed(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the items of lists with commas, each once.

    >>> listed(("CN,HK", "RU", "CN"))
    ('CN', 'HK', 'RU')
    """
    items = (item.strip() for one in given for item in one.split(","))
    return tuple(dict.fromkeys(item for item in items if item))


def question(command: _Command) -> _Command:
    """Add what a question about access is made of: PROVIDER, REGION and who asks when."""
    for option in (
        known_at,
        click.option(
            "--audience", type=TEXT, default="public", show_default=True, help="Who asks."
        ),
        click.option(
            "--service", metavar="PATH", type=TEXT, help="One service only; a sub-service too."
        ),
        click.argument("region", type=TEXT),
        click.argument("provider", type=TEXT),
    ):
        command = option(command)
    return command
