"""How fast, and why: ``python -m tests.bench``, every budget side by side with what it is against.

It makes its own data: reference events of one directive with one element per dimension, in streams
of five. Both sides of every ratio run by turns in this one run, and medians count; machines differ,
ratios much less. Nothing here is a test, and a busy machine shows: its load is printed.

    python -m tests.bench                                   small, on SQLite and PostgreSQL
    python -m tests.bench --size medium --engine sqlite
    python -m tests.bench --only check,append --json rows.jsonl
    python -m tests.bench --events 1000000 --pictures DIR   the curves of growth, up to so many

Exits 1 where a row falls short of what it must reach, or could not be measured for a fault.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console
from rich.table import Table

from tests.bench import growth, rows_asking, rows_http, rows_log, rows_pages, rows_writing
from tests.bench.data import NOW, reference_events
from tests.bench.frame import SIZES, Finding, NotHere, Row, Size
from tests.bench.ground import ENGINES, Ground, ground

__all__ = ["NOW", "ROWS", "main", "reference_events"]

ROWS: Final[tuple[Row, ...]] = (
    *rows_http.ROWS,
    *rows_asking.ROWS,
    *rows_writing.ROWS,
    *rows_log.ROWS,
    *rows_pages.ROWS,
)

GROWTH: Final = "growth"
_HEADINGS: Final = ("row", "what", "engine", "ours", "other", "value", "must", "goal", "verdict")

_WIDE: Final = 160
"""Columns of a terminal that the table needs."""

Json = dict[str, Any]


def main() -> None:
    """Run what is asked for, print a table, and write JSON lines."""
    given = _given()
    size = _sized(given)
    wanted = given.only.split(",") if given.only else None
    console = Console(stderr=True)
    console.print(f"load average {_load()} on {os.cpu_count()} cores")
    with Path(given.json).open("w", encoding="utf-8") if given.json else sys.stdout as target:
        told = _told(given, size, wanted, console, target)
    console.print(f"load average {_load()}")
    _print(told)
    fell = ("short", "failed")
    sys.exit(any(one.get("verdict", "").startswith(fell) for one in told))


def _given() -> argparse.Namespace:
    asked = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    asked.add_argument("--engine", choices=(*ENGINES, "both"), default="both")
    asked.add_argument("--size", choices=SIZES, default="small")
    asked.add_argument("--events", type=int, help="of the log, in place of the size's")
    asked.add_argument("--changes", type=int, help="of the cell that changes, likewise")
    asked.add_argument("--leaves", type=int, help="of the log that is proven, likewise")
    names = ", ".join([one.name for one in ROWS if not one.name.startswith("page-")])
    asked.add_argument("--only", help=f"rows by name or its beginning: {names}, page, {GROWTH}")
    asked.add_argument("--json", help="file for the JSON lines, in place of standard output")
    asked.add_argument("--pictures", help="folder for the curves of growth, which are drawn then")
    return asked.parse_args()


def _sized(given: argparse.Namespace) -> Size:
    size = SIZES[given.size]
    changed = {
        name: getattr(given, name)
        for name in ("events", "changes", "leaves")
        if getattr(given, name) is not None
    }
    if "events" in changed:
        changed["kept"] = changed["events"]
    return replace(size, **changed)


def _told(
    given: argparse.Namespace,
    size: Size,
    wanted: list[str] | None,
    console: Console,
    target: TextIO,
) -> list[Json]:
    """Measure, and write a line for each row as soon as it is there."""
    told: list[Json] = []
    chosen = [row for row in ROWS if _wants(wanted, row.name)]
    engines = ENGINES if given.engine == "both" else (given.engine,)
    for engine in engines:
        with _ground(engine) as place:
            for row in chosen:
                if engine not in row.engines:
                    continue
                console.print(f"{engine}: {row.name}", style="dim")
                told.append(_one(row, place, size))
                _write(target, told[-1] | {"size": asdict(size), "load": _load()})
            if given.pictures or (wanted is not None and GROWTH in wanted):
                told.extend(_grown(given, size, place, console, target))
    return told


@contextmanager
def _ground(engine: str) -> Iterator[Ground]:
    with ExitStack() as stack:
        try:
            place = stack.enter_context(ground(engine))
        except FileNotFoundError as fault:
            sys.exit(str(fault))
        yield place


def _one(row: Row, place: Ground, size: Size) -> Json:
    """Measure a row; one that cannot be measured does not end a run of hours."""
    try:
        return measured(row, place, size)
    except Exception as fault:  # noqa: BLE001 -- it is told, and the exit code tells it too
        verdict = f"failed: {type(fault).__name__}: {fault}"[:300]
        return _head(row, place) | {"verdict": verdict}


def _wants(wanted: list[str] | None, name: str) -> bool:
    return wanted is None or any(name == one or name.startswith(f"{one}-") for one in wanted)


def measured(row: Row, place: Ground, size: Size) -> Json:
    """Measure a row, and return what the table and the JSON line tell of it."""
    budget, head = row.budgets.get(place.engine), _head(row, place)
    began = time.perf_counter()
    try:
        found: Finding = row.measure(place, size)
    except NotHere as fault:
        return head | {"verdict": f"not measured: {fault}"}
    verdict = "" if budget is None else budget.verdict(found.value)
    seconds = round(time.perf_counter() - began, 1)
    return head | asdict(found) | {"verdict": verdict, "seconds": seconds}


def _head(row: Row, place: Ground) -> Json:
    budget = row.budgets.get(place.engine)
    return {
        "row": row.name,
        "what": row.what,
        "engine": place.engine,
        "must": None if budget is None else budget.must,
        "goal": None if budget is None else budget.goal,
        "at_most": budget is not None and budget.at_most,
    }


def _grown(
    given: argparse.Namespace, size: Size, place: Ground, console: Console, target: TextIO
) -> Iterator[Json]:
    """Let a log grow; a line for each size, and a picture where a folder is given."""
    grown: list[growth.Grown] = []
    for one in growth.grow(place, size.events, max(size.calls // 10, 5), console.print):
        grown.append(one)
        line = {"row": GROWTH, "engine": place.engine, **asdict(one)}
        _write(target, line | {"load": _load()})
        yield line
    if given.pictures:
        file = growth.draw(place.engine, grown, Path(given.pictures))
        console.print(f"{place.engine}: drawn in {file}")


def _print(told: list[Json]) -> None:
    console = Console(stderr=True)
    console.width = max(console.width, _WIDE)
    table = Table(*_HEADINGS, title="Budgets, and what was measured")
    for column in table.columns:
        column.no_wrap = column.header != "what"
    for one in told:
        if one["row"] != GROWTH:
            table.add_row(*_cells(one))
    if table.row_count:
        console.print(table)
    grown = [one for one in told if one["row"] == GROWTH]
    if grown:
        names = [name for name in grown[0] if name != "row"]
        table = Table(*names, title="Growth: µs, bytes an event, MB of a server")
        for one in grown:
            table.add_row(*(_number(one[name]) for name in names))
        console.print(table)


def _cells(one: Json) -> list[str]:
    sign = "≤ " if one["at_most"] else ""
    unit = f" {one['unit']}" if "unit" in one else ""
    ours, other, value = (one.get(name) for name in ("ours", "other", "value"))
    note = one.get("note", "")
    return [
        one["row"],
        one["what"] + (f" ({note})" if note else ""),
        one["engine"],
        "" if ours is None else _number(ours) + unit,
        "" if other is None else _number(other) + unit,
        "" if value is None else _number(value),
        "" if one["must"] is None else sign + _number(one["must"]),
        "" if one["goal"] is None else sign + _number(one["goal"]),
        one["verdict"],
    ]


def _number(value: object) -> str:
    """Return three digits that count, or a whole number.

    >>> _number(0.12345), _number(1234.5), _number(3.14159)
    ('0.123', '1,234', '3.14')
    """
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _write(target: TextIO, line: Json) -> None:
    target.write(json.dumps(line, ensure_ascii=False) + "\n")
    target.flush()


def _load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


if __name__ == "__main__":
    main()
