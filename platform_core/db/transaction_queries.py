"""What opens every transaction, and what time it is in one."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

# The beginning of a statement; more expressions may follow. Compiling by JIT would take longer than what we ask does.
SETTINGS = (
    "SELECT set_config('statement_timeout', :statement_timeout, true),"
    " set_config('lock_timeout', :lock_timeout, true), set_config('app.clock', :clock, true),"
    " set_config('jit', 'off', true)"
)
SET_UP = text(SETTINGS)


def set_up(connection: Connection, settings: Mapping[str, str]) -> None:
    """Set time-outs and the clock of a transaction, in one round trip."""
    connection.execute(SET_UP, settings)


def become_tenant(connection: Connection, user_id: UUID) -> None:
    """Read as a user, under row-level security, for the rest of the transaction."""
    connection.execute(
        text("SELECT set_config('app.current_user_id', :user, true), set_config('role', 'agentadm_tenant', true)"),
        {"user": str(user_id)},
    )


def database_now(connection: Connection) -> datetime:
    """The database's moment, which AGENTADM_CLOCK may set."""
    moment: datetime = connection.execute(text("SELECT agentadm.now()")).scalar_one()
    return moment
