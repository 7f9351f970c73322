"""Statements that every append runs: written with SQLAlchemy, compiled once, run by the driver.

What SQLAlchemy does around a statement costs several times what SQLite needs to run it. So the few
that an append consists of skip it: their values are bound and their columns read by the types of
the tables, and what the driver raises is told as SQLAlchemy would.

    _LAST = Prepared(sa.select(sa.func.max(statement.c.statement)).where(…))
    _LAST.first(connection, generation=1)

    _INSERT = Prepared(sa.insert(horizon))
    _INSERT.put(connection, [(1, 17, 4711, 738000)])

To PostgreSQL many rows are copied, and some are one statement, by a list for each column. All
statements of an append could go in a pipeline, without waiting for the answer of each; measured,
that saves some hundredths of it, so they do not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

_Processor = Callable[[Any], Any]
_Result = TypeVar("_Result")

MANY: Final = 20
"""Rows that are copied to PostgreSQL rather than inserted one by one."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as one driver takes it.

    Attributes:
        pick: Takes the values, in the order in which they stand in the text.
        fixed: Values that belong to the statement.
        bind: What is done to some values on their way in, by place.
        read: What is done to some columns on their way out, by place.
        copy: Where the driver can do it, how rows of an insert are copied. ``spread``: how some
            are inserted by a list for each column.
    """

    text: str
    pick: Callable[[Mapping[str, object]], Sequence[object]]
    fixed: Mapping[str, object]
    bind: tuple[tuple[int, _Processor], ...]
    read: tuple[tuple[int, _Processor], ...]
    copy: str | None
    spread: str | None

    def values(self, told: Mapping[str, object]) -> Sequence[object]:
        return self.bound(self.pick({**self.fixed, **told} if self.fixed else told))

    def bound(self, row: Sequence[object]) -> Sequence[object]:
        if not self.bind:
            return row
        found = list(row)
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
        told = compiled.values(values)

        def fetched(cursor: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 -- a driver's
            cursor.execute(compiled.text, told)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

        found = _run(connection, compiled.text, fetched)
        return [compiled.row(row) for row in found] if compiled.read else found

    def run(self, connection: sa.Connection, *rows: Mapping[str, object]) -> None:
        """Run it once for each of some rows of values."""
        compiled = self._for(connection)
        self._run_all(connection, compiled, [compiled.values(row) for row in rows])

    def put(self, connection: sa.Connection, rows: Sequence[Sequence[object]]) -> None:
        """Insert rows that have a value for each column of the table, in its order."""
        compiled = self._for(connection)
        if compiled.bind:
            rows = list(map(compiled.bound, rows))
        copy, spread = compiled.copy, compiled.spread
        if copy is None or spread is None or len(rows) < 2:  # noqa: PLR2004 -- one, or none
            self._run_all(connection, compiled, rows)
            return
        if len(rows) < MANY:
            columns = list(map(list, zip(*rows, strict=True)))
            _run(connection, spread, lambda cursor: cursor.execute(spread, columns))
            return

        def copied(cursor: Any) -> None:  # noqa: ANN401 -- a driver's
            with cursor.copy(copy) as target:
                for row in rows:
                    target.write_row(row)

        _run(connection, copy, copied)

    def _run_all(
        self, connection: sa.Connection, compiled: _Compiled, rows: Sequence[Sequence[object]]
    ) -> None:
        if len(rows) == 1:
            _run(connection, compiled.text, lambda cursor: cursor.execute(compiled.text, rows[0]))
        elif rows:
            _run(connection, compiled.text, lambda cursor: cursor.executemany(compiled.text, rows))

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
        bind=_processors(_binding(one, placed) for one in types),
        read=_processors(_reading(one.type, placed) for one in statement.exported_columns),
        copy=_copying(statement, placed) if dialect.name == "postgresql" else None,
        spread=_spreading(statement, placed) if dialect.name == "postgresql" else None,
    )


def _picking(names: tuple[str, ...]) -> Callable[[Mapping[str, object]], Sequence[object]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda told: [told[name] for name in names]


def _binding(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> _Processor | None:
    if isinstance(kind, sa.LargeBinary):  # Both drivers take bytes as they are.
        return None
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reading(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> _Processor | None:
    if isinstance(kind, sa.LargeBinary):  # Both drivers give bytes.
        return None
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _copying(statement: object, dialect: sa.Dialect) -> str | None:
    if not isinstance(statement, sa.Insert):
        return None
    quoted = dialect.identifier_preparer
    columns = ", ".join(map(quoted.format_column, statement.table.c))
    return f"COPY {quoted.format_table(statement.table)} ({columns}) FROM STDIN"


def _spreading(statement: object, dialect: sa.Dialect) -> str | None:
    if not isinstance(statement, sa.Insert):
        return None
    quoted, columns = dialect.identifier_preparer, statement.table.c
    names = ", ".join(map(quoted.format_column, columns))
    kinds = (one.type.compile(dialect).partition(" COLLATE")[0] for one in columns)
    lists = ", ".join(f"%s::{kind}[]" for kind in kinds)
    table = quoted.format_table(statement.table)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({lists})"  # noqa: S608 -- our names


def _processors(found: Iterable[_Processor | None]) -> tuple[tuple[int, _Processor], ...]:
    return tuple((place, one) for place, one in enumerate(found) if one is not None)


def _run(connection: sa.Connection, text: str, act: Callable[[Any], _Result]) -> _Result:
    """Have a cursor of the driver do something; what it raises is told as SQLAlchemy would."""
    if connection.invalidated:
        connection.scalar(sa.select(1))  # Raises what SQLAlchemy has to say.
    dialect: Any = connection.dialect
    driver: Any = connection.connection.dbapi_connection
    cursor: Any = None
    try:
        cursor = driver.cursor()
        return act(cursor)
    except dialect.dbapi.Error as error:
        lost = dialect.is_disconnect(error, driver, cursor)
        told = exc.DBAPIError.instance(
            text,
            None,
            error,
            dialect.dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        )
        if lost:
            connection.invalidate(error)
        raise told from error
    finally:
        if cursor is not None:
            cursor.close()
