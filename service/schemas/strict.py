"""JSON that everybody reads alike, within bounds, before anything looks at what it says.

What two readers could read differently is refused (RFC 7493, I-JSON): a key that stands twice,
NaN, half of a surrogate pair, text that is not UTF-8. What could exhaust a reader is refused before
it is parsed: nesting deeper than 64, integers of more than 40 digits.
"""

import json
import re
from typing import Any, Final, NoReturn

from service.domain.errors import AccesslineError

MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 40

# A string up to its end or, where it has none, the end of the text; or a bracket.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z|\\\Z)|([\[{])|([\]}])', re.DOTALL)
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class MalformedJson(AccesslineError):
    """A body that is no JSON, or that two readers could read differently."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The body is not valid JSON: {fault}")
        self.fault = fault


def parse(raw: bytes) -> Any:  # noqa: ANN401 -- whatever the JSON holds
    """Parse strict JSON.

    Raises:
        MalformedJson: With what is wrong, and where.
    """
    _check_depth(raw)
    try:
        text = raw.decode("utf-8")
        parsed = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
        )
        if _SURROGATE.search(raw):
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        fault = f"{error.msg.lower()}, at line {error.lineno}, column {error.colno}."
        raise MalformedJson(fault) from error
    except UnicodeDecodeError as error:
        fault = f"byte {error.start + 1} is not UTF-8."
        raise MalformedJson(fault) from error
    except UnicodeEncodeError as error:
        fault = "a text has half of a surrogate pair, such as \\ud800 alone."
        raise MalformedJson(fault) from error
    except RecursionError as error:
        raise MalformedJson(_too_deep()) from error
    return parsed


def _check_depth(raw: bytes) -> None:
    """Count brackets outside of strings, without recursion."""
    depth = 0
    for token in _TOKEN.finditer(raw):
        if token.lastindex == 1:
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedJson(_too_deep())
        elif token.lastindex:
            depth -= 1


def _too_deep() -> str:
    return f"it is nested more than {MAX_DEPTH} deep."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                fault = f"the key {key[:40]!a} stands twice in one object."
                raise MalformedJson(fault)
            seen.add(key)
    return made


def _constant(name: str) -> NoReturn:
    fault = f"{name} is no number of JSON."
    raise MalformedJson(fault)


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        fault = f"an integer has {len(digits):,} digits; at most {MAX_DIGITS} are read."
        raise MalformedJson(fault)
    return int(digits)
