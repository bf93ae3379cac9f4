"""What the seeded company sells and what its teams have: as the sources say, within the limits, and in order."""

from datetime import UTC, datetime

import pytest

from platform_core.db import seed as seeding
from platform_core.db.seed_customers import period
from platform_core.db.seed_people import ANCHOR
from platform_core.db.types import SeedResult
from platform_core.errors import Conflict
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from platform_core.services import Services
from tests.db.seeded import seed
from tests.support import Database, run


def test_plans_sell_what_the_sources_sell(small: Database) -> None:
    plans = small.rows(
        "SELECT id, max_personal_agents, max_work_agents, max_total_agents, runs_per_month, max_workflows, "
        "workflow_runs_per_month, storage_bytes, price_monthly, currency FROM agentadm.plans ORDER BY price_monthly"
    )
    assert plans == [
        ("free", 1, 1, 2, 100, 5, 1_000, 100 * 1024**2, 0, "USD"),
        ("pro", 5, 5, 10, 1_000, 50, 50_000, 10 * 1024**3, 2_999, "USD"),
        ("enterprise", None, None, None, 10_000, None, None, None, 9_999, "USD"),
    ]
    assert small.rows(
        "SELECT p.code, p.price, p.currency, p.requests_per_day, p.requests_per_minute, t.slug, a.agent_type, a.status "
        "FROM agentadm.agent_plans p JOIN agentadm.agents a ON a.id = p.agent_id AND a.slug = 'anaya' "
        "JOIN agentadm.teams t ON t.id = a.team_id ORDER BY p.price"
    ) == [
        ("free", 0, "INR", 100, 10, "platform", "catalog", "active"),
        ("monthly", 19_900, "INR", 1_000, 60, "platform", "catalog", "active"),
        ("yearly", 199_900, "INR", 2_000, 100, "platform", "catalog", "active"),
    ]
    assert small.rows("SELECT name, provider, model_id, config FROM agentadm.ai_models ORDER BY name") == [
        ("Gemini 1.5 Flash", "gemini", "gemini-1.5-flash", {"maxTokens": 2048, "temperature": 0.7}),
        ("Llama 3 70B", "groq", "llama3-70b-8192", {"maxTokens": 8192, "temperature": 0.7}),
    ]


def test_our_own_teams_are_there(small: Database) -> None:
    assert small.rows(
        "SELECT u.username, t.name, t.slug = 'personal-' || replace(u.id::text, '-', ''), m.role, t.member_count "
        "FROM agentadm.teams t JOIN agentadm.users u ON u.id = t.personal_of "
        "JOIN agentadm.team_members m ON m.team_id = t.id AND m.user_id = t.owner_id ORDER BY 1"
    ) == [(name, "Personal", True, "owner", 1) for name in ("ada", "grace", "linus", "mei")]
    assert small.value(
        "SELECT u.username FROM agentadm.teams t JOIN agentadm.users u ON u.id = t.owner_id WHERE t.slug = 'platform'"
    ) == "ada"  # fmt: skip


def test_agents_have_what_the_triggers_would_have_made(medium: Database) -> None:
    without_version = """
        SELECT a.slug FROM agentadm.agents a
        LEFT JOIN agentadm.agent_versions v ON v.agent_id = a.id AND v.version = a.spec_version
            AND v.spec_content = a.spec_content
        WHERE v.id IS NULL
            OR a.spec_version <> (SELECT count(*) FROM agentadm.agent_versions v WHERE v.agent_id = a.id)
    """
    assert medium.rows(without_version) == []
    own = """
        SELECT a.slug FROM agentadm.agents a
        WHERE (a.agent_type IN ('personal', 'work'))
            <> EXISTS (SELECT FROM agentadm.agent_instances i WHERE i.agent_id = a.id AND i.origin = 'own')
    """
    assert medium.rows(own) == []
    workflows = """
        SELECT w.name FROM agentadm.workflows w
        LEFT JOIN agentadm.workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
            AND v.nodes = w.nodes AND v.connections = w.connections AND v.settings = w.settings
        WHERE v.id IS NULL
    """
    assert medium.rows(workflows) == []


def test_teams_count_their_agents_and_workflows(medium: Database) -> None:
    wrong = """
        SELECT t.slug FROM agentadm.teams t
        WHERE t.workflow_count <> (SELECT count(*) FROM agentadm.workflows w WHERE w.team_id = t.id)
            OR (t.agent_count, t.personal_agent_count, t.work_agent_count) <> (
                SELECT count(*), count(*) FILTER (WHERE a.agent_type = 'personal'),
                    count(*) FILTER (WHERE a.agent_type = 'work')
                FROM agentadm.agents a WHERE a.team_id = t.id AND a.deleted_at IS NULL
            )
    """
    assert medium.rows(wrong) == []
    ((agents, active, deleted, handles),) = medium.rows(
        "SELECT count(*), count(*) FILTER (WHERE status = 'active'), count(deleted_at), count(handle) "
        "FROM agentadm.agents"
    )
    assert active / agents > 0.7
    assert 0 < deleted < agents / 10
    assert 0.1 < handles / agents < 0.4


def test_nobody_has_more_than_the_limits_allow(small: Database) -> None:
    above = """
        SELECT t.slug, l.name FROM agentadm.teams t
        CROSS JOIN LATERAL (VALUES ('max_personal_agents', t.personal_agent_count),
            ('max_work_agents', t.work_agent_count), ('max_total_agents', t.personal_agent_count + t.work_agent_count),
            ('max_workflows', t.workflow_count)) l (name, used)
        CROSS JOIN LATERAL agentadm.customer_of_team(t.id) c
        CROSS JOIN LATERAL agentadm.effective_limit(c.customer_user, c.customer_team, NULL, l.name) e
        WHERE l.used > e.value
    """
    assert small.rows(above) == []


def test_runs_are_of_the_last_weeks_and_in_partitions_of_their_months(platform: Platform, database: Database) -> None:
    made = seed(platform, "medium").value
    assert database.value("SELECT count(*) FROM agentadm.runs_default") == 0
    assert 0.1 < made.runs / made.users < 3
    wrong = """
        SELECT r.id FROM agentadm.runs r LEFT JOIN agentadm.agents a ON a.id = r.agent_id
        WHERE r.created_at >= %s OR r.created_at < %s - interval '43 days' OR r.created_at > a.last_run_at
            OR r.started_at < r.created_at OR r.completed_at < r.started_at OR r.completed_at >= %s
            OR r.created_at < a.created_at OR r.created_at > a.deleted_at OR r.updated_at < r.created_at
            OR r.tokens_total <> r.tokens_prompt + r.tokens_completion
            OR (r.agent_id IS NOT NULL AND a.agent_type <> 'catalog' AND a.team_id <> r.team_id)
    """
    assert database.rows(wrong, ANCHOR, ANCHOR, ANCHOR) == []
    latest = """
        SELECT a.slug FROM agentadm.agents a
        WHERE a.last_run_at IS DISTINCT FROM (SELECT max(r.created_at) FROM agentadm.runs r WHERE r.agent_id = a.id)
    """
    assert database.rows(latest) == []
    orphans = """
        SELECT e.id FROM agentadm.error_logs e
        LEFT JOIN agentadm.runs r ON r.id = e.run_id AND r.created_at = e.run_created_at
        WHERE (e.run_id IS NOT NULL AND r.status IS NULL) OR r.status NOT IN ('failed', 'timed_out')
    """
    assert database.rows(orphans) == []


def test_subscriptions_are_in_the_period_of_the_anchor(medium: Database) -> None:
    wrong = """
        SELECT s.id FROM agentadm.subscriptions s LEFT JOIN agentadm.users u ON u.id = s.user_id
        WHERE NOT (coalesce(s.cancelled_at, %s) >= s.current_period_start
                AND coalesce(s.cancelled_at, %s) <= s.current_period_end)
            OR s.created_at > s.current_period_start OR s.created_at < u.created_at OR s.updated_at > %s
            OR (s.status = 'cancelled') <> (s.cancelled_at IS NOT NULL)
            OR (s.status = 'trialing') <> (s.trial_end IS NOT NULL)
            OR (u.deleted_at IS NOT NULL AND s.status <> 'cancelled' AND s.agent_id IS NULL)
            OR s.provider <> 'manual' AND s.provider_subscription_id !~ '^sub_[0-9A-Za-z]{14,24}$'
    """
    assert medium.rows(wrong, ANCHOR, ANCHOR, ANCHOR) == []
    ((customers, subscribed, cancelled, late),) = medium.rows(
        """
        SELECT (SELECT count(*) FROM agentadm.users WHERE stripe_customer_id IS NOT NULL), count(*),
            count(*) FILTER (WHERE status = 'cancelled'), count(*) FILTER (WHERE status = 'past_due')
        FROM agentadm.subscriptions WHERE provider = 'stripe' AND user_id IS NOT NULL
        """
    )
    assert 0.30 < subscribed / customers < 0.37
    assert 0.05 < cancelled / subscribed < 0.2
    assert 0.02 < late / subscribed < 0.1
    amounts = "SELECT DISTINCT plan_id, billing_cycle, amount FROM agentadm.subscriptions WHERE plan_id IS NOT NULL"
    assert sorted(medium.rows(amounts)) == [
        ("enterprise", "monthly", 9_999),
        ("enterprise", "yearly", 99_990),
        ("pro", "monthly", 2_999),
        ("pro", "yearly", 29_990),
    ]


@pytest.mark.parametrize(
    ("begun", "cycle", "at", "expected"),
    [
        (datetime(2026, 1, 31, tzinfo=UTC), "monthly", datetime(2026, 3, 30, tzinfo=UTC), ("2026-02-28", "2026-03-31")),
        (datetime(2026, 1, 31, tzinfo=UTC), "monthly", datetime(2026, 3, 31, tzinfo=UTC), ("2026-03-31", "2026-04-30")),
        (datetime(2026, 5, 5, tzinfo=UTC), "monthly", datetime(2026, 5, 5, tzinfo=UTC), ("2026-05-05", "2026-06-05")),
        (datetime(2025, 12, 5, tzinfo=UTC), "yearly", datetime(2026, 11, 1, tzinfo=UTC), ("2025-12-05", "2026-12-05")),
    ],
)
def test_a_period_begins_on_the_day_of_the_subscription(
    begun: datetime, cycle: str, at: datetime, expected: tuple[str, str]
) -> None:
    start, end = period(begun, cycle, at)
    assert (start.date().isoformat(), end.date().isoformat()) == expected


def test_keys_and_instances_look_as_they_do_elsewhere(medium: Database) -> None:
    keys = "SELECT id FROM agentadm.api_keys WHERE display_start !~ ('^aa_' || environment || '_[0-9A-Za-z]{6}$')"
    assert medium.rows(keys) == []
    ((made, revoked, expired, of_team, of_agent),) = medium.rows(
        "SELECT count(*), count(revoked_at), count(*) FILTER (WHERE expires_at < %s), count(team_id), count(agent_id) "
        "FROM agentadm.api_keys",
        ANCHOR,
    )
    assert made > of_team > of_agent > revoked > 0
    assert expired > 0
    assert medium.value("SELECT count(*) FROM agentadm.api_keys WHERE last_used_at > revoked_at") == 0
    states = {state for (state,) in medium.rows("SELECT DISTINCT status FROM agentadm.agent_instances")}
    assert states == {"running", "suspended", "stopped", "error", "destroyed"}
    crews = """
        SELECT c.name FROM agentadm.crews c
        WHERE NOT EXISTS (SELECT FROM agentadm.crew_instances i WHERE i.crew_id = c.id)
    """
    assert len(medium.rows(crews)) < medium.value("SELECT count(*) FROM agentadm.crews") / 10


def test_a_seeded_database_is_in_order(database: Database) -> None:
    assert run(["db", "seed", "--yes"], database.environ).code == 0
    done = run(["db", "doctor"], database.environ)
    assert done.code == 0, done.out


def test_triggers_make_versions_again_after_a_seed(platform: Platform, database: Database) -> None:
    def seed_and_more(services: Services) -> SeedResult:
        made = seeding.seed(services.connection, "small")
        services.connection.exec_driver_sql(
            "INSERT INTO agentadm.agents (team_id, name, slug, agent_type) "
            "SELECT id, 'One more', 'one-more', 'work' FROM agentadm.teams WHERE slug = 'platform'"
        )
        return made

    platform.write(WriteRequest(command="db seed"), seed_and_more, SeedResult)
    for table in ("agent_versions", "agent_instances"):
        made = f"SELECT count(*) FROM agentadm.{table} x JOIN agentadm.agents a ON a.id = x.agent_id"
        assert database.value(f"{made} WHERE a.slug = 'one-more'") == 1


def test_plans_in_the_way_are_named(platform: Platform, database: Database) -> None:
    database.execute("INSERT INTO agentadm.plans (id, name) VALUES ('basic', 'Basic')")
    with pytest.raises(Conflict, match="plans already"):
        seed(platform)
    assert database.value("SELECT count(*) FROM agentadm.users") == 0
