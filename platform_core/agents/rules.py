"""What must hold before an agent is made or changed; constraints and triggers hold it whoever writes."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from platform_core.agents import queries
from platform_core.agents.types import (
    CONTACTS,
    COUNTED_TYPES,
    DEFAULT_PROVIDER,
    HANDLE_LENGTH,
    SPEC_BYTES,
    AgentType,
)
from platform_core.db.schema import AnyRow
from platform_core.errors import AgentadmError, Conflict, UsageError
from platform_core.plans.types import Limit
from platform_core.refs import checked_name

if TYPE_CHECKING:
    from platform_core.services import Services

HANDLE = re.compile(r"[A-Za-z0-9_]+")
LIMIT_OF = {AgentType.PERSONAL: Limit.MAX_PERSONAL_AGENTS, AgentType.WORK: Limit.MAX_WORK_AGENTS}


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of an agent as they are stored, but for what is to be encrypted.

    Raises:
        UsageError: the name, the handle or the specification is none.
    """
    found = dict(values)
    checked_name(found.get("name"))
    if (handle := found.get("handle")) is not None:
        found["handle"] = checked_handle(handle)
    for field, what in (("spec_content", "specification"), ("description", "description")):
        if len((found.get(field) or "").encode()) > SPEC_BYTES:
            raise UsageError(f"the {what} is longer than {SPEC_BYTES:,} bytes", "shorten it")
    if "tools" in found:
        found["tools"] = list(dict.fromkeys(found["tools"] or ()))
    return found


def checked_handle(text: str) -> str:
    """A handle without its @.

    Raises:
        UsageError: it is none.
    """
    handle = text.removeprefix("@")
    if not HANDLE.fullmatch(handle) or len(handle) > HANDLE_LENGTH:
        raise UsageError(
            f"{text[: HANDLE_LENGTH + 1]!r} is no handle",
            f"letters, digits and _, up to {HANDLE_LENGTH}: @night_scribe",
        )
    return handle


def refuse_taken_handle(services: "Services", handle: str | None, *, but: UUID | None = None) -> None:
    """Say no to a handle that another agent has, also a deleted one.

    Raises:
        Conflict: it is taken.
    """
    holder = None if handle is None else queries.holder_of_handle(services.connection, handle)
    if holder is not None and holder.id != but:
        raise Conflict(f"the handle @{handle} is taken by {told(holder)}", "choose another with --handle")


def told(holder: AnyRow) -> str:
    """An agent that has what somebody wants, as a message names it."""
    return f"{'' if holder.deleted_at is None else 'deleted '}agent {holder.label} ({holder.id})"


def model_of(values: Mapping[str, Any], provider: str) -> Mapping[str, Any]:
    """The provider that holds, beside what was given.

    Raises:
        UsageError: it is one that has no model by default, and none was named.
    """
    provider = values.get("llm_provider") or provider
    if provider != DEFAULT_PROVIDER and values.get("model_name") is None:
        raise UsageError(f"provider {provider!r} has no model by default", "name one with --model")
    return {"llm_provider": provider}


def refuse_full(services: "Services", team: AnyRow, agent_type: AgentType, *, more: int = 1) -> None:
    """Say no where a team, or its customer, may not have one more agent of a type.

    Args:
        services: of the unit of work.
        team: its row, locked, so that what is counted stays so.
        agent_type: of the agent.
        more: how many more the team itself gets: none where an agent of it changes its type.

    Raises:
        Conflict: how many are allowed and there, and what says so.
    """
    if team.max_agents is not None and team.agent_count + more > team.max_agents:
        raise Conflict(
            f"team {team.slug} has {team.agent_count} agents, and max_agents is {team.max_agents}",
            f"agentadm teams update {team.slug} --max-agents N; or delete agents first",
        )
    if agent_type not in COUNTED_TYPES:
        return
    services.limits.refuse_full(team, (LIMIT_OF[agent_type], *((Limit.MAX_TOTAL_AGENTS,) if more else ())))


def refuse_type(services: "Services", row: AnyRow, wanted: AgentType) -> None:
    """Say no to a type that an agent cannot become, or of which there are as many as there may be.

    Raises:
        Conflict: it is one.
    """
    if (wanted in COUNTED_TYPES) is not (row.agent_type in COUNTED_TYPES):
        raise Conflict(
            f"agent {row.label} is {row.agent_type}, and cannot become {wanted}:"
            " only personal and work agents have an instance of their own, from the beginning",
            "create another agent",
        )
    if wanted in COUNTED_TYPES:
        refuse_full(services, services.teams.lock_counts(row.team_id), wanted, more=0)


def changed(services: "Services", row: AnyRow, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the columns to be set those that are otherwise; contacts encrypted."""
    found = {}
    for name, value in values.items():
        before = getattr(row, name)
        if name in CONTACTS:
            if value is not None and before is not None and _readable(services, before) == value:
                continue
            value = encrypted(services, value)  # noqa: PLW2901 - from here on as it is stored
        if before != value:
            found[name] = value
    return found


def encrypted(services: "Services", contact: str | None) -> str | None:
    """A contact as it is stored."""
    return None if contact is None else services.key_ring.encrypt(contact)


def _readable(services: "Services", stored: str) -> str | None:
    try:
        return services.key_ring.decrypt(stored)
    except AgentadmError:
        # Whoever cannot read what is there may still set it anew.
        return None
