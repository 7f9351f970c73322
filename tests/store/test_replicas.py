"""Which replicas answer reads, and which are kept out.

A copy of a database is what a replica would be that had stopped at that moment.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from service.application.diagnosing import Level, diagnose
from service.store import engine, events
from service.store.engine import Database
from service.store.errors import DatabaseUnavailable
from service.store.replicas import Replicas, Standing
from tests.chaos.servers import until
from tests.conftest import _administer, _postgres_database
from tests.store.examples import append, new_event

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)

Copy = Callable[[], str]


@pytest.fixture
def copy(database_url: str, postgres_url: str) -> Iterator[Copy]:
    """Copy the test's database as it is now, which nobody may be using."""
    with ExitStack() as made:

        def copied() -> str:
            template = str(sa.make_url(database_url).database)
            return made.enter_context(_postgres_database(postgres_url, template=template))

        yield copied


@contextmanager
def using(url: str) -> Iterator[Database]:
    """Open a database for a moment."""
    opened = engine.connect(url)
    try:
        yield opened
    finally:
        opened.dispose()


@contextmanager
def following(primary: str, *urls: str, max_lag: float = 3600) -> Iterator[Replicas]:
    """Read from replicas, once each was looked at."""
    with using(primary) as database:
        replicas = Replicas(database, urls, max_lag=max_lag)
        try:
            until(lambda: all(one.standing.fault != "new" for one in replicas.all))
            yield replicas
        finally:
            replicas.close()


def position(database: Database, *, newest: bool = False) -> int:
    """Return where the log stands that is read."""
    with database.read(newest=newest) as connection:
        return events.read_head(connection).position


def test_reads_go_to_replicas_by_turns_only_where_they_are_bound(
    database_url: str, copy: Copy
) -> None:
    """What is not bound, or must be the newest, comes from the primary."""
    with using(database_url) as database:
        append(database, new_event())
    urls = copy(), copy()
    with following(database_url, *urls) as replicas:
        append(replicas.database, new_event())
        seen = []
        for _ in range(4):
            with replicas.reading() as replica:
                seen.append(replica)
                assert position(replicas.database) == 1
                assert position(replicas.database, newest=True) == 2
        assert position(replicas.database) == 2

        assert seen == [replicas.all[0], replicas.all[1]] * 2
        assert [one.reads for one in replicas.all] == [2, 2]


def test_what_is_bound_is_the_reads_of_this_database_alone(database_url: str, copy: Copy) -> None:
    """A check folds the log into scratch paper beside it."""
    with following(database_url, copy()) as replicas, using(database_url) as other:
        append(other, new_event())

        with replicas.reading():
            assert (position(replicas.database), position(other)) == (0, 1)


def test_an_append_goes_to_the_primary_whatever_is_bound(database_url: str, copy: Copy) -> None:
    """There is one log."""
    with following(database_url, copy()) as replicas, replicas.reading():
        append(replicas.database, new_event())

        assert position(replicas.database, newest=True) == 1


def test_a_late_replica_is_out_and_says_by_how_much(database_url: str, copy: Copy) -> None:
    """It stopped, and the log goes on."""
    with following(database_url, copy(), max_lag=0.5) as replicas:
        assert replicas.all[0].standing == Standing(
            within=True, fault="", told="", position=0, lag=0
        )
        append(replicas.database, new_event(), new_event())

        until(lambda: not replicas.all[0].standing.within)

        found = replicas.all[0].standing
        assert (found.fault, found.position, found.lag) == ("late", 0, 2)
        with replicas.reading() as replica:
            assert replica is None
            assert position(replicas.database) == 2


def test_a_replica_that_is_behind_from_the_start_may_have_been_so_for_long(
    database_url: str, copy: Copy
) -> None:
    """Nobody knows since when: it must catch up once before it answers."""
    url, event = copy(), new_event()
    with using(database_url) as database:
        append(database, event)

    with following(database_url, url) as replicas, using(url) as replica:
        assert replicas.all[0].standing.fault == "late"

        append(replica, event)

        until(lambda: replicas.all[0].standing.within)


@pytest.mark.parametrize("own", [1, 2, 3])
def test_a_log_that_forked_is_kept_out(
    database_url: str, copy: Copy, caplog: pytest.LogCaptureFixture, own: int
) -> None:
    """A standby was promoted, and took appends of its own: fewer, as many, or more."""
    with using(database_url) as database:
        append(database, new_event())
    url = copy()
    with using(database_url) as database, using(url) as promoted:
        append(database, new_event(), new_event())
        for _ in range(own):
            append(promoted, new_event())

    with caplog.at_level(logging.INFO), following(database_url, url) as replicas:
        found = replicas.all[0].standing
        with replicas.reading() as replica:
            assert replica is None

    assert not found.within
    assert found.fault == ("foreign" if own < 3 else "ahead")
    assert caplog.records[0].message.startswith("A replica is kept out: ")
    assert ("it follows another log" in caplog.text) == (own < 3)


def test_a_replica_that_forks_later_is_put_out(database_url: str, copy: Copy) -> None:
    """It was one of ours until it was promoted."""
    url = copy()
    with following(database_url, url) as replicas, using(url) as promoted:
        assert replicas.all[0].standing.within

        append(replicas.database, new_event(), new_event())
        append(promoted, new_event())

        until(lambda: replicas.all[0].standing.fault == "foreign")


def test_a_replica_of_another_schema_is_kept_out(database_url: str, copy: Copy) -> None:
    """Its migration was not replayed yet, or it is of a newer program."""
    urls = copy(), copy()
    for url, version in zip(urls, ("0001", "9999"), strict=True):
        with using(url) as copied, copied.write() as connection:
            connection.execute(
                sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version}
            )

    with following(database_url, *urls) as replicas:
        assert [one.standing.fault for one in replicas.all] == ["schema", "schema"]
        assert "has schema 0001" in replicas.all[0].standing.told


def test_a_replica_that_cannot_be_reached_is_out_and_named_without_its_password(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Port 1 of the own machine: nobody listens there."""
    dead = "postgresql://alice:secret@127.0.0.1:1/accessline"
    with following(database_url, dead) as replicas:
        assert replicas.all[0].standing.fault == "dead"
        with replicas.reading() as replica:
            assert replica is None

    assert "127.0.0.1:1" in caplog.text
    assert "secret" not in caplog.text


def test_a_replica_that_is_gone_is_out_at_the_first_read(database_url: str, copy: Copy) -> None:
    """Nobody waits for the next look at it; the look brings it back."""
    with following(database_url, copy()) as replicas:
        replica = replicas.all[0]
        error = DatabaseUnavailable(database="x", reason="gone.")

        replicas.passed_on(replica, error)

        assert (replica.standing.within, replica.standing.fault) == (False, "dead")
        assert replica.passed_on == 1
        until(lambda: replica.standing.within)


def test_what_a_replica_does_not_know_yet_does_not_put_it_out(
    database_url: str, copy: Copy
) -> None:
    """An id of a moment ago is no fault of it."""
    with following(database_url, copy()) as replicas:
        replicas.passed_on(replicas.all[0], LookupError())

        assert replicas.all[0].standing.within


def test_replicas_stay_in_while_the_primary_is_away(
    database_url: str, copy: Copy, postgres_url: str
) -> None:
    """Reads outlive the primary, which lets nobody in here."""
    url = copy()
    name = sa.make_url(database_url).database
    with following(database_url, url) as replicas:
        assert replicas.all[0].standing.lag == 0
        _administer(postgres_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        _administer(
            postgres_url,
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",  # noqa: S608 -- our own
        )

        until(lambda: replicas.all[0].standing.lag is None)

        with replicas.reading() as replica:
            assert replica is replicas.all[0]
            assert position(replicas.database) == 0
        _administer(postgres_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        until(lambda: replicas.all[0].standing.lag == 0)


def test_the_doctor_looks_at_each_replica_once(database_url: str, copy: Copy) -> None:
    """One that has all, one that is behind, one that follows another log, one that is gone."""
    with using(database_url) as database:
        append(database, new_event())
    behind, foreign = copy(), copy()
    with using(database_url) as database:
        append(database, new_event())
    even = copy()
    with using(foreign) as other:
        append(other, new_event(), new_event())
    gone = "postgresql://nobody@127.0.0.1:1/none"

    with using(database_url) as database:
        checks = diagnose(
            database,
            workers=1,
            now=datetime(2026, 11, 26, tzinfo=UTC),
            replicas=(even, behind, foreign, gone),
        )

    found = {one.name: (one.level, one.detail) for one in checks if "replica" in one.name}
    assert found["replica 1"] == (Level.OK, "It follows this log, and has all 2 events.")
    assert found["replica 2"] == (
        Level.WARN,
        "It follows this log, behind by 1 at this moment.",
    )
    assert [found[f"replica {number}"][0] for number in (3, 4)] == [Level.FAIL, Level.FAIL]
