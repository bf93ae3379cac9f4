"""Every statement about instances."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from platform_core.agents.tables import agents
from platform_core.db.reference_queries import CANDIDATES, ends_with
from platform_core.db.schema import AnyRow
from platform_core.instances.tables import agent_instances, ssh_configs
from platform_core.instances.types import InstanceOrigin, InstanceStatus
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.teams.tables import teams
from platform_core.users.tables import users

columns = agent_instances.c
user = select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.user_id).scalar_subquery()
agent = (
    select(teams.c.slug + "/" + agents.c.slug)
    .where(agents.c.id == columns.agent_id, teams.c.id == agents.c.team_id)
    .scalar_subquery()
)
ssh_list = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("name", ssh_configs.c.name, "vault_ref", ssh_configs.c.vault_ref),
                    ssh_configs.c.name,
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .where(ssh_configs.c.instance_id == columns.id)
    .scalar_subquery()
)
LIST = ListSpec(
    fields={
        **fields_of(agent_instances, words={"origin": tuple(InstanceOrigin), "status": tuple(InstanceStatus)}),
        "agent": Field(agent, Kind.TEXT),
        "user": Field(user, Kind.TEXT),
    },
    columns={
        "agent": agent,
        "user": user,
        "display_name": columns.display_name,
        "origin": columns.origin,
        "status": columns.status,
        "region": columns.region,
        "machine_id": columns.machine_id,
        "created_at": columns.created_at,
        "id": columns.id,
    },
    sorts={"created_at": Sort(columns.created_at), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)


def _is_named_by(reference: str) -> ColumnElement[bool]:
    """Whether an instance runs on this machine, has this id, or an id that ends so. Each uses its own index."""
    named = columns.machine_id == reference
    whole = as_uuid(reference)
    if whole is not None:
        return or_(named, columns.id == whole)
    ending = as_uuid_ending(reference)
    return named if ending is None else or_(named, ends_with(columns.id, ending))


def _whole() -> Select[*tuple[Any, ...]]:
    return select(agent_instances, agent.label("agent"), user.label("user"), ssh_list.label("ssh_configs"))


def find(connection: Connection, reference: str) -> list[tuple[UUID, str]]:
    """Candidates of a reference."""
    statement = select(columns.id, columns.status, agent.label("agent")).where(_is_named_by(reference))
    return [(row.id, label_of(row)) for row in connection.execute(statement.limit(CANDIDATES))]


def label_of(row: AnyRow) -> str:
    """What tells a candidate from the others."""
    return f"{row.agent}, {row.status}"


def load(connection: Connection, reference: str) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    return list(connection.execute(_whole().where(_is_named_by(reference)).limit(CANDIDATES)).all())


def load_by_id(connection: Connection, instance_id: UUID, *, lock: bool = False) -> AnyRow:
    """One row whole; locked for the rest of the transaction if asked."""
    statement = _whole().where(columns.id == instance_id)
    return connection.execute(statement.with_for_update(of=agent_instances) if lock else statement).one()


def list_filters(
    *,
    user_id: UUID | None,
    agent_id: UUID | None,
    status: InstanceStatus | None,
    origin: InstanceOrigin | None,
) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters: list[ColumnElement[bool]] = [columns.user_id == user_id] if user_id is not None else []
    filters += [columns.agent_id == agent_id] if agent_id is not None else []
    filters += [columns.status == status.value] if status is not None else []
    return [*filters, columns.origin == origin.value] if origin is not None else filters


def change(connection: Connection, instance_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of an instance."""
    renamed = {"metadata_" if name == "metadata" else name: value for name, value in values.items()}
    connection.execute(update(agent_instances).where(columns.id == instance_id).values(**renamed))


def start(connection: Connection, instance_id: UUID) -> None:
    """Let an instance run: what went wrong before is over."""
    now = func.agentadm.now()
    change(
        connection,
        instance_id,
        {"status": InstanceStatus.RUNNING.value, "started_at": now, "error_message": None},
    )


def stop(connection: Connection, instance_id: UUID, status: InstanceStatus) -> None:
    """Let an instance run no more, for a while or for good."""
    stopped_at = case((columns.status == InstanceStatus.STOPPED.value, columns.stopped_at), else_=func.agentadm.now())
    change(connection, instance_id, {"status": status.value, "stopped_at": stopped_at})
