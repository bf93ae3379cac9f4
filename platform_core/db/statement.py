"""One statement, run again and again: by libpq itself, at half of what a cursor costs beside it."""

import select
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.pq.abc import PGresult

NAME = b"agentadm"
CANCEL_SECONDS = 5.0


class Statement:
    """A statement of one row.

    Args:
        connection: on which every statement stands alone; where it may not prepare any, this one is sent each time.
        sql: with $1 and so on; each value goes as text.

    Raises:
        psycopg.Error: the database refuses it.
    """

    def __init__(self, connection: psycopg.Connection[Any], sql: str) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._sql = sql.encode()
        self._poll = select.poll()
        self._poll.register(self._libpq.socket, select.POLLIN)
        self._prepared = connection.prepare_threshold is not None
        if self._prepared:
            self._libpq.send_prepare(NAME, self._sql)
            self._answer()

    def row(self, *values: object) -> list[str | None]:
        """The values of the one row that it answers with, as text.

        Raises:
            psycopg.Error: the database does not answer, or says no.
        """
        given: Sequence[bytes | None] = [None if value is None else str(value).encode() for value in values]
        if self._prepared:
            self._libpq.send_query_prepared(NAME, given)
        else:
            self._libpq.send_query_params(self._sql, given)
        answer = self._answer()
        found = (answer.get_value(0, place) for place in range(answer.nfields))
        return [None if value is None else value.decode() for value in found]

    def _answer(self) -> PGresult:
        """What the database says; a signal ends the wait."""
        self._libpq.flush()
        try:
            self._libpq.consume_input()
            while self._libpq.is_busy():
                self._poll.poll()
                self._libpq.consume_input()
        except KeyboardInterrupt:
            self._connection.cancel_safe(timeout=CANCEL_SECONDS)
            raise
        found = self._libpq.get_result()
        while self._libpq.get_result() is not None:
            pass
        if found is None:
            raise psycopg.OperationalError("the connection is lost")
        if found.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
            raise errors.error_from_result(found, encoding="utf-8")
        return found
