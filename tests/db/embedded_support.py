"""What the tests of the embedded server share."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from platform_core.db.embedded import EmbeddedServer

PROJECT = Path(__file__).parents[2]
MakeServer = Callable[..., EmbeddedServer]
# For a process of its own: python -c CREATE home
CREATE = (
    "import sys; from pathlib import Path; from platform_core.db.embedded import EmbeddedServer\n"
    "EmbeddedServer(Path(sys.argv[1])).create()"
)


def run(server: EmbeddedServer, sql: str, user: str = "agentadm_owner") -> list[tuple[object, ...]]:
    with psycopg.connect(server.conninfo(user=user), autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def running_pid(server: EmbeddedServer) -> int:
    pid = server.pid()
    assert pid is not None
    return pid


def is_gone(pid: int) -> bool:
    """Whether a process ended; in a container a dead one may stay in the table of processes."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def server_uid(server: EmbeddedServer) -> int:
    return server._data.stat().st_uid
