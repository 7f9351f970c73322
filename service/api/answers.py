"""The answers that ``rendering``, ``changes`` and ``problems`` name themselves, as JSON Schema."""

from collections.abc import Mapping
from typing import Any, Final

from service.api.changes import UPCOMING_COLUMNS
from service.api.query import DEFAULT_LIMIT, MAX_LIMIT
from service.application.gating import MAX_CELLS
from service.domain.answers import KnownAt
from service.domain.dossier import Dossier
from service.domain.pending import Pending
from service.domain.resolution import Access, State
from service.domain.scope import Scope
from service.schemas.checks import MAX_TEXT

Doc = dict[str, Any]

REF: Final = "#/components/schemas/"

WHEN: Final[Doc] = {
    "type": "string",
    "description": "A date, or an instant with an offset.",
    "examples": ["2024-07-09", "2024-07-09T00:00:00Z"],
}
RECORDED_AT: Final[Doc] = {"type": "string", "format": "date-time"}
_OPEN: Final[Doc] = {"anyOf": [WHEN, {"type": "null"}]}
_TEXT: Final[Doc] = {"type": "string"}
_MAYBE: Final[Doc] = {"type": ["string", "null"]}
_NUMBER: Final[Doc] = {"type": "integer", "minimum": 0}
_TEXTS: Final[Doc] = {"type": "array", "items": _TEXT}
_KNOWN_AT: Final[Doc] = {"$ref": f"{REF}{KnownAt.__name__}"}
_STATE: Final[Doc] = {"$ref": f"{REF}{State.__name__}"}
_NEXT: Final[Doc] = {
    **_MAYBE,
    "description": f"The cursor of the next part (at most {MAX_LIMIT}, usually {DEFAULT_LIMIT}).",
}


def _object(**properties: Doc) -> Doc:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _spread(described: Doc) -> Doc:
    """Describe what a server with replicas says besides."""
    replicas = {**_object(**{"in": _NUMBER, "of": _NUMBER}), "description": "Which answer reads."}
    return {**described, "properties": {**described["properties"], "replicas": replicas}}


def _items(schema: str) -> Doc:
    return {"type": "array", "items": {"$ref": REF + schema}}


def written_out(dataclasses: Mapping[str, Doc]) -> Doc:
    """Describe them, some with the fields of what ``dataclasses`` describes."""
    known = {"known_at": _KNOWN_AT}
    asked = {"as_of": WHEN, **known}
    dossier = dataclasses[Dossier.__name__]
    interval = _object(
        service=_TEXT,
        **{"from": _OPEN},
        until=_OPEN,
        state=_STATE,
        access={"$ref": f"{REF}{Access.__name__}"},
        legal_state=_STATE,
        conditions=_TEXTS,
        started_by=_TEXTS,
        ended_by=_TEXTS,
    )
    timeline = {
        "provider": _TEXT,
        "region": _TEXT,
        "audience": _TEXT,
        **known,
        "rule": _NUMBER,
        "items": _items("Interval"),
    }
    described = {
        "Cells": _object(**asked, rule=_NUMBER, items=_items("Row"), next=_NEXT),
        "Interval": interval,
        "Timeline": _object(**timeline),
        "Differences": _object(
            as_of=_object(**{"from": WHEN}, until=WHEN),
            known_at=_object(**{"from": _KNOWN_AT}, until=_KNOWN_AT),
            rule=_NUMBER,
            items=_items("Difference"),
            next=_NEXT,
        ),
        "Revisions": _object(
            **{**timeline, "as_of": WHEN, "items": _items("Revision")},
        ),
        "Check": _CHECK,
        "Checks": _object(**asked, rule=_NUMBER, items=_items("Checked")),
        "Upcoming": _object(**_upcoming(dataclasses[Pending.__name__])),
        "Agenda": _object(
            **{"from": _DAY}, until=_DAY, **known, items=_items("Upcoming"), next=_NEXT
        ),
        "Changes": _object(**known, items=_items("ChangeMade"), next=_NEXT),
        "Audit": _object(**known, items=_items("AuditItem"), next=_NEXT),
        "KeyAudits": _object(**known, items=_items("KeyAudit"), next=_NEXT),
        "Trail": _object(policy=_TEXT, **known, items=_items("Entry"), next=_NEXT),
        "Events": _object(items=_items("RecordedEvent"), next=_NEXT),
        "Policies": _object(**asked, items=_items("Dossier"), next=_NEXT),
        "Policy": _object(**asked, **dossier["properties"]),
        "Authority": _object(id=_TEXT, name=_TEXT, kind=_TEXT, region=_MAYBE, timezone=_MAYBE),
        "Provider": _object(id=_TEXT, name=_TEXT, authority=_TEXT, homepage=_MAYBE),
        "Service": _object(
            id=_TEXT, name=_TEXT, provider=_TEXT, service=_TEXT, parent=_MAYBE, upstream=_MAYBE
        ),
        "Audience": _object(id=_TEXT, name=_TEXT, parent=_MAYBE),
        "Region": _object(
            id=_TEXT,
            name=_TEXT,
            kind={"type": "string", "enum": ["country", "subdivision", "group"]},
            parent=_MAYBE,
            members={"type": ["array", "null"], "items": _TEXT},
        ),
        "Vocabulary": {"type": "object", "additionalProperties": _TEXTS},
        "Coverage": _object(**known, items=_items("CoverageRow"), next=_NEXT),
        "LogKey": _LOG_KEY,
        "Inclusion": _object(**_INCLUSION),
        "Consistency": _CONSISTENCY,
        "EventProof": _EVENT_PROOF,
        "Meta": _META,
        "Alive": _spread(_object(status={"type": "string", "enum": ["ok"]})),
        "Ready": _spread(_READY),
        "Problem": _PROBLEM,
    }
    for plural, one in _REFERENCE.items():
        more = asked if plural == "Regions" else known
        described[plural] = _object(**more, items=_items(one), next=_NEXT)
    return described


_REFERENCE: Final = {
    "Authorities": "Authority",
    "Providers": "Provider",
    "Services": "Service",
    "Audiences": "Audience",
    "Regions": "Region",
}


def _upcoming(pending: Doc) -> Doc:
    """Describe a change to come: what is pending, and what a list says of it besides."""
    besides = {"on": _OPEN, "title": _MAYBE, "scope": {"$ref": REF + Scope.__name__}}
    return {name: besides.get(name) or pending["properties"][name] for name in UPCOMING_COLUMNS}


_ID: Final[Doc] = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_MAYBE_ID: Final[Doc] = {**_ID, "type": ["string", "null"]}
_DAY: Final[Doc] = {"type": "string", "format": "date"}
_CHECK: Final[Doc] = {
    "type": "object",
    "properties": {
        "as_of": {
            **_MAYBE_ID,
            "description": "A date, or an instant with an offset; today in UTC if left out.",
        },
        "known_at": {
            **_MAYBE_ID,
            "description": "`@<position>`, an instant or a date; all that is known if left out.",
        },
        "cells": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_CELLS,
            "items": {
                "type": "object",
                "properties": {
                    "provider": _ID,
                    "service": _ID,
                    "region": _ID,
                    "audience": {**_MAYBE_ID, "description": "`public` where it is left out."},
                },
                "required": ["provider", "service", "region"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["cells"],
    "additionalProperties": False,
}
CHANGE: Final[Doc] = {"cause": {"type": "string", "enum": ["world", "record"]}}
ENTRY: Final[Doc] = {
    "standing": {"type": "boolean", "description": "Whether it was not taken back."},
    "corrects": {**_MAYBE, "description": "Of a correction the event that it names."},
    "corrected_by": {**_TEXTS, "description": "The corrections that name it, oldest first."},
    "stands": {
        "description": "The event as it now stands; null where it does not.",
        "anyOf": [{"$ref": REF + "Event"}, {"type": "null"}],
    },
}
_READY: Final = _object(
    status={"type": "string", "enum": ["ready"]},
    position=_NUMBER,
    applied=_NUMBER,
    lag=_NUMBER,
    rule=_NUMBER,
    generation=_NUMBER,
    building={"type": ["integer", "null"]},
)
_HASH: Final[Doc] = {
    "type": "string",
    "description": "A SHA-256 in base64 (RFC 4648, section 4).",
    "examples": ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
}
_HASHES: Final[Doc] = {"type": "array", "items": _HASH}
_INCLUSION: Final[Doc] = {
    "index": _NUMBER,
    "size": _NUMBER,
    "leaf_hash": _HASH,
    "root": _HASH,
    "proof": {**_HASHES, "description": "RFC 6962, section 2.1.1: the leaf's sibling first."},
}
_CONSISTENCY: Final = _object(
    old_size=_NUMBER,
    new_size=_NUMBER,
    old_root=_HASH,
    new_root=_HASH,
    proof={**_HASHES, "description": "RFC 6962, section 2.1.2."},
)
_EVENT_PROOF: Final = _object(
    id=_TEXT,
    position=_NUMBER,
    **_INCLUSION,
    entry={**_TEXT, "description": "The event's canonical bytes (RFC 8785), UTF-8: the leaf."},
    checkpoint={**_MAYBE, "description": "A signed note (c2sp.org/tlog-checkpoint)."},
)
_LOG_KEY: Final = _object(
    verifier_key={**_TEXT, "description": "The newest key (c2sp.org/signed-note)."},
    origin={**_TEXT, "description": "The first line of each checkpoint."},
    verifier_keys={**_TEXTS, "description": "All that sign now, the oldest first."},
)
_META: Final = _object(
    name=_TEXT,
    version=_TEXT,
    head=_object(position=_NUMBER, recorded_at={**_MAYBE, "format": "date-time"}),
    rule=_NUMBER,
    regions_frozen_on={"type": "string", "format": "date"},
    counts={"type": "object", "additionalProperties": _NUMBER},
    licences=_object(code=_TEXT, data=_TEXT),
)
_FAULT: Final[Doc] = {
    "type": "object",
    "properties": {
        "pointer": {
            "type": "string",
            "description": "Where in the body: a JSON Pointer (RFC 6901).",
            "examples": ["/events/0/data/directives/0/effect"],
        },
        "parameter": {"type": "string", "description": "Which parameter or header."},
        "detail": {"type": "string", "description": "What is wrong and what would be right."},
        "suggestion": {"type": "string", "description": "What would be accepted."},
    },
    "required": ["detail"],
    "additionalProperties": False,
}
_PROBLEM: Final[Doc] = {
    "type": "object",
    "description": "RFC 9457; a conflict of versions also has stream, expected and actual.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "instance": {**_MAYBE, "description": "The id of the request, as in X-Request-ID."},
        "errors": {"type": "array", "items": _FAULT},
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
