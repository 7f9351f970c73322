"""The guard at each view: nobody gets past it without the role that the view needs.

It looks at the Authorization header, before the body is read: a key in a URL would end up in
histories and logs, so it never opens anything. Whoever is signed in in a browser may read, too: the
session stands for the reader's key where a request only asks (GET, HEAD), and never records.

Appends are limited per key, wrong keys per client address. An address that has used up its wrong
keys is turned away before the database is asked; a key that was good from there shortly before
still is, or a neighbour behind the same address could lock everybody out.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Final, ParamSpec, TypeVar, cast

from flask import Flask, current_app, g, request

from service.auth import addresses
from service.auth.addresses import Network
from service.auth.buckets import Buckets
from service.auth.credentials import Principal, Role, authenticate, key_id
from service.auth.errors import Forbidden, RateLimited, Unauthenticated
from service.auth.sessions import Signed
from service.store.engine import Database

_P = ParamSpec("_P")
_T = TypeVar("_T")

_EXTENSION: Final = "accessline.gate"
_ASKING: Final = ("GET", "HEAD")

MOST_GOOD: Final = 10_000
"""Clients with good keys that are remembered at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Where keys are kept, whether readers need one, and how often anybody may come.

    Attributes:
        appends: Buckets by the id of a key. ``failures``: by the address of a client.
        trusted: Proxies whose word about an address is taken.
    """

    database: Database
    public_reads: bool
    appends: Buckets = field(default_factory=lambda: Buckets(0))
    failures: Buckets = field(default_factory=lambda: Buckets(0))
    trusted: tuple[Network, ...] = ()
    _good: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)

    def admit(self, header: str, client: str) -> Principal:
        """Return whose key a header brings.

        Raises:
            Unauthenticated: It brings no good one.
            RateLimited: Nor did too many from this client before.
        """
        visitor = (client, key_id(header) or "")
        if visitor not in self._good:
            self._turn_away(self.failures.take(client, 0))
        found = authenticate(self.database, header)
        if found is None:
            self._turn_away(self.failures.take(client))
            raise Unauthenticated(given=True)
        self._good[visitor] = None
        while len(self._good) > MOST_GOOD:
            self._good.popitem(last=False)
        return found

    def _turn_away(self, wait: float) -> None:
        if wait:
            limit = self.failures.per_minute
            raise RateLimited(what="wrong keys from this address", per_minute=limit, wait=wait)

    def count_append(self, by: Principal) -> None:
        """Count an append.

        Raises:
            RateLimited: There were too many with this key.
        """
        wait = self.appends.take(by.id)
        if wait:
            limit = self.appends.per_minute
            raise RateLimited(what="appends with this key", per_minute=limit, wait=wait)


def install(app: Flask, gate: Gate) -> None:
    """Let the guards of an application ask this gate."""
    app.extensions[_EXTENSION] = gate


def gate() -> Gate:
    """Return the gate of the current application."""
    return cast("Gate", current_app.extensions[_EXTENSION])


def requires(role: Role) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Guard a view; where reads are public, a reader needs no key.

    A key that is sent must be good in any case: whoever sends one wants to be known.

    Raises (the guarded view):
        Unauthenticated: No key, or none that is good.
        Forbidden: A good key of another role.
        RateLimited: Too many appends with one key, or wrong keys from one address.
    """

    def guarding(view: Callable[_P, _T]) -> Callable[_P, _T]:
        @wraps(view)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            g.principal = _admitted(role)
            return view(*args, **kwargs)

        return guarded

    return guarding


def principal() -> Principal | None:
    """Return who is asking, None where the request has no key."""
    return cast("Principal | None", g.get("principal"))


def curator() -> Principal:
    """Return who is recording, in a view that requires a curator."""
    found = principal()
    if found is None:
        raise Unauthenticated(given=False)
    return found


def client() -> str:
    """Return who is at the other end of the current request, as a limit names it."""
    forwarded = request.headers.get("X-Forwarded-For")
    return addresses.client(request.remote_addr, forwarded, gate().trusted)


def recognise(find: Callable[[], Signed | None]) -> None:
    """Say how to learn whose session the current request belongs to: asked once, where it matters.

    A session never records by the guard, since a browser sends its cookie whoever wrote the form:
    the page that records checks the form too.
    """
    g.visitor = find


def signed_in() -> Signed | None:
    """Return whose session the current request belongs to.

    Raises:
        StoreError: It cannot be looked up; asked again, nobody is signed in.
    """
    find = g.pop("visitor", None)
    if find is not None:
        g.signed_in = find()
    return recognised()


def may_be_signed_in() -> bool:
    """Tell whether the current request brings a session, which may be over; it is not looked up."""
    return "visitor" in g or "signed_in" in g


def recognised() -> Signed | None:
    """Return whose session the current request turned out to belong to, without looking it up."""
    return cast("Signed | None", g.get("signed_in"))


def _admitted(role: Role) -> Principal | None:
    asked = gate()
    header = request.headers.get("Authorization")
    if header is None:
        if role is Role.READER and asked.public_reads:
            return None
        visitor = signed_in() if role is Role.READER and request.method in _ASKING else None
        if visitor is not None:
            return visitor.principal
        raise Unauthenticated(given=False)
    found = asked.admit(header, client())
    if not found.role.includes(role):
        raise Forbidden(role=found.role, needed=role)
    if role is Role.CURATOR and request.method == "POST":
        asked.count_append(found)
    return found
