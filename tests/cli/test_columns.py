"""What a list shows where there is no room for all: what names a row and in which state it is goes last."""

import typing
from dataclasses import fields

import pytest

from cli.main import all_commands
from cli.output import Listing
from tests.conftest import Agentadm
from tests.support import Database, run

STATES = {"status", "state", "last_state", "is_active"}
LISTS = {
    command.path: typing.get_args(command.result)[0]
    for command in all_commands()
    if typing.get_origin(command.result) is Listing
}
# A table of rows that have a name and a state: those of the company.
OF_THE_COMPANY = [
    "users list", "teams list", "teams members list compilers", "projects list", "crews list", "instances list",
    "runs list", "agents list", "agents search mail", "agents errors", "agents versions platform/anaya",
    "agents plans list platform/anaya", "agents skills list platform/anaya", "models list", "workflows list",
    "keys list", "plans list", "limits list", "audit list",
]  # fmt: skip


@pytest.mark.parametrize("path", [path for path, row in LISTS.items() if hasattr(row, "MATTERS")])
def test_what_matters_is_a_column_and_a_state_always_matters(path: str) -> None:
    row = LISTS[path]
    names = {field.name for field in fields(row)}
    assert set(row.MATTERS) <= names
    assert STATES & names <= set(row.MATTERS)


@pytest.mark.parametrize("path", [path for path, row in LISTS.items() if len(fields(row)) > 6])
def test_a_list_of_many_columns_says_which_of_them_matter(path: str) -> None:
    assert len(LISTS[path].MATTERS) > 1


@pytest.mark.parametrize("line", OF_THE_COMPANY)
@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_name_and_the_state_of_a_row_have_room_and_what_has_none_is_named(
    company: Database, line: str, width: int
) -> None:
    done = run([*line.split(), "--limit", "8"], {**company.environ, "COLUMNS": str(width)}, terminal=True)
    assert done.code == 0, done.err
    row = next(row for path, row in LISTS.items() if line.startswith(path))
    shown = done.out.splitlines()[0].split()
    assert set(row.MATTERS[:2]) <= set(shown)
    assert STATES & {field.name for field in fields(row)} <= set(shown)
    noted = " ".join(done.err.split())
    hidden = {field.name for field in fields(row)} - set(shown)
    if hidden:
        named = noted.partition("no room for: ")[2].partition(" (")[0]
        assert set(named.split(", ")) == hidden


def test_a_key_is_named_whole_at_80_columns(company: Database) -> None:
    done = run(["keys", "list"], {**company.environ, "COLUMNS": "80"}, terminal=True)
    starts = run(["keys", "list", "--columns", "display_start"], company.environ).out.split()
    assert [line.split()[0] for line in done.out.splitlines()[1:]] == starts


def test_chosen_columns_give_way_from_the_end(agentadm: Agentadm, database: Database) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    argv = ("users", "list", "--columns", "id,created_at,status,email,role,last_login_at")
    done = agentadm(*argv, env={"COLUMNS": "50"}, terminal=True)
    assert done.out.splitlines()[0].split() == ["id", "created_at", "status", "email"]
    assert "no room for: role, last_login_at" in " ".join(done.err.split())
