"""What an auditor does: verify a mirror of a log, one entry of it, an answer; and keep watch.

Nothing here needs a server, a database or a setting: only files, or a web server that has them, and
a key (or a trust policy) that came by another way.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from service.application.signing import replace_file
from service.cli import exits, mirrors, output, replaying, session
from service.cli.exits import Code, Failed
from service.evidence import checkpoints, verification
from service.evidence.checkpoints import Checkpoint
from service.evidence.errors import EvidenceError, MalformedEvidence, SignatureRefused
from service.evidence.merkle import EMPTY_ROOT, leaf_hash
from service.evidence.notes import MAX_NOTE, VerifierKey
from service.evidence.proofs import verify_inclusion
from service.evidence.text import MOST, base64_text
from service.evidence.tlog_proofs import TlogProof
from service.evidence.trust import Trust
from service.evidence.verification import CHECKPOINT, Finding, FindingKind, Read

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was verified: of which log, how much of it, and what was found."""

    origin: str | None
    size: int | None
    root: str | None
    findings: tuple[Finding, ...]


class Key(click.ParamType[VerifierKey]):
    """A key that verifies, in one line or in a file that has it."""

    name = "key"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> VerifierKey:
        """Read it, or say what is wrong with it."""
        try:
            return VerifierKey.read(value.strip())
        except EvidenceError as error:
            self.fail(str(error), param, ctx)


KEY: Final = click.option(
    "--key",
    "keys",
    type=Key(),
    multiple=True,
    metavar="KEY",
    help="Of the log, as `log init` or /v1/log/key prints it; may be given again.",
)
AGAINST: Final = click.option(
    "--against",
    type=_FILE,
    multiple=True,
    metavar="CHECKPOINT",
    help="A file with an earlier checkpoint that you kept; may be given again.",
)


@click.command()
@click.argument("source")
@KEY
@click.option("--trust", type=_FILE, metavar="FILE", help="A trust policy (tlog-policy) instead.")
@AGAINST
@click.option("--replay", type=_FILE, metavar="ANSWER", help="A saved immutable answer, as JSON.")
@click.option(
    "--question",
    metavar="PATH",
    help="What was asked for --replay, such as '/v1/policies?as_of=2024-07-09&known_at=@51'."
    "  [default: read from an explained answer]",
)
@click.option("--entry", type=_FILE, metavar="FILE", help="Of a .tlog-proof: the event's bytes.")
@click.option(
    "--position",
    type=click.IntRange(1, MOST),
    metavar="N",
    help="Of a .tlog-proof: where it stands.",
)
@session.as_json
def verify(  # noqa: PLR0913 -- options of a command
    *,
    source: str,
    keys: tuple[VerifierKey, ...],
    trust: Path | None,
    against: tuple[Path, ...],
    replay: Path | None,
    question: str | None,
    entry: Path | None,
    position: int | None,
    as_json: bool,
) -> None:
    """Verify SOURCE: a mirror (folder or URL), or a proof for one event (a .tlog-proof file).

    Of a mirror every entry is hashed and every hash of the tree made again, up to the root that the
    log signed. With --against it must continue your earlier checkpoints, with --replay an answer
    that you saved is computed again from the entries alone and compared byte for byte.

    Exits 5 if anything is found.
    """
    whom = _trust(keys, trust)
    if Path(source).is_file():
        if entry is None or position is None:
            message = "A proof is verified against an event: give its --entry and --position."
            raise click.UsageError(message)
        if against or replay or question:
            message = "--against and --replay need all entries: give a mirror, not a proof."
            raise click.UsageError(message)
        found = _entry(Path(source), whom, entry, position)
    else:
        if entry is not None or position is not None:
            message = "--entry and --position belong to a proof, and this is no such file."
            raise click.UsageError(message)
        read = mirrors.reader(source)
        kept = [opened_file(file, whom) for file in against]
        found = _mirror(read, whom, kept, replaying.asked(replay, question))
    if as_json:
        output.show_json(found)
    else:
        _show(found)
    if found.findings:
        exits.end(Code.INTEGRITY)


def _trust(keys: Sequence[VerifierKey], file: Path | None) -> Trust:
    if bool(keys) == (file is not None):
        message = "Say whom you trust: --key KEY, or --trust FILE."
        raise click.UsageError(message)
    if file is None:
        return Trust(tuple(keys))
    try:
        return Trust.read(file.read_bytes())
    except MalformedEvidence as error:
        raise Failed(Code.USAGE, f"{file}: {error}") from error


def opened_file(file: Path, trust: Trust) -> Checkpoint:
    """Read a checkpoint that the caller kept.

    Raises:
        Failed: It is none, or nobody who is trusted signed it.
    """
    with file.open("rb") as source:
        note = source.read(MAX_NOTE + 1)
    try:
        return trust.opened(note)
    except MalformedEvidence as error:
        raise Failed(Code.USAGE, f"{file}: {error}") from error
    except SignatureRefused as error:
        raise Failed(Code.INTEGRITY, f"{file}: {error}") from error


def _mirror(
    read: Read, trust: Trust, kept: Sequence[Checkpoint], replay: replaying.Asked | None
) -> Verified:
    try:
        checkpoint = trust.opened(read(CHECKPOINT))
    except EvidenceError as error:
        return _unsigned(read, error)
    other = next((one for one in kept if one.origin != checkpoint.origin), None)
    if other is not None:
        sentence = (
            f"The earlier checkpoint is of {other.origin}, the mirror of {checkpoint.origin}."
        )
        raise Failed(Code.USAGE, sentence)
    with output.progress("Verifying") as step:
        findings = verification.check_mirror(read, checkpoint, kept, step)
    if replay is not None and not findings:
        findings = replaying.replay(read, checkpoint, replay)
    return Verified(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=base64_text(checkpoint.root),
        findings=findings,
    )


def _unsigned(read: Read, error: EvidenceError) -> Verified:
    """Return the finding for a checkpoint that nobody vouches for: nothing else is looked at."""
    finding = Finding(kind=FindingKind.SIGNATURE, position=None, detail=str(error))
    try:
        told = checkpoints.unsigned(read(CHECKPOINT))
    except MalformedEvidence:
        return Verified(origin=None, size=None, root=None, findings=(finding,))
    return Verified(
        origin=told.origin, size=told.size, root=base64_text(told.root), findings=(finding,)
    )


def _entry(file: Path, trust: Trust, entry: Path, position: int) -> Verified:
    """Verify that a log holds an entry at a position, which the caller names."""
    with file.open("rb") as source:
        data = source.read(MAX_NOTE + 1)
    findings: tuple[Finding, ...] = ()
    checkpoint = None
    kind = FindingKind.SIGNATURE
    try:
        proof = TlogProof.read(data)
        checkpoint = trust.opened(proof.checkpoint)
        kind = FindingKind.EDITED
        leaf = leaf_hash(entry.read_bytes())
        verify_inclusion(leaf, position - 1, checkpoint.size, checkpoint.root, proof.proof)
    except EvidenceError as error:
        findings = (Finding(kind=kind, position=position, detail=str(error)),)
    return Verified(
        origin=None if checkpoint is None else checkpoint.origin,
        size=None if checkpoint is None else checkpoint.size,
        root=None if checkpoint is None else base64_text(checkpoint.root),
        findings=findings,
    )


def _show(found: Verified) -> None:
    if not found.findings:
        events = output.counted(found.size or 0, "event")
        output.say(f"Verified: {found.origin} with {events}, root {found.root}.")
        return
    rows = (
        ("" if one.position is None else str(one.position), one.kind.value, one.detail)
        for one in found.findings
    )
    output.show_table(("position", "kind", "detail"), rows)
    output.note(f"{output.counted(len(found.findings), 'finding')}: do not rely on this log.")


@click.command()
@click.argument("source")
@KEY
@click.option("--trust", type=_FILE, metavar="FILE", help="A trust policy (tlog-policy) instead.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the newest verified checkpoint is kept; a later run goes on from there.",
)
@click.option("--once", is_flag=True, help="End at the newest checkpoint.")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 86_400),
    default=5,
    show_default=True,
    help="Seconds between looks.",
)
@session.as_json
def tail(  # noqa: PLR0913 -- options of a command
    *,
    source: str,
    keys: tuple[VerifierKey, ...],
    trust: Path | None,
    state: Path | None,
    once: bool,
    interval: float,
    as_json: bool,
) -> None:
    """Print the events of SOURCE (folder or URL) as they come, one a line, each verified first.

    With --json each line is the event as it was logged, with its position.

    Every checkpoint must continue the one before, and with --state the last one of the run before:
    a log that was rewritten ends the watch, with exit code 5.
    """
    whom = _trust(keys, trust)
    read = mirrors.reader(source)
    last = opened_file(state, whom) if state is not None and state.exists() else None
    while True:
        last = _look(read, whom, last, state, line=_json_line if as_json else _line)
        if once:
            return
        time.sleep(interval)


def _look(
    read: Read,
    trust: Trust,
    last: Checkpoint | None,
    state: Path | None,
    *,
    line: Callable[[int, dict[str, Any]], str],
) -> Checkpoint | None:
    """Print what is new behind the last checkpoint, and keep the one that covers it."""
    note = read(CHECKPOINT)
    try:
        found = trust.opened(note)
    except EvidenceError as error:
        raise Failed(Code.INTEGRITY, str(error)) from error
    if last is not None and found == last:
        return last
    before = last or Checkpoint(origin=found.origin, size=0, root=EMPTY_ROOT)
    findings = verification.check_growth(read, before, found)
    if findings:
        raise Failed(Code.INTEGRITY, *(one.detail for one in findings))
    for position, entry in verification.entries(read, found.size, before.size):
        click.echo(line(position, _event(entry)))
    output.flush()
    if state is not None:
        replace_file(state, note)
    return found


def _event(entry: bytes) -> dict[str, Any]:
    """Read an entry; what is no event stays as text."""
    try:
        event = json.loads(entry)
    except (ValueError, RecursionError):
        event = None
    return event if isinstance(event, dict) else {"entry": entry.decode(errors="replace")}


def _json_line(position: int, event: dict[str, Any]) -> str:
    return json.dumps({"position": position, **event}, ensure_ascii=False)


def _line(position: int, event: dict[str, Any]) -> str:
    told = (event.get(name) for name in ("recorded_at", "type", "stream", "title", "entry"))
    return output.escaped("  ".join(str(one) for one in (position, *told) if one))
