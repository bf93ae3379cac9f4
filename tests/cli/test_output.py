"""The seven formats, shared options before and after the command, errors, and hostile text."""

import csv
import io
import json

import pytest
import yaml

from tests.conftest import Agentadm
from tests.support import Database

HOSTILE = "[red]x[/red] \x1b[31m\x9b0m =cmd()|\n\ttab \u202egnol\u202c `a` <b>"


@pytest.fixture
def hostile(database: Database) -> str:
    database.execute("INSERT INTO agentadm.users (email, full_name) VALUES ('a@example.com', %s)", HOSTILE)
    return HOSTILE


def test_every_format_of_a_list(agentadm: Agentadm, hostile: str) -> None:
    columns = ("--columns", "email,full_name,last_login_at")
    call = ("users", "list", *columns, "-o")
    assert agentadm(*call, "json").json == [{"email": "a@example.com", "full_name": hostile, "last_login_at": None}]
    lines = agentadm(*call, "jsonl").out.splitlines()
    assert [json.loads(line)["full_name"] for line in lines] == [hostile]
    assert yaml.safe_load(agentadm(*call, "yaml").out)[0]["full_name"] == hostile
    rows = list(csv.reader(io.StringIO(agentadm(*call, "csv").out)))
    assert rows == [["email", "full_name", "last_login_at"], ["a@example.com", hostile, ""]]
    assert len(agentadm(*call, "plain").out.splitlines()) == 1
    assert len(agentadm(*call, "markdown").out.splitlines()) == 3


@pytest.mark.parametrize("output", ["table", "plain", "json", "jsonl", "markdown", "yaml"])
def test_no_control_character_reaches_a_terminal(agentadm: Agentadm, hostile: str, output: str) -> None:
    for argv in (("users", "list"), ("users", "show", "a@example.com")):
        done = agentadm(*argv, "-o", output)
        assert done.code == 0
        assert not {"\x1b", "\x9b", "\u202e"} & set(done.out)
        assert "\t" not in done.out or output == "plain"


def test_markup_is_text(agentadm: Agentadm, hostile: str) -> None:
    done = agentadm("users", "show", "a@example.com", "-o", "table", "--columns", "full_name", terminal=True)
    assert "[red]x[/red]" in done.out


def test_csv_of_a_formula_is_guarded_and_numbers_are_not(database: Database, agentadm: Agentadm) -> None:
    for number, name in enumerate(("=1+1", "@x", "-5", "+49 170 123", "+cmd", "plain")):
        database.execute(
            "INSERT INTO agentadm.users (email, full_name, created_at) VALUES (%s, %s, %s)",
            f"u{number}@example.com", name, f"2026-01-0{6 - number}",
        )  # fmt: skip
    out = agentadm("users", "list", "-o", "csv", "--columns", "full_name").out
    assert out.splitlines()[1:] == ["'=1+1", "'@x", "-5", "+49 170 123", "'+cmd", "plain"]


def test_a_pipe_gets_plain_and_a_terminal_a_table(agentadm: Agentadm, hostile: str) -> None:
    assert agentadm("users", "list", "--columns", "email").out == "a@example.com\n"
    table = agentadm("users", "list", "--columns", "email", terminal=True).out
    assert "email" in table


@pytest.mark.parametrize(
    "argv",
    [
        ("-o", "json", "users", "list"),
        ("users", "-o", "json", "list"),
        ("users", "list", "-o", "json"),
        ("users", "list", "--output=json"),
        ("-o", "csv", "users", "list", "-o", "json"),
    ],
)
def test_shared_options_go_anywhere_and_the_last_one_wins(agentadm: Agentadm, argv: tuple[str, ...]) -> None:
    assert agentadm(*argv).json == []


def test_an_empty_list_is_an_array_with_its_header_and_a_note(agentadm: Agentadm) -> None:
    done = agentadm("users", "list", "-o", "csv")
    assert done.out == "email,full_name,role,status,created_at,last_login_at,id\n"
    assert done.err == "none found\n"
    quiet = agentadm("users", "list", "-o", "json", "--quiet")
    assert (quiet.json, quiet.err) == ([], "")
    assert agentadm("users", "list", terminal=True).out == ""


def test_an_unknown_column_names_the_known_ones(agentadm: Agentadm) -> None:
    done = agentadm("users", "list", "--columns", "mail")
    assert done.code == 2
    assert "no field 'mail'" in done.err
    assert "email, full_name" in done.err


def test_errors_are_one_line_with_a_hint_or_one_json_object(agentadm: Agentadm) -> None:
    people = agentadm("users", "show", "\x1b]0;x\x07nobody")
    assert people.code == 5
    assert people.err.splitlines()[0] == r"error: no user '\\x1b]0;x\\x07nobody'".replace("\\\\", "\\")
    machine = agentadm("users", "show", "nobody", "-o", "json")
    error = json.loads(machine.err)["error"]
    assert set(error) == {"code", "kind", "message", "hint", "operation_id"}
    wrong = agentadm("users", "list", "--no-such", "--output=json")
    assert json.loads(wrong.err)["error"]["code"] == wrong.code == 2


def test_a_mistyped_noun_or_verb_is_suggested(agentadm: Agentadm) -> None:
    assert "users" in agentadm("user", "list").err
    assert "list" in agentadm("users", "lits").err


def test_no_arguments_is_wrong_usage_with_help_on_stderr(agentadm: Agentadm) -> None:
    done = agentadm()
    assert (done.code, done.out) == (2, "")
    assert "Usage: agentadm" in done.err


def test_exit_codes_are_a_help_topic(agentadm: Agentadm) -> None:
    codes = {row["code"]: row["meaning"] for row in agentadm("help", "exit-codes", "-o", "json").json}
    assert codes[75].startswith("locked, busy")
    assert set(codes) == {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 70, 75, 130, 143}


def test_a_fault_of_ours_has_a_code_of_its_own(agentadm: Agentadm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_core.users.service.UserService.show", lambda *_, **__: 1 / 0)
    done = agentadm("users", "show", "x")
    assert done.code == 70
    assert "report" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in agentadm("users", "show", "x", "--debug").err


def test_debug_tells_statements_and_durations_but_no_values(agentadm: Agentadm) -> None:
    done = agentadm("users", "show", "secret-name@example.com", "--debug", "-o", "json")
    assert done.code == 5
    assert "FROM agentadm.users" in done.err
    assert " ms: " in done.err
    statements = [line for line in done.err.splitlines() if line.startswith("sql ")]
    assert len(statements) <= 6
    assert not [line for line in statements if "secret-name" in line]


@pytest.mark.parametrize("more", [(), ("--all",)])
def test_csv_tells_no_value_from_an_empty_text(database: Database, agentadm: Agentadm, more: tuple[str, ...]) -> None:
    for email, name in (("a@x.org", None), ("b@x.org", ""), ("c@x.org", "a,b")):
        database.execute("INSERT INTO agentadm.users (email, full_name) VALUES (%s, %s)", email, name)
    argv = ("users", "list", "--sort", "email", "--columns", "email,full_name,role", "-o", "csv", *more)
    for exact in ((), ("--exact",)):
        assert (
            agentadm(*argv, *exact).out == 'email,full_name,role\na@x.org,,user\nb@x.org,"",user\nc@x.org,"a,b",user\n'
        )
