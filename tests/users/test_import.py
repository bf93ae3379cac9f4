"""agentadm users import: what is taken, what is rejected with which reason, and what becomes of conflicts."""

import csv
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_core.importing import lines
from tests.conftest import Agentadm
from tests.support import Database, Result

IMPORT = ("users", "import", "-", "--format", "csv", "--yes", "-o", "json")
JSONL = ("users", "import", "-", "--format", "jsonl", "--yes", "-o", "json")


def told(result: Result) -> dict[int, str]:
    """The reasons on stderr, by line."""
    found = (text.removeprefix("line ").partition(": ") for text in result.err.splitlines() if text.startswith("line "))
    return {int(line): reason for line, _, reason in found}


def counts(result: Result) -> tuple[int, ...]:
    """Created, updated, unchanged, skipped, rejected."""
    return tuple(result.json[name] for name in ("created", "updated", "unchanged", "skipped", "rejected"))


def user(database: Database, email: str, **columns: Any) -> str:
    names = ["email", *columns]
    marks = ", ".join(["%s"] * len(names))
    return str(
        database.value(
            f"INSERT INTO agentadm.users ({', '.join(names)}) VALUES ({marks}) RETURNING id", email, *columns.values()
        )
    )


def test_every_kind_of_bad_row_is_named_and_the_rest_is_in(database: Database, agentadm: Agentadm) -> None:
    taken = user(database, "taken@example.com", username="taken", stripe_customer_id="cus_1")
    header = (
        "id,email,email_verified,username,role,status,suspended_reason,billing_anchor_day,daily_budget,created_at,"
        "metadata,stripe_customer_id"
    )
    rows = {
        ",good@example.com,yes,good,creator,suspended,late,31,10.123456,2026-01-02T03:04:05Z,"
        '"{""a"":1.10}",': None,
        "x,a@example.com,,,,,,,,,,": "id: is not a UUID",
        ",nobody,,,,,,,,,,": "email: is not an address",
        f",{'x' * 320}@example.com,,,,,,,,,,": "email: has more than 320 characters",
        ",b@example.com,perhaps,,,,,,,,,": "email_verified: is none of true, false, yes, no",
        ",c@example.com,,a name,,,,,,,,": "username: is empty, or holds @, spaces or control characters",
        ",d@example.com,,,king,,,,,,,": "role: is none of user, creator, support, admin",
        ",e@example.com,,,,gone,,,,,,": "status: is none of active, suspended",
        ",f@example.com,,,,,late,,,,,": "suspended_reason: only a suspended user has one",
        ",g@example.com,,,,,,32,,,,": "billing_anchor_day: is not a day from 1 to 31",
        ",h@example.com,,,,,,,NaN,,,": (
            "daily_budget: is not an amount from 0, with 12 digits and 6 decimals at most"
        ),
        ",i@example.com,,,,,,,,2026-01-02,,": "created_at: has no zone: end it with Z, or with +02:00 or the like",
        ",j@example.com,,,,,,,,,[],": "metadata: is not a JSON object",
        ",TAKEN@example.com,,Taken,,,,,,,,cus_1": (
            f"email: taken by user {taken}; username: taken by user {taken}; stripe_customer_id: taken by user {taken}"
        ),
        f"{taken},,,,,,,,,,,": f"id: taken by user {taken}",
        ",GOOD@example.com,,,,,,,,,,": "the same email as line 2",
        ",nobody,maybe,,,,,,,,,": "email: is not an address; email_verified: is none of true, false, yes, no",
        ",,,,,,,,,,,": "holds no value",
        ",k@example.com": "2 fields, 12 expected",
        ",l@example.com,,,,,,,,9999-12-31T23:59:59-10:00,,": (
            "created_at: is not a time such as 2026-10-31T12:00:00Z"
        ),
        ",last@example.com,,,,,,,,,,": None,
    }  # fmt: skip
    file = Path(database.server.home / "rejects.csv")
    done = agentadm(*IMPORT, "--rejects", str(file), stdin="\n".join([header, *rows]))
    assert done.code == 7
    assert counts(done) == (2, 0, 0, 0, len(rows) - 2)
    expected = {line: reason for line, reason in enumerate(rows.values(), 2) if reason}
    assert told(done) == dict(list(expected.items())[:10])
    assert f"and {len(expected) - 10} more: all are in {file}" in done.err
    with file.open(newline="") as stream:
        found = list(csv.reader(stream))
    assert {int(line): reason for line, reason, *_ in found[1:]} == expected
    assert found[0][2:] == header.split(",")
    assert [",".join(cells[2:]) for cells in found[1:4]] == list(rows)[1:4]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    good = agentadm("users", "show", "good@example.com", "-o", "json").json
    assert good["daily_budget"] == "10.123456"
    assert good["metadata"] == {"a": 1.1}
    assert (good["status"], good["suspended_reason"]) == ("suspended", "late")
    assert database.value("SELECT count(*) FROM agentadm.users") == 3
    reasons = [row[0] for row in database.rows("SELECT reason FROM agentadm.import_rejects")]
    assert not any("@" in reason.replace("holds @", "") for reason in reasons)


def test_what_only_the_database_refuses_is_searched_for(database: Database, agentadm: Agentadm) -> None:
    """Two values that no check foresees, among a hundred: theirs alone are rejected."""
    database.execute("ALTER TABLE agentadm.users ADD CONSTRAINT no_bobs CHECK (first_name <> 'Bob')")
    rows = [f"u{number}@example.com,{'Bob' if number == 77 else 'x'},{{}}" for number in range(100)]
    rows[33] = 'u33@example.com,x,"{""a"":1e999999}"'
    done = agentadm(*IMPORT, stdin="\n".join(["email,first_name,metadata", *rows]))
    assert told(done) == {35: "the database refuses a value (22003)", 79: "breaks the rule no_bobs"}
    assert (done.code, counts(done)) == (7, (98, 0, 0, 0, 2))


def test_the_mended_file_goes_in_as_it_is(agentadm: Agentadm, tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    agentadm(*IMPORT, "--rejects", str(file), stdin="email,full_name\nnope,'=Nope\na@example.com,A\n")
    file.write_text(file.read_text().replace("nope", "nope@example.com"))
    done = agentadm("users", "import", str(file), "--yes", "-o", "json")
    assert counts(done) == (1, 0, 0, 0, 0)
    assert agentadm("users", "show", "nope@example.com", "-o", "json").json["full_name"] == "=Nope"
    lined = tmp_path / "rejects.jsonl"
    agentadm(*JSONL, "--rejects", str(lined), stdin='{"email":"no"}\nx\n{"email":"b@example.com"}\n')
    assert [json.loads(line)["reject_line"] for line in lined.read_text().splitlines()] == [1, 2]
    lined.write_text(lined.read_text().replace('"no"', '"no@example.com"'))
    assert counts(agentadm("users", "import", str(lined), "--yes", "-o", "json")) == (1, 0, 0, 0, 1)


@pytest.mark.parametrize("how", [(), ("--exact",)])
def test_what_a_list_writes_comes_back(
    database: Database, agentadm: Agentadm, tmp_path: Path, how: tuple[str, ...]
) -> None:
    names = ["=1+1", "'=1", "''@x", "+49 30 1234", "-5", "a\nb", 'q"q', "ü,ü", "\tx", "'"]
    for number, name in enumerate(names):
        user(database, f"u{number}@example.com", full_name=name)
    file = tmp_path / "users.csv"
    columns = ("--columns", "email,full_name,role,status,created_at,last_login_at,id")
    file.write_text(agentadm("users", "list", "--all", "-o", "csv", *columns, *how).out, newline="")
    again = agentadm("users", "import", str(file), "--on-conflict", "update", "--yes", "-o", "json", *how)
    assert counts(again) == (0, 0, len(names), 0, 0), again.err
    before = database.rows("SELECT id, email, full_name, created_at FROM agentadm.users ORDER BY id")
    database.execute("DELETE FROM agentadm.users")
    assert counts(agentadm("users", "import", str(file), "--yes", "-o", "json", *how)) == (len(names), 0, 0, 0, 0)
    assert database.rows("SELECT id, email, full_name, created_at FROM agentadm.users ORDER BY id") == before


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)
@given(st.lists(st.tuples(text, text, st.dictionaries(text, st.integers() | text, max_size=2)), max_size=6))
def test_any_text_goes_in_and_out(database: Database, agentadm: Agentadm, rows: list[tuple[str, str, Any]]) -> None:
    database.execute("DELETE FROM agentadm.users")
    out = io.StringIO(newline="")
    given_rows = [(f"u{number}@example.com", *row) for number, row in enumerate(rows)]
    csv.writer(out).writerows(
        [("email", "first_name", "full_name", "metadata"),
         *((email, first, name, json.dumps(data)) for email, first, name, data in given_rows)]
    )  # fmt: skip
    assert agentadm(*IMPORT, "--exact", stdin=out.getvalue()).code == 0
    query = "SELECT email, first_name, full_name, metadata FROM agentadm.users ORDER BY email"
    assert database.rows(query) == given_rows
    again = "\n".join(
        json.dumps(dict(zip(("email", "first_name", "full_name", "metadata"), row, strict=True))) for row in given_rows
    )
    if again:
        assert counts(agentadm(*JSONL, "--on-conflict", "update", stdin=again))[:3] == (0, 0, len(rows))


CONFLICTS = """email,username,full_name
known@example.com,,Known
new@example.com,KNOWN2,Two
fresh@example.com,fresh,Fresh
FRESH@example.com,,Again
"""


def test_conflicts_fail_are_skipped_or_update(database: Database, agentadm: Agentadm) -> None:
    first = user(database, "known@example.com")
    second = user(database, "other@example.com", username="known2")
    dry = {mode: agentadm(*IMPORT, "--on-conflict", mode, "-n", stdin=CONFLICTS) for mode in ("fail", "skip", "update")}
    assert counts(dry["fail"]) == (1, 0, 0, 0, 3)
    assert told(dry["fail"]) == {
        2: f"email: taken by user {first}", 3: f"username: taken by user {second}", 5: "the same email as line 4"
    }  # fmt: skip
    assert counts(dry["skip"]) == (1, 0, 0, 3, 0)
    assert dry["skip"].code == 0
    assert counts(dry["update"]) == (1, 2, 0, 0, 1)
    assert database.value("SELECT count(*) FROM agentadm.users") == 2
    done = agentadm(*IMPORT, "--on-conflict", "update", stdin=CONFLICTS)
    assert counts(done) == (1, 2, 0, 0, 1)
    assert database.rows("SELECT email, full_name FROM agentadm.users WHERE id = %s", second) == [
        ("new@example.com", "Two")
    ]
    assert database.value("SELECT count(*) FROM agentadm.audit_changes WHERE action = 'update'") == 2


def test_an_update_that_means_two_users_or_nobody_is_rejected(database: Database, agentadm: Agentadm) -> None:
    first, second = user(database, "a@example.com"), user(database, "b@example.com", username="b")
    gone = user(database, "c@example.com", username="gone", deleted_at="2026-01-01T00:00:00Z")
    stripe = user(database, "s@example.com", stripe_customer_id="cus_1")
    rows = (
        f"id,email,username,suspended_reason,stripe_customer_id\n{first},b@example.com,,,\n,,gone,,\n"
        ",a@example.com,,late,\n,x@example.com,,late,\n,a@example.com,,,cus_1\n,A@example.com,new,,\n,a@example.com,,,\n"
    )
    done = agentadm(*IMPORT, "--on-conflict", "update", stdin=rows)
    assert told(done) == {
        2: f"matches two users: {first} by id, {second} by email", 3: f"belongs to the deleted user {gone}",
        4: "suspended_reason: the user is not suspended", 5: "suspended_reason: only a suspended user has one",
        6: f"stripe_customer_id: taken by user {stripe}", 8: "the same email as line 7",
    }  # fmt: skip
    assert counts(done) == (0, 1, 0, 0, 6)


def test_nothing_is_cleared_by_an_empty_cell_and_null_clears(database: Database, agentadm: Agentadm) -> None:
    key = user(database, "a@example.com", full_name="A", role="creator", daily_budget="5", status="suspended")
    assert counts(agentadm(*IMPORT, "--on-conflict", "update", stdin="email,full_name,role\na@example.com,,\n")) == (
        0, 0, 1, 0, 0,
    )  # fmt: skip
    nulls = json.dumps({"id": key, "full_name": None, "role": None, "daily_budget": None, "status": "active"})
    assert counts(agentadm(*JSONL, "--on-conflict", "update", stdin=nulls)) == (0, 1, 0, 0, 0)
    found = agentadm("users", "show", key, "-o", "json").json
    assert [found[name] for name in ("email", "full_name", "role", "daily_budget")] == [
        "a@example.com", None, "user", None,
    ]  # fmt: skip
    made = agentadm(*JSONL, stdin='{"email":"n@example.com","daily_budget":null,"role":null}')
    assert made.code == 0
    assert agentadm("users", "show", "n@example.com", "-o", "json").json["daily_budget"] == "10.000000"


@pytest.mark.parametrize(("mode", "expected"), [("fail", (3, 0, 0, 0, 3)), ("skip", (3, 0, 0, 3, 0)),
                                                ("update", (3, 0, 0, 0, 3))])  # fmt: skip
def test_of_several_rows_about_a_user_the_first_wins_across_chunks(
    database: Database, agentadm: Agentadm, monkeypatch: pytest.MonkeyPatch, mode: str, expected: tuple[int, ...]
) -> None:
    monkeypatch.setattr(lines, "CHUNK_RECORDS", 2)
    rows = (
        "email,username\na@example.com,a\nb@example.com,b\nA@example.com,x\nc@example.com,c\nz@example.com,B\n"
        "C@EXAMPLE.com,\n"
    )
    done = agentadm(*IMPORT, "--on-conflict", mode, stdin=rows)
    assert counts(done) == expected, done.err
    assert database.rows("SELECT email, username FROM agentadm.users ORDER BY 1") == [
        ("a@example.com", "a"), ("b@example.com", "b"), ("c@example.com", "c"),
    ]  # fmt: skip
    changed = "SELECT count(DISTINCT operation_id) FROM agentadm.audit_changes WHERE table_name = 'users'"
    assert database.value(changed) == 1


def test_a_chain_of_twins_loses_only_what_the_winner_shares(agentadm: Agentadm) -> None:
    done = agentadm(*IMPORT, stdin="email,username\na@example.com,a\na@example.com,b\nc@example.com,b\n")
    assert told(done) == {3: "the same email as line 2"}
    assert counts(done) == (2, 0, 0, 0, 1)


def test_codes_when_nothing_is_in(database: Database, agentadm: Agentadm) -> None:
    user(database, "a@example.com")
    assert agentadm(*IMPORT, stdin="email\na@example.com\n").code == 6
    assert agentadm(*IMPORT, stdin="email\nno\na@example.com\n").code == 2
    assert agentadm(*IMPORT, stdin="email\n").code == 0
    assert agentadm(*IMPORT, "--on-conflict", "skip", "--error-unchanged", stdin="email\na@example.com\n").code == 3


@pytest.mark.parametrize("guard", [("--atomic",), ("--expect", "2"), ("--max-affected", "5")])
def test_all_or_nothing(database: Database, agentadm: Agentadm, tmp_path: Path, guard: tuple[str, ...]) -> None:
    file = tmp_path / "rejects.csv"
    bad = agentadm(*IMPORT, *guard, "--rejects", str(file), stdin="email\na@example.com\nno\n")
    assert bad.code == 6
    assert bad.out == ""
    assert told(bad) == {3: "email: is not an address"}
    assert file.read_text() == "reject_line,reject_reason,email\n3,email: is not an address,no\n"
    assert database.value("SELECT count(*) FROM agentadm.users") == 0
    good = agentadm(*IMPORT, *guard, stdin="email\na@example.com\nb@example.com\n")
    assert (good.code, counts(good)) == (0, (2, 0, 0, 0, 0))


def test_guards(database: Database, agentadm: Agentadm) -> None:
    assert agentadm(*IMPORT, "--expect", "3", stdin="email\na@example.com\n").code == 9
    assert agentadm(*IMPORT, "--max-affected", "1", stdin="email\na@example.com\nb@example.com\n").code == 9
    assert database.value("SELECT count(*) FROM agentadm.users") == 0


def test_a_dry_run_answers_the_same_and_changes_nothing(
    database: Database, agentadm: Agentadm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "CHUNK_RECORDS", 2)
    rows = "email\na@example.com\nno\nA@example.com\nb@example.com\n"
    file = tmp_path / "rejects.csv"
    mark = database.mark()
    dry = agentadm(*IMPORT, "--dry-run", "--rejects", str(file), stdin=rows)
    assert database.written_since(mark) == []
    assert not file.exists()
    assert "would write 2 records" in dry.err
    real = agentadm(*IMPORT, "--rejects", str(file), stdin=rows)
    assert {**dry.json, "operation_id": 0} == {**real.json, "operation_id": 0}
    assert dry.code == real.code == 7
    assert [reason.split(" by ")[0] for reason in told(dry).values()] == [
        reason.split(" by ")[0] for reason in told(real).values()
    ]
    again = agentadm(*IMPORT, "--dry-run", stdin=rows)
    assert counts(again) == (0, 0, 0, 0, 4)


def test_it_is_one_operation_that_can_be_undone(
    database: Database, agentadm: Agentadm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "CHUNK_RECORDS", 2)
    done = agentadm(*IMPORT, stdin="email\n" + "".join(f"u{number}@example.com\n" for number in range(5)))
    operation = done.json["operation_id"]
    changed = "SELECT operation_id::text, count(*) FROM agentadm.audit_changes WHERE table_name = 'users' GROUP BY 1"
    assert database.rows(changed) == [(operation, 5)]
    assert agentadm("audit", "undo", operation, "--yes").code == 0
    assert database.value("SELECT count(*) FROM agentadm.users WHERE deleted_at IS NULL") == 0


def test_support_can_import(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    name = f"clerk_{database.name}"
    assert agentadm("db", "roles", "create", name, "--group", "support", "--yes").code == 0
    environ = {"AGENTADM_DATABASE_URL": database.url_as(name)}
    rows = "email\na@example.com\nno\nA@example.com\n"
    for more in (("--dry-run",), ("--rejects", str(tmp_path / "r.csv")), ("--on-conflict", "update", "--restart")):
        done = agentadm(*IMPORT, *more, stdin=rows, env=environ)
        assert done.code == 7, done.err


def test_files_that_are_none(agentadm: Agentadm, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("email\n")
    for argv, said in (
        (["/nonexistent/x.csv"], "No such file"), ([str(tmp_path), "--format", "csv"], "is a folder"),
        (["-"], "--format csv"),
        ([str(tmp_path / "x.csv"), "--rejects", "/nonexistent/r.csv"], "cannot be written"),
        ([str(tmp_path / "x.csv"), "--results", "r"], "--results is for changes of several items"),
        ([str(tmp_path / "x.csv"), "--atomic", "--resume"], "nothing to go on with"),
    ):  # fmt: skip
        done = agentadm("users", "import", *argv, "--yes")
        assert done.code == 2, done.err
        assert said in done.err


def test_a_pipe_is_read_as_a_file(agentadm: Agentadm, tmp_path: Path) -> None:
    import threading

    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("email\na@example.com\n"))
    writer.start()
    assert counts(agentadm("users", "import", str(pipe), "--yes", "-o", "json"))[0] == 1
    writer.join()
