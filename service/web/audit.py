"""The audit: what was published of the log, and every entry, with its proof and its corrections."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time
from typing import Final

from flask import Blueprint, Response

from service.application import auditing, publishing
from service.application.auditing import Audit, AuditFilter
from service.application.publishing import (
    LogForked,
    LogWentBack,
    PublishingRefused,
    SignerBusy,
)
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.errors import Refused
from service.evidence.checkpoints import Checkpoint
from service.evidence.errors import EvidenceError
from service.evidence.notes import Note
from service.evidence.text import base64_text
from service.store import checkpoints
from service.store.checkpoints import Published
from service.store.codec import instant, microseconds
from service.web import filters, words
from service.web.asking import house
from service.web.filters import Reading, link
from service.web.views import page

SHOWN: Final = 25
"""Entries on one page."""

_HISTORY: Final = 12
_FILTERS: Final = tuple(one.name for one in fields(AuditFilter))

blueprint = Blueprint("audit", __name__)
blueprint.add_app_template_global(words.moment, "moment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A checkpoint as a page shows it.

    Attributes:
        root: In base64, as the note has it.
        signers: Name and id of each key that a signature says to be of.
        published_at: None of the newest, which is made as it is asked for.
    """

    origin: str
    size: int
    root: str
    signers: tuple[str, ...]
    note: str
    published_at: datetime | None


@blueprint.get("/audit")
@requires(Role.READER)
def audit() -> Response:
    """Show the newest checkpoint, those before it, and the entries of the log."""
    asked = filters.read()
    signer = house().signer
    newest, refused = _newest()
    wanted = _wanted(asked)
    found, wanted, after = _found(asked, wanted)
    query = _named(asked, wanted)
    positions = [one.recorded.position for one in found.items]
    earlier = max(positions[0] - SHOWN - 1, 0) if positions and positions[0] > 1 else None
    paging = {"after": after or None}
    return page(
        "audit.html",
        asked=asked,
        faults=asked.faults,
        newest=newest,
        refused=refused,
        keys=() if signer is None else tuple(map(str, signer.verifiers)),
        history=_history(),
        found=found,
        positions=positions,
        given=asked.ask.query,
        shown_by=query,
        earlier=None if query or earlier is None else _page(asked, query, earlier),
        later=None if found.next is None else _page(asked, query, found.next),
        first=_page(asked, query, 0) if after else None,
        api=link("/v1/audit", query, asked.pin),
        permalink=link("/audit", query, paging, {"known_at": asked.ask.known}),
    )


def _page(asked: Reading, query: Mapping[str, object], after: int) -> str:
    return link("/audit", query, {"after": after}, asked.pin) + "#entries"


def _newest() -> tuple[Seal | None, str | None]:
    """Return the newest checkpoint; or why there is none, in words."""
    try:
        found = publishing.current(house().database, house().signer, house().clock)
        return (None if found is None else _seal(found.note), None)
    except PublishingRefused as error:
        return None, _refusal(error)
    except EvidenceError as error:
        return None, f"What the database keeps as the newest checkpoint is none: {error}"


def _refusal(error: PublishingRefused) -> str:
    """Tell why nothing is signed: to anybody, so without the paths that the operator is told."""
    match error:
        case LogWentBack():
            return (
                f"The log ends at position {error.head}, and a checkpoint was published for"
                f" {error.published}: events are missing, as after restoring an older backup."
            )
        case LogForked():
            return (
                f"The log at position {error.head} does not continue the checkpoint that was"
                f" published for {error.published}: an event before that position is another one"
                " than it was. Whoever holds that checkpoint has proof of two histories."
            )
        case SignerBusy():
            return "Another process is signing just now. Come back in a moment."
        case _:
            return (
                "The last checkpoint that was published cannot be read, so nobody can tell whether"
                " the log continues it. Whoever runs the server has to put it back."
            )


def _seal(note: bytes, published_at: datetime | None = None) -> Seal:
    read = Note.read(note)
    checkpoint = Checkpoint.read(read.text)
    return Seal(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=base64_text(checkpoint.root),
        signers=tuple(f"{one.name}+{one.id.hex()}" for one in read.signatures),
        note=note.decode(),
        published_at=published_at,
    )


def _history() -> list[tuple[Published, Seal | None]]:
    """Return what was published, newest first; None beside what is no checkpoint any more."""
    with house().database.read() as connection:
        kept = checkpoints.newest(connection, limit=_HISTORY)
    return [(one, _kept(one)) for one in kept]


def _kept(one: Published) -> Seal | None:
    try:
        return _seal(one.note, instant(one.published_at))
    except EvidenceError:
        return None


def _wanted(asked: Reading) -> AuditFilter:
    query = asked.ask.query
    since, until = (_microseconds(asked, name) for name in ("from", "until"))
    if since is not None and until is not None and since >= until:
        asked.faults.append("Recorded until: it does not lie after recorded from.")
        until = None
    return AuditFilter(
        policy=query.get("policy"),
        cell=query.get("cell"),
        recorded_by=query.get("recorded_by"),
        recorded_from=since,
        recorded_until=until,
    )


def _microseconds(asked: Reading, name: str) -> int | None:
    """Return a bound of the record: an instant, or the start of a day in UTC."""
    when = asked.when(f"recorded_{name}", f"Recorded {name}")
    if when is None:
        return None
    return microseconds(when.instant or datetime.combine(when.day, time(), UTC))


def _found(asked: Reading, wanted: AuditFilter) -> tuple[Audit, AuditFilter, int]:
    """Return a part of the log; what the filter names and nobody knows is told and left out."""
    given = asked.number("after", "After position")
    while True:
        whole = wanted == AuditFilter()
        last = max(asked.ask.known_at.position - SHOWN, 0) if whole else 0
        after = last if given is None else given
        database, known, now = house().database, asked.ask.known, asked.ask.now
        try:
            found = auditing.audit(database, wanted, known, now, after=after, limit=SHOWN)
        except Refused as error:
            if not error.path or error.path[0] not in _FILTERS:
                raise
            asked.faults.append(error.detail)
            wanted = replace(wanted, **{str(error.path[0]): None})
        else:
            return found, wanted, after


def _named(asked: Reading, wanted: AuditFilter) -> dict[str, object]:
    """Return what was filtered by, as a query names it."""
    return {name: asked.ask.query[name] for name in _FILTERS if getattr(wanted, name) is not None}
