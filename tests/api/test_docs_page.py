"""The documentation page: offline, readable, and strict about what a page may do.

A real Chromium visits a real server process. Where no browser is found these tests are skipped;
where `CI` is set, they fail.
"""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, jsonify, request
from flask.testing import FlaskClient
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from service.api import docs

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "service" / "api" / "static"
SECONDS = 30

# Collects what breaks the policy, from the first byte of every page that is visited.
SPY = """
window.broken = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.broken.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""

OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "Example", "version": "1", "description": "Who **may** use `what`."},
    "tags": [{"name": "Access", "description": "Ask"}, {"name": "Events", "description": "Record"}],
    "paths": {
        "/v1/access/{provider}": {
            "get": {
                "tags": ["Access"],
                "summary": "The access state of a provider, and a summary that is rather long",
                "parameters": [
                    {
                        "name": "provider",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                        "example": "openai",
                    },
                    {
                        "name": "as_of",
                        "in": "query",
                        "description": "A day.",
                        "schema": {"type": "string", "format": "date"},
                        "example": "2024-07-09",
                    },
                    {
                        "name": "state",
                        "in": "query",
                        "schema": {"type": "string", "enum": ["available", "blocked"]},
                    },
                ],
                "responses": {
                    "200": {
                        "description": "The state",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/State"}}
                        },
                    }
                },
            }
        },
        "/v1/events": {
            "post": {
                "tags": ["Events"],
                "summary": "Append events",
                "security": [{"key": []}],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Event"}}
                    }
                },
                "responses": {"201": {"description": "Recorded"}},
            }
        },
    },
    "components": {
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "State": {
                "type": "object",
                "required": ["state"],
                "properties": {
                    "state": {"enum": ["available", "blocked"]},
                    "until": {"type": ["string", "null"], "format": "date"},
                    "because": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                },
            },
            "Event": {
                "oneOf": [
                    {"$ref": "#/components/schemas/Adopted"},
                    {"$ref": "#/components/schemas/Retracted"},
                ]
            },
            "Adopted": {"type": "object", "properties": {"type": {"const": "policy.adopted"}}},
            "Retracted": {"type": "object", "properties": {"type": {"const": "record.retracted"}}},
        },
    },
}


def sample() -> Flask:
    """Make an application that has the page, a document to show, and the two calls in it."""
    app = Flask("sample")
    app.register_blueprint(docs.blueprint)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(OPENAPI)

    @app.get("/v1/access/<provider>")
    def access(provider: str) -> Response:
        return jsonify(provider=provider, as_of=request.args.get("as_of"), state="blocked")

    @app.post("/v1/events")
    def events() -> tuple[Response, int]:
        return jsonify(recorded_with=request.headers.get("Authorization")), 201

    return app


@pytest.fixture
def client() -> FlaskClient:
    """A client of the application, without a network."""
    return sample().test_client()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of a server in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory"]
    command += ["--port", str(port), "tests.api.test_docs_page:sample"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603 -- our own server
    try:
        _wait_for(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(SECONDS)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser that remembers what breaks a page's policy."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        reason = "No browser for the tests: install chromium and chromedriver."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    options = ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    profile = tmp_path_factory.mktemp("profile")
    for argument in (
        "--headless",
        "--no-sandbox",  # It does not work for root, as which tests often run.
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--window-size=1280,900",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    started = Chrome(options=options, service=ChromeService(driver))
    started.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SPY})
    try:
        yield started
    finally:
        started.quit()


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Chrome]:
    """The browser, on a desktop in daylight; what a test changes of that is put back."""
    _console(chromium)
    yield chromium
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.get("about:blank")


def test_the_page_asks_for_nothing_unsafe(client: FlaskClient) -> None:
    """`unsafe-inline` would let any text that slips into the page run as a script."""
    page = client.get("/docs")

    policy = page.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script(?![^>]*src=)|\sstyle=|\son\w+=", page.text)


def test_the_page_is_asked_for_again_and_its_assets_are_kept(client: FlaskClient) -> None:
    """A new release must show at once, and two megabytes must not come twice."""
    page = client.get("/docs")

    again = client.get("/docs", headers={"If-None-Match": page.headers["ETag"]})
    assets = re.findall(r'"(/docs/assets/[^"]+)"', page.text)

    assert page.headers["Cache-Control"] == "no-cache"
    assert again.status_code == 304
    assert len(assets) == 7
    for asset in assets:
        with client.get(asset) as kept:
            assert kept.status_code == 200
            assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert kept.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("docs.js", "text/javascript; charset=utf-8"),
        ("docs.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
        ("vendor/swagger-ui-dist/LICENSE", "text/plain; charset=utf-8"),
    ],
)
def test_an_old_address_of_an_asset_is_not_kept(
    name: str, media_type: str, client: FlaskClient
) -> None:
    """During a release a page of one version may ask a server of the other."""
    with client.get(f"/docs/assets/000000000000/{name}") as answer:
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Content-Type"] == media_type


@pytest.mark.parametrize("name", ["nothing.js", "../docs.py", "%2e%2e/docs.py", "vendor"])
def test_only_static_files_are_served(name: str, client: FlaskClient) -> None:
    """The program's own text lies one folder higher."""
    assert client.get(f"/docs/assets/{docs.tree()}/{name}").status_code == 404


def test_the_page_may_be_served_below_a_path(client: FlaskClient) -> None:
    """Behind a proxy the whole service may live below a prefix."""
    page = client.get("/docs", environ_overrides={"SCRIPT_NAME": "/accessline"})

    addresses = re.findall(r'(?:href|src)="(/[^"]*)"', page.text)
    assert addresses
    assert all(address.startswith("/accessline/") for address in addresses)


def test_vendored_files_are_those_that_were_published() -> None:
    """Nobody reads two megabytes of minified script: its hash must vouch for it."""
    lock = tomllib.loads((STATIC / "vendor.lock.toml").read_text(encoding="utf-8"))

    listed = {
        f"{package['name']}/{file}": sha256
        for package in lock["package"]
        for file, sha256 in package["sha256"].items()
    }
    shipped = {
        file.relative_to(STATIC / "vendor").as_posix(): hashlib.sha256(
            file.read_bytes()
        ).hexdigest()
        for file in (STATIC / "vendor").rglob("*")
        if file.is_file()
    }

    assert shipped == listed
    for package in lock["package"]:
        assert package["licence"] == "Apache-2.0"
        assert "Apache License" in (STATIC / "vendor" / package["name"] / "LICENSE").read_text()


def test_every_part_of_the_page_keeps_the_policy(browser: Chrome, server: str) -> None:
    """A part that only breaks once it is opened is broken all the same."""
    _open(browser, server)

    for operation in _all(browser, ".opblock-summary-control"):
        _click(browser, operation)
    assert len(_all(browser, ".opblock.is-open")) == 2
    for tab in _all(browser, ".tablinks[data-name=model]"):
        _click(browser, tab)
    _click(browser, _one(browser, ".models-control"))
    for model in _all(browser, "section.models .json-schema-2020-12-expand-deep-button"):
        _click(browser, model)
    assert "policy.adopted" in _one(browser, "section.models").text

    assert _objections(browser) == []


def test_a_call_can_be_tried(browser: Chrome, server: str) -> None:
    """The page asks the very server that it came from."""
    _open(browser, server)

    _click(browser, _one(browser, ".opblock-get .opblock-summary-control"))
    _click(browser, _one(browser, ".opblock-get .try-out__btn"))
    _click(browser, _one(browser, ".opblock-get .execute"))
    answer = _one(browser, ".opblock-get .live-responses-table").text

    assert '"provider": "openai"' in answer
    assert '"as_of": "2024-07-09"' in answer
    assert _objections(browser) == []


def test_a_key_is_sent_and_then_forgotten(browser: Chrome, server: str) -> None:
    """A curator's key must not stay behind in a browser."""
    _open(browser, server)

    _click(browser, _one(browser, ".auth-wrapper .authorize"))
    _one(browser, ".modal-ux input").send_keys("alk_alice_secret")
    _click(browser, _one(browser, ".modal-ux .authorize"))
    _click(browser, _one(browser, ".modal-ux .btn-done"))
    _click(browser, _one(browser, ".opblock-post .opblock-summary-control"))
    _click(browser, _one(browser, ".opblock-post .try-out__btn"))
    _click(browser, _one(browser, ".opblock-post .execute"))

    assert "Bearer alk_alice_secret" in _one(browser, ".opblock-post .live-responses-table").text
    assert browser.execute_script("return localStorage.length + sessionStorage.length") == 0
    assert browser.get_cookies() == []
    assert _objections(browser) == []


def test_nothing_is_fetched_from_elsewhere(browser: Chrome, server: str) -> None:
    """The page works on a machine without a network."""
    _open(browser, server)

    fetched = browser.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )

    assert f"{server}/openapi.json" in fetched
    assert all(address.startswith((f"{server}/", "data:")) for address in fetched)


def test_a_broken_policy_would_be_noticed(browser: Chrome, server: str) -> None:
    """An alarm that never rings may have no bell."""
    _open(browser, server)

    browser.execute_script(
        "document.head.append(Object.assign("
        "document.createElement('style'), {textContent: 'body { color: red }'}))"
    )

    assert "style-src-elem inline" in _objections(browser)


def test_without_scripts_the_page_leads_to_the_document(browser: Chrome, server: str) -> None:
    """What a machine can read, a person without scripts can too."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    browser.get(f"{server}/docs")

    assert "needs JavaScript" in _one(browser, "main").text
    assert _one(browser, "main a").get_attribute("href") == f"{server}/openapi.json"
    assert _objections(browser) == []


def test_the_page_tells_what_it_is(browser: Chrome, server: str) -> None:
    """WCAG 2.4.2, 3.1.1 and 1.3.1: a title, a language, and landmarks to move by."""
    _open(browser, server)

    assert browser.title == "accessline API documentation"
    assert _one(browser, "html").get_attribute("lang") == "en"
    for landmark in ("main", "body > header", "body > footer", "h1"):
        assert len(_all(browser, landmark)) == 1
    skip = _one(browser, "a.skip")
    assert _one(browser, "main").get_attribute("id") == "operations"
    assert str(skip.get_attribute("href")).endswith("#operations")


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_has_the_colours_of_the_system(
    scheme: str, *, is_dark: bool, browser: Chrome, server: str
) -> None:
    """Who works in the dark is not blinded; text keeps 4.5 to 1 in both (WCAG 1.4.3)."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    _open(browser, server)
    paper = _luminance(_one(browser, "body").value_of_css_property("background-color"))
    inks = [
        _luminance(_one(browser, text).value_of_css_property("color"))
        for text in (".name", ".banner a", "h1", ".info .renderedMarkdown p", ".opblock-tag")
    ]

    assert (paper < 0.05) is is_dark
    for ink in inks:
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5


def test_a_phone_need_not_scroll_sideways(browser: Chrome, server: str) -> None:
    """WCAG 1.4.10: down only, at 320 pixels."""
    screen = {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)

    _open(browser, server)
    for operation in _all(browser, ".opblock-summary-control"):
        _click(browser, operation)

    assert browser.execute_script("return document.documentElement.scrollWidth") == 320


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    message = f"The server did not start on port {port}."
    raise OSError(message)


def _open(browser: Chrome, server: str) -> None:
    browser.get(f"{server}/docs")
    _one(browser, ".opblock")


def _one(browser: Chrome, selector: str) -> WebElement:
    """Give the element, once it is there."""
    return _all(browser, selector)[0]


def _all(browser: Chrome, selector: str) -> list[WebElement]:
    """Give every such element, once there is one."""
    return WebDriverWait(browser, SECONDS).until(
        lambda page: page.find_elements(By.CSS_SELECTOR, selector),
        f"There is no {selector} on the page.",
    )


def _click(browser: Chrome, element: WebElement) -> None:
    """Click where a person would, with the element in the middle of the window."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def _objections(browser: Chrome) -> list[str]:
    """What broke the policy, and what else the browser complained about."""
    broken: list[str] = browser.execute_script("return window.broken") or []
    return broken + _console(browser)


def _console(browser: Chrome) -> list[str]:
    """What the console says, and has not said before."""
    entries = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in entries]


def _luminance(colour: str) -> float:
    """Relative luminance of a CSS colour such as `rgb(34, 38, 43)` (WCAG 2.2)."""
    channels = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
