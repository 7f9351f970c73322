"""What files say now against what the log says: appended, amended, retracted, never inferred.

``Files`` records what it is given as the seeds are recorded; Alice records by herself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import uuid4

import pytest
from msgspec import structs

from service.application.reconciling import (
    REASON_AMENDED,
    REASON_RETRACTED,
    Act,
    MovedEvent,
    Step,
    Terms,
    pending,
)
from service.application.recording import Batch, append
from service.domain.errors import Rejected
from service.domain.events import CorrectionAction, Event, RecordCorrected, Recorded
from service.domain.history import as_known
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database
from tests.builders import (
    NOON,
    Table,
    corrected,
    directive,
    event,
    registered,
    registry_events,
)

TODAY: Final = date(2026, 11, 26)
CAST: Final = registry_events()
NOTE: Final = "context:note"
RULES: Final = "policy:rules"


@dataclass
class Files:
    """Files of events, and the log that is kept in step with them."""

    database: Database

    def pending(
        self, *events: Event, whole: bool = False, principal: str = "seeds"
    ) -> tuple[Step, ...]:
        """Return what has to be done."""
        terms = Terms(principal=principal, whole=whole, today=TODAY, new_id=uuid4)
        return pending(self.database, events, terms)

    def keep(
        self, *events: Event, whole: bool = False, principal: str = "seeds"
    ) -> list[tuple[Act, Event]]:
        """Do it, and return each act with its subject."""
        steps = self.pending(*events, whole=whole, principal=principal)
        record(self.database, *(one.event for one in steps), principal=principal)
        return [(one.act, one.subject) for one in steps]

    def standing(self, stream: str) -> list[Event]:
        """Return what stands in a stream."""
        return [one.event for one in as_known(self.history(stream))]

    def history(self, stream: str) -> Sequence[Recorded]:
        """Return everything that was recorded in a stream."""
        with self.database.read() as connection:
            return [decode(row) for row in log.stream(connection, stream)]


def record(database: Database, *events: Event, principal: str = "alice") -> None:
    """Record events as anybody does."""
    append(database, Batch(events=events, principal=principal), clock=clock)


def clock() -> datetime:
    """Return a moment on the day of the corrections."""
    return NOON + timedelta(days=4)


def note(topic: str = "chips", of: Event | None = None, stream: str = NOTE) -> Event:
    """Something noted; ``of`` gives it the id of another note."""
    made = event("context.noted", stream=stream, data={"topic": topic})
    return made if of is None else structs.replace(made, id=of.id)


def rules(*directives: Table, of: Event | None = None) -> Event:
    """OpenAI's rules; ``of`` gives them the id of others."""
    made = event("policy.adopted", stream=RULES, data={"directives": list(directives)})
    return made if of is None else structs.replace(made, id=of.id)


@pytest.fixture
def files(database: Database) -> Files:
    """Files over a log with the cast, which the seeds brought."""
    kept = Files(database)
    kept.keep(*CAST)
    return kept


def test_what_is_new_is_appended_as_it_is_in_the_order_of_the_files(files: Files) -> None:
    """No correction stands between a file and its first recording."""
    one, two = note("one"), note("two", stream="context:other")

    steps = files.pending(two, one)

    assert [(step.act, step.event) for step in steps] == [(Act.APPEND, two), (Act.APPEND, one)]
    assert all(step.subject is step.event for step in steps)


def test_a_second_run_finds_nothing_to_do(files: Files) -> None:
    """Everything is compared with the events as they stand."""
    one, two = note("one"), note("two")
    files.keep(*CAST, one, two, whole=True)

    assert files.pending(*CAST, one, two, whole=True) == ()
    assert files.pending(one, two) == ()


def test_an_event_that_reads_otherwise_is_amended(files: Files) -> None:
    """By a correction of today in its stream, with the whole event as its replacement."""
    was = note("chips")
    files.keep(was)
    now = note("chips and tools", of=was)

    (step,) = files.pending(now)

    assert (step.act, step.subject) == (Act.AMEND, now)
    assert (step.event.stream, str(step.event.occurred_on)) == (NOTE, "2026-11-26")
    assert step.event.id != was.id
    assert step.event.data == RecordCorrected(
        event=was.id, action=CorrectionAction.AMEND, reason=REASON_AMENDED, replacement=now
    )
    assert files.keep(now) == [(Act.AMEND, now)]
    assert files.standing(NOTE) == [now]
    assert files.pending(now) == ()


def test_an_event_that_is_written_back_is_amended_back(files: Files) -> None:
    """The first recording does not count any more: a correction of it stands."""
    was = note("chips")
    now = note("tools", of=was)
    for one in (was, now):
        files.keep(one)

    assert files.keep(was) == [(Act.AMEND, was)]
    assert files.standing(NOTE) == [was]
    assert files.pending(was) == ()


def test_an_event_that_is_gone_is_retracted(files: Files) -> None:
    """By a correction of today in its stream."""
    one, two = note("one"), note("two")
    files.keep(one, two)

    (step,) = files.pending(one)

    assert (step.act, step.subject) == (Act.RETRACT, two)
    assert str(step.event.occurred_on) == "2026-11-26"
    assert step.event.data == RecordCorrected(
        event=two.id, action=CorrectionAction.RETRACT, reason=REASON_RETRACTED
    )
    assert files.keep(one) == [(Act.RETRACT, two)]
    assert files.standing(NOTE) == [one]
    assert files.pending(one) == ()


def test_an_event_that_is_back_is_amended(files: Files) -> None:
    """Its id is taken for ever, so it cannot be appended again: the last correction counts."""
    one, two = note("one"), note("two")
    files.keep(one, two)
    files.keep(one)

    assert files.keep(one, two) == [(Act.AMEND, two)]
    assert files.standing(NOTE) == [one, two]
    assert files.keep(one) == [(Act.RETRACT, two)]
    assert files.keep(one, note("three", of=two)) == [(Act.AMEND, note("three", of=two))]
    assert [one.version for one in files.history(NOTE)] == [1, 2, 3, 4, 5, 6]


def test_a_change_of_the_world_is_never_inferred(files: Files) -> None:
    """A date that a file moves was wrong in our record; that the policy moved it, it must say."""
    was = rules(directive("api", effective_from="2024-07-09"))
    files.keep(was)

    files.keep(rules(directive("api", effective_from="2024-07-10"), of=was))

    assert [one.event.type for one in files.history(RULES)] == [
        "policy.adopted",
        "record.corrected",
    ]


def test_what_others_recorded_in_the_same_stream_is_left_alone(files: Files) -> None:
    """It was in no file, so it is gone from none."""
    ours, theirs, typed = note("ours"), note("theirs"), note("typed")
    files.keep(ours)
    record(files.database, theirs, principal="alice")
    record(files.database, typed, principal="cli")

    assert files.pending(ours) == ()
    assert files.pending(*CAST, ours, whole=True) == ()
    assert files.keep(*CAST, whole=True) == [(Act.RETRACT, ours)]
    assert files.standing(NOTE) == [theirs, typed]


def test_what_others_recorded_first_is_not_recorded_again(files: Files) -> None:
    """An id names one event, whoever brought it; leaving the file does not take it back."""
    theirs = note("theirs")
    record(files.database, theirs)

    assert files.pending(theirs) == ()
    assert files.pending(*CAST, theirs, whole=True) == ()
    assert files.pending(*CAST, whole=True) == ()


@pytest.mark.parametrize("mended", [note("mended"), None], ids=["amended", "retracted"])
def test_a_correction_by_others_stays_until_the_file_changes(
    mended: Event | None, files: Files
) -> None:
    """The files say what they said, so there is nothing to mend; what they say anew counts."""
    ours = note("ours")
    files.keep(ours)
    by_alice = mended and structs.replace(mended, id=ours.id)
    record(files.database, corrected(ours, by_alice))

    assert files.pending(ours) == ()
    assert files.pending(*CAST, ours, whole=True) == ()
    assert files.standing(NOTE) == ([by_alice] if by_alice else [])
    now = note("ours, read again", of=ours)
    assert files.keep(now) == [(Act.AMEND, now)]
    assert files.standing(NOTE) == [now]
    assert files.keep(now) == []


def test_what_others_took_back_needs_no_retraction(files: Files) -> None:
    """It is gone already."""
    ours = note("ours")
    files.keep(ours)
    record(files.database, corrected(ours))

    assert files.pending(*CAST, whole=True) == ()


def test_what_others_brought_back_is_not_taken_back_again(files: Files) -> None:
    """The files took it back once, and have not changed since."""
    ours = note("ours")
    files.keep(ours)
    files.keep(*CAST, whole=True)
    record(files.database, corrected(ours, note("kept", of=ours)))

    assert files.pending(*CAST, whole=True) == ()


def test_only_the_streams_of_the_files_are_looked_at_unless_they_are_all_there_is(
    files: Files,
) -> None:
    """One file says nothing of what the other files have."""
    one, other = note("one"), note("other", stream="context:other")
    files.keep(one, other)

    assert files.pending(one) == ()
    assert files.pending() == ()
    assert files.keep(*CAST, one, whole=True) == [(Act.RETRACT, other)]
    assert files.standing("context:other") == []


def test_what_is_gone_is_retracted_backward_behind_everything_else(files: Files) -> None:
    """What came later may rest on what came before."""
    one, two, three = note("one"), note("two"), note("three", stream="context:other")
    files.keep(one, two, three)
    new = note("new", stream="context:new")

    kept = files.keep(*CAST, new, whole=True)

    assert kept == [
        (Act.APPEND, new),
        (Act.RETRACT, three),
        (Act.RETRACT, two),
        (Act.RETRACT, one),
    ]


def test_an_event_may_be_replaced_by_one_with_another_id(files: Files) -> None:
    """A policy is adopted once: the old adoption goes in the batch that brings the new one."""
    old, new = rules(directive("api")), rules(directive("api", "not_offered"))
    files.keep(old)

    assert files.keep(new) == [(Act.APPEND, new), (Act.RETRACT, old)]
    assert files.standing(RULES) == [new]


def test_an_amended_event_may_name_what_is_registered_later(files: Files) -> None:
    """The correction stands behind the registration, though its target stands before."""
    was = rules(directive("api"))
    files.keep(was)
    sora = registered("service", "sora", provider="openai")
    now = rules(directive("api", providers=["openai"], services=["sora"]), of=was)

    assert files.keep(*CAST, sora, now, whole=True) == [(Act.APPEND, sora), (Act.AMEND, now)]
    assert files.pending(*CAST, sora, now, whole=True) == ()


def test_an_entry_that_an_event_names_cannot_be_taken_back(files: Files) -> None:
    """As for everybody else: nothing is recorded then."""
    adopted = rules(directive("api"))
    files.keep(adopted)
    rest = [one for one in CAST if one.stream != "registry:service/openai/api"]

    with pytest.raises(Rejected, match="'openai/api' cannot be retracted: other events name it"):
        files.keep(*rest, adopted, whole=True)

    assert files.pending(*CAST, adopted, whole=True) == ()


@pytest.mark.parametrize("also", [(), (note("another"),)], ids=["alone", "beside its old stream"])
def test_an_event_in_another_stream_is_refused(also: tuple[Event, ...], files: Files) -> None:
    """It would be another event under an id that is taken, whichever files are read."""
    was = note("chips")
    files.keep(was, *also)
    moved = note("chips", of=was, stream="context:other")

    with pytest.raises(MovedEvent) as refused:
        files.pending(moved, *also)

    assert refused.value.event == moved
    assert f"The event {was.id} is recorded as context.noted in context:note" in str(refused.value)
    assert "context.noted in context:other" in str(refused.value)
    assert "give the new one an id of its own" in str(refused.value)


def test_an_event_of_another_type_is_refused(files: Files) -> None:
    """A correction keeps the type of its target."""
    was = rules(directive("api"))
    files.keep(was)
    proposed = event("policy.proposed", stream=RULES, data={"directives": [directive("api")]})

    with pytest.raises(MovedEvent, match=r"as policy\.adopted in policy:rules"):
        files.pending(structs.replace(proposed, id=was.id))


def test_a_correction_that_a_file_holds_is_recorded_once(files: Files) -> None:
    """A file may tell that our record was wrong; then what it corrected stands as corrected."""
    wrong = note("wrong")
    mending = corrected(wrong, note("right", of=wrong))

    assert files.keep(wrong, mending) == [(Act.APPEND, wrong), (Act.APPEND, mending)]

    assert files.pending(wrong, mending) == ()


def test_a_review_that_a_file_holds_is_recorded_once(files: Files) -> None:
    """It has no authority and no source, and is an event as any other."""
    adopted = rules(directive("api"))
    reviewed = event("record.reviewed", stream=RULES, data={"reviewed_on": "2026-11-20"})
    files.keep(adopted, reviewed)

    assert files.pending(adopted, reviewed) == ()
    assert files.keep(adopted) == [(Act.RETRACT, reviewed)]
