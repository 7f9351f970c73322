"""Small random worlds: logs of events that were recorded one by one, cast included.

Everything happens in the first days of 2024, so that bounds often meet; OpenAI offers all of its
services everywhere, so that there is something to restrict.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from msgspec import structs

from service.domain.admission import admit
from service.domain.codec import event_from
from service.domain.errors import Rejected
from service.domain.events import Event, Recorded
from service.domain.scope import Cell
from service.domain.times import When
from tests.builders import (
    corrected,
    directive,
    event,
    group_changed,
    ledger,
    log,
    plain_event,
    registry_events,
)

OFFER = event(
    "access.affirmed",
    id=str(UUID(int=8999)),
    stream="policy:offer",
    occurred_on="2023-12-27",
    data={"directives": [directive("all", "available", providers=["openai"])]},
)
CAST = log(
    *registry_events(),
    group_changed("G1", "2024-01-02", adds=["US-TX", "FR"]),
    group_changed("G1", "2024-01-04", removes=["FR"]),
    group_changed("G1", "2024-01-05T12:00:00+02:00", adds=["IT"]),
    OFFER,
)
FIRST = date(2023, 12, 25)
DAYS = [When.on(FIRST + timedelta(days=number)) for number in range(21)]
EDGES = [When.moment("1900-01-01"), When.moment("2200-12-31")]
AUTHORITIES = {"p": "openai", "q": "garante", "r": "openai"}


days = st.sampled_from([f"2024-01-0{number}" for number in range(1, 9)])
instants = st.builds(
    "{}T{}:00:00{}".format,
    days,
    st.sampled_from(["00", "08", "12", "23"]),
    st.sampled_from(["Z", "+02:00", "-08:00"]),
)
bounds = days | instants
occurrences = st.sampled_from(["2023-12", "2024-01"]) | days | days | instants
keys = st.sampled_from(["a", "b"])
REGIONS = ["US", "US-TX", "FR", "IT", "EU", "G1"]
places = st.sampled_from(
    [["*"], ["IT"], ["EU"], ["*"], ["EU", "IT"], ["US"], ["US-TX"], ["G1"], ["FR"], ["EU", "US"]]
)
scopes = st.fixed_dictionaries(
    {
        "providers": st.just(["openai"]),
        "services": st.sampled_from([["*"], ["*"], ["chatgpt"], ["chatgpt/ios"], ["api"]]),
        "regions": places,
    }
) | st.fixed_dictionaries(
    {
        "providers": st.sampled_from([["*"], ["openai"], ["openai", "microsoft"]]),
        "regions": places,
        "audiences": st.sampled_from([["*"], ["*"], ["government"]]),
    }
)
SERVICES = ["openai/chatgpt/ios", "openai/chatgpt", "openai/api", "microsoft/azure-openai"]
cells = st.builds(
    lambda service, region, audience: Cell(
        provider=service.partition("/")[0],
        service=service.partition("/")[2],
        region=region,
        audience=audience,
    ),
    st.sampled_from(SERVICES),
    st.sampled_from(["IT", "US-TX", "IT", "FR", "US"]),
    st.sampled_from(["public", "government/defence"]),
)
wide_cells = st.builds(
    lambda cell, region: replace(cell, region=region), cells, st.sampled_from(REGIONS)
)
moments = st.sampled_from(DAYS[7:17]) | instants.map(When.moment)


@st.composite
def directives(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a directive as JSON."""
    effect = draw(
        st.sampled_from(["available", "conditional", "not_offered", "suspended", "blocked"])
    )
    conditions: list[str] = []
    if effect in {"available", "conditional"}:
        least = 1 if effect == "conditional" else 0
        some = st.lists(st.sampled_from(["age", "paid tier"]), min_size=least, unique=True)
        conditions = draw(some)
    names = st.builds("policy:{}#{}".format, st.sampled_from("pqr"), keys)
    return directive(
        draw(keys),
        effect,
        **draw(scopes),
        **draw(periods(beginnings)),
        enforced=draw(st.sampled_from([True, True, False])),
        conditions=conditions,
        overrides=draw(st.just([]) | st.lists(names, max_size=1)),
    )


beginnings = st.sampled_from(["2023-12-28", "2024-01-01", "2024-01-02", None]) | days | bounds


@st.composite
def periods(draw: st.DrawFn, starts: st.SearchStrategy[str | None]) -> dict[str, str | None]:
    """Draw two bounds of which the second, if there is one, lies on a later day."""
    start, end = draw(starts), draw(st.none() | bounds)
    forward = start is None or end is None or start[:10] < end[:10]
    return {"effective_from": start, "effective_until": end if forward else None}


named = st.none() | st.none() | st.lists(keys, min_size=1, max_size=1)
texts = st.lists(directives(), min_size=1, max_size=2, unique_by=lambda one: one["key"])
STEPS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "policy.announced": st.fixed_dictionaries({"drafts": texts, "expected_on": occurrences}),
    "policy.adopted": st.fixed_dictionaries({"directives": texts}),
    "policy.scheduled": st.fixed_dictionaries(
        {"directives": named, "effective_from": st.none() | bounds}
    ),
    "policy.amended": st.fixed_dictionaries(
        {
            "directives": texts | st.just([]),
            "removes": st.lists(keys, max_size=1),
            "effective_from": bounds,
        }
    ),
    "policy.suspended": st.builds(
        lambda period, keys_named, kind: {**period, "directives": keys_named, "kind": kind},
        periods(bounds),
        named,
        st.sampled_from(["stayed", "enforcement_paused"]),
    ),
    "policy.reinstated": st.fixed_dictionaries({"directives": named, "effective_from": bounds}),
    "policy.withdrawn": st.just({"reason": "over"}),
    "policy.repealed": st.fixed_dictionaries(
        {
            "directives": named,
            "effective_from": bounds,
            "ab_initio": st.booleans(),
            "reason": st.just("over"),
        }
    ),
    "access.affirmed": st.fixed_dictionaries({"directives": texts}),
}
FIRST_STEPS = ["policy.adopted", "policy.adopted", "access.affirmed", "policy.announced"]
LATER_STEPS = [one for one in STEPS if one != "policy.announced"]


@st.composite
def steps(draw: st.DrawFn, slug: str, *, first: bool) -> dict[str, Any]:
    """Draw an event of a policy as JSON, without its id."""
    kind = draw(st.sampled_from(FIRST_STEPS if first else LATER_STEPS))
    return plain_event(
        kind,
        stream=f"policy:{slug}",
        authority=AUTHORITIES[slug],
        occurred_on=draw(st.sampled_from(["2023-12", "2023-12-28"]) if first else occurrences),
        binding=draw(st.sampled_from([True, True, True, True, False])),
        data=draw(STEPS[kind]),
    )


@st.composite
def measurements(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a measurement as JSON."""
    data: dict[str, Any] = {
        "state": draw(st.sampled_from(["available", "blocked"])),
        "method": "probe",
    }
    data |= {"scope": draw(scopes), "valid_until": draw(st.none() | bounds)}
    return plain_event("access.observed", occurred_on=draw(occurrences), data=data)


@st.composite
def logs(draw: st.DrawFn) -> tuple[Recorded, ...]:
    """Draw a log, cast included, that was recorded event by event."""
    drawn = [draw(steps(slug, first=True)) for slug in AUTHORITIES]
    later = st.sampled_from("pqr").flatmap(lambda slug: steps(slug, first=False))
    drawn += draw(st.lists(later, min_size=2, max_size=8))
    drawn += draw(st.lists(measurements(), max_size=1))
    recorded = CAST
    for number, plain in enumerate(drawn):
        recorded = with_event(recorded, event_from({**plain, "id": str(UUID(int=9000 + number))}))
    return _corrected(draw, recorded)


def with_event(recorded: tuple[Recorded, ...], new: Event) -> tuple[Recorded, ...]:
    """Return the log with an event, or as it was if the event may not be recorded."""
    more = log(new, after=recorded)
    try:
        admit(more, ledger(recorded))
    except Rejected:
        return recorded
    return (*recorded, *more)


def _corrected(draw: st.DrawFn, recorded: tuple[Recorded, ...]) -> tuple[Recorded, ...]:
    """Correct some events of a log, and perhaps a correction of them."""
    for number in range(draw(st.sampled_from([0, 0, 1, 2]))):
        changed = recorded[len(CAST) :]
        if changed:
            target = draw(st.sampled_from(changed)).event
            correction = structs.replace(corrected(target), id=UUID(int=9100 + number))
            recorded = with_event(recorded, correction)
    return recorded
