"""Who and what is known, and who belongs to a group when."""

from service.domain.registry import Registry
from service.domain.times import When
from tests.builders import event, group_changed, log, registered, registry_events


def test_what_is_registered_is_found_under_its_id() -> None:
    """A service is filed below its provider, since two providers may both have an api."""
    known = Registry.of(log(*registry_events()))

    assert set(known.authorities) == {"openai", "microsoft", "garante", "tribunal"}
    assert set(known.providers) == {"openai", "microsoft"}
    assert "openai/chatgpt/ios" in known.services
    assert known.services_of("openai") == ("api", "chatgpt", "chatgpt/ios")
    assert known.services_of("open") == ()
    assert known.authority_of("openai") == "openai"
    assert known.authority_of("nobody") is None


def test_registering_again_renames() -> None:
    """There is one entry for an id, and the later event says what it is called."""
    again = registered("provider", "openai", authority="microsoft")

    known = Registry.of(log(*registry_events(), again))

    assert len(known.providers) == 2
    assert known.authority_of("openai") == "microsoft"


def test_the_zone_of_an_authority_is_utc_where_none_is_named() -> None:
    """A date bound needs a calendar in every case."""
    known = Registry.of(log(*registry_events()))

    assert known.zone("garante") == "Europe/Rome"
    assert known.zone("microsoft") == "UTC"
    assert known.zone("nobody") == "UTC"
    assert known.zone(None) == "UTC"


def test_a_group_has_dated_members() -> None:
    """The United Kingdom left the EU on 1 February 2020: half-open, like every period."""
    known = Registry.of(log(*registry_events()))

    assert known.members("EU", When.moment("1972-12-31")) == frozenset()
    assert known.members("EU", When.moment("2020-01-31")) == frozenset({"FR", "IT", "GB"})
    assert known.members("EU", When.moment("2020-02-01")) == frozenset({"FR", "IT"})
    assert known.members("FR", When.moment("2020-02-01")) is None
    assert known.ever_in("EU") == frozenset({"FR", "IT", "GB"})
    assert known.ever_in("FR") == frozenset()


def test_changes_of_a_group_count_in_the_order_of_their_dates() -> None:
    """History is often recorded backward; the order of the log decides only on one date."""
    known = Registry.of(
        log(
            group_changed("EU", "2020-02-01", removes=["GB"]),
            group_changed("EU", "1973-01-01", adds=["GB"]),
            group_changed("G1", "2024-01-01", adds=["US"]),
            group_changed("G1", "2024-01-01", removes=["US"]),
        )
    )

    assert known.members("EU", When.moment("2020-01-31")) == frozenset({"GB"})
    assert known.members("EU", When.moment("2020-02-01")) == frozenset()
    assert known.members("G1", When.moment("2024-01-01")) == frozenset()


def test_a_member_joins_at_midnight_of_the_authority_that_says_so() -> None:
    """An instant compares instants: 1 February begins earlier in Rome than in UTC."""
    joins = event(
        "registry.group_changed",
        stream="registry:group/G1",
        authority="garante",
        data={"id": "G1", "name": "One", "adds": ["IT"], "effective_from": "2024-02-01"},
    )
    known = Registry.of(log(*registry_events(), joins))

    assert known.members("G1", When.moment("2024-01-31T22:59:59Z")) == frozenset()
    assert known.members("G1", When.moment("2024-01-31T23:00:00Z")) == frozenset({"IT"})


def test_a_region_is_a_place_or_a_group_and_an_audience_is_the_public_or_registered() -> None:
    """These are what a question may name."""
    known = Registry.of(log(*registry_events()))

    assert all(map(known.is_region, ("FR", "US-TX", "EU", "HK")))
    assert not any(map(known.is_region, ("UK", "CN-HK", "*", "eu")))
    assert all(map(known.is_audience, ("public", "government/defence")))
    assert not any(map(known.is_audience, ("*", "minors")))
