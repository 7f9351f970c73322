"""Ids for events whose sender gave none: UUIDs of version 7, which sort by the time they were made.

RFC 9562, section 5.7: 48 bits of Unix time in milliseconds, the version, 12 random bits, the
variant, 62 random bits.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from service.application.recording import Clock

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62


def new_id(clock: Clock) -> UUID:
    """Make the id of a new event."""
    milliseconds = (clock() - _EPOCH) // timedelta(milliseconds=1)
    chance = secrets.randbits(12) << 64 | secrets.randbits(62)
    return UUID(int=(milliseconds & (2**48 - 1)) << 80 | _VERSION | _VARIANT | chance)
