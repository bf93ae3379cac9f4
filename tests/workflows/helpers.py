"""What the tests of workflows share."""

import json
from typing import Any

from tests.conftest import Agentadm
from tests.outcomes import two_teams
from tests.support import Database, Result

GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "n1", "type": "webhook", "position": {"x": 1, "y": 2.5}, "colour": "red"},
        {"id": "n2", "type": "http", "name": "Fetch", "data": {"url": "http://localhost/"}},
    ],
    "connections": [{"source": "n1", "target": "n2", "sourceHandle": "out", "animated": True}],
    "settings": {"timezone": "UTC", "retries": 3},
}


def company(database: Database, agentadm: Agentadm) -> None:
    """Ada owns the team Engines, Grace the team Compilers; the free plan has five workflows."""
    two_teams(database, agentadm)
    database.execute("INSERT INTO agentadm.plans (id, name, max_workflows) VALUES ('free', 'Free', 5)")


def create(agentadm: Agentadm, name: str, *argv: str, graph: Any = None) -> Result:
    owner = [] if {"--team", "--user"} & set(argv) else ["--team", "engines"]
    given = [] if graph is None else ["--file", "-"]
    stdin = "" if graph is None else graph if isinstance(graph, str) else json.dumps(graph)
    return agentadm("workflows", "create", name, *owner, *given, *argv, "-o", "json", stdin=stdin)


def update(agentadm: Agentadm, name: str, graph: Any, *argv: str) -> Result:
    return agentadm("workflows", "update", name, "--file", "-", *argv, "-o", "json", stdin=json.dumps(graph))


def versions(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT version, nodes, connections, settings FROM agentadm.workflow_versions ORDER BY version"
    )
