"""What a use case refuses, besides what the domain and the store do.

AccesslineError
├── VersionConflict       expected_versions does not name the stream's version
├── EventIdConflict       the log has another event under this id
└── IdempotencyConflict   the key was used for another request
"""

from uuid import UUID

from service.domain.errors import AccesslineError


class VersionConflict(AccesslineError):
    """Somebody else wrote to the stream, or the caller had not read all of it."""

    def __init__(self, *, stream: str, expected: int, actual: int) -> None:
        super().__init__(
            f"{stream} is at version {actual}, not {expected}: read what was added, then send "
            f'"expected_versions": {{"{stream}": {actual}}}.'
        )
        self.stream = stream
        self.expected = expected
        self.actual = actual


class EventIdConflict(AccesslineError):
    """An id names one event for ever."""

    def __init__(self, *, event: UUID, index: int, position: int) -> None:
        super().__init__(
            f"The log already holds another event under {event}, at position {position}. To mend "
            "it, append a record.corrected that names it; a new event needs a new id."
        )
        self.event = event
        self.index = index
        self.position = position


class IdempotencyConflict(AccesslineError):
    """A key repeats one request, and this is another."""

    def __init__(self, *, key: str, position: int) -> None:
        super().__init__(
            f"The Idempotency-Key {key!r} was used for another request, which appended up to "
            f"position {position}. Use a new key for a new request."
        )
        self.key = key
        self.position = position
