"""What the views are wired to: set once by the composition root, asked for by every view."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

from flask import Flask, current_app

from service.api.metrics import Metrics
from service.api.waiting import Waiting
from service.application.recording import Clock
from service.application.signing import Signer
from service.store.engine import Database
from service.store.replicas import Replicas

_EXTENSION: Final = "accessline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What is set up once.

    Attributes:
        max_batch: Events that one append may bring.
        public_url: Where clients reach the server, without a slash at its end; empty where nobody
            says.
        signer: What checkpoints are signed with; None where this process signs none.
        waiting: How reads wait for a position. ``metrics``: what this process has answered.
        replicas: What reads are spread over; None where the primary answers all.
    """

    database: Database
    clock: Clock
    max_batch: int
    public_url: str
    waiting: Waiting
    signer: Signer | None = None
    replicas: Replicas | None = None
    metrics: Metrics = field(default_factory=Metrics)

    def now(self) -> datetime:
        """Return the present."""
        return self.clock()


def wire(app: Flask, wiring: Wiring) -> None:
    """Give an application what its views need."""
    app.extensions[_EXTENSION] = wiring


def wired() -> Wiring:
    """Return what the current application was given."""
    return cast("Wiring", current_app.extensions[_EXTENSION])
