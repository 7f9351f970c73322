"""What the views are wired to: set once by the composition root, asked for by every view."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from flask import Flask, current_app

from service.application.recording import Clock
from service.store.engine import Database

_EXTENSION: Final = "accessline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """A database, a clock, and how many events one append may bring."""

    database: Database
    clock: Clock
    max_batch: int

    def now(self) -> datetime:
        """Return the present."""
        return self.clock()


def wire(app: Flask, wiring: Wiring) -> None:
    """Give an application what its views need."""
    app.extensions[_EXTENSION] = wiring


def wired() -> Wiring:
    """Return what the current application was given."""
    return cast("Wiring", current_app.extensions[_EXTENSION])
