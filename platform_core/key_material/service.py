"""The rules of key material: which versions there are, which are in use, and whether they are here."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from platform_core.db.schema import AnyRow
from platform_core.errors import AgentadmError, Conflict, NotFound, UsageError
from platform_core.key_material import queries
from platform_core.key_material.file import make, with_new_version
from platform_core.key_material.ring import KeyRing, read_ring
from platform_core.key_material.types import KeyVersion, Purpose
from platform_core.keys.types import BCRYPT

if TYPE_CHECKING:
    from platform_core.services import Services

BACK_HINT = "put back the key material that belongs to this database; agentadm config show says where it is looked for"


class KeyMaterialService:
    """Versions of peppers and encryption keys.

    Args:
        services: of the unit of work.
    """

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._connection = services.connection

    def list(self) -> tuple[KeyVersion, ...]:
        """Every version, oldest first, with how many rows still use it."""
        ring = read_ring(self._services.settings)
        used = {
            Purpose.PEPPER: queries.keys_by_version(self._connection),
            Purpose.ENCRYPTION: queries.values_by_version(self._connection),
        }
        return tuple(_version(row, ring, used[Purpose(row.purpose)]) for row in queries.versions(self._connection))

    def checked_ring(self) -> KeyRing:
        """The ring with the versions in use, of which each is here and what it was.

        Raises:
            UsageError: one is missing, or another is in its place; or the ring itself is not what it should be.
        """
        ring, rows = read_ring(self._services.settings), self._in_use()
        if problems := _problems(ring, rows):
            raise UsageError(problems[0], BACK_HINT)
        return ring.only({purpose: [row.version for row in rows if row.purpose == purpose] for purpose in Purpose})

    def problems(self) -> Sequence[str]:
        """What is wrong with the versions in use, in words.

        Raises:
            UsageError: the ring itself is not what it should be.
        """
        rows = self._in_use()
        return _problems(read_ring(self._services.settings), rows) if rows else ()

    def missing(self) -> Sequence[Purpose]:
        """What there is no version for: nothing of that kind can be made yet."""
        there = {row.purpose for row in self._in_use()}
        return [purpose for purpose in Purpose if purpose not in there]

    def unknown_keys(self) -> dict[str, int]:
        """By version of the pepper, how many living API keys are hashed with one that is not in use."""
        known = {BCRYPT, *(str(row.version) for row in self._in_use() if row.purpose == Purpose.PEPPER)}
        living = queries.keys_by_version(self._connection)
        return {version: number for version, number in living.items() if version not in known}

    def outdated(self) -> int:
        """How many values are encrypted with another version than the newest.

        Raises:
            UsageError: the key material is not here, or there is no encryption key.
        """
        newest = str(self._services.key_ring.newest(Purpose.ENCRYPTION))
        return sum(
            number for version, number in queries.values_by_version(self._connection).items() if version != newest
        )

    def begin(self) -> None:
        """In a new installation register what the ring holds; one for the embedded server is made where there is none.

        Raises:
            UsageError: the ring is not what it should be.
        """
        settings = self._services.settings
        if settings.target.embedded and settings.key_source is not None and settings.key_source.path is not None:
            make(settings.key_source.path)
        ring = read_ring(settings)
        for purpose in Purpose:
            for version in ring.versions(purpose):
                queries.register(self._connection, purpose, version, ring.fingerprint(purpose, version))

    def add(self, purpose: Purpose, *, dry_run: bool = False) -> KeyVersion:
        """Make the next version, first in the file and then here; one that the file has already is registered.

        Raises:
            UsageError: what is registered is not here; or the ring comes from a variable, which cannot be written.
        """
        queries.lock(self._connection)
        rows = [row for row in queries.versions(self._connection) if row.purpose == purpose]
        _ = self.checked_ring()
        version = max((row.version for row in rows), default=0) + 1
        ring = read_ring(self._services.settings)
        # A run that was cut short has left it there.
        if version not in ring.versions(purpose):
            ring = with_new_version(self._services.settings, purpose, version, dry_run=dry_run)
        queries.register(self._connection, purpose, version, ring.fingerprint(purpose, version))
        return replace(self._version(purpose, version), in_ring=True)

    def retire(self, purpose: Purpose, version: int) -> KeyVersion:
        """Take a version out of use that nothing uses any more; its secret can go then.

        Raises:
            NotFound: there is no such version.
            Conflict: rows use it, or it is the newest.
        """
        row = queries.lock_version(self._connection, purpose, version)
        if row is None:
            raise NotFound(f"no {purpose} {version}", "agentadm db key-material list shows them")
        found = self._version(purpose, version)
        if row.retired_at is not None:
            return found
        newest = max(other.version for other in self._in_use() if other.purpose == purpose)
        if version == newest:
            raise Conflict(
                f"{purpose} {version} is the newest, which what is new gets",
                f"add another first: agentadm db key-material add {purpose}",
            )
        if found.rows:
            what = "living API keys are hashed" if purpose is Purpose.PEPPER else "values are encrypted"
            raise Conflict(f"{found.rows:,} {what} with {purpose} {version}", _how_to_free(purpose))
        queries.retire(self._connection, row.id)
        return self._version(purpose, version)

    def _in_use(self) -> Sequence[AnyRow]:
        return [row for row in queries.versions(self._connection) if row.retired_at is None]

    def _version(self, purpose: Purpose, version: int) -> KeyVersion:
        found = next((each for each in self.list() if (each.purpose, each.version) == (purpose, version)), None)
        if found is None:
            raise AgentadmError(f"{purpose} {version} is gone")
        return found


def _version(row: AnyRow, ring: KeyRing, used: dict[str, int]) -> KeyVersion:
    purpose = Purpose(row.purpose)
    return KeyVersion(
        purpose,
        row.version,
        row.fingerprint,
        row.version in ring.versions(purpose) and ring.fingerprint(purpose, row.version) == row.fingerprint,
        used.get(str(row.version), 0),
        row.created_at,
        row.retired_at,
        row.id,
    )


def _problems(ring: KeyRing, rows: Sequence[AnyRow]) -> list[str]:
    found = []
    for row in rows:
        purpose = Purpose(row.purpose)
        if row.version not in ring.versions(purpose):
            found.append(f"{purpose} {row.version}, which this database uses, is not in {ring.where}")
        elif ring.fingerprint(purpose, row.version) != row.fingerprint:
            found.append(f"{purpose} {row.version} in {ring.where} is another than the one that this database uses")
    return found


def _how_to_free(purpose: Purpose) -> str:
    if purpose is Purpose.PEPPER:
        return "a key moves to the newest pepper when it is next verified; rotate or revoke those that nobody uses"
    return "encrypt them anew: agentadm db key-material rotate"
