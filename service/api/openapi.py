"""The OpenAPI document: what each operation takes and answers, made from what the code itself uses.

Inputs are described by the marshmallow schemas that read them, answers by the dataclasses that are
written (and where ``rendering`` names fields itself, here, beside each other). flask-smorest puts
operations together; the document is served at ``/openapi.json``.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec
import orjson
from flask import Flask, Response
from flask_smorest import Api, Blueprint

from service import __version__
from service.api.query import DEFAULT_LIMIT, MAX_LIMIT, Parameter
from service.api.schemas.events import SCHEMAS, EventSchema
from service.application.asking import Row
from service.application.preview import Preview
from service.application.recording import Receipt
from service.domain.answers import Explained, KnownAt
from service.domain.dossier import Dossier
from service.domain.resolution import Access, State
from service.domain.times import When

Doc = dict[str, Any]

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"

_REF: Final = "#/components/schemas/"

# What an operation may be refused for, by status.
_REFUSALS: Final[Mapping[int, str]] = {
    400: "The body is not JSON, or the cursor was not given for this question.",
    401: "A good key is needed.",
    403: "The key may not do this.",
    404: "The path names something that is not known; a near name is suggested.",
    409: "A stream is at another version, or an id names another event.",
    413: "The body is too large.",
    415: "The body is not uncompressed `application/json`.",
    422: "The input is not valid; `errors` says what and where.",
    500: "A fault of the server.",
    503: "The log cannot be used just now; `Retry-After` says when to ask again.",
}
_READING: Final = (400, 401, 422, 500, 503)
_APPENDING: Final = (400, 401, 403, 409, 413, 415, 422, 500, 503)

_SECURITY: Final[Doc] = {"key": []}

EXAMPLE_EVENT: Final[Doc] = {
    "type": "policy.adopted",
    "stream": "policy:openai-unsupported-regions-2024",
    "authority": "openai",
    "occurred_on": "2024-06-24",
    "title": "OpenAI will block API traffic from unsupported regions from 9 July 2024",
    "summary": "OpenAI wrote to organisations whose API traffic came from a region off its list.",
    "instrument": "provider_policy",
    "confidence": "high",
    "data": {
        "directives": [
            {
                "key": "api",
                "effect": "blocked",
                "scope": {
                    "providers": ["openai"],
                    "services": ["api"],
                    "regions": ["CN", "HK", "RU"],
                },
                "effective_from": "2024-07-09",
                "effective_until": None,
            }
        ]
    },
    "sources": [
        {
            "url": "https://www.theregister.com/2024/06/25/openai_unsupported_countries/",
            "publisher": "The Register",
            "published_on": "2024-06-25",
            "kind": "press",
        }
    ],
}
_EXAMPLE_CORRECTION: Final[Doc] = {
    "type": "record.corrected",
    "stream": "policy:openai-unsupported-regions-2024",
    "occurred_on": "2026-11-26",
    "data": {
        "event": "456fbba2-a51f-42fb-b282-aa9aeedb480a",
        "action": "retract",
        "reason": "The notice was recorded twice.",
    },
}
_EXAMPLES: Final[Doc] = {
    "adopted": {
        "summary": "A provider's dated notice",
        "value": {
            "events": [EXAMPLE_EVENT],
            "expected_versions": {"policy:openai-unsupported-regions-2024": 0},
        },
    },
    "corrected": {
        "summary": "A mistake in our record is taken back",
        "value": {"events": [_EXAMPLE_CORRECTION]},
    },
}


def _in_path(name: str, description: str, example: str) -> Doc:
    return {"in": "path", "name": name, "description": description, "example": example}


PROVIDER_IN_PATH: Final = _in_path("provider", "The operator who serves the user.", "openai")
REGION_IN_PATH: Final = _in_path(
    "region", "Where the customer is: a country, a subdivision or a group.", "CN"
)
EVENT_IN_PATH: Final = _in_path(
    "event_id", "The id of an event, a UUID.", "456fbba2-a51f-42fb-b282-aa9aeedb480a"
)
SLUG_IN_PATH: Final = _in_path(
    "slug", "What follows `policy:` in its stream.", "openai-unsupported-regions-2024"
)


# Operations.


def reading(parameters: Iterable[Parameter], answer: str, *refusals: int) -> Doc:
    """Describe a read: its parameters, the name of its answer's schema, more refusals than usual.

    Returns:
        What ``Blueprint.doc`` takes.
    """
    return {
        "parameters": [parameter.documented() for parameter in parameters],
        "responses": {
            "200": _answer("The answer.", answer, _LINK if answer in _LINKED else {}),
            **_refused(sorted({*_READING, *refusals})),
        },
        "security": [{}, _SECURITY],
    }


def appending(*parameters: Parameter) -> Doc:
    """Describe the append: as ``reading`` does."""
    key = {
        "in": "header",
        "name": "Idempotency-Key",
        "required": False,
        "description": "The same key and body get the same answer again; another body is refused.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
        "example": "0f8fad5b-d9cb-469f-a165-70867728950e",
    }
    replayed = {
        "Idempotency-Replayed": {
            "description": "`true` where this is the answer that the same key got before.",
            "schema": {"type": "string", "enum": ["true"]},
        }
    }
    location = {
        "Location": {
            "description": "The event, where the batch had one.",
            "schema": {"type": "string"},
        }
    }
    preview = {"oneOf": [{"$ref": _REF + "Preview"}, {"$ref": _REF + "Receipt"}]}
    repeated = _answer("A dry run, or nothing new was recorded.", "Receipt", replayed | location)
    repeated["content"][JSON]["schema"] = preview
    return {
        "parameters": [*(parameter.documented() for parameter in parameters), key],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": _REF + "Batch"}, "examples": _EXAMPLES}},
        },
        "responses": {
            "200": repeated,
            "201": _answer("The events are recorded.", "Receipt", location),
            **_refused(_APPENDING),
        },
        "security": [_SECURITY],
    }


def alive() -> Doc:
    """Describe the sign of life."""
    return {"responses": {"200": _answer("It is alive.", "Alive", {})}, "security": []}


_LINK: Final[Doc] = {
    "Link": {
        "description": "`next` and `first` of a list; `canonical`, whose answer never changes.",
        "schema": {"type": "string"},
    }
}
_LINKED: Final = frozenset(
    {
        "Cells",
        "Explained",
        "Timeline",
        "Events",
        "Policies",
        "Policy",
        "Authorities",
        "Providers",
        "Services",
        "Audiences",
        "Regions",
    }
)


def _answer(description: str, schema: str, headers: Doc) -> Doc:
    content = {JSON: {"schema": {"$ref": _REF + schema}}}
    return {"description": description, "headers": headers, "content": content}


def _refused(statuses: Iterable[int]) -> Doc:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


# The document.


class _Api(Api):
    """flask-smorest, for its document alone: errors are answered in ``problems``."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        pass

    def _register_pagination_header(self) -> None:
        pass


def install(app: Flask, blueprints: Sequence[Blueprint]) -> None:
    """Register blueprints with their documentation, and serve the document."""
    app.config.update(API_TITLE="accessline", API_VERSION=__version__, OPENAPI_VERSION="3.1.0")
    api = _Api(app, spec_kwargs={"info": _INFO, "servers": [{"url": "/"}]})
    _register_components(api.spec)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)

    @cache
    def written() -> bytes:
        return orjson.dumps(api.spec.to_dict())

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(written(), content_type=JSON)


_INFO: Final = {
    "summary": "Who may use which AI service, where, since when and why.",
    "description": (
        "An append-only record of every policy change that touches access to AI services. It "
        "answers what the access state of a provider in a region was on a date, as it was known at "
        "another, why, and from which sources. `as_of` is when something holds in the world, "
        "`known_at` what the log had learned by then; silence is `unknown`, never available."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


def _register_components(spec: Any) -> None:  # noqa: ANN401 -- apispec's, behind an untyped package
    for schema in SCHEMAS.values():
        spec.components.schema(schema.makes.__name__, schema=schema)
    spec.components.schema("Event", schema=EventSchema)
    known = spec.components.schemas
    for name, described in {**_of_dataclasses(), **_written_out()}.items():
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
    for status, description in _REFUSALS.items():
        content = {PROBLEM: {"schema": {"$ref": _REF + "Problem"}}}
        spec.components.response(str(status), {"description": description, "content": content})
    spec.components.security_scheme(
        "key",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "alk_<id>_<secret>",
            "description": "A key of the role `reader` or `curator`; only curators may append.",
        },
    )


_GIVEN_BY_THE_LOG: Final[Doc] = {
    "schema_version": {"type": "integer", "minimum": 1},
    "position": {"type": "integer", "minimum": 1},
    "version": {"type": "integer", "minimum": 1},
    "recorded_at": {"type": "string", "format": "date-time"},
    "recorded_by": {"type": "string", "description": "The id of a key, no person's name."},
}


def _of_dataclasses() -> Doc:
    """Describe the dataclasses that are answered as they are."""
    _, described = msgspec.json.schema_components(
        (Explained, Row, Receipt, Preview, Dossier),
        ref_template=_REF + "{name}",
        schema_hook=_of_type,
    )
    return {name: _closed(one) for name, one in described.items()}


def _of_type(kind: type) -> Doc:
    if kind is When:
        return dict(_WHEN)
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


_WHEN: Final[Doc] = {
    "type": "string",
    "description": "A date, or an instant with an offset.",
    "examples": ["2024-07-09", "2024-07-09T00:00:00Z"],
}
_OPEN: Final[Doc] = {"anyOf": [_WHEN, {"type": "null"}]}
_TEXT: Final[Doc] = {"type": "string"}
_MAYBE: Final[Doc] = {"type": ["string", "null"]}
_NUMBER: Final[Doc] = {"type": "integer", "minimum": 0}
_TEXTS: Final[Doc] = {"type": "array", "items": _TEXT}
_KNOWN_AT: Final[Doc] = {"$ref": f"{_REF}{KnownAt.__name__}"}
_STATE: Final[Doc] = {"$ref": f"{_REF}{State.__name__}"}
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


def _items(schema: str) -> Doc:
    return {"type": "array", "items": {"$ref": _REF + schema}}


def _written_out() -> Doc:
    """Describe what ``rendering`` and ``problems`` name themselves."""
    known = {"known_at": _KNOWN_AT}
    asked = {"as_of": _WHEN, **known}
    dossier = _of_dataclasses()[Dossier.__name__]
    interval = _object(
        service=_TEXT,
        **{"from": _OPEN},
        until=_OPEN,
        state=_STATE,
        access={"$ref": f"{_REF}{Access.__name__}"},
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
        "Batch": _BATCH,
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
        "Meta": _META,
        "Alive": _object(status={"type": "string", "enum": ["ok"]}),
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
_BATCH: Final[Doc] = {
    "type": "object",
    "properties": {
        "events": {"type": "array", "minItems": 1, "items": {"$ref": _REF + "Event"}},
        "expected_versions": {
            "type": ["object", "null"],
            "description": "The version at which a stream must be; 0 means that it must be new.",
            "additionalProperties": _NUMBER,
        },
    },
    "required": ["events"],
    "additionalProperties": False,
}
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
