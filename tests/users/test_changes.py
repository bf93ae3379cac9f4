"""Users changed, deleted, restored, and their identities: values, codes, streams, and the rows in the audit."""

from typing import Any

import pytest

from tests.conftest import Agentadm
from tests.outcomes import refused
from tests.support import Database


@pytest.fixture(autouse=True)
def people(database: Database) -> None:
    database.execute(
        "INSERT INTO agentadm.users (email, username, full_name, metadata) VALUES"
        " ('ada@example.com', 'ada', 'Ada Lovelace', '{\"plan\": \"old\", \"kept\": 1}'),"
        " ('grace@example.com', 'grace', 'Grace Hopper', '{}')"
    )


def changes(database: Database, command: str) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT c.table_name, c.action, c.before - 'updated_at', c.after - 'updated_at' FROM agentadm.audit_changes c"
        " JOIN agentadm.operations o ON o.id = c.operation_id WHERE o.command = %s ORDER BY c.seq", command,
    )  # fmt: skip


def test_update_sets_what_is_named_and_nothing_else(database: Database, agentadm: Agentadm) -> None:
    done = agentadm(
        "users", "update", "ada", "--email", "Ada.King@example.com", "--email-verified", "--full-name", "Ada King",
        "--role", "creator", "--daily-budget", "12.5", "--billing-anchor-day", "31", "--onboarded",
        "--metadata", '{"plan": null, "new": [1]}', "-o", "json", "--reason", "married",
    )  # fmt: skip
    assert done.code == 0, done.err
    user = done.json
    assert (user["email"], user["email_verified"], user["full_name"]) == ("Ada.King@example.com", True, "Ada King")
    assert (user["role"], user["daily_budget"], user["billing_anchor_day"]) == ("creator", "12.500000", 31)
    assert user["metadata"] == {"kept": 1, "new": [1]}
    assert user["username"] == "ada"
    ((table, action, before, after),) = changes(database, "users update")
    assert (table, action) == ("users", "update")
    assert set(before) == set(after) == {
        "email", "email_verified", "full_name", "role", "daily_budget", "billing_anchor_day", "onboarding_completed",
        "metadata",
    }  # fmt: skip


def test_update_clears_what_can_be_without_a_value(agentadm: Agentadm) -> None:
    done = agentadm("users", "update", "ada", "--clear", "daily-budget", "--clear", "username", "-o", "json")
    assert (done.json["daily_budget"], done.json["username"]) == (None, None)


def test_an_update_that_changes_nothing_says_so(database: Database, agentadm: Agentadm) -> None:
    done = agentadm("users", "update", "ada", "--full-name", "Ada Lovelace")
    assert done.code == 0
    assert "nothing to change" in done.err
    assert agentadm("users", "update", "ada", "--full-name", "Ada Lovelace", "--error-unchanged").code == 3
    assert changes(database, "users update") == []


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["--email", "GRACE@example.com"], 6, "e-mail 'GRACE@example.com' is taken by user"),
        (["--username", "Grace"], 6, "username 'Grace' is taken by user"),
        (["--email", "nonsense"], 2, "is not an e-mail address"),
        (["--metadata", "[1]"], 2, "no JSON object"),
        (["--metadata", "{"], 2, "is not JSON"),
        (["--daily-budget", "NaN"], 2, "no amount"),
        (["--role", "owner"], 2, "'owner' is not known"),
        (["--clear", "email"], 2, "--clear 'email'"),
        (["--clear", "usernam"], 2, "did you mean 'username'?"),
        ([], 2, "nothing to change was named"),
    ],
)
def test_update_refuses(database: Database, agentadm: Agentadm, argv: list[str], code: int, told: str) -> None:
    refused(agentadm("users", "update", "ada", *argv), code, told)
    assert changes(database, "users update") == []


def test_several_are_updated_each_by_itself(database: Database, agentadm: Agentadm) -> None:
    done = agentadm("users", "update", "ada", "nobody", "grace", "--default-llm-provider", "gemini", "-o", "json")
    assert done.code == 7
    assert [item["status"] for item in done.json] == ["done", "failed", "done"]
    assert database.rows("SELECT DISTINCT default_llm_provider FROM agentadm.users") == [("gemini",)]


def test_delete_hides_and_restore_brings_back(database: Database, agentadm: Agentadm) -> None:
    done = agentadm("users", "delete", "ada", "--yes", "-o", "json")
    assert done.code == 0
    assert done.json["deleted_at"].endswith("Z")
    refused(agentadm("users", "show", "ada"), 5, "is deleted: look with --deleted")
    refused(agentadm("users", "delete", "ada", "--yes"), 5, "is deleted")
    assert agentadm("users", "show", "ada", "--deleted", "-o", "json").json["email"] == "ada@example.com"
    assert [user["email"] for user in agentadm("users", "list", "--deleted", "-o", "json").json] == ["ada@example.com"]
    refused(agentadm("users", "restore", "grace"), 5, "is not deleted")
    assert agentadm("users", "restore", "ada@example.com", "-o", "json").json["deleted_at"] is None
    assert [(table, action) for table, action, _, _ in changes(database, "users delete")] == [("users", "update")]


def test_an_email_that_was_given_out_meanwhile_stops_restoring(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("users", "delete", "ada", "--yes").code == 0
    assert agentadm("users", "create", "ada@example.com").code == 0
    refused(agentadm("users", "restore", "ada"), 6, "is taken by user", "merge")
    assert database.value("SELECT count(*) FROM agentadm.users WHERE deleted_at IS NULL") == 2


def test_identities_are_linked_listed_and_unlinked(database: Database, agentadm: Agentadm) -> None:
    for subject in ("user_2b", "user_2a"):
        assert agentadm("users", "identities", "link", "ada", "clerk", subject).code == 0
    assert "nothing to change" in agentadm("users", "identities", "link", "ada", "clerk", "user_2a").err
    assert agentadm("users", "identities", "list", "ada", "-o", "json").json == [
        {"provider": "clerk", "subject": "user_2a"},
        {"provider": "clerk", "subject": "user_2b"},
    ]
    key = agentadm("users", "show", "ada", "-o", "json").json["id"]
    refused(agentadm("users", "identities", "link", "grace", "clerk", "user_2a"), 6, f"an identity of user {key}")
    refused(agentadm("users", "identities", "unlink", "grace", "clerk", "user_2a", "--yes"), 5, "has no identity")
    refused(agentadm("users", "identities", "link", "grace", "Not A Provider", "x"), 2, "is no identity")
    assert agentadm("users", "identities", "unlink", "ada", "clerk", "user_2b", "--yes").code == 0
    assert agentadm("users", "show", "user_2a", "-o", "json").json["id"] == key
    refused(agentadm("users", "show", "user_2b"), 5)
    assert [(table, action) for table, action, _, _ in changes(database, "users identities unlink")] == [
        ("identities", "delete")
    ]


def test_show_is_one_screen_in_one_statement(database: Database, agentadm: Agentadm) -> None:
    for argv in (["teams", "create", "Engines", "--owner", "ada"], ["teams", "create", "Old", "--owner", "ada"],
                 ["teams", "delete", "old", "--yes"], ["projects", "create", "Own", "--user", "ada"],
                 ["users", "identities", "link", "ada", "clerk", "user_2a"]):  # fmt: skip
        assert agentadm(*argv).code == 0
    done = agentadm("users", "show", "ada", "-o", "json", "--debug")
    assert done.json["teams"] == [{"team": "engines", "role": "owner"}]
    assert done.json["projects"] == 1
    assert done.json["identities"] == [{"provider": "clerk", "subject": "user_2a"}]
    # The mark of the installation, the settings of the transaction, and the user.
    statements = [line for line in done.err.splitlines() if line.startswith("sql ")]
    assert len(statements) == 3, done.err
