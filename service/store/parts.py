"""What a database is made of, on either engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import pool

from service.store.lines import Lines

if TYPE_CHECKING:
    import threading


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Engines, and who waits for whom.

    Attributes:
        name: The URL without its password, for messages.
        writer: Its transactions may write. ``reader``: its transactions are snapshots.
        glancer: Its connections open no transaction; None where one connection does it all.
        file: The database file, None on PostgreSQL and in memory.
        write_turn: Held by a transaction that may write; None where the server sees to that.
        read_turn: Held by one that reads, where there is one connection for both.
        lines: The connections that can be cut; None where there is nothing to cut.
    """

    name: str
    writer: sa.Engine
    reader: sa.Engine
    glancer: sa.Engine | None = None
    file: Path | None = None
    write_turn: "threading.Lock | None" = None
    read_turn: "threading.Lock | None" = None
    lines: Lines | None = None


def pooled(size: int, overflow: int, wait: float) -> dict[str, Any]:
    """Return the options of an engine that keeps ``size`` connections, and opens some more."""
    return {
        "poolclass": pool.QueuePool,
        "pool_size": size,
        "max_overflow": overflow,
        "pool_timeout": wait,
    }
