"""What a command prints, and how a test calls one."""

import json
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 -- whatever the command answers
        """What standard output says as JSON."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, str]]:
        """The lines of standard output by the names in the first of them."""
        names, *lines = (line.split("\t") for line in self.out.splitlines())
        return [dict(zip(names, line, strict=True)) for line in lines]


class Console(Protocol):
    """Runs one command."""

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Printed:
        """Return what it printed."""
