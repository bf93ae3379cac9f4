"""An export of a provider as an input: our fields of it, in a private file of JSON lines that is gone at the end."""

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TextIO

from platform_core.errors import UsageError
from platform_core.importing import json_document
from platform_core.importing.csv_file import CsvFile
from platform_core.importing.json_file import JsonLinesFile
from platform_core.importing.lines import Lines, Record
from platform_core.importing.types import REJECT_FIELDS, REJECT_LINE, REJECT_REASON, Reject
from platform_core.importing.values import JSON_ERRORS, BadValueError, as_json, decoded
from platform_core.users.import_fields import SYNC_FIELDS
from platform_core.users.sync_formats import FORMATS, ExportFormat, fields_of
from platform_core.users.types import SyncProvider

PLACE, PROBLEM, FIELDS = "place", "problem", "fields"
NEVER_EMPTY = "\n"


@contextmanager
def users_export(path: Path, name: str, provider: SyncProvider) -> Iterator["SyncFile"]:
    """An export of a provider.

    Args:
        path, name: where it is, and what the user calls it.
        provider: whose.

    Raises:
        UsageError: it is empty, or not what that provider writes.
    """
    source = _source(path, name, FORMATS[provider])
    with NamedTemporaryFile("w", prefix="agentadm-", encoding="utf-8") as spool:
        spool.write(NEVER_EMPTY)
        for record in source.records():
            spool.write(as_json(_spooled(record, FORMATS[provider])) + "\n")
        spool.flush()
        yield SyncFile(Path(spool.name), name, source, FORMATS[provider])


class SyncFile(JsonLinesFile):
    """Our fields of an export.

    Args:
        path: of the private file.
        name: of the export.
        source: the export itself.
        written: how the provider writes users.
    """

    def __init__(self, path: Path, name: str, source: "Source", written: ExportFormat) -> None:
        super().__init__(path, name, SYNC_FIELDS)
        self._source = source
        self._written = written
        self.unit = source.unit

    def take(self, lines: Lines, count: int) -> list[Record]:
        """See LinedFile. Lines are those of the export."""
        found = [record.value for record in super().take(lines, count)]
        return [Record(value[PLACE], value.get(FIELDS), value.get(PROBLEM)) for value in found]

    def write_rejects(self, rejects: Iterator[Reject], stream: TextIO) -> None:
        """See InputFile. Nothing is written but what may be."""
        self._source.write_rejects(rejects, stream, self._written.kept)


def _spooled(record: Record, wanted: ExportFormat) -> dict[str, Any]:
    if record.problem is not None:
        return {PLACE: record.line, PROBLEM: record.problem}
    if not isinstance(record.value, dict):
        return {PLACE: record.line, PROBLEM: "is not a JSON object"}
    try:
        return {PLACE: record.line, FIELDS: fields_of(record.value, wanted)}
    except BadValueError as bad:
        return {PLACE: record.line, PROBLEM: str(bad)}


class Source(ABC):
    """An export as the provider wrote it. Records of a JSON document are numbered, not their lines."""

    unit = "line"

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Its records, each an object."""

    def write_rejects(self, rejects: Iterator[Reject], stream: TextIO, kept: tuple[str, ...]) -> None:
        """Write records that were not taken as JSON lines; of each only what is kept."""
        for reject, value in self._rejected(rejects):
            told = {name: value[name] for name in kept if name in value}
            stream.write(as_json({REJECT_LINE: reject.line, REJECT_REASON: reject.reason, **told}) + "\n")

    def _rejected(self, rejects: Iterator[Reject]) -> Iterator[tuple[Reject, dict[str, Any]]]:
        records = self.records()
        for reject in rejects:
            record = next(record for record in records if record.line == reject.line)
            yield reject, record.value if isinstance(record.value, dict) else {}


class CsvSource(Source):
    """An export in CSV."""

    def __init__(self, path: Path, name: str, wanted: ExportFormat) -> None:
        self._file = _AnyCsv(path, name, (), exact=True)
        if not set(wanted.key) & set(self._file.header):
            missing = " or ".join(repr(key) for key in wanted.key)
            raise UsageError(f"{name} has no column {missing}: it is no export of {wanted.label}")

    def records(self) -> Iterator[Record]:
        """See Source."""
        for record in self._file.records():
            readable = record.problem is None
            yield Record(record.line, self._named(record) if readable else None, record.problem)

    def write_rejects(self, rejects: Iterator[Reject], stream: TextIO, kept: tuple[str, ...]) -> None:
        """Write records that were not taken, of each only what is kept."""
        header = [name for name in self._file.header if name in kept]
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*REJECT_FIELDS, *header])
        for reject, value in self._rejected(rejects):
            writer.writerow([reject.line, reject.reason, *(value[name] for name in header if value)])

    def _named(self, record: Record) -> dict[str, str]:
        return dict(zip(self._file.header, record.value, strict=True))


class _AnyCsv(CsvFile):
    """CSV whose columns are another's."""

    def _chosen(self, fields: Any, ignored: Any) -> list[Any]:  # noqa: ARG002 - as the others do
        return []


class LineSource(Source):
    """An export with an object on each line."""

    def __init__(self, path: Path, name: str) -> None:
        self._file = JsonLinesFile(path, name, ())

    def records(self) -> Iterator[Record]:
        """See Source."""
        return self._file.records()


class DocumentSource(Source):
    """An export in one JSON document, or in several pages."""

    unit = "record"

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    def records(self) -> Iterator[Record]:
        """See Source."""
        for place, value in enumerate(json_document.records(self._path, self._name), 1):
            yield Record(place, value)


def _source(path: Path, name: str, wanted: ExportFormat) -> Source:
    """How an export is written shows on its first line."""
    with path.open("rb") as file:
        lines = Lines(file)
        first = next((text.strip("\ufeff \t\r\n") for text in lines.peek() if text.strip("\ufeff \t\r\n")), "")
    if not first:
        raise UsageError(f"{name} is empty", f"export the users of {wanted.label} again")
    if not first.startswith(("{", "[")):
        return CsvSource(path, name, wanted)
    try:
        value = decoded(first)
    except JSON_ERRORS:
        return DocumentSource(path, name)
    if isinstance(value, dict) and json_document.unwrapped(value) == [value]:
        return LineSource(path, name)
    return DocumentSource(path, name)
