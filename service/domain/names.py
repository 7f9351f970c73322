"""The forms of ids, and which streams and fields belong to which type of event."""

import re
from typing import Final

from service.domain.events import (
    ContextNoted,
    Event,
    GroupChanged,
    RecordCorrected,
    Registered,
    RegistryKind,
    directives_of,
    scopes_of,
)
from service.domain.registry import GROUP, entry_id

SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
PATH: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:/[a-z0-9]+(?:-[a-z0-9]+)*)*", re.ASCII)
GROUP_ID: Final = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)*", re.ASCII)
OVERRIDE: Final = re.compile(
    r"policy:([a-z0-9]+(?:-[a-z0-9]+)*)#([a-z0-9]+(?:-[a-z0-9]+)*)", re.ASCII
)
MAX_ID: Final = 100

CATEGORIES: Final = ("registry", "policy", "observation", "context")
"""What stands before the colon of a stream."""


def is_slug(text: str) -> bool:
    """Tell whether a text is a slug: lower-case letters and digits, joined by single hyphens."""
    return len(text) <= MAX_ID and SLUG.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """Tell whether a text is slugs joined by slashes."""
    return len(text) <= MAX_ID and PATH.fullmatch(text) is not None


def is_group_id(text: str) -> bool:
    """Tell whether a text may name a group of regions: capitals and digits, as ``EU``."""
    return len(text) <= MAX_ID and GROUP_ID.fullmatch(text) is not None


def stream_wanted(event: Event) -> str:
    """Return the stream in which an event belongs, ``…`` standing for a slug of choice."""
    match event.data:
        case Registered() as data:
            return f"registry:{data.kind}/{entry_id(data)}"
        case GroupChanged() as data:
            return f"registry:{GROUP}/{data.id}"
        case ContextNoted():
            return "context:…"
        case RecordCorrected():
            return "…"
        case _ if event.type == "access.observed":
            return "observation:…"
        case _:
            return "policy:…"


def fits(stream: str, wanted: str) -> bool:
    """Tell whether a stream is the one wanted."""
    category, _, slug = stream.partition(":")
    if wanted == "…":
        return category in CATEGORIES
    if wanted.endswith("…"):
        return wanted.startswith(category + ":") and is_slug(slug)
    return stream == wanted


def mentions(event: Event) -> set[tuple[str, str]]:
    """Return what an event names, as (dimension, id), for finding it again.

    A service is named with its provider, as ``openai/api``.
    """
    found: set[tuple[str, str]] = set()
    if event.authority is not None:
        found.add(("authority", event.authority))
    match event.data:
        case Registered() as data:
            found.update(_entry(data))
        case GroupChanged() as data:
            found.add(("region", data.id))
            found.update(("region", one) for one in (*data.adds, *data.removes))
        case ContextNoted() as data:
            found.update(("provider", one) for one in data.providers)
            found.update(("region", one) for one in data.regions)
        case RecordCorrected(replacement=Event() as replacement):
            found.update(mentions(replacement))
        case _:
            found.update(("authority", one.implemented_by or "") for one in directives_of(event))
            for scope in scopes_of(event):
                found.update(("provider", one) for one in scope.providers)
                found.update(("region", one) for one in scope.regions)
                found.update(("audience", one) for one in scope.audiences)
                found.update(
                    ("service", f"{scope.providers[0]}/{one}")
                    for one in scope.services
                    if one != "*"
                )
    return {(dimension, value) for dimension, value in found if value}


def _entry(data: Registered) -> set[tuple[str, str]]:
    """Return an entry of the registry itself, and what it rests on."""
    above = data.id.rpartition("/")[0]
    match data.kind:
        case RegistryKind.AUTHORITY:
            return {("authority", data.id), ("region", data.region or "")}
        case RegistryKind.PROVIDER:
            return {("provider", data.id), ("authority", data.authority or "")}
        case RegistryKind.SERVICE:
            parent = f"{data.provider}/{above}" if above else ""
            provider = data.provider or ""
            return {("service", entry_id(data)), ("service", parent), ("provider", provider)}
        case RegistryKind.AUDIENCE:
            return {("audience", data.id), ("audience", above)}
