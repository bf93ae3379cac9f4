"""What can be wrong with an installation: one small function for each check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from ipaddress import ip_address

import psycopg
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from platform_core.db import doctor_queries, queries
from platform_core.db.engine import translated
from platform_core.db.mark import Mark
from platform_core.db.mark_queries import find_mark
from platform_core.db.schema import AnyRow, care_of, load_tables
from platform_core.db.transaction_queries import database_now
from platform_core.db.types import Finding
from platform_core.db.version import SCHEMA_VERSION
from platform_core.errors import AgentadmError
from platform_core.listing.types import ListRequest
from platform_core.services import Services

OLDEST_SERVER = 150_000
INTENT_AGE = timedelta(hours=1)
NAMED = 5
SAFE_SSLMODE = "verify-full"


@dataclass
class Patient:
    """The installation under examination, and what several checks ask of it."""

    connection: Connection
    mark: Mark

    @cached_property
    def services(self) -> Services:
        """The nouns' own rules, in the same transaction."""
        return Services(self.connection)

    @cached_property
    def surroundings(self) -> AnyRow:
        """What the server says of itself and of this session."""
        return doctor_queries.surroundings(self.connection)

    @cached_property
    def tables(self) -> list[AnyRow]:
        """Tables and partitions."""
        return doctor_queries.tables(self.connection)

    @cached_property
    def declared(self) -> dict[str, Table]:
        """The tables as the code declares them, by name."""
        return {table.name: table for table in load_tables().tables.values()}

    @property
    def driver(self) -> psycopg.Connection[object]:
        """The driver's connection."""
        driver = self.connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise AgentadmError("the connection is lost")
        return driver


def examine(connection: Connection) -> tuple[Finding, ...]:
    """Run every check, each by itself: one that may not look says so, and the others go on.

    Args:
        connection: inside a transaction, which is not changed.
    """
    mark = find_mark(connection)
    if mark is None:
        return (
            Finding("mark", ok=False, detail="this database was not set up by agentadm", advice="agentadm db init"),
        )
    patient = Patient(connection, mark)
    return tuple(_examined(name, check, patient) for name, check in CHECKS.items())


def _examined(name: str, check: "Check", patient: Patient) -> Finding:
    try:
        with patient.connection.begin_nested():
            problem = check(patient)
    except DBAPIError as error:
        told = translated(error)
        return Finding(name, ok=False, detail=f"not checked: {told.message}", advice="run it as the schema's owner")
    if isinstance(problem, str):
        return Finding(name, ok=True, detail=problem)
    return Finding(name, ok=False, detail=problem.detail, advice=problem.advice)


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do."""

    detail: str
    advice: str


# A check answers with what is fine, in words, or with the problem.
Check = Callable[[Patient], str | Problem]


def _schema_version(patient: Patient) -> str | Problem:
    found = patient.mark.schema_version
    if found == SCHEMA_VERSION:
        return f"{found}, as this tool expects"
    return Problem(f"{found or 'nothing'}, this tool expects {SCHEMA_VERSION}", "agentadm db upgrade")


def _server_version(patient: Patient) -> str | Problem:
    found = patient.surroundings
    if found.server_version_number >= OLDEST_SERVER:
        return f"PostgreSQL {found.server_version}"
    return Problem(f"PostgreSQL {found.server_version} is too old", "move to PostgreSQL 15 or later")


def _login(patient: Patient) -> str | Problem:
    login = queries.login(patient.connection)
    if not login.passes_policies:
        return f"{login.name} is a plain role"
    return Problem(
        f"{login.name} is a superuser or passes row-level security", "log in as the schema's owner or an operator"
    )


def _system_identifier(patient: Patient) -> str | Problem:
    here, marked = queries.system_identifier(patient.connection), patient.mark.system_identifier
    if here is None or marked is None:
        return "the cluster cannot be told from others with this login"
    if here == marked:
        return f"cluster {here}, where it was set up"
    return Problem(
        f"this is cluster {here}, the installation belongs to {marked}: a copy, or an upgraded cluster",
        f"if it is to stay here, set installation.system_identifier to '{here}' in agentadm db shell",
    )


def _clock(patient: Patient) -> str | Problem:
    fake = patient.surroundings.fake_clock
    if not fake:
        return "the real time"
    if patient.mark.production:
        return Problem(f"AGENTADM_CLOCK={fake} is ignored: this is production", "take AGENTADM_CLOCK away")
    return f"AGENTADM_CLOCK={fake}"


def _tables(patient: Patient) -> str | Problem:
    there = {table.logical_name for table in patient.tables}
    if missing := sorted(set(patient.declared) - there):
        return Problem(f"missing: {_named(missing)}", "agentadm db upgrade; or restore a backup")
    if foreign := sorted(there - set(patient.declared)):
        return Problem(
            f"not of this tool, so neither audited nor in order: {_named(foreign)}", "move them to another schema"
        )
    return f"{len(there)} tables"


def _audit_triggers(patient: Patient) -> str | Problem:
    if patient.surroundings.replication_role != "origin":
        return Problem(
            f"session_replication_role is {patient.surroundings.replication_role}: no trigger fires",
            "find who set it: ALTER ROLE or ALTER DATABASE ... RESET session_replication_role",
        )
    working = doctor_queries.working_triggers(patient.connection)
    silent = [
        f"{table.name} ({name})"
        for table in patient.tables
        if table.logical_name in patient.declared
        for name in _expected_triggers(patient.declared[table.logical_name])
        if (table.name, name) not in working
    ]
    if silent:
        return Problem(
            f"missing, or switched off: {_named(silent)}",
            "what changed meanwhile is not recorded; enable them with ALTER TABLE ... ENABLE TRIGGER, "
            "or restore a backup",
        )
    return "all there and switched on"


def _expected_triggers(table: Table) -> list[str]:
    """The triggers of a table and of its partitions; each has the name of its function."""
    care = care_of(table)
    wanted = []
    if care.unaudited is None:
        wanted += ["audit_insert", "audit_update", "audit_delete", "refuse_truncate", "refuse_key_change"]
    if care.append_only:
        wanted += ["refuse_rewrite", "refuse_truncate"]
    if "updated_at" in table.columns:
        wanted.append("touch_updated_at")
    return wanted


def _row_security(patient: Patient) -> str | Problem:
    if open_tables := [table.name for table in patient.tables if not table.row_security]:
        return Problem(
            f"off on {_named(open_tables)}", "ALTER TABLE agentadm.… ENABLE ROW LEVEL SECURITY, as the owner"
        )
    if past := doctor_queries.ways_past_policies(patient.connection):
        return Problem(
            f"gone round by {_named(past)}",
            "ALTER VIEW agentadm.… SET (security_invoker = true); REVOKE ALL ON agentadm.…, as the owner",
        )
    return "on everywhere"


def _roles(patient: Patient) -> str | Problem:
    if missing := queries.missing_roles(patient.connection):
        return Problem(
            f"missing in this cluster: {_named(missing)}",
            "as a role with CREATEROLE: SELECT agentadm.make_roles(), agentadm.grant_privileges()",
        )
    if powerless := doctor_queries.roles_without_privileges(patient.connection):
        return Problem(
            f"without their privileges: {_named(powerless)}", "as the owner: SELECT agentadm.grant_privileges()"
        )
    return "all group roles are there, with their privileges"


def _partitions(patient: Patient) -> str | Problem:
    if missing := queries.missing_partitions(patient.connection):
        return Problem(f"missing: {_named(missing)}", "agentadm db maintain, once a day by cron")
    return "this month and the next are there"


def _default_partitions(patient: Patient) -> str | Problem:
    found = queries.default_partition_rows(patient.connection)
    if found is None:
        return Problem("not checked: this login may not read them", "run it as the schema's owner")
    if filled := [f"{name} ({rows} rows)" for name, rows in found.items() if rows]:
        return Problem(f"rows wait in {_named(filled)}", "agentadm db maintain moves them")
    return "empty"


def _intents(patient: Patient) -> str | Problem:
    now = database_now(patient.connection)
    old = [
        str(intent.operation_id)
        for intent in patient.services.operations.unfinished(ListRequest()).stream()
        if now - intent.created_at > INTENT_AGE
    ]
    if old:
        return Problem(
            f"unfinished for more than an hour, of operation {_named(old)}",
            f"agentadm operations resume {old[0]}",
        )
    return "none is unfinished for long"


def _jobs(patient: Patient) -> str | Problem:
    if overdue := [status.job for status in patient.services.jobs.status() if status.overdue]:
        return Problem(
            f"overdue: {_named(overdue)}", "see agentadm db jobs; agentadm db crontab prints what cron is to run"
        )
    return "none is overdue"


def _leases(patient: Patient) -> str | Problem:
    if lost := patient.services.jobs.lost():
        return Problem(f"the last run died: {_named(lost)}", "agentadm db jobs; then run it again")
    return "none was lost"


def _tls(patient: Patient) -> str | Problem:
    host = patient.driver.info.host
    if _is_local(host):
        return "not needed on this machine"
    mode = patient.driver.info.get_parameters().get("sslmode", "prefer")
    if patient.driver.pgconn.ssl_in_use and mode == SAFE_SSLMODE:
        return SAFE_SSLMODE
    return Problem(
        f"{host} is not verified: sslmode is {mode}", "add sslmode=verify-full and sslrootcert=system to the URL"
    )


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host in {"", "localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _pooler(patient: Patient) -> str | Problem:
    told, real = patient.driver.info.backend_pid, patient.surroundings.backend_pid
    if told == real:
        return "a direct connection"
    return Problem(
        f"a pooler is in between: we were told process {told}, the server runs {real}",
        "give migrations and cron jobs a direct URL: behind a pooler in transaction mode there are no session locks",
    )


def _indexes(patient: Patient) -> str | Problem:
    if broken := doctor_queries.invalid_indexes(patient.connection):
        return Problem(f"invalid: {_named(broken)}", "REINDEX INDEX CONCURRENTLY agentadm.…")
    return "all valid"


def _constraints(patient: Patient) -> str | Problem:
    if unproved := doctor_queries.unvalidated_constraints(patient.connection):
        return Problem(f"never validated: {_named(unproved)}", "ALTER TABLE agentadm.… VALIDATE CONSTRAINT …")
    return "all valid"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


CHECKS: dict[str, Check] = {
    "schema version": _schema_version,
    "server version": _server_version,
    "login": _login,
    "system identifier": _system_identifier,
    "clock": _clock,
    "tables": _tables,
    "triggers": _audit_triggers,
    "row security": _row_security,
    "group roles": _roles,
    "partitions": _partitions,
    "default partitions": _default_partitions,
    "provider steps": _intents,
    "jobs": _jobs,
    "leases": _leases,
    "TLS": _tls,
    "pooler": _pooler,
    "indexes": _indexes,
    "constraints": _constraints,
}
