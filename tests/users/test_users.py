"""The five user commands: values, codes, streams, and the row in the audit."""

import pytest

from tests.conftest import Agentadm
from tests.operations.processes import wait_until
from tests.support import Database

INSERT = "INSERT INTO agentadm.users (email, username, full_name) VALUES (%s, %s, %s)"


@pytest.fixture
def ada(database: Database) -> str:
    database.execute(INSERT, "Ada@Example.com", "ada", "Ada Lovelace")
    return str(database.value("SELECT id FROM agentadm.users"))


def audit(database: Database) -> list[tuple[object, ...]]:
    return database.rows(
        "SELECT o.command, o.reason, o.ticket, c.table_name, c.action FROM agentadm.operations o"
        " JOIN agentadm.audit_changes c ON c.operation_id = o.id"
        " WHERE o.command NOT IN ('db init', 'outside') ORDER BY c.seq"
    )


def test_create_answers_with_the_user_and_leaves_an_audit_row(database: Database, agentadm: Agentadm) -> None:
    done = agentadm(
        "users", "create", "grace@example.com", "--full-name", "Grace Hopper", "--username", "grace", "-o", "json",
        "--reason", "hired", "--ticket", "HR-1",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["email"] == "grace@example.com"
    assert done.json["status"] == "active"
    assert done.json["daily_budget"] == "10.000000"
    assert done.json["created_at"].endswith("Z")
    assert done.json["identities"] == []
    assert "1 row changed" in done.err
    assert audit(database) == [("users create", "hired", "HR-1", "users", "insert")]


def test_create_refuses_a_taken_email_whatever_its_case(database: Database, agentadm: Agentadm, ada: str) -> None:
    done = agentadm("users", "create", "ADA@example.COM", "-o", "json")
    assert done.code == 6
    assert done.out == ""
    assert ada in done.err
    assert "--if-not-exists" in done.err
    assert audit(database) == []


def test_create_if_not_exists_answers_with_the_one_that_is_there(
    database: Database, agentadm: Agentadm, ada: str
) -> None:
    done = agentadm("users", "create", "ada@example.com", "--if-not-exists", "-o", "json")
    assert done.code == 0
    assert done.json["id"] == ada
    assert "nothing to change" in done.err
    assert audit(database) == []


def test_create_if_not_exists_says_what_the_one_that_is_there_has_otherwise(agentadm: Agentadm, ada: str) -> None:
    done = agentadm("users", "create", "ada@example.com", "--if-not-exists", "--role", "admin", "--full-name", "A. L.")
    assert done.code == 0
    assert "the user that is there has another full_name, role: left as it is" in done.err
    same = agentadm("users", "create", "ada@example.com", "--if-not-exists", "--full-name", "Ada Lovelace")
    assert "another" not in same.err


def test_create_refuses_a_taken_username(agentadm: Agentadm, ada: str) -> None:
    done = agentadm("users", "create", "other@example.com", "--username", "ADA")
    assert done.code == 6
    assert "username 'ADA'" in done.err


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "a b@example.com", "a@b", "a@b\x1b.com", "x" * 330 + "@a.b"]
)
def test_create_refuses_what_is_no_email(database: Database, agentadm: Agentadm, email: str) -> None:
    done = agentadm("users", "create", email)
    assert done.code == 2, done.err
    assert done.out == ""
    assert "is not an e-mail address" in done.err
    assert "\x1b" not in done.err
    assert database.value("SELECT count(*) FROM agentadm.users") == 0


@pytest.mark.parametrize(
    "email", ["o'brien@example.com", "名@例え.jp", f"{'x' * 288}@example.com", "a+b@example.co.uk"]
)
def test_create_takes_unusual_emails(agentadm: Agentadm, email: str) -> None:
    assert agentadm("users", "create", email, "-o", "json").json["email"] == email


def test_show_finds_a_user_by_every_handle(database: Database, agentadm: Agentadm, ada: str) -> None:
    database.execute("UPDATE agentadm.users SET stripe_customer_id = 'cus_123'")
    database.execute("INSERT INTO agentadm.identities (user_id, provider, subject) VALUES (%s, 'clerk', 'user_9')", ada)
    for reference in (
        "ada@example.com",
        "ADA@EXAMPLE.COM",
        "ada",
        ada,
        ada[-8:],
        ada[-12:].upper(),
        "cus_123",
        "user_9",
    ):
        done = agentadm("users", "show", reference, "-o", "json")
        assert done.code == 0, (reference, done.err)
        assert done.json["id"] == ada
        assert done.json["identities"] == [{"provider": "clerk", "subject": "user_9"}]


def test_show_of_nobody_is_not_found(agentadm: Agentadm) -> None:
    done = agentadm("users", "show", "nobody@example.com", "-o", "json")
    assert done.code == 5
    assert done.out == ""
    assert '"kind": "not_found"' in done.err


def test_an_ambiguous_reference_lists_its_candidates(database: Database, agentadm: Agentadm) -> None:
    for email, username in (("one@example.com", "shared@name"), ("two@example.com", "two")):
        database.execute(INSERT, email, username.replace("@", ""), None)
    database.execute(
        "INSERT INTO agentadm.identities (user_id, provider, subject)"
        " SELECT id, 'clerk', 'two' FROM agentadm.users WHERE email = 'one@example.com'"
    )
    done = agentadm("users", "show", "two")
    assert done.code == 6
    assert "one@example.com" in done.err
    assert "two@example.com" in done.err


@pytest.mark.parametrize("reference", ["u77@example.com", "name77", "cus_77", "subject77", "id", "ending"])
def test_a_reference_costs_no_more_among_many(database: Database, agentadm: Agentadm, reference: str) -> None:
    """Also where the server knows nothing of the table yet, as after an import."""
    database.execute(
        "INSERT INTO agentadm.users (email, username, stripe_customer_id)"
        " SELECT format('u%s@example.com', n), 'name' || n, 'cus_' || n FROM generate_series(1, 5000) n"
    )
    database.execute(
        "INSERT INTO agentadm.identities (user_id, provider, subject)"
        " SELECT id, 'clerk', replace(username, 'name', 'subject') FROM agentadm.users"
    )
    user_id = database.value("SELECT id::text FROM agentadm.users WHERE username = 'name77'")
    rows_read = (
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
        " WHERE relname IN ('users', 'identities')"
    )
    # A session's counts come when it has ended.
    made = "SELECT sum(n_tup_ins) FROM pg_stat_user_tables WHERE relname IN ('users', 'identities')"
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    wait_until(lambda: database.value(made) == 10_000, "the insertions are counted")
    wait_until(lambda: database.value(sessions) == 1, "the session that looked for the id has ended")
    before = database.value(rows_read)
    done = agentadm("users", "show", {"id": user_id, "ending": user_id[-8:]}.get(reference, reference), "-o", "json")
    assert done.json["id"] == user_id
    wait_until(lambda: database.value(sessions) == 1, "the command's session has ended")
    assert 0 < database.value(rows_read) - before < 50


def test_deleted_users_are_found_only_when_asked_for(database: Database, agentadm: Agentadm, ada: str) -> None:
    database.execute("UPDATE agentadm.users SET deleted_at = agentadm.now()")
    assert agentadm("users", "show", ada).code == 5
    assert agentadm("users", "show", ada, "--deleted", "-o", "json").json["id"] == ada
    assert agentadm("users", "list", "-o", "json").json == []
    assert len(agentadm("users", "list", "--deleted", "-o", "json").json) == 1
    assert agentadm("users", "suspend", ada, "--yes").code == 5


def test_suspend_and_resume(database: Database, agentadm: Agentadm, ada: str) -> None:
    done = agentadm("users", "suspend", "ada", "--reason", "chargeback", "--yes", "-o", "json")
    assert done.code == 0
    assert (done.json["status"], done.json["suspended_reason"]) == ("suspended", "chargeback")
    again = agentadm("users", "suspend", "ada", "--reason", "other", "--yes", "-o", "json")
    assert again.code == 0
    assert again.json["suspended_reason"] == "chargeback"
    assert agentadm("users", "suspend", "ada", "--yes", "--error-unchanged").code == 3
    back = agentadm("users", "resume", "ada", "-o", "json")
    assert (back.json["status"], back.json["suspended_reason"]) == ("active", None)
    assert audit(database) == [
        ("users suspend", "chargeback", None, "users", "update"),
        ("users resume", None, None, "users", "update"),
    ]


def test_suspend_asks_a_person_and_refuses_where_there_is_none(
    database: Database, agentadm: Agentadm, ada: str
) -> None:
    nobody = agentadm("users", "suspend", "ada")
    assert nobody.code == 8
    assert "--yes" in nobody.err
    no = agentadm("users", "suspend", "ada", terminal=True, stdin="n\n")
    assert no.code == 8
    ended = agentadm("users", "suspend", "ada", terminal=True, stdin="")
    assert ended.code == 8
    assert "end of input" in ended.err
    never = agentadm("users", "suspend", "ada", "--no-input", terminal=True, stdin="y\n")
    assert never.code == 8
    assert audit(database) == []
    yes = agentadm("users", "suspend", "ada", terminal=True, stdin="y\n")
    assert yes.code == 0
    assert "users suspend ada on test? [y/N]" in yes.err
    assert "?" not in yes.out


def test_list_is_newest_first_and_says_when_it_is_cut(database: Database, agentadm: Agentadm) -> None:
    for number in range(5):
        database.execute(
            "INSERT INTO agentadm.users (email, created_at) VALUES (%s, %s)",
            f"u{number}@example.com",
            f"2026-01-0{number + 1}",
        )
    done = agentadm("users", "list", "--limit", "3", "-o", "json")
    assert [row["email"] for row in done.json] == ["u4@example.com", "u3@example.com", "u2@example.com"]
    assert "there are more" in done.err
    whole = agentadm("users", "list", "--limit", "3", "--all", "-o", "json")
    assert len(whole.json) == 5
    assert whole.err == ""
    exact = agentadm("users", "list", "--limit", "5", "-o", "json")
    assert (len(exact.json), exact.err) == (5, "")


def test_a_cut_list_is_told_even_to_the_quiet(database: Database, agentadm: Agentadm) -> None:
    database.execute("INSERT INTO agentadm.users (email) SELECT n || '@example.com' FROM generate_series(1, 51) n")
    assert "there are more" in agentadm("users", "list", "--quiet", "-o", "csv").err
    assert agentadm("users", "list", "--limit", "2", "--quiet", "-o", "csv").err == ""
    assert agentadm("users", "list", "--all", "--quiet", "-o", "csv").err == ""


def test_list_filters(database: Database, agentadm: Agentadm, ada: str) -> None:
    agentadm("users", "create", "boss@example.com", "--role", "admin")
    agentadm("users", "suspend", "ada", "--yes")
    assert [row["email"] for row in agentadm("users", "list", "--role", "admin", "-o", "json").json] == [
        "boss@example.com"
    ]
    assert [row["id"] for row in agentadm("users", "list", "--status", "suspended", "-o", "json").json] == [ada]
    wrong = agentadm("users", "list", "--status", "gone")
    assert wrong.code == 2
    assert "suspended" in wrong.err
