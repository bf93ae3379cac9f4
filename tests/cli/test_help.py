"""Help topics and suggestions: each told once, as text for people and as rows for programs."""

import re
from pathlib import Path

import pytest

from cli.topics import TOPICS
from tests.conftest import Agentadm
from tests.support import Database, run

NOWHERE = {"AGENTADM_CONFIG": "/nonexistent/config.toml", "AGENTADM_HOME": "/nonexistent/home", "COLUMNS": "80"}


def test_help_alone_lists_the_topics() -> None:
    done = run(["help"], NOWHERE)
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()[: len(TOPICS)]] == list(TOPICS)
    assert [row["name"] for row in run(["help", "-o", "json"], NOWHERE).json] == list(TOPICS)


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_is_text_for_people_and_rows_for_programs(name: str) -> None:
    text = run(["help", name], NOWHERE)
    assert text.code == 0
    assert max(len(line) for line in text.out.splitlines()) <= 80
    rows = run(["help", name, "-o", "json"], NOWHERE).json
    assert len(rows) == len(TOPICS[name].entries)
    for row in rows:
        first = str(next(iter(row.values())))
        assert [line for line in text.out.splitlines() if line.startswith(f"  {first}")]


@pytest.mark.parametrize("words", [["users", "suspend"], ["users"], ["db", "roles", "create"], ["db", "roles"]])
def test_help_of_a_command_is_its_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    told = run(["help", *words], NOWHERE)
    assert run([*words, "--help"], NOWHERE).code == 0
    assert told.code == 0
    assert told.out.split() == capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["usrs", "list"], "no noun 'usrs', did you mean 'users'?"),
        (["users", "lits"], "no verb 'lits', did you mean 'list'?"),
        (["db", "roles", "craete"], "no verb 'craete', did you mean 'create'?"),
        (["users", "list", "--statsu", "x"], "no option --statsu, did you mean '--status'?"),
        (["users", "list", "--status", "activ"], "did you mean 'active'? (known: active, suspended)"),
        (["users", "list", "-o", "jsn"], "did you mean 'json'?"),
        (["version", "--columns", "pyton"], "no field 'pyton', did you mean 'python'?"),
        (["help", "exitcodes"], "did you mean 'exit-codes'?"),
        (["help", "users", "suspnd"], "no verb 'suspnd' under users, did you mean 'suspend'?"),
        (["completion", "bsh"], "did you mean 'bash'?"),
    ],
)
def test_a_mistyped_word_is_suggested_in_one_line(argv: list[str], told: str) -> None:
    done = run(argv, NOWHERE)
    assert (done.code, done.out) == (2, "")
    error, hint = done.err.splitlines()
    assert error.startswith("error: ")
    assert told in error
    assert hint.startswith("hint: ")


def test_the_topic_of_the_environment_names_the_variables_of_the_readme() -> None:
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    variables = {
        name for line in readme.splitlines() if line.startswith("| `") for name in re.findall("`([A-Z_]+)`", line)
    }
    assert "AGENTADM_HOME" in variables
    assert variables <= set(re.findall("[A-Z_]+", run(["help", "environment"], NOWHERE).out))


def test_a_word_that_is_far_away_is_not_suggested() -> None:
    assert "did you mean" not in run(["xyzzy"], NOWHERE).err


def test_a_mistyped_profile_is_suggested(agentadm: Agentadm, database: Database) -> None:
    assert "no profile" in agentadm("users", "list", "--profile", "x").err


def test_a_mistyped_user_is_suggested(agentadm: Agentadm, database: Database) -> None:
    for email, username in (("grace.hopper@example.com", "grace"), ("ada@example.com", None)):
        database.execute("INSERT INTO agentadm.users (email, username) VALUES (%s, %s)", email, username)
    done = agentadm("users", "show", "grace.hoper@example.com")
    assert done.code == 5
    assert "did you mean 'grace.hopper@example.com'?" in done.err
    assert "did you mean 'grace'?" in agentadm("users", "suspend", "Gracee", "--yes").err
    assert "did you mean" not in agentadm("users", "show", "somebody.else@example.org").err
    assert "did you mean" not in agentadm("users", "show", "01930000-0000-7000-8000-000000000000").err
