"""The two bases of all tables: rows of the control plane and rows of a workspace.

A query goes to the database whose session is open when it is made, and runs there or not at all.  A row remembers the
database that it came from (or was made in) and is saved nowhere else.  Relations are plain columns with ids: a lazy
foreign key would load a row from whatever scope happens to be open.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable
from functools import cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from peewee import SQL, ForeignKeyField, Metadata, Model, ModelSelect, Table

from appliance.db.bulk import Kind
from appliance.db.routing import CONTROL, WORKSPACE, Route, ScopeConflict


class RoutedMetadata(Metadata):  # type: ignore[misc]
    """Model metadata whose database is that of the running context."""

    route: Route
    _table: Any

    @property
    def database(self) -> Any:
        """The open database; outside of a scope the route itself, which refuses every use."""
        engine = self.route.engine()
        return self.route if engine is None else engine.database

    @database.setter
    def database(self, value: Any) -> None:
        self.route = value if isinstance(value, Route) else value.route

    @property
    def table(self) -> Any:
        """The table's name and columns, bound to no database."""
        if self._table is None:
            columns = [column.column_name for column in self.sorted_fields]
            self._table = Table(self.table_name, columns, schema=self.schema, _model=self.model)
        return self._table

    @table.deleter
    def table(self) -> None:
        self._table = None

    def set_database(self, database: Any) -> None:
        raise ScopeConflict(f"{self.model.__name__} follows its scope and is never bound to a database")

    def add_field(self, field_name: str, field: Any, set_attribute: bool = True) -> None:
        if isinstance(field, ForeignKeyField):
            raise TypeError(f"{self.model.__name__}.{field_name}: keep the id in a TextField, and REFERENCES in SQL")
        super().add_field(field_name, field, set_attribute)


def columns_of(model: Any) -> dict[str, Kind]:
    """The columns of a model with their kinds: what ``Engine.write_rows`` takes."""
    return {field.column_name: _KINDS[field.field_type] for field in model._meta.sorted_fields}


_KINDS: Final[dict[str, Kind]] = {"TEXT": "text", "FLOAT": "real", "INT": "integer", "BLOB": "bytes"}


@cache
def _every_column(model: Any) -> Any:
    """The columns of a model in their order, of the first table of a query."""
    return SQL(", ".join(f'"t1"."{field.column_name}"' for field in model._meta.sorted_fields))


@cache
def _plain_select(model: Any, equal: tuple[str, ...], null: tuple[str, ...], newest_first: str) -> str:
    """The columns of a model where some of them are given, and others null."""
    meta = model._meta
    columns = ", ".join(f'"{field.column_name}"' for field in meta.sorted_fields)
    where = [f'"{meta.fields[name].column_name}" = ?' for name in equal]
    where += [f'"{meta.fields[name].column_name}" IS NULL' for name in null]
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    order = f' ORDER BY "{meta.fields[newest_first].column_name}" DESC' if newest_first else ""
    return f'SELECT {columns} FROM "{meta.table_name}"{condition}{order}'


class _Joined(NamedTuple):
    """A question for a row and those that name it, and what becomes of their columns."""

    sql: str
    ours: Any
    theirs: Any


@cache
def _joined_select(model: Any, ours: tuple[str, ...], others: Any, theirs: tuple[str, ...], by: str) -> _Joined:
    """Columns of a row with an id; the id of another row that names it, which is never null, and columns of that."""
    one, other = model._meta, others._meta
    columns = [f'a."{one.fields[name].column_name}"' for name in ours]
    columns += [f'b."{other.fields[name].column_name}"' for name in ("id", *theirs)]
    joined = f'"{one.table_name}" a LEFT JOIN "{other.table_name}" b ON b."{other.fields[by].column_name}" = a."id"'
    sql = f'SELECT {", ".join(columns)} FROM {joined} WHERE a."id" = ?'
    return _Joined(sql, namedtuple(model.__name__, ours), namedtuple(others.__name__, theirs))


class RoutedSelect(ModelSelect):  # type: ignore[misc]
    """A query that gives the rows it has fetched to the scope that it ran in, and to no other.

    A query keeps its rows; one that a program holds on to would otherwise give them to whoever asks it next.
    """

    _ran_in: Any = None

    def __iter__(self) -> Any:
        self._require_home()
        return super().__iter__()

    def _execute(self, database: Any) -> Any:
        self._require_home()
        return super()._execute(database)

    def _ensure_execution(self) -> None:
        self._require_home()
        super()._ensure_execution()

    def _require_home(self) -> None:
        here = self.model._meta.route.require()
        if self._cursor_wrapper is None:
            self._ran_in = here
        elif self._ran_in is not here:
            raise ScopeConflict(f"rows of {self._ran_in.name} in the scope of {here.name}")


class _RoutedModel(Model):  # type: ignore[misc]
    """A row that belongs to the scope it was loaded or made in."""

    class Meta:
        model_metadata_class = RoutedMetadata
        database = CONTROL

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        engine = self._meta.route.engine()
        self._home = engine and engine.name
        super().__init__(*args, **kwargs)

    @classmethod
    def select(cls, *fields: Any) -> RoutedSelect:
        """A query of this model; its rows stay in the scope that it is run in."""
        model: Any = cls
        return RoutedSelect(cls, fields or model._meta.sorted_fields, is_default=not fields)

    @classmethod
    def every_column(cls) -> Any:
        """What to select where ``read`` makes rows of the answer; saying each column anew takes longer than asking."""
        model: Any = cls
        return _every_column(model)

    @classmethod
    def known(cls, **equal: Any) -> Any:
        """The row whose columns are ``equal``, or None: what every request asks, without building a query anew.

        Raises
        ------
        ScopeMissing : outside of a scope
        """
        return next(iter(cls.alike(**equal)), None)

    @classmethod
    def alike(cls, *, null: tuple[str, ...] = (), newest_first: str = "", **equal: Any) -> list[Any]:
        """The rows whose columns are ``equal`` (never None) and ``null``, by ``newest_first`` where it is named.

        A text with a NUL is in no row: PostgreSQL keeps none.
        """
        model: Any = cls
        engine = model._meta.route.require()
        if any(isinstance(value, str) and "\0" in value for value in equal.values()):
            return []
        sql = _plain_select(model, tuple(equal), null, newest_first)
        return cls.read(engine, engine.look_up(sql, *equal.values()))

    @classmethod
    def known_with(
        cls, ours: tuple[str, ...], others: Any, theirs: tuple[str, ...], by: str, row_id: str
    ) -> tuple[Any, list[Any]] | None:
        """Columns of the row with an id, and of the rows of ``others`` whose column ``by`` names it, the newest first.

        One question, whose answer holds the columns that were named and knows no other: these are no models.  None
        where there is no such row.  Raises as ``known`` does.
        """
        model: Any = cls
        engine, width = model._meta.route.require(), len(ours)
        joined = _joined_select(model, ours, others, theirs, by)
        found = engine.look_up(joined.sql, row_id) if "\0" not in row_id else []
        if not found:
            return None
        naming = sorted((row for row in found if row[width] is not None), key=itemgetter(width), reverse=True)
        return joined.ours._make(found[0][:width]), [joined.theirs._make(row[width + 1 :]) for row in naming]

    @classmethod
    def read(cls, engine: Any, found: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Rows as the database of ``engine`` has them, from all of their columns in their order.

        As ``__init__`` would make them: a page of a hundred rows is mostly that.
        """
        model: Any = cls
        names, new, rows = model._meta.sorted_field_names, cls.__new__, []
        for values in found:
            row: Any = new(cls)
            row._home, row._dirty, row.__rel__ = engine.name, set(), {}
            row.__data__ = dict(zip(names, values, strict=True))
            rows.append(row)
        return rows

    def save(self, *args: Any, **kwargs: Any) -> Any:
        """Write the row.

        Raises
        ------
        ScopeMissing : outside of a scope
        ScopeConflict : in another scope than its own
        """
        self._go_home()
        return super().save(*args, **kwargs)

    def delete_instance(self, *args: Any, **kwargs: Any) -> Any:
        """Delete the row; raises as ``save`` does."""
        self._go_home()
        return super().delete_instance(*args, **kwargs)

    def _go_home(self) -> None:
        here = self._meta.route.require().name
        if self._home not in (None, here):
            raise ScopeConflict(f"a {type(self).__name__} of {self._home} in the scope of {here}")
        self._home = here


class ControlModel(_RoutedModel):
    """Base of rows in the control database."""

    class Meta:
        model_metadata_class = RoutedMetadata
        database = CONTROL


class WorkspaceModel(_RoutedModel):
    """Base of rows in a workspace's own database."""

    class Meta:
        model_metadata_class = RoutedMetadata
        database = WORKSPACE
