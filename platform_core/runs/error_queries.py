"""The statement of the list of errors."""

from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from platform_core.agents.tables import agents
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.runs.tables import error_logs
from platform_core.teams.tables import teams
from platform_core.users.tables import users

columns = error_logs.c
agent = (
    select(teams.c.slug + "/" + agents.c.slug)
    .where(agents.c.id == columns.agent_id, teams.c.id == agents.c.team_id)
    .scalar_subquery()
)
user = select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.user_id).scalar_subquery()
LIST = ListSpec(
    fields={**fields_of(error_logs, words={}), "agent": Field(agent, Kind.TEXT), "user": Field(user, Kind.TEXT)},
    columns={
        "created_at": columns.created_at,
        "type": columns.type,
        "message": columns.message,
        "agent": agent,
        "user": user,
        "request_method": columns.request_method,
        "request_path": columns.request_path,
        "run_id": columns.run_id,
        "id": columns.id,
        "stack": columns.stack,
    },
    sorts={"created_at": Sort(columns.created_at), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)


def list_filters(*, agent_id: UUID | None, user_id: UUID | None, type_: str | None) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions; without an agent those of all, and of none."""
    filters: list[ColumnElement[bool]] = [columns.agent_id == agent_id] if agent_id is not None else []
    filters += [columns.user_id == user_id] if user_id is not None else []
    return [*filters, columns.type == type_] if type_ is not None else filters
