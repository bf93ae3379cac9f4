"""Instances: what is wanted of them, which status follows which, and the row in the audit."""

import json
from itertools import product
from typing import Any

import psycopg
import pytest

from platform_core.db import candidates
from platform_core.instances.types import EDGES, InstanceStatus
from tests.agents_support import make_agent, make_instance, make_team, make_user
from tests.conftest import Agentadm
from tests.outcomes import audited, refused
from tests.support import Database, run

MACHINE = "148ed193b95028"


@pytest.fixture
def instance(database: Database) -> str:
    """Grace hired the scribe of Ada's team; it runs on a machine."""
    team = make_team(database, make_user(database, "ada"), "engines")
    agent = make_agent(database, team, "scribe")
    return make_instance(
        database, make_user(database, "grace"), agent, origin="hire", status="running", machine_id=MACHINE,
        metadata=json.dumps({"tier": "gold", "seat": 4}),
    )  # fmt: skip


def state(database: Database, key: str) -> Any:
    return database.value("SELECT status FROM agentadm.agent_instances WHERE id = %s", key)


def test_show_finds_an_instance_by_machine_id_and_ending(database: Database, agentadm: Agentadm, instance: str) -> None:
    database.execute(
        "INSERT INTO agentadm.ssh_configs (instance_id, name, vault_ref) VALUES (%s, 'root', 'vault://ssh/1')", instance
    )
    for reference in (MACHINE, instance, instance.upper(), instance[-8:], f"…{instance[-12:]}"):
        done = agentadm("instances", "show", reference, "-o", "json")
        assert done.code == 0, done.err
        assert done.json["id"] == instance
    assert (done.json["agent"], done.json["user"], done.json["origin"]) == (
        "engines/scribe",
        "grace@example.com",
        "hire",
    )
    assert done.json["ssh_configs"] == [{"name": "root", "vault_ref": "vault://ssh/1"}]
    refused(agentadm("instances", "show", "148ed193b95029"), 5, "no instance '148ed193b95029'", "machine's id")
    refused(agentadm("instances", "show", MACHINE[:-2]), 5)


def test_a_shell_completes_machines_and_what_has_none(
    database: Database, instance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "SECONDS", 10)
    user, agent = database.rows("SELECT user_id::text, agent_id::text FROM agentadm.agent_instances")[0]
    other = make_instance(database, user, agent, status="stopped")
    for start, offered in ((MACHINE[:5], f"{MACHINE}\trunning"), (other[:30], f"{other}\tstopped")):
        done = run(["instances", "stop", start], {**database.environ, "_AGENTADM_COMPLETE": "zsh"})
        assert (done.code, done.err) == (0, "")
        assert done.out.splitlines() == [offered]


def test_a_machine_that_was_used_twice_is_ambiguous(database: Database, agentadm: Agentadm, instance: str) -> None:
    user, agent = database.rows("SELECT user_id::text, agent_id::text FROM agentadm.agent_instances")[0]
    other = make_instance(database, user, agent, machine_id=MACHINE)
    refused(agentadm("instances", "stop", MACHINE, "--yes"), 6, "is ambiguous", instance, other, "provisioning")
    assert state(database, instance) == "running"


def test_list_keeps_what_is_asked_for(database: Database, agentadm: Agentadm, instance: str) -> None:
    team = database.value("SELECT id FROM agentadm.teams")
    ada = database.value("SELECT id FROM agentadm.users WHERE username = 'ada'")
    other = make_instance(database, ada, make_agent(database, team, "clerk"), status="stopped", region="fra")

    def listed(*argv: str) -> list[str]:
        done = agentadm("instances", "list", "-o", "json", *argv)
        assert done.code == 0, done.err
        return [each["id"] for each in done.json]

    assert listed() == [other, instance]
    assert listed("--sort", "created_at") == [instance, other]
    assert listed("--user", "grace") == listed("--status", "running") == listed("--origin", "hire") == [instance]
    assert listed("--agent", "engines/clerk") == listed("--where", "region=fra") == [other]
    assert listed("--until", "yesterday") == []
    refused(agentadm("instances", "list", "--user", "nobody"), 5, "no user 'nobody'")
    refused(agentadm("instances", "list", "--status", "asleep"), 2, "'asleep' is not known")
    csv = agentadm("instances", "list", "--all", "-o", "csv", "--columns", "agent,machine_id", "--sort", "id")
    assert csv.out.splitlines() == ["agent,machine_id", f"engines/scribe,{MACHINE}", "engines/clerk,"]


def test_stop_and_start_keep_the_times(database: Database, agentadm: Agentadm, instance: str) -> None:
    clock = {"AGENTADM_CLOCK": "2026-03-01T12:00:00Z"}
    stopped = agentadm("instances", "stop", MACHINE, "--yes", "-o", "json", env=clock).json
    assert (stopped["status"], stopped["stopped_at"], stopped["started_at"]) == (
        "stopped",
        "2026-03-01T12:00:00Z",
        None,
    )
    again = agentadm("instances", "stop", MACHINE, "--yes", "-o", "json")
    assert (again.json["stopped_at"], again.code) == ("2026-03-01T12:00:00Z", 0)
    assert "nothing to change" in again.err
    database.execute("UPDATE agentadm.agent_instances SET status = 'error', error_message = 'no such volume'")
    clock = {"AGENTADM_CLOCK": "2026-03-02T12:00:00Z"}
    started = agentadm("instances", "start", instance, "-o", "json", env=clock).json
    assert (started["status"], started["started_at"], started["error_message"]) == (
        "running",
        "2026-03-02T12:00:00Z",
        None,
    )
    assert started["stopped_at"] == "2026-03-01T12:00:00Z"
    became = "c.table_name, c.action, c.after ->> 'status'"
    assert audited(database, "instances stop", became) == [("agent_instances", "update", "stopped")]
    assert audited(database, "instances start", became) == [("agent_instances", "update", "running")]


def test_what_is_destroyed_is_final_and_undo_puts_the_row_back(
    database: Database, agentadm: Agentadm, instance: str
) -> None:
    refused(agentadm("instances", "destroy", MACHINE), 8, "--yes")
    stopped = agentadm("instances", "stop", MACHINE, "--yes", "-o", "json").json["stopped_at"]
    done = agentadm("instances", "destroy", MACHINE, "--yes", "-o", "json")
    # It had stopped before.
    assert (done.json["status"], done.json["stopped_at"]) == ("destroyed", stopped)
    for verb in ("start", "stop"):
        refused(agentadm("instances", verb, MACHINE, "--yes"), 6, f"instance {instance} is destroyed", "is final")
    refused(agentadm("instances", "configure", MACHINE, "--region", "fra"), 6, "is destroyed")
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = 'instances destroy'")
    assert agentadm("audit", "undo", str(operation), "--yes").code == 0
    assert state(database, instance) == "stopped"


def test_several_are_stopped_each_with_its_result(database: Database, agentadm: Agentadm, instance: str) -> None:
    user, agent = database.rows("SELECT user_id::text, agent_id::text FROM agentadm.agent_instances")[0]
    gone = make_instance(database, user, agent, status="destroyed")
    done = agentadm("instances", "stop", "-", "--yes", "-o", "json", stdin=f"{MACHINE}\n{gone}\n{instance}\nnobody99\n")
    assert done.code == 7
    assert [(each["status"], each["code"]) for each in done.json] == [
        ("done", 0), ("failed", 6), ("unchanged", 0), ("failed", 5),
    ]  # fmt: skip
    assert "names the same row" in done.json[2]["message"]


def test_configure_sets_merges_and_clears(database: Database, agentadm: Agentadm, instance: str) -> None:
    done = agentadm(
        "instances", "configure", MACHINE, "--display-name", "Charles", "--model", "gpt-4o", "--region", "fra",
        "--metadata", '{"seat": null, "desk": {"n": 1}}', "-o", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert (done.json["display_name"], done.json["model_preference"], done.json["region"]) == (
        "Charles",
        "gpt-4o",
        "fra",
    )
    assert done.json["metadata"] == {"tier": "gold", "desk": {"n": 1}}
    cleared = agentadm("instances", "configure", MACHINE, "--clear", "display-name", "-o", "json").json
    assert (cleared["display_name"], cleared["model_preference"]) == (None, "gpt-4o")
    assert "nothing to change" in agentadm("instances", "configure", MACHINE, "--region", "fra").err
    refused(agentadm("instances", "configure", MACHINE), 2, "nothing to change was named")
    refused(agentadm("instances", "configure", MACHINE, "--clear", "region"), 2, "--clear 'region'", "display_name")
    refused(agentadm("instances", "configure", MACHINE, "--region", ""), 2, "'' is no name")
    refused(agentadm("instances", "configure", MACHINE, "--metadata", "[1]"), 2, "is no JSON object")
    assert len(audited(database, "instances configure")) == 2


def test_a_user_sees_only_their_own(agentadm: Agentadm, instance: str) -> None:
    def seen(user: str) -> list[str]:
        return [each["id"] for each in agentadm("instances", "list", "--as-user", user, "-o", "json").json]

    assert (seen("grace"), seen("ada")) == ([instance], [])


@pytest.mark.parametrize(
    ("before", "after"), [each for each in product(InstanceStatus, repeat=2) if each[0] != each[1]]
)
def test_the_database_holds_the_same_edges(
    database: Database, instance: str, before: InstanceStatus, after: InstanceStatus
) -> None:
    with database.connect() as connection:
        connection.execute("SELECT set_config('app.undoing', 'on', true)")
        connection.execute("UPDATE agentadm.agent_instances SET status = %s", [before.value])
        connection.execute("SELECT set_config('app.undoing', '', true)")
        change = "UPDATE agentadm.agent_instances SET status = %s"
        if after in EDGES[before]:
            connection.execute(change, [after.value])
        else:
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation) as refusal:
                connection.execute(change, [after.value])
            legal = (
                f"from {before} it can become: {', '.join(EDGES[before])}" if EDGES[before] else f"{before} is final"
            )
            assert refusal.value.diag.message_hint == legal
        connection.rollback()
