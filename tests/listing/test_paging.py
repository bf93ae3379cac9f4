"""Pages and streams: all of it, once, at one moment, in constant memory; and the same bytes whoever writes them."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_core.listing.copying import harmless
from platform_core.listing.types import ListRequest, Page, Place
from platform_core.platform import Platform
from platform_core.users.types import UserSummary
from tests.conftest import Agentadm
from tests.support import Database, Result, run

ROOT = Path(__file__).parent.parent.parent
SORTS = [f"{sign}{field}" for field in ("created_at", "email", "username", "id") for sign in ("", "-")]
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def page_after(
    platform: Platform, place: Place | None, *, limit: int, sort: str | None = None, deleted: bool = False
) -> Page[UserSummary]:
    request = ListRequest(sort=sort, limit=limit)
    return platform.read(lambda services: services.users.list(request, deleted=deleted).page(place))


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("sort", SORTS)
def test_all_pages_together_are_the_whole(
    on_people: Platform, monkeypatch: pytest.MonkeyPatch, sort: str, deleted: bool
) -> None:
    whole = [row.id for row in page_after(on_people, None, limit=1000, sort=sort, deleted=deleted).rows]
    assert len(whole) == len(set(whole)) == (100 if deleted else 300)
    for limit in (1, 7, 99, 100, 300):
        found: list[UUID] = []
        place: Place | None = None
        while True:
            page = page_after(on_people, place, limit=limit, sort=sort, deleted=deleted)
            found += [row.id for row in page.rows]
            place = page.end
            if not page.more:
                break
            assert len(page.rows) == limit
        assert found == whole
    monkeypatch.setattr("platform_core.listing.service.STREAM_ROWS", 7)
    stream = on_people.stream(lambda services: services.users.list(ListRequest(sort=sort), deleted=deleted).stream())
    assert [row.id for row in stream] == whole


def test_a_stream_sees_one_moment(database: Database, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = "INSERT INTO agentadm.users (email, created_at) VALUES (%s, now() - %s * interval '1 day')"
    for number in range(20):
        database.execute(insert, f"before{number}@example.com", number)
    monkeypatch.setattr("platform_core.listing.service.STREAM_ROWS", 3)
    stream = platform.stream(lambda services: services.users.list(ListRequest()).stream())
    found = []
    for number, row in enumerate(stream):
        database.execute(insert, f"meanwhile{number}@example.com", number + 0.5)
        if number == 10:
            database.execute("DELETE FROM agentadm.users WHERE email = 'before15@example.com'")
        found.append(row.email)
    assert found == [f"before{number}@example.com" for number in range(20)]


def test_pages_go_on_while_rows_come_in(database: Database, platform: Platform) -> None:
    insert = "INSERT INTO agentadm.users (email, created_at) VALUES (%s, %s)"
    for number in range(9):
        database.execute(insert, f"old{number}@example.com", f"2026-01-0{number + 1}")
    found: list[str | None] = []
    place: Place | None = None
    for number in range(4):
        page = page_after(platform, place, limit=3)
        found += [row.email for row in page.rows]
        place = page.end or place
        database.execute(insert, f"new{number}@example.com", f"2026-02-0{number + 1}")
    assert found == [f"old{number}@example.com" for number in range(8, -1, -1)]


def test_a_page_is_one_statement(agentadm: Agentadm, database: Database) -> None:
    database.execute("INSERT INTO agentadm.users (email) SELECT 'u' || n || '@a.io' FROM generate_series(1, 60) n")
    for argv in (("users", "list"), ("audit", "list", "--where", "changes>0"), ("operations", "list")):
        done = agentadm(*argv, "--debug", "-o", "json")
        statements = [line for line in done.err.splitlines() if line.startswith("sql ") and " LIMIT " in line]
        assert len(statements) == 1
        assert "OFFSET" not in statements[0]


# ------------------------------------------------------------------------------------------------------ fast and slow


@pytest.fixture
def both(people: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Result, Result]]:
    """The same command line by the database's way and by the renderer's."""

    def call(*argv: str) -> tuple[Result, Result]:
        fast = run(argv, people.environ)
        with monkeypatch.context() as patch:
            patch.setattr("cli.listing._copy_format", lambda _: None)
            return fast, run(argv, people.environ)

    return call


COLUMNS = ["email", "full_name", "role", "status", "created_at", "last_login_at", "id"]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("output", ["csv", "jsonl", "json"])
def test_the_database_writes_what_the_renderer_does(
    both: Callable[..., tuple[Result, Result]], output: str, sort: str
) -> None:
    call = ("users", "list", "--all", "-o", output, "--exact", "--sort", sort)
    for more in ((), ("--columns", "full_name,id"), ("--columns", "full_name"), ("--deleted",), ("--where", "id=")):
        fast, slow = both(*call, *more)
        assert fast == slow
        assert fast.code == 0, fast.err


@QUICK
@given(st.sets(st.sampled_from(COLUMNS), min_size=1).flatmap(lambda chosen: st.permutations(sorted(chosen))))
def test_any_columns_in_any_order(both: Callable[..., tuple[Result, Result]], columns: list[str]) -> None:
    for output in ("csv", "jsonl"):
        fast, slow = both("users", "list", "--all", "-o", output, "--exact", "--columns", ",".join(columns))
        assert fast == slow


def test_the_audit_too(both: Callable[..., tuple[Result, Result]]) -> None:
    for output in ("csv", "jsonl", "json"):
        fast, slow = both("audit", "list", "--all", "-o", output, "--exact", "--sort", "started_at")
        assert fast == slow
        assert "db init" in fast.out


@QUICK
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_whatever_the_text_is(people: Database, monkeypatch_module: pytest.MonkeyPatch, name: str) -> None:
    people.execute("UPDATE agentadm.users SET full_name = %s WHERE email = 'User1@Example.com'", name)
    for output in ("csv", "jsonl", "json"):
        argv = ("users", "list", "--all", "--where", "email=User1@Example.com", "-o", output, "--exact")
        fast = run(argv, people.environ)
        with monkeypatch_module.context() as patch:
            patch.setattr("cli.listing._copy_format", lambda _: None)
            slow = run(argv, people.environ)
        assert fast == slow
        if output == "csv":
            assert next(csv.DictReader(io.StringIO(fast.out, newline="")))["full_name"] == name
        else:
            assert (json.loads(fast.out) if output == "jsonl" else json.loads(fast.out)[0])["full_name"] == name


def test_what_a_terminal_would_obey_is_escaped() -> None:
    unsafe = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
    text = "".join(map(chr, range(0x20, 0x3000)))
    assert harmless(text.encode()).decode() == unsafe.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
    assert harmless(b"a\x7fz") == b"a\\u007fz"


@pytest.fixture
def monkeypatch_module(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def test_the_guard_stays_unless_exact(agentadm: Agentadm, database: Database) -> None:
    database.execute("INSERT INTO agentadm.users (email, full_name) VALUES ('a@example.com', '=1+1')")
    for argv in (("--all",), ()):
        call = ("users", "list", *argv, "-o", "csv", "--columns", "full_name,email")
        assert agentadm(*call).out.splitlines()[1] == "'=1+1,a@example.com"
        assert agentadm(*call, "--exact").out.splitlines()[1] == "=1+1,a@example.com"


def test_columns_are_checked_before_anything_is_written(agentadm: Agentadm) -> None:
    for output in ("csv", "json", "table"):
        done = agentadm("users", "list", "--all", "-o", output, "--exact", "--columns", "mail")
        assert (done.code, done.out) == (2, "")
        assert "no field 'mail'" in done.err


@pytest.mark.parametrize("output", ["table", "plain", "json", "jsonl", "csv", "yaml", "markdown"])
def test_all_of_nothing_and_all_of_much(people: Database, agentadm: Agentadm, output: str) -> None:
    nothing = agentadm("users", "list", "--all", "-o", output)
    assert (nothing.code, nothing.err) == (0, "none found\n")
    assert nothing.out == agentadm("users", "list", "-o", output).out
    much = run(("users", "list", "--all", "-o", output), people.environ)
    assert much.code == 0
    assert much.out == run(("users", "list", "--limit", "999", "-o", output), people.environ).out


def test_a_long_table_is_written_in_blocks(agentadm: Agentadm, database: Database) -> None:
    database.execute(
        "INSERT INTO agentadm.users (email, created_at) SELECT 'u' || n || '@a.io', '2026-01-01'"
        " FROM generate_series(1, 1201) n"
    )
    for output in ("table", "markdown"):
        lines = agentadm("users", "list", "--all", "-o", output, "--columns", "email,role").out.splitlines()
        assert len(lines) == 1201 + (1 if output == "table" else 2)
        assert len([line for line in lines if "email" in line]) == 1


# ------------------------------------------------------------------------------------------------------------- streams


def peak_kilobytes(database: Database, *argv: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tools.peak_memory", *argv], cwd=ROOT, env=database.environ, check=True,
        timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    return int(done.stderr.split()[-1])


def test_memory_does_not_grow_with_the_list(database: Database) -> None:
    insert = (
        "INSERT INTO agentadm.users (email, full_name) SELECT 'u' || n || '@a.io', 'Name ' || n FROM generate_series"
    )
    formats: list[tuple[Any, ...]] = [
        ("csv", "--exact"), ("csv",), ("json",), ("markdown", "--columns", "email,id"),
    ]  # fmt: skip
    # More than the pages that a stream holds at a time.
    database.execute(f"{insert}(1, 12000) n")
    few = [peak_kilobytes(database, "users", "list", "--all", "-o", *output) for output in formats]
    database.execute(f"{insert}(12001, 40000) n")
    many = [peak_kilobytes(database, "users", "list", "--all", "-o", *output) for output in formats]
    grown = {output: after - before for output, before, after in zip(formats, few, many, strict=True)}
    assert all(kilobytes < 4_000 for kilobytes in grown.values()), grown


def test_a_reader_that_goes_away_ends_it_quietly(database: Database) -> None:
    database.execute("INSERT INTO agentadm.users (email) SELECT 'u' || n || '@a.io' FROM generate_series(1, 20000) n")
    for output in (("csv", "--exact"), ("csv",), ("jsonl",), ("plain",)):
        child = subprocess.Popen(
            [sys.executable, "-m", "cli", "users", "list", "--all", "-o", *output],
            env={**database.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        with child:
            assert child.stdout is not None
            assert child.stderr is not None
            assert child.stdout.read(10)
            child.stdout.close()
            assert child.stderr.read() == b""
        assert child.returncode == 0
