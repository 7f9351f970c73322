"""The facts of policies, for what was pending."""

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from service.domain.events import Recorded
from service.domain.history import as_known
from service.domain.world import POLICY
from service.projections.kept import Kept
from service.store import events as log
from service.store.codec import decode
from service.store.tables import event


def known(
    connection: sa.Connection, slugs: Iterable[str], position: int
) -> dict[str, tuple[Recorded, ...]]:
    """Return the facts of policies by slug as known at a position, corrections applied."""
    names = [POLICY + slug for slug in slugs]
    streams: dict[str, list[Recorded]] = {name: [] for name in names}
    asked = {"names": names, "position": position}
    places = connection.execute(_PLACES, asked).all() if names else ()
    engine = connection.engine
    kept = {place: _READ.get((engine, place)) for _, place in places}
    found = {place: one for place, one in kept.items() if one is not None}
    for row in log.at(connection, [place for place in kept if place not in found]):
        found[row.position] = decode(row)
        _READ.put((engine, row.position), found[row.position])
    for name, place in places:
        streams[name].append(found[place])
    return {name.removeprefix(POLICY): as_known(some) for name, some in streams.items()}


_READ: Final = Kept[tuple[sa.Engine, int], Recorded](most=512)
_PLACES: Final = (
    sa.select(event.c.stream, event.c.position)
    .where(
        event.c.stream.in_(sa.bindparam("names", expanding=True)),
        event.c.position <= sa.bindparam("position"),
    )
    .order_by(event.c.position)
)
