"""The rules of versions of agents."""

from uuid import UUID

from platform_core.agents.queries import AGENTS
from platform_core.agents.spec_queries import VERSIONS
from platform_core.agents.types import PARTS, Agent
from platform_core.versions.service import Versioned, VersionService


class AgentVersionService(VersionService[Agent]):
    """Versions of agents: of specification and code."""

    noun = "agent"
    parts = PARTS
    statements = VERSIONS

    def _things(self) -> Versioned[Agent]:
        return self._services.agents

    def _label(self, key: UUID, reference: str) -> str:  # noqa: ARG002 - a handle or an id says less
        label: str = AGENTS.load_by_id(self._connection, key).label
        return label
