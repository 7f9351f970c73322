"""`seed`: first events from TOML, recorded as anybody's are, and kept in step with their files."""

import json
import re
import shutil
from pathlib import Path

import pytest

from service.cli.seedfiles import line_of
from tests.api.house import open_house
from tests.builders import STORY, plain_event
from tests.cli.console import Console

ID = "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c01"
OTHER_ID = "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c02"
SECOND_ID = "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c03"
RULES_ID = "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c04"
AUTHORITY = f"""
[[events]]
id = "{ID}"
type = "registry.registered"
stream = "registry:authority/example"
occurred_on = 2026-11-22
data = {{ kind = "authority", id = "example", name = "Example", authority_kind = "provider" }}
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
SECOND = f"""
[[events]]
id = "{SECOND_ID}"
type = "context.noted"
occurred_on = 2024-07-04
title = "A second note"
data = {{ topic = "Notes" }}
sources = [{{ url = "https://example.org/", publisher = "Example", kind = "other" }}]
"""
SERVICE = """
occurred_on = 2026-11-22
type = "registry.registered"
[[events]]
id = "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c05"
stream = "registry:provider/example"
data = { kind = "provider", id = "example", name = "Example", authority = "example" }
[[events]]
id = "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c06"
stream = "registry:service/example/api"
data = { kind = "service", provider = "example", id = "api", name = "API" }
"""
RULES = f"""
stream = "policy:rules"
authority = "example"

[[events]]
id = "{RULES_ID}"
type = "policy.adopted"
occurred_on = 2024-07-03
title = "Rules"

[[events.data.directives]]
key = "list"
effect = "available"
scope = {{ providers = ["example"], services = ["api"], regions = ["FR"] }}

[[events.data.directives]]
key = "closed"
effect = "blocked"
effective_from = 2024-07-09
[events.data.directives.scope]
providers = ["example"]
services = ["api"]
regions = ["CN"]

[[events.sources]]
url = "https://example.org/"
publisher = "Example"
kind = "official"

[[events.sources]]
url = "https://example.org/more"
publisher = "Example"
kind = "other"
"""


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A folder with an authority, and a note of its own."""
    folder = tmp_path / "seeds"
    write(folder / "registry/authorities.toml", AUTHORITY)
    write(folder / "context/note.toml", NOTE)
    return folder


@pytest.fixture
def ruled(seeds: Path) -> Path:
    """The same with a service, and rules for it."""
    write(seeds / "registry/services.toml", SERVICE)
    write(seeds / "policies/example/2024-rules.toml", RULES)
    return seeds


@pytest.fixture
def empty(console: Console, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Runs commands over a log without events, in a folder of the test's own."""
    Path("accessline.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.delenv("ACCESSLINE_DATABASE_URL", raising=False)
    return console


def write(file: Path, text: str) -> None:
    """Write a file of a folder that may not be there yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def run(console: Console, path: Path, *arguments: str) -> dict[str, int]:
    """Seed, and return what was done."""
    printed = console("seed", str(path), "--json", *arguments)
    assert printed.code == 0, printed.err
    return {name: number for name, number in printed.json.items() if name != "position"}


def done(events: int, appended: int = 0, amended: int = 0, retracted: int = 0) -> dict[str, int]:
    """Return what `run` does."""
    return {"appended": appended, "amended": amended, "retracted": retracted, "events": events}


def types(console: Console) -> list[str]:
    """Return the types of everything in the log."""
    return [row["type"] for row in console("events", "list", "--limit", "1000").rows]


# What comes with the program.


def test_the_seeds_that_come_with_the_program_are_recorded_once(empty: Console) -> None:
    """Each event's id is literal, so it is found."""
    first = empty("seed", "--json").json

    again = empty("seed")

    head = first["position"]
    assert first == {"position": head, **done(events=head, appended=head)}
    assert (again.code, again.err) == (0, "")
    assert again.out == f"All {head} events are recorded already; nothing was appended.\n"
    assert empty("seed", "--json").json == {"position": head, **done(events=head)}


def test_the_seeds_that_come_with_the_program_have_no_fault(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does looking need a database."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", "nonsense://nowhere")

    printed = console("seed", "check")

    assert (printed.code, printed.err) == (0, "")
    assert re.fullmatch(r"[\d,]+ events in \d+ files: nothing is wrong with them\.\n", printed.out)


def test_one_changed_word_appends_exactly_one_correction(
    over_seeds: Console, tmp_path: Path
) -> None:
    """Whoever reads the files sees what changed, and so does whoever reads the log."""
    folder = tmp_path / "mine"
    shutil.copytree(STORY, folder)
    file = next(file for file in sorted(folder.glob("policies/*/*.toml")))
    file.write_text(
        re.sub('^title = "', "\\g<0>Indeed: ", file.read_text(), count=1, flags=re.MULTILINE)
    )
    before = types(over_seeds)

    found = run(over_seeds, folder)

    assert found == done(events=found["events"], amended=1)
    assert types(over_seeds) == [*before, "record.corrected"]
    assert run(over_seeds, folder) == done(events=found["events"])


# A run.


def test_a_folder_of_ones_own_is_recorded_registry_first(empty: Console, seeds: Path) -> None:
    """`context` comes before `registry` by name, and needs what is registered."""
    printed = empty("seed", str(seeds), "--json")

    assert printed.json == {"position": 2, **done(events=2, appended=2)}
    shown = empty("events", "show", OTHER_ID, "--json").json
    assert (shown["position"], shown["recorded_by"]) == (2, "seeds")
    assert (shown["authority"], shown["occurred_on"]) == ("example", "2024-07-03")


def test_files_are_recorded_once(over_both: Console) -> None:
    """On SQLite and on PostgreSQL; the fixture recorded them already."""
    printed = over_both("seed", str(STORY))

    assert (printed.code, printed.err) == (0, "")
    assert printed.out == "All 51 events are recorded already; nothing was appended.\n"
    assert len(types(over_both)) == 51


def test_a_run_is_all_or_nothing(empty: Console, ruled: Path) -> None:
    """What is refused in the last file keeps the first from being recorded."""
    write(
        ruled / "context/note.toml", NOTE.replace('authority = "example"', 'authority = "exmple"')
    )

    assert empty("seed", str(ruled)).code == 2
    assert types(empty) == []


@pytest.mark.parametrize("command", [("seed",), ("seed", "load")], ids=" ".join)
def test_to_seed_is_to_load(command: tuple[str, ...], empty: Console, seeds: Path) -> None:
    """Whether options stand before the path or behind it."""
    dry = empty(*command, "--dry-run", str(seeds))
    loaded = empty(*command, str(seeds))

    assert (dry.code, loaded.code) == (0, 0)
    assert loaded.out == "2 of 2 events are new; the log is at position 2.\n"
    assert empty(*command, str(seeds), "--json").json["appended"] == 0


def test_the_help_of_seed_names_what_there_is(console: Console) -> None:
    """`load` may be left out, the others not."""
    printed = console("seed", "--help")

    assert printed.code == 0
    assert all(command in printed.out for command in ("load", "check", "schema"))


def test_one_file_may_be_given(empty: Console, seeds: Path) -> None:
    """Adding a file to the seeds, one wants to try it alone."""
    empty("seed", str(seeds / "registry/authorities.toml"))

    assert empty("seed", str(seeds / "context/note.toml")).code == 0


def test_a_changed_event_is_amended(empty: Console, seeds: Path) -> None:
    """What was recorded stays what it was, and is told as it reads now."""
    empty("seed", str(seeds))
    write(seeds / "context/note.toml", NOTE.replace("A note", "Another note"))

    printed = empty("seed", str(seeds))

    assert (printed.code, printed.err) == (0, "")
    assert printed.out == "1 event amended; the log is at position 3.\n"
    correction = empty("events", "list", "--json").json["items"][-1]
    assert correction["type"] == "record.corrected"
    assert correction["data"]["action"] == "amend"
    assert correction["data"]["replacement"]["title"] == "Another note"
    assert run(empty, seeds) == done(events=2)


def test_a_vanished_event_is_retracted_and_a_returned_one_amended(
    empty: Console, seeds: Path
) -> None:
    """Its id is taken for ever."""
    note = seeds / "context/note.toml"
    write(note, NOTE + SECOND)
    assert run(empty, seeds) == done(events=3, appended=3)

    write(note, NOTE)
    assert empty("seed", str(seeds)).out == "1 event retracted; the log is at position 4.\n"
    assert run(empty, seeds) == done(events=2)

    write(note, NOTE + SECOND.replace("A second note", "The second note"))
    assert run(empty, seeds) == done(events=3, amended=1)
    assert run(empty, seeds) == done(events=3)
    assert types(empty)[-2:] == ["record.corrected", "record.corrected"]


def test_all_at_once_is_told_in_one_sentence(empty: Console, seeds: Path) -> None:
    """New, amended and retracted."""
    empty("seed", str(seeds))
    third = SECOND.replace(SECOND_ID, RULES_ID)
    write(seeds / "context/note.toml", NOTE.replace("A note", "My note") + third)
    write(
        seeds / "context/second.toml", f'stream = "context:second"\nauthority = "example"{SECOND}'
    )
    empty("seed", str(seeds))
    write(seeds / "context/note.toml", NOTE + third.replace("A second", "A third"))
    (seeds / "context/second.toml").unlink()
    new = SECOND.replace(SECOND_ID, "5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c0f")
    write(seeds / "context/new.toml", f'stream = "context:new"\nauthority = "example"{new}')

    printed = empty("seed", str(seeds))

    assert printed.out == (
        "1 of 4 events are new, 2 events amended, 1 event retracted; the log is at position 9.\n"
    )


def test_a_file_that_is_gone_is_retracted_where_the_folder_is_whole(
    empty: Console, seeds: Path
) -> None:
    """A folder with a registry of its own is all that there is; any other is a part."""
    empty("seed", str(seeds))
    write(seeds / "context/other.toml", f'stream = "context:other"\nauthority = "example"{SECOND}')
    (seeds / "context/note.toml").unlink()

    assert run(empty, seeds / "context/other.toml") == done(events=1, appended=1)
    assert run(empty, seeds / "context") == done(events=1)
    assert run(empty, seeds) == done(events=2, retracted=1)
    assert empty("events", "list", "--json").json["items"][-1]["stream"] == "context:example"
    assert run(empty, seeds) == done(events=2)


@pytest.mark.parametrize("part", ["context", "context/note.toml"])
def test_a_part_retracts_what_is_gone_from_its_own_streams(
    part: str, empty: Console, seeds: Path
) -> None:
    """A file has all of a stream, so what it has no more is gone."""
    write(seeds / "context/note.toml", NOTE + SECOND)
    empty("seed", str(seeds))
    write(seeds / "context/note.toml", NOTE)

    assert run(empty, seeds / part) == done(events=1, retracted=1)


def test_what_others_recorded_is_never_retracted(empty: Console, seeds: Path) -> None:
    """A curator's event over HTTP, and one of the command line, stand in the seeds' stream."""
    empty("seed", str(seeds))
    theirs = {
        **plain_event("context.noted", stream="context:example", data={"topic": "Notes"}),
        "authority": "example",
    }
    house = open_house("sqlite:///accessline.db")
    assert house.post({"events": [{**theirs, "id": SECOND_ID}]}).status_code == 201
    house.close()
    typed = json.dumps({**theirs, "id": RULES_ID}).encode()
    assert empty("events", "append", "-", stdin=typed).code == 0

    assert run(empty, seeds) == done(events=2)
    (seeds / "context/note.toml").unlink()
    assert run(empty, seeds) == done(events=1, retracted=1)

    retracted = empty("events", "list", "--json").json["items"][-1]
    assert retracted["data"]["event"] == OTHER_ID


def test_a_moved_date_is_a_correction_and_no_amendment(empty: Console, ruled: Path) -> None:
    """Only an event says that the world changed: our record changed here, from the first day on."""
    empty("seed", str(ruled))
    file = ruled / "policies/example/2024-rules.toml"
    write(file, RULES.replace("2024-07-09", "2024-07-10"))

    assert run(empty, ruled) == done(events=5, amended=1)
    assert "policy.amended" not in types(empty)
    asked = ("state", "example", "CN", "--as-of", "2024-07-09")
    assert "unknown" in empty(*asked).out
    assert "blocked" in empty(*asked, "--known-at", "@5").out


def test_an_entry_that_others_name_stays(empty: Console, ruled: Path) -> None:
    """What is refused is told by its stream and id, for it has no line any more."""
    empty("seed", str(ruled))
    services = SERVICE[: SERVICE.rindex("[[events]]")]
    write(ruled / "registry/services.toml", services)

    printed = empty("seed", str(ruled))

    assert printed.code == 2
    assert (
        "registry:service/example/api, event 5b1f3c1e-7f4b-4d0a-9d33-0f5a3a9f1c06, which no file"
        " has any more: 'example/api' cannot be retracted" in printed.err
    )


def test_an_id_in_another_stream_is_refused_with_file_and_line(empty: Console, seeds: Path) -> None:
    """An id names one event for ever: the sentence tells what to do."""
    empty("seed", str(seeds))
    write(seeds / "context/note.toml", NOTE.replace("context:example", "context:other"))

    for arguments in ((str(seeds),), (str(seeds), "--dry-run"), (str(seeds / "context"),)):
        printed = empty("seed", *arguments)

        assert printed.code == 2
        assert f"note.toml:4: The event {OTHER_ID} is recorded as" in printed.err
        assert "context:example" in printed.err
        assert "give the new one an id of its own" in printed.err
    assert types(empty) == ["registry.registered", "context.noted"]


# A dry run.


def test_a_dry_run_lists_what_it_would_do(empty: Console, seeds: Path) -> None:
    """The note needs the authority, which is not recorded either: all is judged as one batch."""
    printed = empty("seed", str(seeds), "--dry-run")

    assert printed.code == 0
    assert printed.rows == [
        {"act": "append", "stream": "registry:authority/example", "id": ID, "title": ""},
        {"act": "append", "stream": "context:example", "id": OTHER_ID, "title": "A note"},
    ]
    assert printed.err == "2 events would be recorded.\n"
    assert types(empty) == []


def test_a_dry_run_of_changed_files_tells_amended_and_retracted(
    empty: Console, seeds: Path
) -> None:
    """By the event that it is about, not by its correction."""
    write(seeds / "context/note.toml", NOTE + SECOND)
    empty("seed", str(seeds))
    write(seeds / "context/note.toml", NOTE.replace("A note", "My note"))

    printed = empty("seed", str(seeds), "--dry-run")

    assert [(row["act"], row["id"], row["title"]) for row in printed.rows] == [
        ("amend", OTHER_ID, "My note"),
        ("retract", SECOND_ID, "A second note"),
    ]
    assert len(types(empty)) == 3


def test_a_dry_run_with_nothing_to_do_says_so(empty: Console, seeds: Path) -> None:
    """There is a table, and no row in it."""
    empty("seed", str(seeds))

    printed = empty("seed", str(seeds), "--dry-run")

    assert (printed.rows, printed.err) == ([], "0 events would be recorded.\n")


def test_a_dry_run_tells_which_answers_would_change(empty: Console, ruled: Path) -> None:
    """As that of a batch does; as JSON in one object."""
    printed = empty("seed", str(ruled), "--dry-run")
    found = empty("seed", str(ruled), "--dry-run", "--json").json

    assert "effective_from" in printed.out
    assert [one["act"] for one in found["steps"]] == ["append"] * 5
    assert found["steps"][-1] == {
        "act": "append",
        "id": OTHER_ID,
        "stream": "context:example",
        "title": "A note",
    }
    (change,) = found["changes"]
    assert (change["region"], change["after"]["state"]) == ("CN", "blocked")
    assert types(empty) == []


# Faults.


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NOTE.replace("2024-07-03", "2024-07-03T12:00:00"), "7: occurred_on: "),
        (NOTE.replace("2024-07-03", "20240703"), "7: occurred_on: This is a number"),
        (NOTE.replace("A note", "A\\tnote"), "8: title: "),
        (NOTE.replace("context.noted", "context.notd"), "6: type: "),
        (NOTE.replace("title", "titel"), "8: titel: There is no field 'titel' here."),
        (NOTE.replace('"Notes"', "3"), "9: data/topic: "),
        (NOTE.replace('kind = "other"', 'kind = "others"'), "10: sources/0/kind: "),
        (
            NOTE.replace('authority = "example"', 'authority = "exmple"'),
            "3: authority: There is no authority 'exmple'. Did you mean 'example'?",
        ),
        (NOTE.replace(f'id = "{OTHER_ID}"', ""), "4: This event has no id, "),
        (NOTE.replace(OTHER_ID, "one"), "5: id: "),
        (NOTE + SECOND.replace("A second note", ""), "16: title: "),
        (NOTE + SECOND.replace(f'id = "{SECOND_ID}"', ""), "12: This event has no id, "),
        ("\n[[events]", "2: This is no TOML that can be read: "),
        ("events = [1]", "1: This is a number"),
    ],
)
def test_a_fault_is_told_with_file_line_and_field(
    text: str, told: str, empty: Console, seeds: Path
) -> None:
    """Nothing of the file is recorded, and `check` tells it as a run does."""
    write(seeds / "context/note.toml", text)

    for command in (("seed",), ("seed", "check"), ("seed", "--dry-run")):
        printed = empty(*command, str(seeds))

        assert (printed.code, printed.out) == (2, "")
        assert printed.err.startswith(f"accessline: context/note.toml:{told}")
    assert empty("events", "show", OTHER_ID).code == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = " + "[" * 5000, "is no TOML that can be read"),
        ('title = "nothing"', "give a list of events"),
    ],
)
def test_a_fault_of_a_whole_file_names_the_file(
    text: str, sentence: str, empty: Console, seeds: Path
) -> None:
    """It has no line."""
    write(seeds / "context/note.toml", text)

    printed = empty("seed", str(seeds))

    assert printed.code == 2
    assert "accessline: context/note.toml: " in printed.err
    assert sentence in printed.err


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ('"FR"', '"UK"', "14: data/directives/0/scope/regions/0"),
        ('"CN"', '"UK"', "23: data/directives/1/scope/regions/0"),
        ('"CN"', '"HK", "UK"', "23: data/directives/1/scope/regions/1"),
        ('effect = "blocked"', 'effect = "bloked"', "18: data/directives/1/effect"),
        ('key = "closed"', 'key = "list"', "17: data/directives/1/key"),
        ('kind = "other"', 'kind = "others"', "33: sources/1/kind"),
        ('/more"', '/m ore"', "31: sources/1/url"),
    ],
)
def test_a_fault_of_one_thing_among_several_is_told_at_its_own_line(
    right: str, wrong: str, place: str, empty: Console, ruled: Path
) -> None:
    """A file of forty directives is no place to look for `regions`."""
    write(ruled / "policies/example/2024-rules.toml", RULES.replace(right, wrong))

    printed = empty("seed", "check", str(ruled))

    assert printed.code == 2
    assert printed.err.startswith(f"accessline: policies/example/2024-rules.toml:{place}: ")


def test_every_fault_of_every_file_is_told(empty: Console, seeds: Path) -> None:
    """Whoever mends one should not have to run it again for the next."""
    write(seeds / "registry/authorities.toml", AUTHORITY.replace("2026-11-22", '"2026-11-32"'))
    write(seeds / "context/note.toml", (NOTE + SECOND).replace('"Notes"', "3"))

    printed = empty("seed", "check", str(seeds))

    assert [line.split(": ")[1:3] for line in printed.err.splitlines()] == [
        ["registry/authorities.toml:6", "occurred_on"],
        ["context/note.toml:9", "data/topic"],
        ["context/note.toml:17", "data/topic"],
    ]


def test_an_id_that_stands_twice_is_told_with_both_places(empty: Console, seeds: Path) -> None:
    """Somebody copied an event and left its id."""
    write(seeds / "context/note.toml", NOTE.replace(OTHER_ID, ID))

    printed = empty("seed", str(seeds))

    assert printed.code == 2
    assert printed.err == (
        f"accessline: context/note.toml:5: The id {ID} stands at registry/authorities.toml:3"
        " already.\n"
    )


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


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 4),
        (("id",), 5),
        (("data", "directives", "1", "effect"), 12),
        (("data", "directives", 0, "effect"), 9),
        (("data", "directives", "1", "scope"), 13),
        (("stream",), 1),
        (("nowhere",), 4),
    ],
)
def test_a_field_is_where_its_name_stands(path: tuple[str | int, ...], line: int) -> None:
    """Below its event, or above all events where it is said for all of them."""
    text = """\
stream = "policy:rules"
authority = "example"

[[events]]
id = "one"

[[events.data.directives]]
key = "effect"
effect = "available"

[[events.data.directives]]
effect = "blocked"
scope = { regions = ["CN"] }

[[ events ]]
id = "two"
"""

    assert line_of(text.splitlines(), 0, path) == line
    assert line_of(text.splitlines(), 1) == 15
    assert line_of(text.splitlines(), 1, ("id",)) == 16
    assert line_of(text.splitlines(), 9, path) == 1


# A look without a database.


def test_a_check_counts_what_it_read(
    console: Console, ruled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It records nothing anywhere."""
    monkeypatch.setenv("ACCESSLINE_DATABASE_URL", "nonsense://nowhere")

    assert console("seed", "check", str(ruled)).out == (
        "5 events in 4 files: nothing is wrong with them.\n"
    )
    assert console("seed", "check", str(ruled), "--json").json == {
        "files": 4,
        "events": 5,
        "types": {"registry.registered": 3, "policy.adopted": 1, "context.noted": 1},
    }


def test_a_check_needs_the_registry(console: Console, seeds: Path) -> None:
    """What nobody registered is unknown, and the place of it is told."""
    printed = console("seed", "check", str(seeds / "context/note.toml"))

    assert printed.code == 2
    assert printed.err.startswith("accessline: note.toml:3: authority: There is no authority ")
