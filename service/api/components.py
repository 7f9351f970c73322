"""The components of the OpenAPI document: schemas, refusals, and how a key is sent.

Inputs are described by the marshmallow schemas that read them, answers by the dataclasses that are
written, and where ``rendering`` and ``changes`` name fields themselves, in ``answers``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from service.api.answers import CHANGE, ENTRY, RECORDED_AT, REF, WHEN, Doc, written_out
from service.api.audits import AuditItem
from service.application import coverage
from service.application.asking import Row
from service.application.comparing import Difference, Revision
from service.application.gating import Checked
from service.application.preview import Preview
from service.application.recorders import KeyAudit
from service.application.recording import Receipt
from service.domain.answers import Explained
from service.domain.dossier import Dossier
from service.domain.pending import Pending
from service.domain.scope import Scope
from service.domain.times import When
from service.schemas.events import SCHEMAS, EventSchema
from service.schemas.strict import MAX_DEPTH, MAX_DIGITS

PROBLEM: Final = "application/problem+json"

# What an operation may be refused for, by status.
_REFUSALS: Final[Mapping[int, str]] = {
    400: "The body is not JSON, or the cursor was not given for this question.",
    401: "A good key is needed.",
    403: "The key may not do this.",
    404: "The path names something that is not known; a near name is suggested.",
    406: "The answer has none of the forms that `Accept` names.",
    409: "A stream is at another version, or an id names another event.",
    413: "The body is too large.",
    415: "The body is not uncompressed `application/json`.",
    422: "The input is not valid; `errors` says what and where.",
    429: "Too many appends with this key, or too many wrong keys from this address.",
    500: "A fault of the server.",
    503: (
        "The log cannot be used just now, or has not come to `min_position`; `Retry-After` says "
        "when to ask again."
    ),
}
_RETRIED: Final = (429, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server takes at most: bytes of a body, and events of a batch."""

    body_bytes: int
    batch: int


def register(spec: Any, limits: Limits) -> None:  # noqa: ANN401 -- apispec's, untyped
    """Put all components into a document."""
    for schema in SCHEMAS.values():
        spec.components.schema(schema.makes.__name__, schema=schema)
    spec.components.schema("Event", schema=EventSchema)
    known, answered = spec.components.schemas, _of_dataclasses()
    for name, described in {**answered, **written_out(answered)}.items():
        if name not in known:
            spec.components.schema(name, described)
    event = known["Event"]
    recorded = {
        "type": "object",
        "description": "An event with what the log gave it.",
        "properties": {**event["properties"], **_GIVEN_BY_THE_LOG},
        "required": ["id", *event["required"], *_GIVEN_BY_THE_LOG],
        "additionalProperties": False,
    }
    spec.components.schema("RecordedEvent", recorded)
    spec.components.schema("ChangeMade", _with(recorded, CHANGE))
    spec.components.schema("Entry", _with(recorded, ENTRY))
    spec.components.schema("Batch", _batch(limits))
    known["Event"] = _by_type(spec, event)
    for status, description in _REFUSALS.items():
        content = {PROBLEM: {"schema": {"$ref": REF + "Problem"}}}
        refused = {"description": description, "content": content}
        if status in _RETRIED:
            refused["headers"] = _RETRY_AFTER
        spec.components.response(str(status), refused)
    spec.components.security_scheme(
        "key",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "alk_<id>_<secret>",
            "description": "A key of the role `reader` or `curator`; only curators may append.",
        },
    )


def _by_type(spec: Any, event: Doc) -> Doc:  # noqa: ANN401 -- apispec's, untyped
    """Describe an event as one of its types, each with its own ``data``."""
    names = {}
    for kind, schema in SCHEMAS.items():
        name = names[kind] = f"{schema.makes.__name__}Event"
        own = {
            "type": {"type": "string", "const": kind},
            "data": {"$ref": REF + schema.makes.__name__},
        }
        spec.components.schema(name, {**event, "properties": {**event["properties"], **own}})
    return {
        "description": event.get("description", "An event of one of the types."),
        "oneOf": [{"$ref": REF + name} for name in names.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind: REF + name for kind, name in names.items()},
        },
    }


def _with(recorded: Doc, more: Doc) -> Doc:
    """Return the schema of recorded events that have more fields."""
    return {
        **recorded,
        "properties": more | recorded["properties"],
        "required": [*more, *recorded["required"]],
    }


_RETRY_AFTER: Final[Doc] = {
    "Retry-After": {
        "description": "Seconds after which to come back.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_GIVEN_BY_THE_LOG: Final[Doc] = {
    "schema_version": {"type": "integer", "minimum": 1},
    "position": {"type": "integer", "minimum": 1},
    "version": {"type": "integer", "minimum": 1},
    "recorded_at": {"type": "string", "format": "date-time"},
    "recorded_by": {"type": "string", "description": "The id of a key, no person's name."},
}


_ANSWERED: Final = (
    *(Explained, Row, Receipt, Preview, Dossier, Difference, Revision, Checked, Pending, Scope),
    *(AuditItem, KeyAudit),
)


def _of_dataclasses() -> Doc:
    """Describe the dataclasses that are answered as they are."""
    _, described = msgspec.json.schema_components(
        _ANSWERED,
        ref_template=REF + "{name}",
        schema_hook=_of_type,
    )
    closed = {name: _closed(one) for name, one in described.items()}
    _, covered = msgspec.json.schema_components((coverage.Row,), schema_hook=_of_type)
    closed["CoverageRow"] = _closed(covered["Row"])
    # A cell's own problem is not the one that a refusal is.
    closed["CellProblem"] = closed.pop("Problem")
    checked = closed[Checked.__name__]
    checked["properties"]["problem"] = {"$ref": REF + "CellProblem"}
    checked["required"].remove("problem")
    return closed


def _of_type(kind: type) -> Doc:
    if kind is When:
        return dict(WHEN)
    if kind is datetime:
        return dict(RECORDED_AT)
    raise NotImplementedError(kind)


def _closed(described: Doc) -> Doc:
    """Say that an answer has all of its fields and no others."""
    if described.get("type") != "object":
        return described
    every = list(described["properties"])
    properties = {
        name: {key: value for key, value in one.items() if key != "default"}
        for name, one in described["properties"].items()
    }
    return {
        **described,
        "properties": properties,
        "required": every,
        "additionalProperties": False,
    }


def _batch(limits: Limits) -> Doc:
    return {
        "type": "object",
        "description": (
            f"At most {limits.body_bytes:,} bytes of strict JSON (RFC 7493), nested {MAX_DEPTH} "
            f"deep, integers of {MAX_DIGITS} digits."
        ),
        "properties": {
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": limits.batch,
                "items": {"$ref": REF + "Event"},
            },
            "expected_versions": {
                "type": ["object", "null"],
                "description": "The version at which a stream must be; 0 means that it is new.",
                "additionalProperties": {"type": "integer", "minimum": 0},
                "maxProperties": limits.batch,
            },
        },
        "required": ["events"],
        "additionalProperties": False,
    }
