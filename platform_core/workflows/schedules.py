"""The rules of schedules of workflows; one method a command."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.db.transaction_queries import database_now
from platform_core.errors import Conflict, NotFound, UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import exactly_one
from platform_core.services import Service
from platform_core.workflows import schedule_queries as queries
from platform_core.workflows.cron import checked_cron, checked_zone, next_run
from platform_core.workflows.types import WorkflowSchedule

FIND_HINT = "a schedule is named by its id, or the last 8 digits of it: agentadm workflows schedules list WORKFLOW"
PLANNED = frozenset({"cron", "timezone", "is_active"})


class ScheduleService(Service):
    """At what times workflows start."""

    def list(self, workflow: str, request: ListRequest, *, active: bool | None = None) -> Rows[WorkflowSchedule]:
        """The schedules of a workflow, in the order in which they came.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(self._services.workflows.find(workflow), active=active)
        return ListService(self._connection, queries.LIST, request, _schedule, filters)

    def add(self, workflow: str, cron: str, timezone: str, *, active: bool = True) -> WorkflowSchedule:
        """Let a workflow start at certain times.

        Raises:
            NotFound, Conflict: the reference names none, or several; the workflow has such a schedule.
            UsageError: the cron expression or the time zone is none.
        """
        values = {"cron": checked_cron(cron), "timezone": checked_zone(timezone), "is_active": active}
        workflow_id = self._services.workflows.hold(workflow)
        self._refuse_twin(workflow_id, values)
        stored = {**values, "workflow_id": workflow_id, "next_run_at": self._next(values)}
        return self._shown(queries.create(self._connection, stored))

    def update(self, reference: str, values: Mapping[str, Any]) -> WorkflowSchedule:
        """Set columns of a schedule.

        Raises:
            NotFound, Conflict: the reference names none, or several; the workflow has such a schedule.
            UsageError: the cron expression or the time zone is none.
        """
        wanted = dict(values)
        wanted |= {"cron": checked_cron(wanted["cron"])} if "cron" in wanted else {}
        wanted |= {"timezone": checked_zone(wanted["timezone"])} if "timezone" in wanted else {}
        row = self._lock(reference)
        if changed := {name: value for name, value in wanted.items() if getattr(row, name) != value}:
            whole = {**{name: getattr(row, name) for name in PLANNED}, **changed}
            self._refuse_twin(row.workflow_id, whole, but=row.id)
            queries.change(self._connection, row.id, {**changed, "next_run_at": self._next(whole)})
        return self._shown(row.id)

    def remove(self, reference: str) -> WorkflowSchedule:
        """Delete a schedule; `audit undo` brings it back.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        schedule = self._shown(self._lock(reference).id)
        queries.remove(self._connection, schedule.id)
        return schedule

    def plan(self, workflow_id: UUID) -> None:
        """Find out anew when a workflow's schedules come next: what was missed is not made up for.

        Raises:
            UsageError: one of them, made by somebody else, is no schedule.
        """
        for row in queries.lock_active(self._connection, workflow_id):
            queries.change(self._connection, row.id, {"next_run_at": self._next(dict(row._mapping))})

    def plan_touched(self, operation_id: UUID) -> None:
        """The same for what an operation put back: the audit does not keep when a schedule comes next."""
        for row in queries.lock_touched(self._connection, operation_id):
            following = None
            # What was no schedule before is none again, and starts nothing.
            with suppress(UsageError):
                following = self._next(dict(row._mapping))
            queries.change(self._connection, row.id, {"next_run_at": following})

    def find(self, reference: str) -> UUID:
        """The key of the schedule that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        return exactly_one("schedule", reference, queries.find(self._connection, reference), FIND_HINT)

    def _lock(self, reference: str) -> AnyRow:
        row = queries.lock(self._connection, self.find(reference))
        if row is None:
            raise NotFound(f"schedule {reference!r} was just removed", FIND_HINT)
        return row

    def _next(self, schedule: Mapping[str, Any]) -> datetime | None:
        """When a schedule comes next; None while it is not active."""
        now = database_now(self._connection)
        return next_run(schedule["cron"], schedule["timezone"], now) if schedule["is_active"] else None

    def _refuse_twin(self, workflow_id: UUID, values: Mapping[str, Any], *, but: UUID | None = None) -> None:
        twin = queries.twin(self._connection, workflow_id, values["cron"], values["timezone"])
        if twin not in {None, but}:
            raise Conflict(
                f"the workflow has a schedule {values['cron']!r} in {values['timezone']} already: {twin}",
                f"agentadm workflows schedules update {twin} changes it",
            )

    def _shown(self, schedule_id: UUID) -> WorkflowSchedule:
        return _schedule(queries.load(self._connection, schedule_id))


def _schedule(row: AnyRow) -> WorkflowSchedule:
    return WorkflowSchedule(*row[: len(queries.SHOWN)])
