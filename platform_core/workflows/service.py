"""The rules of workflows; one method a command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.deletable.service import DeletableService
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import checked_name
from platform_core.states import may_become
from platform_core.versions.service import hand_on
from platform_core.versions.types import NO_NOTE, ChangeNote
from platform_core.workflows import graph, queries, rules
from platform_core.workflows.types import EDGES, PARTS, NewWorkflow, Workflow, WorkflowStatus, WorkflowSummary


class WorkflowService(DeletableService):
    """Workflows: what they consist of and what state they are in."""

    noun = "workflow"
    statements = queries.WORKFLOWS
    find_hint = "a workflow is named by its name, as team/name, by its id, or the last 8 digits or more of its id"

    def list(
        self,
        request: ListRequest,
        *,
        team: str | None = None,
        user: str | None = None,
        status: WorkflowStatus | None = None,
        public: bool | None = None,
        category: str | None = None,
        tag: str | None = None,
        deleted: bool = False,
    ) -> Rows[WorkflowSummary]:
        """Workflows, newest first.

        Args:
            request: conditions, order and limit.
            team: reference; keep only its workflows.
            user: reference; keep only those that the user made, or that are in the user's personal team.
            status, category, tag: keep only those that have it.
            public: keep only those that everybody may read, or only the others.
            deleted: the deleted ones instead of the living.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(
            team_id=None if team is None else self._services.teams.find(team),
            user_id=None if user is None else self._services.users.find(user),
            status=status,
            public=public,
            category=category,
            tag=tag,
            deleted=deleted,
        )
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str, *, deleted: bool = False) -> Workflow:
        """One workflow whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return _workflow(self._load(reference, deleted=deleted))

    def create(
        self, new: NewWorkflow, *, team: str | None, user: str | None, note: ChangeNote = NO_NOTE,
        created_by: str | None = None,
    ) -> Workflow:  # fmt: skip
        """Make a workflow, a draft.

        Args:
            new: what is known.
            team: reference of the team that is to own it.
            user: reference of the user in whose personal team it is to be, made now if need be.
            note: what its first version keeps.
            created_by: reference of a user; else it is the one whose it is.

        Raises:
            NotFound, Conflict: a reference names none, or several; the team's customer has as many as it may.
            UsageError: the name is none, or it is no workflow; both team and user were named, or neither.
        """
        checked_name(new.name)
        values = {**rules.stored(new.values), **graph.checked(new.graph, {}), "name": new.name}
        services = self._services
        team_id = services.teams.owner_of("a workflow", team=team, user=user)
        maker = created_by or user
        user_id = None if maker is None else services.users.hold(maker)
        hand_on(services, note)
        rules.refuse_full(services, services.teams.lock_counts(team_id))
        values |= {"team_id": team_id, "user_id": user_id}
        return self._workflow(self.statements.create(self._connection, values))

    def update(
        self,
        reference: str,
        values: Mapping[str, Any],
        *,
        given: Mapping[str, Any] | None = None,
        note: ChangeNote = NO_NOTE,
    ) -> Workflow:
        """Set columns of a workflow; None takes a value away.

        Args:
            reference: which workflow.
            values: the columns; nodes, connections and settings only as they were once.
            given: nodes, connections and settings, as far as they are to be others: that makes the next version.
            note: what that version keeps.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: the name is none, or it would be no workflow.
        """
        checked_name(values.get("name"))
        row = self._lock(reference)
        there = {part: getattr(row, part) for part in PARTS}
        wanted = {**rules.stored(values), **({} if given is None else graph.checked(given, there))}
        hand_on(self._services, note)
        if changed := {name: value for name, value in wanted.items() if not rules.same(getattr(row, name), value)}:
            self.statements.change(self._connection, row.id, changed)
        return self._workflow(row.id)

    def pause(self, reference: str) -> Workflow:
        """Stop a workflow for a while: nothing starts it.

        Raises:
            NotFound, Conflict: the reference names none, or several; it is not active.
        """
        return self._move(reference, WorkflowStatus.PAUSED)

    def resume(self, reference: str) -> Workflow:
        """Make a workflow active: a draft, or one that was paused or archived. What was missed is not made up for.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return self._move(reference, WorkflowStatus.ACTIVE)

    def archive(self, reference: str) -> Workflow:
        """Put a workflow away.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return self._move(reference, WorkflowStatus.ARCHIVED)

    def delete(self, reference: str) -> Workflow:
        """Delete a workflow, softly: nothing of it is lost.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        row = self._lock(reference)
        self.statements.set_deleted(self._connection, row.id, deleted=True)
        return self._workflow(row.id)

    def restore(self, reference: str) -> Workflow:
        """Bring a deleted workflow back, as it was.

        Raises:
            NotFound, Conflict: the reference names none that is deleted, or several; its team is deleted, or may not
                have one more.
        """
        row = self._lock(reference, deleted=True)
        rules.refuse_full(self._services, self._services.teams.lock_counts(row.team_id))
        self.statements.set_deleted(self._connection, row.id, deleted=False)
        if row.is_active:
            self._services.workflow_schedules.plan(row.id)
        return self._workflow(row.id)

    def _move(self, reference: str, status: WorkflowStatus) -> Workflow:
        row = self._lock(reference)
        fires = status is WorkflowStatus.ACTIVE
        if may_become(f"workflow {row.label}", WorkflowStatus(row.status), status, EDGES) or row.is_active != fires:
            self.statements.change(self._connection, row.id, {"status": status.value, "is_active": fires})
            if fires:
                self._services.workflow_schedules.plan(row.id)
        return self._workflow(row.id)

    def _workflow(self, workflow_id: UUID) -> Workflow:
        return _workflow(self.statements.load_by_id(self._connection, workflow_id))


def _summary(row: AnyRow) -> WorkflowSummary:
    fields = {name: row[place] for place, name in enumerate(queries.SUMMARY)}
    return WorkflowSummary(**{**fields, "status": WorkflowStatus(fields["status"]), "tags": tuple(fields["tags"])})


def _workflow(row: AnyRow) -> Workflow:
    fields = dict(row._mapping)
    del fields["label"]
    fields |= {name: tuple(fields[name]) for name in ("tags", "nodes", "connections")}
    return Workflow(**{**fields, "status": WorkflowStatus(row.status)})
