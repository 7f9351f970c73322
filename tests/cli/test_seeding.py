"""`seed`: first events from TOML, recorded as anybody's are."""

from pathlib import Path

import pytest

from tests.cli.console import Console

ID = "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c01"
OTHER_ID = "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c02"
AUTHORITY = f"""
[[events]]
id = "{ID}"
type = "registry.registered"
stream = "registry:authority/example"
occurred_on = 2026-11-22
data = {{ kind = "authority", id = "example", name = "Example", authority_kind = "regulator" }}
"""
NOTE = f"""
stream = "context:example"
authority = "example"
[[events]]
id = "{OTHER_ID}"
type = "context.noted"
occurred_on = 2024-07-03
title = "A note"
data = {{ topic = "Notes" }}
sources = [{{ url = "https://example.org/", publisher = "Example", kind = "other" }}]
"""


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A folder with an authority, and a note of its own."""
    folder = tmp_path / "seeds"
    for name, text in {"registry/authorities.toml": AUTHORITY, "context/note.toml": NOTE}.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def empty(console: Console, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Runs commands over a log without events, in a folder of the test's own."""
    Path("accessline.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.delenv("ACCESSLINE_DATABASE_URL", raising=False)
    return console


def test_the_seeds_that_come_with_the_program_are_recorded_once(over_both: Console) -> None:
    """The fixture seeded already; each event's id is literal, so it is found."""
    head = len(over_both("events", "list", "--limit", "1000").rows)

    again = over_both("seed")

    assert (again.code, again.err) == (0, "")
    assert again.out == f"All {head} events are recorded already; nothing was appended.\n"
    assert len(over_both("events", "list", "--limit", "1000").rows) == head


def test_a_folder_of_ones_own_is_recorded_registry_first(empty: Console, seeds: Path) -> None:
    """`context` comes before `registry` by name, and needs what is registered."""
    printed = empty("seed", str(seeds), "--json")

    assert printed.json == {"position": 2, "appended": 2, "events": 2}
    shown = empty("events", "show", OTHER_ID, "--json").json
    assert (shown["position"], shown["recorded_by"]) == (2, "seeds")
    assert (shown["authority"], shown["occurred_on"]) == ("example", "2024-07-03")


def test_one_file_may_be_given(empty: Console, seeds: Path) -> None:
    """Adding a file to the seeds, one wants to try it alone."""
    empty("seed", str(seeds / "registry/authorities.toml"))

    assert empty("seed", str(seeds / "context/note.toml")).code == 0


def test_a_dry_run_judges_everything_as_one_batch(empty: Console, seeds: Path) -> None:
    """The note needs the authority, which is not recorded either."""
    printed = empty("seed", str(seeds), "--dry-run")

    assert printed.code == 0
    assert printed.err == "It may be recorded and would make 0 changes.\n"
    assert empty("events", "list").rows == []


def test_a_changed_event_is_refused_with_its_file(empty: Console, seeds: Path) -> None:
    """What is recorded never changes: a mistake is mended by a correction."""
    empty("seed", str(seeds))
    note = seeds / "context/note.toml"
    note.write_text(NOTE.replace("A note", "Another note"))

    printed = empty("seed", str(seeds))

    assert printed.code == 2
    assert f"context/note.toml, event {OTHER_ID}: position 2 has another event" in printed.err
    assert "record.corrected" in printed.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (NOTE.replace("2024-07-03", "2024-07-03T12:00:00"), f"event {OTHER_ID}, occurred_on: "),
        (NOTE.replace("A note", "A\\tnote"), f"event {OTHER_ID}, title: "),
        (NOTE.replace("context.noted", "context.notd"), "context.noted"),
        (NOTE.replace('authority = "example"', 'authority = "exmple"'), "'example'"),
        (NOTE.replace(f'id = "{OTHER_ID}"', ""), "event 1 has no id"),
        ("[[events]", "is no TOML that can be read"),
        ("x = " + "[" * 5000, "is no TOML that can be read"),
        ('title = "nothing"', "give a list of events"),
        ("events = [1]", "event 1, whole: This is a number"),
    ],
)
def test_what_is_refused_is_told_with_file_and_event(
    text: str, sentence: str, empty: Console, seeds: Path
) -> None:
    """Nothing of the file is recorded."""
    (seeds / "context/note.toml").write_text(text)

    printed = empty("seed", str(seeds))

    assert printed.code == 2
    assert "context/note.toml" in printed.err
    assert sentence in printed.err
    assert empty("events", "show", OTHER_ID).code == 3


def test_a_file_that_is_not_utf_8_is_refused(empty: Console, seeds: Path) -> None:
    """TOML is UTF-8."""
    (seeds / "context/note.toml").write_bytes(b'title = "\xff"')

    assert empty("seed", str(seeds)).code == 2


def test_a_folder_without_seeds_is_refused(empty: Console, tmp_path: Path) -> None:
    """Doing nothing would look like success."""
    (tmp_path / "nothing").mkdir()

    printed = empty("seed", str(tmp_path / "nothing"))

    assert printed.code == 2
    assert "There is no file *.toml in " in printed.err
    assert empty("seed", str(tmp_path / "missing")).code == 2
