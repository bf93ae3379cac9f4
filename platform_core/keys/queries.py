"""Every statement about API keys. Statements of verification, in plain SQL, are in verifying_queries.py."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from platform_core.agents.tables import agents
from platform_core.db.reference_queries import ends_with
from platform_core.db.schema import AnyRow
from platform_core.keys.tables import api_keys
from platform_core.keys.types import EXPIRED, Environment, KeyStatus
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.teams.tables import teams
from platform_core.users.tables import users

CANDIDATES = 10

columns = api_keys.c
user = select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.user_id).scalar_subquery()
team = select(teams.c.slug).where(teams.c.id == columns.team_id).scalar_subquery()
agent = (
    select(teams.c.slug + "/" + agents.c.slug)
    .where(agents.c.id == columns.agent_id, teams.c.id == agents.c.team_id)
    .scalar_subquery()
)
now = func.agentadm.now()
is_revoked = and_(columns.revoked_at.is_not(None), columns.revoked_reason.is_distinct_from(EXPIRED))
is_living = and_(columns.revoked_at.is_(None), or_(columns.expires_at.is_(None), columns.expires_at > now))
status = case((is_revoked, KeyStatus.REVOKED.value), (is_living, KeyStatus.ACTIVE.value), else_=KeyStatus.EXPIRED.value)
IN_STATUS: Mapping[KeyStatus, ColumnElement[bool]] = {
    KeyStatus.ACTIVE: is_living,
    KeyStatus.REVOKED: is_revoked,
    KeyStatus.EXPIRED: and_(~is_revoked, ~is_living),
}

LIST = ListSpec(
    fields={
        **fields_of(api_keys, words={"environment": tuple(Environment)}, leave_out=frozenset({"key_hash"})),
        "status": Field(status, Kind.WORD, tuple(KeyStatus)),
        "user": Field(user, Kind.TEXT),
        "team": Field(team, Kind.TEXT),
        "agent": Field(agent, Kind.TEXT),
    },
    columns={
        "display_start": columns.display_start,
        "name": columns.name,
        "user": user,
        "team": team,
        "agent": agent,
        "environment": columns.environment,
        "status": status,
        "last_used_at": columns.last_used_at,
        "expires_at": columns.expires_at,
        "created_at": columns.created_at,
        "id": columns.id,
    },
    sorts={"created_at": Sort(columns.created_at), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)
# All but the hash, which is a secret.
SHOWN = [column for column in api_keys.columns if column.name != "key_hash"]

EXPIRE = text(
    """
    UPDATE agentadm.api_keys SET revoked_at = agentadm.now(), revoked_reason = :reason
    WHERE revoked_at IS NULL AND expires_at <= agentadm.now() - :after
    """
)
REHASH = text(
    """
    UPDATE agentadm.api_keys k SET key_hash = given.key_hash, hash_version = :version
    FROM (
        SELECT k.id, g.key_hash
        FROM unnest(CAST(:ids AS uuid[]), CAST(:hashes AS text[]), CAST(:known AS text[])) g (id, key_hash, known)
        JOIN agentadm.api_keys k ON k.id = g.id AND k.hash_version = g.known
        ORDER BY k.id
        FOR UPDATE OF k
    ) given
    WHERE k.id = given.id
    """
)


def _is_named_by(reference: str) -> ColumnElement[bool]:
    """Whether a key begins so, has this id, or an id that ends so. A beginning is as it is: its case counts."""
    whole = as_uuid(reference)
    if whole is not None:
        return columns.id == whole
    named = columns.display_start == reference
    ending = as_uuid_ending(reference)
    return named if ending is None else or_(named, ends_with(columns.id, ending))


def find(connection: Connection, reference: str) -> list[tuple[UUID, str]]:
    """Candidates of a reference."""
    statement = select(columns.id, columns.display_start).where(_is_named_by(reference))
    return [(row.id, row.display_start) for row in connection.execute(statement.limit(CANDIDATES))]


def _whole() -> Select[*tuple[Any, ...]]:
    return select(*SHOWN, user.label("user"), team.label("team"), agent.label("agent"), status.label("status"))


def load(connection: Connection, reference: str) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    return list(connection.execute(_whole().where(_is_named_by(reference)).limit(CANDIDATES)).all())


def load_by_id(connection: Connection, key_id: UUID, *, lock: bool = False) -> AnyRow:
    """One row whole; locked for the rest of the transaction if asked."""
    statement = _whole().where(columns.id == key_id)
    return connection.execute(statement.with_for_update(of=api_keys) if lock else statement).one()


def list_filters(
    *,
    user_id: UUID | None,
    team_id: UUID | None,
    agent_id: UUID | None,
    environment: Environment | None,
    wanted: KeyStatus | None,
) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters: list[ColumnElement[bool]] = [columns.user_id == user_id] if user_id is not None else []
    filters += [columns.team_id == team_id] if team_id is not None else []
    filters += [columns.agent_id == agent_id] if agent_id is not None else []
    filters += [columns.environment == environment.value] if environment is not None else []
    return [*filters, IN_STATUS[wanted]] if wanted is not None else filters


def create(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Insert a key. Returns the id that the database made."""
    return connection.execute(insert(api_keys).values(**values).returning(columns.id)).scalar_one()


def create_many(
    connection: Connection, shared: Mapping[str, Any], hash_version: str, hashed: Sequence[tuple[str, str]]
) -> int:
    """Insert keys that differ by hash and beginning only, in one statement. Returns how many."""
    given = (
        func.unnest(
            literal([key_hash for key_hash, _ in hashed], ARRAY(Text())),
            literal([start for _, start in hashed], ARRAY(Text())),
        )
        .table_valued("key_hash", "display_start")
        .render_derived()
    )
    values = [literal(value, api_keys.c[name].type) for name, value in shared.items()]
    source = select(*values, literal(hash_version), given.c.key_hash, given.c.display_start)
    names = [*shared, "hash_version", "key_hash", "display_start"]
    connection.execute(insert(api_keys).from_select(names, source))
    return len(hashed)


def change(connection: Connection, key_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a key."""
    connection.execute(update(api_keys).where(columns.id == key_id).values(**values))


def successor(connection: Connection, key_id: UUID) -> AnyRow | None:
    """The living key that replaces another, if there is one."""
    statement = select(columns.id, columns.display_start).where(columns.rotated_from == key_id, is_living)
    return connection.execute(statement.limit(1)).first()


def succeed(connection: Connection, key_id: UUID, new: Mapping[str, Any]) -> UUID:
    """Insert a key that is like another but for what is new, and without its quota. Returns its id."""
    like = ("user_id", "team_id", "agent_id", "name", "environment", "scopes", "rate_limit_per_minute", "expires_at")
    values = [literal(value) for value in new.values()]
    source = select(*(columns[name] for name in like), columns.id, *values).where(columns.id == key_id)
    names = [*like, "rotated_from", *new]
    return connection.execute(insert(api_keys).from_select(names, source).returning(columns.id)).scalar_one()


def expire_within(connection: Connection, key_id: UUID, overlap: timedelta) -> datetime | None:
    """Let a key end at the latest so long from now. Returns when it does."""
    soonest = func.least(columns.expires_at, now + overlap)
    ended = update(api_keys).where(columns.id == key_id).values(expires_at=soonest).returning(columns.expires_at)
    return connection.execute(ended).scalar_one()


def revoke(connection: Connection, key_id: UUID, reason: str | None) -> None:
    """Refuse a key from now on."""
    change(connection, key_id, {"revoked_at": now, "revoked_reason": reason})


def expire(connection: Connection, after: timedelta) -> int:
    """Mark the keys that expired longer ago. Returns how many."""
    return connection.execute(EXPIRE, {"reason": EXPIRED, "after": after}).rowcount


def existing(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of some keys there are."""
    return set(connection.execute(select(columns.id).where(columns.id.in_(ids))).scalars())


def rehash(connection: Connection, version: str, found: Sequence[tuple[UUID, str, str]]) -> int:
    """Store the new hash of keys, of each with the version that it had: one that changed meanwhile stays.

    Returns:
        How many were stored.
    """
    ids, known, hashes = zip(*found, strict=True)
    given = {"version": version, "ids": list(ids), "known": list(known), "hashes": list(hashes)}
    return connection.execute(REHASH, given).rowcount
