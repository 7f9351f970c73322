"""A log line is one line, whatever is in it, and tells no secret."""

import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from service import logs
from service.settings import Settings

FORGED = 'a\r\n{"level": "INFO"}\x1b[2J\u202e\u2028\x9b b'


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Logging belongs to the process: each test leaves it as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def logger() -> logging.Logger:
    """A logger as every module has one."""
    return logging.getLogger("service.tests")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The records on standard error, of which standard output must be free."""
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.split("\n")[:-1]]


def fail(logger: logging.Logger, message: str) -> None:
    """Log an exception with its traceback."""
    error = ValueError(message)
    try:
        raise error
    except ValueError:
        logger.exception("failed")


def test_a_record_is_one_json_object(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """A collector splits at line ends and expects the same names in every line."""
    logs.configure(Settings())

    logger.info("recorded %d events", 3, extra={"position": 412})

    (line,) = lines(capsys)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "logger": "service.tests",
        "message": "recorded 3 events",
        "position": 412,
    }


def test_the_time_is_utc_in_the_form_of_iso_8601(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """2024-07-09 00:00:00.125 in UTC is 1720483200.125 seconds after the epoch."""
    logs.configure(Settings())
    record = logger.makeRecord(logger.name, logging.INFO, __file__, 1, "m", (), None)
    record.created = 1_720_483_200.125

    logger.handle(record)

    assert lines(capsys)[0]["time"] == "2024-07-09T00:00:00.125Z"


def test_the_request_id_stands_in_every_record_of_its_request(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """It leads from an answer to all that was logged while it was made."""
    logs.configure(Settings())

    token = logs.request_id.set("r-1")
    logger.info("inside")
    logs.request_id.reset(token)
    logger.info("outside")

    inside, outside = lines(capsys)
    assert inside["request_id"] == "r-1"
    assert "request_id" not in outside


def test_an_exception_is_a_field_of_its_record(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """A traceback over many lines would be many broken records."""
    logs.configure(Settings())

    fail(logger, FORGED)

    (line,) = lines(capsys)
    assert line["message"] == "failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert FORGED in line["exception"]


def test_an_extra_cannot_pass_for_a_field_of_ours(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """Otherwise a careless caller could log an error as a matter of course."""
    logs.configure(Settings())

    logger.error("failed", extra={"level": "INFO", "time": "never", "request_id": "r-0"})

    (line,) = lines(capsys)
    assert (line["level"], line["time"][:1]) == ("ERROR", "2")
    assert "request_id" not in line


def test_an_extra_of_any_kind_can_be_written(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """A log call must never raise."""
    logs.configure(Settings())

    logger.info("odd", extra={"thing": object(), "raw": b"\xff", "lone": "\ud800"})

    assert lines(capsys)[0]["message"] == "odd"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nothing_in_a_message_ends_its_line_or_moves_the_cursor(
    log_format: str, capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """CWE-117: input that is logged must not forge a record or speak to a terminal."""
    logs.configure(Settings(log_format=log_format))

    logger.warning("path %s", FORGED)

    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert written.endswith("\n")
    assert not set(written[:-1]) & {"\r", "\n", "\x1b", "\u202e", "\u2028", "\x9b"}


def test_in_the_text_format_a_traceback_is_set_in_below_its_record(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """People read it; no line of it can be taken for a record."""
    logs.configure(Settings(log_format="text"))
    token = logs.request_id.set("r-1")

    fail(logger, FORGED)
    logs.request_id.reset(token)

    head, *below = capsys.readouterr().err.splitlines()
    assert head.endswith(" ERROR   service.tests [r-1]: failed")
    assert below[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in below)
    assert "\x1b" not in "".join(below)


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize(
    "message",
    [
        "cannot reach postgresql+psycopg://alice:s3cr3t@db/accessline",
        "cannot reach postgresql://alice:1234/s3cr3t@db/accessline",
        "cannot reach postgresql://db/accessline?user=alice&sslpassword=s3cr3t",
        "refused alk_4f2a_s3cr3t-s3cr3t_s3cr3t",
        "refused\nalk_4f2a_s3cr3t",
        "Authorization: Bearer s3cr3ts3cr3ts3cr3ts3cr3t",
    ],
)
def test_a_secret_is_struck_out(
    log_format: str, message: str, capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """Logs travel further than anybody plans; a driver's error may quote the URL."""
    logs.configure(Settings(log_format=log_format))

    logger.warning(message, extra={"detail": message})
    fail(logger, message)

    written = capsys.readouterr().err
    assert "s3cr3t" not in written
    assert "***" in written


def test_what_only_looks_like_a_secret_stays(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """A port is no password, and a position is asked for with an at sign."""
    logs.configure(Settings())

    logger.info("GET http://127.0.0.1:8000/v1/access?as_of=@412 by alk_4f2a, a bearer of news")

    assert lines(capsys)[0]["message"] == (
        "GET http://127.0.0.1:8000/v1/access?as_of=@412 by alk_4f2a, a bearer of news"
    )


def test_what_is_less_severe_than_the_level_is_left_out(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """`ACCESSLINE_LOG_LEVEL=WARNING` is for a quiet server."""
    logs.configure(Settings(log_level="WARNING"))

    logger.info("quiet")
    logger.warning("loud")

    assert [line["message"] for line in lines(capsys)] == ["loud"]


def test_configured_twice_a_record_is_still_written_once(
    capsys: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    """The command line configures, and so does each worker that it starts."""
    logs.configure(Settings(log_format="text"))
    logs.configure(Settings())

    logger.info("once")

    assert [line["message"] for line in lines(capsys)] == ["once"]


def test_a_warning_of_the_interpreter_is_a_record_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Bare text between JSON lines would break whoever reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure(Settings())
        warnings.warn("old", UserWarning, stacklevel=1)

    (line,) = lines(capsys)
    assert line["logger"] == "py.warnings"
    assert "UserWarning: old" in line["message"]
