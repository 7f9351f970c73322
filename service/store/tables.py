"""The schema, stated once. The migrations build it; `alembic check` holds both to each other.

Two kinds of tables. The **log** (`event`, `node`, `head`) is the record; the database itself
refuses to change or delete its rows (triggers, made by the migrations). The **projections** are
disposable: each row belongs to a `generation`, and `projection` points at the live one.

Times of the record are integers, microseconds since the Unix epoch in UTC: they sort, they have no
offset to lose, both engines keep them exactly. Text is compared by code point on both engines
(collation "C" on PostgreSQL, BINARY on SQLite). Days are integers, as `date.toordinal` has them.
"""

from typing import Any, Final

import sqlalchemy as sa

REVISION: Final = "0008"
"""The last migration: the schema that this program works with."""

FOREVER: Final = 2**62
"""`known_until` of what is still known: greater than any position."""

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# On SQLite an INTEGER primary key is the row's own id: no second B-tree beside the table.
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _position(name: str = "position", *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=nullable)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _key_text(name: str) -> sa.Column[str]:
    return sa.Column(name, _TEXT, primary_key=True)


def _key_integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _day(name: str, **options: Any) -> sa.Column[int]:  # noqa: ANN401 -- as SQLAlchemy takes them
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False, **options)


def _generation() -> sa.Column[int]:
    return sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False)


def _known_until() -> sa.Column[int]:
    return sa.Column(
        "known_until",
        sa.BigInteger,
        nullable=False,
        default=FOREVER,
        server_default=sa.text(str(FOREVER)),
    )


# The log.

event = sa.Table(
    "event",
    metadata,
    sa.Column("position", _ROW_ID, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Uuid, nullable=False),
    _text("stream"),
    sa.Column("version", sa.Integer, nullable=False),
    _text("type"),
    _text("authority", nullable=True),
    sa.Column("occurred_day", sa.Date, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    _text("recorded_by"),
    _bytes("body"),
    _bytes("leaf"),
    sa.UniqueConstraint("id"),
    sa.UniqueConstraint("stream", "version"),
    sa.CheckConstraint("position > 0", name="position"),
    sa.CheckConstraint("version > 0", name="version"),
    sa.CheckConstraint("length(leaf) = 32", name="leaf"),
    sa.Index(None, "recorded_at", "position"),
    sa.Index(None, "recorded_by", "position"),
)
"""One row per event. `body` holds the canonical bytes, `leaf` their hash in the tree."""

# The streams by name, one entry each, however long they grow.
sa.Index(
    "ix_event_first",
    event.c.stream,
    postgresql_where=event.c.version == 1,
    sqlite_where=event.c.version == 1,
)

node = sa.Table(
    "node",
    metadata,
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    _key_integer("index"),
    _bytes("hash"),
    sa.CheckConstraint("level >= 1", name="level"),
    sa.CheckConstraint('"index" >= 0', name="index"),
    sa.CheckConstraint("length(hash) = 32", name="hash"),
    sqlite_with_rowid=False,
)
"""Complete inner nodes of the tree; its leaves are `event.leaf`."""

head = sa.Table(
    "head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    _position(),
    sa.Column("recorded_at", sa.BigInteger, nullable=True),
    _bytes("frontier"),
    sa.CheckConstraint("id = 1", name="one_row"),
    sa.CheckConstraint("position >= 0", name="position"),
)
"""One row, the end of the log: whoever appends takes it first, so appends stand in one line."""

# Beside the log.

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    _key_integer("size"),
    _bytes("note"),
    sa.Column("published_at", sa.BigInteger, nullable=False),
    sa.CheckConstraint("size >= 0", name="size"),
)
"""The signed notes that were published, one for each size of the log: the newest of that size."""

idempotency = sa.Table(
    "idempotency",
    metadata,
    _key_text("principal"),
    _key_text("key"),
    _bytes("request_hash"),
    _bytes("answer"),
    _position(),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
"""Answers already given, written in the append's own transaction."""

credential = sa.Table(
    "credential",
    metadata,
    _key_text("id"),
    _text("role"),
    _bytes("secret_hash"),
    _text("label", nullable=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger, nullable=True),
    sa.CheckConstraint("role IN ('reader', 'curator')", name="role"),
)
"""Keys, as hashes of their secrets."""

session = sa.Table(
    "session",
    metadata,
    sa.Column("token_hash", sa.LargeBinary, primary_key=True),
    _text("credential"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.CheckConstraint("length(token_hash) = 32", name="token_hash"),
)
"""Who is signed in on the pages with which key, as hashes of their tokens."""

# Projections.

projection = sa.Table(
    "projection",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("rule", sa.Integer, nullable=False),
    sa.Column("building", sa.Integer, nullable=True),
    _position("applied"),
    sa.Column("registry_at", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.CheckConstraint("id = 1", name="one_row"),
)
"""One row: the generation that readers see, the version of the rule that it is made for, the
generation that a rebuild is making, if one is, the last position that was taken in, and the last
one that was about the registry."""

registry_entry = sa.Table(
    "registry_entry",
    metadata,
    _generation(),
    _key_text("kind"),
    _key_text("id"),
    _key_integer("known_from"),
    _known_until(),
    _bytes("body"),
)
"""What was registered under a name, from position `known_from` up to and without `known_until`."""

statement = sa.Table(
    "statement",
    metadata,
    _generation(),
    _key_integer("statement"),
    _text("kind"),
    _text("subject"),
    _text("key"),
    _position("known_from"),
    _known_until(),
    _day("day", server_default=sa.text("0")),
    _day("day_until", server_default=sa.text("0")),
    _bytes("body"),
    sa.CheckConstraint("kind IN ('directive', 'draft', 'observation')", name="kind"),
    sa.Index(None, "generation", "subject", "known_until"),
)
"""One version of one directive, draft or observation; `subject` is the stream that says it, and it
can matter from `day` up to and without `day_until`."""

scope = sa.Table(
    "scope",
    metadata,
    _generation(),
    _key_text("provider"),
    _key_text("region"),
    _key_text("service"),
    _key_text("audience"),
    sa.Column("scope", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""A number for each elementary scope that anything was ever said of."""

statement_scope = sa.Table(
    "statement_scope",
    metadata,
    _generation(),
    _key_integer("scope"),
    _key_integer("statement"),
    sqlite_with_rowid=False,
)
"""Which statements are about an elementary scope, of all that were ever known."""

segment = sa.Table(
    "segment",
    metadata,
    _generation(),
    _key_integer("scope"),
    _day("day", primary_key=True),
    _key_integer("known_from"),
    _known_until(),
    _day("day_until"),
    _text("statements"),
    sqlite_with_rowid=False,
)
"""What can matter in a scope, by day: at any position its segments cover all days, one behind the
other, and each lists the statements that can matter on one of its days, with spaces between."""

horizon = sa.Table(
    "horizon",
    metadata,
    _generation(),
    _key_integer("scope"),
    _key_integer("position"),
    _day("day"),
    sqlite_with_rowid=False,
)
"""The last day on which a scope's segments meet, as it grew: what was known at a position is not
looked for behind it, past all that was learned since."""

mention = sa.Table(
    "mention",
    metadata,
    _generation(),
    _key_text("dimension"),
    _key_text("value"),
    _key_integer("position"),
    sqlite_with_rowid=False,
)
"""Which events name which provider, service or region: the filter of the log's listing."""
