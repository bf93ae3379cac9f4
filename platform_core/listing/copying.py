"""Whole lists written by the database: COPY, byte for byte what the renderer would write."""

import re
from collections.abc import Generator, Iterator
from contextlib import closing

from platform_core.listing.types import CopyFormat

# In JSON no control character stands by itself, so this one can stand for a line end within a row.
LINE_END = b"\x03"
# What a terminal would obey and PostgreSQL does not escape, as UTF-8. Apart, since each then has a beginning of its own
# to look for, which takes a tenth of the time.
_UNSAFE = tuple(
    re.compile(pattern)
    for pattern in (
        b"\x7f",
        b"\xc2[\x80-\x9f]",
        b"\xd8\x9c",
        b"\xe2\x80[\x8e\x8f\xa8-\xae]",
        b"\xe2\x81[\xa6-\xa9]",
    )
)


def finished(chunks: Generator[bytes], output: CopyFormat) -> Iterator[bytes]:
    """Chunks of whole rows as they go to stdout. Nothing where there is no row.

    Args:
        chunks: whole rows as COPY wrote them, each with its line end. Closed at the end, also where that is early.
        output: the form; JSON gets its brackets, both JSON forms their escapes.
    """
    with closing(chunks):
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


def harmless(chunk: bytes) -> bytes:
    """JSON with what a terminal would obey escaped; PostgreSQL escapes the other control characters itself."""
    for unsafe in _UNSAFE[:1] if chunk.isascii() else _UNSAFE:
        chunk = unsafe.sub(_escaped, chunk)
    return chunk


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found.group().decode())
