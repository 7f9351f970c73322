"""What is known at one position, and the part of it that may touch a place."""

from service.domain.times import When
from service.domain.world import by_place
from tests.builders import corrected, directive, event, registry_events, world

BAN = event(
    "policy.adopted",
    stream="policy:ban",
    data={"directives": [directive("us", regions=["US"]), directive("eu", regions=["EU"])]},
)
RULE = event(
    "policy.adopted",
    stream="policy:rule",
    data={
        "directives": [
            directive("world", providers=["*"]),
            directive("azure", providers=["microsoft"], regions=["US"]),
        ]
    },
)
SEEN = event("access.observed", data={"state": "blocked", "method": "probe"})


def test_a_world_holds_the_registry_the_texts_the_measurements_and_the_histories() -> None:
    """Everything that an answer may rest on, and nothing of the database."""
    note = event("context.noted", data={"topic": "patents"})

    known = world(BAN, SEEN, note)

    assert known.registry.authority_of("openai") == "openai"
    assert [text.name for text in known.texts] == ["policy:ban#us", "policy:ban#eu"]
    assert [(one.state, one.method) for one in known.observations] == [("blocked", "probe")]
    assert known.observations[0].occurred.when == When.bound("2024-06-24")
    assert list(known.histories) == ["ban"]


def test_corrections_are_applied_in_every_stream() -> None:
    """To a policy, a measurement and the registry alike."""
    provider = registry_events()[5]

    known = world(BAN, SEEN, corrected(SEEN), corrected(BAN), corrected(provider))

    assert (known.texts, known.observations) == ((), ())
    assert known.histories == {"ban": ()}
    assert provider.stream == "registry:provider/microsoft"
    assert "microsoft" not in known.registry.providers


def test_the_part_for_a_place_holds_what_may_touch_it_at_any_time() -> None:
    """What is said of everywhere, of the place, of what it lies in, and of its groups."""
    parts = by_place(world(BAN, RULE, SEEN), "openai")

    def keys(place: str) -> list[str]:
        return [text.key for text in parts(place).texts]

    assert keys("US-TX") == ["us", "world"]
    assert keys("FR-75C") == ["eu", "world"]
    assert keys("GB") == ["eu", "world"]
    assert keys("JP") == ["world"]
