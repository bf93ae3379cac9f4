"""What a list shows can be filtered by the name that is shown; what cannot be says why here."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import platform_core
from platform_core.listing.queries import ListSpec
from platform_core.versions.queries import VersionStatements
from tests.support import Cluster, Database, run

PARTS = "holds JSON, or several values: no condition can be typed for it"
NOT_FILTERABLE = {
    "platform_core.agents.skill_queries LIST": {"config": PARTS},
    "platform_core.operations.queries LIST": {"request": PARTS, "answer": PARTS},
    "platform_core.workflows.queries LIST": {"tags": PARTS},
}


def specs() -> Iterator[tuple[str, ListSpec]]:
    for module in pkgutil.walk_packages(platform_core.__path__, "platform_core."):
        for name, value in vars(importlib.import_module(module.name)).items():
            found = value.list if isinstance(value, VersionStatements) else value
            if isinstance(found, ListSpec) and name.isupper():
                yield f"{module.name} {name}", found


SPECS = dict(specs())
WORKFLOW = "granite-analytics/Morning summary"
LISTS = [
    ("users", "list"),
    ("teams", "list"),
    ("teams", "members", "list", "compilers"),
    ("projects", "list"),
    ("crews", "list"),
    ("instances", "list"),
    ("runs", "list"),
    ("agents", "list"),
    ("agents", "errors"),
    ("agents", "versions", "platform/anaya"),
    ("agents", "plans", "list", "platform/anaya"),
    ("agents", "skills", "list", "platform/anaya"),
    ("models", "list"),
    ("workflows", "list"),
    ("workflows", "versions", WORKFLOW),
    ("workflows", "schedules", "list", WORKFLOW),
    ("workflows", "triggers", "list", WORKFLOW),
    ("keys", "list"),
    ("plans", "list"),
    ("limits", "list"),
    ("audit", "list"),
]


@pytest.fixture(scope="module")
def company(cluster: Cluster, template: Database) -> Database:
    clone = cluster.database(template.name)
    assert run(["db", "seed", "--yes"], clone.environ).code == 0
    argv = ["workflows", "triggers", "add", WORKFLOW, "webhook", "--config-stdin"]
    assert run(argv, clone.environ, stdin='{"secret": "x"}').code == 0
    return clone


@pytest.mark.parametrize("place", SPECS)
def test_what_is_shown_can_be_filtered_by_its_name(place: str) -> None:
    spec = SPECS[place]
    assert set(spec.columns) - set(spec.fields) == set(NOT_FILTERABLE.get(place, {}))


def as_given(value: Any) -> str:
    """A value of JSON as a person types it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    # Amounts are in minor units, as in JSON.
    return str(value["amount"] if isinstance(value, dict) else value)


@pytest.mark.parametrize("argv", LISTS, ids=" ".join)
def test_a_value_that_is_shown_finds_its_row(company: Database, argv: tuple[str, ...]) -> None:
    (row, *_) = json.loads(run([*argv, "--limit", "1", "-o", "json"], company.environ).out)
    for name, value in row.items():
        if isinstance(value, list) or name == "config":
            continue
        condition = f"{name}={'' if value is None else as_given(value)}"
        done = run([*argv, "--where", condition, "--limit", "1", "-o", "json"], company.environ)
        assert done.code == 0, done.err
        assert done.json == [row], condition


def test_a_shown_name_is_compared_as_what_is_shown(company: Database) -> None:
    environ = company.environ
    found = run(["keys", "list", "--where", "user~EMEKA-", "--columns", "user", "--all"], environ)
    assert set(found.out.split()) == {"emeka-adeyemi@webmail.example"}
    wrong = run(["limits", "list", "--where", "limit=runs"], environ)
    assert wrong.code == 2
    assert "limit is one of: " in wrong.err
