"""The lineage says of every column of a source where it goes, and names nothing that there is not."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from platform_core.db.schema import SCHEMA, load_tables

LINEAGE = Path(__file__).parent.parent / "docs" / "lineage.tsv"
HEADER = ["system", "table", "column", "target", "conversion", "dropped"]
SYSTEMS = {"a1zap", "agent-factory", "automateai", "brain9", "hired-agents"}
TABLES = ("users", "identities", "teams", "team_members", "projects", "crews")


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


def test_the_lines_are_sorted_and_all_systems_occur() -> None:
    """By system, then by table."""
    places = [(line["system"], line["table"]) for line in _lines()]
    assert places == sorted(places)
    assert {system for system, _ in places} == SYSTEMS


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
