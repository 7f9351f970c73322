"""What can go wrong below the domain, in words for whoever runs the program.

    StoreError
    ├── UnsupportedUrl        the database URL names nothing that we can use
    ├── DriverMissing         PostgreSQL is wanted, its driver is not installed
    ├── SchemaOutdated        no tables yet, older tables, or tables of a newer program
    ├── DatabaseUnavailable   cannot be reached, opened or used at all
    ├── DatabaseBusy          somebody else holds it; the same call may succeed later
    ├── WriteRefused          disk full, I/O error, standby, missing privilege: nothing was written
    ├── ReadOnlyDatabase      a write on a database that was opened for reading
    ├── ConstraintViolated    the database itself refused the rows (append-only, unique, check)
    ├── HeadMoved             an append that was based on an older head
    └── StoreDamaged          what is stored contradicts itself

A database is named by its URL without the password.
"""


class StoreError(Exception):
    """Anything that the store cannot do."""


class UnsupportedUrl(StoreError):
    """The database URL names nothing that we can use."""

    def __init__(self, *, found: str) -> None:
        self.found = found
        super().__init__(
            f"The database URL has {found}. Valid are sqlite:///accessline.db (a path from here),"
            " sqlite:////var/lib/accessline/accessline.db (an absolute path) and"
            " postgresql://user:password@host:5432/accessline."
        )


class DriverMissing(StoreError):
    """PostgreSQL is wanted, its driver is not installed."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"PostgreSQL needs the driver psycopg, which cannot be loaded ({reason})."
            ' Install it: pip install "accessline[postgres]"'
        )


class SchemaOutdated(StoreError):
    """The tables are not the ones that this program works with.

    Attributes:
        current: revision of the tables, None where there are none.
        expected: revision that this program works with.
    """

    def __init__(self, *, current: str | None, expected: str) -> None:
        self.current = current
        self.expected = expected
        if current is None:
            sentence = "The database has no tables yet. Make them: accessline db upgrade"
        elif current < expected:
            sentence = (
                f"The database has schema {current}, this program needs {expected}."
                " Bring it up to date: accessline db upgrade"
            )
        else:
            sentence = (
                f"The database has schema {current}, newer than the {expected} that this program"
                " knows. Install the accessline that made it, or a later one."
            )
        super().__init__(sentence)


class DatabaseUnavailable(StoreError):
    """The database cannot be reached, opened or used at all."""

    def __init__(self, *, database: str, reason: str) -> None:
        self.database = database
        self.reason = reason
        super().__init__(f"The database {database} is not available: {reason}")


class DatabaseBusy(StoreError):
    """Somebody else holds the database for longer than we wait; try again."""

    def __init__(self, *, database: str, reason: str) -> None:
        self.database = database
        self.reason = reason
        super().__init__(f"The database {database} is busy, try again: {reason}")


class WriteRefused(StoreError):
    """The database cannot take a write now; nothing was written."""

    def __init__(self, *, database: str, reason: str) -> None:
        self.database = database
        self.reason = reason
        super().__init__(f"The database {database} refused the write: {reason}")


class ReadOnlyDatabase(StoreError):
    """A write on a database that was opened for reading."""

    def __init__(self, *, database: str) -> None:
        self.database = database
        super().__init__(
            f"The database {database} was opened for reading only. Write to the primary."
        )


class ConstraintViolated(StoreError):
    """The database itself refused the rows: append-only, unique or check."""

    def __init__(self, *, database: str, reason: str) -> None:
        self.database = database
        self.reason = reason
        super().__init__(f"The database {database} refused the rows: {reason}")


class HeadMoved(StoreError):
    """An append was based on a head that is not the log's head any more."""

    def __init__(self, *, expected: int) -> None:
        self.expected = expected
        super().__init__(
            f"The log's head is not at position {expected} any more. Take the head in the"
            " transaction that appends."
        )


class StoreDamaged(StoreError):
    """What is stored contradicts itself; somebody changed it behind the log's back."""

    def __init__(self, *, found: str) -> None:
        self.found = found
        super().__init__(
            f"The store is damaged: {found} Restore a backup, then run: accessline verify"
        )
