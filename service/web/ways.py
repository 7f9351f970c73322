"""Ways through the pages: where to go on after signing in, and what to show where none is.

What no route has is answered by a page to a browser, which names HTML among the forms that it takes
and likes it better than JSON. Everybody else, and whoever asks below ``/v1``, ``/log`` or
``/assets``, gets the problem that the API answers.
"""

import re
from typing import Final
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from service.auth import guard
from service.store.errors import StoreError
from service.web import assets
from service.web.views import page

_MOST: Final = 2_000
# Browsers read a backslash as a slash and drop tabs and line ends: none of them gets through.
_LOCAL: Final = re.compile(r"/(?!/)[!-\[\]-~]*", re.ASCII)
_NO_PAGES: Final = ("/v1/", "/log/", "/assets/")


def local(given: str) -> str:
    r"""Return an address of this site to go on to, empty where it is none.

    >>> local("/append?type=policy.repealed"), local("//evil.example"), local("/\\evil.example")
    ('/append?type=policy.repealed', '', '')
    """
    whole = len(given) <= _MOST and _LOCAL.fullmatch(given)
    signs = given.partition("?")[0] in ("/sign-in", "/sign-out")
    return given if whole and not signs else ""


def here() -> str:
    """Return the address of the current request, as ``local`` takes it."""
    path = quote(request.path, safe="/~@:!$&'()*+,;=")
    query = request.query_string.decode("latin-1")
    return (local(f"{path}?{query}") if query else "") or local(path)


def wants_page() -> bool:
    """Tell whether the current request is a browser's, for a page."""
    accepted = request.accept_mimetypes
    return bool(accepted["text/html"] > accepted["application/json"])


def missing(error: HTTPException) -> Response | None:
    """Show a browser what has no page, or not by this method; None where it is not for a page."""
    if not isinstance(error, (NotFound, MethodNotAllowed)):
        return None
    if f"{request.path}/".startswith(_NO_PAGES) or not wants_page():
        return None
    _recognise()
    if isinstance(error, MethodNotAllowed):
        detail = "This address is there to be read: nothing can be sent to it in this way."
        response = page("missing.html", 405, title="Nothing can be sent here", detail=detail)
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    else:
        detail = f"No page has the address {request.path[:200]}."
        response = page("missing.html", 404, detail=detail)
    response.headers["Content-Security-Policy"] = assets.CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.vary.add("Accept")
    return response


def _recognise() -> None:
    """Learn who is signed in, for the head of the page; that nothing is here holds without it."""
    try:
        guard.signed_in()
    except StoreError:
        # Asked again by the template, nobody is signed in.
        return
