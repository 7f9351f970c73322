"""The log keeps what it is given, in order, and gives it back by every way of asking."""

from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa

from service.evidence.merkle import EMPTY_ROOT, Frontier, extend, leaf_hash, root
from service.store import events, tables, tree
from service.store.engine import Database
from service.store.errors import ConstraintViolated, HeadMoved, StoreDamaged
from service.store.events import EventFilter
from tests.store.examples import append, new_event


def positions(rows: list[events.EventRow]) -> list[int]:
    """Positions of rows, in their order."""
    return [row.position for row in rows]


def test_a_new_log_is_empty_and_has_the_root_of_the_empty_tree(database: Database) -> None:
    """RFC 6962 section 2.1: the hash of nothing."""
    with database.read() as connection:
        head = events.read_head(connection)

        assert (head.position, head.recorded_at) == (0, None)
        assert root(head.frontier) == EMPTY_ROOT
        assert list(events.iterate(connection)) == []


def test_an_event_comes_back_as_it_was_given(database: Database) -> None:
    """Bytes are hashed as stored: not one may change, whatever they hold."""
    given = new_event(body=bytes(range(256)) + '{ "é" :1e2}'.encode(), authority=None)

    append(database, given)

    with database.read() as connection:
        (row,) = events.iterate(connection)
    assert row == events.EventRow(
        position=1,
        id=given.id,
        stream=given.stream,
        version=1,
        type="policy.adopted",
        authority=None,
        occurred_day=date(2024, 6, 24),
        recorded_at=1_700_000_000_000_000,
        recorded_by="alice",
        body=given.body,
        leaf=leaf_hash(given.body),
    )


def test_positions_are_given_in_order_without_a_gap(database: Database) -> None:
    """One global order: a batch follows the batch before it."""
    append(database, new_event(), new_event())
    head = append(database, new_event(), new_event(), new_event())

    with database.read() as connection:
        assert events.read_head(connection) == head
        assert positions(list(events.iterate(connection, chunk=2))) == [1, 2, 3, 4, 5]
        assert positions(list(events.iterate(connection, after=1, upto=4))) == [2, 3, 4]


def test_the_head_carries_the_time_of_the_last_event(database: Database) -> None:
    """The next append must not be recorded earlier."""
    append(database, new_event(recorded_at=7), new_event(recorded_at=9))

    with database.write() as connection:
        assert events.take_head(connection).recorded_at == 9


def test_the_tree_is_stored_with_the_events(database: Database) -> None:
    """Every complete inner node, whatever the batches were."""
    rows = [new_event() for _ in range(21)]
    for start, end in ((0, 1), (1, 6), (6, 6), (6, 20), (20, 21)):
        append(database, *rows[start:end])

    frontier, nodes = extend(Frontier(), [leaf_hash(row.body) for row in rows])
    with database.read() as connection:
        assert events.read_head(connection).frontier == frontier
        stored = list(tree.nodes(connection, chunk=4))
        assert stored == sorted(nodes, key=lambda node: (node.level, node.index))
        assert tree.hashes(connection, 4, 0, 2) == [stored[-1].hash]


def test_what_is_rolled_back_leaves_nothing(database: Database) -> None:
    """A refused batch must not leave a hole in the order."""

    def refused() -> None:
        with database.write() as connection:
            events.append(connection, events.take_head(connection), [new_event(), new_event()])
            raise LookupError

    with pytest.raises(LookupError):
        refused()
    head = append(database, new_event())

    assert head.position == 1
    with database.read() as connection:
        assert positions(list(events.iterate(connection))) == [1]
        assert list(tree.nodes(connection)) == []


def test_an_append_behind_an_older_head_is_refused(database: Database) -> None:
    """Two appends from one head would fork the tree."""
    append(database, new_event(), new_event())

    def forked() -> None:
        with database.write() as connection:
            head = events.take_head(connection)
            events.append(connection, head, [new_event()])
            events.append(connection, head, [new_event()])

    with pytest.raises((HeadMoved, ConstraintViolated)):
        forked()
    with database.read() as connection:
        assert events.read_head(connection).position == 2


def test_a_head_that_moved_alone_is_found_when_appending(database: Database) -> None:
    """The head is compared and set, not only set."""

    def moved() -> None:
        with database.write() as connection:
            head = events.take_head(connection)
            connection.execute(sa.update(tables.head).values(position=5))
            events.append(connection, head, [new_event()])

    with pytest.raises(HeadMoved, match="not at position 0 any more"):
        moved()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (sa.delete(tables.head), "no head row"),
        (sa.update(tables.head).values(frontier=b"x" * 31), "not of one tree"),
        (sa.update(tables.head).values(position=3), "not of one tree.*found 0 hashes"),
    ],
)
def test_a_head_that_cannot_be_is_damage(
    database: Database, damage: sa.Executable, words: str
) -> None:
    """Whoever edits the head must not get a log that goes on as if nothing had happened."""
    with database.write() as connection:
        connection.execute(damage)

    with database.write() as connection, pytest.raises(StoreDamaged, match=words):
        events.take_head(connection)
    with database.read() as connection, pytest.raises(StoreDamaged, match="accessline verify"):
        events.read_head(connection)


@pytest.mark.parametrize("same", [{"id": UUID(int=1)}, {"stream": "policy:x", "version": 1}])
def test_an_id_and_a_version_are_taken_once(database: Database, same: dict[str, object]) -> None:
    """The last guard below the checks of the use case."""
    append(database, new_event(id=UUID(int=1), stream="policy:x", version=1))

    with pytest.raises(ConstraintViolated):
        append(database, new_event(**same))
    assert append(database, new_event()).position == 2


def test_streams_are_read_in_order_up_to_a_position(database: Database) -> None:
    """A fold as known at a position sees the beginning of each stream."""
    append(
        database,
        new_event(stream="policy:a", version=1),
        new_event(stream="policy:b", version=1),
        new_event(stream="policy:a", version=2),
        new_event(stream="policy:A", version=1),
    )

    with database.read() as connection:
        assert positions(events.stream(connection, "policy:a")) == [1, 3]
        assert positions(events.stream(connection, "policy:a", 2)) == [1]
        several = events.streams(connection, ("policy:b", "policy:a", "policy:none"), 3)
        assert {name: positions(rows) for name, rows in several.items()} == {
            "policy:b": [2],
            "policy:a": [1, 3],
            "policy:none": [],
        }
        assert events.version_of(connection, "policy:a") == 2
        assert events.version_of(connection, "policy:none") == 0


def test_events_are_found_by_id_however_many_are_asked_for(database: Database) -> None:
    """A batch of a thousand events asks for a thousand ids, and drivers bind a limited number."""
    rows = [new_event() for _ in range(3)]
    append(database, *rows)
    unknown = [UUID(int=2**100 + number) for number in range(2500)]

    with database.read() as connection:
        found = events.existing(connection, [*unknown, *(row.id for row in rows)])
        assert {each: row.position for each, row in found.items()} == {
            row.id: position for position, row in enumerate(rows, 1)
        }
        second = events.by_id(connection, rows[1].id)
        assert second is not None
        assert second.body == rows[1].body
        assert events.by_id(connection, unknown[0]) is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EventFilter(), [1, 2, 3, 4, 5]),
        (EventFilter(stream="policy:b"), [2, 4]),
        (EventFilter(stream="policy:"), []),
        (EventFilter(streams=("policy:b", "policy:c")), [2, 4]),
        (EventFilter(streams=()), []),
        (EventFilter(streams=sa.select(sa.literal("policy:a"))), [1]),
        (EventFilter(stream_prefix="policy:"), [1, 2, 4]),
        (EventFilter(stream_prefix="policy:b"), [2, 4]),
        (EventFilter(stream_prefix="policy:%"), []),
        (EventFilter(type="context.noted"), [3, 5]),
        (EventFilter(authority="garante"), [2]),
        (EventFilter(recorded_by="bob"), [4, 5]),
        (EventFilter(recorded_from=20, recorded_until=40), [2, 3]),
        (EventFilter(occurred_from=date(2024, 2, 1), occurred_until=date(2024, 4, 1)), [2, 3]),
        (EventFilter(type="context.noted", recorded_by="bob"), [5]),
        (EventFilter(mentions=(1, {"region": "CN"})), [1, 3]),
        (EventFilter(mentions=(1, {"region": "CN", "provider": "openai"})), [1]),
        (EventFilter(mentions=(1, {"region": "CN"}), recorded_by="bob"), []),
        (EventFilter(mentions=(2, {"region": "CN"})), [5]),
        (EventFilter(mentions=(1, {})), [1, 2, 3, 4, 5]),
    ],
)
def test_a_page_holds_what_the_filter_lets_through(
    database: Database, wanted: EventFilter, expected: list[int]
) -> None:
    """Bounds are half-open, names are compared letter by letter."""
    append(
        database,
        new_event(stream="policy:a", recorded_at=10, occurred_day=date(2024, 1, 31)),
        new_event(
            stream="policy:b",
            authority="garante",
            recorded_at=20,
            occurred_day=date(2024, 2, 1),
        ),
        new_event(
            stream="context:policy",
            type="context.noted",
            authority=None,
            recorded_at=30,
            occurred_day=date(2024, 3, 31),
        ),
        new_event(
            stream="policy:b",
            version=2,
            recorded_by="bob",
            recorded_at=40,
            occurred_day=date(2024, 4, 1),
        ),
        new_event(
            stream="context:Policy",
            type="context.noted",
            authority=None,
            recorded_by="bob",
            recorded_at=50,
            occurred_day=date(2025, 1, 1),
        ),
    )
    with database.write() as connection:
        connection.execute(
            sa.insert(tables.mention),
            [
                {"generation": generation, "dimension": dimension, "value": value, "position": at}
                for generation, dimension, value, at in (
                    (1, "region", "CN", 1),
                    (1, "provider", "openai", 1),
                    (1, "region", "CN", 3),
                    (1, "provider", "microsoft", 3),
                    (2, "region", "CN", 5),
                )
            ],
        )

    with database.read() as connection:
        assert positions(events.page(connection, wanted, limit=10)) == expected
        one_by_one = []
        after = 0
        while rows := events.page(connection, wanted, after=after, limit=1):
            one_by_one += positions(rows)
            after = rows[-1].position
        assert one_by_one == expected
        early = events.page(connection, wanted, upto=2, limit=10)
        assert positions(early) == [position for position in expected if position <= 2]


def test_a_moment_is_resolved_to_the_last_position_recorded_by_then(database: Database) -> None:
    """`known_at`: events of one moment are known together."""
    append(database, new_event(recorded_at=10), new_event(recorded_at=20))
    append(database, new_event(recorded_at=20), new_event(recorded_at=30))

    with database.read() as connection:
        asked = [events.position_at(connection, moment) for moment in (9, 10, 19, 20, 29, 30, 99)]
        assert asked == [0, 1, 1, 3, 3, 4, 4]
        assert events.recorded_at(connection, 3) == 20
        assert events.recorded_at(connection, 5) is None


def test_policies_are_listed_by_code_point_as_known_at_a_position(database: Database) -> None:
    """Whatever language the database server was set up in."""
    slugs = ["ab", "a-b", "a", "B", "a.b", "a-a"]
    append(database, *(new_event(stream=f"policy:{slug}", version=1) for slug in slugs))
    append(
        database,
        new_event(stream="policy:a", version=2),
        new_event(stream="observation:a"),
        new_event(stream="policz:a"),
        new_event(stream="policy:late"),
    )

    with database.read() as connection:
        assert events.policy_streams(connection, None, 10, 9) == [
            "policy:B",
            "policy:a",
            "policy:a-a",
            "policy:a-b",
            "policy:a.b",
            "policy:ab",
        ]
        assert events.policy_streams(connection, "a-b", 2) == ["policy:a.b", "policy:ab"]
        assert events.policy_streams(connection, "ab", 2) == ["policy:late"]
        assert events.policy_streams(connection, None, 1, 0) == []
