"""Agents: values, codes, streams, the row in the audit, what the triggers make, and that undo takes all of it back."""

from pathlib import Path

import psycopg
import pytest

from tests.agents.helpers import company, instances, spec, versions
from tests.conftest import Agentadm
from tests.operations.processes import finish, start, wait_for_lock
from tests.outcomes import audited, done, refused, undo
from tests.support import Database


@pytest.fixture(autouse=True)
def engines(database: Database, agentadm: Agentadm) -> None:
    company(database, agentadm)


@pytest.fixture
def scribe(agentadm: Agentadm, tmp_path: Path) -> str:
    """An agent of the team Engines, with a specification."""
    argv = ["Scribe", "--team", "engines", "--handle", "Night_Scribe", "--tool", "search", "--tool", "mail"]
    done(agentadm("agents", "create", *argv, "--spec-file", spec(tmp_path, "# Scribe\n\nWrites.\n"), "-o", "json"))
    return "engines/scribe"


# ------------------------------------------------------------------------------------------------------------- create


def test_create_keeps_what_was_given(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    made = done(
        agentadm(
            "agents", "create", "Ålpha Scribe", "--team", "engines", "--handle", "@Alpha", "--description", "Writes",
            "--spec-file", spec(tmp_path, "# A\r\n"), "--tool", "search", "--tool", "search", "--model", "gpt-4o",
            "--temperature", "0.25", "--max-iterations", "3", "--max-execution-time", "9", "--created-by", "grace",
            "--notes", "the first", "-o", "json",
        )
    )  # fmt: skip
    assert (made["team"], made["slug"], made["handle"], made["agent_type"]) == (
        "engines",
        "alpha-scribe",
        "Alpha",
        "team",
    )
    assert (made["status"], made["spec_version"], made["spec_content"]) == ("draft", 1, "# A\r\n")
    assert (made["tools"], made["llm_provider"], made["model_name"]) == (["search"], "openai", "gpt-4o")
    assert (made["temperature"], made["max_iterations"], made["max_execution_time"]) == ("0.25", 3, 9)
    assert made["instances"] == 0
    assert audited(database, "agents create") == [
        ("agents", "insert", "statement"), ("agent_versions", "insert", "trigger"),
    ]  # fmt: skip
    [version] = done(agentadm("agents", "versions", "@alpha", "-o", "json"))
    assert (version["version"], version["current"], version["changed_by"]) == (1, True, "grace@example.com")
    assert version["change_notes"] == "the first"


def test_a_new_agent_has_the_defaults_of_its_team(agentadm: Agentadm) -> None:
    made = done(agentadm("agents", "create", "Plain", "--team", "engines", "-o", "json"))
    assert (made["llm_provider"], made["model_name"], made["temperature"]) == ("openai", "gpt-4o-mini", "0.70")
    assert (made["max_iterations"], made["max_execution_time"]) == (15, 120)
    done(agentadm("teams", "update", "engines", "--default-llm-provider", "anthropic", "-o", "json"))
    refused(agentadm("agents", "create", "Other", "--team", "engines"), 2, "'anthropic' has no model", "--model")
    other = done(agentadm("agents", "create", "Other", "--team", "engines", "--model", "m", "-o", "json"))
    assert (other["llm_provider"], other["model_name"]) == ("anthropic", "m")


def test_a_personal_agent_has_an_instance_from_the_beginning(database: Database, agentadm: Agentadm) -> None:
    made = done(agentadm("agents", "create", "Diary", "--user", "ada", "-o", "json"))
    assert (made["agent_type"], made["team"][:9], made["instances"]) == ("personal", "personal-", 1)
    assert instances(database) == [("own", "provisioning", None)]
    assert audited(database, "agents create") == [
        ("teams", "insert", "statement"), ("team_members", "insert", "statement"),
        ("agents", "insert", "statement"), ("agent_versions", "insert", "trigger"),
        ("agent_instances", "insert", "trigger"),
    ]  # fmt: skip
    assert undo(database, agentadm, "agents create").code == 0
    assert database.value("SELECT count(*) FROM agentadm.agents") == 0
    assert (instances(database), versions(database, "diary")) == ([], [])
    assert database.value("SELECT count(*) FROM agentadm.teams WHERE personal_of IS NOT NULL") == 0


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["X"], 2, "give --team TEAM, or --user USER"),
        (["X", "--team", "engines", "--user", "ada"], 2, "give --team TEAM, or --user USER"),
        (["X", "--team", "nothing"], 5, "no team 'nothing'"),
        (["X", "--user", "nobody"], 5, "no user 'nobody'"),
        (["!!!", "--team", "engines"], 2, "--slug"),
        (["X", "--team", "engines", "--slug", "No Slug"], 2, "is no slug"),
        (["", "--team", "engines", "--slug", "x"], 2, "is no name"),
        (["X", "--team", "engines", "--handle", "no-handle"], 2, "'no-handle' is no handle"),
        (["X", "--team", "engines", "--handle", "a" * 65], 2, "is no handle"),
        (["X", "--team", "engines", "--handle", ""], 2, "'' is no handle"),
        (["X", "--team", "engines", "--temperature", "2.01"], 2, "'2.01' is no temperature"),
        (["X", "--team", "engines", "--temperature", "0.123"], 2, "'0.123' is no temperature"),
        (["X", "--team", "engines", "--temperature", "nan"], 2, "is no temperature"),
        (["X", "--team", "engines", "--temperature", "1e0"], 2, "is no temperature"),
        (["X", "--team", "engines", "--max-iterations", "0"], 2, "--max-iterations"),
        (["X", "--team", "engines", "--type", "robot"], 2, "'robot' is not known"),
        (["X", "--team", "engines", "--contact-phone", "12345"], 2, "country's code"),
        (["X", "--team", "engines", "--contact-email", "nobody"], 2, "'nobody' reaches nobody"),
        (["X", "--team", "engines", "--spec-file", "/nonexistent/x.md"], 2, "cannot be read: No such file"),
        (["X", "--team", "engines", "--created-by", "nobody"], 5, "no user 'nobody'"),
        (["X", "--team", "engines", "--type", "work"], 6, "team engines may have 0 work agents"),
    ],
)
def test_create_refuses(database: Database, agentadm: Agentadm, argv: list[str], code: int, told: str) -> None:
    refused(agentadm("agents", "create", *argv), code, told)
    assert database.value("SELECT count(*) FROM agentadm.agents") == 0


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\x00b", b"x" * (512 * 1024 + 1)])
def test_a_specification_is_text_of_some_length(agentadm: Agentadm, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.md"
    file.write_bytes(content)
    refused(agentadm("agents", "create", "X", "--team", "engines", "--spec-file", str(file)), 2)


def test_a_specification_comes_from_stdin(agentadm: Agentadm) -> None:
    argv = ["agents", "create", "X", "--team", "engines", "--spec-file", "-", "-o", "json"]
    assert done(agentadm(*argv, stdin="# X\n"))["spec_content"] == "# X\n"
    refused(agentadm("agents", "update", "-", "--spec-file", "-", stdin="engines/x\n"), 2, "read once only")


@pytest.mark.usefixtures("scribe")
def test_slugs_and_handles_are_taken_once_also_by_the_deleted(agentadm: Agentadm) -> None:
    refused(agentadm("agents", "create", "scribe", "--team", "engines"), 6, "is taken by agent engines/scribe")
    other = ["agents", "create", "Scribe", "--team", "compilers", "--handle"]
    refused(agentadm(*other, "NIGHT_SCRIBE"), 6, "the handle @NIGHT_SCRIBE is taken by agent engines/scribe")
    assert agentadm("agents", "delete", "@night_scribe", "--yes").code == 0
    refused(agentadm(*other, "night_scribe"), 6, "is taken by deleted agent engines/scribe")
    refused(agentadm("agents", "create", "Scribe", "--team", "engines"), 6, "is taken by deleted agent engines/scribe")
    assert agentadm(*other, "day_scribe").code == 0
    refused(agentadm("agents", "update", "@day_scribe", "--handle", "Night_scribe"), 6, "by deleted agent")
    assert agentadm("agents", "update", "@day_scribe", "--handle", "DAY_scribe").code == 0


def test_if_not_exists_answers_with_the_one_that_is_there(agentadm: Agentadm, scribe: str) -> None:
    there = agentadm("agents", "show", scribe, "-o", "json").json
    argv = ["agents", "create", "scribe", "--team", "engines", "--if-not-exists", "--model", "other", "-o", "json"]
    again = agentadm(*argv)
    assert done(again) == there
    assert "the agent that is there has another name, model_name: left as it is" in again.err


# ------------------------------------------------------------------------------------------------------- find and list


def test_show_finds_an_agent_by_every_reference(agentadm: Agentadm, scribe: str) -> None:
    key = agentadm("agents", "show", scribe, "-o", "json").json["id"]
    for reference in ("ENGINES/Scribe", "@night_scribe", "@NIGHT_SCRIBE", key, key[-8:], "scribe"):
        assert done(agentadm("agents", "show", reference, "-o", "json"))["id"] == key
    assert agentadm("agents", "create", "Scribe", "--team", "compilers").code == 0
    refused(agentadm("agents", "show", "scribe"), 6, "is ambiguous", "engines/scribe", "compilers/scribe")
    refused(agentadm("agents", "show", "engines/scrbe"), 5, "did you mean")
    refused(agentadm("agents", "show", "@night_scrib"), 5, "did you mean '@Night_Scribe'?")
    for nothing in ("engines/", "/scribe", "@", "compilers/nothing"):
        refused(agentadm("agents", "show", nothing), 5, "team/slug")
    assert agentadm("agents", "delete", scribe, "--yes").code == 0
    refused(agentadm("agents", "show", "engines/scribe"), 5, "is deleted: look with --deleted")
    assert done(agentadm("agents", "show", scribe, "--deleted", "-o", "json"))["deleted_at"] is not None


@pytest.mark.usefixtures("scribe")
def test_list_keeps_what_is_asked_for(database: Database, agentadm: Agentadm) -> None:
    for argv in (["Weaver", "--team", "compilers", "--tool", "loom"], ["Diary", "--user", "ada", "--tool", "search"]):
        assert agentadm("agents", "create", *argv).code == 0
    assert agentadm("agents", "resume", "weaver").code == 0
    database.execute("UPDATE agentadm.agents SET last_run_at = '2026-10-01T00:00:00Z' WHERE slug = 'weaver'")

    def slugs(*argv: str) -> list[str]:
        return [agent["slug"] for agent in done(agentadm("agents", "list", "-o", "json", *argv))]

    assert slugs() == ["diary", "weaver", "scribe"]
    assert slugs("--sort", "slug") == ["diary", "scribe", "weaver"]
    assert slugs("--sort", "-last_run_at")[0] == "weaver"
    assert slugs("--team", "engines") == ["scribe"]
    assert slugs("--status", "active") == ["weaver"]
    assert slugs("--type", "personal") == ["diary"]
    assert slugs("--tool", "search") == ["diary", "scribe"]
    assert slugs("--tool", "search", "--team", "engines") == ["scribe"]
    assert slugs("--where", "handle~night") == ["scribe"]
    assert slugs("--where", "team~ENGIN") == ["scribe"]
    assert slugs("--deleted") == []
    refused(agentadm("agents", "list", "--where", "contact_phone="), 2, "contact_phone")
    refused(agentadm("agents", "list", "--sort", "name"), 2, "it has no index")
    whole = agentadm("agents", "list", "--all", "-o", "csv", "--columns", "team,slug,status", "--sort", "slug")
    assert whole.out.splitlines()[2:] == ["engines,scribe,draft", "compilers,weaver,active"]


@pytest.mark.parametrize("output", [["csv", "--exact"], ["jsonl"], ["json"]])
@pytest.mark.usefixtures("scribe")
def test_what_the_database_writes_is_what_pages_say(database: Database, agentadm: Agentadm, output: list[str]) -> None:
    assert agentadm("agents", "create", 'Quote " and, comma', "--user", "ada", "--slug", "q").code == 0
    argv = ["agents", "list", "-o", *output]
    whole = finish(start(*argv, "--all", environ=database.environ))
    assert (whole.code, whole.out) == (0, agentadm(*argv).out)


def test_a_team_that_is_just_being_deleted_gets_no_agent(database: Database) -> None:
    with database.connect() as deleter:
        deleter.execute("UPDATE agentadm.teams SET deleted_at = agentadm.now() WHERE slug = 'engines'")
        process = start("agents", "create", "X", "--team", "engines", "--wait", "60", environ=database.environ)
        wait_for_lock(database)
        deleter.commit()
    refused(finish(process), 5, "team engines was just deleted")
    assert database.value("SELECT count(*) FROM agentadm.agents") == 0


@pytest.mark.usefixtures("scribe")
def test_references_are_completed(database: Database) -> None:
    from platform_core.config import Settings
    from platform_core.db.candidates import candidates

    def of(start: str) -> list[str]:
        return [value for value, _ in candidates(Settings(database.environ, None), "agents", start, seconds=30)]

    assert of("") == ["@night_scribe", "engines/scribe"]
    assert of("@NI") == ["@night_scribe"]
    assert of("eng") == of("engines/") == of("engines/sc") == ["engines/scribe"]
    assert of("engines/x") == []


@pytest.mark.usefixtures("scribe")
def test_search_reads_name_description_and_specification(agentadm: Agentadm) -> None:
    argv = ["Weaver", "--team", "compilers", "--description", "weaves silk; writes nothing", "--tool", "loom"]
    assert agentadm("agents", "create", *argv).code == 0

    def found(*argv: str) -> list[str]:
        return [agent["slug"] for agent in done(agentadm("agents", "search", *argv, "-o", "json"))]

    assert found("WRITES") == ["weaver", "scribe"]
    assert found("silk") == ["weaver"]
    assert found("writes -silk") == ["scribe"]
    assert found('"writes nothing"') == ["weaver"]
    assert found("silk or scribe") == ["weaver", "scribe"]
    assert found("writes", "--tool", "loom") == ["weaver"]
    assert found("writes", "--team", "engines") == ["scribe"]
    assert found("'; DROP TABLE") == []


def test_search_uses_its_index(database: Database) -> None:
    from sqlalchemy.dialects import postgresql

    from platform_core.agents import queries
    from platform_core.listing.queries import base_statement

    filters = queries.list_filters(team_id=None, status=None, agent_type=None, tool=None, search="silk", deleted=False)
    statement = base_statement(queries.LIST, filters).compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
        compile_kwargs={"literal_binds": True},
    )
    database.execute(
        "INSERT INTO agentadm.agents (team_id, name, slug) SELECT t.id, 'n' || n, 'n' || n FROM agentadm.teams t,"
        " generate_series(1, 3000) n WHERE t.slug = 'engines'"
    )
    with database.connect(autocommit=True) as connection:
        connection.execute("ANALYZE agentadm.agents")
        plan = connection.execute(f"EXPLAIN {statement}".encode()).fetchall()
    assert any("agents_search_idx" in line for (line,) in plan), plan


def test_as_user_sees_only_what_that_user_may(agentadm: Agentadm, scribe: str) -> None:
    assert agentadm("agents", "create", "Shop", "--team", "engines", "--type", "catalog").code == 0
    assert agentadm("agents", "resume", "shop").code == 0
    seen = done(agentadm("agents", "list", "--as-user", "grace", "-o", "json"))
    assert [(agent["slug"], agent["team"]) for agent in seen] == [("shop", None)]
    refused(agentadm("agents", "show", scribe, "--as-user", "grace"), 5)
    assert done(agentadm("agents", "show", scribe, "--as-user", "ada", "-o", "json"))["slug"] == "scribe"


# ------------------------------------------------------------------------------------------------------------- update


def test_update_sets_clears_and_refuses(database: Database, agentadm: Agentadm, scribe: str) -> None:
    argv = ["--name", "Author", "--slug", "author", "--handle", "author", "--tool", "pen", "--temperature", "1"]
    changed = done(agentadm("agents", "update", scribe, *argv, "--provider", "groq", "--model", "llama", "-o", "json"))
    assert (changed["name"], changed["slug"], changed["handle"], changed["tools"]) == (
        "Author", "author", "author", ["pen"],
    )  # fmt: skip
    assert (changed["temperature"], changed["llm_provider"], changed["spec_version"]) == ("1.00", "groq", 1)
    cleared = done(agentadm("agents", "update", "author", "--clear", "handle", "--clear", "tools", "-o", "json"))
    assert (cleared["handle"], cleared["tools"]) == (None, [])
    refused(agentadm("agents", "update", "author"), 2, "nothing to change was named")
    refused(agentadm("agents", "update", "author", "--clear", "name"), 2, "--clear 'name'", "handle")
    refused(agentadm("agents", "update", "author", "--notes", "why", "--name", "x"), 2, "--spec-file")
    refused(agentadm("agents", "update", "author", "--type", "personal"), 6, "cannot become personal")
    assert done(agentadm("agents", "update", "author", "--type", "catalog", "-o", "json"))["agent_type"] == "catalog"
    before = audited(database, "agents update")
    assert "nothing to change" in agentadm("agents", "update", "author", "--name", "Author", "--temperature", "1.0").err
    assert audited(database, "agents update") == before


def test_a_work_agent_becomes_personal_within_the_limits(database: Database, agentadm: Agentadm) -> None:
    done(agentadm("agents", "create", "Desk", "--user", "ada", "--type", "work", "-o", "json"))
    database.execute("UPDATE agentadm.limit_overrides SET value = 0 WHERE limit_name = 'max_personal_agents'")
    refused(agentadm("agents", "update", "desk", "--type", "personal"), 6, "may have 0 personal agents")
    database.execute("UPDATE agentadm.limit_overrides SET value = 1 WHERE limit_name <> 'max_work_agents'")
    assert done(agentadm("agents", "update", "desk", "--type", "personal", "-o", "json"))["instances"] == 1


def test_several_agents_at_once_stand_alone(agentadm: Agentadm, scribe: str) -> None:
    assert agentadm("agents", "create", "Weaver", "--team", "compilers").code == 0
    result = agentadm("agents", "resume", "-", "-o", "json", stdin=f"{scribe}\nnobody\nweaver\n")
    assert result.code == 7
    assert [item["status"] for item in result.json] == ["done", "failed", "done"]
    result = agentadm("agents", "pause", scribe, "nobody", "--atomic", "--yes", "-o", "json")
    assert result.code == 5
    assert agentadm("agents", "show", scribe, "-o", "json").json["status"] == "active"


def test_update_is_undone(database: Database, agentadm: Agentadm, scribe: str) -> None:
    before = agentadm("agents", "show", scribe, "-o", "json").json
    argv = ["--name", "Author", "--slug", "author", "--handle", "author", "--clear", "tools", "--temperature", "1"]
    assert agentadm("agents", "update", scribe, *argv).code == 0
    assert undo(database, agentadm, "agents update").code == 0
    after = agentadm("agents", "show", scribe, "-o", "json").json
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


# ------------------------------------------------------------------------------------------------------------- states


def test_states_follow_their_edges(agentadm: Agentadm, scribe: str) -> None:
    refused(
        agentadm("agents", "pause", scribe, "--yes"), 6,
        "agent engines/scribe is draft, and cannot become paused", "from draft it can become: active, archived",
    )  # fmt: skip
    for verb, status in (
        ("resume", "active"), ("pause", "paused"), ("resume", "active"), ("archive", "archived"), ("resume", "active"),
    ):  # fmt: skip
        assert done(agentadm("agents", verb, scribe, "--yes", "-o", "json"))["status"] == status
    assert "nothing to change" in agentadm("agents", "resume", scribe).err
    assert agentadm("agents", "archive", scribe, "--yes").code == 0
    refused(agentadm("agents", "pause", scribe, "--yes"), 6, "from archived it can become: active")


def test_the_edges_are_those_of_the_trigger(database: Database, agentadm: Agentadm, scribe: str) -> None:
    from platform_core.agents.types import EDGES, AgentStatus

    for before in AgentStatus:
        for after in AgentStatus:
            legal = after in EDGES[before] or after is before
            with database.connect() as connection:
                connection.execute("ALTER TABLE agentadm.agents DISABLE TRIGGER check_status_edge")
                connection.execute("UPDATE agentadm.agents SET status = %s", [before.value])
                connection.execute("ALTER TABLE agentadm.agents ENABLE TRIGGER check_status_edge")
                try:
                    connection.execute("UPDATE agentadm.agents SET status = %s", [after.value])
                    accepted = True
                except psycopg.errors.IntegrityConstraintViolation:
                    accepted = False
                connection.rollback()
            assert accepted is legal, (before, after)


def test_pause_is_undone_over_any_edge(database: Database, agentadm: Agentadm, scribe: str) -> None:
    assert agentadm("agents", "resume", scribe).code == 0
    assert undo(database, agentadm, "agents resume").code == 0
    assert agentadm("agents", "show", scribe, "-o", "json").json["status"] == "draft"
    assert agentadm("agents", "resume", scribe).code == 0
    assert agentadm("agents", "pause", scribe, "--yes").code == 0
    assert undo(database, agentadm, "agents pause").code == 0
    assert agentadm("agents", "show", scribe, "-o", "json").json["status"] == "active"


# --------------------------------------------------------------------------------------------------- delete and restore


def test_restore_brings_back_exactly_the_instances_that_went(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("agents", "create", "Diary", "--user", "ada").code == 0
    database.execute("UPDATE agentadm.agent_instances SET status = 'running'")
    database.execute(
        "INSERT INTO agentadm.agent_instances (user_id, agent_id, origin, status)"
        " SELECT u.id, a.id, 'hire', 'destroyed' FROM agentadm.agents a, agentadm.users u WHERE u.username = 'grace'"
    )
    before = instances(database)
    gone = done(agentadm("agents", "delete", "diary", "--yes", "-o", "json"))
    assert (gone["deleted_at"] is not None, gone["instances"]) == (True, 0)
    assert instances(database) == [("own", "destroyed", "running"), ("hire", "destroyed", None)]
    assert audited(database, "agents delete") == [
        ("agents", "update", "statement"), ("agent_instances", "update", "trigger"),
    ]  # fmt: skip
    back = done(agentadm("agents", "restore", "diary", "-o", "json"))
    assert (back["deleted_at"], back["instances"]) == (None, 1)
    assert instances(database) == before
    refused(agentadm("agents", "restore", "diary"), 5, "is not deleted")


def test_delete_is_undone_with_the_instances(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("agents", "create", "Diary", "--user", "ada").code == 0
    before = instances(database)
    assert agentadm("agents", "delete", "diary", "--yes").code == 0
    assert undo(database, agentadm, "agents delete").code == 0
    assert instances(database) == before
    assert database.value("SELECT personal_agent_count FROM agentadm.teams WHERE personal_of IS NOT NULL") == 1
    assert agentadm("agents", "delete", "diary", "--yes").code == 0
    assert agentadm("agents", "restore", "diary").code == 0
    assert undo(database, agentadm, "agents restore").code == 0
    assert instances(database) == [("own", "destroyed", "provisioning")]


def test_restore_asks_the_limits_and_the_team_again(database: Database, agentadm: Agentadm, scribe: str) -> None:
    assert agentadm("agents", "create", "Diary", "--user", "ada").code == 0
    assert agentadm("agents", "delete", "diary", scribe, "--yes").code == 0
    database.execute("UPDATE agentadm.limit_overrides SET value = 0 WHERE limit_name = 'max_total_agents'")
    refused(agentadm("agents", "restore", "diary"), 6, "may have 0 personal and work agents together", "limits set")
    assert agentadm("teams", "update", "engines", "--max-agents", "0").code == 0
    refused(agentadm("agents", "restore", scribe), 6, "team engines has 0 agents, and max_agents is 0")
    assert agentadm("teams", "delete", "engines", "--yes").code == 0
    refused(
        agentadm("agents", "restore", scribe), 6, "team engines of agent engines/scribe is deleted", "teams restore"
    )


# ------------------------------------------------------------------------------------------------------------ contacts

PHONE = "+49 30 1234567"


def test_contacts_are_encrypted_masked_and_revealed_on_record(database: Database, agentadm: Agentadm) -> None:
    argv = ["Desk", "--team", "engines", "--contact-phone", PHONE, "--contact-email", "desk@example.com"]
    made = agentadm("agents", "create", *argv, "-o", "json")
    assert (done(made)["contact_phone"], made.json["contact_email"], made.json["contact_whatsapp"]) == (
        "***",
        "***",
        None,
    )
    stored = database.value("SELECT contact_phone FROM agentadm.agents")
    assert stored.startswith("1:gAAAA")
    assert PHONE not in database.dump()
    assert "desk@example.com" not in database.dump()
    assert database.value(
        "SELECT arguments ->> 'contact_phone' FROM agentadm.operations WHERE command = 'agents create'"
    )
    shown = agentadm("agents", "show", "desk", "-o", "json")
    assert (shown.json["contact_phone"], PHONE in shown.out + shown.err) == ("***", False)
    revealed = agentadm("agents", "show", "desk", "--reveal", "--reason", "call back", "-o", "json")
    assert (done(revealed)["contact_phone"], revealed.json["contact_email"]) == (PHONE, "desk@example.com")
    assert "on record as operation" in revealed.err
    assert database.rows("SELECT reason FROM agentadm.operations WHERE command = 'agents show'") == [("call back",)]


def test_a_contact_is_changed_only_when_it_is_another(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("agents", "create", "Desk", "--team", "engines", "--contact-phone", PHONE).code == 0
    assert "nothing to change" in agentadm("agents", "update", "desk", "--contact-phone", PHONE).err
    assert agentadm("agents", "update", "desk", "--contact-phone", "+49 30 7654321").code == 0
    refused(undo(database, agentadm, "agents update"), 6)
    cleared = done(agentadm("agents", "update", "desk", "--clear", "contact_phone", "-o", "json"))
    assert cleared["contact_phone"] is None


def test_a_key_of_two_calls_tells_contacts_apart(agentadm: Agentadm) -> None:
    argv = ["agents", "create", "Desk", "--team", "engines", "--idempotency-key", "k", "-o", "json", "--contact-phone"]
    assert agentadm(*argv, PHONE).json == agentadm(*argv, PHONE).json
    refused(agentadm(*argv, "+49 30 7654367"), 6, "was used for other inputs")


def test_nothing_but_reveal_needs_the_key_material(agentadm: Agentadm) -> None:
    assert agentadm("agents", "create", "Desk", "--team", "engines", "--contact-phone", PHONE).code == 0
    without = {"AGENTADM_KEY_MATERIAL": ""}
    assert done(agentadm("agents", "show", "desk", "-o", "json", env=without))["contact_phone"] == "***"
    refused(agentadm("agents", "show", "desk", "--reveal", "-o", "table", env=without), 2)
    refused(agentadm("agents", "create", "Other", "--team", "engines", "--contact-phone", PHONE, env=without), 2)
