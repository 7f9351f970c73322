"""`doctor`: is everything around the log as it must be?"""

import os
import platform
from dataclasses import dataclass

import click

from service import __version__, logs
from service.app import signer_of
from service.application.diagnosing import Check, Level, diagnose
from service.application.signing import BadKeyFile
from service.cli import exits, output, session
from service.settings import PREFIX, SettingsError
from service.store.engine import connect
from service.store.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was checked, and the settings that it was checked under."""

    checks: tuple[Check, ...]
    settings: dict[str, str]


@click.command()
@session.as_json
def doctor(*, as_json: bool) -> None:
    """Check database, tables, disk, clock and settings.

    Each check is ok, warn or fail, with a sentence. It changes nothing, and does not read the
    events: that is `accessline verify`. Exits 4 if a check fails; a warning is no failure.
    """
    found = _diagnosed()
    if as_json:
        output.show_json(found)
    else:
        rows = ((one.name, one.level, one.detail) for one in found.checks)
        output.show_table(("check", "result", "detail"), rows)
    if any(one.level is Level.FAIL for one in found.checks):
        exits.end(exits.Code.ENVIRONMENT)


def _diagnosed() -> Diagnosis:
    program = f"accessline {__version__} with Python {platform.python_version()}."
    checks = [Check(name="program", level=Level.OK, detail=program)]
    try:
        settings = session.settings()
    except SettingsError as error:
        checks += (
            Check(name="settings", level=Level.FAIL, detail=fault) for fault in error.problems
        )
        return Diagnosis(checks=tuple(checks), settings={})
    logs.configure(session.for_people(settings))
    shown = settings.shown()
    checks.append(Check(name="settings", level=Level.OK, detail=_told(shown)))
    try:
        database = connect(settings.database_url)
    except StoreError as error:
        checks.append(Check(name="database", level=Level.FAIL, detail=str(error)))
        return Diagnosis(checks=tuple(checks), settings=shown)
    try:
        signer = signer_of(settings)
        checks += diagnose(
            database,
            workers=settings.workers,
            now=session.now(),
            signer=signer,
            replicas=settings.read_database_urls,
        )
    except (BadKeyFile, OSError) as error:
        checks.append(Check(name="signing", level=Level.FAIL, detail=str(error)))
    finally:
        database.dispose()
    return Diagnosis(checks=tuple(checks), settings=shown)


def _told(shown: dict[str, str]) -> str:
    """Name what the environment sets."""
    given = [f"{name}={shown[name]}" for name in sorted(shown) if name in os.environ]
    if not given:
        return f"No variable {PREFIX}… is set: all settings have their defaults."
    return f"{', '.join(given)}; the others have their defaults."
