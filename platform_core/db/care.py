"""Care of the database from outside a transaction: set up, migrate, reset, look, vacuum; and the way to backups."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from platform_core.db import doctor_queries, queries
from platform_core.db.engine import translated
from platform_core.db.guards import (
    checked_environment,
    known_revision,
    marked,
    place,
    refuse_foreign_schema,
    refuse_other_installation,
    refuse_production,
    refuse_strong_login,
)
from platform_core.db.mark import Mark
from platform_core.db.mark_queries import find_mark
from platform_core.db.types import (
    FileResult,
    Initialised,
    Migrated,
    PlannedMigration,
    Reset,
    Status,
    Stopped,
)
from platform_core.db.version import SCHEMA_VERSION
from platform_core.errors import Conflict, UsageError
from platform_core.operations.types import WriteRequest

if TYPE_CHECKING:
    from platform_core.platform import Platform
    from platform_core.services import Services

DIGEST_KEY_BYTES = 32
VACUUM_LOCK_SECONDS = 5.0
LOCK_NOT_AVAILABLE = "55P03"


class Care:
    """What is done to the database from outside one transaction.

    Args:
        platform: says which database, and records operations in it.
    """

    def __init__(self, platform: "Platform") -> None:
        self._platform = platform

    def planned_init(self, *, embedded: bool, environment: str | None, production: bool) -> Initialised:
        """What init would answer; nothing is made or started that is not there. Arguments and errors as init's."""
        name = checked_environment(self._platform.settings, embedded=embedded, name=environment, production=production)
        server = self._platform.settings.embedded_server
        if embedded and not server.exists():
            where = f"a new embedded server in {self._platform.settings.home}"
            return Initialised(name, production, SCHEMA_VERSION, where, created=True, missing_roles=())
        with self.connection() as connection:
            refuse_strong_login(connection)
            existing = self._initialised(connection, name, production=production)
            return existing or self._answer(connection, name, production=production, created=True)

    def init(self, *, embedded: bool, environment: str | None, production: bool) -> Initialised:
        """Set a database up: schema, migrations, roles, mark. One that was cut short is completed.

        Args:
            embedded: make the server of this home, and use it.
            environment: the environment's name; development where none is given for an embedded server.
            production: whether real customers and money will be here.

        Raises:
            UsageError: the environment is missing or malformed, an embedded server cannot be production, or another
                database is configured beside the embedded server.
            NotPermitted: the login is a superuser, passes row-level security, or may not make the schema.
            Conflict: the schema is somebody else's, or was set up as another environment.
            TryAgain: another session is at it.
        """
        name = checked_environment(self._platform.settings, embedded=embedded, name=environment, production=production)
        if embedded:
            self._platform.settings.embedded_server.create()
        with self.only_runner() as connection:
            refuse_strong_login(connection)
            if (existing := self._initialised(connection, name, production=production)) is not None:
                return existing
            if queries.find_schema(connection) is None:
                queries.make_schema(connection)
            self.migrate_to_newest(connection)
            arguments = {"environment": name, "production": production}
            self._set_mark(WriteRequest("db init", arguments), name, production=production)
            return self._answer(connection, name, production=production, created=True)

    def planned_upgrade(self) -> tuple[PlannedMigration, ...]:
        """The migrations that upgrade would run, oldest first.

        Raises:
            UsageError: the database is not ours, or its schema is newer than this tool.
        """
        from platform_core.db import migrate

        with self.connection() as connection:
            before = known_revision(marked(connection).schema_version)
            return migrate.between(before, migrate.newest_revision())

    def upgrade(self, revision: str = "head", *, dry_run: bool = False) -> Migrated:
        """Migrate up to a revision, and record it as an operation.

        Raises:
            UsageError: the database is not ours, its schema is newer than this tool, or the revision is not known or
                an older one.
            NotPermitted: the login does not own the schema.
            TryAgain: another session migrates, or a table stayed locked.
        """
        from platform_core.db import migrate

        with self.only_runner() as connection:
            before, target = known_revision(marked(connection).schema_version), known_revision(revision)
            planned = tuple(step.revision for step in migrate.between(before, target))
            if not planned and before != target:
                raise UsageError(f"revision {target} is older than {before}", f"use: agentadm db downgrade {target}")
            if planned and not dry_run:
                connection.commit()
                migrate.upgrade(connection, target or "head")
                self._record_migration(connection, "db upgrade", before, target)
            return Migrated(before, target if planned else before, planned)

    def downgrade(self, revision: str, *, dry_run: bool = False) -> Migrated:
        """Migrate down to a revision, and record it as an operation. `applied` names the revisions taken back.

        Raises:
            UsageError: the database is not ours, or the revision is not known, a newer one, or the very beginning.
            Conflict: the database is production.
            TryAgain, NotPermitted: as upgrade does.
        """
        from platform_core.db import migrate

        if revision == "base":
            raise UsageError("a downgrade to base would throw everything away", "use: agentadm db reset")
        with self.only_runner() as connection:
            mark = marked(connection)
            refuse_production(mark, "downgraded")
            before, target = known_revision(mark.schema_version), known_revision(revision)
            undone = tuple(step.revision for step in reversed(migrate.between(target, before)))
            if not undone and before != target:
                raise UsageError(f"revision {target} is newer than {before}", f"use: agentadm db upgrade {target}")
            if undone and target is not None and not dry_run:
                connection.commit()
                migrate.downgrade(connection, target)
                self._record_migration(connection, "db downgrade", before, target)
            return Migrated(before, target if undone else before, undone)

    def reset(self, *, dry_run: bool = False) -> Reset:
        """Throw everything in the schema away and set it up anew, with the same environment.

        The old schema goes in one transaction. A run that is cut short after it is completed by `db init`.

        Raises:
            UsageError: the database is not ours.
            Conflict: it is production, or views or foreign keys of other schemas would be lost with it.
            NotPermitted, TryAgain: as upgrade does.
        """
        from platform_core.db import migrate

        with self.only_runner() as connection:
            mark = marked(connection)
            refuse_production(mark, "reset")
            if outside := queries.dependants_outside(connection):
                raise Conflict(
                    f"these would be lost with the schema: {', '.join(outside)}", "drop them first, or move them"
                )
            tables, rows = queries.count_everything(connection)
            newest = migrate.newest_revision() or ""
            if not dry_run:
                queries.drop_schema(connection)
                queries.make_schema(connection)
                self.migrate_to_newest(connection)
                arguments = {"tables": tables, "rows": rows, "before": mark.schema_version}
                self._set_mark(WriteRequest("db reset", arguments), mark.environment, production=False)
            return Reset(mark.environment, tables, rows, newest)

    def status(self) -> Status:
        """Where the database is and in which state, also without a mark or under another schema version.

        Raises:
            UsageError: none is configured.
            TryAgain, NotPermitted: it cannot be reached, or refuses the login.
        """

        def look(services: "Services") -> Status:
            connection = services.connection
            surroundings = doctor_queries.surroundings(connection)
            mark = find_mark(connection)
            in_default = queries.default_partition_rows(connection)
            return Status(
                where=place(connection),
                source=self._platform.settings.target.source,
                server_version=surroundings.server_version,
                login=surroundings.login,
                environment=mark.environment if mark else None,
                production=mark.production if mark else None,
                schema_version=mark.schema_version if mark else None,
                tool_schema_version=SCHEMA_VERSION,
                newest_partition=queries.newest_partition(connection),
                rows_in_default_partitions=sum(in_default.values()) if in_default else None,
            )

        return self._platform.sessions.read(look)

    def vacuum(self) -> tuple[str, ...]:
        """Vacuum and analyze the tables that are above the thresholds of autovacuum. Returns their names.

        A table that somebody has locked is left to the next time.
        """
        done = []
        with self.connection() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            queries.set_session_timeouts(connection, lock_seconds=VACUUM_LOCK_SECONDS, statement_seconds=0)
            for table in queries.tables_to_vacuum(connection):
                try:
                    queries.vacuum(connection, table)
                except DBAPIError as error:
                    if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                        raise
                else:
                    done.append(table)
        return tuple(done)

    def backup(self, path: Path) -> FileResult:
        """Write everything to a new file; see backup.backup."""
        from platform_core.db.backup import backup

        return backup(self._platform, path)

    def restore(self, path: Path, *, dry_run: bool = False) -> FileResult:
        """Load a backup into a database without our schema; see backup.restore."""
        from platform_core.db.backup import restore

        return restore(self._platform, path, dry_run=dry_run)

    def shell(self, arguments: tuple[str, ...]) -> int:
        """Run psql on the database. Returns its exit code; see backup.shell."""
        from platform_core.db.backup import shell

        return shell(self._platform, arguments)

    def stop(self, *, dry_run: bool = False) -> Stopped:
        """Stop the embedded server.

        Raises:
            UsageError: there is none here.
            TryAgain: it does not end.
        """
        settings = self._platform.settings
        server = settings.embedded_server
        if not server.exists():
            raise UsageError(
                f"there is no embedded server in {settings.home}", "agentadm config show says which database is used"
            )
        if dry_run:
            return Stopped(server.pid() is not None)
        self._platform.close()
        return Stopped(server.stop())

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of its own, beside the one of the sessions; rolled back and closed at the end.

        Raises:
            AgentadmError: what the driver said, translated.
        """
        connection = self._platform.database.connect()
        try:
            yield connection
        except (DBAPIError, psycopg.Error) as error:
            raise translated(error) from error
        finally:
            connection.close()

    @contextmanager
    def only_runner(self) -> Iterator[Connection]:
        """A connection that holds the lock on the schema, against others who set up, migrate, reset or restore.

        Raises:
            TryAgain: another session holds it for too long.
            UsageError: a migration was asked for that does not exist.
        """
        from alembic.util import CommandError

        from platform_core.db import migrate

        wait = self._platform.wait_seconds
        with self.connection() as connection:
            try:
                with migrate.only_runner(connection, migrate.WAIT_SECONDS if wait is None else wait):
                    yield connection
            except CommandError as error:
                raise UsageError(f"the migrations cannot be run: {error}", "agentadm db status says more") from error
            finally:
                # What was read before is of the schema as it was.
                self._platform.__dict__.pop("mark", None)

    def migrate_to_newest(self, connection: Connection) -> None:
        """Commit what was done, and run all migrations. The caller holds the lock."""
        from platform_core.db import migrate

        connection.commit()
        migrate.upgrade(connection)

    def _initialised(self, connection: Connection, environment: str, *, production: bool) -> Initialised | None:
        """The answer for a database that is set up already; None where there is something to do."""
        mark = find_mark(connection)
        if mark is None:
            refuse_foreign_schema(connection)
            return None
        refuse_other_installation(mark, environment, production=production)
        return self._answer(connection, environment, production=production, created=False, mark=mark)

    @staticmethod
    def _answer(
        connection: Connection, environment: str, *, production: bool, created: bool, mark: Mark | None = None
    ) -> Initialised:
        return Initialised(
            environment=environment,
            production=production,
            schema_version=(mark.schema_version or "") if mark else SCHEMA_VERSION,
            where=place(connection),
            created=created,
            missing_roles=queries.missing_roles(connection),
        )

    def _set_mark(self, request: WriteRequest, environment: str, *, production: bool) -> None:
        def work(services: "Services") -> None:
            identifier = queries.system_identifier(services.connection)
            key = secrets.token_bytes(DIGEST_KEY_BYTES)
            queries.insert_installation(services.connection, environment, production, identifier, key)
            services.key_material.begin()

        self._platform.sessions.write(request, work, type(None))

    def _record_migration(self, connection: Connection, command: str, before: str | None, after: str | None) -> None:
        if queries.can_begin_operation(connection):
            request = WriteRequest(command, {"before": before, "after": after})
            self._platform.sessions.write(request, lambda _: None, type(None))
