"""Seeds: reference data and first events, read from TOML and recorded as anybody's are.

    stream = "policy:openai-unsupported-regions-2024"     # holds for every event of the file
    authority = "openai"

    [[events]]
    id = "456fbba2-a51f-42fb-b282-aa9aeedb480a"           # literal: a second run finds it recorded
    type = "policy.adopted"
    occurred_on = 2024-06-24                              # a TOML date means its ISO text

What lies in `registry/` is one batch and comes first; then each file is one. An event that the log
holds already is left alone.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import click

import service
from service.api.faults import Fault, InvalidInput
from service.api.schemas import read_events
from service.application.errors import EventIdConflict
from service.application.preview import Preview, preview
from service.application.recording import Batch, append
from service.cli import appending, output, session
from service.cli.exits import Code, Failed
from service.domain.errors import Refused, Rejected
from service.domain.events import Event
from service.evidence.canonical import CanonicalError
from service.store.engine import Database

PRINCIPAL: Final = "seeds"

_FOLDERS: Final = ("registry", "policies", "observations", "context")
_MOST: Final = 100_000

_Entry = tuple[str, Event]
"""An event and the name of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFile:
    """A file of events.

    Attributes:
        name: Its path below the folder of the seeds.
    """

    name: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What a run recorded.

    Attributes:
        position: Of the log's last event afterwards.
        appended: Events that are new.
        events: Events that were read.
    """

    position: int
    appended: int
    events: int


@click.command()
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Judge all of it and record nothing.")
@session.as_json
def seed(*, path: Path | None, dry_run: bool, as_json: bool) -> None:
    """Record first events from TOML files.

    PATH is a folder or one file; without it the seeds that come with the program are taken. What is
    recorded already is left alone, so a second run appends nothing.
    """
    files = read(path or shipped())
    with session.database() as database:
        if dry_run:
            appending.show_changes(rehearse(database, files), as_json=as_json)
            return
        with output.progress("Seeding") as step:
            done = record(database, files, step)
    if as_json:
        output.show_json(done)
    elif done.appended:
        output.say(
            f"{done.appended} of {done.events} events are new; the log is at position"
            f" {done.position}."
        )
    else:
        output.say(f"All {done.events} events are recorded already; nothing was appended.")


def shipped() -> Path:
    """Find the seeds that come with the program: in the package, or beside it in a checkout.

    Raises:
        Failed: The package was installed without them.
    """
    package = Path(service.__file__).resolve().parent
    for folder in (package / "seeds", package.parent / "seeds"):
        if (folder / "registry").is_dir():
            return folder
    raise Failed(Code.ENVIRONMENT, f"There are no seeds beside {package}: give their folder.")


def read(path: Path) -> tuple[SeedFile, ...]:
    """Read a file, or all files of a folder in the order in which they are recorded.

    Raises:
        Failed: A file that cannot be read, or whose events are refused; it is named.
    """
    if path.is_file():
        return (_read_file(path, path.name),)
    below = {one.relative_to(path): one for one in path.rglob("*.toml")}
    if not below:
        raise Failed(Code.USAGE, f"There is no file *.toml in {path}.")
    return tuple(_read_file(below[one], one.as_posix()) for one in sorted(below, key=_order))


def record(database: Database, files: Iterable[SeedFile], step: output.Step) -> Seeded:
    """Record files: the registry as one batch, then each file as one.

    Raises:
        Failed: A batch that is refused; nothing of it is recorded, what came before it is.
        StoreError: The database refuses or cannot be reached.
    """
    batches = _batches(files)
    position = appended = 0
    for done, entries in enumerate(batches, 1):
        with _named(entries):
            outcome = append(database, _batch(entries), clock=session.now)
        position, appended = outcome.receipt.position, appended + outcome.appended
        step(done, len(batches))
    return Seeded(position=position, appended=appended, events=sum(map(len, batches)))


def rehearse(database: Database, files: Iterable[SeedFile]) -> Preview:
    """Judge files as one batch, and tell what recording them would change.

    Raises:
        Failed: What would be refused.
        StoreError: The database cannot be reached.
    """
    entries = tuple(entry for batch in _batches(files) for entry in batch)
    with _named(entries):
        return preview(database, _batch(entries), clock=session.now)


def _order(path: Path) -> tuple[int, str]:
    """Sort by folder, registry first; what lies elsewhere comes last."""
    folder = path.parts[0]
    return (_FOLDERS.index(folder) if folder in _FOLDERS else len(_FOLDERS)), path.as_posix()


def _batches(files: Iterable[SeedFile]) -> tuple[tuple[_Entry, ...], ...]:
    registry: list[_Entry] = []
    batches: list[tuple[_Entry, ...]] = []
    for file in files:
        entries = tuple((file.name, event) for event in file.events)
        if file.name.startswith("registry/"):
            registry.extend(entries)
        else:
            batches.append(entries)
    return (tuple(registry), *batches) if registry else tuple(batches)


def _batch(entries: Sequence[_Entry]) -> Batch:
    return Batch(events=tuple(event for _, event in entries), principal=PRINCIPAL)


def _read_file(path: Path, name: str) -> SeedFile:
    try:
        parsed = _plain(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise Failed(Code.USAGE, f"{name} is no TOML that can be read: {error}.") from error
    items = parsed.pop("events", None)
    if isinstance(items, list):
        items = [{**parsed, **one} if isinstance(one, dict) else one for one in items]
        _require_ids(items, name)
    try:
        return SeedFile(name=name, events=read_events(items, new_id=uuid4, pointer="", most=_MOST))
    except InvalidInput as error:
        raise Failed(Code.USAGE, *(_fault(one, items, name) for one in error.errors)) from error


def _plain(value: Any) -> Any:  # noqa: ANN401 -- whatever TOML holds
    """Return TOML with dates and times as their ISO text."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _require_ids(items: Sequence[object], name: str) -> None:
    for number, item in enumerate(items, 1):
        if isinstance(item, dict) and item.get("id") is None:
            sentence = (
                f"{name}: event {number} has no id, so every run would record it again. Give it"
                f' one: id = "{uuid4()}"'
            )
            raise Failed(Code.USAGE, sentence)


def _fault(fault: Fault, items: object, name: str) -> str:
    """Name the file and the event, by its id where it has one."""
    _, _, path = (fault.pointer or "").partition("/")
    step, *below = path.split("/")
    if not step or not isinstance(items, list):
        return f"{name}: {fault.detail}"
    item = items[int(step)]
    event = item.get("id") if isinstance(item, dict) else int(step) + 1
    return f"{name}, event {event}, {'/'.join(below) or 'whole'}: {fault.detail}"


@contextmanager
def _named(entries: Sequence[_Entry]) -> Iterator[None]:
    """Name the file and the event in whatever is refused."""
    try:
        yield
    except Rejected as error:
        sentences = (
            f"{_where(entries, at)}{_steps(fault)}: {fault.detail}" for at, fault in error.faults
        )
        raise Failed(Code.USAGE, *sentences) from error
    except EventIdConflict as error:
        sentence = (
            f"{_where(entries, error.index)}: position {error.position} has another event under"
            " this id. What is recorded never changes: undo the change in the file, and mend the"
            " record by a record.corrected that names the event."
        )
        raise Failed(Code.USAGE, sentence) from error
    except CanonicalError as error:
        names = ", ".join(dict.fromkeys(name for name, _ in entries))
        raise Failed(Code.USAGE, f"{names}: {error}") from error


def _where(entries: Sequence[_Entry], index: int) -> str:
    name, event = entries[index]
    return f"{name}, event {event.id}"


def _steps(fault: Refused) -> str:
    return ", " + "/".join(map(str, fault.path)) if fault.path else ""
