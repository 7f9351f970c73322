"""Signed in on the pages: a session stands for a key, so that a browser need not keep the key.

A session is a random token. The browser has it in a cookie that scripts cannot read, the database
its hash: any worker on any host knows it, and whoever reads the database cannot use it. It ends
when its holder signs out, after ``LASTS``, and at once when the key is revoked.

What a form sends back to show that it is one of ours is made from the token (HMAC-SHA-256), so
nothing else has to be kept, and it tells nothing about the token.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from service.auth.credentials import Principal, Role
from service.store import sessions as store
from service.store.codec import microseconds
from service.store.engine import Database

LASTS: Final = timedelta(hours=12)

_BYTES: Final = 32
_MOST: Final = 100
_PURPOSE: Final = b"accessline: a form of this session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Somebody who is signed in.

    Attributes:
        form_token: What every form of this session sends back.
    """

    principal: Principal
    token: str = field(repr=False)

    @property
    def form_token(self) -> str:
        """Return what shows that a form came from a page of this session."""
        return hmac.new(self.token.encode(), _PURPOSE, hashlib.sha256).hexdigest()

    def wrote(self, sent: str) -> bool:
        """Tell whether a form came from a page of this session."""
        return hmac.compare_digest(self.form_token.encode(), sent.encode("utf-8", "replace"))


def begin(database: Database, principal: Principal, clock: Callable[[], datetime]) -> Signed:
    """Open a session for whoever has just shown a key.

    Raises:
        StoreError: The database cannot be written.
    """
    signed = Signed(principal=principal, token=secrets.token_urlsafe(_BYTES))
    now = clock()
    opened = store.Session(
        token_hash=_hash(signed.token),
        credential=principal.id,
        created_at=microseconds(now),
        expires_at=microseconds(now + LASTS),
    )
    with database.write() as connection:
        store.insert(connection, opened)
    return signed


def find(database: Database, token: str, now: datetime) -> Signed | None:
    """Tell who a token stands for; None where its session is over, or its key revoked.

    Raises:
        StoreError: The database cannot be read; then nobody is let in.
    """
    if len(token) > _MOST:
        return None
    with database.read(newest=True) as connection:
        found = store.holder(connection, _hash(token), microseconds(now))
    if found is None or found.revoked_at is not None:
        return None
    return Signed(principal=Principal(id=found.id, role=Role(found.role)), token=token)


def end(database: Database, token: str) -> None:
    """Forget a session.

    Raises:
        StoreError: The database cannot be written.
    """
    with database.write() as connection:
        store.delete(connection, _hash(token))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
