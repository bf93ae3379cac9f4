"""Every statement of the seed."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain, islice
from typing import NamedTuple, cast
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Row, Table, text

# Each COPY is one statement with its own time limit, queue of foreign keys to check, and rows held for the audit.
ROWS_IN_ONE_COPY = 100_000
ROWS_IN_ONE_PAGE = 20_000


LOOK = text(
    """
    SELECT row_security_active('agentadm.users') AS restricted,
        CASE
            WHEN EXISTS (SELECT FROM agentadm.users) THEN 'users'
            WHEN EXISTS (SELECT FROM agentadm.plans) THEN 'plans'
            WHEN EXISTS (SELECT FROM agentadm.ai_models) THEN 'models'
        END AS there
    """
)


def look(connection: Connection) -> Row[tuple[bool, str | None]]:
    """Whether row-level security holds for this login (`restricted`), and what is in the way of a seed (`there`)."""
    return connection.execute(LOOK).one()


def leave_to_us(connection: Connection, *, on: bool) -> None:
    """Have the triggers leave versions and own instances to whoever inserts; in this transaction, until it says so."""
    connection.execute(text("SELECT set_config('app.undoing', :value, true)"), {"value": "on" if on else ""})


def make_partitions(connection: Connection, table: Table, months: Iterable[date]) -> None:
    """Make the partitions of these months, where they are not there."""
    for month in months:
        connection.execute(
            text("SELECT agentadm.add_partition(CAST(:table AS regclass), :month)"),
            {"table": table.fullname, "month": month},
        )


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


class Customer(NamedTuple):
    """Somebody who is a customer at Stripe."""

    id: UUID
    username: str | None
    suspended: bool
    created_at: datetime
    deleted_at: datetime | None


# Each page is one short statement, between two COPY on the same connection.
CUSTOMERS = text(
    """
    SELECT u.id, u.username, u.status = 'suspended' AS suspended, u.created_at, u.deleted_at
    FROM agentadm.users u
    WHERE u.stripe_customer_id IS NOT NULL AND u.id > :after
    ORDER BY u.id LIMIT :page
    """
)


def customers(connection: Connection) -> Iterator[list[Customer]]:
    """Customers by their ids, a page at a time: drawing them once more would take longer."""
    after = UUID(int=0)
    while rows := connection.execute(CUSTOMERS, {"after": after, "page": ROWS_IN_ONE_PAGE}).all():
        yield [Customer(*row) for row in rows]
        after = rows[-1].id


def analyze(connection: Connection, table: Table) -> None:
    """Tell the planner of the rows now: autovacuum comes too late for whoever asks next."""
    connection.execute(text(f"ANALYZE {table.fullname}"))
