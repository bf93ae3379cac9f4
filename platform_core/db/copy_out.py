"""COPY TO STDOUT from one connection, or several in turn, at half of what a row costs in the driver's own loop."""

import selectors
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from tempfile import TemporaryFile
from typing import IO, Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

# Rows are handed on in chunks of about this many bytes.
CHUNK_BYTES = 1 << 16
# So much may wait for its turn; who has sent more waits himself.
AHEAD_BYTES = 1 << 27
PATIENCE_SECONDS = 1.0
STOP_SECONDS = 5.0


class CopyOut:
    """A COPY TO STDOUT that is asked for on a connection, which is its own until the last row is taken.

    Args:
        connection: in a transaction.
        command: the COPY.
        parameters: what it is to hold, quoted here: the server takes none with COPY.
    """

    def __init__(self, connection: "psycopg.Connection[Any]", command: str, parameters: Mapping[str, Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self.socket = connection.pgconn.socket
        self._begun = False
        self.ended = False
        # Its answer is not waited for: what others are asked meanwhile is done at the same time.
        text = psycopg.ClientCursor(connection).mogrify(command, parameters)
        self._pgconn.send_query(text.encode(connection.info.encoding))

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
            result = pgconn.get_result()
            if result is None or result.status != pq.ExecStatus.COPY_OUT:
                self._end(result)
            self._begun = True
        taken = 0
        size, row = pgconn.get_copy_data(1)
        while size > 0:
            taken += size
            add(row)
            size, row = pgconn.get_copy_data(1)
        if size < 0:
            self._end(pgconn.get_result())
        return taken

    def stop(self) -> None:
        """Have the server stop, where it has not ended; a connection on which it goes on is closed."""
        if self.ended or self._connection.closed:
            return
        until = time.monotonic() + STOP_SECONDS
        with suppress(psycopg.Error), selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            self._connection.cancel_safe(timeout=STOP_SECONDS)
            while time.monotonic() < until:
                self.take([])
                selector.select(PATIENCE_SECONDS)
        if not self.ended:
            self._connection.close()

    def _end(self, result: pq.abc.PGresult | None) -> None:
        self.ended = True
        while self._pgconn.get_result() is not None:
            pass
        if result is None:
            raise psycopg.OperationalError("the server went away")
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise error_from_result(result)


def in_turn(parts: Sequence[CopyOut]) -> Generator[bytes]:
    """All rows of the first part, then those of the next, in chunks of whole lines.

    Args:
        parts: read at the same time: what comes before its turn waits in a temporary file. None goes on when the
            reader has gone.

    Raises:
        psycopg.Error: a server broke it off.
        OSError: there is no room for what waits.
    """
    with ExitStack() as stack:
        for part in parts:
            stack.callback(part.stop)
        selector = stack.enter_context(selectors.DefaultSelector())
        waiting = {part: stack.enter_context(TemporaryFile()) for part in parts[1:]}
        for part in parts:
            selector.register(part.socket, selectors.EVENT_READ, part)
        for part in parts:
            if part in waiting:
                yield from _chunks(waiting.pop(part))
                if not part.ended and part.socket not in selector.get_map():
                    selector.register(part.socket, selectors.EVENT_READ, part)
            rows: list[bytes | memoryview] = []
            size = 0
            while not part.ended:
                size += _gather(selector, part, rows, waiting)
                if size >= CHUNK_BYTES:
                    yield b"".join(rows)
                    rows, size = [], 0
            if rows:
                yield b"".join(rows)


def _gather(
    selector: selectors.BaseSelector,
    part: CopyOut,
    rows: list[bytes | memoryview],
    waiting: Mapping[CopyOut, IO[bytes]],
) -> int:
    """Wait for what comes: of the part into rows, of others into their files. Returns the bytes of the first."""
    size = 0
    for one in _ready(selector):
        full = False
        if one is part:
            size += one.take(rows)
        else:
            full = _ahead(one, waiting[one])
        if one.ended or full:
            selector.unregister(one.socket)
    return size


def _ahead(part: CopyOut, file: IO[bytes]) -> bool:
    """Put what came of a part into its file. Whether that is enough, until its turn."""
    rows: list[bytes | memoryview] = []
    part.take(rows)
    file.write(b"".join(rows))
    return file.tell() >= AHEAD_BYTES


def _ready(selector: selectors.BaseSelector) -> list[CopyOut]:
    """Those that have something to say; after a while all: TLS may hold what a socket no longer shows."""
    return [key.data for key, _ in selector.select(PATIENCE_SECONDS)] or [
        key.data for key in selector.get_map().values()
    ]


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk + file.readline()
