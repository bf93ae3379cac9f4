"""--quiet takes away notes and nothing else; --wait gives up when it says, and not before. Against plain SQL."""

import threading
import time
from typing import Any, cast

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.support import Cluster, Database, run

SETTINGS: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture(scope="module")
def crowd(cluster: Cluster, template: Database) -> Database:
    """40 users, every third suspended."""
    clone = cluster.database(template.name)
    clone.execute(
        "INSERT INTO agentadm.users (email, billing_anchor_day, status)"
        " SELECT n || '@example.com', 1 + n % 31, (ARRAY['suspended', 'active', 'active'])[1 + n % 3]"
        " FROM generate_series(1, 40) n"
    )
    return clone


@settings(max_examples=30, **SETTINGS)
@given(
    status=st.sampled_from(["active", "suspended"]),
    day=st.integers(0, 32),
    limit=st.integers(1, 30),
    output=st.sampled_from(["csv", "table", "json", "plain"]),
)
def test_a_quiet_list_is_the_same_list(crowd: Database, status: str, day: int, limit: int, output: str) -> None:
    there = crowd.value(
        "SELECT count(*) FROM agentadm.users WHERE status = %s AND billing_anchor_day <= %s", status, day
    )
    argv = ["users", "list", "--where", f"status={status}", "--where", f"billing_anchor_day<={day}"]
    argv += ["--limit", str(limit), "-o", output]
    wide = {**crowd.environ, "COLUMNS": "200"}
    told = run(argv, wide)
    quiet = run([*argv, "--quiet"], wide)
    assert (quiet.code, quiet.out) == (told.code, told.out)
    assert ("there are more" in told.err) == (there > limit)
    assert ("none found" in told.err) == (there == 0)
    # Who asks for so many, and for quiet, knows.
    assert quiet.err == ""


@settings(max_examples=12, **SETTINGS)
@given(
    numbers=st.lists(st.integers(1, 44), min_size=1, max_size=5),
    verb=st.sampled_from(["suspend", "resume"]),
    atomic=st.booleans(),
)
def test_a_quiet_change_does_the_same_and_notes_nothing(
    crowd: Database, numbers: list[int], verb: str, atomic: bool
) -> None:
    emails = [f"{number}@example.com" for number in numbers]
    argv = ["users", verb, *emails, "--yes", "--no-input", *(["--atomic"] if atomic and len(emails) > 1 else [])]
    quiet = run([*argv, "--quiet"], crowd.environ)
    meant = "suspended" if verb == "suspend" else "active"
    found = crowd.value("SELECT count(*) FROM agentadm.users WHERE email = ANY(%s) AND status = %s", emails, meant)
    if quiet.code == 0:
        assert quiet.err == ""
        assert found == len(set(emails))
    else:
        assert any(number > 40 for number in numbers)
        assert all(line.startswith(("error:", "hint:")) for line in quiet.err.splitlines())


@settings(max_examples=6, **SETTINGS)
@given(held=st.sampled_from([0.0, 0.4]), wait=st.sampled_from([0.0, 0.05, 10.0]))
def test_wait_gives_up_when_it_says_and_not_before(crowd: Database, held: float, wait: float) -> None:
    ready = threading.Event()

    def hold() -> None:
        with crowd.connect() as connection:
            connection.execute(cast("Any", "SELECT FROM agentadm.users WHERE email = '1@example.com' FOR UPDATE"))
            ready.set()
            time.sleep(held)

    holder = threading.Thread(target=hold if held else ready.set)
    holder.start()
    ready.wait()
    before = crowd.value("SELECT status FROM agentadm.users WHERE email = '1@example.com'")
    begun = time.monotonic()
    verb = "resume" if before == "suspended" else "suspend"
    done = run(["users", verb, "1@example.com", "--yes", "--wait", str(wait)], crowd.environ)
    took = time.monotonic() - begun
    holder.join()
    after = crowd.value("SELECT status FROM agentadm.users WHERE email = '1@example.com'")
    gives_up = wait < held
    assert done.code == (75 if gives_up else 0), done.err
    assert (after == before) == gives_up
    assert took >= (wait if gives_up else held) - 0.1
