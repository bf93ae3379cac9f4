"""A command under an idempotency key takes effect once, and answers alike each time."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import pytest

from cli.context import Invocation
from cli.output import render
from cli.shared import OutputFormat, Shared
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from tests.conftest import Agentadm
from tests.operations.processes import at_once
from tests.support import Database

CREATE = ("users", "create", "x@example.com", "--idempotency-key", "K")
COUNTS = """
    SELECT (SELECT count(*) FROM agentadm.users),
        (SELECT count(*) FROM agentadm.audit_changes WHERE table_name = 'users'),
        (SELECT count(*) FROM agentadm.operations WHERE command <> 'db init'),
        (SELECT count(*) FROM agentadm.idempotency_keys)
"""
HOLD_KEY = """
    INSERT INTO agentadm.idempotency_keys (key, inputs_digest, operation_id) VALUES ('K', '', gen_random_uuid())
"""


def counts(database: Database) -> tuple[Any, ...]:
    """Users, audit rows, operations and keys."""
    return database.rows(COUNTS)[0]


def test_sixteen_processes_at_once_have_one_effect(database: Database) -> None:
    results = at_once(database, HOLD_KEY, [[*CREATE, "-o", "json"]] * 16)
    assert [result.code for result in results] == [0] * 16
    assert len({result.out for result in results}) == 1
    assert results[0].json["email"] == "x@example.com"
    replays = [result for result in results if "replayed: operation" in result.err]
    assert len(replays) == 15
    assert counts(database) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    "other",
    [
        ("users", "create", "y@example.com"),
        ("users", "create", "x@example.com", "--full-name", "X"),
        ("users", "suspend", "x@example.com", "--yes"),
        ("users", "resume", "x@example.com"),
    ],
)
def test_the_key_of_other_inputs_is_a_conflict(agentadm: Agentadm, database: Database, other: tuple[str, ...]) -> None:
    assert agentadm(*CREATE).code == 0
    mark = database.mark()
    refused = agentadm(*other, "--idempotency-key", "K")
    assert refused.code == 6
    assert "was used for other inputs, by operation" in refused.err
    assert refused.out == ""
    assert database.written_since(mark) == []


def test_a_reason_that_is_kept_is_an_input(agentadm: Agentadm, database: Database) -> None:
    assert agentadm("users", "create", "x@example.com").code == 0
    suspend = ("users", "suspend", "x@example.com", "--yes", "--idempotency-key", "K", "--reason")
    assert agentadm(*suspend, "fraud").code == 0
    assert agentadm(*suspend, "chargeback").code == 6
    assert agentadm(*suspend, "fraud").code == 0
    assert database.value("SELECT suspended_reason FROM agentadm.users") == "fraud"


def test_a_first_run_that_fails_leaves_the_key_free(agentadm: Agentadm, database: Database) -> None:
    assert agentadm("users", "create", "x@example.com").code == 0
    assert agentadm(*CREATE).code == 6
    assert database.value("SELECT count(*) FROM agentadm.idempotency_keys") == 0
    database.execute("UPDATE agentadm.users SET email = 'z@example.com'")
    again = agentadm(*CREATE)
    assert (again.code, "replayed" in again.err) == (0, False)


def test_a_dry_run_leaves_the_key_free(agentadm: Agentadm, database: Database) -> None:
    mark = database.mark()
    tried = agentadm(*CREATE, "--dry-run", "-o", "json")
    assert tried.code == 0
    assert database.written_since(mark) == []
    done = agentadm(*CREATE, "-o", "json")
    assert (done.code, "replayed" in done.err) == (0, False)
    assert done.json.keys() == tried.json.keys()
    assert counts(database) == (1, 1, 1, 1)


def test_a_dry_run_of_what_was_done_shows_the_replay(agentadm: Agentadm, database: Database) -> None:
    done = agentadm(*CREATE, "-o", "json")
    tried = agentadm(*CREATE, "-o", "json", "--dry-run")
    assert (tried.code, tried.out, "replayed" in tried.err) == (0, done.out, True)
    assert counts(database) == (1, 1, 1, 1)


@pytest.mark.parametrize("output", list(OutputFormat))
def test_a_replay_looks_like_the_first_answer(agentadm: Agentadm, output: OutputFormat) -> None:
    first = agentadm(*CREATE, "-o", output)
    again = agentadm(*CREATE, "-o", output)
    assert (again.code, again.out) == (0, first.out)
    assert "replayed: operation" in again.err
    assert agentadm(*CREATE, "-o", output, "--quiet").err == ""


def test_a_replay_answers_as_the_first_run_did_whatever_came_since(agentadm: Agentadm) -> None:
    first = agentadm(*CREATE, "-o", "json")
    assert agentadm("users", "suspend", "x@example.com", "--yes").code == 0
    again = agentadm(*CREATE, "-o", "json")
    assert (again.code, again.out) == (0, first.out)


@dataclass(frozen=True)
class Part:
    """A nested value."""

    name: str
    weight: Decimal | None


@dataclass(frozen=True)
class Whole:
    """A value with everything that JSON alone would not bring back."""

    nothing: str | None
    price: Decimal
    small: Decimal
    moment: datetime
    key: UUID
    yes: bool
    count: int
    ratio: float
    text: str
    parts: tuple[Part, ...]
    part: Part
    # Not in the order in which JSONB keeps its fields.
    loose: dict[str, Any] = field(default_factory=dict)


WHOLE = Whole(
    nothing=None,
    price=Decimal("10.500000"),
    small=Decimal("1E-18"),
    moment=datetime(2026, 11, 20, 23, 59, 59, 999999, tzinfo=UTC),
    key=UUID("01930000-0000-7000-8000-000000000000"),
    yes=True,
    count=2**62,
    ratio=2.0,
    text="=1+1 \u0000 null \u202e [bold]ü[/bold] \U0001f600",
    parts=(Part("a", None), Part("b", Decimal("0.10"))),
    part=Part("null", Decimal(0)),
    loose={"zebra": 1, "a": {"longer": None, "b": [1.0, "null", True]}, "decimal": Decimal("1.10")},
)


def rendered(value: Any, output: OutputFormat) -> str:
    """A value on stdout."""
    stdout = StringIO()
    render(value, Whole, Invocation({}, StringIO(), stdout, StringIO(), Shared(output=output)))
    return stdout.getvalue()


def test_any_value_is_replayed_alike_in_every_format(platform: Platform) -> None:
    request = WriteRequest("test value", idempotency_key="K")
    first = platform.write(request, lambda _: WHOLE, Whole)
    again = platform.write(request, lambda _: pytest.fail("was run again"), Whole)
    assert (first.replayed, again.replayed, again.operation_id) == (False, True, first.operation_id)
    for output in OutputFormat:
        assert rendered(again.value, output) == rendered(first.value, output), output
    several = WriteRequest("test values", idempotency_key="K2")
    rows = platform.write(several, lambda _: (WHOLE, WHOLE), tuple[Whole, ...])
    rows_again = platform.write(several, lambda _: (), tuple[Whole, ...])
    for output in OutputFormat:
        assert rendered(rows_again.value, output) == rendered(rows.value, output), output


def test_a_key_that_is_being_used_is_waited_for(agentadm: Agentadm, database: Database) -> None:
    with database.connect() as holder:
        holder.execute(HOLD_KEY)
        busy = agentadm(*CREATE, "--wait", "0")
        assert busy.code == 75
        assert "locked by another session" in busy.err
        release = threading.Timer(0.3, holder.rollback)
        release.start()
        assert agentadm(*CREATE, "--wait", "60").code == 0
        release.join()
    assert counts(database) == (1, 1, 1, 1)
