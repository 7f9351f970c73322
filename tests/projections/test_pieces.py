"""Answers that were kept for the days of a piece are those that the whole record gives."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from service.api import rendering
from service.application.asking import explained
from service.domain.answers import KnownAt, Question, explain
from service.domain.codec import answer_bytes
from service.domain.events import Recorded
from service.domain.scope import Cell
from service.domain.world import World
from tests.domain.test_laws import law
from tests.domain.worlds import DAYS, cells, logs
from tests.projections.test_segments import gone, stored

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@law
@given(logs(), cells, st.randoms(use_true_random=False))
def test_a_place_has_the_same_answer_on_any_day_in_any_order(
    sqlite_template: Path, recorded: tuple[Recorded, ...], cell: Cell, chance: Random
) -> None:
    """At two positions by turns, to the byte."""
    database = stored(sqlite_template, recorded)
    head = len(recorded)
    for day in chance.sample(DAYS, len(DAYS)):
        position = head - chance.choice([0, 0, 1])
        asked = Question(
            provider=cell.provider,
            region=cell.region,
            as_of=day,
            service=chance.choice([None, cell.service]),
            audience=cell.audience,
        )

        told = explained(database, asked, f"@{position}", NOW)

        at = KnownAt(position=position, recorded_at=recorded[position - 1].recorded_at)
        anew = explain(World.of(recorded[:position]), asked, at)
        assert answer_bytes(rendering.explained(told)) == answer_bytes(anew)
    gone(database)
