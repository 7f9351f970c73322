"""Appending by a form, in two steps: what it would change, and only then the append.

The first step gives the events their ids, asks at which versions their streams are, and makes an
Idempotency-Key. All of it goes back with the second: so what is confirmed is what was shown, and a
form that is sent twice, by two clicks or by a browser that repeats it, records once.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import uuid4

import orjson
from flask import Blueprint, Response, request

from service.application import browsing, recording
from service.application.errors import EventIdConflict, IdempotencyConflict, VersionConflict
from service.application.identifiers import new_id
from service.application.preview import preview, versions
from service.application.recording import Batch, Outcome
from service.auth import guard
from service.auth.sessions import Signed
from service.domain.codec import answer_bytes, event_to
from service.domain.errors import Refused, Rejected
from service.domain.events import Recorded, Registered
from service.evidence.canonical import CanonicalError
from service.schemas import check_sizes, read_batch
from service.schemas.faults import Fault, InvalidInput, faults_of
from service.schemas.fields import uuid_of
from service.schemas.strict import MalformedJson, parse
from service.store.errors import StoreError
from service.web import fields, session
from service.web.asking import house
from service.web.fields import JSON, Form
from service.web.forms import FORMS
from service.web.views import page

MOST_ROWS: Final = 200
"""Changes that a preview shows at most; it counts the others."""

blueprint = Blueprint("appending", __name__)

_OWN: Final = (session.FORM_TOKEN, "step", "body", "idempotency_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A form as it was filled in.

    Attributes:
        values: What stands in its fields, as it was written.
    """

    form: Form
    values: dict[str, str]


@blueprint.get("/append")
def append() -> Response:
    """Show the form for a type of event."""
    session.curator()
    form = FORMS.get(request.args.get("type", ""), FORMS["policy.adopted"])
    values = fields.initial(form)
    today = house().clock().date().isoformat()
    values |= {name: today for name in ("reviewed_on",) if name in values}
    if form.type.startswith("record.") and "occurred_on" in values:
        values["occurred_on"] = today
    if "stream" in values:
        values["stream"] = request.args.get("policy", "")[:300]
    if form.type == "record.corrected":
        values |= _of_target(request.args.get("event", ""))
    return _form(Draft(form=form, values=values))


@blueprint.post("/append")
def record() -> Response:
    """Show what a form would change, or record what was shown."""
    signed = session.curator()
    session.check_form(signed)
    sent = session.form()
    form = FORMS.get(sent.get("type", ""), FORMS[JSON])
    draft = Draft(
        form=form,
        values={name: text for name, text in sent.items() if name not in (*_OWN, "type")},
    )
    if sent.get("step") == "edit":
        return _form(draft)
    guard.gate().count_append(signed.principal)
    if sent.get("step") == "confirm":
        return _confirmed(draft, sent.get("body", ""), sent.get("idempotency_key", ""), signed)
    return _previewed(draft, signed)


def _previewed(draft: Draft, signed: Signed, told: str = "", status: int = 200) -> Response:
    """Show what a form would change, beside it what is wrong with it."""
    try:
        batch = _read(_body(draft), signed)
        batch = replace(
            batch,
            expected_versions={**versions(house().database, batch), **batch.expected_versions},
        )
        found = preview(house().database, batch, clock=house().clock)
    except _REFUSED as error:
        return _form(draft, _faults(error), 422, told)
    return _shown(draft, batch, found, _Confirming(key=str(uuid4()), told=told, status=status))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Confirming:
    key: str
    told: str
    status: int


def _shown(draft: Draft, batch: Batch, found: object, asked: _Confirming) -> Response:
    body = {
        "events": [event_to(event) for event in batch.events],
        "expected_versions": dict(batch.expected_versions),
    }
    return page(
        "append_preview.html",
        asked.status,
        faults=[asked.told] if asked.told else [],
        draft=draft,
        events=batch.events,
        found=found,
        shown=MOST_ROWS,
        body=orjson.dumps(body).decode(),
        idempotency_key=asked.key,
    )


def _confirmed(draft: Draft, body: str, key: str, signed: Signed) -> Response:
    """Record what was shown."""
    try:
        batch = replace(
            _read(_parsed(body), signed),
            key=key[:200] or None,
            request_hash=hashlib.sha256(body.encode("utf-8", "surrogatepass")).digest(),
        )
        outcome = recording.append(house().database, batch, clock=house().clock)
    except VersionConflict as error:
        told = (
            f"{error.stream} was changed meanwhile: it is at version {error.actual}, not"
            f" {error.expected}. Nothing was recorded. Here is what your form would change now."
        )
        return _previewed(draft, signed, told, 409)
    except _REFUSED as error:
        return _form(draft, _faults(error), 422)
    except StoreError:
        told = (
            "The database did not answer as it must, so it is not known whether this was recorded."
            " Confirm again: it is recorded once."
        )
        return _again(draft, body, key, signed, told)
    house().recorded(outcome.appended)
    return _done(batch, outcome)


def _again(draft: Draft, body: str, key: str, signed: Signed, told: str) -> Response:
    """Show the same step again, with the key that makes a second try safe."""
    batch = _read(_parsed(body), signed)
    return _shown(draft, batch, None, _Confirming(key=key, told=told, status=503))


def _done(batch: Batch, outcome: Outcome) -> Response:
    told = list(zip(batch.events, outcome.receipt.items, strict=True))
    return page(
        "appended.html",
        201 if outcome.appended else 200,
        told=told,
        outcome=outcome,
        policies=tuple(
            dict.fromkeys(
                event.stream.partition(":")[2]
                for event in batch.events
                if event.stream.startswith("policy:")
            )
        ),
    )


_REFUSED: Final = (
    InvalidInput,
    Rejected,
    Refused,
    CanonicalError,
    EventIdConflict,
    IdempotencyConflict,
    VersionConflict,
)


def _faults(error: Exception) -> tuple[Fault, ...]:
    """Return why a batch was refused, each fault where it stands."""
    match error:
        case InvalidInput():
            return error.errors
        case Rejected():
            return faults_of(error)
        case EventIdConflict():
            return (Fault(pointer=f"/events/{error.index}/id", detail=str(error)),)
        case _:
            return (Fault(pointer="/events", detail=str(error)),)


def _body(draft: Draft) -> object:
    """Return the body that a form means; a correction stands in the stream of its target."""
    values = draft.values
    if draft.form.type == "record.corrected" and values.get("event", "").strip():
        target = _target(values["event"])
        if target is None:
            detail = "The log has no event of this id: copy it from the event's page."
            raise InvalidInput([Fault(pointer="/events/0/data/event", detail=detail)])
        values = {**values, "stream": target.event.stream}
    return fields.body_of(draft.form, values)


def _parsed(body: str) -> object:
    try:
        return parse(body.encode("utf-8", "surrogatepass"))
    except MalformedJson as error:
        detail = "What was shown did not come back whole. Look at it again, then confirm."
        raise InvalidInput([Fault(pointer="/events", detail=detail)]) from error


def _read(body: object, signed: Signed) -> Batch:
    asked = read_batch(body, new_id=partial(new_id, house().clock), most=house().max_batch)
    check_sizes(asked.events)
    return Batch(
        events=asked.events,
        principal=signed.principal.id,
        expected_versions=asked.expected_versions,
    )


def _target(event_id: str) -> Recorded | None:
    known = uuid_of(event_id.strip())
    return None if known is None else browsing.event(house().database, known)


def _of_target(event_id: str) -> dict[str, str]:
    """Return what a correction begins with: the event as it was recorded, to be mended."""
    found = _target(event_id)
    if found is None:
        return {"event": event_id[:100]}
    plain = event_to(found.event)
    return {
        "event": str(found.event.id),
        "action": "amend",
        "replacement": answer_bytes(plain, indent=True).decode(),
    }


def _form(
    draft: Draft, faults: Iterable[Fault] = (), status: int = 200, told: str = ""
) -> Response:
    known, rest = fields.beside(draft.form, faults)
    number = sum(map(len, known.values())) + len(rest)
    _, registry = browsing.registry(house().database, None, house().clock())
    return page(
        "append.html",
        status,
        faults=[told] if told else [],
        draft=draft,
        forms=tuple(FORMS.values()),
        beside=known,
        rest=rest,
        number=number,
        lists={
            "authorities": _names(registry.authorities),
            "providers": _names(registry.providers),
        },
    )


def _names(registered: Mapping[str, Registered]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((id_, one.name) for id_, one in registered.items()))
