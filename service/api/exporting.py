"""The whole log as one answer, however long it is: sent as it is read, in bounded memory."""

import zlib
from collections.abc import Iterator
from typing import Final

from flask import Response, request
from flask_smorest import Blueprint

from service.api import negotiation, openapi, rendering, tables
from service.api.negotiation import CSV
from service.api.query import MAX_POSITION, Parameter, Query
from service.api.reads import FLOATING
from service.api.wiring import wired
from service.application import exports
from service.application.exports import Part
from service.auth.credentials import Role
from service.auth.guard import requires
from service.store.codec import decode
from service.store.engine import Database

blueprint = Blueprint("exporting", __name__, url_prefix="/v1/export")

LINES: Final = "application/x-ndjson"
_FORMS: Final = {LINES: LINES, CSV: tables.MEDIA_TYPE}
_AFTER: Final = Parameter(
    name="after",
    description="Only events after this position.",
    schema={"type": "integer", "minimum": 0, "default": 0},
)
_GZIP: Final = 16 + zlib.MAX_WBITS
_QUICKLY: Final = 4


@blueprint.route("")
@blueprint.doc(**openapi.export(_AFTER, tuple(_FORMS)))
@requires(Role.READER)
def export() -> Response:
    """Return the log as one file, as `accessline export` writes it, or its events as CSV.

    The first of the lines tells which positions follow and the root of their RFC 6962 tree; each
    other line is one event, byte for byte as it is stored. Whoever takes gzip gets it compressed.
    A file that was cut has too few lines: `after` goes on behind the last event that one has.
    """
    query = Query.of_request((_AFTER,))
    after = query.number("after", 0, least=0, most=MAX_POSITION)
    form = negotiation.wanted(tuple(_FORMS))
    database = wired().database
    part = exports.part_of(database, after)
    sent = _rows(database, part) if form == CSV else _lines(database, part)
    headers = {"Vary": "Accept, Accept-Encoding", "Cache-Control": FLOATING}
    if request.accept_encodings["gzip"] > 0:
        headers["Content-Encoding"] = "gzip"
        sent = _compressed(sent)
    return Response(sent, headers=headers, content_type=_FORMS[form])


def _lines(database: Database, part: Part) -> Iterator[bytes]:
    yield part.line()
    for rows in exports.events(database, part):
        yield b"".join(row.body + b"\n" for row in rows)


def _rows(database: Database, part: Part) -> Iterator[bytes]:
    yield tables.csv_bytes(rendering.EVENT_COLUMNS, ())
    for rows in exports.events(database, part):
        events = [rendering.event(decode(row)) for row in rows]
        yield tables.csv_bytes(rendering.EVENT_COLUMNS, events, header=False)


def _compressed(sent: Iterator[bytes]) -> Iterator[bytes]:
    packing = zlib.compressobj(_QUICKLY, wbits=_GZIP)
    for some in sent:
        packed = packing.compress(some)
        if packed:
            yield packed
    yield packing.flush()
