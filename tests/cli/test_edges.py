"""What every command has in common: how it prints, and how it fails."""

import click
import pytest

from service.cli import cli, exits, output
from service.store.errors import DatabaseBusy, StoreDamaged
from tests.cli.console import Console


def commands(group: click.Group, *above: str) -> list[tuple[str, ...]]:
    """Return the path of every command."""
    found = []
    for name, command in group.commands.items():
        below = commands(command, *above, name) if isinstance(command, click.Group) else []
        found += below or [(*above, name)]
    return found


@pytest.mark.parametrize("command", commands(cli), ids=" ".join)
def test_every_command_explains_itself_and_can_answer_in_json(
    command: tuple[str, ...], console: Console
) -> None:
    """A script needs no parser of tables."""
    printed = console(*command, "--help")

    assert (printed.code, printed.err) == (0, "")
    assert "--json" in printed.out
    assert printed.out.startswith(f"Usage: accessline {' '.join(command)} ")


def test_without_a_command_the_help_is_shown_as_an_error(console: Console) -> None:
    """Exit 2: nothing was asked."""
    printed = console()

    assert (printed.code, printed.out) == (2, "")
    assert "Exit codes: 0 done;" in printed.err


def test_the_version_is_told(console: Console) -> None:
    """For reports of faults."""
    assert console("--version").out == "accessline 0.1.0\n"


def test_a_misspelt_command_is_told_what_was_meant(console: Console) -> None:
    """One sentence, and where help is."""
    printed = console("stat", "openai", "CN")

    assert printed.code == 2
    assert "'state'" in printed.err
    assert printed.err.endswith(" Help: accessline --help\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DatabaseBusy(database="sqlite:///x.db", reason="another process writes."), 4),
        (StoreDamaged(found="the log has no head row."), 5),
        (FileNotFoundError(2, "No such file or directory", "x.json"), 4),
        (RuntimeError("oops\nat line 7"), 70),
    ],
)
def test_every_failure_is_one_line_and_a_code(error: Exception, code: int) -> None:
    """What nobody expected is neither an answer nor the user's fault."""
    found, sentences = exits.told(error)

    assert found == code
    assert len(sentences) == 1
    assert "\n" not in sentences[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with accents: é 中国", "plain, with accents: é 中国"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\tb\nc\r\x00", "a\\tb\\nc\\r\\x00"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("half \ud800", "half \\ud800"),
        ("\x9b31m \u2028", "\\x9b31m \\u2028"),
    ],
)
def test_nothing_printed_can_move_a_cursor_or_end_a_line(text: str, shown: str) -> None:
    """A name in the log must not speak to the terminal of whoever reads it."""
    assert output.escaped(text) == shown


def test_a_name_with_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich would take [bold] for a style and [/] for an error."""
    output.show_table(("name",), [("[bold]x[/bold] [/]",)])
    output.show_lines([("[red]y[/red]", "bold")])

    assert capsys.readouterr().out == "name\n[bold]x[/bold] [/]\n[red]y[/red]\n"


def test_lines_for_scripts_are_never_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    """A URL in two lines is no URL."""
    output.show_lines([("x" * 500, "")])

    assert capsys.readouterr().out == "x" * 500 + "\n"


def test_fields_stand_between_tabs_below_their_names(over_seeds: Console) -> None:
    """`cut -f2` gives the states."""
    printed = over_seeds("state", "openai", "CN", "--as-of", "2024-07-09")

    assert printed.out.splitlines()[:2] == [
        "service\tstate\taccess\tlegal_state\tsince\tuntil\tconditions",
        "api\tblocked\tclosed\tblocked\t2024-07-09\t\t",
    ]
    assert printed.err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands(shell: str, console: Console) -> None:
    """The script asks the program itself, so it never is of another version."""
    printed = console("completion", shell)

    assert printed.code == 0
    assert f"_ACCESSLINE_COMPLETE={shell}_complete" in printed.out
    assert console("completion", shell, "--json").json["script"] + "\n" == printed.out


def test_a_shell_that_is_not_known_is_refused(console: Console) -> None:
    """With those that are."""
    printed = console("completion", "tcsh")

    assert printed.code == 2
    assert "'bash', 'zsh', 'fish'" in printed.err
