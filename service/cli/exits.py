"""How a command ends: exit codes, and the sentence that each failure prints.

===  ==================================================================================
  0  done, or the answer
  1  the answer is no: --require is not met, the schema is not current, a stream moved on
  2  usage: a bad option or date, or an input that is refused
  3  unknown: no provider, service, region, audience, event or key of that name
  4  environment: settings, database, schema, port
  5  integrity: what is stored is not what it must be
===  ==================================================================================

Besides, as shells have it: 130 after Ctrl-C, 141 where the reader of a pipe went away; and 70 for a
fault of the program itself, which is neither an answer nor the user's doing.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NoReturn

import click

from service.application.errors import VersionConflict
from service.application.publishing import PublishingRefused, SecondPlaceUnfit, SignerBusy
from service.application.signing import BadKeyFile
from service.domain.errors import AccesslineError, Refused, Rejected, UnknownIdError
from service.evidence.canonical import CanonicalError
from service.evidence.errors import EvidenceError
from service.evidence.verification import MissingFile
from service.schemas.faults import Fault, InvalidInput
from service.settings import SettingsError
from service.store.errors import StoreDamaged, StoreError

_ARGUMENTS: Final = frozenset({"provider", "region", "slug", "event", "event_id"})


class Code(IntEnum):
    """What a script can tell a failure by."""

    NO = 1
    USAGE = 2
    UNKNOWN = 3
    ENVIRONMENT = 4
    INTEGRITY = 5
    FAULT = 70
    INTERRUPTED = 130
    READER_GONE = 141


class Failed(Exception):
    """A command cannot do what it was asked, for a reason that is its own.

    Attributes:
        code: What the process exits with.
        sentences: One for each fault.
    """

    def __init__(self, code: Code, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.code = code
        self.sentences = sentences


class ReaderGone(Exception):
    """Nobody reads our standard output any more."""


def end(code: Code) -> NoReturn:
    """End a command that has printed all it has to say."""
    raise click.exceptions.Exit(code)


# The first kind that fits counts.
_CODES: Final[tuple[tuple[type[Exception], Code], ...]] = (
    (click.ClickException, Code.USAGE),
    (SettingsError, Code.ENVIRONMENT),
    (StoreDamaged, Code.INTEGRITY),
    (SignerBusy, Code.ENVIRONMENT),
    (SecondPlaceUnfit, Code.ENVIRONMENT),
    (PublishingRefused, Code.INTEGRITY),
    (BadKeyFile, Code.ENVIRONMENT),
    (MissingFile, Code.UNKNOWN),
    (EvidenceError, Code.INTEGRITY),
    (StoreError, Code.ENVIRONMENT),
    (UnknownIdError, Code.UNKNOWN),
    (VersionConflict, Code.NO),
    (AccesslineError, Code.USAGE),
    (CanonicalError, Code.USAGE),
    (OSError, Code.ENVIRONMENT),
)


def told(error: Exception) -> tuple[Code, tuple[str, ...]]:
    """Return the exit code of a failure and its sentences."""
    if isinstance(error, Failed):
        return error.code, error.sentences
    code = next((code for kind, code in _CODES if isinstance(error, kind)), Code.FAULT)
    if code is not Code.FAULT:
        return code, tuple(_sentences(error))
    first = next(iter(str(error).splitlines()), "")
    sentence = (
        f"This is a fault of accessline, not of yours: {type(error).__name__}: {first}."
        " With ACCESSLINE_LOG_LEVEL=DEBUG it tells where it happened."
    )
    return code, (sentence,)


def _sentences(error: Exception) -> Iterator[str]:
    match error:
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "accessline"
            yield f"{error.format_message()} Help: {command} --help"
        case click.ClickException():
            yield error.format_message()
        case SettingsError():
            yield from error.problems
        case OSError():
            name = f"{error.filename}: " if error.filename else ""
            yield f"{name}{error.strerror or error}."
        case _:
            yield from _refusals(error)


def _refusals(error: Exception) -> Iterator[str]:
    """Say why an input is refused, each fault with the option or the place that is at fault."""
    match error:
        case Refused():
            yield placed(str(error.path[0]) if error.path else "", error.detail)
        case Rejected():
            yield from _faults(error)
        case InvalidInput():
            yield from map(_fault, error.errors)
        case VersionConflict():
            yield (
                f"{error.stream} is at version {error.actual}, not {error.expected}: read what was"
                f" added, then give --expect {error.stream}={error.actual}."
            )
        case _:
            yield str(error)


def _fault(fault: Fault) -> str:
    where = fault.pointer or fault.parameter
    return f"{where}: {fault.detail}" if where else fault.detail


def _faults(error: Rejected) -> Iterator[str]:
    for index, fault in error.faults:
        path = "".join(f"/{step}" for step in fault.path)
        yield f"/events/{index}{path}: {fault.detail}"


def placed(name: str, detail: str) -> str:
    """Name the option that is at fault; an argument's sentence names it already.

    >>> placed("as_of", "'x' is no date.")
    "--as-of: 'x' is no date."
    """
    if not name or name in _ARGUMENTS:
        return detail
    return f"--{name.replace('_', '-')}: {detail}"
