"""The console script `accessline`: prints, decides nothing.

Every failure is a sentence on standard error and an exit code (`exits`), never a traceback.
"""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

try:
    import click

    from service import __version__
    from service.cli import (
        access,
        admin,
        auditing,
        comparing,
        completion,
        coverage,
        dataset,
        demo,
        doctor,
        events,
        exits,
        exporting,
        following,
        importing,
        keys,
        log,
        output,
        policies,
        seeding,
        serving,
    )
    from service.cli.exits import Code, ReaderGone
except KeyboardInterrupt:
    # Loading takes most of the time of a short command.
    raise SystemExit(130) from None

_MOST_SENTENCES: Final = 50

_LOGGER = logging.getLogger(__name__)


class _Edge(click.Group):
    """The group of all commands; knows a broken pipe from other faults of files."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- as click has it
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 -- as click has it
        try:
            super().invoke(ctx)
            output.flush()
        except BrokenPipeError as error:
            raise ReaderGone from error


@click.group(
    cls=_Edge,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 the answer is no; 2 usage, or an input that is refused;"
    " 3 an id that is not known; 4 environment (settings, database, schema, port);"
    " 5 integrity; 130 Ctrl-C.",
)
@click.version_option(__version__, prog_name="accessline", message="%(prog)s %(version)s")
def cli() -> None:
    """Who may use which AI service, where, since when and why: ask it, record it, prove it.

    The log is in the database that ACCESSLINE_DATABASE_URL names, by default the SQLite file
    accessline.db in the current folder. A first look: accessline demo
    """


for _command in (
    demo.demo,
    serving.serve,
    access.state,
    access.why,
    access.timeline,
    comparing.diff,
    following.upcoming,
    policies.policies,
    events.events,
    auditing.audit,
    coverage.coverage,
    seeding.seed,
    importing.import_,
    exporting.export,
    dataset.dataset,
    importing.restore,
    exporting.backup,
    admin.db,
    admin.rebuild,
    admin.verify,
    log.log,
    doctor.doctor,
    keys.keys,
    admin.config,
    completion.completion,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line of this process, and end it."""
    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding lacks is escaped, not a failure.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        return int(cli.main(list(arguments), prog_name="accessline", standalone_mode=False) or 0)
    except ReaderGone:
        _discard_output()
        return Code.READER_GONE
    except (click.Abort, KeyboardInterrupt):
        return Code.INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- this is the edge: whatever it is becomes a sentence
        return _fail(error)


def _fail(error: Exception) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.ctx.get_help(), err=True)
        return Code.USAGE
    code, sentences = exits.told(error)
    for sentence in sentences[:_MOST_SENTENCES]:
        output.note(f"accessline: {sentence}")
    if len(sentences) > _MOST_SENTENCES:
        output.note(f"accessline: and {len(sentences) - _MOST_SENTENCES:,} more.")
    _LOGGER.debug("the command failed", exc_info=error)
    try:
        output.flush()
    except OSError:
        _discard_output()
    return code


def _discard_output() -> None:
    """Give up what cannot be written: the process would try again, and fail, as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
