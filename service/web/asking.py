"""What a page is asked: the two times and the rest of its query, read gently.

A page never refuses to show itself for a wrong date: it keeps what it can and says what is wrong,
above what it shows instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, cast
from urllib.parse import urlencode

from flask import Flask, current_app, request

from service.application import moments
from service.application.recording import Clock
from service.application.signing import Signer
from service.domain.answers import KnownAt
from service.domain.errors import BadTimeError
from service.domain.times import When
from service.store.engine import Database

_EXTENSION: Final = "accessline.web"
_MOST: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the pages are wired to.

    Attributes:
        max_batch: Events that one append may bring. ``recorded``: counts what was appended.
    """

    database: Database
    clock: Clock
    signer: Signer | None
    public_url: str
    version: str
    max_batch: int
    recorded: Callable[[int], None]


def wire(app: Flask, house: House) -> None:
    """Give an application what its pages need."""
    app.extensions[_EXTENSION] = house


def house() -> House:
    """Return what the current application was given."""
    return cast("House", current_app.extensions[_EXTENSION])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The times of a page.

    Attributes:
        known_at: The position that is shown, with its time.
        pinned: Whether the question named it.
        faults: Sentences about what could not be understood.
    """

    now: datetime
    as_of: When
    known_at: KnownAt
    pinned: bool
    faults: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """Today, in UTC."""
        return self.now.date()

    @property
    def known(self) -> str:
        """The position as a question names it."""
        return f"@{self.known_at.position}"

    def path(self, path: str, **more: object) -> str:
        """Return a link that keeps the two times, as far as the question named them."""
        kept = {"as_of": self.as_of.text}
        if self.pinned:
            kept["known_at"] = self.known
        given = {name: str(value) for name, value in more.items() if value is not None}
        return f"{path}?{urlencode({**kept, **given}, safe='@:/,')}"

    def permalink(self) -> str:
        """Return the link to this page with both times pinned, whose answer never changes."""
        pinned = {**self.query, "as_of": self.as_of.text, "known_at": self.known}
        return f"{request.path}?{urlencode(pinned, safe='@:/,')}"


def asked() -> Asked:
    """Read the times of the current request."""
    now = house().clock()
    faults: list[str] = []
    query = {name: value[:_MOST] for name, value in request.args.items() if value.strip()}
    try:
        as_of = moments.moment(query.get("as_of"), now)
    except BadTimeError as error:
        faults.append(f"As of: {error.detail} A date looks like 2024-07-09.")
        as_of = moments.moment(None, now)
    with house().database.read() as connection:
        try:
            known_at = moments.known_position(connection, query.get("known_at"), now)
        except BadTimeError as error:
            faults.append(f"Known at: {error.detail}")
            known_at = moments.known_position(connection, None, now)
    if "known_at" in query and known_at.position == 0:
        faults.append("Nothing was recorded by then: this is the record before its first event.")
    return Asked(
        now=now,
        as_of=as_of,
        known_at=known_at,
        pinned="known_at" in query,
        faults=tuple(faults),
        query=query,
    )
