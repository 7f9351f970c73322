"""Keys are kept as hashes, and a revoked one stays known as revoked."""

from dataclasses import replace

import pytest

from service.store import credentials
from service.store.credentials import Credential
from service.store.engine import Database
from service.store.errors import ConstraintViolated

ALICE = Credential(
    id="k1", role="curator", secret_hash=b"h" * 32, label="Alice's laptop", created_at=20
)
BOB = Credential(id="k2", role="reader", secret_hash=b"g" * 32, label=None, created_at=10)


def insert(database: Database, *issued: Credential) -> None:
    """Keep keys in a transaction of their own."""
    with database.write() as connection:
        for each in issued:
            credentials.insert(connection, each)


def test_a_key_is_found_by_its_id_and_listed_oldest_first(database: Database) -> None:
    """The id is the public part of the key."""
    insert(database, ALICE, BOB)

    with database.read() as connection:
        assert credentials.find(connection, "k1") == ALICE
        assert credentials.find(connection, "K1") is None
        assert credentials.listed(connection) == [BOB, ALICE]


def test_a_key_is_revoked_once_and_stays_listed(database: Database) -> None:
    """The first moment of revocation is the one that counts."""
    insert(database, ALICE)

    with database.write() as connection:
        assert credentials.revoke(connection, "k1", 30) is True
        assert credentials.revoke(connection, "k1", 40) is False
        assert credentials.revoke(connection, "none", 40) is False

    with database.read() as connection:
        assert credentials.listed(connection) == [replace(ALICE, revoked_at=30)]


def test_an_id_is_given_once(database: Database) -> None:
    """Two secrets behind one id would be one key too many."""
    insert(database, ALICE)

    with pytest.raises(ConstraintViolated):
        insert(database, replace(BOB, id="k1"))


def test_a_role_that_does_not_exist_is_refused_by_the_database(database: Database) -> None:
    """Roles are few and known."""
    with pytest.raises(ConstraintViolated):
        insert(database, replace(ALICE, role="admin"))  # type: ignore[arg-type]
