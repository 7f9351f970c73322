"""A curator at a form, without a browser: forms are read out of pages and sent back."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Final

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.house import House

COOKIE: Final = "accessline_session"
BROWSER: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
"""What a browser accepts that goes to a page; a script of a page accepts anything."""

ADOPTED: Final = {
    "type": "policy.adopted",
    "stream": "closing-in-france",
    "authority": "openai",
    "occurred_on": "2026-11-20",
    "title": "OpenAI closes its API in France",
    "instrument": "provider_policy",
    "key": "api",
    "effect": "blocked",
    "providers": "openai",
    "services": "api",
    "regions": "FR",
    "effective_from": "2026-12-01",
    "enforced": "yes",
    "source_url": "https://example.org/notice",
    "source_publisher": "Example",
    "source_kind": "press",
}
"""A policy that a curator writes into the form."""


@dataclass
class Tab:
    """A browser's tab, as far as it sends forms."""

    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        """Visit a page."""
        return self.client.get(path, headers={"Accept": BROWSER})

    def fetch(self, path: str) -> TestResponse:
        """Ask as a script of a page does."""
        return self.client.get(path, headers={"Accept": "*/*"})

    def sign_in(self, key: str, then: str | None = None, **headers: str) -> TestResponse:
        """Send a key, and where to go on with it."""
        data = {"key": key} if then is None else {"key": key, "next": then}
        return self.client.post("/sign-in", data=data, headers=named(headers))

    def token(self) -> str:
        """Return the token of this session's forms."""
        return hidden(self.get("/append"))["csrf"]

    def send(self, values: dict[str, str], step: str = "preview", **headers: str) -> TestResponse:
        """Send a form of this session."""
        data = {"csrf": self.token(), "step": step, **values}
        return self.client.post("/append", data=data, headers=named(headers))

    def confirm(self, shown: TestResponse) -> TestResponse:
        """Confirm what a page shows."""
        assert shown.status_code == 200, shown.text
        return self.client.post("/append", data={**hidden(shown), "step": "confirm"})


def tab(house: House, key: str | None = None) -> Tab:
    """Open a tab, signed in where a key is given."""
    opened = Tab(house.app.test_client())
    if key is not None:
        assert opened.sign_in(key).status_code == 303
    return opened


def named(headers: dict[str, str]) -> dict[str, str]:
    """Write the names of headers as they are sent."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


class _Reader(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self._action = action
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._inside = given.get("action") == self._action
        if self._inside and tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given.get("value") or ""


def hidden(response: TestResponse, action: str = "/append") -> dict[str, str]:
    """Return the hidden fields of a page's form for appending."""
    reader = _Reader(action)
    reader.feed(response.text)
    return reader.hidden


def fault_of(response: TestResponse, name: str) -> str:
    """Return what a page says beside a field."""
    found = re.search(rf'<span class="fault" id="{name}_fault">(.*?)</span>', response.text)
    return "" if found is None else found.group(1)
