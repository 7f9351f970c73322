"""Mirrors of a log: where the files of a log are read from, a folder or a web server."""

import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from service import __version__
from service.cli.exits import Code, Failed
from service.cli.remote import SECONDS
from service.evidence.tiles import MAX_ENTRY, WIDTH
from service.evidence.verification import CHECKPOINT, MissingFile, Read

MOST_BYTES: Final = WIDTH * (MAX_ENTRY + 2)
"""Bytes of the largest file that a mirror has: a bundle of entries."""


def reader(source: str) -> Read:
    """Return what reads the files of a mirror.

    Args:
        source: A folder, or the URL below which the files are.

    Raises:
        Failed: It is no mirror.
    """
    read = (
        _of_server(source) if urlsplit(source).scheme in ("http", "https") else _of_folder(source)
    )
    try:
        read(CHECKPOINT)
    except MissingFile as error:
        sentence = f"{source} is no mirror of a log: it has no file 'checkpoint'."
        raise Failed(Code.UNKNOWN, sentence) from error
    return read


def _of_folder(source: str) -> Read:
    folder = Path(source)

    def read(path: str) -> bytes:
        try:
            with (folder / path).open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            message = "there is no such file"
            raise MissingFile(message) from error

    return read


def _of_server(source: str) -> Read:
    base = source.rstrip("/")

    def read(path: str) -> bytes:
        headers = {"User-Agent": f"accessline/{__version__}"}
        request = urllib.request.Request(f"{base}/{path}", headers=headers)  # noqa: S310 -- http(s)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310 -- as above
                found: bytes = response.read(MOST_BYTES + 1)
                return found
        except urllib.error.HTTPError as error:
            with error:
                message = f"the server answers {error.code}"
                raise MissingFile(message) from error
        except (OSError, HTTPException, ValueError) as error:
            sentence = f"{base} does not answer: {error}."
            raise Failed(Code.ENVIRONMENT, sentence) from error

    return read
