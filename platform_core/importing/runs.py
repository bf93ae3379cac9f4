"""Imports as runs over chunks: each in a transaction of its own under one operation, or all in one transaction."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID
from weakref import finalize

from platform_core.bulk.frame import how_to_go_on, interruption, under_key, unfinished
from platform_core.db.session import InFlight
from platform_core.errors import Interrupted, Terminated, TryAgain
from platform_core.importing.service import Importer
from platform_core.importing.types import Chunk, Counts, ImportOutcome, ImportRequest, Reject, Rejected
from platform_core.operations.types import Outcome
from platform_core.services import Services

if TYPE_CHECKING:
    from platform_core.platform import Platform


class _DoneElsewhere(Exception):
    """Another process has done the chunk meanwhile; this transaction is taken back."""


@dataclass
class ImportRun:
    """An import.

    Attributes:
        platform: where to.
        request: what is asked.
        importer: knows what the records are.
        tell: is told how many records are through.
    """

    platform: "Platform"
    request: ImportRequest
    importer: Importer
    tell: Callable[[int], None]
    _counts: Counts = field(default_factory=Counts, init=False)
    _digest: str = field(default="", init=False)
    _operation_id: UUID | None = field(default=None, init=False)
    # The last change whose result is known, and the chunk under way.
    _before: InFlight | None = field(default=None, init=False)
    _at: Chunk | None = field(default=None, init=False)

    def go(self) -> ImportOutcome:
        """Do what is asked.

        Raises:
            Conflict: an earlier run of the same input is not finished; the idempotency key was used for other inputs.
            Rejected: all or nothing was asked for, and some records are bad.
            GuardTripped: --max-affected did not hold.
            TryAgain: the database went away; what is in is on record.
            Interrupted, Terminated: by a signal; it says how many records are in.
        """
        write = self.request.write
        if not self.request.file.survey.records:
            return ImportOutcome(Counts(), None, lambda: iter(()))
        if self.request.atomic:
            return self._together({})
        if write.dry_run:
            return self._together(self._known(self.request.resume))
        if write.idempotency_key is None:
            return self._outcome(self._chunks(self.request.resume))
        counts, replay = under_key(self.platform.sessions, write, Counts, self._go_on, lambda _counts: True)
        if replay is not None:
            self._read_known()
        return self._outcome(counts, replay)

    def _go_on(self, first: Outcome[Any]) -> Counts:
        return self._chunks(self.request.resume or first.replayed, first.operation_id)

    def _outcome(self, counts: Counts, replay: Outcome[None] | None = None) -> ImportOutcome:
        operation_id = self._operation_id if replay is None else replay.operation_id
        return ImportOutcome(counts, operation_id, self._rejected, replay)

    def _rejected(self) -> Iterator[Reject]:
        return self.platform.reader.stream(lambda services: services.importing.rejected(self._digest))

    def _read_known(self) -> dict[int, Counts]:
        """The run's digest, and what is on record of it."""

        def read(services: Services) -> tuple[str, tuple[dict[int, Counts], UUID | None]]:
            digest = services.bulk.digest(self.request.write)
            return digest, services.importing.known(digest)

        self._digest, (known, self._operation_id) = self.platform.reader.read(read)
        return known

    def _known(self, resume: bool) -> dict[int, Counts]:
        """What of an earlier run is to be kept.

        Raises:
            Conflict: there is an unfinished one, and it is not said what to do with it.
        """
        known = self._read_known()
        survey = self.request.file.survey
        if resume or not known:
            return known
        if len(known) < len(survey.chunks) and not self.request.restart:
            done = sum(counts.records for counts in known.values())
            raise unfinished(f"{survey.records:,} records", done)
        self._operation_id = None
        return {}

    def _chunks(self, resume: bool, operation_id: UUID | None = None) -> Counts:
        """Each chunk in a transaction of its own; the next is read while the database works on this one."""
        known = self._known(resume)
        if not known:
            self.platform.keeper.keep(lambda services: services.importing.forget(self._digest))
        self._operation_id = self._operation_id or operation_id
        self._counts = sum(known.values(), Counts())
        self._before = self.platform.sessions.in_flight
        file = self.request.file
        todo = [chunk for chunk in file.survey.chunks if chunk.number not in known]
        try:
            with ThreadPoolExecutor(1) as reading:
                ahead = [reading.submit(file.prepared, chunk) for chunk in todo[:1]]
                for place, self._at in enumerate(todo, 1):
                    blocks = ahead.pop().result()
                    ahead += [reading.submit(file.prepared, chunk) for chunk in todo[place : place + 1]]
                    self._counts += self._one(self._at, blocks)
                    self._before = self.platform.sessions.in_flight
                    self.tell(self._counts.records)
        except (KeyboardInterrupt, Interrupted, Terminated) as signal:
            raise interruption(self.platform, signal, self._before, self._told, self.request.write) from signal
        except TryAgain as error:
            raise TryAgain(f"{error.message}; {self._told()}", how_to_go_on(self.request.write)) from error
        return self._counts

    def _one(self, chunk: Chunk, blocks: list[bytes]) -> Counts:
        """Take a chunk, in a transaction of its own."""
        sessions = self.platform.sessions

        def work(services: Services) -> Counts:
            return self._take_and_record(services, chunk, blocks)

        try:
            if self._operation_id is not None:
                return sessions.go_on(self._operation_id, work)
            outcome = sessions.write(self.request.write, work, Counts, goes_on=True)
            self._operation_id = outcome.operation_id
        except _DoneElsewhere:
            return self._read_known()[chunk.number]
        return outcome.value

    def _take_and_record(self, services: Services, chunk: Chunk, blocks: list[bytes]) -> Counts:
        file, operation_id, importing = self.request.file, services.operation, services.importing
        if not importing.claim(self._digest, len(file.survey.chunks), chunk.number, operation_id):
            raise _DoneElsewhere
        counts = importing.take(self.importer, operation_id, self._digest, chunk, file, blocks)
        importing.record(self._digest, chunk.number, counts)
        return counts

    def _told(self, more: bool = False) -> str:
        done = self._counts.records + (self._at.records if more and self._at is not None else 0)
        total = self.request.file.survey.records
        return f"{done:,} of {total:,} records are through, {total - done:,} are not"

    def _together(self, known: dict[int, Counts]) -> ImportOutcome:
        """All chunks in one transaction: all or nothing, or a dry run."""
        write = self.request.write
        # What is not taken is read back before it is rolled back with the rest.
        with_rejects = _Kept()

        def work(services: Services) -> Counts:
            return self._whole(services, known, with_rejects)

        outcome: Outcome[Any] = self.platform.write(write, work, Counts | None)
        if outcome.value is None:
            # A real run under this key was cut short.
            outcome = self.platform.write(replace(write, idempotency_key=None), work, None)
        return ImportOutcome(outcome.value, outcome.operation_id, with_rejects.read, replace(outcome, value=None))

    def _whole(self, services: Services, known: dict[int, Counts], kept: "_Kept") -> Counts:
        digest, importing, file = self._digest, services.importing, self.request.file
        if self.request.atomic:
            digest = f"operation {services.operation}"
        elif not known:
            importing.forget(digest)
        counts = sum(known.values(), Counts())
        for chunk in file.survey.chunks:
            if chunk.number not in known:
                blocks = file.prepared(chunk)
                counts += importing.take(self.importer, services.operation, digest, chunk, file, blocks)
                self.tell(counts.records)
        if counts.rejected:
            kept.write(importing.rejected(digest))
            if self.request.atomic:
                raise Rejected(counts, kept.read)
        return counts


class _Kept:
    """Rejects in a file that nobody else sees, gone with this."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None

    def write(self, rejects: Iterator[Reject]) -> None:
        """Keep these, in place of those before."""
        self._file = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - read later, closed with this
        finalize(self, self._file.close)
        self._file.writelines(f"{json.dumps([reject.line, reject.reason])}\n" for reject in rejects)

    def read(self) -> Iterator[Reject]:
        """All of them, from the first."""
        if self._file is not None:
            self._file.seek(0)
            for line in self._file:
                yield Reject(*json.loads(line))
