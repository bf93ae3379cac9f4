"""A file in blocks of whole lines, surveyed and cut into chunks, and lines as COPY takes them."""

import hashlib
import io
import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from platform_core.errors import Conflict, UsageError
from platform_core.importing.types import Chunk, Reject, Survey

# A chunk ends with its 50,000th record, or where it has this many bytes: it is held in memory.
CHUNK_RECORDS = 50_000
CHUNK_BYTES = 16 << 20
BLOCK_BYTES = 1 << 18
LONGEST_LINE = 4 << 20
NULL = "\x01"
NO_TEXT = re.compile("[\0\ud800-\udfff]")
_SPECIAL = re.compile("[\x01\t\n\r\\\\]")
_ESCAPES = str.maketrans({"\x01": "\\001", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"})
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


@dataclass(frozen=True)
class Record:
    """A record as it stands in the file.

    Attributes:
        line: on which it begins.
        value: its cells, or its object; None where it cannot be read.
        problem: why not.
        text: the line as it is, where it cannot be read.
    """

    line: int
    value: Any
    problem: str | None = None
    text: str = ""


class Lines:
    """The lines of a file, in blocks, so that memory does not grow with the file.

    Args:
        file: at the beginning of a line.
        line: the number of that line.
        see: is shown every block, whole lines.
    """

    def __init__(self, file: BinaryIO, line: int = 1, see: Callable[[bytes], object] | None = None) -> None:
        self._file = file
        self._see = see
        self._rest = b""
        self._offset = file.tell()
        self._ahead: list[str] = []
        self.line = line

    @property
    def offset(self) -> int:
        """Where the next line begins."""
        return self._offset - sum(len(text.encode("utf-8", "surrogateescape")) for text in self._ahead)

    def peek(self) -> list[str]:
        """The next lines, none at the end of the file; they stay there until `skip`."""
        if not self._ahead:
            self._ahead = self._read()
        return self._ahead

    def more(self) -> bool:
        """Add lines to those of `peek`. Returns whether there were any."""
        found = self._read()
        self._ahead.extend(found)
        return bool(found)

    def skip(self, count: int) -> None:
        """Go on behind that many lines."""
        del self._ahead[:count]
        self.line += count

    def _read(self) -> list[str]:
        block = self._rest
        while True:
            read = self._file.read(BLOCK_BYTES)
            block += read
            end = block.rfind(b"\n") + 1 if read else len(block)
            if end or not read:
                break
            if len(block) > LONGEST_LINE:
                line = self.line + len(self._ahead)
                raise UsageError(f"line {line:,} is longer than {LONGEST_LINE:,} bytes: this is no file of records")
        self._rest = block[end:]
        block = block[:end]
        self._offset += len(block)
        if self._see is not None:
            self._see(block)
        return list(io.StringIO(block.decode("utf-8", "surrogateescape"), newline="\n"))


class LinedFile(ABC):
    """A file of records, each of which begins on a line of its own."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name

    unit = "line"
    # Where the records begin.
    first_offset = 0
    first_line = 1

    @property
    @abstractmethod
    def staged(self) -> tuple[str, ...]:
        """See InputFile."""

    @abstractmethod
    def take(self, lines: Lines, count: int) -> list[Record]:
        """The next records, at most so many; fewer, or none, does not mean the end."""

    @abstractmethod
    def staged_line(self, key: str, record: Record) -> str:
        """A record as a line of COPY."""

    @abstractmethod
    def write_rejects(self, rejects: Iterator[Reject], stream: TextIO) -> None:
        """See InputFile."""

    def count(self, lines: Lines, count: int) -> int:
        """How many records the next lines hold, at most `count`; goes on behind them."""
        return len(self.take(lines, count))

    @cached_property
    def survey(self) -> Survey:
        """What is known of the file, read through once."""
        digest = hashlib.sha256()
        chunks: list[Chunk] = []
        with self.path.open("rb") as file:
            digest.update(file.read(self.first_offset))
            lines = Lines(file, self.first_line, digest.update)
            while lines.peek():
                offset, line, records = lines.offset, lines.line, 0
                while records < CHUNK_RECORDS and lines.offset - offset < CHUNK_BYTES and lines.peek():
                    records += self.count(lines, CHUNK_RECORDS - records)
                if records:
                    chunks.append(Chunk(len(chunks) + 1, offset, line, records))
        self._stamp = self._changed_at()
        return Survey(digest.hexdigest(), sum(chunk.records for chunk in chunks), tuple(chunks))

    def prepared(self, chunk: Chunk) -> list[bytes]:
        """See InputFile.

        Raises:
            Conflict: the file is not what it was.
        """
        blocks, left = [], chunk.records
        with self.path.open("rb") as file:
            file.seek(chunk.offset)
            lines = Lines(file, chunk.line)
            while left and lines.peek():
                records = self.take(lines, left)
                left -= len(records)
                staged = map(self.staged_line, new_keys(len(records)), records)
                blocks.append("".join(staged).encode())
        if left or self._changed_at() != self._stamp:
            raise self._was_changed()
        return blocks

    def records(self) -> Iterator[Record]:
        """All records, one by one."""
        with self.path.open("rb") as file:
            file.seek(self.first_offset)
            lines = Lines(file, self.first_line)
            while lines.peek():
                yield from self.take(lines, CHUNK_RECORDS)

    def rejected(self, rejects: Iterable[Reject]) -> Iterator[tuple[Reject, Record]]:
        """The records that were not taken, each with the reason."""
        wanted = iter(rejects)
        reject = next(wanted, None)
        for record in self.records():
            if reject is None:
                return
            if record.line == reject.line:
                yield reject, record
                reject = next(wanted, None)

    def _was_changed(self) -> Conflict:
        return Conflict(f"{self.name} was changed while it was read", "let nobody write to it, then --restart")

    def _changed_at(self) -> tuple[int, int]:
        found = self.path.stat()
        return found.st_size, found.st_mtime_ns


def new_keys(count: int) -> Iterator[str]:
    """Time-ordered ids (RFC 9562, version 7) as agentadm.uuid_v7() makes them, many at a tenth of its cost."""
    milliseconds = f"{time.time_ns() // 1_000_000:012x}7"
    digits = os.urandom(count * 10).hex()
    for place in range(0, count * 20, 20):
        yield f"{milliseconds}{digits[place : place + 3]}{_VARIANTS[digits[place + 3]]}{digits[place + 4 : place + 19]}"


def copy_cell(text: str) -> str:
    """A text as a cell of COPY."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text
