"""A log moves whole or not at all: out as a file, in as anybody's events, or back as it was."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from service.application import exports, transfer
from service.application.asking import explained
from service.application.checking import verify
from service.application.errors import EventIdConflict
from service.application.exports import AlteredExport, BadExport, CutExport, OtherLog
from service.application.moments import moment
from service.application.recording import Batch, append
from service.application.transfer import ForkedLog, GapBefore
from service.domain.answers import Question
from service.domain.codec import answer_bytes
from service.domain.errors import Refused, Rejected
from service.domain.events import Event
from service.evidence.canonical import canonical_bytes
from service.evidence.merkle import EMPTY_ROOT, Frontier, extend, leaf_hash, root
from service.store import engine
from service.store import events as log
from service.store.engine import Database
from tests.builders import NOON, corrected, directive, event, registered, registry_events


def notice(effective_from: str) -> Event:
    """Return OpenAI's block of its API, from a day on."""
    text = directive("api", "blocked", effective_from=effective_from)
    return event("policy.adopted", data={"directives": [text]})


NOTICE = notice("2024-07-09")
STORY = (
    *registry_events(),
    NOTICE,
    event("record.reviewed", data={"reviewed_on": "2024-07-01"}, occurred_on="2024-07-01"),
    corrected(NOTICE, notice("2024-07-10")),
)
CUT_IN_THE_STORY = 15


def record(database: Database, *events: Event, minutes: int = 0) -> None:
    """Append events as Alice, each in a batch of its own, a minute apart."""
    for number, one in enumerate(events, minutes):
        batch = Batch(events=(one,), principal="alice")
        append(database, batch, clock=partial(NOON.__add__, timedelta(minutes=number)))


def exported(database: Database, after: int = 0) -> bytes:
    """Return the log as a file."""
    written = io.BytesIO()
    exports.export(database, exports.part_of(database, after), written.write)
    return written.getvalue()


def restored(database: Database, file: bytes) -> transfer.Restored:
    """Restore a file."""
    return transfer.restore(database, io.BytesIO(file))


def stored(database: Database) -> list[tuple[object, ...]]:
    """Return what the log holds, to the byte."""
    with database.read() as connection:
        return [
            (row.position, row.stream, row.version, row.recorded_at, row.recorded_by, row.body)
            for row in log.iterate(connection)
        ]


def root_of(database: Database) -> str:
    """Return the root of the log's tree."""
    with database.read() as connection:
        return root(log.read_head(connection).frontier).hex()


def sealed(*bodies: bytes) -> bytes:
    """Return a file of some events whose first line fits them, whatever they are."""
    tree, _ = extend(Frontier(), map(leaf_hash, bodies))
    part = exports.Part(after=0, until=len(bodies), before=Frontier(), root=root(tree))
    return part.line() + b"".join(body + b"\n" for body in bodies)


@pytest.fixture(scope="module")
def story(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A SQLite file with the story: a notice, a review, a correction."""
    file = tmp_path_factory.mktemp("story") / "story.db"
    file.write_bytes(sqlite_template.read_bytes())
    opened = engine.connect(f"sqlite:///{file}")
    record(opened, *STORY)
    opened.dispose()
    return file.read_bytes()


@pytest.fixture
def source(story: bytes, tmp_path: Path) -> Iterator[Database]:
    """A log of the story."""
    file = tmp_path / "source.db"
    file.write_bytes(story)
    opened = engine.connect(f"sqlite:///{file}")
    yield opened
    opened.dispose()


# Export.


def test_a_file_can_be_checked_without_any_of_our_code(source: Database) -> None:
    """RFC 6962, section 2.1, with nothing but SHA-256 and JSON."""

    def tree(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        half = 1 << (len(leaves) - 1).bit_length() - 1
        return sha256(b"\x01" + tree(leaves[:half]) + tree(leaves[half:])).digest()

    first, *lines = exported(source).splitlines()
    told = json.loads(first)

    assert told["until"] == len(lines) == len(STORY)
    assert told["root"] == tree([sha256(b"\x00" + line).digest() for line in lines]).hex()
    assert [json.loads(line)["id"] for line in lines] == [str(one.id) for one in STORY]


def test_an_empty_log_is_a_file_of_one_line(database: Database) -> None:
    """Its root is the hash of nothing."""
    (line,) = exported(database).splitlines()

    assert json.loads(line)["root"] == EMPTY_ROOT.hex()
    assert restored(database, line + b"\n").position == 0


def test_the_same_log_gives_the_same_file(source: Database, database: Database) -> None:
    """Nothing in it tells of the moment or the machine, or of the engine."""
    file = exported(source)
    restored(database, file)

    assert exported(database) == exported(source) == file


@pytest.mark.parametrize("after", range(len(STORY) + 1))
def test_a_part_tells_of_the_tree_before_it(after: int, source: Database) -> None:
    """So it can be checked by itself, wherever it begins."""
    file = io.BytesIO(exported(source, after))
    part = exports.read_part(file.readline())

    assert part is not None
    assert (part.after, part.until) == (after, len(STORY))
    assert sum(map(len, exports.bodies(file, part))) == len(STORY) - after


def test_a_part_does_not_begin_beyond_the_head(source: Database) -> None:
    """Nobody knows what will stand there."""
    with pytest.raises(Refused, match="beyond the head of the log, at 17"):
        exports.part_of(source, 18)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.99, 1.0])
def test_an_interrupted_export_goes_on_to_the_same_file(
    share: float, source: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it was cut, in the middle of a line too; what was appended since is not in it."""
    monkeypatch.setattr(exports, "CHUNK", 4)
    monkeypatch.setattr(transfer, "CHUNK", 4)
    whole = exported(source)
    cut = io.BytesIO(whole[: int(len(whole) * share)])
    record(source, event("record.reviewed", data={"reviewed_on": "2024-08-01"}), minutes=60)

    found = exports.written(cut)
    assert found is not None
    exports.require_same(source, found)
    written = io.BytesIO(whole[: found.size])
    written.seek(found.size)
    exports.export(source, found.part, written.write, done=found.tree)

    assert written.getvalue() == whole


def test_an_export_cut_in_its_first_line_begins_again(source: Database) -> None:
    """There is nothing in it that could be kept."""
    assert exports.written(io.BytesIO(exported(source)[:40])) is None


def test_an_export_of_another_log_is_not_continued(source: Database, database: Database) -> None:
    """A file of two logs would be of none."""
    record(database, *STORY[:10], registered("audience", "students"), *STORY[10:])
    cut = exported(source)[:-200]

    found = exports.written(io.BytesIO(cut))

    assert found is not None
    with pytest.raises(OtherLog):
        exports.require_same(database, found)


def test_what_is_no_export_is_not_continued() -> None:
    """Somebody's notes would be cut off."""
    with pytest.raises(BadExport, match="no export of a log"):
        exports.written(io.BytesIO(b'{"id": 1}\n'))


# Restore.


def test_a_log_is_restored_as_it_was(source: Database, database: Database) -> None:
    """Positions, versions, times, bytes, tree and answers, on the other engine too."""
    question = Question(provider="openai", region="CN", as_of=moment("2024-07-09", NOON))
    asked = ("@15", NOON + timedelta(days=1))

    done = restored(database, exported(source))

    assert (done.restored, done.held, done.position) == (len(STORY), 0, len(STORY))
    assert stored(database) == stored(source)
    assert done.root == root_of(database) == root_of(source)
    answers = [answer_bytes(explained(one, question, *asked)) for one in (source, database)]
    assert answers[0] == answers[1]
    assert verify(database).findings == ()


@pytest.mark.parametrize("held", [0, 1, 7, CUT_IN_THE_STORY, len(STORY)])
def test_a_log_that_is_the_beginning_of_the_file_is_continued(
    held: int, source: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks that end anywhere, and with streams that no longer are in memory."""
    monkeypatch.setattr(exports, "CHUNK", 4)
    monkeypatch.setattr(transfer, "CHUNK", 4)
    monkeypatch.setattr(transfer, "MOST_KEPT", 3)
    record(database, *STORY[:held])

    done = restored(database, exported(source))

    assert (done.restored, done.held) == (len(STORY) - held, held)
    assert stored(database) == stored(source)
    assert verify(database).findings == ()


def test_parts_are_restored_one_after_another(source: Database, database: Database) -> None:
    """A copy elsewhere is kept up by what was appended since."""
    part = exported(source, 9)

    with pytest.raises(GapBefore, match="the log ends at 0"):
        restored(database, part)
    record(database, *STORY[:9])
    restored(database, part)

    assert stored(database) == stored(source)


def test_a_log_that_has_more_than_the_file_stays_as_it_is(
    source: Database, database: Database
) -> None:
    """Everything that the file would bring is there."""
    record(database, *STORY, registered("audience", "students"))
    before = stored(database)

    done = restored(database, exported(source))

    assert (done.restored, done.held, done.position) == (0, len(STORY), len(STORY) + 1)
    assert stored(database) == before


@pytest.mark.parametrize("position", [1, 9, 16, 17])
def test_a_fork_is_refused_at_the_first_position_that_differs(
    position: int, source: Database, database: Database
) -> None:
    """Two histories cannot be joined; nothing of the file is kept."""
    record(database, *STORY[: position - 1], registered("audience", "students"))
    before = stored(database)

    with pytest.raises(ForkedLog, match=f"from position {position} on") as refused:
        restored(database, exported(source))

    assert refused.value.position == position
    assert stored(database) == before


def test_a_part_that_follows_another_history_is_refused(
    source: Database, database: Database
) -> None:
    """It tells of the tree before it, though not where that differs."""
    record(database, *STORY[:8], registered("audience", "students"))

    with pytest.raises(ForkedLog, match="at or before position 9"):
        restored(database, exported(source, 9))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_file_that_was_cut_is_refused(
    share: float, source: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it was cut at the end of a line; nothing of it is kept."""
    monkeypatch.setattr(exports, "CHUNK", 4)
    monkeypatch.setattr(transfer, "CHUNK", 4)
    file = exported(source)
    cut = file[: int(len(file) * share)]

    for kept in (cut, cut[: cut.rindex(b"\n") + 1]):
        with pytest.raises((CutExport, BadExport)):
            restored(database, kept)

    assert stored(database) == []


def test_how_much_of_a_cut_file_is_there_is_told(source: Database, database: Database) -> None:
    """And how to go on."""
    lines = exported(source).splitlines(keepends=True)

    with pytest.raises(CutExport, match=r"3 of the 17 .* accessline export --resume"):
        restored(database, b"".join(lines[:4]))


def test_an_altered_file_is_refused(source: Database, database: Database) -> None:
    """One letter of one title: the events are no longer those of the root."""
    file = exported(source).replace(b"What happened", b"What happenee", 1)

    with pytest.raises(AlteredExport):
        restored(database, file)
    with pytest.raises(BadExport, match="Line 19: the file goes on"):
        restored(database, exported(source) + b"{}\n")

    assert stored(database) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"version": 2}, "version 2 instead of 1"),
        ({"recorded_at": "2026-11-22T11:00:00.000000Z"}, "before the event that it follows"),
        ({"schema_version": 2}, "a newer program wrote it"),
        ({"type": "policy.adoptd"}, "no event that can be read"),
        ({"occurred_on": "2024-02-30"}, "no event that can be read"),
        ({"nobody": "knows"}, "not in the form"),
        ({"id": str(STORY[3].id)}, "names an earlier event"),
    ],
)
def test_what_no_log_would_hold_is_refused_though_its_root_is_right(
    change: dict[str, object], fault: str, source: Database, database: Database
) -> None:
    """A root is easily made; each line must be an event that can stand where it stands."""
    _, *bodies = exported(source).splitlines()
    bodies[14] = canonical_bytes({**json.loads(bodies[14]), **change})

    with pytest.raises(BadExport, match=f"Line 16: the event at position 15: .*{fault}"):
        restored(database, sealed(*bodies))

    assert stored(database) == []


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"", b"null", b'{"id":1,"id":2}', b"\xff", b"[" * 20_000, b"x" * 70_000]
)
def test_nothing_in_a_line_is_a_crash(body: bytes, database: Database) -> None:
    """Whatever it holds, a sentence says that it cannot be read."""
    with pytest.raises(BadExport, match="Line 2: "):
        restored(database, sealed(body))


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"until": -1},
        {"until": True},
        {"after": 1},
        {"before": ["00"]},
        {"before": 7},
        {"root": "zz"},
        {"root": "00"},
        {"more": 1},
    ],
)
def test_a_first_line_that_cannot_be_is_refused(
    change: dict[str, object], source: Database, database: Database
) -> None:
    """It says what all others must be."""
    first, rest = exported(source).split(b"\n", 1)
    damaged = json.dumps({**json.loads(first), **change}).encode()

    with pytest.raises(BadExport, match="Line 1: "):
        restored(database, damaged + b"\n" + rest)


# Import.


def imported(database: Database, *events: Event) -> transfer.Imported:
    """Record events as Bob."""
    return transfer.import_events(database, events, "bob", clock=lambda: NOON + timedelta(days=1))


def test_events_are_recorded_as_anybodys(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction, however many chunks; log, tree and read models are as they must be."""
    monkeypatch.setattr(exports, "CHUNK", 4)
    monkeypatch.setattr(transfer, "CHUNK", 4)
    monkeypatch.setattr(transfer, "MOST_KEPT", 3)

    done = imported(database, *STORY)

    assert (done.position, done.appended, done.held) == (len(STORY), len(STORY), 0)
    assert verify(database).findings == ()


def test_what_the_log_holds_is_skipped(database: Database) -> None:
    """A second run appends nothing, and a longer file only what is new."""
    imported(database, *STORY[:10])

    again, more = imported(database, *STORY[:10]), imported(database, *STORY)

    assert (again.appended, again.held, again.position) == (0, 10, 10)
    assert (more.appended, more.held) == (len(STORY) - 10, 10)


def test_another_event_under_the_same_id_is_refused(database: Database) -> None:
    """An id names one event for ever; nothing of the rest is recorded."""
    imported(database, *STORY[:10])
    other = event("record.reviewed", id=str(STORY[4].id), data={"reviewed_on": "2024-07-01"})

    with pytest.raises(EventIdConflict, match="position 5") as refused:
        imported(database, *STORY[10:], other)

    assert refused.value.index == len(STORY) - 10
    assert len(stored(database)) == 10


def test_a_refused_event_is_named_by_its_place_among_all(database: Database) -> None:
    """Also where the log holds some of those before it."""
    imported(database, *STORY[:10])
    bad = event("policy.adopted", data={"directives": [directive(regions=["UK"])]})

    with pytest.raises(Rejected) as refused:
        imported(database, *STORY[:14], bad)

    assert [index for index, _ in refused.value.faults] == [14]
    assert len(stored(database)) == 10
