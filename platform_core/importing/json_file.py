"""JSON lines as an input of an import: an object on each line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from platform_core.errors import UsageError
from platform_core.importing.lines import NO_TEXT, NULL, LinedFile, Lines, Record, copy_cell
from platform_core.importing.types import REJECT_FIELDS, REJECT_LINE, REJECT_REASON, Field, Reject
from platform_core.importing.values import JSON_ERRORS, BadValueError, as_json, decoded, of_json
from platform_core.near import did_you_mean


class JsonLinesFile(LinedFile):
    """A file with a JSON object on each line.

    Args:
        path: of the file.
        name: as the user knows it.
        fields: those that there are.
        ignored: keys to be left out.

    Raises:
        UsageError: it is empty.
    """

    def __init__(
        self, path: Path, name: str, fields: Sequence[Field], *, ignored: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(path, name)
        if not path.stat().st_size:
            raise UsageError(f"{name} is empty", "each line is to be a JSON object")
        self._fields = {field.name: field for field in fields}
        self._ignored = ignored.union(REJECT_FIELDS)

    @property
    def staged(self) -> tuple[str, ...]:
        """See InputFile."""
        return tuple(self._fields)

    def take(self, lines: Lines, count: int) -> list[Record]:
        """See LinedFile."""
        ahead = lines.peek()[:count]
        records = [_record(line, text) for line, text in enumerate(ahead, lines.line) if text.strip("\ufeff \t\r\n")]
        lines.skip(len(ahead))
        return records

    def count(self, lines: Lines, count: int) -> int:
        """See LinedFile."""
        ahead = lines.peek()[:count]
        lines.skip(len(ahead))
        return sum(1 for text in ahead if text.strip("\ufeff \t\r\n"))

    def staged_line(self, key: str, record: Record) -> str:
        """See LinedFile."""
        if record.problem is not None:
            return f"{record.line}\t{key}\t{record.problem}{f'{chr(9)}{NULL}' * (len(self._fields) + 1)}\n"
        problems: list[str] = []
        cleared: list[str] = []
        values = dict.fromkeys(self._fields, NULL)
        for name, value in record.value.items():
            self._put(values, name, value, problems, cleared)
        told = copy_cell("; ".join(problems)) or NULL
        return f"{record.line}\t{key}\t{told}\t{','.join(cleared) or NULL}\t{chr(9).join(values.values())}\n"

    def write_rejects(self, rejects: Iterator[Reject], stream: TextIO) -> None:
        """See InputFile."""
        for reject, record in self.rejected(rejects):
            told: dict[str, Any] = {REJECT_LINE: reject.line, REJECT_REASON: reject.reason}
            if record.value is None:
                held = {"text": record.text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")}
            else:
                held = {name: value for name, value in record.value.items() if name not in REJECT_FIELDS}
            stream.write(as_json({**told, **held}) + "\n")

    def _put(self, values: dict[str, str], name: str, value: Any, problems: list[str], cleared: list[str]) -> None:
        """Put a value where COPY takes it; what is wrong is told, and nothing in its place."""
        field = self._fields.get(name)
        if field is None:
            if name not in self._ignored:
                problems.append(f"no field {_named(name)}{did_you_mean(name, self._fields)}")
        elif name in self._ignored:
            return
        elif value is None:
            cleared.append(name)
        else:
            try:
                values[name] = copy_cell(of_json(field, value))
            except BadValueError as bad:
                problems.append(f"{name}: {bad}")


def _record(line: int, text: str) -> Record:
    text = text.rstrip("\r\n").removeprefix("\ufeff")
    found = NO_TEXT.search(text)
    if found is not None:
        return Record(line, None, "holds a NUL" if found.group() == "\0" else "is not UTF-8", text)
    try:
        value = decoded(text)
    except JSON_ERRORS:
        return Record(line, None, "is not JSON", text)
    return Record(line, value) if isinstance(value, dict) else Record(line, None, "is not a JSON object", text)


def _named(name: str) -> str:
    """A key as a reason names it: short, and nothing that the database cannot hold."""
    return repr(name[:40].replace("\0", "?"))
