"""Who is at the other end: the address that a limit is kept for.

It is the address of the socket, which cannot be forged. What ``X-Forwarded-For`` says is read only
where the socket's own address is that of a proxy that the operator named, from its last entry
back: a client may write what it likes in front of what the proxy adds.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOME: Final = 64
"""Bits of an IPv6 address that tell one customer of a provider from another."""


def networks(trusted: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks."""
    return tuple(ipaddress.ip_network(one) for one in trusted)


def client(peer: str | None, forwarded: str | None, trusted: Sequence[Network]) -> str:
    """Return the name of a client for a limit: an IPv4 address, or the network of an IPv6 one.

    >>> client("203.0.113.9", "198.51.100.1", ())
    '203.0.113.9'
    >>> client("127.0.0.1", "1.1.1.1, 198.51.100.1", networks(["127.0.0.0/8"]))
    '198.51.100.1'
    """
    found = _address(peer or "")
    hops = [] if forwarded is None else forwarded.split(",")[-_MOST_HOPS:]
    while found is not None and hops and any(found in network for network in trusted):
        nearer = _address(hops.pop().strip())
        if nearer is None:
            break
        found = nearer
    return "unknown" if found is None else _told(found)


_MOST_HOPS: Final = 32


def https(scheme: str, peer: str | None, forwarded: str | None, trusted: Sequence[Network]) -> bool:
    """Tell whether a client came by https, by the word of a proxy only where it is trusted.

    Of several hops' ``X-Forwarded-Proto`` the last is meant: the nearest proxy wrote it.

    >>> https("http", "127.0.0.1", "https", networks(["127.0.0.0/8"]))
    True
    >>> https("http", "203.0.113.9", "https", ())
    False
    """
    found = _address(peer or "")
    if forwarded is None or found is None or not any(found in network for network in trusted):
        return scheme == "https"
    return forwarded.rpartition(",")[2].strip().lower() == "https"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _told(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.ip_network((int(found), _HOME), strict=False))
