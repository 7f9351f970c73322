"""The log: events that nobody changes, and the head that appends take.

SQLite: `INSERT OR REPLACE` deletes without firing a DELETE trigger, unless the connection says
`PRAGMA recursive_triggers=ON`, which a foreign connection does not. So a trigger before each INSERT
lets only the next position in, and no id, stream and version that is there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SQLITE = (
    """
    CREATE TRIGGER event_append BEFORE INSERT ON event
    WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM event)
      OR EXISTS (SELECT 1 FROM event WHERE id = NEW.id)
      OR EXISTS (SELECT 1 FROM event WHERE stream = NEW.stream AND version = NEW.version)
    BEGIN
      SELECT RAISE(ABORT, 'The log is append-only: an event takes the next position and a new id.');
    END
    """,
    """
    CREATE TRIGGER event_update BEFORE UPDATE ON event
    BEGIN
      SELECT RAISE(ABORT, 'The log is append-only: events stay as they are. Append a correction.');
    END
    """,
    """
    CREATE TRIGGER event_delete BEFORE DELETE ON event
    BEGIN
      SELECT RAISE(ABORT, 'The log is append-only: events are never deleted. Append a correction.');
    END
    """,
)

POSTGRESQL = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'The log is append-only: % on table % is refused. Append a correction.',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE FUNCTION refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      lowest bigint;
      highest bigint;
      number bigint;
    BEGIN
      SELECT min(position), max(position), count(*) INTO lowest, highest, number FROM added;
      IF number > 0 AND (
        highest - lowest + 1 <> number
        OR (lowest > 1 AND NOT EXISTS (SELECT 1 FROM event WHERE position = lowest - 1))
      ) THEN
        RAISE EXCEPTION 'The log has no gaps: a new event takes the next position.'
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER event_append AFTER INSERT ON event REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_gap()
    """,
    """
    CREATE TRIGGER event_change BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER event_truncate BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    "REVOKE UPDATE, DELETE, TRUNCATE ON event FROM PUBLIC, CURRENT_USER",
)


def upgrade() -> None:
    """Make `event` and `head`."""
    op.create_table(
        "event",
        sa.Column("position", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("authority", TEXT, nullable=True),
        sa.Column("occurred_day", sa.Date, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_by", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_event"),
        sa.UniqueConstraint("id", name="uq_event_id"),
        sa.UniqueConstraint("stream", "version", name="uq_event_stream_version"),
        sa.CheckConstraint("position > 0", name=op.f("ck_event_position")),
        sa.CheckConstraint("version > 0", name=op.f("ck_event_version")),
        sa.CheckConstraint("length(leaf) = 32", name=op.f("ck_event_leaf")),
    )
    op.create_index("ix_event_recorded_at_position", "event", ["recorded_at", "position"])
    first = sa.text("version = 1")
    op.create_index(
        "ix_event_first", "event", ["stream"], postgresql_where=first, sqlite_where=first
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)

    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=True),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_head_one_row")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_head_position")),
    )
    op.execute(sa.insert(head).values(id=1, position=0, recorded_at=None, frontier=b""))


def downgrade() -> None:
    """Refuse: the log goes forward only."""
    sentence = "Migrations go forward only. Restore a backup instead."
    raise NotImplementedError(sentence)
