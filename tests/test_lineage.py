"""The lineage says of every column of a source where it goes, and names nothing that there is not."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from platform_core.db.schema import SCHEMA, load_tables

LINEAGE = Path(__file__).parent.parent / "docs" / "lineage.tsv"
HEADER = ["system", "table", "column", "target", "conversion", "dropped"]
# How many columns the tables of the sources have whose rows we have a home for, counted in the sources' documents.
SOURCES = {
    "a1zap": {"a1_agents": 18, "apps": 2, "subscription_plans": 14, "user_subscriptions": 14},
    "agent-factory": {
        "agent_runs": 19,
        "agent_versions": 8,
        "agents": 28,
        "api_keys": 12,
        "billing_subscriptions": 13,
        "error_logs": 10,
        "team_members": 5,
        "teams": 13,
        "users": 18,
    },
    "automateai": {
        "AIModel": 9,
        "ApiKey": 8,
        "Team": 4,
        "TeamMember": 5,
        "User": 14,
        "Workflow": 15,
        "WorkflowExecution": 13,
        "WorkflowSchedule": 7,
        "WorkflowTrigger": 7,
        "WorkflowVersion": 9,
    },
    "brain9": {
        "agent_configurations": 6,
        "agent_instances": 9,
        "agents": 11,
        "api_keys": 8,
        "rate_limits": 7,
        "subscriptions": 11,
        "users": 5,
    },
    "hired-agents": {
        "agent_instances": 15,
        "agent_skills": 6,
        "agent_versions": 7,
        "agents": 25,
        "projects": 6,
        "ssh_configs": 5,
        "team_agents": 5,
        "teams": 4,
        "users": 9,
    },
}
TABLES = (
    "users",
    "identities",
    "teams",
    "team_members",
    "projects",
    "crews",
    "plans",
    "agent_plans",
    "limit_overrides",
    "subscriptions",
    "agents",
    "agent_versions",
    "agent_skills",
    "agent_configurations",
    "agent_instances",
    "ssh_configs",
    "crew_instances",
    "api_keys",
    "runs",
    "error_logs",
    "ai_models",
    "workflows",
    "workflow_versions",
    "workflow_triggers",
    "workflow_schedules",
)


def test_every_line_has_six_fields_under_the_header() -> None:
    """Nothing is left out, nothing too much, and no field is only nearly empty."""
    with LINEAGE.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file, delimiter="\t", strict=True))
    assert lines[0] == HEADER
    assert [line for line in lines if len(line) != len(HEADER) or line != [field.strip() for field in line]] == []
    assert "\r" not in LINEAGE.read_bytes().decode("utf-8")


def test_a_column_goes_somewhere_or_is_dropped_for_a_reason() -> None:
    """One of the two, never both, and each line names its system, table and column."""
    for line in _lines():
        assert all((line["system"], line["table"], line["column"])), line
        assert bool(line["target"]) != bool(line["dropped"]), line
        assert not (line["dropped"] and line["conversion"]), line


def test_a_column_has_one_line() -> None:
    """No column goes two ways."""
    counts = Counter((line["system"], line["table"], line["column"]) for line in _lines())
    assert [column for column, count in counts.items() if count > 1] == []


def test_no_column_of_a_source_is_forgotten() -> None:
    """As many lines for each table as it has columns there, and none for another table."""
    counts = Counter((line["system"], line["table"]) for line in _lines())
    assert counts == {(system, table): count for system, tables in SOURCES.items() for table, count in tables.items()}


def test_what_a_row_was_called_is_found_again() -> None:
    """Where a key becomes another one, import_map keeps the old one and nothing else is said to keep it."""
    for line in _lines():
        keeps = "import_map.source_key" in line["target"].split(" ")
        assert keeps == (
            "import_map keeps the old" in line["conversion"] or "one user for each id" in line["conversion"]
        ), line


def test_the_lines_are_sorted_and_all_systems_occur() -> None:
    """By system, then by table."""
    places = [(line["system"], line["table"]) for line in _lines()]
    assert places == sorted(places)
    assert {system for system, _ in places} == set(SOURCES)


def test_every_target_is_a_column_there_is() -> None:
    """Of the tables that are declared; those of later ones are only well formed."""
    tables = load_tables().tables
    for line in _lines():
        for target in line["target"].split(" ") if line["target"] else []:
            table, _, column = target.partition(".")
            assert all(map(str.isidentifier, (table, column))), line
            if f"{SCHEMA}.{table}" in tables:
                assert column in {known.name for known in tables[f"{SCHEMA}.{table}"].columns}, line


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_declared_and_is_a_target(table: str) -> None:
    """Every table with a source gets something from it."""
    assert f"{SCHEMA}.{table}" in load_tables().tables
    targets = [target for line in _lines() for target in line["target"].split(" ")]
    assert any(target.startswith(f"{table}.") for target in targets)


def _lines() -> list[dict[str, str]]:
    with LINEAGE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", strict=True))
