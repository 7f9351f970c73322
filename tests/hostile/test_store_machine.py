"""The store against a model: whatever is done in whatever order, it says what the log means.

The model is a Python list of what was recorded, the oracle the rule over a beginning of it. Where
``CI`` is set the examples are always the same; a failure prints what to run again.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from service.application import asking, gating
from service.application.asking import CellFilter
from service.application.checking import verify
from service.application.errors import EventIdConflict, IdempotencyConflict, VersionConflict
from service.application.gating import Wanted
from service.application.recording import Batch, Outcome, append
from service.domain.admission import admit
from service.domain.answers import KnownAt, Question, explain
from service.domain.cells import cell_answer
from service.domain.codec import answer_bytes, event_from
from service.domain.errors import Rejected, UnknownIdError
from service.domain.events import Event, Recorded
from service.domain.scope import PUBLIC, Cell
from service.domain.times import When
from service.domain.world import World
from service.projections import projector
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database, connect
from tests.builders import corrected, ledger
from tests.conftest import _postgres_database
from tests.domain.worlds import (
    AUTHORITIES,
    CAST,
    DAYS,
    REGIONS,
    SERVICES,
    cells,
    measurements,
    moments,
    steps,
)

EXAMPLES = int(os.environ.get("ACCESSLINE_TEST_EXAMPLES", "8"))
"""Logs for each engine, of about a dozen steps; PostgreSQL, where a log costs more, gets half."""

STEPS = 15
QUESTIONS = 3
"""Questions after every step."""

AGAIN = 3
"""Old answers that are asked for again after every step; in the end all of them are."""

INSTANTS = tuple(
    f"2024-01-0{day}T{time}" for day in range(1, 9) for time in ("00:00:00Z", "12:00:00+02:00")
)

Opened = Callable[[], AbstractContextManager[str]]
"""Makes a database of its own with all tables, and gives its URL."""

slugs = st.sampled_from(sorted(AUTHORITIES))
clocks = st.sampled_from([-40 * 86_400, 0, 60, 90_000, -40 * 86_400])
"""Seconds by which the clock steps."""
some = st.integers(0, 10_000)
"""Which one of several: taken modulo their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request that was answered."""

    batch: Batch
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A question with both of its times named, and the bytes of its answer."""

    question: Question
    position: int
    answer: bytes


@dataclass(slots=True)
class Model:
    """What the log must hold, and what was said of it."""

    recorded: tuple[Recorded, ...] = ()
    sent: list[Sent] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    numbers: int = 0

    def version(self, stream: str) -> int:
        """Return at which version a stream stands."""
        return sum(one.event.stream == stream for one in self.recorded)

    def new_id(self) -> UUID:
        """Return an id that no event has."""
        self.numbers += 1
        return UUID(int=10_000 + self.numbers)

    def judged(self, batch: Batch, now: datetime) -> tuple[tuple[Recorded, ...], str | None]:
        """Return a batch's events as they will be recorded, and why they may not be, or None."""
        known = {one.event.id for one in self.recorded}
        new: list[Recorded] = []
        at = max([now, *(one.recorded_at for one in self.recorded[-1:])])
        for event in batch.events:
            if event.id not in known:
                before = sum(one.event.stream == event.stream for one in new)
                new.append(
                    Recorded(
                        event=event,
                        position=len(self.recorded) + len(new) + 1,
                        version=self.version(event.stream) + before + 1,
                        recorded_at=at,
                        recorded_by=batch.principal,
                    )
                )
        try:
            admit(new, ledger(self.recorded))
        except Rejected as refusal:
            return (), str(refusal)
        return tuple(new), None


class StoreMachine(RuleBasedStateMachine):
    """Appends, corrections, repetitions, rebuilds and questions in any order."""

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self._closing = opened()
        self.database: Database = connect(self._closing.__enter__())
        self.model = Model()
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.written = True
        self.chance = random.Random(0)  # noqa: S311 -- a repeatable choice

    def teardown(self) -> None:
        """Look at everything once more, and remove the database."""
        try:
            assert verify(self.database).findings == ()
            for one in self.model.told:
                assert self._ask(one.question, one.position) == one.answer
        finally:
            self.database.dispose()
            self._closing.__exit__(None, None, None)

    # What happens.

    @initialize(
        first=st.tuples(*(steps(slug, first=True) for slug in AUTHORITIES)),
        seed=st.integers(0, 2**32),
    )
    def policies_begin(self, first: tuple[dict[str, Any], ...], seed: int) -> None:
        """As the worlds of the laws begin: after the cast one event of each policy."""
        self.chance = random.Random(seed)  # noqa: S311
        self._send(Batch(events=tuple(one.event for one in CAST), principal="alice"))
        for plain in first:
            self._send(self._batch((self._made(plain),), {}, keyed=True))

    @rule(
        drawn=st.lists(
            slugs.flatmap(lambda slug: steps(slug, first=False)), min_size=1, max_size=3
        ),
        seconds=clocks,
        keyed=st.booleans(),
    )
    def steps_are_sent(self, drawn: list[dict[str, Any]], seconds: int, keyed: bool) -> None:  # noqa: FBT001
        """One by one, by a clock that may have gone back, perhaps with a key."""
        self.now += timedelta(seconds=seconds)
        for plain in drawn:
            self._send(self._batch((self._made(plain),), {}, keyed=keyed))

    @rule(
        drawn=st.lists(slugs.flatmap(lambda slug: steps(slug, first=False)), max_size=2),
        measured=measurements(),
        off=st.sampled_from([0, 0, -1, 1]),
    )
    def a_batch_is_sent(
        self, drawn: list[dict[str, Any]], measured: dict[str, Any], off: int
    ) -> None:
        """All or nothing, where its streams are expected to be or nearly there."""
        events = tuple(map(self._made, (*drawn, measured)))
        expected = {one.stream: max(self.model.version(one.stream) + off, 0) for one in events}
        self._send(self._batch(events, expected))

    @rule(which=some, slug=slugs, data=st.data(), retract=st.booleans(), keyed=st.booleans())
    def an_event_is_corrected(
        self,
        which: int,
        slug: str,
        data: st.DataObject,
        retract: bool,  # noqa: FBT001
        keyed: bool,  # noqa: FBT001
    ) -> None:
        """By nothing, or by another event of its stream, perhaps of the wrong type."""
        ours = self.model.recorded[len(CAST) :]
        if not ours:
            return
        target = ours[which % len(ours)].event
        replacement = None
        if not retract and target.stream.startswith("policy:"):
            drawn = data.draw(steps(slug, first=data.draw(st.booleans())))
            replacement = event_from({**drawn, "stream": target.stream})
        correction = structs.replace(corrected(target, replacement), id=self.model.new_id())
        self._send(self._batch((correction,), {}, keyed=keyed))

    @rule(which=some)
    def a_request_is_sent_again(self, which: int) -> None:
        """The same one gets the same answer; another one under its key is refused."""
        old = self.model.sent[which % len(self.model.sent)]
        again = append(self.database, old.batch, clock=lambda: self.now)

        assert again.appended == 0
        assert again.receipt.items == old.outcome.receipt.items
        if old.batch.key is not None:
            assert again.replayed
            assert again.receipt == old.outcome.receipt
            other = replace(old.batch, request_hash=b"another")
            with pytest.raises(IdempotencyConflict):
                append(self.database, other, clock=lambda: self.now)

    @rule(which=some, beside=slugs)
    def an_id_is_used_for_another_event(self, which: int, beside: str) -> None:
        """An id names one event for ever, and what stands beside it in the batch is refused too."""
        old = self.model.recorded[which % len(self.model.recorded)].event
        other = structs.replace(old, summary=f"not what {beside} said")
        new = structs.replace(CAST[-1].event, id=self.model.new_id(), stream=f"policy:{beside}")

        with pytest.raises(EventIdConflict):
            append(self.database, self._batch((new, other), {}), clock=lambda: self.now)

    @rule()
    def the_read_models_are_made_again(self) -> None:
        """They were what the log makes of them."""
        rebuilt = projector.rebuild(self.database)
        self.written = True

        assert set(rebuilt.differing.values()) == {0}
        assert rebuilt.events == len(self.model.recorded)

    # What is asked.

    @rule(as_of=moments, where=some, cell=cells)
    def many_cells_are_asked(self, as_of: Any, where: int, cell: Cell) -> None:  # noqa: ANN401
        """A list and a check look at less of the log than the rule, and say the same."""
        position = len(CAST) + where % (len(self.model.recorded) - len(CAST) + 1)
        world = World.of(self.model.recorded[:position])
        wanted = CellFilter(
            providers=(cell.provider,), regions=tuple(REGIONS), audience=cell.audience
        )

        listed = asking.listing(self.database, wanted, as_of, f"@{position}", self.now)
        checked = gating.check(
            self.database,
            [
                Wanted(provider=one.provider, service=one.service, region=one.region)
                for one in listed.rows
            ],
            as_of,
            f"@{position}",
            self.now,
        )

        assert {one.region for one in listed.rows} == set(REGIONS)
        for row, one in zip(listed.rows, checked.items, strict=True):
            here = Cell(
                provider=row.provider,
                service=row.service,
                region=row.region,
                audience=row.audience,
            )
            assert (row.state, row.legal_state, row.conditions) == cell_answer(world, here, as_of)
            public = replace(here, audience=PUBLIC)
            assert (one.state, one.legal_state, one.conditions) == cell_answer(world, public, as_of)

    # What always holds.

    @invariant()
    def the_log_is_the_model(self) -> None:
        """Positions 1 to n, versions 1 to k, times that never go back, the same events."""
        with self.database.read() as connection:
            rows = log.page(connection, limit=len(self.model.recorded) + 1)
            head = log.read_head(connection).position

        assert [row.position for row in rows] == list(range(1, head + 1))
        assert tuple(map(decode, rows)) == self.model.recorded

    @invariant()
    def an_answer_is_what_the_rule_says(self) -> None:
        """Of any cell, at any moment, at any position: of the log's beginning up to there."""
        for _ in range(QUESTIONS):
            position = self.chance.randrange(len(self.model.recorded) + 1)
            question = self._question()
            world = World.of(self.model.recorded[:position])
            if not _known(world, question):
                with pytest.raises(UnknownIdError):
                    self._ask(question, position)
                continue
            at = self.model.recorded[position - 1].recorded_at if position else None
            wanted = explain(world, question, KnownAt(position=position, recorded_at=at))
            answer = self._ask(question, position)
            assert answer.decode() == answer_bytes(wanted).decode()
            self.model.told.append(Told(question=question, position=position, answer=answer))

    @invariant()
    def what_was_told_is_told_again(self) -> None:
        """An answer with both times named never changes by a byte."""
        told = self.model.told
        for one in self.chance.sample(told, min(AGAIN, len(told))):
            assert self._ask(one.question, one.position) == one.answer

    @invariant()
    def a_check_finds_nothing(self) -> None:
        """Log, tree and read models fit each other, whenever something may have been written."""
        if self.written:
            assert verify(self.database).findings == ()
        self.written = False

    # How.

    def _question(self) -> Question:
        chance = self.chance
        service = chance.choice(SERVICES)
        provider, _, path = service.partition("/")
        day, instant = chance.choice(DAYS[7:17]), When.moment(chance.choice(INSTANTS))
        return Question(
            provider=provider,
            region=chance.choice(REGIONS),
            as_of=chance.choice((day, instant)),
            service=chance.choice((None, path)),
            audience=chance.choice((PUBLIC, "government/defence")),
        )

    def _made(self, plain: dict[str, Any]) -> Event:
        return event_from({**plain, "id": str(self.model.new_id())})

    def _batch(
        self, events: tuple[Event, ...], expected: dict[str, int], *, keyed: bool = False
    ) -> Batch:
        key = f"key-{self.model.new_id()}" if keyed else None
        return Batch(
            events=events,
            principal="alice",
            expected_versions=expected,
            key=key,
            request_hash=b"" if key is None else key.encode(),
        )

    def _send(self, batch: Batch) -> None:
        """Append a batch: the model tells whether it is taken, and what becomes of it."""
        model = self.model
        wrong = [
            name
            for name, expected in batch.expected_versions.items()
            if batch.events and model.version(name) != expected
        ]
        if wrong:
            with pytest.raises(VersionConflict) as conflict:
                append(self.database, batch, clock=lambda: self.now)
            assert conflict.value.actual == model.version(wrong[0])
            return
        new, refusal = model.judged(batch, self.now)
        if refusal is not None:
            with pytest.raises(Rejected) as refused:
                append(self.database, batch, clock=lambda: self.now)
            assert str(refused.value) == refusal
            return
        outcome = append(self.database, batch, clock=lambda: self.now)
        model.recorded += new
        self.written = True
        model.sent.append(Sent(batch=batch, outcome=outcome))
        assert outcome.appended == len(new)
        assert outcome.receipt.position == len(model.recorded)
        assert [one.position for one in outcome.receipt.items] == [one.position for one in new]

    def _ask(self, question: Question, position: int) -> bytes:
        found = asking.explained(self.database, question, f"@{position}", self.now)
        return answer_bytes(found)


def _known(world: World, asked: Question) -> bool:
    registry = world.registry
    return (
        asked.provider in registry.providers
        and registry.is_region(asked.region)
        and asked.service in {None, *registry.services_of(asked.provider)}
        and asked.audience in {PUBLIC, *registry.audiences}
    )


def test_the_store_answers_as_the_model_does(sqlite_template: Path, tmp_path: Path) -> None:
    """On SQLite, a file of its own for every example."""
    numbers = iter(range(10**9))

    @contextmanager
    def opened() -> Iterator[str]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        shutil.copyfile(sqlite_template, folder / "accessline.db")
        yield f"sqlite:///{folder / 'accessline.db'}"
        shutil.rmtree(folder)

    _run(opened, EXAMPLES)


def test_the_store_answers_as_the_model_does_on_postgresql(
    postgres_template: str, postgres_url: str
) -> None:
    """A database of its own for every example."""
    _run(lambda: _postgres_database(postgres_url, template=postgres_template), EXAMPLES // 2)


def _run(opened: Opened, examples: int) -> None:
    class Opening(StoreMachine):
        def __init__(self) -> None:
            super().__init__(opened)

    run_state_machine_as_test(
        Opening,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=bool(os.environ.get("CI")),
            print_blob=True,
            phases=[one for one in Phase if one is not Phase.explain],
            suppress_health_check=list(HealthCheck),
        ),
    )
