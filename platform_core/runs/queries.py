"""Every statement about runs."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, false, func, insert, literal, select, update

from platform_core.agents.tables import agents
from platform_core.db.reference_queries import CANDIDATES, ends_with
from platform_core.db.schema import AnyRow, care_of
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.runs.tables import runs
from platform_core.runs.types import RunStatus
from platform_core.teams.tables import teams
from platform_core.users.tables import users
from platform_core.workflows.tables import workflows

TRIGGERED_BY_RETRY = "retry"

columns = runs.c
agent = (
    select(teams.c.slug + "/" + agents.c.slug)
    .where(agents.c.id == columns.agent_id, teams.c.id == agents.c.team_id)
    .scalar_subquery()
)
workflow = select(workflows.c.name).where(workflows.c.id == columns.workflow_id).scalar_subquery()
user = select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.user_id).scalar_subquery()
team = select(teams.c.slug).where(teams.c.id == columns.team_id).scalar_subquery()
again = runs.alias("again")
# The newest, where there are several.
retried_as = (
    select(again.c.id)
    .where(again.c.retried_from == columns.id)
    .order_by(again.c.created_at.desc(), again.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
LIST = ListSpec(
    # Whoever may not read what is masked may not ask for it either.
    fields={
        **fields_of(runs, words={"status": tuple(RunStatus)}, leave_out=frozenset(care_of(runs).masked)),
        "agent": Field(agent, Kind.TEXT),
        "workflow": Field(workflow, Kind.TEXT),
        "user": Field(user, Kind.TEXT),
        "team": Field(team, Kind.TEXT),
    },
    columns={
        "created_at": columns.created_at,
        "agent": agent,
        "workflow": workflow,
        "status": columns.status,
        "user": user,
        "team": team,
        "triggered_by": columns.triggered_by,
        "retry_count": columns.retry_count,
        "completed_at": columns.completed_at,
        "duration_ms": columns.duration_ms,
        "cost_usd": columns.cost_usd,
        "id": columns.id,
    },
    sorts={
        "created_at": Sort(columns.created_at),
        "cost_usd": Sort(columns.cost_usd, nullable=True),
        "id": Sort(columns.id),
    },
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)
# What is gone, of what a run names.
GONE = {
    "agent_gone": select(agents.c.deleted_at.is_not(None)).where(agents.c.id == columns.agent_id).scalar_subquery(),
    "workflow_gone": (
        select(workflows.c.deleted_at.is_not(None)).where(workflows.c.id == columns.workflow_id).scalar_subquery()
    ),
    "user_gone": select(users.c.deleted_at.is_not(None)).where(users.c.id == columns.user_id).scalar_subquery(),
    "team_gone": select(teams.c.deleted_at.is_not(None)).where(teams.c.id == columns.team_id).scalar_subquery(),
}
# What a new try has in common with the one before.
KEPT = ("agent_id", "workflow_id", "user_id", "team_id", "instance_id", "input")


def _is_named_by(reference: str) -> ColumnElement[bool]:
    """Whether a run has this id, or an id that ends so."""
    whole = as_uuid(reference)
    if whole is not None:
        return columns.id == whole
    ending = as_uuid_ending(reference)
    return false() if ending is None else ends_with(columns.id, ending)


def _summary() -> Select[*tuple[Any, ...]]:
    return select(*(column.label(name) for name, column in LIST.columns.items()))


def label_of(row: AnyRow) -> str:
    """What tells a candidate from the others."""
    return f"{row.status}, of {row.created_at:%Y-%m-%d %H:%M}"


def find(connection: Connection, reference: str) -> list[tuple[UUID, str]]:
    """Candidates of a reference."""
    statement = select(columns.id, columns.status, columns.created_at).where(_is_named_by(reference))
    return [(row.id, label_of(row)) for row in connection.execute(statement.limit(CANDIDATES))]


def load(connection: Connection, reference: str) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    whole = select(
        runs,
        retried_as.label("retried_as"),
        agent.label("agent"),
        workflow.label("workflow"),
        user.label("user"),
        team.label("team"),
    )
    return list(connection.execute(whole.where(_is_named_by(reference)).limit(CANDIDATES)).all())


def lock(connection: Connection, run_id: UUID) -> AnyRow:
    """What decides on a run, which stays as it is until the end of the transaction."""
    statement = select(
        columns.id,
        columns.created_at,
        columns.status,
        columns.agent_id,
        columns.workflow_id,
        columns.user_id,
        columns.team_id,
        *(column.label(name) for name, column in GONE.items()),
    )
    return connection.execute(statement.where(columns.id == run_id).with_for_update(of=runs)).one()


def became(connection: Connection, run_id: UUID) -> UUID | None:
    """The newest run that does a run again. Asked once that run is locked: another may just have queued it."""
    return connection.execute(select(retried_as).select_from(runs).where(columns.id == run_id)).scalar_one()


def summary(connection: Connection, run_id: UUID) -> AnyRow:
    """One row as lists show it."""
    return connection.execute(_summary().where(columns.id == run_id)).one()


def list_filters(
    *,
    agent_id: UUID | None,
    workflow_id: UUID | None,
    user_id: UUID | None,
    team_id: UUID | None,
    status: RunStatus | None,
) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters: list[ColumnElement[bool]] = [columns.agent_id == agent_id] if agent_id is not None else []
    filters += [columns.workflow_id == workflow_id] if workflow_id is not None else []
    filters += [columns.user_id == user_id] if user_id is not None else []
    filters += [columns.team_id == team_id] if team_id is not None else []
    return [*filters, columns.status == status.value] if status is not None else filters


def cancel(connection: Connection, row: AnyRow) -> None:
    """End a run. The time is part of the key, and says in which partition it is."""
    connection.execute(
        update(runs)
        .where(columns.id == row.id, columns.created_at == row.created_at)
        .values(status=RunStatus.CANCELLED.value, completed_at=func.agentadm.now())
    )


def retry(connection: Connection, row: AnyRow) -> UUID:
    """Insert a queued run that is to do the same again. Returns the key that the database made."""
    kept = (columns[name] for name in KEPT)
    source = select(*kept, columns.id, columns.retry_count + 1, literal(TRIGGERED_BY_RETRY)).where(
        columns.id == row.id, columns.created_at == row.created_at
    )
    names = [*KEPT, "retried_from", "retry_count", "triggered_by"]
    return connection.execute(insert(runs).from_select(names, source).returning(columns.id)).scalar_one()
