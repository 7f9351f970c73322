"""Scripts and styles: of this server alone, kept for ever under their hash, as published."""

import hashlib
import shutil
import tomllib
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.settings import Settings
from service.web import assets

LOCK = tomllib.loads((assets.FOLDER / "vendor.lock.toml").read_text("utf-8"))


@pytest.fixture
def client(sqlite_template: Path, tmp_path: Path) -> FlaskClient:
    """Asks a server over an empty log."""
    file = tmp_path / "empty.db"
    shutil.copyfile(sqlite_template, file)
    return create_app(Settings(database_url=f"sqlite:///{file}")).test_client()


def test_files_of_others_are_as_published() -> None:
    """The lock names every one of them with its hash, and nothing else is there."""
    for package in LOCK["package"]:
        folder = assets.FOLDER / "vendor" / package["folder"]
        found = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()
        }
        assert found == package["sha256"]
        assert "LICENSE" in found
    folders = {one.name for one in (assets.FOLDER / "vendor").iterdir()}
    assert folders == {package["folder"] for package in LOCK["package"]}


def test_an_asset_is_kept_for_ever_under_its_hash_alone(client: FlaskClient) -> None:
    """Under another it is asked for again: a page that is older than the server still works."""
    kept = client.get(f"/assets/{assets.tree()}/site.css")
    other = client.get("/assets/000000000000/site.css")

    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert other.headers["Cache-Control"] == "no-cache"
    assert kept.mimetype == other.mimetype == "text/css"
    missing = client.get(f"/assets/{assets.tree()}/nothing.js")
    outside = client.get(f"/assets/{assets.tree()}/../views.py")
    assert (missing.status_code, outside.status_code) == (404, 404)
    for response in (kept, other):
        response.close()  # They hold their files open.


def test_no_page_has_anything_inline_or_from_elsewhere() -> None:
    """What the policy forbids would not run; what it would miss must not be written either."""
    for template in (Path(assets.__file__).parent / "templates").glob("*.html"):
        text = template.read_text("utf-8")
        assert " style=" not in text, template.name
        assert "<style" not in text, template.name
        assert " onclick" not in text, template.name
        assert "<script>" not in text, template.name
