"""Recording events on the command line, as one sends them over HTTP."""

import hashlib
import json
from functools import partial
from typing import Any, BinaryIO, Final

import click

from service.api import rendering
from service.application import recording
from service.application.identifiers import new_id
from service.application.preview import Preview, Told, preview
from service.application.recording import Batch, Outcome
from service.cli import output, session
from service.cli.exits import Code, Failed
from service.schemas import read_batch

_DIGITS: Final = 16


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Record nothing; tell which answers would change.")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    type=session.TEXT,
    metavar="STREAM=VERSION",
    help="Refuse unless the stream is at this version (0: new). May be given again.",
)
@click.option(
    "--idempotency-key",
    "key",
    type=session.TEXT,
    help="The same key and input again: the first answer.",
)
@session.as_json
def append(
    *, file: BinaryIO, dry_run: bool, expected: tuple[str, ...], key: str | None, as_json: bool
) -> None:
    """Record the events of a JSON FILE (- for standard input), all or nothing.

    FILE holds {"events": […]}, as one sends it over HTTP, a bare list, or one event. Events that
    the log holds already, with the same content, keep their place. Exits 1 if --expect is not met.
    """
    raw = file.read()
    with session.database() as database:
        batch = _batch(_body(raw, expected), key)
        if dry_run:
            show_changes(preview(database, batch, clock=session.now), as_json=as_json)
            return
        outcome = recording.append(database, batch, clock=session.now)
    if as_json:
        output.show_json(rendering.receipt(outcome.receipt))
    else:
        rows = (
            (str(one.position), one.stream, str(one.version), str(one.id))
            for one in outcome.receipt.items
        )
        output.show_table(("position", "stream", "version", "id"), rows)
    output.note(_outcome(outcome))


def _body(raw: bytes, expected: tuple[str, ...]) -> Any:  # noqa: ANN401 -- JSON
    """Read the input, and bring it into the form that it has over HTTP."""
    # Flask comes with it, and only this command needs it.
    from service.schemas.strict import MalformedJson, parse  # noqa: PLC0415

    try:
        body = parse(raw)
    except MalformedJson as error:
        sentence = str(error).replace("The body", "The input", 1)
        raise Failed(Code.USAGE, sentence) from error
    if isinstance(body, list):
        body = {"events": body}
    elif isinstance(body, dict) and "type" in body and "events" not in body:
        body = {"events": [body]}
    if expected and isinstance(body, dict):
        given = body.get("expected_versions")
        named = dict(map(_expected, expected))
        body["expected_versions"] = {**given, **named} if isinstance(given, dict) else named
    return body


def _batch(body: Any, key: str | None) -> Batch:  # noqa: ANN401 -- whatever the JSON holds
    most = session.settings().max_batch
    asked = read_batch(body, new_id=partial(new_id, session.now), most=most)
    written = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Batch(
        events=asked.events,
        principal=session.PRINCIPAL,
        expected_versions=asked.expected_versions,
        key=key,
        request_hash=hashlib.sha256(written.encode("ascii")).digest(),
    )


def _expected(text: str) -> tuple[str, int]:
    stream, _, version = text.rpartition("=")
    if not stream or not (version.isascii() and version.isdigit() and len(version) < _DIGITS):
        sentence = (
            f"--expect: {text!r} is not STREAM=VERSION, such as policy:x=3 (0: the stream is new)."
        )
        raise Failed(Code.USAGE, sentence)
    return stream, int(version)


def _outcome(outcome: Outcome) -> str:
    if outcome.replayed:
        return "This key was used for this input before: the first answer again, nothing recorded."
    held = len(outcome.receipt.items) - outcome.appended
    also = f"; the log held {held} already" if held else ""
    return f"Recorded {output.counted(outcome.appended, 'event')}{also}."


def show_changes(found: Preview, *, as_json: bool) -> None:
    """Print what recording a batch would change."""
    if as_json:
        output.show_json(rendering.preview(found))
        return
    cell = ("provider", "service", "region", "audience")
    columns = (*cell, "effective_from", "effective_until", "before", "after", "cause")
    rows = (
        (
            *(one.provider, one.service, one.region, one.audience),
            *(_text(one.effective_from), _text(one.effective_until)),
            *(_told(one.before), _told(one.after), one.cause),
        )
        for one in found.changes
    )
    output.show_table(columns, rows)
    some = "" if found.complete else ", and more: too many cells are touched to compare all"
    output.note(
        f"It may be recorded and would make {output.counted(len(found.changes), 'change')}{some}."
    )


def _told(one: Told) -> str:
    law = "" if one.legal_state is one.state else f" (in law {one.legal_state})"
    return f"{one.state}{law}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
