"""The index by day answers as the whole record does, and costs the same however long that is."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service.application.asking import explained
from service.application.gating import Wanted, check
from service.application.recording import Batch, append
from service.domain import cells
from service.domain.answers import KnownAt, Question, explain
from service.domain.cells import cell_answer, valid_until
from service.domain.codec import answer_bytes
from service.domain.events import Recorded
from service.domain.scope import Cell
from service.domain.times import When
from service.domain.world import World
from service.projections import known, projector, statements, whole
from service.projections.known import Near
from service.projections.sight import Sight
from service.projections.standings import Standings
from service.store import events as log_store
from service.store import tables, watching
from service.store.codec import encode
from service.store.engine import Database, connect
from tests.builders import directive, event, log, registry_events
from tests.domain.test_laws import law
from tests.domain.worlds import CAST, logs, moments, wide_cells


@pytest.fixture
def by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every place by day, as if very much had been said of it."""
    monkeypatch.setattr(statements, "MUCH", 0)


@pytest.fixture(params=["by day", "crowded", "pieces", "whole"])
def however_read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read places by day; whole, but each cell or each country as if it were crowded; whole."""
    if request.param == "by day":
        monkeypatch.setattr(statements, "MUCH", 0)
    if request.param == "crowded":
        monkeypatch.setattr(cells, "FEW", 0)
    if request.param == "pieces":
        monkeypatch.setattr(whole, "FEW", 0)
        monkeypatch.setattr(whole, "FEW_ANYWHERE", 0)


def stored(template: Path, recorded: tuple[Recorded, ...]) -> Database:
    """Return a scratch database that holds a log, with its read models."""
    file = template.parent / f"{uuid4()}.db"
    shutil.copyfile(template, file)
    database = connect(f"sqlite:///{file}")
    with database.write() as connection:
        head = log_store.take_head(connection)
        log_store.append(connection, head, [encode(one) for one in recorded])
    projector.rebuild(database)
    return database


def gone(database: Database) -> None:
    """Throw a scratch database away."""
    database.dispose()
    assert database.file is not None
    for file in database.file.parent.glob(f"{database.file.name}*"):
        file.unlink()


@pytest.mark.usefixtures("however_read")
@law
@given(logs(), wide_cells, moments, st.data())
def test_a_place_has_the_answer_that_the_whole_record_gives(
    sqlite_template: Path,
    recorded: tuple[Recorded, ...],
    cell: Cell,
    moment: When,
    data: st.DataObject,
) -> None:
    """Reasons, since, until, pending and exceptions too; at any position."""
    database = stored(sqlite_template, recorded)
    position = data.draw(st.integers(max(len(CAST), len(recorded) - 8), len(recorded)))
    now = datetime(2030, 1, 1, tzinfo=UTC)
    asked = Question(
        provider=cell.provider,
        region=cell.region,
        as_of=moment,
        service=data.draw(st.sampled_from([None, cell.service])),
        audience=cell.audience,
    )

    told = explained(database, asked, f"@{position}", now)
    again = explained(database, asked, f"@{position}", now, database.glance(watching.stamp))

    world = World.of(recorded[:position])
    at = KnownAt(position=position, recorded_at=recorded[position - 1].recorded_at)
    assert answer_bytes(told) == answer_bytes(explain(world, asked, at))
    assert answer_bytes(again) == answer_bytes(told)

    wanted = Wanted(
        provider=cell.provider, service=cell.service, region=cell.region, audience=cell.audience
    )
    (item,) = check(database, [wanted], moment, f"@{position}", now).items
    state, legal_state, conditions = cell_answer(world, cell, moment)
    assert (item.state, item.legal_state, item.conditions) == (state, legal_state, conditions)
    assert item.valid_until == valid_until(world, cell, moment)
    gone(database)


@pytest.mark.parametrize("much", [20_000, 12, 0], ids=["whole", "by country", "by day"])
@law
@given(logs(), wide_cells, moments, st.data())
def test_what_is_remembered_goes_on_with_the_log(  # noqa: PLR0913, PLR0917 -- of a law
    sqlite_template: Path,
    much: int,
    recorded: tuple[Recorded, ...],
    cell: Cell,
    moment: When,
    data: st.DataObject,
) -> None:
    """Event after event, whoever asked before: from memory as from the whole record."""
    start = max(len(CAST), len(recorded) - 6)
    database = stored(sqlite_template, recorded[:start])
    now = datetime(2030, 1, 1, tzinfo=UTC)
    asked = Question(
        provider=cell.provider, region=cell.region, as_of=moment, audience=cell.audience
    )
    wanted = Wanted(
        provider=cell.provider, service=cell.service, region=cell.region, audience=cell.audience
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "MUCH", much)
        for position in range(start, len(recorded) + 1):
            if position > start:
                goes_on(database, recorded[position - 1])
            if data.draw(st.booleans()):
                continue
            world = World.of(recorded[:position])
            at = KnownAt(position=position, recorded_at=recorded[position - 1].recorded_at)
            for stamp in (None, database.glance(watching.stamp)):
                told = explained(database, asked, None, now, stamp)
                assert answer_bytes(told) == answer_bytes(explain(world, asked, at))
                (item,) = check(database, [wanted], moment, None, now, stamp).items
                state, legal_state, conditions = cell_answer(world, cell, moment)
                assert (item.state, item.legal_state) == (state, legal_state)
                assert item.conditions == conditions
                assert item.valid_until == valid_until(world, cell, moment)
    gone(database)


@pytest.mark.parametrize("much", [20_000, 1], ids=["whole", "by country"])
def test_what_is_remembered_goes_on_with_the_registry(
    database: Database, much: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody joins a group: nothing new is said, and yet it is said of one more."""
    monkeypatch.setattr(statements, "MUCH", much)
    rules = [
        event(
            "policy.adopted",
            stream=f"policy:rule-{region.lower()}",
            occurred_on="2024-01-01",
            data={
                "directives": [
                    directive(
                        "api",
                        "blocked",
                        providers=["openai"],
                        regions=[region],
                        effective_from="2024-01-01",
                    )
                ]
            },
        )
        for region in ("JP", "UNION")
    ]
    joins = [
        event(
            "registry.group_changed",
            stream="registry:group/UNION",
            occurred_on=day,
            data={"id": "UNION", "name": "Union", "effective_from": day, "adds": [who]},
        )
        for day, who in (("2020-01-01", "FR"), ("2024-06-01", "DE"))
    ]
    recorded = log(*registry_events(), joins[0], *rules, joins[1])
    now = datetime(2030, 1, 1, tzinfo=UTC)
    asked = Question(provider="openai", region="DE", service="api", as_of=When.moment("2025-01-01"))
    seen = []

    for one in recorded:
        goes_on(database, one)
        if one.position >= len(recorded) - 1:
            seen += [explained(database, asked, None, now).state for _ in range(4)]

    assert seen == ["unknown"] * 4 + ["blocked"] * 4


def goes_on(database: Database, recorded: Recorded) -> None:
    """Let the log and its read models go on by one event."""
    with database.write() as connection:
        head = log_store.take_head(connection)
        log_store.append(connection, head, [encode(recorded)])
        generation = watching.stamp(connection).generation
        projector.Projector(connection, generation, Standings(connection)).take_all([recorded])


@law
@given(logs())
def test_segments_cover_every_day_once_at_every_position(
    sqlite_template: Path, recorded: tuple[Recorded, ...]
) -> None:
    """One behind the other, neighbours different, the horizon where the last begins."""
    database = stored(sqlite_template, recorded)
    segment, horizon = tables.segment.c, tables.horizon.c

    with database.read() as connection:
        began = dict(
            connection.execute(
                sa.select(horizon.scope, sa.func.min(horizon.position)).group_by(horizon.scope)
            ).all()
        )
        for position in range(1, len(recorded) + 1):
            lines = connection.execute(
                sa.select(segment.scope, segment.day, segment.day_until, segment.statements)
                .where(segment.known_from <= position, segment.known_until > position)
                .order_by(segment.scope, segment.day)
            ).all()
            assert {row.scope for row in lines} == {
                one for one, first in began.items() if first <= position
            }
            for one, following in pairwise(lines):
                if one.scope == following.scope:
                    assert one.day_until == following.day
                    assert one.statements != following.statements
                else:
                    assert (one.day_until, following.day) == (4_000_000, 0)
            for row in lines:
                furthest = sa.select(sa.func.max(horizon.day)).where(
                    horizon.scope == row.scope, horizon.position <= position
                )
                assert row.day <= (connection.scalar(furthest) or 0)
    gone(database)


def history(count: int) -> tuple[Recorded, ...]:
    """Return a log in which a cell is closed and open from one day to the next."""
    first = date(2020, 1, 1)
    notices = [
        event(
            "policy.adopted",
            stream=f"policy:notice-{number}",
            occurred_on=(first + timedelta(days=number)).isoformat(),
            data={
                "directives": [
                    directive(
                        "api",
                        "blocked" if number % 2 else "suspended",
                        providers=["openai"],
                        services=["api"],
                        regions=["FR"],
                        effective_from=(first + timedelta(days=number)).isoformat(),
                        effective_until=(first + timedelta(days=number + 1)).isoformat(),
                    )
                ]
            },
        )
        for number in range(count)
    ]
    return log(*registry_events(), *notices)


@pytest.mark.usefixtures("by_day")
def test_a_cell_with_many_changes_is_read_by_day(database: Database) -> None:
    """Its answer is right, and rests on the few texts around the day, at any position."""
    recorded = history(300)
    for start in range(0, len(recorded), 50):
        chunk = recorded[start : start + 50]
        batch = Batch(events=tuple(one.event for one in chunk), principal="alice")
        append(database, batch, clock=lambda: datetime(2025, 1, 1, tzinfo=UTC))
    near = Near(provider="openai", region="FR")
    head = len(recorded)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    past = f"@{head - 200}"

    for position, day in ((head, "2020-03-01"), (head - 200, "2020-03-01"), (head, "2030-01-01")):
        with database.read() as connection:
            world = known.world_on(Sight.of(connection), position, near, When.moment(day))
        assert len(world.texts) <= 5
        assert world.covers is not None
        assert world.covers[0] <= date.fromisoformat(day) < world.covers[1]
    asked = Question(provider="openai", region="FR", service="api", as_of=When.moment("2020-03-01"))
    (cell,) = explained(database, asked, past, now).cells
    assert cell.state == "suspended"
    assert (str(cell.since), str(cell.until)) == ("2020-03-01", "2020-03-02")
    later = replace(asked, as_of=When.moment("2020-06-01"))
    (cell,) = explained(database, later, past, now).cells
    assert (cell.state, str(cell.since), cell.until) == ("unknown", "2020-04-10", None)
    assert projector.rebuild(database).differing == dict.fromkeys(
        (table.name for table in projector.TABLES), 0
    )
