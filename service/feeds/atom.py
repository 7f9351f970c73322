"""Changes as an Atom feed (RFC 4287), newest first.

    <feed xmlns="http://www.w3.org/2005/Atom">
      <id>urn:uuid:…</id> <title>…</title> <updated>…</updated> <link rel="self" href="…"/>
      <entry>
        <id>urn:uuid:(the event's id)</id> <title>…</title> <updated>(recorded at)</updated>
        <link rel="alternate" href="/v1/events/…"/>
        <category term="policy.adopted"/> <summary>…</summary>
      </entry>
    </feed>

An event is recorded once and never edited, so an entry never changes; a correction is an entry of
its own. Links are relative, unless the operator has said where the server is reached: the name that
a client sends for the host is never repeated.
"""

from collections.abc import Mapping
from typing import Final
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from service.application.following import ChangeMade, ChangesMade
from service.domain.codec import instant_text
from service.domain.events import Event, RecordCorrected
from service.projections.known import Near

MEDIA_TYPE: Final = "application/atom+xml; charset=utf-8"

_ATOM: Final = "http://www.w3.org/2005/Atom"
_NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:accessline:changes")
_CAUSE: Final = "urn:accessline:cause"
_NEVER: Final = "1970-01-01T00:00:00.000000Z"


def feed(found: ChangesMade, near: Near, links: Mapping[str, str], base: str) -> bytes:
    """Write a part of the changes as a feed.

    Args:
        found: What changed.
        near: Where it had to reach; the feeds of two places have two ids.
        links: The targets of the feed's own links by their relation.
        base: What stands before a path; empty for links that are relative.
    """
    root = ET.Element("feed", xmlns=_ATOM)
    _add(root, "id", uuid5(_NAMESPACE, f"{near.provider}/{near.region}").urn)
    _add(root, "title", _title(near))
    _add(root, "updated", _updated(found))
    author = ET.SubElement(root, "author")
    _add(author, "name", "accessline")
    for rel, target in links.items():
        ET.SubElement(root, "link", rel=rel, type="application/atom+xml", href=target)
    for one in found.items:
        _entry(root, one, base)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _title(near: Near) -> str:
    where = "" if near.region is None else f" in {near.region}"
    whose = "AI services" if near.provider is None else near.provider
    return f"Changes of access to {whose}{where}"


def _updated(found: ChangesMade) -> str:
    """Return when the newest entry came; of a feed without entries, when the log was written."""
    newest = found.items[0].recorded.recorded_at if found.items else found.known_at.recorded_at
    return _NEVER if newest is None else instant_text(newest)


def _entry(root: ET.Element, one: ChangeMade, base: str) -> None:
    event = one.recorded.event
    recorded_at = instant_text(one.recorded.recorded_at)
    entry = ET.SubElement(root, "entry")
    _add(entry, "id", event.id.urn)
    _add(entry, "title", event.title or _untitled(event))
    _add(entry, "updated", recorded_at)
    _add(entry, "published", recorded_at)
    target = f"{base}/v1/events/{event.id}"
    ET.SubElement(entry, "link", rel="alternate", href=target)
    for source in event.sources:
        ET.SubElement(entry, "link", rel="related", title=source.publisher, href=source.url)
    ET.SubElement(entry, "category", term=event.type)
    ET.SubElement(entry, "category", term=one.cause.value, scheme=_CAUSE)
    _add(entry, "summary", _summary(event))


def _untitled(event: Event) -> str:
    if isinstance(event.data, RecordCorrected):
        return f"Our record of {event.stream} is corrected"
    return f"{event.type} in {event.stream}"


def _summary(event: Event) -> str:
    if isinstance(event.data, RecordCorrected):
        return event.data.reason
    return event.summary or f"Occurred on {event.occurred_on}."


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text
