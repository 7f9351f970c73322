"""Whose address counts: the socket's, unless a proxy that we know tells another."""

import pytest

from service.auth.addresses import client, networks

PROXIES = networks(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "counts"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("::1", "198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "nobody", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, nobody", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "," * 5000, "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::7", None, "2001:db8:1:2::/64"),
        ("", "198.51.100.1", "unknown"),
        (None, None, "unknown"),
    ],
)
def test_a_forged_header_changes_nothing(
    peer: str | None, forwarded: str | None, counts: str
) -> None:
    """ASVS 4.1.3: only what a trusted proxy appended is believed, from the last entry back."""
    assert client(peer, forwarded, PROXIES) == counts
