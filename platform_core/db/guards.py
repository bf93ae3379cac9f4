"""What has to be so before a database is set up, migrated or restored."""

import re

import psycopg
from sqlalchemy import Connection

from platform_core.config import NO_DATABASE, Settings
from platform_core.db import queries
from platform_core.db.mark import Mark
from platform_core.db.mark_queries import find_mark
from platform_core.db.schema import MARK_COMMENT
from platform_core.errors import AgentadmError, Conflict, NotPermitted, UsageError

DEFAULT_ENVIRONMENT = "development"
ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def checked_environment(settings: Settings, *, embedded: bool, name: str | None, production: bool) -> str:
    """The name of the environment that a database is to be set up as.

    Args:
        settings: say which database is configured.
        embedded: whether the embedded server is to be made.
        name: as it was given; None for the default one of an embedded server.
        production: whether real customers and money will be there.

    Raises:
        UsageError: the name is missing or malformed, an embedded server cannot be production, or another database is
            configured beside the embedded server.
    """
    if name is not None and not ENVIRONMENT_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of an environment",
            "up to 63 letters, digits, points, hyphens and underscores, for example staging",
        )
    if embedded and (source := _configured_elsewhere(settings)) is not None:
        raise UsageError(
            f"another database is configured ({source}), and commands would go there",
            "take that setting away, or leave out --embedded",
        )
    if production and (embedded or settings.target.embedded):
        raise UsageError("the embedded server is not for production", "give the URL of a server of your own")
    if embedded:
        return name or DEFAULT_ENVIRONMENT
    if name is None:
        raise UsageError("the environment has no name", "for example: agentadm db init --environment staging")
    return name


def _configured_elsewhere(settings: Settings) -> str | None:
    """The setting that names another database than the embedded one, None where there is none."""
    try:
        target = settings.target
    except UsageError as error:
        if error.message == NO_DATABASE:
            return None
        raise
    return None if target.embedded else target.source


def refuse_other_installation(mark: Mark, environment: str, *, production: bool) -> None:
    """Hold a mark against what a repeated init asks for.

    Raises:
        Conflict: it was set up as another environment, or with the other flag.
    """
    differences = []
    if mark.environment != environment:
        differences.append(f"its environment is {mark.environment}, not {environment}")
    if mark.production != production:
        differences.append("it is production" if mark.production else "it is not production")
    if differences:
        raise Conflict(
            f"this database was set up before: {' and '.join(differences)}",
            "look where you are with: agentadm db status; the environment of a database does not change",
        )


def place(connection: Connection) -> str:
    """Where a connection leads to, for people: never the password."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise AgentadmError("the connection is lost")
    info = driver.info
    return f"{info.dbname} at {info.host}:{info.port} as {info.user}"


def marked(connection: Connection) -> Mark:
    """The mark of a database that is to be changed.

    Raises:
        UsageError: there is none.
    """
    mark = find_mark(connection)
    if mark is None:
        raise UsageError(
            f"this database was not set up by agentadm: {place(connection)}",
            "to set it up: agentadm db init --environment NAME",
        )
    return mark


def known_revision(revision: str | None) -> str | None:
    """A revision by its whole name.

    Raises:
        UsageError: this tool has no such migration.
    """
    from platform_core.db import migrate

    if revision is None:
        return None
    found = migrate.known_revision(revision)
    if found is None:
        raise UsageError(
            f"this tool knows no schema revision {revision!r}",
            f"its newest is {migrate.newest_revision()}; a newer database needs a newer agentadm",
        )
    return found


def refuse_production(mark: Mark, what: str) -> None:
    """Stop on production; `what` is what is not done with it.

    Raises:
        Conflict: it is production. No confirmation helps: it is a rule.
    """
    if mark.production:
        raise Conflict(
            f"{mark.environment} is production: it is not {what}", "make a backup, and work on a restored copy of it"
        )


def refuse_strong_login(connection: Connection) -> None:
    """Only a plain role may own the schema: a strong one hides every mistake in privileges and policies.

    Raises:
        NotPermitted: the login is a superuser or passes row-level security.
    """
    login = queries.login(connection)
    if login.passes_policies:
        raise NotPermitted(
            f"{login.name} is a superuser or passes row-level security: the schema needs a plain owner",
            "make one, and use it in the URL:\n"
            "  CREATE ROLE agentadm_owner LOGIN CREATEROLE PASSWORD '...';\n"
            "  CREATE DATABASE agentadm OWNER agentadm_owner;",
        )


def refuse_foreign_schema(connection: Connection) -> None:
    """Leave a schema of our name alone that is somebody else's.

    Raises:
        Conflict: there is one.
    """
    schema = queries.find_schema(connection)
    if schema is not None and schema.comment != MARK_COMMENT:
        raise Conflict(
            f"the database has a schema agentadm that this tool did not make (owner: {schema.owner})",
            "use another database, or rename that schema",
        )
