"""Recorders: every key that was ever made, and what was recorded with it.

Beside the keys stand those who record without one, such as the command line, once they have.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from service.application.moments import known_position
from service.domain.answers import KnownAt
from service.store import credentials, recorders
from service.store.codec import instant
from service.store.credentials import Credential, RoleName
from service.store.engine import Database
from service.store.recorders import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAudit:
    """A key without its secret, or somebody who records without one, who has no role then."""

    id: str
    role: RoleName | None = None
    label: str | None = None
    created_at: datetime | None = None
    revoked_at: datetime | None = None
    events: int = 0
    first_recorded_at: datetime | None = None
    last_recorded_at: datetime | None = None
    last_position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAudits:
    """A part of the keys; what they recorded is as known at a position."""

    known_at: KnownAt
    items: tuple[KeyAudit, ...]
    next: str | None


def keys(
    database: Database, known_at: str | None, now: datetime, *, after: str | None, limit: int
) -> KeyAudits:
    """Return the next keys: first those who record without one, then keys, the oldest first.

    Args:
        database: Where both are kept.
        known_at: As of a question; it tells of recordings alone.
        now: An aware instant.
        after: The id of the last one of the part before.
        limit: How many.
    """
    with database.read() as connection:
        at = known_position(connection, known_at, now)
        made = credentials.listed(connection)
        tallied = recorders.tally(connection, at.position)
    every = tuple(_audited(made, tallied))
    start = next((number for number, one in enumerate(every, 1) if one.id == after), 0)
    shown = every[start : start + limit]
    more = start + limit < len(every)
    return KeyAudits(known_at=at, items=shown, next=shown[-1].id if more else None)


def _audited(made: list[Credential], tallied: list[Recorder]) -> Iterator[KeyAudit]:
    did = {one.id: one for one in tallied}
    known = {one.id for one in made}
    yield from (_with(KeyAudit(id=one.id), one) for one in tallied if one.id not in known)
    for key in made:
        audited = KeyAudit(
            id=key.id,
            role=key.role,
            label=key.label,
            created_at=instant(key.created_at),
            revoked_at=None if key.revoked_at is None else instant(key.revoked_at),
        )
        yield _with(audited, did[key.id]) if key.id in did else audited


def _with(audited: KeyAudit, did: Recorder) -> KeyAudit:
    return replace(
        audited,
        events=did.events,
        first_recorded_at=instant(did.first_recorded_at),
        last_recorded_at=instant(did.last_recorded_at),
        last_position=did.last_position,
    )
