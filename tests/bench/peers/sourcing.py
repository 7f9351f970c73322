"""The `eventsourcing` library: the same events as changes of an aggregate, saved, folded, followed.

It checks the version of an aggregate and nothing else, keeps no tree, and has no question by
effective date: the fold here is what its user would write.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking, TrackingRecorder
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from service.domain.codec import event_to
from service.domain.events import Event
from service.evidence.canonical import canonical_bytes
from tests.bench.data import STEPS
from tests.bench.ground import file_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Policy(Aggregate):
    """What an authority decided, step by step."""

    @event("Changed")
    def change(self, effective_from: str, effect: str, body: str) -> None:
        """Take a step; ``body`` is the event as we keep it."""
        self.effective_from = effective_from
        self.effect = effect
        self.body = body


class Policies(Application[UUID]):
    """Keeps them."""


class Following(Projection[TrackingRecorder]):
    """A projection that writes nothing but how far it is, the least that one can."""

    def process_event(self, domain_event: object, tracking: Tracking) -> None:
        """Take an event in, in a transaction of its own."""
        del domain_event
        self.view.insert_tracking(tracking)


def environment(url: str) -> dict[str, str]:
    """Return the library's settings for a database of ours."""
    if url.startswith("sqlite"):
        name = str(file_of(url))
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": name}
    found = sa.make_url(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(found.database),
        "POSTGRES_HOST": str(found.query.get("host", found.host or "")),
        "POSTGRES_PORT": str(found.query.get("port", found.port or 5432)),
        "POSTGRES_USER": str(found.username),
        "POSTGRES_PASSWORD": found.password or "none",
    }


class Saver:
    """Saves our events as changes of aggregates, one for each stream of five."""

    def __init__(self, url: str) -> None:
        self.policies = Policies(environment(url))
        self._policy = Policy()
        self._steps = 0

    def save(self, one: Event) -> None:
        """Save one event; the aggregate is in memory, as its user would keep it."""
        if self._steps % STEPS == 0:
            self._policy = Policy()
        self._steps += 1
        body = canonical_bytes(event_to(one)).decode()
        self._policy.change(one.occurred_on.text, "blocked", body)
        self.policies.save(self._policy)

    def close(self) -> None:
        """Close its connections."""
        self.policies.close()


def grown(policies: Policies, changes: list[str], body: str) -> UUID:
    """Save one aggregate that changed on each of some days."""
    policy = Policy()
    for day in changes:
        policy.change(day, "blocked", body)
    policies.save(policy)
    return policy.id


def effect_on(policies: Policies, policy: UUID, day: str) -> str:
    """Fold an aggregate's events by their effective dates."""
    changes: Iterable[Any] = policies.events.get(policy)
    begun = (
        (one.effective_from, one.effect)
        for one in changes
        if hasattr(one, "effective_from") and one.effective_from <= day
    )
    found: str = max(begun, default=("", "unknown"))[1]
    return found


def follow(url: str, head: int, seconds: float) -> None:
    """Run a projection from the first event to the head of the log."""
    with ProjectionRunner(
        application_class=Policies,
        projection_class=Following,
        view_class=PostgresTrackingRecorder,
        env=environment(url),
    ) as runner:
        runner.wait(head, timeout=seconds)
