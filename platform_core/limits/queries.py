"""Every statement about limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from platform_core.db.schema import AnyRow
from platform_core.limits.tables import limit_overrides
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.plans.types import Limit
from platform_core.teams.tables import teams
from platform_core.users.tables import users

columns = limit_overrides.c
user = select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.user_id).scalar_subquery()
team = select(teams.c.slug).where(teams.c.id == columns.team_id).scalar_subquery()
WHOLE = {
    "user": user,
    "team": team,
    "limit": columns.limit_name,
    "value": columns.value,
    "unlimited": columns.value.is_(None),
    "reason": columns.reason,
    "expires_at": columns.expires_at,
    "created_at": columns.created_at,
    "id": columns.id,
}
LIST = ListSpec(
    fields={
        **fields_of(limit_overrides, words={"limit_name": tuple(Limit)}),
        "user": Field(user, Kind.TEXT),
        "team": Field(team, Kind.TEXT),
        "limit": Field(columns.limit_name, Kind.WORD, tuple(Limit)),
        "unlimited": Field(WHOLE["unlimited"], Kind.BOOLEAN),
    },
    columns=WHOLE,
    sorts={"id": Sort(columns.id)},
    default_sort="-id",
    key=columns.id,
    time=columns.created_at,
)

CHAIN = text(
    """
    WITH n AS MATERIALIZED (
        -- Counted once for each limit, however many places it may come from.
        SELECT u.limit_name, u.number,
            agentadm.limit_used(:user_id, :team_id, u.limit_name, agentadm.now()) AS used
        FROM unnest(CAST(:names AS text[])) WITH ORDINALITY u (limit_name, number)
    )
    SELECT n.limit_name AS "limit", c.source, c.applies AND c.place = min(c.place) FILTER (WHERE c.applies)
            OVER (PARTITION BY n.limit_name) AS decides,
        c.value, c.applies AND c.value IS NULL AS unlimited, n.used, c.detail
    FROM n
    CROSS JOIN LATERAL agentadm.limit_chain(:user_id, :team_id, :agent_id, n.limit_name, agentadm.now()) c
    ORDER BY n.number, c.place
    """
)


def chains(
    connection: Connection,
    *,
    user_id: UUID | None,
    team_id: UUID | None,
    agent_id: UUID | None,
    names: Sequence[str],
) -> list[AnyRow]:
    """Every place where limits of a customer may come from, in order, with which one decides."""
    parameters = {"user_id": user_id, "team_id": team_id, "agent_id": agent_id, "names": list(names)}
    return list(connection.execute(CHAIN, parameters).all())


def customer_of_team(connection: Connection, team_id: UUID) -> tuple[UUID | None, UUID | None]:
    """The user, or the team, for which a team's limits count."""
    row = connection.execute(text("SELECT * FROM agentadm.customer_of_team(:team)"), {"team": team_id}).one()
    return row.customer_user, row.customer_team


def list_filters(
    *, user_id: UUID | None, team_id: UUID | None, name: str | None, expired: bool | None
) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters: list[ColumnElement[bool]] = []
    filters += [columns.user_id == user_id] if user_id is not None else []
    filters += [columns.team_id == team_id] if team_id is not None else []
    filters += [columns.limit_name == name] if name is not None else []
    past: ColumnElement[Any] = func.coalesce(columns.expires_at <= func.agentadm.now(), False)
    return filters if expired is None else [*filters, past == expired]


def _of(user_id: UUID | None, team_id: UUID | None, names: Sequence[str]) -> ColumnElement[bool]:
    # Of the one that is given only: the other, compared with NULL, would be everybody's.
    whose = columns.team_id == team_id if user_id is None else columns.user_id == user_id
    return and_(whose, columns.limit_name.in_(names))


def grant(
    connection: Connection,
    *,
    user_id: UUID | None,
    team_id: UUID | None,
    name: str,
    value: int | None,
    reason: str,
    expires_at: datetime | None,
) -> None:
    """Insert an override, or change the one that there is."""
    values = {"value": value, "reason": reason, "expires_at": expires_at}
    statement = insert(limit_overrides).values(user_id=user_id, team_id=team_id, limit_name=name, **values)
    owner = "user_id" if user_id is not None else "team_id"
    connection.execute(statement.on_conflict_do_update(index_elements=[owner, "limit_name"], set_=values))


def clear(connection: Connection, *, user_id: UUID | None, team_id: UUID | None, names: Sequence[str]) -> int:
    """Delete overrides. Returns how many there were."""
    done = connection.execute(delete(limit_overrides).where(_of(user_id, team_id, names)))
    return done.rowcount


def granted(
    connection: Connection, *, user_id: UUID | None, team_id: UUID | None, names: Sequence[str]
) -> list[AnyRow]:
    """The overrides that there are."""
    chosen = select(*(column.label(name) for name, column in WHOLE.items()))
    return list(connection.execute(chosen.where(_of(user_id, team_id, names)).order_by(columns.limit_name)).all())
