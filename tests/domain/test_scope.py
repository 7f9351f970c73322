"""What contains what, at which moment."""

import pytest

from service.domain.registry import Registry
from service.domain.scope import (
    Cell,
    Elementary,
    Scope,
    contains,
    matching,
    may_match,
    within_path,
    within_region,
)
from service.domain.times import When
from tests.builders import group_changed, log, registry_events

NOW = When.moment("2024-07-09")
CAST = Registry.of(log(*registry_events(), group_changed("G1", "2024-01-01", adds=["US-TX", "FR"])))


def cell(region: str = "IT", service: str = "api", audience: str = "public") -> Cell:
    """One of OpenAI's cells."""
    return Cell(provider="openai", service=service, region=region, audience=audience)


def test_a_scope_stands_for_every_combination_of_its_elements() -> None:
    """Two services in two countries are four elementary scopes; what is left out is everything."""
    scope = Scope(providers=("openai",), services=("api", "chatgpt"), regions=("IT", "FR"))

    assert list(scope.elements()) == [
        Elementary("openai", "api", "IT", "*"),
        Elementary("openai", "api", "FR", "*"),
        Elementary("openai", "chatgpt", "IT", "*"),
        Elementary("openai", "chatgpt", "FR", "*"),
    ]
    assert list(Scope().elements()) == [Elementary("*", "*", "*", "*")]


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("chatgpt", "chatgpt", True),
        ("chatgpt", "chatgpt/ios", True),
        ("*", "chatgpt/ios", True),
        ("*", "*", True),
        ("chatgpt/ios", "chatgpt", False),
        ("chatgpt", "chatgpt-edu", False),
        ("chatgpt", "*", False),
    ],
)
def test_a_path_contains_what_lies_below_it(outer: str, inner: str, *, expected: bool) -> None:
    """Services and audiences are paths; a common beginning of two names means nothing."""
    assert within_path(outer, inner) is expected


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("US", "US-TX", True),
        ("US-TX", "US", False),
        ("FR", "FR-75C", True),
        ("FR-IDF", "FR-75C", True),
        ("CN", "HK", False),
        ("CN", "TW", False),
        ("EU", "FR", True),
        ("EU", "FR-75C", True),
        ("EU", "EU", True),
        ("EU", "GB", False),
        ("FR", "EU", False),
        ("EU", "G1", False),
        ("G1", "US-TX", True),
        ("G1", "US", False),
        ("*", "EU", True),
        ("EU", "*", False),
        ("*", "*", True),
    ],
)
def test_a_region_contains_what_lies_in_it(outer: str, inner: str, *, expected: bool) -> None:
    """ISO 3166 and the groups; Hong Kong and Taiwan stand for themselves."""
    assert within_region(outer, inner, CAST, NOW) is expected


def test_a_group_contains_its_members_as_they_are_at_the_moment() -> None:
    """The United Kingdom left the Union on 1 February 2020, London's midnight apart."""
    assert within_region("EU", "GB", CAST, When.moment("2020-01-31"))
    assert not within_region("EU", "GB", CAST, When.moment("2020-02-01"))
    assert not within_region("EU", "FR", CAST, When.moment("1972-12-31"))


def test_a_group_lies_in_what_contains_all_of_its_members() -> None:
    """Groups are not nested, but one can be part of another."""
    both = log(
        group_changed("NAFTA", "1994-01-01", adds=["US", "CA", "MX"]),
        group_changed("NORTH", "1994-01-01", adds=["US-TX", "CA"]),
        group_changed("NOBODY", "2030-01-01", adds=["US"]),
    )
    groups = Registry.of(both)

    assert within_region("NAFTA", "NORTH", groups, NOW)
    assert not within_region("NORTH", "NAFTA", groups, NOW)
    assert not within_region("NAFTA", "NOBODY", groups, NOW)


def test_a_scope_contains_another_only_in_every_dimension() -> None:
    """Narrower in one and wider in another is not to be compared."""
    europe = Elementary("openai", "*", "EU", "*")
    italy = Elementary("openai", "api", "IT", "*")
    officials = Elementary("openai", "*", "IT", "government")

    assert contains(europe, italy, CAST, NOW)
    assert contains(europe, officials, CAST, NOW)
    assert not contains(italy, officials, CAST, NOW)
    assert not contains(officials, italy, CAST, NOW)
    assert not contains(Elementary("microsoft", "*", "EU", "*"), italy, CAST, NOW)
    assert contains(officials, cell(audience="government/defence"), CAST, NOW)


def test_what_binds_an_audience_does_not_reach_the_public() -> None:
    """The public is a leaf like any other; everyone is written as a star."""
    officials = Scope(audiences=("government",))

    assert matching(officials, cell(), CAST, NOW) == ()
    assert matching(officials, cell(audience="government/defence"), CAST, NOW)
    assert matching(Scope(), cell(), CAST, NOW)


def test_the_matching_elements_are_those_that_contain_the_cell() -> None:
    """Each is compared by itself: a scope that names Italy and the EU matches through both."""
    scope = Scope(
        providers=("openai",),
        services=("api", "chatgpt"),
        regions=("IT", "EU", "FR"),
        audiences=("*",),
    )

    assert matching(scope, cell(), CAST, NOW) == (
        Elementary("openai", "api", "IT", "*"),
        Elementary("openai", "api", "EU", "*"),
    )
    assert matching(scope, cell("GB"), CAST, NOW) == ()
    assert matching(Scope(providers=("microsoft",)), cell(), CAST, NOW) == ()
    assert matching(Scope(services=("chatgpt",)), cell(), CAST, NOW) == ()


def test_a_scope_may_match_a_cell_that_is_a_member_at_some_time() -> None:
    """A timeline looks at all moments, so what was or will be in a group counts."""
    europe = Scope(regions=("EU",))

    assert may_match(europe, cell("GB"), CAST)
    assert may_match(europe, cell("FR-75C"), CAST)
    assert not may_match(europe, cell("US"), CAST)
    assert may_match(Scope(regions=("US",)), cell("US-TX"), CAST)
    assert not may_match(Scope(providers=("microsoft",)), cell(), CAST)
    assert not may_match(Scope(services=("chatgpt",)), cell(), CAST)
    assert not may_match(Scope(audiences=("government",)), cell(), CAST)
    assert may_match(Scope(), cell(), CAST)
