"""Why somebody is not let in.

AccesslineError
├── Unauthenticated   no key, or none that is known and good
└── Forbidden         a good key that may not do this
"""

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
