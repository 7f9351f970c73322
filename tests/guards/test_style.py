"""Style, format and types are checked by the one command that runs the tests."""

import subprocess
import sys
import tomllib
from pathlib import Path

import service

ROOT = Path(__file__).parents[2]


def run(*command: str) -> str:
    """What a tool has to say, or nothing if it has no objection."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_ruff_finds_nothing_to_object_to() -> None:
    """The rules that are left out stand in `pyproject.toml`, each with its reason."""
    assert run("ruff", "check", "--quiet", "--output-format=concise") == ""


def test_every_file_is_formatted() -> None:
    """Nobody argues about layout: `python -m ruff format` settles it."""
    assert run("ruff", "format", "--check") == ""


def test_every_type_is_right() -> None:
    """Strict, and the tests and migrations too."""
    assert run("mypy") == ""


def test_the_project_and_the_package_name_one_version() -> None:
    """`accessline --version` must not contradict `pip list`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["version"] == service.__version__
