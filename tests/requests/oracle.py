"""What the rules of decision 10 say of a request, in plain Python: an oracle for `users why` and for what enforces.

It knows nothing of the database, and shares no code with either.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, datetime

GIVING = {"trialing", "active", "past_due"}
PLANS: dict[str, dict[str, int | None]] = {
    "free": {"agents": 2, "workflows": 1, "runs": 3},
    "pro": {"agents": None, "workflows": 3, "runs": 5},
}


@dataclass
class Contract:
    """A subscription to a plan. The period holds for what is counted."""

    plan: str
    status: str
    begins: datetime | None = None
    ends: datetime | None = None


@dataclass
class Group:
    """A team: the user's role in it, its own contract, and whom it is personal of."""

    role: str | None
    personal: bool = False
    deleted: bool = False
    contract: Contract | None = None
    overrides: dict[str, tuple[int | None, datetime | None]] = field(default_factory=dict)
    agents: int = 0
    workflows: int = 0
    runs: list[datetime] = field(default_factory=list)
    anchor: int = 1


@dataclass
class Key:
    """A key; `group` and `agent` name what it is for."""

    environment: str
    scopes: list[str]
    group: str | None
    only_agent: bool
    revoked: datetime | None
    expires: datetime | None


@dataclass
class Helper:
    """An agent."""

    group: str
    kind: str
    status: str
    deleted: bool
    hired: bool
    has_plans: bool
    has_free_plan: bool
    contract: str | None


@dataclass
class Situation:
    """A request, and the world that it is made in."""

    suspended: bool
    deleted: bool
    groups: dict[str, Group]
    key: Key | None
    agent: Helper | None
    endpoint: str | None
    scope: str | None
    makes: str | None
    environment: str | None
    at: datetime


def refusal(s: Situation) -> str | None:
    """The first rule that says no."""
    if s.suspended:
        return "user_suspended"
    if s.deleted:
        return "user_deleted"
    return _key(s) or _places(s)


def _key(s: Situation) -> str | None:
    key = s.key
    if key is None:
        return None
    if key.revoked is not None and key.revoked <= s.at:
        return "key_revoked"
    if key.expires is not None and key.expires <= s.at:
        return "key_expired"
    if s.environment is not None and s.environment != key.environment:
        return "key_environment"
    if s.scope is not None and s.scope not in key.scopes:
        return "key_scope"
    return None


def _places(s: Situation) -> str | None:
    open_to_all = s.agent is not None and s.agent.kind == "catalog"
    free_to_use = s.agent is not None and (open_to_all or s.agent.hired)
    name = s.key.group if s.key is not None and s.key.group is not None else None
    if name is None and s.agent is not None and not free_to_use:
        name = s.agent.group
    if name is not None:
        group = s.groups[name]
        if group.deleted:
            return "team_deleted"
        if group.role is None:
            return "team_membership"
        if s.scope is not None and s.scope.endswith(":write") and group.role == "viewer":
            return "team_role"
    if s.agent is not None:
        if not free_to_use and s.agent.group != name:
            return "agent_team"
        if s.agent.deleted:
            return "agent_deleted"
        about_agents = s.scope is not None and s.scope.startswith("agents:")
        if s.agent.status != "active" and not about_agents:
            return "agent_status"
    customer = s.groups["own"] if name is None else s.groups[name]
    return _contracts(s, customer)


def _contracts(s: Situation, customer: Group) -> str | None:
    if customer.contract is not None and customer.contract.status in {"paused", "unpaid"}:
        return "subscription"
    if s.agent is not None:
        gives = s.agent.contract in GIVING
        if s.agent.contract in {"paused", "unpaid"}:
            return "agent_subscription"
        if s.agent.has_plans and not gives and not s.agent.has_free_plan:
            return "agent_subscription"
    return _limits(s, customer)


LIMITS = {
    "agents": "max_total_agents",
    "workflows": "max_workflows",
    "runs": "runs_per_month",
}


def _limits(s: Situation, customer: Group) -> str | None:
    if s.makes is None:
        return None
    override = customer.overrides.get(s.makes)
    contract = customer.contract
    if override is not None and (override[1] is None or override[1] > s.at):
        allowed: int | None = override[0]
    elif contract is not None and contract.status in GIVING:
        allowed = PLANS[contract.plan][s.makes]
    else:
        allowed = PLANS["free"][s.makes]
    used = {"agents": customer.agents, "workflows": customer.workflows}.get(s.makes)
    if used is None:
        since = _period(customer, s.at)
        used = sum(since <= done <= s.at for done in customer.runs)
    return f"limit_{LIMITS[s.makes]}" if allowed is not None and used >= allowed else None


def _period(customer: Group, at: datetime) -> datetime:
    contract = customer.contract
    ends = None if contract is None else contract.ends
    begins = None if contract is None else contract.begins
    if begins is not None and ends is not None and begins <= at < ends:
        return begins
    year, month = at.year, at.month
    while True:
        day = min(customer.anchor, monthrange(year, month)[1])
        begin = datetime(year, month, day, tzinfo=UTC)
        if begin <= at:
            return begin
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
