"""Signing in on the pages: a key in a form, then a cookie that scripts cannot read.

The cookie is ``HttpOnly`` and ``SameSite=Strict``, over https also ``Secure`` and named with the
prefix ``__Host-``, which no other host can set. Every form of somebody who is signed in has a token
of the session in it. Before that is looked at, a request from another site is turned away by what
the browser itself says of it: ``Sec-Fetch-Site``, or ``Origin`` where it does not send that. Hence
pages have the referrer policy ``same-origin``: with ``no-referrer`` a browser hides the origin of
its forms from us too.

A page for somebody who is signed in has that token in it, so no cache keeps it. Where reading needs
a key, the session reads what the pages link to and fetch as well, below ``/v1`` and ``/log``; no
cache keeps that either. It never records there, where no form has a token.
"""

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from service.auth import addresses, guard, sessions
from service.auth.credentials import Role
from service.auth.errors import Forbidden, RateLimited, Unauthenticated
from service.auth.sessions import LASTS, Signed
from service.domain.errors import AccesslineError
from service.store.errors import StoreError
from service.web import views, ways
from service.web.asking import house
from service.web.views import page

COOKIE: Final = "accessline_session"
FORM_TOKEN: Final = "csrf"  # noqa: S105 -- the name of a field
UNKNOWN_KEY: Final = (
    "This key is not known here, or was revoked."
    " A key looks like alk_<id>_<secret>: paste it whole."
)

_MOST_KEY: Final = 200
_KEPT: Final = "kept-"
"""Before the names of the fields of a form whose session had ended: signing in gives it back."""
_LOG: Final = logging.getLogger(__name__)

blueprint = Blueprint("session", __name__)
blueprint.add_app_template_global(guard.signed_in, "signed_in")


class ForeignForm(AccesslineError):
    """A form that did not come from a page of this session, or not even from this site."""

    def __init__(self, *, site: bool) -> None:
        super().__init__(
            "This form came from another site, so nothing was done. If it is ours, behind a proxy:"
            " whoever runs this server tells it its address with ACCESSLINE_PUBLIC_URL."
            if site
            else "This form belongs to another session: perhaps you signed in again meanwhile."
            " Nothing was done. Open the page anew and send it again."
        )


@views.blueprint.before_app_request
def _may_be_recognised() -> None:
    """Everywhere, so that what pages link to and fetch is answered as they are."""
    token = request.cookies.get(_cookie_name())
    if token:
        guard.recognise(lambda: sessions.find(guard.gate().database, token, house().clock()))


@views.blueprint.before_request
def _recognise() -> None:
    if request.endpoint not in views.FETCHED:
        guard.signed_in()


@views.blueprint.after_request
def _tell_origin(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@views.blueprint.after_app_request
def _keep_private(response: Response) -> Response:
    if guard.recognised() is not None:
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Cookie")
    return response


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """Show the form that asks for a key."""
    return _asking(then=ways.local(request.args.get("next", "")))


@blueprint.post("/sign-in")
def open_session() -> Response:
    """Open a session with the key in the form; whatever session there was is over."""
    check_site()
    key = form().get("key", "").strip()[:_MOST_KEY]
    then = ways.local(form().get("next", ""))
    try:
        principal = guard.gate().admit(f"Bearer {key}", guard.client())
    except Unauthenticated:
        return _asked_again(UNKNOWN_KEY, form(), then)
    before = guard.signed_in()
    if before is not None:
        sessions.end(guard.gate().database, before.token)
    signed = sessions.begin(guard.gate().database, principal, house().clock)
    guard.recognise(lambda: signed)
    guard.signed_in()
    kept = {
        name.removeprefix(_KEPT): text for name, text in form().items() if name.startswith(_KEPT)
    }
    if kept:
        response = page("signed_in.html", kept=kept)
    else:
        usual = "/append" if principal.role.includes(Role.CURATOR) else "/"
        response = _to(then or usual)
    secure = _secure()
    response.set_cookie(
        _cookie_name(),
        signed.token,
        max_age=LASTS,
        path="/",
        secure=secure,
        httponly=True,
        samesite="Strict",
    )
    return response


@blueprint.post("/sign-out")
def close_session() -> Response:
    """End the session, here and in the database."""
    signed = guard.signed_in()
    if signed is not None:
        check_form(signed)
        sessions.end(guard.gate().database, signed.token)
    response = _to("/" if guard.gate().public_reads else "/sign-in")
    response.delete_cookie(
        _cookie_name(), path="/", secure=_secure(), httponly=True, samesite="Strict"
    )
    return response


@blueprint.app_template_global("may_record")
def may_record() -> bool:
    """Tell whether a curator is signed in."""
    signed = guard.recognised()
    return signed is not None and signed.principal.role.includes(Role.CURATOR)


def curator() -> Signed:
    """Return who is signed in and may record.

    Raises:
        Unauthenticated: Nobody is, or not any more.
        Forbidden: A reader is.
    """
    signed = guard.signed_in()
    if signed is None:
        raise Unauthenticated(given=_cookie_name() in request.cookies)
    if not signed.principal.role.includes(Role.CURATOR):
        raise Forbidden(role=signed.principal.role, needed=Role.CURATOR)
    return signed


def form() -> dict[str, str]:
    """Return the fields of the form that was sent, the first of each name.

    Raises:
        RequestEntityTooLarge: It is longer than is read.
    """
    request.max_form_memory_size = request.max_content_length
    return request.form.to_dict()


def check_form(signed: Signed) -> None:
    """Let only a form of this session pass.

    Raises:
        ForeignForm: It came from another site, or from a page of another session.
    """
    check_site()
    if not signed.wrote(form().get(FORM_TOKEN, "")):
        raise ForeignForm(site=False)


def check_site() -> None:
    """Turn away what another site sent.

    Raises:
        ForeignForm: The browser says so.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        ours = site in ("same-origin", "none")
    else:
        ours = origin is None or _is_ours(origin)
    if not ours:
        raise ForeignForm(site=True)


def _is_ours(origin: str) -> bool:
    public = urlsplit(house().public_url)
    if public.netloc and origin.lower() == f"{public.scheme}://{public.netloc}".lower():
        return True
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and host.lower() == request.host.lower()


def _secure() -> bool:
    if urlsplit(house().public_url).scheme == "https":
        return True
    forwarded = request.headers.get("X-Forwarded-Proto")
    trusted = guard.gate().trusted
    return addresses.https(request.scheme, request.remote_addr, forwarded, trusted)


def _cookie_name() -> str:
    return f"__Host-{COOKIE}" if _secure() else COOKIE


def _to(path: str) -> Response:
    response = Response(status=303)
    response.headers["Location"] = path
    return response


def _asking(status: int = 200, *, then: str = "", **values: object) -> Response:
    """Show the form that asks for a key; ``then`` is where to go with it."""
    public = guard.gate().public_reads
    return page("sign_in.html", status, then=then, public_reads=public, **values)


def _asked_again(fault: str, kept: Mapping[str, str] | None = None, then: str = "") -> Response:
    """Ask for a key, and keep the form that somebody wants to send with it."""
    fields = {name: text for name, text in (kept or {}).items() if name.startswith(_KEPT)}
    response = _asking(401, then=then, faults=[fault], kept=fields)
    response.headers["WWW-Authenticate"] = 'Bearer realm="accessline"'
    return response


@views.blueprint.errorhandler(Unauthenticated)
def _stranger(error: Unauthenticated) -> Response:
    if "Authorization" in request.headers:
        return _asked_again(str(error))
    asks = request.method in ("GET", "HEAD")
    then = ways.here() if asks else ""
    if asks and not error.given and ways.wants_page():
        return _to(f"/sign-in?{urlencode({'next': then}, safe='/')}")
    told = "Your session has ended" if error.given else "This page is for those who have a key"
    kept = {
        f"{_KEPT}{name}": text
        for name, text in (form() if request.method == "POST" else {}).items()
        if name not in (FORM_TOKEN, "step")
    }
    return _asked_again(f"{told}: sign in with your key.", kept, then)


@views.blueprint.errorhandler(Forbidden)
def _may_not(error: Forbidden) -> Response:
    return page("refused.html", 403, title="This key may not do this", detail=str(error))


@views.blueprint.errorhandler(ForeignForm)
def _foreign(error: ForeignForm) -> Response:
    return page("refused.html", 403, title="This form was not taken", detail=str(error))


@views.blueprint.errorhandler(RateLimited)
def _too_often(error: RateLimited) -> Response:
    response = page("refused.html", 429, title="Too many at once", detail=str(error))
    response.headers["Retry-After"] = str(error.wait)
    return response


@views.blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(_: HTTPException) -> Response:
    detail = "The form is larger than this server reads. Send the events in several batches."
    return page("refused.html", 413, title="The form is too large", detail=detail)


@views.blueprint.errorhandler(StoreError)
def _unavailable(error: StoreError) -> Response:
    _LOG.error("%s", type(error).__name__, exc_info=error)
    detail = "The database does not answer as it must. Try again in a few seconds."
    response = page("refused.html", 503, title="The log cannot be used just now", detail=detail)
    response.headers["Retry-After"] = "5"
    return response
