"""Events of every type, of the right shape and of any content."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from service.domain.codec import event_from
from service.domain.events import TYPES, Event, Recorded
from tests.builders import corrected, plain_event
from tests.domain.worlds import STEPS, bounds, days, directives, keys, occurrences, scopes

words = st.sampled_from(["openai", "garante", "api", "EU", "IT", "UK", "*", "", "a b", "é"])
streams = st.sampled_from(
    [
        "policy:p",
        "policy:q",
        "observation:probe",
        "context:note",
        "registry:provider/openai",
        "registry:service/openai/api",
        "registry:audience/government",
        "registry:authority/garante",
        "registry:group/EU",
        "elsewhere",
    ]
)
identifiers = st.integers(1, 3).map(lambda number: str(UUID(int=number)))
SOURCES = st.fixed_dictionaries(
    {
        "url": st.sampled_from(["https://example.org", "http://[", "nowhere"]),
        "publisher": words,
        "kind": st.sampled_from(["official", "press"]),
    },
    optional={"published_on": days, "retrieved_on": days, "sha256": words, "archive_url": words},
)
loose_lists = st.lists(words, max_size=2)
loose_scopes = scopes | st.fixed_dictionaries(
    {},
    optional={
        "providers": loose_lists,
        "services": loose_lists,
        "regions": loose_lists,
        "audiences": loose_lists,
    },
)
loose_directives = directives() | st.fixed_dictionaries(
    {"key": words, "effect": st.sampled_from(["available", "conditional", "blocked"])},
    optional={
        "scope": loose_scopes,
        "effective_from": st.none() | bounds,
        "effective_until": st.none() | bounds,
        "conditions": loose_lists,
        "implemented_by": words,
        "overrides": st.lists(st.sampled_from(["policy:p#a", "policy:q#b", "x"]), max_size=2),
    },
)
loose_texts = st.lists(loose_directives, max_size=2)
loose_keys = st.lists(keys | words, max_size=2)
DATA: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    **STEPS,
    "registry.registered": st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["authority", "provider", "service", "audience"]),
            "id": words,
            "name": words,
        },
        optional={
            "authority_kind": st.sampled_from(["court", "provider"]),
            "region": words,
            "timezone": words | st.just("Europe/Rome"),
            "authority": words,
            "homepage": words,
            "provider": words,
            "upstream": words,
        },
    ),
    "registry.group_changed": st.fixed_dictionaries(
        {"id": words, "name": words, "effective_from": bounds},
        optional={"adds": loose_lists, "removes": loose_lists},
    ),
    "policy.announced": st.fixed_dictionaries(
        {}, optional={"expected_on": occurrences, "drafts": loose_texts}
    ),
    "policy.proposed": st.fixed_dictionaries(
        {}, optional={"expected_on": occurrences, "docket": words, "drafts": loose_texts}
    ),
    "policy.consulted": st.fixed_dictionaries(
        {"phase": st.sampled_from(["opened", "closed"])}, optional={"closes_on": days}
    ),
    "policy.adopted": st.fixed_dictionaries(
        {"directives": loose_texts}, optional={"published_on": days}
    ),
    "policy.amended": st.fixed_dictionaries(
        {"effective_from": bounds}, optional={"directives": loose_texts, "removes": loose_keys}
    ),
    "policy.repealed": st.fixed_dictionaries(
        {"effective_from": bounds, "reason": words},
        optional={"ab_initio": st.booleans(), "directives": loose_keys},
    ),
    "access.affirmed": st.fixed_dictionaries({"directives": loose_texts}),
    "access.observed": st.fixed_dictionaries(
        {"state": st.sampled_from(["available", "blocked"]), "method": words},
        optional={"scope": loose_scopes, "valid_until": bounds},
    ),
    "context.noted": st.fixed_dictionaries(
        {"topic": words}, optional={"providers": loose_lists, "regions": loose_lists}
    ),
    "record.reviewed": st.fixed_dictionaries({"reviewed_on": days}),
}


def _shaped(
    kinds: Sequence[str],
    corrections: Callable[[], st.SearchStrategy[dict[str, Any]]] | None = None,
) -> st.SearchStrategy[dict[str, Any]]:
    """Events of some types as JSON, of the right shape and of any content."""

    def of(kind: str) -> st.SearchStrategy[dict[str, Any]]:
        data = corrections() if corrections and kind == "record.corrected" else DATA[kind]
        return st.fixed_dictionaries(
            {
                "id": identifiers,
                "type": st.just(kind),
                "stream": streams,
                "occurred_on": occurrences,
                "data": data,
            },
            optional={
                "authority": words,
                "title": words,
                "summary": words,
                "instrument": st.sampled_from(["law", "order"]),
                "binding": st.booleans(),
                "confidence": st.sampled_from(["high", "low"]),
                "sources": st.lists(SOURCES, max_size=2),
                "relates_to": st.lists(
                    st.fixed_dictionaries({"rel": words, "stream": streams}), max_size=1
                ),
            },
        )

    return st.sampled_from(kinds).flatmap(of)


def _corrections() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "event": identifiers,
            "action": st.sampled_from(["amend", "retract"]),
            "reason": words,
        },
        optional={"replacement": _shaped(sorted(DATA)) | _shaped(["record.corrected"], _bare)},
    )


def _bare() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"event": identifiers, "action": st.sampled_from(["amend", "retract"]), "reason": words}
    )


SHAPED = _shaped(sorted(TYPES), _corrections)


def _likely(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Events with an envelope that fits, so that it is their content that is judged."""
    policies = st.sampled_from(["policy:p", "policy:q", "policy:new"])
    return st.builds(
        plain_event,
        st.just(kind),
        stream=policies if kind.startswith(("policy", "access.affirmed", "record")) else st.none(),
        id=st.integers(1, 2**64).map(lambda number: str(UUID(int=number))),
        occurred_on=occurrences,
        data=DATA[kind],
    )


def _likely_correction(target: Recorded) -> st.SearchStrategy[Event]:
    """Corrections of an event of the log by one of its own type, or by any other."""
    own = st.sampled_from([target.event.type, *DATA]).flatmap(
        lambda kind: _likely(kind) if kind in DATA else st.nothing()
    )
    replacements = st.none() | own.map(event_from)
    return replacements.map(lambda one: corrected(target.event, one))


def batches(recorded: Sequence[Recorded]) -> st.SearchStrategy[list[Event]]:
    """Up to three events, corrections of a log's events among them."""
    likely = st.sampled_from(sorted(DATA)).flatmap(_likely).map(event_from)
    corrections = st.sampled_from(recorded).flatmap(_likely_correction)
    return st.lists(SHAPED.map(event_from) | likely | likely | corrections, min_size=1, max_size=3)
