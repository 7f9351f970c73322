"""How Alembic runs the migrations: each run is one transaction, on SQLite and on PostgreSQL.

The program passes its connection as `config.attributes["connection"]`. A bare `alembic` command
uses `ACCESSLINE_DATABASE_URL`, by default `sqlite:///accessline.db`.
"""

import os

import sqlalchemy as sa
from alembic import context

from service.store.engine import connect
from service.store.tables import metadata

_ONE_AT_A_TIME = 0x61636373  # "accs", the key of an advisory lock on PostgreSQL


def run(connection: sa.Connection) -> None:
    """Run what is missing within the connection's transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        # An index over a long log takes its time.
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Take the connection that the program passes, or open one."""
    passed = context.config.attributes.get("connection")
    if passed is not None:
        run(passed)
        return
    database = connect(os.environ.get("ACCESSLINE_DATABASE_URL", "sqlite:///accessline.db"))
    try:
        with database.write() as connection:
            run(connection)
    finally:
        database.dispose()


main()
