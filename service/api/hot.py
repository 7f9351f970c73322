"""The two questions that are asked most, answered by the short way.

``GET /v1/access/{provider}/{region}`` and ``POST /v1/access/check`` are views as all others are:
described, checked and answered there. Here the usual request, that of which every byte is plain, is
read by hand, without Flask, and answered with the same status, bytes and headers (a property test
holds them equal). Whatever is not usual gives None, and goes to the view: a key, a session, another
form, a tag, a position to wait for, and everything that is refused, since only the view says why.

    usual query     service, audience, as_of and known_at, each once, of unreserved characters
    usual body      a length, at most ``MOST_BYTES``; printable ASCII without escapes

``stamp`` tells where the log stood after the request came, if anybody has looked.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

import msgspec

from service.api import changes, rendering
from service.api.keeping import FOR_EVER, Good
from service.api.negotiation import JSON
from service.api.reads import FLOATING, IMMUTABLE, PINNED, tag_of
from service.api.wiring import Wiring
from service.application import asking, gating
from service.application.gating import MAX_CELLS, Wanted
from service.application.moments import moment
from service.domain.answers import Question
from service.domain.codec import answer_bytes
from service.domain.scope import PUBLIC
from service.schemas.checks import MAX_TEXT
from service.store.watching import Stamp

MOST_BYTES: Final = 256 * 1024

CHECK_PATH: Final = "/v1/access/check"
EXPLAINED_ROUTE: Final = "/v1/access/<provider>/<region>"

_PATH: Final = re.compile(r"/v1/access/([a-z0-9-]{1,100})/([A-Z0-9-]{2,100})", re.ASCII)
_QUERY: Final = re.compile(
    r"(?:(?:service|audience|as_of|known_at)=[A-Za-z0-9_.:@/,~-]{1,300}(?:&(?!\Z)|\Z))*", re.ASCII
)
_BODY: Final = re.compile(rb"[ !#-\[\]-~\"\r\n\t]*")
_ACCEPTED: Final = (None, "*/*", JSON)
_SPECIAL: Final = ("HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_IF_NONE_MATCH")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: what there is to say besides 200 and the headers that all have."""

    route: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    good: Good | None


class _Cell(msgspec.Struct, forbid_unknown_fields=True):
    provider: str
    service: str
    region: str
    audience: str | msgspec.UnsetType = msgspec.UNSET


class _Check(msgspec.Struct, forbid_unknown_fields=True):
    cells: list[_Cell]
    as_of: str | msgspec.UnsetType = msgspec.UNSET
    known_at: str | msgspec.UnsetType = msgspec.UNSET


_CHECK: Final = msgspec.json.Decoder(_Check)


def usual(environ: Mapping[str, Any]) -> bool:
    """Tell whether nothing but the question itself makes the answer."""
    if environ.get("HTTP_ACCEPT") not in _ACCEPTED or environ.get("SCRIPT_NAME"):
        return False
    return not any(name in environ for name in _SPECIAL)


def explained(house: Wiring, environ: Mapping[str, Any], stamp: Stamp | None) -> Answered | None:
    """Answer a GET of the explained answer; None where the view must."""
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    there = _PATH.fullmatch(path)
    if there is None or _QUERY.fullmatch(query) is None:
        return None
    pairs = [part.split("=", 1) for part in query.split("&")] if query else []
    given = dict(pairs)
    if len(given) < len(pairs):
        return None
    now, known_at = house.now(), given.get("known_at")
    try:
        question = Question(
            provider=there[1],
            region=there[2],
            as_of=moment(given.get("as_of"), now),
            service=given.get("service"),
            audience=given.get("audience", PUBLIC),
        )
        with _reading(house, known_at):
            found = asking.explained(house.database, question, known_at, now, stamp)
    except Exception:  # noqa: BLE001 -- the view says what it was
        return None
    pinned = known_at is not None and PINNED.fullmatch(known_at) is not None
    fixed = pinned and "as_of" in given
    day = None if fixed else now.astimezone(UTC).date()
    position = found.known_at.position
    links = given | {"as_of": found.as_of.text, "known_at": f"@{position}"}
    target = "&".join([f"{name}={value}" for name, value in links.items()])
    body = answer_bytes(rendering.explained(found))
    headers = (
        ("Content-Type", JSON),
        ("Content-Length", str(len(body))),
        ("Link", f'<{path}?{target}>; rel="canonical"'),
        ("ETag", f'"{tag_of(f"{path}?{query}", JSON, day, (position,))}"'),
        ("Cache-Control", IMMUTABLE if fixed else FLOATING),
    )
    good = FOR_EVER if fixed else Good(None if pinned else position, day)
    return Answered(EXPLAINED_ROUTE, headers, body, good)


def check(house: Wiring, raw: bytes, stamp: Stamp | None) -> Answered | None:
    """Answer the body of a check; None where the view must."""
    asked = _read(raw)
    if asked is None:
        return None
    now, known_at = house.now(), asked.known_at
    try:
        with _reading(house, _text(known_at)):
            found = gating.check(
                house.database,
                tuple(_wanted(asked)),
                moment(_text(asked.as_of), now),
                _text(known_at),
                now,
                stamp,
            )
    except Exception:  # noqa: BLE001 -- the view says what it was
        return None
    body = answer_bytes(changes.checks(found))
    headers = (("Content-Type", JSON), ("Content-Length", str(len(body))))
    pinned = isinstance(known_at, str) and PINNED.fullmatch(known_at) is not None
    day = None if isinstance(asked.as_of, str) and pinned else now.astimezone(UTC).date()
    good = Good(None if pinned else found.known_at.position, day)
    return Answered(CHECK_PATH, headers, body, good)


def _reading(house: Wiring, known_at: str | None) -> AbstractContextManager[object]:
    """Read from one replica, where there are any, that has the position that is named."""
    if house.replicas is None:
        return nullcontext()
    named = known_at is not None and PINNED.fullmatch(known_at) is not None
    return house.replicas.reading(int(known_at[1:]) if known_at and named else 0)


def _read(raw: bytes) -> _Check | None:
    """Read a body of which nobody could say anything but what stands there."""
    if _BODY.fullmatch(raw) is None:
        return None
    try:
        asked = _CHECK.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not 1 <= len(asked.cells) <= MAX_CELLS:
        return None
    texts = [one for one in (asked.as_of, asked.known_at) if isinstance(one, str)]
    names = 1 + len(texts)
    for cell in asked.cells:
        texts += (cell.provider, cell.service, cell.region)
        names += 3
        if isinstance(cell.audience, str):
            texts.append(cell.audience)
            names += 1
    # A name that stands twice shows by its quotes, since there are no others.
    if raw.count(b'"') != 2 * (names + len(texts)):
        return None
    return asked if all(0 < len(text) <= MAX_TEXT for text in texts) else None


def _wanted(asked: _Check) -> Iterator[Wanted]:
    for cell in asked.cells:
        audience = cell.audience if isinstance(cell.audience, str) else PUBLIC
        yield Wanted(
            provider=cell.provider, service=cell.service, region=cell.region, audience=audience
        )


def _text(given: str | msgspec.UnsetType) -> str | None:
    return given if isinstance(given, str) else None
