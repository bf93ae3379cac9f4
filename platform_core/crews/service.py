"""The rules of crews; one method a command."""

from typing import TYPE_CHECKING
from uuid import UUID

from platform_core.crews import queries
from platform_core.crews.types import Crew, CrewSummary
from platform_core.db.schema import AnyRow
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import checked_name, exactly_one

if TYPE_CHECKING:
    from platform_core.services import Services

FIND_HINT = "a crew is named by its name, its id, or the last 8 digits or more of its id"


class CrewService:
    """Crews.

    Args:
        services: of the unit of work.
    """

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._connection = services.connection

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
        return Crew(**rows[0]._mapping)

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

    def find(self, reference: str) -> UUID:
        """The key of the crew that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        return self.show(reference).id

    def _crew(self, crew_id: UUID) -> Crew:
        return Crew(**queries.load_by_id(self._connection, crew_id)._mapping)


def _summary(row: AnyRow) -> CrewSummary:
    return CrewSummary(row.name, row.project, row.created_at, row.id)
