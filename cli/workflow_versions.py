"""agentadm workflows: versions, what differs between them, and the way back."""

from cli.options import WORKFLOW
from cli.versions import Words, declare_versions
from cli.workflows import noun
from platform_core.workflows.types import Workflow

VERSIONED = Words(
    one="a workflow",
    several="workflows",
    more="diff shows what changed",
    compared="as JSON in one order",
    parts="nodes, connections and settings",
    example="'analytical-engines/Morning summary'",
)
declare_versions(noun, WORKFLOW, Workflow, VERSIONED, lambda services: services.workflow_versions)
