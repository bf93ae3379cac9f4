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

# The same for a whole session in which every statement stands alone, and often; for psycopg itself. A look-up by an
# array is planned anew each time otherwise, and that takes longer than all the rest.
OF_SESSION = (
    "SELECT set_config('statement_timeout', %(statement_timeout)s, false),"
    " set_config('lock_timeout', %(lock_timeout)s, false), set_config('app.clock', %(clock)s, false),"
    " set_config('jit', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('default_transaction_read_only', 'on', false)"
)
# Behind a pooler the process that we were told of is another than the one that answers.
OWN_PROCESS = "SELECT pg_backend_pid()"


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


NOTE_CHANGE = text(
    "SELECT set_config('app.change_notes', :notes, true), set_config('app.changed_by', :changed_by, true)"
)


def note_change(connection: Connection, notes: str | None, changed_by: UUID | None) -> None:
    """Say what the next version is to keep of its making: until the end of the transaction, or the next such note."""
    connection.execute(NOTE_CHANGE, {"notes": notes or "", "changed_by": "" if changed_by is None else str(changed_by)})
