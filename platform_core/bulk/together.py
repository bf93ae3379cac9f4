"""Several items in one transaction: all or nothing, or a dry run in which conflicts between them show."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from platform_core.bulk.service import Known, changed, failed, key_of, not_done, same_row
from platform_core.bulk.types import BulkOutcome, BulkRequest, Item, ItemResult, ItemStatus
from platform_core.db.engine import DRIVER_ERRORS, is_lost_connection, translated
from platform_core.db.rerun import is_in_the_way
from platform_core.errors import AgentadmError, GuardTripped, Interrupted, Terminated, UsageError
from platform_core.services import Services

if TYPE_CHECKING:
    from platform_core.bulk.service import RowCounter
    from platform_core.platform import Platform


Change = Callable[[Services, str], Any]
Find = Callable[[Services, str], UUID | str]


@dataclass
class OverItems:
    """One change of several items.

    Attributes:
        platform: where to.
        request: what is asked.
        change: changes the row that a reference names, and answers with it.
        find: the key of the row that a reference names.
        tell: is told how many items are through.
    """

    platform: "Platform"
    request: BulkRequest
    change: Change
    find: Find
    tell: Callable[[int], None]


class Together(OverItems):
    """One operation over several items."""

    # What is done already, so that a dry run of --resume leaves it out; and the item that is being done.
    _known: Known
    _at: Item | None = None

    def go(self, known: Known) -> BulkOutcome:
        """Do what is asked.

        Raises:
            GuardTripped: --expect or --max-affected did not hold.
            AgentadmError: it failed, and no item is to blame.
        """
        self._known = known
        write, items = self.request.write, self.request.items
        write = replace(write, arguments=self._arguments())
        try:
            outcome = self.platform.write(write, self._work, tuple[ItemResult, ...] | None)
            stored: Any = outcome.value
            if stored is None:
                # A real run under this key was cut short.
                outcome = self.platform.write(replace(write, idempotency_key=None), self._work, None)
        except (GuardTripped, Interrupted, Terminated):
            raise
        except AgentadmError as error:
            at = self._at
            if at is None:
                raise
            told = {at.place: failed(at.reference, error.code, error.message)}
            return BulkOutcome(tuple(told.get(item.place) or not_done(item.reference) for item in items))
        return BulkOutcome(outcome.value, outcome)

    def _arguments(self) -> dict[str, Any]:
        references = [item.reference for item in self.request.items]
        return {**self.request.write.arguments, self.request.argument: references}

    def _work(self, services: Services) -> tuple[ItemResult, ...]:
        rows = dict(self._known.rows)
        twice = self._expected(services) if self.request.expect is not None else {}
        counter = services.bulk.row_counter(services.operation)
        results = dict(self._known.done)
        for item in self.request.items:
            if item.place in results:
                continue
            self._at = item
            if item.place in twice:
                results[item.place] = same_row(item.reference, twice[item.place])
            elif self.request.atomic:
                results[item.place] = self._one(services, item, rows, counter)
            else:
                results[item.place] = self._one_alone(services, item, rows, counter)
            self.tell(len(results))
        self._at = None
        return tuple(results[item.place] for item in self.request.items)

    def _expected(self, services: Services) -> dict[int, str]:
        """Count the rows that are meant, before the first is touched. Returns items that name the row of another."""
        first: dict[UUID | str, str] = {}
        twice: dict[int, str] = {}
        for item in self.request.items:
            self._at = item
            self._refuse_malformed(item)
            key = self.find(services, item.reference)
            if key in first:
                twice[item.place] = first[key]
            first.setdefault(key, item.reference)
        self._at = None
        if len(first) != self.request.expect:
            same = f" ({len(twice):,} of the {len(self.request.items):,} items name the same row)" if twice else ""
            raise GuardTripped(
                f"--expect {self.request.expect}, but {len(first)} would be changed{same}", "nothing was changed"
            )
        return twice

    @staticmethod
    def _refuse_malformed(item: Item) -> None:
        if item.problem is not None:
            raise UsageError(item.problem)

    def _one(self, services: Services, item: Item, rows: dict[str, str], counter: "RowCounter") -> ItemResult:
        """Change one item; whatever goes wrong is everybody's."""
        self._refuse_malformed(item)
        unaudited = services.unaudited
        with services.connection.begin_nested() as savepoint:
            row_key = key_of(self.change(services, item.reference))
            if row_key in rows:
                savepoint.rollback()
                services.unaudited = unaudited
                return same_row(item.reference, rows[row_key])
            affected = counter.count() + services.unaudited - unaudited
            if self.request.write.dry_run and not self.request.atomic:
                services.bulk.check_deferred_constraints()
        if row_key is not None:
            rows[row_key] = item.reference
        status = ItemStatus.DONE if affected else ItemStatus.UNCHANGED
        return changed(item.reference, status, services.operation, error_unchanged=self.request.error_unchanged)

    def _one_alone(self, services: Services, item: Item, rows: dict[str, str], counter: "RowCounter") -> ItemResult:
        """Change one item of a dry run; what goes wrong is its own."""
        unaudited = services.unaudited
        try:
            return self._one(services, item, rows, counter)
        except AgentadmError as error:
            services.unaudited = unaudited
            return failed(item.reference, error.code, error.message)
        except DRIVER_ERRORS as error:
            services.unaudited = unaudited
            if is_lost_connection(error) or is_in_the_way(error):
                raise
            ours = translated(error)
            return failed(item.reference, ours.code, ours.message)
