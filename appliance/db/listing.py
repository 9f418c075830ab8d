"""Lists that are too long for one answer: in which order, from behind which item on, how many.

An order ends with the unique id, so that every item has one place in it; where a list goes on is a place, not a count,
so nothing is shown twice or left out whatever is added in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from peewee import FloatField, IntegerField, Tuple

from appliance.errors import InvalidInput

#: Rows of one page, and the most that one question returns.
PAGE: Final = 100
LARGEST_PAGE: Final = 500
#: What both backends hold as an integer.
_INTEGERS: Final = range(-(2**63), 2**63)

Value = str | int | float


@dataclass(frozen=True)
class Listing:
    """One page of a list.

    Attributes
    ----------
    sort : a column, ``-column`` for the greatest first; rows that are equal there follow their ids
    after : the place of the item before, as ``place`` gives it; empty: from the beginning on
    limit : the most items
    """

    sort: str = "id"
    after: tuple[Value, ...] = ()
    limit: int = PAGE

    @property
    def columns(self) -> tuple[str, ...]:
        """What the list is ordered by."""
        column = self.sort.removeprefix("-")
        return ("id",) if column == "id" else (column, "id")

    def place(self, row: Any) -> tuple[Value, ...]:
        """Where ``row`` stands in the list."""
        return tuple(getattr(row, column) for column in self.columns)

    def rows(self, model: Any, *conditions: Any, led_by: Any = None) -> list[Any]:
        """The rows of the open scope that meet all ``conditions``; ``led_by`` and errors are those of ``query``."""
        engine = model._meta.route.require()
        rows: list[Any] = model.read(engine, engine.answer(self.query(model, *conditions, led_by=led_by)))
        return rows

    def query(self, model: Any, *conditions: Any, led_by: Any = None) -> Any:
        """The question for these rows.

        ``led_by`` is a model that the conditions join, and that has the column of the order with the same values: its
        index gives the order.

        Raises
        ------
        InvalidInput : ``after`` is no place in this order
        """
        lead = led_by or model
        fields = [getattr(model if column == "id" else lead, column) for column in self.columns]
        is_falling = self.sort.startswith("-")
        if self.after:
            _require_place(fields, self.after)
            conditions = (*conditions, *_behind(fields, self.after, is_falling))
        query = model.select(model.every_column()).order_by(
            *(field.desc() if is_falling else field for field in fields)
        )
        if lead is not model:
            query = query.from_(model, lead)
        limited = query.limit(max(1, min(self.limit, LARGEST_PAGE)))
        return limited.where(*conditions) if conditions else limited


#: The order of making, from the beginning or from the end on.
WHOLE: Final = Listing()
NEWEST: Final = Listing("-id")


def equal(model: Any, **values: Any) -> list[Any]:
    """Conditions that columns have these values; None says nothing about its column."""
    return [getattr(model, name) == value for name, value in values.items() if value is not None]


def between(column: Any, since: Any = None, until: Any = None) -> list[Any]:
    """Conditions that ``since <= column < until``; None is no bound."""
    lower = [] if since is None else [column >= since]
    return lower if until is None else [*lower, column < until]


def _behind(fields: list[Any], place: tuple[Value, ...], is_falling: bool) -> list[Any]:
    """Conditions that a row stands behind ``place``.

    Where the order spans two tables, an index knows nothing of pairs: their first values are compared by themselves.
    """
    here, last, first = Tuple(*fields), Tuple(*place), fields[0]
    behind = [here < last if is_falling else here > last]
    if first.model is not fields[-1].model:
        behind.append(first <= place[0] if is_falling else first >= place[0])
    return behind


def _require_place(fields: list[Any], place: tuple[Value, ...]) -> None:
    if len(fields) != len(place) or not all(map(_is_of, fields, place)):
        raise InvalidInput("cursor.invalid", "This is no place in the list.", "Begin again without a cursor.")


def _is_of(field: Any, value: Value) -> bool:
    if isinstance(field, IntegerField):
        return type(value) is int and value in _INTEGERS
    return type(value) is float if isinstance(field, FloatField) else type(value) is str
