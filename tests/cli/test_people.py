"""Tables and sections: they fit the terminal, cut nothing in silence, and keep what tells rows apart."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli.output.people import ago
from cli.output.widths import GAP, fit
from tests.conftest import Agentadm
from tests.support import Database


@pytest.fixture
def company(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("db", "seed", "--yes").code == 0


WIDTHS = st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=12)


@given(columns=WIDTHS, width=st.integers(20, 300), data=st.data())
def test_widths_fit_or_nothing_more_can_give_way(
    columns: list[tuple[int, bool]], width: int, data: st.DataObject
) -> None:
    needs, texty = [need for need, _ in columns], [text for _, text in columns]
    shortest = [min(need, 12) if text else need for need, text in columns]
    places = st.lists(st.integers(0, len(columns) - 1), min_size=1, unique=True)
    matters = data.draw(places)
    widths = fit(needs, shortest, width, matters)
    shown = [given for given in widths if given]
    assert all(given <= need for given, need in zip(widths, needs, strict=True))
    assert all(given in {0, need} or text for given, need, text in zip(widths, needs, texty, strict=True))
    assert all(widths[place] for place in matters[:2])
    if sum(shown) + GAP * (len(shown) - 1) > width:
        assert len(shown) == len(matters[:2])
    if sum(needs) + GAP * (len(needs) - 1) <= width:
        assert widths == needs
    # What matters goes only after all that does not, and from the end.
    left = [bool(widths[place]) for place in matters]
    assert left == sorted(left, reverse=True)
    if not all(left):
        assert len(shown) == sum(left)


@pytest.mark.parametrize("width", [40, 80, 140, 250])
@pytest.mark.parametrize("argv", [("users", "list"), ("audit", "list"), ("db", "doctor"), ("users", "show", "ada")])
def test_no_line_is_wider_than_the_terminal(
    agentadm: Agentadm, company: None, width: int, argv: tuple[str, ...]
) -> None:
    done = agentadm(*argv, env={"COLUMNS": str(width)}, terminal=True)
    assert done.code == 0
    assert max(cell_len(line.rstrip()) for line in done.out.splitlines()) <= width


def test_columns_without_room_are_named(agentadm: Agentadm, company: None) -> None:
    narrow = agentadm("users", "list", "--limit", "2", env={"COLUMNS": "80"}, terminal=True)
    assert narrow.out.splitlines()[0].split() == ["email", "full_name", "role", "status", "id"]
    assert "no room for: created_at, last_login_at" in narrow.err
    wide = agentadm("users", "list", "--limit", "2", env={"COLUMNS": "140"}, terminal=True)
    assert "last_login_at" in wide.out
    assert "no room" not in wide.err


def test_a_list_shows_the_endings_of_ids_and_show_takes_them(agentadm: Agentadm, company: None) -> None:
    table = agentadm("users", "list", "--limit", "1", terminal=True).out.splitlines()
    ending = table[1].split()[-1]
    assert ending.startswith("…")
    found = agentadm("users", "show", ending.removeprefix("…"), "-o", "json")
    assert found.code == 0
    assert found.json["id"].endswith(ending.removeprefix("…"))


def test_a_section_shows_times_with_how_long_ago(agentadm: Agentadm, company: None) -> None:
    section = agentadm("users", "show", "ada@example.com", terminal=True).out
    assert " UTC (" in section
    assert " ago)" in section


def test_wide_and_right_to_left_names_keep_the_columns(agentadm: Agentadm, database: Database) -> None:
    for number, name in enumerate(("田中 美咲", "نور", "😀😀😀", "x" * 300)):
        database.execute(
            "INSERT INTO agentadm.users (email, full_name) VALUES (%s, %s)", f"u{number}@example.com", name
        )
    done = agentadm("users", "list", "--columns", "email,full_name,id", env={"COLUMNS": "60"}, terminal=True)
    lines = done.out.splitlines()
    assert {cell_len(line.rstrip()) for line in lines[1:]} == {60}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "just now"),
        (90, "1 minute ago"),
        (7200, "2 hours ago"),
        (-86_500 * 3, "in 3 days"),
        (32_000_000, "1 year ago"),
    ],
)
def test_how_long_ago(seconds: int, told: str) -> None:
    assert ago(datetime.now(UTC) - timedelta(seconds=seconds)) == told


XTERM = {"TERM": "xterm-256color"}
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("argv", [("users", "list", "--status", "suspended"), ("users", "show", "ada@example.com")])
def test_colour_is_only_around_headers_and_status_words(
    agentadm: Agentadm, company: None, argv: tuple[str, ...]
) -> None:
    plain = agentadm(*argv, terminal=True, env={**XTERM, "NO_COLOR": "1"})
    coloured = agentadm(*argv, terminal=True, env=XTERM)
    without_codes = ESCAPES.sub("", coloured.out).splitlines()
    assert [line.rstrip() for line in without_codes] == plain.out.splitlines()
    names = {"email", "full_name", "role", "status", "created_at", "last_login_at", "id"}
    for told in re.findall(r"\x1b\[[1-9][0-9;]*m(.*?)\x1b\[0m", coloured.out):
        if argv[1] == "list":
            assert set(told.split()) <= names | {"suspended"}
    assert len(re.findall("\x1b\\[31msuspended", coloured.out)) == (len(coloured.out.splitlines()) - 1) * (
        argv[1] == "list"
    )
    assert coloured.out.count("\x1b") > 0


@pytest.mark.parametrize("env", [{**XTERM, "NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
@pytest.mark.parametrize("argv", [("users", "list"), ("users", "show", "ada@example.com"), ("db", "doctor")])
def test_a_terminal_without_colour_gets_no_escape_sequence(
    agentadm: Agentadm, company: None, argv: tuple[str, ...], env: dict[str, str]
) -> None:
    assert "\x1b" not in agentadm(*argv, terminal=True, env={"FORCE_COLOR": "1", **env}).out


def test_a_pipe_is_never_coloured(agentadm: Agentadm, company: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    for output in ("table", "plain", "json", "markdown"):
        done = agentadm("users", "list", "-o", output, env={**XTERM, "FORCE_COLOR": "1"})
        assert "\x1b" not in done.out
