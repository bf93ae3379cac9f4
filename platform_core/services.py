"""The services on one connection, each made when first asked for."""

from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection

from platform_core.errors import AgentadmError

if TYPE_CHECKING:
    from platform_core.audit.service import AuditService
    from platform_core.bulk.service import BulkService
    from platform_core.crews.service import CrewService
    from platform_core.db.service import DatabaseService
    from platform_core.importing.service import ImportService
    from platform_core.jobs.service import JobService
    from platform_core.operations.service import OperationService
    from platform_core.projects.service import ProjectService
    from platform_core.teams.service import TeamService
    from platform_core.users.service import UserService


class Services:
    """What a unit of work may call.

    Args:
        connection: inside the transaction of the unit of work.
        operation_id: of the operation under way; None when reading.
    """

    def __init__(self, connection: Connection, operation_id: UUID | None = None) -> None:
        self.connection = connection
        self.operation_id = operation_id

    @property
    def operation(self) -> UUID:
        """The operation under way.

        Raises:
            AgentadmError: this is a read.
        """
        if self.operation_id is None:
            raise AgentadmError("a change was tried in a transaction that only reads")
        return self.operation_id

    @cached_property
    def audit(self) -> "AuditService":
        """The audit."""
        from platform_core.audit.service import AuditService

        return AuditService(self.connection)

    @cached_property
    def bulk(self) -> "BulkService":
        """Progress of runs over several items."""
        from platform_core.bulk.service import BulkService

        return BulkService(self.connection)

    @cached_property
    def crews(self) -> "CrewService":
        """Groups of hired agents in a project."""
        from platform_core.crews.service import CrewService

        return CrewService(self)

    @cached_property
    def database(self) -> "DatabaseService":
        """Care of the database itself."""
        from platform_core.db.service import DatabaseService

        return DatabaseService(self.connection)

    @cached_property
    def importing(self) -> "ImportService":
        """Imports of records at scale."""
        from platform_core.importing.service import ImportService

        return ImportService(self.connection)

    @cached_property
    def jobs(self) -> "JobService":
        """Runs of cron jobs."""
        from platform_core.jobs.service import JobService

        return JobService(self.connection)

    @cached_property
    def operations(self) -> "OperationService":
        """Operations and steps at providers."""
        from platform_core.operations.service import OperationService

        return OperationService(self)

    @cached_property
    def projects(self) -> "ProjectService":
        """What hired agents work on."""
        from platform_core.projects.service import ProjectService

        return ProjectService(self)

    @cached_property
    def teams(self) -> "TeamService":
        """Teams and their members."""
        from platform_core.teams.service import TeamService

        return TeamService(self)

    @cached_property
    def users(self) -> "UserService":
        """Users and their identities."""
        from platform_core.users.service import UserService

        return UserService(self)
