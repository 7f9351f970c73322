"""The record as a data set, for those who work with tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from service.api import rendering, tables
from service.app import signer_of
from service.application import dataset as made
from service.application import publishing
from service.application.dataset import CellSpan, Snapshot
from service.cli import output, session
from service.cli.exits import Code, Failed
from service.domain.codec import answer_bytes

_MANY: Final = 1000


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@session.as_json
def dataset(*, folder: Path, as_json: bool) -> None:
    """Write the record to FOLDER, which must be new, as tables with descriptions.

    events.jsonl, intervals.csv (one row for each cell and interval) and policies.csv, described by
    datapackage.json (a Data Package, version 2) and dataset.jsonld (schema.org). Where a key signs
    the log, a checkpoint stands beside them. The data is licensed under CC BY 4.0.
    """
    settings = session.settings()
    if folder.exists() and any(folder.iterdir()):
        sentence = f"{folder} has files in it already, and none is overwritten: name a new folder."
        raise Failed(Code.USAGE, sentence)
    signer = signer_of(settings)
    with session.database() as database, output.progress("Writing intervals") as step:
        found = made.snapshot(database, session.now(), step)
        folder.mkdir(parents=True, exist_ok=True)
        rows = _write(folder, found)
        signed = publishing.current(database, signer, session.now)
    described = {
        "datapackage.json": made.data_package(found.known_at, settings.public_url),
        "dataset.jsonld": made.json_ld(found.known_at, settings.public_url),
    }
    for name, value in described.items():
        text = json.dumps(value, indent=2, ensure_ascii=False)
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
    if signed is not None:
        (folder / "checkpoint").write_bytes(signed.note)
    if as_json:
        output.show_json({"folder": str(folder), "known_at": found.known_at, "rows": rows})
        return
    said = ", ".join(f"{number:,} rows in {name}" for name, number in rows.items())
    output.say(f"{folder}: {said}, as known at position {found.known_at.position}.")


def _write(folder: Path, found: Snapshot) -> dict[str, int]:
    """Write the tables, and return how many rows each has."""
    events, columns = 0, _columns(made.EVENTS)
    with (folder / "events.jsonl").open("wb") as file:
        for recorded in found.events:
            told = rendering.event(recorded)
            file.write(answer_bytes({name: told.get(name) for name in columns}) + b"\n")
            events += 1
    intervals = _write_csv(
        folder / "intervals.csv", _columns(made.INTERVALS), map(_row, found.spans)
    )
    rows = map(rendering.policy_item, found.policies)
    policies = _write_csv(folder / "policies.csv", _columns(made.POLICIES), rows)
    return {"events.jsonl": events, "intervals.csv": intervals, "policies.csv": policies}


def _columns(described: Sequence[made.Field]) -> tuple[str, ...]:
    return tuple(name for name, _, _ in described)


def _row(one: CellSpan) -> dict[str, Any]:
    place = {"provider": one.provider, "region": one.region, "audience": one.audience}
    return place | rendering.interval(one.span)


def _write_csv(file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows as CSV, some at once, and return how many there are."""
    written = 0
    some: list[Mapping[str, Any]] = []
    with file.open("wb") as target:
        target.write(tables.csv_bytes(columns, ()))
        for row in rows:
            some.append(row)
            written += 1
            if len(some) == _MANY:
                target.write(tables.csv_bytes(columns, some, header=False))
                some.clear()
        target.write(tables.csv_bytes(columns, some, header=False))
    return written
