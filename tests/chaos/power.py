"""Power loss on SQLite, played back from what a server asked of its disk.

A server runs under strace. At a cut, a file is what was synced, and of the rest a random part in
any order: each write since the last sync of its file is there, or not, or torn at sectors of 512
bytes; a file that was made or removed since the last sync of its folder may be as before. Then
SQLite opens what is left: every event acknowledged before the cut must be there.
"""

import random
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from service.application.checking import verify
from service.store.engine import connect
from tests.chaos.faulty import FAULT
from tests.chaos.load import Load, under_load
from tests.chaos.servers import Server, prepared

SECTOR: Final = 512
CALLS: Final = "openat,pwrite64,ftruncate,fdatasync,fsync,unlink,writev,sendto"

_CALL: Final = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)")
_UNFINISHED: Final = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED: Final = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
_FILE: Final = re.compile(r"^\d+<((?:\\x[0-9a-f]{2})+)>")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_ACKNOWLEDGED: Final = re.compile(rb'^\{"position":\d+,"items":\[.*\]\}$', re.DOTALL)
_POSITION: Final = re.compile(rb'"position":(\d+)[,}]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a server asked for, in order.

    Attributes:
        kind: `write`, `truncate`, `sync`, `make`, `remove`, or `tell` for an acknowledgement.
        path: of the file or folder.
        offset: of a write, or the new size of a file.
        data: written.
        positions: acknowledged.
    """

    kind: str
    path: str = ""
    offset: int = 0
    data: bytes = b""
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A run of a server, and the folder as it was before."""

    before: Path
    name: str
    folder: Path
    steps: tuple[Step, ...]


@dataclass(slots=True)
class _File:
    """A file by itself: what of it is synced, and what was asked for since."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)

    def sync(self) -> None:
        for step in self.pending:
            change(self.content, step)
        self.pending.clear()

    def lose_power(self, chance: random.Random) -> bytes:
        left = bytearray(self.content)
        kept = [step for step in self.pending if chance.random() < 0.5]
        if chance.random() < 0.5:
            chance.shuffle(kept)
        for step in kept:
            change(left, step, chance)
        return bytes(left)


class _Disk:
    """Which file each name has, as programs see it and as the folder on disk surely has it."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._seen = {path: _File(bytearray(content)) for path, content in files.items()}
        self._synced = dict(self._seen)
        self.told: list[int] = []

    def take(self, step: Step) -> None:
        match step.kind:
            case "tell":
                self.told.extend(step.positions)
            case "make":
                self._seen.setdefault(step.path, _File())
            case "remove":
                self._seen.pop(step.path, None)
            case "sync" if step.path in self._seen:
                self._seen[step.path].sync()
            case "sync":
                # All files lie in one folder, and this is it.
                self._synced = dict(self._seen)
            case _:
                self._seen.setdefault(step.path, _File()).pending.append(step)

    def lose_power(self, chance: random.Random) -> dict[str, bytes]:
        """Return what is left of each file."""
        left: dict[str, bytes] = {}
        for path in sorted({*self._seen, *self._synced}):
            names = self._seen if chance.random() < 0.5 else self._synced
            if path in names:
                left[path] = names[path].lose_power(chance)
        return left


def change(content: bytearray, step: Step, chance: "random.Random | None" = None) -> None:
    """Do to a file what a step says; with a chance, a write may be torn."""
    if step.kind == "truncate":
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    torn = chance is not None and chance.random() < 0.3
    for start in range(0, len(step.data), SECTOR):
        if torn and chance is not None and chance.random() < 0.5:
            continue
        piece = step.data[start : start + SECTOR]
        at = step.offset + start
        content.extend(bytes(max(at - len(content), 0)))
        content[at : at + len(piece)] = piece


def traced(folder: Path, *, appends: int, fault: str | None = None) -> Traced:
    """Run a server under strace, let clients append, and read what it did.

    Args:
        folder: An empty one.
        appends: How many batches.
        fault: One of `tests.chaos.faulty`, which must be found to lose events.
    """
    (folder / "now").mkdir()
    file, before, trace = folder / "now" / "log.db", folder / "before", folder / "trace"
    key = prepared(f"sqlite:///{file}")
    shutil.copytree(file.parent, before)
    server = Server(
        database_url=f"sqlite:///{file}",
        folder=folder,
        module="service" if fault is None else "tests.chaos.faulty",
        environment={} if fault is None else {FAULT: fault},
        prefix=(
            *("strace", "-f", "-y", "--seccomp-bpf", "-o", str(trace)),
            *("-xx", "-s", "70000", "-e", f"trace={CALLS}"),
        ),
    )
    load = Load(servers=[server], key=key, appends=appends)
    with under_load(load, writers=4, readers=0, seed=appends):
        pass
    steps = tuple(read_trace(trace.read_text(encoding="ascii").splitlines(), file.parent))
    trace.unlink()
    return Traced(before=before, name=file.name, folder=file.parent, steps=steps)


def read_trace(lines: Sequence[str], folder: Path) -> Iterator[Step]:
    """Read strace's lines as steps, each where it ended, so that a sync counts once it is done."""
    begun: dict[str, str] = {}
    for line in lines:
        unfinished = _UNFINISHED.match(line)
        if unfinished:
            begun[unfinished[1]] = f"{unfinished[1]} {unfinished[2]}({unfinished[3]}"
            continue
        resumed = _RESUMED.match(line)
        whole = begun.pop(resumed[1], "") + resumed[2] if resumed else line
        call = _CALL.match(whole)
        if call and int(call[4]) >= 0:
            yield from _steps(call[2], call[3], int(call[4]), str(folder))


def _steps(name: str, arguments: str, result: int, folder: str) -> Iterator[Step]:
    texts = [_bytes(one) for one in _TEXT.findall(arguments)]
    match name:
        case "writev" | "sendto":
            told = b"".join(texts)
            body = told.partition(b"\r\n\r\n")[2] or told
            if _ACKNOWLEDGED.match(body):
                yield Step(kind="tell", positions=_places(body))
            return
        case "openat" | "unlink":
            path = texts[0].decode() if texts else ""
            making = name == "openat" and "O_CREAT" in arguments
            if path.startswith(folder) and (making or name == "unlink"):
                yield Step(kind="make" if making else "remove", path=path)
            return
        case _:
            pass
    file = _FILE.match(arguments)
    path = _bytes(file[1]).decode() if file else ""
    if not path.startswith(folder) or path.endswith("-shm"):
        return
    last = arguments.rpartition(", ")[2]
    match name:
        case "pwrite64":
            yield Step(kind="write", path=path, offset=int(last), data=texts[0][:result])
        case "ftruncate":
            yield Step(kind="truncate", path=path, offset=int(last))
        case _:
            yield Step(kind="sync", path=path)


def _places(body: bytes) -> tuple[int, ...]:
    items = body.partition(b'"items":')[2]
    return tuple(int(position) for position in _POSITION.findall(items))


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def cut(run: Traced, at: int, chance: random.Random) -> list[str]:
    """Lose power after so many steps; return what is not as it must be."""
    disk = _Disk({str(run.folder / file.name): file.read_bytes() for file in run.before.iterdir()})
    for step in run.steps[:at]:
        disk.take(step)
    with tempfile.TemporaryDirectory() as folder:
        for path, content in disk.lose_power(chance).items():
            if not path.endswith("-shm"):
                (Path(folder) / Path(path).name).write_bytes(content)
        return list(_faults(Path(folder) / run.name, disk.told))


def _faults(file: Path, told: Sequence[int]) -> Iterator[str]:
    try:
        with closing(sqlite3.connect(file)) as connection:
            (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
            there = {position for (position,) in connection.execute("SELECT position FROM event")}
    except sqlite3.DatabaseError as error:
        yield f"damaged: {error}"
        return
    if sound != "ok":
        yield f"damaged: {sound}"
        return
    lost = set(told) - there
    if lost:
        yield f"{len(lost)} acknowledged events lost, from position {min(lost)}"
    database = connect(f"sqlite:///{file}")
    try:
        yield from (f"{one.kind}: {one.detail}" for one in verify(database).findings[:1])
    finally:
        database.dispose()
