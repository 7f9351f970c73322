"""The form of a key, and what of it is kept.

    alk_7k3mzq2vwx5a_9fJ2…          alk_<id>_<secret>

The id is 12 characters of base32 in lower case (60 bits), the secret 32 letters and digits
(190 bits). A secret of that size cannot be guessed, so one SHA-256 of it is enough: stretching
protects secrets that people choose.
"""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass, field
from typing import Final

ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 32

_ID_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_SECRET_LETTERS: Final = string.ascii_letters + string.digits
_KEY: Final = re.compile(r"alk_([a-z0-9]{12})_([A-Za-z0-9]{22,100})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as its holder knows it; the secret never shows in a representation."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The key as it is sent."""
        return f"alk_{self.id}_{self.secret}"

    @property
    def secret_hash(self) -> bytes:
        """What is kept of the secret."""
        return hashlib.sha256(self.secret.encode("ascii")).digest()


def new_key() -> Key:
    """Make a key by chance."""
    return Key(id=_chosen(_ID_LETTERS, ID_LENGTH), secret=_chosen(_SECRET_LETTERS, SECRET_LENGTH))


def read_key(text: str) -> Key | None:
    """Read a key; None where the text has not its form."""
    found = _KEY.fullmatch(text)
    return None if found is None else Key(id=found.group(1), secret=found.group(2))


def _chosen(letters: str, length: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))
