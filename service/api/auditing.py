"""The audit: who recorded what, when and from which sources; and, for curators, the keys."""

from typing import Final

from flask import Response
from flask_smorest import Blueprint

from service.api import audits, openapi
from service.api.cursors import Cursor
from service.api.events import RECORDED, recorded_range
from service.api.query import CURSOR, KNOWN_AT, LIMIT, Parameter
from service.api.reads import Read, fixed_position
from service.api.responses import paging, pinned
from service.api.wiring import wired
from service.application import auditing, recorders
from service.application.auditing import AuditFilter
from service.auth.credentials import Role
from service.auth.guard import requires

blueprint = Blueprint("auditing", __name__, url_prefix="/v1/audit")

_AUDIT: Final = (
    Parameter(
        name="policy",
        description="Everything that was recorded of one policy, by its slug.",
        example="openai-unsupported-regions-2024",
    ),
    Parameter(
        name="cell",
        description=(
            "Everything that was recorded of the policies and measurements whose scopes ever "
            "reached a cell, whatever the audience: `provider/region`, or with a service "
            "`provider/region/service`."
        ),
        example="openai/CN/api",
    ),
    *RECORDED,
    KNOWN_AT,
    LIMIT,
    CURSOR,
)
_KEYS: Final = (LIMIT, CURSOR)


@blueprint.route("")
@blueprint.doc(**openapi.reading(_AUDIT, "Audit"))
@requires(Role.READER)
def listed() -> Response:
    """List who recorded what, when and from which sources, in the order of positions.

    Each event with the corrections that name it beside it, whether it stands, and the path of its
    proof. Parameters together narrow the list.
    """
    read = Read.begin(_AUDIT, audits.AUDIT_COLUMNS, fixed=fixed_position)
    query = read.query
    recorded_from, recorded_until = recorded_range(query)
    wanted = AuditFilter(
        policy=query.text("policy"),
        cell=query.text("cell"),
        recorded_by=query.text("recorded_by"),
        recorded_from=recorded_from,
        recorded_until=recorded_until,
    )
    found = auditing.audit(
        wired().database,
        wanted,
        read.known_at(),
        read.now,
        after=read.start(),
        limit=query.limit(),
    )
    next_ = query.following(_cursor(found.next, found.known_at.position))
    links = [*paging(query, next_), pinned(query, found.known_at)]
    return read.answer(audits.audit(found, next_), found.known_at, links=links)


@blueprint.route("/keys")
@blueprint.doc(**openapi.private(_KEYS, "KeyAudits"))
@requires(Role.CURATOR)
def keys() -> Response:
    """List every key that was ever made, and what was recorded with it.

    Who recorded without a key, such as the command line, stands first and has no role. No secret
    is kept, so none is shown.
    """
    read = Read.begin(_KEYS, audits.KEY_COLUMNS, private=True)
    query = read.query
    cursor = query.cursor()
    found = recorders.keys(
        wired().database,
        read.known_at(),
        read.now,
        after=None if cursor is None else cursor.after,
        limit=query.limit(),
    )
    next_ = query.following(_cursor(found.next, found.known_at.position))
    return read.answer(audits.keys(found, next_), found.known_at, links=paging(query, next_))


def _cursor(after: int | str | None, position: int) -> Cursor | None:
    return None if after is None else Cursor(after=str(after), known_at=position)
