"""A long list, which two connections read at the same time: the same bytes, of one moment, and never a part of it."""

import signal
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import psycopg
import pytest

from platform_core.db import copy_out
from platform_core.db.copy_out import CopyOut, in_turn
from platform_core.errors import TryAgain
from platform_core.listing import copy_queries
from platform_core.listing.copying import finished
from platform_core.listing.types import CopyFormat, ListRequest
from platform_core.platform import Platform
from tests.conftest import Agentadm
from tests.support import Database

FILL = """
INSERT INTO agentadm.users (email, full_name, created_at)
SELECT 'u' || n || '@a.io', (ARRAY['a', E'b\nc', '"', ''])[1 + n % 4], timestamptz '2026-01-01Z' + n * interval '1 hour'
FROM generate_series(1, {}) n
"""
SECOND = "SET TRANSACTION SNAPSHOT"
ANSWER = ("users", "list", "--all", "--exact", "--debug", "-o")


@pytest.fixture
def long(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """500 users, which are called many."""
    monkeypatch.setattr(copy_queries, "LONG", 500)
    database.execute(FILL.format(500))
    database.execute("ANALYZE agentadm.users")
    return database


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "id", "-id"])
@pytest.mark.parametrize("output", ["csv", "jsonl", "json"])
def test_two_write_what_one_does(
    long: Database, agentadm: Agentadm, monkeypatch: pytest.MonkeyPatch, output: str, sort: str
) -> None:
    two = agentadm(*ANSWER, output, "--sort", sort)
    assert SECOND in two.err
    monkeypatch.setattr(copy_queries, "LONG", 501)
    one = agentadm(*ANSWER, output, "--sort", sort)
    assert SECOND not in one.err
    assert two.out == one.out
    assert two.out.count("@a.io") == 500


@pytest.mark.parametrize(
    "argv",
    [
        ("--where", "email=u1@a.io"),
        ("--since", "2100-01-01"),
        ("--sort", "email"),
        ("--as-user", "u1@a.io"),
    ],
    ids=["few rows", "no rows", "no value to cut at", "with somebody's eyes"],
)
def test_one_is_enough(long: Database, agentadm: Agentadm, argv: tuple[str, ...]) -> None:
    done = agentadm(*ANSWER, "csv", *argv)
    assert done.code == 0
    assert SECOND not in done.err


def test_one_will_do_where_the_server_gives_no_other(long: Database, agentadm: Agentadm) -> None:
    long.execute("CREATE ROLE single LOGIN CONNECTION LIMIT 1 IN ROLE agentadm_support", user="postgres")
    try:
        done = agentadm(*ANSWER, "csv", env={"AGENTADM_DATABASE_URL": long.url_as("single")})
    finally:
        long.execute("DROP ROLE single", user="postgres")
    assert done.code == 0, done.err
    assert done.out.count("@a.io") == 500


@pytest.fixture
def copied(long: Database, platform: Platform) -> Callable[[], Iterator[bytes]]:
    """The list's bytes as they come."""

    def rows(services: Any) -> Iterator[bytes]:
        whole: Iterator[bytes] = services.users.list(ListRequest()).copy(CopyFormat.CSV, ["email", "full_name"])
        return whole

    return lambda: platform.stream(rows)


def test_both_see_one_moment(
    long: Database, copied: Callable[[], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = copy_queries._begun

    def begun(*given: Any) -> Any:
        long.execute("UPDATE agentadm.users SET full_name = 'too late', created_at = now() WHERE email <> 'u9@a.io'")
        return begin(*given)

    monkeypatch.setattr(copy_queries, "_begun", begun)
    whole = b"".join(copied())
    assert whole.count(b"@a.io") == 500
    assert b"too late" not in whole


@pytest.fixture
def half_read(long: Database, copied: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """A list of which one chunk is taken, and of which both connections have more to say than a socket holds."""
    long.execute("UPDATE agentadm.users SET full_name = repeat('x', 9000)")
    stream = copied()
    assert next(stream)
    assert len(backends(long)) == 2
    return stream


def backends(database: Database) -> list[int]:
    """The server's processes that serve us, in the order in which they began."""
    found = "SELECT pid FROM pg_stat_activity WHERE application_name = 'agentadm' ORDER BY backend_start"
    return [pid for (pid,) in database.rows(found)]


@pytest.mark.parametrize("lost", [0, 1])
def test_it_fails_where_one_is_lost(long: Database, half_read: Iterator[bytes], lost: int) -> None:
    long.execute("SELECT pg_terminate_backend(%s)", backends(long)[lost])
    with pytest.raises(TryAgain, match="cannot be reached"):
        list(half_read)


def test_nothing_goes_on_when_the_reader_goes_away(
    long: Database, half_read: Generator[bytes], platform: Platform
) -> None:
    first, _ = backends(long)
    half_read.close()
    assert_idle(long)
    # The connection serves on.
    assert platform.read(lambda services: services.users.list(ListRequest(limit=1)).page()).more
    assert backends(long) == [first]


def test_an_interruption_before_the_first_row_is_heard_by_the_server(database: Database) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with psycopg.connect(database.url, application_name="agentadm") as connection:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(KeyboardInterrupt):
                list(in_turn([CopyOut(connection, "COPY (SELECT pg_sleep(%(seconds)s)) TO STDOUT", {"seconds": 60})]))
            assert_idle(database)
            connection.rollback()
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        signal.signal(signal.SIGALRM, before)


def assert_idle(database: Database) -> None:
    """Nothing of ours is at work, or will soon have ended."""
    active = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'agentadm' AND state = 'active'"
    deadline = time.monotonic() + 5
    while database.value(active) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert database.value(active) == 0


def test_no_more_than_so_much_waits(
    long: Database, copied: Callable[[], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    long.execute("UPDATE agentadm.users SET full_name = repeat('x', 9000)")
    whole = b"".join(copied())
    monkeypatch.setattr(copy_out, "AHEAD_BYTES", 1)
    assert b"".join(copied()) == whole
    assert whole.count(b"@a.io") == 500


def test_what_the_server_refuses_is_said(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            list(in_turn([CopyOut(connection, "COPY (SELECT 1 / 0) TO STDOUT", {})]))
        connection.rollback()
        rows = in_turn([CopyOut(connection, "COPY (SELECT 6 / (4 - n) FROM generate_series(1, 9) n) TO STDOUT", {})])
        with pytest.raises(psycopg.errors.DivisionByZero):
            list(rows)


def test_text_is_unicode_whatever_the_environment_says(
    database: Database, agentadm: Agentadm, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("INSERT INTO agentadm.users (email, full_name) VALUES ('rene@a.io', 'René Žižek 名')")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    for argv in (("--all", "-o", "jsonl"), ("-o", "json"), ("--all", "-o", "csv", "--exact")):
        done = agentadm("users", "list", "--where", "full_name~Žižek 名", *argv)
        assert done.code == 0, done.err
        assert "René Žižek 名" in done.out


@pytest.mark.parametrize("output", list(CopyFormat))
def test_what_is_read_is_closed_when_an_interruption_comes_between(
    output: CopyFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    def chunks() -> Generator[bytes]:
        try:
            yield b"1\n"
            yield b"2\n"
        finally:
            closed.append(True)

    def interrupt(chunk: bytes) -> bytes:
        raise KeyboardInterrupt

    source = chunks()
    stream = finished(source, output)
    assert next(stream)
    monkeypatch.setattr("platform_core.listing.copying.harmless", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stream.throw(KeyboardInterrupt) if output is CopyFormat.CSV else next(stream)  # type: ignore[attr-defined]
    assert closed == [True]
