"""The documentation page: `GET /docs` shows the OpenAPI document that `/openapi.json` serves.

The page is the vendored Swagger UI and a small script and stylesheet of our own. Everything comes
from the package, so it works without a network. Nothing in it is inline, so it runs under a
Content-Security-Policy without `unsafe-*`: Swagger UI's own page would not, for its top bar brings
a `<style>` element; that part is not shipped. `img-src data:` is for the icons in its stylesheet.

Assets live below the hash of the whole folder, `/docs/assets/<tree>/<file>`, and are therefore
cached for ever; under any other hash the same file is served, and asked for again each time.
`static/vendor.lock.toml` tells where vendored files come from.
"""

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)

_STATIC = Path(__file__).parent / "static"
_TREE_DIGITS = 12
_YEAR_SECONDS = 31_536_000
# Not guessed: what `mimetypes` says of a script depends on the machine, and browsers insist on it.
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

blueprint = Blueprint("docs", __name__, template_folder="templates")


@blueprint.get("/docs", strict_slashes=False)
def page() -> Response:
    """The page itself, small and checked again at every visit."""
    html = render_template(
        "docs.html", tree=tree(), openapi_url=f"{request.script_root}/openapi.json"
    )
    response = make_response(html)
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/docs/assets/<asked>/<path:name>")
def asset(asked: str, name: str) -> Response:
    """A script, style, icon or licence; `asked` is the hash of the folder that the page knew."""
    media_type = _MEDIA_TYPES.get(Path(name).suffix, "text/plain")
    response = send_from_directory(_STATIC, name, mimetype=media_type, etag=tree())
    if asked == tree():
        response.cache_control.no_cache = None
        response.cache_control.public = True
        response.cache_control.max_age = _YEAR_SECONDS
        response.cache_control.immutable = True
    return response


@blueprint.after_request
def _shield(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@cache
def tree() -> str:
    """The hash of every static file's name and content: it changes when any of them does."""
    digest = hashlib.sha256()
    for file in sorted(path for path in _STATIC.rglob("*") if path.is_file()):
        digest.update(file.relative_to(_STATIC).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:_TREE_DIGITS]
