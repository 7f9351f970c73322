"""Answers already given: the same key and request get the same answer, for ever.

`remember` belongs into the transaction of the append that it remembers, behind `take_head`, so that
of two requests with one key only one appends.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from service.store.tables import idempotency


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One request and its answer.

    Attributes:
        principal: who sent it; keys of different principals do not meet.
        key: the Idempotency-Key.
        request_hash: of the request's body, to tell a repetition from another request.
        answer: the body of the answer.
        position: of the log after the append.
        created_at: microseconds since the Unix epoch, UTC.
    """

    principal: str
    key: str
    request_hash: bytes
    answer: bytes
    position: int
    created_at: int


def find(connection: sa.Connection, principal: str, key: str) -> Remembered | None:
    """Find the answer that a principal's key got."""
    columns = idempotency.c
    row = connection.execute(
        sa.select(idempotency).where(columns.principal == principal, columns.key == key)
    ).one_or_none()
    return None if row is None else Remembered(**row._mapping)  # noqa: SLF001 -- a public name


def remember(connection: sa.Connection, answered: Remembered) -> None:
    """Keep an answer; a key that is taken makes the transaction fail."""
    connection.execute(
        sa.insert(idempotency).values(
            principal=answered.principal,
            key=answered.key,
            request_hash=answered.request_hash,
            answer=answered.answer,
            position=answered.position,
            created_at=answered.created_at,
        )
    )
