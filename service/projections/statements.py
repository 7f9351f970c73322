"""What is said of which scope: every version of every text, draft and measurement.

A statement is known from the position that brought it until the one that replaced it, so the world
as known at any position is one lookup by scope. The body is the folded text with all its bounds.

Next: service/application/asking.py, the read path.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from service.domain.directives import Cited, Text
from service.domain.registry import Registry
from service.domain.scope import Scope
from service.domain.times import When
from service.domain.world import Observation
from service.projections import around
from service.projections.around import Near
from service.projections.kept import Kept
from service.store.prepared import Prepared
from service.store.tables import FOREVER, statement, statement_scope

_Shared = TypeVar("_Shared", Scope, tuple[Cited, ...])

DIRECTIVE: Final = "directive"
DRAFT: Final = "draft"
OBSERVATION: Final = "observation"

MUCH: Final = 10_000
"""Elementary scopes of a provider's statements beyond which they are not read all at once."""


# A log names few days, each of them very often, and few places.
_when: Final = lru_cache(maxsize=8192)(When.occurrence)


@lru_cache(maxsize=8192)
def _shared(value: _Shared) -> _Shared:
    """Return a value that equals another which is in memory already: that one."""
    return value


def _decode_when(kind: type, value: Any) -> object:  # noqa: ANN401 whatever the JSON holds
    return _when(value) if kind is When else value


_TEXTS: Final = msgspec.json.Decoder(Text, dec_hook=_decode_when)
_OBSERVATIONS: Final = msgspec.json.Decoder(Observation, dec_hook=_decode_when)


@dataclass(frozen=True, slots=True)
class Said:
    """A statement as read.

    Attributes:
        subject: The stream that says it.
        days: On which it can matter, half-open.
    """

    number: int
    subject: str
    what: Text | Observation
    days: tuple[int, int]


def load(
    connection: sa.Connection, generation: int, position: int, registry: Registry, near: Near
) -> tuple[tuple[Text, ...], tuple[Observation, ...]]:
    """Return the texts, drafts and measurements known at ``position`` that may touch a place."""
    wanted = _KNOWN.where(*_restricted(near)).order_by(statement.c.statement)
    asked = {**around.asked(generation, registry, near), "position": position}
    numbers = list(connection.scalars(wanted, asked))
    return sorted_out(said(connection, generation, numbers))


def sorted_out(found: Iterable[Said]) -> tuple[tuple[Text, ...], tuple[Observation, ...]]:
    """Return the texts and drafts among statements, and the measurements."""
    some = [one.what for one in found]
    return (
        tuple(one for one in some if isinstance(one, Text)),
        tuple(one for one in some if isinstance(one, Observation)),
    )


def of_place(
    connection: sa.Connection, generation: int, position: int, registry: Registry, near: Near
) -> list[Said] | None:
    """Return all that is known at a position and may touch a place; None where it is much.

    Much is more than ``MUCH`` elementary scopes, with all that were ever known.
    """
    asked = around.asked(generation, registry, near)
    touching = _touching(near)
    if len(connection.scalars(touching.limit(MUCH + 1), asked).all()) > MUCH:
        return None
    wanted = _KNOWN.where(statement.c.statement.in_(touching)).order_by(statement.c.statement)
    numbers = list(connection.scalars(wanted, {**asked, "position": position}))
    return said(connection, generation, numbers)


def of_subjects(
    connection: sa.Connection, generation: int, position: int, subjects: Sequence[str]
) -> list[Said]:
    """Return all that some streams say, as known at a position."""
    told = {"generation": generation, "position": position, "subjects": subjects}
    return said(connection, generation, list(connection.scalars(_OF_SUBJECTS, told)))


def said(connection: sa.Connection, generation: int, numbers: Sequence[int]) -> list[Said]:
    """Return statements by their numbers; what a number of a generation says never changes."""
    engine = connection.engine
    found = {number: _READ.get((engine, generation, number)) for number in numbers}
    missing = [number for number, one in found.items() if one is None]
    for number, subject, kind, body, first, last in _bodies(connection, generation, missing):
        one = Said(number, subject, decoded(kind, body), (first, last))
        _READ.put((engine, generation, number), one)
        found[number] = one
    return [one for one in found.values() if one is not None]


def _bodies(
    connection: sa.Connection, generation: int, numbers: Sequence[int]
) -> Iterator[tuple[Any, ...]]:
    # One by one a few cost less than SQLAlchemy takes to write a list of them.
    if len(numbers) <= _FEW_NUMBERS:
        for number in numbers:
            yield from _BODY.rows(connection, generation=generation, number=number)
        return
    for start in range(0, len(numbers), _NUMBERS_PER_STATEMENT):
        some = numbers[start : start + _NUMBERS_PER_STATEMENT]
        yield from connection.execute(_BODIES, {"generation": generation, "numbers": some})


_READ: Final = Kept[tuple[sa.Engine, int, int], Said](most=2048)


def decoded(kind: str, body: bytes) -> Text | Observation:
    """Return a statement as it is stored."""
    read = _OBSERVATIONS.decode(body) if kind == OBSERVATION else _TEXTS.decode(body)
    return replace(read, scope=_shared(read.scope), sources=_shared(read.sources))


_NUMBERS_PER_STATEMENT: Final = 1000
_FEW_NUMBERS: Final = 4
_KNOWN: Final = sa.select(statement.c.statement).where(
    statement.c.generation == sa.bindparam("generation"),
    statement.c.known_from <= sa.bindparam("position"),
    statement.c.known_until > sa.bindparam("position"),
)
_OF_SUBJECTS: Final = _KNOWN.where(
    statement.c.subject.in_(sa.bindparam("subjects", expanding=True))
).order_by(statement.c.statement)
_OF_GENERATION: Final = sa.select(
    statement.c.statement,
    statement.c.subject,
    statement.c.kind,
    statement.c.body,
    statement.c.day,
    statement.c.day_until,
).where(statement.c.generation == sa.bindparam("generation"))
_BODIES: Final = _OF_GENERATION.where(
    statement.c.statement.in_(sa.bindparam("numbers", expanding=True))
)
_BODY: Final = Prepared(_OF_GENERATION.where(statement.c.statement == sa.bindparam("number")))


def moves(
    connection: sa.Connection, generation: int, registry: Registry, near: Near
) -> list[tuple[int, Scope]]:
    """Return every position at which a binding text near a place came or went, with its scope."""
    columns = statement.c
    wanted = sa.select(columns.known_from, columns.known_until, columns.body).where(
        columns.generation == generation, columns.kind == DIRECTIVE, *_restricted(near)
    )
    found: list[tuple[int, Scope]] = []
    for row in connection.execute(wanted, around.asked(generation, registry, near)):
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
        *_restricted(near),
    )
    came = sa.select(columns.known_from.label("position")).where(*told, columns.known_from < before)
    went = sa.select(columns.known_until.label("position")).where(
        *told, columns.known_until < before
    )
    moved = sa.union(came, went).subquery()
    ordered = sa.select(moved.c.position).order_by(moved.c.position.desc()).limit(limit)
    return list(connection.scalars(ordered, around.asked(generation, registry, near)))


def _restricted(near: Near) -> Iterable[sa.ColumnElement[bool]]:
    """Restrict to what may touch a place."""
    if near.provider is not None or near.country is not None:
        yield statement.c.statement.in_(_touching(near))


def _touching(near: Near) -> sa.Select[Any]:
    """Select the numbers of the statements that may touch a place, one for each scope."""
    columns = statement_scope.c
    return sa.select(columns.statement).where(
        columns.generation == sa.bindparam("generation"),
        columns.scope.in_(around.touching(near)),
    )
