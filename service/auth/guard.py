"""The guard at each view: nobody gets past it without the role that the view needs.

It looks at the Authorization header alone, before the body is read: a key in a URL would end up in
histories and logs, so it never opens anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Final, ParamSpec, TypeVar, cast

from flask import Flask, current_app, g, request

from service.auth.credentials import Principal, Role, authenticate
from service.auth.errors import Forbidden, Unauthenticated
from service.store.engine import Database

_P = ParamSpec("_P")
_T = TypeVar("_T")

_EXTENSION: Final = "accessline.gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Where keys are kept, and whether readers need one."""

    database: Database
    public_reads: bool


def install(app: Flask, gate: Gate) -> None:
    """Let the guards of an application ask this gate."""
    app.extensions[_EXTENSION] = gate


def requires(role: Role) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Guard a view; where reads are public, a reader needs no key.

    A key that is sent must be good in any case: whoever sends one wants to be known.

    Raises (the guarded view):
        Unauthenticated: No key, or none that is good.
        Forbidden: A good key of another role.
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


def _admitted(role: Role) -> Principal | None:
    gate = cast("Gate", current_app.extensions[_EXTENSION])
    header = request.headers.get("Authorization")
    if header is None:
        if role is Role.READER and gate.public_reads:
            return None
        raise Unauthenticated(given=False)
    found = authenticate(gate.database, header)
    if found is None:
        raise Unauthenticated(given=True)
    if not found.role.includes(role):
        raise Forbidden(role=found.role, needed=role)
    return found
