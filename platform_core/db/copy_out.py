"""COPY TO STDOUT from one connection, or several in turn, at half of what a row costs in the driver's own loop."""

import selectors
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

# Rows are handed on in chunks of about this many bytes.
CHUNK_BYTES = 1 << 16
PATIENCE_SECONDS = 1.0


class CopyOut:
    """A COPY TO STDOUT that is asked for on a connection, which is its own until the last row is taken.

    Args:
        connection: in a transaction; one whose COPY is left before its end cannot be used again.
        command: the COPY.
        parameters: what it is to hold, quoted here: the server takes none with COPY.
    """

    def __init__(self, connection: "psycopg.Connection[Any]", command: str, parameters: Mapping[str, Any]) -> None:
        self._pgconn = connection.pgconn
        self.socket = connection.pgconn.socket
        self._begun = False
        self.ended = False
        # Its answer is not waited for: what others are asked meanwhile is done at the same time.
        self._pgconn.send_query(psycopg.ClientCursor(connection).mogrify(command, parameters).encode())

    def take(self, rows: list[bytes | memoryview]) -> int:
        """Add what came to rows, which the socket says is there. Returns the bytes of it.

        Raises:
            psycopg.Error: the server refuses it, or broke it off.
        """
        pgconn, add = self._pgconn, rows.append
        pgconn.consume_input()
        if not self._begun:
            if pgconn.is_busy():
                return 0
            self._expect(pq.ExecStatus.COPY_OUT)
            self._begun = True
        taken = 0
        size, row = pgconn.get_copy_data(1)
        while size > 0:
            taken += size
            add(row)
            size, row = pgconn.get_copy_data(1)
        if size < 0:
            self.ended = True
            self._expect(pq.ExecStatus.COMMAND_OK)
            self._pgconn.get_result()
        return taken

    def _expect(self, status: pq.ExecStatus) -> None:
        result = self._pgconn.get_result()
        if result is None or result.status != status:
            raise psycopg.OperationalError("the server went away") if result is None else error_from_result(result)


def in_turn(parts: Sequence[CopyOut]) -> Iterator[bytes]:
    """All rows of the first part, then those of the next, in chunks of whole lines.

    Args:
        parts: read at the same time: what comes before its turn waits in a temporary file.

    Raises:
        psycopg.Error: a server broke it off.
    """
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        waiting = {part: stack.enter_context(TemporaryFile()) for part in parts[1:]}
        for part in parts:
            selector.register(part.socket, selectors.EVENT_READ, part)
        ready: list[CopyOut] = []
        for part in parts:
            if part in waiting:
                yield from _chunks(waiting.pop(part))
            rows: list[bytes | memoryview] = []
            size = 0
            while not part.ended:
                for one in ready:
                    if one is part:
                        size += one.take(rows)
                    else:
                        ahead: list[bytes | memoryview] = []
                        one.take(ahead)
                        waiting[one].writelines(ahead)
                    if one.ended:
                        selector.unregister(one.socket)
                if size >= CHUNK_BYTES:
                    yield b"".join(rows)
                    rows, size = [], 0
                ready = _ready(selector)
            if rows:
                yield b"".join(rows)


def _ready(selector: selectors.BaseSelector) -> list[CopyOut]:
    """Those that have something to say; after a while all: TLS may hold what a socket no longer shows."""
    unended = [key.data for key in selector.get_map().values()]
    return [key.data for key, _ in selector.select(PATIENCE_SECONDS)] or unended if unended else []


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while lines := file.readlines(CHUNK_BYTES):
        yield b"".join(lines)
