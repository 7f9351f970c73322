"""The audit as the plain data of the contract: its items have the fields of their JSON.

As ``rendering`` does, and for its readers: every function takes what a use case returned.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from service.api import tables
from service.api.rendering import Json
from service.application.auditing import Audit, Correction, Entry
from service.application.recorders import KeyAudit, KeyAudits
from service.domain.events import (
    CorrectionAction,
    RecordCorrected,
    RecordReviewed,
    Source,
    SourceKind,
)
from service.domain.times import When


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCorrection:
    """A correction beside what it corrects; `standing` tells whether it counts."""

    id: UUID
    position: int
    recorded_at: datetime
    recorded_by: str
    action: CorrectionAction
    reason: str
    standing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSource:
    """A source of an event."""

    url: str
    publisher: str
    published_on: date | None
    kind: SourceKind
    archive_url: str | None
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditItem:
    """Who recorded an event, when and from which sources, and what became of it."""

    position: int
    recorded_at: datetime
    recorded_by: str
    id: UUID
    type: str
    stream: str
    version: int
    authority: str | None
    occurred_on: When
    title: str | None
    standing: bool
    corrects: UUID | None
    corrected_by: tuple[UUID, ...]
    corrections: tuple[AuditCorrection, ...]
    reason: str | None
    reviewed_on: date | None
    sources: tuple[AuditSource, ...]
    proof: str


AUDIT_COLUMNS: Final = tables.columns_of(AuditItem)
KEY_COLUMNS: Final = tables.columns_of(KeyAudit)


def audit(found: Audit, following: str | None) -> Json:
    """Return a part of the audit, in position order."""
    return {
        "known_at": found.known_at,
        "items": [audit_item(one) for one in found.items],
        "next": following,
    }


def audit_item(one: Entry) -> AuditItem:
    """Return an event of the audit."""
    recorded, event = one.recorded, one.recorded.event
    data = event.data
    return AuditItem(
        position=recorded.position,
        recorded_at=recorded.recorded_at,
        recorded_by=recorded.recorded_by,
        id=event.id,
        type=event.type,
        stream=event.stream,
        version=recorded.version,
        authority=event.authority,
        occurred_on=event.occurred_on,
        title=event.title,
        standing=one.stands is not None,
        corrects=one.corrects,
        corrected_by=one.corrected_by,
        corrections=tuple(map(_correction, one.corrections)),
        reason=data.reason if isinstance(data, RecordCorrected) else None,
        reviewed_on=data.reviewed_on if isinstance(data, RecordReviewed) else None,
        sources=tuple(map(_source, event.sources)),
        proof=f"/v1/events/{event.id}/proof",
    )


def _correction(one: Correction) -> AuditCorrection:
    return AuditCorrection(
        id=one.recorded.event.id,
        position=one.recorded.position,
        recorded_at=one.recorded.recorded_at,
        recorded_by=one.recorded.recorded_by,
        action=one.data.action,
        reason=one.data.reason,
        standing=one.standing,
    )


def _source(one: Source) -> AuditSource:
    return AuditSource(
        url=one.url,
        publisher=one.publisher,
        published_on=one.published_on,
        kind=one.kind,
        archive_url=one.archive_url,
        sha256=one.sha256,
    )


def keys(found: KeyAudits, following: str | None) -> Json:
    """Return a part of the audit of keys."""
    return {"known_at": found.known_at, "items": found.items, "next": following}
