"""What a list is asked beside the two times: who, where, which days; read as gently as these.

What cannot be understood is told above the list and left out, so that the rest is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from service.application import browsing
from service.application.asking import CellFilter, check_filter
from service.application.places import name_of
from service.domain import regions
from service.domain.errors import BadTimeError, UnknownIdError
from service.domain.registry import Registry
from service.domain.times import When
from service.projections.known import Near
from service.web.asking import Asked, asked, house

_MOST: Final = 2**53 - 1


def link(path: str, *given: Mapping[str, object]) -> str:
    """Return a path with a query; what is None is left out.

    >>> link("/diff", {"from": "2024-07-08", "region": None}, {"provider": "openai"})
    '/diff?from=2024-07-08&provider=openai'
    """
    items = {name: value for part in given for name, value in part.items() if value is not None}
    return f"{path}?{urlencode(items, safe='@:/,')}" if items else path


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The query of a list, as far as it could be understood.

    Attributes:
        faults: Sentences about the rest; they grow while more is read.
        near: The provider and the region that it is about.
        providers: Names and ids of all providers, to choose from.
    """

    ask: Asked
    registry: Registry
    faults: list[str]
    near: Near
    providers: tuple[tuple[str, str], ...]

    @property
    def place(self) -> dict[str, object]:
        """The provider and the region as a query names them."""
        return {"provider": self.near.provider, "region": self.near.region}

    @property
    def pin(self) -> dict[str, object]:
        """The position as a query names it, where the question did."""
        return {"known_at": self.ask.known if self.ask.pinned else None}

    @property
    def where(self) -> str:
        """The provider and the region in words; empty where neither is named."""
        of, place = self.near.provider, self.near.region
        name = "" if of is None else f" of {self.registry.providers[of].name}"
        return name + ("" if place is None else f" in {name_of(place)}")

    def when(self, name: str, label: str) -> When | None:
        """Return a date or an instant; None where none is given."""
        text = self.ask.query.get(name)
        if text is None:
            return None
        try:
            return When.moment(text, path=(name,))
        except BadTimeError as error:
            self.faults.append(f"{label}: {error.detail} A date looks like 2024-07-09.")
            return None

    def number(self, name: str, label: str, *, least: int = 0, most: int = _MOST) -> int | None:
        """Return a whole number; None where none is given."""
        text = self.ask.query.get(name)
        if text is None:
            return None
        digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if digits and least <= int(text) <= most:
            return int(text)
        self.faults.append(f"{label}: {text[:40]!a} is no whole number from {least} to {most}.")
        return None


def read() -> Reading:
    """Read the current request."""
    ask = asked()
    _, registry = browsing.registry(house().database, ask.known, ask.now)
    faults = list(ask.faults)
    names = ((one.name, id_) for id_, one in registry.providers.items())
    return Reading(
        ask=ask,
        registry=registry,
        faults=faults,
        near=_near(ask, registry, faults),
        providers=tuple(sorted(names, key=lambda one: (one[0].casefold(), one[1]))),
    )


def _near(ask: Asked, registry: Registry, faults: list[str]) -> Near:
    provider, region = ask.query.get("provider"), _code(ask.query.get("region"))
    found: dict[str, str] = {}
    for name, value, wanted in (
        ("provider", provider, CellFilter(providers=(provider or "",))),
        ("region", region, CellFilter(regions=(region or "",))),
    ):
        if value is None:
            continue
        try:
            check_filter(registry, wanted)
        except UnknownIdError as error:
            faults.append(error.detail)
        else:
            found[name] = value
    return Near(**found)


def _code(text: str | None) -> str | None:
    """Return the code of a region that is given by it, in any case, or by its English name."""
    if text is None:
        return None
    given = text.strip()
    named = (one for one in regions.COUNTRIES if name_of(one).casefold() == given.casefold())
    return next(named, given.upper())
