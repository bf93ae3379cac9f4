"""What the other tests rest on: a write is never missed, and no test gets a database that another wrote to."""

import psycopg
import pytest

from tests.support import Cluster, Database

WRITES = {
    "insert": "INSERT INTO agentadm.users (email) VALUES ('x@example.com')",
    "update": "UPDATE agentadm.users SET full_name = full_name",
    "delete": "DELETE FROM agentadm.idempotency_keys",
    "create": "CREATE TABLE public.x ()",
    "drop": "DROP FUNCTION agentadm.uuid_v7() CASCADE",
    "grant": "GRANT SELECT ON agentadm.users TO PUBLIC",
    "comment": "COMMENT ON TABLE agentadm.users IS 'x'",
    "savepoint": "SAVEPOINT a; INSERT INTO agentadm.users (email) VALUES ('x@example.com'); RELEASE a",
}


@pytest.fixture
def written_to(database: Database) -> Database:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    database.execute(
        "INSERT INTO agentadm.idempotency_keys (key, inputs_digest, operation_id) VALUES ('k', 'x', agentadm.uuid_v7())"
    )
    return database


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_is_committed_is_seen_and_what_is_rolled_back_is_not(written_to: Database, write: str) -> None:
    mark = written_to.mark()
    with written_to.connect() as connection:
        connection.execute(write.encode())
        connection.rollback()
    assert written_to.written_since(mark) == []
    written_to.execute(write)
    assert written_to.written_since(mark) != []
    assert written_to.written_since(written_to.mark()) == []


def test_what_is_committed_is_named(database: Database) -> None:
    mark = database.mark()
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    assert [line for line in database.written_since(mark) if line.startswith("agentadm.users (")]


def test_only_a_clone_that_nobody_wrote_to_is_handed_on(cluster: Cluster, template: Database) -> None:
    first, second = cluster.database(template.name), cluster.database(template.name)
    assert first.value("SELECT count(*) FROM agentadm.users") == 0
    cluster.drop(first)
    third = cluster.database(template.name)
    assert third.name == first.name != second.name
    cluster.drop(second)
    third.execute(WRITES["insert"])
    cluster.drop(third)
    fourth = cluster.database(template.name)
    assert fourth.name == second.name
    cluster.drop(fourth)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        third.value("SELECT 1")


def test_a_clone_of_another_template_is_not_handed_on(cluster: Cluster, template: Database) -> None:
    cluster.drop(cluster.database(template.name))
    empty = cluster.database()
    assert empty.value("SELECT to_regnamespace('agentadm') IS NULL")
    cluster.drop(empty)
