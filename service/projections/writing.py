"""What streams say, written into one generation as statements.

Each event may change what its stream says: what it no longer says is known until its position, what
it says from then on is known from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from service.domain.fold import Slot
from service.domain.scope import Scope
from service.domain.subject import Said, Subject
from service.domain.world import Observation
from service.projections import segments
from service.projections.segments import Spell
from service.projections.standings import Standing
from service.projections.statements import DIRECTIVE, DRAFT, OBSERVATION, decoded
from service.store.prepared import Prepared
from service.store.tables import FOREVER, statement, statement_scope

_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)

_Name: TypeAlias = tuple[str, str, bytes, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it is stored, with the days on which it can matter, half-open."""

    kind: str
    key: str
    body: bytes
    scope: Scope
    days: tuple[int, int]

    @property
    def name(self) -> "_Name":
        """What makes it another statement where it changes."""
        return self.kind, self.key, self.body, self.days


def stated(said: Said, occurred: Mapping[str, date]) -> Statement:
    """Return what is said as a statement; ``occurred`` tells when the events of its stream did."""
    days = _days(said, occurred)
    if isinstance(said, Observation):
        name = said.occurred.event
        return Statement(OBSERVATION, name, _ENCODER.encode(said), said.scope, days)
    kind = DRAFT if said.draft else DIRECTIVE
    return Statement(kind, said.key, _ENCODER.encode(said), said.scope, days)


def _days(said: Said, occurred: Mapping[str, date]) -> tuple[int, int]:
    if isinstance(said, Observation):
        return segments.days_of_observation(said)
    return segments.days_of_text(said, occurred)


_LIVE: Final = (
    sa.select(
        statement.c.statement,
        statement.c.kind,
        statement.c.key,
        statement.c.body,
        statement.c.day,
        statement.c.day_until,
    )
    .where(
        statement.c.generation == sa.bindparam("generation"),
        statement.c.subject == sa.bindparam("subject"),
        statement.c.known_until == FOREVER,
    )
    .order_by(statement.c.statement)
)
_LAST: Final = Prepared(
    sa.select(sa.func.max(statement.c.statement)).where(
        statement.c.generation == sa.bindparam("generation")
    )
)
_CLOSE: Final = Prepared(
    sa.update(statement)
    .where(
        statement.c.generation == sa.bindparam("of_generation"),
        statement.c.statement == sa.bindparam("number"),
    )
    .values(known_until=sa.bindparam("position"))
)
_INSERT: Final = Prepared(sa.insert(statement))
_INSERT_SCOPE: Final = Prepared(sa.insert(statement_scope))


@dataclass(slots=True)
class Writer:
    """Takes what streams say into one generation: kept in memory until ``flush``.

    Events come in position order; a batch, or a part of a rebuild, is written at once.
    """

    connection: sa.Connection
    generation: int
    _last: int | None = None
    _new: dict[int, dict[str, object]] = field(default_factory=dict)
    _scopes: list[dict[str, object]] = field(default_factory=list)
    _closed: dict[int, int] = field(default_factory=dict)
    _segments: segments.Writer = field(init=False)

    def __post_init__(self) -> None:
        """Write the index by day beside the statements."""
        self._segments = segments.Writer(self.connection, self.generation)

    def go_on(self, connection: sa.Connection) -> None:
        """Go on in another transaction."""
        self.connection = self._segments.connection = connection

    def take(self, position: int, standing: Standing) -> None:
        """Let what a stream says from ``position`` on replace what it said before."""
        subject = standing.subject
        if standing.numbers is None:
            standing.numbers = self._compare(position, subject)
            return
        gone: list[Spell] = []
        come: list[Spell] = []
        for slot, before, after in subject.news():
            if before is not None:
                days = _days(before, subject.occurred)
                gone.append(Spell(standing.numbers[slot], before.scope, days))
            one = stated(after, subject.occurred)
            number = standing.numbers[slot] = self._add(position, subject.name, one)
            come.append(Spell(number, one.scope, one.days))
        self._replace(position, gone, come)

    def _compare(self, position: int, subject: Subject) -> dict[Slot, int]:
        """Compare all that a stream says with what stands in the database."""
        self.flush()
        before = self._stored(subject.name)
        come: list[Spell] = []
        numbers: dict[Slot, int] = {}
        for slot, said in subject.said():
            one = stated(said, subject.occurred)
            same = before.get(one.name)
            if same:
                numbers[slot] = same.pop(0)
                continue
            numbers[slot] = self._add(position, subject.name, one)
            come.append(Spell(numbers[slot], one.scope, one.days))
        gone = [
            Spell(number, decoded(name[0], name[2]).scope, name[3])
            for name, rest in before.items()
            for number in rest
        ]
        subject.news()
        self._replace(position, gone, come)
        return numbers

    def _replace(self, position: int, gone: Sequence[Spell], come: Sequence[Spell]) -> None:
        for spell in gone:
            self._close(spell.statement, position)
        self._segments.take(position, gone, come)

    def flush(self) -> None:
        """Write what was taken in."""
        closed = (
            {"of_generation": self.generation, "number": number, "position": position}
            for number, position in self._closed.items()
        )
        _INSERT.run(self.connection, *self._new.values())
        _INSERT_SCOPE.run(self.connection, *self._scopes)
        _CLOSE.run(self.connection, *closed)
        self._segments.flush()
        self._new, self._scopes, self._closed = {}, [], {}

    def _stored(self, subject: str) -> dict[_Name, list[int]]:
        found: dict[_Name, list[int]] = {}
        asked = {"generation": self.generation, "subject": subject}
        for number, kind, key, body, day, day_until in self.connection.execute(_LIVE, asked):
            name = kind, key, bytes(body), (day, day_until)
            found.setdefault(name, []).append(number)
        return found

    def _add(self, position: int, subject: str, one: Statement) -> int:
        if self._last is None:
            (last,) = _LAST.first(self.connection, generation=self.generation) or (None,)
            self._last = last or 0
        self._last += 1
        self._new[self._last] = {
            "generation": self.generation,
            "statement": self._last,
            "kind": one.kind,
            "subject": subject,
            "key": one.key,
            "known_from": position,
            "known_until": FOREVER,
            "day": one.days[0],
            "day_until": one.days[1],
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
