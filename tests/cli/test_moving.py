"""`export`, `import`, `restore` and `backup`: a log leaves, and comes back."""

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.console import Console
from tests.cli.processes import SECONDS, environment, finished, started, until

POLICY = "policy:openai-unsupported-regions-2024"
REVIEW = {
    "type": "record.reviewed",
    "stream": POLICY,
    "occurred_on": "2026-11-22",
    "data": {"reviewed_on": "2026-11-22"},
}


def review(number: int, **changes: object) -> dict[str, object]:
    """Return a review with an id of its own."""
    return {**REVIEW, "id": f"6f0a2c57-90cc-45bb-a0bb-{number:012x}", **changes}


def lines(*events: object) -> bytes:
    """Return events, one a line."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def position(console: Console) -> int:
    """Return where the log ends."""
    return int(console("verify", "--json").json["events"])


@pytest.fixture
def empty(
    console: Console, database_url: str, monkeypatch: pytest.MonkeyPatch, seeded: Path
) -> Console:
    """Runs commands over an empty log; the file `seeds.jsonl` has that of the seeds."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", f"sqlite:///{seeded}")
    assert console("export", "seeds.jsonl").code == 0
    if database_url.startswith("sqlite"):
        seeded.unlink()
        monkeypatch.setenv("ACCESSLINE_DATABASE_URL", "sqlite:///new.db")
        assert console("db", "upgrade").code == 0
    else:
        monkeypatch.setenv("ACCESSLINE_DATABASE_URL", database_url)
    return console


# From one database into another.


def test_an_exported_log_is_restored_into_an_empty_database(empty: Console) -> None:
    """From SQLite into either: the same root, the same file; once more changes nothing."""
    first = Path("seeds.jsonl").read_bytes()
    head = json.loads(first.splitlines()[0])

    done = empty("restore", "seeds.jsonl", "--json")
    again = empty("restore", "seeds.jsonl")
    empty("export", "back.jsonl")

    assert (done.code, again.code) == (0, 0)
    assert (done.json["restored"], done.json["root"]) == (head["until"], head["root"])
    assert f"The log holds all {head['until']} events of the file already." in again.out
    assert Path("back.jsonl").read_bytes() == first
    assert empty("verify", "--json").json["findings"] == []


def test_an_import_of_the_same_file_appends_nothing(empty: Console) -> None:
    """The same ids and contents: they are there."""
    empty("restore", "seeds.jsonl")

    printed = empty("import", "seeds.jsonl", "--json")

    events = len(Path("seeds.jsonl").read_bytes().splitlines()) - 1
    assert printed.json == {"position": events, "appended": 0, "held": events}


@pytest.mark.parametrize("batch", [(), ("--batch", "7")])
def test_an_export_may_be_imported_as_new_events(batch: tuple[str, ...], empty: Console) -> None:
    """They get new positions, times and a new `recorded_by`; the answers are the same."""
    printed = empty("import", "seeds.jsonl", *batch)
    (row,) = empty("state", "openai", "CN", "--service", "api", "--as-of", "2024-07-09").rows

    assert (printed.code, printed.err) == (0, "")
    assert row["state"] == "blocked"
    assert empty("events", "list", "--recorded-by", "cli", "--limit", "1").rows
    assert empty("verify").code == 0


def test_what_a_list_of_events_prints_may_be_imported(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the log gives to an event is left out: it will give it anew."""
    listed = over_seeds("events", "list", "--limit", "1000", "--json").json["items"]
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", "sqlite:///new.db")
    over_seeds("db", "upgrade")

    printed = over_seeds("import", "-", "--json", stdin=lines(*listed))

    assert printed.json["appended"] == len(listed)


def test_a_fork_is_refused_and_the_position_is_named(empty: Console) -> None:
    """The log went another way after its first event."""
    first, *events = Path("seeds.jsonl").read_bytes().splitlines()
    empty("import", "-", stdin=b"\n".join(events[:5]))

    printed = empty("restore", "seeds.jsonl")

    assert (printed.code, printed.out) == (2, "")
    assert "The log and the file differ from position 1 on" in printed.err
    assert position(empty) == 5
    assert json.loads(first)["until"] == len(events)


def test_an_export_that_was_cut_is_found_by_whoever_reads_it(empty: Console) -> None:
    """Nothing of it is recorded or restored; at its source it can be continued."""
    whole = Path("seeds.jsonl").read_bytes()
    Path("seeds.jsonl").write_bytes(whole[:20_000])

    restored = empty("restore", "seeds.jsonl")
    imported = empty("import", "seeds.jsonl")
    parts = empty("import", "seeds.jsonl", "--batch", "2")

    assert (restored.code, imported.code, parts.code) == (2, 2, 2)
    assert "The file was cut: it holds" in restored.err
    assert restored.err == imported.err == parts.err
    assert position(empty) == 0


# Export.


def test_an_interrupted_export_is_continued(over_seeds: Console) -> None:
    """The file is what it would have been; of a whole one nothing is changed."""
    over_seeds("export", "log.jsonl")
    whole = Path("log.jsonl").read_bytes()
    Path("log.jsonl").write_bytes(whole[:20_000])

    resumed = over_seeds("export", "--resume", "log.jsonl", "--json")

    assert resumed.json["events"] == resumed.json["until"]
    assert Path("log.jsonl").read_bytes() == whole
    assert over_seeds("export", "--resume", "log.jsonl").code == 0
    assert Path("log.jsonl").read_bytes() == whole


def test_an_export_goes_through_a_pipe(over_seeds: Console) -> None:
    """Standard output is the file and nothing else."""
    over_seeds("export", "log.jsonl")

    printed = over_seeds("export", "-")

    assert printed.out == Path("log.jsonl").read_text()
    assert "Root of the tree: " in printed.err


def test_a_part_of_a_log_is_exported(over_seeds: Console) -> None:
    """What lies behind a position; beyond the head nothing does."""
    part = over_seeds("export", "--after", "50", "part.jsonl", "--json")
    beyond = over_seeds("export", "--after", "999", "beyond.jsonl")

    assert part.json["events"] == part.json["until"] - 50
    assert (beyond.code, beyond.out) == (2, "")
    assert "--after: Position 999 lies beyond the head of the log" in beyond.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("there.jsonl",), "there.jsonl exists already."),
        (("--resume", "there.jsonl"), "Line 1: this file is no export of a log."),
        (("--resume", "-"), "--json and --resume need the name of a file"),
        (("--json", "-"), "--json and --resume need the name of a file"),
        (("--resume", "--after", "3", "there.jsonl"), "--after is not given again"),
        (("--after", "-1", "new.jsonl"), "--after"),
    ],
)
def test_an_export_destroys_nothing(
    arguments: tuple[str, ...], sentence: str, over_seeds: Console
) -> None:
    """Somebody's file stays as it is."""
    Path("there.jsonl").write_bytes(b"precious\n")

    printed = over_seeds("export", *arguments)

    assert (printed.code, printed.out) == (2, "")
    assert sentence in printed.err
    assert Path("there.jsonl").read_bytes() == b"precious\n"


def test_an_export_that_cannot_begin_leaves_no_file(over_seeds: Console) -> None:
    """A folder that is not there; a position beyond the head."""
    assert over_seeds("export", "none/log.jsonl").code == 4
    assert over_seeds("export", "--after", "999", "log.jsonl").code == 2
    assert not Path("log.jsonl").exists()


# Import.


@pytest.mark.parametrize("batch", [(), ("--batch", "1")])
def test_one_bad_line_keeps_the_whole_file_out_and_is_named(
    batch: tuple[str, ...], over_both: Console
) -> None:
    """Also where it would be recorded in parts: all of it is read first."""
    before = position(over_both)
    file = lines(review(1), review(2, type="record.reviewd"), review(3))
    Path("events.jsonl").write_bytes(file)

    printed = over_both("import", "events.jsonl", *batch)

    assert (printed.code, printed.out) == (2, "")
    assert printed.err.startswith("accessline: events.jsonl, line 2, /type: ")
    assert "record.reviewed" in printed.err
    assert len(printed.err.splitlines()) == 1
    assert position(over_both) == before


def test_what_the_domain_refuses_is_named_by_its_line(over_both: Console) -> None:
    """Blank lines count, and what the log holds already does, too."""
    before = position(over_both)
    notice = over_both("events", "list", "--stream", POLICY, "--json").json["items"][0]
    file = lines(notice) + b"\n  \n" + lines(review(1), review(2, stream="policy:none"))

    printed = over_both("import", "-", stdin=file)

    assert (printed.code, printed.out) == (2, "")
    assert printed.err.startswith("accessline: standard input, line 5, ")
    assert "policy:none does not exist" in printed.err
    assert position(over_both) == before


def test_parts_that_were_recorded_stay_and_a_second_run_goes_on(over_seeds: Console) -> None:
    """Only what the domain refuses can stop it half way, and the line is named."""
    before = position(over_seeds)
    good, bad = [review(1), review(2), review(4)], review(3, stream="policy:none")
    refused = over_seeds("import", "-", "--batch", "2", stdin=lines(*good[:2], bad, good[2]))

    assert (refused.code, position(over_seeds)) == (2, before + 2)
    assert "line 3, /type: " in refused.err
    mended = over_seeds("import", "-", "--batch", "2", "--json", stdin=lines(*good))
    assert mended.json == {"position": before + 3, "appended": 1, "held": 2}


def test_every_fault_of_a_file_is_told(over_seeds: Console) -> None:
    """Whoever mends one line wants to see the others; of very many the first hundred."""
    file = lines(
        review(1, occurred_on="2024-02-30"),
        {**review(2), "nobody": 1, "knows": 2},
        ["no", "event"],
        review(5, summary="x" * 5_000),
    )
    file += b'{"broken": \n' + b'{"id": 1, "id": 2}\n'

    told = over_seeds("import", "-", stdin=file).err.splitlines()
    many = over_seeds("import", "-", stdin=b"{\n" * 5_000).err.splitlines()

    places = [re.match(r"accessline: standard input, line (\d)(.*?): ", line) for line in told]
    # Of the unknown fields of one object the library tells in the order of a set.
    assert sorted(match.groups() for match in places if match) == [
        ("1", ", /occurred_on"),
        ("2", ", /knows"),
        ("2", ", /nobody"),
        ("3", ""),
        ("4", ", /summary"),
        ("5", ""),
        ("6", ""),
    ]
    assert len(many) < 102


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_a_file_without_an_event_is_refused(body: bytes, over_seeds: Console) -> None:
    """The pipe before it failed, most likely."""
    printed = over_seeds("import", "-", stdin=body)

    assert (printed.code, printed.out) == (2, "")
    assert "holds no event" in printed.err


def test_another_event_under_an_id_is_refused(over_both: Console) -> None:
    """One that the log holds, or that the file itself names twice."""
    over_both("import", "-", stdin=lines(review(1)))
    before = position(over_both)
    other = review(1, occurred_on="2026-11-23")

    held = over_both("import", "-", stdin=lines(review(2), other))
    twice = over_both("import", "-", stdin=lines(review(3), review(3, title="Another")))

    assert (held.code, twice.code) == (2, 2)
    assert f"line 2: The log already holds another event under {other['id']}" in held.err
    assert "line 2, /id: This id names another event, that of line 1" in twice.err
    assert position(over_both) == before


def test_an_event_that_a_file_repeats_is_recorded_once(over_seeds: Console) -> None:
    """Two files were joined."""
    printed = over_seeds("import", "-", "--json", stdin=lines(review(1), review(2), review(1)))

    assert (printed.json["appended"], printed.json["held"]) == (2, 1)


def test_events_without_ids_are_recorded_once_however_often_the_file_is_imported(
    over_seeds: Console,
) -> None:
    """Their ids are made from what they say."""
    file = lines(REVIEW, {**REVIEW, "occurred_on": "2026-11-23"})

    first = over_seeds("import", "-", "--json", stdin=file)
    again = over_seeds("import", "-", "--json", stdin=file)

    assert (first.json["appended"], again.json["appended"]) == (2, 0)


def test_an_event_that_is_too_large_is_named(over_seeds: Console) -> None:
    """Each text fits, all of them together do not; nor does a line without end."""
    source = {"publisher": "x" * 190, "kind": "press"}
    sources = [{**source, "url": f"https://example.org/{'y' * 1_800}/{n}"} for n in range(40)]

    large = over_seeds("import", "-", stdin=lines(review(1), review(2, sources=sources)))
    endless = over_seeds("import", "-", stdin=b" " * (1024 * 1024 + 2))

    assert (large.code, endless.code) == (2, 2)
    assert "line 2: The value takes" in large.err
    assert "line 1: It is longer than 1,048,576 bytes." in endless.err


def test_more_than_one_transaction_takes_are_to_be_recorded_in_parts(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says how."""
    monkeypatch.setattr("service.cli.importing.MOST_AT_ONCE", 3)

    printed = over_seeds("import", "-", stdin=lines(*map(review, range(4))))

    assert printed.code == 2
    assert "--batch 10000" in printed.err


# Backup.


def test_a_backup_is_a_database_that_answers(
    over_seeds: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It verifies, and holds what the log held."""
    made = over_seeds("backup", "backup.db", "--json")
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", "sqlite:///backup.db")

    verified = over_seeds("verify", "--json").json

    assert (verified["findings"], verified["root"]) == ([], made.json["root"])
    assert made.json["bytes"] == Path("backup.db").stat().st_size
    assert Path("backup.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_overwrites_nothing(over_seeds: Console) -> None:
    """Least of all the backup of yesterday, or the database itself."""
    Path("backup.db").write_bytes(b"precious")

    for name in ("backup.db", "accessline.db"):
        printed = over_seeds("backup", name)
        assert (printed.code, printed.out) == (2, "")
        assert f"{name} exists already" in printed.err
    assert over_seeds("backup", "none/backup.db").code == 4
    assert Path("backup.db").read_bytes() == b"precious"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_postgresql_is_backed_up_with_its_own_tools(
    console: Console, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told, without the password."""
    url = database_url.replace("tester@", "tester:s3cr3t@")
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", url)

    printed = console("backup", "backup.db")

    assert (printed.code, printed.out) == (2, "")
    assert "pg_dump --format=custom --file=accessline.dump 'postgresql://tester@" in printed.err
    assert "s3cr3t" not in printed.err
    assert not Path("backup.db").exists()


def test_a_backup_is_right_while_others_write(tmp_path: Path, seeded: Path) -> None:
    """A copy of the file alone would lack what is still in its write-ahead log."""
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}"}
    recorded: list[int] = []
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            (tmp_path / f"{number}.jsonl").write_bytes(lines(review(number)))
            _, out, _ = finished("import", f"{number}.jsonl", "--json", folder=tmp_path, env=env)
            recorded.append(json.loads(out)["position"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: len(recorded) > 1)
        before = recorded[-1]
        code, out, _ = finished("backup", "backup.db", "--json", folder=tmp_path, env=env)
    finally:
        stop.set()
        writer.join(SECONDS)

    assert code == 0
    assert json.loads(out)["position"] >= before
    copy = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{tmp_path / 'backup.db'}"}
    assert finished("verify", folder=tmp_path, env=copy)[0] == 0


# Processes.


def test_a_killed_import_has_recorded_nothing_and_a_second_run_all(
    tmp_path: Path, seeded: Path
) -> None:
    """It holds the lock, waits for more input, and is killed: nothing is half applied."""
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}"}
    (tmp_path / "events.jsonl").write_bytes(lines(*map(review, range(200))))
    with started("import", "events.jsonl", folder=tmp_path, env=env) as process:
        until(lambda: Path(f"{seeded}-wal").exists() or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)

    with sqlite3.connect(seeded) as connection:
        (events,) = connection.execute("SELECT count(*) FROM event").fetchone()
    connection.close()
    code, out, _ = finished("import", "events.jsonl", "--json", folder=tmp_path, env=env)
    assert code == 0
    told = json.loads(out)
    assert (told["appended"], told["held"]) in ((200, 0), (0, 200))
    assert events == told["position"] - told["appended"]
    assert finished("verify", folder=tmp_path, env=env)[0] == 0


def test_a_person_sees_a_bar_and_a_script_none(tmp_path: Path, seeded: Path) -> None:
    """With rate and remaining time, on standard error, and on a terminal only."""
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}", "TERM": "xterm-256color"}
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "export", "log.jsonl"],
        cwd=tmp_path,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    out, _ = process.communicate(timeout=SECONDS)
    os.close(slave)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    _, quiet, err = finished("export", "log2.jsonl", folder=tmp_path, env=env)

    assert process.returncode == 0
    assert "Exporting" in shown
    assert "/s" in shown
    assert out.decode() == quiet
    assert err == ""


def test_whoever_closes_the_pipe_of_an_export_is_not_bothered(tmp_path: Path, seeded: Path) -> None:
    """`accessline export - | head -1` is quiet."""
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{seeded}"}
    reading, writing = os.pipe()
    os.close(reading)
    code, _, err = finished("export", "-", folder=tmp_path, env=env, stdout=writing)
    os.close(writing)

    assert (code, err) == (141, "")
