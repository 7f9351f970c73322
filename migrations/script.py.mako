"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Say what it makes."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Refuse: the log goes forward only."""
    sentence = "Migrations go forward only. Restore a backup instead."
    raise NotImplementedError(sentence)
