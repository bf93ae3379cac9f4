"""Every statement about workflows. Those about versions, triggers and schedules are in files of their own."""

from collections.abc import Mapping
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
    insert,
    literal,
    or_,
    select,
    update,
)

from platform_core.db.reference_queries import ends_with, named_or_id
from platform_core.db.schema import AnyRow
from platform_core.listing.queries import ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.teams.tables import teams
from platform_core.users.tables import users
from platform_core.workflows.tables import workflow_schedules, workflow_triggers, workflows
from platform_core.workflows.types import WorkflowStatus

CANDIDATES = 10

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
    fields=fields_of(workflows, words={"status": tuple(WorkflowStatus)}),
    columns={name: team if name == "team" else columns[name] for name in SUMMARY},
    sorts={"created_at": Sort(columns.created_at), "name": Sort(lower_name), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)


def _in_state(*, deleted: bool) -> ColumnElement[bool]:
    return columns.deleted_at.is_not(None) if deleted else columns.deleted_at.is_(None)


def _is_named_by(reference: str) -> ColumnElement[bool]:
    """Whether a workflow may be meant: by name, team/name, id, or ending of an id. Each uses its own index."""
    named = named_or_id(columns.id, columns.name, reference)
    of_team, slash, name = reference.partition("/")
    if not slash:
        return named
    mine = columns.team_id.in_(select(teams.c.id).where(func.lower(teams.c.slug) == of_team.lower()))
    return or_(named, and_(mine, lower_name == name.lower()))


def find(connection: Connection, reference: str, *, deleted: bool) -> list[tuple[UUID, str]]:
    """Candidates of a reference among the living, or among the deleted, each with its team."""
    statement = select(columns.id, label.label("label")).where(_is_named_by(reference), _in_state(deleted=deleted))
    return [(row.id, row.label) for row in connection.execute(statement.limit(CANDIDATES))]


def near(connection: Connection, reference: str) -> dict[str, str]:
    """Names that stand around a reference in their index: in lower case, each with the reference that it would be."""
    found: dict[str, str] = {}
    start = reference.rpartition("/")[2].lower()
    for side, order in ((lower_name >= start, lower_name), (lower_name < start, lower_name.desc())):
        around = select(lower_name, label).where(side, _in_state(deleted=False)).order_by(order)
        found |= {row[0]: row[1] for row in connection.execute(around.limit(CANDIDATES))}
    return found


def _whole() -> Select[*tuple[Any, ...]]:
    return select(
        workflows,
        team.label("team"),
        user.label("user"),
        trigger_count.label("triggers"),
        schedule_count.label("schedules"),
        label.label("label"),
    )


def load(connection: Connection, reference: str, *, deleted: bool) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    statement = _whole().where(_is_named_by(reference), _in_state(deleted=deleted)).limit(CANDIDATES)
    return list(connection.execute(statement).all())


def load_by_id(connection: Connection, workflow_id: UUID, *, lock: bool = False) -> AnyRow:
    """One row whole; locked for the rest of the transaction if asked."""
    statement = _whole().where(columns.id == workflow_id)
    return connection.execute(statement.with_for_update(of=workflows) if lock else statement).one()


def hold(connection: Connection, workflow_id: UUID) -> bool:
    """Keep a workflow from being deleted until the end of the transaction; False where that has happened."""
    living = select(columns.id).where(columns.id == workflow_id, columns.deleted_at.is_(None))
    return connection.execute(living.with_for_update(read=True)).first() is not None


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
    filters = [_in_state(deleted=deleted)]
    filters += [columns.team_id == team_id] if team_id is not None else []
    if user_id is not None:
        own = select(teams.c.id).where(teams.c.personal_of == user_id)
        filters.append(or_(columns.user_id == user_id, columns.team_id.in_(own)))
    filters += [columns.status == status.value] if status is not None else []
    filters += [columns.is_public.is_(public)] if public is not None else []
    filters += [columns.category == category] if category is not None else []
    return [*filters, literal(tag) == any_(columns.tags)] if tag is not None else filters


def lock_team(connection: Connection, team_id: UUID) -> AnyRow:
    """A team's row, locked against whoever makes, deletes or restores workflows in it: its counts stay as they are."""
    return connection.execute(select(teams).where(teams.c.id == team_id).with_for_update(key_share=True)).one()


def create(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Insert a workflow. Returns the key that the database made."""
    return connection.execute(insert(workflows).values(**values).returning(columns.id)).scalar_one()


def change(connection: Connection, workflow_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a workflow."""
    connection.execute(update(workflows).where(columns.id == workflow_id).values(**values))


def set_deleted(connection: Connection, workflow_id: UUID, *, deleted: bool) -> None:
    """Delete a workflow, softly, or take that back."""
    change(connection, workflow_id, {"deleted_at": func.agentadm.now() if deleted else None})


def part_named(key: ColumnElement[UUID], workflow_id: ColumnElement[UUID], reference: str) -> ColumnElement[bool]:
    """Whether what belongs to a living workflow has this id, or one that ends so."""
    whole, ending = as_uuid(reference), as_uuid_ending(reference)
    living = workflow_id.in_(select(columns.id).where(columns.deleted_at.is_(None)))
    if whole is not None:
        return living & (key == whole)
    return false() if ending is None else living & ends_with(key, ending)
