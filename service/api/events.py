"""The log: append a batch, read it on, look at one event."""

import hashlib
import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from flask import Response, request, url_for
from flask_smorest import Blueprint

from service.api import openapi, rendering
from service.api.bodies import read_json
from service.api.cursors import Cursor
from service.api.openapi import EVENT_IN_PATH
from service.api.problems import UnknownInPath
from service.api.query import CURSOR, LIMIT, MAX_POSITION, Parameter, Query
from service.api.reads import Read
from service.api.responses import answer, paging
from service.api.wiring import wired
from service.application import browsing, recording
from service.application.browsing import Named
from service.application.identifiers import new_id
from service.application.preview import preview
from service.application.recording import Batch
from service.auth.credentials import Role
from service.auth.guard import curator, requires
from service.domain.errors import BadPeriodError
from service.domain.events import TYPES
from service.domain.times import When
from service.schemas import check_sizes, read_batch
from service.schemas.batches import ROOMY
from service.schemas.faults import Fault, InvalidInput
from service.schemas.fields import uuid_of
from service.store.codec import microseconds
from service.store.events import EventFilter

blueprint = Blueprint("events", __name__, url_prefix="/v1/events")

_DRY_RUN: Final = Parameter(
    name="dry_run",
    description="Judge the batch and tell what it would change, without recording it.",
    schema={"type": "boolean", "default": False},
)
RECORDED: Final = (
    Parameter(name="recorded_by", description="Events recorded with one key, by its id."),
    Parameter(
        name="recorded_from",
        description="Events recorded from then on: an instant, or the start of a day in UTC.",
    ),
    Parameter(
        name="recorded_until",
        description="Events recorded before then: an instant, or the start of a day in UTC.",
    ),
)
_LOG: Final = (
    Parameter(
        name="stream",
        description="Events of one stream.",
        example="policy:openai-unsupported-regions-2024",
    ),
    Parameter(
        name="type",
        description="Events of one type.",
        schema={"type": "string", "enum": list(TYPES)},
    ),
    Parameter(name="authority", description="Events of one authority.", example="openai"),
    Parameter(name="provider", description="Events that name a provider.", example="openai"),
    Parameter(
        name="service",
        description="Events that name a service: `openai/api`, or `api` beside its provider.",
        example="openai/api",
    ),
    Parameter(
        name="region",
        description="Events that name a country, a subdivision or a group.",
        example="CN",
    ),
    *RECORDED,
    Parameter(
        name="occurred_from",
        description="Events that occurred on this day or later.",
        schema={"type": "string", "format": "date"},
    ),
    Parameter(
        name="occurred_until",
        description="Events that occurred before this day.",
        schema={"type": "string", "format": "date"},
    ),
    Parameter(
        name="after",
        description="Events after this position.",
        schema={"type": "integer", "minimum": 0, "default": 0},
    ),
    LIMIT,
    CURSOR,
)

_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?", re.ASCII)


@blueprint.route("", methods=["POST"])
@blueprint.doc(**openapi.appending(_DRY_RUN))
@requires(Role.CURATOR)
def append() -> Response:
    """Append a batch of events, all or nothing.

    Events that the log holds already, with the same content, keep their place: the same batch may
    be sent again. With an `Idempotency-Key` the same request gets the same answer.
    """
    query = Query.of_request((_DRY_RUN,))
    dry_run, key = query.flag("dry_run"), _idempotency_key()
    raw, body = read_json()
    house = wired()
    asked = read_batch(body, new_id=partial(new_id, house.clock), most=house.max_batch)
    if len(raw) > ROOMY:
        check_sizes(asked.events)
    batch = Batch(
        events=asked.events,
        principal=curator().id,
        expected_versions=asked.expected_versions,
        key=key,
        request_hash=b"" if key is None else _hash(body),
    )
    if dry_run:
        return answer(rendering.preview(preview(house.database, batch, clock=house.clock)))
    outcome = recording.append(house.database, batch, clock=house.clock)
    headers = {"Idempotency-Replayed": "true"} if outcome.replayed else {}
    if len(outcome.receipt.items) == 1:
        headers["Location"] = url_for("events.one", event_id=outcome.receipt.items[0].id)
    house.metrics.recorded(outcome.appended)
    status = 201 if outcome.appended else 200
    return answer(rendering.receipt(outcome.receipt), status=status, headers=headers)


@blueprint.route("")
@blueprint.doc(**openapi.reading(_LOG, "Events"))
@requires(Role.READER)
def listed() -> Response:
    """Read the log, in the order of its positions.

    Whoever follows the log asks again with `after`, the last position that was read.
    """
    read = Read.begin(_LOG, rendering.EVENT_COLUMNS)
    query = read.query
    recorded_from, recorded_until = recorded_range(query)
    wanted = EventFilter(
        stream=query.text("stream"),
        type=query.word("type", TYPES),
        authority=query.text("authority"),
        recorded_by=query.text("recorded_by"),
        recorded_from=recorded_from,
        recorded_until=recorded_until,
        occurred_from=query.day("occurred_from"),
        occurred_until=query.day("occurred_until"),
    )
    _check_range(query, "occurred", wanted.occurred_from, wanted.occurred_until)
    after = query.number("after", 0, least=0, most=MAX_POSITION)
    cursor, limit = query.cursor(), query.limit()
    named = Named(**{one.name: query.text(one.name) for one in fields(Named)})
    page = browsing.events(
        wired().database,
        wanted,
        browsing.naming(wired().database, named, read.now),
        after=after if cursor is None else int(cursor.after),
        limit=limit,
    )
    following = query.following(None if page.next is None else Cursor(after=str(page.next)))
    found = {"items": [rendering.event(one) for one in page.items], "next": following}
    return read.answer(found, page.head, links=paging(query, following))


@blueprint.route("/<event_id>", parameters=[EVENT_IN_PATH])
@blueprint.doc(**openapi.reading((), "RecordedEvent", 404))
@requires(Role.READER)
def one(event_id: str) -> Response:
    """Return one event, as it was recorded."""
    read = Read.begin((), still=True)
    known = uuid_of(event_id)
    found = None if known is None else browsing.event(wired().database, known)
    if found is None:
        detail = f"The log has no event {event_id[:40]!a}; ids are UUIDs, as /v1/events shows them."
        raise UnknownInPath(detail)
    return read.answer(rendering.event(found))


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and _KEY.fullmatch(key) is None:
        detail = "The key is 1 to 200 printable ASCII characters, such as a UUID."
        raise InvalidInput([Fault(parameter="Idempotency-Key", detail=detail)])
    return key


def _hash(body: Any) -> bytes:  # noqa: ANN401 -- whatever the JSON holds
    """Hash what a body says, however it is spaced and ordered."""
    written = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode("ascii")).digest()


def recorded_range(query: Query) -> tuple[int | None, int | None]:
    """Return the bounds within which events were recorded, in microseconds since the Unix epoch.

    Raises:
        BadTimeError, BadPeriodError: They are none.
    """
    start, end = (_recorded(query.bound(f"recorded_{name}")) for name in ("from", "until"))
    _check_range(query, "recorded", start, end)
    return start, end


def _recorded(when: When | None) -> int | None:
    """Return microseconds of an instant, a date being its start in UTC."""
    if when is None:
        return None
    day = datetime(when.day.year, when.day.month, when.day.day, tzinfo=UTC)
    return microseconds(when.instant or day)


def _check_range(query: Query, name: str, start: Any, end: Any) -> None:  # noqa: ANN401
    if start is not None and end is not None and start >= end:
        first, last = f"{name}_from", f"{name}_until"
        values = query.values
        raise BadPeriodError(values[first], values[last], path=(last,))
