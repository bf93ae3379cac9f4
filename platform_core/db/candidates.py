"""Values for completion: quickly or not at all, and without a word about why not."""

import threading
from typing import TYPE_CHECKING

from platform_core.db import candidates_queries as queries
from platform_core.db.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from platform_core.config import Settings

# Connecting and asking together; who types waits no longer for a database.
SECONDS = 0.25

Candidates = list[tuple[str, str]]


def candidates(settings: "Settings", noun: str, start: str, *, seconds: float = 0) -> Candidates:
    """Names of things that begin like what was typed, each with a word about it.

    Never starts the embedded server, and never runs a profile's database_url_command: that may ask for a passphrase.

    Args:
        settings: say which database.
        noun: what is wanted, as in STATEMENTS.
        start: what was typed so far.
        seconds: how long at most; SECONDS if not given.

    Returns:
        None of them where the database, the login, the schema or the time does not allow it.
    """
    conninfo = _conninfo(settings)
    if conninfo is None:
        return []
    # Loading the driver is not the database's fault.
    import psycopg  # noqa: F401 - used in the thread

    found: Candidates = []
    limit = seconds or SECONDS
    # A thread, because neither looking a host up nor connecting can be told to take a quarter of a second.
    asking = threading.Thread(target=_ask, args=(conninfo, noun, start.lower(), limit, found), daemon=True)
    asking.start()
    asking.join(limit)
    return [] if asking.is_alive() else found


def _conninfo(settings: "Settings") -> str | None:
    profile = settings.profile
    if profile is not None and profile.database_url is None:
        return None
    target = settings.target
    return settings.embedded_server.conninfo() if target.url is None else target.url


def _ask(conninfo: str, noun: str, start: str, seconds: float, found: Candidates) -> None:
    import psycopg

    before = queries.BEFORE.format(milliseconds=round(seconds * 1000))
    parameters = {"start": start, "version": SCHEMA_VERSION, "near": queries.NEAR, "shown": queries.SHOWN}
    try:
        # Values are bound by the client, so that all of it goes in one message.
        with (
            psycopg.connect(
                conninfo, autocommit=True, connect_timeout=2, application_name="agentadm completion",
                cursor_factory=psycopg.ClientCursor,
            ) as connection,
            connection.cursor() as cursor,
        ):  # fmt: skip
            cursor.execute((before + queries.STATEMENTS[noun] + queries.AFTER).encode(), parameters)
            for result in cursor.results():
                if result.description is not None:
                    found.extend((str(value), str(told)) for value, told in result)
    except (psycopg.Error, OSError):
        return
