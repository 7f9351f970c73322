"""Bring the tables of a database to the revision that this program works with.

The migrations stand in `migrations/` beside `service/` in a checkout, in `service/migrations` in an
installed package. An upgrade is one transaction: it happens as a whole or leaves nothing.
"""

from pathlib import Path

import sqlalchemy as sa

from service.store.engine import Database
from service.store.errors import SchemaOutdated, StoreDamaged
from service.store.tables import REVISION


def upgrade(database: Database) -> None:
    """Run the migrations that are missing; nothing happens where none is.

    Raises:
        StoreError: the database cannot be reached or written, or is newer than this program.
    """
    # Alembic is slow to import, and only this function needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    found = current(database)
    if found is not None and found > REVISION:
        raise SchemaOutdated(current=found, expected=REVISION)
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current(database: Database) -> str | None:
    """Read the revision of the tables; None where there are none."""
    if database.file is not None and not database.file.exists():
        return None
    with database.read(newest=True) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return found


def expected() -> str:
    """Name the revision that this program works with."""
    return REVISION


def require_current(database: Database) -> None:
    """Refuse a database whose tables are not the ones that this program works with.

    Raises:
        SchemaOutdated: no tables, older ones, or those of a newer program.
    """
    found = current(database)
    if found != REVISION:
        raise SchemaOutdated(current=found, expected=REVISION)


def migrations() -> Path:
    """Find the folder of the migrations.

    Raises:
        StoreDamaged: the package was installed without it.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise StoreDamaged(found=f"the migrations are missing beside {package}.")
