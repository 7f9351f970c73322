"""Answering over HTTP: `serve`.

granian runs one process that supervises and one or more workers that answer. A worker that dies is
replaced; one whose supervisor was killed ends by itself, since it would go on answering on the port
unseen. SIGTERM and Ctrl-C let running requests end.
"""

import errno
import logging
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import click

from service import logs
from service.cli import exits, output, session
from service.cli.exits import Code, Failed
from service.settings import Settings

GRACE_SECONDS: Final = 30
"""How long a request that runs may take to end when the server stops."""

MAX_PORT: Final = 65_535

_LOGGER = logging.getLogger(__name__)

_WATCH_SECONDS: Final = 0.5
_NEAR: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- where all addresses are meant

# granian's own configuration prints on standard output; its records belong to ours.
_LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {
        "_granian": {"handlers": [], "propagate": True},
        "granian.access": {"handlers": [], "propagate": True},
    },
}


def run(settings: Settings) -> None:
    """Serve until a signal ends it.

    Raises:
        Failed: The workers end again and again.
    """
    # granian is slow to import, and only this function needs it.
    from granian import Granian  # noqa: PLC0415
    from granian.constants import Interfaces  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    server = Granian(
        "service.app:create_app",
        address=address(settings.host),
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels(settings.log_level.lower()),
        log_dictconfig=_LOGGING,
    )
    logs.configure(settings)
    try:
        server.serve(target_loader=partial(_application, settings, os.getpid()), wrap_loader=False)
    except SystemExit as error:
        # A worker that Ctrl-C ended before its supervisor did is no failure.
        if not server.interrupt_signal:
            sentence = "The workers ended again and again: the log lines above say why."
            raise Failed(Code.ENVIRONMENT, sentence) from error


def require_port(host: str, port: int) -> None:
    """Refuse an address on which something listens already, or that is not this machine's.

    granian shares a port with whoever lets it: two servers would answer in turns.

    Raises:
        Failed: With what to do.
    """
    found = address(host)
    family = socket.AF_INET6 if ":" in found else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            # A port whose last connections are just closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((found, port))
            probe.listen()
        except OSError as error:
            raise Failed(Code.ENVIRONMENT, _not_free(host, port, error)) from error


def address(host: str) -> str:
    """Return the IP address of a host.

    Raises:
        Failed: It has none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        sentence = f"{host!r} is no address to listen on. Give one such as 127.0.0.1 or ::1."
        raise Failed(Code.ENVIRONMENT, sentence) from error
    return str(found[0][4][0])


def _not_free(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            other = port + 1 if port < MAX_PORT else port - 1
            return (
                f"Port {port} of {host} is in use: end the program that listens there, or choose"
                f" another port: --port {other}"
            )
        case errno.EACCES:
            return f"This user may not listen on port {port}: choose one above 1023: --port 8000"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine: --host 127.0.0.1"
        case _:
            return f"Nothing can listen on port {port} of {host}: {error.strerror}."


def _application(settings: Settings, supervisor: int) -> Any:  # noqa: ANN401 -- a WSGI callable
    """Make the application, in a worker."""
    _take_signals(supervisor)
    logs.configure(settings)
    from service.app import create_app  # noqa: PLC0415 -- only the workers need all of Flask

    try:
        return create_app(settings, clock=session.now)
    except Exception as error:
        for sentence in exits.told(error)[1]:
            _LOGGER.critical("%s", sentence)
        _LOGGER.debug("the worker cannot begin", exc_info=error)
        raise SystemExit(1) from error


def _take_signals(supervisor: int) -> None:
    """Let one thread of this worker wait for SIGTERM, and no other notice any signal.

    granian's handler must run once: a second signal that interrupts it waits for a lock that the
    first one holds. Ctrl-C in a terminal would be such a pair, since it reaches the worker, and the
    supervisor, which then sends SIGTERM.
    """
    if os.name != "posix":
        return
    # Until granian sets its own, the handlers here are those of the supervisor.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    threading.Thread(target=_stop_once, daemon=True).start()
    threading.Thread(target=_end_without, args=(supervisor,), daemon=True).start()


def _stop_once() -> None:
    """Wait for SIGTERM and let granian stop; while nothing is served yet, just end."""
    signal.sigwait((signal.SIGTERM,))
    stop = signal.getsignal(signal.SIGTERM)
    if callable(stop):
        stop(signal.SIGTERM, None)
    else:
        os._exit(0)


def _end_without(supervisor: int) -> None:
    """End this worker when its supervisor is gone, however that ended."""
    while os.getppid() == supervisor:
        time.sleep(_WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


# The commands.


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where the server answers."""

    url: str
    docs: str
    workers: int
    threads: int


@click.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, MAX_PORT), help="Port.  [default: 8000]")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes.  [default: 1]")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads in each.  [default: 192]")
@session.as_json
def serve(*, as_json: bool, **given: Any) -> None:  # noqa: ANN401 -- a text or numbers
    """Answer over HTTP.

    Until SIGTERM or Ctrl-C; requests that run then are answered. An option left out is taken from
    ACCESSLINE_HOST, _PORT, _WORKERS and _THREADS. Logs go to standard error.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = replace(session.settings(), **chosen)
    logs.configure(settings)
    with session.opened(settings.database_url):
        require_port(settings.host, settings.port)
    where = url_of(settings)
    if as_json:
        docs = f"{where}/docs"
        output.show_json(
            Serving(url=where, docs=docs, workers=settings.workers, threads=settings.threads)
        )
    else:
        output.say(f"Answering at {where}, documentation at {where}/docs")
    output.flush()
    run(settings)


def url_of(settings: Settings) -> str:
    """Return the URL at which a browser on this machine finds the server."""
    host = _NEAR.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
