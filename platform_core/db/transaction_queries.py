"""The statement that opens every transaction."""

from collections.abc import Mapping

from sqlalchemy import Connection, text

SET_UP = text(
    "SELECT set_config('statement_timeout', :statement_timeout, true),"
    " set_config('lock_timeout', :lock_timeout, true), set_config('app.clock', :clock, true)"
)


def set_up(connection: Connection, settings: Mapping[str, str]) -> None:
    """Set time-outs and the clock of a transaction, in one round trip."""
    connection.execute(SET_UP, settings)
