"""THE rule: what the access state of a cell is at a moment, and why.

This is the one place that decides access; no SQL, template or script decides it again. Of a world
as known it takes the binding texts in force whose scope contains the cell, and then:

1. overrides by name beat first, whatever the authority;
2. within one authority, per elementary scope: the narrower beats the wider (*lex specialis*), but
   what was decided earlier does not open what a later, wider directive suspends or blocks; of
   equal scopes the later beats (*lex posterior*); what cannot be compared stands beside it;
3. across authorities the most restrictive that stands decides; ``available`` and ``conditional``
   need a standing directive of the provider's own authority, otherwise the state is ``unknown``;
4. conditions accumulate over all in force, except those beaten by overrides or lex posterior.

Over all texts in force that is ``legal_state``, over the enforced ones ``state``.

What it means, case by case, stands in tests/scenarios.

Next: service/application/recording.py, the write path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from service.domain.directives import Cited, Text
from service.domain.events import Effect
from service.domain.registry import Registry
from service.domain.scope import Cell, Elementary, contains, matching
from service.domain.times import When
from service.domain.world import Observation, World

RULE = 1
"""The version of the rule and of the frozen list of regions; every answer names it."""


class State(StrEnum):
    """What an answer says of a cell; ``unknown`` is never to be read as available."""

    AVAILABLE = "available"
    CONDITIONAL = "conditional"
    NOT_OFFERED = "not_offered"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    MIXED = "mixed"


class Access(StrEnum):
    """The same for people and gateways in a hurry."""

    OPEN = "open"
    CONDITIONAL = "conditional"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    MIXED = "mixed"


class How(StrEnum):
    """How one directive beats another."""

    OVERRIDES = "overrides"
    SPECIALIS = "specialis"
    POSTERIOR = "posterior"


_ACCESS = {
    State.AVAILABLE: Access.OPEN,
    State.CONDITIONAL: Access.CONDITIONAL,
    State.NOT_OFFERED: Access.CLOSED,
    State.SUSPENDED: Access.CLOSED,
    State.BLOCKED: Access.CLOSED,
    State.UNKNOWN: Access.UNKNOWN,
    State.MIXED: Access.MIXED,
}

Answer: TypeAlias = tuple[State, State, tuple[str, ...]]
"""State, legal state and conditions: two answers are the same if these are."""


def access_of(state: State) -> Access:
    """Return what a state means at the door."""
    return _ACCESS[state]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A directive as an answer cites it."""

    authority: str | None
    policy: str
    key: str
    effect: Effect
    enforced: bool
    effective_from: When | None
    effective_until: When | None
    conditions: tuple[str, ...]
    implemented_by: str | None
    events: tuple[str, ...]
    sources: tuple[Cited, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """A directive in force that lost, to which (``policy:<slug>#<key>``), and how."""

    authority: str | None
    policy: str
    key: str
    effect: Effect
    by: str
    how: How
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A text in force that contains the cell, through these elementary scopes."""

    text: Text
    scopes: tuple[Elementary, ...]
    enforced: bool
    rank: tuple[date, datetime, int]

    def reason(self) -> Reason:
        """Return it as an answer cites it."""
        text = self.text
        return Reason(
            authority=text.authority,
            policy=text.policy,
            key=text.key,
            effect=text.effect,
            enforced=self.enforced,
            effective_from=text.effective_from,
            effective_until=text.effective_until,
            conditions=text.conditions,
            implemented_by=text.implemented_by,
            events=text.events,
            sources=text.sources,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What some claims come to."""

    state: State
    conditions: tuple[str, ...] = ()
    deciders: tuple[Claim, ...] = ()
    restricting: tuple[Claim, ...] = ()
    beaten: tuple[tuple[Claim, Claim, How], ...] = ()


@dataclass(frozen=True, slots=True)
class AccessState:
    """The rule's answer for one cell at one moment."""

    cell: Cell
    actual: Verdict
    legal: Verdict
    observed_state: State | None

    @property
    def state(self) -> State:
        """What holds: over the directives that are enforced."""
        return self.actual.state

    @property
    def access(self) -> Access:
        """What the state means at the door."""
        return access_of(self.actual.state)

    @property
    def legal_state(self) -> State:
        """What is decided: over all directives in force."""
        return self.legal.state

    @property
    def conditions(self) -> tuple[str, ...]:
        """What a customer must meet."""
        return self.actual.conditions

    @property
    def answer(self) -> Answer:
        """What two answers must share to be the same."""
        return self.actual.state, self.legal.state, self.actual.conditions

    @property
    def divergence(self) -> bool:
        """Whether law, practice and measurement fall apart."""
        return self.state is not self.legal_state or any(
            _contradicts(self.observed_state, state) for state in (self.state, self.legal_state)
        )

    @property
    def decided_by(self) -> tuple[Reason, ...]:
        """What gives the state, and adds its conditions."""
        return tuple(claim.reason() for claim in self.actual.deciders)

    @property
    def legal_decided_by(self) -> tuple[Reason, ...]:
        """What gives the legal state."""
        return tuple(claim.reason() for claim in self.legal.deciders)

    @property
    def also_restricting(self) -> tuple[Reason, ...]:
        """What stands, is not ``available``, and does not decide."""
        return tuple(claim.reason() for claim in self.actual.restricting)

    @property
    def overridden(self) -> tuple[Overridden, ...]:
        """What lost, to which, and how; what is not enforced loses in law alone."""
        in_law = (lost for lost in self.legal.beaten if not lost[0].enforced)
        return tuple(
            Overridden(
                authority=loser.text.authority,
                policy=loser.text.policy,
                key=loser.text.key,
                effect=loser.text.effect,
                by=winner.text.name,
                how=how,
                events=loser.text.events,
            )
            for loser, winner, how in (*self.actual.beaten, *in_law)
        )


def resolve(world: World, cell: Cell, moment: When) -> AccessState:
    """Decide the access state of ``cell`` at ``moment``, as ``world`` knows it."""
    claims = claims_on(world, cell, moment)
    enforced = [claim for claim in claims if claim.enforced]
    own = world.registry.authority_of(cell.provider)
    legal = _decide(claims, own, world.registry, moment)
    same = len(enforced) == len(claims)
    actual = legal if same else _decide(enforced, own, world.registry, moment)
    return AccessState(cell, actual, legal, _observed(world, cell, moment))


def claims_on(world: World, cell: Cell, moment: When) -> list[Claim]:
    """Return the binding texts in force whose scope contains the cell, in a fixed order."""
    registry = world.registry
    claims = [
        Claim(text, scopes, text.is_enforced(moment, registry), _rank(text, moment, registry))
        for text in world.texts
        if text.binding and text.draft is None
        if (scopes := matching(text.scope, cell, registry, moment))
        if text.in_force(moment, registry)
    ]
    claims.sort(key=lambda claim: (claim.text.policy, claim.text.key, claim.text.position))
    return claims


def _rank(text: Text, moment: When, registry: Registry) -> tuple[date, datetime, int]:
    """Return the key of lex posterior: later ``effective_from``, then higher position."""
    begins = text.begins or ()
    if moment.instant is None:
        return (*max(bound.when.order for bound in begins), text.position)
    latest = max(bound.when.in_zone(registry.zone(bound.authority)) for bound in begins)
    return latest.date(), latest, text.position


def _decide(claims: Sequence[Claim], own: str | None, registry: Registry, moment: When) -> Verdict:
    set_aside = _set_aside(claims)
    rest = [claim for claim in claims if claim.text.name not in set_aside]
    lost = {id(loser): (loser, winner, how) for loser, winner, how in _lost(rest, registry, moment)}
    standing = [claim for claim in rest if id(claim) not in lost]
    beaten = tuple(
        (claim, set_aside[claim.text.name], How.OVERRIDES)
        if claim.text.name in set_aside
        else lost[id(claim)]
        for claim in claims
        if claim.text.name in set_aside or id(claim) in lost
    )
    restricting = [claim for claim in standing if claim.text.effect is not Effect.AVAILABLE]
    if not standing:
        return Verdict(State.UNKNOWN, beaten=beaten)
    top = max((claim.text.effect for claim in standing), key=lambda effect: effect.rank)
    deciding = [claim for claim in standing if claim.text.effect is top]
    state = State(top)
    conditions: tuple[str, ...] = ()
    if not top.closed and all(claim.text.authority != own for claim in standing):
        return Verdict(State.UNKNOWN, restricting=tuple(restricting), beaten=beaten)
    if not top.closed:
        adding = [
            claim
            for claim in rest
            if claim.text.conditions and not claim.text.effect.closed
            if id(claim) not in lost or lost[id(claim)][2] is not How.POSTERIOR
        ]
        conditions = tuple(dict.fromkeys(one for claim in adding for one in claim.text.conditions))
        state = State.CONDITIONAL if conditions else state
        deciding = [claim for claim in rest if claim in deciding or claim in adding]
    deciders = {id(claim) for claim in deciding}
    return Verdict(
        state,
        conditions,
        tuple(deciding),
        tuple(claim for claim in restricting if id(claim) not in deciders),
        beaten,
    )


def _set_aside(claims: Sequence[Claim]) -> dict[str, Claim]:
    """Return what is overridden by name; what is itself set aside overrides nothing.

    Overrides never run in a circle (``admission`` refuses that), so each round settles the claims
    whose own overriders are settled.
    """
    found: dict[str, Claim] = {}
    waiting = [claim for claim in claims if claim.text.overrides]
    while waiting:
        named = {name for claim in waiting for name in claim.text.overrides}
        free = [claim for claim in waiting if claim.text.name not in named] or waiting
        for claim in free:
            if claim.text.name not in found:
                found.update((name, claim) for name in claim.text.overrides if name not in found)
        waiting = [claim for claim in waiting if claim not in free]
    return found


def _lost(
    claims: Sequence[Claim], registry: Registry, moment: When
) -> list[tuple[Claim, Claim, How]]:
    """Return the claims of which every matching scope is beaten, by which claim, and how.

    Posterior where every scope was replaced, since then its conditions go too.
    """
    lost: list[tuple[Claim, Claim, How]] = []
    for claim in claims:
        rivals = [
            other
            for other in claims
            if other is not claim and other.text.authority == claim.text.authority
        ]
        beaters = [
            [
                (other, how)
                for other in rivals
                for stronger in other.scopes
                if (how := _beats(other, stronger, claim, scope, registry, moment)) is not None
            ]
            for scope in claim.scopes
        ]
        if not all(beaters):
            continue
        replaced = all(any(how is How.POSTERIOR for _, how in one) for one in beaters)
        wanted = How.POSTERIOR if replaced else How.SPECIALIS
        found = [other for one in beaters for other, how in one if how is wanted]
        lost.append((claim, next(other for other in rivals if other in found), wanted))
    return lost


def _beats(  # noqa: PLR0913, PLR0917 two claims with the scope of each, and the moment
    strong: Claim,
    strong_scope: Elementary,
    weak: Claim,
    weak_scope: Elementary,
    registry: Registry,
    moment: When,
) -> How | None:
    narrower = contains(weak_scope, strong_scope, registry, moment)
    wider = contains(strong_scope, weak_scope, registry, moment)
    if narrower and wider:
        return How.POSTERIOR if strong.rank > weak.rank else None
    if not narrower:
        return None
    opens = strong.text.effect.rank < weak.text.effect.rank
    closes = weak.text.effect in (Effect.SUSPENDED, Effect.BLOCKED)
    earlier = strong.text.decided.order < weak.text.decided.order
    return None if earlier and closes and opens else How.SPECIALIS


def _observed(world: World, cell: Cell, moment: When) -> State | None:
    """Return what the latest valid measurement saw, without regard to how narrow it was."""
    registry = world.registry
    seen = [one for one in world.observations if _is_valid(one, cell, moment, registry)]
    if not seen:
        return None
    latest = max(seen, key=lambda one: (*one.occurred.when.order, one.position))
    return State(latest.state)


def _is_valid(one: Observation, cell: Cell, moment: When, registry: Registry) -> bool:
    return (
        one.occurred.reached(moment, registry)
        and not (one.valid_until and one.valid_until.reached(moment, registry))
        and bool(matching(one.scope, cell, registry, moment))
    )


def _contradicts(observed: State | None, state: State) -> bool:
    """Tell whether a measurement and a state cannot both be so; nothing contradicts unknown."""
    if observed is None or state is State.UNKNOWN:
        return False
    return (access_of(observed) is Access.CLOSED) != (access_of(state) is Access.CLOSED)
