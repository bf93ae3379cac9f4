"""The statement of a list: filters, order and place as SQL. Every value is a bound parameter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    FromClause,
    Integer,
    Numeric,
    Select,
    String,
    Table,
    Text,
    Uuid,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
)

from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Condition, Kind, Known, Operator
from platform_core.listing.types import Place
from platform_core.periods import Period

# The names of what is read beside the columns, to go on from there.
SORT_LABEL, KEY_LABEL = "list_sort", "list_key"
KINDS: tuple[tuple[type[Any], Kind], ...] = (
    (Boolean, Kind.BOOLEAN),
    (Integer, Kind.INTEGER),
    (Numeric, Kind.DECIMAL),
    (DateTime, Kind.TIME),
    (Uuid, Kind.ID),
    (String, Kind.TEXT),
)
LITERAL_TYPES: dict[Kind, Any] = {
    Kind.TEXT: Text(),
    Kind.WORD: Text(),
    Kind.INTEGER: BigInteger(),
    Kind.DECIMAL: Numeric(),
    Kind.BOOLEAN: Boolean(),
    Kind.ID: Uuid(),
    Kind.TIME: DateTime(timezone=True),
}


@dataclass(frozen=True)
class Field:
    """A field that --where may ask for."""

    column: ColumnElement[Any]
    kind: Kind
    words: tuple[str, ...] = ()

    @property
    def known(self) -> Known:
        """What reading a condition needs to know of it."""
        return Known(self.kind, self.words)


@dataclass(frozen=True)
class Sort:
    """A field that --sort may name: one with an index, or every page would cost a pass over the table.

    A nullable one is read in two parts, so that both use the index and NULLs come last in both directions.
    """

    column: ColumnElement[Any]
    nullable: bool = False


@dataclass(frozen=True)
class ListSpec:
    """What a noun's list can do.

    Attributes:
        fields: what --where may ask for.
        columns: what a row has, by name and in order; each is a dataclass field of the noun's summary.
        sorts: what --sort may name.
        default_sort: the order when none is asked for.
        key: what tells rows with the same sort value apart, in an order of its own: the id.
        time: the field of --since and --until; None where there are none.
        source: what the columns are read from, where that is a join; of an inner one the filters may say it, too.
    """

    fields: Mapping[str, Field]
    columns: Mapping[str, ColumnElement[Any]]
    sorts: Mapping[str, Sort]
    default_sort: str
    key: ColumnElement[Any]
    time: ColumnElement[datetime] | None = None
    source: FromClause | None = None


@dataclass(frozen=True)
class Order:
    """The order of one list."""

    sort: Sort
    key: ColumnElement[Any]
    descending: bool


def fields_of(
    table: Table, *, words: Mapping[str, Sequence[str]], leave_out: frozenset[str] = frozenset()
) -> dict[str, Field]:
    """The fields of a table that a condition can be typed for: all but JSON and arrays.

    Args:
        table: whose columns they are.
        words: the words of the columns that hold one of few.
        leave_out: columns that are nobody's business.
    """
    found = {}
    for column in table.columns:
        kind = next((kind for wanted, kind in KINDS if isinstance(column.type, wanted)), None)
        if kind is None or column.name in leave_out:
            continue
        few = tuple(str(word) for word in words.get(column.name, ()))
        found[column.name] = Field(column, Kind.WORD if few else kind, few)
    return found


def as_clause(column: ColumnElement[Any], kind: Kind, condition: Condition) -> ColumnElement[bool]:
    """A condition as SQL."""
    operator, value = condition.operator, condition.value
    if value is None:
        return column.is_(None) if operator is Operator.EQUAL else column.is_not(None)
    if kind is Kind.TIME:
        return _time_clause(column, operator, value)
    return COMPARE[operator](column, literal(value, LITERAL_TYPES[kind]))


COMPARE: dict[Operator, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    Operator.EQUAL: lambda column, value: column == value,
    # What has no value is not equal to it either.
    Operator.NOT_EQUAL: lambda column, value: column.is_distinct_from(value),
    Operator.ABOVE: lambda column, value: column > value,
    Operator.AT_LEAST: lambda column, value: column >= value,
    Operator.BELOW: lambda column, value: column < value,
    Operator.AT_MOST: lambda column, value: column <= value,
    # Whatever the case; nothing in the text is a wildcard.
    Operator.CONTAINS: lambda column, value: func.strpos(func.lower(column), func.lower(value)) > 0,
}


def within(column: ColumnElement[Any], start: datetime | None, end: datetime | None) -> ColumnElement[bool]:
    """Whether a time is in [start, end); open where None."""
    kind = LITERAL_TYPES[Kind.TIME]
    clauses = [column >= literal(start, kind)] if start is not None else []
    clauses += [column < literal(end, kind)] if end is not None else []
    return and_(*clauses) if clauses else column.is_not(None)


def _time_clause(column: ColumnElement[Any], operator: Operator, period: Period) -> ColumnElement[bool]:
    start, end = period.start, period.end
    match operator:
        case Operator.EQUAL:
            return within(column, start, end)
        case Operator.NOT_EQUAL:
            return or_(column.is_(None), not_(within(column, start, end)))
        case Operator.AT_LEAST:
            return within(column, start, None)
        case Operator.AT_MOST:
            return within(column, None, end)
        case Operator.ABOVE:
            return false() if end is None else within(column, end, None)
        case _:
            before = end if period.ahead else start
            return false() if before is None else within(column, None, before)


def ordered(base: Select[*tuple[Any, ...]], order: Order, *, nulls: bool) -> Select[*tuple[Any, ...]]:
    """One part of a list in its order: the rows that have a value to sort by, or those that have none."""
    column, key = order.sort.column, order.key
    if order.sort.nullable:
        base = base.where(column.is_(None) if nulls else column.is_not(None))
    keys = [key] if nulls or column is key else [column, key]
    return base.order_by(*(one.desc() if order.descending else one.asc() for one in keys))


def page_rows(
    connection: Connection,
    base: Select[*tuple[Any, ...]],
    order: Order,
    *,
    after: Place | None,
    limit: int,
) -> list[AnyRow]:
    """A page in one statement; in two only where it reaches the rows without a value to sort by."""
    marked = base.add_columns(order.sort.column.label(SORT_LABEL), order.key.label(KEY_LABEL))
    rows: list[AnyRow] = []
    in_nulls = after is not None and order.sort.nullable and after.value is None
    for nulls in (False, True) if order.sort.nullable else (False,):
        if nulls < in_nulls or len(rows) == limit:
            continue
        part = ordered(marked, order, nulls=nulls)
        if after is not None and nulls == in_nulls:
            part = part.where(_beyond(order, after, nulls=nulls))
        rows += connection.execute(part.limit(limit - len(rows))).all()
    return rows


def _beyond(order: Order, after: Place, *, nulls: bool) -> ColumnElement[bool]:
    column, key = order.sort.column, order.key
    last_key = literal(after.key, key.type)
    if nulls or column is key:
        return key < last_key if order.descending else key > last_key
    here, there = tuple_(column, key), tuple_(literal(after.value, column.type), last_key)
    return here < there if order.descending else here > there


def base_statement(spec: ListSpec, clauses: Sequence[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    """The rows of a list, not yet in order."""
    rows = select(*(column.label(name) for name, column in spec.columns.items())).where(*clauses)
    return rows if spec.source is None else rows.select_from(spec.source)
