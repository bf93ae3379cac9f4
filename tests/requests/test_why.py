"""Why a request is refused: each rule, and hundreds of situations against an oracle of its own."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from platform_core.platform import Platform
from platform_core.requests.types import Asked
from tests.conftest import Agentadm
from tests.requests.oracle import Situation, refusal
from tests.requests.world import Builder, situation
from tests.support import Database

SITUATIONS = 500
VERIFY = "SELECT allowed, rule FROM agentadm.verify_key(ARRAY[%s], %s, %s, %s, %s)"


def test_why_and_what_enforces_agree_with_the_oracle(platform: Platform, database: Database) -> None:
    """Both, and the oracle, name the same rule, or none, in each of many situations; and every rule was among them."""
    random = Random(20261121)  # noqa: S311 - situations, the same ones each time
    decided: Counter[str | None] = Counter()
    wrong: list[tuple[str | None, str | None, str | None, Situation]] = []
    with database.connect(autocommit=True) as connection:
        builder = Builder(connection)
        for _ in range(SITUATIONS):
            s = situation(random)
            with connection.transaction():
                made = builder.build(s)
            expected = refusal(s)
            asked = Asked(
                user=str(made.user),
                key=None if made.key is None else str(made.key),
                agent=None if made.agent is None else str(made.agent),
                endpoint=s.endpoint,
                environment=s.environment,
                at=s.at.isoformat(),
            )
            rules = platform.read(lambda services, asked=asked: services.requests.why(asked))  # type: ignore[misc]
            told = next((rule.rule for rule in rules if not rule.allowed), None)
            enforced = told
            if made.key is not None:
                row = connection.execute(
                    VERIFY.encode(), [made.hash, s.endpoint, s.environment, made.agent, s.at]
                ).fetchone()
                assert row is not None
                assert row[0] is (row[1] is None)
                enforced = row[1]
            decided[expected] += 1
            if not expected == told == enforced:
                wrong.append((expected, told, enforced, s))
    assert not wrong, f"{len(wrong)} differ; the first: {wrong[0]}"
    assert decided[None] > SITUATIONS / 20
    assert set(decided) >= {
        "user_suspended", "user_deleted", "key_revoked", "key_expired", "key_environment", "key_scope", "team_deleted",
        "team_membership", "team_role", "agent_team", "agent_deleted", "agent_status", "subscription",
        "agent_subscription", "limit_max_total_agents", "limit_max_workflows", "limit_runs_per_month",
    }, decided  # fmt: skip


ADA = "ada@example.com"
SET_UP = """
INSERT INTO agentadm.plans (id, name, max_total_agents, max_workflows, runs_per_month) VALUES ('free', 'Free', 2, 1, 1);
INSERT INTO agentadm.users (email) VALUES ('ada@example.com'), ('bob@example.com');
SELECT agentadm.personal_team(id) FROM agentadm.users;
BEGIN;
INSERT INTO agentadm.teams (name, slug, owner_id)
SELECT 'Engines', 'engines', id FROM agentadm.users WHERE email LIKE 'bob%';
INSERT INTO agentadm.team_members (team_id, user_id, role)
SELECT t.id, u.id, CASE WHEN u.email LIKE 'bob%' THEN 'owner' ELSE 'member' END
FROM agentadm.teams t, agentadm.users u WHERE t.slug = 'engines';
COMMIT;
INSERT INTO agentadm.agents (team_id, name, slug, handle, status)
SELECT id, 'Writer', 'writer', 'writer', 'active' FROM agentadm.teams WHERE slug = 'engines';
INSERT INTO agentadm.agents (team_id, name, slug, handle, status, agent_type)
SELECT id, 'Anaya', 'anaya', 'anaya', 'active', 'catalog' FROM agentadm.teams WHERE slug = 'engines';
INSERT INTO agentadm.api_keys (user_id, name, key_hash, display_start, hash_version)
SELECT id, 'ci', repeat('ab', 32), 'aa_live_Ada001', '1' FROM agentadm.users WHERE email LIKE 'ada%';
INSERT INTO agentadm.api_keys (user_id, name, key_hash, display_start, hash_version)
SELECT id, 'ci', repeat('cd', 32), 'aa_live_Bob001', '1' FROM agentadm.users WHERE email LIKE 'bob%';
"""
SUBSCRIBED = (
    "INSERT INTO agentadm.subscriptions (user_id, plan_id, family, provider, status)"
    " SELECT id, 'free', 'platform', 'manual', '{}' FROM agentadm.users WHERE email LIKE 'ada%'"
)
KEY = ["--key", "aa_live_Ada001"]
TO_WRITER = ["--agent", "@writer"]
# By rule: what is done to the database, what is asked, and what is told.
RULES: list[tuple[str, str, list[str], str]] = [
    (
        "user_suspended",
        "UPDATE agentadm.users SET status = 'suspended', suspended_reason = 'fraud'",
        [],
        "suspended: fraud",
    ),
    (
        "user_deleted",
        "UPDATE agentadm.users SET deleted_at = agentadm.now() WHERE email LIKE 'ada%'",
        [],
        "was deleted",
    ),
    ("key_owner", "", ["--key", "aa_live_Bob001"], "another user's"),
    ("key_revoked", "UPDATE agentadm.api_keys SET revoked_at = agentadm.now(), revoked_reason = 'leak'", KEY, ": leak"),
    ("key_expired", "UPDATE agentadm.api_keys SET expires_at = '2026-01-02T03:04:05Z'", KEY, "expired at 2026-01-02"),
    ("key_environment", "", [*KEY, "--environment", "test"], "for live"),
    ("key_scope", "", [*KEY, "--endpoint", "GET /v1/usage"], "scope usage:read"),
    (
        "key_agent",
        "UPDATE agentadm.api_keys SET agent_id = (SELECT id FROM agentadm.agents WHERE slug = 'anaya')",
        [*KEY, *TO_WRITER],
        "another agent only",
    ),
    (
        "team_deleted",
        "UPDATE agentadm.teams SET deleted_at = agentadm.now() WHERE slug = 'engines'",
        TO_WRITER,
        "engines",
    ),
    (
        "team_membership",
        "DELETE FROM agentadm.team_members WHERE role = 'member'",
        TO_WRITER,
        "not a member of team engines",
    ),
    (
        "team_role",
        "UPDATE agentadm.team_members SET role = 'viewer' WHERE role = 'member'",
        [*TO_WRITER, "--endpoint", "runs:write"],
        "viewer may only read",
    ),
    (
        "agent_team",
        (
            "UPDATE agentadm.api_keys SET team_id = (SELECT t.id FROM agentadm.teams t JOIN agentadm.users u"
            " ON u.id = t.personal_of WHERE u.email LIKE 'ada%') WHERE name = 'ci'"
        ),
        [*KEY, *TO_WRITER],
        "another team",
    ),
    ("agent_deleted", "UPDATE agentadm.agents SET deleted_at = agentadm.now()", TO_WRITER, "agent was deleted"),
    ("agent_status", "UPDATE agentadm.agents SET status = 'paused'", TO_WRITER, "agent is paused"),
    ("subscription", SUBSCRIBED.format("unpaid"), [], "subscription is unpaid"),
    (
        "agent_subscription",
        (
            "INSERT INTO agentadm.agent_plans (agent_id, code)"
            " SELECT id, 'monthly' FROM agentadm.agents WHERE slug = 'anaya'"
        ),
        ["--agent", "@anaya"],
        "no free plan",
    ),
    (
        "limit_max_workflows",
        (
            "INSERT INTO agentadm.workflows (team_id, name) SELECT t.id, 'W' FROM agentadm.teams t"
            " JOIN agentadm.users u ON u.id = t.personal_of WHERE u.email LIKE 'ada%'"
        ),
        ["--endpoint", "POST /v1/workflows"],
        "1 of 1 used, by the plan (free)",
    ),
    (
        "limit_runs_per_month",
        (
            "INSERT INTO agentadm.limit_overrides (user_id, limit_name, value, reason)"
            " SELECT id, 'runs_per_month', 0, 'abuse' FROM agentadm.users WHERE email LIKE 'ada%'"
        ),
        ["--endpoint", "POST /v1/runs"],
        "0 of 0 used, by the override (abuse)",
    ),
]


def populate(database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        for statement in SET_UP.split(";"):
            if statement.strip():
                connection.execute(statement.encode())


@pytest.mark.parametrize(("rule", "change", "options", "told"), RULES, ids=[rule for rule, *_ in RULES])
def test_each_rule(
    database: Database, agentadm: Agentadm, rule: str, change: str, options: list[str], told: str
) -> None:
    populate(database)
    before = agentadm("users", "why", ADA, *(option for option in options if rule != "key_owner"), "-o", "json")
    if change:
        assert before.code == 0, before.out
        database.execute(change)
    done = agentadm("users", "why", ADA, *options, "-o", "json")
    rules: list[dict[str, Any]] = done.json
    refused = [found for found in rules if not found["allowed"]]
    assert done.code == 1
    assert refused[0]["rule"] == rule
    assert told in refused[0]["message"]
    assert f"refused by {rule}" in done.err
    assert [found["rule"] for found in rules][:2] == ["user_suspended", "user_deleted"]


def test_allowed_shows_the_whole_chain(database: Database, agentadm: Agentadm) -> None:
    populate(database)
    done = agentadm("users", "why", ADA, *KEY, *TO_WRITER, "--endpoint", "POST /v1/agents/7/runs", "-o", "json")
    assert (done.code, done.err) == (0, "allowed\n")
    assert [rule["rule"] for rule in done.json] == [
        "user_suspended", "user_deleted", "key_owner", "key_revoked", "key_expired", "key_scope", "team_deleted",
        "team_membership", "team_role", "agent_team", "agent_deleted", "agent_status", "subscription",
        "agent_subscription", "limit_runs_per_month",
    ]  # fmt: skip
    assert all(rule["allowed"] for rule in done.json)
    assert done.json[-1]["message"] == "0 of 1 used, by the plan (free)"
    short = agentadm("users", "why", ADA, *TO_WRITER)
    assert short.err.startswith("allowed; not looked at: team_role, limits (--endpoint")


def test_of_a_key_alone_and_of_nobody(database: Database, agentadm: Agentadm) -> None:
    populate(database)
    assert agentadm("users", "why", *KEY).code == 0
    done = agentadm("users", "why")
    assert (done.code, done.out) == (2, "")
    assert "whose request" in done.err
    wrong = agentadm("users", "why", ADA, "--endpoint", "make me an agent")
    assert (wrong.code, wrong.out) == (2, "")
    assert "'make me an agent' is no endpoint" in wrong.err


def test_later_the_key_has_expired(database: Database, agentadm: Agentadm) -> None:
    populate(database)
    database.execute("UPDATE agentadm.api_keys SET expires_at = agentadm.now() + interval '5 days'")
    assert agentadm("users", "why", ADA, *KEY).code == 0
    assert agentadm("users", "why", ADA, *KEY, "--at", "6d").code == 1


def test_an_agent_that_is_not_there_is_refused_with_a_key_and_without(database: Database) -> None:
    populate(database)
    nobody = "00000000-0000-0000-0000-000000000000"
    for key in (None, database.value("SELECT id FROM agentadm.api_keys WHERE display_start = 'aa_live_Ada001'")):
        rule = database.value(
            "SELECT rule FROM agentadm.request_rules((SELECT id FROM agentadm.users WHERE email LIKE 'ada%%'), %s, %s,"
            " 'runs:write', NULL, agentadm.now(), false)",
            key,
            nobody,
        )
        assert rule == "agent_unknown"


def test_above_the_plan_what_has_a_price_is_let_through(database: Database, agentadm: Agentadm) -> None:
    populate(database)
    database.execute("UPDATE agentadm.plans SET runs_per_month = 0")
    ask = ["users", "why", ADA, "--endpoint", "POST /v1/runs", "-o", "json"]
    assert agentadm(*ask).code == 1
    database.execute("UPDATE agentadm.plans SET overage_run = 5")
    done = agentadm(*ask)
    assert done.code == 0
    assert done.json[-1]["message"].endswith("what is above is charged")
    # An exception is one.
    grant = ["limits", "set", "--user", ADA, "--allow", "runs_per_month=0", "--reason", "abuse"]
    assert agentadm(*grant).code == 0
    assert agentadm(*ask).code == 1
