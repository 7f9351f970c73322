"""Mirrors of a log: where the files of a log are read from, a folder or a web server."""

import json
import urllib.error
import urllib.request
from hashlib import sha256
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
    on_the_web = urlsplit(source).scheme in ("http", "https")
    read = _steady(source, _of_server(source) if on_the_web else _of_folder(source))
    try:
        read(CHECKPOINT)
    except MissingFile as error:
        sentence = f"{source} is no mirror of a log: it has no file 'checkpoint'."
        raise Failed(Code.UNKNOWN, sentence) from error
    return read


def _steady(source: str, read: Read) -> Read:
    """Return a reader that notices when a file is another one than it was.

    What was verified at the first reading is used at a second one: a server that lies the second
    time must not get through with it.
    """
    seen: dict[str, bytes] = {}

    def again(path: str) -> bytes:
        found = read(path)
        digest = sha256(found).digest()
        if path != CHECKPOINT and seen.setdefault(path, digest) != digest:
            sentence = f"{source} gave two different files for {path}, which never changes."
            raise Failed(Code.INTEGRITY, sentence)
        return found

    return again


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
                if error.code in (404, 410):
                    message = f"the server answers {error.code}"
                    raise MissingFile(message) from error
                sentence = f"{base}/{path}: the server answers {error.code}. {_detail(error)}"
                raise Failed(Code.ENVIRONMENT, sentence.strip()) from error
        except (OSError, HTTPException, ValueError) as error:
            sentence = f"{base} does not answer: {error}."
            raise Failed(Code.ENVIRONMENT, sentence) from error

    return read


def _detail(error: urllib.error.HTTPError) -> str:
    """Return what a server of ours says of a refusal."""
    try:
        return str(json.loads(error.read(MOST_BYTES))["detail"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return ""
