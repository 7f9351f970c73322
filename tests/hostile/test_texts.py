"""No text of an event hides a character, and no id passes for another."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import pytest

from service.domain.codec import event_to
from tests.api.house import House
from tests.builders import SOURCE, corrected, directive, event, plain_event
from tests.hostile.live import Json

HIDDEN: Final = {
    "a NUL": "\x00",
    "a bell": "\x07",
    "an escape": "\x1b",
    "a line feed": "\n",
    "a next line": "\x85",
    "a line separator": "\u2028",
    "an override of direction": "\u202e",
    "an isolate": "\u2066",
    "a zero-width space": "\u200b",
    "a zero-width joiner": "\u200d",
    "a byte order mark": "\ufeff",
    "a soft hyphen": "\u00ad",
    "a tag": "\U000e0041",
    "a variation selector": "\ufe0f",
    "a filler": "\u3164",
    "a private character": "\ue000",
    "an accent of its own": "e\u0301",
}
DRAFT: Final = directive(
    effective_from="2024-07-09",
    conditions=["age"],
    effect="conditional",
    implemented_by="openai",
    overrides=["policy:rules#web"],
)
FULL: Final[tuple[Json, ...]] = (
    plain_event(
        "policy.adopted",
        summary="In short",
        instrument="law",
        confidence="high",
        relates_to=[{"rel": "implements", "stream": "policy:other"}],
        sources=[{**SOURCE, "archive_url": "https://example.org/kept", "sha256": "0" * 64}],
        data={"directives": [DRAFT]},
    ),
    plain_event("policy.proposed", data={"docket": "A-1", "drafts": [DRAFT]}),
    plain_event("policy.withdrawn", data={"reason": "over"}),
    plain_event(
        "policy.repealed",
        data={"reason": "over", "directives": ["api"], "effective_from": "2024-08-01"},
    ),
    plain_event("policy.amended", data={"removes": ["api"], "effective_from": "2024-08-01"}),
    plain_event("policy.suspended", data={"kind": "stayed", "effective_from": "2024-08-01"}),
    plain_event("policy.consulted", data={"phase": "opened"}),
    plain_event(
        "access.observed",
        data={"scope": {"providers": ["openai"]}, "state": "blocked", "method": "probe"},
    ),
    plain_event("context.noted", data={"topic": "law", "providers": ["openai"], "regions": ["IT"]}),
    event_to(
        event(
            "registry.registered",
            stream="registry:provider/deepmind",
            data={
                "kind": "provider",
                "id": "deepmind",
                "name": "DeepMind",
                "authority": "openai",
                "homepage": "https://example.org",
            },
        )
    ),
    event_to(
        event(
            "registry.group_changed",
            stream="registry:group/G7",
            data={"id": "G7", "name": "G7", "adds": ["US"], "effective_from": "2024-01-01"},
        )
    ),
    event_to(corrected(event("context.noted", data={"topic": "law"}))),
)


@pytest.mark.parametrize("character", HIDDEN)
def test_no_text_of_any_event_hides_a_character(character: str, quiet: House) -> None:
    """In every text of every type: it would be seen otherwise than it is compared."""
    for plain in FULL:
        for place in texts(plain):
            spoilt = changed(plain, place, lambda text: text[:1] + HIDDEN[character] + text[1:])
            response = quiet.post({"events": [spoilt]}, query="?dry_run=true")
            assert response.status_code == 422, (place, response.text)
            pointer = "/events/0" + "".join(f"/{step}" for step in place)
            told = [one["pointer"] for one in response.get_json()["errors"]]
            assert any(pointer.startswith(one) for one in told), (pointer, told)


def texts(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401
    """Yield the place of every text."""
    if isinstance(value, str):
        yield above
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from texts(one, (*above, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from texts(one, (*above, index))


def changed(plain: Json, place: tuple[str | int, ...], change: Any) -> Json:  # noqa: ANN401
    """Return a copy of plain data in which one value is changed."""
    copied = deepcopy(plain)
    within: Any = copied
    for step in place[:-1]:
        within = within[step]
    within[place[-1]] = change(within[place[-1]])
    return copied


@pytest.mark.parametrize(
    "twin",
    ["\u043epenai", "opena\u0131", "open\uff41i", "openai\u2010x", "OpenAI", "openai ", "open.ai"],
)
def test_nobody_is_registered_under_a_name_that_looks_like_another(twin: str, quiet: House) -> None:
    """An id is ASCII in lower case, so two that look alike are the same."""
    stream = f"registry:provider/{twin}"
    data = {"kind": "provider", "id": twin, "name": "OpenAI", "authority": "openai"}
    plain = {"type": "registry.registered", "stream": stream, "occurred_on": "2024-01-01"}

    response = quiet.post({"events": [{**plain, "data": data}]}, query="?dry_run=true")

    assert response.status_code == 422
