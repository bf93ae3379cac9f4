"""Verification: which key it is, which rule refuses it, and what is stored anew."""

import json
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from platform_core.keys.format import generate
from platform_core.keys.types import Asked, Environment, NewKey
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from tests.conftest import Agentadm
from tests.keys.conftest import Make, ring
from tests.keys.known import KEY
from tests.support import Database, Result

pytestmark = pytest.mark.usefixtures("people")

FOREIGN = "sk_live_abc12345" + "0123456789" * 3
TWO_PEPPERS = {"AGENTADM_KEY_MATERIAL": ring({1: 0, 2: 9}, {1: 0})}


def verify(agentadm: Agentadm, text: str, *options: str, env: dict[str, str] | None = None) -> Result:
    return agentadm("keys", "verify", "-o", "json", *options, stdin=text, env=env)


def verdict(agentadm: Agentadm, text: str, *options: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = verify(agentadm, text, *options, env=env)
    assert done.code in {0, 1}, done.err
    (found,) = done.json
    assert found["valid"] is (done.code == 0)
    assert text not in done.out + done.err
    return dict(found)


def test_a_valid_key_is_named(database: Database, agentadm: Agentadm, make: Make) -> None:
    text, start = make("grace", "--team", "engines")
    before = database.dump()
    found = verdict(agentadm, text, "--scope", "runs:write", "--environment", "live")
    assert (found["valid"], found["rule"], found["display_start"], found["line"]) == (True, None, start, 1)
    assert found["user_id"] == str(database.value("SELECT id FROM agentadm.users WHERE username = 'grace'"))
    assert found["team_id"] == str(database.value("SELECT id FROM agentadm.teams"))
    # Nothing was to be stored anew, and nothing was: no operation either.
    assert database.dump() == before


@pytest.mark.parametrize(
    ("damage", "options", "rule"),
    [
        ("UPDATE agentadm.api_keys SET revoked_at = now()", (), "key_revoked"),
        ("UPDATE agentadm.api_keys SET expires_at = now() - interval '1 s'", (), "key_expired"),
        ("UPDATE agentadm.users SET status = 'suspended' WHERE username = 'linus'", (), "user_suspended"),
        ("UPDATE agentadm.users SET deleted_at = now() WHERE username = 'linus'", (), "user_deleted"),
        ("SELECT 1", ("--environment", "test"), "key_environment"),
        ("SELECT 1", ("--scope", "billing:write"), "key_scope"),
        ("SELECT 1", ("--scope", "POST /v1/secrets"), "key_scope"),
        ("SELECT 1", ("--at", "2099-01-01"), "key_expired"),
    ],
)
def test_the_rule_that_refuses_is_named(
    database: Database, agentadm: Agentadm, make: Make, damage: str, options: tuple[str, ...], rule: str
) -> None:
    text, start = make("linus", "--expires", "90d")
    database.execute(damage)
    found = verdict(agentadm, text, *options)
    assert (found["valid"], found["rule"], found["display_start"]) == (False, rule, start)
    assert found["message"]


def test_an_unknown_key_is_refused_as_such(agentadm: Agentadm) -> None:
    assert verdict(agentadm, generate(Environment.LIVE))["rule"] == "key_unknown"
    assert verdict(agentadm, FOREIGN)["rule"] == "key_unknown"


def test_a_mistyped_key_needs_no_database(agentadm: Agentadm, tmp_path: Path) -> None:
    nowhere = {"AGENTADM_DATABASE_URL": f"postgresql:///x?host={tmp_path}"}
    text = generate(Environment.LIVE)
    for wrong in (text[:-1], text[:20] + ("a" if text[20] != "a" else "b") + text[21:], "aa_live_", "\udcff\udcff"):
        done = verify(agentadm, wrong, env=nowhere)
        assert (done.code, [found["rule"] for found in done.json]) == (1, ["checksum"]), done.err
    assert verify(agentadm, text, env=nowhere).code == 75
    assert verify(agentadm, text, env={"AGENTADM_DATABASE_URL": ""}).code == 2


def test_many_keys_one_a_line(agentadm: Agentadm, make: Make, tmp_path: Path) -> None:
    first, second = make()[0], make("grace")[0]
    lines = f"{first}\n\n{first[:-1]}\n  {second}  \r\n{generate(Environment.TEST)}\n"
    done = verify(agentadm, lines)
    assert done.code == 1
    assert [(row["line"], row["rule"]) for row in done.json] == [
        (1, None), (2, "checksum"), (3, None), (4, "key_unknown"),
    ]  # fmt: skip
    file = tmp_path / "keys"
    file.write_text(f"{first}\n{second}\n")
    assert agentadm("keys", "verify", "--from", str(file), "--expect", "2").code == 0
    assert agentadm("keys", "verify", "--from", str(file), "--expect", "3").code == 9
    assert agentadm("keys", "verify", "--from", str(tmp_path / "none")).code == 2
    assert verify(agentadm, "\n").code == 2
    assert verify(agentadm, first, "--idempotency-key", "k").code == 2


def test_a_key_for_one_agent_opens_no_other(database: Database, agentadm: Agentadm, make: Make) -> None:
    team = database.value("SELECT id FROM agentadm.teams")
    for name in ("scribe", "reader"):
        database.execute(
            "INSERT INTO agentadm.agents (team_id, name, slug, status) VALUES (%s, %s, %s, 'active')", team, name, name
        )
    text, _ = make("ada", "--agent", "engines/scribe")
    assert verdict(agentadm, text, "--agent", "engines/scribe")["valid"]
    assert verdict(agentadm, text, "--agent", "engines/reader")["rule"] == "key_agent"
    assert len(agentadm("keys", "list", "--agent", "engines/scribe", "-o", "json").json) == 1
    assert agentadm("keys", "create", "ada", "--agent", "engines/nobody").code == 5
    assert verify(agentadm, text, "--agent", "engines/nobody").code == 5


# ------------------------------------------------------------------------------------------------------- stored anew


def versions(database: Database) -> list[str]:
    return [row[0] for row in database.rows("SELECT hash_version FROM agentadm.api_keys ORDER BY created_at, id")]


def test_an_old_pepper_is_left_at_the_next_verify(database: Database, agentadm: Agentadm, make: Make) -> None:
    texts = [make()[0] for _ in range(3)]
    assert agentadm("db", "key-material", "add", "pepper", env=TWO_PEPPERS).code == 0
    dry = verify(agentadm, "\n".join(texts[:2]), "--dry-run", env=TWO_PEPPERS)
    assert (dry.code, versions(database)) == (0, ["1", "1", "1"])
    assert verify(agentadm, "\n".join(texts[:2]), env=TWO_PEPPERS).code == 0
    assert versions(database) == ["2", "2", "1"]
    changes = database.rows(
        "SELECT count(DISTINCT o.id), count(*), bool_and(c.after ? 'key_hash' AND c.after #>> '{key_hash,fingerprint}'"
        " IS NOT NULL) FROM agentadm.operations o JOIN agentadm.audit_changes c ON c.operation_id = o.id"
        " WHERE o.command = 'keys verify'"
    )
    # One operation for all of the call; and of the hash a fingerprint.
    assert changes == [(1, 2, True)]
    # Under both peppers all are known; what is refused stays as it is.
    database.execute("UPDATE agentadm.api_keys SET revoked_at = now() WHERE hash_version = '1'")
    done = verify(agentadm, "\n".join(texts), env=TWO_PEPPERS)
    assert [row["rule"] for row in done.json] == [None, None, "key_revoked"]
    assert versions(database) == ["2", "2", "1"]
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = 'keys verify' LIMIT 1")
    assert agentadm("audit", "undo", str(operation), "--yes").code == 6


def imported(database: Database, text: str, start: str, rounds: int = 4) -> None:
    """A key as another system has hashed it."""
    hashed = bcrypt.hashpw(text.encode()[:72], bcrypt.gensalt(rounds)).decode()
    database.execute(
        "INSERT INTO agentadm.api_keys (user_id, name, key_hash, hash_version, display_start)"
        " SELECT id, 'imported', %s, 'bcrypt', %s FROM agentadm.users WHERE username = 'ada'", hashed, start,
    )  # fmt: skip


def test_a_bcrypt_key_of_which_only_the_beginning_was_hashed_is_unknown(database: Database, agentadm: Agentadm) -> None:
    """Another with the same 72 bytes would do, and be stored in its place."""
    text = "sk_" + "long" * 30
    imported(database, text, text[:16])
    for presented in (text[:-1] + "x", text):
        assert verdict(agentadm, presented)["rule"] == "key_unknown"
    assert versions(database) == ["bcrypt"]


@pytest.mark.parametrize("text", [FOREIGN, KEY])
def test_a_bcrypt_key_is_stored_under_the_pepper_at_its_first_verify(
    database: Database, agentadm: Agentadm, text: str
) -> None:
    start = text[:16] if text.startswith("sk_") else text[:14]
    imported(database, text, start)
    imported(database, "sk_live_another" + "x" * 30, start)
    wrong = text[:-1] + ("x" if text[-1] != "x" else "y") if text.startswith("sk_") else generate(Environment.LIVE)
    assert verdict(agentadm, wrong)["rule"] == "key_unknown"
    assert versions(database) == ["bcrypt", "bcrypt"]
    assert verdict(agentadm, text)["valid"]
    assert sorted(versions(database)) == ["1", "bcrypt"]
    assert verdict(agentadm, text)["valid"]
    assert database.value("SELECT count(*) FROM agentadm.operations WHERE command = 'keys verify'") == 1


def test_with_any_bcrypt_key_left_an_unknown_one_costs_a_comparison(
    database: Database, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []
    real = bcrypt.checkpw

    def check(secret: bytes, stored: bytes) -> bool:
        compared.append(secret)
        return real(secret, stored)

    monkeypatch.setattr(bcrypt, "checkpw", check)
    with platform.key_verifier() as verifier:
        assert not verifier.verify(FOREIGN).verdict.valid
    assert compared == []
    imported(database, FOREIGN, FOREIGN[:16])
    other = "ak_live_" + FOREIGN[8:]
    with platform.key_verifier() as verifier:
        assert not verifier.verify(other).verdict.valid
        assert verifier.verify(FOREIGN).verdict.valid
    assert compared == [other.encode(), FOREIGN.encode()]


def test_a_login_that_may_not_store_it_verifies_all_the_same(database: Database, agentadm: Agentadm) -> None:
    imported(database, FOREIGN, FOREIGN[:16])
    login = f"biller_{database.name}"
    assert agentadm("db", "roles", "create", login, "--group", "billing", "--yes").code == 0
    done = verify(agentadm, FOREIGN, env={"AGENTADM_DATABASE_URL": database.url_as(login)})
    assert done.code == 0, done.err
    assert "not stored under the newest pepper" in done.err
    assert versions(database) == ["bcrypt"]


def test_thousands_of_keys_verify_on_one_connection(database: Database, platform: Platform) -> None:
    texts = [generate(Environment.LIVE) for _ in range(10_000)]
    request = WriteRequest("test")
    made = platform.write(request, lambda services: services.keys.create_many("ada", NewKey(), texts), int)
    assert made.value == len(texts)
    with platform.key_verifier() as verifier:
        assert all(verifier.verify(text, Asked("runs:read", Environment.LIVE)).verdict.valid for text in texts)
        assert not verifier.verify(generate(Environment.LIVE)).verdict.valid


def test_the_answer_is_the_same_in_every_format(agentadm: Agentadm, make: Make) -> None:
    text, start = make()
    for output in ("csv", "jsonl", "plain", "yaml"):
        assert start in agentadm("keys", "verify", "-o", output, stdin=text).out
    assert json.loads(agentadm("keys", "verify", "-o", "jsonl", stdin=text).out)["line"] == 1


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ((), "key_environment key_scope team_role agent_team agent_deleted agent_status agent_subscription limits"),
        (("--scope", "runs:write", "--environment", "live", "--agent", "engines/scribe"), "limits"),
        (
            ("--scope", "GET /v1/runs", "--environment", "live"),
            "agent_team agent_deleted agent_status agent_subscription",
        ),
        (("--scope", "GET /v1/runs", "--environment", "live", "--agent", "engines/scribe"), ""),
    ],
)
def test_what_was_not_looked_at_is_said(agentadm: Agentadm, make: Make, options: tuple[str, ...], missing: str) -> None:
    agentadm("agents", "create", "Scribe", "--team", "engines")
    agentadm("agents", "resume", "engines/scribe")
    text, _ = make("ada", "--team", "engines")
    done = verify(agentadm, text, *options)
    assert done.code == 0, done.out
    assert done.json[0]["not_looked_at"] == missing.split()
    assert done.err.partition(";")[0].strip() == (f"not looked at: {', '.join(missing.split())}" if missing else "")


def test_a_refused_key_leaves_nothing_open(agentadm: Agentadm, make: Make) -> None:
    text, start = make()
    assert agentadm("keys", "revoke", start, "--yes").code == 0
    done = verify(agentadm, text)
    assert (done.code, done.json[0]["rule"], done.json[0]["not_looked_at"], done.err) == (1, "key_revoked", [], "")
