"""The rules of what starts workflows; one method a command."""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.errors import NotFound, UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import exactly_one
from platform_core.services import Service
from platform_core.workflows import trigger_queries as queries
from platform_core.workflows.types import WorkflowTrigger

FIND_HINT = (
    "a trigger is named by its id, or the last 8 digits or more of it: agentadm workflows triggers list WORKFLOW"
)
TYPE = re.compile(r"[a-z][a-z0-9_]*")


class TriggerService(Service):
    """What starts workflows. There are secrets in their configurations: those go in, and never out."""

    def list(self, workflow: str, request: ListRequest, *, active: bool | None = None) -> Rows[WorkflowTrigger]:
        """The triggers of a workflow, in the order in which they came.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(self._services.workflows.find(workflow), active=active)
        return ListService(self._connection, queries.LIST, request, _trigger, filters)

    def add(
        self, workflow: str, type_: str, config: Mapping[str, Any] | None, *, active: bool = True
    ) -> WorkflowTrigger:
        """Let something start a workflow.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: the type is none; there is no encryption key.
        """
        values = self._stored({"type": type_, "config": config, "is_active": active})
        values["workflow_id"] = self._services.workflows.hold(workflow)
        return self._shown(queries.create(self._connection, values))

    def update(self, reference: str, values: Mapping[str, Any]) -> WorkflowTrigger:
        """Set columns of a trigger; None takes its configuration away. One that was replaced is kept nowhere.

        A configuration that is given is stored anew, be it the same: nobody reads the one that is there.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: the type is none; there is no encryption key.
        """
        row = self._lock(reference)
        wanted = {
            name: value
            for name, value in self._stored(values).items()
            if (row.has_config or value is not None if name == "config" else getattr(row, name) != value)
        }
        if wanted:
            queries.change(self._connection, row.id, wanted)
        return self._shown(row.id)

    def remove(self, reference: str) -> WorkflowTrigger:
        """Delete a trigger, and its configuration with it.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        trigger = self._shown(self._lock(reference).id)
        queries.remove(self._connection, trigger.id)
        return trigger

    def find(self, reference: str) -> UUID:
        """The key of the trigger that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        return exactly_one("trigger", reference, queries.find(self._connection, reference), FIND_HINT)

    def _lock(self, reference: str) -> AnyRow:
        row = queries.lock(self._connection, self.find(reference))
        if row is None:
            raise NotFound(f"trigger {reference!r} was just removed", FIND_HINT)
        return row

    def _stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if not TYPE.fullmatch(values.get("type", "any")):
            raise UsageError(f"{values['type']!r} is no type", "lower case letters, digits and _: webhook, email, ...")
        found = dict(values)
        if (text := _written(found.get("config"))) is not None:
            found["config"] = self._services.key_ring.encrypt(text)
        return found

    def _shown(self, trigger_id: UUID) -> WorkflowTrigger:
        return _trigger(queries.load(self._connection, trigger_id))


def _written(config: Mapping[str, Any] | None) -> str | None:
    """A configuration as it is encrypted: of what is equal the same."""
    return None if config is None else json.dumps(config, sort_keys=True)


def _trigger(row: AnyRow) -> WorkflowTrigger:
    return WorkflowTrigger(*row[: len(queries.SHOWN)])
