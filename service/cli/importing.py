"""Events from a file: `import` records them as anybody's, `restore` as they were.

`import` reads lines of JSON, one event a line, as one sends them over HTTP. What the server adds to
an event is left out where it stands there, so an export, or what `events list --json` prints, may
be imported. An event without an id gets one that is made from its content: a second run finds it
recorded, too.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import click

from service.application import exports, transfer
from service.application.errors import EventIdConflict
from service.cli import output, session
from service.cli.exits import Code, Failed
from service.domain.codec import event_to
from service.domain.errors import Rejected
from service.domain.events import Event
from service.evidence.canonical import CanonicalError, canonical_bytes
from service.schemas import quick, read_events
from service.schemas.faults import Fault, InvalidInput
from service.store.engine import Database

MOST_AT_ONCE: Final = 100_000
"""Events that one transaction takes."""

MOST_IN_LINE: Final = 1024 * 1024
"""Bytes of a line: an event's 60,000 with every character escaped, and blanks, have room."""

_MOST_FAULTS: Final = 100
_ROOMY: Final = 5_000
"""Bytes of a line in which no event can exceed its canonical size."""

_GIVEN_BY_THE_LOG: Final = ("schema_version", "position", "version", "recorded_at", "recorded_by")

_Line = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to.

    Attributes:
        position: Of the log's head afterwards.
        appended: Events that are new.
        held: Events that the log had already, or that the file repeats.
    """

    position: int
    appended: int
    held: int


@dataclass(slots=True)
class _Reading:
    """Reads the events of a file, and collects what is wrong with them."""

    name: str
    faults: list[str] = field(default_factory=list)
    read: int = 0

    def fail(self) -> None:
        """Refuse the file if anything is wrong with it."""
        if self.faults:
            raise Failed(Code.USAGE, *self.faults)

    def where(self, number: int) -> str:
        return f"{self.name}, line {number}"

    def events(
        self, source: BinaryIO, step: output.Step = lambda _done, _all: None
    ) -> Iterator[tuple[int, Event]]:
        """Yield the events of a file that are well formed, each with the number of its line.

        Args:
            source: The file.
            step: Told how many bytes of how many are read.
        """
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        self.read = 0
        for number, line in _lines(source, self.name):
            if len(self.faults) >= _MOST_FAULTS:
                break
            step(source.tell(), size)
            event = self._event(number, line)
            if event is not None:
                self.read += 1
                yield number, event

    def _event(self, number: int, line: bytes) -> Event | None:
        # Flask comes with it, and only some commands need it.
        from service.schemas.strict import MalformedJson, parse  # noqa: PLC0415

        try:
            event = quick.read_event(quick.plain_line(line), _id_of)
            if event is None:
                item = _without_what_the_log_gives(parse(line))
                (event,) = read_events([item], new_id=lambda: _id_of(item), pointer="")
            if len(line) > _ROOMY:
                canonical_bytes(event_to(event))
        except MalformedJson as error:
            sentence = str(error).replace("The body", "It", 1).replace(", at line 1", "", 1)
            self.faults.append(f"{self.where(number)}: {sentence}")
        except InvalidInput as error:
            self.faults.extend(f"{self.where(number)}{_placed(fault)}" for fault in error.errors)
        except CanonicalError as error:
            self.faults.append(f"{self.where(number)}: {error}")
        else:
            return event
        return None


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--batch",
    type=click.IntRange(1, MOST_AT_ONCE),
    help=f"Record so many events at a time; needed for more than {MOST_AT_ONCE:,}.",
)
@session.as_json
def import_(*, file: str, batch: int | None, as_json: bool) -> None:
    """Record the events of FILE (- for standard input), one JSON object a line.

    All or nothing: one bad line, which is named, keeps the whole file out. What the log holds
    already, with the same content, is skipped; another event under the same id is refused. With
    --batch the file is read through first and then recorded part by part, each as a whole; what was
    recorded before a part that is refused stays, and a second run goes on from there. An export may
    be imported: its events get new positions and times.
    """
    with _seekable(file) as source, session.database() as database:
        reading = _Reading("standard input" if file == "-" else file)
        if batch is None:
            done = _at_once(database, source, reading)
        else:
            done = _in_parts(database, source, reading, batch)
    if as_json:
        output.show_json(done)
        return
    also = f"; the log held {done.held:,} already" if done.held else ""
    events = output.counted(done.appended, "event")
    output.say(f"Recorded {events}{also}. The log is at position {done.position}.")


def _at_once(database: Database, source: BinaryIO, reading: _Reading) -> Imported:
    with output.progress("Reading") as step:
        found = list(islice(reading.events(source, step), MOST_AT_ONCE + 1))
    if len(found) > MOST_AT_ONCE:
        sentence = (
            f"{reading.name} holds more than {MOST_AT_ONCE:,} events, too many for one transaction."
            " Record it in parts: --batch 10000"
        )
        raise Failed(Code.USAGE, sentence)
    with output.progress("Importing") as step:
        return _record(database, found, reading, step)


def _in_parts(database: Database, source: BinaryIO, reading: _Reading, size: int) -> Imported:
    with output.progress("Reading") as step:
        for _ in reading.events(source, step):
            pass
    reading.fail()
    total = reading.read
    events = reading.events(source)
    done = Imported(position=0, appended=0, held=0)
    with output.progress("Importing") as step:
        while part := list(islice(events, size)):
            one = _record(database, part, reading, lambda _done, _all: None)
            done = Imported(
                position=one.position,
                appended=done.appended + one.appended,
                held=done.held + one.held,
            )
            step(done.appended + done.held, total)
    return done


def _record(
    database: Database, found: list[tuple[int, Event]], reading: _Reading, step: output.Step
) -> Imported:
    """Record some events of a file, all or nothing."""
    numbers, events = _once_each(found, reading)
    reading.fail()
    if not events:
        raise Failed(Code.USAGE, f"{reading.name} holds no event: give one JSON object a line.")
    try:
        done = transfer.import_events(
            database, events, session.PRINCIPAL, clock=session.now, progress=step
        )
    except Rejected as error:
        sentences = (
            f"{reading.where(numbers[at])}{_steps(fault.path)}: {fault.detail}"
            for at, fault in error.faults
        )
        raise Failed(Code.USAGE, *sentences) from error
    except EventIdConflict as error:
        raise Failed(Code.USAGE, f"{reading.where(numbers[error.index])}: {error}") from error
    repeated = len(found) - len(events)
    return Imported(position=done.position, appended=done.appended, held=done.held + repeated)


def _once_each(found: list[tuple[int, Event]], reading: _Reading) -> tuple[list[int], list[Event]]:
    """Leave out events that a file repeats, and refuse two under one id."""
    first: dict[UUID, tuple[int, Event]] = {}
    for number, event in found:
        line, before = first.setdefault(event.id, (number, event))
        if line != number and event_to(before) != event_to(event):
            fault = (
                f"/id: This id names another event, that of line {line}: one of them needs a new."
            )
            reading.faults.append(f"{reading.where(number)}, {fault}")
    return [number for number, _ in first.values()], [event for _, event in first.values()]


@contextmanager
def _seekable(file: str) -> Iterator[BinaryIO]:
    """Open a file; standard input is put aside first, so that all of it can be judged."""
    if file != "-":
        with Path(file).open("rb") as source:
            yield source
        return
    with tempfile.TemporaryFile() as aside:
        copyfileobj(sys.stdin.buffer, aside)
        yield aside


def _lines(source: BinaryIO, name: str) -> Iterator[_Line]:
    """Yield the lines of a file with events, each with its number; an export must be whole."""
    first = source.readline(MOST_IN_LINE + 1)
    part = exports.read_part(first)
    if part is not None:
        numbered = enumerate((one for some in exports.bodies(source, part) for one in some), 2)
        yield from numbered
        return
    number, line = 1, first
    while line:
        if len(line) > MOST_IN_LINE:
            sentence = f"{name}, line {number}: It is longer than {MOST_IN_LINE:,} bytes."
            raise Failed(Code.USAGE, sentence)
        if line.strip():
            yield number, line
        number, line = number + 1, source.readline(MOST_IN_LINE + 1)


def _without_what_the_log_gives(item: Any) -> Any:  # noqa: ANN401 -- whatever the JSON holds
    if not isinstance(item, Mapping):
        return item
    return {name: value for name, value in item.items() if name not in _GIVEN_BY_THE_LOG}


def _id_of(item: Any) -> UUID:  # noqa: ANN401 -- JSON
    """Make the id of an event from its content."""
    content = json.dumps(item, sort_keys=True, separators=(",", ":"))
    return uuid5(NAMESPACE_URL, f"accessline:event:{content}")


def _placed(fault: Fault) -> str:
    """Return a fault with its place below the event."""
    below = (fault.pointer or "").removeprefix("/0")
    return f", {below}: {fault.detail}" if below else f": {fault.detail}"


def _steps(path: tuple[str | int, ...]) -> str:
    return ", " + "".join(f"/{step}" for step in path) if path else ""


@click.command()
@click.argument("file", type=click.File("rb"))
@session.as_json
def restore(*, file: BinaryIO, as_json: bool) -> None:
    """Continue the log with an export that it is the beginning of.

    Positions, versions, times and bytes stay as FILE (- for standard input) has them, and all of
    them are checked, with the root of the tree, before anything is kept: one transaction, in which
    nobody else can append. An empty database takes any whole export. A file that differs from the
    log is refused, and the first position at which it does is named.
    """
    with session.database() as database, output.progress("Restoring") as step:
        done = transfer.restore(database, file, progress=step)
    if as_json:
        output.show_json(done)
        return
    if done.restored:
        events = output.counted(done.restored, "event")
        output.say(f"Restored {events}; the log is at position {done.position}.")
    else:
        output.say(f"The log holds all {done.held} events of the file already.")
    output.say(f"Root of the tree: {done.root}")
