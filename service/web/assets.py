"""Scripts, styles and pictures of the pages: below a hash of the whole folder, so kept for ever.

``static/vendor.lock.toml`` tells where the files of others come from, which are never edited here.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, send_from_directory

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
FOLDER: Final = Path(__file__).parent / "static"

_DIGITS: Final = 12
_YEAR: Final = "public, max-age=31536000, immutable"
# Not guessed: what `mimetypes` says of a script depends on the machine, and browsers insist on it.
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

blueprint = Blueprint("assets", __name__)


@blueprint.get("/assets/<asked>/<path:name>")
def asset(asked: str, name: str) -> Response:
    """Return a file; ``asked`` is the hash of the folder that the page knew."""
    media_type = _MEDIA_TYPES.get(Path(name).suffix, "text/plain")
    response = send_from_directory(FOLDER, name, mimetype=media_type, etag=tree())
    response.headers["Cache-Control"] = _YEAR if asked == tree() else "no-cache"
    return response


@cache
def tree() -> str:
    """Return the hash of every file's name and content: it changes when any of them does."""
    digest = hashlib.sha256()
    for file in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(file.relative_to(FOLDER).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:_DIGITS]
