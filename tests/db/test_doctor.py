"""Each check of the doctor is seen failing, and nothing fails on a healthy database."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from platform_core.db import doctor, queries
from platform_core.db.types import Finding
from platform_core.platform import Platform
from tests.support import Cluster, Database


def examine(platform: Platform) -> dict[str, Finding]:
    found = platform.sessions.read(lambda services: services.database.doctor())
    return {finding.check: finding for finding in found}


def wrong(platform: Platform) -> dict[str, Finding]:
    return {name: finding for name, finding in examine(platform).items() if not finding.ok}


def test_a_new_installation_is_healthy(platform: Platform) -> None:
    found = examine(platform)
    assert list(found) == list(doctor.CHECKS)
    assert [finding for finding in found.values() if not finding.ok] == []


MONTH = "to_char(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + interval '1 month', 'YYYY_MM')"
DROP_NEXT_MONTH = f"DO $$ BEGIN EXECUTE 'DROP TABLE agentadm.operations_' || {MONTH}; END $$"  # a month ahead: empty
OLD_OPERATION = (
    "INSERT INTO agentadm.operations (id, started_at, command, arguments, actor, xid) "
    "VALUES (gen_random_uuid(), '2020-01-15', 'x', '{}', 'x', 1)"
)
OLD_INTENT = (
    "INSERT INTO agentadm.provider_intents "
    "(operation_id, step, provider, object_type, object_id, provider_key, request, created_at) VALUES "
    "('00000000-0000-0000-0000-000000000007', 's', 'stripe', 'users', '1', 'k', '{}', "
    "clock_timestamp() - interval '61 minutes')"
)
OLD_RUN = (
    "INSERT INTO agentadm.job_runs (job, holder, lease_until, state, finished_at, created_at) SELECT "
    "'db maintain', 'h', at, 'done', at, at FROM (SELECT clock_timestamp() - interval '49 hours' AS at) old"
)
DEAD_RUN = (
    "INSERT INTO agentadm.job_runs (job, holder, lease_until) "
    "VALUES ('usage rollup', 'h', clock_timestamp() - interval '1 second')"
)
FALSE_TRIGGER = (
    "CREATE FUNCTION public.audit_insert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "DROP TRIGGER audit_insert ON agentadm.users;"
    "CREATE TRIGGER audit_insert AFTER INSERT ON agentadm.users EXECUTE FUNCTION public.audit_insert()"
)
OLD_MARK = "UPDATE agentadm.installation SET created_at = clock_timestamp() - interval '49 hours'"
# Check, damage, who does it, and what the finding names.
DAMAGE = [
    (
        "triggers",
        "ALTER TABLE agentadm.agents DISABLE TRIGGER count_agents_inserted",
        "agentadm_owner",
        "agents (count_agents_inserted)",
    ),
    (
        "errors",
        (
            "INSERT INTO agentadm.error_logs (type, message, run_id, run_created_at)"
            " VALUES ('t', 'm', gen_random_uuid(), '2026-01-01')"
        ),
        "agentadm_owner",
        "not there: 1",
    ),
    ("schema version", "UPDATE agentadm.alembic_version SET version_num = '0000'", "agentadm_owner", "0000"),
    ("system identifier", "UPDATE agentadm.installation SET system_identifier = '1'", "agentadm_owner", "belongs to 1"),
    ("tables", "DROP TABLE agentadm.identities", "agentadm_owner", "missing: identities"),
    (
        "tables",
        "CREATE TABLE agentadm.stray (id int); ALTER TABLE agentadm.stray ENABLE ROW LEVEL SECURITY",
        "agentadm_owner",
        "stray",
    ),
    ("triggers", "ALTER TABLE agentadm.users DISABLE TRIGGER audit_update", "agentadm_owner", "users (audit_update)"),
    ("triggers", "DROP TRIGGER refuse_truncate ON agentadm.users", "agentadm_owner", "users (refuse_truncate)"),
    ("triggers", "ALTER TABLE agentadm.users DISABLE TRIGGER touch_updated_at", "agentadm_owner", "touch_updated_at"),
    (
        "triggers",
        "ALTER TABLE agentadm.operations_default DISABLE TRIGGER refuse_truncate",
        "agentadm_owner",
        "operations_default (refuse_truncate)",
    ),
    (
        "triggers",
        FALSE_TRIGGER,
        "postgres",
        "users (audit_insert)",
    ),
    ("row security", "ALTER TABLE agentadm.users DISABLE ROW LEVEL SECURITY", "agentadm_owner", "off on users"),
    (
        "row security",
        "ALTER TABLE agentadm.operations_default DISABLE ROW LEVEL SECURITY",
        "agentadm_owner",
        "operations_default",
    ),
    (
        "row security",
        "CREATE VIEW agentadm.leak AS SELECT * FROM agentadm.users",
        "agentadm_owner",
        "leak (a view without security_invoker)",
    ),
    (
        "row security",
        "GRANT SELECT ON agentadm.operations_default TO agentadm_tenant",
        "agentadm_owner",
        "operations_default (a partition with privileges of its own)",
    ),
    ("group roles", "REVOKE USAGE ON SCHEMA agentadm FROM agentadm_support", "agentadm_owner", "agentadm_support"),
    ("partitions", DROP_NEXT_MONTH, "agentadm_owner", "missing: operations_"),
    ("default partitions", OLD_OPERATION, "agentadm_owner", "agentadm.operations_default (1 rows)"),
    ("provider steps", OLD_INTENT, "agentadm_owner", "00000000-0000-0000-0000-000000000007"),
    ("jobs", OLD_RUN, "agentadm_owner", "db maintain"),
    ("jobs", OLD_RUN.replace("49 hours", "1 minute").replace("'done'", "'failed'"), "agentadm_owner", "db maintain"),
    ("jobs", OLD_MARK, "agentadm_owner", "db maintain"),
    ("leases", DEAD_RUN, "agentadm_owner", "usage rollup"),
    (
        "indexes",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'agentadm.installation_one_row_key'::regclass",
        "postgres",
        "installation_one_row_key",
    ),
    (
        "constraints",
        "ALTER TABLE agentadm.users ADD CONSTRAINT has_role CHECK (role <> '') NOT VALID",
        "agentadm_owner",
        "has_role of users",
    ),
]


@pytest.mark.parametrize(("check", "damage", "user", "named"), DAMAGE)
def test_damage_is_found(
    platform: Platform, database: Database, check: str, damage: str, user: str, named: str
) -> None:
    database.execute(damage, user=user)
    found = wrong(platform)
    assert list(found) == [check]
    assert named in found[check].detail
    assert found[check].advice


def test_a_database_without_mark_has_one_finding(platform: Platform, database: Database) -> None:
    database.execute("DELETE FROM agentadm.installation")
    assert list(wrong(platform)) == ["mark"]


def test_triggers_that_a_setting_silences_are_found(database: Database) -> None:
    database.execute(
        f"ALTER ROLE agentadm_owner IN DATABASE {database.name} SET session_replication_role = replica", user="postgres"
    )
    platform = Platform(database.environ)
    assert "session_replication_role is replica" in wrong(platform)["triggers"].detail
    platform.close()


def test_a_strong_login_is_found(database: Database) -> None:
    platform = Platform({**database.environ, "AGENTADM_DATABASE_URL": database.superuser_url})
    assert list(wrong(platform)) == ["login"]
    platform.close()


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ("pepper", ("no version of pepper yet",)),
        ("encryption", ("no version of encryption yet",)),
        ("%", ("no version of pepper yet", "no version of encryption yet", "agentadm db key-material add")),
    ],
)
def test_what_has_no_key_material_yet_is_told_and_no_fault(
    platform: Platform, database: Database, gone: str, told: tuple[str, ...]
) -> None:
    assert "yet" not in examine(platform)["key material"].detail
    database.execute("DELETE FROM agentadm.key_material WHERE purpose LIKE %s", gone)
    found = examine(platform)["key material"]
    assert found.ok
    assert [part in found.detail for part in told] == [True] * len(told)


def test_an_old_server_is_found(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_SERVER", 990_000)
    assert list(wrong(platform)) == ["server version"]


def test_a_missing_group_role_is_found(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    # The roles themselves belong to the cluster, and other tests use them.
    monkeypatch.setattr(queries, "GROUP_ROLES", (*queries.GROUP_ROLES, "agentadm_nobody"))
    found = wrong(platform)
    assert list(found) == ["group roles"]
    assert "agentadm_nobody" in found["group roles"].detail


def test_a_fake_clock_is_found_on_production_only(database: Database) -> None:
    moment = database.value("SELECT clock_timestamp()::text")
    platform = Platform({**database.environ, "AGENTADM_CLOCK": moment})
    assert wrong(platform) == {}
    database.execute("UPDATE agentadm.installation SET production = true")
    found = wrong(platform)
    assert list(found) == ["clock"]
    assert moment in found["clock"].detail
    platform.close()


def test_a_dead_run_that_was_taken_over_is_no_finding(platform: Platform, database: Database) -> None:
    database.execute(DEAD_RUN)
    database.execute(
        "UPDATE agentadm.job_runs SET state = 'lost', finished_at = lease_until, error = 'its lease ran out'"
    )
    assert list(wrong(platform)) == ["leases"]
    database.execute(DEAD_RUN.replace("- interval", "+ interval"))
    assert wrong(platform) == {}


def test_an_operator_is_told_what_was_not_checked(database: Database) -> None:
    role = f"looks_{database.name}"
    database.execute(f"CREATE ROLE {role} LOGIN IN ROLE agentadm_analytics", user="postgres")
    platform = Platform({**database.environ, "AGENTADM_DATABASE_URL": database.url_as(role)})
    found = wrong(platform)
    assert set(found) == {"default partitions", "provider steps", "key material", "API keys"}
    assert all("not checked" in finding.detail for finding in found.values())
    platform.close()


class Proxy:
    """Stands between client and server, on TCP; like a pooler it can tell the client a process id of its own."""

    def __init__(self, server_socket: Path, own_process_id: int | None) -> None:
        self._server_socket = str(server_socket)
        self._own_process_id = own_process_id
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for opened in self._sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server_socket)
                self._sockets += [client, server]
                threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                at = data.find(b"K\x00\x00\x00\x0c") if from_server and self._own_process_id is not None else -1
                if at >= 0:
                    data = data[: at + 5] + struct.pack("!I", self._own_process_id) + data[at + 9 :]
                target.sendall(data)


@pytest.fixture
def proxied(cluster: Cluster, database: Database) -> Iterator[tuple[Proxy, Database]]:
    folder = database.url.partition("host=")[2].partition("&")[0]
    proxy = Proxy(Path(folder) / ".s.PGSQL.5432", own_process_id=4_711)
    yield proxy, database
    proxy.close()


def through(proxy: Proxy, database: Database, host: str) -> Platform:
    url = f"host={host} hostaddr=127.0.0.1 port={proxy.port} dbname={database.name} user=agentadm_owner"
    return Platform({**database.environ, "AGENTADM_DATABASE_URL": url})


def test_a_remote_server_without_tls_and_a_pooler_are_found(proxied: tuple[Proxy, Database]) -> None:
    platform = through(*proxied, host="db.example.com")
    found = wrong(platform)
    platform.close()
    assert list(found) == ["TLS", "pooler"]
    assert "db.example.com" in found["TLS"].detail
    assert "process 4711" in found["pooler"].detail


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_this_machine_needs_no_tls(proxied: tuple[Proxy, Database], host: str) -> None:
    platform = through(*proxied, host=host)
    assert list(wrong(platform)) == ["pooler"]
    platform.close()
