"""The rules of runs; one method a command."""

from collections.abc import Collection
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import exactly_one
from platform_core.runs import error_queries, queries
from platform_core.runs.types import EDGES, RETRIED, ErrorEntry, Retry, Run, RunStatus, RunSummary
from platform_core.services import Service

FIND_HINT = "a run is named by its id, or by the last 8 digits or more of it"


class RunService(Service):
    """What agents and workflows did. A row is its own record: what changes one is counted, not audited."""

    def list(
        self,
        request: ListRequest,
        *,
        agent: str | None = None,
        workflow: str | None = None,
        user: str | None = None,
        team: str | None = None,
        status: RunStatus | None = None,
    ) -> Rows[RunSummary]:
        """Runs, newest first.

        Args:
            request: conditions, order and limit.
            agent, workflow, user, team: references; keep only their runs.
            status: keep only these.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        services = self._services
        filters = queries.list_filters(
            agent_id=None if agent is None else services.agents.find(agent),
            workflow_id=None if workflow is None else services.workflows.find(workflow),
            user_id=None if user is None else services.users.find(user),
            team_id=None if team is None else services.teams.find(team),
            status=status,
        )
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str) -> Run:
        """One run whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        rows = queries.load(self._connection, reference)
        exactly_one("run", reference, [(row.id, queries.label_of(row)) for row in rows], FIND_HINT)
        return Run(**{**rows[0]._mapping, "status": RunStatus(rows[0].status)})

    def cancel(self, reference: str) -> RunSummary:
        """End a run that waits or is under way. A cancelled one stays so.

        Raises:
            NotFound, Conflict: the reference names none, or several; the run has ended otherwise.
        """
        row = self._lock(reference)
        if row.status != RunStatus.CANCELLED.value:
            if RunStatus.CANCELLED not in EDGES.get(RunStatus(row.status), ()):
                raise Conflict(f"run {row.id} is {row.status}, and cannot be cancelled", f"{row.status} is final")
            queries.cancel(self._connection, row)
            self._services.count_unaudited(1)
        return self._run(row.id)

    def retry(self, reference: str, *, again: bool = False, met: Collection[UUID] = ()) -> Retry:
        """Queue a run that is to do the same again.

        Args:
            reference: of the run.
            again: also where another does so already.
            met: what was tried again in the same call: of what is named twice the frame says so.

        Raises:
            NotFound, Conflict: the reference names none, or several; the run was completed, has not ended, or was tried
                again already; what it names is deleted.
        """
        row = self._lock(reference)
        if row.status not in {status.value for status in RETRIED}:
            raise Conflict(
                f"run {row.id} is {row.status}, and cannot be tried again",
                f"only what is {', '.join(RETRIED[:-1])} or {RETRIED[-1]} can",
            )
        if not again and row.id not in met and (other := queries.became(self._connection, row.id)) is not None:
            raise Conflict(
                f"run {row.id} was tried again already: it became run {other}",
                f"look at that one: agentadm runs show {other}; another try of the same takes --again",
            )
        for noun in ("agent", "workflow", "user", "team"):
            if getattr(row, f"{noun}_gone"):
                raise Conflict(
                    f"run {row.id} cannot be tried again: its {noun} {getattr(row, f'{noun}_id')} is deleted",
                    f"agentadm {noun}s restore brings it back",
                )
        new_id = queries.retry(self._connection, row)
        self._services.count_unaudited(1)
        return Retry(row.id, self._run(new_id))

    def errors(
        self, request: ListRequest, *, agent: str | None = None, user: str | None = None, type_: str | None = None
    ) -> Rows[ErrorEntry]:
        """Errors that were logged, newest first.

        Args:
            request: conditions, order and limit.
            agent, user: references; keep only theirs.
            type_: keep only errors of this kind.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = error_queries.list_filters(
            agent_id=None if agent is None else self._services.agents.find(agent),
            user_id=None if user is None else self._services.users.find(user),
            type_=type_,
        )
        return ListService(self._connection, error_queries.LIST, request, _error, filters)

    def find(self, reference: str) -> UUID:
        """The key of the run that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        return exactly_one("run", reference, queries.find(self._connection, reference), FIND_HINT)

    def _lock(self, reference: str) -> AnyRow:
        return queries.lock(self._connection, self.find(reference))

    def _run(self, run_id: UUID) -> RunSummary:
        return _summary(queries.summary(self._connection, run_id))


def _summary(row: AnyRow) -> RunSummary:
    fields = {name: row[place] for place, name in enumerate(queries.LIST.columns)}
    return RunSummary(**{**fields, "status": RunStatus(fields["status"])})


def _error(row: AnyRow) -> ErrorEntry:
    return ErrorEntry(*row[: len(error_queries.LIST.columns)])
