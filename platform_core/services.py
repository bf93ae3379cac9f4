"""The services on one connection, each made when first asked for."""

from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection

from platform_core.config import Settings
from platform_core.errors import AgentadmError

if TYPE_CHECKING:
    from platform_core.agents.configurations import ConfigurationService
    from platform_core.agents.service import AgentService
    from platform_core.agents.skills import SkillService
    from platform_core.agents.specs import SpecService
    from platform_core.agents.terms import TermService
    from platform_core.agents.versions import AgentVersionService
    from platform_core.audit.service import AuditService
    from platform_core.bulk.service import BulkService
    from platform_core.crews.service import CrewService
    from platform_core.db.service import DatabaseService
    from platform_core.importing.service import ImportService
    from platform_core.instances.service import InstanceService
    from platform_core.jobs.service import JobService
    from platform_core.key_material.ring import KeyRing
    from platform_core.key_material.service import KeyMaterialService
    from platform_core.keys.service import KeyService
    from platform_core.limits.service import LimitService
    from platform_core.models.service import ModelService
    from platform_core.operations.service import OperationService
    from platform_core.plans.service import PlanService
    from platform_core.projects.service import ProjectService
    from platform_core.requests.service import RequestService
    from platform_core.runs.service import RunService
    from platform_core.teams.members import MemberService
    from platform_core.teams.service import TeamService
    from platform_core.users.identities import IdentityService
    from platform_core.users.service import UserService
    from platform_core.workflows.schedules import ScheduleService
    from platform_core.workflows.service import WorkflowService
    from platform_core.workflows.triggers import TriggerService
    from platform_core.workflows.versions import WorkflowVersionService


class Services:
    """What a unit of work may call.

    Args:
        connection: inside the transaction of the unit of work.
        operation_id: of the operation under way; None when reading.
        settings: in force; say where the key material is.
    """

    def __init__(
        self, connection: Connection, operation_id: UUID | None = None, settings: Settings | None = None
    ) -> None:
        self.connection = connection
        self.operation_id = operation_id
        self._settings = settings
        # Rows changed in tables that are not audited: nothing else counts them.
        self.unaudited = 0

    def count_unaudited(self, rows: int) -> None:
        """Tell how many rows a change touched in tables that are their own record."""
        self.unaudited += rows

    @property
    def settings(self) -> Settings:
        """The settings in force.

        Raises:
            AgentadmError: nobody gave them.
        """
        if self._settings is None:
            raise AgentadmError("settings were asked for where there are none")
        return self._settings

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
    def agents(self) -> "AgentService":
        """Definitions of agents."""
        from platform_core.agents.service import AgentService

        return AgentService(self)

    @cached_property
    def agent_specs(self) -> "SpecService":
        """Specifications of agents, out to files and in from them."""
        from platform_core.agents.specs import SpecService

        return SpecService(self)

    @cached_property
    def agent_versions(self) -> "AgentVersionService":
        """Versions of agents."""
        from platform_core.agents.versions import AgentVersionService

        return AgentVersionService(self)

    @cached_property
    def agent_configurations(self) -> "ConfigurationService":
        """What users set for agents."""
        from platform_core.agents.configurations import ConfigurationService

        return ConfigurationService(self)

    @cached_property
    def agent_plans(self) -> "TermService":
        """Terms under which agents are used."""
        from platform_core.agents.terms import TermService

        return TermService(self)

    @cached_property
    def agent_skills(self) -> "SkillService":
        """What agents have learned."""
        from platform_core.agents.skills import SkillService

        return SkillService(self)

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

        return DatabaseService(self.connection, self._settings)

    @cached_property
    def importing(self) -> "ImportService":
        """Imports of records at scale."""
        from platform_core.importing.service import ImportService

        return ImportService(self.connection)

    @cached_property
    def instances(self) -> "InstanceService":
        """Agents that run for somebody."""
        from platform_core.instances.service import InstanceService

        return InstanceService(self)

    @cached_property
    def jobs(self) -> "JobService":
        """Runs of cron jobs."""
        from platform_core.jobs.service import JobService

        return JobService(self.connection)

    @cached_property
    def key_material(self) -> "KeyMaterialService":
        """Versions of peppers and encryption keys."""
        from platform_core.key_material.service import KeyMaterialService

        return KeyMaterialService(self)

    @cached_property
    def key_ring(self) -> "KeyRing":
        """The key material in use, read and checked when first asked for; see KeyMaterialService.checked_ring."""
        return self.key_material.checked_ring()

    @cached_property
    def keys(self) -> "KeyService":
        """API keys."""
        from platform_core.keys.service import KeyService

        return KeyService(self)

    @cached_property
    def models(self) -> "ModelService":
        """Models that agents and conversations may use."""
        from platform_core.models.service import ModelService

        return ModelService(self)

    @cached_property
    def operations(self) -> "OperationService":
        """Operations and steps at providers."""
        from platform_core.operations.service import OperationService

        return OperationService(self)

    @cached_property
    def limits(self) -> "LimitService":
        """What somebody may use."""
        from platform_core.limits.service import LimitService

        return LimitService(self)

    @cached_property
    def plans(self) -> "PlanService":
        """What the platform sells."""
        from platform_core.plans.service import PlanService

        return PlanService(self)

    @cached_property
    def requests(self) -> "RequestService":
        """Whether requests would be let through."""
        from platform_core.requests.service import RequestService

        return RequestService(self)

    @cached_property
    def projects(self) -> "ProjectService":
        """What hired agents work on."""
        from platform_core.projects.service import ProjectService

        return ProjectService(self)

    @cached_property
    def runs(self) -> "RunService":
        """What agents and workflows did."""
        from platform_core.runs.service import RunService

        return RunService(self)

    @cached_property
    def teams(self) -> "TeamService":
        """Teams."""
        from platform_core.teams.service import TeamService

        return TeamService(self)

    @cached_property
    def team_members(self) -> "MemberService":
        """Members of teams."""
        from platform_core.teams.members import MemberService

        return MemberService(self)

    @cached_property
    def users(self) -> "UserService":
        """Users."""
        from platform_core.users.service import UserService

        return UserService(self)

    @cached_property
    def user_identities(self) -> "IdentityService":
        """By whom else users are known."""
        from platform_core.users.identities import IdentityService

        return IdentityService(self)

    @cached_property
    def workflows(self) -> "WorkflowService":
        """Automations of nodes and connections."""
        from platform_core.workflows.service import WorkflowService

        return WorkflowService(self)

    @cached_property
    def workflow_versions(self) -> "WorkflowVersionService":
        """Versions of workflows."""
        from platform_core.workflows.versions import WorkflowVersionService

        return WorkflowVersionService(self)

    @cached_property
    def workflow_triggers(self) -> "TriggerService":
        """What starts workflows."""
        from platform_core.workflows.triggers import TriggerService

        return TriggerService(self)

    @cached_property
    def workflow_schedules(self) -> "ScheduleService":
        """At what times workflows start."""
        from platform_core.workflows.schedules import ScheduleService

        return ScheduleService(self)


class Service:
    """What the service of every noun is made of.

    Args:
        services: of the unit of work.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._connection = services.connection
