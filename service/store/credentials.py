"""Keys as the database keeps them: a hash of the secret, never the secret."""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from service.store.tables import credential

RoleName = Literal["reader", "curator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One key.

    Attributes:
        id: the public part of the key.
        created_at: microseconds since the Unix epoch, UTC.
        revoked_at: microseconds since the Unix epoch, UTC; None while the key is good.
    """

    id: str
    role: RoleName
    secret_hash: bytes
    label: str | None
    created_at: int
    revoked_at: int | None = None


def insert(connection: sa.Connection, issued: Credential) -> None:
    """Keep a new key; an id that is taken makes the transaction fail."""
    connection.execute(
        sa.insert(credential).values(
            id=issued.id,
            role=issued.role,
            secret_hash=issued.secret_hash,
            label=issued.label,
            created_at=issued.created_at,
            revoked_at=issued.revoked_at,
        )
    )


def find(connection: sa.Connection, credential_id: str) -> Credential | None:
    """Find a key by its id, revoked or not."""
    row = connection.execute(
        sa.select(credential).where(credential.c.id == credential_id)
    ).one_or_none()
    return None if row is None else Credential(**row._mapping)  # noqa: SLF001 -- a public name


def listed(connection: sa.Connection) -> list[Credential]:
    """List all keys, oldest first, revoked ones too."""
    rows = connection.execute(
        sa.select(credential).order_by(credential.c.created_at, credential.c.id)
    )
    return [Credential(**row._mapping) for row in rows]  # noqa: SLF001 -- a public name


def revoke(connection: sa.Connection, credential_id: str, revoked_at: int) -> bool:
    """Revoke a key from a moment on; False where no key of that id was good."""
    revoked = connection.execute(
        sa.update(credential)
        .where(credential.c.id == credential_id, credential.c.revoked_at.is_(None))
        .values(revoked_at=revoked_at)
    )
    return revoked.rowcount == 1
