"""Who works in a crew: order, what is refused, undo, and what a user may see."""

import pytest

from tests.agents_support import make_agent, make_instance, make_team, make_user
from tests.conftest import Agentadm
from tests.operations.processes import at_once
from tests.outcomes import audited, refused
from tests.support import Database


@pytest.fixture
def machines(database: Database, agentadm: Agentadm) -> list[str]:
    """A crew of a team's project, and three instances of its owner on machines m1, m2 and m3."""
    ada = make_user(database, "ada")
    team = make_team(database, ada, "engines")
    agent = make_agent(database, team, "scribe")
    for argv in (["projects", "create", "Numbers", "--team", "engines"],
                 ["crews", "create", "Reviewers", "--project", "Numbers"]):  # fmt: skip
        done = agentadm(*argv)
        assert done.code == 0, done.err
    return [make_instance(database, ada, agent, machine_id=f"m{n}", display_name=f"N{n}") for n in (1, 2, 3)]


def places(agentadm: Agentadm) -> list[tuple[int, str]]:
    shown = agentadm("crews", "show", "Reviewers", "-o", "json").json
    return [(each["position"], each["display_name"]) for each in shown["instances"]]


def test_instances_are_shown_in_the_order_in_which_they_came(
    database: Database, agentadm: Agentadm, machines: list[str]
) -> None:
    assert places(agentadm) == []
    done = agentadm("crews", "add", "reviewers", "m2", "-o", "json")
    assert done.code == 0, done.err
    assert {name: done.json[name] for name in ("crew", "position", "agent", "user", "status", "instance_id")} == {
        "crew": "Reviewers", "position": 1, "agent": "engines/scribe", "user": "ada@example.com",
        "status": "provisioning", "instance_id": machines[1],
    }  # fmt: skip
    several = agentadm("crews", "add", "Reviewers", "m1", "m2", machines[2][-8:], "-o", "json")
    assert [each["status"] for each in several.json] == ["done", "unchanged", "done"]
    assert places(agentadm) == [(1, "N2"), (2, "N1"), (3, "N3")]
    assert audited(database, "crews add") == [("crew_instances", "insert", "statement")] * 3


def test_places_stay_when_one_goes(database: Database, agentadm: Agentadm, machines: list[str]) -> None:
    assert agentadm("crews", "add", "Reviewers", "m1", "m2", "m3").code == 0
    refused(agentadm("crews", "remove", "Reviewers", "m2"), 8, "--yes")
    removed = agentadm("crews", "remove", "Reviewers", "m2", "--yes", "-o", "json").json
    assert (removed["position"], removed["instance_id"]) == (2, machines[1])
    assert places(agentadm) == [(1, "N1"), (3, "N3")]
    assert agentadm("crews", "add", "Reviewers", "m2").code == 0
    assert places(agentadm) == [(1, "N1"), (3, "N3"), (4, "N2")]
    assert audited(database, "crews remove") == [("crew_instances", "delete", "statement")]


def test_undo_brings_one_back_to_its_place(database: Database, agentadm: Agentadm, machines: list[str]) -> None:
    assert agentadm("crews", "add", "Reviewers", "m1", "m2", "m3").code == 0
    assert agentadm("crews", "remove", "Reviewers", "m1", "--yes").code == 0
    operation = str(database.value("SELECT id FROM agentadm.operations WHERE command = 'crews remove'"))
    assert agentadm("audit", "undo", operation, "--yes").code == 0
    assert places(agentadm) == [(1, "N1"), (2, "N2"), (3, "N3")]


def test_what_is_refused_says_why(database: Database, agentadm: Agentadm, machines: list[str]) -> None:
    refused(agentadm("crews", "add", "Reviewers", "m9"), 5, "no instance 'm9'")
    refused(agentadm("crews", "add", "Nobody", "m1"), 5, "no crew 'Nobody'")
    refused(
        agentadm("crews", "remove", "Reviewers", "m1", "--yes"), 5, f"instance {machines[0]} is not in crew Reviewers"
    )
    assert agentadm("instances", "destroy", "m1", "--yes").code == 0
    refused(agentadm("crews", "add", "Reviewers", "m1"), 6, f"instance {machines[0]} is destroyed")
    assert database.value("SELECT count(*) FROM agentadm.crew_instances") == 0


def test_a_crew_takes_its_places_with_it_and_undo_brings_them_back(
    database: Database, agentadm: Agentadm, machines: list[str]
) -> None:
    assert agentadm("crews", "add", "Reviewers", "m1", "m3").code == 0
    deleted = agentadm("crews", "delete", "Reviewers", "--yes", "-o", "json").json
    assert [each["display_name"] for each in deleted["instances"]] == ["N1", "N3"]
    assert database.value("SELECT count(*) FROM agentadm.crew_instances") == 0
    operation = str(database.value("SELECT id FROM agentadm.operations WHERE command = 'crews delete'"))
    assert agentadm("audit", "undo", operation, "--yes").code == 0
    assert places(agentadm) == [(1, "N1"), (2, "N3")]


def test_a_member_sees_places_but_nothing_of_others_instances(
    database: Database, agentadm: Agentadm, machines: list[str]
) -> None:
    make_user(database, "grace")
    assert agentadm("teams", "members", "add", "engines", "grace").code == 0
    assert agentadm("crews", "add", "Reviewers", "m1").code == 0
    seen = agentadm("crews", "show", "Reviewers", "--as-user", "grace", "-o", "json").json["instances"]
    assert [(each["position"], each["instance_id"]) for each in seen] == [(1, machines[0])]
    assert [seen[0][name] for name in ("agent", "user", "display_name", "status")] == [None] * 4


def test_several_who_add_at_once_get_places_of_their_own(
    database: Database, agentadm: Agentadm, machines: list[str]
) -> None:
    calls = [["crews", "add", "Reviewers", name] for name in ("m1", "m2", "m3", "m1")]
    results = at_once(database, "SELECT FROM agentadm.crews FOR UPDATE", calls)
    assert [result.code for result in results] == [0] * 4
    assert sorted(position for position, _ in places(agentadm)) == [1, 2, 3]
    assert sorted(name for _, name in places(agentadm)) == ["N1", "N2", "N3"]
