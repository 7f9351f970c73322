"""The log as a file: `export`, which anybody can check, and `backup`, which is the database."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import click

from service.application import exports
from service.application.backup import back_up
from service.application.exports import Part, Written
from service.cli import output, session
from service.cli.exits import Code, Failed
from service.evidence.merkle import Frontier
from service.settings import redacted
from service.store.engine import Database

_STDOUT: Final = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was exported: the events behind `after`, up to and with `until`, and their root."""

    file: str
    after: int
    until: int
    events: int
    root: str


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--after",
    type=click.IntRange(0, 2**53 - 1),
    default=0,
    help="Only events behind this position.",
)
@click.option("--resume", is_flag=True, help="Continue a FILE whose export was interrupted.")
@session.as_json
def export(*, file: Path, after: int, resume: bool, as_json: bool) -> None:
    """Write the log to FILE (- for standard output), as lines of JSON.

    The first line tells which positions follow, and the root of their RFC 6962 tree; each other
    line is one event, byte for byte as it is stored: SHA-256 of a zero byte and the line is its
    leaf. A file that was cut is found when it is read. Others may append meanwhile.
    """
    if file == _STDOUT and (as_json or resume):
        message = "--json and --resume need the name of a file: '-' is for the events alone."
        raise click.UsageError(message)
    if resume and after:
        message = "--after is not given again: --resume goes on with what the file began with."
        raise click.UsageError(message)
    with session.database() as database:
        part = exports.part_of(database, after)
        with _opened(file, resume=resume) as target:
            found = _interrupted(database, target) if resume else None
            part = part if found is None else found.part
            _write(database, part, target, found.tree if found else None)
    told = Exported(
        file=str(file),
        after=part.after,
        until=part.until,
        events=part.until - part.after,
        root=part.root.hex(),
    )
    if as_json:
        output.show_json(told)
        return
    tell = output.note if file == _STDOUT else output.say
    tell(f"Exported {output.counted(told.events, 'event')}, up to position {told.until}.")
    tell(f"Root of the tree: {told.root}")


def _write(database: Database, part: Part, target: BinaryIO, done: Frontier | None) -> None:
    with output.progress("Exporting") as step:
        exports.export(database, part, target.write, done=done, progress=step)
    target.flush()


def _interrupted(database: Database, target: BinaryIO) -> Written | None:
    """Find where an export was interrupted, and take away what is not whole."""
    found = exports.written(target)
    if found is not None:
        exports.require_same(database, found)
    target.seek(0 if found is None else found.size)
    target.truncate()
    return found


@contextmanager
def _opened(file: Path, *, resume: bool) -> Iterator[BinaryIO]:
    """Open what is written to: a new file, one to go on with, or standard output."""
    if file == _STDOUT:
        yield sys.stdout.buffer
        return
    try:
        target: BinaryIO = file.open("r+b" if resume else "xb")
    except FileExistsError as error:
        sentence = f"{file} exists already. Name another file, or continue this one: --resume"
        raise Failed(Code.USAGE, sentence) from error
    with target:
        yield target
        target.flush()
        os.fsync(target.fileno())


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@session.as_json
def backup(*, file: Path, as_json: bool) -> None:
    """Copy the SQLite database to FILE, while others read and write.

    The copy is of one moment, whole, with all keys (as hashes), and readable to you alone. FILE
    must be new. To restore it, stop the servers and put it in the place of the database. A
    PostgreSQL database is backed up with its own tools: the command tells which.
    """
    with session.database() as database:
        if database.dialect != "sqlite":
            raise Failed(Code.USAGE, _with_its_own_tools(session.settings().database_url))
        try:
            made = back_up(database, file)
        except FileExistsError as error:
            sentence = f"{file} exists already, and a backup overwrites nothing: name another file."
            raise Failed(Code.USAGE, sentence) from error
    if as_json:
        output.show_json(made)
        return
    output.say(f"{made.file} holds the log up to position {made.position} ({made.bytes:,} bytes).")
    output.say(f"Root of the tree: {made.root}")


def _with_its_own_tools(url: str) -> str:
    shown = redacted(url).replace("postgresql+psycopg://", "postgresql://").replace(":***@", "@")
    return (
        "PostgreSQL is backed up with its own tools, which are right while others write:"
        f" pg_dump --format=custom --file=accessline.dump '{shown}' for this database (restored"
        " with pg_restore), or pg_basebackup for the whole server. The log alone, for any database:"
        " accessline export FILE"
    )
