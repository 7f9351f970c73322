"""Readiness: may this process be sent requests, and if not, why?"""

from dataclasses import dataclass

from service.domain.resolution import RULE
from service.projections.progress import progress
from service.store import events as log
from service.store import schema
from service.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Where the log and its read models stand.

    Attributes:
        position: Of the head. ``applied``: up to where the read models have taken events in.
        lag: How many events they are behind: 0, since they take part in each append.
        rule: The version of the rule that they were made for. ``rule_wanted``: that of this
            program.
        generation: The one that readers see. ``building``: one that a rebuild is making.
    """

    position: int
    applied: int
    lag: int
    rule: int
    rule_wanted: int
    generation: int
    building: int | None

    @property
    def ready(self) -> bool:
        """Whether every question gets the answer that the log has."""
        return self.lag == 0 and self.rule == self.rule_wanted


def readiness(database: Database) -> Readiness:
    """Return where the log and its read models stand.

    Raises:
        StoreError: The database does not answer; SchemaOutdated where its tables are not ours.
    """
    schema.require_current(database)
    with database.read(newest=True) as connection:
        position = log.read_head(connection).position
        found = progress(connection)
    return Readiness(
        position=position,
        applied=found.applied,
        lag=position - found.applied,
        rule=found.rule,
        rule_wanted=RULE,
        generation=found.generation,
        building=found.building,
    )
