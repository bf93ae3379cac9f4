"""Every statement about the logins of operators and jobs."""

from collections.abc import Iterable

from psycopg import sql
from sqlalchemy import Connection, text

from platform_core.db.queries import GROUP_ROLES, exec_raw
from platform_core.db.schema import AnyRow

OPERATOR_COMMENT = "operator of agentadm"

# Since PostgreSQL 16 the maker of a role is a member of it who may only administer: that does not count.
ROLES = text(
    """
    SELECT r.rolname AS name, r.rolcanlogin AS can_login, r.rolsuper AS superuser,
        shobj_description(r.oid, 'pg_authid') IS NOT DISTINCT FROM :comment AS is_operator,
        ARRAY(
            SELECT g.rolname::text FROM pg_roles g
            WHERE g.rolname = ANY (CAST(:groups AS text[])) AND NOT r.rolsuper AND (
                pg_has_role(r.oid, g.oid, 'USAGE')
                OR EXISTS (
                    SELECT FROM pg_auth_members m WHERE m.roleid = g.oid AND m.member = r.oid AND NOT m.admin_option
                )
            )
            ORDER BY 1
        ) AS groups,
        coalesce((
            SELECT pg_has_role(r.oid, n.nspowner, 'USAGE') FROM pg_namespace n WHERE n.nspname = 'agentadm'
        ), false) AS owner
    FROM pg_roles r
    WHERE r.rolname <> ALL (CAST(:groups AS text[])) AND r.rolname !~ '^pg_'
    ORDER BY r.rolname
    """
)


def roles(connection: Connection) -> list[AnyRow]:
    """Roles of the cluster but the groups: name, login, superuser, ours by comment, groups, owner of the schema."""
    parameters = {"comment": OPERATOR_COMMENT, "groups": list(GROUP_ROLES)}
    return list(connection.execute(ROLES, parameters).all())


def session_login(connection: Connection) -> str:
    """The login of this session."""
    found: str = connection.execute(text("SELECT session_user")).scalar_one()
    return found


def create_login(connection: Connection, name: str) -> None:
    """Make a role that may not log in yet, known as an operator by its comment."""
    _composed(
        connection,
        sql.SQL("CREATE ROLE {name} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION"),
        name=sql.Identifier(name),
    )
    _composed(
        connection,
        sql.SQL("COMMENT ON ROLE {name} IS {comment}"),
        name=sql.Identifier(name),
        comment=sql.Literal(OPERATOR_COMMENT),
    )


def allow_login(connection: Connection, name: str, verifier: str | None) -> None:
    """Let a role log in, with a SCRAM verifier or without a password."""
    _composed(
        connection,
        sql.SQL("ALTER ROLE {name} LOGIN PASSWORD {verifier}"),
        name=sql.Identifier(name),
        verifier=sql.NULL if verifier is None else sql.Literal(verifier),
    )


def forbid_login(connection: Connection, name: str) -> None:
    """Let a role log in no more, and forget its password."""
    _composed(connection, sql.SQL("ALTER ROLE {name} NOLOGIN PASSWORD NULL"), name=sql.Identifier(name))


def grant_groups(connection: Connection, name: str, groups: Iterable[str]) -> None:
    """Put a role into group roles."""
    names = sql.SQL(", ").join(sql.Identifier(group) for group in groups)
    _composed(connection, sql.SQL("GRANT {groups} TO {name}"), groups=names, name=sql.Identifier(name))


def revoke_groups(connection: Connection, name: str, groups: Iterable[str]) -> None:
    """Take a role out of group roles."""
    names = sql.SQL(", ").join(sql.Identifier(group) for group in groups)
    _composed(connection, sql.SQL("REVOKE {groups} FROM {name}"), groups=names, name=sql.Identifier(name))


def _composed(connection: Connection, template: sql.SQL, **parts: sql.Composable) -> None:
    # DDL takes no parameters; names and literals are quoted by the driver.
    exec_raw(connection, template.format(**parts).as_string(connection.connection.driver_connection))
