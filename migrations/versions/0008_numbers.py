"""Scopes of statements as numbers: the names of a place are written once, not with each statement.

What is there is kept, so that the read models answer as before until they are made again by a
rebuild, which `projection.rule` asks for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Whoever comes from before 0007 has no numbers yet.
NUMBER = """
INSERT INTO scope (generation, provider, region, service, audience, scope)
SELECT named.generation, named.provider, named.region, named.service, named.audience,
    coalesce((SELECT max(scope) FROM scope WHERE generation = named.generation), 0)
    + row_number() OVER (
        PARTITION BY named.generation
        ORDER BY named.provider, named.region, named.service, named.audience
    )
FROM (
    SELECT generation, provider, region, service, audience FROM statement_scope
    EXCEPT SELECT generation, provider, region, service, audience FROM scope
) AS named
"""
KEEP = """
CREATE TEMPORARY TABLE numbered AS
SELECT scope.generation, scope.scope, statement_scope.statement FROM statement_scope JOIN scope
USING (generation, provider, region, service, audience)
"""


def upgrade() -> None:
    """Make `statement_scope` anew, with what was there."""
    op.execute(sa.text(NUMBER))
    op.execute(sa.text(KEEP))
    op.drop_table("statement_scope")
    op.create_table(
        "statement_scope",
        _integer("generation", sa.Integer),
        _integer("scope", sa.BigInteger),
        _integer("statement", sa.BigInteger),
        sa.PrimaryKeyConstraint("generation", "scope", "statement", name="pk_statement_scope"),
        sqlite_with_rowid=False,
    )
    op.execute(sa.text("INSERT INTO statement_scope SELECT * FROM numbered"))
    op.execute(sa.text("DROP TABLE numbered"))
    op.execute(sa.text("UPDATE projection SET rule = 0 WHERE applied > 0"))


def downgrade() -> None:
    """Refuse: the log goes forward only."""
    sentence = "Migrations go forward only. Restore a backup instead."
    raise NotImplementedError(sentence)


def _integer(name: str, kind: type[sa.types.TypeEngine[int]]) -> sa.Column[int]:
    return sa.Column(name, kind, autoincrement=False, nullable=False)
