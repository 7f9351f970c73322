"""The world as known at a position, as far as a question needs it."""

from dataclasses import replace

import sqlalchemy as sa

from service.domain.history import as_known
from service.domain.world import POLICY, World
from service.projections import entries, projector, statements
from service.projections.statements import Near
from service.store import events as log
from service.store.codec import decode

__all__ = ["Near", "world", "world_with_histories"]


def world(connection: sa.Connection, position: int, near: Near) -> World:
    """Return the registry, texts and measurements known at ``position`` near a place."""
    generation = projector.live(connection)
    registry = entries.load(connection, generation, position)
    texts, seen = statements.load(connection, generation, position, registry, near)
    return World(registry, texts, seen)


def world_with_histories(connection: sa.Connection, position: int, near: Near) -> World:
    """Return the same with the facts of every policy that has a text or draft in it."""
    found = world(connection, position, near)
    slugs = dict.fromkeys(text.policy for text in found.texts)
    streams = log.streams(connection, [POLICY + slug for slug in slugs], position)
    histories = {
        name.removeprefix(POLICY): as_known([decode(row) for row in rows])
        for name, rows in streams.items()
    }
    return replace(found, histories=histories)
