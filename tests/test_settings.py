"""The environment is read once, whole, and with an answer for every mistake."""

import dataclasses

import pytest

from service.settings import Settings, SettingsError


def faults(**environ: str) -> str:
    """The sentence with which an environment is refused."""
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env({f"ACCESSLINE_{name}": value for name, value in environ.items()})
    return str(refusal.value)


def test_without_an_environment_the_log_is_a_file_here_and_only_this_machine_is_served() -> None:
    """The demo must run with nothing set, and must not open a port to the world."""
    settings = Settings.from_env({"PATH": "/usr/bin", "HOME": "/root"})

    assert settings == Settings()
    assert settings.database_url == "sqlite:///accessline.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.public_reads


def test_every_setting_is_read_from_its_variable() -> None:
    """A variable that is documented and not read would be a lie."""
    environ = {
        "ACCESSLINE_DATABASE_URL": "postgresql+psycopg://alice@primary/log",
        "ACCESSLINE_READ_DATABASE_URLS": "postgresql+psycopg://alice@replica/log",
        "ACCESSLINE_READ_MAX_LAG": "5",
        "ACCESSLINE_HOST": "::1",
        "ACCESSLINE_PORT": "9000",
        "ACCESSLINE_WORKERS": "2",
        "ACCESSLINE_THREADS": "8",
        "ACCESSLINE_PUBLIC_READS": "false",
        "ACCESSLINE_MAX_BODY_BYTES": "65536",
        "ACCESSLINE_MAX_BATCH": "10",
        "ACCESSLINE_ANSWER_CACHE_MB": "64",
        "ACCESSLINE_READ_WAIT": "50",
        "ACCESSLINE_WRITE_RATE": "0",
        "ACCESSLINE_FAILED_KEY_RATE": "5",
        "ACCESSLINE_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8",
        "ACCESSLINE_PUBLIC_URL": "https://access.example.org/",
        "ACCESSLINE_LOG_KEY": "/etc/accessline/log-key",
        "ACCESSLINE_LOG_PUBLISHED": "/mnt/other/published",
        "ACCESSLINE_LOG_LEVEL": "debug",
        "ACCESSLINE_LOG_FORMAT": "text",
    }

    settings = Settings.from_env(environ)

    assert settings == Settings(
        database_url="postgresql+psycopg://alice@primary/log",
        read_database_urls=("postgresql+psycopg://alice@replica/log",),
        read_max_lag=5,
        answer_cache_mb=64,
        host="::1",
        port=9000,
        workers=2,
        threads=8,
        public_reads=False,
        max_body_bytes=65536,
        max_batch=10,
        read_wait=50,
        write_rate=0,
        failed_key_rate=5,
        trusted_proxies=("127.0.0.1", "10.0.0.0/8"),
        public_url="https://access.example.org",
        log_key="/etc/accessline/log-key",
        log_published="/mnt/other/published",
        log_level="DEBUG",
        log_format="text",
    )
    assert list(environ) == list(settings.shown())


def test_what_is_shown_can_be_read_back() -> None:
    """`config show` prints variables, so that a person can copy them."""
    settings = Settings(
        port=9000, public_reads=False, trusted_proxies=("10.0.0.1", "::1"), log_format="text"
    )

    assert Settings.from_env(settings.shown()) == settings


def test_the_given_environment_is_read_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are an argument everywhere: the process's own environment must not leak in."""
    monkeypatch.setenv("ACCESSLINE_PORT", "9999")

    assert Settings.from_env({}).port == 8000
    assert Settings.from_env({"ACCESSLINE_PORT": "9000"}).port == 9000


def test_every_fault_is_told_at_once() -> None:
    """Whoever sets up a server should not have to start it five times to learn five things."""
    told = faults(
        PORT="http", WORKERS="0", PUBLIC_READS="maybe", LOG_LEVEL="LOUD", LOG_FORMAT="xml", PROT="1"
    )

    assert [line.split(":")[0].strip() for line in told.splitlines()[1:]] == [
        "ACCESSLINE_LOG_FORMAT",
        "ACCESSLINE_LOG_LEVEL",
        "ACCESSLINE_PORT",
        "ACCESSLINE_PROT",
        "ACCESSLINE_PUBLIC_READS",
        "ACCESSLINE_WORKERS",
    ]
    assert "'http' is not a whole number from 1 to 65535, such as 8000" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80.5"),
        ("PORT", ""),
        ("HOST", ""),
        ("HOST", "http://localhost"),
        ("THREADS", "-1"),
        ("MAX_BODY_BYTES", "8MiB"),
        ("MAX_BODY_BYTES", "1"),
        ("MAX_BATCH", "0"),
        ("READ_WAIT", "30001"),
        ("WRITE_RATE", "-1"),
        ("FAILED_KEY_RATE", "often"),
        ("TRUSTED_PROXIES", "localhost"),
        ("TRUSTED_PROXIES", "10.0.0.1,"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("PUBLIC_URL", "access.example.org"),
        ("PUBLIC_URL", "https://access.example.org/?a=b"),
    ],
)
def test_a_value_out_of_range_is_refused_with_a_valid_one(name: str, value: str) -> None:
    """An empty value is a mistake too: it never means the default in silence."""
    told = faults(**{name: value})

    assert f"ACCESSLINE_{name}: {value!r} is not " in told
    assert "such as" in told


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("DATABSE_URL", "ACCESSLINE_DATABASE_URL"), ("LOGLEVEL", "ACCESSLINE_LOG_LEVEL")],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(name: str, nearest: str) -> None:
    """A misspelt variable would otherwise start a server over the wrong, empty log."""
    assert f"the nearest is {nearest}." in faults(**{name: "x"})


def test_a_name_that_resembles_none_is_refused_with_all_known_ones() -> None:
    """There is nothing to suggest, so the reader gets the list."""
    told = faults(COLOUR="blue")

    assert "ACCESSLINE_DATABASE_URL" in told
    assert "ACCESSLINE_LOG_FORMAT" in told


def test_the_variables_of_the_test_suite_are_left_alone() -> None:
    """The tests' own PostgreSQL is named beside the settings and is none of them."""
    environ = {"ACCESSLINE_TEST_POSTGRES_URL": "postgresql://localhost/test"}

    assert Settings.from_env(environ) == Settings()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://alice:secret@localhost:5432/accessline",
        "postgres://alice:secret@localhost:5432/accessline",
        "postgresql+psycopg://alice:secret@localhost:5432/accessline",
    ],
)
def test_postgresql_is_reached_by_one_driver_however_it_is_spelt(url: str) -> None:
    """Hosters hand out `postgres://`, which SQLAlchemy does not know."""
    settings = Settings.from_env({"ACCESSLINE_DATABASE_URL": url})

    assert settings.database_url == ("postgresql+psycopg://alice:secret@localhost:5432/accessline")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "accessline.db",
        "sqlite://",
        "sqlite://accessline.db",
        "sqlite:///:memory:",
        "mysql://alice:secret@localhost/accessline",
        "postgresql+psycopg2://alice:secret@localhost/accessline",
        "postgresql://alice:secret@localhost",
        "postgresql://alice:secret@localhost:port/accessline",
    ],
)
def test_a_database_that_cannot_hold_the_log_is_refused(url: str) -> None:
    """Two slashes name a host, memory forgets, other engines are not promised anything."""
    told = faults(DATABASE_URL=url)

    assert "such as sqlite:///accessline.db" in told
    assert "postgresql://user:password@localhost:5432/accessline" in told
    assert "secret" not in told


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://alice:secret@localhost/accessline",
        "postgresql://localhost/accessline?user=alice&password=secret",
        "postgresql://localhost/accessline?sslkey=k.pem&sslpassword=secret",
    ],
)
def test_no_password_is_ever_shown(url: str) -> None:
    """What is shown ends in tickets and screenshots."""
    settings = Settings.from_env({"ACCESSLINE_DATABASE_URL": url})

    assert "secret" in settings.database_url
    assert "localhost" in settings.shown()["ACCESSLINE_DATABASE_URL"]
    assert "secret" not in f"{settings.shown()} {settings!r}"


def test_a_windows_path_and_a_path_with_spaces_stay_as_they_are() -> None:
    """A SQLite URL has no password, and rewriting a path could name another file."""
    for url in (r"sqlite:///C:\data\accessline.db", "sqlite:////srv/my data/accessline.db"):
        settings = Settings.from_env({"ACCESSLINE_DATABASE_URL": url})

        assert settings.database_url == url
        assert settings.shown()["ACCESSLINE_DATABASE_URL"] == url


def test_settings_cannot_be_changed() -> None:
    """What was checked once stays as it was checked."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://alice:secret@a/log postgres://alice:secret@b/log",
        "postgresql://alice:secret@a/log,postgres://alice:secret@b/log",
        "  postgresql://alice:secret@a/log ,\n postgres://alice:secret@b/log, ",
    ],
)
def test_replicas_are_a_list_with_spaces_or_commas_between(text: str) -> None:
    """Both are written in environments; no password of theirs is shown."""
    settings = Settings.from_env(
        {
            "ACCESSLINE_DATABASE_URL": "postgresql://alice:secret@primary/log",
            "ACCESSLINE_READ_DATABASE_URLS": text,
        }
    )

    assert settings.read_database_urls == (
        "postgresql+psycopg://alice:secret@a/log",
        "postgresql+psycopg://alice:secret@b/log",
    )
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings.shown())


def test_a_comma_inside_of_a_url_does_not_end_it() -> None:
    """A URL of libpq takes several hosts in one URL."""
    url = "postgresql://alice@/log?host=a,b"
    settings = Settings.from_env(
        {
            "ACCESSLINE_DATABASE_URL": "postgresql://primary/log",
            "ACCESSLINE_READ_DATABASE_URLS": f"{url},{url}",
        }
    )

    assert settings.read_database_urls == ("postgresql+psycopg://alice@/log?host=a%2Cb",) * 2


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///copy.db",
        "postgresql://alice:secret@replica",
        "replica-1",
        "postgresql://alice:secret@a/log,replica-1 b",
        "postgresql://alice:secret@a:port/log",
        "mysql://alice:secret@a/log",
    ],
)
def test_a_replica_that_is_no_postgresql_is_refused(text: str) -> None:
    """The sentence shows a valid one, and no password."""
    told = faults(DATABASE_URL="postgresql://primary/log", READ_DATABASE_URLS=text)

    assert "ACCESSLINE_READ_DATABASE_URLS: its value is not a list of URLs" in told
    assert "postgresql://user:password@replica-1:5432/accessline" in told
    assert "secret" not in told


def test_a_sqlite_file_has_no_replicas() -> None:
    """Reads would go to a server that knows nothing of it."""
    told = faults(READ_DATABASE_URLS="postgresql://replica/log")

    assert "only PostgreSQL has replicas, and ACCESSLINE_DATABASE_URL is a SQLite file" in told
