"""A list that was asked for: one page of it, all of it, or all of it as the database writes it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Connection

from platform_core.db.schema import AnyRow
from platform_core.db.transaction_queries import database_now
from platform_core.errors import UsageError
from platform_core.listing import copy_queries, queries
from platform_core.listing.conditions import parse_condition, refuse_field
from platform_core.listing.copying import finished
from platform_core.listing.queries import ListSpec, Order
from platform_core.listing.types import CopyFormat, ListRequest, Page, Place
from platform_core.periods import parse_period

T = TypeVar("T")

# Of a stream: large enough that a statement's price is nothing, small enough to hold.
STREAM_ROWS = 5_000


class ListService(Generic[T]):
    """A list, checked and not yet read.

    Args:
        connection: inside a transaction; all pages are of its one moment.
        spec: what the noun's list can do.
        request: what was asked for.
        make: makes the noun's summary of a row.
        filters: conditions of the noun's own options.

    Raises:
        UsageError: an unknown field, or a value of the wrong type; the right ones are named.
    """

    def __init__(
        self,
        connection: Connection,
        spec: ListSpec,
        request: ListRequest,
        make: Callable[[AnyRow], T],
        filters: Sequence[ColumnElement[bool]] = (),
    ) -> None:
        self._connection = connection
        self._spec = spec
        self._request = request
        self._make = make
        self._order = _order(spec, request.sort)
        self._base = queries.base_statement(spec, [*filters, *self._clauses()])

    def page(self, after: Place | None = None) -> Page[T]:
        """One page, as long as the request says; one statement."""
        return self._page(self._request.limit or STREAM_ROWS, after)

    def stream(self) -> Iterator[T]:
        """All rows, whatever the limit, a page at a time."""
        place: Place | None = None
        while True:
            page = self._page(STREAM_ROWS, place)
            yield from page.rows
            if not page.more:
                return
            place = page.end

    def copy(self, output: CopyFormat, names: Sequence[str]) -> Iterator[bytes] | None:
        """All rows, written by the database, byte for byte as the renderer would; None where it cannot."""
        columns = {}
        for name in names:
            column = self._spec.columns.get(name)
            kind = None if column is None else copy_queries.copied_kind(column)
            if column is None or kind is None:
                return None
            columns[name] = (column, kind)
        # A line of one CSV column that is empty would be no line; and a name given twice is there once.
        if len(columns) != len(names) or (output is CopyFormat.CSV and len(names) == 1):
            return None
        form = copy_queries.Form(columns, output)
        return finished(copy_queries.rows(self._connection, self._base, self._order, form), output)

    def _page(self, limit: int, after: Place | None) -> Page[T]:
        rows = queries.page_rows(self._connection, self._base, self._order, after=after, limit=limit + 1)
        shown = rows[:limit]
        end = Place(shown[-1][-2], shown[-1][-1]) if shown else None
        return Page(tuple(self._make(row) for row in shown), len(rows) > limit, end)

    def _clauses(self) -> Iterator[ColumnElement[bool]]:
        @cache
        def now() -> datetime:
            return database_now(self._connection)

        request, spec = self._request, self._spec
        known = {name: field.known for name, field in spec.fields.items()}
        for text in request.where:
            condition = parse_condition(text, known, now)
            field = spec.fields[condition.field]
            yield queries.as_clause(field.column, field.kind, condition)
        if spec.time is None:
            return
        start = parse_period(request.since, now).start if request.since else None
        end = parse_period(request.until, now).until if request.until else None
        if start is not None or end is not None:
            yield queries.within(spec.time, start, end)


def _order(spec: ListSpec, asked: str | None) -> Order:
    wanted = asked or spec.default_sort
    name = wanted.removeprefix("-")
    if name not in spec.sorts:
        if name in spec.fields or name in spec.columns:
            raise UsageError(
                f"a list cannot be sorted by {name!r}: it has no index, and every page would read the whole table",
                f"--sort takes: {', '.join(spec.sorts)}; with a leading - from the greatest",
            )
        refuse_field(name, spec.sorts, what="no field to sort by:")
    return Order(spec.sorts[name], spec.key, wanted.startswith("-"))
