"""The rules of versions of workflows: what differs between them, and the way back."""

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from platform_core.agents.types import ChangeNote
from platform_core.db.schema import AnyRow
from platform_core.errors import NotFound
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.text_diff import lines_of, unified
from platform_core.workflows import version_queries as queries
from platform_core.workflows.types import PARTS, Workflow, WorkflowDiff, WorkflowVersion

if TYPE_CHECKING:
    from platform_core.services import Services


class VersionService:
    """Versions of workflows.

    Args:
        services: of the unit of work.
    """

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._connection = services.connection

    def list(self, reference: str, request: ListRequest, *, deleted: bool = False) -> Rows[WorkflowVersion]:
        """The versions of a workflow, newest first.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.of_workflow(self._services.workflows.find(reference, deleted=deleted))
        return ListService(self._connection, queries.LIST, request, _version, filters)

    def diff(self, reference: str, *, start: int | None, end: int | None, deleted: bool = False) -> WorkflowDiff:
        """What differs between two versions, as JSON in one order.

        Args:
            reference: which workflow.
            start: a version; None for the one before `end`.
            end: a version; None for the newest.
            deleted: look among the deleted ones.

        Raises:
            NotFound, Conflict: the reference names none, or several; there is no such version.
        """
        workflow_id = self._services.workflows.find(reference, deleted=deleted)
        last = end if end is not None else queries.newest(self._connection, workflow_id) or 1
        first = start if start is not None else queries.newest(self._connection, workflow_id, before=last) or last
        old, new = (self._version(workflow_id, reference, version) for version in (first, last))
        pairs = [(part, _written(getattr(old, part)), _written(getattr(new, part))) for part in PARTS]
        names = (f"{reference}@{first}", f"{reference}@{last}")
        text = "".join(unified(*pair, names) for pair in pairs)
        return WorkflowDiff(first, last, text, tuple(line for pair in pairs for line in lines_of(*pair)))

    def rollback(self, reference: str, version: int, *, note: ChangeNote) -> Workflow:
        """Make a version with the content of an earlier one. Where that is what there is, nothing is changed.

        Raises:
            NotFound, Conflict: the reference names none, or several; there is no such version.
        """
        workflows = self._services.workflows
        workflow_id = workflows.find(reference)
        wanted = self._version(workflow_id, reference, version)
        values = {part: getattr(wanted, part) for part in PARTS}
        kept = ChangeNote(note.notes or f"rollback to version {version}", note.changed_by)
        return workflows.update(str(workflow_id), values, note=kept)

    def _version(self, workflow_id: UUID, reference: str, version: int) -> AnyRow:
        found = queries.load(self._connection, workflow_id, version)
        if found is None:
            raise NotFound(
                f"workflow {reference} has no version {version}",
                f"agentadm workflows versions {workflow_id} shows them",
            )
        return found


def _written(value: Any) -> str:
    return f"{json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)}\n"


def _version(row: AnyRow) -> WorkflowVersion:
    return WorkflowVersion(row.version, row.current, row.changed_by, row.change_notes, row.created_at, row.id)
