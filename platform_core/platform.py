"""The composition root: settings, database, sessions and services, each made when first needed.

Importing this module loads no database driver, so that help and completion of words stay fast.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from platform_core.config import Settings
from platform_core.db.version import SCHEMA_VERSION
from platform_core.errors import AgentadmError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from uuid import UUID

    from platform_core.bulk.together import Change, Find
    from platform_core.bulk.types import BulkOutcome, BulkRequest
    from platform_core.db.care import Care
    from platform_core.db.engine import Database
    from platform_core.db.keeping import Keeper
    from platform_core.db.mark import Mark
    from platform_core.db.reading import First, Reader
    from platform_core.db.session import Sessions
    from platform_core.importing.answers import InputFormat
    from platform_core.importing.types import ImportOutcome, ImportRequest, InputFile
    from platform_core.key_material.types import Rotated
    from platform_core.keys.types import Asked, Verification
    from platform_core.keys.verifying import KeyVerifier
    from platform_core.operations.types import Outcome, ResumedIntent, WriteRequest
    from platform_core.services import Services
    from platform_core.users.types import SyncProvider

T = TypeVar("T")

# SQLSTATEs: undefined_table, invalid_schema_name.
TABLE_IS_MISSING = frozenset({"42P01", "3F000"})


class Platform:
    """Everything a command may call.

    Args:
        environ: the environment variables; None for the process's own.
        profile: the value of --profile, if given.
        wait_seconds: how long to wait for a lock or lease; None for the default.
        as_user: reference of the user whose eyes to read with; None for the login's own.
        trace: is told each statement with its duration, never its parameters; None for silence.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        profile: str | None = None,
        wait_seconds: float | None = None,
        as_user: str | None = None,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = Settings(profile_name=profile) if environ is None else Settings(environ, profile)
        self.wait_seconds = wait_seconds
        self.as_user = as_user
        self._trace = trace

    @cached_property
    def database(self) -> "Database":
        """The way to the configured database."""
        from platform_core.db.engine import Database

        return Database(self.settings, self._trace)

    @cached_property
    def sessions(self) -> "Sessions":
        """Transactions on it."""
        from platform_core.db.session import Sessions

        return Sessions(self.database, self.settings, self.wait_seconds)

    @cached_property
    def reader(self) -> "Reader":
        """Transactions that read."""
        from platform_core.db.reading import Reader

        return Reader(self.database, self.settings, self.wait_seconds)

    @cached_property
    def _asked_reader(self) -> "Reader":
        """As reader; as the user that was asked for, if one was."""
        if self.as_user is None:
            return self.reader
        from platform_core.db.reading import Reader

        return Reader(self.database, self.settings, self.wait_seconds, self.as_user)

    @property
    def was_read_as_user(self) -> bool:
        """Whether anything was read with the eyes of the user that was asked for."""
        return self.as_user is not None and "_asked_reader" in self.__dict__

    @cached_property
    def keeper(self) -> "Keeper":
        """Transactions of rows that are their own record."""
        from platform_core.db.keeping import Keeper

        return Keeper(self.database, self.settings, self.wait_seconds)

    @cached_property
    def care(self) -> "Care":
        """What is done to the database from outside a transaction: init, migrations, backup, the embedded server."""
        from platform_core.db.care import Care

        return Care(self)

    @cached_property
    def mark(self) -> "Mark":
        """The mark of the installation, read once.

        Raises:
            UsageError: the database has none, or its schema is another than this tool's; names the command to run.
        """
        from platform_core.db.mark_queries import find_mark

        return _ours(self.reader.read(lambda services: find_mark(services.connection)))

    def _read_mark(self, services: "Services") -> None:
        """Read the mark in a transaction that goes on with what was asked for: a round trip less."""
        from sqlalchemy.exc import ProgrammingError

        from platform_core.db.mark_queries import find_mark, read_mark

        try:
            mark = read_mark(services.connection)
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) not in TABLE_IS_MISSING:
                raise
            services.connection.rollback()
            mark = find_mark(services.connection)
        self.__dict__["mark"] = _ours(mark)

    @property
    def where(self) -> str:
        """The database without its password: user, host, port and name."""
        return self.database.where

    def read(self, work: "Callable[[Services], T]", *, any_schema: bool = False) -> T:
        """Run statements that see one moment of the database and cannot change it.

        Args:
            work: the statements.
            any_schema: also where the database is not ours, or its schema is older or newer than this tool's.

        Raises:
            AgentadmError: whatever the work raises; driver errors translated.
        """
        return self._asked_reader.read(work, first=None if any_schema else self._first)

    @property
    def _first(self) -> "First":
        """What a reading transaction begins with: the mark, unless it is known."""
        return None if "mark" in self.__dict__ else self._read_mark

    def stream(self, work: "Callable[[Services], Iterator[T]]") -> "Iterator[T]":
        """Run statements like read, and hand over what they find while they run; see Reader.stream."""
        return self._asked_reader.stream(work, first=self._first)

    def write(self, request: "WriteRequest", work: "Callable[[Services], T]", result_type: Any) -> "Outcome[T]":
        """Run one operation whole, or not at all; see Sessions.write."""
        _ = self.mark
        return self.sessions.write(request, work, result_type)

    def write_each(
        self, request: "BulkRequest", change: "Change", find: "Find", tell: "Callable[[int], None]"
    ) -> "BulkOutcome":
        """Change several items, each in an operation of its own or all in one; see Run.go."""
        from platform_core.bulk.runs import Run

        _ = self.mark
        return Run(self, request, change, find, tell).go()

    @staticmethod
    def users_file(
        path: "Path", name: str, written: "InputFormat", *, ignored: frozenset[str], exact: bool
    ) -> "InputFile":
        """A file of users to be imported; see users_file."""
        from platform_core.users.importing import users_file

        return users_file(path, name, written, ignored=ignored, exact=exact)

    @staticmethod
    def users_export(path: "Path", name: str, provider: "SyncProvider") -> "AbstractContextManager[InputFile]":
        """An export of a provider; see users_export."""
        from platform_core.users.sync_file import users_export

        return users_export(path, name, provider)

    def import_users(self, request: "ImportRequest", tell: "Callable[[int], None]") -> "ImportOutcome":
        """Import users, or synchronise them with a provider's; see ImportRun.go."""
        from platform_core.importing.runs import ImportRun
        from platform_core.users.importing import importer_for

        _ = self.mark
        return ImportRun(self, request, importer_for(request), tell).go()

    def rotate_encryption(
        self, request: "WriteRequest", tell: "Callable[[int], None]"
    ) -> "tuple[Rotated, Outcome[Rotated] | None]":
        """Encrypt every encrypted column anew with the newest key; see Rotation.go."""
        from platform_core.key_material.rotation import Rotation

        _ = self.mark
        return Rotation(self, request, tell).go()

    def key_verifier(self) -> "AbstractContextManager[KeyVerifier]":
        """What tells quickly whether API keys are valid, on a connection of its own; see verifying.verifier."""
        from platform_core.keys.verifying import verifier

        _ = self.mark
        return verifier(self)

    def verify_keys(
        self, texts: "Sequence[str]", asked: "Asked", *, agent: str | None, at: str | None
    ) -> "Verification":
        """Which keys these are, and whether they are valid; see verifying.verify_keys."""
        from platform_core.keys.verifying import verify_keys

        return verify_keys(self, texts, asked, agent=agent, at=at)

    def run_job(
        self, job: str, request: "WriteRequest", work: "Callable[[Services], T]", result_type: Any
    ) -> "Outcome[T]":
        """Run a cron job's operation, one at a time in the whole database. A dry run takes no lease.

        Raises:
            TryAgain: it is running already.
        """
        if request.dry_run:
            return self.write(request, work, result_type)
        from platform_core.jobs.lease import Lease

        _ = self.mark
        lease = Lease(self.database, job, wait_seconds=self.wait_seconds or 0)
        return lease.run(lambda held: self.sessions.write(request, held, result_type), work)

    def resume_operation(
        self, operation_id: "UUID", *, abandon: bool = False, dry_run: bool = False
    ) -> "tuple[ResumedIntent, ...]":
        """Finish the unfinished provider steps of an operation; see steps.resume."""
        from platform_core.operations.steps import resume

        _ = self.mark
        return resume(self.sessions, operation_id, abandon=abandon, dry_run=dry_run)

    def candidates(self, noun: str, start: str) -> list[tuple[str, str]]:
        """Names for completion, quickly or not at all; see candidates."""
        from platform_core.db.candidates import candidates

        return candidates(self.settings, noun, start)

    def interruption(self, error: KeyboardInterrupt) -> AgentadmError:
        """What to say after a signal: what became of the change that was under way, if any."""
        if "sessions" in self.__dict__:
            return self.sessions.interruption(error)
        from platform_core.errors import Interrupted, Terminated
        from platform_core.signals import Termination

        terminated = isinstance(error, Termination)
        return (Terminated if terminated else Interrupted)(
            f"{'ended by SIGTERM' if terminated else 'interrupted'}; nothing was changed"
        )

    def close(self) -> None:
        """Give the connection back; whatever was open is rolled back."""
        if "database" in self.__dict__:
            self.database.close()


def _ours(mark: "Mark | None") -> "Mark":
    """The mark, if it is of a database that this tool can work on.

    Raises:
        UsageError: there is none, or its schema is another than this tool's; names the command to run.
    """
    if mark is None:
        raise UsageError(
            "this database was not set up by agentadm",
            "look where you are with: agentadm config show; to set it up: agentadm db init --environment NAME",
        )
    if mark.schema_version != SCHEMA_VERSION:
        older = (mark.schema_version or "") < SCHEMA_VERSION
        raise UsageError(
            f"the schema is at {mark.schema_version or 'nothing'}, this tool is written for {SCHEMA_VERSION}",
            "run: agentadm db upgrade" if older else "install the agentadm that made it, or a newer one",
        )
    return mark
