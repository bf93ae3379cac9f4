"""Completion: words without a database, values with one, hostile ones never, and silence whatever is wrong."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.completion import BREAKS, LINE, REQUEST, SCRIPTS, Shell
from platform_core.db import candidates
from tests.cli.test_start import HEAVY
from tests.conftest import Agentadm
from tests.support import Database, run

ROOT = Path(__file__).parent.parent.parent
BASH_BREAKS = " \t\n\"'><=;|&(:@"
HOSTILE = ("ada$(id)@example.com", "ada;id@example.com", "ada'q@example.com", "ada`id`@example.com", "ada*@example.com",
           "-ada@example.com", "ada{a,b}@example.com", "ada\\x@example.com", "ada|x@example.com")  # fmt: skip


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "SECONDS", 10)


def asked(environ: dict[str, str], *words: str) -> list[str]:
    """The values that zsh and fish are offered."""
    done = run(words, {**environ, REQUEST: "zsh"})
    assert (done.code, done.err) == (0, "")
    return [line.partition("\t")[0] for line in done.out.splitlines()]


def asked_by_bash(environ: dict[str, str], line: str) -> list[str]:
    done = run([], {**environ, REQUEST: "bash", LINE: f"agentadm {line}", BREAKS: BASH_BREAKS})
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["us"], ["users"]),
        (["users", "s"], ["show", "suspend", "sync"]),
        (["db", "roles", ""], ["list", "create", "revoke"]),
        (["users", "list", "--st"], ["--status"]),
        (["users", "list", "--status", ""], ["active", "suspended"]),
        (["users", "list", "--status=s"], ["--status=suspended"]),
        (["-o", "json", "users", "list", "-o", "j"], ["json", "jsonl"]),
        (["users", "list", "--columns", "email,f"], ["email,full_name"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["help", "f"], ["formats", "filters"]),
        (["help", "users", "sus"], ["suspend"]),
        (["config", "set", "d"], ["default_profile"]),
        (["db", "backup", ""], [":files"]),
        (["users", "list", "--sort", "cre"], ["created_at"]),
        (["users", "list", "--since", "yes"], ["yesterday"]),
        (["nonsense", ""], []),
    ],
)
def test_words(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    assert asked({"AGENTADM_HOME": str(tmp_path), "AGENTADM_CONFIG": str(tmp_path / "none")}, *words) == offered


def test_words_load_no_driver() -> None:
    probe = (
        "import json, os, sys; os.environ['_AGENTADM_COMPLETE'] = 'zsh'; from cli.main import main; "
        "main(json.loads(sys.argv[1])); print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    for words in (["u"], ["users", "s"], ["users", "list", "--sta"], ["users", "list", "--status", "a"]):
        done = subprocess.run(
            [sys.executable, "-c", probe, json.dumps(words)], capture_output=True, text=True, check=True, timeout=60
        )
        assert not set(json.loads(done.stdout.splitlines()[-1])) & set(HEAVY)
        assert len(done.stdout.splitlines()) > 1


def test_users_by_the_beginning_of_e_mail_or_username(database: Database) -> None:
    for email, username in (
        ("Ada@example.com", "lovelace"),
        ("adam@example.com", None),
        ("bob@example.com", "ada_two"),
    ):
        database.execute("INSERT INTO agentadm.users (email, username) VALUES (%s, %s)", email, username)
    assert asked(database.environ, "users", "show", "ada") == ["ada@example.com", "ada_two", "adam@example.com"]
    assert asked(database.environ, "users", "show", "ADA@") == ["ADA@example.com"]
    assert asked_by_bash(database.environ, "users show ada@ex") == ["@example.com"]
    assert asked_by_bash(database.environ, "users show 'ada@ex") == ["ada@example.com"]
    assert asked_by_bash(database.environ, "users list --output=js") == ["json", "jsonl"]
    assert asked(database.environ, "users", "show", "zz") == []


def test_operations_the_latest_first(database: Database, agentadm: Agentadm) -> None:
    for name in ("a", "b"):
        assert agentadm("users", "create", f"{name}@example.com").code == 0
    latest = database.rows("SELECT id::text FROM agentadm.operations ORDER BY started_at DESC")
    assert asked(database.environ, "audit", "undo", "") == [row[0] for row in latest]
    done = run(["audit", "show", ""], {**database.environ, REQUEST: "fish"})
    assert done.out.splitlines()[0].partition("\t")[2].startswith("users create ")


def test_a_value_that_a_shell_would_read_is_left_out(database: Database) -> None:
    for email in HOSTILE:
        database.execute("INSERT INTO agentadm.users (email) VALUES (%s)", email)
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada+tag@example.com')")
    for start in ("ada", ""):
        assert asked(database.environ, "users", "show", start) == ["ada+tag@example.com"]
    assert not [word for word in asked(database.environ, "users", "show", "-") if "@" in word]


def test_it_is_silent_whatever_is_wrong(database: Database, empty_database: Database, tmp_path: Path) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    broken = tmp_path / "broken.toml"
    broken.write_text("default_profile = ")
    asks = tmp_path / "asks.toml"
    asks.write_text(f"default_profile = 'x'\n[profiles.x]\ndatabase_url_command = 'touch {tmp_path}/was-run'\n")
    nothing = {"AGENTADM_HOME": str(tmp_path / "home"), "AGENTADM_CONFIG": str(tmp_path / "none")}
    for environ in (
        nothing,
        {**nothing, "AGENTADM_CONFIG": str(broken)},
        {**nothing, "AGENTADM_CONFIG": str(asks)},
        {**nothing, "AGENTADM_DATABASE_URL": "mysql://x"},
        {**nothing, "AGENTADM_DATABASE_URL": f"postgresql:///x?host={tmp_path}"},
        {**nothing, "AGENTADM_DATABASE_URL": database.url_as("nobody_of_that_name")},
        empty_database.environ,
    ):
        assert asked(environ, "users", "show", "a") == []
    assert not (tmp_path / "was-run").exists()
    assert not (tmp_path / "home").exists()
    assert asked(database.environ, "users", "show", "a") == ["ada@example.com"]
    database.execute("UPDATE agentadm.alembic_version SET version_num = '0000'")
    assert asked(database.environ, "users", "show", "a") == []


def test_it_waits_no_longer_than_it_may(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "SECONDS", 0.25)
    with database.connect("postgres") as connection:
        connection.execute("LOCK TABLE agentadm.users IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        assert asked(database.environ, "users", "show", "a") == []
        # Twice the limit, so that a busy machine is no failure.
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("shell", Shell)
def test_the_script_is_printed_as_it_is(shell: Shell) -> None:
    done = run(["completion", str(shell)], {})
    assert (done.code, done.out, done.err) == (0, SCRIPTS[shell], "")
    assert run(["completion", str(shell), "-o", "json"], {}).json == [{"shell": str(shell), "script": SCRIPTS[shell]}]
    if path := shutil.which(shell):
        checked = subprocess.run([path, "-n"], input=done.out, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_asks_and_takes_the_answer_as_it_is(database: Database, tmp_path: Path) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada+x@example.com'), ('ada$(id)@example.com')")
    program = tmp_path / "agentadm"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m cli "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(agentadm completion bash)"
        for line in 'agentadm us' 'agentadm users show ada' 'agentadm users list --output=c' "agentadm x 'y"; do
            COMP_LINE=$line COMP_POINT=${#line} _agentadm_completion agentadm
            printf '<%s>' "$line" "${COMPREPLY[@]}"; echo
        done
    """
    environ = {**database.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/bash", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "<agentadm us><users>"
    assert lines[1] in {"<agentadm users show ada><ada+x@example.com>", "<agentadm users show ada>"}
    assert lines[2:] == ["<agentadm users list --output=c><csv>", "<agentadm x 'y>"]
