"""Whole lists written by the database: COPY, byte for byte what the renderer would write."""

import re
from collections.abc import Iterable, Iterator

from platform_core.listing.types import CopyFormat

# Rows are gathered to chunks of this many bytes: the driver hands them over one by one.
CHUNK_BYTES = 1 << 16
# In JSON no control character stands by itself, so this one can stand for a line end within a row.
LINE_END = b"\x03"
# What a terminal would obey, outside ASCII: as UTF-8 these begin or are so.
_SUSPECT = (b"\x7f", b"\xc2", b"\xd8\x9c", b"\xe2\x80", b"\xe2\x81")
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def finished(rows: Iterable[bytes], output: CopyFormat) -> Iterator[bytes]:
    """Chunks of whole rows as they go to stdout. Nothing where there is no row.

    Args:
        rows: as COPY wrote them, each with its line end.
        output: the form; JSON gets its brackets, both JSON forms their escapes.
    """
    chunks = gathered(rows)
    if output is CopyFormat.CSV:
        yield from chunks
        return
    if output is CopyFormat.JSONL:
        yield from (harmless(chunk) for chunk in chunks)
        return
    before = b"[\n"
    for chunk in chunks:
        yield before + harmless(chunk)[:-1].replace(b"\n", b",\n").replace(LINE_END, b"\n")
        before = b",\n"
    if before != b"[\n":
        yield b"\n]\n"


def gathered(rows: Iterable[bytes]) -> Iterator[bytes]:
    """Rows in chunks."""
    held: list[bytes] = []
    size = 0
    for row in rows:
        held.append(row)
        size += len(row)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def harmless(chunk: bytes) -> bytes:
    """JSON with what a terminal would obey escaped; PostgreSQL escapes the other control characters itself."""
    if chunk.isascii() and _SUSPECT[0] not in chunk:
        return chunk
    if not any(suspect in chunk for suspect in _SUSPECT):
        return chunk
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", chunk.decode()).encode()
