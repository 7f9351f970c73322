"""Who is signed in on the pages: a hash of the session's token, never the token."""

from dataclasses import dataclass

import sqlalchemy as sa

from service.store.credentials import Credential
from service.store.tables import credential, session


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One visit of somebody who signed in.

    Attributes:
        token_hash: SHA-256 of the token that the browser keeps.
        credential: the id of the key that opened it.
        created_at: microseconds since the Unix epoch, UTC.
        expires_at: microseconds since the Unix epoch, UTC; exclusive.
    """

    token_hash: bytes
    credential: str
    created_at: int
    expires_at: int


def insert(connection: sa.Connection, opened: Session) -> None:
    """Keep a new session, and forget those that have expired by then."""
    connection.execute(sa.delete(session).where(session.c.expires_at <= opened.created_at))
    connection.execute(
        sa.insert(session).values(
            token_hash=opened.token_hash,
            credential=opened.credential,
            created_at=opened.created_at,
            expires_at=opened.expires_at,
        )
    )


def holder(connection: sa.Connection, token_hash: bytes, now: int) -> Credential | None:
    """Find the key that opened a session, revoked or not; None where the session is over."""
    row = connection.execute(
        sa.select(credential)
        .join(session, session.c.credential == credential.c.id)
        .where(session.c.token_hash == token_hash, session.c.expires_at > now)
    ).one_or_none()
    return None if row is None else Credential(**row._mapping)  # noqa: SLF001 -- a public name


def delete(connection: sa.Connection, token_hash: bytes) -> None:
    """Forget a session."""
    connection.execute(sa.delete(session).where(session.c.token_hash == token_hash))
