"""CSV as an input of an import."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from platform_core.errors import UsageError
from platform_core.importing.lines import NO_TEXT, NULL, LinedFile, Lines, Record, copy_cell
from platform_core.importing.types import REJECT_FIELDS, Field, Reject
from platform_core.importing.values import CHECKS, BadValueError, checked_text
from platform_core.near import did_you_mean
from platform_core.spreadsheet import unguarded_cell

BROKEN = {
    "unexpected end": "broken quotes: the file ends inside them",
    "new-line character": "a line break outside quotes",
}


class CsvFile(LinedFile):
    """A CSV file with a header.

    Args:
        path: of the file.
        name: as the user knows it.
        fields: those that there are.
        ignored: columns to be left out.
        exact: take no guard off cells.

    Raises:
        UsageError: it is empty, or the header names what there is not.
    """

    def __init__(
        self, path: Path, name: str, fields: Sequence[Field], *, ignored: frozenset[str] = frozenset(), exact: bool
    ) -> None:
        super().__init__(path, name)
        self._exact = exact
        self.header = self._read_header()
        self._columns = self._chosen(fields, ignored)
        self._guards = not exact

    @property
    def staged(self) -> tuple[str, ...]:
        """See InputFile."""
        return tuple(field.name for _, field in self._columns)

    def take(self, lines: Lines, count: int) -> list[Record]:
        """See LinedFile. A record that cannot be read is its first line only: what follows may be good."""
        records: list[Record] = []
        wanted, begin = min(count, len(lines.peek())), 0
        reader = csv.reader(_fed(lines), strict=True)
        try:
            for cells in reader:
                if len(cells) == len(self.header):
                    records.append(Record(lines.line + begin, cells))
                elif cells:
                    if reader.line_num - begin > 1:
                        raise csv.Error
                    told = f"{len(cells)} field{'s' if len(cells) > 1 else ''}, {len(self.header)} expected"
                    records.append(Record(lines.line + begin, cells, told))
                begin = reader.line_num
                if begin >= wanted:
                    break
        except csv.Error as error:
            text = lines.peek()[begin].rstrip("\r\n")
            told = next((told for start, told in BROKEN.items() if str(error).startswith(start)), "broken quotes")
            records.append(Record(lines.line + begin, None, told, text))
            begin += 1
        lines.skip(begin)
        return records

    def count(self, lines: Lines, count: int) -> int:
        """See LinedFile. Plain lines need not be read for it."""
        ahead = lines.peek()[:count]
        text = "".join(ahead)
        if '"' in text or text.count("\r") != text.count("\r\n"):
            return super().count(lines, count)
        lines.skip(len(ahead))
        return len(ahead) - ahead.count("\n") - ahead.count("\r\n")

    def staged_line(self, key: str, record: Record) -> str:
        """See LinedFile."""
        cells, problem = record.value, record.problem
        if problem is not None:
            return f"{record.line}\t{key}\t{problem}{f'{chr(9)}{NULL}' * (len(self._columns) + 1)}\n"
        problems: list[str] = []
        values = [self._value(cells[place], field, problems) for place, field in self._columns]
        told = copy_cell("; ".join(problems)) or NULL
        return f"{record.line}\t{key}\t{told}\t{NULL}\t{chr(9).join(values)}\n"

    def write_rejects(self, rejects: Iterator[Reject], stream: TextIO) -> None:
        """See InputFile. The reason stands first, so that a line with too few or too many cells stays what it is."""
        kept = [place for place, name in enumerate(self.header) if name not in REJECT_FIELDS]
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*REJECT_FIELDS, *(self.header[place] for place in kept)])
        for reject, record in self.rejected(rejects):
            cells = [record.text] if record.value is None else record.value
            if len(cells) == len(self.header):
                cells = [cells[place] for place in kept]
            writer.writerow([reject.line, reject.reason, *cells])

    def _value(self, cell: str, field: Field, problems: list[str]) -> str:
        """A cell as COPY takes it; what is wrong is told, and nothing in its place."""
        if not cell:
            return NULL
        if self._guards and cell[0] == "'":
            cell = unguarded_cell(cell)
        try:
            if NO_TEXT.search(cell):
                checked_text(cell)
            if (check := CHECKS.get(field.kind)) is not None:
                cell = check(cell)
        except BadValueError as bad:
            problems.append(f"{field.name}: {bad}")
            return NULL
        return copy_cell(cell)

    def _read_header(self) -> list[str]:
        with self.path.open("rb") as file:
            lines = Lines(file)
            while (ahead := lines.peek()) and not ahead[0].strip("\ufeff\r\n"):
                lines.skip(1)
            if not ahead:
                raise UsageError(f"{self.name} is empty", "its first line names the columns")
            reader = csv.reader(_fed(lines), strict=True)
            try:
                header = next(reader)
            except csv.Error as error:
                raise UsageError(f"the header of {self.name} cannot be read: {error}") from None
            lines.skip(reader.line_num)
            self.first_offset, self.first_line = lines.offset, lines.line
        header[0] = header[0].removeprefix("\ufeff")
        if any(NO_TEXT.search(name) for name in header):
            raise UsageError(f"the header of {self.name} is not UTF-8", "save it as UTF-8")
        return [name.strip() for name in header]

    def _chosen(self, fields: Sequence[Field], ignored: frozenset[str]) -> list[tuple[int, Field]]:
        """The columns that are taken, with their places."""
        known = {field.name: field for field in fields}
        taken = [name for name in self.header if name not in ignored and name not in REJECT_FIELDS]
        for name in taken:
            if name not in known:
                meant = did_you_mean(name, known)
                told = f"no field {name!r}{meant}" if name else "a column has no name"
                raise UsageError(f"{self.name}: {told}", f"fields: {', '.join(known)}; leave one out: --ignore {name}")
            if taken.count(name) > 1:
                raise UsageError(f"{self.name}: the header names {name!r} twice")
        return [(place, known[name]) for place, name in enumerate(self.header) if name in taken]


def _fed(lines: Lines) -> Iterator[str]:
    """Lines for the reader of CSV, which takes as many as a record has."""
    ahead, place = lines.peek(), 0
    while True:
        while place < len(ahead):
            yield ahead[place]
            place += 1
        if not lines.more():
            return
