"""The JSON Schema of a file of events, for editors: made from what reads the events.

A file has events, and beside them defaults, which are fields of an event that hold for each of
them. TOML's dates count as their ISO text.
"""

import json
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from service.api.answers import REF, Doc
from service.schemas.events import SCHEMAS, EventSchema

_DEFS: Final = "#/$defs/"


def seed_schema() -> Doc:
    """Return the schema (JSON Schema 2020-12)."""
    spec = APISpec("", "", "3.1.0", plugins=[MarshmallowPlugin()])
    for schema in SCHEMAS.values():
        spec.components.schema(schema.makes.__name__, schema=schema)
    spec.components.schema("Event", schema=EventSchema)
    defined: dict[str, Any] = json.loads(json.dumps(spec.to_dict()["components"]["schemas"]))
    event = defined.pop("Event")
    fields: Doc = event["properties"]
    kinds = [
        {
            "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
            "then": {"properties": {"data": {"$ref": REF + schema.makes.__name__}}},
        }
        for kind, schema in SCHEMAS.items()
    ]
    fields["type"] = {**fields["type"], "enum": list(SCHEMAS)}
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Events of one file",
        "type": "object",
        "properties": {
            **fields,
            "events": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": fields,
                    "required": ["id"],
                    "additionalProperties": False,
                    "allOf": kinds,
                },
            },
        },
        "required": ["events"],
        "additionalProperties": False,
        "$defs": defined,
    }
    found: Doc = json.loads(json.dumps(described).replace(REF, _DEFS))
    return found
