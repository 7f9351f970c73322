"""The same key gets the same answer."""

import pytest

from service.store import idempotency
from service.store.engine import Database
from service.store.errors import ConstraintViolated
from service.store.idempotency import Remembered

GIVEN = Remembered(
    principal="alice",
    key="a1",
    request_hash=b"h" * 32,
    answer=b'{"position":3}',
    position=3,
    created_at=1_700_000_000_000_000,
)


def remember(database: Database, given: Remembered) -> None:
    """Keep an answer in a transaction of its own."""
    with database.write() as connection:
        idempotency.remember(connection, given)


def test_an_answer_is_found_by_who_asked_and_the_key(database: Database) -> None:
    """Keys of different principals do not meet: Bob learns nothing of Alice's answers."""
    remember(database, GIVEN)

    with database.read() as connection:
        assert idempotency.find(connection, "alice", "a1") == GIVEN
        assert idempotency.find(connection, "bob", "a1") is None
        assert idempotency.find(connection, "alice", "A1") is None


def test_an_answer_is_kept_once(database: Database) -> None:
    """The first answer stands for ever."""
    remember(database, GIVEN)

    with pytest.raises(ConstraintViolated):
        remember(database, GIVEN)
