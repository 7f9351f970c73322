"""The registry as known at any position."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from service.domain.events import Recorded, Registered, RegistryKind
from service.domain.registry import GROUP, Group, Registry
from service.domain.subject import Subject
from service.domain.times import When
from service.domain.world import REGISTRY
from service.projections.kept import Kept
from service.projections.sight import Sight
from service.store.prepared import Prepared
from service.store.tables import FOREVER, registry_entry


def _encode_when(value: object) -> str:
    return str(value)


def _decode_when(kind: type, value: Any) -> object:  # noqa: ANN401 whatever the JSON holds
    return When.bound(value) if kind is When else value


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_encode_when)
_REGISTERED: Final = msgspec.json.Decoder(Registered)
_GROUPS: Final = msgspec.json.Decoder(Group, dec_hook=_decode_when)


def update(connection: sa.Connection, generation: int, position: int, subject: Subject) -> None:
    """Let what a registry stream says from ``position`` on replace what it said before."""
    kind, _, name = subject.name.removeprefix(REGISTRY).partition("/")
    body = _body(subject.facts, kind, name)
    mine = {"of_generation": generation, "of_kind": kind, "of_id": name}
    before = _BODY.first(connection, **mine)
    if before is not None and bytes(before[0]) == body:
        return
    if before is not None:
        _CLOSE.run(connection, {**mine, "position": position})
    if body is not None:
        _INSERT.put(connection, [(generation, kind, name, position, FOREVER, body)])


_MINE: Final = (
    registry_entry.c.generation == sa.bindparam("of_generation"),
    registry_entry.c.kind == sa.bindparam("of_kind"),
    registry_entry.c.id == sa.bindparam("of_id"),
    registry_entry.c.known_until == FOREVER,
)
_BODY: Final = Prepared(sa.select(registry_entry.c.body).where(*_MINE))
_CLOSE: Final = Prepared(
    sa.update(registry_entry).where(*_MINE).values(known_until=sa.bindparam("position"))
)
_INSERT: Final = Prepared(sa.insert(registry_entry))


def _body(facts: Sequence[Recorded], kind: str, name: str) -> bytes | None:
    known = Registry.of(facts)
    if kind == GROUP:
        return _ENCODER.encode(known.groups[name]) if name in known.groups else None
    entries = {
        RegistryKind.AUTHORITY: known.authorities,
        RegistryKind.PROVIDER: known.providers,
        RegistryKind.SERVICE: known.services,
        RegistryKind.AUDIENCE: known.audiences,
    }[RegistryKind(kind)]
    return _ENCODER.encode(entries[name]) if name in entries else None


_KEPT: Final = Kept[tuple[sa.Engine, int, int], Registry](most=16)


def at(sight: Sight, position: int) -> Registry:
    """Return the registry as known at ``position``.

    It is kept: of all that is known it changes least.

    Raises:
        NotKept: It is seen through memory alone, and that has it not.
    """
    stamp = sight.stamp
    name = sight.engine, stamp.generation, min(position, stamp.registry_at)
    found = _KEPT.get(name)
    if found is None:
        found = load(sight.connection, stamp.generation, position)
        _KEPT.put(name, found)
    return found


def load(connection: sa.Connection, generation: int, position: int) -> Registry:
    """Return the registry as known at ``position``."""
    columns = registry_entry.c
    found: dict[str, dict[str, Registered]] = {kind: {} for kind in RegistryKind}
    groups: dict[str, Group] = {}
    rows = connection.execute(
        sa.select(columns.kind, columns.id, columns.body)
        .where(
            columns.generation == generation,
            columns.known_from <= position,
            columns.known_until > position,
        )
        .order_by(columns.kind, columns.id)
    )
    for row in rows:
        if row.kind == GROUP:
            groups[row.id] = _GROUPS.decode(row.body)
        else:
            found[row.kind][row.id] = _REGISTERED.decode(row.body)
    return Registry(
        found[RegistryKind.AUTHORITY],
        found[RegistryKind.PROVIDER],
        found[RegistryKind.SERVICE],
        found[RegistryKind.AUDIENCE],
        groups,
    )


def ever_grouped(
    connection: sa.Connection, generation: int, position: int
) -> dict[str, frozenset[str]]:
    """Return who was ever known, up to a position, as a member of each group on any day."""
    columns = registry_entry.c
    wanted = sa.select(columns.id, columns.body).where(
        columns.generation == generation,
        columns.kind == GROUP,
        columns.known_from <= position,
    )
    members: dict[str, frozenset[str]] = {}
    for row in connection.execute(wanted):
        changes = _GROUPS.decode(row.body).changes
        added = frozenset(one for change in changes for one in change.adds)
        members[row.id] = members.get(row.id, frozenset()) | added
    return members


def group_moves(connection: sa.Connection, generation: int) -> list[int]:
    """Return every position at which what is known of a group changed."""
    columns = registry_entry.c
    wanted = sa.select(columns.known_from, columns.known_until).where(
        columns.generation == generation, columns.kind == GROUP
    )
    ends = (position for row in connection.execute(wanted) for position in row)
    return [position for position in ends if position < FOREVER]
