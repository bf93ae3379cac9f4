"""Every statement about the versions of workflows."""

from platform_core.versions.queries import VersionStatements
from platform_core.workflows.tables import workflow_versions, workflows

VERSIONS = VersionStatements(workflow_versions, "workflow_id", workflows, "version")
