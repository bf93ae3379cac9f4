"""Lists as COPY: the database writes what the renderer would, byte for byte."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    Select,
    String,
    Table,
    Text,
    Uuid,
    cast,
    func,
    literal,
    text,
)
from sqlalchemy.engine import Compiled

from platform_core.db.copy_out import CopyOut, in_turn
from platform_core.db.engine import DRIVER_ERRORS
from platform_core.db.transaction_queries import set_up
from platform_core.listing.conditions import Kind
from platform_core.listing.copying import LINE_END
from platform_core.listing.queries import Order, ordered
from platform_core.listing.types import CopyFormat

# What is written as the renderer writes it; numbers with decimals and JSON are left to the renderer.
COPIED: tuple[tuple[type[Any], Kind], ...] = (
    (Boolean, Kind.BOOLEAN),
    (Integer, Kind.INTEGER),
    (DateTime, Kind.TIME),
    (Uuid, Kind.ID),
    (String, Kind.TEXT),
)
# A quote and a delimiter that JSON cannot hold: each line is the value itself.
OPTIONS = {
    CopyFormat.CSV: "FORMAT csv, ENCODING 'UTF8'",
    CopyFormat.JSONL: r"FORMAT csv, ENCODING 'UTF8', QUOTE E'\x01', DELIMITER E'\x02'",
    CopyFormat.JSON: r"FORMAT csv, ENCODING 'UTF8', QUOTE E'\x01', DELIMITER E'\x02'",
}
# A reader may take longer than a statement may: what waits here is the pipe. Rows that an index gives in order come at
# once, and are read while others are made; where there is none, they are to be sorted in memory.
SET_UP = text(
    "SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),"
    " set_config('statement_timeout', '0', true), set_config('random_page_cost', '1.1', true), set_config('work_mem',"
    " greatest(pg_size_bytes(current_setting('work_mem')), 67108864) / 1024 || 'kB', true)"
)
# Of two connections each has a core to itself, and no need of helpers.
ALONE = text("SELECT set_config('max_parallel_workers_per_gather', '0', true)")
# From so many rows on a second connection is worth its price.
LONG = 100_000
# What tells another transaction of the same login what this one sees, and at which time.
MOMENT = text(
    "SELECT pg_export_snapshot() AS snapshot, current_setting('statement_timeout') AS statement_timeout,"
    " current_setting('lock_timeout') AS lock_timeout, current_setting('app.clock') AS clock"
)
# The middle of a column, by the planner's statistics; nothing of a short table, nor with somebody else's eyes.
MIDDLE = (
    "SELECT (histogram_bounds::text::{type}[])[(1 + cardinality(histogram_bounds::text::text[])) / 2]"
    " FROM pg_stats WHERE schemaname = 'agentadm' AND tablename = :table AND attname = :column"
    " AND current_setting('role') = 'none' AND EXISTS ("
    "SELECT FROM pg_class WHERE oid = to_regclass('agentadm.' || :table) AND reltuples >= :rows)"
)


@dataclass(frozen=True)
class Form:
    """How rows are written: the columns in order, each with what it holds, and the form of all."""

    columns: Mapping[str, tuple[ColumnElement[Any], Kind]]
    output: CopyFormat


def copied_kind(column: ColumnElement[Any]) -> Kind | None:
    """What a column holds, as far as the database writes it like the renderer; else None."""
    return next((kind for wanted, kind in COPIED if isinstance(column.type, wanted)), None)


def _in_form(base: Select[*tuple[Any, ...]], order: Order, form: Form) -> Select[*tuple[Any, ...]]:
    if order.sort.nullable:
        column = order.sort.column
        ordering = column.desc() if order.descending else column.asc()
        base = base.order_by(ordering.nulls_last(), order.key.desc() if order.descending else order.key.asc())
    else:
        base = ordered(base, order, nulls=False)
    if form.output is CopyFormat.CSV:
        cells = (_csv_cell(column, kind).label(None) for column, kind in form.columns.values())
        return base.with_only_columns(*cells)
    first, between, last = ("{", ", ", "}")
    if form.output is CopyFormat.JSON:
        end = LINE_END.decode()
        first, between, last = f"  {{{end}    ", f",{end}    ", f"{end}  }}"
    parts: list[Any] = []
    for place, (name, (column, kind)) in enumerate(form.columns.items()):
        parts += [f'{between if place else first}"{name}": ', *_json_value(column, kind)]
    return base.with_only_columns(func.concat(*parts, last))


def rows(connection: Connection, base: Select[*tuple[Any, ...]], order: Order, form: Form) -> Generator[bytes]:
    """The whole list as COPY writes it, in chunks of whole rows.

    A long one is read in two halves at the same time, the other by a connection that sees the same moment.
    """
    connection.execute(SET_UP)
    with ExitStack() as stack:
        parts = [(connection, base)]
        middle = _middle(connection, base, order)
        other = None if middle is None else stack.enter_context(_beside(connection))
        if other is not None:
            column = order.sort.column
            halves = (base.where(column >= middle), base.where(column < middle))
            connection.execute(ALONE)
            other.execute(ALONE)
            parts = list(zip((connection, other), halves if order.descending else reversed(halves), strict=True))
        begun = [_begun(one, _in_form(part, order, form), form.output) for one, part in parts]
        yield from stack.enter_context(closing(in_turn(begun)))


def _begun(connection: Connection, wanted: Select[*tuple[Any, ...]], output: CopyFormat) -> CopyOut:
    compiled = _compiled(connection, wanted)
    driver: Any = connection.connection.driver_connection
    return CopyOut(driver, f"COPY ({compiled}) TO STDOUT ({OPTIONS[output]})", compiled.params)


def _compiled(connection: Connection, statement: Select[*tuple[Any, ...]]) -> Compiled:
    """A statement as text, to stand within another."""
    return statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})


def _middle(connection: Connection, base: Select[*tuple[Any, ...]], order: Order) -> ColumnElement[Any] | None:
    """Where to cut a list in two; None where it is short, or nothing is known of it."""
    column = order.sort.column
    table = getattr(column, "table", None)
    if order.sort.nullable or not isinstance(table, Table):
        return None
    query = text(MIDDLE.format(type=column.type.compile(dialect=connection.dialect)))
    named = {"table": table.name, "column": column.name, "rows": LONG}
    middle = connection.execute(query, named).scalar()
    if middle is None:
        return None
    compiled = _compiled(connection, base)
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}", compiled.params).scalar_one()
    return literal(middle, column.type) if plan[0]["Plan"]["Plan Rows"] >= LONG else None


@contextmanager
def _beside(connection: Connection) -> Iterator[Connection | None]:
    """Another connection that sees the moment of this one; None where the server gives none."""
    moment = connection.execute(MOMENT).mappings().one()
    with ExitStack() as stack:
        other = None
        try:
            other = connection.engine.connect()
            stack.callback(other.invalidate)
            other = other.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            other.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{moment['snapshot']}'")
            set_up(other, {name: moment[name] for name in ("statement_timeout", "lock_timeout", "clock")})
            other.execute(SET_UP)
        except DRIVER_ERRORS:
            other = None
        yield other


def _csv_cell(column: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
    if kind is Kind.TIME:
        return _time(column)
    return cast(column, Text) if kind is Kind.BOOLEAN else column


def _json_value(column: ColumnElement[Any], kind: Kind) -> list[Any]:
    """What makes the value, to be put together; each function that is left out saves a tenth of the whole."""
    nullable = getattr(column, "nullable", True)
    if kind is Kind.TEXT:
        return [func.coalesce(func.to_json(column), cast("null", JSON)) if nullable else func.to_json(column)]
    if kind is Kind.TIME:
        written = literal('"', Text()) + _time(column) + literal('"', Text())
        return [func.coalesce(written, "null") if nullable else written]
    if nullable:
        quote = '"' if kind is Kind.ID else ""
        return [func.coalesce(literal(quote, Text()) + cast(column, Text) + literal(quote, Text()), "null")]
    return ['"', column, '"'] if kind is Kind.ID else [cast(column, Text)]


def _time(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """RFC 3339 in UTC, which SET_UP made the session's zone. Half the cost of to_char."""
    written = cast(cast(column, DateTime(timezone=False)), Text)
    return func.replace(written, " ", "T", type_=Text()) + literal("Z", Text())
