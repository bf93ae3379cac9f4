"""A database of many users, with equal sort keys and missing values, for all tests of a module that only read."""

from collections.abc import Iterator

import pytest

from platform_core.platform import Platform
from tests.support import Cluster, Database

HOSTILE = (
    "=cmd()", "+1 234", "-5", "@x", "'", '"', '""', "a,b", "a;b", "a\nb", "a\rb", "a\r\nb", "\t", "\\N", "\\.", "\\",
    " a ", "", "\x01", "\x02", "\x03", "\x7f", "\x85", "\x9b31m", "\u202egnol\u202c", "\u2028", "\u061c", "é", "Ärger",
    "名前", "😀", "%", "_", "a%b_c", "NULL", "null", "<b>|`*", "\ufeff", "\u00a0", "\u2019", "[\n  {}\n]",
)  # fmt: skip
FILL = """
INSERT INTO agentadm.users
    (email, username, full_name, role, status, daily_budget, billing_anchor_day, email_verified, last_login_at,
     created_at, deleted_at)
SELECT CASE WHEN n % 7 <> 0 THEN 'User' || (n % 300) || '@Example.com' END,
    CASE WHEN n % 5 = 0 THEN 'name' || n END,
    CASE WHEN n % 3 <> 0 THEN (%s::text[])[1 + n % 40] END,
    (ARRAY['user', 'creator', 'support', 'admin'])[1 + n % 4], (ARRAY['active', 'active', 'suspended'])[1 + n % 3],
    CASE WHEN n % 4 <> 0 THEN (n % 10)::numeric / 2 END, 1 + n % 31, n % 2 = 0,
    CASE WHEN n % 6 <> 0 THEN timestamptz '2026-01-01 00:00Z' + n * interval '7 hours 1.25 seconds' END,
    timestamptz '2026-01-01 00:00Z' + (n / 10) * interval '1 day', CASE WHEN n >= 300 THEN now() END
FROM generate_series(0, 399) n
"""


@pytest.fixture(scope="module")
def people(cluster: Cluster, template: Database) -> Iterator[Database]:
    """400 users: 300 living, groups of ten made at the same moment, a seventh without an e-mail."""
    clone = cluster.database(template.name)
    clone.execute(FILL.replace("%", "%%").replace("%%s", "%s"), list(HOSTILE))
    yield clone
    cluster.drop(clone)


@pytest.fixture(scope="module")
def on_people(people: Database) -> Iterator[Platform]:
    """The platform on them."""
    made = Platform(people.environ)
    yield made
    made.close()
