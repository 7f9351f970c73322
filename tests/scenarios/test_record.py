"""The record answers as its sources say: the day before, the day, the day after.

Each ``record/<theme>.toml`` asks questions of the seeds that come with the program, in the words of
somebody who knows the law and not this code::

    title = "Meta AI and WhatsApp"
    [[questions]]
    ask = "one sentence, which is the test's name"
    provider = "openai"
    service = "api"  # a sub-service too
    region = "CN"
    audience = "public"  # where it is left out
    as_of = "2024-07-08"
    state = "unknown"
    legal_state = "not_offered"  # like `state`, where it is left out
"""

import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from service.cli import seedfiles
from service.domain.answers import KnownAt, Question, explain
from service.domain.events import Event, Recorded
from service.domain.times import When
from service.domain.world import World, is_registry

FOLDER = Path(__file__).parent / "record"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@cache
def world() -> tuple[World, KnownAt]:
    """Return the world as all seeds tell of it."""
    return _world(_shipped())


@cache
def _shipped() -> tuple[Event, ...]:
    files = seedfiles.read(seedfiles.shipped())
    return tuple(event for file in files for event in file.events)


def _world(events: Sequence[Event]) -> tuple[World, KnownAt]:
    """Return the world as some events tell of it, recorded in their order."""
    versions: dict[str, int] = {}
    recorded = []
    for position, event in enumerate(events, 1):
        versions[event.stream] = versions.get(event.stream, 0) + 1
        recorded.append(
            Recorded(
                event=event,
                position=position,
                version=versions[event.stream],
                recorded_at=NOW,
                recorded_by="seeds",
            )
        )
    return World.of(recorded), KnownAt(position=len(events), recorded_at=NOW)


def questions() -> list[Any]:
    """Return every question with its name."""
    return [
        pytest.param(one, id=f"{file.stem}: {one['ask']}")
        for file in sorted(FOLDER.glob("*.toml"))
        for one in tomllib.loads(file.read_text("utf-8"))["questions"]
    ]


@pytest.mark.parametrize("question", questions())
def test_the_record_answers_as_its_sources_say(question: dict[str, Any]) -> None:
    """A day early or late is wrong."""
    known, at = world()
    asked = Question(
        provider=question["provider"],
        region=question["region"],
        as_of=When.moment(str(question["as_of"]), path=("as_of",)),
        service=question["service"],
        audience=question.get("audience", "public"),
    )

    found = explain(known, asked, at)

    (cell,) = found.cells
    expected = (question["state"], question.get("legal_state", question["state"]))
    assert (cell.state, cell.legal_state) == expected


CADE: Final = "policy:cade-whatsapp-ai-2026"
BRAZIL: Final = {
    "2026-01-16": ("available", "available", "available"),
    "2026-02-02": ("available", "blocked", "blocked"),
    "2026-03-04": ("available", "blocked", "available"),
}
"""What holds for an assistant on WhatsApp in Brazil, by what was known: after CADE's order, after
the court that annulled it as if it never was, after the tribunal that imposed it again."""


@pytest.mark.parametrize(("as_of", "expected"), BRAZIL.items())
@pytest.mark.parametrize("known", [0, 1, 2], ids=["the order", "the court", "the tribunal"])
def test_in_brazil_both_times_matter(as_of: str, expected: tuple[str, ...], known: int) -> None:
    """Had each event been recorded on the day on which it occurred, this is what was known."""
    events = sorted(_shipped(), key=_when)
    steps = [at for at, event in enumerate(events) if event.stream == CADE]
    # All that was known on the day before CADE's stream went on.
    until, at = _world(events[: steps[known + 1]])

    found = explain(until, Question(**ASSISTANT, as_of=When.on(date.fromisoformat(as_of))), at)

    assert found.cells[0].state == expected[known]


ASSISTANT: Final = {"provider": "luzia", "service": "luzia/whatsapp", "region": "BR"}


def _when(event: Event) -> tuple[bool, date, str]:
    """Sort the registry first, then by the day on which an event counts."""
    return not is_registry(event.stream), event.occurred_on.order[0], event.stream


def test_every_event_of_the_record_rests_on_a_source_and_half_on_official_ones() -> None:
    """What a registry entry says is ours; everything else somebody must have said before us."""
    events = [
        event
        for event in _shipped()
        if event.type not in {"registry.registered", "record.corrected", "record.reviewed"}
    ]

    official = [one for one in events if any(source.kind == "official" for source in one.sources)]

    assert [str(one.id) for one in events if not one.sources] == []
    assert len(official) * 2 >= len(events)
