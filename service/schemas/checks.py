"""The body of a check: cells, and the two times that they are asked for.

Read by hand: a gateway sends a thousand cells at once, and waits for the answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.application.gating import MAX_CELLS, Wanted
from service.domain.errors import nearest
from service.domain.scope import PUBLIC
from service.evidence.canonical import text_fault
from service.schemas.faults import MOST_FAULTS, Fault, InvalidInput, pointer_of
from service.schemas.fields import kind_of

MEMBERS: Final = ("as_of", "known_at", "cells")
NEEDED: Final = ("provider", "service", "region")
NAMES: Final = (*NEEDED, "audience")
MAX_TEXT: Final = 300

_FEW: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInput:
    """What a body asks for; the times as they were sent."""

    cells: tuple[Wanted, ...]
    as_of: str | None
    known_at: str | None


def read_check(body: object) -> CheckInput:
    """Read the body of a check.

    Args:
        body: Plain data: ``{"as_of": …, "known_at": …, "cells": […]}`` and nothing else.

    Raises:
        InvalidInput: With every fault of the body.
    """
    if not isinstance(body, dict):
        detail = f'The body is {kind_of(body)}: give an object such as {{"cells": […]}}.'
        raise InvalidInput([Fault(pointer="", detail=detail)])
    faults = list(_faults(body))
    if faults:
        raise InvalidInput(faults[:MOST_FAULTS])
    cells = tuple(
        Wanted(
            provider=cell["provider"],
            service=cell["service"],
            region=cell["region"],
            audience=cell.get("audience") or PUBLIC,
        )
        for cell in body["cells"]
    )
    return CheckInput(cells=cells, as_of=body.get("as_of"), known_at=body.get("known_at"))


def _faults(body: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _unknown(body, MEMBERS, "")
    for name in ("as_of", "known_at"):
        if body.get(name) is not None:
            yield from _text_faults(body[name], f"/{name}")
    cells = body.get("cells")
    if not isinstance(cells, list) or not 1 <= len(cells) <= MAX_CELLS:
        found = f"{len(cells):,} cells" if isinstance(cells, list) else kind_of(cells)
        detail = f"This is {found}: give a list of 1 to {MAX_CELLS:,} cells."
        yield Fault(pointer="/cells", detail=detail)
        return
    for index, cell in enumerate(cells):
        # Nothing to find is the usual case, and must cost little.
        if not _plain(cell):
            yield from _cell_faults(cell, f"/cells/{index}")


def _plain(cell: object) -> bool:
    if type(cell) is not dict or len(cell) > len(NAMES):
        return False
    if any(name not in cell for name in NEEDED) or not (len(cell) < len(NAMES) or NAMES[3] in cell):
        return False
    return all(
        type(text) is str and 0 < len(text) <= MAX_TEXT and text.isascii() and text.isprintable()
        for text in cell.values()
    )


def _cell_faults(cell: object, under: str) -> Iterator[Fault]:
    if not isinstance(cell, dict):
        detail = f"This is {kind_of(cell)}: give a cell, with {', '.join(NEEDED)}."
        yield Fault(pointer=under, detail=detail)
        return
    yield from _unknown(cell, NAMES, under)
    for name in NAMES:
        value = cell.get(name)
        if name in NEEDED and name not in cell:
            yield Fault(pointer=f"{under}/{name}", detail=f"This field is missing: give a {name}.")
        elif value is not None or name in NEEDED:
            yield from _text_faults(value, f"{under}/{name}")


def _text_faults(value: object, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        detail = f"Give a text of 1 to {MAX_TEXT} characters."
        yield Fault(pointer=pointer, detail=detail)
        return
    fault = text_fault(value)
    if fault is not None:
        yield Fault(pointer=pointer, detail=fault)


def _unknown(given: Mapping[str, Any], names: tuple[str, ...], under: str) -> Iterator[Fault]:
    unknown = [name for name in given if name not in names]
    for name in unknown[:_FEW]:
        near = nearest(name[:100], names)
        detail = f"There is no field {name[:40]!a} here; there are {', '.join(names)}."
        yield Fault(pointer=pointer_of((name,), under=under), detail=detail, suggestion=near)
