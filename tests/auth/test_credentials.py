"""Keys are made once, kept as hashes, and refused from the moment they are revoked."""

import hashlib
import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from service.auth import credentials
from service.auth.credentials import Principal, Role
from service.domain.errors import BadContentError
from service.store import tables
from service.store.engine import Database

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def issued(database: Database, role: Role = Role.CURATOR, label: str | None = "Alice") -> str:
    """Make a key and return its text."""
    return credentials.issue(database, role, label, lambda: NOON).text


def test_a_key_opens_what_its_role_opens(database: Database) -> None:
    """The id is public and names who recorded; the role stands beside it."""
    key = issued(database, Role.READER)

    found = credentials.authenticate(database, f"Bearer {key}")

    assert found == Principal(id=key.split("_")[1], role=Role.READER)


def test_a_key_has_more_chance_in_it_than_can_be_guessed(database: Database) -> None:
    """At least 128 bits: 32 of 62 letters and digits are 190."""
    key = issued(database)

    assert re.fullmatch(r"alk_[a-z2-7]{12}_[A-Za-z0-9]{32}", key)
    assert issued(database) != key


def test_the_secret_is_nowhere_in_the_database(database: Database) -> None:
    """Whoever reads a backup cannot use a key: only the hash of the secret is kept."""
    secret = issued(database).split("_")[2]

    with database.read() as connection:
        row = connection.execute(sa.select(tables.credential)).one()

    assert secret not in repr(tuple(row))
    assert row.secret_hash == hashlib.sha256(secret.encode()).digest()


def test_a_key_never_shows_its_secret_by_accident(database: Database) -> None:
    """A key that is printed or logged shows its public part alone."""
    key = credentials.issue(database, Role.CURATOR, None, lambda: NOON)

    assert key.secret not in repr(key)
    assert key.id in repr(key)


def test_a_revoked_key_opens_nothing(database: Database) -> None:
    """At its very next use, in every process: nothing about keys is kept in memory."""
    key = issued(database)

    revoked = credentials.revoke(database, key.split("_")[1], lambda: NOON)

    assert revoked
    assert credentials.authenticate(database, f"Bearer {key}") is None
    assert not credentials.revoke(database, key.split("_")[1], lambda: NOON)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer alk_aaaaaaaaaaaa_" + "A" * 32,
        "Bearer alk_AAAAAAAAAAAA_" + "A" * 32,
        "Bearer alk_aaaaaaaaaaaa_short",
        "Bearer alk_aaaaaaaaaaaa_" + "A" * 31 + "é",
        "Bearer alk_" + "a" * 100_000,
        "Basic YWxpY2U6c2VjcmV0",
        "Bearer \x00",
    ],
)
def test_nothing_else_opens_anything(header: str, database: Database) -> None:
    """Unknown, malformed, of another scheme: all alike."""
    issued(database)

    assert credentials.authenticate(database, header) is None


def test_a_right_id_with_a_wrong_secret_opens_nothing(database: Database) -> None:
    """The id is public, so it proves nothing."""
    key = issued(database)
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")

    assert credentials.authenticate(database, f"Bearer {wrong}") is None


def test_the_scheme_is_read_in_any_case(database: Database) -> None:
    """RFC 9110, section 11.1: the name of a scheme is case-insensitive."""
    key = issued(database)

    assert credentials.authenticate(database, f"bearer {key}") is not None


def test_keys_are_listed_without_their_secrets(database: Database) -> None:
    """Oldest first, revoked ones too: whoever audits needs all of them."""
    alice = issued(database)
    credentials.issue(database, Role.READER, None, lambda: NOON.replace(hour=13))
    credentials.revoke(database, alice.split("_")[1], lambda: NOON.replace(hour=14))

    first, second = credentials.listed(database)

    assert (first.label, first.role, first.created_at) == ("Alice", Role.CURATOR, NOON)
    assert first.revoked_at == NOON.replace(hour=14)
    assert (second.label, second.role, second.revoked_at) == (None, Role.READER, None)


@pytest.mark.parametrize("label", ["", "A" * 201, "two\nlines", "\u202egnp.exe"])
def test_a_label_is_a_short_visible_text(label: str, database: Database) -> None:
    """It is printed on terminals, by people who trust it."""
    with pytest.raises(BadContentError):
        issued(database, label=label)

    assert credentials.listed(database) == ()
