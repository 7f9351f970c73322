"""The forms of ids, the streams of events, and what an event names."""

import pytest

from service.domain.events import Event
from service.domain.names import fits, is_group_id, is_path, is_slug, mentions, stream_wanted
from tests.builders import corrected, directive, event, group_changed, registered


@pytest.mark.parametrize("text", ["openai", "us-commerce", "21vianet", "a" * 100])
def test_a_slug_is_lower_case_words_joined_by_single_hyphens(text: str) -> None:
    """It stands in addresses and in file names, so it has one way to be written."""
    assert is_slug(text)
    assert is_path(text)


@pytest.mark.parametrize(
    "text", ["", "OpenAI", "open_ai", "-a", "a-", "a--b", "a/b/", "/a", "é", "a\n", "a" * 101]
)
def test_what_is_no_slug_is_no_path_either(text: str) -> None:
    """A trailing line feed is the classic hole of regular expressions."""
    assert not is_slug(text)
    assert not is_path(text)


def test_a_path_is_slugs_joined_by_slashes() -> None:
    """A part that is empty would be a second name of the same service."""
    assert is_path("chatgpt/ios")
    assert not is_slug("chatgpt/ios")
    assert not is_path("chatgpt//ios")
    assert not is_path("/".join(["a"] * 51))


def test_a_group_is_named_in_capitals() -> None:
    """So nobody takes it for a provider or a service."""
    assert is_group_id("EU")
    assert is_group_id("G-7")
    assert not any(map(is_group_id, ("eu", "E U", "", "A" * 101)))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            registered("service", "chatgpt/ios", provider="openai"),
            "registry:service/openai/chatgpt/ios",
        ),
        (registered("audience", "government"), "registry:audience/government"),
        (group_changed("EU", "1973-01-01", adds=["FR"]), "registry:group/EU"),
        (event("policy.withdrawn", data={"reason": "a new draft"}), "policy:…"),
        (event("record.reviewed", data={"reviewed_on": "2024-07-09"}), "policy:…"),
        (event("access.affirmed", data={"directives": [directive()]}), "policy:…"),
        (event("access.observed", data={"state": "blocked", "method": "probe"}), "observation:…"),
        (event("context.noted", data={"topic": "patents"}), "context:…"),
        (corrected(event("context.noted", data={"topic": "patents"})), "…"),
    ],
)
def test_each_type_of_event_has_its_stream(given: Event, wanted: str) -> None:
    """A stream is the events of one subject: ``<category>:<slug>``."""
    assert stream_wanted(given) == wanted
    assert fits(given.stream, wanted)


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        ("observation:rules", "policy:…"),
        ("policy:Two Words", "policy:…"),
        ("policy:", "policy:…"),
        ("policy", "policy:…"),
        ("policy:a:b", "policy:…"),
        ("policies:rules", "policy:…"),
        ("registry:provider/openai", "registry:authority/openai"),
        ("elsewhere:rules", "…"),
        ("", "…"),
    ],
)
def test_another_stream_does_not_fit(stream: str, wanted: str) -> None:
    """The slug of a policy's stream is of one's own choice, that of a registration is not."""
    assert not fits(stream, wanted)


def test_an_event_is_found_again_by_what_its_scopes_name() -> None:
    """A service is named with its provider; stars and the parts of a scope left out name nobody."""
    scope = directive(
        services=["api", "*"], providers=["openai"], regions=["EU"], audiences=["government"]
    )
    adopted = event("policy.adopted", data={"directives": [scope]})

    assert mentions(adopted) - {("service", "openai/*")} >= {
        ("authority", "openai"),
        ("provider", "openai"),
        ("service", "openai/api"),
        ("region", "EU"),
        ("audience", "government"),
    }


def test_a_measurement_a_note_and_a_group_are_found_by_what_they_name() -> None:
    """Whoever looks for a country wants everything that was recorded of it."""
    seen = event(
        "access.observed",
        data={"state": "blocked", "method": "probe", "scope": {"regions": ["IT"]}},
    )
    note = event(
        "context.noted", data={"topic": "patents", "providers": ["openai"], "regions": ["CN"]}
    )
    left = group_changed("EU", "2020-02-01", removes=["GB"])

    assert ("region", "IT") in mentions(seen)
    assert {("provider", "openai"), ("region", "CN")} <= mentions(note)
    assert {("region", "EU"), ("region", "GB")} <= mentions(left)


def test_a_correction_names_what_its_replacement_names() -> None:
    """What is known after it is found by it."""
    note = event("context.noted", data={"topic": "patents", "regions": ["CN"]})
    mended = event("context.noted", data={"topic": "patents", "regions": ["HK"]})

    assert ("region", "HK") in mentions(corrected(note, mended))
    assert ("region", "HK") not in mentions(corrected(note))


def test_a_registration_names_the_provider_and_the_authority_it_rests_on() -> None:
    """They cannot be taken away below it."""
    service = registered("service", "api", provider="openai")
    provider = registered("provider", "openai", authority="openai")

    assert {("provider", "openai"), ("service", "openai/api")} <= mentions(service)
    assert ("authority", "openai") in mentions(provider)
