"""agentadm users sync: who is meant by a provider's user, what is taken over, and what never leaves the export."""

import json
from pathlib import Path
from typing import Any

import pytest

from platform_core.importing import lines
from tests.conftest import Agentadm
from tests.support import Database, Result
from tests.users.test_import import told, user

HEADER = (
    "id,first_name,last_name,username,primary_email_address,primary_phone_number,verified_email_addresses,"
    "unverified_email_addresses,verified_phone_numbers,unverified_phone_numbers,totp_secret,password_digest,"
    "password_hasher"
)
SECRETS = ("TOTPSECRET", "$2a$10$DIGEST", "PRIVATE")


def row(key: str, email: str = "", *, verified: bool = True, name: str = "", first: str = "") -> str:
    addresses = (f"{email}|second-{email}" if email else "", "") if verified else ("", email)
    return f"{key},{first},,{name},{email},+4930123,{addresses[0]},{addresses[1]},,,TOTPSECRET,$2a$10$DIGEST,bcrypt"


def api(key: str, email: str | None = None, *, verified: bool = True, **more: Any) -> dict[str, Any]:
    """A User object of Clerk's Backend API."""
    status = {"status": "verified" if verified else "unverified", "strategy": "email_code"}
    addresses = [] if email is None else [
        {"id": "idn_0", "email_address": "other@example.com", "verification": None},
        {"id": "idn_1", "email_address": email, "verification": status},
    ]  # fmt: skip
    return {
        "id": key, "object": "user", "username": None, "first_name": None, "last_name": None, "has_image": True,
        "primary_email_address_id": "idn_1", "email_addresses": addresses, "phone_numbers": [], "banned": False,
        "private_metadata": {"k": "PRIVATE"}, "public_metadata": {}, "last_sign_in_at": None, "locked": True, **more,
    }  # fmt: skip


def counts(result: Result) -> tuple[int, ...]:
    """Created, updated, linked, unchanged, rejected, missing."""
    names = ("created", "updated", "linked", "unchanged", "rejected", "missing")
    return tuple(result.json[name] for name in names)


@pytest.fixture
def sync(agentadm: Agentadm) -> Any:
    def call(content: Any, *more: str, provider: str = "clerk") -> Result:
        text = content if isinstance(content, str) else json.dumps(content)
        return agentadm("users", "sync", "-", "--from", provider, "--yes", "-o", "json", *more, stdin=text)

    return call


def test_the_identity_decides_then_a_verified_address(
    database: Database, sync: Any, tmp_path: Path, agentadm: Agentadm
) -> None:
    known = user(database, "known@example.com", full_name="Known")
    database.execute("INSERT INTO agentadm.identities (user_id, provider, subject) VALUES (%s, 'clerk', 'u1')", known)
    gone = user(database, "gone@example.com")
    database.execute("INSERT INTO agentadm.identities (user_id, provider, subject) VALUES (%s, 'clerk', 'u0')", gone)
    linked, taken = user(database, "linked@example.com"), user(database, "taken@example.com", username="taken")
    export = "\n".join(
        [HEADER, row("u1", "new@example.com", first="Ada"), row("u2", "LINKED@example.com"),
         row("u3", "taken@example.com", verified=False), row("u4", "fresh@example.com", first="Fresh"),
         row("u5", "unsure@example.com", verified=False), row("u6", "x@example.com", name="Taken"), row("u7"),
         row("u4", "again@example.com"), row("", "nobody@example.com")]
    )  # fmt: skip
    file = tmp_path / "rejects.csv"
    dry = sync(export, "--dry-run")
    done = sync(export, "--rejects", str(file))
    assert {**dry.json, "operation_id": 0} == {**done.json, "operation_id": 0, "rejects_file": None}
    assert counts(done) == (3, 1, 1, 0, 4, 1)
    assert told(done) == {
        4: f"email: not verified at Clerk, and taken by user {taken}", 7: f"username: taken by user {taken}",
        9: "the same subject as line 5", 10: "has no id",
    }  # fmt: skip
    assert database.rows(
        "SELECT email, email_verified, first_name, full_name FROM agentadm.users WHERE id = %s", known
    ) == [("new@example.com", True, "Ada", "Known")]
    assert database.value("SELECT user_id FROM agentadm.identities WHERE subject = 'u2'").hex == linked.replace("-", "")
    made = "SELECT email, email_verified, full_name FROM agentadm.users WHERE email ~ 'fresh|unsure' ORDER BY 1"
    assert database.rows(made) == [
        ("fresh@example.com", True, "Fresh"), ("unsure@example.com", False, None)
    ]  # fmt: skip
    again = sync(export)
    assert counts(again) == (0, 0, 0, 5, 4, 1)
    changed = "SELECT count(*) FROM agentadm.audit_changes WHERE operation_id::text = %s"
    assert database.value(changed, again.json["operation_id"]) == 0
    everything = database.dump() + file.read_text() + done.err + done.out
    assert not any(secret in everything for secret in SECRETS)
    assert agentadm("audit", "undo", done.json["operation_id"], "--yes").code == 0


def test_the_backend_api_in_all_its_forms(database: Database, sync: Any) -> None:
    users = [
        api("u1", "a@example.com", username="ann", image_url="https://img/a", created_at=1700000000000,
            last_sign_in_at=1700000001000, public_metadata={"plan": "x"}),
        api("u2", "b@example.com", banned=True, has_image=False, image_url="https://img/default"),
        api("u3"),
    ]  # fmt: skip
    assert counts(sync(users)) == (3, 0, 0, 0, 0, 0)
    for form in (users, {"data": users, "total_count": 3}, "\n".join(map(json.dumps, users)),
                 json.dumps(users, indent=2)):  # fmt: skip
        assert counts(sync(form)) == (0, 0, 0, 3, 0, 0)
    found = database.rows(
        "SELECT email, username, avatar_url, status, suspended_reason, metadata, created_at::text, last_login_at::text"
        " FROM agentadm.users ORDER BY email"
    )
    assert found[0] == (
        "a@example.com", "ann", "https://img/a", "active", None, {"plan": "x"}, "2023-11-14 22:13:20+00",
        "2023-11-14 22:13:21+00",
    )  # fmt: skip
    assert found[1][:5] == ("b@example.com", None, None, "suspended", "banned at Clerk")
    later = [api("u1", "a@example.com", last_sign_in_at=1600000000000, banned=True), *users[1:]]
    assert counts(sync(later)) == (0, 1, 0, 2, 0, 0)
    assert database.rows("SELECT status, last_login_at::text FROM agentadm.users WHERE username = 'ann'") == [
        ("suspended", "2023-11-14 22:13:21+00")
    ]
    assert not any(secret in database.dump() for secret in SECRETS)


def test_stack_auth(database: Database, sync: Any) -> None:
    server_api = {
        "is_paginated": True,
        "items": [
            {"id": "s1", "display_name": "Ann", "primary_email": "a@example.com", "primary_email_verified": True,
             "profile_image_url": None, "signed_up_at_millis": 1700000000000, "last_active_at_millis": 1700000001000,
             "client_metadata": {"a": 1}, "server_metadata": {"k": "PRIVATE"}, "is_anonymous": False},
            {"id": "s2", "display_name": None, "primary_email": None, "primary_email_verified": False,
             "signed_up_at_millis": "soon", "client_metadata": None},
        ],
        "pagination": {"next_cursor": None},
    }  # fmt: skip
    first = sync(server_api, provider="stack_auth")
    assert counts(first) == (2, 0, 0, 0, 0, 0) or first.err
    assert "record 2: created_at: is not a time" in first.err
    dashboard = (
        '"User ID","Display Name","Email","Email Verified","Signed Up At","Last Active At","Server Metadata"\n'
        '"s1","Ann","a@example.com","Yes","2023-11-14T22:13:20.000Z","2023-11-14T22:13:21.000Z","{""k"":""PRIVATE""}"\n'
        '"s3","","c@example.com","No","2023-11-14T22:13:20.000Z","2023-11-14T22:13:21.000Z","{}"\n'
    )
    assert counts(sync(dashboard, provider="stack_auth")) == (1, 0, 0, 1, 0, 0)
    assert database.rows(
        "SELECT full_name, email_verified, metadata FROM agentadm.users WHERE email = 'a@example.com'"
    ) == [("Ann", True, {"a": 1})]
    assert "PRIVATE" not in database.dump()


def test_a_deleted_user_stays_so(database: Database, sync: Any) -> None:
    key = user(database, "a@example.com", deleted_at="2026-01-01T00:00:00Z")
    database.execute("INSERT INTO agentadm.identities (user_id, provider, subject) VALUES (%s, 'clerk', 'u1')", key)
    done = sync([api("u1", "a@example.com")])
    assert (done.code, counts(done)) == (6, (0, 0, 0, 0, 1, 0))
    assert f"record 1: subject: belongs to the deleted user {key}" in done.err


def test_across_chunks(database: Database, sync: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "CHUNK_RECORDS", 2)
    users = [api(f"u{number}", f"u{number}@example.com") for number in range(5)]
    assert counts(sync([*users, users[0]])) == (5, 0, 0, 0, 1, 0)
    assert counts(sync(users[:3])) == (0, 0, 0, 3, 0, 2)
    assert counts(sync(users, "--restart")) == (0, 0, 0, 5, 0, 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "is empty"), ("email\nx\n", "no column 'id': it is no export of Clerk"), ("[{", "is not JSON"),
     ('{"data":[1,', "is not JSON")],
)  # fmt: skip
def test_what_is_no_export(sync: Any, content: str, said: str) -> None:
    done = sync(content)
    assert done.code == 2
    assert said in done.err


def test_records_that_are_none_are_named_and_not_shown(sync: Any, tmp_path: Path) -> None:
    file = tmp_path / "rejects.jsonl"
    lined = "\n".join([json.dumps(api("u1", "a@example.com")), '{"id": "TOTPSECRET', json.dumps({"id": 5}), "[]"])
    done = sync(lined, "--rejects", str(file))
    assert told(done) == {2: "is not JSON", 3: "subject: is no text", 4: "is not a JSON object"}
    assert [json.loads(line)["reject_line"] for line in file.read_text().splitlines()] == [2, 3, 4]
    assert "SECRET" not in file.read_text()
