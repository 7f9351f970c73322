"""What is said of which scope: every version of every text, draft and measurement.

A statement is known from the position that brought it until the one that replaced it, so the world
as known at any position is one lookup by scope. The body is the folded text with all its bounds.

Next: service/application/asking.py, the read path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from service.domain import regions
from service.domain.directives import Fold, Text
from service.domain.events import Recorded
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


def update(
    connection: sa.Connection, generation: int, position: int, stream: Sequence[Recorded]
) -> None:
    """Let what a stream says from ``position`` on replace what it said before."""
    subject = stream[-1].event.stream
    columns = statement.c
    live = connection.execute(
        sa.select(columns.statement, columns.kind, columns.key, columns.body)
        .where(
            columns.generation == generation,
            columns.subject == subject,
            columns.known_until == FOREVER,
        )
        .order_by(columns.statement)
    ).all()
    standing: dict[tuple[str, str, bytes], list[int]] = {}
    for row in live:
        standing.setdefault((row.kind, row.key, bytes(row.body)), []).append(row.statement)
    new: list[Statement] = []
    for one in stated(stream):
        same = standing.get((one.kind, one.key, one.body))
        if same:
            same.pop(0)
        else:
            new.append(one)
    gone = [number for numbers in standing.values() for number in numbers]
    if gone:
        connection.execute(
            sa.update(statement)
            .where(columns.generation == generation, columns.statement.in_(gone))
            .values(known_until=position)
        )
    if new:
        _insert(connection, generation, position, subject, new)


def _insert(
    connection: sa.Connection, generation: int, position: int, subject: str, new: list[Statement]
) -> None:
    last = connection.scalar(
        sa.select(sa.func.max(statement.c.statement)).where(statement.c.generation == generation)
    )
    first = (last or 0) + 1
    connection.execute(
        sa.insert(statement),
        [
            {
                "generation": generation,
                "statement": number,
                "kind": one.kind,
                "subject": subject,
                "key": one.key,
                "known_from": position,
                "known_until": FOREVER,
                "body": one.body,
            }
            for number, one in enumerate(new, first)
        ],
    )
    connection.execute(
        sa.insert(statement_scope),
        [
            {
                "generation": generation,
                "provider": scope.provider,
                "service": scope.service,
                "region": scope.region,
                "audience": scope.audience,
                "statement": number,
            }
            for number, one in enumerate(new, first)
            for scope in one.scope.elements()
        ],
    )


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
    restrictions = list(_restrictions(registry, near))
    if restrictions:
        scope = statement_scope.c
        touching = sa.select(scope.statement).where(scope.generation == generation, *restrictions)
        yield statement.c.statement.in_(touching)


def _restrictions(registry: Registry, near: Near) -> Iterable[sa.ColumnElement[bool]]:
    scope = statement_scope.c
    if near.provider is not None:
        yield scope.provider.in_((near.provider, ANY))
    if near.region is not None and regions.is_place(near.region):
        # Everything in the same country: what lies around the place, and what reaches into it.
        country = near.region[:2]
        groups = [
            group
            for group in registry.groups
            if any(member[:2] == country for member in registry.ever_in(group))
        ]
        yield sa.or_(
            scope.region.in_((ANY, country, *groups)),
            sa.and_(scope.region > f"{country}-", scope.region < f"{country}."),
        )
