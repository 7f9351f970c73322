"""Answers as the plain data of the contract, the same for the HTTP API and the command line.

Every function takes what a use case returned and gives a dict; the order of its keys is that of
the JSON. The dicts still hold values of the domain (times, words, ids): only
``service.domain.codec.answer_bytes`` turns them into JSON, so every value has one form. Cells of an
explained answer went through it already.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from weakref import ref

from orjson import Fragment

from service.api import tables
from service.application.asking import Listing, Row, Span, Timeline
from service.application.browsing import Meta, Policies
from service.application.places import name_of
from service.application.preview import Cause, Preview
from service.application.recording import Receipt
from service.domain import regions
from service.domain.answers import Basis, CellAnswer, Explained, KnownAt
from service.domain.codec import answer_bytes, event_to, instant_text
from service.domain.dossier import Dossier, Lifecycle
from service.domain.events import (
    TYPES,
    AuthorityKind,
    Confidence,
    CorrectionAction,
    Effect,
    Event,
    Instrument,
    Phase,
    Recorded,
    Registered,
    RegistryKind,
    SourceKind,
    SuspensionKind,
)
from service.domain.pending import PendingKind
from service.domain.registry import Registry
from service.domain.resolution import Access, How, State
from service.domain.times import When

Json = dict[str, Any]

REGION_KINDS: Final = ("country", "subdivision", "group")

# The columns of lists, in the order of their fields.

CELL_COLUMNS: Final = tables.columns_of(Row)
INTERVAL_COLUMNS: Final = (
    "service",
    "from",
    "until",
    "state",
    "access",
    "legal_state",
    "conditions",
    "started_by",
    "ended_by",
)
EVENT_COLUMNS: Final = (
    "id",
    "type",
    *(name for name in Event.__struct_fields__ if name != "id"),
    "schema_version",
    "position",
    "version",
    "recorded_at",
    "recorded_by",
)
POLICY_COLUMNS: Final = tables.columns_of(Dossier)
AUTHORITY_COLUMNS: Final = ("id", "name", "kind", "region", "timezone")
PROVIDER_COLUMNS: Final = ("id", "name", "authority", "homepage")
SERVICE_COLUMNS: Final = ("id", "name", "provider", "service", "parent", "upstream")
AUDIENCE_COLUMNS: Final = ("id", "name", "parent")
REGION_COLUMNS: Final = ("id", "name", "kind", "parent", "members")

# Access.


def explained(answer: Explained) -> Json:
    """Return the explained answer, each of its cells as JSON: on many days a cell is the same."""
    shown = {name: getattr(answer, name) for name in _EXPLAINED}
    return {**shown, "cells": [_written(cell) for cell in answer.cells]}


def _written(cell: CellAnswer) -> Fragment:
    """Return a cell as JSON, which is kept for as long as the cell itself."""
    name = id(cell)
    found = _WRITTEN.get(name)
    if found is not None and found[0]() is cell:
        return found[1]
    # A copy, since what orjson returns lies in a buffer that is several times as long.
    written = Fragment(bytes(memoryview(answer_bytes(cell))))
    _WRITTEN[name] = ref(cell, lambda _: _WRITTEN.pop(name, None)), written
    return written


_EXPLAINED: Final = tables.columns_of(Explained)
_WRITTEN: Final[dict[int, tuple[ref[CellAnswer], Fragment]]] = {}


def cells(listing: Listing, rows: Iterable[Row], following: str | None) -> Json:
    """Return a part of a list of cells; ``following`` is the cursor of the next part."""
    return {
        "as_of": listing.as_of,
        "known_at": listing.known_at,
        "rule": listing.rule,
        "items": tuple(rows),
        "next": following,
    }


def timeline(answer: Timeline) -> Json:
    """Return a timeline, its intervals from the first to the last."""
    return {
        "provider": answer.provider,
        "region": answer.region,
        "audience": answer.audience,
        "known_at": answer.known_at,
        "rule": answer.rule,
        "items": [interval(span) for span in answer.spans],
    }


def interval(span: Span) -> Json:
    """Return one interval of a timeline."""
    return {
        "service": span.service,
        "from": span.since,
        "until": span.until,
        "state": span.state,
        "access": span.access,
        "legal_state": span.legal_state,
        "conditions": span.conditions,
        "started_by": span.started_by,
        "ended_by": span.ended_by,
    }


# The log.


def event(recorded: Recorded) -> Json:
    """Return an event with everything that the log gave it."""
    return {
        **event_to(recorded.event),
        "schema_version": recorded.schema_version,
        "position": recorded.position,
        "version": recorded.version,
        "recorded_at": instant_text(recorded.recorded_at),
        "recorded_by": recorded.recorded_by,
    }


def receipt(answer: Receipt) -> Receipt:
    """Return what an append answers: its fields are those of the contract already."""
    return answer


def preview(answer: Preview) -> Preview:
    """Return what a dry run answers: its fields are those of the contract already."""
    return answer


# Policies and reference data.


def policy(dossier: Dossier, as_of: When, known_at: KnownAt) -> Json:
    """Return one policy as it stood on a day and was known."""
    return {"as_of": as_of, "known_at": known_at, **policy_item(dossier)}


def policies(found: Policies, following: str | None) -> Json:
    """Return a part of a list of policies; ``following`` is the cursor of the next part."""
    return {
        "as_of": found.as_of,
        "known_at": found.known_at,
        "items": [policy_item(one) for one in found.items],
        "next": following,
    }


def policy_item(dossier: Dossier) -> Json:
    """Return one policy of a list."""
    return {name: getattr(dossier, name) for name in Dossier.__slots__}


def authority(entry: Registered) -> Json:
    """Return an authority."""
    return {
        "id": entry.id,
        "name": entry.name,
        "kind": entry.authority_kind,
        "region": entry.region,
        "timezone": entry.timezone,
    }


def provider(entry: Registered) -> Json:
    """Return a provider."""
    return {
        "id": entry.id,
        "name": entry.name,
        "authority": entry.authority,
        "homepage": entry.homepage,
    }


def service(entry: Registered) -> Json:
    """Return a service: ``service`` is its path below the provider, as answers name it."""
    return {
        "id": f"{entry.provider}/{entry.id}",
        "name": entry.name,
        "provider": entry.provider,
        "service": entry.id,
        "parent": _above(entry.id),
        "upstream": entry.upstream,
    }


def audience(code: str, registry: Registry) -> Json:
    """Return an audience; ``public`` is built in."""
    known = registry.audiences.get(code)
    name = "The general public" if known is None else known.name
    return {"id": code, "name": name, "parent": _above(code)}


def region(code: str, registry: Registry, as_of: When) -> Json:
    """Return a country, a subdivision or a group; a group with its members on a day."""
    members = registry.members(code, as_of)
    if members is not None:
        kind, name = "group", registry.groups[code].name
    else:
        kind, name = ("subdivision" if "-" in code else "country"), name_of(code)
    return {
        "id": code,
        "name": name,
        "kind": kind,
        "parent": regions.parent(code),
        "members": None if members is None else sorted(members),
    }


def region_ids(registry: Registry, kind: str | None) -> list[str]:
    """Return the ids of all regions of a kind (or of every kind), sorted."""
    ids: Mapping[str, Callable[[], Iterable[str]]] = {
        "country": lambda: regions.COUNTRIES,
        "subdivision": lambda: regions.SUBDIVISIONS,
        "group": lambda: registry.groups,
    }
    wanted = REGION_KINDS if kind is None else (kind,)
    return sorted(code for one in wanted for code in ids[one]())


def _above(path: str) -> str | None:
    return path.rpartition("/")[0] or None


_WORDS: Final[Mapping[str, Iterable[str]]] = {
    "event_types": TYPES,
    "effects": Effect,
    "states": State,
    "access": Access,
    "instruments": Instrument,
    "confidence": Confidence,
    "source_kinds": SourceKind,
    "registry_kinds": RegistryKind,
    "authority_kinds": AuthorityKind,
    "region_kinds": REGION_KINDS,
    "consultation_phases": Phase,
    "suspension_kinds": SuspensionKind,
    "correction_actions": CorrectionAction,
    "policy_statuses": Lifecycle,
    "pending_kinds": PendingKind,
    "overridden_how": How,
    "bases": Basis,
    "causes": Cause,
}


def vocabulary() -> Json:
    """Return every closed list of words that events and answers use."""
    return {name: [str(word) for word in words] for name, words in _WORDS.items()}


def meta(answer: Meta, registry: Registry, version: str) -> Json:
    """Return where the log stands and what it covers."""
    return {
        "name": "accessline",
        "version": version,
        "head": {"position": answer.position, "recorded_at": answer.recorded_at},
        "rule": answer.rule,
        "regions_frozen_on": answer.regions_frozen_on,
        "counts": {
            "events": answer.position,
            "authorities": len(registry.authorities),
            "providers": len(registry.providers),
            "services": len(registry.services),
            "audiences": len(registry.audiences),
            "groups": len(registry.groups),
            "countries": len(regions.COUNTRIES),
            "subdivisions": len(regions.SUBDIVISIONS),
        },
        "licences": {"code": "Apache-2.0", "data": "CC-BY-4.0"},
    }
