"""What help and completion of words load, and what a command without a database does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("sqlalchemy", "psycopg", "alembic", "stripe", "rich", "pydantic", "msgspec", "yaml")
PROBE = """
import json, sys
from cli.main import main
code = main(json.loads(sys.argv[1]))
sys.stderr.write("\\n" + json.dumps([code, sorted({m.partition(".")[0] for m in sys.modules})]))
"""


def loaded_by(*argv: str) -> tuple[int, set[str], str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(argv)], capture_output=True, text=True, check=True, timeout=60
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, set(modules), done.stdout


@pytest.mark.parametrize("argv", [("--help",), ("users", "--help"), ("db", "--help"), ("users", "suspend", "--help")])
def test_help_loads_nothing_heavy(argv: tuple[str, ...]) -> None:
    code, modules, out = loaded_by(*argv)
    assert code == 0
    assert "Usage: agentadm" in out
    assert not modules & set(HEAVY)


def test_options_of_every_command_load_no_validator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENTADM_DATABASE_URL", raising=False)
    monkeypatch.setenv("AGENTADM_HOME", str(tmp_path))
    monkeypatch.setenv("AGENTADM_CONFIG", str(tmp_path / "none.toml"))
    code, modules, _ = loaded_by(
        "users", "list", "--limit", "10", "--sort", "-email", "--role", "user", "--wait", "2.5"
    )
    assert code == 2
    assert "pydantic" not in modules


def test_root_help_imports_no_noun() -> None:
    code, _, out = loaded_by("--help")
    assert code == 0
    probe = "import sys; from cli.main import main; main(['--help']); sys.exit('cli.users' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False, timeout=60).returncode == 0
    assert "users" in out


def test_the_end_of_the_process_collects_no_garbage() -> None:
    probe = (
        "import atexit, gc, sys; from cli.main import run; sys.argv[1:] = ['version'];"
        "atexit.register(lambda: print('all frozen:', gc.get_freeze_count() > 10_000)); run()"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "all frozen: True"


def run(argv: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *argv], capture_output=True, text=True, env=environ, check=False, timeout=60
    )


def test_no_url_and_no_embedded_server_is_wrong_usage_and_starts_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environ = {
        "PATH": "/usr/bin:/bin",
        "AGENTADM_HOME": str(home),
        "AGENTADM_CONFIG": str(tmp_path / "none.toml"),
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
    }
    done = run(["users", "list"], environ)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no database is configured" in done.stderr
    assert "agentadm db init --embedded" in done.stderr
    assert not home.exists()


def test_an_unreachable_database_is_try_again(tmp_path: Path) -> None:
    environ = {
        "PATH": "/usr/bin:/bin",
        "AGENTADM_DATABASE_URL": f"postgresql://somebody:hunter2@/nothing?host={tmp_path}",
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
    }
    done = run(["users", "list", "-o", "json"], environ)
    assert done.returncode == 75
    assert done.stdout == ""
    error = json.loads(done.stderr)["error"]
    assert error["code"] == 75
    assert "cannot be reached" in error["message"]
    assert "hunter2" not in done.stderr
