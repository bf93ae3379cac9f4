"""Teams, projects and crews: values, codes, streams, the row in the audit, and the rules that the database keeps."""

import threading
from contextlib import closing
from typing import Any

import psycopg
import pytest

from tests.conftest import Agentadm
from tests.operations.processes import at_once, finish, start, wait_for_lock
from tests.outcomes import audited, refused
from tests.support import Database


@pytest.fixture(autouse=True)
def company(database: Database, agentadm: Agentadm) -> None:
    """Ada owns the team Engines; Grace is its admin, Linus and Mei are in none."""
    for name in ("ada", "grace", "linus", "mei"):
        database.execute("INSERT INTO agentadm.users (email, username) VALUES (%s, %s)", f"{name}@example.com", name)
    for argv in (["teams", "create", "Engines", "--owner", "ada"],
                 ["teams", "members", "add", "engines", "grace", "--role", "admin"]):  # fmt: skip
        done = agentadm(*argv)
        assert done.code == 0, done.err


def members(database: Database, slug: str = "engines") -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT u.username, m.role FROM agentadm.team_members m JOIN agentadm.users u ON u.id = m.user_id"
        " JOIN agentadm.teams t ON t.id = m.team_id WHERE t.slug = %s ORDER BY 1", slug,
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- teams


def test_create_makes_the_owner_a_member(database: Database, agentadm: Agentadm) -> None:
    done = agentadm("teams", "create", "Ålpha & Söhne", "--owner", "grace", "--max-members", "3", "-o", "json")
    assert done.code == 0, done.err
    assert (done.json["slug"], done.json["owner"], done.json["member_count"]) == ("alpha-sohne", "grace@example.com", 1)
    assert members(database, "alpha-sohne") == [("grace", "owner")]
    assert audited(database, "teams create")[-2:] == [
        ("teams", "insert", "statement"), ("team_members", "insert", "statement"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["Engines", "--owner", "grace"], 6, "the slug 'engines' is taken"),
        (["!!!", "--owner", "grace"], 2, "--slug"),
        (["X", "--slug", "Not A Slug", "--owner", "grace"], 2, "is no slug"),
        (["X", "--owner", "nobody"], 5, "no user 'nobody'"),
        (["--owner", "grace"], 2, "give NAME, or --personal"),
        (["X", "--owner", "grace", "--max-members", "0"], 2, "--max-members"),
        (["bad\x07name", "--slug", "x", "--owner", "grace"], 2, "is no name"),
        (["", "--slug", "x", "--owner", "grace"], 2, "is no name"),
        (["--personal", "--owner", "grace", "--max-members", "3"], 2, "agentadm teams update"),
        (["X", "--owner", "grace", "--max-members", "99999999999"], 2, "--max-members"),
    ],
)
def test_create_refuses(database: Database, agentadm: Agentadm, argv: list[str], code: int, told: str) -> None:
    refused(agentadm("teams", "create", *argv), code, told)
    assert database.value("SELECT count(*) FROM agentadm.teams") == 1


def test_create_if_not_exists_answers_with_the_one_that_is_there(agentadm: Agentadm) -> None:
    done = agentadm("teams", "create", "engines", "--owner", "mei", "--if-not-exists", "-o", "json")
    assert (done.code, done.json["owner"]) == (0, "ada@example.com")


def test_a_personal_team_is_made_once_and_stays_its_users(database: Database, agentadm: Agentadm) -> None:
    made = [agentadm("teams", "create", "--personal", "--owner", "mei", "-o", "json").json for _ in range(2)]
    assert made[0] == made[1]
    slug = made[0]["slug"]
    assert members(database, slug) == [("mei", "owner")]
    refused(agentadm("teams", "members", "add", slug, "grace"), 6, "personal team")
    refused(agentadm("teams", "transfer", slug, "grace", "--yes"), 6, "personal team")
    refused(agentadm("teams", "delete", slug, "--yes"), 6, "deleted with the user")
    assert [team["slug"] for team in agentadm("teams", "list", "--personal", "-o", "json").json] == [slug]
    assert [team["slug"] for team in agentadm("teams", "list", "-o", "json").json] == ["engines"]


def test_a_personal_team_goes_and_comes_with_its_user(database: Database, agentadm: Agentadm) -> None:
    agentadm("teams", "create", "--personal", "--owner", "mei")
    state = "SELECT deleted_at IS NOT NULL FROM agentadm.teams WHERE personal_of IS NOT NULL"
    assert agentadm("users", "delete", "mei", "--yes").code == 0
    assert database.value(state) is True
    slug = database.value("SELECT slug FROM agentadm.teams WHERE personal_of IS NOT NULL")
    refused(agentadm("teams", "restore", slug), 6, "it is restored with the user")
    assert agentadm("users", "restore", "mei").code == 0
    assert database.value(state) is False


def test_show_finds_a_team_by_every_handle(database: Database, agentadm: Agentadm) -> None:
    key = str(database.value("SELECT id FROM agentadm.teams"))
    for reference in ("engines", "ENGINES", key, key[-8:]):
        assert agentadm("teams", "show", reference, "-o", "json").json["id"] == key
    refused(agentadm("teams", "show", "engine"), 5, "did you mean 'engines'?")


def test_list_keeps_what_is_asked_for(agentadm: Agentadm) -> None:
    assert agentadm("teams", "create", "Compilers", "--owner", "grace").code == 0

    def slugs(*argv: str) -> list[str]:
        done = agentadm("teams", "list", "--sort", "slug", "-o", "json", *argv)
        assert done.code == 0, done.err
        return [team["slug"] for team in done.json]

    assert slugs() == ["compilers", "engines"]
    assert slugs("--owner", "grace") == ["compilers"]
    assert slugs("--member", "grace") == ["compilers", "engines"]
    assert slugs("--where", "member_count>1") == ["engines"]
    assert agentadm("teams", "list", "--all", "-o", "csv", "--columns", "slug,owner").out.splitlines() == [
        "slug,owner", "compilers,grace@example.com", "engines,ada@example.com",
    ]  # fmt: skip


def test_update_sets_clears_and_refuses(database: Database, agentadm: Agentadm) -> None:
    done = agentadm(
        "teams", "update", "engines", "--name", "Motors", "--slug", "motors", "--max-members", "2",
        "--daily-budget", "7.5", "-o", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert (done.json["name"], done.json["slug"], done.json["max_members"]) == ("Motors", "motors", 2)
    assert done.json["daily_budget"] == "7.500000"
    cleared = agentadm("teams", "update", "motors", "--clear", "daily_budget", "--clear", "max-members", "-o", "json")
    assert (cleared.json["daily_budget"], cleared.json["max_members"]) == (None, None)
    refused(agentadm("teams", "update", "motors", "--max-members", "1"), 6, "has 2 members", "members remove")
    refused(agentadm("teams", "update", "motors", "--clear", "name"), 2, "--clear 'name'", "max_members")
    refused(agentadm("teams", "update", "motors", "--clear", "max_members", "--max-members", "3"), 2, "both set")
    refused(agentadm("teams", "update", "motors"), 2, "nothing to change was named")
    refused(agentadm("teams", "update", "motors", "--daily-budget", "-1"), 2)
    refused(agentadm("teams", "update", "motors", "--daily-budget", "much"), 2, "'much'")
    before = audited(database, "teams update")
    assert "nothing to change" in agentadm("teams", "update", "motors", "--name", "Motors").err
    assert audited(database, "teams update") == before


def test_delete_and_restore(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("teams", "delete", "engines", "--yes").code == 0
    refused(agentadm("teams", "show", "engines"), 5)
    assert agentadm("teams", "show", "engines", "--deleted", "-o", "json").json["member_count"] == 2
    refused(agentadm("teams", "create", "Engines", "--owner", "mei"), 6, "taken by deleted team")
    assert agentadm("teams", "restore", "engines").code == 0
    assert members(database) == [("ada", "owner"), ("grace", "admin")]
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = 'teams restore'")
    assert agentadm("audit", "undo", str(operation), "--yes").code == 0
    refused(agentadm("teams", "show", "engines"), 5)


def test_transfer_makes_one_owner_of_another(database: Database, agentadm: Agentadm) -> None:
    done = agentadm("teams", "transfer", "engines", "grace", "--yes", "-o", "json")
    assert (done.code, done.json["owner"]) == (0, "grace@example.com")
    assert members(database) == [("ada", "admin"), ("grace", "owner")]
    assert agentadm("teams", "transfer", "engines", "mei", "--yes").code == 0
    assert members(database) == [("ada", "admin"), ("grace", "admin"), ("mei", "owner")]
    assert "nothing to change" in agentadm("teams", "transfer", "engines", "mei", "--yes").err
    operation = database.value(
        "SELECT o.id FROM agentadm.operations o JOIN agentadm.audit_changes c ON c.operation_id = o.id"
        " WHERE o.command = 'teams transfer' ORDER BY o.seq DESC LIMIT 1"
    )
    assert agentadm("audit", "undo", str(operation), "--yes").code == 0
    assert members(database) == [("ada", "admin"), ("grace", "owner")]
    assert agentadm("teams", "update", "engines", "--max-members", "2").code == 0
    refused(agentadm("teams", "transfer", "engines", "linus", "--yes"), 6, "is full")


def test_who_owns_a_team_is_not_deleted(database: Database, agentadm: Agentadm) -> None:
    refused(agentadm("users", "delete", "ada", "--yes"), 6, "owns teams: engines", "agentadm teams transfer")
    assert agentadm("teams", "delete", "engines", "--yes").code == 0
    assert agentadm("users", "delete", "ada", "--yes").code == 0
    refused(agentadm("teams", "restore", "engines"), 6, "deleted user", "restore the user")
    assert agentadm("teams", "transfer", "engines", "grace", "--deleted", "--yes").code == 0
    assert agentadm("teams", "restore", "engines", "-o", "json").json["owner"] == "grace@example.com"


# ------------------------------------------------------------------------------------------------------------- members


def test_members_are_added_changed_and_removed(database: Database, agentadm: Agentadm) -> None:
    done = agentadm(
        "teams", "members", "add", "engines", "linus", "--role", "viewer", "--invited-by", "ada", "-o", "json"
    )
    assert (done.code, done.json["role"], done.json["team"]) == (0, "viewer", "engines")
    assert done.json["invited_by"] == str(database.value("SELECT id FROM agentadm.users WHERE username = 'ada'"))
    assert audited(database, "teams members add")[-1] == ("team_members", "insert", "statement")
    assert "nothing to change" in agentadm("teams", "members", "add", "engines", "linus", "--role", "viewer").err
    refused(agentadm("teams", "members", "add", "engines", "linus"), 6, "is viewer of team engines already", "set-role")
    assert agentadm("teams", "members", "set-role", "engines", "linus", "--role", "admin").code == 0
    listed = agentadm("teams", "members", "list", "engines", "-o", "json").json
    assert [(member["email"], member["role"]) for member in listed] == [
        ("ada@example.com", "owner"), ("grace@example.com", "admin"), ("linus@example.com", "admin"),
    ]  # fmt: skip
    assert len(agentadm("teams", "members", "list", "engines", "--role", "owner", "-o", "json").json) == 1
    assert agentadm("teams", "members", "remove", "engines", "linus", "--yes").code == 0
    assert members(database) == [("ada", "owner"), ("grace", "admin")]


def test_the_owner_is_neither_removed_nor_demoted_nor_made_so(agentadm: Agentadm) -> None:
    refused(agentadm("teams", "members", "remove", "engines", "ada", "--yes"), 6, "owns team engines", "transfer")
    refused(agentadm("teams", "members", "set-role", "engines", "ada", "--role", "viewer"), 6, "owns team engines")
    refused(agentadm("teams", "members", "set-role", "engines", "grace", "--role", "owner"), 2, "'owner'")


def test_several_members_at_once_stand_alone(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("teams", "update", "engines", "--max-members", "3").code == 0
    done = agentadm("teams", "members", "add", "engines", "-", stdin="linus\nnobody\nmei\n", env={}, terminal=False)
    assert done.code == 7, done.err
    assert members(database) == [("ada", "owner"), ("grace", "admin"), ("linus", "member")]
    assert "team engines is full" in done.out
    together = agentadm("teams", "members", "remove", "engines", "linus", "mei", "--atomic", "--yes")
    assert together.code == 5
    assert len(members(database)) == 3


SECOND_OWNER = """
    INSERT INTO agentadm.team_members (team_id, user_id, role)
    SELECT t.id, u.id, 'owner' FROM agentadm.teams t, agentadm.users u WHERE u.username = 'mei'
"""


def test_in_psql_too_there_is_exactly_one_owner(database: Database) -> None:
    wrong = (
        "UPDATE agentadm.team_members SET role = 'admin'",
        "UPDATE agentadm.team_members SET role = 'owner'",
        "DELETE FROM agentadm.team_members",
        "UPDATE agentadm.teams SET owner_id = (SELECT id FROM agentadm.users WHERE username = 'grace')",
        "INSERT INTO agentadm.teams (name, slug, owner_id) SELECT 'x', 'x', id FROM agentadm.users",
        SECOND_OWNER,
    )
    for statement in wrong:
        with (
            closing(database.connect(autocommit=True)) as connection,
            pytest.raises(psycopg.errors.IntegrityError),
        ):
            connection.execute(statement.encode())
    assert members(database) == [("ada", "owner"), ("grace", "admin")]


# --------------------------------------------------------------------------------------------------------- concurrency


def test_sixteen_processes_fill_a_team_exactly(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("teams", "update", "engines", "--max-members", "5").code == 0
    for number in range(16):
        database.execute("INSERT INTO agentadm.users (email) VALUES (%s)", f"n{number}@example.com")
    done = at_once(
        database,
        "SELECT FROM agentadm.teams FOR UPDATE",
        [["teams", "members", "add", "engines", f"n{number}@example.com", "-o", "json"] for number in range(16)],
    )
    assert sorted(result.code for result in done) == [0] * 3 + [6] * 13
    assert all("is full" in result.err for result in done if result.code == 6)
    assert len(members(database)) == 5
    assert database.value("SELECT member_count FROM agentadm.teams") == 5


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_the_database_fills_a_team_exactly_whoever_writes(
    database: Database, agentadm: Agentadm, isolation: str
) -> None:
    assert agentadm("teams", "update", "engines", "--max-members", "5").code == 0
    for number in range(16):
        database.execute("INSERT INTO agentadm.users (email) VALUES (%s)", f"n{number}@example.com")
    ready = threading.Barrier(16)

    def add(number: int) -> None:
        with database.connect(
            options=f"-c default_transaction_isolation={isolation.replace(' ', chr(92) + ' ')}"
        ) as own:
            own.execute("SELECT count(*) FROM agentadm.team_members")
            ready.wait()
            try:
                own.execute(
                    "INSERT INTO agentadm.team_members (team_id, user_id) SELECT t.id, u.id"
                    " FROM agentadm.teams t, agentadm.users u WHERE u.email = %s", [f"n{number}@example.com"],
                )  # fmt: skip
                own.commit()
            except (
                psycopg.errors.CheckViolation,
                psycopg.errors.SerializationFailure,
                psycopg.errors.DeadlockDetected,
            ):
                own.rollback()

    threads = [threading.Thread(target=add, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = len(members(database))
    assert database.value("SELECT member_count FROM agentadm.teams") == count
    # Where a serialization failure is not tried again, fewer may come in; never more.
    assert count == 5 if isolation == "READ COMMITTED" else 3 <= count <= 5


def test_two_processes_that_transfer_leave_one_owner(database: Database) -> None:
    done = at_once(
        database,
        "SELECT FROM agentadm.teams FOR UPDATE",
        [["teams", "transfer", "engines", name, "--yes"] for name in ("grace", "mei")],
    )
    assert [result.code for result in done] == [0, 0]
    assert [role for _, role in members(database)].count("owner") == 1
    owner = database.value("SELECT u.username FROM agentadm.teams t JOIN agentadm.users u ON u.id = t.owner_id")
    assert (owner, "owner") in members(database)


def test_a_team_is_not_given_to_somebody_who_is_just_being_deleted(database: Database) -> None:
    with database.connect() as deleter:
        deleter.execute("UPDATE agentadm.users SET deleted_at = agentadm.now() WHERE username = 'mei'")
        process = start("teams", "transfer", "engines", "mei", "--yes", "--wait", "60", environ=database.environ)
        wait_for_lock(database)
        deleter.commit()
    refused(finish(process), 5, "was just deleted")
    assert members(database) == [("ada", "owner"), ("grace", "admin")]


def test_a_member_is_not_added_who_is_just_being_merged(database: Database) -> None:
    with database.connect() as holder:
        holder.execute("SELECT FROM agentadm.users WHERE username = 'mei' FOR UPDATE")
        process = start("teams", "members", "add", "engines", "mei", "--wait", "60", environ=database.environ)
        wait_for_lock(database)
        holder.execute("UPDATE agentadm.users SET deleted_at = agentadm.now() WHERE username = 'mei'")
        holder.commit()
    refused(finish(process), 5, "was just deleted")
    assert members(database) == [("ada", "owner"), ("grace", "admin")]


# -------------------------------------------------------------------------------------------------- projects and crews


def test_projects_and_crews(database: Database, agentadm: Agentadm) -> None:
    made = agentadm("projects", "create", "Numbers", "--team", "engines", "--description", "Note G", "-o", "json")
    assert (made.code, made.json["team"], made.json["user"]) == (0, "engines", None)
    assert agentadm("projects", "create", "Own", "--user", "mei").code == 0
    for name in ("Reviewers", "Authors"):
        assert agentadm("crews", "create", name, "--project", "numbers").code == 0
    shown = agentadm("projects", "show", "NUMBERS", "-o", "json").json
    assert shown["crews"] == ["Reviewers", "Authors"]
    assert [row["name"] for row in agentadm("projects", "list", "--team", "engines", "-o", "json").json] == ["Numbers"]
    assert [row["name"] for row in agentadm("projects", "list", "--user", "mei", "-o", "json").json] == ["Own"]
    assert agentadm("users", "show", "mei", "-o", "json").json["projects"] == 1
    assert agentadm("projects", "update", "numbers", "--clear", "description", "-o", "json").json["description"] is None
    assert agentadm("crews", "update", "authors", "--name", "Writers", "-o", "json").json["name"] == "Writers"
    assert [row["name"] for row in agentadm("crews", "list", "--project", "numbers", "-o", "json").json] == [
        "Writers", "Reviewers",
    ]  # fmt: skip
    assert agentadm("crews", "show", "writers", "-o", "json").json["project"] == "Numbers"
    assert agentadm("crews", "delete", "writers", "--yes").code == 0
    refused(agentadm("crews", "show", "writers"), 5)
    guarded = agentadm("projects", "delete", "numbers", "--yes", "--max-affected", "1")
    refused(guarded, 9, "2 rows would change")
    assert agentadm("projects", "delete", "numbers", "--yes").code == 0
    assert database.value("SELECT count(*) FROM agentadm.crews") == 0
    operation = database.value(
        "SELECT id FROM agentadm.operations WHERE command = 'projects delete' ORDER BY seq DESC LIMIT 1"
    )
    assert agentadm("audit", "undo", str(operation), "--yes").code == 0
    assert agentadm("crews", "show", "reviewers", "-o", "json").json["project"] == "Numbers"


def test_a_project_has_one_owner(agentadm: Agentadm) -> None:
    refused(agentadm("projects", "create", "X"), 2, "--user USER, or --team TEAM")
    refused(agentadm("projects", "create", "X", "--user", "mei", "--team", "engines"), 2, "a user or to a team")


def test_things_of_the_same_name_are_told_apart(agentadm: Agentadm) -> None:
    for owner in ("mei", "grace"):
        assert agentadm("projects", "create", "Same", "--user", owner).code == 0
    refused(agentadm("projects", "show", "same"), 6, "is ambiguous", "whole id")
