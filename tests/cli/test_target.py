"""Which database a command goes to, and what a production mark does."""

from pathlib import Path

import pytest

from tests.conftest import Agentadm
from tests.support import Cluster, Database, run


def config_file(folder: Path, text: str) -> dict[str, str]:
    path = folder / "config.toml"
    path.write_text(text)
    return {"AGENTADM_CONFIG": str(path)}


def toml_string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@pytest.fixture
def two(cluster: Cluster, template: Database, tmp_path: Path) -> tuple[Database, dict[str, str]]:
    """One database in the environment, another in a profile."""
    here, there = cluster.database(template.name), cluster.database(template.name)
    here.execute("INSERT INTO agentadm.users (email) VALUES ('environment@example.com')")
    there.execute("INSERT INTO agentadm.users (email) VALUES ('profile@example.com')")
    environ = {
        **here.environ,
        **config_file(
            tmp_path,
            f"default_profile = 'other'\n[profiles.other]\ndatabase_url = {toml_string(there.url)}\n",
        ),
    }
    return here, environ


def emails(argv: list[str], environ: dict[str, str]) -> str:
    done = run([*argv, "users", "list", "--columns", "email", "-o", "plain"], environ)
    assert done.code == 0, done.err
    return done.out.strip()


def test_the_profile_wins_over_the_environment(two: tuple[Database, dict[str, str]]) -> None:
    _, environ = two
    assert emails([], environ) == "environment@example.com"
    assert emails(["--profile", "other"], environ) == "profile@example.com"


def test_the_order_is_profile_own_variable_common_variable_default_profile(
    two: tuple[Database, dict[str, str]],
) -> None:
    here, environ = two
    without = {name: value for name, value in environ.items() if name != "AGENTADM_DATABASE_URL"}
    assert emails([], {**without, "DATABASE_URL": here.url}) == "environment@example.com"
    assert emails([], {**environ, "DATABASE_URL": "postgresql:///nowhere"}) == "environment@example.com"
    assert emails([], without) == "profile@example.com"


def test_an_unknown_profile_is_named_with_the_known_ones(two: tuple[Database, dict[str, str]]) -> None:
    _, environ = two
    done = run(["users", "list", "--profile", "prodution"], environ)
    assert done.code == 2
    assert "'prodution'" in done.err
    assert "known profiles: other" in done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("default_profile = ", "is not valid TOML"),
        ("profile = 'x'\n", "unknown setting 'profile'"),
        ("[profiles.x]\nurl = 'x'\n", "unknown setting 'url'"),
        ("default_profile = 'gone'\n", "no profile 'gone'"),
        ("default_profile = 'x'\n[profiles.x]\ndatabase_url = 'mysql://x'\n", "is not PostgreSQL's"),
        ("default_profile = 'x'\n[profiles.x]\ndatabase_url_command = 'false'\n", "database_url_command"),
    ],
)
def test_a_bad_configuration_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    done = run(["users", "list"], {"AGENTADM_HOME": str(tmp_path / "home"), **config_file(tmp_path, text)})
    assert done.code == 2
    assert told in done.err


def test_a_url_may_come_from_a_command(database: Database, tmp_path: Path) -> None:
    url_file = tmp_path / "url"
    url_file.write_text(database.url + "\n")
    environ = {
        "AGENTADM_HOME": str(tmp_path / "home"),
        "PATH": database.environ["PATH"],
        **config_file(tmp_path, f"default_profile = 'x'\n[profiles.x]\ndatabase_url_command = 'cat {url_file}'\n"),
    }
    assert run(["users", "list"], environ).code == 0


def test_a_production_mark_holds_with_a_bare_url(database: Database, agentadm: Agentadm) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    database.execute("UPDATE agentadm.installation SET production = true, environment = 'live'")
    asked = agentadm("users", "suspend", "ada@example.com", terminal=True, stdin="y\n")
    assert asked.code == 8
    assert "live (production)" in asked.err
    assert "--yes" in asked.err
    for severe in (["db", "reset", "--confirm", "live"], ["db", "downgrade", "0001", "--confirm", "live"]):
        refused = agentadm(*severe)
        assert refused.code == 6, refused.err
        assert "live is production" in refused.err
    assert database.value("SELECT count(*) FROM agentadm.users WHERE status = 'active'") == 1
    done = agentadm("users", "suspend", "ada@example.com", "--yes")
    assert done.code == 0
    assert "environment: live (production)" in done.err


def test_production_ignores_a_fake_clock(database: Database, agentadm: Agentadm) -> None:
    fake = {"AGENTADM_CLOCK": "2020-02-29T12:00:00Z"}
    assert (
        agentadm("users", "create", "a@example.com", "-o", "json", env=fake).json["created_at"].startswith("2020-02-29")
    )
    database.execute("UPDATE agentadm.installation SET production = true")
    made = agentadm("users", "create", "b@example.com", "-o", "json", env=fake)
    assert not made.json["created_at"].startswith("2020")


def test_a_schema_that_is_older_or_newer_names_the_command(database: Database, agentadm: Agentadm) -> None:
    database.execute("UPDATE agentadm.alembic_version SET version_num = '0000'")
    older = agentadm("users", "list")
    assert older.code == 2
    assert "agentadm db upgrade" in older.err
    database.execute("UPDATE agentadm.alembic_version SET version_num = '9999'")
    newer = agentadm("users", "list")
    assert newer.code == 2
    assert "newer" in newer.err
    doctor = agentadm("db", "doctor", "-o", "json")
    assert doctor.code == 1
    assert [row["ok"] for row in doctor.json if row["check"] == "schema version"] == [False]


def test_a_database_that_is_not_ours_is_left_alone(empty_database: Database) -> None:
    done = run(["users", "create", "a@example.com"], empty_database.environ)
    assert done.code == 2
    assert "was not set up by agentadm" in done.err
    assert "db init" in done.err
