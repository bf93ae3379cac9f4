"""The database's own rules, inside a transaction: its mark, its figures, its upkeep, its logins."""

from datetime import timedelta

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from platform_core.config import Settings
from platform_core.db import queries, role_queries, stats_queries
from platform_core.db.schema import AnyRow
from platform_core.db.types import Finding, Maintenance, OperatorRole, SeedResult, Stat
from platform_core.errors import AgentadmError, Conflict, NotFound, NotPermitted, UsageError
from platform_core.services import Services

SHOWN_STATS = 10
KEYS_KEPT = timedelta(days=30)
PREFIX = "agentadm_"
GROUPS = ("support", "billing", "analytics", "admin")
# PostgreSQL keeps these names for itself.
RESERVED_NAMES = frozenset({"public", "none", "current_user", "session_user", "current_role", "user"})
LONGEST_NAME_BYTES = 63
OWNER_GROUP = "owner"


class DatabaseService:
    """Looks after the database.

    Args:
        connection: inside a transaction.
        settings: in force; the doctor looks for the key material.
    """

    def __init__(self, connection: Connection, settings: Settings | None = None) -> None:
        self._connection = connection
        self._settings = settings

    def stats(self) -> tuple[Stat, ...]:
        """Sessions, sizes, unused indexes, the oldest transaction; slow statements where the server keeps them."""
        rows = stats_queries.stats(self._connection, SHOWN_STATS)
        schema = stats_queries.statements_schema(self._connection)
        if schema is not None:
            try:
                with self._connection.begin_nested():
                    rows += stats_queries.slow_statements(self._connection, schema, SHOWN_STATS)
            except DBAPIError:
                # Installed, but the server does not load it, or this login may not read it.
                rows += []
        return tuple(Stat(**row._mapping) for row in rows)

    def doctor(self) -> tuple[Finding, ...]:
        """Every check of the installation, each with its finding; see doctor.py."""
        from platform_core.db.doctor import examine

        return examine(self._connection, self._settings)

    def maintain(self, *, months_ahead: int = 3) -> Maintenance:
        """Make partitions up to so many months ahead, forget old idempotency keys and bulk runs, seal the audit.

        Raises:
            NotPermitted: the login does not own the schema; the driver's error until it is translated.
        """
        services = Services(self._connection)
        partitions = queries.ensure_partitions(self._connection, months_ahead)
        expired = services.operations.forget_keys(KEYS_KEPT)
        services.bulk.forget_finished(KEYS_KEPT)
        services.importing.forget_orphans()
        return Maintenance(partitions, services.audit.seal(), expired)

    def seed(self, scale: str) -> SeedResult:
        """Load a believable company; see seed.seed."""
        from platform_core.db.seed import seed

        return seed(self._connection, scale)

    def roles(self) -> tuple[OperatorRole, ...]:
        """Logins that can do something here: operators, also revoked ones, the schema's owner, superusers."""
        return tuple(
            _operator(row)
            for row in role_queries.roles(self._connection)
            if row.groups or row.is_operator or (row.can_login and (row.owner or row.superuser))
        )

    def create_role(self, name: str, groups: tuple[str, ...], password: str | None) -> OperatorRole:
        """Make a login for an operator or a job; one that was revoked comes back with exactly these groups.

        Args:
            name: of the role.
            groups: some of support, billing, analytics, admin.
            password: the server gets only its SCRAM verifier; None where its own rules decide who logs in.

        Raises:
            UsageError: name, group or password cannot be used.
            Conflict: there is such a role, and it is not one that was revoked.
        """
        _check_name(name)
        wanted = _group_roles(groups)
        if password == "":
            raise UsageError("the password is empty", "leave --password-stdin out for a login without a password")
        existing = self._find(name)
        if existing is None:
            role_queries.create_login(self._connection, name)
        elif not existing.is_operator or existing.can_login:
            raise Conflict(f"there is a role {name} already", "agentadm db roles list shows it; choose another name")
        elif existing.groups:
            role_queries.revoke_groups(self._connection, name, existing.groups)
        verifier = None if password is None else self._verifier(name, password)
        role_queries.allow_login(self._connection, name, verifier)
        role_queries.grant_groups(self._connection, name, wanted)
        return self._role(name)

    def revoke_role(self, name: str) -> OperatorRole:
        """Take a login's groups and its login away. The role stays: the audit names it. Repeatable.

        Sessions that it has open lose the rights of the groups at once, and end when they end.

        Raises:
            NotFound: there is no such role.
            Conflict: it is this session's own, owns the schema, is a superuser, or is no operator.
            NotPermitted: another role gave it a group, and only that one or a superuser may take it away.
        """
        row = self._find(name)
        if row is None:
            raise NotFound(f"no role {name!r}", "agentadm db roles list shows them")
        if name == role_queries.session_login(self._connection):
            raise Conflict(f"{name} is the login that you are using", "let another administrator revoke it")
        if row.superuser or row.owner:
            kind = "a superuser" if row.superuser else "an owner of the schema"
            raise Conflict(f"{name} is {kind}, not an operator", "change it in psql, as a superuser")
        if not row.groups and not row.is_operator:
            raise Conflict(f"{name} has nothing to do with agentadm", "agentadm db roles list shows who has")
        if row.groups:
            role_queries.revoke_groups(self._connection, name, row.groups)
        role_queries.forbid_login(self._connection, name)
        revoked = self._role(name)
        if revoked.groups:
            # PostgreSQL only warns of that.
            raise NotPermitted(
                f"{name} is still in {', '.join(revoked.groups)}: another role put it there",
                "revoke that as a superuser in psql; nothing was changed",
            )
        return revoked

    def _find(self, name: str) -> AnyRow | None:
        return next((row for row in role_queries.roles(self._connection) if row.name == name), None)

    def _role(self, name: str) -> OperatorRole:
        row = self._find(name)
        if row is None:
            raise AgentadmError(f"role {name!r} is gone")
        return _operator(row)

    def _verifier(self, name: str, password: str) -> str:
        driver = self._connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise AgentadmError("the connection is lost")
        # Made here, so that the password is in no server's log.
        made = driver.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
        return made.decode()


def _operator(row: AnyRow) -> OperatorRole:
    groups = tuple(group.removeprefix(PREFIX) for group in row.groups)
    owner = (OWNER_GROUP,) if row.owner and not row.superuser else ()
    return OperatorRole(row.name, owner + groups, row.can_login, row.superuser)


def _check_name(name: str) -> None:
    if name.startswith((PREFIX, "pg_")) or name.lower() in RESERVED_NAMES:
        raise UsageError(f"the name {name!r} is not free: {PREFIX}, pg_ and some words are reserved", "choose another")
    if not name or not name.isprintable() or len(name.encode()) > LONGEST_NAME_BYTES:
        raise UsageError(
            f"{name!r} cannot be the name of a role", f"up to {LONGEST_NAME_BYTES} bytes, without control characters"
        )


def _group_roles(groups: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [group for group in groups if group not in GROUPS]
    if unknown or not groups:
        told = f"there is no group {unknown[0]!r}" if unknown else "a login needs a group"
        raise UsageError(told, f"choose from {', '.join(GROUPS)}")
    return tuple(PREFIX + group for group in dict.fromkeys(groups))
