"""A person as a whole: merged, erased and exported, with rows in every table that can name one."""

import json
from uuid import UUID

import pytest

from platform_core.db.schema import person_links
from tests.conftest import Agentadm
from tests.operations.processes import finish, start, wait_for_lock
from tests.people import ROWS, Somebody, bystander, populate
from tests.support import Database

POINTING = """
SELECT c.conrelid::regclass::text, a.attname::text
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.contype = 'f' AND c.confrelid = 'agentadm.users'::regclass AND c.conparentid = 0 ORDER BY 1, 2
"""


@pytest.fixture
def other(database: Database) -> UUID:
    return bystander(database)


@pytest.fixture
def grace(database: Database, other: UUID) -> Somebody:
    return populate(database, 1, other)


@pytest.fixture
def ada(database: Database, other: UUID) -> Somebody:
    return populate(database, 2, other)


def rows_naming(database: Database, person: UUID) -> dict[str, int]:
    """How many rows name a person, by column."""
    return {
        f"{table}.{column}": database.value(f"SELECT count(*) FROM {table} WHERE {column} = %s", person)
        for table, column in database.rows(POINTING)
    }


def test_every_column_that_names_a_person_has_a_rule_and_is_in_these_tests(database: Database) -> None:
    direct = [(table.name, link) for table, link in person_links() if link.via is None]
    named = {(f"agentadm.{name}", link.column) for name, link in direct if link.column != "id"}
    assert set(database.rows(POINTING)) == named
    assert {name for name, _ in direct} == set(ROWS)


def test_the_database_has_the_same_list(database: Database, grace: Somebody) -> None:
    known = database.rows("SELECT DISTINCT table_name, link_column FROM agentadm.person_columns()")
    assert set(known) == {(table.name, link.column) for table, link in person_links()}
    assert all(rows_naming(database, grace.id).values()), rows_naming(database, grace.id)


# --------------------------------------------------------------------------------------------------------------- merge


def test_after_a_merge_nothing_names_the_one_and_everything_the_other(
    database: Database, agentadm: Agentadm, grace: Somebody, ada: Somebody
) -> None:
    before = {name: number + rows_naming(database, ada.id)[name]
              for name, number in rows_naming(database, grace.id).items()}  # fmt: skip
    sums = "SELECT sum(member_count), count(*) FROM agentadm.teams"
    teams_before = database.rows(sums)

    done = agentadm("users", "merge", grace.email, ada.email, "--confirm", "test", "-o", "json")

    assert done.code == 0, done.err
    assert set(rows_naming(database, grace.id).values()) == {0}
    after = rows_naming(database, ada.id)
    # The one that was merged names the other now; one of two personal teams has become an ordinary one; both had an
    # override of the same limit.
    assert after == {
        **before,
        "agentadm.limit_overrides.user_id": 1,
        "agentadm.users.merged_into_id": before["agentadm.users.merged_into_id"] + 1,
        "agentadm.teams.personal_of": 1,
    }
    assert database.rows(sums) == teams_before
    assert done.json["merged_id"] == str(grace.id)
    assert done.json["user"]["id"] == str(ada.id)
    assert done.json["moved"]["identities"] == 2
    assert database.rows(
        "SELECT deleted_at IS NOT NULL, merged_into_id FROM agentadm.users WHERE id = %s", grace.id
    ) == [(True, ada.id)]
    assert database.value("SELECT count(*) FROM agentadm.operations WHERE command = 'users merge'") == 1


def test_of_two_memberships_the_stronger_is_kept(database: Database, agentadm: Agentadm, other: UUID) -> None:
    for email in ("one@example.com", "two@example.com"):
        assert agentadm("users", "create", email).code == 0
    for slug, one, two in (("a", "admin", "viewer"), ("b", "viewer", "member")):
        assert agentadm("teams", "create", slug, "--owner", str(other)).code == 0
        assert agentadm("teams", "members", "add", slug, "one@example.com", "--role", one).code == 0
        assert agentadm("teams", "members", "add", slug, "two@example.com", "--role", two).code == 0
    assert agentadm("teams", "create", "c", "--owner", "one@example.com").code == 0
    assert agentadm("teams", "members", "add", "c", "two@example.com").code == 0

    done = agentadm("users", "merge", "one@example.com", "two@example.com", "--confirm", "test", "-o", "json")

    assert done.code == 0, done.err
    assert done.json["dropped"] == {"team_members": 3}
    assert [(team["team"], team["role"]) for team in done.json["user"]["teams"]] == [
        ("a", "admin"), ("b", "member"), ("c", "owner"),
    ]  # fmt: skip
    assert database.rows("SELECT slug, member_count FROM agentadm.teams ORDER BY 1") == [("a", 2), ("b", 2), ("c", 1)]


def test_the_one_kept_gets_what_it_lacks_and_loses_nothing(database: Database, agentadm: Agentadm) -> None:
    database.execute(
        "INSERT INTO agentadm.users (email, username, full_name, stripe_customer_id, metadata) VALUES"
        " ('one@example.com', 'one', 'Number One', 'cus_1', '{\"a\": 1, \"b\": 1}'),"
        " ('two@example.com', NULL, 'Number Two', NULL, '{\"b\": 2}')"
    )
    done = agentadm("users", "merge", "one@example.com", "two@example.com", "--confirm", "test", "-o", "json")
    user = done.json["user"]
    assert (user["email"], user["username"], user["full_name"]) == ("two@example.com", "one", "Number Two")
    assert user["stripe_customer_id"] == "cus_1"
    assert user["metadata"] == {"a": 1, "b": 2}


def test_two_customers_at_stripe_are_named_as_something_to_do(database: Database, agentadm: Agentadm) -> None:
    database.execute(
        "INSERT INTO agentadm.users (email, stripe_customer_id) VALUES ('one@example.com', 'cus_1'),"
        " ('two@a.bc', 'cus_2')"
    )
    done = agentadm("users", "merge", "one@example.com", "two@a.bc", "--confirm", "test", "-o", "json")
    assert done.code == 0
    assert "cus_1" in done.json["steps"][0]
    assert "left to do: at Stripe both have a customer" in done.err
    assert database.rows("SELECT stripe_customer_id FROM agentadm.users ORDER BY 1") == [("cus_1",), ("cus_2",)]


def test_settings_of_which_only_one_can_be_are_named(database: Database, agentadm: Agentadm) -> None:
    database.execute(
        "INSERT INTO agentadm.users (email, role, daily_budget) VALUES ('one@example.com', 'creator', NULL),"
        " ('two@example.com', 'user', 5)"
    )
    done = agentadm("users", "merge", "one@example.com", "two@example.com", "--confirm", "test", "-o", "json")
    told = " / ".join(done.json["steps"])
    assert "role stays user; that of" in told
    assert "daily_budget stays 5.000000; that of" in told


def test_a_table_without_a_rule_stops_a_merge(
    database: Database, agentadm: Agentadm, grace: Somebody, ada: Somebody
) -> None:
    database.execute("CREATE TABLE public.fans (fan uuid REFERENCES agentadm.users (id))")
    mark = database.mark()
    done = agentadm("users", "merge", grace.email, ada.email, "--confirm", "test")
    assert done.code == 6
    assert "public.fans.fan" in done.err or "fans.fan" in done.err
    assert database.written_since(mark) == []


@pytest.mark.parametrize(("gone", "kept"), [("grace", "grace"), ("grace", "suspended"), ("suspended", "grace")])
def test_a_merge_that_would_lose_something_is_refused(
    database: Database, agentadm: Agentadm, grace: Somebody, gone: str, kept: str
) -> None:
    database.execute("INSERT INTO agentadm.users (email, status) VALUES ('suspended@example.com', 'suspended')")
    emails = {"grace": grace.email, "suspended": "suspended@example.com"}
    mark = database.mark()
    assert agentadm("users", "merge", emails[gone], emails[kept], "--confirm", "test").code == 6
    assert database.written_since(mark) == []


def test_who_was_merged_cannot_be_restored(agentadm: Agentadm, grace: Somebody, ada: Somebody) -> None:
    assert agentadm("users", "merge", grace.email, ada.email, "--confirm", "test").code == 0
    done = agentadm("users", "restore", str(grace.id))
    assert done.code == 6
    assert str(ada.id) in done.err


@pytest.mark.parametrize("command", ["users merge", "users erase"])
def test_it_cannot_be_undone(
    database: Database, agentadm: Agentadm, grace: Somebody, ada: Somebody, command: str
) -> None:
    given = [grace.email, ada.email] if command == "users merge" else [grace.email]
    if command == "users erase":
        assert agentadm("teams", "transfer", "shared-of-1", ada.email, "--yes").code == 0
    assert agentadm(*command.split(), *given, "--confirm", "test").code == 0
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = %s", command)
    mark = database.mark()
    done = agentadm("audit", "undo", str(operation), "--yes")
    assert done.code == 6
    assert "cannot be undone" in done.err
    assert database.written_since(mark) == []


# --------------------------------------------------------------------------------------------------------------- erase


@pytest.fixture
def history(database: Database, agentadm: Agentadm, grace: Somebody, ada: Somebody) -> Somebody:
    """Grace, of whom there is something in every place that keeps what was."""
    tag = grace.tag
    for argv in (
        ["users", "update", grace.email, "--full-name", f"First{tag} Married{tag}", "--reason", f"she, {tag}, called"],
        ["users", "update", f"u{tag}", "--email", f"new.{tag}@example.com", "--ticket", f"T new.{tag}@example.com"],
        ["users", "suspend", str(grace.id), "--yes", "--reason", f"because of {tag}"],
        ["users", "resume", f"u{tag}"],
        ["users", "resume", f"u{tag}", "--reason", "nothing to do"],
        ["users", "identities", "unlink", str(grace.id), "supabase", f"subject-{tag}", "--yes"],
        ["users", "identities", "link", str(grace.id), "razorpay", f"rzp_{tag}"],
        ["users", "update", ada.email, "--reason", f"as new.{tag}@example.com asked", "--first-name", "Ada"],
        ["users", "create", f"x{tag}@example.com", "--idempotency-key", "k1"],
        ["users", "merge", f"x{tag}@example.com", str(grace.id), "--confirm", "test"],
        ["users", "suspend", str(grace.id), "--yes", "--idempotency-key", f"suspend new.{tag}@example.com"],
        ["users", "update", ada.email, "--last-name", "L", "--idempotency-key", f"as new.{tag}@example.com asked"],
        ["users", "update", str(grace.id), "--full-name", f'O"{tag} \\ {tag}', "--reason", f'O"{tag} \\ {tag} called'],
        ["users", "update", ada.email, "--last-name", "M", "--reason", f'as O"{tag} \\ {tag} asked'],
        ["users", "resume", str(grace.id), f"u{tag}", "nobody@example.com", "--idempotency-key", "k3"],
        ["teams", "transfer", "shared-of-1", ada.email, "--yes"],
    ):
        done = agentadm(*argv)
        assert done.code in {0, 7}, (argv, done.err)
    database.execute(
        "INSERT INTO agentadm.provider_intents (operation_id, step, provider, object_type, object_id, provider_key,"
        " request, state, settled_at) VALUES (agentadm.uuid_v7(), 's', 'stripe', 'users', %s, 'k', %s, 'done',"
        " agentadm.now())",
        str(grace.id),
        json.dumps({"email": f"new.{tag}@example.com", "nested": [{"name": f"First{tag} Last{tag}"}]}),
    )
    with database.connect() as connection:
        connection.execute("UPDATE agentadm.users SET last_name = %s WHERE id = %s", [f"Psql{tag}", grace.id])
    return grace


def test_after_erasing_a_dump_holds_nothing_of_the_person(
    database: Database, agentadm: Agentadm, history: Somebody
) -> None:
    database.execute("UPDATE agentadm.users SET stripe_customer_id = 'cus_keep' WHERE id = %s", history.id)
    assert agentadm("db", "maintain").code == 0
    dumped = database.dump("--data-only", "--inserts")
    assert dumped.count(history.tag) > 30

    done = agentadm("users", "erase", f"new.{history.tag}@example.com", "--confirm", "test", "-o", "json",
                    "--reason", f"new.{history.tag}@example.com asked for it")  # fmt: skip

    assert done.code == 0, done.err
    found = [line for line in database.dump("--data-only", "--inserts").splitlines() if history.tag in line]
    assert found == []
    assert (
        database.value("SELECT reason FROM agentadm.operations WHERE command = 'users erase'")
        == "(erased) asked for it"
    )
    assert history.tag not in done.out
    assert done.json["rows"]["users"] >= 1
    assert "cus_keep" in done.json["steps"][0]
    assert database.rows(
        "SELECT email, deleted_at IS NOT NULL, erased_at IS NOT NULL, stripe_customer_id FROM agentadm.users"
        " WHERE id = %s", history.id,
    ) == [(None, True, True, "cus_keep")]  # fmt: skip


def test_the_record_stays_with_marks_and_proves_what_it_proved(
    database: Database, agentadm: Agentadm, history: Somebody
) -> None:
    assert agentadm("db", "maintain").code == 0
    counts = "SELECT (SELECT count(*) FROM agentadm.operations), (SELECT count(*) FROM agentadm.audit_changes)"
    operations, changes = database.rows(counts)[0]
    head = agentadm("audit", "verify", "-o", "json").json["head"]

    assert agentadm("users", "erase", str(history.id), "--confirm", "test").code == 0

    assert database.rows(counts)[0] > (operations, changes)
    verified = agentadm("audit", "verify", "-o", "json")
    assert verified.code == 0, verified.out
    assert verified.json["head"] == head
    assert len(verified.json["erased_by"]) == 1
    assert database.value(
        "SELECT count(*) FROM agentadm.audit_changes WHERE before -> 'email' = '{\"erased\": true}'"
    ) > 0  # fmt: skip
    # Whoever writes over it afterwards is found out.
    database.execute(
        "UPDATE agentadm.operations SET reason = 'forged' WHERE seq = (SELECT min(seq) FROM agentadm.operations)"
    )
    assert agentadm("audit", "verify").code == 1


def test_others_keep_what_is_theirs(database: Database, agentadm: Agentadm, history: Somebody, ada: Somebody) -> None:
    assert agentadm("users", "erase", str(history.id), "--confirm", "test").code == 0
    text = database.dump("--data-only", "--inserts")
    assert text.count(ada.tag) > 8
    assert "as (erased) asked" in text
    assert agentadm("users", "show", ada.email, "-o", "json").json["first_name"] == "Ada"


def test_who_owns_a_team_is_not_erased(database: Database, agentadm: Agentadm, grace: Somebody) -> None:
    mark = database.mark()
    done = agentadm("users", "erase", grace.email, "--confirm", "test")
    assert done.code == 6
    assert "shared-of-1" in done.err
    assert "transfer" in done.err
    assert database.written_since(mark) == []


def test_who_is_erased_is_found_and_not_restored(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("users", "create", "gone@example.com").code == 0
    key = str(database.value("SELECT id FROM agentadm.users"))
    assert agentadm("users", "erase", "gone@example.com", "--confirm", "test").code == 0
    assert agentadm("users", "show", key, "--deleted", "-o", "json").json["email"] is None
    assert agentadm("users", "restore", key).code == 6
    assert agentadm("users", "create", "gone@example.com").code == 0


def test_erasing_refuses_a_key_that_would_keep_what_was_given(agentadm: Agentadm, grace: Somebody) -> None:
    done = agentadm("users", "erase", grace.email, "--confirm", "test", "--idempotency-key", "k")
    assert done.code == 2
    assert "--idempotency-key" in done.err


def leftovers(database: Database, *texts: str) -> list[str]:
    """Lines of a dump in which one of the texts stands, whatever its case."""
    lines = database.dump("--data-only", "--inserts").splitlines()
    return [line for line in lines if any(text.lower() in line.lower() for text in texts)]


def test_an_address_is_found_wherever_it_stands(database: Database, agentadm: Agentadm, other: UUID) -> None:
    assert agentadm("users", "create", "wanda.zq@example.com", "--username", "wandazq").code == 0
    for argv in (
        ["users", "update", str(other), "--last-name", "A", "--idempotency-key", "suspend-wanda.zq@example.com"],
        ["users", "update", str(other), "--last-name", "B", "--ticket", "T-WANDA.ZQ@example.com_1"],
        ["users", "update", str(other), "--last-name", "C", "--reason", "_wanda.zq@example.com wanda.zq%40example.com"],
        ["users", "suspend", str(other), "--yes", "--reason", "fought with wanda.zq@example.com"],
        ["users", "update", "wandazq", "--metadata", '{"phone": 4915999888777, "wandazq": true}'],
        ["teams", "create", "Some", "--owner", str(other), "--description", "lead: wanda.zq@example.com"],
        ["users", "resume", "wandazq"],
        ["teams", "members", "add", "some", "wandazq"],
        ["teams", "members", "add", "some", "wandazq", str(other), "--role", "admin"],
    ):
        assert agentadm(*argv).code in {0, 6, 7}, argv
    done = agentadm("users", "erase", "wandazq", "wanda.zq@example.com", "--confirm", "test")
    assert done.code == 7, done.err
    assert leftovers(database, "wanda", "4915999888777") == []
    assert database.value("SELECT suspended_reason FROM agentadm.users WHERE id = %s", other) == "fought with (erased)"
    assert database.value("SELECT description FROM agentadm.teams") == "lead: (erased)"
    assert agentadm("audit", "verify").code == 0


def test_what_was_once_personal_goes_too(database: Database, agentadm: Agentadm, other: UUID) -> None:
    """A second personal team, which a merge has made an ordinary one; and a user who was merged."""
    one, two = populate(database, 3, other), populate(database, 4, other)
    assert agentadm("users", "merge", one.email, two.email, "--confirm", "test").code == 0
    for slug in ("shared-of-3", "shared-of-4", f"personal-{one.id.hex}"):
        assert agentadm("teams", "delete", slug, "--yes").code == 0
    assert agentadm("users", "erase", two.email, "--confirm", "test").code == 0
    assert leftovers(database, one.tag, two.tag) == []


def test_names_of_others_are_left_alone(database: Database, agentadm: Agentadm, other: UUID, grace: Somebody) -> None:
    """Somebody called himself by an id of ours, somebody by a word, and somebody has a namesake."""
    assert agentadm("users", "create", "mallory@example.com", "--username", str(grace.id)).code == 0
    maria = ["--full-name", "Maria Garcia"]
    assert agentadm("users", "create", "acme@example.com", "--username", "acme", *maria).code == 0
    assert agentadm("users", "create", "namesake@example.com", *maria).code == 0
    assert agentadm("users", "update", "namesake@example.com", "--full-name", "Maria G.").code == 0
    assert agentadm("teams", "create", "Acme", "--owner", grace.email).code == 0
    assert agentadm("teams", "update", "acme", "--max-members", "7", "--reason", "contract 4711").code == 0
    assert agentadm("teams", "transfer", "acme", str(other), "--yes").code == 0
    both = ["teams", "members", "add", "acme", "acme@example.com", "namesake@example.com", "--atomic"]
    assert agentadm(*both, "--reason", "board decision").code == 0
    transfer = database.value("SELECT id FROM agentadm.operations WHERE command = 'teams transfer'")
    for email in ("mallory@example.com", "acme@example.com"):
        assert agentadm("users", "erase", email, "--confirm", "test").code == 0
    rows = dict(database.rows("SELECT command, reason FROM agentadm.operations WHERE command LIKE 'teams %'"))
    assert rows["teams update"] == "contract 4711"
    assert rows["teams members add"] == "board decision"
    team = database.value("SELECT arguments ->> 'team' FROM agentadm.operations WHERE command = 'teams update'")
    assert team == "acme"
    assert database.value("SELECT before ->> 'full_name' FROM agentadm.audit_changes WHERE before ? 'full_name'"
                          " AND before ->> 'full_name' = 'Maria Garcia'") == "Maria Garcia"  # fmt: skip
    assert agentadm("audit", "undo", str(transfer), "--yes").code == 0


def test_after_an_erasure_a_key_still_means_once(
    database: Database, agentadm: Agentadm, grace: Somebody, ada: Somebody
) -> None:
    project = str(database.value("SELECT id FROM agentadm.projects WHERE owner_user_id = %s", grace.id))
    other = str(database.value("SELECT id FROM agentadm.projects WHERE owner_user_id = %s", ada.id))
    together = ["projects", "update", project, other, "--description", "one", "--atomic", "--idempotency-key", "kp"]
    single = ["users", "update", str(grace.id), "--first-name", "G", "--idempotency-key", "ks"]
    assert agentadm(*together).code == agentadm(*single).code == 0
    assert agentadm("projects", "update", other, "--description", "two").code == 0
    assert agentadm("teams", "transfer", "shared-of-1", ada.email, "--yes").code == 0
    assert agentadm("users", "erase", grace.email, "--confirm", "test").code == 0
    for again in (together, single):
        done = agentadm(*again)
        assert (done.code, done.out) == (6, "")
        assert "its answer was erased" in done.err
    assert database.value("SELECT description FROM agentadm.projects WHERE id = %s", other) == "two"


def test_undo_brings_nothing_of_an_erased_person_back(
    database: Database, agentadm: Agentadm, grace: Somebody, ada: Somebody
) -> None:
    for argv in (
        ["users", "identities", "unlink", grace.email, "supabase", f"subject-{grace.tag}", "--yes"],
        ["teams", "members", "add", "shared-of-2", grace.email],
        ["teams", "members", "remove", "shared-of-2", grace.email, "--yes"],
        ["teams", "transfer", "shared-of-1", ada.email, "--yes"],
        ["users", "erase", grace.email, "--confirm", "test"],
    ):
        assert agentadm(*argv).code == 0, argv
    for command in ("users identities unlink", "teams members remove"):
        operation = database.value("SELECT id FROM agentadm.operations WHERE command = %s", command)
        done = agentadm("audit", "undo", str(operation), "--yes")
        assert (done.code, done.out) == (6, "")
        assert "nothing comes back" in done.err


# --------------------------------------------------------------------------------------------------------- concurrency


def test_two_who_merge_crosswise_do_not_lose_both(database: Database, grace: Somebody, ada: Somebody) -> None:
    with database.connect() as holder:
        holder.execute("SELECT FROM agentadm.users FOR UPDATE")
        processes = [
            start("users", "merge", one.email, two.email, "--confirm", "test", "--wait", "60", environ=database.environ)
            for one, two in ((grace, ada), (ada, grace))
        ]
        wait_for_lock(database, 2)
        holder.rollback()
    codes = sorted(finish(process).code for process in processes)
    assert codes == [0, 6]
    living = "SELECT count(*) FROM agentadm.users WHERE deleted_at IS NULL AND id IN (%s, %s)"
    assert database.value(living, grace.id, ada.id) == 1
    assert database.value("SELECT count(*) FROM agentadm.users WHERE merged_into_id = id") == 0


@pytest.mark.parametrize(
    "argv",
    [("users", "update", "{}", "--full-name", "After"), ("users", "identities", "link", "{}", "clerk", "late")],
)
def test_who_is_just_being_deleted_is_not_written_to(
    database: Database, grace: Somebody, argv: tuple[str, ...]
) -> None:
    with database.connect() as holder:
        holder.execute("SELECT FROM agentadm.users FOR UPDATE")
        words = [word.format(grace.email) for word in argv]
        process = start(*words, "--wait", "60", environ=database.environ)
        wait_for_lock(database)
        holder.execute("UPDATE agentadm.teams SET deleted_at = agentadm.now()")
        holder.execute("UPDATE agentadm.users SET deleted_at = agentadm.now() WHERE id = %s", [grace.id])
        holder.commit()
    done = finish(process)
    assert (done.code, done.out) == (5, "")
    assert "was just deleted" in done.err


# -------------------------------------------------------------------------------------------------------------- export


def test_an_export_holds_every_row_that_names_the_person(
    database: Database, agentadm: Agentadm, history: Somebody
) -> None:
    done = agentadm("users", "export", str(history.id))
    assert done.code == 0, done.err
    assert done.json["rows"]["users"][0]["daily_budget"] == "10.000000"
    held = done.json["rows"]
    assert set(held) == {table.name for table, _ in person_links()}
    assert [crew["name"] for crew in held["crews"]] == [f"Crew of {history.tag}"]
    for name, number in rows_naming(database, history.id).items():
        table, column = name.removeprefix("agentadm.").split(".")
        assert sum(row[column] == str(history.id) for row in held[table]) == number, name
    assert held["users"][0]["email"] == f"new.{history.tag}@example.com"
    commands = {operation["command"] for operation in done.json["operations"]}
    of_others = next(each for each in done.json["operations"] if each["command"] == "users merge")
    assert "arguments" in of_others
    assert {"users update", "users suspend", "users identities unlink", "teams transfer"} <= commands
    assert any(change["before"] and f"subject-{history.tag}" in json.dumps(change) for change in done.json["changes"])
