"""The read models are what the log makes of them, whichever way they were made."""

from datetime import datetime
from functools import partial

import pytest
import sqlalchemy as sa

from service.application.asking import explained
from service.application.checking import verify
from service.application.recording import Batch, append
from service.domain.answers import KnownAt, Question, explain
from service.domain.codec import answer_bytes
from service.domain.events import Recorded
from service.domain.times import When
from service.domain.world import World
from service.evidence.verification import FindingKind
from service.projections import projector, writing
from service.store import tables
from service.store.engine import Database
from tests.scenarios.test_scenarios import SCENARIOS, known_log


def record(database: Database, log: list[Recorded]) -> None:
    """Append a log one event at a time, each at its own time."""
    for one in log:
        batch = Batch(events=(one.event,), principal="alice")
        append(database, batch, clock=partial(_at, one))


def _at(recorded: Recorded) -> datetime:
    return recorded.recorded_at


def questions(name: str) -> list[Question]:
    """Return what a scenario asks, and the same places asked for every service."""
    scenario = SCENARIOS[name]
    asked = [{**scenario.get("asked", {}), **one} for one in scenario["questions"]]
    return [
        Question(
            provider=one["provider"],
            region=one["region"],
            service=service,
            audience=one.get("audience", "public"),
            as_of=When.moment(one["as_of"]),
        )
        for one in asked
        for service in (one["service"], None)
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_stored_answer_is_what_the_rule_makes_of_the_log(database: Database, name: str) -> None:
    """At every position of the log, now and after it has grown: projection equals fold."""
    log = list(known_log(SCENARIOS[name], None))
    record(database, log)
    now = log[-1].recorded_at

    for position in range(len(log), len(log) - len(SCENARIOS[name]["events"]) - 1, -1):
        known = log[:position]
        world = World.of(known)
        at = KnownAt(position=position, recorded_at=known[-1].recorded_at)
        for question in questions(name):
            told = explained(database, question, f"@{position}", now)
            assert answer_bytes(told) == answer_bytes(explain(world, question, at))


@pytest.mark.parametrize("name", ["04-chatgpt-in-italy", "27-our-record-of-meta-ai-is-corrected"])
def test_a_rebuild_makes_the_same_rows_again(database: Database, name: str) -> None:
    """Disposable: dropped and rebuilt from the log alone, registry included."""
    record(database, list(known_log(SCENARIOS[name], None)))

    rebuilt = projector.rebuild(database)

    assert rebuilt.generation == 2
    assert set(rebuilt.differing.values()) == {0}
    assert verify(database).findings == ()
    with database.read() as connection:
        assert projector.live(connection) == 2
        assert (
            connection.scalar(sa.select(sa.func.count()).where(tables.statement.c.generation == 1))
            == 0
        )


def test_a_rebuild_mends_rows_that_went_wrong_and_says_how_many(database: Database) -> None:
    """A read model may be damaged; the log is what counts."""
    record(database, list(known_log(SCENARIOS["04-chatgpt-in-italy"], None)))
    with database.write() as connection:
        connection.execute(sa.delete(tables.statement_scope))
    assert [one.kind for one in verify(database).findings] == [FindingKind.PROJECTION]

    rebuilt = projector.rebuild(database)

    assert rebuilt.differing["statement_scope"] > 0
    assert verify(database).findings == ()


def test_a_rebuild_that_dies_leaves_the_old_answers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pointer flips last; whatever stops a rebuild before leaves readers where they were."""
    log = list(known_log(SCENARIOS["04-chatgpt-in-italy"], None))
    record(database, log)
    question = questions("04-chatgpt-in-italy")[0]
    before = answer_bytes(explained(database, question, None, log[-1].recorded_at))

    with monkeypatch.context() as broken:
        broken.setattr(writing.Writer, "take", _die)
        with pytest.raises(KeyboardInterrupt):
            projector.rebuild(database)

    assert answer_bytes(explained(database, question, None, log[-1].recorded_at)) == before
    assert projector.rebuild(database).differing["statement"] == 0


def test_of_two_rebuilds_the_later_one_wins_and_the_other_stops(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two would delete each other's rows, and one of them flip to what is left."""
    log = list(known_log(SCENARIOS["04-chatgpt-in-italy"], None))
    record(database, log)
    monkeypatch.setattr(projector, "CHUNK", 3)
    again: list[projector.Rebuilt] = []

    def start_another(done: int, _all: int) -> None:
        if done == 3 and not again:
            again.append(projector.rebuild(database))

    with pytest.raises(projector.RebuildSuperseded):
        projector.rebuild(database, start_another)

    assert set(again[0].differing.values()) == {0}
    assert verify(database).findings == ()


def _die(*_: object) -> None:
    raise KeyboardInterrupt
