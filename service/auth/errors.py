"""Why somebody is not let in.

AccesslineError
├── Unauthenticated   no key, or none that is known and good
├── Forbidden         a good key that may not do this
└── RateLimited       too many appends with one key, or too many wrong keys from one address
"""

from math import ceil

from service.domain.errors import AccesslineError


class Unauthenticated(AccesslineError):
    """Nobody whom we know."""

    def __init__(self, *, given: bool) -> None:
        found = (
            "The key is not known here, or was revoked."
            if given
            else "This needs a key, and the request has none."
        )
        super().__init__(
            f"{found} Send a good one in the header 'Authorization: Bearer alk_<id>_<secret>'; "
            "whoever runs this server makes it with 'accessline keys create'."
        )
        self.given = given


class Forbidden(AccesslineError):
    """A good key with the wrong role."""

    def __init__(self, *, role: str, needed: str) -> None:
        super().__init__(f"This needs a key of the role {needed!r}; this one is a {role!r}.")
        self.role = role
        self.needed = needed


class RateLimited(AccesslineError):
    """Too often within a minute.

    Attributes:
        wait: Whole seconds after which to come back.
    """

    def __init__(self, *, what: str, per_minute: int, wait: float) -> None:
        self.wait = max(1, ceil(wait))
        super().__init__(
            f"Too many {what}: {per_minute} a minute are let through. Come back in {self.wait} "
            f"second{'' if self.wait == 1 else 's'}."
        )
