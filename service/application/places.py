"""Names of countries and subdivisions, for people: from ISO 3166 as pycountry has it.

Names are shown, never decided upon: which codes there are is frozen in ``service.domain.regions``.
"""

from functools import cache
from typing import Any

import pycountry


@cache
def name_of(code: str) -> str:
    """Return the usual English name of a country or subdivision; its code where none is known."""
    subdivisions: Any = pycountry.subdivisions
    countries: Any = pycountry.countries
    found = subdivisions.get(code=code) if "-" in code else countries.get(alpha_2=code)
    if found is None:
        return code
    return str(getattr(found, "common_name", None) or found.name)
