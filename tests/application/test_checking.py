"""``verify`` names what is not as it must be, whoever changed it behind the triggers."""

import pytest
import sqlalchemy as sa

from service.application.checking import verify
from service.application.recording import Batch, append
from service.evidence.verification import FindingKind
from service.store import tables
from service.store.engine import Database
from tests.builders import NOON, directive, event, registry_events

TRIGGERS = {
    "sqlite": (
        "DROP TRIGGER event_update",
        "DROP TRIGGER event_delete",
        "DROP TRIGGER node_update",
    ),
    "postgresql": (
        "ALTER TABLE event DISABLE TRIGGER USER",
        "ALTER TABLE node DISABLE TRIGGER USER",
        "GRANT UPDATE, DELETE ON event, node TO CURRENT_USER",
    ),
}


@pytest.fixture
def recorded(database: Database) -> Database:
    """A log of the cast and one policy."""
    notice = event("policy.adopted", data={"directives": [directive("api", "blocked")]})
    batch = Batch(events=(*registry_events(), notice), principal="alice")
    append(database, batch, clock=lambda: NOON)
    return database


def tamper(database: Database, statement: sa.Executable) -> None:
    """Change the log as somebody could who owns the database."""
    with database.write() as connection:
        for trigger in TRIGGERS[database.dialect]:
            connection.exec_driver_sql(trigger)
        connection.execute(statement)


def kinds(database: Database) -> set[tuple[FindingKind, int | None]]:
    """Return what is found, by kind and position."""
    return {(one.kind, one.position) for one in verify(database).findings}


def test_an_untouched_log_is_found_right(recorded: Database) -> None:
    """No finding, every event covered."""
    found = verify(recorded)

    assert found.findings == ()
    assert found.events == len(registry_events()) + 1
    assert len(found.root) == 64


def test_an_edited_event_is_named_by_its_position(recorded: Database) -> None:
    """One word changed in the bytes of position 5."""
    edited = (
        sa.update(tables.event)
        .where(tables.event.c.position == 5)
        .values(body=b'{"id":"00000000-0000-0000-0000-000000000000"}')
    )

    tamper(recorded, edited)

    assert (FindingKind.EDITED, 5) in kinds(recorded)
    assert (FindingKind.UNREADABLE, 5) in kinds(recorded)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bytes_that_somebody_turned_into_text_are_a_finding_and_no_crash(
    recorded: Database,
) -> None:
    """An UPDATE by hand with a text function leaves TEXT in a SQLite file."""
    edited = sa.text("UPDATE event SET body = replace(body, 'openai', 'opensi') WHERE position = 1")

    tamper(recorded, edited)

    assert (FindingKind.EDITED, 1) in kinds(recorded)


def test_a_column_that_differs_from_the_bytes_is_named(recorded: Database) -> None:
    """Columns serve the search; the bytes are the record."""
    moved = (
        sa.update(tables.event).where(tables.event.c.position == 3).values(recorded_by="mallory")
    )

    tamper(recorded, moved)

    assert kinds(recorded) == {(FindingKind.COLUMNS, 3)}


def test_a_deleted_event_leaves_a_gap(recorded: Database) -> None:
    """Positions run on without gaps."""
    tamper(recorded, sa.delete(tables.event).where(tables.event.c.position == 7))

    assert (FindingKind.DELETED, 7) in kinds(recorded)


def test_a_tail_that_was_cut_off_is_missed(recorded: Database) -> None:
    """The head remembers how far the log went."""
    last = len(registry_events()) + 1

    tamper(recorded, sa.delete(tables.event).where(tables.event.c.position == last))

    assert (FindingKind.CUT, last) in kinds(recorded)


def test_bytes_and_leaf_changed_together_break_the_tree(recorded: Database) -> None:
    """Whoever mends the leaf too must mend every node above it, and the head."""
    with recorded.read() as connection:
        other = connection.execute(
            sa.select(tables.event.c.body, tables.event.c.leaf).where(tables.event.c.position == 2)
        ).one()

    tamper(
        recorded,
        sa.update(tables.event)
        .where(tables.event.c.position == 1)
        .values(body=other.body, leaf=other.leaf),
    )

    assert (FindingKind.TREE, 2) in kinds(recorded)


def test_a_node_that_was_changed_is_found(recorded: Database) -> None:
    """Proofs are made of stored nodes, so these are checked too."""
    tamper(
        recorded,
        sa.update(tables.node)
        .where(tables.node.c.level == 1, tables.node.c.index == 0)
        .values(hash=b"\x00" * 32),
    )

    assert kinds(recorded) == {(FindingKind.TREE, 2)}
