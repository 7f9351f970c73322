"""What an operator may set, read from the environment in one place.

Every setting is a variable ``ACCESSLINE_<NAME>``. :meth:`Settings.from_env` is the only reader of
the environment in the house; it reports every fault at once, and below it settings are arguments.
``ACCESSLINE_TEST_*`` belongs to the test suite and is left alone.

Without ``ACCESSLINE_DATABASE_URL`` the log is the SQLite file ``accessline.db`` in the current
folder: it lies where one started, is easy to see, to copy and to delete, and needs no rights.
"""

import dataclasses
import difflib
import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final, Self

from environs import Env, EnvValidationError, ValidationError, validate
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

PREFIX: Final = "ACCESSLINE_"
TEST_PREFIX: Final = "ACCESSLINE_TEST_"
CLIENT_KEY: Final = "ACCESSLINE_KEY"
"""With what the command line asks another server; no setting of this one."""

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB
_SQLITE: Final = ("sqlite", "sqlite+pysqlite")
_POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+psycopg")

_RATE: Final = validate.Range(0, 1_000_000)
_URL: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?", re.ASCII)

_EXPECTED: Final[Mapping[str, str]] = {
    "DATABASE_URL": (
        "the URL of a SQLite file, such as sqlite:///accessline.db or"
        " sqlite:////var/lib/accessline/log.db, or of a PostgreSQL database, such as"
        " postgresql://user:password@localhost:5432/accessline"
    ),
    "READ_DATABASE_URLS": (
        "a list of URLs of PostgreSQL servers that replicate the one of ACCESSLINE_DATABASE_URL,"
        " such as postgresql://user:password@replica-1:5432/accessline, with spaces or commas"
        " between them"
    ),
    "READ_MAX_LAG": (
        "a whole number of seconds from 1 to 3600, such as 10 (a replica that is further behind"
        " answers no reads)"
    ),
    "HOST": "an address to listen on, such as 127.0.0.1, 0.0.0.0 or ::1",
    "PORT": "a whole number from 1 to 65535, such as 8000",
    "WORKERS": "a whole number from 1 to 64, such as 2 (processes that answer requests)",
    "THREADS": "a whole number from 1 to 256, such as 192 (threads in each process)",
    "PUBLIC_READS": "true or false (false: reading needs a key too)",
    "MAX_BODY_BYTES": "a whole number of bytes from 65536 to 1073741824, such as 8388608",
    "MAX_BATCH": "a whole number from 1 to 100000, such as 1000 (events in one append)",
    "ANSWER_CACHE_MB": (
        "a whole number of MiB from 0 to 4096, such as 16 (answers that a process keeps; 0: none)"
    ),
    "READ_WAIT": (
        "a whole number of milliseconds from 0 to 30000, such as 2000 (how long a read waits for"
        " its min_position)"
    ),
    "WRITE_RATE": (
        "a whole number from 0 to 1000000, such as 600 (appends a minute with one key; 0: no limit)"
    ),
    "FAILED_KEY_RATE": (
        "a whole number from 0 to 1000000, such as 30 (wrong keys a minute from one address; 0: no"
        " limit)"
    ),
    "TRUSTED_PROXIES": (
        "a list of addresses and networks with commas between them, such as 127.0.0.1,10.0.0.0/8"
    ),
    "PUBLIC_URL": (
        "the URL under which clients reach the server, such as https://access.example.org, without"
        " a query"
    ),
    "LOG_KEY": "the path of a file that 'accessline log init' made",
    "LOG_PUBLISHED": "the path of a file, best on another disk than the database",
    "LOG_LEVEL": "one of DEBUG, INFO, WARNING and ERROR",
    "LOG_FORMAT": "json (one object a line) or text (for people)",
}


class SettingsError(Exception):
    """The environment holds settings that cannot be used; the sentences name every one.

    Attributes:
        problems: one sentence for each faulty variable, in the order of their names.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("The configuration cannot be used:\n  " + "\n  ".join(problems))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of one process.

    Attributes:
        database_url: where the log is kept; may hold a password, so it is never printed whole.
        read_database_urls: replicas that reads are spread over; may hold passwords, too.
        read_max_lag: seconds that a replica may be behind the primary.
        host: the address to listen on.
        port: the port to listen on.
        workers: processes that answer requests.
        threads: threads in each process; a client that is slow to send its body keeps one.
        public_reads: whether reading needs no key.
        max_body_bytes: the largest request body that is read.
        max_batch: the most events that one append may bring.
        answer_cache_mb: MiB of answers that each process keeps; 0 for none.
        read_wait: milliseconds that a read waits for the position that it names.
        write_rate: appends a minute with one key, in one process; 0 for any number.
        failed_key_rate: wrong keys a minute from one address, in one process; 0 for any number.
        trusted_proxies: addresses and networks of the proxies whose ``X-Forwarded-For`` is read.
        log_key: the file with the key that checkpoints are signed with; empty where none are.
        log_published: the file with the last published checkpoint; empty for beside the key.
        public_url: where clients reach the server, for links in feeds; empty where nobody says.
        log_level: the least severe level that is logged.
        log_format: ``json`` or ``text``.
    """

    database_url: str = dataclasses.field(default="sqlite:///accessline.db", repr=False)
    read_database_urls: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    read_max_lag: int = 10
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int = 192
    public_reads: bool = True
    max_body_bytes: int = 8 * _MIB
    max_batch: int = 1000
    answer_cache_mb: int = 16
    read_wait: int = 2000
    write_rate: int = 600
    failed_key_rate: int = 30
    trusted_proxies: tuple[str, ...] = ()
    public_url: str = ""
    log_key: str = ""
    log_published: str = ""
    log_level: str = "INFO"
    log_format: str = "json"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from an environment; what is not set keeps its default.

        Raises:
            SettingsError: a variable has a value that cannot be used, or a name that is not known.
        """
        env, default = _Env(environ), cls()
        values: dict[str, Any] = {
            "database_url": env.str("DATABASE_URL", default.database_url, validate=_database),
            "read_database_urls": env.str("READ_DATABASE_URLS", "", validate=_replicas),
            "read_max_lag": env.int(
                "READ_MAX_LAG", default.read_max_lag, validate=validate.Range(1, 3600)
            ),
            "host": env.str("HOST", default.host, validate=validate.Regexp(r"[\w.:-]+\Z")),
            "port": env.int("PORT", default.port, validate=validate.Range(1, 65_535)),
            "workers": env.int("WORKERS", default.workers, validate=validate.Range(1, 64)),
            "threads": env.int("THREADS", default.threads, validate=validate.Range(1, 256)),
            "public_reads": env.bool("PUBLIC_READS", default.public_reads),
            "max_body_bytes": env.int(
                "MAX_BODY_BYTES",
                default.max_body_bytes,
                validate=validate.Range(64 * _KIB, 1024 * _MIB),
            ),
            "max_batch": env.int(
                "MAX_BATCH", default.max_batch, validate=validate.Range(1, 100_000)
            ),
            "answer_cache_mb": env.int(
                "ANSWER_CACHE_MB", default.answer_cache_mb, validate=validate.Range(0, 4096)
            ),
            "read_wait": env.int(
                "READ_WAIT", default.read_wait, validate=validate.Range(0, 30_000)
            ),
            "write_rate": env.int("WRITE_RATE", default.write_rate, validate=_RATE),
            "failed_key_rate": env.int("FAILED_KEY_RATE", default.failed_key_rate, validate=_RATE),
            "trusted_proxies": env.str("TRUSTED_PROXIES", "", validate=_networks),
            "public_url": env.str("PUBLIC_URL", default.public_url, validate=_public_url),
            "log_key": env.str("LOG_KEY", default.log_key),
            "log_published": env.str("LOG_PUBLISHED", default.log_published),
            "log_level": env.str("LOG_LEVEL", default.log_level, validate=_level),
            "log_format": env.str(
                "LOG_FORMAT", default.log_format, validate=validate.OneOf(("json", "text"))
            ),
        }
        problems = _faulty_values(env, environ) | _unknown_names(environ)
        problems |= {} if problems else _unfollowed(values)
        if problems:
            raise SettingsError(tuple(problems[name] for name in sorted(problems)))
        values["database_url"] = _canonical(values["database_url"])
        values["read_database_urls"] = tuple(map(_canonical, _urls(values["read_database_urls"])))
        values["log_level"] = values["log_level"].upper()
        values["trusted_proxies"] = _items(values["trusted_proxies"])
        values["public_url"] = values["public_url"].rstrip("/")
        return cls(**values)

    def shown(self) -> dict[str, str]:
        """Every setting by the name of its variable, fit to be printed: no password in it."""
        shown = {
            PREFIX + field.name.upper(): _text(getattr(self, field.name))
            for field in dataclasses.fields(self)
        }
        shown[f"{PREFIX}DATABASE_URL"] = redacted(self.database_url)
        shown[f"{PREFIX}READ_DATABASE_URLS"] = " ".join(map(redacted, self.read_database_urls))
        return shown


def redacted(database_url: str) -> str:
    """A database URL with ``***`` in place of every password in it.

    >>> redacted("postgresql://alice:secret@localhost/accessline")
    'postgresql://alice:***@localhost/accessline'
    """
    url = make_url(database_url)
    if url.drivername in _SQLITE:
        return database_url
    secrets = {name: "***" for name in url.query if "password" in name.lower()}
    return url.update_query_dict(secrets).render_as_string(hide_password=True)


class _Env(Env):
    """environs over the mapping it is given, not over the process's own environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(eager=False, prefix=PREFIX)
        self._given = environ

    def _get_value(self, env_key: str, default: Any) -> Any:  # noqa: ANN401 - as in environs
        value = self._given.get(env_key, default)
        return value.strip() if isinstance(value, str) else value


def _faulty_values(env: _Env, environ: Mapping[str, str]) -> dict[str, str]:
    try:
        env.seal()
    except EnvValidationError as error:
        return {name: _faulty_value(name, environ[name]) for name in error.error_messages}
    return {}


def _faulty_value(name: str, value: str) -> str:
    short = name.removeprefix(PREFIX)
    # What cannot be read as a URL cannot be cleared of its password either.
    given = "its value" if short.endswith(("DATABASE_URL", "_URLS")) else repr(value[:80])
    return f"{name}: {given} is not {_EXPECTED[short]}."


def _unknown_names(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _unknown_name(name)
        for name in environ
        if name.startswith(PREFIX)
        and not name.startswith(TEST_PREFIX)
        and name != CLIENT_KEY
        and name.removeprefix(PREFIX) not in _EXPECTED
    }


def _unknown_name(name: str) -> str:
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), _EXPECTED, n=1)
    if nearest:
        return f"{name}: there is no such setting; the nearest is {PREFIX}{nearest[0]}."
    known = ", ".join(PREFIX + each for each in _EXPECTED)
    return f"{name}: there is no such setting; there are {known}."


def _database(text: str) -> None:
    url = _parsed(text)
    if url.drivername not in (*_SQLITE, *_POSTGRESQL) or not url.database:
        raise ValidationError(_EXPECTED["DATABASE_URL"])
    # A log in memory would be gone with the process.
    if url.drivername in _SQLITE and (url.host or ":memory:" in url.database):
        raise ValidationError(_EXPECTED["DATABASE_URL"])


def _replicas(text: str) -> None:
    for one in _urls(text):
        url = _parsed(one)
        if url.drivername not in _POSTGRESQL or not url.database:
            raise ValidationError(_EXPECTED["READ_DATABASE_URLS"])


def _unfollowed(values: Mapping[str, Any]) -> dict[str, str]:
    """Tell where replicas are named, and their primary is none."""
    if not values["read_database_urls"] or make_url(values["database_url"]).drivername in (
        _POSTGRESQL
    ):
        return {}
    name = f"{PREFIX}READ_DATABASE_URLS"
    fault = "only PostgreSQL has replicas, and ACCESSLINE_DATABASE_URL is a SQLite file."
    return {name: f"{name}: {fault}"}


def _urls(text: str) -> tuple[str, ...]:
    """Split a list of URLs; a comma inside of one, as between hosts, stays."""
    return tuple(re.split(r"[\s,]+(?=\w+(?:\+\w+)?://)|\s+", text.strip(", \t\n"))) if text else ()


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ValidationError(_EXPECTED["DATABASE_URL"]) from error


def _canonical(text: str) -> str:
    """The URL with the name of the one driver that is used for PostgreSQL."""
    url = make_url(text)
    if url.drivername not in _POSTGRESQL:
        return text
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",")) if text else ()


def _networks(text: str) -> None:
    try:
        for item in _items(text):
            ipaddress.ip_network(item)
    except ValueError as error:
        raise ValidationError(_EXPECTED["TRUSTED_PROXIES"]) from error


def _public_url(text: str) -> None:
    if text and _URL.fullmatch(text) is None:
        raise ValidationError(_EXPECTED["PUBLIC_URL"])


def _level(text: str) -> None:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValidationError(_EXPECTED["LOG_LEVEL"])


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
