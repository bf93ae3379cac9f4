"""The rules of instances; one method a command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict
from platform_core.instances import queries
from platform_core.instances.types import (
    EDGES,
    Instance,
    InstanceOrigin,
    InstanceStatus,
    InstanceSummary,
    SshConfig,
)
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import checked_name, exactly_one
from platform_core.services import Service
from platform_core.states import may_become

FIND_HINT = "an instance is named by its machine's id, its id, or the last 8 digits or more of its id"


class InstanceService(Service):
    """Agents that run for somebody. The runtime is not called: what is wanted is written down for it."""

    def list(
        self,
        request: ListRequest,
        *,
        user: str | None = None,
        agent: str | None = None,
        status: InstanceStatus | None = None,
        origin: InstanceOrigin | None = None,
    ) -> Rows[InstanceSummary]:
        """Instances, newest first.

        Args:
            request: conditions, order and limit.
            user, agent: references; keep only their instances.
            status, origin: keep only these.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        services = self._services
        filters = queries.list_filters(
            user_id=None if user is None else services.users.find(user),
            agent_id=None if agent is None else services.agents.find(agent),
            status=status,
            origin=origin,
        )
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str) -> Instance:
        """One instance whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        rows = queries.load(self._connection, reference)
        exactly_one("instance", reference, [(row.id, queries.label_of(row)) for row in rows], FIND_HINT)
        return _instance(rows[0])

    def start(self, reference: str) -> Instance:
        """Let an instance run. One that runs stays as it is.

        Raises:
            NotFound, Conflict: the reference names none, or several; its status does not allow it.
        """
        row = self._lock(reference)
        if _may_become(row, InstanceStatus.RUNNING):
            queries.start(self._connection, row.id)
        return self._instance(row.id)

    def stop(self, reference: str) -> Instance:
        """Let an instance stop, and keep what it has. One that is stopped stays as it is.

        Raises:
            NotFound, Conflict: the reference names none, or several; its status does not allow it.
        """
        return self._end(reference, InstanceStatus.STOPPED)

    def destroy(self, reference: str) -> Instance:
        """Let an instance go for good. One that is destroyed stays as it is.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return self._end(reference, InstanceStatus.DESTROYED)

    def configure(self, reference: str, values: Mapping[str, Any]) -> Instance:
        """Set columns of an instance; None takes a value away. `metadata` is merged: a key with None goes.

        Raises:
            NotFound, Conflict: the reference names none, or several; the instance is destroyed.
            UsageError: a name is none.
        """
        for name in ("display_name", "model_preference", "region"):
            checked_name(values.get(name))
        row = self._lock(reference)
        if row.status == InstanceStatus.DESTROYED.value:
            raise Conflict(
                f"instance {row.id} is destroyed, and stays as it was", "agentadm instances list shows the others"
            )
        wanted = dict(values)
        if "metadata" in wanted:
            merged = {**row.metadata, **wanted["metadata"]}
            wanted["metadata"] = {name: value for name, value in merged.items() if value is not None}
        changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if changed:
            queries.change(self._connection, row.id, changed)
        return self._instance(row.id)

    def find(self, reference: str) -> UUID:
        """The key of the instance that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        return exactly_one("instance", reference, queries.find(self._connection, reference), FIND_HINT)

    def hold(self, reference: str) -> UUID:
        """The key of the instance that a reference names, which is not destroyed before the end of the transaction.

        Raises:
            NotFound, Conflict: it names none, or several; the instance is destroyed.
        """
        row = self._lock(reference)
        if row.status == InstanceStatus.DESTROYED.value:
            raise Conflict(f"instance {row.id} is destroyed", "agentadm instances list shows the others")
        found: UUID = row.id
        return found

    def _end(self, reference: str, status: InstanceStatus) -> Instance:
        row = self._lock(reference)
        if _may_become(row, status):
            queries.stop(self._connection, row.id, status)
        return self._instance(row.id)

    def _lock(self, reference: str) -> AnyRow:
        return queries.load_by_id(self._connection, self.find(reference), lock=True)

    def _instance(self, instance_id: UUID) -> Instance:
        return _instance(queries.load_by_id(self._connection, instance_id))


def _may_become(row: AnyRow, status: InstanceStatus) -> bool:
    return may_become(f"instance {row.id}", InstanceStatus(row.status), status, EDGES)


def _summary(row: AnyRow) -> InstanceSummary:
    fields = {name: row[place] for place, name in enumerate(queries.LIST.columns)}
    fields["origin"], fields["status"] = InstanceOrigin(fields["origin"]), InstanceStatus(fields["status"])
    return InstanceSummary(**fields)


def _instance(row: AnyRow) -> Instance:
    fields = dict(row._mapping)
    before = fields["status_before"]
    fields["origin"], fields["status"] = InstanceOrigin(row.origin), InstanceStatus(row.status)
    fields["status_before"] = None if before is None else InstanceStatus(before)
    fields["ssh_configs"] = tuple(SshConfig(**each) for each in row.ssh_configs)
    return Instance(**fields)
