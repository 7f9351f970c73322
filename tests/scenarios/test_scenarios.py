"""The rule, case by case: each ``NN-<slug>.toml`` here is a story and questions about it.

The files are meant for people who know the law and not this code. One file reads::

    title = "OpenAI closes its API to countries that are not on its list"
    about = "what happened, and what of it is an assumption"
    sources = ["https://…"]
    audiences = ["government"]            # paths, a parent before its children

    [authorities]                         # slug = "kind, region, time zone"; the last two may go
    openai = "provider"
    [providers.openai]                    # its authority has the same slug
    services = ["api", "chatgpt"]
    [groups.EU]                           # dated members
    joined = { "1958-01-01" = ["DE"], "1973-01-01" = ["GB"] }
    left = { "2020-02-01" = ["GB"] }
    [asked]                               # what every question leaves unsaid
    provider = "openai"

    [[events]]                            # as the log takes them, without identifiers and sources
    what = "one sentence"
    type = "policy.adopted"
    policy = "openai-supported-countries" # or observation, context: the stream
    occurred_on = "2023-03-01"
    recorded_on = "2023-03-02"            # when the log learned of it; all events or none
      [[events.directives]]               # its scope stands flat beside its effect
    [[questions]]
    ask = "one sentence, which is the test's name"
    as_of = "2024-07-01"
    known_at = "2024-06-30"               # a day, or the number of the last event that was known
    state = "unknown"

What a question leaves out is expected too: ``legal_state`` to equal ``state``, no
``observed_state``, no ``conditions``, and ``divergence`` only where law and state differ. Reasons
(``decided_by`` and the like, ``policy#key``), ``since`` and ``until`` (``open``: without bound) and
``pending`` (``<kind> <effect> <day or undated> <policy>#<key>``) are compared where they are given.

A correction names its target by the number of the event: ``corrects = 2``; the stream is that of
the target, and ``[events.replacement]`` is written like any event.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from service.domain.admission import Ledger, admit
from service.domain.codec import event_from
from service.domain.events import Recorded
from service.domain.pending import Pending, PendingKind, pending
from service.domain.registry import Registry
from service.domain.resolution import AccessState, resolve
from service.domain.scope import Cell
from service.domain.timeline import run
from service.domain.times import When
from service.domain.world import World, is_registry

Table = dict[str, Any]

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("[0-9][0-9]-*.toml"))
SCENARIOS: dict[str, Table] = {one.stem: tomllib.loads(one.read_text("utf-8")) for one in FILES}
RECORDED_ON = "2026-11-22"
"""When the log learned of everything, where a file does not say."""

SCOPE = ("providers", "services", "regions", "audiences")
ENVELOPE = ("type", "authority", "occurred_on", "instrument", "binding", "confidence")
STREAMS = ("policy", "observation", "context")
OURS = ("what", "recorded_on", "corrects", *STREAMS)
ASKED = ("ask", "provider", "service", "region", "audience", "as_of", "known_at")
COMPARED = ("state", "legal_state", "observed_state", "divergence", "conditions")
REASONS = ("decided_by", "legal_decided_by", "also_restricting", "overridden")
ENDS = ("since", "until")


@pytest.mark.parametrize(
    ("scenario", "question"),
    [
        pytest.param(scenario, question, id=f"{name}: {question['ask']}")
        for name, scenario in SCENARIOS.items()
        for question in scenario["questions"]
    ],
)
def test_the_rule_answers_as_the_case_says(scenario: Table, question: Table) -> None:
    """The expected answers were worked out by hand from the sources, not by running the rule."""
    asked: Table = {**scenario.get("asked", {}), **question}
    world = World.of(known_log(scenario, asked.get("known_at")))
    cell = Cell(**{name: asked[name] for name in ASKED[1:5] if name in asked})
    moment = When.moment(asked["as_of"])

    answer = resolve(world, cell, moment)
    given: Table = _compared(answer)
    given |= {name: _reasons(getattr(answer, name)) for name in REASONS}
    given |= dict(zip(ENDS, map(_end, run(world, answer, moment)), strict=True))
    given["pending"] = sorted(map(_pending, pending(world, cell, moment)))

    expected = _expected(asked)
    assert {name: given[name] for name in expected} == expected


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_event_of_a_case_may_be_recorded_in_its_order(name: str) -> None:
    """A story that the log would refuse proves nothing about the rule."""
    log: list[Recorded] = []

    for recorded in known_log(SCENARIOS[name], None):
        admit([recorded], _ledger(log))
        log.append(recorded)

    assert len(log) > len(SCENARIOS[name]["events"])


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_asks_enough_and_nothing_twice(name: str) -> None:
    """A case with fewer than three questions shows too little of its rule."""
    scenario = SCENARIOS[name]
    sentences = [question["ask"] for question in scenario["questions"]]
    words = {word for question in scenario["questions"] for word in question}

    assert len(sentences) >= 3
    assert len(set(sentences)) == len(sentences)
    assert words <= {*ASKED, *COMPARED, *REASONS, *ENDS, "pending"}


def test_the_cases_are_numbered_without_a_gap() -> None:
    """Numbers 1 to 23 are the cases that the rule was made for; further stories follow them."""
    numbers = [int(name[:2]) for name in SCENARIOS]

    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 23


# From a file to a log.


def _ledger(log: Sequence[Recorded]) -> Ledger:
    registered = [one for one in log if is_registry(one.event.stream)]
    return Ledger(
        registry=Registry.of(registered),
        stream=lambda stream: [one for one in log if one.event.stream == stream],
        registered=lambda: registered,
        mentioned=lambda _dimension, _identifier: False,
    )


def known_log(scenario: Table, known_at: str | int | None) -> Iterator[Recorded]:
    """Yield the log as known after an event's number, or at the end of a day in UTC."""
    entries = list(_registrations(scenario))
    first = scenario["events"][0].get("recorded_on", RECORDED_ON)
    log = [(plain, first) for plain in entries]
    log += [
        (_event(scenario, number), event.get("recorded_on", first))
        for number, event in enumerate(scenario["events"], start=1)
    ]
    versions: dict[str, int] = {}
    for position, (plain, day) in enumerate(log, start=1):
        version = versions[plain["stream"]] = versions.get(plain["stream"], 0) + 1
        recorded_at = datetime.combine(date.fromisoformat(day), time(12), UTC)
        if isinstance(known_at, int) and position > len(entries) + known_at:
            return
        if isinstance(known_at, str) and recorded_at >= _after(known_at):
            return
        yield Recorded(
            event=event_from(plain),
            position=position,
            version=version,
            recorded_at=recorded_at,
            recorded_by="alice",
        )


def _after(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(0), UTC) + timedelta(days=1)


def _event(scenario: Table, number: int) -> Table:
    event = scenario["events"][number - 1]
    plain = _plain(scenario, event, _id(scenario, number))
    if "corrects" in event:
        corrected = _event(scenario, event["corrects"])
        plain["stream"] = corrected["stream"]
        plain["data"]["event"] = corrected["id"]
        if "replacement" in event:
            replacement = event["replacement"]
            plain["data"]["replacement"] = _plain(scenario, replacement, corrected["id"])
    return plain


def _plain(scenario: Table, event: Table, identifier: str) -> Table:
    """Return the event as a client would send it."""
    streams = [f"{category}:{event[category]}" for category in STREAMS if category in event]
    data = {key: value for key, value in event.items() if key not in (*ENVELOPE, *OURS)}
    for texts in {"directives", "drafts"} & data.keys():
        data[texts] = [_directive(one) for one in data[texts]]
    return {
        "id": identifier,
        "stream": streams[0] if streams else None,
        "title": event["what"],
        "summary": event["what"],
        "sources": [
            {"url": url, "publisher": "as linked", "kind": "other"} for url in scenario["sources"]
        ],
        "data": data,
        **{key: event[key] for key in ENVELOPE if key in event},
    }


def _directive(flat: Table | str) -> Table | str:
    """Return a directive with its scope gathered; a step's mere key stays as it is."""
    if isinstance(flat, str):
        return flat
    scope = {name: flat[name] for name in SCOPE if name in flat}
    return {"scope": scope, **{key: value for key, value in flat.items() if key not in SCOPE}}


def _registrations(scenario: Table) -> Iterator[Table]:
    for slug, words in scenario["authorities"].items():
        kind, *rest = [word.strip() for word in words.split(",")]
        facts = dict(zip(("region", "timezone"), rest, strict=False))
        yield _registered(scenario, "authority", slug, {"authority_kind": kind, **facts})
    for slug, provider in scenario["providers"].items():
        yield _registered(scenario, "provider", slug, {"authority": slug})
        for path in provider["services"]:
            yield _registered(scenario, "service", path, {"provider": slug})
    for path in scenario.get("audiences", ()):
        yield _registered(scenario, "audience", path, {})
    for group, changes in scenario.get("groups", {}).items():
        for word, verb in (("joined", "adds"), ("left", "removes")):
            for day, regions in changes.get(word, {}).items():
                data = {"id": group, "name": group, "effective_from": day, verb: regions}
                stream = f"registry:group/{group}"
                yield _registry_event(scenario, "registry.group_changed", stream, data)


def _registered(scenario: Table, kind: str, slug: str, facts: Mapping[str, str]) -> Table:
    path = f"{facts['provider']}/{slug}" if kind == "service" else slug
    data = {"kind": kind, "id": slug, "name": slug, **facts}
    return _registry_event(scenario, "registry.registered", f"registry:{kind}/{path}", data)


def _registry_event(scenario: Table, name: str, stream: str, data: Table) -> Table:
    identifier = _id(scenario, f"{stream} {data.get('effective_from', '')}")
    return {
        "id": identifier,
        "type": name,
        "stream": stream,
        "occurred_on": "2020-01-01",
        "data": data,
    }


def _id(scenario: Table, what: str | int) -> str:
    return str(uuid5(UUID(str(uuid5(NAMESPACE_URL, scenario["title"]))), str(what)))


# From an answer to the words of a file.


def _expected(asked: Table) -> Table:
    legal = asked.get("legal_state", asked["state"])
    expected = {
        "legal_state": legal,
        "observed_state": None,
        "divergence": legal != asked["state"],
        "conditions": [],
    }
    for name, value in asked.items():
        if name not in ASKED:
            expected[name] = sorted(value) if isinstance(value, list) else value
    return expected


def _compared(answer: AccessState) -> Table:
    given: Table = {name: getattr(answer, name) for name in COMPARED}
    return given | {"conditions": sorted(answer.conditions)}


def _reasons(reasons: Iterable[Any]) -> list[str]:
    return sorted(f"{one.policy}#{one.key}" for one in reasons)


def _end(when: When | None) -> str:
    return "open" if when is None else when.text


def _pending(one: Pending) -> str:
    when = one.effective_until if one.kind is PendingKind.ENDING else one.effective_from
    day = "undated" if when is None else when.text
    return f"{one.kind} {one.effect} {day} {one.policy}#{one.key}"
