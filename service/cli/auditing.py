"""The audit: who recorded what, when and from which sources, and with which keys.

What is listed is read in parts, so that a log of any length is printed, or written to a file,
within the same memory; `--json` alone prints one object, and so holds all of it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import click

from service.api import audits, tables
from service.app import signer_of
from service.application import auditing, publishing, recorders
from service.application.auditing import AuditFilter
from service.application.signing import replace_file
from service.cli import output, remote, session
from service.cli.events import recorded_range
from service.cli.exits import Code, Failed
from service.cli.remote import Json, Server
from service.domain.codec import answer_bytes
from service.store.engine import Database

_PAGE: Final = 1000
_MOST_KEYS: Final = 2**31
_COLUMNS: Final = (
    *("position", "recorded_at", "recorded_by", "type", "stream", "id"),
    *("standing", "corrects", "corrected_by", "sources", "title"),
)
_KEYS: Final = (
    *("id", "role", "created_at", "revoked_at"),
    *("events", "first_recorded_at", "last_recorded_at", "last_position", "label"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written: the items of a filter, as known at a position."""

    file: str
    format: str
    position: int
    items: int


@click.group()
def audit() -> None:
    """Audit what was recorded, and the keys."""


@audit.command()
@click.option("--policy", metavar="SLUG", type=session.TEXT, help="Of one policy.")
@click.option(
    "--cell",
    metavar="CELL",
    type=session.TEXT,
    help="Of policies and measurements that ever reached PROVIDER/REGION[/SERVICE].",
)
@click.option("--recorded-by", type=session.TEXT, help="With this key.")
@click.option("--recorded-from", metavar="TIME", type=session.TEXT, help="Then or later.")
@click.option("--recorded-until", metavar="TIME", type=session.TEXT, help="Before then.")
@session.known_at
@click.option(
    "--export",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all of it to FILE, which must be new.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("jsonl", "csv")),
    help="What to write to FILE: lines of JSON or CSV.  [default: jsonl]",
)
@session.server
@session.as_json
def events(
    *,
    file: Path | None,
    form: str | None,
    server: Server | None,
    as_json: bool,
    **asked: str | None,
) -> None:
    """List who recorded what, when and from which sources, in the order of positions.

    Corrections stand beside what they correct. In a file or as JSON, each event has the path of
    its proof, too.
    """
    if file is None and form is not None:
        message = "--format is for a file: --export FILE"
        raise click.UsageError(message)
    asked["policy"] = asked["policy"] and asked["policy"].removeprefix("policy:")
    if server is not None:
        with remote.reading(server):
            _tell(server.parts_of("audit", **asked), file, form, as_json=as_json)
        if file is not None:
            _keep_beside(file, server.file("log", "checkpoint"))
        return
    with session.database() as database:
        _tell(_parts(database, asked), file, form, as_json=as_json)
        if file is not None:
            signed = publishing.current(database, signer_of(session.settings()), session.now)
            _keep_beside(file, None if signed is None else signed.note)


def _keep_beside(file: Path, checkpoint: bytes | None) -> None:
    """Keep a checkpoint that covers what was exported: with it the file can be checked later."""
    if checkpoint is None:
        output.note("No checkpoint stands beside it: no key signs this log.")
        return
    target = file.with_name(f"{file.name}.checkpoint")
    replace_file(target, checkpoint)
    output.note(f"{target} is a checkpoint that covers it.")


def _parts(database: Database, asked: Mapping[str, str | None]) -> Iterator[Json]:
    """Yield the parts of the audit, all as known at the position of the first."""
    recorded_from, recorded_until = recorded_range(asked)
    wanted = AuditFilter(
        policy=asked["policy"],
        cell=asked["cell"],
        recorded_by=asked["recorded_by"],
        recorded_from=recorded_from,
        recorded_until=recorded_until,
    )
    now, known_at, after = session.now(), asked["known_at"], 0
    while True:
        found = auditing.audit(database, wanted, known_at, now, after=after, limit=_PAGE)
        yield session.answered(audits.audit(found, None))
        if found.next is None:
            return
        known_at, after = f"@{found.known_at.position}", found.next


def _tell(parts: Iterator[Json], file: Path | None, form: str | None, *, as_json: bool) -> None:
    if file is not None:
        told = _export(parts, file, form or "jsonl")
        if as_json:
            output.show_json(told)
        else:
            counted = output.counted(told.items, "event")
            output.say(f"Wrote {counted} to {file}, as known at position {told.position}.")
    elif as_json:
        first, *rest = parts
        items = [item for part in (first, *rest) for item in part["items"]]
        output.show_json({**first, "items": items})
    else:
        for number, part in enumerate(parts):
            output.show_table(_COLUMNS, map(_row, part["items"]), names=number == 0)


def _row(item: Json) -> tuple[str, ...]:
    shown = item | {
        "standing": "yes" if item["standing"] else "no",
        "corrected_by": " ".join(item["corrected_by"]),
        "sources": " ".join(one["url"] for one in item["sources"]),
        "title": item["title"] or item["reason"],
    }
    return tuple(_text(shown[name]) for name in _COLUMNS)


# The file.


def _export(parts: Iterable[Json], file: Path, form: str) -> Exported:
    items, position = 0, 0
    written = _csv if form == "csv" else _jsonl
    with _new(file) as target, output.progress("Exporting") as step:
        for part in parts:
            some, position = part["items"], part["known_at"]["position"]
            target.write(written(some, first=not items))
            items += len(some)
            step(some[-1]["position"] if some else position, position)
    return Exported(file=str(file), format=form, position=position, items=items)


def _jsonl(items: list[Json], *, first: bool) -> bytes:  # noqa: ARG001 -- as for CSV
    return b"".join(answer_bytes(item) + b"\n" for item in items)


def _csv(items: list[Json], *, first: bool) -> bytes:
    return tables.csv_bytes(audits.AUDIT_COLUMNS, items, header=first)


@contextmanager
def _new(file: Path) -> Iterator[BinaryIO]:
    """Open a file that must be new; it is kept if it is whole and on disk, or not at all."""
    try:
        target = file.open("xb")
    except FileExistsError as error:
        sentence = f"{file} exists already, and an audit overwrites nothing: name another file."
        raise Failed(Code.USAGE, sentence) from error
    try:
        with target:
            yield target
            target.flush()
            os.fsync(target.fileno())
    except BaseException:
        file.unlink(missing_ok=True)
        raise


# Keys.


@audit.command()
@session.as_json
def keys(*, as_json: bool) -> None:
    """List every key that was ever made, and what was recorded with it.

    Who recorded without a key, such as the command line, stands first and has no role.
    """
    with session.database() as database:
        found = recorders.keys(database, None, session.now(), after=None, limit=_MOST_KEYS)
    if as_json:
        output.show_json(audits.keys(found, None))
        return
    rows = session.answered(audits.keys(found, None))["items"]
    output.show_table(_KEYS, (tuple(_text(row[name]) for name in _KEYS) for row in rows))


def _text(value: object) -> str:
    return "" if value is None else str(value)
