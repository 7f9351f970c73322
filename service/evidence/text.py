"""The small forms that all formats of C2SP share: base64 that has one spelling, and decimals.

Python's own readers let more through than the specifications do: ``b64decode`` skips what it does
not know and takes any padding bits, ``int`` takes signs, underscores, spaces and the digits of
every script. Whoever accepts two spellings of one value verifies what nobody signed.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error
from typing import Final

from service.evidence.errors import MalformedEvidence
from service.evidence.merkle import HASH_BYTES

MOST: Final = 2**63 - 1
"""The greatest size or index that is read."""

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def base64_text(data: bytes) -> str:
    """Write bytes in base64 (RFC 4648, section 4), padded.

    >>> base64_text(b"QR")
    'UVI='
    """
    return b64encode(data).decode("ascii")


def base64_bytes(text: str, kind: str) -> bytes:
    """Read base64 in its one spelling.

    Raises:
        MalformedEvidence: It is another, or none.
    """
    try:
        data = b64decode(text, validate=True)
    except (Error, ValueError) as error:
        raise MalformedEvidence(kind=kind, fault=f"{text[:80]!a} is not base64.") from error
    if base64_text(data) != text:
        fault = f"{text[:80]!a} is base64 in another spelling than {base64_text(data)[:80]!a}."
        raise MalformedEvidence(kind=kind, fault=fault)
    return data


def hash_bytes(text: str, kind: str) -> bytes:
    """Read a SHA-256 in base64.

    Raises:
        MalformedEvidence: It is none.
    """
    data = base64_bytes(text, kind)
    if len(data) != HASH_BYTES:
        fault = f"{text[:80]!a} has {len(data)} bytes, and a SHA-256 has {HASH_BYTES}."
        raise MalformedEvidence(kind=kind, fault=fault)
    return data


def decimal(text: str, kind: str) -> int:
    """Read a size or an index: ASCII digits without a leading zero, at most 2^63-1.

    >>> decimal("70000", "size")
    70000

    Raises:
        MalformedEvidence: It is none.
    """
    if _DECIMAL.fullmatch(text) is None or int(text) > MOST:
        fault = f"{text[:40]!a} is not a decimal number such as 0 or 70000."
        raise MalformedEvidence(kind=kind, fault=fault)
    return int(text)


def utf8(data: bytes, kind: str) -> str:
    """Read UTF-8 without any control character but line feeds.

    Raises:
        MalformedEvidence: It is not.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        fault = f"it is not UTF-8 from byte {error.start + 1} on."
        raise MalformedEvidence(kind=kind, fault=fault) from error
    control = next((one for one in text if one < " " and one != "\n"), None)
    if control is not None:
        fault = f"it has the control character U+{ord(control):04X}; only line feeds are allowed."
        raise MalformedEvidence(kind=kind, fault=fault)
    return text
