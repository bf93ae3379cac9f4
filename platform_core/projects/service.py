"""The rules of projects; one method a command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.errors import UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.projects import queries
from platform_core.projects.types import Project, ProjectSummary
from platform_core.refs import checked_name, exactly_one
from platform_core.services import Service

FIND_HINT = "a project is named by its name, its id, or the last 8 digits or more of its id"


class ProjectService(Service):
    """Projects."""

    def list(self, request: ListRequest, *, user: str | None = None, team: str | None = None) -> Rows[ProjectSummary]:
        """Projects, newest first.

        Args:
            request: conditions, order and limit.
            user, team: references; keep only their projects.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(user_id=self._user(user), team_id=self._team(team))
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str) -> Project:
        """One project whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        rows = queries.load(self._connection, reference)
        exactly_one("project", reference, [(row.id, row.name) for row in rows], FIND_HINT)
        return _project(rows[0])

    def create(self, name: str, *, user: str | None, team: str | None, description: str | None) -> Project:
        """Make a project of a user or of a team.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: both own it, or nobody; the name is none.
        """
        if (user is None) == (team is None):
            raise UsageError("a project belongs to a user or to a team", "give --user USER, or --team TEAM")
        checked_name(name)
        user_id = None if user is None else self._services.users.hold(user)
        team_id = self._team(team)
        return self._project(queries.create(self._connection, name, description, user_id, team_id))

    def update(self, reference: str, values: Mapping[str, Any]) -> Project:
        """Set columns of a project; None takes a value away.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        checked_name(values.get("name"))
        project_id = self.find(reference)
        queries.change(self._connection, project_id, values)
        return self._project(project_id)

    def delete(self, reference: str) -> Project:
        """Delete a project with its crews; `audit undo` brings both back.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        project = self.show(reference)
        queries.remove(self._connection, project.id)
        return project

    def find(self, reference: str) -> UUID:
        """The key of the project that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        return exactly_one("project", reference, queries.find(self._connection, reference), FIND_HINT)

    def _user(self, reference: str | None) -> UUID | None:
        return None if reference is None else self._services.users.find(reference)

    def _team(self, reference: str | None) -> UUID | None:
        return None if reference is None else self._services.teams.find(reference)

    def _project(self, project_id: UUID) -> Project:
        return _project(queries.load_by_id(self._connection, project_id))


def _summary(row: AnyRow) -> ProjectSummary:
    return ProjectSummary(row.name, row.user, row.team, row.created_at, row.id)


def _project(row: AnyRow) -> Project:
    return Project(**{**row._mapping, "crews": tuple(row.crews or ())})
