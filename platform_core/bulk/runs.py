"""Runs over several items: each item in an operation and a transaction of its own, or all in one."""

from dataclasses import dataclass, field, replace
from typing import Any

from platform_core.bulk.frame import how_to_go_on, interruption, under_key, unfinished
from platform_core.bulk.service import Known, changed, failed, key_of, malformed, same_row, unchanged_code
from platform_core.bulk.together import OverItems, Together
from platform_core.bulk.types import BulkOutcome, Item, ItemResult, ItemStatus
from platform_core.db.session import InFlight, Phase
from platform_core.errors import AgentadmError, Interrupted, MissingPrivilege, Terminated, TryAgain
from platform_core.services import Services

NOTHING_KNOWN = Known({}, {}, 0)


class _SameRow(Exception):
    """The item is about a row that an earlier one was about; this transaction is taken back."""


class _DoneElsewhere(Exception):
    """Another process has done the item meanwhile; this transaction is taken back."""


@dataclass
class Run(OverItems):
    """Each item in an operation of its own, unless all are to go together."""

    _results: dict[int, ItemResult] = field(default_factory=dict, init=False)
    # Items that changed nothing, still to be recorded; and keys of rows that were met, with their reference.
    _rest: dict[int, ItemResult] = field(default_factory=dict, init=False)
    _rows: dict[str, str] = field(default_factory=dict, init=False)
    # The last change whose result is known.
    _before: InFlight | None = field(default=None, init=False)

    def go(self) -> BulkOutcome:
        """Do what is asked.

        Returns:
            A result for each item, in order.

        Raises:
            Conflict: an earlier run of the same items is not finished; the idempotency key was used for other inputs.
            GuardTripped: --expect, or with `atomic` --max-affected, did not hold.
            TryAgain: the database went away; what is done is on record.
            Interrupted, Terminated: by a signal; it says how many items are done.
        """
        if self.request.atomic:
            return self._together(NOTHING_KNOWN)
        if self.request.write.dry_run:
            _, known = self._known(self.request.resume)
            return self._together(known)
        if self.request.write.idempotency_key is None:
            return BulkOutcome(self._each(self.request.resume))
        return self._under_key()

    def _together(self, known: Known) -> BulkOutcome:
        return Together(self.platform, self.request, self.change, self.find, self.tell).go(known)

    def _under_key(self) -> BulkOutcome:
        """The whole run is repeatable exactly once: a repeat goes on with what was cut short, or failed."""
        write = self.request.write
        arguments = {**write.arguments, self.request.argument: f"{len(self.request.items):,} items"}
        results, replay = under_key(
            self.platform.sessions,
            replace(write, arguments=arguments),
            tuple[ItemResult, ...],
            lambda first: self._each(self.request.resume or first.replayed),
            lambda results: all(result.status is not ItemStatus.FAILED for result in results),
        )
        return BulkOutcome(results, replay)

    def _known(self, resume: bool) -> tuple[str, Known]:
        """The run's digest, and what of an earlier one is to be kept.

        Raises:
            Conflict: there is an unfinished one, and it is not said what to do with it.
        """
        request = self.request

        def read(services: Services) -> tuple[str, Known]:
            digest = services.bulk.digest(request.write)
            return digest, services.bulk.known(digest, request)

        digest, known = self.platform.read(read)
        total = len(request.items)
        if resume or known.recorded == 0:
            return digest, known
        if known.recorded < total and not request.restart:
            raise unfinished(f"{total:,} items", known.recorded)
        return digest, NOTHING_KNOWN

    def _each(self, resume: bool) -> tuple[ItemResult, ...]:
        digest, known = self._known(resume)
        if known is NOTHING_KNOWN:
            self.platform.keeper.keep(lambda services: services.bulk.forget(digest))
        self._results.update(known.done)
        self._rows.update(known.rows)
        self._before = self.platform.sessions.in_flight
        todo = [item for item in self.request.items if item.place not in known.done]
        try:
            for item in todo:
                result = self._one(digest, item, waits=item is todo[-1])
                self._results[item.place] = result
                self._before = self.platform.sessions.in_flight
                if result.operation_id is None:
                    self._rest[item.place] = result
                self.tell(len(self._results))
            self._record_rest(digest)
        except (KeyboardInterrupt, Interrupted, Terminated) as signal:
            raise self._interruption(signal) from signal
        return tuple(self._results[item.place] for item in self.request.items)

    def _record_rest(self, digest: str) -> None:
        if self._rest:
            total = len(self.request.items)
            private = self.request.private
            self.platform.keeper.keep(
                lambda services: services.bulk.record_rest(digest, total, self._rest, private=private)
            )

    def _one(self, digest: str, item: Item, *, waits: bool) -> ItemResult:
        """Change one item, in an operation and a transaction of its own."""
        if item.problem is not None:
            return malformed(item.reference, item.problem)
        write = self.request.write
        arguments = {**write.arguments, self.request.argument: item.reference}
        request = replace(write, arguments=arguments, inputs={}, idempotency_key=None)
        try:
            outcome = self.platform.sessions.write(
                request, lambda services: self._change_and_record(services, digest, item, waits=waits), Any
            )
        except _SameRow as same:
            return same_row(item.reference, str(same))
        except _DoneElsewhere:
            _, known = self._known(True)
            return known.done[item.place]
        except (Interrupted, Terminated, MissingPrivilege):
            # What a login may not do to one, it may not do to any.
            raise
        except AgentadmError as error:
            if isinstance(error, TryAgain):
                self._still_there(error)
            return failed(item.reference, error.code, error.message)
        status, row_key = outcome.value
        if row_key is not None:
            self._rows[row_key] = item.reference
        return changed(item.reference, status, outcome.operation_id, error_unchanged=self.request.error_unchanged)

    def _change_and_record(
        self, services: Services, digest: str, item: Item, *, waits: bool
    ) -> tuple[ItemStatus, str | None]:
        row_key = key_of(self.change(services, item.reference))
        if row_key in self._rows:
            raise _SameRow(self._rows[row_key])
        total, code = len(self.request.items), unchanged_code(error_unchanged=self.request.error_unchanged)
        status = services.bulk.record(
            digest, total, item.place, services.operation, row_key, code=code, waits=waits, unaudited=services.unaudited
        )
        if status is None:
            raise _DoneElsewhere
        return status, row_key

    def _still_there(self, error: TryAgain) -> None:
        """Stop where the database is gone, or does not tell what became of the item, and do not fail all the others."""
        in_flight = self.platform.sessions.in_flight
        if in_flight is not None and in_flight.phase is Phase.UNKNOWN:
            raise TryAgain(f"{error.message}; {self._told()}", how_to_go_on(self.request.write)) from error
        try:
            self.platform.reader.read(lambda _services: None)
        except TryAgain:
            raise TryAgain(f"{error.message}; {self._told()}", how_to_go_on(self.request.write)) from error

    def _interruption(self, signal: BaseException) -> AgentadmError:
        """What to say after a signal: how far the run has come, the item under way included."""
        return interruption(self.platform, signal, self._before, self._told, self.request.write)

    def _told(self, more: bool = False) -> str:
        done = sum(result.operation_id is not None for result in self._results.values()) + more
        total = len(self.request.items)
        return f"{done:,} of {total:,} items are done, {total - done:,} are not"
