"""What is said of which scope: every version of every text, draft and measurement.

A statement is known from the position that brought it until the one that replaced it, so the world
as known at any position is one lookup by scope. The body is the folded text with all its bounds.

Next: service/application/asking.py, the read path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from service.domain import regions
from service.domain.directives import Text
from service.domain.events import Recorded
from service.domain.fold import Fold
from service.domain.history import as_known
from service.domain.registry import Registry
from service.domain.scope import ANY, Scope
from service.domain.times import When
from service.domain.world import POLICY, Observation, observations
from service.store.tables import FOREVER, statement, statement_scope

DIRECTIVE: Final = "directive"
DRAFT: Final = "draft"
OBSERVATION: Final = "observation"


def _encode_when(value: object) -> str:
    return str(value)


def _decode_when(kind: type, value: Any) -> object:  # noqa: ANN401 whatever the JSON holds
    return When.occurrence(value) if kind is When else value


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_encode_when)
_TEXTS: Final = msgspec.json.Decoder(Text, dec_hook=_decode_when)
_OBSERVATIONS: Final = msgspec.json.Decoder(Observation, dec_hook=_decode_when)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it is stored."""

    kind: str
    key: str
    body: bytes
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Which statements are wanted; None wants all of that dimension."""

    provider: str | None = None
    region: str | None = None


def stated(stream: Sequence[Recorded]) -> list[Statement]:
    """Return what a stream of events says, in a fixed order."""
    facts = as_known(stream)
    if not facts:
        return []
    name = facts[0].event.stream
    if name.startswith(POLICY):
        texts = Fold.of(name.removeprefix(POLICY), facts).texts()
        return [
            Statement(
                DRAFT if text.draft else DIRECTIVE, text.key, _ENCODER.encode(text), text.scope
            )
            for text in texts
        ]
    return [
        Statement(OBSERVATION, seen.occurred.event, _ENCODER.encode(seen), seen.scope)
        for seen in observations(facts)
    ]


_LIVE: Final = (
    sa.select(statement.c.statement, statement.c.kind, statement.c.key, statement.c.body)
    .where(
        statement.c.generation == sa.bindparam("generation"),
        statement.c.subject == sa.bindparam("subject"),
        statement.c.known_until == FOREVER,
    )
    .order_by(statement.c.statement)
)
_LAST: Final = sa.select(sa.func.max(statement.c.statement)).where(
    statement.c.generation == sa.bindparam("generation")
)
_CLOSE: Final = (
    sa.update(statement)
    .where(
        statement.c.generation == sa.bindparam("of_generation"),
        statement.c.statement == sa.bindparam("number"),
    )
    .values(known_until=sa.bindparam("position"))
)
_INSERT: Final = sa.insert(statement)
_INSERT_SCOPE: Final = sa.insert(statement_scope)


@dataclass(slots=True)
class Writer:
    """Takes what streams say into one generation: kept in memory until ``flush``.

    Events come in position order; a batch, or a part of a rebuild, is written at once.
    """

    connection: sa.Connection
    generation: int
    _last: int | None = None
    _standing: dict[str, dict[tuple[str, str, bytes], list[int]]] = field(default_factory=dict)
    _new: dict[int, dict[str, object]] = field(default_factory=dict)
    _scopes: list[dict[str, object]] = field(default_factory=list)
    _closed: dict[int, int] = field(default_factory=dict)

    def take(self, position: int, stream: Sequence[Recorded]) -> None:
        """Let what a stream says from ``position`` on replace what it said before."""
        said = stated(stream)
        subject = stream[-1].event.stream
        before = self._standing_of(subject, is_new=len(stream) == 1)
        after: dict[tuple[str, str, bytes], list[int]] = {}
        for one in said:
            name = (one.kind, one.key, one.body)
            same = before.get(name)
            number = same.pop(0) if same else self._add(position, subject, one)
            after.setdefault(name, []).append(number)
        for number in (number for numbers in before.values() for number in numbers):
            self._close(number, position)
        self._standing[subject] = after

    def flush(self) -> None:
        """Write what was taken in."""
        if self._new:
            self.connection.execute(_INSERT, list(self._new.values()))
        if self._scopes:
            self.connection.execute(_INSERT_SCOPE, self._scopes)
        if self._closed:
            closed = [
                {"of_generation": self.generation, "number": number, "position": position}
                for number, position in self._closed.items()
            ]
            self.connection.execute(_CLOSE, closed)
        self._new, self._scopes, self._closed = {}, [], {}

    def _standing_of(
        self, subject: str, *, is_new: bool
    ) -> dict[tuple[str, str, bytes], list[int]]:
        if subject in self._standing or is_new:
            return self._standing.get(subject, {})
        found: dict[tuple[str, str, bytes], list[int]] = {}
        asked = {"generation": self.generation, "subject": subject}
        for row in self.connection.execute(_LIVE, asked):
            found.setdefault((row.kind, row.key, bytes(row.body)), []).append(row.statement)
        return found

    def _add(self, position: int, subject: str, one: Statement) -> int:
        if self._last is None:
            asked = {"generation": self.generation}
            self._last = self.connection.scalar(_LAST, asked) or 0
        self._last += 1
        self._new[self._last] = {
            "generation": self.generation,
            "statement": self._last,
            "kind": one.kind,
            "subject": subject,
            "key": one.key,
            "known_from": position,
            "known_until": FOREVER,
            "body": one.body,
        }
        self._scopes.extend(
            {
                "generation": self.generation,
                "provider": scope.provider,
                "service": scope.service,
                "region": scope.region,
                "audience": scope.audience,
                "statement": self._last,
            }
            for scope in one.scope.elements()
        )
        return self._last

    def _close(self, number: int, position: int) -> None:
        if number in self._new:
            self._new[number]["known_until"] = position
        else:
            self._closed[number] = position


def load(
    connection: sa.Connection, generation: int, position: int, registry: Registry, near: Near
) -> tuple[tuple[Text, ...], tuple[Observation, ...]]:
    """Return the texts, drafts and measurements known at ``position`` that may touch a place."""
    columns = statement.c
    wanted = (
        sa.select(columns.statement, columns.kind, columns.body)
        .where(
            columns.generation == generation,
            columns.known_from <= position,
            columns.known_until > position,
            *_touching(generation, registry, near),
        )
        .order_by(columns.statement)
    )
    texts: list[Text] = []
    seen: list[Observation] = []
    for row in connection.execute(wanted):
        if row.kind == OBSERVATION:
            seen.append(_OBSERVATIONS.decode(row.body))
        else:
            texts.append(_TEXTS.decode(row.body))
    return tuple(texts), tuple(seen)


def moves(
    connection: sa.Connection, generation: int, registry: Registry, near: Near
) -> list[tuple[int, Scope]]:
    """Return every position at which a binding text near a place came or went, with its scope."""
    columns = statement.c
    wanted = sa.select(columns.known_from, columns.known_until, columns.body).where(
        columns.generation == generation,
        columns.kind == DIRECTIVE,
        *_touching(generation, registry, near),
    )
    found: list[tuple[int, Scope]] = []
    for row in connection.execute(wanted):
        text = _TEXTS.decode(row.body)
        if text.binding:
            ends = (row.known_from, row.known_until)
            found.extend((position, text.scope) for position in ends if position < FOREVER)
    return found


def newest(  # noqa: PLR0913, PLR0917 where to look, and which part of what is there
    connection: sa.Connection,
    generation: int,
    registry: Registry,
    near: Near,
    before: int,
    limit: int,
) -> list[int]:
    """Return the last positions before one at which texts or measurements came or went."""
    columns = statement.c
    told = (
        columns.generation == generation,
        columns.kind != DRAFT,
        *_touching(generation, registry, near),
    )
    came = sa.select(columns.known_from.label("position")).where(*told, columns.known_from < before)
    went = sa.select(columns.known_until.label("position")).where(
        *told, columns.known_until < before
    )
    moved = sa.union(came, went).subquery()
    ordered = sa.select(moved.c.position).order_by(moved.c.position.desc()).limit(limit)
    return list(connection.scalars(ordered))


def _touching(generation: int, registry: Registry, near: Near) -> Iterable[sa.ColumnElement[bool]]:
    """Restrict to what may touch a place; each part is a range of the key of the scopes."""
    scope = statement_scope.c
    providers = [] if near.provider is None else [scope.provider.in_((near.provider, ANY))]
    found = sa.select(scope.statement).where(scope.generation == generation, *providers)
    if near.region is not None and regions.is_place(near.region):
        # Everything in the same country: what lies around the place, and what reaches into it.
        country = near.region[:2]
        groups = [
            group
            for group in registry.groups
            if any(member[:2] == country for member in registry.ever_in(group))
        ]
        around = found.where(scope.region.in_((ANY, country, *groups)))
        inside = found.where(scope.region > f"{country}-", scope.region < f"{country}.")
        yield statement.c.statement.in_(sa.union(around, inside))
    elif providers:
        yield statement.c.statement.in_(found)
