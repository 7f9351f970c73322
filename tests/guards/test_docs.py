"""What a newcomer reads is held to what there is."""

import re
from pathlib import Path

import click
import pytest

from service.cli import cli
from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
NEXT = re.compile(r"^Next: (\S+?),", re.MULTILINE)


def commands(group: click.Group, above: str = "accessline") -> list[str]:
    """Return every command of the console script with its full name."""
    found: list[str] = []
    for name, command in group.commands.items():
        full = f"{above} {name}"
        found.extend(commands(command, full) if isinstance(command, click.Group) else [full])
    return found


@pytest.mark.parametrize("command", commands(cli))
def test_every_command_stands_in_the_readme(command: str) -> None:
    """A command that nobody reads about does not exist for them."""
    assert command in README


@pytest.mark.parametrize("variable", Settings.from_env({}).shown())
def test_every_setting_stands_in_the_readme(variable: str) -> None:
    """The configuration table is complete."""
    assert variable.startswith(PREFIX)
    assert f"`{variable}`" in README


def test_the_tour_leads_from_the_map_to_the_rule_and_on() -> None:
    """Each stop's docstring ends with the next one, and every stop is there."""
    stops = ["service/__init__.py"]
    while found := NEXT.search((ROOT / stops[-1]).read_text("utf-8")):
        assert found.group(1) not in stops, "the tour goes round in a circle"
        stops.append(found.group(1))

    assert stops == [
        "service/__init__.py",
        "service/domain/events.py",
        "service/domain/directives.py",
        "service/domain/fold.py",
        "service/domain/resolution.py",
        "service/application/recording.py",
        "service/store/events.py",
        "service/evidence/merkle.py",
        "service/evidence/proofs.py",
        "service/evidence/checkpoints.py",
        "service/application/publishing.py",
        "service/projections/statements.py",
        "service/application/asking.py",
        "service/api/access.py",
        "tests/journeys/test_way_of_an_event.py",
    ]


def test_there_is_nothing_at_the_top_level_beside_the_card() -> None:
    """Six names and hidden files."""
    names = {one.name for one in ROOT.iterdir() if not one.name.startswith(".")}

    card = {"pyproject.toml", "README.md", "service", "migrations", "seeds", "tests"}
    assert names - {"accessline-demo.db", "accessline.db"} <= card | {"build", "dist"}
    assert card <= names
