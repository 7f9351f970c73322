"""Reads are spread over replicas, and only the primary says no.

A view that only asks is bound to one replica for all that it reads: one that has come to the
positions in the query. Where it does not come to an answer there, whatever the reason, it is run
once more against the primary: the replica died, or it does not have yet what the client names (an
event just recorded, a ``min_position``). So neither is seen by any client. Asking changes nothing,
so it can be repeated.

Not bound are appends, and whoever brings a session: curators at a browser see what they recorded.
What streams is read after the view has returned, from the primary.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from service.auth import guard
from service.store.replicas import Replicas

_ASKING: Final = ("GET", "HEAD")
_ALSO_ASKING: Final = frozenset({"gating.check"})
"""Views that only ask, by POST."""

_NAMED: Final = re.compile(rb"known_(?:at|from|until)=(?:@|%40)([0-9]{1,18})(?![0-9])")
_REFUSED: Final = 400

_View = Callable[..., Any]


def install(app: Flask, replicas: Replicas) -> None:
    """Spread the reads of an application, whose views are all there."""
    for endpoint, view in app.view_functions.items():
        app.view_functions[endpoint] = _spread(view, replicas, endpoint in _ALSO_ASKING)


def _spread(view: _View, replicas: Replicas, always: bool) -> _View:  # noqa: FBT001 -- of our own
    @wraps(view)
    def spread(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- whatever the view takes
        if not (always or request.method in _ASKING) or guard.may_be_signed_in():
            return view(*args, **kwargs)
        with replicas.reading(_named()) as replica:
            if replica is None:
                return view(*args, **kwargs)
            try:
                found = view(*args, **kwargs)
            except HTTPException:
                raise  # An answer: 304, or a form that is not offered.
            except Exception as error:  # noqa: BLE001 -- the primary raises it again, or answers
                replicas.passed_on(replica, error)
            else:
                if not isinstance(found, Response) or found.status_code < _REFUSED:
                    return found
                replicas.passed_on(replica)
        return view(*args, **kwargs)

    return spread


def _named() -> int:
    """Return the last position that the query of the current request names."""
    return max(map(int, _NAMED.findall(request.query_string)), default=0)
