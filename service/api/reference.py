"""Reference data: who and what is known, and the words that events and answers use."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import Response
from flask_smorest import Blueprint

from service.api import openapi, rendering
from service.api.cursors import Cursor
from service.api.query import AS_OF, CURSOR, KNOWN_AT, LIMIT, Parameter, check_known
from service.api.reads import Read, fixed_position
from service.api.responses import paging
from service.api.wiring import wired
from service.application import browsing
from service.application.moments import moment
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.events import AuthorityKind
from service.domain.registry import Registry
from service.domain.scope import PUBLIC

blueprint = Blueprint("reference", __name__, url_prefix="/v1")

_LIST: Final = (KNOWN_AT, LIMIT, CURSOR)
_AUTHORITIES: Final = (
    Parameter(
        name="kind",
        description="Only authorities of this kind.",
        schema={"type": "string", "enum": [kind.value for kind in AuthorityKind]},
    ),
    *_LIST,
)
_SERVICES: Final = (
    Parameter(name="provider", description="Only services of this provider.", example="openai"),
    *_LIST,
)
_REGIONS: Final = (
    Parameter(
        name="kind",
        description="Only regions of this kind.",
        schema={"type": "string", "enum": list(rendering.REGION_KINDS)},
    ),
    AS_OF,
    *_LIST,
)


@blueprint.route("/authorities")
@blueprint.doc(**openapi.reading(_AUTHORITIES, "Authorities"))
@requires(Role.READER)
def authorities() -> Response:
    """List authorities: whoever decides, orders, legislates or observes."""
    read = Read.begin(_AUTHORITIES, rendering.AUTHORITY_COLUMNS, fixed=fixed_position)
    kind = read.query.word("kind", [kind.value for kind in AuthorityKind])

    def ids(registry: Registry) -> list[str]:
        known = registry.authorities
        return sorted(one for one in known if kind in (None, known[one].authority_kind))

    return _list(read, ids, lambda one, found: rendering.authority(found.authorities[one]))


@blueprint.route("/providers")
@blueprint.doc(**openapi.reading(_LIST, "Providers"))
@requires(Role.READER)
def providers() -> Response:
    """List providers: the operators who serve the user."""
    return _list(
        Read.begin(_LIST, rendering.PROVIDER_COLUMNS, fixed=fixed_position),
        lambda registry: sorted(registry.providers),
        lambda one, found: rendering.provider(found.providers[one]),
    )


@blueprint.route("/services")
@blueprint.doc(**openapi.reading(_SERVICES, "Services"))
@requires(Role.READER)
def services() -> Response:
    """List services, each a path below its provider."""
    read = Read.begin(_SERVICES, rendering.SERVICE_COLUMNS, fixed=fixed_position)
    provider = read.query.text("provider")

    def ids(registry: Registry) -> list[str]:
        if provider is not None:
            check_known("provider", provider, registry.providers)
        known = registry.services
        return sorted(one for one in known if provider in (None, known[one].provider))

    return _list(read, ids, lambda one, found: rendering.service(found.services[one]))


@blueprint.route("/audiences")
@blueprint.doc(**openapi.reading(_LIST, "Audiences"))
@requires(Role.READER)
def audiences() -> Response:
    """List audiences; `public` is built in and is what a question means by default."""
    return _list(
        Read.begin(_LIST, rendering.AUDIENCE_COLUMNS, fixed=fixed_position),
        lambda registry: sorted({PUBLIC, *registry.audiences}),
        rendering.audience,
    )


@blueprint.route("/regions")
@blueprint.doc(**openapi.reading(_REGIONS, "Regions"))
@requires(Role.READER)
def regions() -> Response:
    """List countries, subdivisions and groups; a group with its members on a day."""
    # Names are looked up when they are shown, so no list of them is fixed for ever.
    read = Read.begin(_REGIONS, rendering.REGION_COLUMNS)
    kind = read.query.word("kind", rendering.REGION_KINDS)
    as_of = moment(read.as_of(), read.now)
    return _list(
        read,
        lambda registry: rendering.region_ids(registry, kind),
        lambda one, found: rendering.region(one, found, as_of),
        {"as_of": as_of},
    )


@blueprint.route("/vocabulary")
@blueprint.doc(**openapi.reading((), "Vocabulary"))
@requires(Role.READER)
def vocabulary() -> Response:
    """List the words that events and answers use, by what they are about."""
    return Read.begin((), still=True).answer(rendering.vocabulary())


def _list(
    read: Read,
    ids_of: Callable[[Registry], Sequence[str]],
    item: Callable[[str, Registry], Mapping[str, Any]],
    told: Mapping[str, Any] | None = None,
) -> Response:
    """Answer a part of a list of ids, as known when its first part was asked for."""
    cursor, limit = read.query.cursor(), read.query.limit()
    known_at, registry = browsing.registry(wired().database, read.known_at(), read.now)
    ids = ids_of(registry)
    start = 0 if cursor is None else bisect_right(ids, cursor.after)
    shown = ids[start : start + limit]
    following = None
    if start + limit < len(ids):
        as_of = None if told is None else str(told["as_of"])
        following = read.query.following(
            Cursor(after=shown[-1], known_at=known_at.position, as_of=as_of)
        )
    found = {
        **(told or {}),
        "known_at": known_at,
        "items": [item(one, registry) for one in shown],
        "next": following,
    }
    return read.answer(found, known_at, links=paging(read.query, following))
