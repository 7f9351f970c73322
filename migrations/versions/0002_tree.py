"""The complete inner nodes of the Merkle tree over the log; they never change either."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE = (
    """
    CREATE TRIGGER node_append BEFORE INSERT ON node
    WHEN EXISTS (SELECT 1 FROM node WHERE level = NEW.level AND "index" = NEW."index")
    BEGIN
      SELECT RAISE(ABORT, 'The log is append-only: a tree node is written once.');
    END
    """,
    """
    CREATE TRIGGER node_update BEFORE UPDATE ON node
    BEGIN
      SELECT RAISE(ABORT, 'The log is append-only: a tree node is never changed.');
    END
    """,
    """
    CREATE TRIGGER node_delete BEFORE DELETE ON node
    BEGIN
      SELECT RAISE(ABORT, 'The log is append-only: a tree node is never deleted.');
    END
    """,
)

POSTGRESQL = (
    """
    CREATE TRIGGER node_change BEFORE UPDATE OR DELETE ON node
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER node_truncate BEFORE TRUNCATE ON node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    "REVOKE UPDATE, DELETE, TRUNCATE ON node FROM PUBLIC, CURRENT_USER",
)


def upgrade() -> None:
    """Make `node`."""
    op.create_table(
        "node",
        sa.Column("level", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name="pk_node"),
        sa.CheckConstraint("level >= 1", name=op.f("ck_node_level")),
        sa.CheckConstraint('"index" >= 0', name=op.f("ck_node_index")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_node_hash")),
        sqlite_with_rowid=False,
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: the log goes forward only."""
    sentence = "Migrations go forward only. Restore a backup instead."
    raise NotImplementedError(sentence)
