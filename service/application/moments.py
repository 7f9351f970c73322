"""Moments: the two times of a question, read and resolved.

``as_of`` is when something should hold in the world. ``known_at`` is what the log had learned by
then; it is resolved to a position before anything else is read.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from service.domain.answers import KnownAt
from service.domain.errors import BadTimeError
from service.domain.times import When
from service.projections.kept import Kept
from service.projections.sight import Sight
from service.store import events as log
from service.store.codec import instant, microseconds
from service.store.engine import Database

_POSITION = re.compile(r"@(0|[1-9][0-9]{0,17})", re.ASCII)


def moment(as_of: str | None, now: datetime) -> When:
    """Return the moment asked for; today in UTC where none is named.

    Raises:
        BadTimeError: Its path is ``as_of``.
    """
    if as_of is None:
        return When.on(now.astimezone(UTC).date())
    return When.moment(as_of, path=("as_of",))


def known_position(
    connection: sa.Connection, known_at: str | None, now: datetime, name: str = "known_at"
) -> KnownAt:
    """Resolve a ``known_at`` to a position.

    Args:
        connection: The snapshot that is asked.
        known_at: ``@<position>``, an instant, a date (the end of that day in UTC; today means
            now), or None for all that is known.
        now: An aware instant.
        name: The parameter's, where it has another.

    Raises:
        BadTimeError: None of these, or beyond the clock or the head; its path is ``name``.
    """
    return seen_position(Sight.of(connection), known_at, now, name)


def seen_position(
    sight: Sight, known_at: str | None, now: datetime, name: str = "known_at"
) -> KnownAt:
    """Resolve a ``known_at`` as ``known_position`` does, through what may be memory alone.

    Raises:
        BadTimeError: As ``known_position`` does.
        NotKept: Memory does not have it.
    """
    stamp = sight.stamp
    if known_at is None:
        at = None if stamp.recorded_at is None else instant(stamp.recorded_at)
        return KnownAt(position=stamp.position, recorded_at=at)
    if (found := _POSITION.fullmatch(known_at)) is not None:
        position = int(found.group(1))
        if position > stamp.position:
            head = stamp.position
            detail = f"Position {position} lies beyond the head of the log, which is at {head}."
            raise BadTimeError(detail, path=(name,), suggestion=f"@{head}")
        return _known_at(sight, position)
    if known_at.startswith("@"):
        detail = f"{known_at[:40]!r} is no position: write '@' and a whole number, such as '@412'."
        raise BadTimeError(detail, path=(name,))
    when = When.moment(known_at, path=(name,))
    until = _end(when, now, name)
    return _known_at(sight, log.position_at(sight.connection, microseconds(until)))


def head_position(database: Database) -> int:
    """Return the position of the head, and nothing else."""
    with database.read() as connection:
        position, _ = log.read_end(connection)
        return position


def position(
    database: Database, known_at: str | None, now: datetime, name: str = "known_at"
) -> int:
    """Return the position that a ``known_at`` means: the head's where it is None.

    Raises:
        BadTimeError: As ``known_position`` does.
    """
    with database.read() as connection:
        return known_position(connection, known_at, now, name).position


def _end(when: When, now: datetime, name: str) -> datetime:
    """Return the last instant that a ``known_at`` includes."""
    today = now.astimezone(UTC).date()
    if when.instant is not None:
        if when.instant > now:
            detail = f"{when} lies in the future: nobody can know yet what will be recorded."
            raise BadTimeError(detail, path=(name,))
        return when.instant
    if when.day > today:
        detail = f"{when} lies in the future: nobody can know yet what will be recorded."
        raise BadTimeError(detail, path=(name,), suggestion=today.isoformat())
    midnight = datetime(when.day.year, when.day.month, when.day.day, tzinfo=UTC)
    return midnight + timedelta(days=1) - timedelta(microseconds=1)


def known_head(connection: sa.Connection) -> KnownAt:
    """Return the head of the log: all that is known."""
    position, recorded_at = log.read_end(connection)
    at = None if recorded_at is None else instant(recorded_at)
    return KnownAt(position=position, recorded_at=at)


def _known_at(sight: Sight, position: int) -> KnownAt:
    name = sight.engine, position
    found = _KEPT.get(name)
    if found is None:
        recorded_at = log.recorded_at(sight.connection, position) if position else None
        at = None if recorded_at is None else instant(recorded_at)
        found = KnownAt(position=position, recorded_at=at)
        _KEPT.put(name, found)
    return found


_KEPT: Final = Kept[tuple[sa.Engine, int], KnownAt](most=1024)
