"""What can happen: the closed union of events.

An event is an envelope (``Event``) around the ``data`` of its type, one frozen class each, named
as a past-tense fact. The type's stable word (``policy.adopted``) is what is stored, never the name
of a class, so a class may be renamed and history stays readable::

    {"id": "0192…", "type": "policy.adopted", "stream": "policy:openai-unsupported-regions-2024",
     "authority": "openai", "occurred_on": "2024-06-24", "title": "…",
     "data": {"directives": [{"key": "api", "effect": "blocked", "scope": {…},
                              "effective_from": "2024-07-09", "effective_until": null, …}]},
     "sources": [{"url": "https://…", "publisher": "…", "kind": "press"}]}

``Recorded`` is an event with what the log gave it. Absent optional fields are None.

Next: service/domain/directives.py, what a directive says.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias, TypeVar
from uuid import UUID

from msgspec import Struct, field

from service.domain.scope import EVERYWHERE, Scope
from service.domain.times import When


class Effect(StrEnum):
    """What a directive does to access, least restrictive first (DESIGN, section 4)."""

    AVAILABLE = "available"
    CONDITIONAL = "conditional"
    NOT_OFFERED = "not_offered"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"

    @property
    def rank(self) -> int:
        """0 for available up to 4 for blocked."""
        return _RANKS[self]

    @property
    def closed(self) -> bool:
        """Whether nobody gets in."""
        return self.rank >= _RANKS[Effect.NOT_OFFERED]


_RANKS = {effect: rank for rank, effect in enumerate(Effect)}


class Instrument(StrEnum):
    """The legal nature of the act."""

    PROVIDER_POLICY = "provider_policy"
    LAW = "law"
    ORDER = "order"
    DECISION = "decision"
    COURT_RULING = "court_ruling"
    GUIDANCE = "guidance"
    STATEMENT = "statement"
    INQUIRY = "inquiry"
    TREATY = "treaty"


class Confidence(StrEnum):
    """How sure the record is of the event."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class SourceKind(StrEnum):
    """Who speaks in a source."""

    OFFICIAL = "official"
    PRESS = "press"
    DATASET = "dataset"
    OTHER = "other"


class RegistryKind(StrEnum):
    """What ``registry.registered`` can name; groups have an event of their own."""

    AUTHORITY = "authority"
    PROVIDER = "provider"
    SERVICE = "service"
    AUDIENCE = "audience"


class AuthorityKind(StrEnum):
    """What sort of authority decides."""

    PROVIDER = "provider"
    GOVERNMENT = "government"
    REGULATOR = "regulator"
    LEGISLATURE = "legislature"
    COURT = "court"
    INTERNATIONAL = "international"
    OBSERVER = "observer"


class Phase(StrEnum):
    """A consultation opens and closes."""

    OPENED = "opened"
    CLOSED = "closed"


class SuspensionKind(StrEnum):
    """Stayed: no legal effect. Enforcement paused: the law stands, nobody is held to it."""

    STAYED = "stayed"
    ENFORCEMENT_PAUSED = "enforcement_paused"


class CorrectionAction(StrEnum):
    """How our record is mended."""

    AMEND = "amend"
    RETRACT = "retract"


_T = TypeVar("_T")


def always(*, value: _T) -> _T:
    """Return a default that is written out all the same; what else is absent is left out.

    A null means something in the bounds of a directive: not yet dated, and without end.
    """
    default: _T = field(default_factory=lambda: value)
    return default


class Source(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A page that says so."""

    url: str
    publisher: str
    kind: SourceKind
    published_on: date | None = None
    retrieved_on: date | None = None
    archive_url: str | None = None
    sha256: str | None = None


class Relation(Struct, frozen=True, kw_only=True, gc=False):
    """A link to another stream."""

    rel: str
    stream: str


class Directive(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One effect on one scope for one period, keyed within its policy.

    Attributes:
        key: Unique within the policy; the same key again is the same directive.
        effective_from: First day or instant; None is not yet dated where the policy is adopted,
            and the event's own date where it is amended or affirmed.
        effective_until: Exclusive; None has no end.
        enforced: Whether the operator or authority acts on it.
        conditions: What a customer must meet; ``conditional`` needs one.
        implemented_by: The authority that carries it out (RFC 7725, ``blocked-by``).
        overrides: Directives set aside by name, ``policy:<slug>#<key>``.
    """

    key: str
    effect: Effect
    scope: Scope = always(value=EVERYWHERE)
    effective_from: When | None = always(value=None)
    effective_until: When | None = always(value=None)
    enforced: bool = always(value=True)
    conditions: tuple[str, ...] = always(value=())
    implemented_by: str | None = None
    overrides: tuple[str, ...] = always(value=())


class Registered(Struct, frozen=True, kw_only=True, gc=False):
    """``registry.registered``: an id is known from now on; again: it is renamed."""

    kind: RegistryKind
    id: str
    name: str
    authority_kind: AuthorityKind | None = None
    region: str | None = None
    timezone: str | None = None
    authority: str | None = None
    homepage: str | None = None
    provider: str | None = None
    upstream: str | None = None


class GroupChanged(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``registry.group_changed``: regions join or leave a group on a day."""

    id: str
    name: str
    effective_from: When
    adds: tuple[str, ...] = always(value=())
    removes: tuple[str, ...] = always(value=())


class PolicyAnnounced(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.announced``: intent."""

    expected_on: When | None = None
    drafts: tuple[Directive, ...] = always(value=())


class PolicyProposed(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.proposed``: a proposal, without effect."""

    expected_on: When | None = None
    docket: str | None = None
    drafts: tuple[Directive, ...] = always(value=())


class PolicyConsulted(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.consulted``: comments are asked for, or no longer."""

    phase: Phase
    closes_on: date | None = None


class PolicyAdopted(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.adopted``: nothing more must pass."""

    directives: tuple[Directive, ...]
    published_on: date | None = None


class PolicyScheduled(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.scheduled``: dates what has not begun, or moves its date; None takes it away."""

    effective_from: When | None = always(value=None)
    directives: tuple[str, ...] | None = None


class PolicyAmended(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.amended``: from a date on, new texts stand in place of the old."""

    effective_from: When
    directives: tuple[Directive, ...] = always(value=())
    removes: tuple[str, ...] = always(value=())


class PolicySuspended(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.suspended``: stayed, or no longer enforced, for a time."""

    effective_from: When
    kind: SuspensionKind
    effective_until: When | None = None
    directives: tuple[str, ...] | None = None


class PolicyReinstated(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.reinstated``: ends suspensions and repeals decided before it."""

    effective_from: When
    directives: tuple[str, ...] | None = None


class PolicyWithdrawn(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.withdrawn``: given up before it was adopted."""

    reason: str


class PolicyRepealed(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``policy.repealed``: ended; ``ab_initio``: as if it never was."""

    effective_from: When
    reason: str
    ab_initio: bool = always(value=False)
    directives: tuple[str, ...] | None = None


class AccessAffirmed(Struct, frozen=True, kw_only=True, gc=False):
    """``access.affirmed``: the authority states what holds."""

    directives: tuple[Directive, ...]


class AccessObserved(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``access.observed``: somebody measured."""

    state: Effect
    method: str
    scope: Scope = always(value=EVERYWHERE)
    valid_until: When | None = None


class ContextNoted(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """``context.noted``: background, which moves no state."""

    topic: str
    providers: tuple[str, ...] = always(value=())
    regions: tuple[str, ...] = always(value=())


class RecordCorrected(Struct, frozen=True, kw_only=True, gc=False):
    """``record.corrected``: mends our record; a change in the world is ``policy.amended``."""

    event: UUID
    action: CorrectionAction
    reason: str
    replacement: "Event | None" = None


class RecordReviewed(Struct, frozen=True, kw_only=True, gc=False):
    """``record.reviewed``: somebody checked that it still holds."""

    reviewed_on: date


EventData: TypeAlias = (
    Registered
    | GroupChanged
    | PolicyAnnounced
    | PolicyProposed
    | PolicyConsulted
    | PolicyAdopted
    | PolicyScheduled
    | PolicyAmended
    | PolicySuspended
    | PolicyReinstated
    | PolicyWithdrawn
    | PolicyRepealed
    | AccessAffirmed
    | AccessObserved
    | ContextNoted
    | RecordCorrected
    | RecordReviewed
)

TYPES: dict[str, type[EventData]] = {
    "registry.registered": Registered,
    "registry.group_changed": GroupChanged,
    "policy.announced": PolicyAnnounced,
    "policy.proposed": PolicyProposed,
    "policy.consulted": PolicyConsulted,
    "policy.adopted": PolicyAdopted,
    "policy.scheduled": PolicyScheduled,
    "policy.amended": PolicyAmended,
    "policy.suspended": PolicySuspended,
    "policy.reinstated": PolicyReinstated,
    "policy.withdrawn": PolicyWithdrawn,
    "policy.repealed": PolicyRepealed,
    "access.affirmed": AccessAffirmed,
    "access.observed": AccessObserved,
    "context.noted": ContextNoted,
    "record.corrected": RecordCorrected,
    "record.reviewed": RecordReviewed,
}
NAMES: dict[type[EventData], str] = {data: name for name, data in TYPES.items()}


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """The envelope: what everybody who records something says."""

    id: UUID
    stream: str
    occurred_on: When
    data: EventData
    authority: str | None = None
    title: str | None = None
    summary: str | None = None
    instrument: Instrument | None = None
    binding: bool = True
    confidence: Confidence | None = None
    relates_to: tuple[Relation, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def type(self) -> str:
        """The stable word of its type."""
        return NAMES[type(self.data)]


class Recorded(Struct, frozen=True, kw_only=True, gc=False):
    """An event as the log holds it.

    Attributes:
        position: Place in the log, from 1, without gaps.
        version: Place in its stream, from 1.
        recorded_at: Aware UTC instant, never earlier than that of the event before.
        recorded_by: The id of the key that appended it.
    """

    event: Event
    position: int
    version: int
    recorded_at: datetime
    recorded_by: str
    schema_version: int = 1

    @property
    def order(self) -> tuple[date, datetime, int]:
        """Key of the order in which a policy folds: by ``occurred_on``, then position."""
        return (*self.event.occurred_on.order, self.position)


def directives_of(event: Event) -> tuple[Directive, ...]:
    """Return the directives that an event carries, drafts included."""
    match event.data:
        case PolicyAnnounced(drafts=carried) | PolicyProposed(drafts=carried):
            return carried
        case (
            PolicyAdopted(directives=carried)
            | PolicyAmended(directives=carried)
            | AccessAffirmed(directives=carried)
        ):
            return carried
        case _:
            return ()


def scopes_of(event: Event) -> tuple[Scope, ...]:
    """Return the scopes that an event speaks of."""
    if isinstance(event.data, AccessObserved):
        return (event.data.scope,)
    return tuple(directive.scope for directive in directives_of(event))


def named_keys(event: Event) -> tuple[str, ...] | None:
    """Return the keys that a step names; None where it names none and means all."""
    match event.data:
        case (
            PolicyScheduled(directives=named)
            | PolicySuspended(directives=named)
            | PolicyReinstated(directives=named)
            | PolicyRepealed(directives=named)
        ):
            return named
        case PolicyAmended(removes=named):
            return named or None
        case _:
            return None
