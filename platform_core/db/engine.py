"""The connection: one for a process, made when first needed; and the translation of what drivers say, once."""

import os
import re
import socket
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from platform_core.errors import AgentadmError, Conflict, MissingPrivilege, NotPermitted, TryAgain, UsageError

if TYPE_CHECKING:
    from platform_core.config import Settings

CONNECT_TIMEOUT_SECONDS = 10
APPLICATION_NAME = "agentadm"


class Database:
    """The way to the configured database.

    Args:
        settings: says which database; the embedded server is started when it does not answer.
        trace: is told each statement with its duration, never its parameters; None for silence.
    """

    def __init__(self, settings: "Settings", trace: Callable[[str], None] | None = None) -> None:
        self.settings = settings
        self._trace = trace
        self._kept: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The process's one connection, made when first needed, and again when it was lost."""
        if self._kept is not None and (self._kept.closed or self._kept.invalidated):
            self._kept = None
        if self._kept is None:
            self._kept = self.connect()
        return self._kept

    def close(self) -> None:
        """Give the kept connection back; whatever was open is rolled back."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def forget(self) -> None:
        """Drop the kept connection without a word to the server: its state is not known."""
        if self._kept is not None:
            self._kept.invalidate()
            self._kept = None

    @cached_property
    def engine(self) -> Engine:
        """An engine without a pool: a command needs one connection, and keeps it."""
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self.raw_connection,
            poolclass=NullPool,
            # The server is asked for what is needed and no more.
            use_native_hstore=False,
            skip_autocommit_rollback=True,
            # What an error shows is seen by people: statements without what was given, as in --debug.
            hide_parameters=True,
        )
        if self._trace is not None:
            _trace_statements(engine, self._trace)
        return engine

    @property
    def conninfo(self) -> str:
        """The libpq connection string. Holds the password: never show it."""
        url = self.settings.target.url
        return self.settings.embedded_server.conninfo() if url is None else url

    @property
    def where(self) -> str:
        """The database without its password: user, host, port and name."""
        parameters = _parameters(self.conninfo)
        host = parameters.get("host") or "local socket"
        port = f":{parameters['port']}" if parameters.get("port") else ""
        return f"{parameters.get('user') or os_user()}@{host}{port}/{parameters.get('dbname') or ''}"

    def connect(self) -> Connection:
        """A new connection.

        Raises:
            TryAgain: the database cannot be reached.
            NotPermitted: it refuses the login.
        """
        try:
            return self.engine.connect()
        except (DBAPIError, psycopg.Error) as error:
            raise translated(error) from error

    def raw_connection(self) -> psycopg.Connection[Any]:
        """A new psycopg connection; starts the embedded server when it does not answer."""
        conninfo = self.conninfo
        try:
            return self._connect(conninfo)
        except psycopg.OperationalError:
            if not self.settings.target.embedded:
                raise
            self.settings.embedded_server.start()
            return self._connect(conninfo)

    @staticmethod
    def _connect(conninfo: str) -> psycopg.Connection[Any]:
        parameters = _parameters(conninfo)
        parameters.setdefault("connect_timeout", CONNECT_TIMEOUT_SECONDS)
        parameters.setdefault("application_name", APPLICATION_NAME)
        # Text is Unicode here, whatever the environment, the role or the database says.
        parameters["client_encoding"] = "UTF8"
        # Behind a transaction pooler a prepared statement is on another server the next time.
        return psycopg.connect(**parameters, prepare_threshold=None)


def _parameters(conninfo: str) -> dict[str, Any]:
    try:
        return psycopg.conninfo.conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError as error:
        raise UsageError(f"the database URL is malformed: {str(error).strip()}") from None


def _trace_statements(engine: Engine, trace: Callable[[str], None]) -> None:
    begun: dict[int, float] = {}

    def before(_connection: Any, cursor: Any, *_: Any) -> None:
        begun[id(cursor)] = time.perf_counter()

    def after(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        seconds = time.perf_counter() - begun.pop(id(cursor))
        trace(f"sql {seconds * 1000:.1f} ms: {' '.join(statement.split())}")

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)


DRIVER_ERRORS = (DBAPIError, psycopg.Error)


def roll_back(connection: Connection) -> None:
    """End the transaction without a trace; a connection that cannot is dropped."""
    try:
        connection.rollback()
    except DRIVER_ERRORS:
        connection.invalidate()


def host_name() -> str:
    """This machine's name, for the record."""
    return socket.gethostname()


def os_user() -> str:
    """The operating system user, for the record."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


LOCKED_HINT = "somebody else is changing the same thing: try again, or wait longer with --wait"
TRY_AGAIN = {
    "55P03": ("it is locked by another session", LOCKED_HINT),
    "57014": ("the statement took too long and was cancelled", "raise AGENTADM_STATEMENT_TIMEOUT (seconds)"),
    "40001": ("another transaction was in the way, three times", "try again"),
    "40P01": ("another transaction was in the way, three times", "try again"),
    "53300": (
        "the database has no connection left",
        "try again later; agentadm db stats shows who holds them",
    ),
    "53100": ("the database's disk is full", "make room on the server, then try again"),
}
RULES = {
    "23505": "it exists already",
    "23503": "something else needs it, or it names something that is not there",
    "23514": "a rule of the schema says no",
    "23502": "a value is missing",
    "23P01": "it overlaps with another",
    "23001": "something else needs it",
}
# Their detail shows the key only; the detail of the others shows the whole row, secrets included.
DETAIL_IS_SAFE = frozenset({"23505", "23503"})


REFUSED_LOGIN = re.compile(
    'authentication failed|no password supplied|pg_hba.conf|(role|database) "[^"]*" does not exist'
    "|is not permitted to log in|permission denied for database"
)


def translated(error: BaseException) -> AgentadmError:
    """Our error for a driver's, or a fault for one that is not known.

    Args:
        error: from psycopg, or SQLAlchemy's wrapper around it.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, AgentadmError):
        return cause
    if not isinstance(cause, psycopg.Error):
        return AgentadmError(f"{type(error).__name__}: {error}")
    state = cause.sqlstate or ""
    message = (cause.diag.message_primary or str(cause)).strip()
    if state in TRY_AGAIN:
        what, hint = TRY_AGAIN[state]
        return TryAgain(what, hint)
    if state.startswith("28") or state == "3D000":
        return NotPermitted(f"the database refused the login: {message}", "check the URL, the user and the password")
    if state == "42501":
        return MissingPrivilege(f"the database login may not do this: {message}", cause.diag.message_hint)
    if state.startswith("23"):
        return _broken_rule(state, message, cause)
    if state in {"42P01", "3F000", "42883"}:
        return UsageError(f"the database's schema is not the one expected: {message}", "agentadm db status says more")
    # 54: more than an index or a statement can hold.
    if state.startswith(("22", "54", "P0")):
        return UsageError(message, cause.diag.message_hint)
    if state.startswith(("08", "57P")) or (isinstance(cause, psycopg.OperationalError) and not state):
        return _unreachable(message)
    return AgentadmError(f"the database said {state}: {message}", cause.diag.message_hint)


def is_lost_connection(error: BaseException) -> bool:
    """Whether the answer to what was sent will never come on this connection."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.OperationalError):
        return False
    state = cause.sqlstate or ""
    return state == "" or state.startswith(("08", "57P"))


def _broken_rule(state: str, message: str, cause: psycopg.Error) -> AgentadmError:
    if state == "23000":
        return Conflict(message, cause.diag.message_hint)
    name = cause.diag.constraint_name or cause.diag.column_name or ""
    detail = cause.diag.message_detail if state in DETAIL_IS_SAFE else None
    told = f" ({detail})" if detail else ""
    return Conflict(f"{RULES.get(state, message)}: {name}{told}", cause.diag.message_hint)


def _unreachable(message: str) -> AgentadmError:
    # A connection that failed has no SQLSTATE, only words.
    if REFUSED_LOGIN.search(message):
        reason = message.rpartition("FATAL:")[2].strip().splitlines()[0]
        return NotPermitted(f"the database refused the login: {reason}", "check the URL, the user and the password")
    first_line = message.splitlines()[0] if message else "no answer"
    return TryAgain(f"the database cannot be reached: {first_line}", "check that it runs, and the URL; then try again")
