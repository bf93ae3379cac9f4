"""Every statement about workflows. Those about versions, triggers and schedules are in files of their own."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    any_,
    false,
    func,
    literal,
    or_,
    select,
)

from platform_core.db.reference_queries import around, ends_with, named_or_id
from platform_core.deletable.queries import DeletableStatements
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.teams.tables import teams
from platform_core.users.tables import users
from platform_core.workflows.tables import workflow_schedules, workflow_triggers, workflows
from platform_core.workflows.types import WorkflowStatus

columns = workflows.c
lower_name = func.lower(columns.name)
team = select(teams.c.slug).where(teams.c.id == columns.team_id).scalar_subquery()
user = select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.user_id).scalar_subquery()
# As references name it.
label = func.concat_ws("/", team, columns.name)
trigger_count = select(func.count()).where(workflow_triggers.c.workflow_id == columns.id).scalar_subquery()
schedule_count = select(func.count()).where(workflow_schedules.c.workflow_id == columns.id).scalar_subquery()
SUMMARY = (
    "name", "team", "status", "is_active", "is_public", "category", "tags", "version", "created_at", "id",
)  # fmt: skip
LIST = ListSpec(
    fields={
        **fields_of(workflows, words={"status": tuple(WorkflowStatus)}),
        "team": Field(team, Kind.TEXT),
    },
    columns={name: team if name == "team" else columns[name] for name in SUMMARY},
    sorts={"created_at": Sort(columns.created_at), "name": Sort(lower_name), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)


def _is_named_by(reference: str) -> ColumnElement[bool]:
    """Whether a workflow may be meant: by name, team/name, id, or ending of an id. Each uses its own index."""
    named = named_or_id(columns.id, columns.name, reference)
    of_team, slash, name = reference.partition("/")
    if not slash:
        return named
    mine = columns.team_id.in_(select(teams.c.id).where(func.lower(teams.c.slug) == of_team.lower()))
    return or_(named, and_(mine, lower_name == name.lower()))


def near(connection: Connection, reference: str) -> dict[str, str]:
    """Names that stand around a reference in their index: in lower case, each with the reference that it would be."""
    start = reference.rpartition("/")[2].lower()
    return around(connection, lower_name, start, columns.deleted_at.is_(None), shown=label)


def _whole() -> Select[*tuple[Any, ...]]:
    return select(
        workflows,
        team.label("team"),
        user.label("user"),
        trigger_count.label("triggers"),
        schedule_count.label("schedules"),
        label.label("label"),
    )


WORKFLOWS = DeletableStatements(workflows, _whole(), label, named=_is_named_by, near=near)


def list_filters(
    *,
    team_id: UUID | None,
    user_id: UUID | None,
    status: WorkflowStatus | None,
    public: bool | None,
    category: str | None,
    tag: str | None,
    deleted: bool,
) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions; a user's are those that they made, and those of their own team."""
    filters = [WORKFLOWS.in_state(deleted=deleted)]
    filters += [columns.team_id == team_id] if team_id is not None else []
    if user_id is not None:
        own = select(teams.c.id).where(teams.c.personal_of == user_id)
        filters.append(or_(columns.user_id == user_id, columns.team_id.in_(own)))
    filters += [columns.status == status.value] if status is not None else []
    filters += [columns.is_public.is_(public)] if public is not None else []
    filters += [columns.category == category] if category is not None else []
    return [*filters, literal(tag) == any_(columns.tags)] if tag is not None else filters


def part_named(key: ColumnElement[UUID], workflow_id: ColumnElement[UUID], reference: str) -> ColumnElement[bool]:
    """Whether what belongs to a living workflow has this id, or one that ends so."""
    whole, ending = as_uuid(reference), as_uuid_ending(reference)
    living = workflow_id.in_(select(columns.id).where(columns.deleted_at.is_(None)))
    if whole is not None:
        return living & (key == whole)
    return false() if ending is None else living & ends_with(key, ending)
