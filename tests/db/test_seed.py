"""The seeded company: the same everywhere, believable, and harmless to real people."""

import json
import re
from datetime import UTC, datetime
from itertools import islice

import pytest

from platform_core.db import seed as seeding
from platform_core.db.schema import care_of
from platform_core.db.seed_company import TABLES as TEAM_TABLES
from platform_core.db.seed_people import ANCHOR, Person, people, seed_data, sign_ups, stream
from platform_core.db.seed_users import user_rows
from platform_core.db.types import SeedResult
from platform_core.errors import Conflict, NotPermitted, UsageError
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from tests.db.seeded import seed
from tests.support import Cluster, Database

SMALL = seeding.SCALES["small"]
# Changed only where rows change on purpose; the same on PostgreSQL 15, 16 and 18.
SMALL_DIGEST = "e0f0e3092f9e90105f74642d0983e29b"
# Subscriptions of people are a step, those of teams and to agents come with the teams.
TABLES = list({table.name: table for table in (*(step.table for step in seeding.STEPS), *dict(TEAM_TABLES))}.values())
AUDITED = [table for table in TABLES if care_of(table).unaudited is None]
LINES = " UNION ALL ".join(
    f"SELECT '{table.name}' AS name, id::text COLLATE \"C\" AS id, to_jsonb(t)::text AS line FROM {table.fullname} t"
    for table in TABLES
)
DIGEST = f"SELECT md5(string_agg(line, E'\\n' ORDER BY name, id)) FROM ({LINES}) rows"


def digest(database: Database) -> str:
    with database.connect(options="-c timezone=UTC") as connection:
        found: str = connection.execute(DIGEST.encode()).fetchall()[0][0]
    return found


def test_two_databases_get_the_same_rows(
    platform: Platform, database: Database, cluster: Cluster, template: Database
) -> None:
    other = cluster.database(template.name)
    second = Platform({**other.environ, "AGENTADM_CLOCK": "2031-02-03T04:05:06Z"})
    assert seed(platform).value == seed(second).value
    second.close()
    assert digest(database) == digest(other) == SMALL_DIGEST
    cluster.drop(other)


def test_counts_are_told_truly(platform: Platform, database: Database) -> None:
    result = seed(platform).value
    assert result.users == SMALL == database.value("SELECT count(*) FROM agentadm.users")
    assert result.identities == database.value("SELECT count(*) FROM agentadm.identities")
    assert database.value("SELECT count(DISTINCT user_id) FROM agentadm.identities") == SMALL
    for table in TABLES:
        told = getattr(result, table.name)
        assert told > 0
        assert told == database.value(f"SELECT count(*) FROM {table.fullname}")
    assert database.value("SELECT sum(member_count) FROM agentadm.teams") == result.team_members


def test_known_people_come_first(small: Database) -> None:
    rows = small.rows(
        "SELECT email, full_name, role, status, suspended_reason, deleted_at IS NOT NULL "
        "FROM agentadm.users ORDER BY id LIMIT 9"
    )
    assert rows == [
        ("ada@example.com", "Ada Lovelace", "admin", "active", None, False),
        ("grace@example.com", "Grace Hopper", "creator", "active", None, False),
        ("tomoko@example.com", "Tomoko Ishii", "support", "active", None, False),
        ("linus@example.org", "Linus Lindqvist", "user", "active", None, False),
        ("sam.suspended@example.com", "Sam Carter", "user", "suspended", "chargeback", False),
        ("noor@example.net", "نور الهاشمي", "user", "active", None, False),
        ("mei@example.org", "林美", "creator", "active", None, False),
        ("zoe@example.net", "Zoë Müller", "user", "active", None, False),
        ("dara.deleted@example.org", "Dara Sok", "user", "active", None, True),
    ]
    by_creation = small.rows("SELECT email FROM agentadm.users ORDER BY created_at LIMIT 9")
    assert [email for (email,) in by_creation] == [row[0] for row in rows]


def test_every_row_of_an_audited_table_is_audited_under_one_operation(platform: Platform, database: Database) -> None:
    outcome = seed(platform)
    changes = database.rows(
        "SELECT table_name, row_key, action, operation_id FROM agentadm.audit_changes WHERE operation_id = %s",
        outcome.operation_id,
    )
    assert {action for _, _, action, _ in changes} == {"insert"}
    expected = [
        (table.name, str(key)) for table in AUDITED for (key,) in database.rows(f"SELECT id FROM {table.fullname}")
    ]
    assert sorted((name, key) for name, key, _, _ in changes) == sorted(expected)
    assert outcome.affected == len(expected)
    # What the platform writes as it goes is its own record.
    assert {table.name for table in TABLES} - {table.name for table in AUDITED} == {"runs", "error_logs"}


def test_times_are_in_order_and_within_the_year(medium: Database) -> None:
    wrong = medium.rows(
        """
        SELECT email FROM agentadm.users
        WHERE created_at < %s OR created_at > updated_at OR updated_at > %s
            OR last_login_at <= created_at OR last_login_at > updated_at OR deleted_at < last_login_at
            OR deleted_at <= created_at OR billing_anchor_day <> extract(day FROM created_at AT TIME ZONE 'UTC')
            OR left(replace(id::text, '-', ''), 12)
                <> lpad(to_hex((extract(epoch FROM created_at) * 1000)::bigint), 12, '0')
            OR substr(id::text, 15, 1) <> '7' OR substr(id::text, 20, 1) NOT IN ('8', '9', 'a', 'b')
        """,
        datetime(2025, 11, 1, tzinfo=UTC),
        ANCHOR,
    )
    assert wrong == []
    wrong_links = medium.rows(
        "SELECT i.id FROM agentadm.identities i JOIN agentadm.users u ON u.id = i.user_id "
        "WHERE i.created_at < u.created_at OR i.created_at > coalesce(u.deleted_at, %s)",
        ANCHOR,
    )
    assert wrong_links == []


def test_shares_are_believable(medium: Database) -> None:
    ((users, creators, staff, suspended, deleted, customers, named, connected, reasons),) = medium.rows(
        """
        SELECT count(*), count(*) FILTER (WHERE role = 'creator'), count(*) FILTER (WHERE role IN ('support', 'admin')),
            count(*) FILTER (WHERE status = 'suspended'), count(deleted_at), count(stripe_customer_id), count(username),
            count(stripe_connect_account_id), count(suspended_reason)
        FROM agentadm.users
        """
    )
    assert 0.03 < creators / users < 0.06
    assert 2 < staff < 30
    assert suspended == reasons
    assert 0.025 < suspended / users < 0.035
    assert 0.005 < deleted / users < 0.02
    assert 0.30 < customers / users < 0.36
    assert 0.47 < named / users < 0.53
    assert 0 < connected < creators
    odd = medium.rows(
        """
        SELECT email FROM agentadm.users
        WHERE stripe_customer_id !~ '^cus_[0-9A-Za-z]{14}$' OR stripe_connect_account_id !~ '^acct_[0-9A-Za-z]{16}$'
            OR (stripe_connect_account_id IS NOT NULL AND role <> 'creator')
            OR (suspended_reason = 'chargeback' AND stripe_customer_id IS NULL)
        """
    )
    assert odd == []


def test_growth_and_week_pattern(medium: Database) -> None:
    ((first, last, week_day, weekend),) = medium.rows(
        """
        SELECT count(*) FILTER (WHERE created_at < '2026-02-01+00'),
            count(*) FILTER (WHERE created_at >= '2026-08-01+00'),
            count(*) FILTER (WHERE extract(isodow FROM created_at AT TIME ZONE 'UTC') < 6) / 5,
            count(*) FILTER (WHERE extract(isodow FROM created_at AT TIME ZONE 'UTC') >= 6) / 2
        FROM agentadm.users
        """
    )
    assert last > 3 * first
    assert week_day > 1.5 * weekend
    assert medium.value("SELECT count(DISTINCT (created_at AT TIME ZONE 'UTC')::date) FROM agentadm.users") > 360


def test_no_mail_can_reach_anybody(medium: Database) -> None:
    domains = {domain for (domain,) in medium.rows("SELECT DISTINCT split_part(email, '@', 2) FROM agentadm.users")}
    assert domains == {"example.com", *(domain.name for domain in seed_data().domains)}
    reserved = re.compile(r"([a-z0-9-]+\.)*(example\.(com|net|org)|example)")
    assert [domain for domain in domains if not reserved.fullmatch(domain)] == []
    links = medium.rows("SELECT DISTINCT split_part(avatar_url, '/', 3) FROM agentadm.users WHERE avatar_url <> ''")
    assert links == [("avatars.example.net",)]


def test_second_seed_is_refused_and_changes_nothing(platform: Platform, database: Database) -> None:
    seed(platform)
    before = digest(database)
    audited = database.value("SELECT count(*) FROM agentadm.audit_changes")
    with pytest.raises(Conflict, match="users already"):
        seed(platform, "medium")
    assert digest(database) == before
    assert database.value("SELECT count(*) FROM agentadm.audit_changes") == audited
    assert database.value("SELECT count(*) FROM agentadm.operations WHERE command = 'db seed'") == 1


def test_dry_run_leaves_nothing(platform: Platform, database: Database) -> None:
    request = WriteRequest(command="db seed", dry_run=True)
    outcome = platform.write(request, lambda services: seeding.seed(services.connection, "small"), SeedResult)
    assert outcome.value.users == SMALL
    assert database.value("SELECT count(*) FROM agentadm.users") == 0


def test_unknown_scale_names_the_scales(platform: Platform) -> None:
    with pytest.raises(UsageError) as caught:
        seed(platform, "huge")
    assert "'huge'" in caught.value.message
    assert caught.value.hint == "choose one of small, medium, large"


def test_login_under_row_level_security_is_told_why(database: Database) -> None:
    database.execute(
        "DO $$ BEGIN CREATE ROLE seed_admin LOGIN IN ROLE agentadm_admin; "
        "EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        user="postgres",
    )
    platform = Platform({**database.environ, "AGENTADM_DATABASE_URL": database.url_as("seed_admin")})
    with pytest.raises(NotPermitted, match="COPY"):
        seed(platform)
    platform.close()


def test_scales_share_their_people_only_by_rule() -> None:
    assert [person.known for person in islice(people(1000), 9)] == list(seed_data().known)
    assert [person.id for person in islice(people(400), 9)] == [person.id for person in islice(people(20_000), 9)]
    assert list(people(400)) == list(people(400))


@pytest.mark.parametrize("count", [0, 1, 7, 391, 5000])
def test_sign_ups_are_as_many_as_asked_for_and_in_order(count: int) -> None:
    moments = list(sign_ups(count, stream("test")))
    assert len(moments) == count
    assert moments == sorted(moments)


def test_a_table_draws_from_a_stream_of_its_own() -> None:
    first_draws = {stream(step.table.name).random() for step in seeding.STEPS}
    assert len(first_draws) == len(seeding.STEPS)


def test_names_can_be_told_apart() -> None:
    data = seed_data()
    given = [ascii_name for culture in data.cultures for ascii_name in culture.given.values()]
    family = [ascii_name for culture in data.cultures for ascii_name in culture.family.values()]
    assert len(given) == len(set(given)) >= 150
    assert len(family) == len(set(family)) >= 150
    assert all(re.fullmatch("[a-z]+", name) for name in given + family)
    assert not set(given) & {known.username for known in data.known}
    assert all(domain.joiner in {".", "_", "-"} for domain in (*data.domains, data.staff_domain))


def test_nobody_shares_an_address_or_username() -> None:
    emails, usernames = zip(*[(row[1], row[3]) for row in user_rows(50_000, stream("test"))], strict=True)
    assert len(set(emails)) == len(emails)
    used = [name for name in usernames if name is not None]
    assert len(set(used)) == len(used)


def test_metadata_is_small_json(small: Database) -> None:
    for (metadata,) in small.rows("SELECT metadata::text FROM agentadm.users"):
        assert json.loads(metadata).keys() == {"source", "locale"}


def test_what_happened_to_a_person_ends_their_activity() -> None:
    person = Person("id", 0, "user", suspended=5, deleted=None, known=None)
    assert person.active_until == 5
