"""Statements that every append runs: written with SQLAlchemy, compiled once, run by the driver.

What SQLAlchemy does around a statement costs several times what SQLite needs to run it. So the few
that an append consists of skip it: their values are bound and their columns read by the types of
the tables, and what the driver raises is told as SQLAlchemy would.

    _LAST = Prepared(sa.select(sa.func.max(statement.c.statement)).where(…))
    _LAST.first(connection, generation=1)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc

_Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as one driver takes it.

    Attributes:
        pick: Takes the values, in the order in which they stand in the text.
        fixed: Values that belong to the statement.
        bind: What is done to some values on their way in, by place.
        read: What is done to some columns on their way out, by place.
    """

    text: str
    pick: Callable[[Mapping[str, object]], Sequence[object]]
    fixed: Mapping[str, object]
    bind: tuple[tuple[int, _Processor], ...]
    read: tuple[tuple[int, _Processor], ...]

    def values(self, told: Mapping[str, object]) -> Sequence[object]:
        picked = self.pick({**self.fixed, **told} if self.fixed else told)
        if not self.bind:
            return picked
        found = list(picked)
        for place, processor in self.bind:
            found[place] = processor(found[place])
        return found

    def row(self, found: Iterable[Any]) -> tuple[Any, ...]:
        row = list(found)
        for place, processor in self.read:
            row[place] = processor(row[place])
        return tuple(row)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement whose text is always the same."""

    statement: sa.Select[Any] | sa.Insert | sa.Update
    _compiled: dict[str, _Compiled] = field(default_factory=dict)

    def first(self, connection: sa.Connection, **values: object) -> tuple[Any, ...] | None:
        """Run it, and return the first row; None where there is none."""
        rows = self.rows(connection, **values)
        return rows[0] if rows else None

    def rows(self, connection: sa.Connection, **values: object) -> list[tuple[Any, ...]]:
        """Run it, and return all rows."""
        compiled = self._for(connection)
        found = _run(connection, compiled.text, compiled.values(values), _fetched)
        return [compiled.row(row) for row in found] if compiled.read else found

    def run(self, connection: sa.Connection, *rows: Mapping[str, object]) -> int:
        """Run it once for each of some rows of values, and return how many rows it touched."""
        if not rows:
            return 0
        compiled = self._for(connection)
        values = [compiled.values(row) for row in rows]
        many = len(values) > 1
        told = values if many else values[0]
        count: int = _run(connection, compiled.text, told, _touched, many=many)
        return count

    def _for(self, connection: sa.Connection) -> _Compiled:
        name = connection.dialect.name
        found = self._compiled.get(name)
        if found is None:
            found = self._compiled[name] = _compiled(self.statement, connection.dialect)
        return found


_PLACED: Final = {"sqlite": "qmark", "postgresql": "format"}


def _compiled(statement: sa.Select[Any] | sa.Insert | sa.Update, dialect: sa.Dialect) -> _Compiled:
    kind: Any = type(dialect)
    placed: sa.Dialect = kind(paramstyle=_PLACED[dialect.name])
    if isinstance(statement, sa.Insert):
        statement = statement.inline()
    made = statement.compile(dialect=placed)
    names = tuple(made.positiontup or ())
    types = [made.binds[name].type for name in names]
    return _Compiled(
        text=str(made),
        pick=_picking(names),
        fixed={name: value for name, value in made.params.items() if value is not None},
        bind=_processors(one.dialect_impl(placed).bind_processor(placed) for one in types),
        read=_processors(
            one.type.dialect_impl(placed).result_processor(placed, None)
            for one in statement.exported_columns
        ),
    )


def _picking(names: tuple[str, ...]) -> Callable[[Mapping[str, object]], Sequence[object]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda told: [told[name] for name in names]


def _processors(found: Iterable[_Processor | None]) -> tuple[tuple[int, _Processor], ...]:
    return tuple((place, one) for place, one in enumerate(found) if one is not None)


def _fetched(cursor: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 -- a driver's
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _touched(cursor: Any) -> int:  # noqa: ANN401 -- a driver's
    count: int = cursor.rowcount
    return count


def _run(
    connection: sa.Connection,
    text: str,
    values: Any,  # noqa: ANN401 -- one row or many
    result: Callable[[Any], Any],
    *,
    many: bool = False,
) -> Any:  # noqa: ANN401 -- what ``result`` returns
    if connection.invalidated:
        connection.scalar(sa.select(1))  # Raises what SQLAlchemy has to say.
    dialect = connection.dialect
    driver: Any = connection.connection.dbapi_connection
    cursor = driver.cursor()
    try:
        (cursor.executemany if many else cursor.execute)(text, values)
        return result(cursor)
    except dialect.dbapi.Error as error:  # type: ignore[union-attr]
        lost = dialect.is_disconnect(error, driver, cursor)
        told = exc.DBAPIError.instance(
            text,
            None,
            error,
            dialect.dbapi.Error,  # type: ignore[union-attr]
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        )
        if lost:
            connection.invalidate(error)
        raise told from error
    finally:
        cursor.close()
