"""Issue, list, revoke and check keys. Every function is one transaction.

A revoked key is refused at its next use: nothing about keys is kept in memory.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from service.auth.keys import Key, new_key, read_key
from service.domain.errors import BadContentError
from service.evidence.canonical import text_fault
from service.store import credentials as store
from service.store.codec import instant, microseconds
from service.store.engine import Database

MAX_LABEL: Final = 200

_NO_HASH: Final = bytes(32)


class Role(StrEnum):
    """What a key may do: a curator may all that a reader may."""

    READER = "reader"
    CURATOR = "curator"

    def includes(self, other: "Role") -> bool:
        """Tell whether whoever has this role may act in the other."""
        return self is other or self is Role.CURATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking: a key's id, no person's name."""

    id: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A key as its issuer sees it again: everything but the secret."""

    id: str
    role: Role
    label: str | None
    created_at: datetime
    revoked_at: datetime | None


def issue(database: Database, role: Role, label: str | None, clock: Callable[[], datetime]) -> Key:
    """Make a key and keep its hash; what is returned is the only copy of its secret.

    Raises:
        BadContentError: A label that is too long, or has characters that nobody can see.
        StoreError: The database cannot be written.
    """
    if label is not None:
        _check_label(label)
    key = new_key()
    kept = store.Credential(
        id=key.id,
        role=role.value,
        secret_hash=key.secret_hash,
        label=label,
        created_at=microseconds(clock()),
    )
    with database.write() as connection:
        store.insert(connection, kept)
    return key


def revoke(database: Database, key_id: str, clock: Callable[[], datetime]) -> bool:
    """Revoke a key for ever; False where no key of that id was good."""
    with database.write() as connection:
        return store.revoke(connection, key_id, microseconds(clock()))


def listed(database: Database) -> tuple[Listed, ...]:
    """List all keys, oldest first, revoked ones too."""
    with database.read(newest=True) as connection:
        found = store.listed(connection)
    return tuple(
        Listed(
            id=one.id,
            role=Role(one.role),
            label=one.label,
            created_at=instant(one.created_at),
            revoked_at=None if one.revoked_at is None else instant(one.revoked_at),
        )
        for one in found
    )


def authenticate(database: Database, header: str) -> Principal | None:
    """Tell whose key an Authorization header brings, None where it brings no good one.

    An unknown id takes the same comparison as a known one.

    Raises:
        StoreError: The database cannot be read; then nobody is let in.
    """
    key = _key(header)
    if key is None:
        return None
    with database.read(newest=True) as connection:
        found = store.find(connection, key.id)
    right = hmac.compare_digest(_NO_HASH if found is None else found.secret_hash, key.secret_hash)
    if found is None or not right or found.revoked_at is not None:
        return None
    return Principal(id=found.id, role=Role(found.role))


def key_id(header: str) -> str | None:
    """Return the id of the key that an Authorization header brings, None where it brings none."""
    key = _key(header)
    return None if key is None else key.id


def _key(header: str) -> Key | None:
    scheme, _, credentials = header.partition(" ")
    return read_key(credentials.strip()) if scheme.lower() == "bearer" else None


def _check_label(label: str) -> None:
    fault = text_fault(label)
    if fault is None and not 0 < len(label) <= MAX_LABEL:
        fault = f"The label has {len(label)} characters; give 1 to {MAX_LABEL}."
    if fault is not None:
        raise BadContentError(fault, path=("label",))
