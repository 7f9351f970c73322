"""The OpenAPI document: what each operation takes and answers, made from what the code itself uses.

A view is described where it stands, by one of the functions here; ``components`` has the schemas
that these name. flask-smorest puts operations together; the document is served at
``/openapi.json``.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import orjson
from flask import Flask, Response, request
from flask_smorest import Api, Blueprint

from service import __version__
from service.api import components, examples
from service.api.answers import REF, Doc
from service.api.components import Limits
from service.api.negotiation import CSV, JSON
from service.api.query import MIN_POSITION, Parameter

_READING: Final = (400, 401, 406, 422, 429, 500, 503)
_FEED: Final = (400, 401, 422, 429, 500, 503)
_CHECKING: Final = (400, 401, 406, 413, 415, 422, 429, 500, 503)
_APPENDING: Final = (400, 401, 403, 409, 413, 415, 422, 429, 500, 503)
_SECURITY: Final[Doc] = {"key": []}


def _in_path(name: str, description: str, example: str) -> Doc:
    return {"in": "path", "name": name, "description": description, "example": example}


PROVIDER_IN_PATH: Final = _in_path("provider", "The operator who serves the user.", "openai")
REGION_IN_PATH: Final = _in_path(
    "region", "Where the customer is: a country, a subdivision or a group.", "CN"
)
EVENT_IN_PATH: Final = _in_path(
    "event_id", "The id of an event, a UUID.", "456fbba2-a51f-42fb-b282-aa9aeedb480a"
)
TILE_IN_PATH: Final = _in_path(
    "path",
    "`<level>/<index>[.p/<width>]`, or `entries/…` (c2sp.org/tlog-tiles).",
    "0/000.p/51",
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
    headers = _KEPT | (_LINK if answer in _LINKED else {})
    found = _answer("The answer.", answer, headers)
    if answer in _LISTS:
        found["content"][CSV] = {"schema": {"type": "string", "description": _ROWS}}
    return _read(parameters, found, (*_READING, *refusals))


def private(parameters: Iterable[Parameter], answer: str) -> Doc:
    """Describe a list for curators alone, which nobody keeps: as ``reading`` does."""
    described = reading(parameters, answer, 403)
    described["responses"]["200"]["headers"] = _LINK
    del described["responses"]["304"]
    described["parameters"].remove(_IF_NONE_MATCH)
    return {**described, "security": [_SECURITY]}


def file(media_type: str, description: str, *refusals: int) -> Doc:
    """Describe a file that never depends on parameters: as ``reading`` does."""
    content = {media_type.partition(";")[0]: {"schema": {"type": "string"}}}
    found = {"description": description, "headers": _KEPT, "content": content}
    kept = {"description": "The client has this file already.", "headers": _KEPT}
    responses = {"200": found, "304": kept, **_refused((401, 404, 422, 429, 500, 503, *refusals))}
    return {"parameters": [_IF_NONE_MATCH], "responses": responses, "security": [{}, _SECURITY]}


def export(after: Parameter, media_types: Iterable[str]) -> Doc:
    """Describe a part of the log as one file, in several forms."""
    content: Doc = {media_type: {"schema": {"type": "string"}} for media_type in media_types}
    found = {"description": "The events, in the order of their positions.", "content": content}
    responses = {"200": found, **_refused((400, 401, 406, 422, 429, 500, 503))}
    return {
        "parameters": [after.documented()],
        "responses": responses,
        "security": [{}, _SECURITY],
    }


def proof() -> Doc:
    """Describe the proof of an event, which is also a file: as ``reading`` does."""
    described = reading((), "EventProof", 404)
    described["responses"]["200"]["content"]["text/plain"] = {"schema": {"type": "string"}}
    return described


def feed(parameters: Iterable[Parameter], media_type: str, description: str) -> Doc:
    """Describe a read that has one form, which its path names: as ``reading`` does."""
    content = {media_type.partition(";")[0]: {"schema": {"type": "string"}}}
    found = {"description": description, "headers": _KEPT | _LINK, "content": content}
    return _read(parameters, found, _FEED)


def _read(parameters: Iterable[Parameter], answer: Doc, refusals: Iterable[int]) -> Doc:
    asked = (*parameters, MIN_POSITION)
    return {
        "parameters": [*(one.documented() for one in asked), _IF_NONE_MATCH],
        "responses": {
            "200": answer,
            "304": {"description": "The client has this answer already.", "headers": _KEPT},
            **_refused(sorted({*refusals})),
        },
        "security": [{}, _SECURITY],
    }


def checking() -> Doc:
    """Describe the check of many cells: as ``reading`` does."""
    body = {"schema": {"$ref": REF + "Check"}, "examples": examples.CHECK}
    return {
        "parameters": [MIN_POSITION.documented()],
        "requestBody": {"required": True, "content": {JSON: body}},
        "responses": {"200": _answer("The answers.", "Checks", {}), **_refused(_CHECKING)},
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
    preview = {"oneOf": [{"$ref": REF + "Preview"}, {"$ref": REF + "Receipt"}]}
    repeated = _answer("A dry run, or nothing new was recorded.", "Receipt", replayed | location)
    repeated["content"][JSON]["schema"] = preview
    return {
        "parameters": [*(parameter.documented() for parameter in parameters), key],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": REF + "Batch"}, "examples": examples.APPEND}},
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


def ready() -> Doc:
    """Describe readiness."""
    answer = _answer("Requests may be sent here.", "Ready", {})
    return {"responses": {"200": answer, **_refused((500, 503))}, "security": []}


def measured(media_type: str) -> Doc:
    """Describe the metrics."""
    content = {media_type.partition(";")[0]: {"schema": {"type": "string"}}}
    found = {"description": "The metrics, in Prometheus' text format.", "content": content}
    responses = {"200": found, **_refused((401, 422, 429, 500, 503))}
    return {"responses": responses, "security": [{}, _SECURITY]}


_IF_NONE_MATCH: Final[Doc] = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The `ETag` of an answer that the client has: 304 where it still holds.",
    "schema": {"type": "string"},
}
_KEPT: Final[Doc] = {
    "ETag": {
        "description": "A strong tag; it changes with what the answer depends on.",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "`immutable` where both times are pinned (`as_of`, `known_at=@<position>`).",
        "schema": {"type": "string"},
    },
}
_ROWS: Final = (
    "The same rows: RFC 4180 in UTF-8 with a header line; absent is empty, lists and objects stand "
    "as JSON; a cell that begins with = + - @, a tab, a carriage return or an apostrophe has an "
    "apostrophe in front, which is to be taken away. `Link` leads to the next part."
)
_LINK: Final[Doc] = {
    "Link": {
        "description": "`next` and `first` of a list; `canonical`, whose answer never changes.",
        "schema": {"type": "string"},
    }
}
_LISTS: Final = frozenset(
    {
        "Cells",
        "Timeline",
        "Revisions",
        "Differences",
        "Agenda",
        "Audit",
        "KeyAudits",
        "Changes",
        "Events",
        "Policies",
        "Trail",
        "Coverage",
        "Authorities",
        "Providers",
        "Services",
        "Audiences",
        "Regions",
    }
)
_LINKED: Final = (_LISTS | {"Explained", "Policy"}) - {"Revisions"}


def _answer(description: str, schema: str, headers: Doc) -> Doc:
    content = {JSON: {"schema": {"$ref": REF + schema}}}
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


def install(app: Flask, blueprints: Sequence[Blueprint], limits: Limits) -> None:
    """Register blueprints with their documentation, and serve the document."""
    app.config.update(API_TITLE="accessline", API_VERSION=__version__, OPENAPI_VERSION="3.1.0")
    api = _Api(app, spec_kwargs={"info": _INFO, "servers": [{"url": "/"}]})
    components.register(api.spec, limits)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)

    @cache
    def written() -> bytes:
        document: Doc = api.spec.to_dict()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if isinstance(operation, dict):
                    operation.setdefault("operationId", _operation_id(method, path))
                    operation.setdefault("description", operation.get("summary", ""))
        return orjson.dumps(document)

    @app.get("/openapi.json")
    def openapi() -> Response:
        response = Response(written(), content_type=JSON)
        response.add_etag()
        response.make_conditional(request)
        return response


def _operation_id(method: str, path: str) -> str:
    """Return the name that a generated client gives an operation.

    >>> _operation_id("get", "/v1/access/{provider}/{region}/timeline")
    'get_access_provider_region_timeline'
    """
    return "_".join((method, *re.findall(r"[a-z]+", path.removeprefix("/v1"))))


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
