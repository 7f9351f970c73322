"""The database, its read models, the keys and the configuration, for who runs the service."""

from dataclasses import dataclass
from pathlib import Path

import click

from service.app import signer_of
from service.application.checking import Verified
from service.application.checking import verify as check
from service.cli import exits, output, session, verifying
from service.domain.codec import plain
from service.evidence.checkpoints import Checkpoint, unsigned
from service.evidence.errors import MalformedEvidence
from service.evidence.notes import VerifierKey
from service.evidence.trust import Trust
from service.projections import projector
from service.store import schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Which tables there are, and which this program needs."""

    database: str
    current: str | None
    expected: str


@click.group()
def db() -> None:
    """Make or update the tables."""


@db.command()
@session.as_json
def upgrade(*, as_json: bool) -> None:
    """Bring the tables up to date; make them where there are none.

    One transaction: it happens as a whole or not at all. No event is ever rewritten. Where the read
    models have to be made again, that follows.
    """
    with session.database(current=False) as database, output.progress("Rebuilding") as step:
        before = schema.current(database)
        schema.upgrade(database)
        projector.refresh(database, step)
        after = Revision(
            database=database.name, current=schema.current(database), expected=schema.expected()
        )
    if as_json:
        output.show_json(after)
    elif before == after.current:
        output.say(f"{after.database} is up to date, at schema {after.current}.")
    else:
        output.say(
            f"{after.database} is at schema {after.current} now (before: {before or 'none'})."
        )


@db.command()
@session.as_json
def current(*, as_json: bool) -> None:
    """Tell which tables there are. Exits 1 if they are not those that this program needs."""
    with session.database(current=False) as database:
        found = Revision(
            database=database.name, current=schema.current(database), expected=schema.expected()
        )
    if as_json:
        output.show_json(found)
    else:
        needed = (
            "which is what this program needs"
            if found.current == found.expected
            else f"this program needs {found.expected}: accessline db upgrade"
        )
        output.say(f"{found.database} is at schema {found.current or 'none'}, {needed}.")
    if found.current != found.expected:
        exits.end(exits.Code.NO)


@click.command()
@session.as_json
def rebuild(*, as_json: bool) -> None:
    """Make the read models again from the log.

    Others read and append meanwhile: they keep the old ones until the new ones are whole.
    """
    with session.database() as database, output.progress("Rebuilding") as step:
        done = projector.rebuild(database, step)
    if as_json:
        output.show_json(plain(done))  # Names of tables are a kind of text of their own.
        return
    output.say(
        f"The read models were made again from {done.events} events, generation {done.generation}."
    )
    for table, rows in done.differing.items():
        if rows:
            output.say(f"{rows} rows of {table} were not as they had to be.")


@click.command()
@verifying.AGAINST
@verifying.KEY
@session.as_json
def verify(*, against: tuple[Path, ...], keys: tuple[VerifierKey, ...], as_json: bool) -> None:
    """Check what is stored.

    Are the log, its tree and the read models what they must be? With --against: does the log
    continue a checkpoint that you kept elsewhere? Who can change the database can make its tree
    again to match, but not that. Its signature is checked with --key, or else with the key in
    ACCESSLINE_LOG_KEY.

    Writes nothing and stops nobody. Exits 5 if anything is found, and names the positions.
    """
    kept = tuple(_kept(file, keys) for file in against)
    with session.database() as database, output.progress("Verifying") as step:
        found = check(database, step, kept)
    if as_json:
        output.show_json(found)
    else:
        _show(found)
    if found.findings:
        exits.end(exits.Code.INTEGRITY)


def _kept(file: Path, keys: tuple[VerifierKey, ...]) -> Checkpoint:
    signer = None if keys else signer_of(session.settings())
    whom = keys or (() if signer is None else signer.verifiers)
    if whom:
        return verifying.opened_file(file, Trust(whom))
    output.note(f"Nobody's signature on {file} was checked: give the --key of the log.")
    try:
        return unsigned(file.read_bytes())
    except MalformedEvidence as error:
        raise exits.Failed(exits.Code.USAGE, f"{file}: {error}") from error


def _show(found: Verified) -> None:
    if not found.findings:
        output.say(
            f"{output.counted(found.events, 'event')}, their tree and all read models are as they"
            " must be."
        )
        output.say(f"Root of the tree: {found.root}")
        return
    rows = (
        ("" if one.position is None else str(one.position), one.kind.value, one.detail)
        for one in found.findings
    )
    output.show_table(("position", "kind", "detail"), rows)
    some = "" if found.complete else ", and more than are shown"
    findings = output.counted(len(found.findings), "finding")
    output.note(f"{findings} among {output.counted(found.events, 'event')}{some}.")


@click.group()
def config() -> None:
    """See what the environment sets."""


@config.command("show")
@session.as_json
def config_show(*, as_json: bool) -> None:
    """Print every setting under its variable's name, passwords struck out."""
    shown = session.settings().shown()
    if as_json:
        output.show_json(shown)
    else:
        output.show_table(("setting", "value"), shown.items())
