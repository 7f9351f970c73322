"""Errors as HTTP knows them: the one place where a refusal gets its status.

Every error is answered as ``application/problem+json`` (RFC 9457), except to a browser that looks
for a page::

    {
        "type": "/problems/validation",
        "title": "The input is not valid",
        "status": 422,
        "detail": "…",
        "instance": "5f0c…",
        "errors": [{"pointer": "/events/0/type", "detail": "…", "suggestion": "policy.adopted"}],
    }

``type`` is stable and what a program should look at, ``instance`` the id of the request, as in the
log. What nobody expected is logged with its trace and answered without it.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from service import logs
from service.api.cursors import ForgedCursor
from service.api.negotiation import NotAcceptable
from service.api.turns import TooMuch
from service.api.waiting import NotThereYet
from service.application.errors import EventIdConflict, IdempotencyConflict, VersionConflict
from service.application.publishing import PublishingRefused
from service.auth.errors import Forbidden, RateLimited, Unauthenticated
from service.domain.codec import answer_bytes
from service.domain.errors import AccesslineError, Refused, Rejected
from service.evidence.canonical import CanonicalError
from service.schemas.faults import Fault, InvalidInput, faults_of, pointer_of
from service.schemas.strict import MalformedJson
from service.store.errors import (
    DatabaseBusy,
    DatabaseUnavailable,
    HeadMoved,
    ReadOnlyDatabase,
    SchemaOutdated,
    StoreError,
    WriteRefused,
)

MEDIA_TYPE: Final = "application/problem+json"
MOST_SHOWN: Final = 100
"""Faults in one answer at most."""

_LOG: Final = logging.getLogger(__name__)

_PASSING: Final[Mapping[type[StoreError], int]] = {
    DatabaseBusy: 1,
    HeadMoved: 1,
    DatabaseUnavailable: 5,
    WriteRefused: 10,
    ReadOnlyDatabase: 30,
    SchemaOutdated: 30,
}
"""What may pass, and after how many seconds to ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What an error is to a client.

    Attributes:
        type: The last part of its stable URI.
        members: More members of the answer, by name.
        headers: More headers of the answer.
    """

    status: int
    type: str
    title: str
    detail: str
    errors: Sequence[Fault] = ()
    members: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class UnknownInPath(AccesslineError):
    """The path names something that is not there."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def install(app: Flask, shown: Callable[[HTTPException], Response | None] = lambda _: None) -> None:
    """Answer every error of an application as a problem.

    Args:
        app: The application.
        shown: What a browser is shown instead; None where a client wants no page.
    """

    def answered(error: Exception) -> Response:
        page = shown(error) if isinstance(error, HTTPException) else None
        return _answer(error) if page is None else page

    app.register_error_handler(Exception, answered)


def answer(problem: Problem) -> Response:
    """Return a problem as a response."""
    shown: dict[str, Any] = {
        "type": f"/problems/{problem.type}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": logs.request_id.get(),
        **problem.members,
    }
    if problem.errors:
        shown["errors"] = [_plain(fault) for fault in problem.errors[:MOST_SHOWN]]
    return Response(answer_bytes(shown), problem.status, problem.headers, content_type=MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """Return what an error is to a client."""
    match error:
        case HTTPException():
            return _of_http(error)
        case Unauthenticated() | Forbidden() | RateLimited():
            return _of_stranger(error)
        case VersionConflict() | EventIdConflict() | IdempotencyConflict():
            return _of_conflict(error)
        case (
            MalformedJson()
            | ForgedCursor()
            | NotAcceptable()
            | NotThereYet()
            | TooMuch()
            | PublishingRefused()
        ):
            return _of_request(error)
        case StoreError():
            return _of_store(error)
        case _:
            return _of_input(error)


def _answer(error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.response is not None:
        # A view that has its answer early, such as 304.
        return cast("Response", error.response)
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, NotThereYet | TooMuch):  # noqa: PLR2004 -- ours
        _LOG.error("%s", type(error).__name__, exc_info=error)
    return answer(problem)


def _plain(fault: Fault) -> dict[str, str]:
    said = {
        "pointer": fault.pointer,
        "parameter": fault.parameter,
        "detail": fault.detail,
        "suggestion": fault.suggestion,
    }
    return {name: value for name, value in said.items() if value is not None}


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    usual = _USUAL.get(status)
    if usual is None:
        name = error.name.lower()
        return Problem(
            status=status,
            type=name.replace(" ", "-"),
            title=name.capitalize(),
            detail=f"{name.capitalize()}.",
            headers=headers,
        )
    kind, title, detail = usual
    return Problem(status=status, type=kind, title=title, detail=detail, headers=headers)


_USUAL: Final[Mapping[int, tuple[str, str, str]]] = {
    400: (
        "bad-request",
        "The request cannot be read",
        "The request is no well-formed HTTP request.",
    ),
    404: (
        "not-found",
        "There is nothing here",
        "No resource has this path; /openapi.json lists all of them.",
    ),
    405: (
        "method-not-allowed",
        "The resource does not do this",
        "This resource has other methods only; the header Allow names them.",
    ),
    413: (
        "too-large",
        "The body is too large",
        "The body is larger than this server reads; send the events in several batches.",
    ),
    415: (
        "unsupported-media-type",
        "The body has another format",
        "Send the body as 'Content-Type: application/json', without Content-Encoding.",
    ),
}


def _of_stranger(error: Unauthenticated | Forbidden | RateLimited) -> Problem:
    if isinstance(error, RateLimited):
        return Problem(
            status=429,
            type="rate-limited",
            title="Too many requests",
            detail=str(error),
            headers={"Retry-After": str(error.wait)},
        )
    if isinstance(error, Forbidden):
        return Problem(
            status=403, type="forbidden", title="This key may not do this", detail=str(error)
        )
    realm = 'Bearer realm="accessline"'
    return Problem(
        status=401,
        type="unauthenticated",
        title="A good key is needed",
        detail=str(error),
        headers={"WWW-Authenticate": f'{realm}, error="invalid_token"' if error.given else realm},
    )


def _of_conflict(error: VersionConflict | EventIdConflict | IdempotencyConflict) -> Problem:
    match error:
        case VersionConflict():
            return Problem(
                status=409,
                type="version-conflict",
                title="The stream is at another version",
                detail=str(error),
                members={
                    "stream": error.stream,
                    "expected": error.expected,
                    "actual": error.actual,
                },
            )
        case EventIdConflict():
            pointer = pointer_of(("events", error.index, "id"))
            return Problem(
                status=409,
                type="event-id-conflict",
                title="The id names another event",
                detail=str(error),
                errors=[Fault(pointer=pointer, detail=str(error))],
                members={"event": str(error.event), "position": error.position},
            )
        case IdempotencyConflict():
            return Problem(
                status=422,
                type="idempotency-conflict",
                title="The Idempotency-Key was used for another request",
                detail=str(error),
                errors=[Fault(parameter="Idempotency-Key", detail=str(error))],
            )


def _of_request(
    error: MalformedJson | ForgedCursor | NotAcceptable | NotThereYet | TooMuch | PublishingRefused,
) -> Problem:
    match error:
        case PublishingRefused():
            return _of_publishing()
        case MalformedJson():
            return Problem(
                status=400, type="malformed-json", title="The body is not JSON", detail=str(error)
            )
        case ForgedCursor():
            return Problem(
                status=400,
                type="forged-cursor",
                title="The cursor is not good here",
                detail=str(error),
                errors=[Fault(parameter="cursor", detail=str(error))],
            )
        case NotAcceptable():
            return Problem(
                status=406,
                type="not-acceptable",
                title="The answer has other forms",
                detail=str(error),
            )
        case NotThereYet():
            return _soon("not-there-yet", "The log has not come to that position", error)
        case TooMuch():
            return _soon("too-busy", "The server has too much to do", error)


def _soon(kind: str, title: str, error: Exception) -> Problem:
    again = {"Retry-After": "1"}
    return Problem(status=503, type=kind, title=title, detail=str(error), headers=again)


def _of_store(error: StoreError) -> Problem:
    wait = _PASSING.get(type(error))
    if wait is None:
        return _unexpected()
    # A commit whose answer was lost may have been kept: only the log can tell.
    unsure = (
        " Whether this was recorded is not known: sent again with the same Idempotency-Key, or the "
        "same event ids, it is recorded once."
    )
    wrote = unsure if request.method == "POST" else ""
    return Problem(
        status=503,
        type="unavailable",
        title="The log cannot be used just now",
        detail=f"The database does not answer as it must.{wrote} Try again in {wait} seconds.",
        headers={"Retry-After": str(wait)},
    )


def _of_publishing() -> Problem:
    """Answer that nothing is signed; why, with its paths, is for the log and the operator."""
    return Problem(
        status=503,
        type="not-published",
        title="No checkpoint is signed just now",
        detail=(
            "The log does not continue the last checkpoint that was published, or that cannot be"
            " read: nothing is signed until whoever runs the server has looked at it. Proofs for"
            " checkpoints that you hold are at /v1/log/proof/inclusion and /consistency."
        ),
        headers={"Retry-After": "60"},
    )


def _of_input(error: Exception) -> Problem:
    match error:
        case InvalidInput():
            return _invalid(error.errors)
        case Rejected():
            return _invalid(faults_of(error))
        case Refused():
            return _refused(error)
        case UnknownInPath():
            return _not_there(error.detail)
        case CanonicalError():
            return _invalid([Fault(pointer="/events", detail=str(error))])
        case _:
            return _unexpected()


def _invalid(faults: Iterable[Fault]) -> Problem:
    told = tuple(faults)
    number = len(told)
    detail = told[0].detail if number == 1 else f"The input has {number:,} faults, see 'errors'."
    if number > MOST_SHOWN:
        detail = f"The input has {number:,} faults or more; 'errors' has the first {MOST_SHOWN}."
    return Problem(
        status=422,
        type="validation",
        title="The input is not valid",
        detail=detail,
        errors=told,
    )


def _refused(error: Refused) -> Problem:
    """Answer what a question was refused for: its path begins with a parameter's name."""
    name = str(error.path[0]) if error.path else None
    if name is not None and name in (request.view_args or {}):
        return _not_there(error.detail, Fault(**_named(error, name)))
    return _invalid([Fault(**_named(error, name))])


def _named(error: Refused, name: str | None) -> dict[str, Any]:
    return {"parameter": name, "detail": error.detail, "suggestion": error.suggestion}


def _not_there(detail: str, fault: Fault | None = None) -> Problem:
    return Problem(
        status=404,
        type="not-found",
        title="There is nothing here",
        detail=detail,
        errors=() if fault is None else (fault,),
    )


def _unexpected() -> Problem:
    return Problem(
        status=500,
        type="internal",
        title="Something went wrong here",
        detail="This is a fault of the server. Whoever runs it finds it in the log by 'instance'.",
    )
