"""Files of events: TOML, read and judged with file and line.

    stream = "policy:openai-unsupported-regions-2024"     # holds for every event of the file
    authority = "openai"

    [[events]]
    id = "456fbba2-a51f-42fb-b282-aa9aeedb480a"           # literal: a second run finds it recorded
    type = "policy.adopted"
    occurred_on = 2024-06-24                              # a TOML date means its ISO text

TOML's reader tells no lines for what it has read. So they are looked for: an event is where its
`[[events]]` stands, a field of it where its name first stands behind that.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import service
from service.cli.exits import Code, Failed
from service.domain.events import Event
from service.schemas import read_events
from service.schemas.faults import Fault, InvalidInput

REGISTRY: Final = "registry"
_FOLDERS: Final = (REGISTRY, "policies", "observations", "context")
_MOST: Final = 100_000
_EVENT: Final = re.compile(r"\s*\[\[\s*events\s*\]\]")
_TOML_LINE: Final = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFile:
    """A file of events.

    Attributes:
        name: Its path below the folder of the seeds.
        lines: Those of the file, to tell where something stands.
    """

    name: str
    events: tuple[Event, ...]
    lines: tuple[str, ...]

    def place(self, number: int, path: Sequence[str | int] = ()) -> str:
        """Return file and line of an event, or of a field of it."""
        return f"{self.name}:{line_of(self.lines, number, path)}"


def shipped() -> Path:
    """Find the seeds that come with the program: in the package, or beside it in a checkout.

    Raises:
        Failed: The package was installed without them.
    """
    package = Path(service.__file__).resolve().parent
    for folder in (package / "seeds", package.parent / "seeds"):
        if (folder / REGISTRY).is_dir():
            return folder
    raise Failed(Code.ENVIRONMENT, f"There are no seeds beside {package}: give their folder.")


def read(path: Path) -> tuple[SeedFile, ...]:
    """Read a file, or all files of a folder in the order in which they are recorded.

    Raises:
        Failed: With a sentence for each fault of any file, by file and line.
    """
    if path.is_file():
        below = {Path(path.name): path}
    else:
        below = {one.relative_to(path): one for one in path.rglob("*.toml")}
    if not below:
        raise Failed(Code.USAGE, f"There is no file *.toml in {path}.")
    files: list[SeedFile] = []
    sentences: list[str] = []
    for name in sorted(below, key=_order):
        try:
            files.append(_read_file(below[name], name.as_posix()))
        except Failed as error:
            sentences += error.sentences
    sentences += _repeated(files)
    if sentences:
        raise Failed(Code.USAGE, *sentences)
    return tuple(files)


def is_whole(path: Path) -> bool:
    """Tell whether a folder has a set of its own: it brings the registry that its events need."""
    return (path / REGISTRY).is_dir()


def line_of(lines: Sequence[str], number: int, path: Sequence[str | int] = ()) -> int:
    """Return the line of an event of a file, counted from 0, or of a field of it; lines from 1."""
    starts = [at for at, line in enumerate(lines) if _EVENT.match(line)]
    if number >= len(starts):
        return 1
    start = starts[number]
    end = starts[number + 1] if number + 1 < len(starts) else len(lines)
    found = start
    for step, following in zip_longest(map(str, path), map(str, path[1:])):
        if step.isdigit():
            continue
        tables = _matching(lines, start, end, rf"\[\[[^\]]*\b{re.escape(step)}\s*\]\]")
        if tables and following is not None and following.isdigit():
            # Of tables side by side the one that is meant.
            at = min(int(following), len(tables) - 1)
            end = tables[at + 1] if at + 1 < len(tables) else end
            found = start = tables[at]
            continue
        named = rf"(?:^|[\s{{,.\[]){re.escape(step)}\s*[=\]]"
        # What is not said of the event itself is said above the first one, for all of them.
        places = _matching(lines, start, end, named) or _matching(lines, 0, starts[0], named)
        found = places[0] if places else found
    return found + 1


def _matching(lines: Sequence[str], start: int, end: int, form: str) -> list[int]:
    wanted = re.compile(form)
    return [at for at in range(start, end) if wanted.search(lines[at])]


def _order(path: Path) -> tuple[int, str]:
    """Sort by folder, registry first; what lies elsewhere comes last."""
    folder = path.parts[0]
    return (_FOLDERS.index(folder) if folder in _FOLDERS else len(_FOLDERS)), path.as_posix()


def _read_file(path: Path, name: str) -> SeedFile:
    try:
        text = path.read_text(encoding="utf-8")
        parsed = _plain(tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        line = _TOML_LINE.search(str(error))
        where = f"{name}:{line[1]}" if line else name
        raise Failed(Code.USAGE, f"{where}: This is no TOML that can be read: {error}.") from error
    lines = tuple(text.splitlines())
    items = parsed.pop("events", None)
    if isinstance(items, list):
        items = [{**parsed, **one} if isinstance(one, dict) else one for one in items]
        _require_ids(items, name, lines)
    try:
        events = read_events(items, new_id=uuid4, pointer="", most=_MOST)
    except InvalidInput as error:
        raise Failed(Code.USAGE, *(_fault(one, name, lines) for one in error.errors)) from error
    return SeedFile(name=name, events=events, lines=lines)


def _plain(value: Any) -> Any:  # noqa: ANN401 -- whatever TOML holds
    """Return TOML with dates and times as their ISO text."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _require_ids(items: Sequence[object], name: str, lines: Sequence[str]) -> None:
    for number, item in enumerate(items):
        if isinstance(item, dict) and item.get("id") is None:
            sentence = (
                f"{name}:{line_of(lines, number)}: This event has no id, so every run would record"
                f' it again. Give it one: id = "{uuid4()}"'
            )
            raise Failed(Code.USAGE, sentence)


def _fault(fault: Fault, name: str, lines: Sequence[str]) -> str:
    """Name file and line, and the field."""
    _, _, path = (fault.pointer or "").partition("/")
    step, *below = path.split("/")
    if not step.isdigit():
        return f"{name}: {fault.detail}"
    field = f"{'/'.join(below)}: " if below else ""
    return f"{name}:{line_of(lines, int(step), below)}: {field}{fault.detail}"


def _repeated(files: Sequence[SeedFile]) -> Iterator[str]:
    """Yield a sentence for each id that stands twice."""
    seen: dict[object, str] = {}
    for file in files:
        for number, event in enumerate(file.events):
            place = file.place(number, ("id",))
            if event.id in seen:
                yield f"{place}: The id {event.id} stands at {seen[event.id]} already."
            seen.setdefault(event.id, place)
