"""What a directive says, and the bounds between which it says so.

A ``Text`` keeps the **bounds** that were set for it, each with the event that set it, and cuts
nothing into intervals. Whether it holds at a moment is asked of them: all of ``begins`` reached,
none of ``ends``. So dates and instants never need to be compared with each other before somebody
asks, in the question's own kind.

Next: service/domain/fold.py, how a policy's events become texts.
"""

from typing import Protocol

from msgspec import Struct

from service.domain.events import Effect
from service.domain.scope import Scope
from service.domain.times import When, reached


class Zones(Protocol):
    """Whoever knows the time zones of authorities."""

    def zone(self, authority: str | None) -> str:
        """Return an IANA name."""
        ...


class Bound(Struct, frozen=True, kw_only=True, gc=False):
    """A date or instant, the authority in whose calendar it counts, and the event that set it."""

    when: When
    authority: str | None
    event: str

    def reached(self, moment: When, zones: Zones) -> bool:
        """Tell whether it lies at or before ``moment``."""
        if moment.instant is None:  # Then nobody's calendar matters.
            return self.when.day <= moment.day
        return reached(self.when, moment, zones.zone(self.authority))


class Period(Struct, frozen=True, kw_only=True, gc=False):
    """From a bound (None: from the beginning of time) until the first of ``ends``."""

    begins: Bound | None
    ends: tuple[Bound, ...] = ()

    def holds(self, moment: When, zones: Zones) -> bool:
        """Tell whether ``moment`` lies in it."""
        begun = self.begins is None or self.begins.reached(moment, zones)
        return begun and not any(end.reached(moment, zones) for end in self.ends)

    def bounds(self) -> tuple[Bound, ...]:
        """Return every bound that was set."""
        return self.ends if self.begins is None else (self.begins, *self.ends)


class Cited(Struct, frozen=True, kw_only=True, gc=False):
    """A source as an answer shows it."""

    url: str
    publisher: str


class Text(Struct, frozen=True, kw_only=True, gc=False):
    """What one directive says, and the bounds between which it says so.

    Attributes:
        decided: When the event that gave the text occurred, and ``position`` where it stands.
        begins: All must be reached; None where it is not yet dated.
        ends: The first that is reached ends it: its own end, or a newer text of the same key.
        stays: When it has no legal effect. ``repeals``: when it is repealed. ``pauses``: when it
            stands and nobody is held to it.
        events: The ids of the events that gave, renewed or dated it, oldest first.
    """

    policy: str
    key: str
    authority: str | None
    binding: bool
    effect: Effect
    scope: Scope
    conditions: tuple[str, ...]
    enforced: bool
    implemented_by: str | None
    overrides: tuple[str, ...]
    decided: When
    position: int
    begins: tuple[Bound, ...] | None
    ends: tuple[Bound, ...]
    stays: tuple[Period, ...] = ()
    repeals: tuple[Period, ...] = ()
    pauses: tuple[Period, ...] = ()
    events: tuple[str, ...] = ()
    sources: tuple[Cited, ...] = ()
    draft: str | None = None

    @property
    def name(self) -> str:
        """The name by which others override it."""
        return f"policy:{self.policy}#{self.key}"

    @property
    def effective_from(self) -> When | None:
        """The latest of its beginnings; None where it is not dated."""
        if not self.begins:
            return None
        return max((bound.when for bound in self.begins), key=lambda when: when.order)

    @property
    def effective_until(self) -> When | None:
        """The first end that is foreseen and not undone; None where there is none."""
        repeals = [one.begins for one in self.repeals if one.begins and not one.ends]
        return min(
            (bound.when for bound in (*self.ends, *repeals)),
            key=lambda when: when.order,
            default=None,
        )

    def stands(self, moment: When, zones: Zones) -> bool:
        """Tell whether it is the key's text at ``moment``: begun, not ended, not repealed."""
        return (
            self.begins is not None
            and all(bound.reached(moment, zones) for bound in self.begins)
            and not any(bound.reached(moment, zones) for bound in self.ends)
            and not any(period.holds(moment, zones) for period in self.repeals)
        )

    def in_force(self, moment: When, zones: Zones) -> bool:
        """Tell whether it stands and is not stayed."""
        return self.stands(moment, zones) and not any(
            period.holds(moment, zones) for period in self.stays
        )

    def is_enforced(self, moment: When, zones: Zones) -> bool:
        """Tell whether anybody is held to it at ``moment``."""
        return self.enforced and not any(period.holds(moment, zones) for period in self.pauses)

    def bounds(self) -> tuple[Bound, ...]:
        """Return every bound at which something about it may change."""
        periods = (*self.stays, *self.repeals, *self.pauses)
        return (
            *(self.begins or ()),
            *self.ends,
            *(bound for period in periods for bound in period.bounds()),
        )
