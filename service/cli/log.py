"""The log as evidence: its key, its checkpoints, proofs and mirrors, and how to verify them.

What an operator does stands here; what an auditor does, who needs neither server nor database, in
``verifying``.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from service.api import proofs
from service.app import signer_of
from service.application import proving, publishing, signing
from service.application.publishing import Signed
from service.application.signing import Signer, replace_file
from service.cli import output, session, verifying
from service.cli.exits import Code, Failed
from service.domain.errors import UnknownIdError
from service.evidence.notes import KEY_BYTES, SignerKey
from service.evidence.text import base64_text
from service.evidence.tlog_proofs import TlogProof
from service.evidence.verification import CHECKPOINT
from service.settings import Settings
from service.store.engine import Database

POLICY: Final = "trust.policy"
"""The file of a mirror that says whom to trust."""

_NO_KEY: Final = (
    "No key signs this log: make one with 'accessline log init', and name its file in"
    " ACCESSLINE_LOG_KEY."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A key that was made."""

    file: str
    published: str
    origin: str
    verifier_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A checkpoint in parts, and as it is."""

    origin: str
    size: int
    root: str
    checkpoint: str


@click.group()
def log() -> None:
    """Sign the log, prove what is in it, mirror it, and verify it."""


log.add_command(verifying.verify)
log.add_command(verifying.tail)


def new_key(origin: str) -> SignerKey:
    """Make a key; its secret is 32 random bytes."""
    return SignerKey(origin, secrets.token_bytes(KEY_BYTES))


@log.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--origin",
    type=session.TEXT,
    metavar="NAME",
    help="Which log it is: the URL below which its files are served, without https://."
    "  [default: that of ACCESSLINE_PUBLIC_URL, with /log]",
)
@session.as_json
def init(*, file: Path | None, origin: str | None, as_json: bool) -> None:
    """Make the key that signs this log, in FILE, and print the key that verifies it.

    FILE (or that of ACCESSLINE_LOG_KEY) must be new, and must not lie beside the database: whoever
    has both can rewrite both. The last published checkpoint is kept at FILE.published, or where
    ACCESSLINE_LOG_PUBLISHED says: best on yet another disk, and backed up.
    """
    found = session.settings()
    file = file or (Path(found.log_key) if found.log_key else None)
    if file is None:
        message = "Name the file of the key, here or in ACCESSLINE_LOG_KEY."
        raise click.UsageError(message)
    origin = origin or _origin(found)
    second = Path(found.log_published) if found.log_published else None
    signer = signing.begin(file, new_key(origin), second)
    told = Begun(
        file=str(file),
        published=str(signer.second),
        origin=signer.origin,
        verifier_key=str(signer.verifiers[0]),
    )
    if as_json:
        output.show_json(told)
        return
    output.say(told.verifier_key)
    output.note(
        f"The secret is in {file}, for your eyes alone. Name it in ACCESSLINE_LOG_KEY, and tell"
        " auditors the line above, by more ways than this server."
    )


def _origin(found: Settings) -> str:
    if not found.public_url:
        message = (
            "Say which log it is: --origin access.example.org/log, the URL below which its files"
            " are served, without https://. Or set ACCESSLINE_PUBLIC_URL."
        )
        raise click.UsageError(message)
    return f"{found.public_url.partition('://')[2]}/log"


@log.command()
@click.option("--finish", is_flag=True, help="Let go of the older of the two keys.")
@session.as_json
def rotate(*, finish: bool, as_json: bool) -> None:
    """Replace the key: both sign, until --finish lets go of the older one.

    Start the servers again afterwards. Between the two steps publish, and give verifiers time to
    learn the new key: a checkpoint with two signatures vouches for it.
    """
    found = session.settings()
    signer = _signer(found)
    if finish:
        signing.finish(Path(found.log_key), signer.second)
    else:
        signing.rotate(Path(found.log_key), new_key(signer.origin))
    keys = tuple(map(str, _signer(found).verifiers))
    if as_json:
        output.show_json({"origin": signer.origin, "verifier_keys": keys})
        return
    for key in keys:
        output.say(key)


@log.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it to FILE as well.",
)
@session.as_json
def checkpoint(*, out: Path | None, as_json: bool) -> None:
    """Sign the log as it is, and print the checkpoint. Refused where it would fork the log.

    Give it away: only a checkpoint that has left this machine can bear witness against it.
    """
    with session.database() as database:
        signed = published(database, session.settings())
    if out is not None:
        replace_file(out, signed.note)
    if as_json:
        output.show_json(_told(signed))
    else:
        click.echo(signed.note.decode(), nl=False)


def published(database: Database, settings: Settings) -> Signed:
    """Return the newest checkpoint, of the log as it is.

    Raises:
        Failed: No key signs this log, and nothing was ever published.
        PublishingRefused: The log does not continue what was published.
    """
    found = publishing.current(database, signer_of(settings), session.now)
    if found is None:
        raise Failed(Code.ENVIRONMENT, _NO_KEY)
    return found


@log.command()
@click.argument("event_id", metavar="ID", type=click.UUID)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the proof to FILE instead, such as event.tlog-proof.",
)
@click.option(
    "--entry",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the bytes that it is about, the event's, to FILE as well.",
)
@session.as_json
def prove(*, event_id: UUID, out: Path | None, entry: Path | None, as_json: bool) -> None:
    """Prove that the log holds an event: a file as c2sp.org/tlog-proof has it.

    Together with the event's bytes and the key of the log it can be verified for ever, anywhere:
    accessline log verify FILE --key KEY --entry FILE --position N
    """
    with session.database() as database:
        found = proving.body_of(database, event_id)
        if found is None:
            hint = "'accessline events list' shows what there is."
            raise UnknownIdError(kind="event", given=str(event_id), known=(), hint=hint)
        position, body = found
        signed = published(database, session.settings())
        if signed.checkpoint.size < position:
            sentence = (
                f"The event is at position {position}, and the newest checkpoint, which another"
                f" server signs, is of {signed.checkpoint.size}. Try again later."
            )
            raise Failed(Code.NO, sentence)
        proven = proving.inclusion(database, position - 1, signed.checkpoint.size)
    proof = TlogProof(index=proven.index, proof=proven.proof, checkpoint=signed.note).to_bytes()
    if entry is not None:
        replace_file(entry, body)
    if out is None and as_json:
        output.show_json(proofs.event(event_id, proven, body, signed.note))
    elif out is None:
        click.echo(proof.decode(), nl=False)
    else:
        replace_file(out, proof)
        output.say(f"{out} proves that the log holds {event_id}, at position {position}.")


@log.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@session.as_json
def export_(*, folder: Path, as_json: bool) -> None:
    """Mirror the log into FOLDER: checkpoint, tiles, entries, and whom to trust.

    The folder is as c2sp.org/tlog-tiles has it: any web server can serve it, any tool of that
    family read it. `accessline log verify FOLDER --key KEY` needs nothing else. A second run adds
    what is new.
    """
    settings = session.settings()
    with session.database() as database:
        signed = published(database, settings)
        folder.mkdir(parents=True, exist_ok=True)
        with output.progress("Exporting") as step:
            written = _mirror(database, signed, folder, step)
    signer = signer_of(settings)
    if signer is not None:
        lines = (*(f"log {key}" for key in signer.verifiers), "quorum none")
        replace_public(folder / POLICY, "".join(f"{line}\n" for line in lines).encode())
    # Last: a mirror that was interrupted has the checkpoint that it had.
    replace_public(folder / CHECKPOINT, signed.note)
    if as_json:
        output.show_json({"folder": str(folder), "files": written, **_plain(signed)})
        return
    events = output.counted(signed.checkpoint.size, "event")
    output.say(f"{folder} mirrors {events}: {output.counted(written, 'new file')}.")


def _mirror(database: Database, signed: Signed, folder: Path, step: output.Step) -> int:
    written = 0
    size = signed.checkpoint.size
    for path, data in proving.mirror(database, size, skip=lambda path: (folder / path).exists()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        replace_public(folder / path, data)
        written += 1
        step(written, -(-size // 256) * 2)
    return written


def replace_public(file: Path, data: bytes) -> None:
    """Write a file as a whole or not at all, for everybody to read."""
    part = file.with_name(f".{file.name}.part")
    part.write_bytes(data)
    part.replace(file)


def _plain(signed: Signed) -> dict[str, object]:
    told = _told(signed)
    return {"origin": told.origin, "size": told.size, "root": told.root}


def _told(signed: Signed) -> Told:
    return Told(
        origin=signed.checkpoint.origin,
        size=signed.checkpoint.size,
        root=base64_text(signed.checkpoint.root),
        checkpoint=signed.note.decode(),
    )


def _signer(settings: Settings) -> Signer:
    found = signer_of(settings)
    if found is None:
        raise Failed(Code.ENVIRONMENT, _NO_KEY)
    return found
