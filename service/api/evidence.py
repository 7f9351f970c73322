"""The log as evidence: checkpoints, tiles and entries as files, and proofs as JSON.

``/log`` is a tree of files as c2sp.org/tlog-tiles has it, which any tool of that family reads;
``/v1/log`` and ``/v1/events/{id}/proof`` answer single questions. Hashes are in base64.
"""

from typing import Final

from flask import Response, request
from flask_smorest import Blueprint

from service.api import openapi, proofs
from service.api.negotiation import JSON
from service.api.openapi import EVENT_IN_PATH, TILE_IN_PATH
from service.api.problems import UnknownInPath
from service.api.query import MAX_POSITION, Parameter, Query
from service.api.reads import FLOATING, IMMUTABLE, Read
from service.api.wiring import wired
from service.application import moments, proving, publishing
from service.application.publishing import Signed
from service.auth.credentials import Role
from service.auth.guard import requires
from service.evidence.errors import MalformedEvidence
from service.evidence.tiles import Tile
from service.evidence.tlog_proofs import TlogProof
from service.schemas.fields import uuid_of

files = Blueprint("log_files", __name__, url_prefix="/log")
blueprint = Blueprint("log", __name__, url_prefix="/v1")

TEXT: Final = "text/plain"
UTF8: Final = "text/plain; charset=utf-8"
OCTETS: Final = "application/octet-stream"


def _size(name: str, description: str) -> Parameter:
    schema = {"type": "integer", "minimum": 0, "maximum": MAX_POSITION}
    return Parameter(name=name, description=description, schema=schema, example=1, required=True)


_INCLUSION: Final = (
    _size("index", "Which entry, from 0: the event at position p has index p - 1."),
    _size("size", "Events in the log, from a checkpoint that you hold."),
)
_CONSISTENCY: Final = (
    _size("old", "Events in the log, from an earlier checkpoint that you hold."),
    _size("new", "Events in the log, from a later one."),
)


@files.route("/checkpoint")
@files.doc(**openapi.file(UTF8, "A signed note (c2sp.org/tlog-checkpoint)."))
@requires(Role.READER)
def checkpoint() -> Response:
    """Return the newest checkpoint: origin, size and root of the log, signed."""
    Query.of_request(())
    return _file(_published().note, UTF8, FLOATING)


@files.route("/tile/<path:path>", parameters=[TILE_IN_PATH])
@files.doc(**openapi.file(OCTETS, "Hashes of the tree, or entries of the log."))
@requires(Role.READER)
def tile(path: str) -> Response:
    """Return a tile: 256 hashes of the tree or entries of the log, or those at its right edge."""
    Query.of_request(())
    try:
        found = proving.tile(wired().database, Tile.read(path))
    except MalformedEvidence as error:
        raise UnknownInPath(str(error)) from error
    if found is None:
        detail = f"The log is not long enough for the tile {path[:80]!a}: see /log/checkpoint."
        raise UnknownInPath(detail)
    return _file(found, OCTETS, IMMUTABLE)


@blueprint.route("/log/key")
@blueprint.doc(**openapi.reading((), "LogKey", 404))
@requires(Role.READER)
def key() -> Response:
    """Return the key that verifies checkpoints; get it by another way, too, before you trust it."""
    signer = wired().signer
    verifiers = () if signer is None else tuple(map(str, signer.verifiers))
    read = Read.begin((), still=True, also=" ".join(verifiers))
    if signer is None:
        raise UnknownInPath(_NO_KEY)
    found = {"verifier_key": verifiers[-1], "origin": signer.origin, "verifier_keys": verifiers}
    return read.answer(found)


@blueprint.route("/log/proof/inclusion")
@blueprint.doc(**openapi.reading(_INCLUSION, "Inclusion"))
@requires(Role.READER)
def inclusion() -> Response:
    """Prove that the log at a size holds the entry at an index."""
    read = Read.begin(_INCLUSION, fixed=lambda _: True, still=True)
    index, size = (read.query.needed(one.name, most=MAX_POSITION) for one in _INCLUSION)
    return read.answer(proofs.inclusion(proving.inclusion(wired().database, index, size)))


@blueprint.route("/log/proof/consistency")
@blueprint.doc(**openapi.reading(_CONSISTENCY, "Consistency"))
@requires(Role.READER)
def consistency() -> Response:
    """Prove that the log at a size continues the log at an earlier one."""
    read = Read.begin(_CONSISTENCY, fixed=lambda _: True, still=True)
    old, new = (read.query.needed(one.name, most=MAX_POSITION) for one in _CONSISTENCY)
    found = proving.consistency(wired().database, old, new)
    return read.answer(proofs.consistency(found))


@blueprint.route("/events/<event_id>/proof", parameters=[EVENT_IN_PATH])
@blueprint.doc(**openapi.proof())
@requires(Role.READER)
def event_proof(event_id: str) -> Response:
    """Prove that the log holds an event: its bytes, the path to the root, the signed checkpoint.

    With `Accept: text/plain` it is a file as c2sp.org/tlog-proof has it, to be kept as
    `<id>.tlog-proof`.
    """
    house = wired()
    database, known = house.database, uuid_of(event_id)
    signed = publishing.current(database, house.signer, house.clock)
    read = Read.begin((), forms=(JSON, TEXT), also="" if signed is None else signed.note.hex())
    entry = None if known is None else proving.body_of(database, known)
    if known is None or entry is None:
        detail = f"The log has no event {event_id[:40]!a}; ids are UUIDs, as /v1/events shows them."
        raise UnknownInPath(detail)
    position, body = entry
    if read.form == TEXT:
        return _as_file(read, event_id, position, signed)
    covers = signed is not None and signed.checkpoint.size >= position
    size = signed.checkpoint.size if signed and covers else moments.head_position(database)
    proven = proving.inclusion(database, position - 1, size)
    note = signed.note if signed and covers else None
    return read.answer(proofs.event(known, proven, body, note), size)


def _as_file(read: Read, event_id: str, position: int, signed: Signed | None) -> Response:
    if signed is None:
        raise UnknownInPath(_NO_KEY)
    if signed.checkpoint.size < position:
        raise UnknownInPath(_NOT_COVERED)
    size = signed.checkpoint.size
    found = proving.inclusion(wired().database, position - 1, size)
    proof = TlogProof(index=found.index, proof=found.proof, checkpoint=signed.note)
    response = read.written(proof.to_bytes(), UTF8, size)
    response.headers["Content-Disposition"] = f'attachment; filename="{event_id}.tlog-proof"'
    return response


def _published() -> Signed:
    house = wired()
    found = publishing.current(house.database, house.signer, house.clock)
    if found is None:
        raise UnknownInPath(_NO_KEY)
    return found


def _file(data: bytes, media_type: str, kept: str) -> Response:
    response = Response(data, content_type=media_type)
    response.headers["Cache-Control"] = kept
    response.add_etag()
    response.make_conditional(request)
    return response


_NO_KEY: Final = (
    "This server signs no checkpoints: whoever runs it makes a key with 'accessline log init' and"
    " names it in ACCESSLINE_LOG_KEY. Proofs without signatures are at /v1/log/proof/inclusion."
)
_NOT_COVERED: Final = (
    "The event is newer than the newest checkpoint, which another server signs. Ask again when"
    " /log/checkpoint has a greater size."
)
