"""The rules of versions of workflows: their parts are compared as JSON, in one order."""

import json
from typing import Any
from uuid import UUID

from platform_core.versions.service import Versioned, VersionService
from platform_core.workflows.types import PARTS, Workflow
from platform_core.workflows.version_queries import VERSIONS


class WorkflowVersionService(VersionService[Workflow]):
    """Versions of workflows."""

    noun = "workflow"
    parts = PARTS
    statements = VERSIONS

    def _things(self) -> Versioned[Workflow]:
        return self._services.workflows

    def _written(self, value: Any) -> str:
        return f"{json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)}\n"

    def _typed(self, key: UUID, reference: str) -> str:  # noqa: ARG002 - there may be blanks in a name
        return str(key)
