"""Rotation: every encrypted column encrypted anew, chunk by chunk, in one operation that can be cut short anywhere."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Table

from platform_core.bulk.frame import interruption
from platform_core.db.schema import encrypted_columns
from platform_core.db.session import InFlight
from platform_core.errors import Interrupted, Terminated
from platform_core.key_material import queries
from platform_core.key_material.types import Purpose, Rotated
from platform_core.operations.types import Outcome, WriteRequest
from platform_core.services import Services

if TYPE_CHECKING:
    from platform_core.platform import Platform

CHUNK_ROWS = 1_000


@dataclass
class Rotation:
    """One run. What is encrypted with the newest version already is left alone, so that a repeat goes on.

    Attributes:
        platform: where to.
        request: the operation.
        tell: is told how many values are through.
    """

    platform: "Platform"
    request: WriteRequest
    tell: Callable[[int], None]
    _counts: dict[str, int] = field(default_factory=dict, init=False)
    _version: int = field(default=0, init=False)
    _before: InFlight | None = field(default=None, init=False)

    def go(self) -> tuple[Rotated, Outcome[Rotated] | None]:
        """Do it.

        Returns:
            What was done; and the outcome, where all of it was one transaction: a dry run, or with --max-affected.

        Raises:
            UsageError: the key material is not here, or there is no encryption key.
            Interrupted, Terminated: by a signal; what is done is done, and a repeat goes on.
        """
        if self.request.dry_run or self.request.max_affected is not None:
            outcome = self.platform.write(self.request, self._whole, Rotated)
            return outcome.value, outcome
        self._before = self.platform.sessions.in_flight
        try:
            begun = self.platform.sessions.write(self.request, _hold_newest, int)
            self._version = begun.value
            for table, column in encrypted_columns():
                after: UUID | None = None
                while (after := self._chunk(begun.operation_id, table, column, after)) is not None:
                    self.tell(sum(self._counts.values()))
        except (KeyboardInterrupt, Interrupted, Terminated) as signal:
            told = interruption(self.platform, signal, self._before, self._told, self.request)
            told.hint = "repeat the command: it goes on exactly there"
            raise told from signal
        return self._result(begun.operation_id), None

    def _chunk(self, operation_id: UUID, table: Table, column: str, after: UUID | None) -> UUID | None:
        """Encrypt some rows, in a transaction of their own. Returns the last one's key; None when none was left."""
        done, last = self.platform.sessions.go_on(
            operation_id, lambda services: _encrypt(services, table, column, after)
        )
        self._before = self.platform.sessions.in_flight
        self._count(table, column, done)
        return last

    def _whole(self, services: Services) -> Rotated:
        self._counts.clear()
        self._version = _hold_newest(services)
        for table, column in encrypted_columns():
            done, after = _encrypt(services, table, column, None)
            while after is not None:
                self._count(table, column, done)
                done, after = _encrypt(services, table, column, after)
        return self._result(services.operation)

    def _count(self, table: Table, column: str, done: int) -> None:
        name = f"{table.name}.{column}"
        self._counts[name] = self._counts.get(name, 0) + done

    def _result(self, operation_id: UUID) -> Rotated:
        counts = {name: number for name, number in self._counts.items() if number}
        return Rotated(self._version, sum(counts.values()), counts, operation_id)

    def _told(self, more: bool = False) -> str:  # noqa: ARG002 - how many the last chunk had is not known
        return f"{sum(self._counts.values()):,} values were encrypted anew"


def _hold_newest(services: Services) -> int:
    """The version that everything is to be encrypted with; it is not retired meanwhile."""
    newest = services.key_ring.newest(Purpose.ENCRYPTION)
    queries.lock_version(services.connection, Purpose.ENCRYPTION, newest)
    return newest


def _encrypt(services: Services, table: Table, column: str, after: UUID | None) -> tuple[int, UUID | None]:
    """Encrypt a chunk of rows. Returns how many they were, and the last one's key."""
    ring, newest = services.key_ring, _hold_newest(services)
    rows = queries.outdated(services.connection, table, column, newest, after, CHUNK_ROWS)
    if not rows:
        return 0, None
    queries.store(services.connection, table, column, {row.id: ring.encrypt(ring.decrypt(row.stored)) for row in rows})
    return len(rows), rows[-1].id
