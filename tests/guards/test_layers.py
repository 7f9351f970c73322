"""The house is built as `pyproject.toml` says: imports go down, and the core stays pure."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the architecture of the project in a folder, in a process of its own.

    import-linter switches off the loggers of the process that it runs in.
    """
    code = (
        "import sys; from importlinter.cli import lint_imports;"
        " sys.exit(lint_imports(no_cache=True, no_logo=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_every_import_goes_down_the_house() -> None:
    """The contracts in `pyproject.toml` are the plan; this is the wall."""
    report = contracts(ROOT)

    assert report.returncode == 0, report.stdout + report.stderr


@pytest.mark.parametrize(
    ("room", "code", "broken"),
    [
        ("domain", "import flask", "The domain and the evidence know no framework"),
        ("domain", "from service import store", "Imports go down the house only"),
        ("store", "from service import settings", "Settings are read at the top"),
    ],
)
def test_a_wrong_import_is_found(room: str, code: str, broken: str, tmp_path: Path) -> None:
    """A wall that is never tried may be painted paper."""
    shutil.copytree(ROOT / "service", tmp_path / "service")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "service" / room / "wrong.py").write_text(f"{code}\n", encoding="utf-8")

    report = contracts(tmp_path)

    assert report.returncode == 1
    assert f"{broken}" in report.stdout
    assert "BROKEN" in report.stdout
