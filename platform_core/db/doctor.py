"""What can be wrong with an installation: one small function for each check."""

from ipaddress import ip_address

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from platform_core.config import Settings
from platform_core.db import doctor_contents, doctor_queries, queries
from platform_core.db.engine import translated
from platform_core.db.mark_queries import find_mark
from platform_core.db.patient import Check, Patient, Problem, named
from platform_core.db.schema import care_of, declared_triggers
from platform_core.db.types import Finding
from platform_core.db.version import SCHEMA_VERSION

OLDEST_SERVER = 150_000
SAFE_SSLMODE = "verify-full"


def examine(connection: Connection, settings: Settings | None = None) -> tuple[Finding, ...]:
    """Run every check, each by itself: one that may not look says so, and the others go on.

    Args:
        connection: inside a transaction, which is not changed.
        settings: in force; say where the key material is.
    """
    mark = find_mark(connection)
    if mark is None:
        return (
            Finding("mark", ok=False, detail="this database was not set up by agentadm", advice="agentadm db init"),
        )
    patient = Patient(connection, mark, settings)
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
        return Problem(f"missing: {named(missing)}", "agentadm db upgrade; or restore a backup")
    if foreign := sorted(there - set(patient.declared)):
        return Problem(
            f"not of this tool, so neither audited nor in order: {named(foreign)}", "move them to another schema"
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
        for name, function in _expected_triggers(patient.declared[table.logical_name])
        if (table.name, name, function) not in working
    ]
    if silent:
        return Problem(
            f"missing, or switched off: {named(silent)}",
            "what changed meanwhile is not recorded; enable them with ALTER TABLE ... ENABLE TRIGGER, "
            "or restore a backup",
        )
    return "all there and switched on"


def _expected_triggers(table: Table) -> list[tuple[str, str]]:
    """The triggers of a table and of its partitions, with their functions; those of every table have the same name."""
    care = care_of(table)
    wanted = []
    if care.unaudited is None:
        wanted += ["audit_insert", "audit_update", "audit_delete", "refuse_truncate", "refuse_key_change"]
    if care.append_only:
        wanted += ["refuse_rewrite", "refuse_truncate"]
    if "updated_at" in table.columns:
        wanted.append("touch_updated_at")
    return [(name, name) for name in wanted] + declared_triggers().get(table.name, [])


def _row_security(patient: Patient) -> str | Problem:
    if open_tables := [table.name for table in patient.tables if not table.row_security]:
        return Problem(f"off on {named(open_tables)}", "ALTER TABLE agentadm.… ENABLE ROW LEVEL SECURITY, as the owner")
    if past := doctor_queries.ways_past_policies(patient.connection):
        return Problem(
            f"gone round by {named(past)}",
            "ALTER VIEW agentadm.… SET (security_invoker = true); REVOKE ALL ON agentadm.…, as the owner",
        )
    return "on everywhere"


def _roles(patient: Patient) -> str | Problem:
    if missing := queries.missing_roles(patient.connection):
        return Problem(
            f"missing in this cluster: {named(missing)}",
            "as a role with CREATEROLE: SELECT agentadm.make_roles(), agentadm.grant_privileges()",
        )
    if powerless := doctor_queries.roles_without_privileges(patient.connection):
        return Problem(
            f"without their privileges: {named(powerless)}", "as the owner: SELECT agentadm.grant_privileges()"
        )
    return "all group roles are there, with their privileges"


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
        return Problem(f"invalid: {named(broken)}", "REINDEX INDEX CONCURRENTLY agentadm.…")
    return "all valid"


def _constraints(patient: Patient) -> str | Problem:
    if unproved := doctor_queries.unvalidated_constraints(patient.connection):
        return Problem(f"never validated: {named(unproved)}", "ALTER TABLE agentadm.… VALIDATE CONSTRAINT …")
    return "all valid"


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
    **doctor_contents.CHECKS,
    "TLS": _tls,
    "pooler": _pooler,
    "indexes": _indexes,
    "constraints": _constraints,
}
