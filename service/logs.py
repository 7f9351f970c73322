r"""One line per record on standard error: JSON for machines, text for people.

A JSON line holds these fields, and whatever the caller gave as ``extra``::

    {
        "time": "2026-11-22T12:00:00.000Z",
        "level": "INFO",
        "logger": "service.app",
        "message": "...",
        "request_id": "...",
        "exception": "Traceback ...\n...",
    }

``request_id`` is there while a request is answered, ``exception`` where one was logged. Nothing in
a record can end its line, move a terminal's cursor or turn its text around: such characters are
escaped. In the text format a traceback follows its record, every line of it set in, so that none
passes for a record. Passwords in URLs and the secrets of keys are struck out wherever they stand.
"""

import json
import logging
import re
import sys
import unicodedata
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from service.settings import Settings

request_id: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The id of the request that is being answered: bound at the edge, written with every record."""

_HANDLER: Final = "accessline"
_OWN_FIELDS: Final = {
    "asctime": "time",
    "levelname": "level",
    "name": "logger",
    "message": "message",
}
_EXTRA_FIELDS: Final = {"exc_info": "exception", "stack_info": "stack"}
# An extra that bears the name of a field of ours would overwrite it.
_RESERVED: Final = (*RESERVED_ATTRS, *_OWN_FIELDS.values(), "request_id", "exception", "stack")

_SECRETS: Final = (
    # A URL's password. In HTTP a port is none: http://127.0.0.1:8000/v1/access?as_of=@412
    (re.compile(r"(?i)(postgres[a-z0-9+]*://[^:/@\s\"]*:)[^@\s\"]+@"), r"\1***@"),
    (re.compile(r"(://[^:/@\s\"]*:)(?!\d{1,5}[/?#\s\"])[^@\s\"]+@"), r"\1***@"),
    (re.compile(r"([?&]\w*password=)[^&\s\"]+"), r"\1***"),
    # A key keeps its public id.
    (re.compile(r"(alk_[A-Za-z0-9]+_)[A-Za-z0-9_~.+/=-]+"), r"\1***"),
    (re.compile(r"(?i)(bearer\s+)(?!alk_)[A-Za-z0-9_~.+/=-]{20,}"), r"\1***"),
)
_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what a terminal may obey: controls, direction marks, line separators."""


def configure(settings: Settings) -> None:
    """Send the records of the whole process to standard error, as the settings say.

    May be called again: the later call replaces the earlier one, other handlers are left alone.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(_HANDLER)
    handler.setFormatter(_Text() if settings.log_format == "text" else _Json())
    root = logging.getLogger()
    for former in [each for each in root.handlers if each.get_name() == _HANDLER]:
        root.removeHandler(former)
        former.close()
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.captureWarnings(capture=True)


class _Json(JsonFormatter):
    """A record as one JSON object on one line of ASCII."""

    def __init__(self) -> None:
        super().__init__(
            list(_OWN_FIELDS),
            rename_fields=_OWN_FIELDS | _EXTRA_FIELDS,
            reserved_attrs=_RESERVED,
            json_serializer=_line,
        )

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - logging's name
        return _time(record)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        bound = request_id.get()
        return log_data if bound is None else log_data | {"request_id": bound}


class _Text(logging.Formatter):
    """A record as one line for people, its traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        bound = request_id.get()
        name = record.name if bound is None else f"{record.name} [{bound}]"
        head = f"{_time(record)} {record.levelname:<7} {name}: {record.getMessage()}"
        return "\n    ".join(_escaped(_struck(line)) for line in (head, *self._below(record)))

    def _below(self, record: logging.LogRecord) -> list[str]:
        exception = self.formatException(record.exc_info) if record.exc_info else ""
        return [*exception.splitlines(), *(record.stack_info or "").splitlines()]


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _line(log_data: Mapping[str, Any], **options: Any) -> str:  # noqa: ANN401 - as json.dumps
    return _struck(json.dumps(log_data, **options))


def _struck(text: str) -> str:
    for secret, struck in _SECRETS:
        text = secret.sub(struck, text)
    return text


def _escaped(text: str) -> str:
    return "".join(
        ascii(character)[1:-1] if unicodedata.category(character) in _ESCAPED else character
        for character in text
    )
