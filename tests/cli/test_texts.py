"""Long and many-lined texts, parts and amounts as people see them; notes that fit the terminal."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import quoted_name

from cli.output.text import UNSAFE, builtins_of, cell, wrapped
from platform_core.key_material.types import Purpose
from platform_core.money import Money
from tests.conftest import Agentadm
from tests.support import Database

LINES = "# Spec\r\n\r\n\tbe kind\n  indented \x1b[31m\u202e red\n[red]x\nstatus  active\n"
NARROW = {"COLUMNS": "80"}


@pytest.fixture
def ada(database: Database) -> None:
    database.execute("INSERT INTO agentadm.users (email, last_name) VALUES ('ada@example.com', %s)", LINES)


@pytest.fixture
def scribe(agentadm: Agentadm) -> None:
    for argv in (
        ("users", "create", "ada@example.com"),
        ("teams", "create", "Engines", "--owner", "ada@example.com"),
        ("agents", "create", "Scribe", "--team", "engines", "--contact-email", "s@example.com"),
    ):
        assert agentadm(*argv).code == 0


def test_lines_are_lines_under_their_label(agentadm: Agentadm, ada: None) -> None:
    shown = agentadm("users", "show", "ada@example.com", "--columns", "email,last_name", env=NARROW, terminal=True)
    assert shown.out.splitlines() == [
        "email      ada@example.com",
        "last_name  # Spec",
        "",
        "               be kind",
        r"             indented \u001b[31m\u202e red",
        "           [red]x",
        "           status  active",
    ]
    listed = agentadm("users", "list", "--columns", "email", env=NARROW, terminal=True)
    assert listed.code == 0
    # In a pipe it is one line, and JSON has it to the letter.
    assert len(agentadm("users", "show", "ada@example.com", "--columns", "last_name").out.splitlines()) == 1
    assert agentadm("users", "show", "ada@example.com", "-o", "json").json["last_name"] == LINES


@pytest.mark.parametrize("text", ["line\n" * 500, "word " * 3000])
def test_a_long_text_is_cut_and_says_so_where_others_stand_beside_it(
    agentadm: Agentadm, database: Database, text: str
) -> None:
    database.execute("INSERT INTO agentadm.users (email, last_name) VALUES ('ada@example.com', %s)", text)
    among = agentadm("users", "show", "ada@example.com", env=NARROW, terminal=True).out
    assert "more characters: --columns last_name shows all" in " ".join(among.split())
    assert len(among.splitlines()) < 150
    alone = agentadm("users", "show", "ada@example.com", "--columns", "last_name", env=NARROW, terminal=True).out
    assert "more characters" not in alone
    assert alone.replace("last_name ", "").split() == text.split()


def test_notes_and_errors_fit_a_terminal_and_are_a_line_each_in_a_pipe(agentadm: Agentadm, ada: None) -> None:
    reason = "because " * 30
    argv = ("users", "suspend", "ada@example.com", "--reason", reason, "--dry-run")
    for env in (NARROW, {"COLUMNS": "140"}):
        shown = agentadm(*argv, env=env, terminal=True)
        assert max(map(len, shown.err.splitlines())) <= int(env["COLUMNS"])
        assert " ".join(shown.err.split()) == " ".join(agentadm(*argv).err.split())
    piped = agentadm("users", "list", "--where", "nothing=1").err.splitlines()
    assert [line.split()[0] for line in piped] == ["error:", "hint:"]
    asked = agentadm("users", "list", "--where", "nothing=1", env=NARROW, terminal=True).err.splitlines()
    assert max(map(len, asked)) <= 80
    assert all(line.startswith(("error: ", "hint: ", "  ")) for line in asked)


@given(words=st.lists(st.text(alphabet="abc-/@", min_size=1, max_size=30), max_size=40), width=st.integers(20, 200))
def test_wrapping_loses_nothing_and_cuts_no_word(words: list[str], width: int) -> None:
    lines = wrapped(" ".join(words), width, "  ").split("\n")
    assert " ".join(lines).split() == words
    assert all(len(line) <= max(width, 22) or len(line.split()) == 1 for line in lines)


def test_amounts_inside_parts_are_written_and_json_of_users_is_left_alone() -> None:
    ours = builtins_of({"run": Money(50, "USD"), "gb": "refuse"})
    assert cell(ours) == '{"run": "0.50 USD", "gb": "refuse"}'
    assert ours == {"run": {"amount": 50, "currency": "USD"}, "gb": "refuse"}
    assert json.loads(cell(builtins_of(Money(1, "beans")))) == {"amount": 1, "currency": "beans"}
    theirs = builtins_of({"price": {"amount": 500, "currency": "USD"}})
    assert json.loads(cell(theirs)) == theirs
    assert json.loads(cell([theirs])) == [theirs]


def test_words_and_marked_names_are_texts() -> None:
    found = builtins_of({quoted_name("runs", quote=True): Purpose.PEPPER, Purpose.ENCRYPTION: {1: (Decimal("1.50"),)}})
    assert found == {"runs": "pepper", "encryption": {1: ["1.50"]}}
    assert [type(name) for name in found] == [str, str]
    assert type(found["runs"]) is str


@pytest.mark.parametrize("form", [("-o", "plain"), ("-o", "markdown"), ("-o", "csv"), ()])
def test_json_that_looks_like_an_amount_is_shown_as_it_is(
    agentadm: Agentadm, scribe: None, form: tuple[str, ...]
) -> None:
    of_ada = ("scribe", "ada@example.com")
    price = '{"price": {"amount": 500, "currency": "USD"}}'
    assert agentadm("agents", "configurations", "set", *of_ada, "--json", price).code == 0
    shown = agentadm("agents", "configurations", "show", *of_ada, *form, env=NARROW, terminal=not form)
    assert shown.code == 0, shown.err
    assert "500" in shown.out
    assert "5.00" not in shown.out


def test_amounts_are_whole_in_every_format_for_programs(agentadm: Agentadm) -> None:
    made = ("plans", "create", "pro", "--name", "Pro", "--overage", "run=0.05", "--price-monthly", "29.99")
    assert agentadm(*made).code == 0
    show = ("plans", "show", "pro", "--columns", "price_monthly,price_monthly.amount,overages")
    found = agentadm(*show, "-o", "json").json
    assert found["price_monthly"] == {"amount": 2999, "currency": "USD"}
    assert found["price_monthly.amount"] == 2999
    assert yaml.safe_load(agentadm(*show, "-o", "yaml").out) == found
    assert "price_monthly\t29.99 USD\n" in agentadm(*show, "-o", "plain").out
    assert "29.99 USD" in agentadm(*show, "-o", "csv").out


def test_people_are_told_what_is_masked_and_how_to_see_it(agentadm: Agentadm, scribe: None) -> None:
    told = "masked: contact_email (--reveal shows them, and goes on record)"
    assert told in " ".join(agentadm("agents", "show", "scribe", env=NARROW, terminal=True).err.split())
    for quiet in (("--quiet",), ("--reveal",), ("--columns", "slug"), ("-o", "json")):
        assert "masked:" not in agentadm("agents", "show", "scribe", *quiet, env=NARROW, terminal=True).err


def test_a_long_change_is_cut_and_counted(agentadm: Agentadm, scribe: None, tmp_path: Path) -> None:
    spec = tmp_path / "spec.md"
    spec.write_text("# Spec\n" + "z" * 300)
    done = agentadm("agents", "update", "scribe", "--spec-file", str(spec), "--dry-run", "-o", "json")
    change = next(line for line in done.err.splitlines() if "spec_content" in line)
    assert "# Spec↵ z" in change
    assert change.count("z") < 200
    assert "more characters)" in change
    assert done.json["spec_content"].count("z") == 300


def test_parts_are_told_with_their_names(agentadm: Agentadm) -> None:
    made = ("plans", "create", "pro", "--name", "Pro", "--allow", "max_workflows=5", "--overage", "run=0.05")
    assert agentadm(*made).code == 0
    table = agentadm("plans", "show", "pro", env=NARROW, terminal=True).out
    assert "run: 0.05 USD" in table
    assert "{" not in table
    markdown = agentadm("plans", "show", "pro", "-o", "markdown", "--columns", "overages").out
    assert "run: 0.05 USD, workflow\\_run: refuse" in markdown
    exact = agentadm("plans", "list", "-o", "csv", "--columns", "price_monthly").out
    assert not UNSAFE.search(exact.replace("\n", ""))
