"""Workflows: values, codes, streams, the row in the audit, and the rules that the database keeps."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from platform_core.workflows.types import EDGES, WorkflowStatus
from tests.agents_support import make_run
from tests.conftest import Agentadm
from tests.operations.processes import at_once
from tests.outcomes import audited, done, refused, undo
from tests.support import Database, run
from tests.workflows.helpers import GRAPH, company, create, update, versions


@pytest.fixture(autouse=True)
def engines(database: Database, agentadm: Agentadm) -> None:
    company(database, agentadm)


# -------------------------------------------------------------------------------------------------------------- create


def test_create_keeps_all_that_the_file_has(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(GRAPH))
    made = done(create(
        agentadm, "Nightly report", "--file", str(file), "--description", "Every night", "--category", "Reports",
        "--tag", "night", "--tag", "report", "--tag", "night", "--public", "--created-by", "grace", "--notes", "first",
    ))  # fmt: skip
    assert (made["team"], made["user"], made["status"], made["is_active"]) == (
        "engines", "grace@example.com", "draft", False,
    )  # fmt: skip
    assert {part: made[part] for part in GRAPH} == GRAPH
    assert (made["tags"], made["category"], made["is_public"], made["version"]) == (
        ["night", "report"],
        "Reports",
        True,
        1,
    )
    assert [row[1:] for row in versions(database)] == [tuple(GRAPH.values())]
    assert audited(database, "workflows create") == [
        ("workflows", "insert", "statement"), ("workflow_versions", "insert", "trigger"),
    ]  # fmt: skip
    shown = agentadm("workflows", "show", "NIGHTLY REPORT", "-o", "json", "--columns", "nodes,connections,settings")
    assert done(create(agentadm, "Copy", graph=shown.out))["nodes"] == GRAPH["nodes"]


def test_a_user_has_them_in_the_personal_team(database: Database, agentadm: Agentadm) -> None:
    made = done(create(agentadm, "Mine", "--user", "grace"))
    assert (made["user"], made["nodes"], made["connections"], made["settings"]) == ("grace@example.com", [], [], {})
    assert database.value("SELECT personal_of IS NOT NULL FROM agentadm.teams WHERE slug = %s", made["team"]) is True
    refused(agentadm("workflows", "create", "X"), 2, "--team TEAM, or --user USER")
    refused(create(agentadm, "X", "--user", "ada", "--team", "engines"), 2, "--team TEAM, or --user USER")
    refused(create(agentadm, "X", "--team", "nothing"), 5, "no team 'nothing'")
    refused(create(agentadm, "bad\x07name"), 2, "is no name")
    refused(create(agentadm, "X", "--tag", " "), 2, "--tag ' '")


NODE = {"id": "a", "type": "http"}


@pytest.mark.parametrize(
    ("graph", "told"),
    [
        ("nodes", "that is not JSON: Expecting value: line 1"),
        ("[]", "is a JSON object"),
        ("{}", "none of nodes, connections, settings"),
        ({"edges": []}, "'edges' is nothing that a workflow has"),
        ({"node": []}, "did you mean 'nodes'?"),
        ({"nodes": {}}, "nodes: Expected array, got object"),
        ({"nodes": [1]}, "nodes[0]: Expected object, got int"),
        ({"nodes": [NODE, {"type": "x"}]}, "nodes[1]: Object missing required field id"),
        ({"nodes": [{"id": 1, "type": "x"}]}, "nodes[0].id: Expected str, got int"),
        ({"nodes": [{"id": "a", "type": ""}]}, "nodes[0].type: Expected str of length >= 1"),
        ({"nodes": [{**NODE, "position": {"x": 1, "y": "2"}}]}, "nodes[0].position.y: Expected float, got str"),
        ({"nodes": [{**NODE, "position": {"x": 1}}]}, "nodes[0].position: Object missing required field y"),
        ({"nodes": [{**NODE, "data": []}]}, "nodes[0].data: Expected object | null, got array"),
        ({"nodes": [{**NODE, "name": 3}]}, "nodes[0].name: Expected str | null, got int"),
        ({"nodes": [NODE, {"id": "b", "type": "x"}, NODE]}, "nodes[2].id: 'a' is the id of nodes[0], too"),
        ({"nodes": [NODE], "connections": [{"source": "a"}]}, "connections[0]: Object missing required field target"),
        ({"nodes": [NODE], "connections": [{"source": "a", "target": "n9"}]},
         "connections[0].target names the node 'n9', which is not there"),
        ({"connections": [{"source": "a", "target": "a"}]}, "there are no nodes"),
        ({"nodes": [NODE], "connections": [{"source": "a", "target": "a", "sourceHandle": 1}]},
         "connections[0].sourceHandle: Expected str | null"),
        ({"nodes": [NODE], "settings": []}, "settings: Expected object, got array"),
        ({"nodes": [{**NODE, "data": {"a": ["\0"]}}]}, "nodes[0].data.a[0] holds what is no text"),
        ('{"settings": {"a": "\\ud800"}}', "settings.a holds what is no text"),
        ('{"settings": {"a": NaN}}', "NaN is no number of JSON"),
        ('{"settings": {"a": 1e999}}', "1e999 is too large a number"),
        ('{"settings": ' + '{"a":' * 100_000 + "1" + "}" * 100_001, "JSON"),
    ],
)  # fmt: skip
def test_what_is_no_workflow_is_refused_and_says_where(
    database: Database, agentadm: Agentadm, graph: Any, told: str
) -> None:
    refused(create(agentadm, "X", graph=graph), 2, told)
    assert database.value("SELECT count(*) FROM agentadm.workflows") == 0


def test_a_loose_end_names_what_there_is(agentadm: Agentadm) -> None:
    nodes = [{"id": f"step{number}", "type": "x"} for number in range(12)]
    loose = {
        "nodes": nodes,
        "connections": [{"source": "step0", "target": "step1"}, {"source": "stepp3", "target": "x"}],
    }
    said = create(agentadm, "X", graph=loose)
    refused(said, 2, "connections[1].source names the node 'stepp3'", "did you mean 'step3'?", "known: step0, step1, ")
    assert "step11" not in said.err


def test_a_file_that_cannot_be_read(agentadm: Agentadm, tmp_path: Path) -> None:
    refused(create(agentadm, "X", "--file", str(tmp_path / "none.json")), 2, "cannot be read")
    refused(agentadm("workflows", "update", "-", "--file", "-", stdin="x"), 2, "standard input can be read once only")


# -------------------------------------------------------------------------------------------------------------- update


def test_update_replaces_what_is_named_and_leaves_the_rest(database: Database, agentadm: Agentadm) -> None:
    done(create(agentadm, "Report", "--category", "Old", "--tag", "a", graph=GRAPH))
    changed = done(
        update(agentadm, "report", {"settings": {"retries": 4}}, "--notes", "once more", "--changed-by", "grace")
    )
    assert (changed["version"], changed["settings"], changed["nodes"]) == (2, {"retries": 4}, GRAPH["nodes"])
    fewer = {"nodes": GRAPH["nodes"][:1]}
    refused(update(agentadm, "report", fewer), 2, "connections[0].target names the node 'n2'", "known: n1")
    plain = done(agentadm("workflows", "update", "report", "--name", "Weekly", "--category", "New", "-o", "json"))
    assert (plain["name"], plain["category"], plain["tags"], plain["version"]) == ("Weekly", "New", ["a"], 2)
    cleared = done(agentadm("workflows", "update", "weekly", "--clear", "category", "--clear", "tags", "-o", "json"))
    assert (cleared["category"], cleared["tags"]) == (None, [])
    before = audited(database, "workflows update")
    same = update(agentadm, "weekly", {"nodes": GRAPH["nodes"], "settings": {"retries": 4}})
    assert "nothing to change" in same.err
    assert audited(database, "workflows update") == before
    refused(agentadm("workflows", "update", "weekly"), 2, "nothing to change was named")
    refused(agentadm("workflows", "update", "weekly", "--notes", "x"), 2, "add --file")
    refused(agentadm("workflows", "update", "weekly", "--clear", "name"), 2, "description, category, tags")


def test_one_is_not_true(agentadm: Agentadm) -> None:
    done(create(agentadm, "Report", graph={"settings": {"a": 1}}))
    assert done(update(agentadm, "report", {"settings": {"a": True}}))["version"] == 2


def test_undo_of_create_and_update(database: Database, agentadm: Agentadm) -> None:
    done(create(agentadm, "Report", graph=GRAPH))
    done(update(agentadm, "report", {"settings": {}}, "--name", "Other"))
    assert undo(database, agentadm, "workflows update").code == 0
    shown = done(agentadm("workflows", "show", "report", "-o", "json"))
    assert (shown["version"], shown["settings"]) == (1, GRAPH["settings"])
    assert done(update(agentadm, "report", {"settings": {"b": 2}}))["version"] == 3
    # The versions that came later are a record of their own.
    refused(undo(database, agentadm, "workflows create"), 6, "workflow")


def test_undo_of_create_takes_the_version_along(database: Database, agentadm: Agentadm) -> None:
    done(create(agentadm, "Report", graph=GRAPH))
    assert undo(database, agentadm, "workflows create").code == 0
    refused(agentadm("workflows", "show", "report"), 5)
    assert versions(database) == []
    assert database.value("SELECT workflow_count FROM agentadm.teams WHERE slug = 'engines'") == 0


# ------------------------------------------------------------------------------------------------- references and lists


def test_references(agentadm: Agentadm) -> None:
    made = done(create(agentadm, "Nightly report"))
    for reference in ("nightly REPORT", made["id"], made["id"][-8:], f"…{made['id'][-8:]}"):
        assert done(agentadm("workflows", "show", reference, "-o", "json"))["id"] == made["id"]
    refused(agentadm("workflows", "show", "nightly repart"), 5, "did you mean 'engines/Nightly report'?")
    other = done(create(agentadm, "NIGHTLY report", "--team", "compilers"))
    refused(
        agentadm("workflows", "show", "nightly report"), 6, "is ambiguous",
        f"engines/Nightly report ({made['id']})", f"compilers/NIGHTLY report ({other['id']})", "whole id",
    )  # fmt: skip
    assert done(agentadm("workflows", "show", "Compilers/nightly report", "-o", "json"))["id"] == other["id"]
    slashed = done(create(agentadm, "in/out"))
    for reference in ("in/out", "engines/IN/out"):
        assert done(agentadm("workflows", "show", reference, "-o", "json"))["id"] == slashed["id"]
    refused(agentadm("workflows", "show", "engines/in/oot"), 5, "no workflow 'engines/in/oot'")
    several = agentadm("workflows", "show", made["id"], "none", "-o", "json")
    assert (several.code, [item["status"] for item in several.json]) == (7, ["done", "failed"])


def test_list_keeps_what_is_asked_for(agentadm: Agentadm) -> None:
    done(create(agentadm, "B", "--public", "--category", "Mail", "--tag", "x", "--tag", "y"))
    done(create(agentadm, "a", "--team", "compilers", "--created-by", "ada"))
    done(create(agentadm, "C", "--user", "ada"))
    assert agentadm("workflows", "resume", "B").code == 0

    def names(*argv: str) -> list[str]:
        return [row["name"] for row in done(agentadm("workflows", "list", *argv, "-o", "json"))]

    assert names() == ["C", "a", "B"]
    assert names("--sort", "name") == ["a", "B", "C"]
    assert names("--team", "compilers") == ["a"]
    assert names("--user", "ada") == ["C", "a"]
    assert (
        names("--status", "active") == names("--public") == names("--tag", "y") == names("--category", "Mail") == ["B"]
    )
    assert names("--private", "--sort", "-name") == ["C", "a"]
    assert names("--where", "name~b") == ["B"]
    assert names("--deleted") == []
    refused(agentadm("workflows", "list", "--status", "on"), 2, "'on'")
    lines = agentadm("workflows", "list", "--all", "-o", "csv", "--columns", "name,tags", "--tag", "x").out.splitlines()
    assert lines == ["name,tags", 'B,"[""x"", ""y""]"']
    assert names("--as-user", "grace@example.com") == ["a", "B"]


def test_runs_are_those_of_the_workflow(database: Database, agentadm: Agentadm) -> None:
    made = done(create(agentadm, "Report"))
    done(create(agentadm, "Other"))
    ada = str(database.value("SELECT id FROM agentadm.users WHERE username = 'ada'"))
    run = make_run(database, ada, made["team_id"], workflow_id=made["id"], status="queued")
    found = done(agentadm("workflows", "runs", "report", "-o", "json"))
    assert [(row["id"], row["workflow"], row["status"]) for row in found] == [(run, "Report", "queued")]
    assert done(agentadm("workflows", "runs", "report", "--status", "failed", "-o", "json")) == []
    assert done(agentadm("workflows", "runs", "other", "-o", "json")) == []
    refused(agentadm("workflows", "runs", "nothing"), 5)


# -------------------------------------------------------------------------------------------------------------- states


def test_the_edges_are_the_databases(database: Database) -> None:
    sql = (
        "SELECT tgargs FROM pg_trigger WHERE tgrelid = 'agentadm.workflows'::regclass AND tgname = 'check_status_edge'"
    )
    edges = json.loads(bytes(database.value(sql)).split(b"\0")[0])
    assert {state: [*follow] for state, follow in EDGES.items()} == edges
    assert set(EDGES) == set(WorkflowStatus)


def test_states_follow_their_edges(database: Database, agentadm: Agentadm) -> None:
    done(create(agentadm, "Report"))

    def moved(verb: str) -> tuple[str, bool]:
        shown = done(agentadm("workflows", verb, "report", "--yes", "-o", "json"))
        return shown["status"], shown["is_active"]

    refused(
        agentadm("workflows", "pause", "report", "--yes"), 6,
        "workflow engines/Report is draft, and cannot become paused", "from draft it can become: active, archived",
    )  # fmt: skip
    assert moved("resume") == ("active", True)
    assert "nothing to change" in agentadm("workflows", "resume", "report").err
    assert moved("pause") == ("paused", False)
    assert moved("resume") == ("active", True)
    assert moved("archive") == ("archived", False)
    assert undo(database, agentadm, "workflows archive").code == 0
    assert done(agentadm("workflows", "show", "report", "-o", "json"))["status"] == "active"
    assert moved("pause") == ("paused", False)
    assert undo(database, agentadm, "workflows pause").code == 0
    shown = done(agentadm("workflows", "show", "report", "-o", "json"))
    assert (shown["status"], shown["is_active"]) == ("active", True)


def test_delete_and_restore(database: Database, agentadm: Agentadm) -> None:
    done(create(agentadm, "Report", graph=GRAPH))
    gone = done(agentadm("workflows", "delete", "report", "--yes", "-o", "json"))
    assert gone["deleted_at"] is not None
    refused(agentadm("workflows", "show", "report"), 5, "engines/Report is deleted: look with --deleted")
    assert done(agentadm("workflows", "show", "report", "--deleted", "-o", "json"))["nodes"] == GRAPH["nodes"]
    assert database.value("SELECT workflow_count FROM agentadm.teams WHERE slug = 'engines'") == 0
    done(create(agentadm, "Report"))
    back = done(agentadm("workflows", "restore", gone["id"], "-o", "json"))
    assert (back["deleted_at"], back["version"]) == (None, 1)
    refused(agentadm("workflows", "restore", "report"), 5, "is not deleted")
    assert undo(database, agentadm, "workflows restore").code == 0
    assert agentadm("teams", "delete", "engines", "--yes").code == 0
    refused(agentadm("workflows", "restore", "report"), 6, "team engines is deleted", "agentadm teams restore engines")


# -------------------------------------------------------------------------------------------------------------- limits


def test_what_refuses_says_how_many_and_who_says_so(database: Database, agentadm: Agentadm) -> None:
    for number in range(5):
        done(create(agentadm, f"W{number}"))
        done(create(agentadm, f"M{number}", "--user", "ada"))
    refused(
        create(agentadm, "W6"), 6, "team engines may have 5 workflows (by the plan free), and has 5",
        "agentadm limits set --team engines --allow max_workflows=N",
    )  # fmt: skip
    refused(create(agentadm, "M6", "--user", "ada"), 6, "user ada@example.com may have 5 workflows")
    assert agentadm("workflows", "delete", "w0", "--yes").code == 0
    done(create(agentadm, "W6"))
    refused(agentadm("workflows", "restore", "w0"), 6, "may have 5 workflows")
    refused(undo(database, agentadm, "workflows delete"), 6, "5 workflows")
    argv = ["limits", "set", "--team", "engines", "--allow", "max_workflows=unlimited", "--reason", "trade fair"]
    assert agentadm(*argv).code == 0
    assert agentadm("workflows", "restore", "w0").code == 0


def test_sixteen_processes_make_exactly_five(database: Database, agentadm: Agentadm) -> None:
    database.execute("UPDATE agentadm.plans SET max_workflows = 0")
    database.execute(
        "INSERT INTO agentadm.limit_overrides (team_id, limit_name, value, reason)"
        " SELECT id, 'max_workflows', 5, 'trade fair' FROM agentadm.teams WHERE slug = 'engines'"
    )
    calls = [["workflows", "create", f"W{number}", "--team", "engines"] for number in range(16)]
    results = at_once(database, "SELECT FROM agentadm.teams WHERE slug = 'engines' FOR UPDATE", calls)
    assert sorted(result.code for result in results) == [0] * 5 + [6] * 11
    told = "team engines may have 5 workflows (by an override: trade fair), and has 5"
    assert all(told in result.err for result in results if result.code == 6)
    assert database.value("SELECT count(*) FROM agentadm.workflows WHERE deleted_at IS NULL") == 5
    assert database.value("SELECT workflow_count FROM agentadm.teams WHERE slug = 'engines'") == 5


def test_in_psql_too_there_are_no_more_and_no_loose_ends(database: Database, agentadm: Agentadm) -> None:
    insert = (
        "INSERT INTO agentadm.workflows (team_id, name, connections)"
        " SELECT id, 'x', %s FROM agentadm.teams WHERE slug = 'engines'"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="workflows_graph_check"):
        database.execute(insert, '[{"source": "a", "target": "b"}]')
    for _ in range(5):
        database.execute(insert, "[]")
    with pytest.raises(psycopg.errors.IntegrityError, match="may have 5 workflows"):
        database.execute(insert, "[]")


def test_completion_offers_the_living(database: Database, agentadm: Agentadm) -> None:
    for name in ("Nightly", "Night shift"):
        done(create(agentadm, name))
    assert agentadm("workflows", "delete", "night shift", "--yes").code == 0
    offered = run(["workflows", "show", "Ni"], {**database.environ, "_AGENTADM_COMPLETE": "zsh"})
    assert [line.partition("\t")[0] for line in offered.out.splitlines()] == ["Nightly"]
