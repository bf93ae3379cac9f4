"""Seals cover all that is closed, nothing that is not, and whoever rewrites what they cover is found."""

import threading
from typing import Any, cast

import psycopg
import pytest

from platform_core.audit.service import AuditService
from platform_core.errors import NotPermitted, TryAgain
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from platform_core.services import Services
from tests.audit.helpers import ADA, BOB, CYD, outside, run
from tests.audit.test_audit import RENAME
from tests.conftest import Agentadm
from tests.support import Database, Result

SEALS = "SELECT from_seq, to_seq, operations, changes FROM agentadm.audit_seals ORDER BY from_seq"


def seal(platform: Platform) -> int:
    return platform.write(WriteRequest("test seal"), lambda services: services.audit.seal(), int).value


@pytest.fixture
def sealed(people: Database, platform: Platform) -> Database:
    """Three seals over renamings and deletions."""
    for statement in (RENAME.format(ADA), RENAME.format(BOB), f"DELETE FROM agentadm.users WHERE id = '{CYD}'"):
        outside(people, statement)
        assert seal(platform) == 1
    return people


def verified(agentadm: Agentadm) -> tuple[Result, list[str]]:
    done = agentadm("audit", "verify", "-o", "json")
    assert done.code in {0, 1}, done.err
    assert (done.code == 1) == bool(done.json["problems"])
    return done, done.json["problems"]


def tamper(database: Database, statement: str) -> int:
    """As somebody who can do everything. Returns how many rows that changed."""
    with database.connect("postgres") as connection:
        run(connection, "SET session_replication_role = replica")
        return connection.execute(cast("Any", statement)).rowcount


def test_seals_follow_each_other_and_cover_everything(sealed: Database, agentadm: Agentadm) -> None:
    seals = sealed.rows(SEALS)
    assert [row[0] for row in seals] == [1, *(row[1] + 1 for row in seals[:-1])]
    done, problems = verified(agentadm)
    assert problems == []
    counted = sealed.rows(
        "SELECT (SELECT count(*) FROM agentadm.operations), (SELECT count(*) FROM agentadm.audit_changes)"
    )
    assert [(done.json["operations"], done.json["changes"])] == counted
    assert (done.json["seals"], done.json["unsealed"]) == (3, 0)
    assert done.json["head"] == sealed.value(
        "SELECT encode(digest, 'hex') FROM agentadm.audit_seals ORDER BY from_seq DESC LIMIT 1"
    )


def test_before_the_first_seal_there_is_nothing_to_find(people: Database, agentadm: Agentadm) -> None:
    done, problems = verified(agentadm)
    assert problems == []
    assert (done.json["seals"], done.json["head"]) == (0, None)
    assert done.json["unsealed"] > 0


def test_sealing_twice_does_nothing(sealed: Database, platform: Platform) -> None:
    outside(sealed, RENAME.format(ADA))
    found = platform.write(
        WriteRequest("test seal"), lambda services: [services.audit.seal(), services.audit.seal()], list
    )
    assert found.value == [1, 0]
    before = sealed.rows(SEALS)
    with platform.database.connect() as connection:
        assert AuditService(connection).seal() == 0
        connection.commit()
    assert sealed.rows(SEALS) == before


def test_the_maintenance_job_seals(people: Database, agentadm: Agentadm) -> None:
    outside(people, RENAME.format(ADA))
    done = agentadm("db", "maintain", "-o", "json")
    assert done.code == 0, done.err
    assert verified(agentadm)[0].json["unsealed"] == 0


def test_a_seal_holds_whatever_the_session_has_set(sealed: Database, agentadm: Agentadm) -> None:
    sealed.execute(
        f"ALTER DATABASE {sealed.name} SET timezone = 'Asia/Kathmandu'; ALTER DATABASE {sealed.name}"
        f" SET datestyle = 'German'; ALTER DATABASE {sealed.name} SET intervalstyle = 'sql_standard'",
        user="postgres",
    )
    assert verified(agentadm)[1] == []


CHANGED = (
    "agentadm.audit_changes SET {} WHERE seq = (SELECT max(seq) FROM agentadm.audit_changes WHERE action = 'update')"
)
SECOND = "(SELECT from_seq FROM agentadm.audit_seals ORDER BY from_seq LIMIT 1 OFFSET 1)"


TAMPERINGS = [
    *(
        f"UPDATE {CHANGED.format(change)}"
        for change in (
            'before = before || \'{"full_name": "Eve"}\'',
            "after = NULL",
            "row_key = 'other'",
            "action = 'insert'",
            "origin = 'trigger'",
            "session_user_name = 'other'",
            "application_name = 'other'",
            "changed_at = changed_at + interval '1 microsecond'",
            "table_name = 'other'",
            "xid = xid + 1",
        )
    ),
    *(
        f"UPDATE agentadm.operations SET {change} WHERE seq = {SECOND}"
        for change in (
            "reason = 'another'",
            "actor = 'other'",
            "session_user_name = 'other'",
            "command = 'other'",
            "arguments = '{\"a\": 1}'",
            "undoes = id",
            "schema_version = '0000'",
        )
    ),
    f"DELETE FROM agentadm.audit_changes WHERE seq BETWEEN {SECOND} AND {SECOND} + 1",
    f"DELETE FROM agentadm.operations WHERE seq = {SECOND}",
    (
        f"INSERT INTO agentadm.operations (id, seq, command, arguments, actor, xid)"
        f" VALUES (gen_random_uuid(), {SECOND}, 'x', '{{}}', 'x', 0)"
    ),
    *(
        f"UPDATE agentadm.audit_seals SET {change} WHERE from_seq = {SECOND}"
        for change in ("digest = 'other'", "changes = changes + 1", "operations = 0")
    ),
]


def test_what_was_rewritten_is_named(sealed: Database, agentadm: Agentadm) -> None:
    tables = ("audit_changes", "operations", "audit_seals")
    first, last = sealed.rows(SEALS)[1][:2]
    for table in tables:
        sealed.execute(f"CREATE TABLE public.{table} AS SELECT * FROM agentadm.{table}")
    for statement in TAMPERINGS:
        assert tamper(sealed, statement) == 1, statement
        problems = verified(agentadm)[1]
        assert problems[0].startswith(f"{first} to {last}, or its seal, was rewritten"), statement
        for table in tables:
            tamper(sealed, f"DELETE FROM agentadm.{table}")
            tamper(sealed, f"INSERT INTO agentadm.{table} SELECT * FROM public.{table}")
        assert verified(agentadm)[1] == []


@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_seal_is_named(sealed: Database, agentadm: Agentadm, place: int) -> None:
    first, last = sealed.rows(SEALS)[place][:2]
    assert tamper(sealed, f"DELETE FROM agentadm.audit_seals WHERE from_seq = {first}") == 1
    assert verified(agentadm)[1][0] == f"no seal covers {first} to {last}"


@pytest.mark.parametrize("change", ["from_seq = from_seq - 1", "to_seq = to_seq + 1", "to_seq = to_seq - 1"])
def test_a_seal_over_another_range_is_found(sealed: Database, agentadm: Agentadm, change: str) -> None:
    assert tamper(sealed, f"UPDATE agentadm.audit_seals SET {change} WHERE from_seq = {SECOND}") == 1
    problems = " ".join(verified(agentadm)[1])
    assert "two seals cover" in problems or "no seal covers" in problems


def test_a_last_seal_made_longer_is_found(sealed: Database, agentadm: Agentadm) -> None:
    last = sealed.rows(SEALS)[-1][0]
    tamper(sealed, f"UPDATE agentadm.audit_seals SET to_seq = to_seq + 1000 WHERE from_seq = {last}")
    assert "was rewritten" in verified(agentadm)[1][0]


def test_all_rewritten_with_new_seals_shows_in_the_head(
    sealed: Database, agentadm: Agentadm, platform: Platform
) -> None:
    head = verified(agentadm)[0].json["head"]
    tamper(sealed, f"UPDATE {CHANGED.format('after = NULL')}")
    tamper(sealed, "DELETE FROM agentadm.audit_seals")
    assert seal(platform) == 1
    done, problems = verified(agentadm)
    assert problems == []
    assert done.json["head"] != head


def test_an_operation_without_a_seal_that_is_there_twice_is_found(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, RENAME.format(ADA))
    tamper(
        people,
        "INSERT INTO agentadm.operations (id, started_at, command, arguments, actor, xid)"
        f" SELECT id, started_at + interval '1 s', command, arguments, actor, xid FROM agentadm.operations"
        f" WHERE id = '{operation}'",
    )
    assert verified(agentadm)[1] == [f"operation {operation} is there more than once"]


def test_only_administrators_seal(people: Database, logins: dict[str, str]) -> None:
    outside(people, RENAME.format(ADA))
    for group, allowed in (("admin", True), ("support", False)):
        as_login = Platform({**people.environ, "AGENTADM_DATABASE_URL": people.url_as(logins[group])})
        try:
            if allowed:
                assert seal(as_login) == 1
            else:
                with pytest.raises(NotPermitted, match="agentadm_admin"):
                    seal(as_login)
        finally:
            as_login.close()


# ---------------------------------------------------------------------------------------------------- who commits late


def test_nothing_is_sealed_past_a_change_under_way(people: Database, agentadm: Agentadm) -> None:
    impatient = Platform(people.environ, wait_seconds=0.1)
    try:
        with people.connect() as late:
            run(late, RENAME.format(ADA))
            operation = outside(people, RENAME.format(BOB))
            with pytest.raises(TryAgain):
                seal(impatient)
            assert people.rows(SEALS) == []
            late.commit()
        assert seal(impatient) == 1
    finally:
        impatient.close()
    done, problems = verified(agentadm)
    assert (problems, done.json["unsealed"]) == ([], 0)
    assert people.value(
        "SELECT count(*) FROM agentadm.audit_changes c JOIN agentadm.audit_seals s"
        " ON c.seq BETWEEN s.from_seq AND s.to_seq WHERE c.row_key = ANY (%s) AND c.action = 'update'", [ADA, BOB],
    ) == 2  # fmt: skip
    assert agentadm("audit", "show", operation).code == 0


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_seal_waits_for_a_change_under_way(
    people: Database, platform: Platform, agentadm: Agentadm, ends: str
) -> None:
    with people.connect() as late:
        run(late, RENAME.format(ADA))
        timer = threading.Timer(0.3, getattr(late, ends))
        timer.start()
        try:
            assert seal(platform) == 1
        finally:
            timer.join()
    done, problems = verified(agentadm)
    assert (problems, done.json["unsealed"]) == ([], 0)


def test_two_sealers_seal_nothing_twice(people: Database, agentadm: Agentadm) -> None:
    outside(people, RENAME.format(ADA))
    made: list[Any] = []

    def run_one() -> None:
        one = Platform(people.environ)
        try:
            made.append(seal(one))
        finally:
            one.close()

    threads = [threading.Thread(target=run_one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 3
    assert verified(agentadm)[1] == []


def test_a_change_waits_until_a_seal_is_committed(people: Database, platform: Platform, agentadm: Agentadm) -> None:
    def seal_and_try(services: Services) -> int:
        made = services.audit.seal()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            outside(people, RENAME.format(ADA), options="-c lock_timeout=50ms")
        return made

    assert platform.write(WriteRequest("test seal"), seal_and_try, int).value == 1
    outside(people, RENAME.format(ADA))
    assert verified(agentadm)[1] == []
