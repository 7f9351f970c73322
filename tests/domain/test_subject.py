"""Event after event is the same as all of them at once, and costs less."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock
from uuid import UUID

from hypothesis import given, settings

from service.domain import keys
from service.domain.cells import timeline
from service.domain.directives import Text
from service.domain.events import Event, Recorded
from service.domain.fold import Fold, Slot
from service.domain.history import as_known
from service.domain.pending import pending
from service.domain.resolution import AccessState, resolve
from service.domain.scope import Cell
from service.domain.subject import Said, Subject
from service.domain.times import When
from service.domain.world import World
from tests.builders import directive, event, log
from tests.domain.worlds import CAST, DAYS, cells, logs, moments

law = settings(
    max_examples=40, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)


def _streams(recorded: tuple[Recorded, ...]) -> dict[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = {}
    for one in recorded[len(CAST) - 1 :]:
        found.setdefault(one.event.stream, []).append(one)
    return found


@contextmanager
def _everything_named() -> Iterator[None]:
    """Let every text name all ends behind its own, as if none were left out."""
    with mock.patch.object(keys, "APART", 1_000_000):
        yield


@law
@given(logs())
def test_a_subject_that_goes_on_says_what_one_made_anew_says(
    recorded: tuple[Recorded, ...],
) -> None:
    """After each event, slot by slot; and its news lead from the one to the other."""
    for name, stream in _streams(recorded).items():
        subject = Subject.of(name)
        said: dict[Slot, Said] = {}
        for count, one in enumerate(stream, 1):
            before = subject.copy()
            if not subject.follows(one):
                subject, said = Subject.of(name, stream[:count]), {}
            else:
                subject.take(one)
            anew = Subject.of(name, stream[:count])

            for slot, old, new in subject.news():
                assert said.get(slot) == old
                said[slot] = new
            assert sorted(said.items(), key=lambda each: each[0]) == anew.said()
            assert subject.said() == anew.said()
            assert subject.version == anew.version
            assert before.said() == Subject.of(name, stream[: count - 1]).said()


@law
@given(logs(), cells, moments)
def test_what_lies_well_behind_an_end_alters_no_answer(
    recorded: tuple[Recorded, ...], cell: Cell, moment: When
) -> None:
    """A text that is over does not begin to hold again, however much follows it."""
    short = World.of(recorded)
    with _everything_named():
        long = World.of(recorded)

    for asked in (*DAYS, moment):
        assert _seen(resolve(short, cell, asked)) == _seen(resolve(long, cell, asked))
    for instants in (False, True):
        short_line = timeline(short, cell, instants=instants)
        long_line = timeline(long, cell, instants=instants)
        assert [(one.since, one.until, one.answer) for one in short_line] == [
            (one.since, one.until, one.answer) for one in long_line
        ]
        for one, other in zip(short_line, long_line, strict=True):
            assert set(one.started_by) <= set(other.started_by)
    coming = pending(short, cell, moment)
    with _everything_named():
        assert coming == pending(long, cell, moment)


def _seen(told: AccessState) -> tuple[object, ...]:
    """Return what an answer shows: of a text its first end, not those behind it."""
    return (
        told.answer,
        told.observed_state,
        told.decided_by,
        told.legal_decided_by,
        told.also_restricting,
        told.overridden,
    )


def _amendments(count: int) -> list[Event]:
    days = (When.on(DAYS[0].day.fromordinal(738_000 + number)).text for number in range(count))
    return [
        event(
            "policy.amended" if number else "policy.adopted",
            id=str(UUID(int=70_000 + number)),
            stream="policy:long",
            occurred_on=day,
            data={
                "directives": [directive(effect=("blocked", "suspended")[number % 2])],
                **({"effective_from": day} if number else {}),
            },
        )
        for number, day in enumerate(days)
    ]


def test_a_text_does_not_name_all_that_came_after_it() -> None:
    """Or a policy that is amended daily would be stored again, whole, with each amendment."""
    texts = Fold.of("long", log(*_amendments(300))).texts()

    assert max(len(text.ends) for text in texts) <= keys.APART


def test_an_event_at_the_end_of_a_long_stream_is_news_of_few_texts() -> None:
    """The one that it brings, and those that had ended just before: never of all."""
    stream = log(*_amendments(301))
    subject = Subject.of("policy:long", stream[:-1])
    subject.news()

    subject.take(stream[-1])
    news = subject.news()

    assert [slot for slot, _, _ in news] == [(True, at) for at in range(300 - keys.APART, 301)]
    assert all(isinstance(new, Text) for _, _, new in news)
    assert subject.said() == Subject.of("policy:long", as_known(stream)).said()
