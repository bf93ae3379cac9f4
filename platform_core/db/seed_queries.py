"""Every statement of the seed."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Row, Table, text

# Each COPY is one statement with its own time limit, queue of foreign keys to check, and rows held for the audit.
ROWS_IN_ONE_COPY = 100_000


def look(connection: Connection) -> Row[tuple[bool, bool]]:
    """Whether there are users already (`has_users`), and row-level security holds for this login (`restricted`)."""
    return connection.execute(
        text(
            "SELECT EXISTS (SELECT FROM agentadm.users) AS has_users, "
            "row_security_active('agentadm.users') AS restricted"
        )
    ).one()


def copy_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Load rows in constant memory.

    Args:
        connection: in a transaction; its driver connection is used.
        table: where to.
        columns: which of its columns the rows hold, in their order.
        rows: drawn as they are sent.

    Returns:
        How many there were.

    Raises:
        psycopg.Error: a rule of the schema was broken.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.schema or "public", table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    driver_connection = cast("psycopg.Connection", connection.connection.driver_connection)
    remaining: Iterator[Sequence[object]] = iter(rows)
    total = 0
    with driver_connection.cursor() as cursor:
        while batch := list(islice(remaining, 1)):
            with cursor.copy(statement) as copy:
                for row in chain(batch, islice(remaining, ROWS_IN_ONE_COPY - 1)):
                    copy.write_row(row)
            total += cursor.rowcount
    return total


def analyze(connection: Connection, table: Table) -> None:
    """Tell the planner of the rows now: autovacuum comes too late for whoever asks next."""
    connection.execute(text(f"ANALYZE {table.fullname}"))
