"""Backup: the database as it is at one moment, keys and all, while others read and write."""

import os
import sqlite3
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from service.evidence.merkle import root
from service.store import events as log
from service.store.engine import Database, connect
from service.store.errors import WriteRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """A backup: where it is, how large, and where the log in it stands."""

    file: str
    bytes: int
    position: int
    root: str


def back_up(database: Database, file: Path) -> BackedUp:
    """Copy a SQLite database as of one moment, while others read and write.

    ``VACUUM INTO`` writes one snapshot; a copy of the file alone would lack what is still in its
    write-ahead log. The copy gets its name when it is whole and on disk.

    Raises:
        FileExistsError: There is something of that name.
        StoreError: The database cannot be read, or the copy not be written.
    """
    target = file.absolute()
    if target.exists():
        raise FileExistsError(target)
    # What mkstemp makes is readable to its owner alone, and so is the copy: it holds key hashes.
    descriptor, name = tempfile.mkstemp(".part", f".{target.name}.", target.parent)
    os.close(descriptor)
    part = Path(name)
    try:
        _vacuum(database, part)
        copy = connect(f"sqlite:///{part}")
        try:
            with copy.read() as connection:
                head = log.read_head(connection)
        finally:
            copy.dispose()
        _keep(part, target)
    finally:
        for left in (part, Path(f"{part}-journal"), Path(f"{part}-wal"), Path(f"{part}-shm")):
            left.unlink(missing_ok=True)
    return BackedUp(
        file=str(target),
        bytes=target.stat().st_size,
        position=head.position,
        root=root(head.frontier).hex(),
    )


def _vacuum(database: Database, part: Path) -> None:
    uri = f"file:{quote(str(database.file))}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=database.wait, isolation_level=None)
        try:
            connection.execute("VACUUM INTO ?", (str(part),)).close()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise WriteRefused(database=f"sqlite:///{part}", reason=f"{error}.") from error


def _keep(part: Path, target: Path) -> None:
    """Give a whole file its name, on disk, and never that of another."""
    with part.open("rb+") as whole:
        os.fsync(whole.fileno())
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # A file system without links.
        part.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # Some file systems cannot, and need not.
            os.fsync(folder)
    finally:
        os.close(folder)
