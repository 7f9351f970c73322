"""The frozen list of regions, against the library it was taken from.

ISO 3166 changes: once the library moves on, these tests compare with a newer edition and the names
of what differs tell whether the rule needs a new version. Our list itself stays as it is.
"""

from importlib.metadata import version

import pycountry
import pytest

from service.domain import regions
from service.domain.regions import COUNTRIES, COUNTRIES_OF_THEIR_OWN, SUBDIVISIONS, parent

FROZEN_EDITION = "26.2.16"

in_the_frozen_edition = pytest.mark.skipif(
    version("pycountry") != FROZEN_EDITION,
    reason=f"the list was frozen from pycountry {FROZEN_EDITION}",
)


def test_the_list_is_the_one_that_this_version_of_the_rule_was_made_with() -> None:
    """A longer or shorter list changes answers, so it may not come in by itself."""
    assert regions.FROZEN == "2026-02-16"
    assert len(COUNTRIES) == 249
    assert len(SUBDIVISIONS) == 5016


@in_the_frozen_edition
def test_the_countries_are_those_of_iso_3166_1() -> None:
    """Nothing was typed by hand."""
    assert {country.alpha_2 for country in pycountry.countries} == COUNTRIES


@in_the_frozen_edition
def test_the_subdivisions_are_those_of_iso_3166_2_except_countries_of_their_own() -> None:
    """DESIGN, section 2: refused are subdivisions that are countries of their own."""
    listed = {subdivision.code for subdivision in pycountry.subdivisions}

    assert listed - COUNTRIES_OF_THEIR_OWN.keys() == SUBDIVISIONS


@in_the_frozen_edition
def test_each_subdivision_lies_where_iso_3166_2_puts_it() -> None:
    """Below another subdivision where one is named, else below its country."""
    kept = [one for one in pycountry.subdivisions if one.code in SUBDIVISIONS]

    assert {one.code: parent(one.code) for one in kept} == {
        one.code: one.parent_code or one.country_code for one in kept
    }


def test_a_subdivision_lies_in_a_subdivision_or_in_a_country() -> None:
    """Paris lies in Île-de-France, that in France, and France in nothing."""
    assert [parent("FR-75C"), parent("FR-IDF"), parent("FR")] == ["FR-IDF", "FR", None]
    assert [parent("US-TX"), parent("UA-43")] == ["US", "UA"]


def test_hong_kong_macao_and_taiwan_never_lie_in_china() -> None:
    """DESIGN, section 2: they stand for themselves."""
    assert {"HK", "MO", "TW"} <= COUNTRIES
    assert [parent(code) for code in ("HK", "MO", "TW")] == [None, None, None]
    assert {code: COUNTRIES_OF_THEIR_OWN[code] for code in ("CN-HK", "CN-MO", "CN-TW")} == {
        "CN-HK": "HK",
        "CN-MO": "MO",
        "CN-TW": "TW",
    }


def test_what_is_refused_is_in_no_list_and_names_a_country_of_the_list() -> None:
    """Whoever writes US-PR is told to write PR."""
    assert SUBDIVISIONS.isdisjoint(COUNTRIES_OF_THEIR_OWN)
    assert set(COUNTRIES_OF_THEIR_OWN.values()) <= COUNTRIES
    assert COUNTRIES_OF_THEIR_OWN["US-PR"] == "PR"
    assert [regions.is_place(code) for code in ("US-PR", "PR", "US-TX")] == [False, True, True]


def test_every_chain_of_parents_ends_at_the_country_of_the_code() -> None:
    """No subdivision hangs in the air or in a foreign country."""
    for code in SUBDIVISIONS:
        above = parent(code)
        while above in SUBDIVISIONS:
            above = parent(above)
        assert above == code[:2]
        assert above in COUNTRIES
