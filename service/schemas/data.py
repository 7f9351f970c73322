"""One schema for the ``data`` of each type of event: untrusted JSON in, the domain's events out.

A schema has the fields of the class that it makes, no more and no less (a test holds them equal).
A field that the server gives, such as ``position``, is as unknown here as a misspelt one.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, pre_load

from service.domain.errors import nearest
from service.domain.events import (
    TYPES,
    AccessAffirmed,
    AccessObserved,
    AuthorityKind,
    ContextNoted,
    Directive,
    Effect,
    GroupChanged,
    Phase,
    PolicyAdopted,
    PolicyAmended,
    PolicyAnnounced,
    PolicyConsulted,
    PolicyProposed,
    PolicyReinstated,
    PolicyRepealed,
    PolicyScheduled,
    PolicySuspended,
    PolicyWithdrawn,
    RecordReviewed,
    Registered,
    RegistryKind,
    Relation,
    Source,
    SourceKind,
    SuspensionKind,
)
from service.domain.names import CATEGORIES
from service.domain.scope import Scope
from service.schemas.fields import (
    BoundField,
    DayField,
    FlagField,
    ListField,
    OccurrenceField,
    Sentence,
    Sha256Field,
    TextField,
    WordField,
    refuse,
)

MOST_FIELDS: Final = 100
"""Fields of one object at most; no object of ours has nearly as many."""

NAME: Final = 200
CONDITION: Final = 500
REASON: Final = 2000
URL: Final = 2000

_UNKNOWN: Final = "unknown field"


class Strict(Schema):
    """An object with known fields only, which becomes the domain's own.

    Attributes:
        makes: The dataclass whose fields these are.
    """

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    makes: ClassVar[type]
    error_messages = {  # noqa: RUF012 -- as marshmallow declares it
        "type": Sentence("This is no object: write it in braces, with its fields by name."),
        "unknown": Sentence(_UNKNOWN),
    }

    @pre_load
    def _bounded(self, values: Any, **_: Any) -> Any:  # noqa: ANN401 -- whatever the JSON holds
        if isinstance(values, Mapping) and len(values) > MOST_FIELDS:
            message = f"The object has {len(values):,} fields; it can have {len(self.fields)}."
            raise refuse(message)
        return values

    @post_load
    def _make(self, values: Mapping[str, Any], **_: Any) -> object:  # noqa: ANN401
        return self.makes(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
                if value is not None
            }
        )

    def handle_error(
        self,
        error: ValidationError,
        data: Any,  # noqa: ANN401, ARG002 -- as in marshmallow
        *,
        many: bool,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Say which field an unknown one may have meant."""
        messages = error.messages
        if not isinstance(messages, dict):
            return
        for name, said in messages.items():
            if isinstance(said, list) and _UNKNOWN in said:
                messages[name] = [self._unknown(str(name))]

    def _unknown(self, name: str) -> Sentence:
        near = nearest(name[:100], self.fields)
        if near is not None:
            return Sentence(f"There is no field {name[:40]!a} here. Did you mean {near!r}?", near)
        return Sentence(f"There is no field {name[:40]!a} here; there are {_listed(self.fields)}.")


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"


class StreamField(TextField):
    """The name of a stream of any category."""

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,
        data: Mapping[str, Any] | None,
        **more: Any,  # noqa: ANN401
    ) -> str:
        stream = super()._deserialize(value, attr, data, **more)
        category, colon, rest = stream.partition(":")
        if category not in CATEGORIES or not colon or not rest or not stream.isascii():
            message = f"{stream[:40]!a} is no stream: write it like 'policy:openai-api-block-2024'."
            raise refuse(message)
        return stream


class ScopeSchema(Strict):
    """Where something holds; a list left out means everything."""

    makes = Scope

    providers = ListField(TextField(required=True))
    services = ListField(TextField(required=True))
    regions = ListField(TextField(required=True))
    audiences = ListField(TextField(required=True))


class SourceSchema(Strict):
    """A page that says so."""

    makes = Source

    url = TextField(most=URL, required=True)
    publisher = TextField(most=NAME, required=True)
    kind = WordField(SourceKind, required=True)
    published_on = DayField()
    retrieved_on = DayField()
    archive_url = TextField(most=URL)
    sha256 = Sha256Field()


class RelationSchema(Strict):
    """A link to another stream."""

    makes = Relation

    rel = TextField(most=50, required=True)
    stream = StreamField(most=NAME, required=True)


class ObjectField(fields.Nested):
    """An object; where it is optional, null is absence."""

    def __init__(self, schema: type[Strict], *, required: bool = False) -> None:
        super().__init__(schema, required=required, allow_none=not required)

    def make_error(self, key: str, **details: Any) -> ValidationError:  # noqa: ANN401
        """Write the sentences for what is missing or null."""
        if key in ("required", "null"):
            state = "is missing" if key == "required" else "cannot be null"
            return refuse(f"This field {state}: give an object.")
        return super().make_error(key, **details)


def objects(schema: type[Strict], *, required: bool = False) -> ListField[Any]:
    """Return a field for a list of objects."""
    return ListField(ObjectField(schema, required=True), required=required)


def _keys() -> ListField[str]:
    return ListField(TextField(required=True))


class DirectiveSchema(Strict):
    """One effect on one scope for one period."""

    makes = Directive

    key = TextField(most=NAME, required=True)
    effect = WordField(Effect, required=True)
    scope = ObjectField(ScopeSchema)
    effective_from = BoundField()
    effective_until = BoundField()
    enforced = FlagField()
    conditions = ListField(TextField(most=CONDITION, required=True))
    implemented_by = TextField(most=NAME)
    overrides = ListField(TextField(most=NAME, required=True))


class RegisteredSchema(Strict):
    """registry.registered."""

    makes = Registered

    kind = WordField(RegistryKind, required=True)
    id = TextField(most=NAME, required=True)
    name = TextField(most=NAME, required=True)
    authority_kind = WordField(AuthorityKind)
    region = TextField(most=NAME)
    timezone = TextField(most=NAME)
    authority = TextField(most=NAME)
    homepage = TextField(most=URL)
    provider = TextField(most=NAME)
    upstream = TextField(most=NAME)


class GroupChangedSchema(Strict):
    """registry.group_changed."""

    makes = GroupChanged

    id = TextField(most=NAME, required=True)
    name = TextField(most=NAME, required=True)
    effective_from = BoundField(required=True)
    adds = _keys()
    removes = _keys()


class PolicyAnnouncedSchema(Strict):
    """policy.announced."""

    makes = PolicyAnnounced

    expected_on = OccurrenceField()
    drafts = objects(DirectiveSchema)


class PolicyProposedSchema(Strict):
    """policy.proposed."""

    makes = PolicyProposed

    expected_on = OccurrenceField()
    docket = TextField(most=NAME)
    drafts = objects(DirectiveSchema)


class PolicyConsultedSchema(Strict):
    """policy.consulted."""

    makes = PolicyConsulted

    phase = WordField(Phase, required=True)
    closes_on = DayField()


class PolicyAdoptedSchema(Strict):
    """policy.adopted."""

    makes = PolicyAdopted

    directives = objects(DirectiveSchema, required=True)
    published_on = DayField()


class PolicyScheduledSchema(Strict):
    """policy.scheduled."""

    makes = PolicyScheduled

    effective_from = BoundField()
    directives = _keys()


class PolicyAmendedSchema(Strict):
    """policy.amended."""

    makes = PolicyAmended

    effective_from = BoundField(required=True)
    directives = objects(DirectiveSchema)
    removes = _keys()


class PolicySuspendedSchema(Strict):
    """policy.suspended."""

    makes = PolicySuspended

    effective_from = BoundField(required=True)
    kind = WordField(SuspensionKind, required=True)
    effective_until = BoundField()
    directives = _keys()


class PolicyReinstatedSchema(Strict):
    """policy.reinstated."""

    makes = PolicyReinstated

    effective_from = BoundField(required=True)
    directives = _keys()


class PolicyWithdrawnSchema(Strict):
    """policy.withdrawn."""

    makes = PolicyWithdrawn

    reason = TextField(most=REASON, required=True)


class PolicyRepealedSchema(Strict):
    """policy.repealed."""

    makes = PolicyRepealed

    effective_from = BoundField(required=True)
    reason = TextField(most=REASON, required=True)
    ab_initio = FlagField()
    directives = _keys()


class AccessAffirmedSchema(Strict):
    """access.affirmed."""

    makes = AccessAffirmed

    directives = objects(DirectiveSchema, required=True)


class AccessObservedSchema(Strict):
    """access.observed."""

    makes = AccessObserved

    state = WordField(Effect, required=True)
    method = TextField(most=REASON, required=True)
    scope = ObjectField(ScopeSchema)
    valid_until = BoundField()


class ContextNotedSchema(Strict):
    """context.noted."""

    makes = ContextNoted

    topic = TextField(most=NAME, required=True)
    providers = _keys()
    regions = _keys()


class RecordReviewedSchema(Strict):
    """record.reviewed."""

    makes = RecordReviewed

    reviewed_on = DayField(required=True)


class TypeField(TextField):
    """The stable word of a type of event."""

    def __init__(self) -> None:
        super().__init__(required=True, metadata={"enum": list(TYPES)})
        self.expected = f"one of {', '.join(TYPES)}"

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 -- whatever the JSON holds
        attr: str | None,
        data: Mapping[str, Any] | None,
        **more: Any,  # noqa: ANN401
    ) -> str:
        text = super()._deserialize(value, attr, data, **more)
        if text not in TYPES:
            near = nearest(text[:100], TYPES)
            message = f"There is no type of event {text[:40]!a}: give {self.expected}."
            raise refuse(message, near)
        return text
