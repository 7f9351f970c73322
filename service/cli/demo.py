"""`demo`: everything that a first look needs, by one command.

A SQLite file with all tables and the seeds, a curator's key, and a server over it.
"""

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from service import logs
from service.application import signing
from service.auth import credentials
from service.auth.credentials import Role
from service.cli import log, output, seeding, serving, session
from service.cli.seeding import Seeded
from service.projections import projector
from service.settings import Settings
from service.store import schema
from service.store.engine import Database

FILE: Final = "accessline-demo.db"
_ORIGIN: Final = "localhost/accessline-demo"
_ANSWER: Final = "/v1/access/openai/CN?as_of=2024-07-08"
_TIMELINE: Final = "/v1/access/openai/CN/timeline?service=api"
_POLICY: Final = "policy:openai-unsupported-regions-2024"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a first look starts from.

    Attributes:
        made: Whether the file is new.
        key: A curator's key.
    """

    database: str
    made: bool
    position: int
    key: str
    url: str
    docs: str
    answer: str
    timeline: str


@click.command()
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=f"Where {FILE} is, or is made.  [default: the current folder; where that cannot be"
    " written, a new temporary one]",
)
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, serving.MAX_PORT), help="Port.  [default: 8000]")
@session.as_json
def demo(*, directory: Path | None, host: str | None, port: int | None, as_json: bool) -> None:
    """Set up a log with seeds, and serve it.

    It is a SQLite file; Ctrl-C ends the server, the file stays. A file that is there already is
    used again. ACCESSLINE_DATABASE_URL is not looked at.
    """
    found = session.for_people(session.settings())
    file = (directory or _folder()).resolve() / FILE
    key_file = file.with_suffix(".log-key")
    settings = replace(
        found,
        database_url=f"sqlite:///{file}",
        log_key=str(key_file),
        log_published="",
        host=host or found.host,
        port=port or found.port,
    )
    logs.configure(settings)
    serving.require_port(settings.host, settings.port)
    made = not file.exists()
    with session.opened(settings.database_url, current=False) as database:
        schema.upgrade(database)
        projector.refresh(database)
        _make_key(key_file, made=made)
        seeded = _seed(database)
        key = credentials.issue(database, Role.CURATOR, "demo", session.now).text
    ready = _ready(settings, file, made=made, position=seeded.position, key=key)
    if as_json:
        output.show_json(ready)
    else:
        for line in _lines(ready):
            output.say(line)
    output.flush()
    serving.run(settings)


def _make_key(file: Path, *, made: bool) -> None:
    """Make the key that signs the demo's log: a new log gets a new one, for it is another log."""
    if made:
        file.unlink(missing_ok=True)
        signing.second_of(file).unlink(missing_ok=True)
    if not file.exists():
        signing.begin(file, log.new_key(_ORIGIN))


def _folder() -> Path:
    here = Path.cwd()
    return here if os.access(here, os.W_OK) else Path(tempfile.mkdtemp(prefix="accessline-demo-"))


def _seed(database: Database) -> Seeded:
    return seeding.record(database, seeding.read(seeding.shipped()), whole=True)


def _ready(settings: Settings, file: Path, *, made: bool, position: int, key: str) -> Demo:
    where = serving.url_of(settings)
    return Demo(
        database=str(file),
        made=made,
        position=position,
        key=key,
        url=where,
        docs=f"{where}/docs",
        answer=f"{where}{_ANSWER}",
        timeline=f"{where}{_TIMELINE}",
    )


def _lines(ready: Demo) -> tuple[str, ...]:
    state = "made now" if ready.made else "used again"
    today = session.now().date().isoformat()
    event = (
        f'{{"events": [{{"type": "record.reviewed", "stream": "{_POLICY}",'
        f' "occurred_on": "{today}", "data": {{"reviewed_on": "{today}"}}}}]}}'
    )
    return (
        f"The log is {ready.database} ({state}), at position {ready.position}.",
        "",
        f"  the pages               {ready.url}/?as_of=2024-07-09",
        f"  documentation           {ready.docs}",
        f"  an answer, and why      {ready.answer}",
        f"  what held before, after {ready.timeline}",
        "",
        "Record that somebody checked a policy today (the key is a curator's, made for this run):",
        "",
        f"  {_curl(ready, event)}",
        "",
        "Ctrl-C ends it; the file stays.",
    )


def _curl(ready: Demo, body: str) -> str:
    headers = f"-H 'Authorization: Bearer {ready.key}' -H 'Content-Type: application/json'"
    return f"curl -s {ready.url}/v1/events {headers} -d '{body}'"
