"""Every command that changes something, in a dry run: the same answer, and an equal database."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import all_commands
from cli.registry import Risk
from tests.agents_support import FAILED_RUN, QUEUED_RUN, make_staff
from tests.cli.world import SPECS
from tests.keys import known
from tests.keys.known import FILE, START
from tests.support import Cluster, Database, Result, run
from tests.workflows.known import SCHEDULE, TRIGGER, make_automation

CHANGING = sorted(command.path for command in all_commands() if command.risk is not Risk.READ)
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")

Prepared = tuple[list[str], str]
Preparation = Callable[[Database, Path], Prepared]


def ada(database: Database) -> None:
    database.execute("INSERT INTO agentadm.users (email, full_name) VALUES ('ada@example.com', 'Ada')")


def operation(database: Database) -> str:
    done = run(["users", "suspend", "ada@example.com", "--yes", "--reason", "test"], database.environ)
    assert done.code == 0
    return str(database.value("SELECT id FROM agentadm.operations WHERE command = 'users suspend'"))


def prepared(*argv: str, stdin: str = "") -> Preparation:
    def prepare(database: Database, folder: Path) -> Prepared:
        ada(database)
        return list(argv), stdin

    return prepare


@pytest.fixture(scope="session")
def engines(cluster: Cluster, template: Database) -> Database:
    """Ada owns a team with a project and a crew; Grace is nowhere; Dan is deleted, and so is a team of Ada's."""
    database = cluster.database(template.name)
    people = ("ada@example.com", "grace@example.com", "dan@example.com")
    for email in people:
        database.execute("INSERT INTO agentadm.users (email, full_name) VALUES (%s, 'Somebody')", email)
    for line in (
        ["users", "delete", "dan@example.com", "--yes"],
        ["users", "identities", "link", "ada@example.com", "clerk", "user_ada"],
        ["teams", "create", "Engines", "--owner", "ada@example.com"],
        ["teams", "create", "Gone", "--owner", "ada@example.com"],
        ["teams", "delete", "gone", "--yes"],
        ["projects", "create", "Numbers", "--team", "engines"],
        ["crews", "create", "Reviewers", "--project", "Numbers"],
        ["agents", "create", "Scribe", "--team", "engines", "--handle", "scribe"],
        ["agents", "update", "engines/scribe", "--spec-file", str(SPECS / "scribe.md")],
        ["agents", "resume", "engines/scribe"],
        ["agents", "create", "Loom", "--team", "engines"],
        ["agents", "delete", "engines/loom", "--yes"],
        ["plans", "create", "free", "--name", "Free", "--allow", "max_workflows=5"],
        ["plans", "create", "old", "--name", "Old"],
        ["plans", "retire", "old", "--yes"],
        ["limits", "set", "--team", "engines", "--allow", "max_workflows=9", "--reason", "a favour"],
    ):
        done = run(line, database.environ)
        assert done.code == 0, done.err
    make_staff(database)
    make_automation(database)
    return database


# These get a clone of that company; the others have an empty database.
IN_COMPANY: set[Preparation] = set()


def of_company(prepare: Preparation) -> Preparation:
    IN_COMPANY.add(prepare)
    return prepare


def in_company(*argv: str) -> Preparation:
    return given_in_company("", *argv)


def given_in_company(stdin: str, *argv: str) -> Preparation:
    @of_company
    def prepare(database: Database, folder: Path) -> Prepared:
        return list(argv), stdin

    return prepare


def with_member(*argv: str) -> Preparation:
    @of_company
    def prepare(database: Database, folder: Path) -> Prepared:
        done = run(["teams", "members", "add", "engines", "grace@example.com"], database.environ)
        assert done.code == 0, done.err
        return list(argv), ""

    return prepare


def with_key(*argv: str) -> Preparation:
    def prepare(database: Database, folder: Path) -> Prepared:
        ada(database)
        known.insert(database, "ada@example.com")
        return list(argv), ""

    return prepare


def without_pepper(database: Database, folder: Path) -> Prepared:
    """The ring has one that the database does not know."""
    database.execute("DELETE FROM agentadm.key_material WHERE purpose = 'pepper'")
    return ["db", "key-material", "add", "pepper"], ""


def undo(database: Database, folder: Path) -> Prepared:
    ada(database)
    return ["audit", "undo", operation(database), "--yes"], ""


def resume_step(database: Database, folder: Path) -> Prepared:
    """A step that is settled: resuming it again sends nothing, and says how it ended."""
    ada(database)
    operation_id = operation(database)
    database.execute(
        "INSERT INTO agentadm.provider_intents (operation_id, step, provider, object_type, object_id, provider_key,"
        " request, state, settled_at) VALUES (%s, 'probe', 'nobody', 'users', 'x', 'k', '{}', 'done', agentadm.now())",
        operation_id,
    )
    return ["operations", "resume", operation_id, "--yes"], ""


def suspended(database: Database, folder: Path) -> Prepared:
    ada(database)
    operation(database)
    return ["users", "resume", "ada@example.com"], ""


@of_company
def archived(database: Database, folder: Path) -> Prepared:
    done = run(["agents", "archive", "@scribe", "--yes"], database.environ)
    assert done.code == 0, done.err
    return ["agents", "resume", "engines/scribe"], ""


def backup(database: Database, folder: Path) -> Prepared:
    """A backup, and a database without a schema to load it into."""
    file = folder / "some.dump"
    done = run(["db", "backup", str(file)], database.environ)
    assert done.code == 0, done.err
    database.execute("DROP SCHEMA agentadm CASCADE")
    return ["db", "restore", str(file), "--confirm", "unmarked"], ""


def without_schema(database: Database, folder: Path) -> Prepared:
    database.execute("DROP SCHEMA agentadm CASCADE")
    return ["db", "init", "--environment", "test"], ""


def existing_role(database: Database, folder: Path) -> Prepared:
    name = f"leaver_{database.name}"
    done = run(["db", "roles", "create", name, "--group", "support", "--yes"], database.environ)
    assert done.code == 0, done.err
    return ["db", "roles", "revoke", name, "--yes"], ""


def new_role(database: Database, folder: Path) -> Prepared:
    return ["db", "roles", "create", f"joiner_{database.name}", "--group", "support", "--yes"], ""


def empty_company(database: Database, folder: Path) -> Prepared:
    return ["db", "seed", "--yes"], ""


# What a provider's or another server's state is, a test of its own shows: see where each is named.
ELSEWHERE = {
    "config set": "tests/cli/test_config.py",
    "db key-material retire": "tests/keys/test_key_material.py",
    "keys create": "tests/keys/test_keys.py",
    "keys rotate": "tests/keys/test_keys.py",
    "demo": "tests/cli/test_demo.py",
    "db stop": "tests/db/test_care.py",
}
PREPARATIONS: dict[str, Preparation] = {
    "agents configurations set": in_company(
        "agents", "configurations", "set", "engines/copyist", "grace@example.com", "--json", '{"language": "sv"}'
    ),
    "agents plans set": in_company(
        "agents",
        "plans",
        "set",
        "engines/copyist",
        "monthly",
        "--price",
        "199",
        "--currency",
        "INR",
        "--requests-per-day",
        "1000",
        "--requests-per-minute",
        "unlimited",
        "--yes",
    ),
    "agents skills add": in_company("agents", "skills", "add", "engines/copyist", "writing"),
    "agents skills remove": in_company("agents", "skills", "remove", "engines/copyist", "reading", "--yes"),
    "agents archive": in_company("agents", "archive", "engines/scribe", "--yes"),
    "agents create": in_company("agents", "create", "Weaver", "--team", "engines", "--contact-email", "w@example.com"),
    "agents delete": in_company("agents", "delete", "@scribe", "--yes"),
    "agents import": in_company("agents", "import", str(SPECS / "notetaker.md"), "--team", "engines", "--yes"),
    "agents pause": in_company("agents", "pause", "@scribe", "--yes"),
    "agents restore": in_company("agents", "restore", "engines/loom"),
    "agents resume": archived,
    "agents rollback": in_company("agents", "rollback", "@scribe", "--to", "1", "--yes"),
    "agents update": in_company("agents", "update", "@scribe", "--spec-file", str(SPECS / "weaver.md"), "--slug", "x"),
    "audit undo": undo,
    "crews add": in_company("crews", "add", "reviewers", "machine-2"),
    "crews remove": in_company("crews", "remove", "reviewers", "machine-1", "--yes"),
    "crews create": in_company("crews", "create", "Typesetters", "--project", "Numbers"),
    "crews delete": in_company("crews", "delete", "reviewers", "--yes"),
    "crews update": in_company("crews", "update", "reviewers", "--name", "Critics"),
    "db downgrade": prepared("db", "downgrade", "0001", "--confirm", "test"),
    "db init": without_schema,
    "db maintain": prepared("db", "maintain"),
    "db reset": prepared("db", "reset", "--confirm", "test"),
    "db restore": backup,
    "db roles create": new_role,
    "db roles revoke": existing_role,
    "db seed": empty_company,
    "db upgrade": prepared("db", "upgrade", "--yes"),
    "limits clear": in_company("limits", "clear", "--team", "engines", "--name", "max_workflows"),
    "limits set": in_company(
        "limits", "set", "--user", "ada@example.com", "--allow", "max_work_agents=5", "--reason", "trade fair"
    ),
    "db key-material add": without_pepper,
    "db key-material rotate": prepared("db", "key-material", "rotate", "--yes"),
    "keys expire": with_key("keys", "expire"),
    "keys revoke": with_key("keys", "revoke", START, "--reason", "leaked", "--yes"),
    "keys update": with_key("keys", "update", START, "--rate-limit", "9", "--clear", "expires_at"),
    "keys verify": with_key("keys", "verify", "--from", str(FILE)),
    "instances configure": in_company("instances", "configure", "machine-1", "--metadata", '{"a": 1}'),
    "instances destroy": in_company("instances", "destroy", "machine-1", "--yes"),
    "instances start": in_company("instances", "start", "machine-2"),
    "instances stop": in_company("instances", "stop", "machine-1", "--yes"),
    "operations resume": resume_step,
    "plans create": in_company("plans", "create", "studio", "--name", "Studio", "--price-monthly", "49.00"),
    "plans restore": in_company("plans", "restore", "old"),
    "plans retire": in_company("plans", "retire", "free", "--yes"),
    "plans update": in_company("plans", "update", "free", "--allow", "max_workflows=7", "--name", "Gratis", "--yes"),
    "projects create": in_company("projects", "create", "Weaving", "--user", "ada@example.com"),
    "projects delete": in_company("projects", "delete", "numbers", "--yes"),
    "projects update": in_company("projects", "update", "numbers", "--description", "Note G"),
    "runs cancel": in_company("runs", "cancel", QUEUED_RUN, "--yes"),
    "runs retry": in_company("runs", "retry", FAILED_RUN),
    "teams create": in_company("teams", "create", "Compilers", "--owner", "grace@example.com"),
    "teams delete": in_company("teams", "delete", "engines", "--yes"),
    "teams members add": in_company("teams", "members", "add", "engines", "grace@example.com", "--role", "admin"),
    "teams members remove": with_member("teams", "members", "remove", "engines", "grace@example.com", "--yes"),
    "teams members set-role": with_member(
        "teams", "members", "set-role", "engines", "grace@example.com", "--role", "viewer"
    ),
    "teams restore": in_company("teams", "restore", "gone"),
    "teams transfer": in_company("teams", "transfer", "engines", "grace@example.com", "--yes"),
    "teams update": in_company("teams", "update", "engines", "--max-members", "4", "--clear", "daily_budget"),
    "users delete": in_company("users", "delete", "grace@example.com", "--yes"),
    "users erase": in_company("users", "erase", "grace@example.com", "--confirm", "test"),
    "users identities link": in_company("users", "identities", "link", "grace@example.com", "clerk", "user_grace"),
    "users identities unlink": in_company(
        "users", "identities", "unlink", "ada@example.com", "clerk", "user_ada", "--yes"
    ),
    "users import": prepared(
        "users", "import", "-", "--format", "csv", "--yes", stdin="email,full_name\ngrace@example.com,Grace Hopper\n"
    ),
    "users merge": in_company("users", "merge", "ada@example.com", "grace@example.com", "--confirm", "test"),
    "users restore": in_company("users", "restore", "dan@example.com"),
    "users update": in_company("users", "update", "ada@example.com", "--metadata", '{"a": 1}', "--daily-budget", "5"),
    "users create": prepared("users", "create", "grace@example.com", "--full-name", "Grace Hopper"),
    "users resume": suspended,
    "users sync": prepared(
        "users", "sync", "-", "--from", "clerk", "--yes", stdin='{"id":"user_1","email_addresses":[]}\n'
    ),
    "users suspend": prepared("users", "suspend", "ada@example.com", "--reason", "chargeback", "--yes"),
    "models create": given_in_company(
        "sk-secret", "models", "create", "GPT-4o", "--provider", "openai", "--model-id", "gpt-4o", "--api-key-stdin"
    ),
    "models delete": in_company("models", "delete", "mini", "--confirm", "test"),
    "models update": given_in_company("sk-secret", "models", "update", "mini", "--api-key-stdin", "--yes"),
    "workflows archive": in_company("workflows", "archive", "nightly", "--yes"),
    "workflows create": given_in_company(
        '{"nodes": [{"id": "a", "type": "http"}]}', "workflows", "create", "Weekly", "--team", "engines", "--file", "-"
    ),
    "workflows delete": in_company("workflows", "delete", "nightly", "--yes"),
    "workflows pause": in_company("workflows", "pause", "nightly", "--yes"),
    "workflows restore": in_company("workflows", "restore", "forgotten"),
    "workflows resume": in_company("workflows", "resume", "dormant"),
    "workflows rollback": in_company("workflows", "rollback", "nightly", "--to", "1", "--yes"),
    "workflows schedules add": in_company("workflows", "schedules", "add", "nightly", "30 9 * * *"),
    "workflows schedules remove": in_company("workflows", "schedules", "remove", SCHEDULE, "--yes"),
    "workflows schedules update": in_company("workflows", "schedules", "update", SCHEDULE, "--cron", "0 8 * * *"),
    "workflows triggers add": given_in_company(
        '{"secret": "x"}', "workflows", "triggers", "add", "nightly", "webhook", "--config-stdin"
    ),
    "workflows triggers remove": in_company("workflows", "triggers", "remove", TRIGGER, "--yes"),
    "workflows triggers update": in_company("workflows", "triggers", "update", TRIGGER, "--inactive", "--yes"),
    "workflows update": given_in_company(
        '{"settings": {"retries": 4}}', "workflows", "update", "nightly", "--file", "-", "--notes", "once more"
    ),
}


def test_no_changing_command_is_forgotten() -> None:
    assert sorted([*PREPARATIONS, *ELSEWHERE]) == CHANGING
    for file in ELSEWHERE.values():
        assert "dry" in (Path(__file__).parent.parent.parent / file).read_text()


def without_ids_and_times(text: str, database: Database) -> str:
    return TIMES.sub("TIME", UUIDS.sub("ID", text)).replace(database.name, "DATABASE")


@pytest.mark.parametrize("path", PREPARATIONS)
def test_a_dry_run_answers_the_same_and_changes_nothing(
    path: str, cluster: Cluster, template: Database, engines: Database, tmp_path: Path
) -> None:
    prepare = PREPARATIONS[path]
    database = cluster.database((engines if prepare in IN_COMPANY else template).name)
    argv, stdin = prepare(database, tmp_path)
    mark, roles_before = database.mark(), roles(database)

    dry = run([*argv, "--dry-run", "-o", "json"], database.environ, stdin=stdin)
    assert dry.code == 0, dry.err
    assert database.written_since(mark) == []
    assert roles(database) == roles_before

    before = "" if "would" in dry.err else database.dump()
    real = run([*argv, "-o", "json"], database.environ, stdin=stdin)
    assert real.code == 0, real.err
    assert comparable(dry, database) == comparable(real, database)
    assert "would" in dry.err or database.dump() == before
    cluster.drop(database)


def comparable(result: Result, database: Database) -> str:
    return without_ids_and_times(result.out, database)


def roles(database: Database) -> list[tuple[object, ...]]:
    """Roles belong to the cluster, and no dump of a database holds them."""
    return database.rows(
        "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE %s ORDER BY 1", f"%_{database.name}"
    )
