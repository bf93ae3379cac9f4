"""Versions of workflows: what differs between them, and the way back."""

from typing import Any

import pytest

from tests.conftest import Agentadm
from tests.outcomes import audited, done, refused, undo
from tests.support import Database
from tests.workflows.helpers import GRAPH, company, create, update, versions

SECOND = {"settings": {"retries": 4, "timezone": "UTC"}}


@pytest.fixture(autouse=True)
def report(database: Database, agentadm: Agentadm) -> None:
    """A team's workflow with two versions."""
    company(database, agentadm)
    done(create(agentadm, "Report", graph=GRAPH))
    done(update(agentadm, "report", SECOND, "--notes", "once more", "--changed-by", "grace"))


def listed(agentadm: Agentadm, *argv: str) -> list[tuple[Any, ...]]:
    return [
        (row["version"], row["current"], row["change_notes"], row["changed_by"])
        for row in done(agentadm("workflows", "versions", "report", "-o", "json", *argv))
    ]


def test_versions(database: Database, agentadm: Agentadm) -> None:
    assert listed(agentadm) == [(2, True, "once more", "grace@example.com"), (1, False, None, None)]
    assert listed(agentadm, "--where", "current=false") == [(1, False, None, None)]
    assert listed(agentadm, "--sort", "version", "--limit", "1")[0][0] == 1
    assert audited(database, "workflows update") == [
        ("workflows", "update", "statement"), ("workflow_versions", "insert", "trigger"),
    ]  # fmt: skip
    done(update(agentadm, "report", {"settings": {}}))
    assert listed(agentadm)[0] == (3, True, None, None)


def test_diff_is_json_in_one_order(agentadm: Agentadm) -> None:
    found = agentadm("workflows", "diff", "report")
    assert (found.code, found.err) == (1, "")
    assert found.out.splitlines() == [
        "--- report@1 settings", "+++ report@2 settings", "@@ -1,4 +1,4 @@",
        " {", '-  "retries": 3,', '+  "retries": 4,', '   "timezone": "UTC"', " }",
    ]  # fmt: skip
    back = agentadm("workflows", "diff", "report", "--from", "2", "--to", "1", "-o", "json")
    assert back.code == 1
    assert [(line["part"], line["change"], line["text"]) for line in back.json][1:3] == [
        ("settings", "removed", '  "retries": 4,'), ("settings", "added", '  "retries": 3,'),
    ]  # fmt: skip
    same = agentadm("workflows", "diff", "report", "--from", "2", "--to", "2")
    assert (same.code, same.out) == (0, "")
    assert "no difference between version 2 and version 2" in same.err
    refused(agentadm("workflows", "diff", "report", "--from", "9"), 5, "has no version 9")


def test_rollback_makes_a_version_with_the_old_content(database: Database, agentadm: Agentadm) -> None:
    back = done(agentadm("workflows", "rollback", "report", "--to", "1", "--yes", "-o", "json"))
    assert (back["version"], back["settings"]) == (3, GRAPH["settings"])
    assert listed(agentadm)[0] == (3, True, "rollback to version 1", None)
    assert "nothing to change" in agentadm("workflows", "rollback", "report", "--to", "1", "--yes").err
    refused(agentadm("workflows", "rollback", "report", "--to", "9", "--yes"), 5, "has no version 9")
    assert undo(database, agentadm, "workflows rollback").code == 0
    assert listed(agentadm)[1][:2] == (2, True)
    done(agentadm("workflows", "rollback", "report", "--to", "1", "--yes", "--notes", "too often", "-o", "json"))
    assert listed(agentadm)[0] == (4, True, "too often", None)
    assert [row[0] for row in versions(database)] == [1, 2, 3, 4]


def test_versions_of_the_deleted_are_there(agentadm: Agentadm) -> None:
    assert agentadm("workflows", "delete", "report", "--yes").code == 0
    assert len(listed(agentadm, "--deleted")) == 2
    assert agentadm("workflows", "diff", "report", "--deleted").code == 1
