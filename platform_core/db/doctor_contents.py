"""What can be wrong with what is in an installation: one small function for each check."""

from datetime import timedelta

from platform_core.db import doctor_queries, queries
from platform_core.db.patient import Check, Patient, Problem, named
from platform_core.db.transaction_queries import database_now
from platform_core.errors import NotPermitted, UsageError
from platform_core.listing.types import ListRequest

INTENT_AGE = timedelta(hours=1)


def _partitions(patient: Patient) -> str | Problem:
    if missing := queries.missing_partitions(patient.connection):
        return Problem(f"missing: {named(missing)}", "agentadm db maintain, once a day by cron")
    return "this month and the next are there"


def _default_partitions(patient: Patient) -> str | Problem:
    found = queries.default_partition_rows(patient.connection)
    if found is None:
        return Problem("not checked: this login may not read them", "run it as the schema's owner")
    if filled := [f"{name} ({rows} rows)" for name, rows in found.items() if rows]:
        return Problem(f"rows wait in {named(filled)}", "agentadm db maintain moves them")
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
            f"unfinished for more than an hour, of operation {named(old)}",
            f"agentadm operations resume {old[0]}",
        )
    return "none is unfinished for long"


def _jobs(patient: Patient) -> str | Problem:
    if overdue := [status.job for status in patient.services.jobs.status() if status.overdue]:
        return Problem(
            f"overdue: {named(overdue)}", "see agentadm db jobs; agentadm db crontab prints what cron is to run"
        )
    return "none is overdue"


def _leases(patient: Patient) -> str | Problem:
    if lost := patient.services.jobs.lost():
        return Problem(f"the last run died: {named(lost)}", "agentadm db jobs; then run it again")
    return "none was lost"


def _key_material(patient: Patient) -> str | Problem:
    try:
        problems = patient.services.key_material.problems()
    except (NotPermitted, UsageError) as error:
        return Problem(error.message, error.hint or "put the key material back: it is in no backup")
    if problems:
        return Problem(named(problems), "put the key material back as it was: it is in no backup of the database")
    healthy = "all registered versions are here, and are what they were"
    # No fault: whoever makes no keys and encrypts nothing needs none.
    missing = patient.services.key_material.missing()
    wanted = [f"no version of {purpose} yet (agentadm db key-material add {purpose})" for purpose in missing]
    return "; ".join((healthy, *wanted))


def _keys(patient: Patient) -> str | Problem:
    if lost := patient.services.key_material.unknown_keys():
        told = named([f"{number:,} under pepper {version}" for version, number in lost.items()])
        return Problem(
            f"living API keys that no pepper in use knows: {told}",
            "agentadm keys list --status active --where hash_version=… shows them; revoke them",
        )
    return "every living one can be verified"


def _orphans(patient: Patient) -> str | Problem:
    """Runs are partitioned, so that no foreign key holds what errors say of them."""
    if lost := doctor_queries.errors_without_runs(patient.connection):
        return Problem(
            f"errors that name runs which are not there: {lost}", "agentadm agents errors --where run_id=… shows one"
        )
    return "every error's run is there"


CHECKS: dict[str, Check] = {
    "partitions": _partitions,
    "default partitions": _default_partitions,
    "provider steps": _intents,
    "jobs": _jobs,
    "leases": _leases,
    "key material": _key_material,
    "API keys": _keys,
    "errors": _orphans,
}
