"""The read models. Each row belongs to a generation; `projection` names the live one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FOREVER = sa.text("4611686018427387904")  # 2^62, after every position


def upgrade() -> None:
    """Make the tables, with generation 1 of an empty log under rule 1."""
    projection = op.create_table(
        "projection",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("rule", sa.Integer, nullable=False),
        sa.Column("building", sa.Integer, nullable=True),
        sa.Column("applied", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projection"),
        sa.CheckConstraint("id = 1", name=op.f("ck_projection_one_row")),
    )
    op.execute(sa.insert(projection).values(id=1, generation=1, rule=1, applied=0))
    _registry()
    _statements()
    op.create_table(
        "mention",
        _generation(),
        sa.Column("dimension", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("generation", "dimension", "value", "position", name="pk_mention"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Refuse: the log goes forward only."""
    sentence = "Migrations go forward only. Restore a backup instead."
    raise NotImplementedError(sentence)


def _generation() -> sa.Column[int]:
    return sa.Column("generation", sa.Integer, autoincrement=False, nullable=False)


def _registry() -> None:
    op.create_table(
        "registry_entry",
        _generation(),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("known_from", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("known_until", sa.BigInteger, server_default=FOREVER, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("generation", "kind", "id", "known_from", name="pk_registry_entry"),
    )


def _statements() -> None:
    op.create_table(
        "statement",
        _generation(),
        sa.Column("statement", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("known_from", sa.BigInteger, nullable=False),
        sa.Column("known_until", sa.BigInteger, server_default=FOREVER, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("generation", "statement", name="pk_statement"),
        sa.CheckConstraint(
            "kind IN ('directive', 'draft', 'observation')", name=op.f("ck_statement_kind")
        ),
    )
    op.create_index(
        "ix_statement_generation_subject_known_until",
        "statement",
        ["generation", "subject", "known_until"],
    )
    op.create_table(
        "statement_scope",
        _generation(),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("region", TEXT, nullable=False),
        sa.Column("service", TEXT, nullable=False),
        sa.Column("audience", TEXT, nullable=False),
        sa.Column("statement", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "generation",
            "provider",
            "region",
            "service",
            "audience",
            "statement",
            name="pk_statement_scope",
        ),
        sqlite_with_rowid=False,
    )
