"""Settings: where each comes from, and how the file is changed without spoiling it or showing a password."""

import stat
from pathlib import Path

import pytest

from platform_core import settings_shown
from platform_core.db import engine, reading
from tests.support import Result, run

FILE = """# Ours.
default_profile = "staging"  # not production

[profiles.staging]
# asks for a passphrase
database_url_command = "pass show agentadm/staging"

[profiles.production]
require_reason = true
database_url = "postgresql://owner:hunter2@db.example.com/platform"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    return path


def config(file: Path, *argv: str, stdin: str = "", env: dict[str, str] | None = None) -> Result:
    environ = {
        "AGENTADM_CONFIG": str(file),
        "AGENTADM_HOME": str(file.parent / "home"),
        "PATH": "/usr/bin",
        **(env or {}),
    }
    return run(["config", *argv], environ, stdin=stdin)


def test_show_says_where_each_setting_comes_from_and_no_password(file: Path) -> None:
    done = config(file, "show", "--profile", "production", "-o", "json", env={"AGENTADM_STATEMENT_TIMEOUT": "7"})
    assert done.code == 0, done.err
    assert "hunter2" not in done.out + done.err
    found = {row["setting"]: (row["value"], row["source"]) for row in done.json}
    assert found["database"] == ("owner@db.example.com/platform", "profile production")
    assert found["profile"] == ("production", "--profile")
    assert found["require_reason"] == ("yes", "profile production")
    assert found["statement time-out"] == ("7 s", "AGENTADM_STATEMENT_TIMEOUT")
    assert found["home"] == (str(file.parent / "home"), "AGENTADM_HOME")
    assert found["profiles.production.database_url"] == ("(not shown)", str(file))
    assert found["profiles.staging.database_url_command"][0] == "pass show agentadm/staging"


def test_the_time_outs_shown_are_those_in_force() -> None:
    assert settings_shown.CONNECT_SECONDS == engine.CONNECT_TIMEOUT_SECONDS
    assert settings_shown.STATEMENT_SECONDS == reading.DEFAULT_STATEMENT_SECONDS
    assert settings_shown.LOCK_SECONDS == reading.DEFAULT_LOCK_SECONDS


def test_show_without_a_database_says_that_there_is_none(tmp_path: Path) -> None:
    done = config(tmp_path / "none.toml", "show", "-o", "json")
    assert done.code == 0
    assert done.json[0] == {"setting": "database", "value": None, "source": "no database is configured"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("echo postgresql://a:hunter2@h/d", "echo postgresql://a:***@h/d"),
        ("x --password=hunter2 y", "x --password=*** y"),
        ("pass show agentadm/staging", "pass show agentadm/staging"),
    ],
)
def test_a_command_is_shown_without_what_looks_like_a_password(text: str, shown: str) -> None:
    assert settings_shown.without_passwords(text) == shown


def test_set_changes_one_line_and_leaves_the_rest_as_it_was(file: Path) -> None:
    done = config(file, "set", "profiles.production.require_reason", "no")
    assert done.code == 0, done.err
    assert file.read_text() == FILE.replace("require_reason = true", "require_reason = false")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]
    assert config(file, "set", "default_profile", "production").code == 0
    assert 'default_profile = "production"  # not production' in file.read_text()


def test_set_makes_file_folder_and_profile(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.toml"
    assert config(file, "set", "profiles.dev.database_url_command", "cat url").code == 0
    assert file.read_text() == '[profiles.dev]\ndatabase_url_command = "cat url"\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert config(file, "set", "default_profile", "dev").code == 0
    assert config(file, "profiles", "-o", "json").json == [{"setting": "dev", "value": "default", "source": str(file)}]


def test_a_url_comes_from_standard_input_and_is_never_shown(file: Path) -> None:
    key, url = "profiles.production.database_url", "postgresql://owner:tr0ub4dor@db.example.com/platform"
    done = config(file, "set", key, "--stdin", stdin=f"{url}\n")
    assert done.code == 0, done.err
    assert "tr0ub4dor" not in done.out + done.err
    assert f'database_url = "{url}"' in file.read_text()
    refused = config(file, "set", key, url)
    assert (refused.code, refused.out) == (2, "")
    assert "tr0ub4dor" not in refused.err
    assert "--stdin" in refused.err
    wrong = config(file, "set", key, "--stdin", stdin="mysql://owner:s3cret@x\n")
    assert wrong.code == 2
    assert "s3cret" not in wrong.err
    assert config(file, "set", key, "--stdin").code == 2


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(file: Path) -> None:
    dry = config(file, "set", "default_profile", "production", "--dry-run", "-o", "json")
    assert (dry.code, file.read_text()) == (0, FILE)
    assert "would set default_profile" in dry.err
    real = config(file, "set", "default_profile", "production", "-o", "json")
    assert dry.out == real.out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("default_profile", "stagin"), "no profile 'stagin', did you mean 'staging'?"),
        (("defaultprofile", "x"), "did you mean 'default_profile'?"),
        (("profiles.x.require_reasons", "yes"), "did you mean 'require_reason'?"),
        (("profiles.x.require_reason", "maybe"), "neither true nor false"),
        (("profiles.a b.require_reason", "yes"), "no setting"),
        (("profiles.x.database_url_command",), "wants one value"),
        (("profiles.x.database_url_command", ""), "cannot be empty"),
    ],
)
def test_what_cannot_be_set_is_named_and_the_file_stays(file: Path, argv: tuple[str, ...], told: str) -> None:
    done = config(file, "set", *argv)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert file.read_text() == FILE


def test_a_broken_file_is_not_written_over(file: Path) -> None:
    file.write_text("default_profile = ")
    done = config(file, "set", "profiles.x.require_reason", "yes")
    assert done.code == 2
    assert "is not valid TOML" in done.err
    assert file.read_text() == "default_profile = "


def test_a_link_stays_a_link(file: Path) -> None:
    link = file.parent / "link.toml"
    link.symlink_to(file)
    assert config(link, "set", "default_profile", "production").code == 0
    assert link.is_symlink()
    assert 'default_profile = "production"' in file.read_text()
