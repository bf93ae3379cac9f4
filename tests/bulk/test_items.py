"""Several references: as arguments or from stdin, each by itself, with a result for each."""

import json

import pytest

from tests.conftest import Agentadm
from tests.support import Database


@pytest.fixture(autouse=True)
def users(database: Database) -> None:
    database.execute(
        "INSERT INTO agentadm.users (email) SELECT 'u' || n || '@example.com' FROM generate_series(1, 5) n"
    )


def email(number: int) -> str:
    return f"u{number}@example.com"


def suspended(database: Database) -> list[str]:
    rows = database.rows("SELECT email FROM agentadm.users WHERE status = 'suspended' ORDER BY email")
    return [row[0] for row in rows]


def audited(database: Database) -> int:
    count: int = database.value("SELECT count(*) FROM agentadm.audit_changes WHERE action = 'update'")
    return count


def test_one_reference_answers_with_the_thing_itself(agentadm: Agentadm) -> None:
    assert agentadm("users", "show", email(1), "-o", "json").json["email"] == email(1)
    assert agentadm("users", "suspend", email(1), "--yes", "-o", "json").json["email"] == email(1)


def test_one_line_of_stdin_answers_as_several_do(agentadm: Agentadm) -> None:
    one = agentadm("users", "show", "-", "-o", "json", stdin=f"{email(1)}\n")
    assert [(row["item"], row["value"]["email"]) for row in one.json] == [(email(1), email(1))]
    changed = agentadm("users", "suspend", "-", "--yes", "-o", "json", stdin=json.dumps({"id": email(1)}))
    assert [(row["item"], row["status"]) for row in changed.json] == [(email(1), "done")]
    told = {entry["name"]: entry["meaning"] for entry in agentadm("help", "references", "-o", "json").json}
    assert "an object" in told["one"]
    assert "an array, also where - is one line" in told["several, or -"]


def test_show_of_several_has_the_values(agentadm: Agentadm) -> None:
    done = agentadm("users", "show", email(2), "nobody@example.com", email(1), "-o", "json")
    assert done.code == 7
    assert [(row["item"], row["status"], row["code"]) for row in done.json] == [
        (email(2), "done", 0), ("nobody@example.com", "failed", 5), (email(1), "done", 0),
    ]  # fmt: skip
    assert done.json[0]["value"]["email"] == email(2)
    assert done.json[1]["value"] is None
    assert "nobody@example.com" in done.json[1]["message"]
    assert "1 failed" in done.err


def test_show_from_stdin(agentadm: Agentadm, database: Database) -> None:
    user_id = str(database.value("SELECT id FROM agentadm.users WHERE email = %s", email(3)))
    lines = f"{email(1)}\n\n  {email(2)}\r\n" + json.dumps({"id": user_id, "more": 1}) + "\n"
    done = agentadm("users", "show", "-", "-o", "json", stdin="\ufeff" + lines)
    assert done.code == 0, done.err
    assert [row["value"]["email"] for row in done.json] == [email(1), email(2), email(3)]
    single = agentadm("users", "show", "-", "-o", "json", stdin=f"{email(1)}\n")
    assert len(single.json) == 1


@pytest.mark.parametrize("output", ["table", "plain", "json", "jsonl", "csv", "yaml", "markdown"])
def test_nothing_on_stdin_is_nothing_to_do(agentadm: Agentadm, output: str) -> None:
    for verb in ("show", "suspend"):
        done = agentadm("users", verb, "-", "--yes", "-o", output, stdin="\n")
        assert done.code == 0, done.err
    assert agentadm("users", "suspend", "-", "--yes", "-o", "csv").out == "item,status,code,message,operation_id\n"


@pytest.mark.parametrize("output", ["table", "plain", "jsonl", "csv", "yaml", "markdown"])
def test_every_format_can_show_several(agentadm: Agentadm, output: str) -> None:
    done = agentadm("users", "show", email(1), "nobody", "-o", output)
    assert done.code == 7, done.err
    assert email(1) in done.out


def test_each_item_has_an_operation_of_its_own(agentadm: Agentadm, database: Database) -> None:
    done = agentadm(
        "users", "suspend", email(1), email(2), "--yes", "--reason", "fraud", "--ticket", "T-1", "-o", "json"
    )
    assert done.code == 0, done.err
    assert [row["status"] for row in done.json] == ["done", "done"]
    operations = database.rows(
        "SELECT o.id::text, o.arguments->>'user', o.reason, o.ticket, count(*) FROM agentadm.operations o"
        " JOIN agentadm.audit_changes c ON c.operation_id = o.id"
        " WHERE o.command = 'users suspend' GROUP BY 1, 2, 3, 4 ORDER BY 2"
    )
    assert [row[1:] for row in operations] == [(email(1), "fraud", "T-1", 1), (email(2), "fraud", "T-1", 1)]
    assert [row[0] for row in operations] == [row["operation_id"] for row in done.json]
    assert agentadm("audit", "undo", operations[0][0], "--yes").code == 0
    assert suspended(database) == [email(2)]


def test_some_fail_and_the_others_are_done(agentadm: Agentadm, database: Database) -> None:
    agentadm("users", "suspend", email(2), "--yes")
    lines = f'{email(1)}\nnobody\n{{"id": 5}}\n{{broken\n{email(2)}\nx\x00y\n'
    done = agentadm("users", "suspend", "-", "--yes", "-o", "json", stdin=lines)
    assert done.code == 7
    assert [(row["item"], row["status"], row["code"]) for row in done.json] == [
        (email(1), "done", 0), ("nobody", "failed", 5), ("line 3", "failed", 2), ("line 4", "failed", 2),
        (email(2), "unchanged", 0), ("line 6", "failed", 2),
    ]  # fmt: skip
    assert suspended(database) == [email(1), email(2)]


def test_where_all_fail_the_common_code_is_the_commands(agentadm: Agentadm) -> None:
    assert agentadm("users", "suspend", "nobody", "nowhere", "--yes").code == 5
    assert agentadm("users", "show", "nobody", "nowhere").code == 5
    assert agentadm("users", "suspend", "-", "--yes", stdin="{\n{}\n").code == 2
    assert agentadm("users", "suspend", "-", "--yes", stdin="{\nnobody\n").code == 7


def test_unchanged_items_say_so_where_asked(agentadm: Agentadm) -> None:
    agentadm("users", "suspend", email(1), "--yes")
    done = agentadm("users", "suspend", email(1), email(2), "--yes", "--error-unchanged", "-o", "json")
    assert [row["code"] for row in done.json] == [3, 0]
    assert done.code == 0
    assert agentadm("users", "suspend", email(1), email(2), "--yes", "--error-unchanged").code == 3


def test_the_same_row_twice_is_touched_once(agentadm: Agentadm, database: Database) -> None:
    user_id = str(database.value("SELECT id FROM agentadm.users WHERE email = %s", email(1)))
    for mode in ([], ["--atomic"], ["--expect", "2"], ["--dry-run"]):
        done = agentadm("users", "suspend", email(1), user_id, email(2), "--yes", "-o", "json", *mode)
        assert done.code == 0, done.err
        assert (done.json[1]["status"], done.json[1]["message"]) == ("unchanged", f"names the same row as {email(1)}")
        if mode != ["--dry-run"]:
            agentadm("users", "resume", email(1), email(2))


def test_one_question_for_all_names_how_many_and_the_first(agentadm: Agentadm, database: Database) -> None:
    references = [email(number) for number in range(1, 6)]
    done = agentadm("users", "suspend", *references, terminal=True, stdin="y\n")
    assert done.code == 0, done.err
    assert done.err.count("[y/N]") == 1
    assert f"users suspend 5 items ({email(1)}, {email(2)}, {email(3)}, ...) on test? [y/N]" in done.err
    assert len(suspended(database)) == 5
    refused = agentadm("users", "suspend", "-", terminal=True, stdin=f"{email(1)}\n")
    assert refused.code == 8
    assert "--yes" in refused.err
    assert agentadm("users", "suspend", *references, terminal=True, stdin="n\n").code == 8


def test_a_limit_of_rows_holds_for_all_items_together(agentadm: Agentadm, database: Database) -> None:
    argv = ("users", "suspend", email(1), email(2), email(3), "--yes")
    for mode in (["--dry-run"], []):
        done = agentadm(*argv, "--max-affected", "2", *mode)
        assert (done.code, done.out) == (9, "")
        assert "3 rows would change" in done.err
    assert suspended(database) == []
    assert agentadm(*argv, "--max-affected", "3").code == 0
    assert suspended(database) == [email(1), email(2), email(3)]


def test_a_dry_run_answers_as_the_real_run_and_changes_nothing(agentadm: Agentadm, database: Database) -> None:
    mark = database.mark()
    lines = f"{email(1)}\nnobody\n{email(1)}\n{email(2)}\n{{\n"

    def told(*more: str) -> list[list[object]]:
        done = agentadm("users", "suspend", "-", "--yes", "-o", "json", *more, stdin=lines)
        assert done.code == 7
        assert ("would change" in done.err) == bool(more)
        return [[row[name] for name in ("item", "status", "code", "message")] for row in done.json]

    dry = told("--dry-run")
    assert database.written_since(mark) == []
    assert dry == told()
    assert [row[1] for row in dry] == ["done", "failed", "unchanged", "done", "failed"]


def test_conflicts_between_items_show_in_a_dry_run(agentadm: Agentadm, database: Database) -> None:
    database.execute("CREATE UNIQUE INDEX one_suspended ON agentadm.users (status) WHERE status = 'suspended'")
    for mode in ("--dry-run", "--quiet"):
        done = agentadm("users", "suspend", email(1), email(2), email(3), "--yes", "-o", "json", mode)
        assert [(row["status"], row["code"]) for row in done.json] == [("done", 0), ("failed", 6), ("failed", 6)]
        assert done.code == 7


def test_a_deferred_rule_is_held_for_each_item_of_a_dry_run(agentadm: Agentadm, database: Database) -> None:
    database.execute(
        "CREATE FUNCTION agentadm.test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF new.email = 'u2@example.com' THEN RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation';"
        " END IF; RETURN NULL; END $$"
    )
    database.execute(
        "CREATE CONSTRAINT TRIGGER test_refuse AFTER UPDATE ON agentadm.users DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION agentadm.test_refuse()"
    )
    for mode in ("--dry-run", "--quiet"):
        done = agentadm("users", "suspend", email(1), email(2), email(3), "--yes", "-o", "json", mode)
        assert [(row["status"], row["code"]) for row in done.json] == [("done", 0), ("failed", 6), ("done", 0)], mode


def test_options_for_several_are_refused_elsewhere(agentadm: Agentadm) -> None:
    for argv in (
        ("users", "suspend", email(1), "--yes", "--resume"),
        ("users", "suspend", email(1), "--yes", "--results", "x"),
        ("--atomic", "users", "list"),
        ("users", "create", "new@example.com", "--restart"),
        ("users", "suspend", "-", "-", "--yes"),
        ("users", "suspend", "a", "b", "--yes", "--resume", "--restart"),
        ("users", "suspend", "a", "b", "--yes", "--resume", "--atomic"),
        ("users", "suspend", "a", "b", "--yes", "--results", "/nonexistent/file"),
        ("users", "suspend", "a", "b", "--yes", "--results", "/"),
    ):
        done = agentadm(*argv)
        assert done.code == 2, (argv, done.err)
        assert done.out == ""


def test_a_key_covers_the_whole_run(agentadm: Agentadm, database: Database) -> None:
    argv = ("users", "suspend", "-", "--yes", "--idempotency-key", "K", "-o", "json")
    lines = f"{email(1)}\n{email(2)}\n"
    first = agentadm(*argv, stdin=lines)
    assert first.code == 0, first.err
    agentadm("users", "resume", email(1))
    again = agentadm(*argv, stdin=lines)
    assert (again.code, again.json) == (0, first.json)
    assert "replayed" in again.err
    assert suspended(database) == [email(2)]
    other = agentadm(*argv, stdin=lines + f"{email(3)}\n")
    assert other.code == 6
    assert suspended(database) == [email(2)]
    another = agentadm(*argv[:4], "--idempotency-key", "L", "-o", "json", stdin=lines)
    assert another.code == 0, another.err
    assert suspended(database) == [email(1), email(2)]


def test_a_repeat_under_a_key_does_what_failed_before(agentadm: Agentadm, database: Database) -> None:
    argv = ("users", "suspend", email(1), "late@example.com", "--yes", "--idempotency-key", "K", "-o", "json")
    first = agentadm(*argv)
    assert first.code == 7, first.err
    agentadm("users", "create", "late@example.com")
    second = agentadm(*argv)
    assert second.code == 0, second.err
    assert second.json[0] == first.json[0]
    assert agentadm(*argv).json == second.json
    assert audited(database) == 2


def test_progress_shows_on_a_terminal_only(agentadm: Agentadm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.bulk.REFRESH_SECONDS", 0)
    argv = ("users", "suspend", email(1), email(2), "--yes")
    assert "1 of 2 items" in agentadm(*argv, terminal=True).err
    assert "1 of 2 items" not in agentadm(*argv, "--quiet", terminal=True).err
    assert "1 of 2 items" not in agentadm(*argv).err
