"""Recording is one transaction: everything of a batch happens, or nothing of it."""

from datetime import UTC, datetime, timedelta

import pytest

from service.application.asking import explained
from service.application.errors import EventIdConflict, IdempotencyConflict, VersionConflict
from service.application.moments import moment
from service.application.recording import Batch, Outcome, append
from service.domain.answers import Question
from service.domain.codec import answer_bytes
from service.domain.errors import Rejected
from service.domain.events import Event
from service.evidence.canonical import CanonicalError
from service.store import events as log
from service.store.codec import decode
from service.store.engine import Database
from tests.builders import NOON, corrected, directive, event, registry_events


def record(
    database: Database, *events: Event, at: datetime = NOON, key: str | None = None, **asked: int
) -> Outcome:
    """Append events as Alice; ``asked`` are expected versions of policies by slug."""
    expected = {f"policy:{slug}": version for slug, version in asked.items()}
    batch = Batch(
        events=events,
        principal="alice",
        expected_versions=expected,
        key=key,
        request_hash=repr([one.id for one in events]).encode(),
    )
    return append(database, batch, clock=lambda: at)


def adopted(**fields: str) -> Event:
    """Return OpenAI's block of its API, from 9 July 2024 where nothing else is said."""
    text = directive("api", "blocked", **{"effective_from": "2024-07-09", **fields})
    return event("policy.adopted", data={"directives": [text]})


def position_of(database: Database) -> int:
    """Return where the log ends."""
    with database.read() as connection:
        return log.read_head(connection).position


def test_an_append_answers_where_each_event_stands(database: Database) -> None:
    """A client reads its own writes by the position that it was given."""
    cast = registry_events()

    outcome = record(database, *cast)

    assert outcome.appended == len(cast)
    assert outcome.receipt.position == len(cast)
    assert [one.position for one in outcome.receipt.items] == list(range(1, len(cast) + 1))
    assert outcome.receipt.items[-1].version == 2
    assert outcome.receipt.items[0].recorded_at == "2026-11-22T12:00:00.000000Z"


def test_one_bad_event_keeps_the_whole_batch_out(database: Database) -> None:
    """All or nothing: a half applied batch would be a state that nobody decided."""
    record(database, *registry_events())
    before = position_of(database)
    good = adopted()
    bad = event(
        "policy.adopted",
        stream="policy:other",
        data={"directives": [directive("api", "blocked", regions=["UK"])]},
    )

    with pytest.raises(Rejected) as refused:
        record(database, good, bad)

    ((index, fault),) = refused.value.faults
    assert (index, fault.path) == (1, ("data", "directives", 0, "scope", "regions", 0))
    assert fault.suggestion == "GB"
    assert position_of(database) == before


def test_an_event_that_the_log_has_keeps_its_place(database: Database) -> None:
    """A retry after a lost answer must not double anything."""
    record(database, *registry_events())
    notice = adopted()
    first = record(database, notice)

    again = record(database, notice)

    assert again.appended == 0
    assert again.receipt == first.receipt


def test_an_id_names_one_event_for_ever(database: Database) -> None:
    """The same id with other content would rewrite history."""
    record(database, *registry_events())
    notice = adopted()
    record(database, notice)
    other = event(
        "policy.adopted",
        id=str(notice.id),
        data={"directives": [directive("api", "blocked", effective_from="2024-07-10")]},
    )

    with pytest.raises(EventIdConflict, match=r"record\.corrected"):
        record(database, other)


def test_an_expected_version_that_is_not_met_writes_nothing(database: Database) -> None:
    """Optimistic concurrency: 0 means that the stream must be new."""
    record(database, *registry_events())
    record(database, adopted(), rules=0)
    before = position_of(database)

    with pytest.raises(VersionConflict) as conflict:
        record(
            database,
            event(
                "policy.repealed",
                data={
                    "effective_from": "2025-01-01",
                    "reason": "no longer needed",
                    "ab_initio": False,
                },
            ),
            rules=0,
        )

    assert (conflict.value.stream, conflict.value.expected, conflict.value.actual) == (
        "policy:rules",
        0,
        1,
    )
    assert position_of(database) == before


def test_the_same_key_and_request_get_the_first_answer_for_ever(database: Database) -> None:
    """Stored in the append's own transaction, so a crash cannot come between the two."""
    record(database, *registry_events())
    notice = adopted()
    first = record(database, notice, key="k-1")
    record(database, corrected(notice))

    again = record(database, notice, key="k-1", at=NOON + timedelta(days=400))

    assert again.replayed
    assert again.receipt == first.receipt


def test_the_same_key_for_another_request_is_refused(database: Database) -> None:
    """The second request would otherwise be lost in silence."""
    record(database, *registry_events())
    record(database, adopted(), key="k-1")

    with pytest.raises(IdempotencyConflict, match="k-1"):
        record(database, adopted(), key="k-1")


def test_recorded_time_never_runs_backward(database: Database) -> None:
    """Clocks are set back; ``known_at`` by time must still cut the log at one place."""
    record(database, *registry_events(), at=NOON)

    late = record(database, adopted(), at=NOON - timedelta(days=40))

    assert late.receipt.items[0].recorded_at == "2026-11-22T12:00:00.000000Z"


def test_text_outside_of_the_profile_is_refused_before_it_is_hashed(database: Database) -> None:
    """RFC 8785 inside a profile: what one implementation hashes another must hash alike."""
    record(database, *registry_events())
    before = position_of(database)

    with pytest.raises(CanonicalError, match="title"):
        record(database, event("context.noted", title="a\u0000b", data={"topic": "patents"}))

    assert position_of(database) == before


def test_what_was_recorded_reads_back_as_it_was_sent(database: Database) -> None:
    """The canonical bytes hold everything but the position."""
    record(database, *registry_events())
    notice = adopted(effective_until="2025-01-01T00:00:00+08:00")
    outcome = record(database, notice)

    with database.read() as connection:
        row = log.by_id(connection, notice.id)

    assert row is not None
    read = decode(row)
    assert read.event == notice
    assert read.position == outcome.receipt.position
    assert read.recorded_at == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_correction_moves_the_new_answer_and_no_byte_of_the_old(database: Database) -> None:
    """Promise 2: an immutable answer never changes by a byte."""
    record(database, *registry_events())
    notice = adopted()
    before = record(database, notice).receipt.position
    question = Question(
        provider="openai", region="CN", as_of=moment("2024-07-09", NOON), service="api"
    )
    saved = answer_bytes(explained(database, question, f"@{before}", NOON))

    mended = event(
        "policy.adopted",
        data={"directives": [directive("api", "blocked", effective_from="2024-07-10")]},
    )
    record(database, corrected(notice, mended))

    assert answer_bytes(explained(database, question, f"@{before}", NOON)) == saved
    now = explained(database, question, None, NOON)
    assert (now.state, now.cells[0].until) == ("unknown", moment("2024-07-10", NOON))


def test_a_registration_that_others_rely_on_cannot_be_retracted(database: Database) -> None:
    """Or an event would name somebody whom nobody knows."""
    cast = registry_events()
    record(database, *cast)
    record(database, adopted())
    api = next(one for one in cast if one.stream == "registry:service/openai/api")

    with pytest.raises(Rejected, match="other events name it"):
        record(database, corrected(api))


def test_a_fault_is_told_by_its_place_in_the_whole_batch(database: Database) -> None:
    """An event that the log has already still takes its place among those that were sent."""
    record(database, *registry_events())
    known = adopted()
    record(database, known)
    bad = event(
        "policy.adopted",
        stream="policy:other",
        data={"directives": [directive("api", "blocked", regions=["UK"])]},
    )

    with pytest.raises(Rejected) as refused:
        record(database, known, bad)

    assert [index for index, _ in refused.value.faults] == [1]
