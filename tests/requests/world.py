"""Situations as rows: what the oracle is told, put into the database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from tests.requests.oracle import Contract, Group, Helper, Key, Situation

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ENDPOINTS: dict[str | None, tuple[str | None, str | None]] = {
    None: (None, None),
    "agents:read": ("agents:read", None),
    "agents:write": ("agents:write", None),
    "runs:write": ("runs:write", None),
    "GET /v1/agents/7": ("agents:read", None),
    "POST /v1/agents": ("agents:write", "agents"),
    "PATCH /agents/7": ("agents:write", None),
    "POST /api/v2/agents/7/runs": ("runs:write", "runs"),
    "POST /runs": ("runs:write", "runs"),
    "POST /runs/7/cancel": ("runs:write", None),
    "POST /workflows": ("workflows:write", "workflows"),
    "GET /workflows?limit=3": ("workflows:read", None),
}
SCOPES = ["agents:read", "agents:write", "runs:read", "runs:write", "workflows:write"]
PLANS = """
INSERT INTO agentadm.plans (id, name, max_personal_agents, max_work_agents, max_total_agents, max_workflows,
    runs_per_month)
VALUES ('free', 'Free', NULL, NULL, 2, 1, 3), ('pro', 'Pro', NULL, NULL, NULL, 3, 5)
"""
ADD = {"agents": "max_total_agents", "workflows": "max_workflows", "runs": "runs_per_month"}


@dataclass
class Asked:
    """What the request is made with, as rows."""

    user: UUID
    key: UUID | None
    hash: str
    agent: UUID | None


def situation(random: Random) -> Situation:
    """One of very many; most pass the first rules, so that the last are reached, too."""

    def seldom(chance: float = 0.08) -> bool:
        return random.random() < chance

    def group(role: str | None, *, personal: bool = False) -> Group:
        found = Group(role, personal, deleted=not personal and seldom(), anchor=random.choice([1, 15, 30, 31]))
        if random.random() < 0.6:
            status = random.choice(["trialing", "active", "active", "past_due", "paused", "unpaid", "incomplete"])
            begins = random.choice([None, NOW - 9 * DAY, NOW - 40 * DAY])
            found.contract = Contract(random.choice(["free", "pro"]), status, begins, begins and begins + 30 * DAY)
        found.agents, found.workflows = random.randrange(3), random.randrange(2)
        found.runs = [NOW - timedelta(days=random.uniform(0, 45)) for _ in range(random.randrange(7))]
        for name in ADD:
            if random.random() < 0.25:
                value = random.choice([None, 0, 1, 2, 3, 9])
                found.overrides[name] = (value, random.choice([None, NOW + DAY, NOW - DAY, NOW]))
        return found

    def role() -> str | None:
        return random.choice(["owner", "admin", "member", "member", "viewer", None])

    groups = {"own": group("owner", personal=True), "one": group(role()), "two": group(role())}
    key = None
    if random.random() < 0.75:
        key = Key(
            random.choice(["live", "live", "test"]),
            SCOPES if random.random() < 0.7 else random.sample(SCOPES, random.randrange(len(SCOPES))),
            random.choice([None, None, "one", "two"]),
            only_agent=random.random() < 0.2,
            revoked=random.choice([NOW - DAY, NOW, NOW + DAY]) if seldom(0.1) else None,
            expires=random.choice([NOW - DAY, NOW, NOW + DAY]) if seldom(0.3) else None,
        )
    agent = None
    if random.random() < 0.7 or (key is not None and key.only_agent):
        kind = random.choice(["team", "team", "catalog"])
        has_plans = random.random() < 0.5
        agent = Helper(
            random.choice(["own", "one", "one", "two"]),
            kind,
            random.choice(["active", "active", "active", "active", "draft", "paused", "archived"]),
            deleted=seldom(),
            hired=random.random() < 0.3,
            has_plans=has_plans,
            has_free_plan=has_plans and random.random() < 0.7,
            contract=random.choice([None, None, "active", "past_due", "paused", "unpaid", "incomplete"])
            if has_plans
            else None,
        )
    endpoint = random.choice(list(ENDPOINTS))
    scope, makes = ENDPOINTS[endpoint]
    environment = random.choice([None, None, "live", "test"]) if seldom(0.5) else None
    at = random.choice([NOW, NOW, NOW, NOW - 2 * DAY, NOW + 2 * DAY, NOW + 31 * DAY])
    deleted = seldom()
    for one in (groups["one"], groups["two"]):
        # Who owns a team is not deleted.
        one.role = "admin" if deleted and one.role == "owner" else one.role
    return Situation(seldom(), deleted, groups, key, agent, endpoint, scope, makes, environment, at)


class Builder:
    """Puts situations into a database, each with people of its own."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection
        self.number = 0
        connection.execute(PLANS.encode())

    def value(self, statement: str, *parameters: object) -> Any:
        row = self.connection.execute(statement.encode(), parameters).fetchone()
        assert row is not None
        return row[0]

    def build(self, s: Situation) -> Asked:
        """The rows of one situation."""
        self.number += 1
        user = self._user("user", s.groups["own"].anchor)
        other = self._user("other", 1)
        teams = {name: self._team(name, group, user, other) for name, group in s.groups.items()}
        agent = None if s.agent is None else self._agent(s.agent, teams, user)
        for name, group in s.groups.items():
            self._use(group, teams[name], user, other)
        key, hashed = self._key(s, user, teams, agent)
        if s.suspended:
            self.connection.execute("UPDATE agentadm.users SET status = 'suspended' WHERE id = %s", [user])
        if s.deleted:
            self.connection.execute("UPDATE agentadm.users SET deleted_at = %s WHERE id = %s", [NOW - DAY, user])
        only_agent = s.key is not None and s.key.only_agent
        return Asked(user, key, hashed, None if only_agent else agent)

    def _user(self, name: str, anchor: int) -> UUID:
        statement = "INSERT INTO agentadm.users (email, billing_anchor_day) VALUES (%s, %s) RETURNING id"
        found: UUID = self.value(statement, f"{name}.{self.number}@example.com", anchor)
        return found

    def _team(self, name: str, group: Group, user: UUID, other: UUID) -> UUID:
        if group.personal:
            team: UUID = self.value("SELECT agentadm.personal_team(%s)", user)
            return team
        # Its owner's anchor day counts: an owner of its own, unless that is the user.
        owner = user if group.role == "owner" else self._user(f"owner.{name}", group.anchor)
        if owner == user:
            group.anchor = self.value("SELECT billing_anchor_day FROM agentadm.users WHERE id = %s", user)
        with self.connection.transaction():
            team = self.value(
                "INSERT INTO agentadm.teams (name, slug, owner_id) VALUES (%s, %s, %s) RETURNING id",
                name, f"{name}-{self.number}", owner,
            )  # fmt: skip
            for person, role in {owner: "owner", other: "member"}.items():
                self._member(team, person, role)
        if group.role not in {"owner", None}:
            self._member(team, user, str(group.role))
        return team

    def _member(self, team: UUID, person: UUID, role: str) -> None:
        statement = "INSERT INTO agentadm.team_members (team_id, user_id, role) VALUES (%s, %s, %s)"
        self.connection.execute(statement, [team, person, role])

    def _agent(self, agent: Helper, teams: dict[str, UUID], user: UUID) -> UUID:
        made: UUID = self.value(
            "INSERT INTO agentadm.agents (team_id, name, slug, agent_type, status, deleted_at)"
            " VALUES (%s, 'Agent', 'agent', %s, %s, %s) RETURNING id",
            teams[agent.group], agent.kind, agent.status, NOW - DAY if agent.deleted else None,
        )  # fmt: skip
        if agent.hired:
            statement = "INSERT INTO agentadm.agent_instances (user_id, agent_id, origin) VALUES (%s, %s, 'hire')"
            self.connection.execute(statement, [user, made])
        if agent.has_plans:
            plan = "INSERT INTO agentadm.agent_plans (agent_id, code) VALUES (%s, %s) RETURNING id"
            monthly = self.value(plan, made, "monthly")
            if agent.has_free_plan:
                self.value(plan, made, "free")
            if agent.contract is not None:
                self._subscribe_to_agent(agent, teams, user, made, monthly)
        return made

    def _subscribe_to_agent(self, agent: Helper, teams: dict[str, UUID], user: UUID, made: UUID, plan: UUID) -> None:
        """Whoever the customer is has the contract: the user, and each team."""
        statement = (
            "INSERT INTO agentadm.subscriptions (user_id, team_id, agent_plan_id, agent_id, provider, status)"
            " VALUES (%s, %s, %s, %s, 'manual', %s)"
        )
        self.connection.execute(statement, [user, None, plan, made, agent.contract])
        for name in ("one", "two"):
            self.connection.execute(statement, [None, teams[name], plan, made, agent.contract])

    def _use(self, group: Group, team: UUID, user: UUID, other: UUID) -> None:
        runner = user if group.personal else other
        for number in range(group.agents):
            self.connection.execute(
                "INSERT INTO agentadm.agents (team_id, name, slug, agent_type) VALUES (%s, 'W', %s, 'work')",
                [team, f"w{number}"],
            )
        for number in range(group.workflows):
            statement = "INSERT INTO agentadm.workflows (team_id, name) VALUES (%s, %s)"
            self.connection.execute(statement, [team, f"w{number}"])
        if group.runs:
            ran = self.value(
                "INSERT INTO agentadm.agents (team_id, name, slug) VALUES (%s, 'Runner', 'runner') RETURNING id", team
            )
            for done in group.runs:
                self._run(ran, runner, team, done, "completed")
            self._run(ran, runner, team, NOW, "failed")
        if (contract := group.contract) is not None:
            self.connection.execute(
                "INSERT INTO agentadm.subscriptions (user_id, team_id, plan_id, family, provider, status,"
                " current_period_start, current_period_end) VALUES (%s, %s, %s, 'platform', 'manual', %s, %s, %s)",
                [*self._whose(group, team, user), contract.plan, contract.status, contract.begins, contract.ends],
            )
        for what, (value, expires) in group.overrides.items():
            self.connection.execute(
                "INSERT INTO agentadm.limit_overrides (user_id, team_id, limit_name, value, reason, expires_at)"
                " VALUES (%s, %s, %s, %s, 'because', %s)",
                [*self._whose(group, team, user), ADD[what], value, expires],
            )
        if group.deleted:
            self.connection.execute("UPDATE agentadm.teams SET deleted_at = %s WHERE id = %s", [NOW - DAY, team])

    @staticmethod
    def _whose(group: Group, team: UUID, user: UUID) -> tuple[UUID | None, UUID | None]:
        return (user, None) if group.personal else (None, team)

    def _run(self, agent: UUID, user: UUID, team: UUID, done: datetime, status: str) -> None:
        self.connection.execute(
            "INSERT INTO agentadm.runs (agent_id, user_id, team_id, status, created_at, completed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [agent, user, team, status, done - timedelta(minutes=5), done],
        )

    def _key(self, s: Situation, user: UUID, teams: dict[str, UUID], agent: UUID | None) -> tuple[UUID | None, str]:
        hashed = sha256(str(self.number).encode()).hexdigest()
        if s.key is None:
            return None, hashed
        made = self.value(
            "INSERT INTO agentadm.api_keys (user_id, team_id, agent_id, name, environment, key_hash, display_start,"
            " hash_version, scopes, revoked_at, expires_at) VALUES (%s, %s, %s, 'key', %s, %s, %s, '1', %s, %s, %s)"
            " RETURNING id",
            user, None if s.key.group is None else teams[s.key.group], agent if s.key.only_agent else None,
            s.key.environment, hashed, f"aa_live_{self.number:06}", s.key.scopes, s.key.revoked, s.key.expires,
        )  # fmt: skip
        return made, hashed
