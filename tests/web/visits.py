"""A server over a log of its own, and visits of a browser to it that keep what went wrong."""

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from service.application import signing
from service.application.recording import Batch, append
from service.domain.codec import event_from
from service.evidence.notes import SignerKey
from service.store.engine import connect
from tests.builders import Table
from tests.cli.processes import answers, free_port, started, until

KEY: Final = SignerKey("log.test/timeline", bytes(range(100, 132)))

NOTICE: Final = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
"""OpenAI's notice that it will block traffic to its API."""

# Tells the console what breaks the policy, from the first byte of every page that is visited.
_SPY: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy broken: ${event.effectiveDirective} ${event.blockedURI}`));
"""

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A server in a process of its own.

    Attributes:
        url: Where it answers, without a slash at the end.
        file: Its SQLite file.
    """

    url: str
    file: Path

    def change(self, *statements: str) -> None:
        """Change the database behind the server's back, as whoever has the file can.

        In a statement ``:notice`` is a pattern that only the body of OpenAI's notice is like.
        """
        connection = sqlite3.connect(self.file)
        for statement in statements:
            connection.execute(statement, {"notice": f"%{NOTICE}%"})
        connection.commit()
        connection.close()


@contextmanager
def running(
    template: Path,
    folder: Path,
    *,
    events: Sequence[Table] = (),
    is_signed: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Serve a copy of a log, with events and settings of one's own, signed by a key."""
    file = folder / "accessline.db"
    shutil.copyfile(template, file)
    if events:
        database = connect(f"sqlite:///{file}")
        batch = Batch(events=tuple(map(event_from, events)), principal="alice")
        append(database, batch, clock=_now)
        database.dispose()
    env = {"ACCESSLINE_DATABASE_URL": f"sqlite:///{file}", "ACCESSLINE_LOG_LEVEL": "ERROR"}
    env |= settings or {}
    if is_signed:
        signing.begin(folder / "key", KEY)
        env["ACCESSLINE_LOG_KEY"] = str(folder / "key")
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    with started("serve", "--port", port, folder=folder, env=env):
        until(lambda: answers(f"{url}/healthz"))
        yield Site(url=url, file=file)


def _now() -> datetime:
    return datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class Visit:
    """One tab, and what its pages complained of and asked for.

    It has no slots: playwright keeps notes on whose methods it calls.

    Attributes:
        faults: Errors of the console and of scripts, and breaches of the policy.
        requests: Every address that was asked for, in order.
    """

    page: Page
    site: Site
    is_scripted: bool = True
    status: int = 0
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page, and wait until its scripts have done their first work.

        Explore asks for its intervals only then.
        """
        response = self.page.goto(f"{self.site.url}{path}")
        if self.is_scripted and self.page.locator(".scrubber").count():
            self.page.locator(".scrubber[aria-busy=false]").wait_for(state="attached")
        assert response is not None
        self.status = response.status
        return self.page

    def text(self, selector: str = "body") -> str:
        """Return what an element says, as far as it is seen."""
        return " ".join(self.page.inner_text(selector).split())

    def note(self, message: ConsoleMessage) -> None:
        """Keep what the console says in anger."""
        if message.type in {"error", "warning"}:
            self.faults.append(message.text)

    def asked(self, request: Request) -> None:
        """Keep what was asked for."""
        self.requests.append(request.url)


@contextmanager
def visiting(browser: Browser, site: Site, **options: Json) -> Iterator[Visit]:
    """Open a tab in a profile of its own."""
    given: Json = {"viewport": {"width": 1280, "height": 900}, "service_workers": "block"}
    context = browser.new_context(**(given | options))
    context.add_init_script(_SPY)
    page = context.new_page()
    page.set_default_timeout(10_000)
    is_scripted = options.get("java_script_enabled", True)
    visit = Visit(page=page, site=site, is_scripted=is_scripted)
    page.on("console", visit.note)
    page.on("pageerror", lambda error: visit.faults.append(str(error)))
    page.on("request", visit.asked)
    try:
        yield visit
    finally:
        context.close()


def chromium() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def arguments() -> Iterable[str]:
    """Return what a browser without a network is started with."""
    return (
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-quic",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        # It does not work for root, as which tests often run.
        *(("--no-sandbox",) if os.geteuid() == 0 else ()),
    )
