"""Lists as COPY: the database writes what the renderer would, byte for byte."""

from collections.abc import Iterator, Mapping
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
    Text,
    Uuid,
    cast,
    func,
    literal,
    text,
)

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
# A reader may take longer than a statement may: what waits here is the pipe.
SET_UP = text(
    "SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),"
    " set_config('statement_timeout', '0', true)"
)


def copied_kind(column: ColumnElement[Any]) -> Kind | None:
    """What a column holds, as far as the database writes it like the renderer; else None."""
    return next((kind for wanted, kind in COPIED if isinstance(column.type, wanted)), None)


def statement(
    base: Select[*tuple[Any, ...]],
    order: Order,
    columns: Mapping[str, tuple[ColumnElement[Any], Kind]],
    output: CopyFormat,
) -> Select[*tuple[Any, ...]]:
    """The whole list in order, each row as it is to be written."""
    if order.sort.nullable:
        column = order.sort.column
        ordering = column.desc() if order.descending else column.asc()
        base = base.order_by(ordering.nulls_last(), order.key.desc() if order.descending else order.key.asc())
    else:
        base = ordered(base, order, nulls=False)
    if output is CopyFormat.CSV:
        return base.with_only_columns(*(_csv_cell(column, kind).label(None) for column, kind in columns.values()))
    first, between, last = ("{", ", ", "}")
    if output is CopyFormat.JSON:
        end = LINE_END.decode()
        first, between, last = f"  {{{end}    ", f",{end}    ", f"{end}  }}"
    parts: list[Any] = []
    for place, (name, (column, kind)) in enumerate(columns.items()):
        parts += [f'{between if place else first}"{name}": ', *_json_value(column, kind)]
    return base.with_only_columns(func.concat(*parts, last))


def rows(connection: Connection, wanted: Select[*tuple[Any, ...]], output: CopyFormat) -> Iterator[bytes]:
    """The rows of a statement as COPY writes them. The server takes no parameters here: the driver quotes them."""
    connection.execute(SET_UP)
    compiled = wanted.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    driver: Any = connection.connection.driver_connection
    command = f"COPY ({compiled}) TO STDOUT ({OPTIONS[output]})"
    with driver.cursor() as cursor, cursor.copy(command, compiled.params) as copy:
        yield from copy


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
