"""What streams say, written into one generation as statements.

Each event may change what its stream says: what it no longer says is known until its position, what
it says from then on is known from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

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
"""What makes a statement another one where it changes: kind, key, body, and the days on which it
can matter, half-open."""


def _named(said: Said, occurred: Mapping[str, date]) -> _Name:
    """Return the name of what is said; ``occurred`` tells when the events of its stream did."""
    if isinstance(said, Observation):
        days = segments.days_of_observation(said)
        return OBSERVATION, said.occurred.event, _ENCODER.encode(said), days
    kind = DRAFT if said.draft else DIRECTIVE
    return kind, said.key, _ENCODER.encode(said), segments.days_of_text(said, occurred)


_LIVE: Final = Prepared(
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
    sa.select(
        *(
            sa.select(sa.func.max(column))
            .where(column.table.c.generation == sa.bindparam("of_generation"))
            .scalar_subquery()
            for column in (statement.c.statement, statement_scope.c.scope)
        )
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
_UNTIL: Final = list(statement.c.keys()).index("known_until")


@dataclass(slots=True)
class Writer:
    """Takes what streams say into one generation: kept in memory until ``flush``.

    Events come in position order; a batch, or a part of a rebuild, is written at once.
    """

    connection: sa.Connection
    generation: int
    _last: int | None = None
    _new: dict[int, list[Any]] = field(default_factory=dict)
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
        subject, spells = standing.subject, standing.spells
        if spells is None:
            standing.spells = self._compare(position, subject)
            return
        gone: list[Spell] = []
        come: list[Spell] = []
        for slot, before, after in subject.news():
            if before is not None:
                gone.append(spells[slot])
            name = _named(after, subject.occurred)
            spells[slot] = spell = self._add(position, subject.name, after.scope, name)
            come.append(spell)
        self._replace(position, gone, come)

    def _compare(self, position: int, subject: Subject) -> dict[Slot, Spell]:
        """Compare all that a stream says with what stands in the database."""
        self.flush()
        before = self._stored(subject.name)
        come: list[Spell] = []
        spells: dict[Slot, Spell] = {}
        for slot, said in subject.said():
            name = _named(said, subject.occurred)
            same = before.get(name)
            if same:
                spells[slot] = Spell(same.pop(0), said.scope, name[3])
                continue
            spells[slot] = self._add(position, subject.name, said.scope, name)
            come.append(spells[slot])
        gone = [
            Spell(number, decoded(name[0], name[2]).scope, name[3])
            for name, rest in before.items()
            for number in rest
        ]
        subject.news()
        self._replace(position, gone, come)
        return spells

    def _replace(self, position: int, gone: Sequence[Spell], come: Sequence[Spell]) -> None:
        for spell in gone:
            self._close(spell.statement, position)
        self._segments.take(position, gone, come)

    def flush(self) -> None:
        """Write what was taken in."""
        closed = [
            {"of_generation": self.generation, "number": number, "position": position}
            for number, position in self._closed.items()
        ]
        _INSERT.put(self.connection, [*self._new.values()])
        _CLOSE.run(self.connection, *closed)
        self._segments.flush()
        self._new, self._closed = {}, {}

    def _stored(self, subject: str) -> dict[_Name, list[int]]:
        found: dict[_Name, list[int]] = {}
        rows = _LIVE.rows(self.connection, generation=self.generation, subject=subject)
        for number, kind, key, body, day, day_until in rows:
            name = kind, key, bytes(body), (day, day_until)
            found.setdefault(name, []).append(number)
        return found

    def _add(self, position: int, subject: str, scope: Scope, name: _Name) -> Spell:
        if self._last is None:
            ((last, scopes),) = _LAST.rows(self.connection, of_generation=self.generation)
            self._last = last or 0
            self._segments.begin(scopes or 0)
        self._last += 1
        kind, key, body, days = name
        self._new[self._last] = [
            self.generation,
            self._last,
            kind,
            subject,
            key,
            position,
            FOREVER,
            *days,
            body,
        ]
        return Spell(self._last, scope, days)

    def _close(self, number: int, position: int) -> None:
        if number in self._new:
            self._new[number][_UNTIL] = position
        else:
            self._closed[number] = position
