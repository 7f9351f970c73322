"""Events as a client would send them, a small cast to send them, and a log to keep them.

What a test does not say is filled in: an event of a policy is OpenAI's, has a title and a source,
and occurred on 24 June 2024. What a test says stands where the JSON has it::

    log(*registry_events(), event("policy.adopted", data={"directives": [directive("api")]}))
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from service.domain.admission import Ledger
from service.domain.codec import event_from, event_to
from service.domain.events import Event, Recorded
from service.domain.history import as_known
from service.domain.names import mentions
from service.domain.registry import Registry
from service.domain.world import World, is_registry

Table = dict[str, Any]

STORY: Final = Path(__file__).parent / "story"
"""Files of the first story, 51 events that never change; the record in `seeds/` grows."""

NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""What the clock shows before anything is recorded; each event takes a minute."""

SOURCE: Final = {"url": "https://example.org/notice", "publisher": "Example", "kind": "official"}

_STREAMS: Final = {"access.observed": "observation:probe", "context.noted": "context:note"}
_SCOPE: Final = ("providers", "services", "regions", "audiences")
_KINDS: Final = {"region": "group"}
_numbers = count(1)


def plain_event(
    kind: str,
    /,
    *,
    stream: str | None = None,
    occurred_on: str = "2024-06-24",
    data: Table | None = None,
    **envelope: Any,  # noqa: ANN401 -- any field of the envelope
) -> Table:
    """Return an event as JSON; an envelope's field given as None is left out."""
    plain: Table = {
        "id": str(UUID(int=next(_numbers))),
        "type": kind,
        "stream": stream or _STREAMS.get(kind, "policy:rules"),
        "occurred_on": occurred_on,
        "data": data or {},
    }
    if kind.partition(".")[0] in ("policy", "access", "context"):
        plain |= {"authority": "openai", "title": "What happened", "sources": [SOURCE]}
    plain |= envelope
    return {name: value for name, value in plain.items() if value is not None}


def event(kind: str, /, **fields: Any) -> Event:  # noqa: ANN401 -- those of ``plain_event``
    """Return an event that nobody has recorded yet."""
    return event_from(plain_event(kind, **fields))


def directive(key: str = "api", effect: str = "blocked", **fields: Any) -> Table:  # noqa: ANN401
    """Return a directive as JSON, the lists of its scope written flat beside its other fields.

    Where neither provider nor service is said it is about OpenAI's API, where no provider is said
    about OpenAI's services.
    """
    scope = {name: list(fields.pop(name)) for name in _SCOPE if name in fields}
    if "providers" not in scope:
        scope = {"providers": ["openai"], "services": ["api"], **scope}
    return {"key": key, "effect": effect, "scope": scope, **fields}


def corrected(target: Event, replacement: Event | None = None) -> Event:
    """Return a correction of our record: with a replacement, or without one a retraction."""
    data: Table = {"event": str(target.id), "action": "retract", "reason": "we misread it"}
    if replacement is not None:
        mended = {**event_to(replacement), "id": str(target.id)}
        data |= {"action": "amend", "replacement": mended}
    return event("record.corrected", stream=target.stream, occurred_on="2026-11-22", data=data)


def registered(kind: str, entry: str, **facts: str) -> Event:
    """Return the registration of an authority, provider, service or audience."""
    name = f"{facts['provider']}/{entry}" if kind == "service" else entry
    stream = f"registry:{kind}/{name}"
    return event(
        "registry.registered",
        id=str(uuid5(NAMESPACE_URL, stream)),
        stream=stream,
        occurred_on="2020-01-01",
        data={"kind": kind, "id": entry, "name": entry.title(), **facts},
    )


def group_changed(
    group: str, effective_from: str, *, adds: Sequence[str] = (), removes: Sequence[str] = ()
) -> Event:
    """Return a change of a group's members."""
    stream = f"registry:group/{group}"
    data = {"id": group, "name": group, "adds": list(adds), "removes": list(removes)}
    return event(
        "registry.group_changed",
        id=str(uuid5(NAMESPACE_URL, f"{stream} {effective_from}")),
        stream=stream,
        occurred_on="2020-01-01",
        data={**data, "effective_from": effective_from},
    )


def registry_events() -> tuple[Event, ...]:
    """Return the cast: two providers, a regulator and a court in Italy, audiences, the EU."""
    return (
        registered(
            "authority",
            "openai",
            authority_kind="provider",
            region="US",
            timezone="America/Los_Angeles",
        ),
        registered("authority", "microsoft", authority_kind="provider", region="US"),
        registered(
            "authority",
            "garante",
            authority_kind="regulator",
            region="IT",
            timezone="Europe/Rome",
        ),
        registered("authority", "tribunal", authority_kind="court", timezone="Europe/Rome"),
        registered("provider", "openai", authority="openai"),
        registered("provider", "microsoft", authority="microsoft"),
        registered("service", "api", provider="openai"),
        registered("service", "chatgpt", provider="openai"),
        registered("service", "chatgpt/ios", provider="openai"),
        registered("service", "azure-openai", provider="microsoft"),
        registered("audience", "government"),
        registered("audience", "government/defence"),
        group_changed("EU", "1973-01-01", adds=["FR", "IT", "GB"]),
        group_changed("EU", "2020-02-01", removes=["GB"]),
    )


def log(*events: Event, after: Sequence[Recorded] = ()) -> tuple[Recorded, ...]:
    """Record events, by Alice, one a minute; ``after`` is what the log already holds."""
    versions: dict[str, int] = {}
    for earlier in after:
        versions[earlier.event.stream] = earlier.version
    recorded: list[Recorded] = []
    for position, one in enumerate(events, start=len(after) + 1):
        versions[one.stream] = versions.get(one.stream, 0) + 1
        recorded.append(
            Recorded(
                event=one,
                position=position,
                version=versions[one.stream],
                recorded_at=NOON + timedelta(minutes=position),
                recorded_by="alice",
            )
        )
    return tuple(recorded)


def world(*events: Event) -> World:
    """Return what is known once the cast is registered and ``events`` are recorded."""
    return World.of(log(*registry_events(), *events))


def ledger(recorded: Sequence[Recorded]) -> Ledger:
    """Return a log as ``admit`` asks it."""
    streams: dict[str, list[Recorded]] = {}
    for one in recorded:
        streams.setdefault(one.event.stream, []).append(one)
    registry = [one for one in recorded if is_registry(one.event.stream)]
    known = [
        fact for name, facts in streams.items() if is_registry(name) for fact in as_known(facts)
    ]
    return Ledger(
        registry=Registry.of(sorted(known, key=lambda one: one.position)),
        stream=lambda stream: streams.get(stream, []),
        registered=lambda: registry,
        mentioned=lambda dimension, entry: any(
            (dimension, entry) in mentions(one.event)
            and one.event.stream != f"registry:{_KINDS.get(dimension, dimension)}/{entry}"
            for one in recorded
        ),
    )
