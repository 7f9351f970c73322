"""The benchmark runs: every row, on a log so small that its figures mean nothing."""

import math
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.bench import __main__ as bench
from tests.bench import growth
from tests.bench.frame import SIZES, Budget, Row
from tests.bench.ground import Ground, ground
from tests.bench.pictures import picture

TINY = replace(SIZES["small"], events=300, changes=8, leaves=300, kept=300, calls=10, rounds=1)


@pytest.fixture(scope="module")
def place() -> Iterator[Ground]:
    """An engine that all rows here share, as they do in a run."""
    with ground("sqlite") as found:
        yield found


@pytest.mark.parametrize(
    "row", [one for one in bench.ROWS if "sqlite" in one.engines], ids=lambda row: row.name
)
def test_every_row_gives_a_finite_figure(place: Ground, row: Row) -> None:
    """Whether a row is fast is for a run by hand to say; that it can be run is held here."""
    told = bench.measured(row, place, TINY)

    assert "value" in told, told["verdict"]
    assert math.isfinite(told["value"])
    assert told["value"] > 0


def test_a_log_is_measured_as_it_grows(place: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture needs at least two sizes."""
    monkeypatch.setattr(growth, "FIRST", 100)

    grown = list(growth.grow(place, 200, 5, lambda _: None))
    file = growth.draw("sqlite", grown, place.folder)

    assert [one.events for one in grown] == [100, 200]
    assert all(one.ask > 0 and one.append > 0 and one.stored > 0 for one in grown)
    assert ET.parse(file).getroot().tag.endswith("svg")  # noqa: S314 -- we wrote it


def test_every_row_has_a_name_of_its_own() -> None:
    """``--only`` must not mean two."""
    names = [row.name for row in bench.ROWS]

    assert len(names) == len(set(names))


def test_a_budget_tells_what_is_met_and_what_falls_short() -> None:
    """Some budgets are a least share, others a most."""
    least = Budget(must=0.2, goal=0.4)
    most = Budget(must=250, goal=100, at_most=True)

    assert [least.verdict(one) for one in (0.5, 0.3, 0.1)] == ["goal", "must", "short by 2 x"]
    assert [most.verdict(one) for one in (50, 200, 500)] == ["goal", "must", "short by 2 x"]


def test_a_picture_keeps_names_as_text() -> None:
    """SVG is markup."""
    drawn = picture("a < b", "events", "µs", {"x & y": [(1_000, 2), (10_000, 0), (100_000, 30)]})

    root = ET.fromstring(drawn)  # noqa: S314 -- we wrote it
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a < b", "x & y", "1,000", "100,000"} <= set(texts)
