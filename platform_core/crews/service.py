"""The rules of crews; one method a command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.crews import queries
from platform_core.crews.types import Crew, CrewInstance, CrewSummary
from platform_core.db.schema import AnyRow
from platform_core.errors import NotFound
from platform_core.instances.types import InstanceStatus
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import checked_name, exactly_one
from platform_core.services import Service

FIND_HINT = "a crew is named by its name, its id, or the last 8 digits or more of its id"


class CrewService(Service):
    """Crews."""

    def list(self, request: ListRequest, *, project: str | None = None) -> Rows[CrewSummary]:
        """Crews, newest first.

        Args:
            request: conditions, order and limit.
            project: reference; keep only its crews.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        project_id = None if project is None else self._services.projects.find(project)
        return ListService(self._connection, queries.LIST, request, _summary, queries.list_filters(project_id))

    def show(self, reference: str) -> Crew:
        """One crew whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        rows = queries.load(self._connection, reference)
        exactly_one("crew", reference, [(row.id, f"{row.name} of {row.project}") for row in rows], FIND_HINT)
        return _crew(rows[0])

    def create(self, name: str, project: str) -> Crew:
        """Make a crew in a project.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        checked_name(name)
        project_id = self._services.projects.find(project)
        return self._crew(queries.create(self._connection, project_id, name))

    def rename(self, reference: str, name: str) -> Crew:
        """Give a crew another name.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        checked_name(name)
        crew = self.show(reference)
        queries.change(self._connection, crew.id, {"name": name})
        return self._crew(crew.id)

    def delete(self, reference: str) -> Crew:
        """Delete a crew; `audit undo` brings it back.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        crew = self.show(reference)
        queries.remove(self._connection, crew.id)
        return crew

    def add(self, reference: str, instance: str) -> CrewInstance:
        """Let an instance work in a crew, at the place after the last one. One that does stays where it is.

        Raises:
            NotFound, Conflict: a reference names none, or several; the instance is destroyed.
        """
        crew = self.show(reference)
        instance_id = self._services.instances.hold(instance)
        queries.lock(self._connection, crew.id)
        if queries.find_instance(self._connection, crew.id, instance_id) is None:
            queries.add_instance(self._connection, crew.id, instance_id)
        return self._placed(crew, instance_id)

    def remove(self, reference: str, instance: str) -> CrewInstance:
        """Take an instance out of a crew; the others keep their places.

        Raises:
            NotFound, Conflict: a reference names none, or several; the instance is not in the crew.
        """
        crew = self.show(reference)
        instance_id = self._services.instances.find(instance)
        queries.lock(self._connection, crew.id)
        found = self._placed(crew, instance_id)
        queries.remove_instance(self._connection, found.id)
        return found

    def find(self, reference: str) -> UUID:
        """The key of the crew that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        found = queries.find(self._connection, reference)
        return exactly_one("crew", reference, found, FIND_HINT)

    def _crew(self, crew_id: UUID) -> Crew:
        return _crew(queries.load_by_id(self._connection, crew_id))

    def _placed(self, crew: Crew, instance_id: UUID) -> CrewInstance:
        row = queries.find_instance(self._connection, crew.id, instance_id)
        if row is None:
            raise NotFound(
                f"instance {instance_id} is not in crew {crew.name}", f"agentadm crews show {crew.id} shows who is"
            )
        return _place(dict(row._mapping))


def _crew(row: AnyRow) -> Crew:
    return Crew(**{**row._mapping, "instances": tuple(_place(each) for each in row.instances)})


def _place(fields: Mapping[str, Any]) -> CrewInstance:
    status, ids = fields["status"], {name: _as_id(fields[name]) for name in ("instance_id", "id")}
    return CrewInstance(**{**fields, **ids, "status": None if status is None else InstanceStatus(status)})


def _as_id(value: UUID | str) -> UUID:
    """An id that may come out of JSON."""
    return value if isinstance(value, UUID) else UUID(value)


def _summary(row: AnyRow) -> CrewSummary:
    return CrewSummary(row.name, row.project, row.created_at, row.id)
