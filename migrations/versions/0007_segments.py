"""The index by day: what can matter in a scope on a day, found at once however much was said.

The read models are made again by a rebuild, which `projection.rule` asks for: until then those of
before answer, and readiness says that they are behind.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FOREVER = sa.text("4611686018427387904")  # 2^62, after every position
ZERO = sa.text("0")


def upgrade() -> None:
    """Make `scope`, `segment` and `horizon`, and the columns that fill them."""
    op.create_table(
        "scope",
        _integer("generation", sa.Integer),
        *(sa.Column(name, TEXT, nullable=False) for name in _NAMES),
        sa.Column("scope", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("generation", *_NAMES, name="pk_scope"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "segment",
        _integer("generation", sa.Integer),
        _integer("scope", sa.BigInteger),
        _integer("day", sa.Integer),
        _integer("known_from", sa.BigInteger),
        sa.Column("known_until", sa.BigInteger, server_default=FOREVER, nullable=False),
        _integer("day_until", sa.Integer),
        sa.Column("statements", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("generation", "scope", "day", "known_from", name="pk_segment"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "horizon",
        _integer("generation", sa.Integer),
        _integer("scope", sa.BigInteger),
        _integer("position", sa.BigInteger),
        _integer("day", sa.Integer),
        sa.PrimaryKeyConstraint("generation", "scope", "position", name="pk_horizon"),
        sqlite_with_rowid=False,
    )
    for name in ("day", "day_until"):
        op.add_column("statement", sa.Column(name, sa.Integer, server_default=ZERO, nullable=False))
    op.add_column(
        "projection", sa.Column("registry_at", sa.BigInteger, server_default=ZERO, nullable=False)
    )
    op.execute(sa.text("UPDATE projection SET rule = 0, registry_at = applied WHERE applied > 0"))


def downgrade() -> None:
    """Refuse: the log goes forward only."""
    sentence = "Migrations go forward only. Restore a backup instead."
    raise NotImplementedError(sentence)


_NAMES = ("provider", "region", "service", "audience")


def _integer(name: str, kind: type[sa.types.TypeEngine[int]]) -> sa.Column[int]:
    return sa.Column(name, kind, autoincrement=False, nullable=False)
