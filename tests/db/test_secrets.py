"""Secrets in the database: read by administrators only, and what others need of them works all the same."""

import hashlib
import hmac
from contextlib import closing
from typing import Any

import psycopg
import pytest

from platform_core.config import Settings
from platform_core.db.schema import care_of, load_tables
from platform_core.key_material.ring import read_ring
from tests.agents.helpers import company
from tests.agents_support import make_free_plan
from tests.conftest import Agentadm
from tests.outcomes import done
from tests.support import Database

SECRETS = [(table.name, column) for table in load_tables().sorted_tables for column in care_of(table).secrets]
PHONE = "+49 30 1234567"
HOSTILE = """
SET search_path = pg_temp, public;
SET app.clock = '2001-01-01';
SET timezone = 'Asia/Tokyo';
SET datestyle = 'SQL, DMY';
SET standard_conforming_strings = off;
SET transform_null_equals = on;
SET row_security = off;
CREATE TEMP TABLE api_keys (id uuid, key_hash text);
CREATE FUNCTION pg_temp.told(timestamptz) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$
"""


@pytest.fixture
def engines(database: Database, agentadm: Agentadm) -> None:
    """Ada's team Engines with an agent that has a phone, a workflow with a trigger, a model, and a key of hers."""
    company(database, agentadm)
    make_free_plan(database)
    for argv, stdin in (
        (["agents", "create", "Desk", "--team", "engines", "--contact-phone", PHONE], ""),
        (["workflows", "create", "Report", "--team", "engines"], ""),
        (["workflows", "triggers", "add", "report", "webhook", "--config-stdin"], '{"token": "s3cr3t"}'),
        (["models", "create", "Mini", "--provider", "openai", "--model-id", "m", "--api-key-stdin"], "sk-1"),
        (["keys", "create", "ada"], ""),
    ):
        assert agentadm(*argv, stdin=stdin).code == 0, argv


def login(database: Database, agentadm: Agentadm, group: str) -> str:
    name = f"{group}_{database.name}"
    assert agentadm("db", "roles", "create", name, "--group", group, "--yes").code == 0
    return name


def as_login(database: Database, name: str) -> dict[str, str]:
    return {"AGENTADM_DATABASE_URL": database.url_as(name)}


def test_there_are_secrets_to_look_for() -> None:
    assert {("api_keys", "key_hash"), ("installation", "digest_key"), ("ai_models", "api_key")} < set(SECRETS)
    assert {("workflow_triggers", "config"), ("agents", "contact_phone")} < set(SECRETS)


@pytest.mark.parametrize("group", ["support", "billing", "analytics", "tenant"])
def test_secrets_are_refused_and_the_rest_of_the_row_is_not(
    group: str, database: Database, agentadm: Agentadm, engines: None
) -> None:
    name = f"reader_{group}_{database.name}"
    database.execute(f"CREATE ROLE {name} LOGIN IN ROLE agentadm_{group}", user="postgres")
    with closing(database.connect(name, autocommit=True)) as connection:
        for table, column in SECRETS:
            for statement in (f"SELECT {column}", "SELECT t", "SELECT to_jsonb(t)"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for table"):
                    connection.execute(f"{statement} FROM agentadm.{table} t".encode())
            if (table, group) != ("installation", "tenant"):
                connection.execute(f"SELECT id, created_at FROM agentadm.{table}".encode())
    database.execute(f"DROP ROLE {name}", user="postgres")


@pytest.mark.parametrize("group", ["support", "billing"])
def test_staff_reveals_a_contact_and_sees_what_is_encrypted_with_which_key(
    group: str, database: Database, agentadm: Agentadm, engines: None
) -> None:
    env = as_login(database, login(database, agentadm, group))
    assert done(agentadm("agents", "show", "desk", "-o", "json", env=env))["contact_phone"] == "***"
    revealed = agentadm("agents", "show", "desk", "--reveal", "--reason", "call back", "-o", "json", env=env)
    assert done(revealed)["contact_phone"] == PHONE
    assert (
        database.value(
            "SELECT count(*) FROM agentadm.operations WHERE command = 'agents show' AND reason = 'call back'"
        )
        == 1
    )
    (trigger,) = done(agentadm("workflows", "triggers", "list", "report", "-o", "json", env=env))
    assert (trigger["has_config"], trigger["key_version"]) == (True, 1)
    model = done(agentadm("models", "show", "Mini", "-o", "json", env=env))
    assert (model["has_key"], model["key_version"]) == (True, 1)
    versions = done(agentadm("db", "key-material", "list", "-o", "json", env=env))
    assert {version["purpose"]: version["rows"] for version in versions} == {"pepper": 1, "encryption": 3}
    held = done(agentadm("users", "export", "ada@example.com", "-o", "json", env=env))
    assert len(held["rows"]["api_keys"]) == 1
    assert "key_hash" not in held["rows"]["api_keys"][0]


def test_a_customer_sees_the_contacts_of_its_teams_only(database: Database, agentadm: Agentadm, engines: None) -> None:
    agent = database.value("SELECT id FROM agentadm.agents")
    database.execute("UPDATE agentadm.agents SET agent_type = 'catalog', status = 'active'")
    seen = {}
    with closing(database.connect(autocommit=True)) as connection:
        for name in ("ada", "grace"):
            user = database.value("SELECT id FROM agentadm.users WHERE username = %s", name)
            connection.execute("SELECT set_config('app.current_user_id', %s, false)", [str(user)])
            connection.execute("SET ROLE agentadm_tenant")
            row = connection.execute("SELECT contact_phone FROM agentadm.agent_contacts(%s)", [agent]).fetchone()
            seen[name] = row is not None
            connection.execute("RESET ROLE")
    assert seen == {"ada": True, "grace": False}
    shown = agentadm("agents", "show", str(agent), "--as-user", "grace@example.com", "-o", "json")
    assert done(shown)["contact_phone"] is None
    shown = agentadm("agents", "show", str(agent), "--as-user", "ada@example.com", "-o", "json")
    assert done(shown)["contact_phone"] == "***"


def test_support_changes_and_undoes_rows_with_secrets(database: Database, agentadm: Agentadm, engines: None) -> None:
    env = as_login(database, login(database, agentadm, "support"))
    key = str(database.value("SELECT id FROM agentadm.api_keys"))
    trigger = str(database.value("SELECT id FROM agentadm.workflow_triggers"))
    changes: list[tuple[tuple[str, ...], str, Any]] = [
        (("keys", "revoke", key), "SELECT revoked_at FROM agentadm.api_keys", None),
        (("agents", "update", "desk", "--description", "new"), "SELECT description FROM agentadm.agents", None),
        (("workflows", "triggers", "update", trigger, "--inactive"),
         "SELECT is_active FROM agentadm.workflow_triggers", True),
    ]  # fmt: skip
    for argv, look, before in changes:
        made = agentadm(*argv, "--yes", env=env)
        assert made.code == 0, made.err
        assert database.value(look) != before
        operation = database.value("SELECT id FROM agentadm.operations ORDER BY seq DESC LIMIT 1")
        undone = agentadm("audit", "undo", str(operation), "--yes", env=env)
        assert undone.code == 0, undone.err
        assert database.value(look) == before
    assert "nothing to change" in agentadm("agents", "update", "desk", "--contact-phone", PHONE, env=env).err
    replaced = agentadm(
        "workflows", "triggers", "update", trigger, "--config-stdin", "--yes", stdin='{"token": "other"}', env=env
    )
    assert replaced.code == 0, replaced.err
    later = agentadm("agents", "update", "desk", "--contact-phone", "+49 30 7654321", env=env)
    assert later.code == 0, later.err


def test_a_repeat_of_support_is_known_without_the_key_of_digests(database: Database, agentadm: Agentadm) -> None:
    env = as_login(database, login(database, agentadm, "support"))
    argv = ["users", "create", "new@example.com", "--idempotency-key", "k", "-o", "json"]
    first, second = (agentadm(*argv, env=env) for _ in range(2))
    assert done(first) == done(second)
    other = agentadm("users", "create", "other@example.com", "--idempotency-key", "k", env=env)
    assert (other.code, "was used for other inputs" in other.err) == (6, True)


def test_a_digest_is_the_hmac_of_the_standard(database: Database) -> None:
    key = database.value("SELECT digest_key FROM agentadm.installation")
    for message in (b"", b"\x00\xff", b"a" * 200):
        expected = hmac.new(key, message, hashlib.sha256).hexdigest()
        assert database.value("SELECT agentadm.inputs_digest(%s)", message) == expected


@pytest.mark.parametrize("group", ["support", "billing"])
def test_a_key_is_verified_whatever_the_session_has_set(group: str, database: Database, agentadm: Agentadm) -> None:
    company(database, agentadm)
    text = done(agentadm("keys", "create", "ada", "-o", "json"))["key"]
    hashed = read_ring(Settings(database.environ)).hash_key(text, 1)
    database.execute("UPDATE agentadm.api_keys SET expires_at = '2030-06-01 12:00Z'")
    ask = "SELECT allowed, rule, message FROM agentadm.verify_key(%s, 'runs:read', 'live', NULL, %s)"
    with closing(database.connect(login(database, agentadm, group), autocommit=True)) as connection:
        connection.execute(HOSTILE.encode())
        row = connection.execute(ask.encode(), [[hashed], "2030-01-01 00:00Z"]).fetchone()
        assert row == (True, None, None)
        row = connection.execute(ask.encode(), [[hashed], "2030-07-01 00:00Z"]).fetchone()
        assert row == (False, "key_expired", "the key expired at 2030-06-01T12:00:00Z")


def test_who_may_not_verify_cannot_ask(database: Database, agentadm: Agentadm) -> None:
    with closing(database.connect(login(database, agentadm, "analytics"), autocommit=True)) as connection:
        for function in ("verify_key('{}', NULL, NULL, NULL)", "bcrypt_candidates('{}')", "inputs_digest('')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for function"):
                connection.execute(f"SELECT agentadm.{function}".encode())
