"""Seeds: reference data and first events, recorded as anybody's are, and kept in step with files.

All files are one batch, what lies in `registry/` first: it is recorded as a whole or not at all.
What the log says already is left alone; what a file says otherwise is mended, what it has no more
is taken back.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from service.api import rendering
from service.api.seed_schema import seed_schema
from service.application import reconciling
from service.application.identifiers import new_id
from service.application.preview import Preview, preview
from service.application.reconciling import Act, MovedEvent, Step, Terms
from service.application.recording import Batch, append
from service.cli import appending, output, seedfiles, session
from service.cli.exits import Code, Failed
from service.cli.seedfiles import SeedFile, read, shipped
from service.domain.errors import Refused, Rejected
from service.domain.events import Event
from service.evidence.canonical import CanonicalError
from service.store import schema
from service.store.engine import Database, connect

PRINCIPAL: Final = "seeds"

__all__ = ["Seeded", "check", "read", "record", "seed", "shipped"]

_Entry = tuple[SeedFile, int]
"""An event, by its file and its number there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What a run recorded.

    Attributes:
        position: Of the log's last event afterwards.
        appended: Events that are new.
        amended: Events that a file says otherwise now. ``retracted``: that no file has any more.
        events: Events that were read.
    """

    position: int
    appended: int
    amended: int
    retracted: int
    events: int


class _Seed(click.Group):
    """A group whose first command may be left out, where a path or nothing is given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args.insert(0, "load")
        return super().parse_args(ctx, args)


@click.group(cls=_Seed)
def seed() -> None:
    """Record first events from TOML files, and keep the record in step with them.

    `accessline seed` alone means `accessline seed load`.
    """


_PATH: Final = click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))


@seed.command()
@_PATH
@click.option("--dry-run", is_flag=True, help="Judge all of it and record nothing.")
@session.as_json
def load(*, path: Path | None, dry_run: bool, as_json: bool) -> None:
    """Bring the record in step with PATH.

    PATH is a folder or one file; without it the seeds that come with the program are taken. What is
    recorded already is left alone, so a second run appends nothing. An event that reads otherwise
    becomes a correction that amends it; one that is gone from its file a correction that retracts
    it, and so does everything of a stream that is gone from a folder with a `registry/` of its own.
    """
    folder = path or shipped()
    files = read(folder)
    with session.database() as database:
        if dry_run:
            _show_plan(database, files, whole=seedfiles.is_whole(folder), as_json=as_json)
            return
        done = record(database, files, whole=seedfiles.is_whole(folder))
    if as_json:
        output.show_json(done)
        return
    said = [f"{done.appended} of {done.events} events are new"] if done.appended else []
    said += [f"{output.counted(done.amended, 'event')} amended"] if done.amended else []
    said += [f"{output.counted(done.retracted, 'event')} retracted"] if done.retracted else []
    if said:
        output.say(f"{', '.join(said)}; the log is at position {done.position}.")
    else:
        output.say(f"All {done.events} events are recorded already; nothing was appended.")


@seed.command()
@_PATH
@session.as_json
def check(*, path: Path | None, as_json: bool) -> None:
    """Judge PATH without a database: every fault with file and line.

    PATH is a folder with a registry of its own; without it the seeds that come with the program
    are taken. Exits 2 if there is a fault.
    """
    folder = path or shipped()
    files = read(folder)
    scratch = connect("sqlite://")
    try:
        schema.upgrade(scratch)
        rehearse(scratch, files, whole=True)
    finally:
        scratch.dispose()
    kinds = Counter(event.type for file in files for event in file.events)
    if as_json:
        output.show_json({"files": len(files), "events": sum(kinds.values()), "types": kinds})
        return
    events = output.counted(sum(kinds.values()), "event")
    output.say(f"{events} in {output.counted(len(files), 'file')}: nothing is wrong with them.")


@seed.command("schema")
@session.as_json
def schema_(*, as_json: bool) -> None:  # noqa: ARG001 -- it is JSON in any case
    """Print the JSON Schema of a file of events, for editors."""
    output.show_json(seed_schema())


def record(database: Database, files: Sequence[SeedFile], *, whole: bool = False) -> Seeded:
    """Bring the record in step with files, all or nothing.

    Raises:
        Failed: Something is refused; nothing is recorded then.
        StoreError: The database refuses or cannot be reached.
    """
    entries = _entries(files)
    steps = _steps(database, entries, whole=whole)
    with _named(entries, steps):
        outcome = append(database, _batch(steps), clock=session.now)
    acts = Counter(one.act for one in steps)
    return Seeded(
        position=outcome.receipt.position,
        appended=acts[Act.APPEND],
        amended=acts[Act.AMEND],
        retracted=acts[Act.RETRACT],
        events=len(entries),
    )


def rehearse(
    database: Database, files: Sequence[SeedFile], *, whole: bool
) -> tuple[tuple[Step, ...], Preview]:
    """Judge files, and tell what recording them would do and change.

    Raises:
        Failed: What would be refused.
        StoreError: The database cannot be reached.
    """
    entries = _entries(files)
    steps = _steps(database, entries, whole=whole)
    with _named(entries, steps):
        return steps, preview(database, _batch(steps), clock=session.now)


def _show_plan(
    database: Database, files: Sequence[SeedFile], *, whole: bool, as_json: bool
) -> None:
    steps, found = rehearse(database, files, whole=whole)
    if as_json:
        plan = [{"act": one.act, **_subject(one)} for one in steps]
        output.show_json({"steps": plan, **session.answered(rendering.preview(found))})
        return
    columns = ("act", "stream", "id", "title")
    rows = ((one.act, *(_text(_subject(one)[name]) for name in columns[1:])) for one in steps)
    output.show_table(columns, rows)
    output.note(f"{output.counted(len(steps), 'event')} would be recorded.")
    if found.changes:
        appending.show_changes(found, as_json=False)


def _subject(step: Step) -> dict[str, Any]:
    event = step.subject
    return {"id": event.id, "stream": event.stream, "title": event.title}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _entries(files: Iterable[SeedFile]) -> tuple[_Entry, ...]:
    return tuple((file, number) for file in files for number in range(len(file.events)))


def _steps(database: Database, entries: Sequence[_Entry], *, whole: bool) -> tuple[Step, ...]:
    try:
        return reconciling.pending(
            database,
            [file.events[number] for file, number in entries],
            Terms(
                principal=PRINCIPAL,
                whole=whole,
                today=session.now().date(),
                new_id=partial(new_id, session.now),
            ),
        )
    except MovedEvent as error:
        sentence = f"{_places(entries)[error.event.id]}: {error}"
        raise Failed(Code.USAGE, sentence) from error


def _batch(steps: Sequence[Step]) -> Batch:
    return Batch(events=tuple(one.event for one in steps), principal=PRINCIPAL)


def _places(entries: Sequence[_Entry]) -> dict[UUID, str]:
    return {file.events[number].id: file.place(number) for file, number in entries}


@contextmanager
def _named(entries: Sequence[_Entry], steps: Sequence[Step]) -> Iterator[None]:
    """Name file and line in whatever is refused."""
    files = {file.events[number].id: (file, number) for file, number in entries}
    try:
        yield
    except Rejected as error:
        sentences = (_told(files, steps[at].subject, fault) for at, fault in error.faults)
        raise Failed(Code.USAGE, *sentences) from error
    except CanonicalError as error:
        names = ", ".join(dict.fromkeys(file.name for file, _ in entries))
        raise Failed(Code.USAGE, f"{names}: {error}") from error


def _told(files: dict[UUID, _Entry], event: Event, fault: Refused) -> str:
    if event.id not in files:
        return f"{event.stream}, event {event.id}, which no file has any more: {fault.detail}"
    file, number = files[event.id]
    field = f"{'/'.join(map(str, fault.path))}: " if fault.path else ""
    return f"{file.place(number, fault.path)}: {field}{fault.detail}"
